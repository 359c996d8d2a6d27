"""An age gate: "is this person 18 or over?", and what that question costs whom.

A gate has a score for each face, the predicted age or the posterior's probability of being of age, and lets through
from a threshold on. Two kinds of error have two kinds of victims: minors who are let through, and adults who are turned
away (and must show a document). A shop that asks everybody who looks younger than 25 ("challenge 25") has chosen
a threshold of 25 on the predicted age. Explained in chapter 22.
"""

import numpy as np
import pandas as pd

from agelib.metrics.proportions import share_interval


def gate_table(ages, scores, thresholds, limit: float = 18) -> pd.DataFrame:
    """Who gets through at each threshold: what a policy maker has to know.

    Parameters
    ----------
    ages : array
        True ages, in years.
    scores : array
        One a picture, such as the predicted age or the probability of being of age; let through from the threshold on.
    thresholds : sequence of float
    limit : float
        From which age on a person is to be let through, in years.

    Returns
    -------
    pandas.DataFrame
        Index ``threshold``; columns in two levels, ``minors let through`` and ``adults turned away``, each with
        ``count`` (of how many), ``percent``, and ``low`` and ``high``, its exact 95 % interval (a rate of 0 of 30
        minors may well be one in ten); missing where there is nobody.

    Examples
    --------
    >>> table = gate_table([16, 17, 18, 30, 40], [15, 26, 24, 31, 38], (18, 25))
    >>> table["minors let through"].round(1)
               count  percent  low  high
    threshold
    18             2     50.0  1.3  98.7
    25             2     50.0  1.3  98.7
    >>> table["adults turned away"]["percent"].round(1).tolist()
    [0.0, 33.3]
    """
    adult, scores = _sides(ages, scores, limit)
    through = scores[:, None] >= np.asarray(thresholds)
    parts = {}
    for name, who, errs in (("minors let through", ~adult, through), ("adults turned away", adult, ~through)):
        count = int(who.sum())
        wrong = errs[who].sum(axis=0)
        low, high = share_interval(wrong, count)
        share = wrong / count if count else np.full(len(wrong), np.nan)
        found = {"count": count, "percent": 100 * share, "low": 100 * low, "high": 100 * high}
        parts[name] = pd.DataFrame(found, index=pd.Index(thresholds, name="threshold"))
    return pd.concat(parts, axis=1)


def gate_curve(ages, scores, limit: float = 18) -> pd.DataFrame:
    """Every threshold that makes a difference: the ROC curve of the gate.

    Returns
    -------
    pandas.DataFrame
        Columns ``threshold`` (falling; the first, infinite, lets nobody through), ``minors_through`` and
        ``adults_through``, in percent.

    Raises
    ------
    ValueError
        If there are no minors or no adults, or a score is missing.

    Examples
    --------
    >>> gate_curve([16, 17, 18, 30], [15, 26, 24, 31])
       threshold  minors_through  adults_through
    0        inf             0.0             0.0
    1       31.0             0.0            50.0
    2       26.0            50.0            50.0
    3       24.0            50.0           100.0
    4       15.0           100.0           100.0
    """
    adult, scores = _sides(ages, scores, limit, both=True)
    order = np.argsort(-scores, kind="stable")
    adult, scores = adult[order], scores[order]
    last = np.append(scores[1:] != scores[:-1], True)  # equal scores pass together
    through = {"minors_through": ~adult, "adults_through": adult}
    shares = {name: np.append(0.0, 100 * np.cumsum(who)[last] / who.sum()) for name, who in through.items()}
    return pd.DataFrame({"threshold": np.append(np.inf, scores[last])} | shares)


def gate_auc(ages, scores, limit: float = 18, level: float = 0.95) -> pd.Series:
    """Area under the ROC curve: how often an adult scores higher than a minor, of all pairs (equal ones count half).

    Returns
    -------
    pandas.Series
        ``value``, ``low``, ``high``, between 0 and 1. The interval is that of DeLong et al. (1988), of independent
        pictures; it is missing where no pair is in the wrong order, or there is only one minor or adult, because the
        sample then says nothing of its own luck.

    Examples
    --------
    >>> gate_auc([16, 17, 18, 30], [15, 26, 24, 31]).round(2).to_dict()
    {'value': 0.75, 'low': 0.06, 'high': 1.0}
    """
    from statistics import NormalDist

    adult, scores = _sides(ages, scores, limit, both=True)
    above, below = scores[adult], scores[~adult]
    # Share of the other side that each picture beats, from ranks: [adults], [minors].
    beats = _beaten(np.sort(below), above) / len(below)
    beaten = 1 - _beaten(np.sort(above), below) / len(above)
    value = beats.mean()
    low = high = np.nan
    if min(len(above), len(below)) > 1:
        variance = beats.var(ddof=1) / len(above) + beaten.var(ddof=1) / len(below)
        if variance > 0:
            reach = NormalDist().inv_cdf((1 + level) / 2) * np.sqrt(variance)
            low, high = max(value - reach, 0.0), min(value + reach, 1.0)
    return pd.Series({"value": value, "low": low, "high": high}, name="AUC", dtype=float)


def _beaten(others: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """How many of the `others` [sorted] each score is above; equal ones count half."""
    return (np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")) / 2


def _sides(ages, scores, limit: float, both: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Who is of age, bool [N], and the scores, float [N]; with `both`, there must be minors and adults."""
    ages, scores = np.asarray(ages, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if ages.shape != scores.shape or np.isnan(ages).any() or np.isnan(scores).any():
        raise ValueError(
            f"a gate needs an age and a score of every picture; there are {ages.shape} ages, "
            f"{int(np.isnan(ages).sum())} missing, and {scores.shape} scores, {int(np.isnan(scores).sum())} missing"
        )
    adult = ages >= limit
    if both and (adult.all() or not adult.any()):
        raise ValueError(
            f"of these {len(adult)} pictures {int((~adult).sum())} are below {limit:g} years and {int(adult.sum())} "
            "are not; a gate is judged on both"
        )
    return adult, scores
