"""Every option of an experiment on the command line, generated from the dataclass. Explained in "How to run"."""

import argparse

from agelib.experiment import Experiment, options


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
