"""A share of a few pictures, and what it could be of all: exact and Wilson intervals. Explained in chapter 18.

Of 30 minors none got through: is the rate 0 %? A share that is 0 or 1 in the sample has no spread to resample, so the
bootstrap says "0 to 0", which is false. These two intervals do not.
"""

from statistics import NormalDist

import numpy as np

KINDS = ("exact", "wilson")


def share_interval(count, number, level: float = 0.95, kind: str = "exact") -> tuple:
    """Interval of a share of independent pictures.

    Parameters
    ----------
    count, number : int or array of int
        How many of how many, such as minors let through and minors.
    level : float
        Coverage of the interval, between 0 and 1.
    kind : str
        exact: Clopper and Pearson (1934), never covers less often than it says, and a little wide. wilson:
        Wilson (1927), narrower, covers as often as it says on average.

    Returns
    -------
    low, high : float or array of float
        Shares between 0 and 1; missing (nan) of no pictures.

    Raises
    ------
    ValueError
        If there are more counted than there are, or fewer than none, or there is no such kind.

    Examples
    --------
    Of 30 minors nobody got through; up to one in nine may:

    >>> [round(bound, 4) for bound in share_interval(0, 30)]
    [0.0, 0.1157]
    >>> [round(bound, 4) for bound in share_interval(0, 30, kind="wilson")]
    [0.0, 0.1135]
    """
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}, not {kind!r}")
    if not 0 < level < 1:
        raise ValueError(f"level is a share between 0 and 1, not {level}")
    counts, numbers = np.broadcast_arrays(np.asarray(count, dtype=float), np.asarray(number, dtype=float))
    if ((counts < 0) | (counts > numbers)).any():
        place = tuple(np.argwhere((counts < 0) | (counts > numbers))[0])
        raise ValueError(f"a share of {counts[place]:g} of {numbers[place]:g} is none")
    if kind == "wilson":
        low, high = _wilson(counts, numbers, level)
    else:
        pairs = [
            _exact(int(k), int(n), (1 - level) / 2) for k, n in zip(counts.flat, numbers.flat, strict=True)
        ]
        low, high = np.reshape(pairs, (*counts.shape, 2)).T
        low, high = low.T, high.T
    return (float(low), float(high)) if counts.ndim == 0 else (low, high)


def _wilson(counts: np.ndarray, numbers: np.ndarray, level: float) -> tuple:
    z = NormalDist().inv_cdf((1 + level) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = counts / numbers
        middle = share + z**2 / (2 * numbers)
        reach = z * np.sqrt(share * (1 - share) / numbers + z**2 / (4 * numbers**2))
        low, high = (np.clip((middle + side * reach) / (1 + z**2 / numbers), 0, 1) for side in (-1, 1))
    # None and all are known to be possible; rounding must not leave them out.
    return np.where(counts == 0, np.where(numbers > 0, 0.0, np.nan), low), np.where(
        (counts == numbers) & (numbers > 0), 1.0, high
    )


def _exact(count: int, number: int, tail: float) -> tuple[float, float]:
    """The shares at which so many, or so few, have a probability of just `tail`."""
    if not number:
        return float("nan"), float("nan")
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, number + 1)))])  # log factorials
    ways = logs[number] - logs - logs[::-1]  # log of how many ways to be 0, 1, … of them
    low = 0.0 if count == 0 else _where(ways, slice(count, None), tail, rising=True)
    high = 1.0 if count == number else _where(ways, slice(None, count + 1), tail, rising=False)
    return low, high


def _where(ways: np.ndarray, counts: slice, tail: float, rising: bool) -> float:
    """The share at which these counts have probability `tail`; it rises, or falls, with the share."""
    hits = np.arange(len(ways))[counts]
    misses, ways = len(ways) - 1 - hits, ways[counts]
    below, above = 0.0, 1.0
    for _ in range(60):
        share = (below + above) / 2
        probability = np.exp(ways + hits * np.log(share) + misses * np.log1p(-share)).sum()
        if (probability < tail) == rising:
            below = share
        else:
            above = share
    return (below + above) / 2
