"""The bootstrap: how much a number could have been otherwise with other test pictures. Explained in chapter 17.

A metric is a function of sums over pictures: the mean absolute error of Σ|error| and Σ1, macro F1 of the counts in the
confusion matrix. So a resample needs no table of its own: it is a row that says how often each picture was drawn, and
all resamples are one matrix product (Efron's percentile interval). How far groups lie apart needs another interval:
:meth:`Resampling.interval_of_spread`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

#: About how many numbers one step of the bootstrap may hold at once.
CHUNK = 2_000_000


@dataclass(frozen=True)
class Resampling:
    """How an interval is found; its fields are the options of every function here that gives intervals.

    Attributes
    ----------
    resamples : int
        How often the pictures are drawn again, with replacement; 0 leaves the intervals missing.
    level : float
        Coverage of the interval, between 0 and 1: it spans the middle `level` of the results.
    seed : int
        The same seed gives the same interval.
    unit : str, optional
        A column such as ``identity``: draw whole persons instead of single pictures. Pictures of one person go wrong
        together, so the interval is honest only with it; a row where it is missing counts as a person of its own.

    Examples
    --------
    >>> sums = np.array([[1.0, 4], [1, 6], [1, 8]])  # a 1 and the error of each of three pictures
    >>> low, high = Resampling(200).interval(sums, lambda total: total[:, 1:] / total[:, :1])
    >>> low.round(1), high.round(1)
    (array([4.]), array([8.]))
    """

    resamples: int = 1000
    level: float = 0.95
    seed: int = 0
    unit: str | None = None

    def __post_init__(self):
        if not 0 < self.level < 1:
            raise ValueError(f"level is a share between 0 and 1, not {self.level}")

    def drawn(self, sums: np.ndarray, times: np.ndarray | None = None):
        """Yield the column sums [some, M] of resample after resample, `resamples` in all, of what each row adds.

        `times` [N] says how many pictures each row stands for. Pictures that add the same need not be told apart: how
        often each kind is drawn is a multinomial draw, which costs as much as there are kinds, not pictures.
        """
        generator, number = np.random.default_rng(self.seed), len(sums)
        for some in self.rounds(number):
            if times is None:
                places = generator.integers(0, number, (some, number)) + number * np.arange(some)[:, None]
                counts = np.bincount(places.ravel(), minlength=some * number).reshape(some, number)
            else:
                counts = generator.multinomial(times.sum(), times / times.sum(), size=some)
            yield counts @ sums

    def rounds(self, number: int):
        """Yield how many resamples of `number` rows a step takes, so that it fits into memory; `resamples` in all.

        >>> list(Resampling(5).rounds(1_000_000))
        [2, 2, 1]
        """
        step = max(1, CHUNK // number)
        for done in range(0, self.resamples, step):
            yield min(step, self.resamples - done)

    def interval(self, sums: np.ndarray, statistic, times: np.ndarray | None = None) -> tuple:
        """Percentile interval of `statistic`, a function from column sums [R, M] to numbers [R, V].

        Returns
        -------
        low, high : array [V]
            Missing (nan) where there are no resamples, or where the number is undefined in all of them; resamples in
            which it is undefined are left out.
        """
        if self.resamples < 1:
            whole = sums.sum(axis=0, keepdims=True) if times is None else (times @ sums)[None]
            nothing = np.full(statistic(whole).shape[1], np.nan)
            return nothing, nothing
        tail = (1 - self.level) / 2
        results = np.concatenate([statistic(some) for some in self.drawn(sums, times)])
        undefined = np.isnan(results).all(axis=0)
        results[:, undefined] = 0
        low, high = np.nanquantile(results, [tail, 1 - tail], axis=0)
        return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)

    def interval_of_spread(self, sums: np.ndarray, spread) -> tuple[float, float]:
        """Interval of how far groups' means lie apart, which holds a true spread of 0 as often as it says.

        A spread is 0 for equal means and never below, so the quantiles of resampled spreads (the percentile interval)
        keep away from 0: of groups that are treated alike they never hold the truth. But a spread is never further from
        the true one than spread(M̂ − M), that of the errors of the means M̂, and a resample M* shows how large this may
        be. So the lower end is the observed spread less the `level` quantile of spread(M* − M̂), and at least 0. The
        upper end is the percentile interval's, which is too high rather than too low. With two groups it is nearly the
        interval of their difference, without its sign; with more the lower end is cautious.

        Parameters
        ----------
        sums : array [N, 2 K]
            What each picture, or person, adds to the K groups' counts and to their summed errors, in years.
        spread : callable
            From means [R, K] to how far they lie apart [R]: a seminorm, such as :func:`agelib.metrics.bias_of` or the
            range.

        Returns
        -------
        low, high : float
            In years; missing (nan) where there are no resamples, or each one lost a group. Others that did are left
            out.

        Examples
        --------
        Two groups of 40 that are treated alike, and by luck 1.4 years apart:

        >>> errors, member = np.random.default_rng(3).exponential(5, 80), np.repeat(np.eye(2), 40, axis=0)
        >>> low, high = Resampling(500).interval_of_spread(
        ...     np.hstack([member, member * errors[:, None]]), lambda means: np.ptp(means, axis=1)
        ... )
        >>> low, round(high, 1)
        (0.0, 3.6)
        """
        means = group_means(sums.sum(axis=0, keepdims=True))
        drawn = np.concatenate([np.empty_like(means[:0]), *(group_means(some) for some in self.drawn(sums))])
        drawn = drawn[np.isfinite(drawn).all(axis=1)]
        if not len(drawn):
            return np.nan, np.nan
        value = float(spread(means)[0])
        off = float(np.quantile(spread(drawn - means), self.level))
        high = float(np.quantile(spread(drawn), (1 + self.level) / 2))
        return max(0.0, value - off), max(value, high)

    def units(self, predictions: pd.DataFrame) -> np.ndarray | None:
        """Which person each picture shows: int [N], or None where single pictures are drawn."""
        if self.unit is None:
            return None
        require(predictions, self.unit)
        codes, labels = pd.factorize(predictions[self.unit])
        alone = codes < 0
        codes[alone] = len(labels) + np.arange(alone.sum())
        return codes

    def per_unit(self, predictions: pd.DataFrame, sums: np.ndarray) -> np.ndarray:
        """What each person adds, [persons, M], of what each picture adds, [N, M]."""
        codes = self.units(predictions)
        if codes is None:
            return sums
        summed = np.zeros((codes.max() + 1, sums.shape[1]))
        np.add.at(summed, codes, sums)
        return summed


def group_means(sums: np.ndarray) -> np.ndarray:
    """Means of groups [R, K] of their counts and sums [R, 2 K]; nan where a resample lost a group.

    >>> group_means(np.array([[2.0, 0, 7, 0]]))
    array([[3.5, nan]])
    """
    half = sums.shape[1] // 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return sums[:, half:] / sums[:, :half]


def require(predictions: pd.DataFrame, *names: str) -> None:
    """Refuse a predictions table that lacks a column."""
    for name in names:
        if name not in predictions:
            has = ", ".join(map(str, predictions.columns))
            raise ValueError(f"the predictions table has no column {name!r}; it has: {has}")
