"""Errors of ages: MSE, MAE, R² and CS@k with intervals, differences, and what no picture is worth.

Explained in chapters 06 and 17.
"""

import numpy as np
import pandas as pd

from agelib.metrics.bootstrap import Resampling, require

#: The metrics of :func:`summarise`, in its order; CS@5 is the share of errors of at most 5 years.
METRICS = ("MSE", "RMSE", "MAE", "R2", "CS@5")


def mse(age, predicted) -> float:
    """Mean squared error, in years²: the mean of (predicted − age)².

    >>> mse([30, 40], [33, 36])
    12.5
    """
    return float(np.mean(_errors(age, predicted) ** 2))


def rmse(age, predicted) -> float:
    """Root of the mean squared error, in years; never below the mean absolute error.

    >>> round(rmse([30, 40], [33, 36]), 4)
    3.5355
    """
    return float(np.sqrt(mse(age, predicted)))


def mae(age, predicted) -> float:
    """Mean absolute error, in years: the mean of |predicted − age|.

    >>> mae([30, 40], [33, 36])
    3.5
    """
    return float(np.mean(np.abs(_errors(age, predicted))))


def r2(age, predicted) -> float:
    """Share of the ages' variance that is explained: 1 − Σ(predicted − age)² / Σ(age − mean age)².

    1 is perfect, 0 is as good as always saying the mean of these very ages, below 0 is worse than that. It is not a
    number (nan) where all ages are equal.

    >>> r2([30, 40], [33, 36])
    0.5
    """
    errors = _errors(age, predicted)
    age = np.asarray(age, dtype=np.float64)
    total = np.sum((age - age.mean()) ** 2)
    return float(1 - np.sum(errors**2) / total) if total > 0 else float("nan")


def whole_years(ages) -> np.ndarray:
    """Ages rounded to whole years, a half up: what makes predictions that may lie between two years comparable.

    Ages are recorded in completed years. A prediction in whole years is then off by at most 5 years where one of
    parts of a year may be off by almost 5.5, so CS@5 gives whole years half a year of grace; and it falls into another
    age group. Compare either only where all predictions are rounded, or none.

    Parameters
    ----------
    ages : array
        In years; a missing one stays missing.

    Returns
    -------
    numpy.ndarray
        float64, of the same shape.

    Examples
    --------
    An age of 30, and three predictions: rounded, the last two are within 5 years of it.

    >>> whole_years([24.4, 24.6, 35.4]).tolist()
    [24.0, 25.0, 35.0]
    """
    return np.floor(np.asarray(ages, dtype=np.float64) + 0.5)


def summarise(predictions: pd.DataFrame, resamples: int = 1000, **resampling) -> pd.DataFrame:
    """All metrics of a predictions table, each with a bootstrap interval.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age`` and ``predicted``, in years.
    resamples : int
        Bootstrap resamples; 0 leaves the intervals missing.
    **resampling
        ``level``, ``seed`` and ``unit`` of :class:`~agelib.metrics.Resampling`; with ``unit="identity"`` whole persons
        are drawn instead of single pictures.

    Returns
    -------
    pandas.DataFrame
        Index ``metric`` (:data:`METRICS`), columns ``value``, ``low``, ``high``. MSE in years², RMSE and MAE in years,
        CS@5 in percent, of the predictions as they are: see :func:`whole_years` before two networks' are compared.

    Raises
    ------
    ValueError
        If the table is empty, lacks a column, or holds a missing or infinite number.

    Examples
    --------
    >>> predictions = pd.DataFrame({"age": [20.0, 30, 40, 50], "predicted": [24.0, 28, 41, 45]})
    >>> summarise(predictions, resamples=200).round(2).loc[["MAE", "CS@5"]]
            value   low   high
    metric
    MAE       3.0   1.5    4.5
    CS@5    100.0 100.0  100.0
    """
    how = Resampling(resamples, **resampling)
    sums = _per_picture(*columns(predictions))
    value = _from_sums(sums.sum(axis=0, keepdims=True))[0]
    low, high = how.interval(how.per_unit(predictions, sums), _from_sums)
    return pd.DataFrame({"value": value, "low": low, "high": high}, index=pd.Index(METRICS, name="metric"))


def compare(first: pd.DataFrame, second: pd.DataFrame, resamples: int = 1000, **resampling) -> pd.DataFrame:
    """Differences of all metrics between two networks on the same pictures: second minus first.

    The same pictures are drawn for both ("paired"): what is hard for both drops out, so the interval of the difference
    is narrower than the two intervals let expect. If it does not hold 0, the difference is more than the luck of
    the test pictures; the luck of the seed is not in it.

    Parameters
    ----------
    first, second : pandas.DataFrame
        Two predictions tables of the same pictures, in any order.
    resamples, **resampling
        As in :func:`summarise`.

    Returns
    -------
    pandas.DataFrame
        Index ``metric``; columns ``first``, ``second``, ``value`` (second − first), ``low``, ``high``.

    Raises
    ------
    ValueError
        If the two tables are not of the same pictures with the same ages.

    Examples
    --------
    >>> first = pd.DataFrame({"path": ["a", "b"], "age": [20.0, 40], "predicted": [24.0, 46]})
    >>> second = pd.DataFrame({"path": ["b", "a"], "age": [40.0, 20], "predicted": [43.0, 21]})
    >>> compare(first, second, resamples=0).loc["MAE", ["first", "second", "value"]].to_dict()
    {'first': 5.0, 'second': 2.0, 'value': -3.0}
    """
    how = Resampling(resamples, **resampling)
    second = same_pictures(first, second)
    sums = np.hstack([_per_picture(*columns(table)) for table in (first, second)])

    def of_both(total):
        return [_from_sums(half) for half in np.split(total, 2, axis=1)]

    one, other = of_both(sums.sum(axis=0, keepdims=True))
    low, high = how.interval(how.per_unit(first, sums), lambda total: np.diff(of_both(total), axis=0)[0])
    table = {"first": one[0], "second": other[0], "value": (other - one)[0], "low": low, "high": high}
    return pd.DataFrame(table, index=pd.Index(METRICS, name="metric"))


def baselines(train_ages, predictions: pd.DataFrame) -> pd.DataFrame:
    """What it is worth to look at no picture: always the mean, or the median, age of the training part.

    A network that does not beat both has learnt nothing. The mean is the best constant for the MSE, the median for
    the MAE.

    Parameters
    ----------
    train_ages : array
        Ages of the training part, in years.
    predictions : pandas.DataFrame
        The table whose pictures are judged; only ``age`` is used.

    Returns
    -------
    pandas.DataFrame
        Index ``baseline`` (always the mean age, always the median age), columns ``predicted`` (years) and
        :data:`METRICS`.

    Examples
    --------
    >>> baselines([20, 20, 50], pd.DataFrame({"age": [20.0, 30.0]}))[["predicted", "MAE"]]
                           predicted   MAE
    baseline
    always the mean age         30.0   5.0
    always the median age       20.0   5.0
    """
    train_ages = np.asarray(train_ages, dtype=np.float64)
    if not train_ages.size or not np.isfinite(train_ages).all():
        raise ValueError("the training part has no ages, or a missing one; baselines need every training age")
    rows = {}
    for name, constant in (("mean", train_ages.mean()), ("median", np.median(train_ages))):
        always = pd.DataFrame({"age": predictions["age"], "predicted": constant})
        found = summarise(always, 0)["value"].to_dict()
        rows[f"always the {name} age"] = {"predicted": constant} | found
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("baseline")


def _errors(age, predicted) -> np.ndarray:
    age, predicted = np.asarray(age, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if age.shape != predicted.shape or not age.size:
        raise ValueError(
            f"ages and predictions have the same shape, not {age.shape} and {predicted.shape}, or are empty"
        )
    return predicted - age


def same_pictures(first: pd.DataFrame, second: pd.DataFrame, label: str = "age") -> pd.DataFrame:
    """`second` in the order of `first`; ValueError unless both have the same pictures with the same labels."""
    for table in (first, second):
        require(table, label)
        if "path" not in table or table["path"].duplicated().any():
            raise ValueError("to compare predictions, each table needs a column 'path' in which every picture is once")
    other = set(first["path"]) ^ set(second["path"])
    if other:
        raise ValueError(
            f"{len(other)} pictures are in only one of the two tables (first: {min(map(str, other))}); "
            "compare on the same test part, from the same split"
        )
    second = second.set_index("path").loc[first["path"]].reset_index()
    ours, theirs = first[label].to_numpy(), second[label].to_numpy()
    if not ((ours == theirs) | (pd.isna(ours) & pd.isna(theirs))).all():
        raise ValueError(
            f"the two tables give different {label.replace('_', ' ')}s to the same pictures; "
            "compare with the same label"
        )
    return second


def columns(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Ages and predicted ages, in years; ValueError if a column, a row or a number is missing."""
    require(predictions, "age", "predicted")
    if not len(predictions):
        raise ValueError("the predictions table is empty; the test part has no pictures")
    columns = predictions[["age", "predicted"]].to_numpy(dtype=np.float64)
    bad = ~np.isfinite(columns)
    if bad.any():
        row = int(np.flatnonzero(bad.any(axis=1))[0])
        raise ValueError(
            f"predictions: {int(bad.any(axis=1).sum())} of {len(columns)} rows have a missing or infinite number "
            f"(first: row {row}, age {columns[row, 0]:g}, predicted {columns[row, 1]:g}); did the training diverge?"
        )
    return columns[:, 0], columns[:, 1]


def _per_picture(age: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """What each picture adds to the sums that every metric is made of: [N, 6]."""
    errors = predicted - age
    centred = age - age.mean()  # R² does not change, and the difference of the two sums loses no digits.
    parts = (np.ones_like(errors), errors**2, np.abs(errors), centred, centred**2, np.abs(errors) <= 5)
    return np.stack(parts, axis=1)


def _from_sums(sums: np.ndarray) -> np.ndarray:
    """Metrics [R, 5] of sums over pictures [R, 6]."""
    number, squares, absolutes, centred, centred_squares = sums[:, :5].T
    mean_square = squares / number
    spread = centred_squares - centred**2 / number
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(spread > 1e-9 * np.maximum(centred_squares, 1e-300), 1 - squares / spread, np.nan)
    shares = 100 * sums[:, 5:] / number[:, None]
    return np.column_stack([mean_square, np.sqrt(mean_square), absolutes / number, explained, shares])
