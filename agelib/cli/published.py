"""Commands ``reference`` and ``speedrun``: make the results on real pictures again. Explained on the page "Results"."""

import contextlib
import tempfile
from pathlib import Path

from agelib.cli.options import add_workers, open_workers
from agelib.runtime.progress import steady


def add(commands) -> None:
    """Add the command to the parser's."""
    reference = commands.add_parser("reference", help="make a reference result on real pictures again")
    reference.add_argument("which", nargs="?", help="its name, or split, or maps; without it, what there is")
    reference.add_argument("--root", default="", help="UTKFace: its folder or the published archive")
    reference.add_argument("--seeds", default="", help="such as 42,43 (default: those of the reference)")
    reference.add_argument(
        "--write", action="store_true", help="keep what is found in data/reference, in place of what is there"
    )
    add_workers(reference, "seeds")
    reference.set_defaults(
        command=_reference, kept="Finished runs are kept, and the last checkpoint of those begun. To go on:"
    )

    speedrun = commands.add_parser("speedrun", help="from the archive to a judged network, against the clock")
    speedrun.add_argument("which", nargs="?", default="speedrun", help="recipe (default: speedrun)")
    speedrun.add_argument("--root", default="", help="UTKFace: the published archive")
    speedrun.add_argument("--seed", type=int, help="default: the recipe's first")
    speedrun.add_argument(
        "--write", action="store_true", help="keep what is found in data/reference, in place of what is there"
    )
    speedrun.set_defaults(
        command=_speedrun, kept="A speedrun starts in an empty workspace, so nothing is kept. To begin again:"
    )


def _reference(chosen) -> None:
    with steady("load torch"):
        from agelib.experiments import published

    if chosen.which is None:
        for name in published.NAMES:
            seeds = [str(run.seed) for run in published.kept(name)]
            print(f"{name:20} {published.read(name).title}; kept seeds: {', '.join(seeds) or 'none'}")
        return
    if not chosen.root:
        raise ValueError("reference needs --root: the folder or the published archive of UTKFace")
    if chosen.which == "split":
        table = published.write_split(chosen.root)
        print(", ".join(f"{part} {number:,}" for part, number in table["split"].value_counts().items()))
        return
    if chosen.which == "maps":
        maps = published.write_maps(chosen.root)
        print(f"{', '.join(maps.averages)} of {maps.about['pictures']:,} pictures: data/reference/maps.json")
        return
    _again(chosen)


def _speedrun(chosen) -> None:
    with steady("load torch"):
        from agelib.experiments import published

    reference = published.read(chosen.which)
    if not chosen.root:
        raise ValueError("speedrun needs --root: the published archive of UTKFace")
    with _place(chosen.write) as folder:
        root = Path(chosen.root).expanduser().resolve()
        run = published.speedrun(root, chosen.seed, reference.name, folder)
        print(published.clock(run).round(2).to_string(index=False))
        print(run.measures.to_string(float_format="{:.2f}".format))
        said = ", ".join(f"{mark} after {run.clock[mark]:.0f} s" for mark in ("read", "decoded", "judged"))
        print(f"{run.folder.name}: {said}")


@contextlib.contextmanager
def _place(is_kept: bool):
    """Where results go: to the reference results, or nowhere."""
    from agelib.experiments import published

    if is_kept:
        yield published.reference.FOLDER
        return
    with tempfile.TemporaryDirectory() as elsewhere:
        yield Path(elsewhere)


def _again(chosen) -> None:
    from agelib.experiments import published

    reference = published.read(chosen.which)
    seeds = [int(seed) for seed in chosen.seeds.split(",") if seed.strip()] or list(reference.seeds)
    before = {run.seed: run.measures for run in published.kept(reference.name)}
    with _place(chosen.write) as folder:
        with open_workers(chosen, [published.reference.FOLDER]) as executor:
            root = Path(chosen.root).expanduser().resolve()
            runs = published.run_reference(
                reference.name, root, seeds, folder, workers=chosen.workers, executor=executor
            )
        for run in runs:
            found = run.measures
            if run.seed in before:
                found["kept"] = before[run.seed]["value"]
            print(f"{run.folder.name}\n{found.to_string(float_format='{:.2f}'.format)}")
