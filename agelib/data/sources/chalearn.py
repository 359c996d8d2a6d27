"""How old people look and how old they are: ChaLearn's apparent ages beside real ones, picture by picture; no pictures.

Two tables with the same rows in the same order, ``fgnet_chalearn_apparent_db.csv`` and ``fgnet_chalearn_real_db.csv``,
hold 4,691 pictures of the ChaLearn challenge (subject −1: who is shown is not recorded) and 1,002 of FG-NET. The gap of
a picture is its apparent minus its real age, in years: above 0, people look older than they are. Explained in chapter
17.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data import table as faces_tables
from agelib.data.spreadsheets import read_table, to_numbers

#: Column of ages → the file that has it.
FILES = {"apparent_age": "fgnet_chalearn_apparent_db.csv", "real_age": "fgnet_chalearn_real_db.csv"}

#: The subject of pictures of unknown people, all of them ChaLearn's.
NOBODY = -1


def read(root) -> faces_tables.Collection:
    """Read the pair of tables into a faces table.

    Parameters
    ----------
    root : path
        The folder with both files, or one of the two files.

    Returns
    -------
    agelib.data.table.Collection
        `faces` in the files' order: `path` is the picture's name, `age` and `apparent_age` the apparent age, `real_age`
        the real one (both in completed years), `source` is ``chalearn`` or ``fgnet``, and `identity` is known for
        FG-NET. `notes` say for how many FG-NET rows the apparent age is only the real one again.

    Raises
    ------
    FileNotFoundError
        If one of the files is not there.
    ValueError
        If a file is no such table, holds what is no age, or the two differ in their pictures or their order; the
        message names the file and the line.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> text = "img_name, {}, subject\\na.jpg,{},-1\\n001A02.JPG,2,1\\n"
    >>> for column, age in (("apparent_age", 21), ("real_age", 24)):
    ...     _ = (folder / FILES[column]).write_text(text.format(column, age))
    >>> read(folder).faces[["path", "apparent_age", "real_age", "identity", "source"]]
             path  apparent_age  real_age identity    source
    0       a.jpg          21.0      24.0     None  chalearn
    1  001A02.JPG           2.0       2.0      001     fgnet
    """
    folder = _find_folder(root)
    apparent, real = (_read_table(folder / file, column) for column, file in FILES.items())
    _require_same_rows(apparent, real, folder)
    is_nobody = apparent["subject"].to_numpy() == NOBODY
    identity = apparent["subject"].map("{:03d}".format).astype("object").mask(is_nobody, None)
    faces = faces_tables.table(
        path=apparent["img_name"].to_numpy("object"),
        age=apparent["apparent_age"].to_numpy(),
        apparent_age=apparent["apparent_age"].to_numpy(),
        real_age=real["real_age"].to_numpy(),
        identity=identity.to_numpy("object"),
    ).assign(source=np.where(is_nobody, "chalearn", "fgnet").astype("object"))
    same = (faces["source"] == "fgnet") & (faces["apparent_age"] == faces["real_age"])
    notes = {"FG-NET: the apparent age is the real one again": int(same.sum())} if same.any() else {}
    return faces_tables.Collection(faces_tables.check(faces, "apparent and real ages"), folder, notes=notes)


def _find_folder(root) -> Path:
    if not str(root):
        raise ValueError(f"apparent ages need a root: the folder with {' and '.join(FILES.values())}")
    path = Path(root).expanduser()
    folder = path.parent if path.is_file() else path
    missing = [name for name in FILES.values() if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"apparent ages: no {missing[0]} in {folder}; give the folder that holds {' and '.join(FILES.values())}"
        )
    return folder


def _read_table(file: Path, column: str) -> pd.DataFrame:
    """The columns img_name, subject and `column` of one file, by line."""
    table = read_table(file, ("img_name", column, "subject"), "a list of pictures, ages and subjects")
    if table.empty:
        raise ValueError(f"{file}: the table has no rows; get the file again")
    result = pd.DataFrame({"img_name": table["img_name"].str.strip()})
    _refuse(file, result["img_name"] == "", table["img_name"], "the picture's name")
    _refuse(file, result["img_name"].duplicated(), table["img_name"], "a name that is not there yet")
    age = to_numbers(table[column])
    _refuse(file, ~age.between(0, 130), table[column], f"{column}: a number of years from 0 to 130")
    subject = to_numbers(table["subject"])
    is_whole = (subject == np.floor(subject)) & (subject >= NOBODY)
    _refuse(file, ~is_whole, table["subject"], f"subject: a whole number from 0, or {NOBODY}")
    return result.assign(**{column: age, "subject": subject.astype("int64")})


def _refuse(file: Path, wrong: pd.Series, found: pd.Series, wish: str) -> None:
    lines = wrong.index[wrong]
    if len(lines):
        number = f"{len(lines)} lines have" if len(lines) > 1 else "1 line has"
        raise ValueError(
            f"{file}: {number} something else than {wish} (first: line {lines[0]}, {found[lines[0]]!r}); "
            "correct it or get the file again"
        )


def _require_same_rows(apparent: pd.DataFrame, real: pd.DataFrame, folder: Path) -> None:
    if len(apparent) != len(real):
        raise ValueError(
            f"apparent ages: {FILES['apparent_age']} has {len(apparent)} rows and {FILES['real_age']} has {len(real)} "
            f"(in {folder}); they are a pair, get both again"
        )
    ours, theirs = (table[["img_name", "subject"]] for table in (apparent, real))
    other = np.flatnonzero((ours.to_numpy() != theirs.to_numpy()).any(axis=1))
    if len(other):
        one, two = (" of subject ".join(map(str, table.iloc[other[0]])) for table in (ours, theirs))
        raise ValueError(
            f"apparent ages: line {ours.index[other[0]]} is {one} in {FILES['apparent_age']}, but {two} in "
            f"{FILES['real_age']} ({len(other)} lines differ, in {folder}); the two list the same pictures in the same "
            "order, get both again"
        )
