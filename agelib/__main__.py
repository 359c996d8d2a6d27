"""The command line: ``agelib book``, ``train``, ``study``, ``export``, ``predict``, ``app``, ``data``, ``disk``, …

Every command of the Makefile, on every system, and every option of an experiment, generated from the dataclass:
``learning_rate`` is ``--learning-rate``. The same works as ``python -m agelib``. Explained in "How to run".
"""

import argparse
import contextlib
import sys

from agelib import logs, progress, stopping
from agelib.commands import book, data, experiments, models, references, store, teaching


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: done; 1: something failed on the way; 2: asked for what cannot be; 130: stopped by Ctrl-C or SIGTERM.

    Examples
    --------
    >>> main(["networks", "--pattern", "resnet*", "--names"])
    resnet18
    0
    """
    chosen = _parser().parse_args(arguments)
    typed = stopping.typed(arguments)
    # A server ends by Ctrl-C, and ends what it has started, in its own way.
    signals = contextlib.nullcontext() if chosen.ends_by_itself else stopping.on_signals()
    with logs.log_of(chosen.name, typed) as log, signals:
        try:
            return chosen.command(chosen) or 0
        except KeyboardInterrupt:
            return _stopped(chosen, typed)
        except (ValueError, OSError, RuntimeError) as error:
            if log.is_begun:
                logs.LOGGER.error("%s", error, exc_info=True)
            if chosen.traceback:
                raise
            print(f"agelib {chosen.name}: {error}", file=sys.stderr)
            return 2
        except Exception as error:
            logs.LOGGER.critical("%s", error, exc_info=True)
            if chosen.traceback:
                raise
            said = f"{type(error).__name__}: {error}"
            print(
                f"agelib {chosen.name}: unexpected, {said}; where it comes from: {log.file}", file=sys.stderr
            )
            return 1


def _stopped(chosen, typed: str) -> int:
    """Say how far a command came, what is kept, and how to go on."""
    stopping.work.wait(seconds=10)
    lines = progress.open_lines()
    far = f" ({lines[0].text()})" if lines else ""
    if sys.stderr.isatty():
        print(file=sys.stderr)  # below the ^C that the terminal shows
    said = f"stopped{far}. {chosen.kept} {typed}"
    logs.LOGGER.info(said)
    print(f"agelib {chosen.name}: {said}", file=sys.stderr)
    return stopping.EXIT_CODE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agelib", description="A book on estimating age from faces, and its package on the command line."
    )
    parser.add_argument("--traceback", action="store_true", help="show where in the code an error comes from")
    parser.set_defaults(ends_by_itself=False, kept="Nothing of it is kept; it begins anew with:")
    commands = parser.add_subparsers(title="commands", dest="name", required=True)
    for group in (book, experiments, models, references, data, store, teaching):
        group.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
