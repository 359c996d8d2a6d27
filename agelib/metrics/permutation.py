"""What chance alone would give: shuffled groups, swapped networks, and the price of asking many questions.

A permutation test needs no assumption about how errors are spread. If a group's name means nothing, it can be dealt to
other pictures; if two networks are equally good, each picture's two answers can change places. The share of such
shuffles that look at least as striking as what was observed is p. Explained in chapter 20.
"""

import numpy as np

from agelib.metrics.bootstrap import Resampling


def holm(p) -> np.ndarray:
    """p-values made larger for their number, so that not one of them is below 0.05 by chance more often than that.

    Holm's step-down rule (Scandinavian Journal of Statistics 6, 1979): the smallest of m is multiplied by m, the next
    by m − 1 and so on, and none may become smaller than the one before it. It holds however the questions depend on
    one another, and it is never weaker than multiplying all of them by m (Bonferroni).

    Parameters
    ----------
    p : array [M]
        p-values, from 0 to 1 (else ValueError); a missing one stays missing and does not count.

    Returns
    -------
    numpy.ndarray
        float64 [M], at most 1.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03, 0.005]).round(3).tolist()
    [0.03, 0.06, 0.06, 0.02]
    """
    p = np.asarray(p, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(p))
    if ((p[known] < 0) | (p[known] > 1)).any():
        raise ValueError(f"a p-value lies between 0 and 1; found {p[known].min():g} to {p[known].max():g}")
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def share_at_least(chance: np.ndarray, value) -> np.ndarray:
    """p: how many of the shuffles [R, …] are at least `value` […], the observed one counted in.

    >>> float(share_at_least(np.array([0.1, 0.2, 0.5]), 0.4))
    0.5
    """
    # A shuffle that only adds in another order is not smaller than what was observed.
    return (1 + (chance >= np.asarray(value) - 1e-9).sum(axis=0)) / (1 + len(chance))


def shuffle_groups(codes: np.ndarray, values: np.ndarray, groups: int, how: Resampling) -> np.ndarray:
    """Mean of each group, [resamples, groups], after the pictures' groups have been shuffled.

    `codes` [N] are the pictures' groups, from 0 up to `groups` − 1, each of which has a picture; `values` [N] are such
    as absolute errors, in years.

    >>> means = shuffle_groups(np.array([0, 0, 1]), np.array([1.0, 2, 6]), 2, Resampling(50))
    >>> means.shape, sorted(set(means[:, 1].tolist()))
    ((50, 2), [1.0, 2.0, 6.0])
    """
    generator = np.random.default_rng([how.seed, 1])
    number, results = len(codes), []
    counts = np.bincount(codes, minlength=groups)
    for some in how.rounds(number):
        mixed = generator.permuted(np.broadcast_to(codes, (some, number)), axis=1)
        places = mixed + groups * np.arange(some)[:, None]
        weights = np.broadcast_to(values, (some, number)).ravel()
        summed = np.bincount(places.ravel(), weights, minlength=some * groups).reshape(some, groups)
        results.append(summed / counts)
    return np.concatenate(results)


def swap_networks(differences: np.ndarray, how: Resampling) -> np.ndarray:
    """What changes hands, [resamples, M], when each picture's two answers change places with probability ½.

    `differences` [N, M] are what each picture (or person) adds to M sums of the second network beyond what it adds to
    the first one's. After a swap the first network's sums are larger by the result, and the second one's smaller.

    >>> moved = swap_networks(np.array([[1.0], [2.0]]), Resampling(100))
    >>> moved.shape, sorted(set(moved[:, 0].tolist()))
    ((100, 1), [0.0, 1.0, 2.0, 3.0])
    """
    generator = np.random.default_rng([how.seed, 2])
    number = len(differences)
    swaps = (generator.integers(0, 2, (some, number)) for some in how.rounds(number))
    return np.concatenate([some @ differences for some in swaps])
