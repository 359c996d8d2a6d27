"""Commands for a course: ``assign``, ``collect``, ``grade``, ``link``, and ``check`` for students.

Explained on the page "For instructors".
"""

import sys
from pathlib import Path

from agelib.cli.options import add_workers, open_workers
from agelib.runtime.progress import Line


def add(commands) -> None:
    """Add the commands to the parser's."""
    assign = commands.add_parser(
        "assign", help="hand out chapters: every student with parameters of their own, without solutions"
    )
    _add_class(assign)
    add_workers(assign, "notebooks", "one a processor core")
    assign.add_argument("--keys", action="store_true", help="make every student's answer key, too; goes on if stopped")
    assign.add_argument("--check", action="store_true", help="execute each copy up to its first exercise")
    assign.set_defaults(command=_assign, needs=["nbgrader"], kept="Copies written and keys made are kept. To go on:")

    collect = commands.add_parser("collect", help="take what the class has handed in")
    _add_class(collect)
    collect.add_argument("--source", type=Path, required=True, help="folder or zip archive of the hand-ins")
    collect.set_defaults(command=_collect, kept="What was collected is kept. To go on:")

    grade = commands.add_parser(
        "grade", help="grade what was collected: gradebook, table and a page of feedback for each student"
    )
    _add_class(grade)
    add_workers(grade, "hand-ins", "one a processor core")
    grade.add_argument("--seconds", type=float, default=900, help="most time of a submission (default 900)")
    grade.add_argument("--memory", type=float, default=4, help="most memory of a submission, in GB (default 4)")
    grade.set_defaults(
        command=_grade, needs=["nbgrader"], kept="What is graded is kept and not graded again. To go on:"
    )

    link = commands.add_parser("link", help="a link that opens a chapter on a JupyterHub")
    link.add_argument("chapter", help="its number, such as 03")
    link.add_argument("--hub", required=True, help="address of the hub")
    link.add_argument("--repository", required=True, help="address of the repository that students fetch")
    link.add_argument("--branch", default="main")
    link.set_defaults(command=_link)

    check = commands.add_parser("check", help="for students: is my notebook ready to be handed in?")
    check.add_argument("notebook", type=Path, nargs="+", help="your notebook, saved, such as 03_splits.ipynb")
    check.set_defaults(command=_check, needs=["nbgrader"], kept="Your notebook is as it was. To check it again:")


def _add_class(command) -> None:
    command.add_argument("chapters", nargs="+", help="numbers of chapters with graded exercises, such as 01 03")
    command.add_argument("--roster", type=Path, required=True, help="CSV of the class, with a column student")
    command.add_argument("--folder", type=Path, default=Path("course"), help="the course's folder (default: course)")
    command.add_argument(
        "--secret", type=Path, help="file of the course's secret, made if there is none (default: FOLDER/secret.txt)"
    )


def _assign(chosen) -> int:
    import time

    from agebook.course import assign as assigning

    started = time.perf_counter()
    chapters, roster, made = _assignments(chosen, assigning.assign)
    print(
        f"{len(made)} copies for {len(roster)} students in {time.perf_counter() - started:.1f} s: "
        f"{chosen.folder / 'release'}"
    )
    failed = {}
    if chosen.check:
        line = Line("check copies", len(made), "copies")
        with _open(chosen, chapters) as executor:
            failed |= assigning.check_copies(made, chapters, chosen.workers, _telling(line), executor)
        line.close()
    if chosen.keys:
        line = Line("make keys", sum(not each.key.is_file() for each in made), "keys")
        with _open(chosen, chapters) as executor:
            failed |= assigning.make_keys(made, chapters, chosen.workers, _telling(line), executor)
        line.close()
        print(f"keys: {chosen.folder / 'keys'} (not for students)")
    for (student, chapter), error in failed.items():
        print(f"{student}, {chapter} FAILED: {error}")
    return 1 if failed else 0


def _telling(line: Line):
    """What moves a line of progress on when something is reported."""
    return lambda text: line.advance(1, text)


def _collect(chosen) -> int:
    from agebook.course import assign as assigning
    from agebook.course import collect as collecting
    from agebook.course import grade as grading

    _, _, made = _assignments(chosen, assigning.recall)
    table = collecting.collect(chosen.source, made, chosen.folder)
    for row in table[(table["outcome"] != "collected") | (table["reason"] != "")].itertuples():
        print(f"{row.outcome:14} {row.file}: {row.reason}")
    outcomes = table["outcome"].value_counts()
    disputed = set(table.loc[table["outcome"] == "conflict", ["student", "chapter"]].itertuples(index=False, name=None))
    missing: dict[str, list] = {each.chapter: [] for each in made}
    for each in made:
        if (each.student, each.chapter) not in disputed and not grading.submission_of(each, chosen.folder).is_file():
            missing[each.chapter].append(each.student)
    for chapter, students in missing.items():
        if students:
            print(f"not handed in, {chapter}: {', '.join(students)}")
    number = sum(len(students) for students in missing.values())
    print(f"{outcomes.get('collected', 0)} collected, {number} not handed in")
    left = outcomes.get("unknown", 0) + outcomes.get("not understood", 0)
    return 1 if disputed or (number and left) else 0


def _grade(chosen) -> int:
    from agebook.course import assign as assigning
    from agebook.course import grade as grading
    from agebook.course import gradebook, grades, manual_grading, sandbox

    chapters, roster, made = _assignments(chosen, assigning.recall)
    manual_grading.require_writable(grades.file_of(chosen.folder))
    limits = sandbox.Limits(seconds=chosen.seconds, memory=int(chosen.memory * 1e9))
    line = Line("grade", len(made), "hand-ins")
    with _open(chosen, chapters) as executor:
        print(f"enforced where it is done: {executor.submit(sandbox.enforced).result()}")
        table = grading.grade(made, chapters, chosen.folder, limits, chosen.workers, _telling(line), executor)
    line.close()
    pages = gradebook.write_feedback(table, chosen.folder)
    left = grades.write_grades(table, roster, chosen.folder)
    print(f"{grades.file_of(chosen.folder)}, {chosen.folder / 'gradebook.db'}, {len(pages)} pages of feedback")
    if left:
        print(f"{len(left)} graded earlier and no longer in the class list: {', '.join(left)}")
    if table["unread"].any():
        marks = manual_grading.file_of(chosen.folder)
        print(f"{table['unread'].sum()} answers to be read: fill in {marks}, and grade again")
    for row in table[table["remarks"] != ""].itertuples():
        print(f"  {row.student}, {row.chapter}: {row.outcome}; {row.remarks}")
    return 0


def _check(chosen) -> int:
    from agebook.course import self_check

    found = [_check_one(self_check, file) for file in chosen.notebook]
    return 2 if 2 in found else max(found)


def _check_one(self_check, file: Path) -> int:
    """Check one notebook; what is the matter with it does not keep the next one from being checked."""
    line = Line(f"run {file.name}", 1, "cells")

    def told(done, total):
        line.total = total
        line.advance(done - line.done)

    try:
        exercises, remarks = self_check.check(file, told=told)
    except (ValueError, OSError) as error:
        print(f"agebook check: {error}", file=sys.stderr)
        return 2
    line.close()
    for each in exercises:
        print(f"{'ready  ' if each.ready else 'TO DO  '} {each.name}: {each.said}")
    for remark in remarks:
        print(f"note    {remark}")
    done = sum(each.ready for each in exercises)
    print(f"{file.name}: {done} of {len(exercises)} exercises ready. Whether values are right, grading tells.")
    return 0 if done == len(exercises) else 1


def _link(chosen) -> None:
    from agebook.course.hub_link import hub_link

    (chapter,) = _chapters([chosen.chapter])
    print(hub_link(chosen.hub, chosen.repository, f"notebooks/{chapter.path.name}", chosen.branch))


def _open(chosen, chapters):
    """Where notebooks are executed: each in a process of its own, so that threads will do on this machine."""
    return open_workers(chosen, {chosen.folder, *(chapter.path.parent for chapter in chapters)}, threads=True)


def _assignments(chosen, make):
    """The chapters, the class, and what a function of :mod:`agebook.course.assign` makes of them."""
    from agebook.course import assign as assigning
    from agebook.course.roster import read_roster

    chapters = _chapters(chosen.chapters)
    roster = read_roster(chosen.roster)
    secret = assigning.read_secret(chosen.secret or chosen.folder / "secret.txt")
    return chapters, roster, make(chapters, roster["student"].tolist(), secret, chosen.folder)


def _chapters(numbers: list[str]) -> list:
    from agebook.build.chapters import REPOSITORY, list_chapters

    known = {chapter.number: chapter for chapter in list_chapters(REPOSITORY)}
    unknown = [number for number in numbers if number.zfill(2) not in known]
    if unknown:
        raise ValueError(f"there is no chapter {unknown[0]}; there is: {', '.join(known)}")
    return [known[number.zfill(2)] for number in dict.fromkeys(numbers)]
