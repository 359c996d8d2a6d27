"""`run(experiment)`: the way of the data from source to predictions, and the store of what was run.

A run's folder is named by a key of the experiment, of the very pictures and labels, of the code that can change the
result, and of the libraries' versions. The same experiment is never trained twice, and a changed result is never
served stale. Explained in chapter 06.
"""

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.config import Experiment
from agelib.data.prepare import prepare
from agelib.data.table import PARTS, is_drawn
from agelib.experiments import contamination, run_key
from agelib.experiments.data_module import open_streams
from agelib.experiments.result import GROUPS, KEY, POSTERIOR_PARTS, SUMMARY, Run, load
from agelib.experiments.weights import Streams, build_network, train
from agelib.runtime import launch, provenance, workspace
from agelib.runtime.devices import choose_device
from agelib.runtime.progress import PATIENCE, Line, steady
from agelib.targets import age_groups
from agelib.training import checkpoints, inference


def run(experiment: Experiment, progress: bool = True, processes: int = 1) -> Run:
    """Train an experiment, or find it already done.

    Parameters
    ----------
    experiment : agelib.config.Experiment
    progress : bool
        Whether to show how far it is.
    processes : int
        How many processes of this machine train it together, on one GPU each or sharing the cores; those that a
        launcher started together (``accelerate launch``, ``torchrun``) train together whatever it says.

    Raises
    ------
    ValueError
        If the data set, the network or the training cannot do what the experiment asks; the message says what to
        change.
    agelib.data.splits.LeakError
        If the experiment starts from weights that were trained on pictures of its own test or validation part, and
        ``allow_leaks`` is False.
    RuntimeError
        If one of several processes is killed or lost; the others end too.

    Notes
    -----
    A training that was interrupted goes on after its last whole epoch and ends with the same numbers. Two processes
    that ask for the same experiment train it once: the second waits. The numbers of processes and threads stand in
    ``environment`` and are no part of the key: they change a result by the order of sums alone.
    """
    with launch.explained():
        launch.join()
        _use_threads()
        shown = progress and launch.is_main()
        prepared = prepare(experiment.data, progress=shown)
        streams = open_streams(experiment, prepared, shown)
        parts = run_key.key_parts(streams)
        folder = run_key.folder_of(parts)
        if processes != 1 and not launch.is_joined():
            if workspace.find_fault(folder):
                launch.launch(_run_together, (experiment, progress), processes)
            return load(folder)
        launch.require_same("the run", folder.name, "give all machines the same code, libraries, pictures and options")
        with launch.locked(folder):
            if not launch.from_main(launch.is_main() and _is_finished(folder)):
                _train(streams, parts, folder, progress)
        return load(folder)


def _is_finished(folder: Path) -> bool:
    """Whether a folder holds a finished run; one that is torn is set aside."""
    if not (folder / workspace.SEAL).is_file():
        return False
    if fault := workspace.find_fault(folder):
        workspace.set_aside(folder, fault)
    return not fault


def _run_together(experiment: Experiment, progress: bool) -> None:
    run(experiment, progress)


def explain_key(experiment: Experiment, progress: bool = True) -> tuple[pd.DataFrame, Path]:
    """What the run of an experiment is found by, and the folder it has or would have; nothing is trained.

    The parts are as :meth:`agelib.experiments.result.Run.key_parts` gives them.
    """
    parts = run_key.key_parts(open_streams(experiment, prepare(experiment.data, progress=progress), progress))
    return run_key.as_table(parts), run_key.folder_of(parts)


def find_learning_rate(experiment: Experiment, steps: int = 60, progress: bool = False) -> pd.DataFrame:
    """The learning-rate finder on an experiment's data and network: see :func:`agelib.training.find_learning_rate`."""
    from agelib import training

    _use_threads()
    streams = open_streams(experiment, prepare(experiment.data, progress=progress), progress)
    device = choose_device()
    network = build_network(experiment, streams.target)
    train = streams.batches("train", device, is_training=True)
    valid = streams.batches("valid", device)
    return training.find_learning_rate(network, streams.target, train, valid, experiment.training, device, steps)


def _train(streams: Streams, parts: dict, folder: Path, progress: bool) -> None:
    # It takes seconds to import, and a run that is found done needs none of it.
    with steady("load fastai", progress and launch.is_main()):
        from agelib.training import trainer  # noqa: F401

    started = time.perf_counter()
    experiment, outputs = streams.experiment, {}
    device = choose_device()
    contamination.require_unseen(streams)
    if launch.is_main():
        folder.mkdir(parents=True, exist_ok=True)
        workspace.write_json(folder / "experiment.json", experiment.values())
        workspace.write_json(folder / KEY, parts)
    network = build_network(experiment, streams.target)
    history, temperatures = train(streams, network, folder, device, progress)
    environment = _environment(streams, device, history)
    if temperatures:
        environment["temperatures"] = {task: float(f"{value:.6g}") for task, value in temperatures.items()}
    line = Line("predict", len(PARTS), "parts", progress and launch.is_main(), after=PATIENCE)
    for part in PARTS:
        batches = streams.batches(part, device)
        outputs[part] = inference.outputs(network, batches, device, experiment.pictures.flip_test)
        line.advance(1, part)
    line.close()
    if launch.is_main():
        with steady("write the predictions", progress):
            _write(streams, folder, network, outputs, environment, started)


def _write(streams: Streams, folder: Path, network, outputs: dict, environment: dict, started: float) -> None:
    """Write what a training has given, and seal it."""
    target = streams.target
    for part in PARTS:
        table = _predictions(streams, part, outputs[part])
        workspace.write_table(folder / f"{part}_predictions.csv", table)
        if part == "test":  # The one number that a list of runs shows, so that listing them reads no table.
            mae = float((table["predicted"] - table["age"]).abs().mean()) if "predicted" in table else None
            workspace.write_json(folder / SUMMARY, {"MAE": mae})
        posterior = target.posterior(outputs[part]) if part in POSTERIOR_PARTS else None
        if posterior is not None:
            environment["posterior_ages"] = [float(age) for age in target.ages]
            with workspace.write_whole(folder / f"{part}_posterior.npy") as temporary, temporary.open("wb") as file:
                np.save(file, posterior.numpy(), allow_pickle=False)
    contamination.write_seen(folder, streams)
    checkpoints.save_weights(folder / "network.safetensors", network)
    environment["seconds"] = round(time.perf_counter() - started, 2)
    workspace.write_json(folder / "environment.json", environment)
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    workspace.seal(folder)  # what makes a run finished, and a torn file noticed


def _predictions(streams: Streams, part: str, outputs) -> pd.DataFrame:
    faces = streams.faces.iloc[streams.rows[part]].reset_index(drop=True)
    table = faces[["path", "age"]].join(streams.target.predictions(outputs))
    if "predicted" in table:
        bins = streams.experiment.training.bins
        names = np.asarray([*age_groups.names_of(bins), None], object)  # code −1, a missing age, is None
        table["age_group"] = names[age_groups.group_of(faces["age"].to_numpy(), bins)]
        if "predicted_age_group" not in table:
            table["predicted_age_group"] = names[age_groups.group_of(table["predicted"].to_numpy(), bins)]
    return table.join(faces[[name for name in GROUPS if faces[name].notna().any()]])


def _environment(streams: Streams, device, history) -> dict:
    experiment = streams.experiment
    return provenance.record(
        *run_key.LIBRARIES,
        device=device,
        data=str(streams.faces["source"].iloc[0]),
        drawn=is_drawn(streams.faces),
        pictures={part: len(rows) for part, rows in streams.rows.items()},
        split=experiment.data.split,
        seed=experiment.training.seed,
        data_seed=experiment.data.data_seed,
        precision=history.attrs["precision"],
        processes=launch.share()[1],
        pixel_mean=[float(value) for value in streams.mean],
        pixel_std=[float(value) for value in streams.std],
        epochs=len(history),
    ).as_dict()


def _use_threads() -> None:
    """Take as many threads as AGELIB_THREADS says, so that several chapters can train side by side."""
    wish = os.environ.get("AGELIB_THREADS")
    if wish:
        import torch

        torch.set_num_threads(int(wish))
