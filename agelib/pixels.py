"""Decode every picture once, into one memory map of bytes that every training afterwards reads at once.

Decoding a JPEG costs a hundred times what copying its pixels does, and a study of twenty trainings would do it a
hundred times over. The map is found again by its content: the key is made of the pictures' bytes, the size and the
code that decodes. A map may be larger than memory: only the pages that are being read lie there, and the system drops
them when it needs the room. Explained in chapter 04.
"""

import errno
import json
import math
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from agelib import blocks, notes, usage
from agelib.decoding import reason
from agelib.fingerprint import code_fingerprint
from agelib.progress import PATIENCE, Line
from agelib.store import content_key, file_key, home, lock

#: Keys of contents that are worked out before they are written down.
KEYS_AT_A_TIME = 2000


@dataclass(frozen=True, eq=False)
class Pixels:
    """Decoded pictures, in the order of the faces table.

    Attributes
    ----------
    images : numpy.memmap
        uint8 [N, C, image_size, image_size], read-only; C is 3, or 1 if the pictures were stored as grey.
    key : str
        What the map is found by: 16 hexadecimal digits.
    readable : numpy.ndarray
        bool [N]; where it is False the picture is black.
    skipped : pandas.DataFrame
        Columns ``path`` and ``reason``, one row for each picture that is not readable.
    """

    images: np.ndarray
    key: str
    readable: np.ndarray
    skipped: pd.DataFrame

    def __len__(self) -> int:
        return len(self.images)


def decode(
    faces,
    root,
    image_size: int,
    grey: bool = False,
    jobs: int | None = None,
    progress: bool = True,
    zoom: float = 1.0,
) -> Pixels:
    """Decode the pictures of a faces table to squares of bytes, or find them decoded already.

    Parameters
    ----------
    faces : pandas.DataFrame
        The faces table; only ``path`` is read.
    root : path
        The folder that ``path`` is relative to.
    image_size : int
        Side of the squares, in pixels.
    grey : bool
        Store one channel (luma) instead of three. :class:`agelib.batches.Batches` delivers three equal ones.
    jobs : int, optional
        Worker processes; by default as many as there are processors, fewer for few pictures.
    progress : bool
        Show a line of progress.
    zoom : float
        From 1 up: only the pictures' middle is taken, 1 / `zoom` of their width and of their height, where a data set
        leaves much room around its faces.

    Returns
    -------
    Pixels
        A picture that is missing, empty, cut off or no picture at all is black, not `readable`, and listed in
        `skipped`.

    Raises
    ------
    ValueError
        If the table is empty or `image_size` is not positive.
    FileNotFoundError
        If there is no folder `root`.
    OSError
        If the disk is too full for the map, with the folder and the bytes it needs; nothing is left behind.

    Notes
    -----
    The map has N · C · image_size² bytes on disk. Memory holds about 1 KB a picture for paths and keys, and in each
    worker process a block of at most 16 MB (or one picture), however large the map is.

    What was decoded before a program was killed is kept: the next call checks those blocks and decodes the rest.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> root = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (200, 200), "white").save(root / "a.png")
    >>> pixels = decode(pd.DataFrame({"path": ["a.png", "b.png"]}), root, 64, progress=False)
    >>> pixels.images.shape, pixels.readable
    ((2, 3, 64, 64), array([ True, False]))
    >>> pixels.skipped
        path        reason
    0  b.png  no such file
    """
    root, paths = Path(root), [str(path) for path in faces["path"]]
    if not paths:
        raise ValueError(
            "decode: the faces table has no rows; look at the table of removed pictures for the reason"
        )
    if image_size < 1:
        raise ValueError(f"decode: image_size is a number of pixels above 0, not {image_size}")
    if not 1 <= zoom < math.inf:
        raise ValueError(f"decode: zoom is a number from 1 (the whole picture) up, not {zoom}")
    if not root.is_dir():
        raise FileNotFoundError(
            f"decode: there is no folder {root} (first picture: {paths[0]}); name the folder again"
        )

    shape = (len(paths), 1 if grey else 3, image_size, image_size)
    store = home() / "pixels"
    try:
        sizes, contents = content_keys(paths, root, progress)
        key = content_key(_code(), image_size, grey, float(zoom), contents)
        folder = store / key
        unreadable = _read_unreadable(folder, shape)
        if unreadable is None:
            with lock(folder):
                unreadable = _read_unreadable(folder, shape)  # Another process may have made it meanwhile.
                if unreadable is None:
                    files = [
                        None if c.startswith("!") else os.path.join(root, p)
                        for p, c in zip(paths, contents, strict=True)
                    ]
                    line = Line("decode", len(paths), shown=progress)
                    unreadable = blocks.build(folder, files, shape, zoom, blocks.jobs(jobs, sum(sizes)), line)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_space(store, shape) from None
        raise
    usage.mark(folder)
    unreadable |= {row: content[1:] for row, content in enumerate(contents) if content.startswith("!")}
    rows = sorted(unreadable)
    readable = np.ones(len(paths), bool)
    readable[rows] = False
    skipped = pd.DataFrame(
        {"path": [paths[row] for row in rows], "reason": [unreadable[row] for row in rows]}, dtype="object"
    )
    return Pixels(np.load(folder / "images.npy", mmap_mode="r"), key, readable, skipped)


def expect_shuffled(images) -> None:
    """Prepare a memory map that is larger than free memory for being read in a shuffled order.

    The system reads ahead: with one picture of 12 KB comes a quarter of a megabyte around it. That is well while
    everything finds room, as what comes along is wanted later, and no second epoch reads the disk. A map that does not
    find room would be read twenty times over in every epoch; for such a one reading ahead is switched off.
    """
    import mmap

    import psutil

    mapped = getattr(images, "_mmap", None)
    if mapped is None or not hasattr(mmap, "MADV_RANDOM"):  # in memory already, or on Windows
        return
    if images.nbytes > psutil.virtual_memory().available:
        mapped.madvise(mmap.MADV_RANDOM)


def content_keys(paths: list[str], root, progress: bool = False) -> tuple[list[int], list[str]]:
    """Size in bytes and a key of the content of each file; ``!`` and the reason for a file that cannot be read.

    A key is remembered together with the file's size and times, so that an unchanged folder is not read again. Keys are
    added to the end of one file a folder of pictures, :data:`KEYS_AT_A_TIME` at a time, so that time grows linearly
    and little is lost if the program is killed. Memory holds about 0.5 KB a picture.
    """
    root = Path(root).resolve()
    memo = home() / "pixels" / f"contents-{content_key(str(root))}.jsonl"
    remembered = _read_memo(memo)
    sizes, keys, learnt = [], [], []
    now = time.time_ns()
    line = Line("read files", len(paths), shown=progress, after=PATIENCE)
    for path in paths:
        try:
            file = os.path.join(root, path)
            stat = os.stat(file)
            size, state = stat.st_size, f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} "
            known = remembered.get(path, "")
            if known.startswith(state):
                key = known[len(state) :]
            else:
                key = file_key(file)
                # A file that changed this very moment may change again without its times showing it.
                if now - max(stat.st_mtime_ns, stat.st_ctime_ns) > 2_000_000_000:
                    learnt.append([path, state + key])
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.EIO):
                raise  # The machine's fault, not the file's: it must not be remembered as unreadable.
            key, size = "!" + reason(error), 0
        sizes.append(size)
        keys.append(key)
        line.advance()
        if len(learnt) >= KEYS_AT_A_TIME:
            notes.add(memo, learnt)
            learnt = []
    line.close()
    if learnt:
        notes.add(memo, learnt)
    usage.mark(memo)
    return sizes, keys


def _read_memo(memo: Path) -> dict[str, str]:
    """Path → size, times and key, in one text; of a path that stands there twice, the last."""
    try:
        return dict(notes.read(memo))
    except (OSError, TypeError, ValueError):
        return {}


def _code() -> list[str]:
    from PIL import __version__, features

    return [code_fingerprint("agelib.decoding"), __version__, str(features.version("libjpeg_turbo"))]


def _read_unreadable(folder: Path, shape: tuple) -> dict[int, str] | None:
    """Rows that could not be decoded, with their reasons; None if the folder does not hold the whole map."""
    try:
        record = json.loads((folder / "pictures.json").read_text(encoding="utf-8"))
        if np.load(folder / "images.npy", mmap_mode="r").shape != shape:
            return None
        return {int(row): why for row, why in record["unreadable"].items()}
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def _no_space(store: Path, shape: tuple) -> OSError:
    needed = int(np.prod(shape))
    return OSError(
        errno.ENOSPC,
        f"no space left in {store}: {shape[0]:,} pictures of {shape[2]} pixels need {needed:,} bytes,"
        f" {shutil.disk_usage(store).free:,} are free; delete runs or pixels that you no longer need there,"
        " take fewer or smaller pictures, or let AGELIB_HOME name a folder on a larger disk",
    )


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
    return (
        np.tile(mean / 255, three).astype(np.float32),
        np.tile(np.sqrt(variance) / 255, three).astype(np.float32),
    )
