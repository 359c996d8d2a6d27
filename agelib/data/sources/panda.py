"""Pictures of animals in one folder each, the age in the file's name: drawn pandas, or your own.

``panda0012/7.25_000031.jpg`` is animal panda0012 at seven and a quarter years. This layout is ours: study D's 8,002
pictures of giant pandas are not public, and how they lie on disk is not in our sources. Explained in chapter 24.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data import table
from agelib.pixels.image_files import list_images

#: Age in years, with a point before its fraction; the rest of the name is free.
NAME = r"^(?P<age>\d{1,3}(?:\.\d+)?)_"

#: Ages above this are counted as odd: the oldest giant pandas lived to about 38 years.
OLDEST = 38


def read(root) -> table.Collection:
    """Read the names of folders and pictures into a faces table.

    Parameters
    ----------
    root : path
        A folder that holds one folder for each animal, ``<animal>/<age>_….jpg``.

    Returns
    -------
    agelib.data.table.Collection
        Rows sorted by path; ``identity`` is the folder's name, ``age`` and ``real_age`` the number before the first
        underscore, in years. `skipped` lists pictures that lie in no animal's folder or whose names give no age.

    Raises
    ------
    FileNotFoundError
        If the folder has no pictures.
    ValueError
        If no picture lies and is named as above.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp(), "bao")
    >>> folder.mkdir()
    >>> (folder / "2.5_01.jpg").touch()
    >>> read(folder.parent).faces[["path", "age", "identity"]]
                 path  age identity
    0  bao/2.5_01.jpg  2.5      bao
    """
    root = Path(root)
    listed = list_images(root)
    paths = pd.Series(listed.files, dtype="object")
    if paths.empty:
        raise FileNotFoundError(
            f"panda: no pictures (.jpg) in {root} or its sub-folders; give a folder with one folder for each animal"
        )
    pieces = paths.str.rsplit("/", n=1)
    name = pieces.str[-1]
    # An archive may wrap the animals' folders in another: the folder that holds the picture is the animal.
    animal = pieces.str[0].where(pieces.str.len() == 2).str.rsplit("/", n=1).str[-1]
    age = pd.to_numeric(name.str.extract(NAME)["age"], errors="coerce").astype("float64")
    reason = np.select(
        [animal.isna(), age.isna()],
        ["in no animal's folder", "the name gives no age; expected <age>_….jpg, such as 7.25_000031.jpg"],
        default="",
    )
    kept = reason == ""
    if not kept.any():
        raise ValueError(
            f"panda: none of {len(paths)} pictures in {root} is named <animal>/<age>_….jpg (first: {paths[0]}: "
            f"{reason[0]}); is it another data set?"
        )
    faces = table.table(
        path=paths[kept].to_numpy("object"),
        age=age[kept].to_numpy(),
        real_age=age[kept].to_numpy(),
        identity=animal[kept].to_numpy("object"),
        source="panda",
    )
    skipped, notes = table.passed_over(listed, zip(paths[~kept], reason[~kept], strict=True))
    if old := int((faces["age"] > OLDEST).sum()):
        notes[f"age above {OLDEST} years"] = old
    return table.Collection(faces, root, skipped, notes)
