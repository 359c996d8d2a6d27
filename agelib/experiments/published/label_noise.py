"""How far two labels of one image lie apart, and how ages heap: the noise of UTKFace's labels, counted.

Files of the same bytes are one image. Where they carry different ages, at least one label is wrong, and nothing in the
image can tell which. Only ages and counts are kept: no image and no name. Explained in chapter 23.
"""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data import duplicates, sources
from agelib.metrics.bootstrap import Resampling
from agelib.runtime import workspace
from agelib.runtime.provenance import record

#: The file of the reference results.
FILE = "label_noise_utkface.json"


def label_pairs(ages, groups) -> pd.DataFrame:
    """Pair the labels that the same image carries.

    Parameters
    ----------
    ages : sequence of float, [N]
        Years.
    groups : sequence of int, [N]
        Images with the same number have the same bytes; −1: alone. As ``exact_group`` of
        :func:`agelib.data.duplicates.find`.

    Returns
    -------
    pandas.DataFrame
        A row for each pair: ``group``, ``low`` and ``high`` (the smaller and the larger age, years), sorted. A group of
        three images makes three pairs.

    Raises
    ------
    ValueError
        If `ages` and `groups` are not of the same length.

    Examples
    --------
    >>> label_pairs([26, 30, 26, 41, 40, 40], [0, -1, 0, 1, 1, 1]).to_numpy().tolist()
    [[0, 26, 26], [1, 40, 40], [1, 40, 41], [1, 40, 41]]
    """
    ages, groups = np.asarray(ages), np.asarray(groups)
    if ages.shape != groups.shape:
        raise ValueError(f"label_pairs: {len(ages)} ages and {len(groups)} groups; give one group for each age")
    inside = pd.DataFrame({"age": ages, "group": groups})[groups >= 0]
    rows = [
        (group, low, high)
        for group, labels in inside.groupby("group")["age"]
        for low, high in itertools.combinations(sorted(labels), 2)
    ]
    table = pd.DataFrame(rows, columns=["group", "low", "high"])
    return table.sort_values(["group", "low", "high"]).reset_index(drop=True)


def describe_pairs(pairs: pd.DataFrame, resamples: int = 2000, seed: int = 42) -> dict:
    """What pairs of labels say of the noise in them.

    Parameters
    ----------
    pairs : pandas.DataFrame
        From :func:`label_pairs`.
    resamples, seed : int
        Of the interval; whole groups are drawn, since the pairs of a group share labels.

    Returns
    -------
    dict
        ``count`` and ``groups``; ``differ`` (percent of pairs with two ages); ``mean_gap`` (years, of all pairs:
        ``value``, ``low``, ``high``), ``mean_gap_of_those_that_differ`` and ``largest_gap`` (years);
        ``mean_squared_gap`` (years²: twice the variance of the noise, if the two labels err independently).

    Raises
    ------
    ValueError
        If there is no pair.

    Examples
    --------
    >>> found = describe_pairs(label_pairs([26, 26, 40, 46], [0, 0, 1, 1]), resamples=0)
    >>> found["differ"], found["mean_gap"]["value"], found["mean_squared_gap"]
    (50.0, 3.0, 18.0)
    """
    if pairs.empty:
        raise ValueError("describe_pairs: no two files have the same bytes, so nothing is known of the noise")
    gap = (pairs["high"] - pairs["low"]).to_numpy(dtype=float)
    how = Resampling(resamples, seed=seed, unit="group")
    sums = how.per_unit(pairs, np.stack([np.ones(len(gap)), gap], axis=1))
    low, high = how.interval(sums, lambda total: total[:, 1:] / total[:, :1])
    return {
        "count": len(pairs),
        "groups": int(pairs["group"].nunique()),
        "differ": float(100 * (gap > 0).mean()),
        "mean_gap": {"value": float(gap.mean()), "low": float(low[0]), "high": float(high[0])},
        "mean_gap_of_those_that_differ": float(gap[gap > 0].mean()) if gap.any() else 0.0,
        "largest_gap": float(gap.max()),
        "mean_squared_gap": float((gap**2).mean()),
    }


def describe_heaps(ages, first: int = 30, last: int = 69) -> dict:
    """How ages heap: which whole year and which last digits are named more often than their neighbours.

    Parameters
    ----------
    ages : sequence of float, [N]
        Years.
    first, last : int
        Ages whose last digits are counted: whole tens, so that each digit has as many ages.

    Returns
    -------
    dict
        ``peak`` (the most frequent age), ``peak_percent`` (of all images), ``peak_against_neighbours`` (its count over
        the mean of the two ages beside it), ``first`` and ``last``, ``last_digits`` (ten counts, from 0 to 9), and
        ``whipple`` (Whipple's index: ages that end in 0 or 5 among those, in percent of a fifth; 100 is no heaping).

    Raises
    ------
    ValueError
        If `first` to `last` is no whole number of tens, or no age lies in it.

    Examples
    --------
    >>> found = describe_heaps([26, 26, 26, 25, 27, 30, 35, 41, 42, 49])
    >>> found["peak"], found["peak_against_neighbours"], found["last_digits"]
    (26, 3.0, [1, 1, 1, 0, 0, 1, 0, 0, 0, 1])
    """
    if (last - first + 1) % 10 or last < first:
        raise ValueError(f"describe_heaps: {first} to {last} is no whole number of tens, such as 30 to 69")
    whole = np.asarray(ages, dtype=float).astype(int)
    counts = np.bincount(whole, minlength=whole.max() + 2)
    digits = np.bincount(whole[(whole >= first) & (whole <= last)] % 10, minlength=10)
    if not digits.sum():
        raise ValueError(f"describe_heaps: none of {len(whole)} ages is from {first} to {last}")
    peak = int(counts.argmax())
    beside = counts[[age for age in (peak - 1, peak + 1) if age >= 0]].mean()
    return {
        "peak": peak,
        "peak_percent": float(100 * counts[peak] / len(whole)),
        "peak_against_neighbours": float(counts[peak] / max(beside, 1)),
        "first": first,
        "last": last,
        "last_digits": digits.tolist(),
        "whipple": float(500 * digits[[0, 5]].sum() / digits.sum()),
    }


def describe_utkface(
    root, folder=None, resamples: int = 2000, seed: int = 42, jobs: int | None = None, progress: bool = True
) -> dict:
    """Describe the noise of UTKFace's ages, and write what was found with where it comes from.

    Parameters
    ----------
    root : path
        UTKFace, as a folder or the published archive.
    folder : path, optional
        Where to write ``label_noise_utkface.json``; nothing is written if not given.
    resamples, seed : int
        As in :func:`describe_pairs`.
    jobs, progress : int, bool
        Processes that read the files; whether to show how far it is.

    Returns
    -------
    dict
        ``images``; ``ages`` (age in years, as text → number of images); ``pairs`` (what :func:`describe_pairs` returns,
        with ``labels``: a list of group, smaller and larger age for each pair); ``heaps`` (what :func:`describe_heaps`
        returns); ``protocol`` in words; ``provenance``.
    """
    found = sources.read("utkface", root)
    ages = found.faces["age"].astype(int)
    groups = duplicates.find(found.faces, found.root, near=False, jobs=jobs, progress=progress)["exact_group"]
    pairs = label_pairs(ages, groups).astype(int)
    counts = ages.value_counts().sort_index()
    result = {
        "images": len(ages),
        "ages": {str(age): int(count) for age, count in counts.items()},
        "pairs": describe_pairs(pairs, resamples, seed) | {"labels": pairs.to_numpy().tolist()},
        "heaps": describe_heaps(ages),
        "protocol": {
            "pair": "two files of the same bytes; a group of three makes three pairs",
            "gap": "larger minus smaller age of a pair, in years",
            "interval": "95 %, percentile bootstrap; whole groups are drawn",
            "resamples": resamples,
            "seed": seed,
        },
        "provenance": record(
            "numpy",
            "pandas",
            made_by="agelib published label-noise",
            data="UTKFace-21k, ages of images of people and which files have the same bytes; no image is kept",
            key=workspace.content_key(pairs.to_csv(index=False), counts.to_csv()),
        ).as_dict(),
    }
    if folder is not None:
        workspace.write_json(Path(folder) / FILE, result)
    return result
