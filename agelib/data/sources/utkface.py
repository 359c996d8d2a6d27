"""UTKFace as its owners publish it: pictures whose names are the labels.

A name reads ``[age]_[gender]_[race]_[yyyymmddHHMMSSFFF].jpg.chip.jpg``; some do not, and each of their faults is
mended where the rest of the name is sure, and counted. Explained in chapter 01.

Source: Zhang, Song, Qi, *Age progression/regression by conditional adversarial autoencoder*, CVPR 2017.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data import table
from agelib.pixels.image_files import ENDINGS, list_images

GENDERS = {"0": "male", "1": "female"}
ETHNICITIES = {"0": "white", "1": "black", "2": "asian", "3": "indian", "4": "other"}
OLDEST = 116

_FORMAT = "|".join(ending[1:] for ending in sorted(ENDINGS))

#: Only age and time must be there. The race is one digit, so that a missing one is not read out of the time.
NAME = (
    r"(?i)^(?P<age>\d{1,3})_(?P<gender>\d?)(?:_(?P<race>\d))?_(?P<time>\d{8,20})"
    rf"(?P<space>\s*)(?P<dot>\.?)(?:{_FORMAT})(?:\.chip)?(?:\.(?:{_FORMAT}))?$"
)


def read(root) -> table.Collection:
    """Read the names of all pictures in a folder and its sub-folders into a faces table.

    Parameters
    ----------
    root : path
        The folder ``UTKFace``, or one that contains it.

    Returns
    -------
    agelib.data.table.Collection
        Rows sorted by path. Identity is missing throughout: the data set does not say who is shown. `notes` counts
        malformed names that were mended and files that are no images, `skipped` lists images that cannot be read and
        those whose names give no age.

    Raises
    ------
    FileNotFoundError
        If the folder has no pictures.
    ValueError
        If no picture has a name of the published form.
    """
    root = Path(root)
    listed = list_images(root)
    paths = listed.files
    if not paths:
        raise FileNotFoundError(
            f"utkface: no pictures (.jpg) in {root} or its sub-folders; give the folder UTKFace or UTKFace.tar.gz"
        )
    names = pd.Series([path.rpartition("/")[2] for path in paths], dtype="object")
    labels = parse_names(names)
    readable = labels["age"].notna().to_numpy()
    if not readable.any():
        raise ValueError(
            f"utkface: none of {len(paths)} pictures in {root} has a name like "
            f"25_0_2_20170116174525125.jpg.chip.jpg (first: {names[0]}); is it another data set?"
        )
    kept = labels[readable]
    paths = np.array(paths, dtype="object")
    faces = table.table(
        path=paths[readable],
        **{name: kept[name].to_numpy() for name in ("age", "gender", "ethnicity")},
        source="utkface",
    )
    reason = "the name gives no age; expected [age]_[gender]_[race]_[time].jpg"
    skipped, notes = table.passed_over(listed, [(path, reason) for path in paths[~readable]])
    return table.Collection(faces, root, skipped, _count_oddities(kept) | notes)


def parse_names(names) -> pd.DataFrame:
    """Read the labels out of file names.

    Parameters
    ----------
    names : sequence of str, [N]
        File names without folders.

    Returns
    -------
    pandas.DataFrame, [N]
        ``age`` (years; missing where the name cannot be read), ``gender``, ``ethnicity`` and the pieces of the name
        (``race``, ``time``, ``space``, ``dot``).

    Examples
    --------
    >>> names = ["55_0_0_20170116232725357jpg.chip.jpg", "39_1_20170116174525125.jpg.chip.jpg", "me.jpg"]
    >>> parse_names(names)[["age", "gender", "ethnicity"]]
        age  gender ethnicity
    0  55.0    male     white
    1  39.0  female      None
    2   NaN    None      None
    """
    pieces = pd.Series(names, dtype="object").str.extract(NAME).astype("object")
    pieces = pieces.where(pieces.notna(), None)
    words = {"gender": _translate(pieces["gender"], GENDERS), "ethnicity": _translate(pieces["race"], ETHNICITIES)}
    read_out = pd.DataFrame({"age": pd.to_numeric(pieces["age"]).astype("float64"), **words})
    return read_out.join(pieces[["race", "time", "space", "dot"]]).join(pieces["gender"].rename("gender_code"))


def _translate(codes, words: dict) -> pd.Series:
    return pd.Series([words.get(code) for code in codes], index=codes.index, dtype="object")


def _count_oddities(labels: pd.DataFrame) -> dict[str, int]:
    """What was odd in the names that could be read, with how often."""
    length = labels["time"].str.len()
    odd = {
        "no race field: ethnicity missing": labels["race"].isna(),
        "race code not 0 to 4: ethnicity missing": labels["race"].notna() & labels["ethnicity"].isna(),
        "no gender or a code not 0 or 1: gender missing": labels["gender"].isna(),
        "no dot before jpg": labels["dot"] == "",
        "a space before the dot": labels["space"] != "",
        "time of fewer or more than 17 digits": length != 17,
        f"age above {OLDEST}, the oldest of the data set": labels["age"] > OLDEST,
    }
    return {what: int(rows.sum()) for what, rows in odd.items() if rows.any()}
