"""Reading a struct of long columns from a Matlab file, quickly.

``scipy.io.loadmat`` makes an array object of every cell, a million and a half of them for IMDB-WIKI. Here a column of
cells is found by walking over the sizes alone, and then decoded all at once. Only the usual form is read in this way
(version 5, little-endian, plain cells). Anything else goes to ``loadmat``, which also knows what is wrong with a file
that is damaged.

Source: *MAT-File Format*, The MathWorks, the chapter on level 5 files.
"""

import struct
import zlib
from pathlib import Path

import numpy as np

#: Data types of the format, by their number.
NUMBERS = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
ENCODINGS = {2: "latin-1", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}
MATRIX, COMPRESSED = 14, 15
CELL, STRUCT, CHAR = 1, 2, 4

#: A cell of two dimensions and no name: its flags, dimensions and name take this many bytes before its data.
CELL_HEAD = 40
#: What the 4-byte words of that head must be, by position: tags and sizes of flags, dimensions and name.
CELL_WORDS = {0: 6, 1: 8, 4: 5, 5: 8, 8: 1, 9: 0}


class _Unusual(Exception):
    """The file is of a form that only loadmat reads."""


def read_struct(file, names) -> dict | None:
    """Read the first 1 × 1 struct of one of the given names.

    Parameters
    ----------
    file : path
        A Matlab file of version 5.
    names : sequence of str
        Names of variables, the first found is taken.

    Returns
    -------
    dict or None
        Field → float64 array [N] for a column of numbers; list of N str for cells of text; float64 array [N, K] for
        cells of numbers, K of the most frequent size, NaN where a cell has another. None if there is no such struct.

    Raises
    ------
    Exception
        Whatever ``scipy.io.loadmat`` raises for a file that it cannot read.
    """
    try:
        return _read_quickly(Path(file).read_bytes(), names)
    except (_Unusual, struct.error, zlib.error, ValueError, IndexError):
        return _read_with_scipy(file, names)


def _read_quickly(data: bytes, names) -> dict:
    if data[124:128] != b"\x00\x01IM":
        raise _Unusual("not version 5, little-endian")
    found, at = {}, 128
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if at + 8 + size > len(data):
            raise _Unusual("cut off")
        body = memoryview(data)[at : at + 8 + size]
        at += 8 + size
        if kind == COMPRESSED:
            body = memoryview(zlib.decompress(body[8:]))
        name = _matrix(body, 0)[2]
        if name in names:
            found[name] = body
    for name in names:
        if name in found:
            return _fields(found[name])
    raise _Unusual("no such struct")


def _element(data, at: int) -> tuple[int, int, int, int]:
    """(type, first byte, number of bytes, where the next element begins) of the element at a place."""
    kind, size = struct.unpack_from("<II", data, at)
    if kind >> 16:  # up to four bytes fit into the tag itself
        return kind & 0xFFFF, at + 4, kind >> 16, at + 8
    return kind, at + 8, size, at + 8 + (size if kind in (MATRIX, COMPRESSED) else -(-size // 8) * 8)


def _matrix(data, at: int) -> tuple[int, tuple, str, int, int]:
    """(class, dimensions, name, where its content begins, where the matrix ends)."""
    kind, first, size, end = _element(data, at)
    if kind != MATRIX or first + size > len(data):
        raise _Unusual("no whole matrix")
    _, flags, _, at = _element(data, first)
    _, dimensions, length, at = _element(data, at)
    shape = struct.unpack_from(f"<{length // 4}i", data, dimensions)
    _, name, length, at = _element(data, at)
    if data[flags + 1] & 0x08:
        raise _Unusual("complex numbers")
    return data[flags], shape, bytes(data[name : name + length]).decode("latin-1"), at, end


def _fields(data) -> dict:
    kind, shape, _, at, _ = _matrix(data, 0)
    if kind != STRUCT or shape != (1, 1):
        raise _Unusual("no 1 × 1 struct")
    _, first, _, at = _element(data, at)
    width = struct.unpack_from("<i", data, first)[0]
    _, first, length, at = _element(data, at)
    fields = {}
    for start in range(first, first + length, width):
        name = bytes(data[start : start + width]).split(b"\0")[0].decode("latin-1")
        kind, shape, _, content, end = _matrix(data, at)
        number = int(np.prod(shape))
        fields[name] = _cells(data, content, number) if kind == CELL else _numbers(data, content, number)
        at = end
    return fields


def _numbers(data, at: int, number: int) -> np.ndarray:
    kind, first, size, _ = _element(data, at)
    if kind not in NUMBERS or size != number * np.dtype(NUMBERS[kind]).itemsize:
        raise _Unusual("no plain numbers")
    return np.frombuffer(data, NUMBERS[kind], count=number, offset=first).astype("float64")


def _cells(data, at: int, number: int):
    """A column of cells, all text or all numbers."""
    starts = np.empty(number, dtype="int64")
    tag = struct.Struct("<II").unpack_from
    for i in range(number):
        kind, size = tag(data, at)
        if kind != MATRIX or size < CELL_HEAD + 8:
            raise _Unusual("a cell without data")
        starts[i] = at + 8
        at += 8 + size
    if at > len(data) or (starts % 8).any():
        raise _Unusual("cut off or not aligned")
    words = np.frombuffer(data, "<u4", count=len(data) // 4)
    heads = starts // 4
    if any((words[heads + position] != value).any() for position, value in CELL_WORDS.items()):
        raise _Unusual("cells of another form")
    small = words[heads + CELL_HEAD // 4] >> 16
    kinds = np.where(small, words[heads + CELL_HEAD // 4] & 0xFFFF, words[heads + CELL_HEAD // 4])
    sizes = np.where(small, small, words[heads + CELL_HEAD // 4 + 1]).astype("int64")
    firsts = starts + CELL_HEAD + np.where(small, 4, 8)
    if (firsts + sizes > len(data)).any():
        raise _Unusual("cut off")
    classes = words[heads + 2] & 0xFF
    if (classes == CHAR)[sizes > 0].all():
        if (words[heads + 6] > 1).any():
            raise _Unusual("text of several lines")
        return _texts(data, kinds, firsts, sizes)
    if np.isin(classes, (CELL, STRUCT, CHAR)).any():
        raise _Unusual("cells of cells")
    return _rows(data, kinds, firsts, sizes)


def _texts(data, kinds, firsts, sizes) -> list[str]:
    if not np.isin(kinds[sizes > 0], list(ENCODINGS)).all():
        raise _Unusual("text of another encoding")
    encodings = [ENCODINGS.get(kind, "utf-8") for kind in kinds.tolist()]
    ends = (firsts + sizes).tolist()
    return [str(data[a:b], code) for a, b, code in zip(firsts.tolist(), ends, encodings, strict=True)]


def _rows(data, kinds, firsts, sizes) -> np.ndarray:
    """Cells of K numbers → [N, K]. Matlab stores whole numbers in fewer bytes, so the types are mixed."""
    if not np.isin(kinds, list(NUMBERS)).all():
        raise _Unusual("numbers of another type")
    raw = np.frombuffer(data, "u1")
    lengths = (
        sizes // np.array([np.dtype(NUMBERS.get(k, "u1")).itemsize for k in range(max(NUMBERS) + 1)])[kinds]
    )
    width = int(np.bincount(lengths).argmax())
    rows = np.full((len(kinds), width), np.nan)
    for kind in np.unique(kinds).tolist():
        chosen = np.flatnonzero((kinds == kind) & (lengths == width))
        span = np.arange(width * np.dtype(NUMBERS[kind]).itemsize)
        rows[chosen] = np.ascontiguousarray(raw[firsts[chosen, None] + span]).view(NUMBERS[kind])
    return rows


def _read_with_scipy(file, names) -> dict | None:
    """The same through loadmat."""
    from scipy.io import loadmat

    variables = loadmat(file)
    for name in names:
        record = variables.get(name)
        if record is not None and record.dtype.names and record.size == 1:
            return {field: _simplify(record.flat[0][field].ravel()) for field in record.dtype.names}
    return None


def _simplify(column: np.ndarray):
    if column.dtype != object:
        return column.astype("float64")
    if all(cell.dtype.kind in "US" or not cell.size for cell in column):
        return [str(cell.flat[0]) if cell.size else "" for cell in column]
    lengths = np.array([cell.size for cell in column])
    width = int(np.bincount(lengths).argmax())
    rows = np.full((len(column), width), np.nan)
    rows[lengths == width] = np.concatenate(column[lengths == width].tolist(), axis=None).reshape(-1, width)
    return rows
