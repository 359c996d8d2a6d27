"""`run(experiment)`: the way of the data from source to predictions, and the store of what was run.

A run's folder is named by a key of the experiment, of the very pictures and labels, of the code that can change the
result, and of the libraries' versions. The same experiment is never trained twice, and a changed result is never
served stale. Explained in chapter 05.
"""

import csv
import os
import platform
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd

from agelib import checkpoints, launching, lineage, networks, store, targets, usage
from agelib.devices import choose_device, device_name, precision
from agelib.experiment import Data, Experiment
from agelib.faces import PARTS, is_drawn
from agelib.fingerprint import code_fingerprint
from agelib.metrics.ages import baselines, summarise
from agelib.metrics.classes import classify
from agelib.preparation import Prepared, prepare
from agelib.progress import PATIENCE, Line, steady
from agelib.streams import Streams, build_target, open_streams
from agelib.targets import groups

#: What a prediction carries along from the faces table, so that errors can be looked at by group.
GROUPS = (
    "identity",
    "gender",
    "ethnicity",
    "expression",
    "real_age",
    "apparent_age",
    "apparent_std",
    "source",
)

#: The parts whose posterior is kept, float32 [N, ages], where the target has one: to calibrate on, and to judge on.
POSTERIOR_PARTS = ("valid", "test")

#: Libraries whose version may change a result.
LIBRARIES = ("torch", "torchvision", "timm", "fastai", "numpy", "pillow")


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes
    ----------
    experiment : agelib.experiment.Experiment
    history : pandas.DataFrame
        One row an epoch: :data:`agelib.training.HISTORY`.
    predictions, valid_predictions, train_predictions : pandas.DataFrame
        One row a picture of that part: path, age, predicted (years), age_group and predicted_age_group, the same two
        for each other task, a probability for each class, and the group columns.
    metrics : pandas.DataFrame
        On the test part: MSE, RMSE, MAE, R2 and CS@5 with bootstrap intervals; empty where no age is predicted.
    scores : pandas.DataFrame
        On the test part, index (task, metric): accuracy, precision, recall and macro F1, in percent, with intervals.
    environment : dict
        Device, arithmetic, processes, threads of each, versions, number of pictures, split, seconds.
    folder : pathlib.Path
    """

    experiment: Experiment
    history: pd.DataFrame
    predictions: pd.DataFrame
    valid_predictions: pd.DataFrame
    train_predictions: pd.DataFrame
    metrics: pd.DataFrame
    scores: pd.DataFrame
    environment: dict
    folder: Path

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
        network = _network(self.experiment.replace(pretrained=""), self.target())
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
        ages = store.read_json(self.folder / "environment.json")["posterior_ages"]
        return pd.DataFrame(np.load(file, allow_pickle=False), columns=pd.Index(ages, name="age"))

    def baselines(self) -> pd.DataFrame:
        """What always saying the training part's mean, or median, age would have got on the test part."""
        ages = self.train_predictions["age"].to_numpy()
        return baselines(ages, self.predictions)


def run(experiment: Experiment, progress: bool = True, processes: int = 1) -> Run:
    """Train an experiment, or find it already done.

    Parameters
    ----------
    experiment : agelib.experiment.Experiment
    progress : bool
        Whether to show how far it is.
    processes : int
        How many processes of this machine train it together, on one GPU each or sharing the cores.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If the data set, the network or the training cannot do what the experiment asks; the message says what to
        change.
    agelib.splits.LeakError
        If the experiment starts from weights that were trained on pictures of its own test or validation part, and
        ``allow_leaks`` is False.
    RuntimeError
        If one of several processes is killed or lost; the others end too.

    Notes
    -----
    A training that was interrupted goes on after its last whole epoch and ends with the same numbers. Two processes
    that ask for the same experiment train it once: the second waits.

    The number of processes is no part of the experiment nor of the run's key, as the number of threads is not: both
    change a result by the order of sums alone. Which they were stands in ``environment``. Processes that a launcher
    started together (``accelerate launch``, ``torchrun``) train together whatever `processes` says.
    """
    with launching.explained():
        launching.join()
        _use_threads()
        shown = progress and launching.is_main()
        prepared = prepare(experiment.data, progress=shown)
        streams = open_streams(experiment, prepared, shown)
        folder = _folder(streams)
        if processes != 1 and not launching.is_joined():
            if store.find_fault(folder):
                launching.launch(_run_together, (experiment, progress), processes)
            return load(folder)
        launching.require_same(
            "the run", folder.name, "give all machines the same code, libraries, pictures and options"
        )
        with launching.locked(folder):
            if not launching.from_main(launching.is_main() and _is_finished(folder)):
                _train(streams, folder, progress)
        return load(folder)


def _is_finished(folder: Path) -> bool:
    """Whether a folder holds a finished run; one that is torn is set aside."""
    if not (folder / store.SEAL).is_file():
        return False
    if fault := store.find_fault(folder):
        from agelib.training import set_aside

        set_aside(folder, fault)
    return not fault


def _run_together(experiment: Experiment, progress: bool) -> None:
    run(experiment, progress)


def load(folder) -> Run:
    """A finished run from its folder, wherever it lies; the data set is not needed.

    Raises
    ------
    FileNotFoundError
        If the folder holds no finished run.
    ValueError
        If a file of it is torn.
    """
    folder = Path(folder)
    if not (folder / store.SEAL).is_file():
        raise FileNotFoundError(f"{folder} holds no finished run; `agelib train` prints the folder of one")
    if fault := store.find_fault(folder):
        raise ValueError(f"{folder}: {fault}; train it again")
    usage.mark(folder)
    experiment = Experiment.of(**store.read_json(folder / "experiment.json"))
    text = {name: "object" for name in ("path", "identity", "gender", "ethnicity", "expression")}
    parts = {part: pd.read_csv(folder / f"{part}_predictions.csv", dtype=text) for part in PARTS}
    return Run(
        experiment=experiment,
        history=pd.read_csv(folder / "history.csv"),
        predictions=parts["test"],
        valid_predictions=parts["valid"],
        train_predictions=parts["train"],
        metrics=pd.read_csv(folder / "metrics.csv", index_col="metric"),
        scores=pd.read_csv(folder / "scores.csv", index_col=["task", "metric"]),
        environment=store.read_json(folder / "environment.json"),
        folder=folder,
    )


def find_learning_rate(experiment: Experiment, steps: int = 60, progress: bool = False) -> pd.DataFrame:
    """The learning-rate finder on an experiment's data and network: see :func:`agelib.training.find_learning_rate`."""
    from agelib import training

    _use_threads()
    streams = open_streams(experiment, prepare(experiment.data, progress=progress), progress)
    device = choose_device()
    network = _network(experiment, streams.target)
    train = streams.batches("train", device, is_training=True)
    valid = streams.batches("valid", device)
    return training.find_learning_rate(
        network, streams.target, train, valid, experiment.training, device, steps
    )


def finished() -> pd.DataFrame:
    """Every finished run of the workspace: its folder's name, changed options, and test MAE in years.

    Two small files a run are read and nothing is remembered, so the table is never out of date.
    """
    rows = []
    for done in sorted((store.home() / "runs").glob(f"*/{store.SEAL}")):
        try:
            about = store.read_json(done.parent / "experiment.json")
            errors = _values(done.parent / "metrics.csv")
        except FileNotFoundError:
            continue  # Removed meanwhile.
        rows.append(
            {"run": done.parent.name, **Experiment.of(**about).changes(), "MAE": errors.get("MAE", np.nan)}
        )
    return pd.DataFrame(rows, columns=None if rows else ["run", "MAE"])


def _values(metrics: Path) -> dict[str, float]:
    """Each metric's value: pandas would take a hundred times as long for a file of five lines."""
    with open(metrics, encoding="utf-8", newline="") as file:
        return {row["metric"]: float(row["value"] or "nan") for row in csv.DictReader(file)}


def _folder(streams: Streams) -> Path:
    """The run's folder: the network's name, and a key of all that can change the result."""
    experiment, faces = streams.experiment, streams.faces
    modules = targets.module_of(experiment.training)
    code = code_fingerprint("agelib.runs", networks.module_of(experiment.network.network), *modules)
    # Of the data the pictures and labels count, and of a weights file its content: not where they lie.
    described = experiment.replace(pretrained=_weights_key(experiment.network.pretrained)).values()
    described = {name: value for name, value in described.items() if name not in asdict(Data())}
    versions = {name: metadata.version(name) for name in LIBRARIES}
    labelled = ["split", "age", "gender", "ethnicity", "expression", "apparent_std"]
    split = store.content_key(faces[labelled].to_csv(index=False))
    kind = choose_device().type
    leaks = experiment.data.allow_leaks
    key = store.content_key(described, streams.images.key, split, code, versions, kind, leaks)
    return store.home() / "runs" / f"{experiment.network.network.replace('/', '-')}-{key}"


def _weights_key(pretrained: str) -> str:
    return store.file_key(pretrained) if pretrained and Path(pretrained).is_file() else pretrained


def _network(experiment: Experiment, target):
    network = networks.build(
        experiment.network,
        target.outputs,
        experiment.pictures.image_size,
        seed=experiment.training.seed,
        last_layer=target.last_layer,
    )
    if experiment.pictures.first_size:
        networks.require_size(network, experiment.network.network, experiment.pictures.first_size)
    return network


def _train(streams: Streams, folder: Path, progress: bool) -> None:
    # It takes seconds to import, and a run that is found done needs none of it.
    with steady("load fastai", progress and launching.is_main()):
        import torch

        from agelib import training

    started = time.perf_counter()
    experiment, target = streams.experiment, streams.target
    device = choose_device()
    lineage.require_unseen(streams)
    if launching.is_main():
        folder.mkdir(parents=True, exist_ok=True)
        store.write_json(folder / "experiment.json", experiment.values())
    network = _network(experiment, target)
    if experiment.training.tempered:
        training.require_probabilities(target)
    history = training.fit(
        network,
        target,
        streams.batches("train", device, is_training=True),
        streams.batches("valid", device),
        experiment.training,
        folder,
        device,
        title=experiment.network.network,
        progress=progress,
        mixup=experiment.pictures.mixup,
    )
    environment = _environment(streams, device, history, network)
    flip, outputs = experiment.pictures.flip_test, {}
    if experiment.training.tempered:
        given = training.outputs(network, streams.batches("valid", device), device, flip)
        labels = torch.from_numpy(streams.labels[streams.rows["valid"]])
        found = training.temper(network.cpu(), target, given, labels)
        environment["temperatures"] = {task: round(value, 4) for task, value in found.items()}
    line = Line("predict", len(PARTS), "parts", progress and launching.is_main(), after=PATIENCE)
    for part in PARTS:
        outputs[part] = training.outputs(network, streams.batches(part, device), device, flip)
        line.advance(1, part)
    line.close()
    if launching.is_main():
        with steady("write and measure the predictions", progress):
            _write(streams, folder, network, outputs, environment, started)


def _write(streams: Streams, folder: Path, network, outputs: dict, environment: dict, started: float) -> None:
    """Write what a training has given, and seal it."""
    target = streams.target
    for part in PARTS:
        table = _predictions(streams, part, outputs[part])
        store.write_table(folder / f"{part}_predictions.csv", table)
        if part == "test":
            store.write_table(folder / "metrics.csv", _metrics(table))
            store.write_table(folder / "scores.csv", _scores(table))
        posterior = target.posterior(outputs[part]) if part in POSTERIOR_PARTS else None
        if posterior is not None:
            environment["posterior_ages"] = [float(age) for age in target.ages]
            with (
                store.write_whole(folder / f"{part}_posterior.npy") as temporary,
                temporary.open("wb") as file,
            ):
                np.save(file, posterior.numpy(), allow_pickle=False)
    lineage.write_seen(folder, streams)
    checkpoints.save_weights(folder / "network.safetensors", network)
    environment["seconds"] = round(time.perf_counter() - started, 2)
    store.write_json(folder / "environment.json", environment)
    _finish(folder)


def _predictions(streams: Streams, part: str, outputs) -> pd.DataFrame:
    faces = streams.faces.iloc[streams.rows[part]].reset_index(drop=True)
    table = faces[["path", "age"]].join(streams.target.predictions(outputs))
    if "predicted" in table:
        bins = streams.experiment.training.bins
        names = np.asarray([*groups.names_of(bins), None], object)  # code −1, a missing age, is None
        table["age_group"] = names[groups.group_of(faces["age"].to_numpy(), bins)]
        if "predicted_age_group" not in table:
            table["predicted_age_group"] = names[groups.group_of(table["predicted"].to_numpy(), bins)]
    return table.join(faces[[name for name in GROUPS if faces[name].notna().any()]])


def _metrics(predictions: pd.DataFrame) -> pd.DataFrame:
    if "predicted" not in predictions:
        return pd.DataFrame(columns=["metric", "value", "low", "high"])
    return summarise(predictions).reset_index()


def _scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """Accuracy, precision, recall and macro F1 of every task that has classes."""
    tables = [
        classify(predictions, task).reset_index().assign(task=task)
        for task in ("age_group", "gender", "ethnicity", "expression")
        if f"predicted_{task}" in predictions and task in predictions
    ]
    return pd.concat(tables)[["task", "metric", "value", "low", "high"]]


def _environment(streams: Streams, device, history, network) -> dict:
    import torch

    experiment = streams.experiment
    return {
        "data": str(streams.faces["source"].iloc[0]),
        "drawn": is_drawn(streams.faces),
        "pictures": {part: len(rows) for part, rows in streams.rows.items()},
        "pixel_mean": [float(value) for value in streams.mean],
        "pixel_std": [float(value) for value in streams.std],
        "split": experiment.data.split,
        "seed": experiment.training.seed,
        "data_seed": experiment.data.data_seed,
        "device": f"{device.type} ({device_name(device)})",
        "precision": precision(experiment.training, device, network),
        "processes": launching.share()[1],
        "threads": torch.get_num_threads(),
        "epochs": len(history),
        "python": platform.python_version(),
        **{library: metadata.version(library) for library in LIBRARIES},
    }


def _finish(folder: Path) -> None:
    """Seal the results: what makes a run finished, and a torn file noticed."""
    import shutil

    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    store.seal(folder)


def _use_threads() -> None:
    """Take as many threads as AGELIB_THREADS says, so that several chapters can train side by side."""
    wish = os.environ.get("AGELIB_THREADS")
    if wish:
        import torch

        torch.set_num_threads(int(wish))
