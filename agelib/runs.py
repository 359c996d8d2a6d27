"""`run(experiment)`: the way of the data from source to predictions, and the store of what was run.

A run's folder is named by a key of the experiment, of the very pictures and labels, of the code that can change the
result, and of the libraries' versions. The same experiment is never trained twice, and a changed result is never
served stale. Explained in chapter 05.
"""

import os
import platform
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd

from agelib import checkpoints, metrics, networks, pixels, store, targets, training
from agelib.augmentation import build as build_augmentation
from agelib.batches import Batches
from agelib.experiment import Data, Experiment
from agelib.faces import PARTS, is_drawn
from agelib.fingerprint import code_fingerprint
from agelib.preparation import Prepared, prepare

#: What a prediction carries along from the faces table, so that errors can be looked at by group.
GROUPS = ("identity", "gender", "ethnicity", "expression", "real_age", "apparent_age", "source")

#: What stands between decoded pictures and predictions. Sources and cleaning are not here: the pictures' and the
#: labels' own content is part of a run's key.
RESULT_CODE = ("agelib.training", "agelib.batches", "agelib.augmentation", "agelib.networks.registry")

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
        One row a picture of that part: path, age, predicted (years), and the group columns.
    metrics : pandas.DataFrame
        On the test part: MSE, RMSE, MAE, R2 and CS@5 with bootstrap intervals.
    environment : dict
        Device, arithmetic, threads, versions, number of pictures, split, seconds.
    folder : pathlib.Path
    prepared : agelib.preparation.Prepared
    """

    experiment: Experiment
    history: pd.DataFrame
    predictions: pd.DataFrame
    valid_predictions: pd.DataFrame
    train_predictions: pd.DataFrame
    metrics: pd.DataFrame
    environment: dict
    folder: Path
    prepared: Prepared

    def network(self):
        """The trained network, with the weights of its best epoch, on the CPU and ready to predict."""
        network = _network(self.experiment, self.target())
        checkpoints.load_weights(self.folder / "network.safetensors", network)
        return network.eval()

    def target(self):
        """What the network's outputs mean: built, as in training, from the labels of the pictures trained on."""
        faces = self.prepared.faces.set_index("path", drop=False).loc[self.train_predictions["path"]]
        return _target(self.experiment, faces)

    def baselines(self) -> pd.DataFrame:
        """What always saying the training part's mean, or median, age would have got on the test part."""
        ages = self.train_predictions["age"].to_numpy()
        return metrics.baselines(ages, self.predictions)


def run(experiment: Experiment, progress: bool = True) -> Run:
    """Train an experiment, or find it already done.

    Parameters
    ----------
    experiment : agelib.experiment.Experiment
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If the data set, the network or the training cannot do what the experiment asks; the message says what to
        change.

    Notes
    -----
    A training that was interrupted goes on after its last whole epoch and ends with the same numbers. Two processes
    that ask for the same experiment train it once: the second waits.
    """
    _use_threads()
    prepared = prepare(experiment.data, progress=progress)
    way = _way(experiment, prepared, progress)
    folder = way.folder
    with store.lock(folder):
        if (folder / store.SEAL).is_file() and (fault := store.find_fault(folder)):
            training.set_aside(folder, fault)
        if not (folder / store.SEAL).is_file():
            _train(experiment, way, progress)
    return _load(experiment, prepared, folder)


def find_learning_rate(experiment: Experiment, steps: int = 60, progress: bool = False) -> pd.DataFrame:
    """The learning-rate finder on an experiment's data and network: see :func:`agelib.training.find_learning_rate`."""
    _use_threads()
    way = _way(experiment, prepare(experiment.data, progress=progress), progress)
    device = training.choose_device()
    network = _network(experiment, way.target)
    train = way.batches("train", device, is_training=True)
    valid = way.batches("valid", device)
    return training.find_learning_rate(network, way.target, train, valid, experiment.training, device, steps)


def finished() -> pd.DataFrame:
    """Every finished run of the workspace: its folder's name, changed options, and test MAE in years."""
    rows = []
    for done in sorted((store.home() / "runs").glob(f"*/{store.SEAL}")):
        about = store.read_json(done.parent / "experiment.json")
        errors = pd.read_csv(done.parent / "metrics.csv", index_col="metric")
        rows.append(
            {"run": done.parent.name, **Experiment.of(**about).changes(), "MAE": errors.loc["MAE", "value"]}
        )
    return pd.DataFrame(rows, columns=None if rows else ["run", "MAE"])


@dataclass(frozen=True)
class _Way:
    """The middle of the way: decoded pictures, their rows by part, labels, statistics, target, and the run's folder."""

    experiment: Experiment
    faces: pd.DataFrame
    images: pixels.Pixels
    rows: dict
    labels: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    target: object
    folder: Path

    def batches(self, part: str, device, is_training: bool = False) -> Batches:
        settings = self.experiment.training
        names = self.experiment.pictures.augmentation if is_training else ()
        return Batches(
            self.images,
            self.rows[part],
            self.labels,
            batch_size=settings.batch_size,
            mean=self.mean,
            std=self.std,
            device=device,
            shuffle=is_training,
            augment=build_augmentation(names) if names else None,
            seed=settings.seed,
            # A last batch of one picture has no variance, and batch norm cannot train on it.
            drop_last=is_training and len(self.rows[part]) % settings.batch_size == 1,
        )


def _way(experiment: Experiment, prepared: Prepared, progress: bool) -> _Way:
    show = experiment.pictures
    images = pixels.decode(
        prepared.faces, prepared.root, show.image_size, show.grey, progress=progress, zoom=show.zoom
    )
    faces = prepared.faces
    rows = {part: np.flatnonzero((faces["split"] == part) & images.readable) for part in PARTS}
    rows["train"] = _share(rows["train"], show.fraction, experiment.training.seed)
    for part, chosen in rows.items():
        if not len(chosen):
            raise ValueError(f"{prepared.file}: no readable picture is in the {part} part; use more pictures")
    mean, std = pixels.statistics(images.images, rows["train"])
    target = _target(experiment, faces.iloc[rows["train"]])
    labels = target.labels(faces)
    code = code_fingerprint(
        "agelib.runs",
        networks.module_of(experiment.network.network),
        targets.module_of(experiment.training.target),
    )
    described = {name: value for name, value in experiment.values().items() if name not in asdict(Data())}
    versions = {name: metadata.version(name) for name in LIBRARIES}
    split = store.content_key(faces["split"].tolist(), faces["age"].tolist())
    kind = training.choose_device().type
    weights = _weights_key(experiment.network.pretrained)
    key = store.content_key(described, images.key, split, code, versions, kind, weights)
    folder = store.home() / "runs" / f"{experiment.network.network.replace('/', '-')}-{key}"
    return _Way(experiment, faces, images, rows, labels, mean, std, target, folder)


def _weights_key(pretrained: str) -> str:
    return store.file_key(pretrained) if pretrained and Path(pretrained).is_file() else pretrained


def _share(rows: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction={fraction} is no share: give a number above 0 and at most 1")
    if fraction == 1:
        return rows
    count = max(2, round(fraction * len(rows)))
    return np.sort(np.random.default_rng(seed).choice(rows, min(count, len(rows)), replace=False))


def _target(experiment: Experiment, faces: pd.DataFrame):
    """The target, built from the faces that are trained on."""
    return targets.build(experiment.training, targets.labels(experiment.training.target, faces))


def _network(experiment: Experiment, target):
    return networks.build(
        experiment.network, target.outputs, experiment.pictures.image_size, seed=experiment.training.seed
    )


def _train(experiment: Experiment, way: _Way, progress: bool) -> None:
    import time

    started = time.perf_counter()
    device = training.choose_device()
    folder = way.folder
    folder.mkdir(parents=True, exist_ok=True)
    store.write_json(folder / "experiment.json", experiment.values())
    network = _network(experiment, way.target)
    history = training.fit(
        network,
        way.target,
        way.batches("train", device, is_training=True),
        way.batches("valid", device),
        experiment.training,
        folder,
        device,
        title=experiment.network.network,
        progress=progress,
    )
    for part in PARTS:
        table = _predictions(network, way, part, device)
        store.write_table(folder / f"{part}_predictions.csv", table)
        if part == "test":
            store.write_table(folder / "metrics.csv", metrics.summarise(table).reset_index())
    checkpoints.save_weights(folder / "network.safetensors", network)
    store.write_json(folder / "environment.json", _environment(experiment, way, device, history, started))
    _finish(folder)


def _predictions(network, way: _Way, part: str, device) -> pd.DataFrame:
    rows = way.rows[part]
    faces = way.faces.iloc[rows].reset_index(drop=True)
    ages = training.predict(network, way.target, way.batches(part, device), device).numpy()
    table = pd.DataFrame({"path": faces["path"], "age": faces["age"], "predicted": ages.astype("float64")})
    return table.join(faces[[name for name in GROUPS if faces[name].notna().any()]])


def _environment(experiment: Experiment, way: _Way, device, history, started) -> dict:
    import time

    import torch

    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "data": str(way.faces["source"].iloc[0]),
        "drawn": is_drawn(way.faces),
        "pictures": {part: len(rows) for part, rows in way.rows.items()},
        "pixel_mean": [float(value) for value in way.mean],
        "pixel_std": [float(value) for value in way.std],
        "split": experiment.data.split,
        "seed": experiment.training.seed,
        "data_seed": experiment.data.data_seed,
        "device": f"{device.type} ({name})",
        "precision": training.precision(experiment.training, device),
        "threads": torch.get_num_threads(),
        "epochs": len(history),
        "seconds": round(time.perf_counter() - started, 2),
        "python": platform.python_version(),
        **{library: metadata.version(library) for library in LIBRARIES},
    }


def _processor() -> str:
    """The processor's name: from Linux's own table where there is one, for `platform` leaves it empty there."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _finish(folder: Path) -> None:
    """Seal the results: what makes a run finished, and a torn file noticed."""
    import shutil

    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    store.seal(folder)


def _load(experiment: Experiment, prepared: Prepared, folder: Path) -> Run:
    text = {"path": "object", "identity": "object"}
    return Run(
        experiment=experiment,
        history=pd.read_csv(folder / "history.csv"),
        predictions=pd.read_csv(folder / "test_predictions.csv", dtype=text),
        valid_predictions=pd.read_csv(folder / "valid_predictions.csv", dtype=text),
        train_predictions=pd.read_csv(folder / "train_predictions.csv", dtype=text),
        metrics=pd.read_csv(folder / "metrics.csv", index_col="metric"),
        environment=store.read_json(folder / "environment.json"),
        folder=folder,
        prepared=prepared,
    )


def _use_threads() -> None:
    """Take as many threads as AGELIB_THREADS says, so that several chapters can train side by side."""
    wish = os.environ.get("AGELIB_THREADS")
    if wish:
        import torch

        torch.set_num_threads(int(wish))
