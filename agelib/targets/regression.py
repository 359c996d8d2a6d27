"""Regression: the network gives the age itself. Explained in chapters 06 and 12.

Studies A and B train with the mean squared or the mean absolute error, on one output; study B's goes through a
sigmoid that stands for the age divided by 100.
"""

from dataclasses import dataclass

import numpy as np
from torch.nn import functional

from agelib.targets.ages import AgeTarget
from agelib.targets.base import check_shapes, full_precision, weighted_mean

#: Name of a loss → error of each picture, from output and label of the same unit. Huber's is quadratic up to an
#: error of `delta` and linear beyond.
LOSSES = {
    "mse": lambda output, label, delta: (output - label) ** 2,
    "mae": lambda output, label, delta: (output - label).abs(),
    "huber": lambda output, label, delta: functional.huber_loss(output, label, reduction="none", delta=delta),
}

#: Study B's output of 1 means so many years.
SIGMOID_YEARS = 100.0


@dataclass(frozen=True)
class Regression(AgeTarget):
    """Age as one number, learnt as (age − mean) / std of the training part.

    The loss is in standardised units, :meth:`decode` in years. An output of 0 is the mean age, so that a network
    whose last bias is 0 starts there. With mean 0 and std 1 the network learns years as they are.

    Parameters
    ----------
    loss_name : str
        mse, mae or huber; huber is quadratic up to an error of 1 (a standard deviation of age, or a year).
    mean, std : float
        In years.
    bins : str
        Age groups of predictions and scores.

    Examples
    --------
    >>> import torch
    >>> target = Regression("mse", mean=30.0, std=10.0)
    >>> target.loss(torch.tensor([[1.0], [0.0]]), torch.tensor([[30.0], [30.0]]))
    tensor(0.5000)
    >>> target.decode(torch.tensor([[1.0], [0.0]]))
    tensor([40., 30.])
    """

    loss_name: str = "mse"
    mean: float = 0.0
    std: float = 1.0
    bins: str = "7b"

    def __post_init__(self):
        self._check_options()
        _check_loss(self.loss_name)
        if not self.std > 0:
            raise ValueError(f"std is a number of years above 0, not {self.std}")

    @classmethod
    def make(cls, training, train_labels: np.ndarray) -> "Regression":
        """Mean and std come from the training part (where all ages are equal, std is 1)."""
        if not training.standardise:
            return cls(training.loss, bins=training.bins)
        ages = train_labels[:, 0]
        return cls(training.loss, float(ages.mean()), float(ages.std()) or 1.0, training.bins)

    def loss(self, outputs, labels, weights=None):
        check_shapes("regression", outputs, 1, labels)
        standardised = (labels - self.mean) / self.std  # [B, 1]
        errors = LOSSES[self.loss_name](full_precision(outputs), standardised, 1.0)  # [B, 1]
        return weighted_mean(errors.squeeze(1), weights)

    def decode(self, outputs):
        check_shapes("regression", outputs, 1)
        # In float32: in half precision an age of 60 would come in steps of 1/32 or, with bf16, 1/4 of a year.
        return full_precision(outputs).squeeze(1) * self.std + self.mean


@dataclass(frozen=True)
class Sigmoid(AgeTarget):
    """Age as a share of 100 years, through a sigmoid: study B's output.

    The loss is that of the share, as in study B: an mse here is 1/10,000 of one in years², an mae 1/100 of one in
    years. Huber's loss is quadratic up to a hundredth, which is a year. An age above 100 can not be said.

    Parameters
    ----------
    loss_name : str
        mse, mae or huber.
    bins : str
        Age groups of predictions and scores.

    Examples
    --------
    >>> import torch
    >>> target = Sigmoid("mae")
    >>> target.decode(torch.tensor([[0.0]]))
    tensor([50.])
    >>> target.loss(torch.tensor([[0.0]]), torch.tensor([[30.0]]))
    tensor(0.2000)
    """

    loss_name: str = "mse"
    bins: str = "7b"

    def __post_init__(self):
        self._check_options()
        _check_loss(self.loss_name)

    @classmethod
    def make(cls, training, train_labels: np.ndarray) -> "Sigmoid":
        return cls(training.loss, training.bins)

    def loss(self, outputs, labels, weights=None):
        check_shapes("sigmoid", outputs, 1, labels)
        shares = full_precision(outputs).sigmoid()  # [B, 1]
        errors = LOSSES[self.loss_name](shares, labels / SIGMOID_YEARS, 1 / SIGMOID_YEARS)
        return weighted_mean(errors.squeeze(1), weights)

    def decode(self, outputs):
        check_shapes("sigmoid", outputs, 1)
        return full_precision(outputs).sigmoid().squeeze(1) * SIGMOID_YEARS


def _check_loss(name: str) -> None:
    if name not in LOSSES:
        raise ValueError(f"loss is one of {', '.join(LOSSES)}, not {name!r}")
