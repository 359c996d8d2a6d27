"""Data sets in their published layouts → faces tables: one room a data set, one door for all.

:func:`read` takes a data set's name and where it lies, unpacks it if it is an archive, and hands back a
:class:`agelib.faces.Collection`. Drawn faces go through the very same readers, since they are written in the same
layouts. Explained in chapter 01.
"""

import dataclasses
import difflib
from pathlib import Path

import numpy as np

from agelib import faces as faces_tables
from agelib.sources import appa_real, archives, imdb_wiki, utkface

#: Published layout → the function that reads it.
READERS = {"imdb-wiki": imdb_wiki.read, "utkface": utkface.read, "appa-real": appa_real.read}

#: Drawn source → the layout in which it is drawn.
DRAWN = {"drawn": "imdb-wiki", "drawn-utkface": "utkface", "drawn-appa-real": "appa-real"}


def names() -> list[str]:
    """Every source that :func:`read` knows.

    >>> names()
    ['drawn', 'drawn-utkface', 'drawn-appa-real', 'imdb-wiki', 'utkface', 'appa-real']
    """
    return [*DRAWN, *READERS]


def read(source: str, root="", pictures: int = 0, seed: int = 42, **options) -> faces_tables.Collection:
    """Read a data set into a faces table.

    Parameters
    ----------
    source : str
        One of :func:`names`.
    root : path, optional
        Of a real data set: its folder, its published archive (``.tar``, ``.tar.gz``, ``.zip``; unpacked once into the
        workspace), or for ``imdb-wiki`` the ``.mat`` file itself (the table alone). Empty for drawn faces.
    pictures : int
        How many pictures to draw; of a real set, how many to take at random without replacement, in the set's order
        (0, or more than there are, takes all).
    seed : int
        Seed of the drawing or of the choice.
    **options
        Handed to the layout's reader, such as ``keep_split=True`` for APPA-REAL.

    Returns
    -------
    agelib.faces.Collection
        The checked faces table, its root folder, what was skipped, and counts of what is odd.

    Raises
    ------
    ValueError
        If the source is unknown, the root is not a folder, archive or ``.mat`` file, or the data are not in the
        published layout.
    FileNotFoundError
        If there is nothing at `root`, or the folder does not hold the data set.
    """
    if source not in names():
        near = difflib.get_close_matches(str(source), names(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it is one of: {', '.join(names())}"
        raise ValueError(f"no source {source!r}; {hint}")
    if pictures < 0:
        raise ValueError(f"pictures is a number from 0, not {pictures}; 0 takes all of a real data set")
    if source in DRAWN:
        return _read_drawn(source, root, pictures, seed, options)
    collection = READERS[source](_find_root(source, root), **options)
    faces = faces_tables.check(collection.faces, source)
    return dataclasses.replace(collection, faces=take_sample(faces, pictures, seed))


def take_sample(faces, pictures: int, seed: int):
    """Take rows at random without replacement, in their order; all of them if there are not more.

    >>> rows = faces_tables.table(path=list("abcdef"), age=range(6))
    >>> list(take_sample(rows, 3, seed=1)["path"]) == sorted(take_sample(rows, 3, seed=1)["path"])
    True
    """
    if not 0 < pictures < len(faces):
        return faces
    rows = np.random.default_rng(seed).choice(len(faces), size=pictures, replace=False)
    return faces.iloc[np.sort(rows)].reset_index(drop=True)


def _read_drawn(source: str, root, pictures: int, seed: int, options: dict) -> faces_tables.Collection:
    if str(root):
        raise ValueError(f"{source!r} draws its own faces and takes no root (got {root}); leave root empty")
    if pictures == 0:
        raise ValueError(
            f"{source!r} needs a number of pictures to draw, such as 3000; 0 is for real data sets"
        )
    from agelib import drawn

    layout = DRAWN[source]
    collection = READERS[layout](drawn.draw_collection(layout, pictures, seed), **options)
    faces = faces_tables.check(collection.faces.assign(source=f"drawn-{layout}"), source)
    return dataclasses.replace(collection, faces=faces)


def _find_root(source: str, root) -> Path:
    """The folder (or ``.mat`` file) to read, unpacked if `root` is an archive."""
    if not str(root):
        raise ValueError(f"source {source!r} needs a root: the data set's folder or its published archive")
    path = Path(root).expanduser()
    if not path.exists():
        raise FileNotFoundError(
            f"{source}: nothing at {path}; give the data set's folder or its published archive"
        )
    if path.is_dir():
        if not any(path.iterdir()):
            raise FileNotFoundError(
                f"{source}: the folder {path} is empty; give the data set's folder or archive"
            )
        return path
    if source == "imdb-wiki" and path.suffix.lower() == ".mat":
        return path
    return archives.unpack(path)
