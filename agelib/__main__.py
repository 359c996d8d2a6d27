"""The command line: ``agelib book``, ``train``, ``study``, ``export``, ``predict``, ``app``, ``data``, ``disk``, …

Every command of the Makefile, on every system, and every option of an experiment, generated from the dataclass:
``learning_rate`` is ``--learning-rate``. The same works as ``python -m agelib``. Explained in "How to run".
"""

import argparse
import sys

from agelib.commands import book, data, experiments, models, references, store, teaching


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 something failed on the way, 2 asked for what cannot be.

    Examples
    --------
    >>> main(["networks", "--pattern", "resnet*", "--names"])
    resnet18
    0
    """
    chosen = _parser().parse_args(arguments)
    try:
        return chosen.command(chosen) or 0
    except (ValueError, OSError, RuntimeError) as error:
        if chosen.traceback:
            raise
        print(f"agelib {chosen.name}: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agelib", description="A book on estimating age from faces, and its package on the command line."
    )
    parser.add_argument("--traceback", action="store_true", help="show where in the code an error comes from")
    commands = parser.add_subparsers(title="commands", dest="name", required=True)
    for group in (book, experiments, models, references, data, store, teaching):
        group.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
