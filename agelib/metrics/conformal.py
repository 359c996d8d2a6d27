"""Intervals that hold the true age as often as they promise: split-conformal and conformalised quantiles.

A network is fitted on the training part, so its errors there are too small. Take pictures that it has not seen (the
validation part), and ask how far off it is on them; a new picture of the same kind is then one more of them, and any
place in the order of their errors is equally likely for it. So the k-th smallest of n errors, k = ⌈(n + 1) · level⌉,
is not exceeded with probability of at least `level`, whatever the network and whatever the errors' distribution
(Vovk et al. 2005; Lei et al. 2018). Nothing is promised for pictures of another kind. Explained in chapter 21.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agelib.metrics.bootstrap import Resampling, require
from agelib.metrics.posteriors import check_posterior, posterior_quantiles
from agelib.metrics.proportions import share_interval
from agelib.metrics.regression import columns
from agelib.metrics.subgroups import group_codes

#: How far an age is from the answer: in years; in posterior spreads; beyond the posterior's own quantiles, in years.
KINDS = ("absolute", "normalised", "quantile")

#: No posterior counts as narrower than this, in years: the grid is in whole years, and nobody knows an age better.
LEAST_SPREAD = 0.5

#: The group of pictures whose group is not recorded, and the one group where there are none.
NOT_RECORDED, EVERYBODY = "not recorded", "all"


@dataclass(frozen=True)
class Calibration:
    """What a calibration has found, all that is needed to give new pictures intervals.

    Attributes
    ----------
    kind : str
        absolute, normalised or quantile.
    level : float
        Promised coverage, between 0 and 1.
    by, bins
        Column of the groups that are calibrated each for itself, numbers cut at `bins`; None for all together.
    margins : pandas.DataFrame
        Index: the group; columns ``count`` (its calibration pictures) and ``margin``: how far an interval reaches from
        the answer, in years (quantile: beyond the posterior's quantiles, below 0 where those are too wide;
        normalised: in posterior spreads). Infinite where there were too few pictures.
    """

    kind: str
    level: float
    by: str | None
    bins: tuple | None
    margins: pd.DataFrame


def finite_sample_quantile(scores, level: float) -> float:
    """The ⌈(n + 1) · level⌉-th smallest of n scores; infinite where there are too few for any bound.

    It is a little above the plain quantile, because the new picture is one more. For a `level` of 0.9 there must be 9
    scores at least, for 0.95 19.

    >>> finite_sample_quantile([3, 1, 4, 1, 5, 9, 2, 6, 5], 0.8), finite_sample_quantile([1, 2], 0.8)
    (6.0, inf)
    """
    scores = np.sort(np.asarray(scores, dtype=np.float64))
    rank = rank_of(len(scores), level)
    return float(scores[rank - 1]) if rank <= len(scores) else float("inf")


def rank_of(number: int, level: float) -> int:
    """⌈(n + 1) · level⌉, as if the product were exact.

    >>> rank_of(99, 0.9), rank_of(99, 0.07)  # (99 + 1) · 0.07 is 7.000000000000001 in floating point
    (90, 7)
    """
    if not 0 < level < 1:
        raise ValueError(f"level is a share between 0 and 1, not {level}")
    return int(np.ceil((number + 1) * level - 1e-9))


def calibrate_intervals(
    predictions: pd.DataFrame,
    posterior: pd.DataFrame | None = None,
    *,
    kind: str = "absolute",
    level: float = 0.9,
    by: str | None = None,
    bins: tuple | None = None,
) -> Calibration:
    """How wide intervals must be, from pictures that the network was not trained on: split-conformal.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of the validation part: ``age`` and ``predicted``, in years, and the column `by`.
    posterior : pandas.DataFrame, optional
        [pictures × ages], the same pictures in the same order, columns the ages in years; needed for ``normalised``
        and ``quantile``.
    kind : str
        absolute: predicted ± margin, equally wide for all. normalised: predicted ± margin · the posterior's standard
        deviation (Lei et al. 2018). quantile: from the posterior's own quantiles, moved outwards or inwards
        by the margin (conformalised quantile regression, Romano et al. 2019).
    level : float
        Share of pictures whose interval shall hold the true age.
    by : str, optional
        Calibrate each group for itself ("Mondrian", Vovk et al. 2005), so that the promise holds in each; pictures
        where it is not recorded are a group of their own. It must be known of a new picture, so it may be
        ``predicted`` (in bins), but not ``age``. A group with too few pictures gets intervals without end.
    bins : tuple of float, optional
        Edges of the groups of a column of numbers; every tenth by default.

    Raises
    ------
    ValueError
        If a column or the posterior is missing or does not fit, or `by` is not known of new pictures.

    Examples
    --------
    >>> valid = pd.DataFrame({"age": [20.0, 30, 40, 50], "predicted": [21.0, 27, 45, 52]})
    >>> calibrate_intervals(valid, level=0.6).margins
         count  margin
    all      4     3.0
    """
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}, not {kind!r}")
    if by == "age":
        raise ValueError(
            "by='age': the true age of a new picture is not known, so it cannot choose the margin; "
            "group by the answer (by='predicted')"
        )
    age, predicted = columns(predictions)
    middle_low, middle_high, scale = _middle(kind, level, predicted, posterior)
    scores = np.maximum(middle_low - age, age - middle_high) / scale
    groups, names = _groups(predictions, by, bins)
    members = [scores[groups == group] for group in names]
    rows = [(len(mine), finite_sample_quantile(mine, level)) for mine in members]
    margins = pd.DataFrame(rows, index=names, columns=["count", "margin"]).astype({"count": int})
    return Calibration(kind, level, by, None if bins is None else tuple(bins), margins.rename_axis(by))


def add_intervals(
    calibration: Calibration, predictions: pd.DataFrame, posterior: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The predictions with ``age_low`` and ``age_high``, in years; nobody is younger than 0, so that is the least.

    Parameters
    ----------
    calibration : Calibration
        From :func:`calibrate_intervals`, on other pictures.
    predictions : pandas.DataFrame
        Column ``predicted``, and the calibration's groups; the true age is not needed.
    posterior : pandas.DataFrame, optional
        Of these pictures, where the calibration used one.

    Returns
    -------
    pandas.DataFrame
        A group that the calibration did not meet has intervals without end. Where quantiles moved inwards would cross,
        the interval is their middle.

    Examples
    --------
    >>> valid = pd.DataFrame({"age": [20.0, 30, 40, 50], "predicted": [21.0, 27, 45, 52]})
    >>> add_intervals(calibrate_intervals(valid, level=0.6), pd.DataFrame({"predicted": [2.0, 33]}))
       predicted  age_low  age_high
    0        2.0      0.0       5.0
    1       33.0     30.0      36.0
    """
    require(predictions, "predicted")
    predicted = predictions["predicted"].to_numpy(dtype=np.float64)
    low, high, scale = _middle(calibration.kind, calibration.level, predicted, posterior)
    groups, _ = _groups(predictions, calibration.by, calibration.bins)
    margin = calibration.margins["margin"].reindex(groups).fillna(np.inf).to_numpy()
    low, high = low - margin * scale, high + margin * scale
    crossed = low > high
    low[crossed] = high[crossed] = (low[crossed] + high[crossed]) / 2
    return predictions.assign(age_low=np.maximum(low, 0), age_high=np.maximum(high, 0))


def coverage(
    predictions: pd.DataFrame, by: str | None = None, bins: tuple | None = None, resamples: int = 1000, **resampling
) -> pd.DataFrame:
    """How many intervals hold the true age, and how wide they are, of all pictures and of each group.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age``, ``age_low`` and ``age_high``, in years; bounds count as inside.
    by, bins
        As in :func:`calibrate_intervals`, or ``age``: judging may use what predicting may not.
    resamples, **resampling
        As in :func:`~agelib.metrics.summarise`. Without ``unit`` the interval is exact (Clopper and Pearson 1934), of
        pictures that are independent of each other; with ``unit="identity"`` it is the bootstrap's over persons.

    Returns
    -------
    pandas.DataFrame
        First row ``all``, then the groups; columns ``count``, ``covered``, ``low``, ``high`` (percent) and ``width``
        (mean, in years; infinite if one interval is).

    Examples
    --------
    >>> table = pd.DataFrame({"age": [20.0, 30, 40, 50], "age_low": [15.0, 31, 38, 40], "age_high": [25.0, 41, 48, 50]})
    >>> coverage(table).round(1)
         count  covered   low   high  width
    all      4     75.0  19.4   99.4   10.0
    """
    require(predictions, "age", "age_low", "age_high")
    if not len(predictions):
        raise ValueError("the predictions table is empty; there is no interval to judge")
    how = Resampling(resamples, **resampling)
    bounds = predictions[["age", "age_low", "age_high"]].to_numpy(dtype=np.float64)
    if np.isnan(bounds).any():
        raise ValueError("an age or a bound is missing; every picture needs age, age_low and age_high")
    age, low, high = bounds.T
    sums = np.stack([np.ones(len(age)), (low <= age) & (age <= high)], axis=1)
    members = {EVERYBODY: np.ones(len(age), dtype=bool)}
    if by is not None:
        codes, labels = group_codes(predictions, by, bins)
        members |= {label: codes == code for code, label in enumerate(labels)}
    rows = {}
    for group, mine in members.items():
        number, covered = sums[mine].sum(axis=0)
        if how.unit is None:
            interval = share_interval(covered, number, how.level)
        else:
            drawn = how.per_unit(predictions[mine], sums[mine])
            interval = how.interval(drawn, lambda total: total[:, 1:] / total[:, :1])
        first, last = (100 * float(np.squeeze(bound)) for bound in interval)
        width = float(np.mean(high[mine] - low[mine]))
        rows[group] = (int(number), 100 * covered / number, first, last, width)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["count", "covered", "low", "high", "width"])
    return table.rename_axis(by)


def _middle(kind: str, level: float, predicted: np.ndarray, posterior) -> tuple:
    """What margins are added to: lower and upper ages [N], and the length of one step of the margin [N], in years."""
    if kind == "absolute":
        return predicted.copy(), predicted.copy(), np.ones(len(predicted))
    if posterior is None:
        raise ValueError(
            f"{kind} intervals need the posterior of the same pictures; a target without posterior can have "
            "kind='absolute'"
        )
    probabilities, ages = check_posterior(posterior, len(predicted))
    if kind == "normalised":
        mean = probabilities @ ages
        variance = np.maximum(probabilities @ ages**2 - mean**2, 0)
        return predicted.copy(), predicted.copy(), np.maximum(np.sqrt(variance), LEAST_SPREAD)
    tail = (1 - level) / 2
    low, high = posterior_quantiles(posterior, (tail, 1 - tail)).T
    return low.copy(), high.copy(), np.ones(len(predicted))


def _groups(predictions: pd.DataFrame, by: str | None, bins: tuple | None) -> tuple[np.ndarray, list]:
    """The group of each picture, text [N], and the groups that occur, in order."""
    if by is None:
        return np.full(len(predictions), EVERYBODY, dtype=object), [EVERYBODY]
    codes, labels = group_codes(predictions, by, bins)
    names = np.asarray([*map(str, labels), NOT_RECORDED], dtype=object)  # code −1, not recorded, is the last
    return names[codes], [*names[:-1], *([NOT_RECORDED] if (codes < 0).any() else [])]
