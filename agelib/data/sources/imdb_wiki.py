"""IMDB-WIKI as its owners publish it: a ``.mat`` file with one struct, beside numbered folders of pictures.

The ages are not in the file. They are derived from the birth date and from the year of the picture, under the
convention that a picture was taken on 1 July; that is why some people are younger than 0 or older than 100.
Explained in chapter 01.

Source: Rothe, Timofte, Van Gool, *Deep expectation of real and apparent age from a single image without facial
landmarks*, IJCV 126 (2018).
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data import table as faces_tables
from agelib.data.sources import matlab
from agelib.pixels.image_files import visible_folders

#: The two halves of the data set; the struct in the file has the file's name.
METADATA = ("wiki.mat", "imdb.mat")

#: Fields that both structs have.
FIELDS = ("dob", "photo_taken", "full_path", "gender", "name", "face_location", "face_score", "second_face_score")

STRUCTS = ("wiki", "imdb")
TEXTS = ("full_path", "name")

#: Matlab counts days from the year 0, Python from 1 January of the year 1, numpy from 1970.
FIRST_SERIAL = 367
SERIAL_OF_1970 = 719529
LAST_SERIAL = FIRST_SERIAL - 1 + 3652059

#: The releases with these folder names hold cut-out faces, while `face_location` speaks of the whole pictures.
CROPPED = ("wiki_crop", "imdb_crop")


def read(root) -> faces_tables.Collection:
    """Read the metadata below a folder (or one ``.mat`` file) into a faces table.

    Every row of the file becomes a row of the table, also one that no study would use: which rows are kept is decided,
    and reported, by the cleaning. `age` is the completed years, `real_age` the exact years, both on 1 July of the
    year of the picture. A row without a valid birth date or year keeps its place with its ages missing.

    Parameters
    ----------
    root : path
        The folder that holds ``wiki.mat`` or ``imdb.mat`` (or whose sub-folders do), or one of the two files.

    Returns
    -------
    agelib.data.table.Collection
        `notes` counts what is odd; `skipped` lists rows without a path or with a path that an earlier row has.

    Raises
    ------
    FileNotFoundError
        If there is no metadata file.
    ValueError
        If a metadata file is damaged, or holds no struct of the published form.
    """
    root = Path(root)
    files = find_metadata(root)
    folder = root if root.is_dir() else root.parent
    tables, skipped, notes = [], [], {}
    for file in files:
        inside = file.parent.relative_to(folder).as_posix()
        prefix = "" if inside == "." else inside + "/"
        table, left_out, odd = _to_table(load_struct(file), file, prefix, by_name=len(files) > 1)
        tables.append(table)
        skipped.append(left_out)
        for what, number in odd.items():
            notes[what] = notes.get(what, 0) + number
    faces = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    return faces_tables.Collection(faces, folder, pd.concat(skipped, ignore_index=True), notes)


def find_metadata(root: Path) -> list[Path]:
    """The metadata files in a folder or one level below it; or the file itself."""
    if root.is_file():
        return [root]
    top, *below = visible_folders(root)
    found = [folder / name for some in ([top], below) for name in METADATA for folder in some]
    found = [file for file in found if os.path.isfile(file)]
    if not found:
        raise FileNotFoundError(
            f"imdb-wiki: neither wiki.mat nor imdb.mat in {root} or its sub-folders; "
            "give the folder, the .mat file itself or the published archive (wiki_crop.tar, imdb_crop.tar)"
        )
    return found


def load_struct(file) -> dict:
    """Load the struct ``wiki`` or ``imdb`` of a ``.mat`` file: field → one value (or text, or row) a picture.

    Raises
    ------
    ValueError
        If the file is damaged, HDF5 or not a Matlab file, has no such struct, misses a field, or has fields of
        different lengths.
    """
    file = Path(file)
    struct = matlab.read_struct(file, STRUCTS)
    remedy = "give the data set's own wiki.mat or imdb.mat"
    if struct is None:
        from scipy.io import whosmat

        held = ", ".join(name for name, _, _ in whosmat(file)) or "nothing"
        raise ValueError(f"{file}: no struct 'wiki' or 'imdb' (it holds: {held}); {remedy}")
    missing = [name for name in FIELDS if name not in struct]
    if missing:
        raise ValueError(f"{file}: the struct has no field {', '.join(missing)}; {remedy}")
    wrong = [name for name in FIELDS if isinstance(struct[name], list) != (name in TEXTS)]
    if wrong:
        raise ValueError(f"{file}: the field {wrong[0]!r} is not of the published kind; {remedy}")
    lengths = {name: len(struct[name]) for name in FIELDS}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{file}: the fields have different lengths ({lengths}); the file is damaged: fetch it again")
    return struct


def to_birth_dates(serials) -> np.ndarray:
    """Turn Matlab day numbers into dates; what is not a day of the years 1 to 9999 becomes NaT.

    Parameters
    ----------
    serials : array of numbers, [N]
        Days since the year 0, as Matlab's ``datenum`` counts them.

    Examples
    --------
    >>> to_birth_dates([723671, 366, float("nan")])
    array(['1981-05-05', 'NaT', 'NaT'], dtype='datetime64[D]')
    """
    serials = np.asarray(serials, dtype="float64")
    valid = (serials >= FIRST_SERIAL) & (serials < LAST_SERIAL + 1)
    days = np.where(valid, serials, SERIAL_OF_1970).astype("int64") - SERIAL_OF_1970
    dates = days.astype("datetime64[D]")
    dates[~valid] = np.datetime64("NaT")
    return dates


def to_ages(born, years) -> tuple[np.ndarray, np.ndarray]:
    """Ages on 1 July of the given years.

    Parameters
    ----------
    born, years : array of datetime64[D], [N], and of numbers, [N]
        Birth dates, and calendar years of the pictures.

    Returns
    -------
    completed, exact : two float64 arrays, [N]
        Completed years, and years with the part of the current one that has passed: ``floor(exact) == completed``.
        Missing where the birth date or the year is.

    Examples
    --------
    >>> completed, exact = to_ages(to_birth_dates([723671, 723671]), [2009, 1980])
    >>> completed
    array([28., -1.])
    >>> exact.round(3)
    array([28.156, -0.844])
    """
    born, years = np.asarray(born, dtype="datetime64[D]"), np.asarray(years, dtype="float64")
    valid = ~np.isnat(born) & (years >= 1) & (years <= 9999)
    born = np.where(valid, born, np.datetime64("1970-01-01", "D"))
    years = np.where(valid, years, 1970).astype("int64")
    month_start = born.astype("datetime64[M]")
    birth_year = born.astype("datetime64[Y]").astype("int64") + 1970
    month = month_start.astype("int64") % 12  # from 0
    day = born - month_start  # from 0

    def birthday(year):
        # 29 February falls on 1 March of a common year.
        return _year_start(year).astype("datetime64[M]") + month + day

    first_of_july = (_year_start(years).astype("datetime64[M]") + 6).astype("datetime64[D]")
    completed = years - birth_year - (birthday(years) > first_of_july)
    last, following = birthday(birth_year + completed), birthday(birth_year + completed + 1)
    exact = completed + (first_of_july - last) / (following - last)
    return np.where(valid, completed, np.nan), np.where(valid, exact, np.nan)


def _year_start(year) -> np.ndarray:
    return (year - 1970).astype("datetime64[Y]")


def _to_table(struct: dict, file: Path, prefix: str, by_name: bool):
    """One struct → faces table, rows left out, and counts of what is odd."""
    born = to_birth_dates(struct["dob"])
    years, gender = struct["photo_taken"], struct["gender"]
    age, real_age = to_ages(born, years)
    face_score, second = struct["face_score"], struct["second_face_score"]
    paths = [path.strip() for path in struct["full_path"]]
    identity = [name.strip() or None for name in struct["name"]]
    if "celeb_id" in struct and not by_name:
        # With both halves at hand only the name says that a person of one is a person of the other.
        identity = [None if number != number else f"{number:.0f}" for number in struct["celeb_id"].tolist()]
    cropped = file.parent.name in CROPPED
    box = np.full(len(paths), np.nan, dtype="object") if cropped else _to_boxes(struct["face_location"], face_score)
    table = faces_tables.table(
        path=[prefix + path for path in paths],
        age=age,
        real_age=real_age,
        identity=identity,
        gender=np.select([gender == 0, gender == 1], ["female", "male"], default=None),
        face_box=box,
        face_score=face_score,
        second_face_score=second,
        source="imdb-wiki",
    )
    odd = {
        "no face found (face_score is -inf)": np.isneginf(face_score),
        "a second face": ~np.isnan(second),
        "no gender": np.isnan(gender),
        "gender neither 0 nor 1: taken as missing": ~np.isnan(gender) & (gender != 0) & (gender != 1),
        "birth date outside the years 1 to 9999: age missing": np.isnat(born),
        "year of the picture missing or impossible: age missing": ~((years >= 1) & (years <= 9999)),
        "age below 0": real_age < 0,
        "age above 100": real_age > 100,
        "no name: identity missing": table["identity"].isna(),
    }
    if cropped:
        what = "cut-out faces: the recorded face box speaks of the whole picture and is left out"
        odd[what] = np.isfinite(face_score)
    no_path = np.array([not path for path in paths], dtype=bool)
    repeated = table["path"].duplicated().to_numpy() & ~no_path
    reason = np.select([no_path, repeated], ["no path", "the path stands in an earlier row"], default="")
    left_out = pd.DataFrame({"path": table["path"], "reason": reason}, dtype="object")[no_path | repeated]
    notes = {what: int(np.sum(rows)) for what, rows in odd.items() if np.any(rows)}
    return table[~(no_path | repeated)], left_out, notes


def _to_boxes(corners, face_score) -> np.ndarray:
    """Corners counted from 1, [N, 4] → text of the corners counted from 0; missing where no face was found."""
    boxes = np.full(len(corners), np.nan, dtype="object")
    if corners.shape[1] == 4:
        usable = np.isfinite(corners).all(axis=1) & np.isfinite(face_score)
        from_zero = np.round(corners[usable] - 1, 1)
        boxes[usable] = [f"{a:g} {b:g} {c:g} {d:g}" for a, b, c, d in from_zero.tolist()]
    return boxes
