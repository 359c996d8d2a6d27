"""Pictures that are in a collection twice: the same bytes, or the same picture saved again; and labels that disagree.

Exact duplicates have the same content key. Near duplicates are found in two steps: a perceptual hash names the
candidates, and the correlation of small grey thumbnails confirms them, because aligned faces of different people
look alike to a hash. Explained in chapter 02.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data.splits import join, pairs_of
from agelib.pixels import cache, content_keys
from agelib.runtime.progress import PATIENCE, Line

#: Side of the thumbnails that are hashed and compared, in pixels.
THUMBNAIL = 32

#: Bits of 64 in which two hashes may differ for their pictures to be compared.
MAX_BITS = 10

#: Correlation of two thumbnails from which their pictures count as near duplicates. Looked at one by one, UTKFace's
#: pairs from here on are the same photograph, and the first pair of two people stands at 0.963; copies of drawn faces
#: lie above 0.978, different drawn pictures below 0.96.
MIN_CORRELATION = 0.965

#: Pictures that are hashed, and pairs of thumbnails that are compared, at a time, so that memory stays small however
#: many there are and however many look alike.
PICTURES_AT_A_TIME = 1024
PAIRS_AT_A_TIME = 4096

#: Hashes that are compared with so many others at a time: the table of bits stays in the processor's cache.
BLOCK, OTHERS = 64, 8192

#: Side of the square patches whose sums tell most pairs of thumbnails apart before all their pixels are, in pixels.
PATCH = 8


def find(
    faces: pd.DataFrame,
    root,
    *,
    near: bool = True,
    tolerance: float = 0.0,
    jobs: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Find exact and near duplicates among the pictures of a faces table.

    Parameters
    ----------
    faces, root : pandas.DataFrame, path
        The faces table; ``path`` and ``age`` are read. The folder that ``path`` is relative to.
    near : bool
        Whether to look for near duplicates too. Without them no picture is decoded: ``readable`` then says only
        that the file can be opened, ``perceptual_hash`` is 0 and ``near_group`` −1.
    tolerance : float
        Ages in a group that differ by more than this many years contradict each other.
    jobs, progress : int, bool
        Processes that decode; whether to show how far it is.

    Returns
    -------
    pandas.DataFrame
        Index as `faces`; ``content_key`` (text; missing if the file cannot be read), ``readable`` (bool),
        ``problem`` (why it is not), ``perceptual_hash`` (uint64), ``exact_group`` and ``near_group`` (int, −1: alone; a
        near group holds the exact duplicates too), ``contradicts`` (bool: the ages of its group contradict each other).

    Raises
    ------
    ValueError
        If the table is empty.
    FileNotFoundError
        If there is no folder `root`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> root = Path(tempfile.mkdtemp())
    >>> for name, content in [("a.jpg", b"one"), ("b.jpg", b"two"), ("c.jpg", b"one")]:
    ...     _ = (root / name).write_bytes(content)
    >>> faces = pd.DataFrame({"path": ["a.jpg", "b.jpg", "c.jpg"], "age": [28.0, 30.0, 31.0]})
    >>> find(faces, root, near=False)[["exact_group", "contradicts"]].to_numpy().tolist()
    [[0, True], [-1, False], [0, True]]
    """
    if faces.empty:
        raise ValueError("the faces table has no rows; look at the table of removed pictures for the reason")
    if not Path(root).is_dir():
        raise FileNotFoundError(f"there is no folder {root} (first picture: {faces['path'].iloc[0]})")
    paths = [str(path) for path in faces["path"]]
    _, contents = content_keys.content_keys(paths, root, progress)
    keys = pd.Series(contents, index=faces.index, dtype="object")
    # A file that cannot be opened has a reason, after an exclamation mark, in place of a key.
    problems = keys.str[1:].where(keys.str.startswith("!"))
    keys = keys.mask(problems.notna())
    found = pd.DataFrame({"content_key": keys, "readable": keys.notna(), "problem": problems}, index=faces.index)
    found["perceptual_hash"] = np.uint64(0)
    found["exact_group"] = _number_groups(pd.factorize(keys)[0])
    found["near_group"] = -1
    if near:
        thumbnails = cache.decode(faces, root, THUMBNAIL, grey=True, jobs=jobs, progress=progress)
        images = np.asarray(thumbnails.images)[:, 0]
        hashes = np.where(thumbnails.readable, perceptual_hashes(images), np.uint64(0))
        # One picture stands for all that have its bytes.
        rows = np.flatnonzero(thumbnails.readable & ~keys.duplicated().to_numpy())
        found["readable"], found["perceptual_hash"] = thumbnails.readable, hashes
        found.loc[~thumbnails.readable, "problem"] = thumbnails.skipped["reason"].to_numpy()
        found["near_group"] = _group_pairs(near_pairs(images, hashes, rows, progress), found["exact_group"].to_numpy())
    exact, alike = (_contradicts(faces["age"], found[name], tolerance) for name in ("exact_group", "near_group"))
    return found.assign(contradicts=exact | alike)


def perceptual_hashes(images: np.ndarray) -> np.ndarray:
    """Hash pictures so that those that look alike differ in few bits.

    A bit says whether one of the 64 lowest frequencies of the picture's cosine transform (the mean left out) is
    above their median: the "pHash" that is usual for finding copies.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 or float [N, S, S], grey.

    Returns
    -------
    numpy.ndarray
        uint64 [N].

    Examples
    --------
    >>> picture = np.kron(np.random.default_rng(0).integers(0, 100, (8, 8)), np.ones((4, 4)))
    >>> one, brighter, turned = perceptual_hashes(np.stack([picture, 2 * picture + 40, picture.T]))
    >>> bool(one == brighter), int(np.bitwise_count(one ^ turned)) > MAX_BITS
    (True, True)
    """
    some = range(0, len(images), PICTURES_AT_A_TIME)
    hashes = [_hash(np.asarray(images[at : at + PICTURES_AT_A_TIME], np.float32)) for at in some]
    return np.concatenate([np.empty(0, np.uint64), *hashes])


def _hash(images: np.ndarray) -> np.ndarray:
    from scipy.fft import dctn

    frequencies = dctn(images, axes=(1, 2), norm="ortho")[:, :9, :9].reshape(len(images), -1)  # [N, 81]
    # The 64 frequencies nearest to the mean's corner, the corner itself left out.
    distance = np.add.outer(np.arange(9), np.arange(9)).ravel()
    lowest = np.argsort(distance, kind="stable")[1:65]
    # Rounded, so that a frequency that the picture does not have is 0 and no noise.
    chosen = np.round(frequencies[:, lowest], 2)  # [N, 64]
    bits = chosen > np.median(chosen, axis=1, keepdims=True)
    packed = np.packbits(np.ascontiguousarray(bits), axis=1, bitorder="little")
    return np.ascontiguousarray(packed).view(np.uint64).ravel()


def near_pairs(
    images: np.ndarray, hashes: np.ndarray, rows: np.ndarray | None = None, progress: bool = False
) -> np.ndarray:
    """Pairs of pictures that are near duplicates.

    Pictures are sorted along the direction in which they differ most, and compared only with those near by there:
    first their hashes, then the sums over 16 patches, then all pixels. No pair is missed by that.

    Parameters
    ----------
    images, hashes : numpy.ndarray
        uint8 [N, S, S], grey thumbnails, of which :data:`PICTURES_AT_A_TIME` are read at a time; uint64 [N].
    rows, progress : numpy.ndarray, bool
        int, ascending: which pictures to compare, by default all; whether to show how far it is.

    Returns
    -------
    numpy.ndarray
        int [pairs, 2], each pair once, the smaller number first.

    Notes
    -----
    Beside the pairs, memory holds about 300 bytes a picture. Time grows with the square of their number, a few machine
    instructions a pair: ``benchmarks/scale.py`` measures it beside the decoding of as many pictures.

    Examples
    --------
    >>> ramp = np.tile(np.arange(32, dtype=np.uint8), (32, 1))
    >>> images = np.stack([ramp, ramp.T, 2 * ramp + 40])
    >>> near_pairs(images, perceptual_hashes(images)).tolist()
    [[0, 2]]
    """
    rows = np.arange(len(images)) if rows is None else np.asarray(rows)
    patches, has_pattern = _patches(images, rows)
    # A picture of one grey has no pattern to compare, and all of them the same hash.
    rows, patches = rows[has_pattern], patches[has_pattern]
    # Of two pictures of length 1, distance² = 2 − 2 · correlation; sums of patches of pixels only shorten it.
    apart = np.sqrt(1.01 * (2 - 2 * MIN_CORRELATION))
    centred = patches - patches.mean(axis=0) if len(rows) else patches
    along = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]
    order = np.argsort(along, kind="stable")
    rows, patches, along = rows[order], patches[order], along[order]
    found = [np.empty((0, 2), np.int64)]
    for pairs in _alike(hashes[rows], np.searchsorted(along, along + apart, side="right"), progress):
        distances = np.linalg.norm(patches[pairs[:, 0]] - patches[pairs[:, 1]], axis=1)
        pairs = np.sort(rows[pairs[distances <= apart]], axis=1)
        for first in range(0, len(pairs), PAIRS_AT_A_TIME):
            some = pairs[first : first + PAIRS_AT_A_TIME]
            found.append(some[_correlations(images[some[:, 0]], images[some[:, 1]]) >= MIN_CORRELATION])
    pairs = np.concatenate(found)
    return pairs[np.lexsort(pairs.T[::-1])]


def _alike(hashes: np.ndarray, ends: np.ndarray, progress: bool):
    """Yield pairs of places [some, 2] whose hashes differ in few bits: each place with those after it, to its end."""
    line = Line("compare pictures", len(hashes), shown=progress, after=PATIENCE)
    for start in range(0, len(hashes), BLOCK):
        mine = hashes[start : start + BLOCK, None]
        for first in range(start, ends[start : start + BLOCK].max(), OTHERS):
            bits = np.bitwise_count(mine ^ hashes[None, first : first + OTHERS])
            one, other = np.divmod(np.flatnonzero(bits <= MAX_BITS), bits.shape[1])
            pairs = np.stack([one + start, other + first], axis=1)
            yield pairs[pairs[:, 0] < pairs[:, 1]]
        line.advance(len(mine))
    line.close()


def _patches(images: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums over patches of each picture at mean 0 and length 1, float32 [rows, patches], and whether it has a pattern.

    They are scaled so that two pictures are never further apart in them than in their pixels.
    """
    across = -(-images.shape[1] // PATCH)
    sums, has_pattern = np.zeros((len(rows), across * across), np.float32), np.zeros(len(rows), bool)
    edges = np.arange(0, images.shape[1], PATCH)
    for first in range(0, len(rows), PICTURES_AT_A_TIME):
        some = slice(first, first + PICTURES_AT_A_TIME)
        mine = np.asarray(images[rows[some]], np.float32)
        has_pattern[some] = mine.max(axis=(1, 2)) > mine.min(axis=(1, 2))
        mine -= mine.mean(axis=(1, 2), keepdims=True)
        mine /= np.maximum(np.linalg.norm(mine, axis=(1, 2), keepdims=True), 1)
        blocks = np.add.reduceat(np.add.reduceat(mine, edges, axis=1), edges, axis=2)
        sums[some] = blocks.reshape(len(mine), -1) / PATCH
    return sums, has_pattern


def _correlations(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each picture's pixels with those of its counterpart; 0 for a picture of one grey."""
    some, others = (images.reshape(len(images), -1).astype(np.float32) for images in (some, others))
    some -= some.mean(axis=1, keepdims=True)
    others -= others.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(some, axis=1) * np.linalg.norm(others, axis=1)
    return np.einsum("ij,ij->i", some, others) / np.where(norms > 1, norms, np.inf)


def _number_groups(codes: np.ndarray) -> np.ndarray:
    """Number the codes that occur more than once from 0, in order of appearance; the others, and −1, get −1."""
    counts = np.bincount(codes[codes >= 0], minlength=codes.max(initial=-1) + 1)
    repeated = (codes >= 0) & (counts[np.maximum(codes, 0)] > 1 if len(counts) else False)
    numbers = np.full(len(codes), -1)
    numbers[repeated] = pd.factorize(codes[repeated])[0]
    return numbers


def _group_pairs(pairs: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Join near pairs and exact groups into groups; groups that are exact duplicates alone stay out."""
    edges = np.concatenate([pairs.reshape(-1, 2), pairs_of(exact)])
    groups = _number_groups(join(edges, len(exact)))
    same = pd.DataFrame({"group": groups, "exact": exact}).groupby("group")["exact"]
    only_exact = (same.transform("nunique") == 1) & (exact >= 0)
    return _number_groups(np.where(only_exact, -1, groups))


def _contradicts(ages: pd.Series, groups: pd.Series, tolerance: float) -> pd.Series:
    spread = ages.groupby(groups).transform("max") - ages.groupby(groups).transform("min")
    return (groups >= 0) & (spread > tolerance)
