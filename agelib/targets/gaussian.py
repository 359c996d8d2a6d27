"""A normal distribution of age: the network gives a mean and how sure it is of it. Explained in chapter 12.

A heteroscedastic regression (Nix and Weigend 1994): two outputs, mean and log-variance, learnt by the negative log of
the normal density. Where a face is hard to judge, the network may say so by a greater variance.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from agelib.targets.ages import WholeYears, whole_years
from agelib.targets.base import check_shapes, full_precision, weighted_mean

#: The log-variance stays within ± this, smoothly: one picture that is thought to be known exactly would otherwise give
#: an endless gradient. In standardised units a standard deviation from 1/20 to 20 of the training part's.
MOST_LOG_VARIANCE = 6.0


@dataclass(frozen=True)
class Normal(WholeYears):
    """Mean and log-variance of (age − mean) / std of the training part.

    Outputs of 0 are the training part's own mean and variance. The mean, the median and the mode of a normal
    distribution are one, so there is one estimate; it may lie outside the grid.

    Parameters
    ----------
    first, last : int
        Youngest and oldest age of the posterior, in years; what is beyond belongs to them.
    mean, std : float
        In years.
    bins : str
        Age groups of predictions and scores.

    Examples
    --------
    >>> target = Normal(first=0, last=100, mean=30.0, std=10.0)
    >>> target.decode(torch.tensor([[1.0, 0.0]]))
    tensor([40.])
    >>> target.loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[40.0]]))  # log √2π
    tensor(0.9189)
    >>> target.posterior(torch.tensor([[1.0, 0.0]]))[0, 40]  # Φ(0.05) − Φ(−0.05)
    tensor(0.0399)
    """

    first: int = 0
    last: int = 100
    mean: float = 0.0
    std: float = 1.0
    bins: str = "7b"

    outputs = 2

    def __post_init__(self):
        self._check_options()
        if not self.std > 0:
            raise ValueError(f"std is a number of years above 0, not {self.std}")

    @classmethod
    def make(cls, training, train_labels: np.ndarray) -> "Normal":
        ages = train_labels[:, 0]
        scale = (float(ages.mean()), float(ages.std()) or 1.0) if training.standardise else (0.0, 1.0)
        return cls(*whole_years(ages), *scale, training.bins, grouping=training.grouping)

    def _parameters(self, outputs):
        """Standardised mean [B] and log-variance [B], which is bounded with a gradient everywhere."""
        check_shapes("normal", outputs, 2)
        mean, log_variance = full_precision(outputs).unbind(dim=1)
        return mean, MOST_LOG_VARIANCE * torch.tanh(log_variance / MOST_LOG_VARIANCE)

    def loss(self, outputs, labels, weights=None):
        check_shapes("normal", outputs, 2, labels)
        mean, log_variance = self._parameters(outputs)
        standardised = (labels[:, 0] - self.mean) / self.std
        squares = (standardised - mean) ** 2 * torch.exp(-log_variance)
        return weighted_mean((squares + log_variance + math.log(2 * math.pi)) / 2, weights)

    def spread(self, outputs):
        """Standard deviations [B], in years."""
        return torch.exp(self._parameters(outputs)[1] / 2) * self.std

    def posterior(self, outputs):
        mean, log_variance = self._parameters(outputs)
        ages = self.ages_beside(outputs)
        # A whole year stands for the half years around it; the ends are open, so that the sum is 1.
        edges = ((ages[1:] + ages[:-1]) / 2 - self.mean) / self.std  # [A − 1]
        z = (edges - mean[:, None]) * torch.exp(-log_variance / 2)[:, None]  # [B, A − 1]
        open_end = torch.full_like(z[:, :1], math.inf)
        low, high = torch.cat([-open_end, z], dim=1), torch.cat([z, open_end], dim=1)  # [B, A]
        # Above the mean 1 − 1 would remain of Φ(high) − Φ(low); Φ(−low) − Φ(−high) is the same without that.
        above = low > 0
        low, high = torch.where(above, -high, low), torch.where(above, -low, high)
        return _below(high) - _below(low)

    def decode(self, outputs):
        return self._parameters(outputs)[0] * self.std + self.mean


def _below(z):
    """Φ(z), right in its lower tail too: torch.special.ndtr is 0 from −6 on in float32."""
    return torch.special.erfc(-z / math.sqrt(2)) / 2
