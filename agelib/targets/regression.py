"""Regression: the network gives the age itself. Explained in chapter 05.

Studies A and B train with the mean squared or the mean absolute error, on one output.
"""

from dataclasses import dataclass

import numpy as np
from torch.nn import functional

from agelib.targets.contract import Target, weighted_mean

#: Name of a loss → error of each picture, from output and label of the same unit.
LOSSES = {
    "mse": lambda output, label: (output - label) ** 2,
    "mae": lambda output, label: (output - label).abs(),
    # Quadratic up to an error of 1 (a standard deviation of age, or a year without standardising), linear beyond.
    "huber": lambda output, label: functional.huber_loss(output, label, reduction="none"),
}


@dataclass(frozen=True)
class Regression(Target):
    """Age as one number, learnt as (age − mean) / std of the training part.

    The loss is in standardised units, :meth:`decode` in years. An output of 0 is the mean age, so that a network
    whose last bias is 0 starts there. With mean 0 and std 1 the network learns years as they are.

    Parameters
    ----------
    loss_name : str
        mse, mae or huber.
    mean, std : float
        In years.

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

    def __post_init__(self):
        if self.loss_name not in LOSSES:
            raise ValueError(f"loss is one of {', '.join(LOSSES)}, not {self.loss_name!r}")
        if not self.std > 0:
            raise ValueError(f"std is a number of years above 0, not {self.std}")

    def loss(self, outputs, labels, weights=None):
        if outputs.ndim != 2 or outputs.shape[1] != 1 or labels.shape != outputs.shape:
            raise ValueError(
                f"regression takes outputs and labels [B, 1], not {list(outputs.shape)} and {list(labels.shape)}"
            )
        standardised = (labels - self.mean) / self.std  # [B, 1]
        errors = LOSSES[self.loss_name](outputs, standardised)  # [B, 1]
        return weighted_mean(errors.squeeze(1), weights)

    def decode(self, outputs):
        # In float32: in half precision an age of 60 would come in steps of 1/32 or, with bf16, 1/4 of a year.
        return outputs.float().squeeze(1) * self.std + self.mean


#: The class whose ``labels`` are used before there is anything to build from.
TARGET = Regression


def build(training, train_labels: np.ndarray) -> Regression:
    """Make the target; mean and std come from the training part (where all ages are equal, std is 1)."""
    if not training.standardise:
        return Regression(training.loss)
    ages = train_labels[:, 0]
    return Regression(training.loss, mean=float(ages.mean()), std=float(ages.std()) or 1.0)
