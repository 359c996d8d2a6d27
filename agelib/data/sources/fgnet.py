"""FG-NET's annotations as they are published: for each picture 68 landmarks and a small file of facts; no pictures.

1,002 pictures of 82 people aged 0 to 69, named ``001A02``: the person, and the age in years. Real identities in a
set that is small enough for any laptop, so that folds by picture and folds by person can be compared on it; see
:mod:`agelib.experiments.published.landmarks`. Explained in chapter 24.

Source: the FG-NET aging database (Face and Gesture Recognition Research Network), 2002.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data import table as faces_tables
from agelib.data.sources import archives
from agelib.pixels.image_files import list_images

#: Landmarks of a face: outline of the jaw, brows, eyes, nose, mouth.
LANDMARKS = 68

#: ``001A43b``: person, age in years, and a letter where there are several pictures of that age.
NAME = re.compile(r"^(?P<identity>\d{3})a(?P<age>\d{2})(?P<letter>[a-z]?)$")

#: Column of the table → key in a ``.dat`` file, spelled as there.
FACTS = {
    "quality": "Quality", "width": "Width", "height": "Height", "colour": "Type", "glasses": "Spectagles", "hat": "Hat",
    "moustache": "Moustache", "beard": "Beard", "horizontal_pose": "HorizontalPose", "vertical_pose": "VerticalPose",
}  # fmt: skip
_NUMBERS, _YES_OR_NO = ("quality", "width", "height"), ("glasses", "hat", "moustache", "beard")


@dataclass(frozen=True)
class Annotations(faces_tables.Collection):
    """FG-NET's annotations as they were read: a :class:`~agelib.data.table.Collection` without pictures.

    Attributes
    ----------
    faces : pandas.DataFrame
        A faces table, `path` the name that the set gives the picture (``001A02.JPG``), with the columns :data:`FACTS`
        beside it: ``quality`` (1 to 5), ``width`` and ``height`` (pixels), ``colour`` (color or grey), ``glasses``,
        ``hat``, ``moustache``, ``beard`` (True or False), ``horizontal_pose`` (straight, left, right),
        ``vertical_pose`` (straight, up, down); missing where not recorded.
    landmarks : numpy.ndarray
        float64 [N, 68, 2]: x to the right and y down, in pixels; row k belongs to row k of `faces`.
    """

    landmarks: np.ndarray | None = None


def read(root) -> Annotations:
    """Read the landmarks (``.pts``) and facts (``.dat``) of every picture.

    Parameters
    ----------
    root : path
        The published archive, or a folder in which it was unpacked.

    Returns
    -------
    Annotations
        Rows sorted by path. The age is the one in the picture's name.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `root`, or no ``.pts`` file in it.
    ValueError
        If `root` is a file but no archive, or no file can be read as a face's landmarks.

    Notes
    -----
    A ``.pts`` and a ``.dat`` file belong together whatever the case of their letters. Without a ``.dat`` file the name
    gives age and person, and the rest is missing. The two ``.mat`` files of the archive repeat the landmarks and
    are not read.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> points = "\\n".join(f"{k}.5 {2 * k}" for k in range(68))
    >>> _ = (folder / "001a02.pts").write_text(f"version: 1\\nn_points: 68\\n{{\\n{points}\\n}}\\n")
    >>> found = read(folder)
    >>> found.landmarks.shape
    (1, 68, 2)
    >>> found.faces[["path", "age", "identity"]]
             path  age identity
    0  001A02.JPG  2.0      001
    """
    folder = _find_folder(root)
    listed = list_images(folder, frozenset((".pts", ".dat")))
    files = [folder / path for path in listed.files]
    points = [path for path in files if path.suffix.lower() == ".pts"]
    facts = {path.stem.lower(): path for path in files if path.suffix.lower() == ".dat"}
    if not points:
        raise FileNotFoundError(
            f"fgnet: no .pts file in {folder} or its sub-folders; give the archive of FG-NET's annotations, "
            "or the folder that holds Points and Data_files"
        )
    rows, shapes, skipped, seen = [], [], listed.lost, set()
    notes: dict[str, int] = {}
    for path in points:
        stem = path.stem.lower()
        inside = path.relative_to(folder).as_posix()
        name = NAME.match(stem)
        shape, wrong = (None, "the name is not like 001a02.pts") if name is None else read_points(path)
        if stem in seen:
            wrong = "the picture has landmarks already"
        seen.add(stem)
        if wrong:
            skipped.append((inside, wrong))
            continue
        rows.append(_row(name, path, facts.get(stem), shape, notes))
        shapes.append(shape)
    if not rows:
        raise ValueError(
            f"fgnet: none of {len(points)} .pts files in {folder} is a face of 68 landmarks "
            f"({skipped[0][0]}: {skipped[0][1]}); unpack the archive again"
        )
    unused = [path for stem, path in facts.items() if stem not in seen]
    skipped += [(path.relative_to(folder).as_posix(), "no landmarks of this picture") for path in unused]
    left_out = pd.DataFrame(skipped, columns=["path", "reason"], dtype="object")
    return Annotations(_to_table(rows), folder, left_out, notes, np.stack(shapes))


def _find_folder(root) -> Path:
    if not str(root):
        raise ValueError("fgnet needs a root: the archive of FG-NET's annotations, or its folder")
    path = Path(root).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"fgnet: nothing at {path}; give the archive of FG-NET's annotations")
    return path if path.is_dir() else archives.unpack(path)


def read_points(path) -> tuple[np.ndarray | None, str]:
    """Landmarks [68, 2] of one ``.pts`` file in pixels, and what is wrong with it: '' if nothing is."""
    text = Path(path).read_text(encoding="latin-1")
    inside = re.search(r"\{(.*)\}", text, re.DOTALL)
    if inside is None:
        return None, "no landmarks between braces"
    words = inside[1].split()
    try:
        numbers = np.array(words, dtype=np.float64)
    except ValueError:
        return None, "a coordinate is not a number"
    if numbers.size != 2 * LANDMARKS:
        return None, f"{numbers.size / 2:g} landmarks instead of {LANDMARKS}"
    if not np.isfinite(numbers).all():
        return None, "a coordinate is not a finite number"
    shape = numbers.reshape(LANDMARKS, 2)
    if np.ptp(shape, axis=0).min() == 0:
        return None, "all landmarks lie on one line"
    return shape, ""


def read_facts(path) -> tuple[dict, int]:
    """The lines ``key<tab>value`` of one ``.dat`` file as a dictionary, and how many lines had no value."""
    lines = [line for line in Path(path).read_text(encoding="latin-1").splitlines() if line.strip()]
    pairs = [line.split(None, 1) for line in lines]
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}, sum(len(p) < 2 for p in pairs)


def _row(name, points: Path, facts_file: Path | None, shape: np.ndarray, notes: dict) -> dict:
    def note(what: str, found=True) -> None:
        if found:
            notes[what] = notes.get(what, 0) + 1

    age = float(name["age"])
    row = {"path": f"{name['identity']}A{name['age']}{name['letter']}.JPG", "age": age, "identity": name["identity"]}
    if facts_file is None:
        note("no .dat file: only age and person are known")
        return row
    facts, broken = read_facts(facts_file)
    note("a line without a value in the .dat file: passed over", broken)
    note(".pts and .dat names differ in the case of a letter", facts_file.stem != points.stem)
    row["gender"] = {"male": "male", "female": "female"}.get(facts.get("Gender", "").lower())
    note("no gender, or neither male nor female: taken as missing", row["gender"] is None)
    row |= {column: facts[key].lower() for column, key in FACTS.items() if key in facts}
    note("age in the .dat file missing or not the name's: the name's is taken", facts.get("Age") != f"{age:g}")
    size = [pd.to_numeric(row.get(side), errors="coerce") for side in ("width", "height")]
    note("a landmark outside the picture", (shape < 0).any() or (shape > size).any())
    return row


def _to_table(rows: list[dict]) -> pd.DataFrame:
    given = pd.DataFrame(rows)
    known = {name: given[name] for name in ("path", "age", "identity", "gender") if name in given}
    table = faces_tables.check(faces_tables.table(**known, real_age=given["age"].to_numpy(), source="fgnet"), "fgnet")
    given = given.reindex(columns=list(FACTS))
    for name in FACTS:
        if name in _NUMBERS:
            table[name] = pd.to_numeric(given[name], errors="coerce").astype("float64")
        elif name in _YES_OR_NO:
            table[name] = given[name].map({"yes": True, "no": False}).astype("object")
        else:
            table[name] = given[name].astype("object")
    return table
