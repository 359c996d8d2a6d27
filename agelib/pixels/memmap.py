"""A memory map of decoded pictures, written block by block: what was interrupted is finished and not begun anew.

The workers write slices that do not overlap, and a line in a file beside the map says that a slice is there.
Explained in chapter 04.
"""

import errno
import io
import math
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from agelib.pixels.decode import decode_into
from agelib.runtime import workspace
from agelib.runtime.cpu import cores
from agelib.runtime.progress import Line
from agelib.runtime.workspace import write_json

#: Bytes of picture files below which starting another worker process costs more than it saves.
BYTES_PER_JOB = 8_000_000

#: Pictures and bytes that one worker decodes at a time, at most.
PICTURES_A_BLOCK, BYTES_A_BLOCK = 256, 16_000_000

#: File beside a map that is not whole yet: first row, row after the last, checksum and unreadable rows of each block.
FINISHED = "finished.jsonl"


def build(folder: Path, files: list, shape: tuple, zoom: float, workers: int, line: Line) -> dict[int, str]:
    """Decode `files` into ``images.npy`` of a folder, or finish what an interrupted call began.

    The folder has another name until it is whole. The caller holds its lock: only one process at a time builds it.

    Parameters
    ----------
    folder, files : pathlib.Path, list of str or None
        What to make, and a picture a row; None is black.
    shape, zoom : tuple, float
        (N, C, S, S) of the map; zoom as for :func:`agelib.pixels.decode.decode_picture`.
    workers, line : int, agelib.runtime.progress.Line
        Processes that decode, and where to show how far they are.

    Returns
    -------
    dict of int to str
        Row and reason of each file that could not be decoded.

    Raises
    ------
    OSError
        If the disk is full; then nothing is left behind. Any other interruption leaves the finished blocks.
    """
    bytes_each = math.prod(shape[1:])
    partial = folder.parent / f".{folder.name}.partial"
    images, finished = partial / "images.npy", partial / FINISHED
    try:
        start = _make_room(images, shape)
        done, unreadable = _finished(images, finished, start, bytes_each)
        line.done = int(done.sum())
        block = max(1, min(PICTURES_A_BLOCK, BYTES_A_BLOCK // bytes_each, -(-shape[0] // workers)))
        left = _left(done, block)
        tasks = (
            (images, start + first * bytes_each, files[first:end], shape[2], shape[1] == 1, zoom) for first, end in left
        )
        for (first, end), found in zip(left, _run(tasks, workers), strict=True):
            why = {first + position: reason for position, reason in found}
            checksum = _checksum(images, start + first * bytes_each, (end - first) * bytes_each)
            workspace.append_records(finished, [[first, end, checksum, why]])
            unreadable |= why
            line.advance(end - first)
        with open(images, "r+b") as file:
            os.fsync(file.fileno())  # Where a file system allocates late, this is where a full disk shows.
        record = {"pictures": shape[0], "image_size": shape[2], "channels": shape[1], "unreadable": unreadable}
        write_json(partial / "pictures.json", record)
        finished.unlink(missing_ok=True)
        if folder.is_dir():
            shutil.rmtree(folder)  # A map that was cut off.
        os.replace(partial, folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            shutil.rmtree(partial, ignore_errors=True)  # It would fill the disk for nothing.
        raise
    line.close()
    return unreadable


def jobs(wish: int | None, number_of_bytes: int) -> int:
    """How many processes decode files of so many bytes in all: the wish, or as many as are worth their start."""
    if wish is not None:
        return max(1, wish)
    if number_of_bytes < 2 * BYTES_PER_JOB:
        return 1
    return min(cores(), number_of_bytes // BYTES_PER_JOB)


def _make_room(images: Path, shape: tuple) -> int:
    """An array file of that shape, black where nothing was written yet; the byte at which its pixels begin."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    start, size = header.tell(), header.tell() + math.prod(shape)
    if not images.is_file() or images.stat().st_size != size:
        shutil.rmtree(images.parent, ignore_errors=True)
        store = images.parent.parent
        store.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(store).free < math.prod(shape):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        images.parent.mkdir()
        with open(images, "wb") as file:
            file.write(header.getvalue())
            file.truncate(size)
    return start


def _finished(images: Path, finished: Path, start: int, bytes_each: int) -> tuple[np.ndarray, dict]:
    """Which pictures an interrupted call has decoded, bool [N], and the reasons of those that could not be.

    A block counts if its bytes are still those that were noted: after a power cut, a file may have its length and not
    its content.
    """
    done, unreadable = np.zeros((images.stat().st_size - start) // bytes_each, bool), {}
    for first, end, noted, why in workspace.read_records(finished):
        if _checksum(images, start + first * bytes_each, (end - first) * bytes_each) == noted:
            done[first:end] = True
            unreadable |= {int(row): reason for row, reason in why.items()}
    return done, unreadable


def _left(done: np.ndarray, block: int) -> list[tuple[int, int]]:
    """First row, and row after the last, of runs of at most `block` rows that are not done yet."""
    edges = np.flatnonzero(np.diff(done, prepend=True, append=True))
    gaps = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(first, min(first + block, end)) for begin, end in gaps for first in range(begin, end, block)]


def _checksum(file: Path, start: int, length: int) -> int:
    total = 0
    with open(file, "rb", buffering=0) as opened:
        opened.seek(start)
        while length > 0 and (some := opened.read(min(length, 1_000_000))):
            total, length = zlib.crc32(some, total), length - len(some)
    return total


def _run(tasks: Iterable, workers: int) -> Iterator[list]:
    if workers == 1:
        yield from (decode_into(*task) for task in tasks)
        return
    # joblib's processes start afresh, so nothing is forked under torch's threads, and do not import the caller's
    # script, so a script without a __main__ guard works too.
    from joblib import Parallel, delayed

    yield from Parallel(n_jobs=workers, return_as="generator")(delayed(decode_into)(*task) for task in tasks)
