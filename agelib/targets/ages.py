"""What the targets that give an age share: point estimates, age groups, predictions, scores. Explained in chapter 12.

The best single answer depends on how it is judged: the posterior's mean has the least expected squared error, its
median the least expected absolute error, its mode the greatest chance to be exactly right.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from agelib.targets.age_groups import edges_of, group_of, group_on_device, names_of
from agelib.targets.base import Target, check_shapes, full_precision, macro_f1

ESTIMATES = ("mean", "median", "mode")

#: Where a predicted age group comes from.
GROUPINGS = ("posterior", "age")


def point_estimate(posterior, ages, estimate: str = "mean"):
    """One age of each posterior.

    Parameters
    ----------
    posterior : torch.Tensor
        Probabilities [B, A] that sum to 1 over the ages.
    ages : torch.Tensor
        [A], in years, going up.
    estimate : str
        mean: Σ age · p. median: the youngest age up to which the probabilities sum to a half. mode: the age of the
        greatest probability, the youngest of several.

    Returns
    -------
    torch.Tensor
        [B], in years.

    Examples
    --------
    >>> posterior, ages = torch.tensor([[0.4, 0.3, 0.1, 0.2]]), torch.tensor([20.0, 30, 40, 80])
    >>> [round(point_estimate(posterior, ages, name).item(), 3) for name in ESTIMATES]
    [37.0, 30.0, 20.0]
    """
    if estimate == "mean":
        # A product and a sum, for a matrix product would be done in half precision where the network is.
        return (posterior * ages).sum(dim=1).clamp(ages[0], ages[-1])
    if estimate == "median":
        # A sum of rounded numbers that should be one half may be just below it.
        before = posterior.cumsum(dim=1) < 0.5 - 1e-6
        return ages[before.sum(dim=1).clamp(max=len(ages) - 1)]
    if estimate == "mode":
        return ages[posterior.argmax(dim=1)]
    raise ValueError(f"estimate is one of {', '.join(ESTIMATES)}, not {estimate!r}")


def whole_years(train_ages) -> tuple[int, int]:
    """First and last age of a posterior: from the youngest training age, rounded down, to the oldest, rounded up.

    At least two ages, so that there is something to tell apart.

    >>> whole_years([3.5, 80.2]), whole_years([40.0])
    ((3, 81), (40, 41))
    """
    first, last = int(np.floor(np.min(train_ages))), int(np.ceil(np.max(train_ages)))
    return first, max(last, first + 1)


@dataclass(frozen=True, kw_only=True)
class AgeTarget(Target):
    """A target that gives an age, with or without a posterior; it has the fields `bins` and `estimate`.

    Parameters
    ----------
    grouping : str
        posterior: the age group that is most probable; age: the one that the predicted age falls in, which is the only
        way without a posterior.
    """

    # Without annotations, for a subclass that has them as fields says where they stand among its own.
    #: Age groups of predictions and scores, and which age of the posterior is the answer.
    bins = "7b"
    estimate = "mean"

    grouping: str = "posterior"

    def _check_options(self) -> None:
        edges_of(self.bins)
        if self.grouping not in GROUPINGS:
            raise ValueError(f"grouping is one of {', '.join(GROUPINGS)}, not {self.grouping!r}")
        if self.estimate not in ESTIMATES:
            raise ValueError(f"estimate is one of {', '.join(ESTIMATES)}, not {self.estimate!r}")

    def ages_beside(self, tensor):
        """:attr:`ages` with the device of a tensor, float32 or, beside float64, float64."""
        return torch.as_tensor(self.ages, dtype=full_precision(tensor[:0]).dtype, device=tensor.device)

    def decode(self, outputs):
        posterior = self.posterior(outputs)
        return point_estimate(posterior, self.ages_beside(posterior), self.estimate)

    def group_posterior(self, outputs):
        """Probability of each age group of `bins`, [B, groups]; None where there is no posterior."""
        posterior = self.posterior(outputs)
        if posterior is None:
            return None
        codes = torch.as_tensor(group_of(self.ages, self.bins), device=posterior.device)
        member = torch.nn.functional.one_hot(codes, len(names_of(self.bins))).to(posterior.dtype)  # [A, groups]
        with torch.autocast(posterior.device.type, enabled=False):
            return posterior @ member

    def _groups(self, outputs):
        """Codes [B] of the predicted age group, as `grouping` says."""
        probabilities = self.group_posterior(outputs)
        if probabilities is None or self.grouping == "age":
            return group_on_device(self.decode(outputs), self.bins)
        return probabilities.argmax(dim=1)

    def predictions(self, outputs) -> pd.DataFrame:
        """``predicted`` (years), ``predicted_age_group`` and, from a posterior, each group's probability."""
        names = names_of(self.bins)
        with torch.no_grad():
            probabilities = self.group_posterior(outputs)
            codes = self._groups(outputs).cpu().numpy()
            table = {
                "predicted": self.decode(outputs).double().cpu().numpy(),
                "predicted_age_group": np.asarray(names, dtype=object)[codes],
            }
        if probabilities is not None:
            columns = probabilities.double().cpu().numpy().T
            table |= {f"age_group={name}": column for name, column in zip(names, columns, strict=True)}
        return pd.DataFrame(table)

    def scores(self, outputs, labels) -> dict:
        """``mse`` (years²), ``mae`` (years) and ``f1`` (percent) of the age groups; missing ages do not count."""
        with torch.no_grad():
            ages = labels[:, 0]
            error = (self.decode(outputs) - ages).double()
            codes, predicted = group_on_device(ages, self.bins), self._groups(outputs)
            return {
                "mse": float((error**2).nanmean()),
                "mae": float(error.abs().nanmean()),
                "f1": macro_f1(codes, predicted, len(names_of(self.bins))),
            }


class WholeYears(AgeTarget):
    """A target whose posterior is over whole years; it has the fields `first` and `last`, in years.

    An age that is no whole number counts as the nearest (of two equally near ones the even one), and an age outside
    the grid as its nearest end: training pictures are never outside, those of other parts may be.
    """

    first: int = 0
    last: int = 1

    def _check_options(self) -> None:
        super()._check_options()
        if not self.first < self.last:
            raise ValueError(f"a posterior goes up from first to last age, not {self.first} to {self.last}")

    @property
    def ages(self) -> np.ndarray:
        return np.arange(self.first, self.last + 1, dtype=np.float64)

    @property
    def number(self) -> int:
        """How many ages there are."""
        return self.last - self.first + 1

    def ages_beside(self, tensor):
        dtype = full_precision(tensor[:0]).dtype
        return torch.arange(self.first, self.last + 1, dtype=dtype, device=tensor.device)

    def index_of(self, ages):
        """Place [B] of each age [B] among the whole years."""
        return ages.round().clamp(self.first, self.last).long() - self.first


@dataclass(frozen=True)
class YearPosterior(WholeYears):
    """A target that gives a probability to every whole year, and from these an age and an age group.

    Parameters
    ----------
    first, last : int
        Youngest and oldest age of the posterior, in years.
    estimate : str
        mean, median or mode.
    bins : str
        Age groups of predictions and scores.
    """

    first: int = 0
    last: int = 100
    estimate: str = "mean"
    bins: str = "7b"

    def __post_init__(self):
        self._check_options()

    @classmethod
    def make(cls, training, train_labels: np.ndarray, **more):
        """The target of a training, on the grid of its training part's ages; `more`: fields of a subclass."""
        years = whole_years(train_labels[:, 0])
        return cls(*years, training.estimate, training.bins, grouping=training.grouping, **more)


class SoftmaxOverYears(YearPosterior):
    """One output for each whole year, made probabilities by a softmax."""

    is_softmax = True

    @property
    def outputs(self) -> int:
        return self.number

    def codes(self, labels):
        return self.index_of(labels[:, 0])

    def posterior(self, outputs):
        check_shapes("a distribution", outputs, self.outputs)
        return full_precision(outputs).softmax(dim=1)
