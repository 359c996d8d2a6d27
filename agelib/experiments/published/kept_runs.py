"""What the published experiments found here: small files, from which every number is computed anew when it is shown.

A kept run is a folder of ``data/reference/runs``: its experiment, history, environment, the prediction of every test
picture, and a table of files that shows whether one was changed. No picture is among them.
"""

import gzip
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from agelib import metrics
from agelib.config import Experiment
from agelib.data.prepare import prepare
from agelib.deploy.schema import calibrate_run
from agelib.experiments.published.record import FOLDER, SPLIT
from agelib.experiments.published.registry import NAMES, read
from agelib.metrics.conformal import EVERYBODY
from agelib.runtime import workspace
from agelib.runtime.provenance import record
from agelib.targets import age_groups

#: Promised coverage of the intervals that are kept with predicted ages.
LEVEL = 0.9

#: Digits after the point of what is kept: a ten-thousandth of a year, of a percent, of a probability.
DIGITS = 4

#: The file of a run that was made against the clock: the seconds after which what was done.
CLOCK = "clock.json"

_TEXT = ("path", "identity", "gender", "ethnicity", "expression", "source")


def write_split(root, file=SPLIT) -> pd.DataFrame:
    """Split a data set once for all kept runs, and write who is where: names and parts, nothing else.

    Parameters
    ----------
    root : path
        UTKFace, as a folder or the published archive.
    file : path
        ``….csv.gz`` to write; a ``….json`` beside it says where it is from.

    Returns
    -------
    pandas.DataFrame
        ``path`` and ``split``. Ages are spread alike, exact and near duplicates are on one side, and pictures whose
        duplicates state another age are in no part.
    """
    data = read(NAMES[0]).experiment(root, split_file="").data
    prepared = prepare(data)
    table = prepared.faces[["path", "split"]].sort_values("path")
    _write_gzip(file, table)
    about = record(
        made_by="agelib published split",
        data=data.source,
        options={name: value for name, value in asdict(data).items() if name != "root"},
        pictures=table["split"].value_counts().to_dict(),
        removed=prepared.report[["step", "removed"]].set_index("step")["removed"].to_dict(),
        key=workspace.content_key(table.to_csv(index=False)),
    ).as_dict()
    workspace.write_json(Path(file).with_name(Path(file).name.partition(".")[0] + ".json"), about)
    return table


def _write_gzip(file, table: pd.DataFrame) -> None:
    """Write a table as compressed CSV, whole; no time or name inside, so that the same table is the same bytes."""
    packed = gzip.compress(table.to_csv(index=False).encode(), mtime=0)
    with workspace.write_whole(file) as temporary:
        temporary.write_bytes(packed)


@dataclass(frozen=True)
class Kept:
    """A kept run, as far as small files can tell; ``show.provenance`` takes it like a run.

    Attributes
    ----------
    folder : pathlib.Path
    """

    folder: Path

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.folder.name.rpartition("-")[0]

    @property
    def seed(self) -> int:
        return int(self.folder.name.rpartition("-")[2])

    @cached_property
    def experiment(self) -> Experiment:
        return Experiment.of(**workspace.read_json(self.folder / "experiment.json"))

    @cached_property
    def environment(self) -> dict:
        """Device, arithmetic, threads, versions, number of pictures, seconds."""
        return workspace.read_json(self.folder / "environment.json")

    @property
    def chosen_by(self) -> str:
        """What chose its setting, in words: as it was kept with the run, or else as the experiment says."""
        return self.environment.get("chosen_by") or read(self.name).chosen_by

    @cached_property
    def clock(self) -> dict:
        """Seconds from the archive to ``read``, ``decoded`` and ``judged``; empty if there was no clock."""
        file = self.folder / CLOCK
        return workspace.read_json(file) if file.is_file() else {}

    @cached_property
    def history(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "history.csv")

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """The prediction of every test picture, as a run has it, with 90 % intervals of the age."""
        kinds = dict.fromkeys(_TEXT, "object")
        return pd.read_csv(self.folder / "test_predictions.csv.gz", dtype=kinds)

    @property
    def faces(self) -> pd.DataFrame:
        """What is known of the test pictures: the columns of a faces table."""
        return self.predictions.assign(source=self.environment["data"], identity=None)

    @cached_property
    def measures(self) -> pd.DataFrame:
        """Every measure, computed anew from the predictions: see :func:`measure`."""
        return measure(self.predictions)


def keep(run, name: str, folder=FOLDER, clock: dict | None = None) -> Kept:
    """Write what a run found into its place among the kept ones, whole, with what chose its setting.

    Parameters
    ----------
    run : agelib.experiments.result.Run
    name : str
        The experiment's name.
    folder : path
        Where ``runs`` lies.
    clock : dict, optional
        Seconds after which what was done, of a run against the clock.

    Returns
    -------
    Kept
    """
    place = Path(folder) / "runs" / f"{name}-{run.experiment.training.seed}"
    described = run.experiment.values() | {"root": ""}
    if described["split_file"]:
        described["split_file"] = Path(described["split_file"]).name
    predictions = predictions_to_keep(run)
    with workspace.write_whole(place) as temporary:
        temporary.mkdir()
        workspace.write_json(temporary / "experiment.json", described)
        workspace.write_json(temporary / "environment.json", run.environment | {"chosen_by": read(name).chosen_by})
        if clock:
            workspace.write_json(temporary / CLOCK, clock)
        workspace.write_table(temporary / "history.csv", run.history)
        _write_gzip(temporary / "test_predictions.csv.gz", predictions)
        workspace.write_table(temporary / "metrics.csv", measure(predictions).reset_index())
        workspace.seal(temporary)
    return Kept(place)


def predictions_to_keep(run) -> pd.DataFrame:
    """The test predictions as they are kept: with intervals of the age, calibrated on the validation part."""
    calibrations = calibrate_run(run)
    if not calibrations:
        return run.predictions.round(DIGITS)
    calibration = calibrations[LEVEL]
    posterior = None if calibration.kind == "absolute" else run.posterior("test")
    return metrics.add_intervals(calibration, run.predictions, posterior).round(DIGITS)


def kept(name: str | None = None, folder=FOLDER) -> list[Kept]:
    """The runs that are kept, in the order of the experiments and seeds; of one experiment, or of all.

    Raises
    ------
    ValueError
        If a file of one is missing or was changed.

    Examples
    --------
    >>> [run for run in kept("multitask", folder="no such folder")]
    []
    """
    found = []
    for each in NAMES if name is None else [read(name).name]:
        for place in sorted((Path(folder) / "runs").glob(f"{each}-*")):
            if place.name.removeprefix(f"{each}-").isdigit():
                if fault := workspace.find_fault(place):
                    raise ValueError(f"kept run {place.name}: {fault}; make it again or restore the file")
                found.append(Kept(place))
    return found


def trials(name: str, folder=FOLDER) -> pd.DataFrame | None:
    """The trials of an experiment's grid, one row each; None if it has none, or none is kept.

    Returns
    -------
    pandas.DataFrame or None
        The options varied, ``state``, ``valid_mse`` (years²), ``valid_mae`` (years), ``epochs_run``, ``seconds``,
        ``error``.

    Raises
    ------
    ValueError
        If there is no such experiment.

    Examples
    --------
    >>> trials("best") is None
    True
    """
    file = trials_file(read(name).name, folder)
    return pd.read_csv(file) if file.is_file() else None


def trials_file(name: str, folder=FOLDER) -> Path:
    """Where the trials of an experiment's grid are kept."""
    return Path(folder) / "grids" / f"{name}.csv"


def measure(predictions: pd.DataFrame) -> pd.DataFrame:
    """Every measure of a table of predictions.

    Returns
    -------
    pandas.DataFrame
        Index ``measure`` (MAE, CS@5, …, ``coverage of 90 % intervals``, ``macro F1 of age_group`` …); ``value``,
        ``low`` and ``high``: a 95 % interval over test pictures, bootstrap but for the coverage, which has the exact
        one (Clopper and Pearson 1934).
    """
    tables = [metrics.summarise(predictions)] if "predicted" in predictions else []
    if "age_low" in predictions:
        covered = metrics.coverage(predictions).rename(columns={"covered": "value"})
        tables.append(covered.rename(index={EVERYBODY: f"coverage of {100 * LEVEL:g} % intervals"}))
    for task in ("age_group", "gender", "ethnicity"):
        if f"predicted_{task}" in predictions and task in predictions:
            tables.append(metrics.classify(predictions, task).rename(index=f"{{}} of {task}".format))
    return pd.concat([table[["value", "low", "high"]] for table in tables]).rename_axis("measure")


def together(runs: list[Kept]) -> pd.DataFrame:
    """The predictions of several kept runs of one experiment as if one network had made them: an ensemble.

    Parameters
    ----------
    runs : list of Kept
        They differ in their seed alone.

    Returns
    -------
    pandas.DataFrame
        A picture's ``predicted`` is the mean of the runs' ages, and the probability of a class is the mean of the
        runs'. Its classes are those of the highest probability; its age group is chosen by the rule of the runs, as
        that of the mean age or as the most probable one. There are no intervals: they were calibrated for each run
        alone.

    Raises
    ------
    ValueError
        If the runs were not tested on the same pictures.
    """
    tables = [run.predictions for run in runs]
    joint = tables[0].drop(columns=["age_low", "age_high"], errors="ignore")
    if any(not table["path"].equals(joint["path"]) for table in tables):
        raise ValueError(f"{', '.join(run.folder.name for run in runs)}: not tested on the same pictures")
    for name in joint:
        if name == "predicted" or "=" in name:
            joint[name] = sum(table[name] for table in tables) / len(tables)
    for name in [name for name in joint if name.startswith("predicted_")]:
        task = name.removeprefix("predicted_")
        shares = [column for column in joint if column.startswith(f"{task}=")]
        by_age = task == "age_group" and runs[0].experiment.training.grouping == "age"
        if shares and not by_age:
            joint[name] = joint[shares].idxmax(axis=1).str.removeprefix(f"{task}=")
        else:
            bins = runs[0].experiment.training.bins
            codes = age_groups.group_of(joint["predicted"], bins)
            joint[name] = np.asarray(age_groups.names_of(bins), object)[codes]
    return joint
