"""From a data set on disk to a cleaned table with its split: made once, saved, and read by every run.

Explained in chapter 03.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from agelib.config import Data
from agelib.data import clean, sources, splits
from agelib.data.table import Collection, read, write
from agelib.pixels.decode import decoders
from agelib.pixels.image_files import tree_key
from agelib.runtime import workspace
from agelib.runtime.fingerprint import code_fingerprint
from agelib.runtime.workspace import mark_used

#: Options that say who is in which part, and leave open which pictures there are and which of them are clean.
PARTING = ("split", "split_file", "folds", "fold", "allow_leaks")


@dataclass(frozen=True)
class Prepared:
    """A data set ready for training.

    Attributes
    ----------
    faces, root : pandas.DataFrame, pathlib.Path
        The faces table with its column ``split``, and the folder that its `path` is relative to.
    removed, report, leaks : pandas.DataFrame
        What cleaning took out, with ``step`` and ``reason``; rows before and after each step; what the leakage audit
        found.
    skipped, notes : pandas.DataFrame, dict
        What the reader could not make a row of, and what it mended: see :class:`agelib.data.table.Collection`.
    file : pathlib.Path
        The CSV that the split was written to, once.
    split_file : str
        The file that says who is in which part, where that was given.
    """

    faces: pd.DataFrame
    root: Path
    removed: pd.DataFrame
    report: pd.DataFrame
    leaks: pd.DataFrame
    skipped: pd.DataFrame
    notes: dict
    file: Path
    split_file: str = ""

    def lacks(self, part: str, what: str = "picture") -> ValueError:
        """The error of whoever finds nothing in a part of the split: which file to mend, and how."""
        if self.split_file:
            return ValueError(
                f"{self.split_file}: none of its rows with split {part} names a {what} of this data set; add rows "
                f"PATH,{part}, or leave split_file empty to have the pictures dealt out"
            )
        return ValueError(f"{self.file}: no {what} is in the {part} part; use more pictures")


def prepare(data: Data | None = None, jobs: int | None = None, progress: bool = True) -> Prepared:
    """Read, clean and split a data set, or find it already done.

    Parameters
    ----------
    data : agelib.config.Data, optional
        Which data set, its thresholds and its split; the default draws 3,000 faces.
    jobs, progress : int, bool
        Processes to use, by default one for each core; whether to show how far it is.

    Returns
    -------
    Prepared

    Raises
    ------
    ValueError, FileNotFoundError
        If the data set cannot be read, or cleaning leaves nothing.
    agelib.data.splits.LeakError
        If the split leaks and ``data.allow_leaks`` is False.
    """
    data = Data() if data is None else data
    _check_folds(data)
    folder = workspace.home() / "prepared" / f"{data.source}-{_key(data)}"
    with workspace.lock(folder):
        if not _is_ready(folder):
            _make(data, folder, jobs, progress)
    about = workspace.read_json(folder / "data.json")
    root = Path(about["root"])
    for used in (folder, root):
        mark_used(used)
    file = folder / "faces.csv"
    tables = {name: _read(folder / f"{name}.csv") for name in ("removed", "report", "leaks", "skipped")}
    return Prepared(faces=read(file), root=root, notes=about["notes"], file=file, split_file=data.split_file, **tables)


def _check_folds(data: Data) -> None:
    if data.folds and data.folds < 3:
        raise ValueError(
            f"folds={data.folds} is too few: one fold tests, one validates, the rest trains; give 3 or more"
        )
    if data.folds and data.split_file:
        raise ValueError("folds deal the pictures out anew and split_file says who is where; give one of the two")
    if data.folds and not 0 <= data.fold < data.folds:
        raise ValueError(f"fold {data.fold} does not exist: with folds={data.folds} they are 0 to {data.folds - 1}")


def _is_ready(folder: Path) -> bool:
    """Whether the tables are there, and the pictures that they name still lie where they did."""
    about = folder / "data.json"
    return about.is_file() and Path(workspace.read_json(about)["root"]).is_dir()


def _key(data: Data) -> str:
    """The description, the code, and which files or folders `root` is just now."""
    roots = data.root.split(",") if "+" in data.source else [data.root]
    place = [_stamp(Path(root.strip()).expanduser()) for root in roots if root.strip()]
    parts = Path(data.split_file).expanduser() if data.split_file else ""
    if parts and not parts.is_file():
        raise FileNotFoundError(f"split_file: there is no file {parts}; give a CSV of path and split")
    parts = workspace.file_key(parts) if parts else ""
    return workspace.content_key(asdict(data), place, parts, decoders(), code_fingerprint("agelib.data.prepare"))


def _stamp(root: Path) -> list:
    """What shows that a data set is no longer the one that it was: names, sizes and times of all its files."""
    if not root.exists():
        raise FileNotFoundError(f"root: there is no file or folder {root}; give the data set's folder or archive")
    if root.suffix.lower() == ".mat":
        root = root.parent  # the images lie beside it
    status = root.stat()
    return [
        str(root.resolve()),
        tree_key(root) if root.is_dir() else [status.st_size, status.st_mtime_ns, status.st_ctime_ns],
    ]


def _make(data: Data, folder: Path, jobs, progress) -> None:
    cleaned, skipped, about = _cleaned(data, jobs, progress)
    table = _split(cleaned, data)
    audit = splits.audit(table, cleaned.duplicates.loc[table.index])
    splits.require_no_leak(audit, allow=data.allow_leaks)
    with workspace.write_whole(folder) as temporary:
        temporary.mkdir()
        write(temporary / "faces.csv", table)
        removed, report = _left_out(cleaned, table)
        workspace.write_table(temporary / "removed.csv", removed)
        workspace.write_table(temporary / "report.csv", report)
        workspace.write_table(temporary / "leaks.csv", audit.table)
        workspace.write_table(temporary / "skipped.csv", skipped)
        workspace.write_json(temporary / "data.json", about | {"data": asdict(data)})


def _cleaned(data: Data, jobs, progress) -> tuple[clean.Cleaned, pd.DataFrame, dict]:
    """What cleaning left, what the source skipped and mended; read and cleaned once for all ways to split."""
    plain = replace(data, **{name: getattr(Data(), name) for name in PARTING})
    folder = workspace.home() / "cleaned" / f"{data.source}-{_key(plain)}"
    with workspace.lock(folder):
        if not _is_ready(folder):
            collection = sources.read(data.source, data.root, pictures=data.pictures, seed=data.data_seed)
            collection = use_label(collection, data.label)
            cleaned = clean.clean(collection, data, jobs=jobs, progress=progress)
            with workspace.write_whole(folder) as temporary:
                temporary.mkdir()
                write(temporary / "faces.csv", cleaned.faces)
                for name in ("removed", "report", "duplicates"):
                    workspace.write_table(temporary / f"{name}.csv", getattr(cleaned, name))
                workspace.write_table(temporary / "skipped.csv", collection.skipped)
                workspace.write_json(temporary / "data.json", {"root": str(collection.root), "notes": collection.notes})
    # Read back even by who has just made it, so that everybody splits the very same table.
    *tables, skipped = (_read(folder / f"{name}.csv") for name in ("removed", "report", "duplicates", "skipped"))
    return clean.Cleaned(read(folder / "faces.csv"), *tables), skipped, workspace.read_json(folder / "data.json")


def _read(file: Path) -> pd.DataFrame:
    text = dict.fromkeys(("path", "identity", "face_box", "content_key", "note"), "object")
    table = pd.read_csv(file, dtype=text | {"perceptual_hash": "uint64"}, float_precision="round_trip")
    return table.fillna({"note": ""}) if "note" in table else table


def use_label(collection: Collection, label: str) -> Collection:
    """Make `label` (age, real_age or apparent_age) the age that is learnt.

    Raises
    ------
    ValueError
        If the data set does not have it.
    """
    table = collection.faces
    if table[label].isna().all():
        have = [name for name in ("age", "real_age", "apparent_age") if table[name].notna().any()]
        raise ValueError(f"{table['source'].iloc[0]} has no {label}; it has: {', '.join(have) or 'no age at all'}")
    return Collection(table.assign(age=table[label]), collection.root, collection.skipped, collection.notes)


def _split(cleaned, data: Data) -> pd.DataFrame:
    if data.split_file:
        return splits.read_parts(data.split_file, cleaned.faces)
    if not data.folds:
        return splits.split(cleaned.faces, data.split, cleaned.duplicates, seed=data.data_seed)
    table = splits.folds(cleaned.faces, data.folds, data.split, cleaned.duplicates, seed=data.data_seed)
    part = (table["fold"] - data.fold) % data.folds
    return table.assign(split=part.map({0: "test", 1: "valid"}).fillna("train"))


def _left_out(cleaned, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was removed, and the report, with the pictures that a split file does not name."""
    rest = cleaned.faces.drop(table.index)
    if rest.empty:
        return cleaned.removed, cleaned.report
    step = "not in the split file"
    removed = pd.concat([cleaned.removed, rest.assign(step=step, reason="the split file does not name it")])
    last = {"step": step, "before": len(cleaned.faces), "removed": len(rest), "after": len(table), "note": ""}
    return removed, pd.concat([cleaned.report, pd.DataFrame([last])], ignore_index=True)
