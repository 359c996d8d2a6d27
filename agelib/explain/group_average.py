"""Maps averaged over groups: what holds for many pictures, where one map may be chance. Explained in chapter 19.

An average of maps shows no picture, so it can also be published of pictures that may not be.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class Averages:
    """The mean map of each group.

    Attributes
    ----------
    names, counts : tuple of str, numpy.ndarray
        The groups, in order, and the pictures of each, int [G].
    maps, errors : numpy.ndarray
        float32 [G, S, S]; the errors are standard errors of the mean, NaN for a group of one picture.
    """

    names: tuple
    counts: np.ndarray
    maps: np.ndarray
    errors: np.ndarray


def average(maps, groups, names=None, least: int = 1) -> Averages:
    """The mean map of each group of pictures.

    Parameters
    ----------
    maps : array
        float [N, S, S], one map a picture.
    groups : sequence
        [N], the group of each: any column of the faces table, or ``names_of(bins)`` of ages. A missing one is left out.
    names : sequence of str, optional
        Order of the groups; by default sorted. One without a picture is left out.
    least : int
        Pictures that a group must have; a smaller one is left out.

    Returns
    -------
    Averages

    Raises
    ------
    ValueError
        If there is not one group a map, or no group has enough pictures.

    Examples
    --------
    >>> found = average(np.stack([np.full((2, 2), value) for value in (1.0, 3.0, 7.0)]), ["a", "a", None])
    >>> found.names, found.counts.tolist(), found.maps[0, 0].tolist(), found.errors[0, 0].tolist()
    (('a',), [2], [2.0, 2.0], [1.0, 1.0])
    """
    maps = np.asarray(maps, np.float64)
    groups = pd.Series(list(groups), dtype="object")
    if maps.ndim != 3 or len(maps) != len(groups):
        raise ValueError(f"{len(groups)} groups for maps of the shape {list(maps.shape)}; give one for each map")
    counts = groups.value_counts()
    present = set(counts.index[counts >= least])
    order = [name for name in (sorted(present) if names is None else names) if name in present]
    if not order:
        known = f"no map has a known group of {least} or more"
        raise ValueError(f"{known}; choose another column, more pictures, or group by age")
    codes = pd.Categorical(groups, categories=order).codes
    member = (codes == np.arange(len(order))[:, None]).astype(np.float64)  # [G, N]
    counts = member.sum(axis=1)
    flat = maps.reshape(len(maps), -1)
    mean = member @ flat / counts[:, None]
    squares = member @ flat**2 / counts[:, None] - mean**2  # the groups' variances
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.where(counts[:, None] > 1, np.sqrt(np.maximum(squares, 0) / (counts[:, None] - 1)), np.nan)
    mean, errors = (each.reshape(-1, *maps.shape[1:]).astype(np.float32) for each in (mean, errors))
    return Averages(tuple(map(str, order)), counts.astype(np.int64), mean, errors)
