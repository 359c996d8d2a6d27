"""What reference runs found: kept as small files, and computed anew from the kept predictions whenever it is shown.

A kept run is a folder of ``data/reference/runs``: its experiment, history, environment, the prediction of every test
picture, and a table of files that shows whether one was changed. No picture is among them.
"""

import gzip
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

import agelib
from agelib import metrics
from agelib.config import Experiment
from agelib.experiments.published.grids import tune
from agelib.experiments.published.recipes import NAMES, read
from agelib.experiments.published.reference import FOLDER, SPLIT, folder_of
from agelib.metrics.conformal import EVERYBODY
from agelib.runtime import executors, workspace

#: Promised coverage of the intervals that are kept with predicted ages.
LEVEL = 0.9

#: Digits after the point of what is kept: a ten-thousandth of a year, of a percent, of a probability.
DIGITS = 4

#: The file of a run that was made against the clock: the seconds after which what was done.
CLOCK = "clock.json"

_TEXT = ("path", "identity", "gender", "ethnicity", "expression", "source")


def write_split(root, file=SPLIT) -> pd.DataFrame:
    """Split a data set once for all reference runs, and write who is where: names and parts, nothing else.

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
    from agelib.data.prepare import prepare

    data = read(NAMES[0]).experiment(root, split_file="").data
    prepared = prepare(data)
    table = prepared.faces[["path", "split"]].sort_values("path")
    _write_gzip(file, table)
    about = {
        "made_by": "agelib.experiments.published.write_split",
        "data": data.source,
        "options": {name: value for name, value in asdict(data).items() if name != "root"},
        "pictures": table["split"].value_counts().to_dict(),
        "removed": prepared.report[["step", "removed"]].set_index("step")["removed"].to_dict(),
        "key": workspace.content_key(table.to_csv(index=False)),
        "agelib": agelib.__version__,
    }
    workspace.write_json(Path(file).with_name(Path(file).name.partition(".")[0] + ".json"), about)
    return table


def _write_gzip(file, table: pd.DataFrame) -> None:
    """Write a table as compressed CSV, whole; no time or name inside, so that the same table is the same bytes."""
    packed = gzip.compress(table.to_csv(index=False).encode(), mtime=0)
    with workspace.write_whole(file) as temporary:
        temporary.write_bytes(packed)


def run_reference(
    name: str,
    root,
    seeds=None,
    folder=FOLDER,
    progress: bool = True,
    workers: int = 0,
    executor: Executor | None = None,
    **changes,
) -> list["Kept"]:
    """Make a reference run again, once for each seed, and keep what it found.

    Parameters
    ----------
    name : str
        One of :data:`NAMES`.
    root : path
        UTKFace, as a folder or the published archive.
    seeds : iterable of int, optional
        Those of the reference by default.
    folder : path
        Where ``runs`` lies.
    progress : bool
        Whether to show how far it is.
    workers : int
        Seeds at a time, in processes that share out the cores; 0: one, or all that the executor takes.
    executor : concurrent.futures.Executor, optional
        Where to run instead, for example on several machines: :func:`agelib.runtime.executors.open`.
    **changes
        Options that differ from the reference's; what is kept says so.

    Returns
    -------
    list of Kept
        In the order of the seeds. What is done is kept even if another seed fails.
    """
    from agelib.experiments.result import load

    reference = read(name)
    seeds = list(reference.seeds if seeds is None else seeds)
    done, failed = {}, {}
    with executors.lent(executor, workers) as taken:
        changes = tune(reference, root, folder, progress, workers, taken) | changes
        shown = progress and isinstance(taken, executors.Here)  # a worker's line would be seen by nobody
        tasks = ((seed, (reference.experiment(root, seed, **changes).values(), shown)) for seed in seeds)
        for seed, future in executors.completed(taken, train, tasks, workers):
            if error := future.exception():
                failed[seed] = error
            else:
                done[seed] = keep(load(workspace.home() / "runs" / future.result()), name, folder)
    if failed:
        raise failed[min(failed)]
    return [done[seed] for seed in seeds]


def train(values: dict, progress: bool = False) -> str:
    """Run one experiment, given by its options, and return its folder's name: what a worker does."""
    from agelib.experiments.run import run

    return run(Experiment.of(**values), progress).folder.name


def keep(run, name: str, folder=FOLDER, clock: dict | None = None) -> "Kept":
    """Write what a run found into its place among the reference results, whole.

    Parameters
    ----------
    run : agelib.experiments.result.Run
    name : str
        The reference's name.
    folder : path
        Where ``runs`` lies.
    clock : dict, optional
        Seconds after which what was done, of a :func:`agelib.experiments.published.speedrun`.

    Returns
    -------
    Kept
    """
    place = folder_of(name, run.experiment.training.seed, folder)
    described = run.experiment.values() | {"root": ""}
    if described["split_file"]:
        described["split_file"] = Path(described["split_file"]).name
    predictions = _with_intervals(run).round(DIGITS)
    with workspace.write_whole(place) as temporary:
        temporary.mkdir()
        workspace.write_json(temporary / "experiment.json", described)
        workspace.write_json(temporary / "environment.json", run.environment)
        if clock:
            workspace.write_json(temporary / CLOCK, clock)
        workspace.write_table(temporary / "history.csv", run.history)
        _write_gzip(temporary / "test_predictions.csv.gz", predictions)
        workspace.write_table(temporary / "metrics.csv", measure(predictions).reset_index())
        workspace.seal(temporary)
    return Kept(place)


def _with_intervals(run) -> pd.DataFrame:
    """The test predictions with ``age_low`` and ``age_high``, calibrated on the validation part, if there are ages."""
    from agelib.deploy.schema import calibrate_run

    calibrations = calibrate_run(run)
    if not calibrations:
        return run.predictions
    calibration = calibrations[LEVEL]
    posterior = None if calibration.kind == "absolute" else run.posterior("test")
    return metrics.add_intervals(calibration, run.predictions, posterior)


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
        """The reference's name."""
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

    @cached_property
    def clock(self) -> dict:
        """Seconds from the archive to ``read``, ``decoded`` and ``judged``; empty if it was not a speedrun."""
        file = self.folder / CLOCK
        return workspace.read_json(file) if file.is_file() else {}

    @cached_property
    def history(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "history.csv")

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """The prediction of every test picture, as :class:`agelib.experiments.result.Run` has it, with 90 % intervals of the age."""
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


def kept(name: str | None = None, folder=FOLDER) -> list[Kept]:
    """The reference runs that there are, in the order of the references and seeds; of one reference, or of all.

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
                    raise ValueError(f"reference run {place.name}: {fault}; make it again or restore the file")
                found.append(Kept(place))
    return found


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
