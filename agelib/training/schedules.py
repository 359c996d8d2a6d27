"""Learning rates over a training: none, plateau, one-cycle, cosine. Explained in chapter 16."""

import math

from agelib.config import Training
from agelib.training.callbacks import Callback, ParamScheduler, SchedCos, combined_cos

PLATEAU_EPOCHS, PLATEAU_FACTOR = 2, 0.1


class Plateau(Callback):
    """Lower the learning rate tenfold after two epochs without a better validation loss, as often as it happens."""

    order, run_valid = 60, False

    def __init__(self, learning_rate: float):
        self.learning_rate = learning_rate

    def before_train(self):
        losses = self.learn.record.in_phase()["valid_loss"].tolist()
        self.opt.set_hyper("lr", plateau_rate(losses, self.learning_rate))


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


def schedule(settings: Training, rate: float) -> list[Callback]:
    """The callbacks of the schedule that `settings` names, for a phase whose learning rate is `rate`."""
    if settings.schedule == "plateau":
        return [Plateau(rate)]
    if settings.schedule == "one_cycle":
        return [ParamScheduler({"lr": combined_cos(0.25, rate / 25, rate, rate / 1e5)})]
    if settings.schedule == "cosine":
        return [ParamScheduler({"lr": SchedCos(rate, rate / 1e3)})]
    return []
