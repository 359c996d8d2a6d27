"""Errors of groups of pictures: for whom a network is right, and for whom not. Explained in chapters 05 and 15."""

import itertools

import numpy as np
import pandas as pd

from agelib.metrics.ages import columns
from agelib.metrics.bootstrap import Resampling


def error_by(
    predictions: pd.DataFrame,
    by: str = "age",
    bins: tuple | None = None,
    resamples: int = 1000,
    **resampling,
) -> pd.DataFrame:
    """Errors of each group of pictures: by age, or by a column such as gender.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age`` and ``predicted``, in years, and the column `by`.
    by : str
        The column. A column of numbers is cut into bins; of words, each word is a group, and a missing one is left out.
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


def group_codes(predictions: pd.DataFrame, by: str, bins: tuple | None = None) -> tuple[np.ndarray, list]:
    """The group of each picture, int [N] (−1: not recorded), and the groups' names in order."""
    if by not in predictions:
        raise ValueError(
            f"the predictions table has no column {by!r}; it has: {', '.join(predictions.columns)}"
        )
    groups = predictions[by]
    if pd.api.types.is_numeric_dtype(groups) and not pd.api.types.is_bool_dtype(groups):
        groups = age_groups(groups, bins)
    codes, labels = pd.factorize(groups, sort=True)
    return codes, list(labels)


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
        names.append(
            (f"{low:g}–{high - 1:g}" if high - low > 1 else f"{low:g}") if whole else f"{low:g} to {high:g}"
        )
    names.append(f"{edges[-1]:g} and over")
    codes = np.searchsorted(edges, ages, side="right")
    codes[ages.isna()] = -1
    used = [name for code, name in enumerate(names) if (codes == code).any()]
    named = pd.Categorical.from_codes(codes, names, ordered=True).set_categories(used)
    return pd.Series(named)
