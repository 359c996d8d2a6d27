"""The bootstrap: how much a number could have been otherwise with other test pictures. Explained in chapter 17.

A metric is a function of sums over pictures: the mean absolute error of Σ|error| and Σ1, macro F1 of the counts in the
confusion matrix. So a resample needs no table of its own: it is a row that says how often each picture was drawn, and
all resamples are one matrix product (Efron's percentile interval).
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


def require(predictions: pd.DataFrame, *names: str) -> None:
    """Refuse a predictions table that lacks a column."""
    for name in names:
        if name not in predictions:
            has = ", ".join(map(str, predictions.columns))
            raise ValueError(f"the predictions table has no column {name!r}; it has: {has}")
