"""The faces table: one row a picture, the same columns for every data set.

A source fills the columns that it knows and leaves the others missing. The table is checked once, at the door,
by :func:`check`; behind it every room may trust the columns' names, kinds and units. Explained in chapter 01.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.pixels.image_files import Listing, count_reasons

#: Column → (kind, meaning). Ages are in years, boxes in pixels of the picture as stored.
COLUMNS = {
    "path": ("text", "the picture, relative to the collection's root, with forward slashes; unique"),
    "age": ("number", "the label used, in years"),
    "real_age": ("number", "years since birth when the picture was taken"),
    "apparent_age": ("number", "mean of the raters' guesses, in years"),
    "apparent_std": ("number", "standard deviation of the raters' guesses, in years"),
    "identity": ("text", "who is shown; two pictures of one person share it"),
    "gender": ("text", "female or male, as the data set records it"),
    "ethnicity": ("text", "the data set's own word, in lower case"),
    "expression": ("text", "the data set's own word, in lower case"),
    "face_box": ("text", "x1 y1 x2 y2 of the face, in pixels from 0, separated by spaces"),
    "face_score": ("number", "the recorded detector's score; -inf: it found no face"),
    "second_face_score": ("number", "the score of a second face; missing: there is none"),
    "source": ("text", "the data set's name; drawn sets begin with 'drawn'"),
}

#: What later rooms add: the part of the split (train, valid, test), and the fold's number.
LATER_COLUMNS = {"split": ("text", "train, valid or test"), "fold": ("number", "number of the fold, from 0")}

GENDERS = ("female", "male")
PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Collection:
    """A data set as it was read: its faces, its folder, and what had to be left out or mended.

    Attributes
    ----------
    faces, root : pandas.DataFrame, pathlib.Path
        The faces table, and the folder that its `path` is relative to.
    skipped : pandas.DataFrame
        Columns ``path`` and ``reason``: files and rows that could not become a row of `faces`.
    notes : dict of str to int
        What was found odd and kept or mended, in words, with how often.
    """

    faces: pd.DataFrame
    root: Path
    skipped: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"path": [], "reason": []}, dtype="object"))
    notes: dict = field(default_factory=dict)


def passed_over(listed: Listing, unusable: Iterable = ()) -> tuple[pd.DataFrame, dict]:
    """`skipped` and `notes` of a :class:`Collection` whose folder was listed.

    `unusable` are pairs of path and reason, of images that the reader cannot use.
    """
    notes = {f"{why}, such as {path}": number for why, number, path in count_reasons(listed.others)}
    return pd.DataFrame([*unusable, *listed.lost], columns=["path", "reason"], dtype="object"), notes


def table(**columns) -> pd.DataFrame:
    """Make a faces table of the given columns; those not given are missing throughout.

    Examples
    --------
    >>> faces = table(path=["a.jpg", "b.jpg"], age=[28, 3], source="drawn")
    >>> faces[["path", "age", "gender"]]
        path   age gender
    0  a.jpg  28.0    NaN
    1  b.jpg   3.0    NaN
    """
    unknown = sorted(set(columns) - set(COLUMNS))
    if unknown:
        raise ValueError(f"the faces table has no column {unknown[0]!r}; it has: {', '.join(COLUMNS)}")
    number = max(len(values) for values in columns.values() if not isinstance(values, str) and np.ndim(values))
    faces = pd.DataFrame(index=pd.RangeIndex(number))
    for name, (kind, _) in COLUMNS.items():
        values = columns.get(name, np.nan)
        faces[name] = pd.Series(values, index=faces.index, dtype="float64" if kind == "number" else "object")
    return faces


def check(faces: pd.DataFrame, where: str = "faces table") -> pd.DataFrame:
    """Check the columns, kinds and values of a faces table and return it.

    Parameters
    ----------
    faces, where : pandas.DataFrame, str
        The table, and what to call it in an error: a file's or a data set's name.

    Returns
    -------
    pandas.DataFrame
        The same rows, columns in the order of :data:`COLUMNS`, numbers as float64, text as object.

    Raises
    ------
    ValueError
        If a column is missing or of another kind, a path is missing or stands twice, an age is infinite, or a gender
        is neither female nor male; the message names the first row at fault.

    Examples
    --------
    >>> check(table(path=["a.jpg", "a.jpg"], age=[28, 3]), "my.csv")
    Traceback (most recent call last):
    ...
    ValueError: my.csv: 'path' must be unique, row 1 has 'a.jpg' again; remove or rename one of the two
    """
    missing = [name for name in COLUMNS if name not in faces]
    if missing:
        raise ValueError(f"{where}: no column {', '.join(missing)}; make the table with agelib.data.table.table")
    known = COLUMNS | LATER_COLUMNS
    faces = faces[[name for name in known if name in faces]].reset_index(drop=True)
    for name, (kind, _) in known.items():
        if name not in faces:
            continue
        try:
            faces[name] = faces[name].astype("float64" if kind == "number" else "object")
        except (TypeError, ValueError):
            numbers = pd.to_numeric(faces[name], errors="coerce")
            row = int(np.flatnonzero(numbers.isna() & faces[name].notna())[0])
            raise ValueError(f"{where}: {name!r} must be a number, row {row} has {faces[name][row]!r}") from None
    _check_values(faces, where)
    return faces


def _check_values(faces: pd.DataFrame, where: str) -> None:
    """Hand the rules to pandera and say its first finding in one sentence."""
    import pandera.pandas as pa

    text = pa.Check(lambda s: s.dropna().map(type).eq(str).reindex(s.index, fill_value=True), error="must be text")
    rules = {name: pa.Column(checks=[text], nullable=True) for name, (k, _) in COLUMNS.items() if k == "text"}
    rules["path"] = pa.Column(checks=[text], nullable=False)
    rules["gender"] = pa.Column(checks=[pa.Check.isin(GENDERS, error="must be female or male")], nullable=True)
    rules["age"] = pa.Column(float, checks=[pa.Check(np.isfinite, error="must be a finite number")], nullable=True)
    if "split" in faces:
        rules["split"] = pa.Column(checks=[pa.Check.isin(PARTS, error="must be train, valid or test")], nullable=True)
    repeated = faces["path"][faces["path"].duplicated() & faces["path"].notna()]
    if len(repeated):
        again = f"row {repeated.index[0]} has {repeated.iloc[0]!r} again"
        raise ValueError(f"{where}: 'path' must be unique, {again}; remove or rename one of the two")
    try:
        pa.DataFrameSchema(rules).validate(faces, lazy=True)
    except pa.errors.SchemaErrors as error:
        first = error.failure_cases.iloc[0]
        wish = "must not be missing" if first["check"] == "not_nullable" else first["check"]
        value = "" if first["check"] == "not_nullable" else f" ({first['failure_case']!r})"
        raise ValueError(f"{where}: {first['column']!r} {wish}, row {first['index']}{value} does not hold") from None


def is_drawn(faces: pd.DataFrame) -> bool:
    """Whether any of the faces is drawn, so that its numbers must not pass for results on people."""
    return bool(faces["source"].astype(str).str.startswith("drawn").any())


def read(path) -> pd.DataFrame:
    """Read a faces table that :func:`write` wrote."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"no faces table at {path}; agelib.prepare makes one")
    kinds = {name: "object" for name, (kind, _) in (COLUMNS | LATER_COLUMNS).items() if kind == "text"}
    as_written = {"keep_default_na": False, "na_values": [""], "float_precision": "round_trip"}  # somebody may be "NA"
    return check(pd.read_csv(path, dtype=kinds, **as_written), str(path))


def write(path, faces: pd.DataFrame) -> None:
    """Write a faces table as CSV, whole."""
    from agelib.runtime.workspace import write_table

    write_table(path, check(faces, str(path)))
