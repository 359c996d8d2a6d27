"""What is done for scarce groups: draw them more often, weigh their loss, or add changed copies.

A network that sees ten adults for each child learns adults. Every function here takes the groups of the **training**
rows and returns one number for each of them, so that no count of a validation or test part can slip in. Where a
picture's group is not recorded (code −1) it is treated as if nothing were balanced: unknown is not a group, and what
is drawn or weighed more because it is unknown teaches nothing. Explained in chapter 13.
"""

import numpy as np
import pandas as pd

from agelib.targets.age_groups import group_of

#: Label-distribution smoothing: cells and standard deviation of the kernel, in years (Yang et al., ICML 2021).
KERNEL_SIZE, SIGMA = 5, 2.0

#: No picture is shown more often than this in an epoch, itself and its changed copies together; our choice.
MOST = 5


def groups(faces: pd.DataFrame, by: str = "age_group", bins="7b") -> np.ndarray:
    """The group of each picture.

    Parameters
    ----------
    faces : pandas.DataFrame
        Training rows of the faces table.
    by : str
        ``age_group`` (of the column ``age``, by `bins`), a column such as gender, or several joined by ``*``: then
        each combination that occurs is a group.
    bins : str or tuple
        Age groups, by name or as first ages.

    Returns
    -------
    numpy.ndarray
        int [N], from 0; −1 where one of the columns is missing.

    Raises
    ------
    ValueError
        If a column is not there, or not recorded for any picture.

    Examples
    --------
    >>> faces = pd.DataFrame({"age": [1.0, 30, 2, 70], "gender": ["male", "male", "female", None]})
    >>> groups(faces, "age_group").tolist()
    [0, 1, 0, 2]
    >>> groups(faces, "age_group*gender").tolist()
    [1, 2, 0, -1]
    """
    codes = np.zeros(len(faces), dtype=np.int64)
    known = np.ones(len(faces), dtype=bool)
    for name in (part.strip() for part in by.split("*")):
        column = "age" if name == "age_group" else name
        if column not in faces:
            raise ValueError(
                f"balance by {by!r}: the faces table has no column {column!r}; take age_group or one of: "
                + ", ".join(map(str, faces.columns))
            )
        values = group_of(faces["age"], bins) if name == "age_group" else faces[name]
        these, labels = pd.factorize(pd.Series(values), sort=True)
        these = np.where(faces[column].notna(), these, -1)
        if not (these >= 0).any():
            raise ValueError(f"balance by {by!r}: {column} is not recorded for any training picture")
        codes, known = codes * len(labels) + these, known & (these >= 0)
    result = np.full(len(faces), -1)
    result[known] = np.unique(codes[known], return_inverse=True)[1]
    return result


def group_weights(counts) -> np.ndarray:
    """Study B's weights of groups: w_j = n / (K · n_j); the mean over all pictures is 1.

    `counts` [K] are the pictures n_j of each group; n is their sum.

    >>> group_weights([796, 2389, 732, 148]).round(4).tolist()
    [1.2767, 0.4254, 1.3883, 6.8666]
    """
    counts = np.asarray(counts, dtype=np.float64)
    if not counts.size or not (counts > 0).all():
        raise ValueError(f"group weights: every group needs a picture, the counts are {counts.tolist()}")
    return counts.sum() / (len(counts) * counts)


def sampler_weights(codes) -> np.ndarray:
    """Weights for a weighted sampler: in proportion to 1/n_j, so that every group is drawn equally often (study C).

    They are scaled so that a weight says how often a picture is drawn in an epoch, on average; 1 for a picture whose
    group is not recorded.

    Of `codes` [N], from :func:`groups`; float64 [N].

    >>> sampler_weights([0, 0, 0, 1, -1]).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0, 1.0]
    """
    return _by_group(codes, group_weights, otherwise=1.0)


def loss_weights(codes, kind: str = "loss", ages=None) -> np.ndarray:
    """Weights of the pictures' losses.

    Parameters
    ----------
    codes : array of int [N]
        From :func:`groups`; ``lds`` does not look at them.
    kind : str
        ``loss``: 1 − n_j / n, as in study C. ``loss_inverse``: n / (K · n_j), as in study B. ``lds``: see
        :func:`lds_weights`.
    ages : array of float [N]
        For ``lds``, in years.

    Returns
    -------
    numpy.ndarray
        float64 [N]; a picture whose group is not recorded has the mean weight of the others.

    Raises
    ------
    ValueError
        If there is no such kind, ``lds`` is given no ages, or ``loss`` has one group only (its weight would be 0).

    Examples
    --------
    >>> loss_weights([0, 0, 0, 1]).tolist()
    [0.25, 0.25, 0.25, 0.75]
    >>> loss_weights([0, 0, 0, 1], "loss_inverse").round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    if kind == "lds":
        if ages is None:
            raise ValueError("loss weights: lds smooths the density of ages; give the ages of the pictures")
        return lds_weights(ages)
    if kind == "loss_inverse":
        return _by_group(codes, group_weights)
    if kind != "loss":
        raise ValueError(f"there are no loss weights {kind!r}; there are: loss, loss_inverse, lds")
    if len(_counts(codes)) < 2:
        raise ValueError(
            "loss weights 1 − n_j / n are 0 where all pictures are of one group; "
            "balance by another column, or not at all"
        )
    return _by_group(codes, lambda counts: 1 - counts / counts.sum())


def lds_weights(ages) -> np.ndarray:
    """Weights from label-distribution smoothing: 1 / smoothed density of the ages (Yang et al., ICML 2021).

    Ages are no classes: what a network learns from a face of 40 helps at 41. So the pictures are counted year by
    year, the counts are smoothed with a Gaussian, and a picture weighs the inverse of the smoothed count: a rare age
    among common ones weighs little, a rare age among rare ones much. Ages are counted in whole years, and there is
    nothing below the youngest and above the oldest. The authors' code makes the kernel with scipy's gaussian_filter1d,
    which mirrors the tails back into its five cells and so flattens it; this is the Gaussian itself.

    Parameters
    ----------
    ages : array of float [N]
        Ages of the training part, in years; a missing one is refused.

    Returns
    -------
    numpy.ndarray
        float64 [N], with mean 1.

    Examples
    --------
    >>> lds_weights([20, 20, 20, 21, 60]).round(2).tolist()
    [0.63, 0.63, 0.63, 0.67, 2.44]
    """
    ages = np.asarray(ages, dtype=np.float64)
    if not ages.size or not np.isfinite(ages).all():
        raise ValueError("label-distribution smoothing needs every training age; one is missing, or all are")
    years = np.floor(ages).astype(np.int64)
    years -= years.min()
    counts = np.bincount(years).astype(np.float64)
    reach = KERNEL_SIZE // 2
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * SIGMA**2))
    density = np.convolve(counts, kernel)[reach : reach + len(counts)]
    weights = 1 / density[years]
    return weights / weights.mean()


def copies(codes) -> np.ndarray:
    """How many changed copies of each picture an epoch shows beside the picture itself, on average.

    Study B aims its augmentation at the scarce groups without saying how much. Our choice: each group is filled up to
    the size of the largest, but no picture is shown more than :data:`MOST` times, so that five faces do not become a
    thousand.

    Parameters
    ----------
    codes : array of int [N]
        From :func:`groups`.

    Returns
    -------
    numpy.ndarray
        float64 [N], from 0 to 4; 0 where the group is not recorded.

    Examples
    --------
    >>> copies([0] * 6 + [1] * 4 + [2, -1])[[0, 6, 10, 11]].tolist()
    [0.0, 0.5, 4.0, 0.0]
    """
    return _by_group(codes, lambda counts: np.minimum(counts.max() / counts, MOST) - 1, otherwise=0.0)


def _by_group(codes, weights_of, otherwise: float | None = None) -> np.ndarray:
    """Give each picture its group's weight, and `otherwise` (None: the mean weight) to those without a group."""
    codes = np.asarray(codes)
    known = codes >= 0
    _, places = np.unique(codes[known], return_inverse=True)
    result = np.empty(len(codes))
    result[known] = weights_of(_counts(codes))[places]
    result[~known] = result[known].mean() if otherwise is None else otherwise
    return result


def _counts(codes) -> np.ndarray:
    """Pictures of each group that occurs."""
    codes = np.asarray(codes)
    known = codes[codes >= 0]
    if not len(known):
        raise ValueError("balance: no training picture has a recorded group; balance by another column")
    return np.unique(known, return_counts=True)[1]
