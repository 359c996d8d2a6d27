"""Errors and scores of groups of pictures: for whom a network is right, and for whom not.

Explained in chapters 06, 17 and 20.
"""

import itertools

import numpy as np
import pandas as pd

from agelib.metrics.bootstrap import Resampling, require
from agelib.metrics.classification import classify
from agelib.metrics.permutation import holm, share_at_least, swap_networks
from agelib.metrics.regression import columns, same_pictures

#: Study B's age groups on the true age: below 20, 20 to 39, 40 to 59, from 60 on.
AGE_EDGES = (20, 40, 60)

#: Between the names of a combination of groups.
JOIN = " · "


def error_by(
    predictions: pd.DataFrame, by: str = "age", bins: tuple | None = None, resamples: int = 1000, **resampling
) -> pd.DataFrame:
    """Errors of each group of pictures: by age, or by a column such as gender.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age`` and ``predicted``, in years, and the column `by`.
    by : str
        The column, or several joined by ``*``, such as ``gender*ethnicity``: then each combination that occurs is a
        group. A column of numbers is cut into bins; of words, each word is a group, and a missing one is left out.
    bins : tuple of float, optional
        Edges, each the first value of its bin; below the first and from the last edge on there are open bins where
        pictures fall there. By default every tenth number.
    resamples, **resampling
        As in :func:`~agelib.metrics.summarise`; each group is drawn again from itself.

    Returns
    -------
    pandas.DataFrame
        Index: the group; columns ``count``, ``MAE``, ``low``, ``high`` (years; the interval of the MAE) and ``bias``
        (mean of predicted − age, in years; above 0: guessed too old).

    Examples
    --------
    >>> predictions = pd.DataFrame({"age": [5.0, 8, 30], "predicted": [9.0, 10, 28]})
    >>> predictions["gender"] = ["male", "female", None]
    >>> error_by(predictions, resamples=0)[["count", "MAE", "bias"]]
           count  MAE  bias
    age
    0–9        2  3.0   3.0
    30–39      1  2.0  -2.0
    >>> error_by(predictions, "gender", resamples=0)["MAE"].to_dict()
    {'female': 2.0, 'male': 4.0}
    """
    how = Resampling(resamples, **resampling)
    age, predicted = columns(predictions)
    codes, labels = group_codes(predictions, by, bins)
    sums = np.stack([np.ones(len(age)), np.abs(predicted - age), predicted - age], axis=1)
    rows = []
    for code in range(len(labels)):
        mine = codes == code
        count, mae, bias = sums[mine].sum(axis=0) / (1, mine.sum(), mine.sum())
        low, high = how.interval(
            how.per_unit(predictions[mine], sums[mine]), lambda total: total[:, 1:2] / total[:, :1]
        )
        rows.append((int(count), mae, low[0], high[0], bias))
    index = pd.Index(np.asarray(labels, dtype=object), name=by)
    return pd.DataFrame(rows, columns=["count", "MAE", "low", "high", "bias"], index=index)


def macro_f1_by(
    predictions: pd.DataFrame, by: str, task: str = "age_group", resamples: int = 1000, **resampling
) -> pd.DataFrame:
    """Macro F1 of each group of pictures, such as that of age groups for women and for men.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns `task` and ``predicted_<task>``, and the column `by`; pictures without a true class are left out.
    by : str
        As in :func:`error_by`.
    task : str
        Such as age_group.
    resamples, **resampling
        As in :func:`~agelib.metrics.classify`; each group is drawn again from itself.

    Returns
    -------
    pandas.DataFrame
        Index: the group; columns ``count`` (pictures), ``classes`` (how many classes occur among them), ``macro F1``,
        ``low``, ``high`` (percent). Groups with different classes do not answer the same question, and their macro F1
        cannot be compared: that is what ``classes`` is for.

    Examples
    --------
    >>> predictions = pd.DataFrame({"age_group": ["0–2", "3–6"] * 2, "gender": list("ffmm")})
    >>> predictions["predicted_age_group"] = ["0–2", "3–6", "0–2", "0–2"]
    >>> macro_f1_by(predictions, "gender", resamples=0)[["count", "classes", "macro F1"]].round(1)
            count  classes  macro F1
    gender
    f           2        2     100.0
    m           2        2      33.3
    """
    codes, labels = group_codes(predictions, by)
    require(predictions, task)
    rows = []
    for code in range(len(labels)):
        group = predictions[codes == code]
        known = int(group[task].notna().sum())
        if known:
            scores = classify(group, task, resamples, **resampling).loc["macro F1"]
        else:
            scores = dict.fromkeys(("value", "low", "high"), np.nan)
        rows.append((known, group[task].nunique(), scores["value"], scores["low"], scores["high"]))
    index = pd.Index(np.asarray(labels, dtype=object), name=by)
    return pd.DataFrame(rows, columns=["count", "classes", "macro F1", "low", "high"], index=index)


def intersections(
    predictions: pd.DataFrame, by: str = "gender*ethnicity*age", least: int = 30, resamples: int = 1000, **resampling
) -> pd.DataFrame:
    """Errors of every combination of groups; those with too few pictures are named, and given no error.

    A network can serve women well and old people well, and old women badly. But combinations are many and their
    pictures few: what has fewer than `least` of them is listed as too small, not left out, and so is a combination
    without any picture. That nobody can be judged there is a finding about the test part.

    Parameters
    ----------
    by : str
        Columns joined by ``*``; ages are cut at :data:`AGE_EDGES`.
    least : int
        Pictures that a group needs to be given an error; our choice. With 30 and normal errors, the standard error of a
        group's MAE is a seventh of it.
    resamples, **resampling
        As in :func:`error_by`.

    Returns
    -------
    pandas.DataFrame
        Index: names such as ``female · asian · 20–39``, in the groups' order; columns ``count``, ``MAE``, ``low``,
        ``high``, ``bias`` (years, missing where too small) and ``too_small``.

    Raises
    ------
    ValueError
        If a column is not there, or not recorded for any picture.

    Examples
    --------
    >>> predictions = pd.DataFrame({"age": [10.0, 12, 30, 70], "predicted": [12.0, 15, 31, 61], "gender": list("ffmf")})
    >>> intersections(predictions, "gender*age", least=2, resamples=0)[["count", "MAE", "too_small"]]
                     count  MAE  too_small
    gender · age
    f · under 20         2  2.5      False
    f · 20–39            0  NaN       True
    f · 60 and over      1  NaN       True
    m · under 20         0  NaN       True
    m · 20–39            1  NaN       True
    m · 60 and over      0  NaN       True
    """
    parts = [part.strip() for part in by.split("*")]
    names = [group_codes(predictions, part, AGE_EDGES)[1] for part in parts]
    for part, labels in zip(parts, names, strict=True):
        if not labels:
            raise ValueError(
                f"intersections: {part} is not recorded for any of {len(predictions)} pictures; leave it out"
            )
    every = [JOIN.join(map(str, combination)) for combination in itertools.product(*names)]
    table = error_by(predictions, by, AGE_EDGES, resamples, **resampling)
    table.index = [str(name) for name in table.index]
    table = table.reindex(pd.Index(every, name=JOIN.join(parts), dtype=object))
    table["count"] = table["count"].fillna(0).astype(int)
    too_small = table["count"] < least
    table.loc[too_small, ["MAE", "low", "high", "bias"]] = np.nan
    return table.assign(too_small=too_small)


def compare_by(
    first: pd.DataFrame,
    second: pd.DataFrame,
    by: str = "age",
    bins: tuple | None = None,
    resamples: int = 1000,
    **resampling,
) -> pd.DataFrame:
    """What each group gains or loses between two networks on the same pictures: second minus first.

    The same pictures are drawn for both, as in :func:`agelib.metrics.compare`.

    Returns
    -------
    pandas.DataFrame
        Index: the group; columns ``count``, ``first``, ``second`` (MAE, years), ``value`` (second − first), ``low``,
        ``high``, ``p`` (each picture's two answers change places: the share of swaps with at least this difference
        either way) and ``holm`` (p corrected for the number of groups).

    Raises
    ------
    ValueError
        If the two tables are not of the same pictures with the same ages.

    Examples
    --------
    >>> first = pd.DataFrame({"path": list("abc"), "age": [10.0, 12, 70], "predicted": [14.0, 16, 71]})
    >>> second = first.assign(predicted=[11.0, 13, 76])
    >>> compare_by(first, second, bins=(20, 60), resamples=0)[["count", "first", "second", "value"]]
                 count  first  second  value
    age
    under 20         2    4.0     1.0   -3.0
    60 and over      1    1.0     6.0    5.0
    """
    how = Resampling(resamples, **resampling)
    second = same_pictures(first, second)
    codes, labels = group_codes(first, by, bins)
    known, size = codes >= 0, len(labels)
    errors = [np.abs(predicted - age)[known] for age, predicted in map(columns, (first, second))]
    member = np.eye(size)[codes[known]]
    sums = np.hstack([member, *(member * each[:, None] for each in errors)])
    sums = how.per_unit(first[known], sums)

    def changes(total):
        counts, ones, twos = np.split(total, 3, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (twos - ones) / counts

    total = sums.sum(axis=0, keepdims=True)
    value, (counts, ones, twos) = changes(total)[0], np.split(total[0], 3)
    low, high = how.interval(sums, changes)
    p = np.full(size, np.nan)
    if resamples:
        moved = swap_networks(sums[:, 2 * size :] - sums[:, size : 2 * size], how)
        p = share_at_least(np.abs(value - 2 * moved / counts), np.abs(value))
    table = {"count": counts.astype(int), "first": ones / counts, "second": twos / counts}
    table |= {"value": value, "low": low, "high": high}
    index = pd.Index(np.asarray(labels, dtype=object), name=by)
    return pd.DataFrame(table | {"p": p, "holm": holm(p)}, index=index)


def group_codes(predictions: pd.DataFrame, by: str, bins: tuple | None = None) -> tuple[np.ndarray, list]:
    """The group of each picture, int [N] (−1: not recorded), and the groups' names in order.

    Columns joined by ``*`` give a group for each combination that occurs.
    """
    if "*" in by:
        return _combined_codes(predictions, [part.strip() for part in by.split("*")], bins)
    require(predictions, by)
    groups = predictions[by]
    if pd.api.types.is_numeric_dtype(groups) and not pd.api.types.is_bool_dtype(groups):
        groups = age_groups(groups, bins)
    codes, labels = pd.factorize(groups, sort=True)
    return codes, list(labels)


def _combined_codes(predictions: pd.DataFrame, parts: list[str], bins: tuple | None) -> tuple[np.ndarray, list]:
    combined, known, names = np.zeros(len(predictions), np.int64), np.ones(len(predictions), bool), []
    for part in parts:
        codes, labels = group_codes(predictions, part, bins)
        combined, known = combined * max(len(labels), 1) + codes, known & (codes >= 0)
        names.append(labels)
    every = list(itertools.product(*names))
    result = np.full(len(predictions), -1)
    found, result[known] = np.unique(combined[known], return_inverse=True)
    return result, [JOIN.join(map(str, every[place])) for place in found]


def age_groups(ages, edges: tuple | None = None) -> pd.Series:
    """Name the age group of each age: an ordered category such as ``20–39``.

    Parameters
    ----------
    ages : array
        In years.
    edges : tuple of float, optional
        First age of each group; by default every tenth.

    Examples
    --------
    >>> list(age_groups([3, 19.5, 20, 64], (20, 40, 60)))
    ['under 20', 'under 20', '20–39', '60 and over']
    """
    ages = pd.Series(ages, dtype="float64").reset_index(drop=True)
    if edges is None:
        first, last = np.floor(ages.min() / 10), np.floor(ages.max() / 10)
        edges = tuple(10 * np.arange(first, last + 2)) if ages.notna().any() else (0.0, 10.0)
    edges = np.asarray(edges, dtype=np.float64)
    if len(edges) < 1 or (np.diff(edges) <= 0).any():
        raise ValueError(f"edges of age groups go up, {edges.tolist()} do not")
    names = [f"under {edges[0]:g}"]
    for low, high in itertools.pairwise(edges):
        whole = float(low).is_integer() and float(high).is_integer()
        names.append((f"{low:g}–{high - 1:g}" if high - low > 1 else f"{low:g}") if whole else f"{low:g} to {high:g}")
    names.append(f"{edges[-1]:g} and over")
    codes = np.searchsorted(edges, ages, side="right")
    codes[ages.isna()] = -1
    used = [name for code, name in enumerate(names) if (codes == code).any()]
    named = pd.Categorical.from_codes(codes, names, ordered=True).set_categories(used)
    return pd.Series(named)
