"""The command line: ``agelib``, or ``python -m agelib``. Every command of the Makefile, on every system.

Explained in the page "How to run".
"""

import argparse
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns its exit code (2: it was asked for something that makes no sense)."""
    parser = argparse.ArgumentParser(prog="agelib", description="A book on estimating age from faces.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_book(commands)
    _add_lab(commands)
    _add_bench(commands)
    _add_train(commands)
    chosen = parser.parse_args(arguments)
    return chosen.run(chosen)


def _add_book(commands) -> None:
    book = commands.add_parser("book", help="execute the chapters that changed and build the site")
    book.add_argument(
        "--profile", default="cpu", help="smoke, cpu (default) or gpu: a file of notebooks/profiles"
    )
    book.add_argument("--source", default="drawn", help="drawn (default), utkface, imdb-wiki or appa-real")
    book.add_argument(
        "--root", default="", help="the data set's folder or published archive; none for drawn faces"
    )
    book.add_argument(
        "--chapters", default="", help="chapters to execute, such as 05,06, or none (default: all)"
    )
    book.add_argument("--jobs", default="0", help="chapters to run at a time (default: one a core)")
    book.set_defaults(run=_book)


def _book(chosen) -> int:
    from agelib.publishing import book

    return book(chosen.profile, chosen.source, chosen.root, chosen.chapters, chosen.jobs)


def _add_lab(commands) -> None:
    lab = commands.add_parser("lab", help="open JupyterLab on the notebooks")
    lab.set_defaults(run=_lab)


def _lab(_chosen) -> int:
    from agelib.publishing import lab

    return lab()


def _add_bench(commands) -> None:
    bench = commands.add_parser(
        "bench", help="measure speed: run the programs in benchmarks/, one after the other"
    )
    bench.add_argument("names", nargs="*", help="which, such as training pixels (default: all)")
    bench.set_defaults(run=_bench)


def _bench(chosen) -> int:
    import subprocess

    from agelib.publishing.chapters import REPOSITORY

    there = {file.stem: file for file in sorted((REPOSITORY / "benchmarks").glob("[a-z]*.py"))}
    unknown = [name for name in chosen.names if name not in there]
    if unknown:
        print(f"bench: there is no benchmark {unknown[0]!r}; there is: {', '.join(there)}", file=sys.stderr)
        return 2
    worst = 0
    for name in chosen.names or there:
        print(f"── {name}", flush=True)
        worst = max(worst, subprocess.call([sys.executable, str(there[name])], cwd=REPOSITORY))
    return worst


def _add_train(commands) -> None:
    """One option for each field of an experiment, generated: the list stands in agelib/experiment.py alone."""
    from agelib.experiment import options

    train = commands.add_parser("train", help="train one experiment, or find it done, and show its metrics")
    for option in options().values():
        meaning = option.meaning.replace("%", "%%")
        default = ",".join(map(str, option.default)) if option.kind is tuple else option.default
        train.add_argument(
            f"--{option.name.replace('_', '-')}",
            dest=option.name,
            default=None,
            metavar=option.kind.__name__ if option.kind is not tuple else "a,b,…",
            help=f"{meaning} (default: {default if default != '' else 'none'})",
        )
    train.set_defaults(run=_train)


def _train(chosen) -> int:
    import agelib
    from agelib.experiment import options

    values = {name: getattr(chosen, name) for name in options() if getattr(chosen, name) is not None}
    try:
        experiment = agelib.Experiment.of(**values)
        run = agelib.run(experiment)
    except (ValueError, FileNotFoundError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    print(run.metrics)
    print(f"run: {run.folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
