"""How good predicted classes are: accuracy, precision, recall, macro F1 and the confusion matrix.

All of them are functions of the confusion matrix's counts, so that a bootstrap resample is another draw of counts
and never another table. The headline of the UTKFace study (Benyamin 2023) is macro F1: the mean of the classes' F1, in
which a scarce class counts as much as a common one. Explained in chapter 13.
"""

import re

import numpy as np
import pandas as pd

from agelib.metrics.bootstrap import Resampling, require
from agelib.metrics.regression import same_pictures

#: The metrics of :func:`classify`, in percent, in its order.
METRICS = ("accuracy", "precision", "recall", "macro F1")


def accuracy(true, predicted) -> float:
    """Share of right classes, in percent.

    >>> accuracy(["child", "adult", "adult", "adult"], ["child", "child", "adult", "adult"])
    75.0
    """
    return _score(true, predicted, "accuracy")


def macro_f1(true, predicted) -> float:
    """Mean over classes of F1 = 2·hits / (pictures that are so + pictures called so), in percent.

    Classes are those that occur among the true or the predicted ones, as in scikit-learn.

    >>> round(macro_f1(["child", "adult", "adult", "adult"], ["child", "child", "adult", "adult"]), 2)
    73.33
    """
    return _score(true, predicted, "macro F1")


def classify(predictions: pd.DataFrame, task: str = "age_group", resamples: int = 1000, **resampling) -> pd.DataFrame:
    """Accuracy, macro precision, macro recall and macro F1 of a predictions table, each with a bootstrap interval.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns `task` and ``predicted_<task>``, text. Pictures without a true class are left out.
    task : str
        Such as age_group, gender or ethnicity.
    resamples, **resampling
        Bootstrap resamples, and the other options of :class:`~agelib.metrics.Resampling`.

    Returns
    -------
    pandas.DataFrame
        Index ``metric`` (accuracy, precision, recall, macro F1); columns ``value``, ``low``, ``high``, in percent.

    Raises
    ------
    ValueError
        If a column is not there, no picture has a true class, or one has no predicted class.

    Examples
    --------
    >>> predictions = pd.DataFrame({"gender": ["male", "female"] * 50})
    >>> predictions["predicted_gender"] = ["male"] * 50 + ["female"] * 50
    >>> classify(predictions, "gender").round(1)
              value   low  high
    metric
    accuracy   50.0  40.0  60.0
    precision  50.0  ...
    recall     50.0  ...
    macro F1   50.0  ...
    """
    how = Resampling(resamples, **resampling)
    mine, cells, size = _cells(predictions, task)
    counts = np.bincount(cells, minlength=size**2)
    value = _metrics(counts[None])[0]
    low, high = _interval(how, predictions[mine], cells[:, None], size**2, _metrics)
    return pd.DataFrame({"value": value, "low": low, "high": high}, index=pd.Index(METRICS, name="metric"))


def compare_classes(
    first: pd.DataFrame, second: pd.DataFrame, task: str = "age_group", resamples: int = 1000, **resampling
) -> pd.DataFrame:
    """Differences of all metrics of :func:`classify` between two networks on the same pictures: second minus first.

    The same pictures are drawn for both, as in :func:`agelib.metrics.compare`.

    Returns
    -------
    pandas.DataFrame
        Index ``metric``; columns ``first``, ``second``, ``value`` (second − first, in points of percent), ``low``,
        ``high``.

    Examples
    --------
    >>> first = pd.DataFrame({"path": ["a", "b"], "gender": ["male", "female"], "predicted_gender": ["male", "male"]})
    >>> second = first.assign(predicted_gender=["male", "female"])
    >>> compare_classes(first, second, "gender", 0).loc["accuracy", ["first", "second", "value"]].to_dict()
    {'first': 50.0, 'second': 100.0, 'value': 50.0}
    """
    how = Resampling(resamples, **resampling)
    for table in (first, second):
        _need(table, task)
    second = same_pictures(first, second, task)
    names = list(dict.fromkeys(class_names(first, task) + class_names(second, task)))
    mine, ones, size = _cells(first, task, names)
    _, others, _ = _cells(second, task, names)

    def difference(counts):
        return _metrics(counts[:, size**2 :]) - _metrics(counts[:, : size**2])

    # A picture adds to one cell of each of the two matrices, which lie behind each other.
    cells = np.stack([ones, others + size**2], axis=1)
    low, high = _interval(how, first[mine], cells, 2 * size**2, difference)
    value = [_metrics(np.bincount(cells, minlength=size**2)[None])[0] for cells in (ones, others)]
    table = {"first": value[0], "second": value[1], "value": value[1] - value[0], "low": low, "high": high}
    return pd.DataFrame(table, index=pd.Index(METRICS, name="metric"))


def class_scores(
    predictions: pd.DataFrame, task: str = "age_group", resamples: int = 1000, **resampling
) -> pd.DataFrame:
    """Precision, recall and F1 of each class, with the F1's interval: where macro F1 is lost.

    Returns
    -------
    pandas.DataFrame
        Index: the class; columns ``count`` (pictures that are so), ``precision``, ``recall``, ``F1``, ``low``,
        ``high`` (of the F1), in percent; missing for a class that is neither there nor predicted. Macro F1 is the mean
        of the column F1.

    Examples
    --------
    >>> predictions = pd.DataFrame({"gender": list("mmff"), "predicted_gender": list("mmfm")})
    >>> class_scores(predictions, "gender", 0)[["count", "precision", "recall", "F1"]].round(1)
            count  precision  recall    F1
    gender
    f           2      100.0    50.0  66.7
    m           2       66.7   100.0  80.0
    """
    how = Resampling(resamples, **resampling)
    names = class_names(predictions, task)
    mine, cells, size = _cells(predictions, task, names)
    counts = np.bincount(cells, minlength=size**2)[None]
    scores = _per_class(counts)
    low, high = _interval(how, predictions[mine], cells[:, None], size**2, lambda counts: _per_class(counts)[2])
    table = {"count": counts.reshape(size, size).sum(axis=1)}
    table |= dict(zip(("precision", "recall", "F1"), scores[:, 0], strict=True))
    table |= {"low": low, "high": high}
    return pd.DataFrame(table, index=pd.Index(names, name=task))


def confusion(predictions: pd.DataFrame, task: str = "age_group") -> pd.DataFrame:
    """The confusion matrix: which class (rows) is taken for which (columns).

    Returns
    -------
    pandas.DataFrame
        Index: the true class. Columns in two levels: ``table["count"]`` is the pictures, ``table["percent"]`` the same
        as a share of the row, in percent (missing where a class has no picture).

    Examples
    --------
    >>> predictions = pd.DataFrame({"gender": list("mmff"), "predicted_gender": list("mmfm")})
    >>> confusion(predictions, "gender")["percent"]
    gender      f      m
    gender
    f        50.0   50.0
    m         0.0  100.0
    """
    names = class_names(predictions, task)
    _, cells, size = _cells(predictions, task, names)
    counts = np.bincount(cells, minlength=size**2).reshape(size, size)
    with np.errstate(invalid="ignore"):
        percent = 100 * counts / counts.sum(axis=1, keepdims=True)
    tables = [pd.DataFrame(each, pd.Index(names, name=task), names) for each in (counts, percent)]
    return pd.concat(tables, axis=1, keys=["count", "percent"], names=["", task])


def class_names(predictions: pd.DataFrame, task: str = "age_group") -> list:
    """The classes of a task, in order: those of the probability columns ``<task>=<class>``, or else all that occur.

    Age groups go by age, other words by the alphabet.

    >>> class_names(pd.DataFrame({"age_group": ["15–30", "0–2"], "predicted_age_group": ["3–6", "66 and over"]}))
    ['0–2', '3–6', '15–30', '66 and over']
    """
    _need(predictions, task)
    stated = [name.removeprefix(f"{task}=") for name in predictions if str(name).startswith(f"{task}=")]
    both = pd.concat([predictions[task], predictions[f"predicted_{task}"]])
    unstated = set(both.dropna()) - set(stated)
    return stated if stated and not unstated else sorted({*stated, *unstated}, key=_place)


def _place(name) -> tuple:
    """Sort key: by the first number in a name ("under 3" before "3–6"), names without one by the alphabet."""
    number = re.search(r"\d+(\.\d+)?", str(name))
    if not number:
        return (1, 0.0, str(name))
    return (0, float(number[0]) - str(name).startswith("under") / 2, str(name))


def _need(predictions: pd.DataFrame, task: str) -> None:
    require(predictions, task, f"predicted_{task}")
    known = predictions[task].notna()
    if not known.any():
        raise ValueError(f"no picture of the predictions table has a {task}; there is nothing to judge")
    lacking = np.flatnonzero(known & predictions[f"predicted_{task}"].isna())
    if len(lacking):
        raise ValueError(
            f"{len(lacking)} of {len(predictions)} pictures have no predicted {task} (first: row {lacking[0]})"
        )


def _cells(predictions: pd.DataFrame, task: str, names: list | None = None) -> tuple[np.ndarray, np.ndarray, int]:
    """Which pictures count, bool [N]; the cell of the flat confusion matrix of each that does; number of classes."""
    _need(predictions, task)
    names = class_names(predictions, task) if names is None else names
    mine = predictions[task].notna().to_numpy()
    index = pd.Index(names)
    true, predicted = (index.get_indexer(predictions.loc[mine, c]) for c in (task, f"predicted_{task}"))
    return mine, true * len(names) + predicted, len(names)


def _interval(how: Resampling, predictions: pd.DataFrame, cells: np.ndarray, size: int, statistic) -> tuple:
    """Interval of a statistic of flat confusion matrices [R, size], to which each picture adds `cells`, [N, M]."""
    # Pictures that add to the same cells are of one kind.
    kinds, kind = np.unique(cells, axis=0, return_inverse=True)
    kind, sums = kind.ravel(), np.zeros((len(kinds), size))
    np.put_along_axis(sums, kinds, 1.0, axis=1)
    units = how.units(predictions)
    if units is None:
        return how.interval(sums, statistic, times=np.bincount(kind, minlength=len(sums)))
    counts = np.zeros((units.max() + 1, len(sums)))
    np.add.at(counts, (units, kind), 1)
    return how.interval(counts, lambda drawn: statistic(drawn @ sums))


def _per_class(counts: np.ndarray) -> np.ndarray:
    """Precision, recall and F1, [3, R, K], in percent, of flat confusion matrices [R, K²].

    Missing for a class that is neither true nor predicted; 0 where a ratio would be 0/0 otherwise.
    """
    size = round(np.sqrt(counts.shape[1]))
    matrices = counts.reshape(-1, size, size)
    hits = np.diagonal(matrices, axis1=1, axis2=2)
    true, predicted = matrices.sum(axis=2), matrices.sum(axis=1)
    ratios = np.stack([_share(hits, predicted), _share(hits, true), _share(2 * hits, true + predicted)])
    return np.where(true + predicted > 0, 100 * ratios, np.nan)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(whole.shape), where=whole > 0)


def _metrics(counts: np.ndarray) -> np.ndarray:
    """The four metrics, [R, 4], of flat confusion matrices [R, K²]."""
    size = round(np.sqrt(counts.shape[1]))
    right = 100 * counts[:, :: size + 1].sum(axis=1) / counts.sum(axis=1)
    return np.column_stack([right, *np.nanmean(_per_class(counts), axis=2)])


def _score(true, predicted, metric: str) -> float:
    true, predicted = pd.Series(np.asarray(true, object)), pd.Series(np.asarray(predicted, object))
    if len(true) != len(predicted):
        raise ValueError(f"{len(true)} true classes and {len(predicted)} predicted ones; give one each")
    table = pd.DataFrame({"class": true, "predicted_class": predicted})
    return float(classify(table, "class", resamples=0).loc[metric, "value"])
