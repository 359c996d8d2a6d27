"""The training itself, on fastai's ``Learner``; and the learning-rate finder. Explained in chapter 06."""

from functools import partial
from pathlib import Path

import pandas as pd
import torch

from agelib.config import Training
from agelib.runtime import launch, malloc
from agelib.runtime.devices import choose_device
from agelib.training import checkpoints, data_parallel
from agelib.training.callbacks import (
    Bf16,
    ChannelsLast,
    DataLoaders,
    Learner,
    OptimWrapper,
    Reseed,
    Together,
    TrainEvalCallback,
    own_words,
)
from agelib.training.freezing import Freeze, Phase, phases, set_free
from agelib.training.mixup import Mixup
from agelib.training.optimisers import make_optimiser
from agelib.training.precision import compile_for, precision
from agelib.training.recorder import Record
from agelib.training.schedules import schedule
from agelib.training.weight_averaging import Averaging


@malloc.kept()
def fit(
    network,
    target,
    train,
    valid,
    settings: Training,
    folder,
    device=None,
    title="train",
    progress=True,
    mixup: float = 0.0,
):
    """Train `network` and leave it with the weights of its best epoch.

    Parameters
    ----------
    network : torch.nn.Module
        [B, 3, S, S] → [B, outputs].
    target : agelib.targets.Target
        Says what the outputs mean: loss, and age in years.
    train, valid : agelib.pixels.batches.Batches
        Streams of (x [B, 3, S, S], labels [B, L]).
    settings : agelib.config.Training
    folder : path
        Gets ``checkpoint/`` after every epoch, ``history.csv`` and TensorBoard's event file. If a whole checkpoint is
        there, the training goes on after it; a torn one is set aside and the training begins anew.
    device : torch.device, optional
    title : str
        What the line of progress says.
    progress : bool
    mixup : float
        Alpha of :class:`agelib.training.mixup.Mixup`; 0: none.

    Returns
    -------
    pandas.DataFrame
        One row an epoch, with the columns :data:`HISTORY`; ``attrs["precision"]`` is the arithmetic that was used.

    Raises
    ------
    ValueError
        If the loss stops being a number; the message says in which epoch and what to change. Or if the network is to
        be compiled, and there is no compiler.

    Notes
    -----
    Several processes that were launched together train one network, each on its share of every batch:
    :mod:`agelib.training.data_parallel`. The main process alone writes.
    """
    device = choose_device() if device is None else device
    folder = Path(folder)
    if launch.is_main():
        folder.mkdir(parents=True, exist_ok=True)
    if settings.compiled:
        compile_for(network, device)
    record = Record(target, folder, settings, title, progress)
    train, valid = data_parallel.shared(train), data_parallel.shared(valid)
    _resume(record)
    if not record.precision:
        record.precision = launch.from_main(_arithmetic(network, train, settings, device) if launch.is_main() else "")
    for phase in phases(settings):
        if not record.is_over(phase) and phase.epochs:
            _fit_phase(network, target, train, valid, settings, phase, record, device, mixup)
    network.load_state_dict(record.best_weights)
    set_free(network)
    return record.history()


def _resume(record: Record) -> None:
    """Take up the checkpoint: the main process first, for it sets a torn one aside."""
    if launch.is_main():
        record.resume()
    launch.from_main()
    if not launch.is_main():
        record.resume()
    launch.require_same(
        "the number of epochs that are done", len(record.rows), f"let all machines share {record.folder} (AGELIB_HOME)"
    )


def _fit_phase(network, target, train, valid, settings, phase: Phase, record, device, mixup) -> None:
    """One phase: from its own checkpoint if it had begun, else from the best weights so far."""
    averaging = Averaging(network, settings.averaging, settings.ema_decay) if settings.averaging != "none" else None
    record.begin(phase, averaging)
    begun = len(record.in_phase())
    if not begun and record.best_weights:
        network.load_state_dict(record.best_weights)
    if phase.batch_size != train.batch_size:
        train = train.new(batch_size=phase.batch_size)
    learner = make_learner(network, target, train, valid, settings, device)
    if averaging:
        averaging.average.to(device)
    if begun:
        average = averaging.average if averaging else None
        checkpoints.load_state(record.checkpoint, network, learner.opt.opt, average)
    learner.add_cbs(
        [
            record,
            Reseed(settings.seed, record.first),
            Freeze(network, phase.name, settings.frozen_stages),
            *schedule(settings, phase.learning_rate),
            *([Mixup(mixup)] if mixup else []),
            *([averaging] if averaging else []),
            *([Together()] if launch.is_joined() else []),
            *_mixed_precision(record.precision, device),
        ]
    )
    with own_words():
        learner.fit(phase.epochs, lr=phase.learning_rate, start_epoch=begun)


def make_learner(network, target, train, valid, settings: Training, device) -> Learner:
    """fastai's Learner over our batches, with nothing but its own bookkeeping attached."""
    network.to(device, memory_format=torch.channels_last)
    learner = Learner(
        DataLoaders(train, valid, device=device),
        network,
        loss_func=target.loss,
        opt_func=partial(OptimWrapper, opt=lambda parameters, **_: make_optimiser(parameters, settings)),
        lr=settings.learning_rate,
        # Every weight is the optimiser's; those that are frozen have no gradient, and it passes them by.
        splitter=lambda model: list(model.parameters()),
        cbs=[TrainEvalCallback, ChannelsLast],
        default_cbs=False,
    )
    learner.create_opt()
    return learner


def _arithmetic(network, train, settings: Training, device) -> str:
    """The arithmetic of a whole training; its length is that of all phases."""
    pictures = train.shown * sum(phase.epochs for phase in phases(settings))
    return precision(settings, device, network, pictures, train.images.shape[-1])


def _mixed_precision(mode: str, device: torch.device) -> list:
    if mode == "fp16":
        from fastai.callback.fp16 import MixedPrecision

        return [MixedPrecision(amp_mode=mode)]
    return [Bf16(device.type)] if mode == "bf16" else []


def find_learning_rate(network, target, train, valid, settings: Training, device=None, steps=60) -> pd.DataFrame:
    """Raise the learning rate from 1e-6 to 1 over `steps` batches and record the loss: fastai's finder.

    The network's weights are the same afterwards.

    Returns
    -------
    pandas.DataFrame
        Columns ``learning_rate`` and ``loss`` (smoothed); ``attrs["suggestion"]`` is fastai's valley point.
    """
    import tempfile

    from fastai.learner import Recorder

    device = choose_device() if device is None else device
    mode = _arithmetic(network, train, settings, device)
    learner = make_learner(network, target, train, valid, settings, device)
    learner.add_cbs([Recorder(train_metrics=False), *_mixed_precision(mode, device)])
    torch.manual_seed(settings.seed)
    train.set_epoch(0)
    with tempfile.TemporaryDirectory() as folder, learner.no_logging(), own_words():
        learner.path = Path(folder)
        suggestion = learner.lr_find(start_lr=1e-6, end_lr=1.0, num_it=steps, show_plot=False)
    number = min(len(learner.recorder.lrs), len(learner.recorder.losses))
    lists = {"learning_rate": learner.recorder.lrs, "loss": learner.recorder.losses}
    curve = pd.DataFrame({name: [float(value) for value in values[:number]] for name, values in lists.items()})
    curve.attrs["suggestion"] = float(suggestion.valley)
    return curve
