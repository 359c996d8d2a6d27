"""Bias: how differently a network errs on different groups of people, as study B measures it.

The practice report on APPA-REAL (Núñez Cano and Jin, Universitat de Barcelona) defines the bias of an attribute as the
mean of |M_i − M_j| over all pairs of its groups, where M_k is the mean absolute error of group k's pictures. Two groups
of a few dozen pictures differ by chance alone, so each bias comes with an interval and with what shuffled groups give.
Explained in chapter 16.
"""

import itertools

import numpy as np
import pandas as pd

from agelib.metrics.ages import columns
from agelib.metrics.bootstrap import CHUNK, Resampling
from agelib.metrics.groups import group_codes

#: Study B's age groups on the true age: below 20, 20 to 39, 40 to 59, from 60 on.
AGE_EDGES = (20, 40, 60)
ATTRIBUTES = ("gender", "expression", "ethnicity", "age")


def bias_of(errors) -> float:
    """Mean of |M_i − M_j| over all pairs of groups, in years; of the groups' mean absolute errors [..., K].

    Examples
    --------
    The published errors of four age groups, and their bias:

    >>> round(bias_of([11.291870, 8.094766, 12.658481, 25.617014]), 4)
    8.9889
    """
    result = _bias_of(np.asarray(errors, dtype=np.float64))
    return float(result) if result.ndim == 0 else result


def bias(
    predictions: pd.DataFrame,
    by: str,
    bins: tuple | None = None,
    resamples: int = 1000,
    **resampling,
) -> pd.Series:
    """The bias of one attribute, with its interval, and what it would be if the groups meant nothing.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age`` and ``predicted``, in years, and the column `by`; pictures where it is missing are left out.
    by : str
        Such as gender. A column of numbers is cut into `bins`.
    bins : tuple of float, optional
        Edges of the groups of a column of numbers; for ``age`` those of study B: 20, 40, 60.
    resamples : int
        Bootstrap resamples, and shuffles; 0 leaves both missing.
    **resampling
        ``level``, ``seed`` and ``unit`` of :class:`~agelib.metrics.Resampling`.

    Returns
    -------
    pandas.Series
        ``groups`` (how many), ``smallest`` (pictures of the smallest), ``value``, ``low``, ``high`` (years), ``chance``
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
    age, predicted = columns(predictions)
    codes, labels = group_codes(predictions, by, AGE_EDGES if bins is None and by == "age" else bins)
    if len(labels) < 2:
        raise ValueError(
            f"bias by {by}: a bias is between groups, but these pictures have {len(labels)}"
            f" ({', '.join(map(str, labels)) or 'none recorded'})"
        )
    known = codes >= 0
    codes, errors = codes[known], np.abs(predicted - age)[known]
    member = np.eye(len(labels))[codes]
    sums = np.hstack([member, member * errors[:, None]])
    total = sums.sum(axis=0, keepdims=True)
    value = _from_sums(total)[0, 0]
    low, high = how.interval(how.per_unit(predictions[known], sums), _from_sums)
    chance, p = np.nan, np.nan
    if resamples and how.unit is None:
        shuffled = _shuffled(codes, errors, len(labels), how)
        # A shuffle that only adds in another order is not smaller than what was observed.
        chance, p = shuffled.mean(), (1 + (shuffled >= value - 1e-9).sum()) / (1 + len(shuffled))
    smallest = total[0, : len(labels)].min()
    return pd.Series(
        {
            "groups": len(labels),
            "smallest": smallest,
            "value": value,
            "low": low[0],
            "high": high[0],
            "chance": chance,
            "p": p,
        },
        name=by,
        dtype=float,
    )


def bias_table(
    predictions: pd.DataFrame, attributes: tuple = ATTRIBUTES, resamples: int = 1000, **resampling
) -> pd.DataFrame:
    """The bias of gender, expression, ethnicity and age, as in study B's tables.

    Parameters
    ----------
    attributes : tuple of str
        Columns; one that is not recorded, or has one group only, is left out.

    Returns
    -------
    pandas.DataFrame
        Index ``attribute``; columns as :func:`bias` gives them, the counts whole.

    Raises
    ------
    ValueError
        If no attribute has two groups.

    Examples
    --------
    >>> predictions = pd.DataFrame({"age": [10.0, 30, 50, 70], "predicted": [12.0, 31, 50, 61], "gender": list("ffmm")})
    >>> bias_table(predictions, resamples=0)["value"].to_dict()
    {'gender': 3.0, 'age': 4.66...}
    """
    rows = {}
    for attribute in attributes:
        if attribute in predictions:
            edges = AGE_EDGES if attribute == "age" else None
            if len(group_codes(predictions, attribute, edges)[1]) > 1:
                rows[attribute] = bias(predictions, attribute, edges, resamples, **resampling)
    if not rows:
        raise ValueError(
            f"none of {', '.join(attributes)} has two groups among these {len(predictions)} pictures; "
            "a bias needs two"
        )
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("attribute")
    return table.astype({"groups": int, "smallest": int})


def _bias_of(errors: np.ndarray) -> np.ndarray:
    """Biases [...] of groups' errors [..., K]; nan where a group has none."""
    pairs = list(itertools.combinations(range(errors.shape[-1]), 2))
    if not pairs:
        raise ValueError(f"a bias is between groups; give the errors of two at least, not {errors.shape[-1]}")
    first, second = np.transpose(pairs)
    return np.abs(errors[..., first] - errors[..., second]).mean(axis=-1)


def _from_sums(sums: np.ndarray) -> np.ndarray:
    """Biases [R, 1] of counts and summed errors of groups [R, 2 K]."""
    half = sums.shape[1] // 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return _bias_of(sums[:, half:] / sums[:, :half])[:, None]


def _shuffled(codes: np.ndarray, errors: np.ndarray, groups: int, how: Resampling) -> np.ndarray:
    """Biases [resamples] after the pictures' groups have been shuffled."""
    generator = np.random.default_rng([how.seed, 1])
    number, results, done = len(codes), [], 0
    counts = np.bincount(codes, minlength=groups)
    while done < how.resamples:
        some = min(how.resamples - done, max(1, CHUNK // number))
        mixed = generator.permuted(np.broadcast_to(codes, (some, number)), axis=1)
        places = mixed + groups * np.arange(some)[:, None]
        weights = np.broadcast_to(errors, (some, number)).ravel()
        summed = np.bincount(places.ravel(), weights, minlength=some * groups).reshape(some, groups)
        results.append(_bias_of(summed / counts))
        done += some
    return np.concatenate(results)
