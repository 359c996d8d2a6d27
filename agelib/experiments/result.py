"""A finished training: its tables, its network and its folder. Explained in chapter 06."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.config import Experiment
from agelib.data.prepare import Prepared, prepare
from agelib.data.table import PARTS
from agelib.experiments import run_key
from agelib.experiments.weights import build_network, build_target
from agelib.metrics.classification import classify
from agelib.metrics.regression import baselines, summarise
from agelib.runtime import workspace
from agelib.runtime.provenance import Provenance
from agelib.training import checkpoints

#: What a prediction carries along from the faces table, so that errors can be looked at by group.
GROUPS = ("identity", "gender", "ethnicity", "expression", "real_age", "apparent_age", "apparent_std", "source")

#: Files of a run's folder: what it was found by, and its test MAE (years; null where no age is predicted).
KEY, SUMMARY = "key.json", "summary.json"

#: Tasks that have classes.
CLASSES = ("age_group", "gender", "ethnicity", "expression")

#: The parts whose posterior is kept, float32 [N, ages], where the target has one: to calibrate on, and to judge on.
POSTERIOR_PARTS = ("valid", "test")


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes
    ----------
    experiment : agelib.config.Experiment
    history : pandas.DataFrame
        One row an epoch: :data:`agelib.training.HISTORY`.
    predictions, valid_predictions, train_predictions : pandas.DataFrame
        One row a picture of that part: path, age, predicted (years), age_group and predicted_age_group, the same two
        for each other task, a probability for each class, and the group columns.
    environment : dict
        Where its numbers are from, as :attr:`provenance` reads it, with ``pixel_mean``, ``pixel_std`` and ``epochs``.
    folder : pathlib.Path
    """

    experiment: Experiment
    history: pd.DataFrame
    predictions: pd.DataFrame
    valid_predictions: pd.DataFrame
    train_predictions: pd.DataFrame
    environment: dict
    folder: Path

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """On the test part: MSE, RMSE, MAE, R2 and CS@5 with bootstrap intervals; empty where no age is predicted."""
        if "predicted" not in self.predictions:
            return pd.DataFrame(columns=["value", "low", "high"], index=pd.Index([], name="metric"))
        return summarise(self.predictions)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Accuracy, precision, recall, macro F1 on the test part, in percent, with intervals; index (task, metric)."""
        table = self.predictions
        tasks = [task for task in CLASSES if f"predicted_{task}" in table and task in table]
        return pd.concat({task: classify(table, task) for task in tasks}, names=["task"])

    def key_parts(self) -> pd.DataFrame:
        """What the run is found by: the options, images, labels, code, versions and device that decided its weights.

        Index (``part``, ``name``), column ``value``. Of the part ``code`` each name is a module and its value a key of
        its code; images and labels are keys of their content.
        """
        return run_key.as_table(workspace.read_json(self.folder / KEY))

    @property
    def provenance(self) -> Provenance:
        """Device, arithmetic, processes, threads of each, versions, number of pictures, split, seconds."""
        return Provenance.of(self.environment)

    @property
    def prepared(self) -> Prepared:
        """The cleaned and split pictures that it was trained on."""
        return prepare(self.experiment.data, progress=False)

    @property
    def weights(self) -> Path:
        """The file of the weights of its best epoch: another experiment can start from it (option pretrained)."""
        return self.folder / "network.safetensors"

    def network(self):
        """The trained network, with the weights of its best epoch, on the CPU and ready to predict."""
        network = build_network(self.experiment.replace(pretrained=""), self.target())
        checkpoints.load_weights(self.weights, network)
        return network.eval()

    def target(self):
        """What the network's outputs mean: built, as in training, from the labels of the pictures trained on."""
        return build_target(self.experiment, self.train_predictions)

    def posterior(self, part: str = "test") -> pd.DataFrame | None:
        """Probability of each age, for each picture of the test or valid part; None where the target has none.

        Columns are ages in years, rows as in that part's predictions.
        """
        if part not in POSTERIOR_PARTS:
            raise ValueError(f"a run keeps the posterior of {' and '.join(POSTERIOR_PARTS)}, not of {part!r}")
        file = self.folder / f"{part}_posterior.npy"
        if not file.is_file():
            return None
        ages = workspace.read_json(self.folder / "environment.json")["posterior_ages"]
        return pd.DataFrame(np.load(file, allow_pickle=False), columns=pd.Index(ages, name="age"))

    def baselines(self) -> pd.DataFrame:
        """What always saying the training part's mean, or median, age would have got on the test part."""
        return baselines(self.train_predictions["age"].to_numpy(), self.predictions)


def load(folder) -> Run:
    """Read a finished run from its folder, wherever it lies; the data set is not needed.

    Without one there it is a FileNotFoundError, with a torn file a ValueError.
    """
    folder = Path(folder)
    if not (folder / workspace.SEAL).is_file():
        raise FileNotFoundError(f"{folder} holds no finished run; `agelib train` prints the folder of one")
    if fault := workspace.find_fault(folder):
        raise ValueError(f"{folder}: {fault}; train it again")
    workspace.mark_used(folder)
    experiment = Experiment.of(**workspace.read_json(folder / "experiment.json"))
    text = dict.fromkeys(["path", "identity", *CLASSES, *(f"predicted_{task}" for task in CLASSES)], "object")
    parts = {part: pd.read_csv(folder / f"{part}_predictions.csv", dtype=text) for part in PARTS}
    return Run(
        experiment=experiment,
        history=pd.read_csv(folder / "history.csv"),
        predictions=parts["test"],
        valid_predictions=parts["valid"],
        train_predictions=parts["train"],
        environment=workspace.read_json(folder / "environment.json"),
        folder=folder,
    )


def find(name: str) -> Run:
    """A finished run by its folder, or by the name that ``agelib train`` printed; errors as of :func:`load`."""
    return load(name if Path(name).is_dir() else workspace.home() / "runs" / name)


def finished() -> pd.DataFrame:
    """Every finished run of the workspace: its folder's name, changed options, and test MAE in years.

    Two small files a run are read and nothing is remembered, so the table is never out of date.
    """
    rows = []
    for done in sorted((workspace.home() / "runs").glob(f"*/{workspace.SEAL}")):
        try:
            about = workspace.read_json(done.parent / "experiment.json")
            mae = workspace.read_json(done.parent / SUMMARY)["MAE"]
        except FileNotFoundError:
            continue  # Removed meanwhile.
        mae = np.nan if mae is None else mae
        rows.append({"run": done.parent.name, **Experiment.of(**about).changes(), "MAE": mae})
    return pd.DataFrame(rows, columns=None if rows else ["run", "MAE"])
