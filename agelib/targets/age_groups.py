"""Age groups: their first ages, their names, and which one an age is in. Explained in chapter 14.

A set of groups has a name (study C tried 3, 4, 7 and 8 groups and two-year bins) or is written as the first ages of
its groups. The floor of an age decides, since people count completed years: 2.9 is still 2.
"""

import itertools

import numpy as np

#: Name → first age of each group, in years. 4, 7a and 7b are study C's (7b its final ones); it gives no edges for 3 and
#: 8, so those are our choice: 3 joins the two youngest of its four, 8 goes by decades after 0–2 and 3–9, up to 60.
NAMED = {
    "3": (0, 20, 60),
    "4": (0, 13, 20, 60),
    "7a": (0, 3, 10, 17, 26, 46, 61),
    "7b": (0, 3, 7, 15, 31, 41, 66),
    "8": (0, 3, 10, 20, 30, 40, 50, 60),
    "two-year": tuple(range(0, 117, 2)),
}


def edges_of(bins) -> tuple[int, ...]:
    """First age of each group, in years.

    Parameters
    ----------
    bins : str or sequence of int
        A name of :data:`NAMED`, or first ages going up: ``"0,20,60"`` or ``(0, 20, 60)``.

    Raises
    ------
    ValueError
        If there is no such name, or the ages are not whole, not from 0 up, or do not go up.

    Examples
    --------
    >>> edges_of("0, 18")
    (0, 18)
    >>> edges_of("7")
    Traceback (most recent call last):
    ...
    ValueError: no age groups '7'; there are 3, 4, 7a, 7b, 8, two-year, or give first ages such as 0,18,65
    """
    if isinstance(bins, str) and bins.strip() in NAMED:
        return NAMED[bins.strip()]
    parts = bins.split(",") if isinstance(bins, str) else list(bins)
    try:
        edges = tuple(int(str(part).strip()) for part in parts)
    except ValueError:
        edges = ()
    if len(edges) < 2:
        raise ValueError(f"no age groups {bins!r}; there are {', '.join(NAMED)}, or give first ages such as 0,18,65")
    if edges[0] < 0 or (np.diff(edges) <= 0).any():
        raise ValueError(f"first ages of age groups go up from 0, {bins!r} do not")
    return edges


def names_of(bins) -> tuple[str, ...]:
    """Names of the groups, youngest first.

    >>> names_of("4")
    ('0–12', '13–19', '20–59', '60 and over')
    >>> names_of((20, 40, 41))
    ('under 40', '40', '41 and over')
    """
    edges = edges_of(bins)
    spans = [f"{first}–{after - 1}" if after - first > 1 else f"{first}" for first, after in itertools.pairwise(edges)]
    if edges[0] > 0:  # Younger ages count as the first group too.
        spans[0] = f"under {edges[1]}"
    return (*spans, f"{edges[-1]} and over")


def group_of(ages, bins) -> np.ndarray:
    """The group of each age: 0 for the youngest; −1 where the age is missing.

    `ages` are in years, what is below the first edge is in the first group; `bins` as in :func:`edges_of`. The result
    is int64, of the shape of `ages`.

    >>> group_of([0, 2.9, 3, 116, float("nan")], "7b").tolist()
    [0, 0, 1, 6, -1]
    """
    ages = np.asarray(ages, dtype=np.float64)
    codes = np.searchsorted(np.asarray(edges_of(bins)), np.floor(ages), side="right") - 1
    return np.where(np.isnan(ages), -1, np.maximum(codes, 0)).astype(np.int64)


def group_on_device(ages, bins):
    """As :func:`group_of`, for a tensor of ages, where it lies.

    >>> import torch
    >>> group_on_device(torch.tensor([0.0, 2.9, 3.0, 116.0, float("nan")]), "7b").tolist()
    [0, 0, 1, 6, -1]
    """
    import torch

    edges = torch.tensor(edges_of(bins), dtype=ages.dtype, device=ages.device)
    codes = torch.bucketize(ages.detach().floor(), edges, right=True) - 1
    return torch.where(ages.isnan(), -1, codes.clamp(min=0))
