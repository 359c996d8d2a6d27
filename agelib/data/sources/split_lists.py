"""Split lists that others have published: which picture is in training, validation and test, and how old it shows.

The lists of the CORAL paper for MORPH-2, CACD and UTKFace, which much later work took over, and CACD's own table of
names and identities. They hold names of pictures, never pictures, and that is enough to ask who is on both sides; see
:mod:`agelib.experiments.published.split_audit`. Explained in chapter 03.

Source: the files that accompany Cao, Mirjalili, Raschka, *Rank consistent ordinal regression for neural networks with
application to age estimation*, Pattern Recognition Letters 140 (2020); CACD's ``celebrity2000_meta.mat`` of Chen, Chen,
Hsu, *Cross-age reference coding*, ECCV 2014.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data import table
from agelib.data.sources import matlab, utkface
from agelib.data.spreadsheets import read_table, to_numbers
from agelib.data.table import PARTS


@dataclass(frozen=True)
class Layout:
    """How one data set's lists are written.

    Attributes
    ----------
    prefix, parts : str, tuple of str
        Of the files' names (``morph2`` for ``morph2_train.csv``), and the parts that must be there.
    first_age : int
        The lists count ages from 0; this is the age, in years, that 0 stands for.
    file, name : int, str
        The column of the pictures' names, from 0, and how a picture is named: a regular expression with the age that
        the name says and, where people are known, who.
    """

    prefix: str
    parts: tuple
    first_age: int
    file: int
    name: str


#: The lists that :func:`read` knows. MORPH-2's first column, which has no title, names the picture; its ``id_num`` is
#: the number at the beginning of that name.
LAYOUTS = {
    "morph2": Layout("morph2", PARTS, 16, 0, r"^(?P<identity>\d+)_\d+[MF](?P<age>\d+)\.jpg$"),
    "cacd": Layout("cacd", PARTS, 14, 1, r"^(?P<age>\d+)_(?P<identity>.+)_\d+\.jpg$"),
    "utkface": Layout("utk", ("train", "test"), 21, 1, utkface.NAME),
}

#: The column of MORPH-2's lists that says who is shown; the name must agree.
IDENTITY = "id_num"


def read(name: str, folder) -> table.Collection:
    """Read the published split of a data set: its names, ages, people and parts.

    Parameters
    ----------
    name : str
        morph2, cacd or utkface.
    folder : path
        Where ``morph2_train.csv`` and the others lie.

    Returns
    -------
    agelib.data.table.Collection
        Its faces have the column ``split``, ages in years, and ``identity`` (MORPH-2's number; CACD's name as it stands
        in the picture's name; missing for UTKFace, which does not say who is shown). `root` is the folder of the
        lists: the pictures are not there.

    Raises
    ------
    ValueError
        If the name is unknown, or a list is not in the published form: no such column, a name or an age that cannot
        be read, a picture that is listed twice, or an age or a person that is not the name's.
    FileNotFoundError
        If a list is missing.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for part, line in [("train", "0,30_Ann_Bee_0001.jpg,16"), ("valid", "1,20_Cy_Dee_0001.jpg,6"),
    ...                    ("test", "2,31_Ann_Bee_0002.jpg,17")]:
    ...     _ = (folder / f"cacd_{part}.csv").write_text(f",file,age\\n{line}\\n")
    >>> read("cacd", folder).faces[["identity", "age", "split"]]
      identity   age  split
    0  Ann_Bee  30.0  train
    1   Cy_Dee  20.0  valid
    2  Ann_Bee  31.0   test
    """
    if name not in LAYOUTS:
        raise ValueError(f"no published split of {name!r} is known; there are: {', '.join(LAYOUTS)}")
    layout, folder = LAYOUTS[name], Path(folder).expanduser()
    tables = [_read_part(folder / f"{layout.prefix}_{part}.csv", layout, part) for part in layout.parts]
    rows = pd.concat(tables, ignore_index=True)
    if (twice := rows["path"].duplicated()).any():
        row = rows[twice].iloc[0]
        first = rows["split"][rows["path"] == row["path"]].iloc[0]
        where = f"{layout.prefix}_{row['split']}.csv"
        raise ValueError(f"{folder / where}: {row['path']} is listed twice (first in {first}); name each picture once")
    known = {column: rows[column] for column in ("path", "age", "identity")}
    faces = table.table(**known, source=name).assign(split=rows["split"].astype(object))
    return table.Collection(table.check(faces, str(folder)), folder)


def _read_part(file: Path, layout: Layout, part: str) -> pd.DataFrame:
    """Path, age in years, identity and split of one list."""
    if not file.is_file():
        wanted = ", ".join(f"{layout.prefix}_{each}.csv" for each in layout.parts)
        raise FileNotFoundError(f"there is no list {file}; the folder must hold {wanted}")
    given = read_table(file, ("age",), "a list of pictures and ages")
    if given.shape[1] <= layout.file:
        raise ValueError(
            f"{file}: a list has the pictures' names in column {layout.file + 1}; it has: {', '.join(given.columns)}"
        )
    names = given.iloc[:, layout.file]
    said = names.str.extract(layout.name)
    ages = to_numbers(given["age"]) + layout.first_age
    _require(file, names, said["age"].notna(), "is no name of this data set")
    _require(file, names, np.isfinite(ages), "has an age that is no number")
    _require(file, names, pd.to_numeric(said["age"]) == ages, f"has another age than its name (+{layout.first_age})")
    if IDENTITY in given:
        same = to_numbers(given[IDENTITY]) == pd.to_numeric(said["identity"])
        _require(file, names, same, f"has another {IDENTITY} than its name")
    who = said["identity"].astype(object) if "identity" in said else np.nan
    return pd.DataFrame({"path": names, "age": ages.astype(float), "identity": who, "split": part})


def _require(file: Path, names: pd.Series, holds: pd.Series, wrong: str) -> None:
    if not holds.all():
        line = holds.idxmin()
        raise ValueError(f"{file}, line {line}: {names[line]!r} {wrong}; is it the published list, unchanged?")


def read_cacd(file) -> table.Collection:
    """Read CACD's own table: every picture's name, age and the number of the person it shows.

    Parameters
    ----------
    file : path
        ``celebrity2000_meta.mat``.

    Returns
    -------
    agelib.data.table.Collection
        163,446 pictures of 2,000 people; ``identity`` is CACD's number, 1 to 2,000, in four digits. No pictures.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no Matlab file, or not CACD's table.
    """
    file = Path(file).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}; give CACD's celebrity2000_meta.mat")
    record = matlab.read_struct(file, ("celebrityImageData",))
    missing = [field for field in ("name", "age", "identity") if field not in (record or {})]
    if missing:
        raise ValueError(f"{file}: no celebrityImageData.{missing[0]} in it; give celebrity2000_meta.mat")
    people = [f"{int(number):04d}" for number in record["identity"]]
    faces = table.table(path=record["name"], age=record["age"], identity=people, source="cacd")
    return table.Collection(table.check(faces, str(file)), file.parent)
