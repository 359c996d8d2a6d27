"""Ages as a distribution: one output for each whole year, made probabilities by a softmax. Explained in chapter 12.

Four losses on the same outputs. *expectation* (DEX; Rothe et al. 2018): cross-entropy on the year, as if years were
classes. *distribution* (study D's equations 1 and 4; Geng et al. 2013, Gao et al. 2017): cross-entropy with a Gaussian
around the age, so that a neighbouring year is nearly right. *dldl_v2* (Gao et al. 2018): the divergence from that
Gaussian plus the error of the expected age. *mean_variance* (Pan et al. 2018): cross-entropy plus the squared error of
the expected age plus the posterior's variance.
"""

from dataclasses import dataclass

import numpy as np

from agelib.targets.ages import SoftmaxOverYears
from agelib.targets.base import check_shapes, check_share, cross_entropy, full_precision, number_column, weighted_mean

#: Weight of |expected age − age| in dldl_v2, from its authors.
DLDL_V2_WEIGHT = 1.0

#: Weights of the squared error of the mean and of the variance in mean_variance, from its authors.
MEAN_WEIGHT, VARIANCE_WEIGHT = 0.2, 0.05

#: Raters who agree are not surer than this, in years: a narrower Gaussian falls between two years of the grid.
LEAST_SIGMA = 0.5


@dataclass(frozen=True)
class Expectation(SoftmaxOverYears):
    """Years as classes; the answer is the expected year (DEX).

    Parameters
    ----------
    first, last, estimate, bins
        As in :class:`agelib.targets.ages.YearPosterior`.
    label_smoothing : float
        Share of a label that is spread over all years.

    Examples
    --------
    >>> import torch
    >>> target = Expectation(first=20, last=22)
    >>> outputs = torch.tensor([[0.0, 0.0, 0.0]])
    >>> target.loss(outputs, torch.tensor([[22.3]])), target.decode(outputs)
    (tensor(1.0986), tensor([21.]))
    """

    label_smoothing: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_share("label_smoothing", self.label_smoothing)

    @classmethod
    def make(cls, training, train_labels: np.ndarray) -> "Expectation":
        return super().make(training, train_labels, label_smoothing=training.label_smoothing)

    def loss(self, outputs, labels, weights=None):
        check_shapes("expectation", outputs, self.outputs, labels)
        return weighted_mean(cross_entropy(outputs, self.codes(labels), self.label_smoothing), weights)


@dataclass(frozen=True)
class MeanVariance(Expectation):
    """Cross-entropy + 0.2 · ½(expected age − age)² + 0.05 · variance of the posterior (Pan et al. 2018).

    Examples
    --------
    >>> import torch
    >>> target = MeanVariance(first=20, last=22)
    >>> target.loss(torch.zeros(1, 3), torch.tensor([[22.0]]))  # log 3 + 0.2 · 1/2 + 0.05 · 2/3
    tensor(1.2319)
    """

    def loss(self, outputs, labels, weights=None):
        check_shapes("mean_variance", outputs, self.outputs, labels)
        outputs, ages = full_precision(outputs), labels[:, 0]
        posterior, grid = outputs.softmax(dim=1), self.ages_beside(outputs)  # [B, A], [A]
        mean = (posterior * grid).sum(dim=1)  # [B]
        variance = (posterior * (grid - mean[:, None]) ** 2).sum(dim=1)  # [B]
        losses = cross_entropy(outputs, self.codes(labels), self.label_smoothing)
        losses = losses + MEAN_WEIGHT * (mean - ages) ** 2 / 2 + VARIANCE_WEIGHT * variance
        return weighted_mean(losses, weights)


@dataclass(frozen=True)
class Distribution(SoftmaxOverYears):
    """Cross-entropy with a Gaussian label around the age: −Σ_j y_j log p_j, study D's equation 4.

    The shape of study D's soft label is not known to us; a Gaussian with σ = 2 years is the usual one. It is cut off
    at the ends of the grid and sums to 1 there.

    Parameters
    ----------
    first, last, estimate, bins
        As in :class:`agelib.targets.ages.YearPosterior`.
    sigma : float
        Standard deviation of the label, in years.

    Examples
    --------
    >>> import torch
    >>> target = Distribution(first=20, last=24, sigma=1.0)
    >>> target.soft_labels(torch.tensor([[22.0]])).round(decimals=3)
    tensor([[0.0540, 0.2440, 0.4030, 0.2440, 0.0540]])
    >>> target.loss(torch.zeros(1, 5), torch.tensor([[22.0]]))  # a flat posterior: log 5
    tensor(1.6094)
    """

    sigma: float = 2.0

    def __post_init__(self):
        super().__post_init__()
        if not self.sigma > 0:
            raise ValueError(f"sigma is a number of years above 0, not {self.sigma}")

    @classmethod
    def make(cls, training, train_labels: np.ndarray) -> "Distribution":
        # A sigma of 0 asks for the raters' spread; where a picture's is narrower than the grid, LEAST_SIGMA holds.
        return super().make(training, train_labels, sigma=training.sigma or LEAST_SIGMA)

    def sigmas(self, labels):
        """Standard deviation of the labels, in years: a number, or one for each picture [B, 1]."""
        return self.sigma

    def log_soft_labels(self, labels):
        """Logarithm of the label distributions, [B, A], from labels [B, L] in years."""
        labels = full_precision(labels)
        distance = (self.ages_beside(labels) - labels[:, :1]) / self.sigmas(labels)  # [B, A]
        return (-(distance**2) / 2).log_softmax(dim=1)

    def soft_labels(self, labels):
        """The label distributions, [B, A]; each sums to 1."""
        return self.log_soft_labels(labels).exp()

    def loss(self, outputs, labels, weights=None):
        check_shapes("distribution", outputs, self.outputs, labels, self.columns)
        log_posterior = full_precision(outputs).log_softmax(dim=1)
        return weighted_mean(-(self.soft_labels(labels) * log_posterior).sum(dim=1), weights)


@dataclass(frozen=True)
class DLDLv2(Distribution):
    """Divergence from the Gaussian label plus the error of the expected age: Σ y log(y / p) + λ |E − age|, λ = 1.

    Examples
    --------
    >>> import torch
    >>> target = DLDLv2(first=20, last=24, sigma=1.0)
    >>> label = torch.tensor([[22.0]])
    >>> round(abs(target.loss(target.log_soft_labels(label), label).item()), 5)  # the label itself
    0.0
    """

    def loss(self, outputs, labels, weights=None):
        check_shapes("dldl_v2", outputs, self.outputs, labels, self.columns)
        log_posterior = full_precision(outputs).log_softmax(dim=1)
        log_soft = self.log_soft_labels(labels)
        divergence = (log_soft.exp() * (log_soft - log_posterior)).sum(dim=1)  # [B]
        expected = (log_posterior.exp() * self.ages_beside(log_posterior)).sum(dim=1)  # [B]
        return weighted_mean(divergence + DLDL_V2_WEIGHT * (expected - labels[:, 0]).abs(), weights)


class Raters:
    """The Gaussian is as wide as the raters' spread: labels are [N, 2], age and its standard deviation, in years."""

    columns = 2

    @staticmethod
    def labels(faces, label: str = "age", allow_missing: bool = False) -> np.ndarray:
        """Age and the raters' standard deviation, float32 [N, 2]; see :meth:`agelib.targets.base.Target.labels`."""
        ages = number_column(faces, label, allow_missing=allow_missing)
        stds = number_column(faces, "apparent_std", "give sigma in years instead of 0", allow_missing)
        return np.concatenate([ages, stds], axis=1)

    def sigmas(self, labels):
        # `sigma` is the least that is believed.
        return labels[:, 1:2].clamp(min=self.sigma)


@dataclass(frozen=True)
class RatersDistribution(Raters, Distribution):
    """:class:`Distribution` with the raters' own spread; `sigma` is the least that is believed, in years."""


@dataclass(frozen=True)
class RatersDLDLv2(Raters, DLDLv2):
    """:class:`DLDLv2` with the raters' own spread; `sigma` is the least that is believed, in years."""


def told_how_wide(found: type, sigma: float) -> type:
    """The class itself, or with a `sigma` of 0 the one that takes the raters' own spread."""
    if sigma < 0:
        raise ValueError(f"sigma is a number of years from 0 (the raters' own spread) up, not {sigma}")
    raters = {Distribution: RatersDistribution, DLDLv2: RatersDLDLv2}
    return raters.get(found, found) if sigma == 0 else found
