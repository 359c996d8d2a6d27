"""How old people look and how old they are: ChaLearn's apparent ages beside real ones, picture by picture; no pictures.

Two tables with the same rows in the same order, ``fgnet_chalearn_apparent_db.csv`` and ``fgnet_chalearn_real_db.csv``,
hold 4,691 pictures of the ChaLearn challenge (subject −1: who is shown is not recorded) and 1,002 of FG-NET. The gap of
a picture is its apparent minus its real age, in years: above 0, people look older than they are. Explained in chapter
17.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from agelib import faces as faces_tables
from agelib.fingerprint import library_versions
from agelib.metrics.bootstrap import Resampling
from agelib.metrics.groups import group_codes

#: Column of ages → the file that has it.
FILES = {
    "apparent_age": "fgnet_chalearn_apparent_db.csv",
    "real_age": "fgnet_chalearn_real_db.csv",
}

#: The subject of pictures of unknown people, all of them ChaLearn's.
NOBODY = -1

#: Edges of the age groups in which the gap is given.
EDGES = (20, 30, 40, 50, 60, 70)


def read(root) -> faces_tables.Collection:
    """Read the pair of tables into a faces table.

    Parameters
    ----------
    root : path
        The folder with both files, or one of the two files.

    Returns
    -------
    agelib.faces.Collection
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
            f"apparent ages: no {missing[0]} in {folder}; give the folder that holds "
            f"{' and '.join(FILES.values())}"
        )
    return folder


def _read_table(file: Path, column: str) -> pd.DataFrame:
    """The columns img_name, subject and `column` of one file; line k + 2 of the file is row k."""
    try:
        table = pd.read_csv(
            file, skipinitialspace=True, dtype=str, skip_blank_lines=False, encoding="utf-8-sig"
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: not readable as CSV ({str(error).strip()}); get the file again") from None
    table.columns = [str(name).strip() for name in table.columns]
    for name in ("img_name", column, "subject"):
        if name not in table:
            raise ValueError(f"{file}: no column {name!r} (it has: {', '.join(table.columns)})")
    table = table[["img_name", column, "subject"]]
    while len(table) and table.iloc[-1].isna().all():
        table = table.iloc[:-1]  # blank lines at the end
    if table.empty:
        raise ValueError(f"{file}: the table has no rows; get the file again")
    result = pd.DataFrame({"img_name": table["img_name"].str.strip()})
    _refuse(file, result["img_name"].isna(), table["img_name"], "the picture's name")
    _refuse(file, result["img_name"].duplicated(), table["img_name"], "a name that is not there yet")
    age = pd.to_numeric(table[column], errors="coerce").astype("float64")
    _refuse(file, ~age.between(0, 130), table[column], f"{column}: a number of years from 0 to 130")
    subject = pd.to_numeric(table["subject"], errors="coerce").astype("float64")
    is_whole = (subject == np.floor(subject)) & (subject >= NOBODY)
    _refuse(file, ~is_whole, table["subject"], f"subject: a whole number from 0, or {NOBODY}")
    return result.assign(**{column: age, "subject": subject.astype("int64")})


def _refuse(file: Path, wrong: pd.Series, found: pd.Series, wish: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        number = f"{len(rows)} lines have" if len(rows) > 1 else "1 line has"
        raise ValueError(
            f"{file}: {number} something else than {wish} (first: line {rows[0] + 2}, {found.iloc[rows[0]]!r}); "
            "correct it or get the file again"
        )


def _require_same_rows(apparent: pd.DataFrame, real: pd.DataFrame, folder: Path) -> None:
    if len(apparent) != len(real):
        raise ValueError(
            f"apparent ages: {FILES['apparent_age']} has {len(apparent)} rows and {FILES['real_age']} has {len(real)} "
            f"(in {folder}); they are a pair, get both again"
        )
    ours, theirs = (table[["img_name", "subject"]] for table in (apparent, real))
    other = np.flatnonzero((ours != theirs).any(axis=1))
    if len(other):
        one, two = (" of subject ".join(map(str, table.iloc[other[0]])) for table in (ours, theirs))
        raise ValueError(
            f"apparent ages: line {other[0] + 2} is {one} in {FILES['apparent_age']}, but {two} in "
            f"{FILES['real_age']} ({len(other)} lines differ, in {folder}); the two list the same pictures in the same "
            "order, get both again"
        )


def gaps(
    faces: pd.DataFrame,
    by: str = "real_age",
    edges: tuple | None = EDGES,
    resamples: int = 1000,
    **resampling,
) -> pd.DataFrame:
    """The gap of each group: how much older than they are people look, on average.

    Parameters
    ----------
    faces : pandas.DataFrame
        Columns ``apparent_age`` and ``real_age``, in years (a faces or a predictions table), and the column `by`;
        pictures that lack one of them are left out.
    by : str
        What makes the groups: ``real_age``, ``apparent_age``, or a column such as gender.
    edges : tuple of float, optional
        Of the groups of a column of numbers; every tenth if not given.
    resamples, **resampling
        As in :func:`agelib.metrics.summarise`; each group is drawn again from itself.

    Returns
    -------
    pandas.DataFrame
        Index: the group; columns ``count``, ``gap`` (years: mean of apparent − real), ``low``, ``high`` (its interval)
        and ``distance`` (years: mean of |apparent − real|).

    Raises
    ------
    ValueError
        If a column is not there, or no picture has both ages.

    Examples
    --------
    >>> faces = pd.DataFrame({"apparent_age": [21.0, 30, 50], "real_age": [19.0, 28, 58]})
    >>> gaps(faces, edges=(20, 40), resamples=0)[["count", "gap", "distance"]]
                 count  gap  distance
    real_age
    under 20         1  2.0       2.0
    20–39            1  2.0       2.0
    40 and over      1 -8.0       8.0
    """
    how = Resampling(resamples, **resampling)
    for column in ("apparent_age", "real_age"):
        if column not in faces:
            raise ValueError(f"gaps: no column {column!r}; the table has: {', '.join(faces.columns)}")
    gap = (faces["apparent_age"] - faces["real_age"]).to_numpy(dtype=np.float64)
    known = np.isfinite(gap)
    if not known.any():
        raise ValueError(f"gaps: none of {len(faces)} pictures has an apparent and a real age")
    faces, gap = faces[known], gap[known]
    codes, labels = group_codes(faces, by, edges)
    rows = []
    for code in range(len(labels)):
        mine = codes == code
        sums = np.stack([np.ones(mine.sum()), gap[mine]], axis=1)
        low, high = how.interval(how.per_unit(faces[mine], sums), _mean)
        distance = float(np.abs(gap[mine]).mean())
        rows.append((int(mine.sum()), float(gap[mine].mean()), low[0], high[0], distance))
    index = pd.Index(np.asarray(labels, dtype=object), name=by)
    return pd.DataFrame(rows, columns=["count", "gap", "low", "high", "distance"], index=index)


def _mean(sums: np.ndarray) -> np.ndarray:
    return sums[:, 1:2] / sums[:, :1]


def describe_gap(faces: pd.DataFrame, edges: tuple = EDGES, resamples: int = 2000, seed: int = 42) -> dict:
    """The gap of a table of pictures, overall and by age, once by the real and once by the apparent one.

    Parameters
    ----------
    faces, edges, resamples
        As in :func:`gaps`.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        ``pictures``; ``gap`` (``value``, ``low``, ``high``: years) and ``distance`` (years) of all; ``older`` and
        ``younger`` (share, in percent, that look so); ``correlation`` of the two ages; ``apparent_per_real`` and
        ``real_per_apparent`` (years of the one for a year of the other: slopes of the two least-squares lines);
        ``by_real_age`` and ``by_apparent_age`` (lists with a dictionary for each group: ``group``, ``count``, ``gap``,
        ``low``, ``high``, ``distance``); and the protocol in words.

    Examples
    --------
    >>> found = describe_gap(pd.DataFrame({"apparent_age": [22.0, 30, 50], "real_age": [18.0, 30, 58]}), resamples=0)
    >>> found["pictures"], round(found["gap"]["value"], 2), found["by_real_age"][0]["group"]
    (3, -1.33, 'under 20')
    """
    options = {"resamples": resamples, "seed": seed}
    whole = gaps(faces.assign(all="all"), "all", **options).iloc[0]
    gap = faces["apparent_age"] - faces["real_age"]
    known = faces[gap.notna()]
    spread = np.cov(known["apparent_age"], known["real_age"])
    return {
        "pictures": int(whole["count"]),
        "gap": {"value": float(whole["gap"]), "low": float(whole["low"]), "high": float(whole["high"])},
        "distance": float(whole["distance"]),
        "older": float(100 * (gap > 0).sum() / len(known)),
        "younger": float(100 * (gap < 0).sum() / len(known)),
        "correlation": float(spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1])),
        "apparent_per_real": float(spread[0, 1] / spread[1, 1]),
        "real_per_apparent": float(spread[0, 1] / spread[0, 0]),
        **{
            f"by_{by}": gaps(faces, by, edges, **options)
            .rename_axis("group")
            .reset_index()
            .to_dict("records")
            for by in ("real_age", "apparent_age")
        },
        "protocol": {
            "gap": "apparent minus real age, in years; above 0: looks older",
            "edges": list(edges),
            "interval": "95 %, percentile bootstrap of the pictures of each group; people are not known",
            "resamples": resamples,
            "seed": seed,
        },
    }


def reference(root, folder=None, resamples: int = 2000, seed: int = 42) -> dict:
    """Describe the gap of the real ChaLearn pictures, and write what was found with where it comes from.

    Parameters
    ----------
    root : path
        As for :func:`read`.
    folder : path, optional
        Where to write ``chalearn_gap.json``; nothing is written if not given. The reference results lie in
        ``data/reference``.
    resamples, seed : int
        As in :func:`describe_gap`.

    Returns
    -------
    dict
        What :func:`describe_gap` returns of the ChaLearn pictures alone, with ``provenance``: the data set, a key of
        its ages, what was left out and why, and versions.
    """

    from agelib import store

    found = read(root)
    chalearn = found.faces[found.faces["source"] == "chalearn"]
    if chalearn.empty:
        raise ValueError(f"apparent ages: no picture of ChaLearn (subject {NOBODY}) in {found.root}")
    result = describe_gap(chalearn, resamples=resamples, seed=seed)
    result["provenance"] = {
        "data": "ChaLearn, apparent and real ages of pictures of people; no pictures used",
        "key": store.content_key(chalearn[["path", "apparent_age", "real_age"]].to_csv(index=False)),
        "left_out": {"FG-NET": int(len(found.faces) - len(chalearn))},
        "notes": found.notes,
        "made_by": "agelib.sources.apparent_age.reference",
        "versions": library_versions("numpy", "pandas"),
    }
    if folder is not None:
        store.write_json(Path(folder) / "chalearn_gap.json", result)
    return result
