"""What a reference experiment is: options on data that all of them share, and the study beside which it stands.

The list of them is in :mod:`agelib.experiments.published.recipes`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from agelib.config import Experiment

#: The folder of the reference results, and the split of UTKFace-21k that all of them share.
FOLDER = Path(__file__).resolve().parents[3] / "data" / "reference"
SPLIT = FOLDER / "utkface_21k_split.csv.gz"

#: The data of every reference run. Pictures are aligned and cropped already, and no age is too rare to be tested.
DATA = {"source": "utkface", "pictures": 0, "detector": "none", "min_pictures_per_age": 1, "duplicates": "drop"}


@dataclass(frozen=True)
class Reference:
    """A reference experiment.

    Attributes
    ----------
    name : str
    title : str
        What it is, in words.
    options : dict
        Options of the experiment, beside :data:`DATA`.
    study : str
        Key of the work that it follows in the bibliography; empty: none.
    published : dict
        Measure → the number that the study states, in percent or years, on its own data and split.
    protocol : str
        How the study's number was got, as far as it says.
    ours : str
        What is our choice, or differs from the study.
    family : str
        What it is compared with, as one of :data:`agelib.experiments.published.recipes.FAMILIES`; empty: it stands for itself.
    grid : dict
        Option → values: its setting is the one of this grid with the least validation MSE. Empty: it is given.
    grid_size : dict
        What makes the grid's trainings smaller than the run that follows.
    seeds : tuple of int
    """

    name: str
    title: str
    options: dict
    study: str = ""
    published: dict = field(default_factory=dict)
    protocol: str = ""
    ours: str = ""
    family: str = ""
    grid: dict = field(default_factory=dict)
    grid_size: dict = field(default_factory=dict)
    seeds: tuple = (42, 43, 44)

    def experiment(self, root="", seed: int | None = None, **changes) -> Experiment:
        """The experiment with the data at `root`, and one of the seeds (the first by default)."""
        values = DATA | {"root": str(root), "split_file": str(SPLIT)} | self.options
        return Experiment.of(**(values | {"seed": self.seeds[0] if seed is None else seed} | changes))


class Family(NamedTuple):
    """Experiments that differ in one thing.

    Attributes
    ----------
    heading, said : str
        What the page says of them.
    beside : str
        Name of an experiment of another family that they are compared with, too; empty: none.
    """

    heading: str
    said: str
    beside: str


def folder_of(name: str, seed: int, among=None) -> Path:
    """Where a reference run is kept."""
    return Path(among or FOLDER) / "runs" / f"{name}-{seed}"
