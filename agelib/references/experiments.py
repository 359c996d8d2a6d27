"""The reference experiments: one name each, with the study that it follows and what that study published.

All train on UTKFace-21k from random weights, on one split. Where an option is not the study's own, `ours` says so.
"""

from dataclasses import dataclass, field
from pathlib import Path

from agelib.experiment import Experiment
from agelib.naming import hint

#: The folder of the reference results, and the split of UTKFace-21k that all of them share.
FOLDER = Path(__file__).resolve().parents[2] / "data" / "reference"
SPLIT = FOLDER / "utkface_21k_split.csv.gz"

#: The data of every reference run. Pictures are aligned and cropped already, and no age is too rare to be tested.
DATA = {
    "source": "utkface",
    "pictures": 0,
    "detector": "none",
    "min_pictures_per_age": 1,
    "duplicates": "drop",
}

#: A convolutional network that two processor cores can train on all pictures.
SMALL = {
    "network": "basic_cnn",
    "blocks": 4,
    "base_features": 32,
    "hidden_neurons": 128,
    "image_size": 64,
    "grey": True,
    "augmentation": ("flip", "affine", "light"),
    "epochs": 20,
    "batch_size": 64,
    "optimiser": "adamw",
    "learning_rate": 2e-3,
    "weight_decay": 0.05,
    "schedule": "one_cycle",
    "averaging": "ema",
    "ema_decay": 0.998,
    "monitor": "loss",
}


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
    seeds : tuple of int
    """

    name: str
    title: str
    options: dict
    study: str = ""
    published: dict = field(default_factory=dict)
    protocol: str = ""
    ours: str = ""
    seeds: tuple = (42, 43, 44)

    def experiment(self, root="", seed: int | None = None, **changes) -> Experiment:
        """The experiment with the data at `root`, and one of the seeds (the first by default)."""
        values = DATA | {"root": str(root), "split_file": str(SPLIT)} | self.options
        return Experiment.of(**(values | {"seed": self.seeds[0] if seed is None else seed} | changes))


STUDY_C = "UTKFace, 80/20 within each age; of duplicates, of seeds and of intervals we know nothing"

_REFERENCES = (
    Reference(
        "best",
        "Our best so far: one network for age, gender and ethnicity",
        SMALL
        | {
            "grey": False,
            "dropout": 0.2,
            "tasks": ("age", "gender", "ethnicity"),
            "target": "distribution",
            "flip_test": True,
        },
        study="benyamin2023age",
        published={
            "macro F1 of age_group": 73.27,
            "macro F1 of gender": 93.41,
            "macro F1 of ethnicity": 80.25,
        },
        protocol=STUDY_C,
        ours="Everything: the study trains one network (V20) for each of the three tasks, for age groups and on grey "
        "pictures of 224 px.",
    ),
    Reference(
        "study-c-age",
        "Study C's final network (V20), age groups",
        {
            "network": "basic_cnn",
            "blocks": 4,
            "base_features": 64,
            "hidden_neurons": 132,
            "dropout": 0.6,
            "image_size": 48,
            "grey": True,
            "augmentation": ("affine", "crop", "blur", "light"),
            "target": "groups",
            "bins": "7b",
            "balance": "sampler",
            "optimiser": "nadam",
            "learning_rate": 1e-4,
            "weight_decay": 0.1,
            "epochs": 30,
            "patience": 10,
            "batch_size": 64,
        },
        study="benyamin2023age",
        published={"macro F1 of age_group": 73.27},
        protocol=STUDY_C,
        ours="48 px in place of 224, 30 epochs at most in place of 100.",
    ),
    Reference(
        "multitask",
        "One network for age, gender and ethnicity",
        SMALL | {"tasks": ("age", "gender", "ethnicity"), "target": "distribution", "flip_test": True},
        study="benyamin2023age",
        published={
            "macro F1 of age_group": 70.71,
            "macro F1 of gender": 93.01,
            "macro F1 of ethnicity": 74.95,
        },
        protocol=STUDY_C,
        ours="Beside the tasks everything: the study's variant 19 has a cross-entropy of age groups and NAdam.",
    ),
    Reference(
        "small-distribution",
        "A small network that gives a distribution of ages",
        SMALL | {"target": "distribution", "flip_test": True},
        study="paplham2024call",
        published={"MAE": 5.33},
        protocol="UTKFace, ResNet-50 from random weights, the paper's own split",
        ours="Network, size and split.",
    ),
    Reference(
        "small-regression",
        "The same network, and the age as a number",
        SMALL | {"target": "regression", "loss": "mae", "flip_test": True},
        study="paplham2024call",
        published={"MAE": 5.33},
        protocol="UTKFace, ResNet-50 from random weights, the paper's own split",
        ours="Network, size and split.",
    ),
    Reference(
        "small-groups",
        "The same network, and the age as one of seven groups",
        SMALL | {"target": "groups", "bins": "7b", "balance": "sampler", "flip_test": True},
        study="benyamin2023age",
        published={"macro F1 of age_group": 73.27},
        protocol=STUDY_C,
        ours="Network, size, optimiser, epochs and split.",
    ),
)

#: Names of the reference experiments, in the order of the page.
NAMES = tuple(each.name for each in _REFERENCES)


def read(name: str) -> Reference:
    """A reference experiment by its name.

    Raises
    ------
    ValueError
        If there is none; the message has a near one.

    Examples
    --------
    >>> read("multitask").experiment(seed=43).training.tasks
    ('age', 'gender', 'ethnicity')
    """
    found = {each.name: each for each in _REFERENCES}
    if name not in found:
        raise ValueError(f"no reference experiment {name!r}; {hint(name, NAMES, 'there are')}")
    return found[name]


def folder_of(name: str, seed: int, among=None) -> Path:
    """Where a reference run is kept."""
    return Path(among or FOLDER) / "runs" / f"{name}-{seed}"
