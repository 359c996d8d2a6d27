"""Options that several commands have: those of an experiment, generated from the dataclass, and where work is done.

Explained in "For operators".
"""

import argparse
from pathlib import Path

from agelib.config import Experiment, options
from agelib.runtime import executors
from agelib.runtime.cpu import cores


def whole(least: int = 1):
    """A kind of argument: whole numbers from `least` up."""

    def read(text: str) -> int:
        if not text.strip().isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"takes a whole number from {least} up, not {text!r}")
        return int(text)

    return read


def wholes(least: int = 1):
    """A kind of argument: whole numbers from `least` up, joined by commas."""
    return lambda text: tuple(map(whole(least), text.split(",")))


def named(text: str) -> Path:
    """A kind of argument: a file or a folder, which an empty text, as of a variable that is not set, names not."""
    if not text.strip():
        raise argparse.ArgumentTypeError("names a file or a folder, and is empty here")
    return Path(text)


def add_options(parser: argparse.ArgumentParser, records=("data", "pictures", "network", "training")) -> None:
    """One command-line option for each option of an experiment, under its record's heading."""
    for record in records:
        group = parser.add_argument_group(record)
        for option in options().values():
            if option.record != record:
                continue
            usual = ",".join(map(str, option.default)) if option.kind is tuple else str(option.default)
            meaning = f"{option.meaning} (default: {usual or 'none'})"
            kind = "A,B,…" if option.kind is tuple else option.kind.__name__.upper()
            group.add_argument(
                f"--{option.name.replace('_', '-')}",
                dest=f"option_{option.name}",
                metavar="|".join(option.choices) if option.choices else kind,
                help=meaning.replace("%", "%%"),
            )


def typed_options(chosen) -> dict:
    """The options that were typed, as text: Experiment itself turns text into values and says what does not fit."""
    prefix = "option_"
    typed = {name[len(prefix) :]: value for name, value in vars(chosen).items() if name.startswith(prefix)}
    return {name: value for name, value in typed.items() if value is not None}


def experiment_of(chosen) -> Experiment:
    """The experiment that was typed; what was not named keeps its default."""
    return Experiment.of(**typed_options(chosen))


def add_workers(parser: argparse.ArgumentParser, what: str, usual: str = "one") -> None:
    """``--workers`` and ``--scheduler``: how many of `what` at a time, and on which machines.

    >>> parser = argparse.ArgumentParser()
    >>> add_workers(parser, "trainings")
    >>> parser.parse_args(["--workers", "4"]).workers, parser.parse_args(["--jobs", "4"]).workers
    (4, 4)
    """
    group = parser.add_argument_group("where it is done")
    group.add_argument(
        "--workers",
        "--jobs",
        type=whole(0),
        default=0,
        metavar="N",
        help=f"{what} at a time (default: {usual}; with a scheduler all that its workers take)",
    )
    group.add_argument(
        "--scheduler",
        default="",
        metavar="tcp://…",
        help="a Dask scheduler, whose workers do it, on this and on other machines (page Many machines)",
    )


def open_workers(chosen, folders=(), threads: bool = False):
    """The executor that was typed, see :func:`agelib.runtime.executors.open`; with threads usually one a core."""
    return executors.open(chosen.workers or (cores() if threads else 1), chosen.scheduler, folders, threads)
