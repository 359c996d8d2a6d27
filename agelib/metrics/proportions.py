"""A share of a few pictures, and what it could be of all: the exact interval. Explained in chapter 22.

Of 30 minors none got through: is the rate 0 %? A share that is 0 or 1 in the sample has no spread to resample, so the
bootstrap says "0 to 0", which is false. This interval does not.
"""

import numpy as np


def share_interval(count, number, level: float = 0.95) -> tuple:
    """Interval of a share of independent pictures (Clopper and Pearson 1934): it never covers less often than it says.

    Parameters
    ----------
    count, number : int or array of int
        How many of how many, such as minors let through and minors.
    level : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    low, high : float or array of float
        Shares between 0 and 1; missing (nan) of no pictures.

    Raises
    ------
    ValueError
        If there are more counted than there are, or fewer than none.

    Examples
    --------
    Of 30 minors nobody got through; up to one in nine may:

    >>> [round(bound, 4) for bound in share_interval(0, 30)]
    [0.0, 0.1157]
    """
    if not 0 < level < 1:
        raise ValueError(f"level is a share between 0 and 1, not {level}")
    from scipy.stats import binomtest  # takes a second to import: only who asks for an interval waits

    counts, numbers = np.broadcast_arrays(count, number)
    if ((counts < 0) | (counts > numbers)).any():
        place = tuple(np.argwhere((counts < 0) | (counts > numbers))[0])
        raise ValueError(f"a share of {counts[place]:g} of {numbers[place]:g} is none")
    pairs = [
        binomtest(int(k), int(n)).proportion_ci(level) if n else (np.nan, np.nan)
        for k, n in zip(counts.flat, numbers.flat, strict=True)
    ]
    low, high = np.moveaxis(np.reshape(pairs, (*counts.shape, 2)), -1, 0)
    return (float(low), float(high)) if counts.ndim == 0 else (low, high)
