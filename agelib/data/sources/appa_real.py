"""APPA-REAL as its owners publish it: three folders of pictures and tables of what many raters guessed.

Each picture ``X.jpg`` lies beside ``X.jpg_face.jpg``, the face cut out and turned upright. The label is the mean of
the guesses, the apparent age; the real age is there too. Explained in chapter 01.

Source: Agustsson et al., *Apparent and real age estimation in still images with deep residual regressors on APPA-REAL
database*, FG 2017, doi 10.1109/FG.2017.20.
"""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data import table as faces_tables
from agelib.data.spreadsheets import read_table, to_numbers
from agelib.pixels.image_files import Listing, list_images, visible_folders

PARTS = faces_tables.PARTS
NAME_COLUMNS = ("file_name", "file")

#: How a cell says that it holds nothing.
MISSING = ("", "NaN", "nan", "NA", "N/A", "NULL", "null", "None")

#: Table of a part, the better one first → our column → what its owners call it there.
TABLES = {
    "gt_avg": {"apparent_age": ("apparent_age_avg",), "apparent_std": ("apparent_age_std",), "real_age": ("real_age",)},
    "gt": {"rating": ("apparent_age", "rating"), "real_age": ("real_age",)},
}


def read(root, keep_split: bool = False) -> faces_tables.Collection:
    """Read the tables ``gt_avg_*.csv`` (or ``gt_*.csv``) and ``allcategories_*.csv`` into a faces table.

    Parameters
    ----------
    root : path
        The folder ``appa-real-release``, or one that contains it.
    keep_split : bool
        Whether to add the published parts as the column ``split``. They say nothing of who is shown, so that a
        person may be on two sides.

    Returns
    -------
    agelib.data.table.Collection
        `age` is the apparent age. The face picture is taken where there is one, the whole picture otherwise (counted
        in `notes`). Rated names without any picture, and images that no table rates, are in `skipped`.

    Raises
    ------
    FileNotFoundError
        If no table of ratings is there.
    ValueError
        If a table lacks a column or has an age that is no number; the message names the file and the row.

    Notes
    -----
    Without ``gt_avg_*.csv`` the mean and the (n − 1) standard deviation are computed from the single ratings.
    """
    folder = find_release(Path(root))
    prefix = "" if folder == Path(root) else folder.relative_to(root).as_posix() + "/"
    tables, skipped, notes = [], [], {}
    for part in PARTS:
        ratings = _read_ratings(folder, part, notes)
        if ratings is None:
            continue
        ratings = ratings.merge(_read_attributes(folder, part, notes), on="name", how="left")
        listed = list_images(folder / part) if (folder / part).is_dir() else Listing([], [], [])
        present = {
            name.lower(): name for name in reversed(listed.files)
        }  # an archive's letters may have lost their case
        whole, face = (ratings["name"].str.lower() + ending for ending in ("", "_face.jpg"))
        has_face, has_whole = face.isin(present), whole.isin(present)
        wanted = (ratings["name"] + "_face.jpg").where(has_face, ratings["name"])
        chosen = face.where(has_face, whole).map(present).fillna(wanted)
        _count(notes, "no cut-out face: the whole picture is taken", ~has_face & has_whole)
        _count(notes, "the picture's name differs from the table's in the case of a letter", chosen != wanted)
        found = (has_face | has_whole).to_numpy()
        table = _to_table(ratings, f"{prefix}{part}/" + chosen)
        table["split"] = part
        tables.append(table[found])
        lost = [(path, "rated, but there is no such picture") for path in table["path"][~found]]
        known, inside = {*whole, *face}, f"{prefix}{part}/"
        lost += [(inside + name, "no table rates it") for name in listed.files if name.lower() not in known]
        published = [(inside + path, why) for path, why in listed.others if not path.endswith(".mat")]
        left_out, odd = faces_tables.passed_over(replace(listed, others=published), lost)
        skipped.append(left_out)
        notes |= odd
    if not tables:
        raise FileNotFoundError(
            f"appa-real: no gt_avg_train.csv (or valid, test; or gt_train.csv) in {folder}; "
            "give the folder appa-real-release or the published appa-real-release.zip"
        )
    faces = pd.concat(tables, ignore_index=True)
    if faces.empty:
        raise FileNotFoundError(f"appa-real: {folder} has tables but none of the pictures; unpack the whole archive")
    if not keep_split:
        faces = faces.drop(columns="split")
    return faces_tables.Collection(faces, Path(root), pd.concat(skipped, ignore_index=True), notes)


def find_release(root: Path) -> Path:
    """The folder with the tables: the given one or one of its sub-folders."""
    for folder in visible_folders(root):
        if any(os.path.isfile(folder / f"{kind}_{part}.csv") for kind in TABLES for part in PARTS):
            return folder
    return root


def _read_ratings(folder: Path, part: str, notes: dict):
    """One row a picture: name, apparent_age, apparent_std, real_age; None where the part has no table."""
    kind = next((kind for kind in TABLES if (folder / f"{kind}_{part}.csv").is_file()), None)
    if kind is None:
        return None
    file = folder / f"{kind}_{part}.csv"
    table = _read_csv(file)
    names = _column(table, NAME_COLUMNS, file).astype("str")
    numbers = {ours: _numbers(table, theirs, file) for ours, theirs in TABLES[kind].items()}
    ratings = pd.DataFrame({"name": names, **numbers})
    if kind == "gt":
        ratings = (
            ratings.groupby("name", sort=True)
            .agg(apparent_age=("rating", "mean"), apparent_std=("rating", "std"), real_age=("real_age", "first"))
            .reset_index()
        )
        _count(notes, "mean and deviation computed from single ratings", np.ones(len(ratings)))
    repeated = ratings["name"].duplicated()
    _count(notes, "name stands in more than one row: the first is taken", repeated)
    return ratings[~repeated].reset_index(drop=True)


def _read_attributes(folder: Path, part: str, notes: dict) -> pd.DataFrame:
    """Gender, ethnicity and expression of each name, where the extra table is there."""
    file = next((f for f in (folder, folder.parent) if (f / f"allcategories_{part}.csv").is_file()), None)
    if file is None:
        return pd.DataFrame({"name": [], "gender": [], "ethnicity": [], "expression": []}, dtype="object")
    file = file / f"allcategories_{part}.csv"
    table = _read_csv(file)
    attributes = pd.DataFrame({"name": _column(table, NAME_COLUMNS[::-1], file).astype("str")})
    for ours, theirs in {"gender": "gender", "ethnicity": "race", "expression": "happiness"}.items():
        words = _column(table, (theirs,), file)
        attributes[ours] = words.where(words.isna(), words.astype("str").str.strip().str.lower()).astype("object")
    unknown = attributes["gender"].notna() & ~attributes["gender"].isin(faces_tables.GENDERS)
    attributes.loc[unknown, "gender"] = None
    _count(notes, "gender neither female nor male: taken as missing", unknown)
    return attributes.drop_duplicates("name")


def _to_table(ratings: pd.DataFrame, paths) -> pd.DataFrame:
    return faces_tables.table(
        path=paths.to_numpy("object"),
        age=ratings["apparent_age"].to_numpy("float64"),
        source="appa-real",
        **{name: ratings[name].to_numpy("float64") for name in ("real_age", "apparent_age", "apparent_std")},
        **{name: ratings[name].to_numpy("object") for name in ("gender", "ethnicity", "expression")},
    )


def _read_csv(file: Path) -> pd.DataFrame:
    table = read_table(file, what="a table of APPA-REAL")
    return table.mask(table.isin(MISSING))


def _column(table: pd.DataFrame, names, file: Path) -> pd.Series:
    """The first of the named columns; the owners call the same thing differently in different tables."""
    for name in names:
        if name in table:
            return table[name]
    raise ValueError(f"{file}: no column {' or '.join(names)} (it has: {', '.join(table.columns)})")


def _numbers(table: pd.DataFrame, names, file: Path) -> pd.Series:
    column = _column(table, names, file)
    numbers = to_numbers(column.astype("str"))
    wrong = numbers.isna() & column.notna()
    if wrong.any():
        line = wrong.idxmax()
        raise ValueError(
            f"{file}: {column.name!r} must be a number of years, line {line} has {column[line]!r}; "
            "correct it or unpack the archive again"
        )
    return numbers


def _count(notes: dict, what: str, rows) -> None:
    if np.any(rows):
        notes[what] = notes.get(what, 0) + int(np.sum(rows))
