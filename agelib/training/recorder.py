"""What a training writes down, which epoch was the best, and when it ends. Explained in chapter 06.

Everything is decided from the history alone, which has one row an epoch and lies on disk, so that a training that was
killed goes on where it stopped and ends with the same numbers as one that was not.
"""

import math
import time
from pathlib import Path

import pandas as pd
import torch

from agelib.config import Training
from agelib.runtime import launch
from agelib.runtime.progress import Line
from agelib.runtime.workspace import set_aside, write_table
from agelib.training import checkpoints
from agelib.training.callbacks import Callback, CancelFitException
from agelib.training.freezing import Phase

SCORES = ("mse", "mae", "f1")

#: Columns of a history. Losses are the target's own; mse in years², mae in years, f1 is macro F1 in percent.
HISTORY = ("epoch", "train_loss", "valid_loss", *map("valid_{}".format, SCORES), "learning_rate", "seconds", "phase")

#: A checkpoint is written when this many times as long has passed as the last one took to write: a tenth of the time at
#: most goes to disk, however large the network. What is trained anew after a kill comes out the same.
PATIENCE_OF_CHECKPOINTS = 10


class Record(Callback):
    """Measure each epoch, keep the best weights, write the checkpoint, and stop early."""

    order = 80

    def __init__(self, target, folder: Path, settings: Training, title: str, progress: bool):
        self.target, self.folder, self.settings = target, folder, settings
        self.title, self.progress = title, progress
        self.rows: list[dict] = []
        self.best_weights: dict = {}
        self.phase: Phase | None = None
        self.precision = ""  # the arithmetic, once it is chosen
        self._due = 0.0  # the time from which on a checkpoint is written again

    @property
    def checkpoint(self) -> Path:
        """The folder of the state after the last whole epoch."""
        return self.folder / "checkpoint"

    def resume(self) -> None:
        """Take up history and best weights of a checkpoint if there is a whole one."""
        if not self.checkpoint.is_dir():
            return
        try:
            history, self.best_weights = checkpoints.load_history(self.checkpoint)
        except ValueError as error:
            set_aside(self.checkpoint, str(error))
            return
        self.rows, self.precision = history.to_dict("records"), history.attrs["precision"]

    def history(self) -> pd.DataFrame:
        history = pd.DataFrame(self.rows, columns=list(HISTORY)).astype({"epoch": int})
        history.attrs["precision"] = self.precision
        return history

    def in_phase(self, phase: Phase | None = None) -> pd.DataFrame:
        """The history of one phase; by default of the one that runs."""
        history = self.history()
        return history[history["phase"] == (phase or self.phase).name]

    def is_over(self, phase: Phase) -> bool:
        """Whether a phase has had its epochs, stopped early, or was followed by another."""
        history = self.in_phase(phase)
        if history.empty:
            return False
        if self.rows[-1]["phase"] != phase.name or len(history) >= phase.epochs:
            return True
        return is_early_stop(history, self.settings.patience, self.settings.monitor)

    def begin(self, phase: Phase, averages) -> None:
        """Say which phase the next fit is, and which callback averages its weights (or None)."""
        self.phase, self.averages = phase, averages
        self.first = len(self.rows) - len(self.in_phase())

    def before_fit(self):
        from torch.utils.tensorboard import SummaryWriter

        total = self.first + self.phase.epochs
        self.line = Line(self.title, total, "epochs", self.progress and launch.is_main())
        self.line.done = len(self.rows)
        if launch.is_main():
            self.board = SummaryWriter(self.folder / "tensorboard", purge_step=len(self.rows))

    def before_train(self):
        self.started = time.perf_counter()
        self._train_loss, self._train_count = 0.0, 0
        self._batches, self._batches_in_all = 0, len(self.dls.train) + len(self.dls.valid)

    def before_validate(self):
        self._outputs, self._labels = [], []

    def after_batch(self):
        if self.training:
            count = len(self.y)
            self._train_loss = self._train_loss + self.loss.detach() * count
            self._train_count += count
        else:
            self._outputs.append(self.pred.detach().float())
            self._labels.append(self.y)
        self._batches += 1
        self.line.within(self._batches / self._batches_in_all)

    def after_epoch(self):
        epoch = self.first + self.epoch
        if epoch < len(self.rows):  # an epoch that fastai skips because it was trained before
            return
        outputs, labels = torch.cat(self._outputs), torch.cat(self._labels)
        losses = {
            "train_loss": float(self._train_loss) / self._train_count,
            "valid_loss": float(self.target.loss(outputs, labels)),
        }
        if not all(map(math.isfinite, losses.values())):
            raise ValueError(
                f"{self.title}: the loss of epoch {epoch + 1} is not a number; "
                f"lower learning_rate (it is {self.phase.learning_rate}) or choose another optimiser"
            )
        scores = {name: float(value) for name, value in self.target.scores(outputs, labels).items()}
        row = {
            "epoch": epoch,
            **losses,
            **{f"valid_{name}": scores.get(name, math.nan) for name in SCORES},
            "learning_rate": float(self.opt.hypers[-1]["lr"]),
            "seconds": time.perf_counter() - self.started,
            "phase": self.phase.name,
        }
        row = launch.from_main(row)  # so that all processes decide alike
        if self._is_best(row):
            state = (self.averages.weights() if self.averages else self.learn.model).state_dict()
            self.best_weights = {name: checkpoints.to_store(tensor) for name, tensor in state.items()}
        self.rows.append(row)
        if launch.is_main():
            self._write()
        self.line.advance(1, _in_words(row))
        if is_early_stop(self.in_phase(), self.settings.patience, self.settings.monitor):
            raise CancelFitException

    def after_fit(self):
        self.line.close()
        if launch.is_main():
            self.board.close()

    def _is_best(self, row: dict) -> bool:
        """Whether no epoch was better; once an average over epochs has begun, no epoch since then."""
        if not math.isfinite(row[f"valid_{self.settings.monitor}"]):
            raise ValueError(
                f"monitor={self.settings.monitor}: target {self.settings.target} of {', '.join(self.settings.tasks)} "
                "has no such validation value; use monitor=loss"
            )
        rivals = self.rows
        if self.averages and self.averages.kind == "swa" and self.averages.started:
            rivals = rivals[len(rivals) - int(self.averages.average.n_averaged) + 1 :]
        monitor = self.settings.monitor
        return all(cost(row, monitor) <= cost(rival, monitor) for rival in rivals)

    def _write(self):
        history = self.history()
        started = time.perf_counter()
        if started >= self._due:
            average = self.averages.average if self.averages else None
            checkpoints.save_checkpoint(
                self.checkpoint, self.learn.model, self.best_weights, self.opt.opt, history, average
            )
            ended = time.perf_counter()
            self._due = ended + PATIENCE_OF_CHECKPOINTS * (ended - started)
        write_table(self.folder / "history.csv", history)
        for name, value in self.rows[-1].items():
            if name != "phase" and math.isfinite(value):
                self.board.add_scalar(name, value, self.rows[-1]["epoch"])


def cost(row, monitor: str = "loss") -> float:
    """What is to become small: the monitored validation value, or for F1 what it lacks.

    >>> cost({"valid_f1": 70.0}, "f1")
    -70.0
    """
    value = row[f"valid_{monitor}"]
    return -value if monitor == "f1" else value


def is_early_stop(history: pd.DataFrame, patience: int, monitor: str = "loss") -> bool:
    """Whether the last `patience` epochs brought no better validation value.

    >>> is_early_stop(pd.DataFrame({"valid_loss": [3.0, 1.0, 1.5, 1.2]}), patience=2)
    True
    """
    if patience <= 0 or len(history) <= patience:
        return False
    return len(history) - 1 - int(cost(history, monitor).to_numpy().argmin()) >= patience


def _in_words(row: dict) -> str:
    if math.isfinite(row["valid_mae"]):
        return f"validation MAE {row['valid_mae']:.1f} years"
    if math.isfinite(row["valid_f1"]):
        return f"validation macro F1 {row['valid_f1']:.1f} %"
    return f"validation loss {row['valid_loss']:.3g}"
