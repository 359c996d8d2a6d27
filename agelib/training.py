"""One training: a network, a target and two streams of batches in; a history and the best weights out.

The loop is fastai's ``Learner``; what is ours are the callbacks below. Each of them decides from the history alone,
which has one row an epoch and lies on disk, so that a training that was killed goes on where it stopped and ends with
the same numbers as one that was not. Explained in chapter 05.
"""

import math
import os
import time
import warnings
from functools import partial
from pathlib import Path

import pandas as pd
import torch

from agelib import checkpoints
from agelib.experiment import Training
from agelib.progress import Line
from agelib.store import write_table

with warnings.catch_warnings():
    # fastai uses torch.jit.script as it is imported, which torch calls deprecated; a page need not say so.
    warnings.simplefilter("ignore", FutureWarning)
    from fastai.callback.core import Callback, CancelFitException, TrainEvalCallback
    from fastai.callback.schedule import ParamScheduler, SchedCos, combined_cos
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

#: Columns of a history. Losses are the target's own; mse in years², mae in years.
HISTORY = ("epoch", "train_loss", "valid_loss", "valid_mse", "valid_mae", "learning_rate", "seconds")

PLATEAU_EPOCHS, PLATEAU_FACTOR = 2, 0.1


def choose_device(wish: str | None = None) -> torch.device:
    """The device to train on: `wish`, else what AGELIB_DEVICE names, else a GPU where there is one.

    >>> choose_device("cpu").type
    'cpu'
    """
    wish = wish or os.environ.get("AGELIB_DEVICE")
    if wish:
        return torch.device(wish)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def make_optimiser(parameters, settings: Training) -> torch.optim.Optimizer:
    """Make the torch optimiser that `settings` names.

    Parameters
    ----------
    parameters : iterable of torch.nn.Parameter
    settings : agelib.experiment.Training
        Its fields optimiser, learning_rate, weight_decay, momentum and nesterov.

    Examples
    --------
    >>> weight = torch.nn.Parameter(torch.zeros(2))
    >>> make_optimiser([weight], Training(optimiser="nadam", learning_rate=1e-4)).defaults["lr"]
    0.0001
    """
    extra = {
        "adam": {"fused": True},
        "adamw": {"fused": True},
        "sgd": {"momentum": settings.momentum, "nesterov": settings.nesterov, "fused": True},
    }
    kinds = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "nadam": torch.optim.NAdam,
        "sgd": torch.optim.SGD,
        "rmsprop": torch.optim.RMSprop,
        "adadelta": torch.optim.Adadelta,
        "adamax": torch.optim.Adamax,
    }
    return kinds[settings.optimiser](
        parameters,
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        **extra.get(settings.optimiser, {}),
    )


def fit(network, target, train, valid, settings: Training, folder, device=None, title="train", progress=True):
    """Train `network` and leave it with the weights of its best epoch.

    Parameters
    ----------
    network : torch.nn.Module
        [B, 3, S, S] → [B, outputs].
    target : agelib.targets.Target
        Says what the outputs mean: loss, and age in years.
    train, valid : agelib.batches.Batches
        Streams of (x [B, 3, S, S], labels [B, L]).
    settings : agelib.experiment.Training
    folder : path
        Gets ``checkpoint/`` after every epoch, ``history.csv`` and TensorBoard's event file. If a whole checkpoint is
        there, the training goes on after it; a torn one is set aside and the training begins anew.
    device : torch.device, optional
    title : str
        What the line of progress says.
    progress : bool

    Returns
    -------
    pandas.DataFrame
        One row an epoch, with the columns :data:`HISTORY`.

    Raises
    ------
    ValueError
        If the loss stops being a number; the message says in which epoch and what to change.
    """
    device = choose_device() if device is None else device
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    learner = make_learner(network, target, train, valid, settings, device)
    record = Record(target, folder, settings, title, progress)
    record.resume(learner)
    learner.add_cbs([record, Reseed(settings.seed), *_schedule(settings), *_precision(settings, device)])
    if not record.finished():
        learner.fit(settings.epochs, lr=settings.learning_rate, start_epoch=len(record.rows))
    network.load_state_dict(record.best_weights)
    return record.history()


def make_learner(network, target, train, valid, settings: Training, device) -> Learner:
    """fastai's Learner over our batches, with nothing but its own bookkeeping attached."""
    network.to(device, memory_format=torch.channels_last)
    learner = Learner(
        DataLoaders(train, valid, device=device),
        network,
        loss_func=target.loss,
        opt_func=partial(OptimWrapper, opt=partial(_optimiser_for, settings=settings)),
        lr=settings.learning_rate,
        cbs=[TrainEvalCallback, ChannelsLast],
        default_cbs=False,
    )
    learner.create_opt()
    return learner


def _optimiser_for(parameters, settings, **_):
    return make_optimiser(parameters, settings)


class ChannelsLast(Callback):
    """Lay each batch out with the channels of a pixel side by side: convolutions on a CPU are up to twice as fast."""

    def before_batch(self):
        self.learn.xb = tuple(x.contiguous(memory_format=torch.channels_last) for x in self.xb)


class Reseed(Callback):
    """Make every epoch's random numbers a function of (seed, epoch), so that a resumed run draws the same ones."""

    order = -50

    def __init__(self, seed: int):
        self.seed = seed

    def before_epoch(self):
        torch.manual_seed(self.seed * 100_003 + self.epoch)
        self.dls.train.set_epoch(self.epoch)


class Record(Callback):
    """Measure each epoch, keep the best weights, write the checkpoint, and stop early."""

    order = 80

    def __init__(self, target, folder: Path, settings: Training, title: str, progress: bool):
        self.target, self.folder, self.settings = target, folder, settings
        self.title, self.progress = title, progress
        self.rows: list[dict] = []
        self.best_weights: dict = {}

    def resume(self, learner) -> None:
        """Take up a checkpoint if there is one."""
        folder = self.folder / "checkpoint"
        if not folder.is_dir():
            return
        try:
            history, best = checkpoints.load_checkpoint(folder, learner.model, learner.opt.opt)
        except ValueError as error:
            set_aside(folder, str(error))
            return
        self.rows = history.to_dict("records")
        self.best_weights = best

    def history(self) -> pd.DataFrame:
        return pd.DataFrame(self.rows, columns=list(HISTORY)).astype({"epoch": int})

    def finished(self) -> bool:
        return len(self.rows) >= self.settings.epochs or is_early_stop(self.history(), self.settings.patience)

    def before_fit(self):
        from torch.utils.tensorboard import SummaryWriter

        self.line = Line(self.title, self.settings.epochs, "epochs", self.progress)
        self.line.done = len(self.rows)
        self.board = SummaryWriter(self.folder / "tensorboard", purge_step=len(self.rows))

    def before_train(self):
        self.started = time.perf_counter()
        self._train_loss, self._train_count = 0.0, 0

    def before_validate(self):
        self._outputs, self._labels = [], []

    def after_batch(self):
        if self.training:
            count = len(self.x)
            self._train_loss = self._train_loss + self.loss.detach() * count
            self._train_count += count
        else:
            self._outputs.append(self.pred.detach().float())
            self._labels.append(self.y)

    def after_epoch(self):
        if self.epoch < len(self.rows):  # an epoch that fastai skips because it was trained before
            return
        outputs, labels = torch.cat(self._outputs), torch.cat(self._labels)
        error = (self.target.decode(outputs) - labels[:, 0]).double()
        row = {
            "epoch": self.epoch,
            "train_loss": float(self._train_loss) / self._train_count,
            "valid_loss": float(self.target.loss(outputs, labels)),
            "valid_mse": float((error**2).mean()),
            "valid_mae": float(error.abs().mean()),
            "learning_rate": float(self.opt.hypers[-1]["lr"]),
            "seconds": time.perf_counter() - self.started,
        }
        if not math.isfinite(row["train_loss"]) or not math.isfinite(row["valid_loss"]):
            raise ValueError(
                f"{self.title}: the loss of epoch {self.epoch + 1} is not a number; "
                f"lower learning_rate (it is {self.settings.learning_rate}) or choose another optimiser"
            )
        self.rows.append(row)
        if row["valid_loss"] <= min(r["valid_loss"] for r in self.rows):
            state = self.learn.model.state_dict()
            self.best_weights = {name: checkpoints.to_store(tensor) for name, tensor in state.items()}
        self._write()
        self.line.advance(1, f"validation MAE {row['valid_mae']:.1f} years")
        if is_early_stop(self.history(), self.settings.patience):
            raise CancelFitException

    def after_fit(self):
        self.line.close()
        self.board.close()

    def _write(self):
        history = self.history()
        checkpoints.save_checkpoint(
            self.folder / "checkpoint", self.learn.model, self.best_weights, self.opt.opt, history
        )
        write_table(self.folder / "history.csv", history)
        for name, value in self.rows[-1].items():
            self.board.add_scalar(name, value, self.epoch)


class Plateau(Callback):
    """Lower the learning rate tenfold after two epochs without a better validation loss, as often as it happens."""

    order, run_valid = 60, False

    def before_train(self):
        rate = plateau_rate(
            self.learn.record.history()["valid_loss"].tolist(), self.learn.record.settings.learning_rate
        )
        self.opt.set_hyper("lr", rate)


def plateau_rate(losses: list[float], rate: float) -> float:
    """The learning rate after epochs with these validation losses: a function of the history, so it survives a kill.

    >>> plateau_rate([1.0, 0.9, 0.95, 0.91], 1e-3)
    0.0001
    >>> plateau_rate([1.0, 0.9, 0.95], 1e-3)
    0.001
    """
    best, waited = math.inf, 0
    for loss in losses:
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == PLATEAU_EPOCHS:
            rate, waited = rate * PLATEAU_FACTOR, 0
    return rate


def is_early_stop(history: pd.DataFrame, patience: int) -> bool:
    """Whether the last `patience` epochs brought no better validation loss.

    >>> is_early_stop(pd.DataFrame({"valid_loss": [3.0, 1.0, 1.5, 1.2]}), patience=2)
    True
    """
    if patience <= 0 or len(history) <= patience:
        return False
    return len(history) - 1 - int(history["valid_loss"].to_numpy().argmin()) >= patience


def _schedule(settings: Training) -> list[Callback]:
    rate = settings.learning_rate
    if settings.schedule == "plateau":
        return [Plateau()]
    if settings.schedule == "one_cycle":
        return [ParamScheduler({"lr": combined_cos(0.25, rate / 25, rate, rate / 1e5)})]
    if settings.schedule == "cosine":
        return [ParamScheduler({"lr": SchedCos(rate, rate / 1e3)})]
    return []


def _precision(settings: Training, device: torch.device) -> list[Callback]:
    """fastai's mixed precision on a GPU; on a CPU always float32, because bf16 without the instructions is slower."""
    mode = precision(settings, device)
    if mode == "float32":
        return []
    from fastai.callback.fp16 import MixedPrecision

    return [MixedPrecision(amp_mode=mode)]


def precision(settings: Training, device: torch.device) -> str:
    """The arithmetic that a training uses: float32, bf16 or fp16.

    >>> precision(Training(mixed_precision="bf16"), torch.device("cpu"))
    'float32'
    """
    if device.type != "cuda" or settings.mixed_precision == "off":
        return "float32"
    if settings.mixed_precision == "auto":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return settings.mixed_precision


def find_learning_rate(
    network, target, train, valid, settings: Training, device=None, steps=60
) -> pd.DataFrame:
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
    learner = make_learner(network, target, train, valid, settings, device)
    learner.add_cb(Recorder(train_metrics=False))
    torch.manual_seed(settings.seed)
    train.set_epoch(0)
    with tempfile.TemporaryDirectory() as folder, learner.no_logging():
        learner.path = Path(folder)
        suggestion = learner.lr_find(start_lr=1e-6, end_lr=1.0, num_it=steps, show_plot=False)
    number = min(len(learner.recorder.lrs), len(learner.recorder.losses))
    curve = pd.DataFrame(
        {
            "learning_rate": [float(rate) for rate in learner.recorder.lrs[:number]],
            "loss": [float(loss) for loss in learner.recorder.losses[:number]],
        }
    )
    curve.attrs["suggestion"] = float(suggestion.valley)
    return curve


@torch.no_grad()
def predict(network, target, batches, device=None) -> torch.Tensor:
    """Ages in years for every picture of `batches`, in order: float32 [N], on the CPU."""
    device = choose_device() if device is None else device
    network.to(device, memory_format=torch.channels_last).eval()
    ages = [
        target.decode(network(x.to(device, memory_format=torch.channels_last)).float()).cpu()
        for x, _ in batches
    ]
    return torch.cat(ages)


def set_aside(folder: Path, reason: str) -> Path:
    """Rename a folder that is not whole, so that nothing is lost and nothing torn is read, and say so."""
    folder = Path(folder)
    number = 1
    while (aside := folder.with_name(f"{folder.name}.torn-{number}")).exists():
        number += 1
    folder.rename(aside)
    warnings.warn(f"{reason}. It was set aside as {aside}; beginning anew.", stacklevel=3)
    return aside
