"""Whether a network that is sure is right: calibration, ensembles, and what is won by not answering.

Sureness is one thing and accuracy another. A network is *calibrated* where its 90 % intervals hold nine ages of ten and
where of the classes that it is 70 % sure of seven of ten are right. It can be right about *how often* it errs and still
not know *when*; whether it knows is seen by letting it refuse the answers it is least sure of (study C's wish for a
class "other", Benyamin 2023; risk–coverage curves: Geifman and El-Yaniv 2017). Explained in chapters 21 and 22.
"""

import numpy as np
import pandas as pd

from agelib.metrics.bootstrap import require
from agelib.metrics.classification import class_names
from agelib.metrics.posteriors import pit
from agelib.metrics.proportions import share_interval
from agelib.metrics.regression import columns, same_pictures

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)

#: Bins of confidence, of equal width from 0 to 1.
BINS = 10


def calibration_curve(posterior: pd.DataFrame, ages, levels: tuple = LEVELS) -> pd.DataFrame:
    """How often each posterior's middle 10 %, 20 % … hold the true age.

    Parameters
    ----------
    posterior : pandas.DataFrame
        [pictures × ages].
    ages : array
        True ages, in years.
    levels : tuple of float
        Shares of the posterior, in the middle of it.

    Returns
    -------
    pandas.DataFrame
        Columns ``nominal``, ``observed``, and ``low`` and ``high`` (the exact 95 % interval of the latter), in percent.
        Observed below nominal: the network is too sure.

    Examples
    --------
    >>> posterior = pd.DataFrame([[0.05, 0.9, 0.05]] * 4, columns=[20, 21, 22])
    >>> calibration_curve(posterior, [21, 21, 20, 22], (0.9,)).round(1)
       nominal  observed  low  high
    0     90.0      50.0  6.8  93.2
    """
    off_middle = 2 * np.abs(pit(posterior, ages) - 0.5)
    if not len(off_middle):
        raise ValueError("no pictures to judge a posterior by")
    inside = (off_middle[:, None] <= np.asarray(levels)).sum(axis=0)
    low, high = share_interval(inside, len(off_middle))
    table = {"nominal": levels, "observed": inside / len(off_middle), "low": low, "high": high}
    return 100 * pd.DataFrame(table)


def reliability(predictions: pd.DataFrame, task: str = "age_group") -> pd.DataFrame:
    """How often the predicted class is right, by how sure the network is of it.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns `task`, ``predicted_<task>`` and a probability ``<task>=<class>`` for each class; pictures without a
        true class are left out.
    task : str
        Such as age_group or gender.

    Returns
    -------
    pandas.DataFrame
        One row for each tenth of confidence that has pictures: ``count``, ``confidence`` (mean probability of the
        predicted class), ``accuracy``, and ``low`` and ``high`` (its exact 95 % interval), in percent.

    Examples
    --------
    >>> predictions = pd.DataFrame({"gender": list("ffm"), "predicted_gender": list("fmm")})
    >>> predictions[["gender=f", "gender=m"]] = [[0.62, 0.38], [0.34, 0.66], [0.02, 0.98]]
    >>> reliability(predictions, "gender").round(1)[["count", "confidence", "accuracy"]]
       count  confidence  accuracy
    0      2        64.0      50.0
    1      1        98.0     100.0
    """
    confidence, right = _sureness(predictions, task)
    # An edge belongs to the bin below it, as Guo et al. have it.
    bin_of = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    _, place, count = np.unique(bin_of, return_inverse=True, return_counts=True)
    hits, sure = np.bincount(place, right), np.bincount(place, confidence)
    low, high = share_interval(hits, count)
    table = {"confidence": sure / count, "accuracy": hits / count, "low": low, "high": high}
    return pd.DataFrame({"count": count} | {name: 100 * values for name, values in table.items()})


def expected_calibration_error(predictions: pd.DataFrame, task: str = "age_group") -> float:
    """Mean difference of confidence and accuracy over bins, each weighed by its pictures, in points of percent.

    Σ n_b / N · |accuracy_b − confidence_b| (Naeini et al. 2015; Guo et al. 2017). Chance alone makes it more than 0,
    the more so the fewer pictures a bin has: compare it only on equally many pictures and bins.

    Examples
    --------
    >>> predictions = pd.DataFrame({"gender": list("ffm"), "predicted_gender": list("fmm")})
    >>> predictions[["gender=f", "gender=m"]] = [[0.62, 0.38], [0.34, 0.66], [0.02, 0.98]]
    >>> round(expected_calibration_error(predictions, "gender"), 2)  # (2 · 14 + 1 · 2) / 3
    10.0
    """
    table = reliability(predictions, task)
    gaps = (table["accuracy"] - table["confidence"]).abs()
    return float((gaps * table["count"]).sum() / table["count"].sum())


def mean_predictions(tables: list) -> pd.DataFrame:
    """The mean of several networks' predictions of the same pictures, in any order of rows: an ensemble.

    Returns
    -------
    pandas.DataFrame
        The first table, with the mean of ``predicted`` and of each probability, the class of the greatest mean
        probability, and ``disagreement``: the standard deviation of the networks' ages, in years. A predicted
        class without probabilities has no mean and is left out.

    Raises
    ------
    ValueError
        If there is no table, or they are not of the same pictures.

    Examples
    --------
    >>> one = pd.DataFrame({"path": ["a", "b"], "age": [20.0, 40], "predicted": [22.0, 46]})
    >>> other = pd.DataFrame({"path": ["b", "a"], "age": [40.0, 20], "predicted": [40.0, 20]})
    >>> mean_predictions([one, other])
      path   age  predicted  disagreement
    0    a  20.0       21.0           1.0
    1    b  40.0       43.0           3.0
    """
    if not len(tables):
        raise ValueError("an ensemble has one network at least")
    first = tables[0]
    label = "age" if "age" in first else next(name for name in first if f"predicted_{name}" in first)
    members = [first, *(same_pictures(first, other, label) for other in tables[1:])]
    numbers = [name for name in first if name == "predicted" or _is_probability(first, name)]
    means = {name: np.mean([table[name].to_numpy(float) for table in members], axis=0) for name in numbers}
    result = first.assign(**means)
    for task in [name.removeprefix("predicted_") for name in first if name.startswith("predicted_")]:
        names = [name for name in class_names(first, task) if f"{task}={name}" in first]
        if names:
            best = result[[f"{task}={name}" for name in names]].to_numpy().argmax(axis=1)
            result[f"predicted_{task}"] = np.asarray(names, dtype=object)[best]
        else:
            result = result.drop(columns=f"predicted_{task}")
    if "predicted" in first:
        result["disagreement"] = np.std([table["predicted"].to_numpy(float) for table in members], axis=0)
    return result


def risk_coverage(predictions: pd.DataFrame, doubt) -> pd.DataFrame:
    """What is won by answering only where the network is surest.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age`` and ``predicted``, in years.
    doubt : array
        One number a picture, the smaller the surer, such as the posterior's standard deviation, or 1 − the greatest
        probability.

    Returns
    -------
    pandas.DataFrame
        One row a value of the doubt, going up: ``doubt`` (answers up to this), ``answered`` (percent of all
        pictures) and ``risk``: the MAE of those answered, in years.

    Examples
    --------
    >>> predictions = pd.DataFrame({"age": [20.0, 30, 40, 50], "predicted": [21.0, 32, 43, 58]})
    >>> risk_coverage(predictions, doubt=[1, 2, 2, 5])
       doubt  answered  risk
    0    1.0      25.0   1.0
    1    2.0      75.0   2.0
    2    5.0     100.0   3.5
    """
    age, predicted = columns(predictions)
    loss = np.abs(predicted - age)
    doubt = np.asarray(doubt, dtype=np.float64)
    if doubt.shape != loss.shape or np.isnan(doubt).any():
        raise ValueError(
            f"{len(loss)} pictures need one doubt each, none missing; there are {doubt.shape} with "
            f"{int(np.isnan(doubt).sum())} missing"
        )
    order = np.argsort(doubt, kind="stable")
    doubt, total = doubt[order], np.cumsum(loss[order])
    number = np.arange(1, len(doubt) + 1)
    last = np.append(doubt[1:] != doubt[:-1], True)  # equal doubts are answered together, or not at all
    answered, risk = 100 * number[last] / len(doubt), total[last] / number[last]
    return pd.DataFrame({"doubt": doubt[last], "answered": answered, "risk": risk})


def risk_area(curve: pd.DataFrame) -> float:
    """Mean risk over all shares answered: one number for :func:`risk_coverage`, less is better (AURC).

    A doubt that knows nothing has the risk of answering everything; the least possible is that of a doubt which is the
    error itself.

    >>> risk_area(pd.DataFrame({"answered": [25.0, 75.0, 100.0], "risk": [1.0, 2.0, 3.5]}))
    2.125
    """
    steps = np.diff(curve["answered"].to_numpy(), prepend=0.0)
    return float((curve["risk"].to_numpy() * steps).sum() / 100)


def other_table(
    predictions: pd.DataFrame, task: str = "age_group", thresholds: tuple = (0.0, 0.3, 0.5, 0.7, 0.9)
) -> pd.DataFrame:
    """Study C's wish: call a picture "other" where no class reaches a threshold of probability.

    Returns
    -------
    pandas.DataFrame
        Index ``threshold``; columns ``count`` (pictures that get a class), ``answered`` (percent), ``wrong`` (percent
        of those), and ``low`` and ``high`` (its exact 95 % interval).

    Examples
    --------
    >>> predictions = pd.DataFrame({"gender": list("ffm"), "predicted_gender": list("fmm")})
    >>> predictions[["gender=f", "gender=m"]] = [[0.62, 0.38], [0.34, 0.66], [0.02, 0.98]]
    >>> other_table(predictions, "gender", (0, 0.9))[["count", "wrong"]].round(1)
               count  wrong
    threshold
    0.0            3   33.3
    0.9            1    0.0
    """
    confidence, right = _sureness(predictions, task)
    answers = confidence[:, None] >= np.asarray(thresholds, dtype=float)
    count, wrong = answers.sum(axis=0), (answers & ~right[:, None]).sum(axis=0)
    low, high = share_interval(wrong, count)
    share = np.divide(wrong, count, out=np.full(len(count), np.nan), where=count > 0)
    table = {"count": count, "answered": 100 * count / len(right)}
    table |= {"wrong": 100 * share, "low": 100 * low, "high": 100 * high}
    return pd.DataFrame(table, index=pd.Index(thresholds, dtype=float, name="threshold"))


def _sureness(predictions: pd.DataFrame, task: str) -> tuple[np.ndarray, np.ndarray]:
    """Probability of each predicted class, and whether it is right, of the pictures with a true class."""
    require(predictions, task, f"predicted_{task}")
    names = [name for name in predictions if name.startswith(f"{task}=")]
    if not names:
        raise ValueError(
            f"the predictions table has no probabilities of {task} (columns such as {task}=…); a target with classes "
            "or with a posterior gives them"
        )
    known = predictions[predictions[task].notna()]
    if not len(known):
        raise ValueError(f"no picture has a true {task}; there is nothing to judge by")
    places = pd.Index(names).get_indexer([f"{task}={name}" for name in known[f"predicted_{task}"]])
    if (places < 0).any():
        row = int(np.flatnonzero(places < 0)[0])
        raise ValueError(
            f"row {row}: the predicted {task} {known[f'predicted_{task}'].iloc[row]!r} has no probability column"
        )
    confidence = known[names].to_numpy(dtype=np.float64)[np.arange(len(known)), places]
    return confidence, (known[task] == known[f"predicted_{task}"]).to_numpy()


def _is_probability(predictions: pd.DataFrame, name: str) -> bool:
    task, equals, _ = name.partition("=")
    return bool(equals) and f"predicted_{task}" in predictions
