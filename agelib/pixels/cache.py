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
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.pixels import memmap
from agelib.pixels.content_keys import content_keys
from agelib.pixels.decode import decoders
from agelib.runtime.fingerprint import code_fingerprint
from agelib.runtime.progress import Line
from agelib.runtime.workspace import content_key, home, lock, mark_used


@dataclass(frozen=True, eq=False)
class Pixels:
    """Decoded pictures, in the order of the faces table.

    Attributes
    ----------
    images, key : numpy.memmap, str
        uint8 [N, C, image_size, image_size], read-only; C is 3, or 1 if the pictures were stored as grey. The key, 16
        hexadecimal digits, is what the map is found by.
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
    faces, root, image_size: int, grey: bool = False, jobs: int | None = None, progress: bool = True, zoom: float = 1.0
) -> Pixels:
    """Decode the pictures of a faces table to squares of bytes, or find them decoded already.

    Parameters
    ----------
    faces, root : pandas.DataFrame, path
        The faces table, of which only ``path`` is read, and the folder that it is relative to.
    image_size : int
        Side of the squares, in pixels.
    grey : bool
        Store one channel (luma) instead of three. :class:`agelib.pixels.batches.Batches` delivers three equal ones.
    jobs, progress : int, bool
        Worker processes, by default as many as there are processors, fewer for few pictures; whether to show how far.
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
        raise ValueError("decode: the faces table has no rows; look at the table of removed pictures for the reason")
    if image_size < 1:
        raise ValueError(f"decode: image_size is a number of pixels above 0, not {image_size}")
    if not 1 <= zoom < math.inf:
        raise ValueError(f"decode: zoom is a number from 1 (the whole picture) up, not {zoom}")
    if not root.is_dir():
        raise FileNotFoundError(f"decode: there is no folder {root} (first picture: {paths[0]}); name the folder again")

    shape = (len(paths), 1 if grey else 3, image_size, image_size)
    store = home() / "pixels"
    try:
        sizes, contents = content_keys(paths, root, progress)
        key = content_key(code_fingerprint("agelib.pixels.decode"), decoders(), image_size, grey, float(zoom), contents)
        folder = store / key
        unreadable = _read_unreadable(folder, shape)
        if unreadable is None:
            with lock(folder):
                unreadable = _read_unreadable(folder, shape)  # Another process may have made it meanwhile.
                if unreadable is None:
                    pairs = zip(paths, contents, strict=True)
                    files = [None if content.startswith("!") else os.path.join(root, path) for path, content in pairs]
                    line = Line("decode", len(paths), shown=progress)
                    unreadable = memmap.build(folder, files, shape, zoom, memmap.jobs(jobs, sum(sizes)), line)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_space(store, shape) from None
        raise
    mark_used(folder)
    unreadable |= {row: content[1:] for row, content in enumerate(contents) if content.startswith("!")}
    rows = sorted(unreadable)
    readable = np.ones(len(paths), bool)
    readable[rows] = False
    skipped = pd.DataFrame([(paths[row], unreadable[row]) for row in rows], columns=["path", "reason"], dtype="object")
    return Pixels(np.load(folder / "images.npy", mmap_mode="r"), key, readable, skipped)


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
