"""How good predictions are: errors with intervals, all from the predictions table. Explained in chapters 05 and 15.

The predictions table has one row a picture: ``path``, ``age`` and ``predicted`` in years, and columns of groups
(``gender``, ``ethnicity``, ``identity`` …). Every number here is a function of that table, so it can be computed for
every network, target and data set, and compared only where the split is the same.
"""

import itertools

import numpy as np
import pandas as pd

#: About how many numbers one step of the bootstrap may hold at once.
CHUNK = 2_000_000


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


def cs(age, predicted, k: float = 5) -> float:
    """Cumulative score CS@k, in percent: how many pictures are off by at most k years.

    >>> cs([30, 40, 50, 60], [35, 40, 44, 60], k=5)
    75.0
    """
    return float(100 * np.mean(np.abs(_errors(age, predicted)) <= k))


def summarise(
    predictions: pd.DataFrame,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    ks: tuple = (5,),
    unit: str | None = None,
) -> pd.DataFrame:
    """All metrics of a predictions table, each with a bootstrap interval.

    The pictures are drawn again with replacement, `resamples` times; the interval is what the middle `level` of the
    results spans (Efron's percentile interval). Every metric is made of sums over pictures, so that a resample
    is a row of counts and all resamples are one matrix product.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age`` and ``predicted``, in years.
    resamples : int
        Bootstrap resamples; 0 leaves the intervals missing.
    level : float
        Coverage of the interval, between 0 and 1.
    seed : int
        The same seed gives the same interval.
    ks : tuple of float
        For which k, in years, CS@k is given.
    unit : str, optional
        A column such as ``identity``: draw whole persons instead of single pictures. Pictures of one person go wrong
        together, so the interval is honest only with it; a row where it is missing counts as a person of its own.

    Returns
    -------
    pandas.DataFrame
        Index ``metric`` (MSE, RMSE, MAE, R2, CS@k), columns ``value``, ``low``, ``high``. MSE in years², RMSE and
        MAE in years, CS@k in percent.

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
    age, predicted = _columns(predictions)
    names = ["MSE", "RMSE", "MAE", "R2", *(f"CS@{k:g}" for k in ks)]
    sums = _per_picture(age, predicted, ks)
    value = _from_sums(sums.sum(axis=0, keepdims=True))[0]
    if unit is not None:
        sums = _per_unit(predictions, unit, sums)
    low, high = _interval(sums, _from_sums, resamples, level, seed)
    table = {"value": value, "low": low, "high": high}
    return pd.DataFrame(table, index=pd.Index(names, name="metric"))


def compare(
    first: pd.DataFrame,
    second: pd.DataFrame,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    ks: tuple = (5,),
    unit: str | None = None,
) -> pd.DataFrame:
    """Differences of all metrics between two networks on the same pictures: second minus first.

    The same pictures are drawn for both ("paired"): what is hard for both drops out, so the interval of the difference
    is narrower than the two intervals let expect. If it does not hold 0, the difference is more than the luck of
    the test pictures; the luck of the seed is not in it.

    Parameters
    ----------
    first, second : pandas.DataFrame
        Two predictions tables of the same pictures, in any order.
    resamples, level, seed, ks, unit
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
    second = _same_pictures(first, second)
    names = ["MSE", "RMSE", "MAE", "R2", *(f"CS@{k:g}" for k in ks)]
    sums = np.hstack([_per_picture(*_columns(table), ks) for table in (first, second)])
    half = sums.shape[1] // 2
    if unit is not None:
        sums = _per_unit(first, unit, sums)

    def difference(total):
        return _from_sums(total[:, half:]) - _from_sums(total[:, :half])

    total = sums.sum(axis=0, keepdims=True)
    low, high = _interval(sums, difference, resamples, level, seed)
    table = {
        "first": _from_sums(total[:, :half])[0],
        "second": _from_sums(total[:, half:])[0],
        "value": difference(total)[0],
        "low": low,
        "high": high,
    }
    return pd.DataFrame(table, index=pd.Index(names, name="metric"))


def _same_pictures(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """`second` in the order of `first`."""
    for table in (first, second):
        _columns(table)
        if "path" not in table or table["path"].duplicated().any():
            raise ValueError(
                "to compare predictions, each table needs a column 'path' in which every picture is once"
            )
    other = set(first["path"]) ^ set(second["path"])
    if other:
        raise ValueError(
            f"{len(other)} pictures are in only one of the two tables (first: {min(map(str, other))}); "
            "compare on the same test part, from the same split"
        )
    second = second.set_index("path").loc[first["path"]].reset_index()
    if not np.array_equal(first["age"].to_numpy(), second["age"].to_numpy()):
        raise ValueError(
            "the two tables give different ages to the same pictures; compare with the same label"
        )
    return second


def baselines(train_ages, predictions: pd.DataFrame, ks: tuple = (5,)) -> pd.DataFrame:
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
        Index ``baseline`` (always the mean age, always the median age), columns ``predicted`` (years), MSE, RMSE, MAE,
        R2, CS@k.

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
        rows[f"always the {name} age"] = {"predicted": constant} | summarise(always, 0, ks=ks)[
            "value"
        ].to_dict()
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("baseline")


def error_by(
    predictions: pd.DataFrame,
    by: str = "age",
    bins: tuple | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
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
    resamples, level, seed
        As in :func:`summarise`; each group is drawn again from itself.

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
    age, predicted = _columns(predictions)
    if by not in predictions:
        raise ValueError(
            f"the predictions table has no column {by!r}; it has: {', '.join(predictions.columns)}"
        )
    groups = predictions[by]
    if pd.api.types.is_numeric_dtype(groups) and not pd.api.types.is_bool_dtype(groups):
        groups = age_groups(groups, bins)
    codes, labels = pd.factorize(groups, sort=True)
    sums = np.stack([np.abs(predicted - age), predicted - age], axis=1)
    rows = []
    for code in range(len(labels)):
        mine = sums[codes == code]
        low, high = _interval(mine, lambda s: s / len(mine), resamples, level, seed)  # noqa: B023 (used at once)
        rows.append((len(mine), mine[:, 0].mean(), low[0], high[0], mine[:, 1].mean()))
    index = pd.Index(np.asarray(labels, dtype=object), name=by)
    return pd.DataFrame(rows, columns=["count", "MAE", "low", "high", "bias"], index=index)


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


def _errors(age, predicted) -> np.ndarray:
    age, predicted = np.asarray(age, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if age.shape != predicted.shape or not age.size:
        raise ValueError(
            f"ages and predictions have the same shape, not {age.shape} and {predicted.shape}, or are empty"
        )
    return predicted - age


def _columns(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    missing = [name for name in ("age", "predicted") if name not in predictions]
    if missing:
        raise ValueError(
            f"the predictions table has no column {missing[0]!r}; it has: {', '.join(predictions.columns)}"
        )
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


def _per_picture(age: np.ndarray, predicted: np.ndarray, ks: tuple) -> np.ndarray:
    """What each picture adds to the sums that every metric is made of: [N, 5 + len(ks)]."""
    errors = predicted - age
    centred = age - age.mean()  # R² does not change, and the difference of the two sums loses no digits.
    within = [np.abs(errors) <= k for k in ks]
    return np.stack([np.ones_like(errors), errors**2, np.abs(errors), centred, centred**2, *within], axis=1)


def _per_unit(predictions: pd.DataFrame, unit: str, sums: np.ndarray) -> np.ndarray:
    if unit not in predictions:
        raise ValueError(
            f"the predictions table has no column {unit!r}; it has: {', '.join(predictions.columns)}"
        )
    codes, labels = pd.factorize(predictions[unit])
    alone = codes < 0
    codes[alone] = len(labels) + np.arange(alone.sum())
    summed = np.zeros((codes.max() + 1, sums.shape[1]))
    np.add.at(summed, codes, sums)
    return summed


def _from_sums(sums: np.ndarray) -> np.ndarray:
    """Metrics [R, 4 + len(ks)] of sums over pictures [R, 5 + len(ks)]."""
    number, squares, absolutes, centred, centred_squares = sums[:, :5].T
    mean_square = squares / number
    spread = centred_squares - centred**2 / number
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(
            spread > 1e-9 * np.maximum(centred_squares, 1e-300), 1 - squares / spread, np.nan
        )
    shares = 100 * sums[:, 5:] / number[:, None]
    return np.column_stack([mean_square, np.sqrt(mean_square), absolutes / number, explained, shares])


def _interval(
    sums: np.ndarray, statistic, resamples: int, level: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of `statistic`, a function of sums over the rows of `sums`."""
    if not 0 < level < 1:
        raise ValueError(f"level is a share between 0 and 1, not {level}")
    if resamples < 1:
        nothing = np.full(statistic(sums.sum(axis=0, keepdims=True)).shape[1], np.nan)
        return nothing, nothing
    generator = np.random.default_rng(seed)
    number, results, done = len(sums), [], 0
    while done < resamples:
        some = min(resamples - done, max(1, CHUNK // number))
        drawn = generator.integers(0, number, (some, number)) + number * np.arange(some)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=some * number).reshape(some, number)
        results.append(statistic(counts @ sums))
        done += some
    tail = (1 - level) / 2
    results = np.concatenate(results)
    undefined = np.isnan(results).all(axis=0)
    results[:, undefined] = 0
    low, high = np.nanquantile(results, [tail, 1 - tail], axis=0)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)
