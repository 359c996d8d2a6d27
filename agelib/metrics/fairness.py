"""Bias: how differently a network errs on different groups of people, as study B measures it.

The practice report on APPA-REAL (Núñez Cano and Jin, Universitat de Barcelona) defines the bias of an attribute as the
mean of |M_i − M_j| over all pairs of its groups, where M_k is the mean absolute error of group k's pictures. Two groups
of a few dozen pictures differ by chance alone, so each bias comes with an interval and with what shuffled groups give.

A bias is never below 0, and resampling adds differences of its own, so the quantiles of resampled biases lie above a
true bias of 0 and can never hold it; the intervals here do, see :meth:`agelib.metrics.Resampling.interval_of_spread`.
Explained in chapter 20.
"""

import itertools
from functools import partial

import numpy as np
import pandas as pd

from agelib.metrics.bootstrap import Resampling, group_means
from agelib.metrics.permutation import holm, share_at_least, shuffle_groups, swap_networks
from agelib.metrics.regression import columns, same_pictures
from agelib.metrics.subgroups import AGE_EDGES, group_codes

ATTRIBUTES = ("gender", "expression", "ethnicity", "age")


def bias_of(errors) -> float:
    """Mean of |M_i − M_j| over all pairs of groups, in years, of their mean absolute errors [..., K]; nan if one is.

    Examples
    --------
    The published errors of four age groups, and their bias:

    >>> round(bias_of([11.291870, 8.094766, 12.658481, 25.617014]), 4)
    8.9889
    """
    errors = np.asarray(errors, dtype=np.float64)
    pairs = list(itertools.combinations(range(errors.shape[-1]), 2))
    if not pairs:
        raise ValueError(f"a bias is between groups; give the errors of two at least, not {errors.shape[-1]}")
    first, second = np.transpose(pairs)
    result = np.abs(errors[..., first] - errors[..., second]).mean(axis=-1)
    return float(result) if result.ndim == 0 else result


def bias(
    predictions: pd.DataFrame, by: str, bins: tuple | None = None, resamples: int = 1000, **resampling
) -> pd.Series:
    """The bias of one attribute, with its interval, and what it would be if the groups meant nothing.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age`` and ``predicted``, in years, and the column `by`; pictures where it is missing are left out.
    by : str
        Such as gender, or several joined by ``*``, such as ``gender*ethnicity``: then each combination that occurs is
        a group. A column of numbers is cut into `bins`.
    bins : tuple of float, optional
        Edges of the groups of a column of numbers; for ``age`` those of study B: 20, 40, 60.
    resamples : int
        Bootstrap resamples, and shuffles; 0 leaves both missing.
    **resampling
        ``level``, ``seed`` and ``unit`` of :class:`~agelib.metrics.Resampling`.

    Returns
    -------
    pandas.Series
        ``groups`` (how many), ``smallest`` (pictures of the smallest), ``value``, ``low``, ``high`` (years; the
        interval begins at 0 where there may be no bias at all), ``chance``
        (years: the mean bias when the pictures' groups are shuffled; a bias is never below 0, so this is not 0) and
        ``p`` (share of shuffles with at least this bias, the observed one counted in). A resample that lost a
        whole group is left out of the interval. Shuffling is of single pictures, which is too hopeful where persons
        have several: with ``unit``, `chance` and `p` are missing.

    Raises
    ------
    ValueError
        If the column is not there, or has fewer than two groups.

    Examples
    --------
    >>> predictions = pd.DataFrame({"age": [30.0] * 4, "predicted": [31.0, 33, 36, 38], "gender": list("ffmm")})
    >>> bias(predictions, "gender", resamples=0)[["groups", "smallest", "value"]].to_dict()
    {'groups': 2.0, 'smallest': 2.0, 'value': 5.0}
    """
    how = Resampling(resamples, **resampling)
    codes, labels, errors, known, sums = _errors_and_groups(predictions, by, bins)
    total = sums.sum(axis=0, keepdims=True)
    value = bias_of(group_means(total))[0]
    low, high = how.interval_of_spread(how.per_unit(predictions[known], sums), bias_of)
    found = {"groups": len(labels), "smallest": total[0, : len(labels)].min(), "value": value}
    found |= {"low": low, "high": high} | _chance(codes, errors, len(labels), how, bias_of, value)
    return pd.Series(found, name=by, dtype=float)


def bias_table(
    predictions: pd.DataFrame, attributes: tuple = ATTRIBUTES, resamples: int = 1000, **resampling
) -> pd.DataFrame:
    """The bias of gender, expression, ethnicity and age, as in study B's tables.

    Parameters
    ----------
    attributes : tuple of str
        Columns; one that is not recorded, or has one group only, is left out (ValueError if all are).

    Returns
    -------
    pandas.DataFrame
        Index ``attribute``; columns as :func:`bias` gives them, the counts whole.

    Examples
    --------
    >>> predictions = pd.DataFrame({"age": [10.0, 30, 50, 70], "predicted": [12.0, 31, 50, 61], "gender": list("ffmm")})
    >>> bias_table(predictions, resamples=0)["value"].to_dict()
    {'gender': 3.0, 'age': 4.66...}
    """
    rows = {
        attribute: bias(predictions, attribute, None, resamples, **resampling)
        for attribute in _with_groups(predictions, attributes, None)
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("attribute")
    return table.astype({"groups": int, "smallest": int})


def worst_groups(
    predictions: pd.DataFrame,
    attributes: tuple = ATTRIBUTES,
    resamples: int = 1000,
    *,
    bins: tuple | None = None,
    **resampling,
) -> pd.DataFrame:
    """For each attribute the group with the largest error, and how far it lies behind the group with the smallest.

    A mean over pairs can hide one group that is served badly; this cannot.

    Parameters
    ----------
    attributes : tuple of str
        As in :func:`bias_table`, also several joined by ``*``.
    bins, resamples, **resampling
        As in :func:`bias`.

    Returns
    -------
    pandas.DataFrame
        Index ``attribute``; columns ``groups`` (how many), ``worst`` (its name), ``count`` (its pictures), ``MAE``
        (years), ``best`` (the name of the group with the smallest error), ``gap`` (years: the worst group's MAE minus
        the best one's), ``low``, ``high`` (interval of the gap between the extremes, whichever groups they are),
        ``chance`` and ``p``.

    Notes
    -----
    The two groups were picked because they are the extremes, and the more groups there are, the further apart the
    extremes lie by luck. So each resample and each shuffle picks its worst and its best group anew: the interval begins
    at 0 where luck alone may have made the gap, ``chance`` is the mean gap after shuffling, and ``p`` says how often
    shuffled groups lie as far apart.

    Examples
    --------
    >>> predictions = pd.DataFrame({"age": [10.0, 30, 50, 70], "predicted": [12.0, 31, 50, 61], "gender": list("ffmm")})
    >>> worst_groups(predictions, resamples=0)[["worst", "count", "MAE", "best", "gap"]]
                     worst  count  MAE   best  gap
    attribute
    gender               m      2  4.5      f  3.0
    age        60 and over      1  9.0  40–59  9.0
    """
    how = Resampling(resamples, **resampling)
    rows = {}
    for attribute in _with_groups(predictions, attributes, bins):
        codes, labels, errors, known, sums = _errors_and_groups(predictions, attribute, bins)
        counts = np.bincount(codes)
        means = np.bincount(codes, errors) / counts
        worst, best = int(means.argmax()), int(means.argmin())
        low, high = how.interval_of_spread(how.per_unit(predictions[known], sums), partial(np.ptp, axis=1))
        gap = means[worst] - means[best]
        row = {"groups": len(labels), "worst": str(labels[worst]), "count": int(counts[worst])}
        row |= {"MAE": means[worst], "best": str(labels[best]), "gap": gap, "low": low, "high": high}
        rows[attribute] = row | _chance(codes, errors, len(labels), how, partial(np.ptp, axis=1), gap)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("attribute")


def compare_groups(
    predictions: pd.DataFrame, by: str, bins: tuple | None = None, resamples: int = 1000, **resampling
) -> pd.DataFrame:
    """The difference in MAE of every two groups, each with an interval and a permutation test.

    Parameters
    ----------
    predictions, by, bins, resamples, **resampling
        As in :func:`bias`.

    Returns
    -------
    pandas.DataFrame
        Index (``one``, ``other``); columns ``value`` (years: the MAE of the other minus that of the one), ``low``,
        ``high``, ``p`` (share of shuffles of these two groups' pictures with at least this difference either way) and
        ``holm`` (p corrected for the number of pairs). With ``unit`` the last two are missing, as in :func:`bias`.

    Examples
    --------
    >>> predictions = pd.DataFrame({"age": [30.0] * 6, "predicted": [31.0, 32, 33, 38, 39, 40]})
    >>> predictions["gender"] = list("fffmmm")
    >>> compare_groups(predictions, "gender")[["value", "p"]].round(1)
               value    p
    one other
    f   m        7.0  0.1
    """
    how = Resampling(resamples, **resampling)
    codes, labels, errors, known, sums = _errors_and_groups(predictions, by, bins)
    pairs = np.array(list(itertools.combinations(range(len(labels)), 2)))

    def differences(total):
        means = group_means(total)
        return means[:, pairs[:, 1]] - means[:, pairs[:, 0]]

    value = differences(sums.sum(axis=0, keepdims=True))[0]
    low, high = how.interval(how.per_unit(predictions[known], sums), differences)
    p = np.full(len(pairs), np.nan)
    if resamples and how.unit is None:
        for place, (one, other) in enumerate(pairs):
            mine = np.isin(codes, (one, other))
            shuffled = shuffle_groups((codes[mine] == other).astype(np.int64), errors[mine], 2, how)
            p[place] = share_at_least(np.abs(shuffled[:, 1] - shuffled[:, 0]), abs(value[place]))
    index = pd.MultiIndex.from_arrays(
        [[str(labels[code]) for code in side] for side in pairs.T], names=["one", "other"]
    )
    return pd.DataFrame({"value": value, "low": low, "high": high, "p": p, "holm": holm(p)}, index=index)


def compare_bias(
    first: pd.DataFrame,
    second: pd.DataFrame,
    attributes: tuple = ATTRIBUTES,
    resamples: int = 1000,
    *,
    bins: tuple | None = None,
    **resampling,
) -> pd.DataFrame:
    """How the biases of two networks differ on the same pictures: second minus first, below 0 where it is fairer.

    The same pictures are drawn for both, as in :func:`agelib.metrics.compare`.

    Parameters
    ----------
    first, second : pandas.DataFrame
        Two predictions tables of the same pictures, in any order; the groups are taken from the first.
    attributes, bins, resamples, **resampling
        As in :func:`worst_groups`.

    Returns
    -------
    pandas.DataFrame
        Index ``attribute``; columns ``first``, ``second``, ``value`` (second − first, years), ``low``, ``high``, ``p``
        and ``holm``.

    Raises
    ------
    ValueError
        If the tables are not of the same pictures, or no attribute has two groups.

    Notes
    -----
    p is from a paired permutation test: where the two networks are equally good, each picture's two answers can change
    places (with ``unit``, all those of a person together). It is the share of such swaps whose biases differ at least
    as much, either way; ``holm`` corrects it for the number of attributes.

    Examples
    --------
    >>> first = pd.DataFrame({"path": list("abcd"), "age": [30.0] * 4, "predicted": [31.0, 33, 36, 38]})
    >>> first["gender"] = list("ffmm")
    >>> second = first.assign(predicted=[32.0, 34, 33, 35])
    >>> compare_bias(first, second, resamples=0)[["first", "second", "value"]]
               first  second  value
    attribute
    gender       5.0     1.0   -4.0
    """
    how = Resampling(resamples, **resampling)
    second = same_pictures(first, second)
    age, predicted = columns(second)
    rows = {}
    for attribute in _with_groups(first, attributes, bins):
        _, labels, _, known, sums = _errors_and_groups(first, attribute, bins)
        others = np.abs(predicted - age)[known]
        sums = how.per_unit(first[known], np.hstack([sums, sums[:, : len(labels)] * others[:, None]]))
        low, high = how.interval(sums, _bias_difference)
        counts, ones, twos = np.split(sums, 3, axis=1)
        moved = swap_networks(twos - ones, how) if resamples else None
        counts, ones, twos = (each.sum(axis=0) for each in (counts, ones, twos))
        one, other, p = bias_of(ones / counts), bias_of(twos / counts), np.nan
        if resamples:
            swapped = bias_of((twos - moved) / counts) - bias_of((ones + moved) / counts)
            p = share_at_least(np.abs(swapped), abs(other - one))
        found = {"first": one, "second": other, "value": other - one}
        rows[attribute] = found | {"low": low[0], "high": high[0], "p": p}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("attribute")
    return table.assign(holm=holm(table["p"]))


def _chance(codes, errors, groups: int, how: Resampling, statistic, value: float) -> dict:
    """What a statistic of groups' means [R, K] is when groups are shuffled, on average, and how often at least so."""
    if not how.resamples or how.unit is not None:
        return {"chance": np.nan, "p": np.nan}
    shuffled = statistic(shuffle_groups(codes, errors, groups, how))
    return {"chance": shuffled.mean(), "p": share_at_least(shuffled, value)}


def _with_groups(predictions: pd.DataFrame, attributes: tuple, bins: tuple | None) -> list[str]:
    """The attributes that are recorded and have two groups; ValueError if there is none."""
    found = [
        attribute
        for attribute in attributes
        if all(part.strip() in predictions for part in attribute.split("*"))
        and len(group_codes(predictions, attribute, _edges(attribute, bins))[1]) > 1
    ]
    if not found:
        raise ValueError(
            f"none of {', '.join(attributes)} has two groups among these {len(predictions)} pictures; a bias needs two"
        )
    return found


def _edges(by: str, bins: tuple | None) -> tuple | None:
    """Edges of the age groups: study B's where nothing else is asked for."""
    return AGE_EDGES if bins is None and "age" in (part.strip() for part in by.split("*")) else bins


def _errors_and_groups(predictions: pd.DataFrame, by: str, bins: tuple | None) -> tuple:
    """Codes and names of the K groups, absolute errors in years, which pictures are in a group, bool [N], and what each
    of these adds to the groups' counts and errors, [n, 2 K].
    """
    age, predicted = columns(predictions)
    codes, labels = group_codes(predictions, by, _edges(by, bins))
    if len(labels) < 2:
        raise ValueError(
            f"bias by {by}: a bias is between groups, but these pictures have {len(labels)}"
            f" ({', '.join(map(str, labels)) or 'none recorded'})"
        )
    known = codes >= 0
    codes, errors = codes[known], np.abs(predicted - age)[known]
    member = np.eye(len(labels))[codes]
    return codes, labels, errors, known, np.hstack([member, member * errors[:, None]])


def _from_sums(sums: np.ndarray) -> np.ndarray:
    """Biases [R, 1] of counts and summed errors of groups [R, 2 K]."""
    return bias_of(group_means(sums))[:, None]


def _bias_difference(sums: np.ndarray) -> np.ndarray:
    """Second minus first bias [R, 1] of counts, first and second summed errors of groups [R, 3 K]."""
    counts, ones, twos = np.split(sums, 3, axis=1)
    return _from_sums(np.hstack([counts, twos])) - _from_sums(np.hstack([counts, ones]))
