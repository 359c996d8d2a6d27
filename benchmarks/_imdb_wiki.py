"""An ``imdb.mat`` of as many rows as wanted, for benchmarks; the underscore says that it is none itself."""

import struct
import zlib
from pathlib import Path

import numpy as np


def write_metadata(path: Path, rows: int, seed: int = 42) -> list[str]:
    """Write a struct ``imdb`` with the shares of odd rows that the published wiki.mat has.

    ``scipy.io.savemat`` takes a minute and a half for a million and a half cells, one at a time. Here all cells of a
    field have the same number of bytes, so that a field is one array of bytes, in the published layout: numbers in a
    row of N, texts and boxes in a row of N cells, compressed (*MAT-File Format*, The MathWorks, level 5 files).
    Returns the paths of the pictures.
    """
    rng = np.random.default_rng(seed)
    birth = rng.integers(700_000, 730_000, rows)
    birth[rng.random(rows) < 0.001] = 100
    people = rng.integers(1, 20_285, rows)
    score = np.where(rng.random(rows) < 0.29, -np.inf, rng.uniform(0, 6, rows))
    paths = [f"{i % 100:02d}/nm{p:07d}_rm{i:07d}_1970-1-1_2000.jpg" for i, p in enumerate(people.tolist())]
    names = [f"Person {p:05d}" for p in people.tolist()]
    fields = {
        "dob": row(birth.astype("<i4")),
        "photo_taken": row(rng.integers(1960, 2016, rows).astype("<u2")),
        "full_path": row_of_cells(np.array(paths, "<U")),
        "gender": row(rng.choice([0.0, 1.0, np.nan], rows, p=[0.42, 0.54, 0.04])),
        "name": row_of_cells(np.array(names, "<U")),
        "face_location": row_of_cells(rng.uniform(1, 500, (rows, 4))),
        "face_score": row(score),
        "second_face_score": row(np.where(rng.random(rows) < 0.07, 2.0, np.nan)),
        "celeb_id": row(people.astype("<u2")),
    }
    width = 32
    # The one element of four bytes: these stand in the tag itself.
    known = struct.pack("<HHi", 5, 4, width) + element(1, b"".join(n.encode().ljust(width, b"\0") for n in fields))
    packed = zlib.compress(matrix(STRUCT, (1, 1), known, *fields.values(), name=b"imdb"), level=1)
    with open(path, "wb") as file:
        file.write(b"MATLAB 5.0 MAT-file, made for a benchmark".ljust(124) + b"\x00\x01IM")
        file.write(struct.pack("<II", 15, len(packed)) + packed)
    return paths


#: Classes of the format, by the data type of an array: (class, number of the data type).
CELL, STRUCT, CHAR = 1, 2, 4
CLASSES = {"<i4": (12, 5), "<u2": (11, 4), "<f8": (6, 9)}


def element(kind: int, content) -> bytes:
    """Bytes with their kind and size before them, filled up to a multiple of eight."""
    content = bytes(content)
    return struct.pack("<II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def matrix(kind: int, shape: tuple, *content: bytes, name: bytes = b"") -> bytes:
    """A matrix of a class: flags, dimensions, name, content."""
    head = element(6, np.array([kind, 0], "<u4")) + element(5, np.array(shape, "<i4")) + element(1, name)
    return element(14, head + b"".join(content))


def row(values: np.ndarray) -> bytes:
    """Numbers as a 1 × N matrix."""
    kind, number = CLASSES[values.dtype.str]
    return matrix(kind, (1, len(values)), element(number, values.tobytes()))


def row_of_cells(values: np.ndarray) -> bytes:
    """Texts [N] of one length, or numbers [N, K], as a 1 × N matrix of cells."""
    if values.dtype.kind == "U":
        values = values[:, None].view("<u4").astype("<u2")
        kind, number = CHAR, 4
    else:
        kind, number = CLASSES[values.dtype.str]
    first = matrix(kind, (1, values.shape[1]), element(number, values[0].tobytes()))
    cells = np.tile(np.frombuffer(first, "u1"), (len(values), 1))
    # After the cell's tag, flags, dimensions and name, and the tag of its data.
    own = values.view("u1").reshape(len(values), -1)
    cells[:, 56 : 56 + own.shape[1]] = own
    return matrix(CELL, (1, len(values)), cells.tobytes())
