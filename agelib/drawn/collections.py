"""Whole collections of drawn faces on disk, and drawn faces as arrays.

A collection is unfair and dirty on purpose, as the published ones are, and lies on disk as they do. What is wrong
with which file is recorded beside it in ``.truth.csv``, so that cleaning can be scored. Explained in chapter 01.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.drawn.layouts import name_files, write_tables
from agelib.drawn.panda_portrait import draw_panda
from agelib.drawn.pandas import Panda, make_panda, plan_pandas, take_panda_picture
from agelib.drawn.people import Person, make_person
from agelib.drawn.pictures import take_picture
from agelib.drawn.planning import LAYOUTS, Faults, plan
from agelib.drawn.portrait import draw
from agelib.drawn.writing import Job, write_all
from agelib.runtime import workspace
from agelib.runtime.fingerprint import code_fingerprint

TRUTH = ".truth.csv"
_KEY = ".drawn.json"

#: Columns of the truth table, in order.
TRUTH_COLUMNS = (
    "path", "identity", "age", "true_age", "gender", "recorded_gender", "ethnicity", "fault", "duplicate_of",
    "face_score", "second_face_score", "expression", "beard", "glasses", "makeup", "darkness", "look_age",
)  # fmt: skip


def draw_collection(
    layout: str,
    pictures: int,
    seed: int = 42,
    size: int = 128,
    folder: str | Path | None = None,
    jobs: int | None = None,
    progress: bool = True,
    faults: Faults | None = None,
    clean: bool = False,
) -> Path:
    """Draw a collection of faces in a published layout, or find it already drawn.

    Parameters
    ----------
    layout : str
        imdb-wiki, utkface or appa-real; panda for drawn pandas, a folder for each animal, without faults.
    pictures : int
        How many, 1 or more.
    seed : int
        The same seed gives the same files, byte for byte, with any number of processes.
    size : int
        Side of the pictures, in pixels (the published UTKFace has 200). APPA-REAL's pictures are 1.5 times as wide;
        the faces cut out of them have this size.
    folder : path, optional
        Where to draw; a folder of the workspace, named by what decides its content, if not given.
    jobs : int, optional
        Number of processes; as many as there are cores and work for if not given.
    progress : bool
        Show a progress bar.
    faults : Faults, optional
        Shares of the planted faults.
    clean : bool
        Plant no fault.

    Returns
    -------
    pathlib.Path
        The collection's root.

    Raises
    ------
    ValueError
        If the layout is unknown, a number is too small, or `folder` holds something else.

    Examples
    --------
    >>> import tempfile
    >>> root = draw_collection("utkface", 3, size=32, folder=tempfile.mkdtemp(), progress=False)
    >>> len(list(root.glob("UTKFace/*.jpg")))
    3
    """
    if layout not in (*LAYOUTS, "panda"):
        raise ValueError(f"layout is one of {', '.join((*LAYOUTS, 'panda'))}, not {layout!r}")
    if pictures < 1 or size < 16 or seed < 0:
        said = f"{pictures} of {size} pixels with seed {seed}"
        raise ValueError(f"draw 1 picture or more, of 16 pixels or more, with a seed from 0 up; asked for {said}")
    faults = Faults.none() if clean else faults or Faults()
    description = {"layout": layout, "pictures": int(pictures), "seed": int(seed), "size": int(size)}
    description |= {"faults": asdict(faults), "code": code_fingerprint("agelib.drawn.collections")}
    key = workspace.content_key(description)
    name = f"{layout}-{pictures}-{seed}-{key[:8]}"
    root = Path(folder).expanduser().resolve() if folder else workspace.home() / "drawn" / name
    with workspace.lock(root):
        if _is_whole(root, key):
            return root
        if folder and root.is_dir() and any(root.iterdir()) and not (root / _KEY).is_file():
            raise ValueError(f"{root} holds something else than drawn faces; name an empty or a new folder")
        with workspace.write_whole(root) as temporary:
            temporary.mkdir()
            _draw_into(temporary, layout, pictures, seed, size, faults, jobs, progress)
            workspace.write_json(temporary / _KEY, description | {"key": key})
    return root


def _is_whole(root: Path, key: str) -> bool:
    """Whether the folder holds this very collection with no file missing."""
    try:
        if workspace.read_json(root / _KEY)["key"] != key:
            return False
        return all((root / path).is_file() for path in read_truth(root)["path"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError):
        return False


def _draw_into(root: Path, layout: str, pictures: int, seed: int, size: int, faults: Faults, jobs, progress) -> None:
    table = plan_pandas(pictures, seed) if layout == "panda" else plan(layout, pictures, seed, faults)
    name_files(layout, table, seed)
    people, shared = int(table["person"].max()) + 1, (1.5 if layout == "appa-real" else 0.0, layout == "panda")
    work = []
    for k, r in enumerate(table.itertuples()):
        age = r.true_age + r.part_of_year
        work.append(Job(r.path, seed, k, r.person, r.gender, r.ethnicity, age, r.fault, people + k, *shared))
    originals = [work[k] if k >= 0 else None for k in table["original"]]
    write_all(root, work, originals, size, jobs, progress)
    write_tables(layout, table, root, seed, size)
    paths = table["path"].to_numpy()
    table["duplicate_of"] = [paths[k] if k >= 0 else "" for k in table["original"]]
    truth = table.reindex(columns=TRUTH_COLUMNS)
    if layout != "imdb-wiki":
        truth[["face_score", "second_face_score"]] = np.nan
    workspace.write_table(root / TRUTH, truth)


def read_truth(root: str | Path) -> pd.DataFrame:
    """Read the hidden truth of a drawn collection, whose root :func:`draw_collection` returned.

    Returns
    -------
    pandas.DataFrame
        One row a picture, in the order of drawing: :data:`TRUTH_COLUMNS`. ``age`` is the recorded one, ``true_age``
        the one drawn (completed years); ``fault`` and ``duplicate_of`` (the path repeated) are '' for none.

    Raises
    ------
    FileNotFoundError
        If the folder has no truth table: it is not a drawn collection.
    """
    path = Path(root) / TRUTH
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: only collections that agelib draws have a truth table")
    text = {name: "str" for name in ("path", "identity", "fault", "duplicate_of", "expression", "beard")}
    truth = pd.read_csv(path, dtype=text, float_precision="round_trip")
    return truth.assign(fault=truth["fault"].fillna(""), duplicate_of=truth["duplicate_of"].fillna(""))


def draw_faces(
    people: Sequence[int | Person],
    ages: Sequence[float] | float,
    size: int = 128,
    seed: int = 42,
    plain: bool = False,
    cues: Mapping[str, float] | None = None,
) -> np.ndarray:
    """Draw faces into an array.

    Parameters
    ----------
    people : sequence of int or Person
        Numbers of people that belong to `seed`, or people made by :func:`make_person`.
    ages : float or sequence of float
        How old, in years: one age for all, or one each.
    size : int
        Side in pixels.
    seed : int
        Seed of the people and of the pictures.
    plain : bool
        Frontal, evenly lit, bare-headed, before a quiet wall.
    cues : mapping, optional
        Cue of :data:`agelib.drawn.CUES` → the age, in years, that this cue alone is drawn for, in all images.

    Returns
    -------
    numpy.ndarray
        RGB, uint8 [N, size, size, 3].

    Raises
    ------
    ValueError
        If there are not as many ages as people, or there is no such cue.

    Examples
    --------
    >>> draw_faces([1, 2, 3], 30, size=32).shape
    (3, 32, 32, 3)
    >>> draw_faces([1, 2, 3], 30, size=32, cues={"hair": 75}).shape  # white-haired at 30
    (3, 32, 32, 3)
    """

    def paint(person, age, seeds):
        person = person if isinstance(person, Person) else make_person(int(person), seed)
        return draw(person, take_picture(person, age, seeds, plain), size, cues)

    return _draw_each(paint, people, ages, size, seed, "people")


def draw_pandas(
    pandas: Sequence[int | Panda], ages: Sequence[float] | float, size: int = 128, seed: int = 42, plain: bool = False
) -> np.ndarray:
    """Draw pandas into an array, as :func:`draw_faces` draws people.

    Parameters
    ----------
    pandas : sequence of int or Panda
        Numbers of the animals that belong to `seed`, or animals made by :func:`make_panda`.
    ages, size, seed, plain
        As in :func:`draw_faces`.

    Raises
    ------
    ValueError
        If there are not as many ages as animals, or an age is out of range.

    Examples
    --------
    >>> draw_pandas([1, 1, 1], [0.5, 8, 28], size=32).shape
    (3, 32, 32, 3)
    """

    def paint(panda, age, seeds):
        panda = panda if isinstance(panda, Panda) else make_panda(int(panda), seed)
        return draw_panda(panda, take_panda_picture(panda, age, seeds, plain), size)

    return _draw_each(paint, pandas, ages, size, seed, "pandas")


def _draw_each(paint, whom, ages, size: int, seed: int, what: str) -> np.ndarray:
    ages = np.full(len(whom), ages, float) if np.ndim(ages) == 0 else np.asarray(ages, float)
    if len(ages) != len(whom):
        raise ValueError(f"there are {len(whom)} {what} and {len(ages)} ages; give one age each, or one for all")
    images = np.empty((len(whom), size, size, 3), np.uint8)
    for k, (who, age) in enumerate(zip(whom, ages.tolist(), strict=True)):
        images[k] = paint(who, age, (seed, k))
    return images


def draw_ageing(person: int | Person, ages: Sequence[float], size: int = 128, seed: int = 42) -> np.ndarray:
    """Draw one person at several ages, taken the same way each time, so that only the age differs.

    Returns
    -------
    numpy.ndarray
        RGB, uint8 [len(ages), size, size, 3].

    Examples
    --------
    >>> draw_ageing(4, [2, 20, 80], size=32).shape
    (3, 32, 32, 3)
    """
    person = person if isinstance(person, Person) else make_person(int(person), seed)
    pictures = [take_picture(person, float(age), (seed, 0), plain=True) for age in ages]
    return np.stack([draw(person, picture, size) for picture in pictures])
