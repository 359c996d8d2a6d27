"""Data sets in their published layouts → faces tables: one room a data set, one door for all.

:func:`read` takes a data set's name and where it lies, unpacks it if it is an archive, and hands back a
:class:`agelib.data.table.Collection`. Drawn faces go through the very same readers, since they are written in the same
layouts; who is drawn is known also where the layout does not say it, so that a split can keep people apart. Names
joined by + are read one after the other into one table. Explained in chapter 01.
"""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data import table
from agelib.data.sources import appa_real, archives, imdb_wiki, panda, utkface
from agelib.runtime import workspace
from agelib.runtime.suggest import hint

#: Published layout → the function that reads it.
READERS = {"imdb-wiki": imdb_wiki.read, "utkface": utkface.read, "appa-real": appa_real.read, "panda": panda.read}

#: Drawn source → the layout in which it is drawn.
DRAWN = {"drawn": "imdb-wiki", "drawn-utkface": "utkface", "drawn-appa-real": "appa-real", "drawn-panda": "panda"}


def names() -> list[str]:
    """Every source that :func:`read` knows.

    >>> names()
    ['drawn', 'drawn-utkface', 'drawn-appa-real', 'drawn-panda', 'imdb-wiki', 'utkface', 'appa-real', 'panda']
    """
    return [*DRAWN, *READERS]


def read(source: str, root="", pictures: int = 0, seed: int = 42, **options) -> table.Collection:
    """Read a data set into a faces table.

    Parameters
    ----------
    source : str
        One of :func:`names`, or several of them joined by ``+``, such as ``utkface+appa-real``; see Notes.
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
    agelib.data.table.Collection
        The checked faces table, its root folder, what was skipped, and counts of what is odd.

    Raises
    ------
    ValueError
        If the source is unknown, the root is not a folder, archive or ``.mat`` file, or the data are not in the
        published layout.
    FileNotFoundError
        If there is nothing at `root`, or the folder does not hold the data set.

    Notes
    -----
    Of several sources, `root` names one for each real set, in order, joined by commas; `pictures` is the number in all,
    in equal shares (a set with fewer gives what it has); the next one's seed is larger by one, so that two drawn sets
    do not show the same people. The collection's root is the nearest folder that holds all of theirs. Each row keeps
    its ``source``, which also stands before its ``identity`` (two sets may use one name), and before what `notes` says.
    """
    if "+" in str(source):
        return _read_several(source.split("+"), root, pictures, seed, options)
    _check_name(source)
    if pictures < 0:
        raise ValueError(f"pictures is a number from 0, not {pictures}; 0 takes all of a real data set")
    if source in DRAWN:
        return _read_drawn(source, root, pictures, seed, options)
    collection = READERS[source](_find_root(source, root), **options)
    faces = table.check(collection.faces, source)
    return dataclasses.replace(collection, faces=take_sample(faces, pictures, seed))


def _check_name(source: str) -> None:
    if source not in names():
        raise ValueError(f"no source {source!r}; {hint(source, names(), 'it is one of:')}")


def _read_several(sources: list[str], root, pictures: int, seed: int, options: dict) -> table.Collection:
    """One collection of several sources' ones."""
    joined = "+".join(sources)
    for name in sources:
        _check_name(name)
    if options:
        raise ValueError(f"{next(iter(options))!r} is an option of one data set's reader; read {joined} one by one")
    twice = [name for name in sources if sources.count(name) > 1]
    if twice:
        raise ValueError(f"{joined} names {twice[0]!r} twice; name each source once")
    if 0 < pictures < len(sources):
        raise ValueError(f"{pictures} pictures do not go round {len(sources)} sources; ask for more, or 0 for all")
    parts = []
    for place, (name, its_root) in enumerate(zip(sources, _share_roots(sources, root), strict=True)):
        share = pictures // len(sources) + (place < pictures % len(sources))
        parts.append(read(name, its_root, share, seed + place))
    folders = [part.root.resolve() for part in parts]
    try:
        common = Path(os.path.commonpath(folders))
    except ValueError:
        raise ValueError(
            f"{joined}: the data sets lie on different drives ({', '.join(map(str, folders))}), so that no folder "
            "holds them all; put them, or the workspace AGELIB_HOME for drawn faces and unpacked archives, on one drive"
        ) from None
    tables, skipped, notes = [], [], {}
    for name, part, folder in zip(sources, parts, folders, strict=True):
        inside = folder.relative_to(common).as_posix()
        prefix = "" if inside == "." else inside + "/"
        identity = part.faces["identity"].map(lambda who, name=name: f"{name}/{who}", na_action="ignore")
        tables.append(part.faces.assign(path=prefix + part.faces["path"], identity=identity))
        skipped.append(part.skipped.assign(path=prefix + part.skipped["path"].astype("object")))
        notes |= {f"{name}: {what}": count for what, count in part.notes.items()}
    faces = table.check(pd.concat(tables, ignore_index=True), joined)
    return table.Collection(faces, common, pd.concat(skipped, ignore_index=True), notes)


def _share_roots(sources: list[str], root) -> list[str]:
    """The root of each source: one for every source, or one for each that is not drawn."""
    roots = [each.strip() for each in str(root).split(",")] if str(root) else []
    real = [name for name in sources if name not in DRAWN]
    if len(roots) == len(sources):
        return roots
    if len(roots) != len(real):
        raise ValueError(
            f"{'+'.join(sources)} needs {len(real)} roots joined by commas, one for each set that is not drawn "
            f"({', '.join(real) or 'there is none'}); got {len(roots)}: {root}"
        )
    left = iter(roots)
    return ["" if name in DRAWN else next(left) for name in sources]


def take_sample(faces, pictures: int, seed: int):
    """Take rows at random without replacement, in their order; all of them if there are not more.

    >>> rows = table.table(path=list("abcdef"), age=range(6))
    >>> list(take_sample(rows, 3, seed=1)["path"]) == sorted(take_sample(rows, 3, seed=1)["path"])
    True
    """
    if not 0 < pictures < len(faces):
        return faces
    rows = np.random.default_rng(seed).choice(len(faces), size=pictures, replace=False)
    return faces.iloc[np.sort(rows)].reset_index(drop=True)


def _read_drawn(source: str, root, pictures: int, seed: int, options: dict) -> table.Collection:
    if str(root):
        raise ValueError(f"{source!r} draws its own faces and takes no root (got {root}); leave root empty")
    if pictures == 0:
        raise ValueError(f"{source!r} needs a number of pictures to draw, such as 3000; 0 is for real data sets")
    from agelib.drawn.collections import draw_collection

    layout = DRAWN[source]
    folder = draw_collection(layout, pictures, seed)
    workspace.mark_used(folder)
    collection = READERS[layout](folder, **options)
    faces = collection.faces.assign(source=f"drawn-{layout}", identity=_drawn_people(folder, collection.faces))
    faces = table.check(faces, source)
    notes = {what: count for what, count in collection.notes.items() if not what.startswith("hidden")}  # our own files
    return dataclasses.replace(collection, faces=faces, notes=notes)


def _drawn_people(folder: Path, faces) -> np.ndarray:
    """Who is drawn on each picture, as the hidden truth says it, also in layouts that do not say it.

    UTKFace and APPA-REAL do not know who is shown, so nobody can split them by person. Of drawn faces it is known, and
    a split that puts one drawn person on two sides would be a leak made at home.
    """
    from agelib.drawn.collections import read_truth

    truth = read_truth(folder).set_index("path")["identity"]
    return faces["path"].str.removesuffix("_face.jpg").map(truth).to_numpy("object")


def _find_root(source: str, root) -> Path:
    """The folder (or ``.mat`` file) to read, unpacked if `root` is an archive."""
    if not str(root):
        raise ValueError(f"source {source!r} needs a root: the data set's folder or its published archive")
    path = Path(root).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"{source}: nothing at {path}; give the data set's folder or its published archive")
    if path.is_dir():
        if not any(path.iterdir()):
            raise FileNotFoundError(f"{source}: the folder {path} is empty; give the data set's folder or archive")
        return path
    if source == "imdb-wiki" and path.suffix.lower() == ".mat":
        return path
    return archives.unpack(path)
