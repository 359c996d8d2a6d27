"""Commands for instructors: ``assign``. Explained on the page "For instructors"."""

from pathlib import Path


def add(commands) -> None:
    """Add the commands to the parser's."""
    assign = commands.add_parser(
        "assign", help="hand out chapters: every student with parameters of their own, without solutions"
    )
    assign.add_argument(
        "chapters", nargs="+", help="numbers of chapters with graded exercises, such as 01 03"
    )
    assign.add_argument("--roster", type=Path, required=True, help="CSV of the class, with a column student")
    assign.add_argument(
        "--folder", type=Path, default=Path("course"), help="the course's folder (default: course)"
    )
    assign.add_argument(
        "--secret",
        type=Path,
        help="file of the course's secret, made if there is none (default: FOLDER/secret.txt)",
    )
    assign.add_argument(
        "--keys", action="store_true", help="make every student's answer key, too; goes on if stopped"
    )
    assign.add_argument("--check", action="store_true", help="execute each copy up to its first exercise")
    assign.add_argument(
        "--jobs", type=int, default=0, help="how many at a time (default: one a processor core)"
    )
    assign.set_defaults(command=_assign)


def _assign(chosen) -> int:
    import os
    import time

    from agelib.publishing.chapters import REPOSITORY, list_chapters
    from agelib.teaching import assigning, read_roster

    known = {chapter.number: chapter for chapter in list_chapters(REPOSITORY)}
    unknown = [number for number in chosen.chapters if number.zfill(2) not in known]
    if unknown:
        raise ValueError(f"there is no chapter {unknown[0]}; there is: {', '.join(known)}")
    chapters = [known[number.zfill(2)] for number in dict.fromkeys(chosen.chapters)]
    students = read_roster(chosen.roster)["student"].tolist()
    secret = assigning.read_secret(chosen.secret or chosen.folder / "secret.txt")
    started = time.perf_counter()
    made = assigning.assign(chapters, students, secret, chosen.folder)
    assigning.write_overview(made, chosen.folder / "keys" / "parameters.json")
    print(
        f"{len(made)} copies for {len(students)} students in {time.perf_counter() - started:.1f} s: "
        f"{chosen.folder / 'release'}"
    )
    jobs = chosen.jobs or os.cpu_count() or 1
    failed = {}
    if chosen.check:
        failed |= assigning.check_copies(made, chapters, jobs)
    if chosen.keys:
        failed |= assigning.make_keys(made, chapters, jobs)
        print(
            f"keys for {len(made) - len(failed)} of {len(made)} copies: {chosen.folder / 'keys'} (not for students)"
        )
    return 1 if failed else 0
