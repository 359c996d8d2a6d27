"""Mean and standard deviation of each channel over the training images. Explained in chapter 04."""

import numpy as np


def statistics(images, rows=None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel, in one pass, exact.

    Sums of bytes and of their squares are whole numbers, so nothing is rounded until the end and the order of the
    rows does not matter. Take the rows of the training part only: the other parts must not be seen.

    Parameters
    ----------
    images : array of uint8 [N, C, S, S]
        Decoded pictures; C is 3 or 1.
    rows : array of int or bool, optional
        Which pictures count; by default all.

    Returns
    -------
    mean, std : numpy.ndarray
        float32 [3], in units of 0 to 1; a single channel counts as three equal ones.

    Raises
    ------
    ValueError
        If there are no rows.

    Examples
    --------
    >>> images = np.stack([np.zeros((3, 2, 2), np.uint8), np.full((3, 2, 2), 255, np.uint8)])
    >>> mean, std = statistics(images)
    >>> print(mean, std)
    [0.5 0.5 0.5] [0.5 0.5 0.5]
    """
    rows = np.arange(len(images)) if rows is None else np.asarray(rows)
    if rows.dtype == bool:
        rows = np.flatnonzero(rows)
    if not len(rows):
        raise ValueError("statistics: there are no rows to take them from; is the training part empty?")
    rows = np.sort(rows)  # The disk is then read from front to back.
    channels = images.shape[1]
    total, squares = np.zeros(channels, np.uint64), np.zeros(channels, np.uint64)
    chunk = max(1, 4_000_000 // int(np.prod(images.shape[1:])))
    for first in range(0, len(rows), chunk):
        some = images[rows[first : first + chunk]]
        total += some.sum(axis=(0, 2, 3), dtype=np.uint64)
        squares += np.square(some, dtype=np.uint16).sum(axis=(0, 2, 3), dtype=np.uint64)  # 255² fits 16 bits
    number = len(rows) * int(np.prod(images.shape[2:]))
    sums = zip(total.tolist(), squares.tolist(), strict=True)
    variance = [(number * square - plain**2) / number**2 for plain, square in sums]
    mean = total.astype(np.float64) / number
    three = 3 // channels
    return (np.tile(mean / 255, three).astype(np.float32), np.tile(np.sqrt(variance) / 255, three).astype(np.float32))
