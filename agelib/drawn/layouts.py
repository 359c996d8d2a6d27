"""How the published collections lie on disk: names of the files, and the tables beside them.

IMDB-WIKI (Rothe, Timofte, Van Gool, IJCV 2018), UTKFace (Zhang, Song, Qi, CVPR 2017), APPA-REAL (Agustsson et al.,
FG 2017). A layout names every row's file before drawing and writes its tables after it. The pandas' layout is our own:
study D's is not in our sources.
"""

import io
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.drawn.people import make_person
from agelib.drawn.pictures import take_picture
from agelib.drawn.planning import rate
from agelib.drawn.portrait import face_box

#: UTKFace's codes.
RACES = {"white": 0, "black": 1, "asian": 2, "indian": 3, "other": 4}
#: APPA-REAL's words.
APPA_RACES = {"white": "caucasian", "black": "afroamerican", "asian": "asian"}


def name_files(layout: str, table: pd.DataFrame, seed: int) -> None:
    """Add the column ``path``, relative to the root, and what the layout's tables need."""
    table["identity"], table["recorded_gender"] = [f"Person {k:05d}" for k in table["person"]], table["gender"]
    names = {"imdb-wiki": _name_imdb_wiki, "utkface": _name_utkface, "appa-real": _name_appa_real, "panda": _name_panda}
    names[layout](table, seed)


def write_tables(layout: str, table: pd.DataFrame, root: Path, seed: int, size: int) -> None:
    """Write what lies beside the pictures."""
    tables = {"imdb-wiki": _write_imdb_wiki, "appa-real": _write_appa_real}
    if layout in tables:
        tables[layout](table, root, seed, size)


def serial(day: date) -> int:
    """A day as Matlab counts them: day 367 is 1 January of year 1.

    >>> serial(date(1981, 5, 5))
    723671
    """
    return day.toordinal() + 366


def _name_imdb_wiki(table: pd.DataFrame, seed: int) -> None:
    """``17/10000217_1981-05-05_2009.jpg``: number of the picture, date of birth, year; its last two digits first."""
    rng = np.random.default_rng([seed, 10])
    number = 10_000_000 + (np.arange(len(table)) * 7919) % 100_003 + 100_003 * (np.arange(len(table)) // 100_003)
    # A person has one date of birth: on 1 July of `base` it is `part_of_year` of a year ago, and no picture, however
    # wrong its year, is later than 2015.
    last = table["true_age"].where(table["age"].isna() | table["age"].gt(130), table[["age", "true_age"]].max(axis=1))
    base = 2015 - last.groupby(table["person"]).transform("max").astype(int) - table["person"] % 7
    births, serials, taken = [], [], []
    for row, first, draw in zip(table.itertuples(), base, rng.integers(1, 367, len(table)), strict=True):
        birth = date(int(first), 7, 1) - timedelta(days=int(row.part_of_year * 365))
        year = int(first) + int(row.true_age)
        if row.fault == "age over 130":
            day = min(birth.day, 28)
            birth = date(birth.year - int(row.age) + int(row.true_age), birth.month, day)
        elif row.fault == "impossible birth date":
            birth = date(1, 1, 1)
        else:
            year = int(first) + int(row.age)
        births.append(birth)
        serials.append(int(draw) if row.fault == "impossible birth date" else serial(birth))
        taken.append(year)
    table["dob"], table["photo_taken"] = serials, taken
    table["path"] = [
        f"{n % 100:02d}/{n}_{b.isoformat()}_{y}.jpg" for n, b, y in zip(number, births, taken, strict=True)
    ]
    table["recorded_gender"] = table["gender"].mask(table["fault"].eq("missing gender"))


def _write_imdb_wiki(table: pd.DataFrame, root: Path, seed: int, size: int) -> None:
    """``wiki.mat``: one struct ``wiki`` of row vectors, as ``loadmat(f)['wiki'][0, 0][field][0]`` reads it."""

    def texts(values):
        cells = np.empty((1, len(table)), object)
        for k, value in enumerate(values):
            cells[0, k] = np.array([value])
        return cells

    boxes = np.empty((1, len(table)), object)
    for k, row in enumerate(table.itertuples()):
        box = (0.0, 0.0, size - 1.0, size - 1.0)  # the whole picture where no face was found
        if np.isfinite(row.face_score):
            person = make_person(row.person, seed, row.gender, row.ethnicity)
            shown = k if row.original < 0 else row.original
            box = face_box(person, take_picture(person, row.true_age + row.part_of_year, (seed, shown)), size)
        boxes[0, k] = np.array([[v + 1 for v in box]])
    gender = table["recorded_gender"].map({"female": 0.0, "male": 1.0}).astype(float)
    fields = {
        "dob": table["dob"].to_numpy(np.int32)[None],
        "photo_taken": table["photo_taken"].to_numpy(np.uint16)[None],
        "full_path": texts(table["path"]),
        "gender": gender.to_numpy()[None],
        "name": texts(table["identity"]),
        "face_location": boxes,
        "face_score": table["face_score"].to_numpy(float)[None],
        "second_face_score": table["second_face_score"].to_numpy(float)[None],
    }
    record = np.empty((1, 1), [(name, object) for name in fields])
    for name, values in fields.items():
        record[name][0, 0] = values
    (root / "wiki.mat").write_bytes(_mat({"wiki": record}))


def _mat(content: dict) -> bytes:
    """A Matlab file. Its header holds the time of writing, but the same collection must be the same bytes."""
    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, content)
    return b"MATLAB 5.0 MAT-file, drawn faces".ljust(116) + file.getvalue()[116:]


def _name_utkface(table: pd.DataFrame, seed: int) -> None:
    """``UTKFace/[age]_[gender]_[race]_[yyyymmddHHMMSSFFF].jpg.chip.jpg``, and the five ways to get it wrong."""
    rng = np.random.default_rng([seed, 11])
    milliseconds = np.sort(rng.choice(18 * 3600 * 1000, len(table), replace=False))
    rng.shuffle(milliseconds)
    paths, wrong = [], 0
    for row, ms in zip(table.itertuples(), milliseconds.tolist(), strict=True):
        time = f"20170116{ms // 3_600_000:02d}{ms // 60_000 % 60:02d}{ms // 1000 % 60:02d}{ms % 1000:03d}"
        age, gender, race, dot, space = (int(row.age), int(row.gender == "female"), f"{RACES[row.ethnicity]}_", ".", "")
        if row.fault == "malformed name":
            kind = wrong % 5
            wrong += 1
            race = "" if kind == 0 else race
            dot = "" if kind == 1 else dot
            space = " " if kind == 2 else space
            time = time[:-1] if kind == 3 else time + "8" if kind == 4 else time
        paths.append(f"UTKFace/{age}_{gender}_{race}{time}{space}{dot}jpg.chip.jpg")
    table["path"] = paths


def _name_appa_real(table: pd.DataFrame, seed: int) -> None:
    """``train/000017.jpg``; parts as in the published set: 4113 train, 1500 valid, 1978 test."""
    rng = np.random.default_rng([seed, 12])
    table["part"] = rng.choice(["train", "valid", "test"], len(table), p=np.array([4113, 1500, 1978]) / 7591)
    table["path"] = [f"{part}/{k:06d}.jpg" for k, part in enumerate(table["part"])]
    guesses = rate(table, seed)
    copies = np.where(table["original"] < 0, np.arange(len(table)), table["original"])
    table["guesses"] = [guesses[k] for k in copies]
    # A contradicting copy of this set was rated by others, and its recorded real age is another.
    off = (table["age"] - table["true_age"]).to_numpy()
    table["guesses"] = [np.clip(g + o, 0, 100) for g, o in zip(table["guesses"], off, strict=True)]


def _name_panda(table: pd.DataFrame, seed: int) -> None:
    """``panda0012/7.25_000031.jpg``: a folder for each animal, its age in years and the number of the picture."""
    table["identity"] = [f"panda{k:04d}" for k in table["person"]]
    table["path"] = [
        f"{animal}/{age:.2f}_{k:06d}.jpg"
        for k, (animal, age) in enumerate(zip(table["identity"], table["age"], strict=True))
    ]


def _write_appa_real(table: pd.DataFrame, root: Path, seed: int, size: int) -> None:
    """Per part: averages, one row a rating, categories; per picture: where the face is in the wider picture."""
    start, wide = (round(1.5 * size) - size) // 2, round(1.5 * size)
    makeup = np.select([table["makeup"] > 0.7, table["makeup"] > 0], ["makeup", "verysubtlemakeup"], "nomakeup")
    for part in ("train", "valid", "test"):
        rows = table[table["part"].eq(part)]
        (root / part).mkdir(exist_ok=True)
        names = [Path(path).name for path in rows["path"]]
        averages = pd.DataFrame({"file_name": names, "num_ratings": [len(g) for g in rows["guesses"]]})
        averages["apparent_age_avg"] = [round(float(g.mean()), 6) for g in rows["guesses"]]
        averages["apparent_age_std"] = [round(float(g.std(ddof=1)), 6) for g in rows["guesses"]]
        averages["real_age"] = rows["age"].astype(int).to_numpy()
        averages.to_csv(root / f"gt_avg_{part}.csv", index=False)
        ratings = pd.DataFrame(
            {
                "file_name": np.repeat(names, averages["num_ratings"]) if names else [],
                "apparent_age": np.concatenate([[], *rows["guesses"]]).astype(int),
                "real_age": np.repeat(averages["real_age"], averages["num_ratings"]).to_numpy(),
            }
        )
        ratings.to_csv(root / f"gt_{part}.csv", index=False)
        categories = pd.DataFrame({"file": names, "gender": rows["gender"].to_numpy()})
        categories["race"] = rows["ethnicity"].map(APPA_RACES).to_numpy()
        categories["makeup"], categories["time"] = makeup[rows.index], "modernphoto"
        categories["happiness"] = rows["expression"].to_numpy()
        categories.to_csv(root / f"allcategories_{part}.csv", index=False)
    content = {"box": np.array([[start + 1, start + 1, start + size, start + size]]), "size": np.array([[wide, wide]])}
    data = _mat(content)
    for path in table["path"]:
        (root / (path + ".mat")).write_bytes(data)
