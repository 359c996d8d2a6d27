"""Cleaning a collection: study A's two passes, then duplicates and rare ages; nothing is removed without a reason.

Explained in chapter 02.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agelib.config import Data
from agelib.data import duplicates
from agelib.data.detectors import detect
from agelib.data.table import Collection, check

#: Step → the planted faults that it is there to catch, see :class:`agelib.drawn.planning.Faults`.
CATCHES = {
    "unreadable file": ("truncated", "text file"),
    "no face detected": ("no face", "no face, high score"),
    "age": ("negative age", "age over 130", "impossible birth date"),
    "face score": ("no face",),  # a missed face is a sound image with a wrong score
    "second face": ("two faces",),
    "exact duplicate": ("exact duplicate", "exact duplicate, contradicting"),
    "near duplicate": ("near duplicate", "near duplicate, contradicting"),
}


@dataclass(frozen=True)
class Cleaned:
    """A collection after cleaning.

    Attributes
    ----------
    faces, removed : pandas.DataFrame
        The faces kept, numbered from 0, and those removed, with ``step`` and ``reason``.
    report : pandas.DataFrame
        One row a step, in order: ``step``, ``before``, ``removed``, ``after`` (pictures) and ``note``.
    duplicates : pandas.DataFrame
        Groups of duplicates among the faces kept, index as `faces`: see :func:`agelib.data.duplicates.find`.
    """

    faces: pd.DataFrame
    removed: pd.DataFrame
    report: pd.DataFrame
    duplicates: pd.DataFrame


def clean(collection: Collection, data: Data | None = None, jobs: int | None = None, progress: bool = True) -> Cleaned:
    """Clean a collection.

    The steps, each on what the one before left: unreadable files; pictures without a face (study A's first pass);
    ages that are missing or outside [min_age, max_age]; recorded face scores up to min_face_score; second faces with
    a score from max_second_face_score on (study A's second pass); exact and near duplicates; ages with fewer than
    min_pictures_per_age pictures. A step whose column the data set does not have removes nothing and says so.

    Parameters
    ----------
    collection : agelib.data.table.Collection
    data : agelib.config.Data, optional
        The thresholds; study A's by default.
    jobs, progress : int, bool
        Processes or threads to use; whether to show how far it is.

    Returns
    -------
    Cleaned

    Raises
    ------
    ValueError
        If nothing is left; the message names the step that took the last pictures, and its threshold.
    """
    data = Data() if data is None else data
    faces = check(collection.faces, str(collection.root)).reset_index(drop=True)
    if faces.empty:
        raise ValueError(f"{collection.root}: there are no pictures to clean; {len(collection.skipped)} were skipped")
    twins = duplicates.find(faces, collection.root, tolerance=data.age_tolerance, jobs=jobs, progress=progress)
    keep, steps, removed = np.ones(len(faces), bool), [], []

    def step(name: str, bad: pd.Series, reason: pd.Series | str, note: str = "") -> None:
        bad = bad.to_numpy(bool) & keep
        before = int(keep.sum())
        keep[bad] = False
        steps.append((name, before, int(bad.sum()), before - int(bad.sum()), note))
        reasons = reason[bad] if isinstance(reason, pd.Series) else reason
        removed.append(faces[bad].assign(step=name, reason=reasons))
        if not keep.any():
            raise ValueError(
                f"{collection.root}: cleaning left no picture; the step '{name}' took the last {before} "
                f"(first: {removed[-1]['path'].iloc[0]}, {removed[-1]['reason'].iloc[0]}). {_remedy(name, data)}"
            )

    step("unreadable file", ~twins["readable"], twins["problem"])
    if data.detector == "none":
        step("no face detected", faces["path"].isna(), "", "no detector was asked for")
    else:
        found = detect(faces, collection.root, data.detector, jobs, progress)
        step("no face detected", ~found["found"], f"the detector {data.detector} found no face")
    step("age", *_age_outside(faces["age"], data))
    first, second = faces["face_score"], faces["second_face_score"]
    step("face score", first <= data.min_face_score, *_scores(first, "face score {:.3g}", "face score"))
    is_second = second >= data.max_second_face_score
    step("second face", is_second, *_scores(second, "second face with score {:.3g}", "second face"))
    for kind in ("exact", "near"):
        step(f"{kind} duplicate", *_repeated(faces, twins, kind, keep, data))
    step("rare age", *_rare_age(faces["age"], keep, data))

    report = pd.DataFrame(steps, columns=["step", "before", "removed", "after", "note"])
    left_out = pd.concat(removed, ignore_index=True)
    return Cleaned(faces[keep].reset_index(drop=True), left_out, report, twins[keep].reset_index(drop=True))


def score(cleaned: Cleaned, truth: pd.DataFrame) -> pd.DataFrame:
    """Precision and recall of each step against the planted faults of a drawn collection.

    A planted duplicate is a pair, the copy and its original, and is counted once: it is caught when the step keeps
    one of the two at most, and where their labels contradict each other, none.

    Parameters
    ----------
    cleaned, truth : Cleaned, pandas.DataFrame
        What :func:`clean` made of it, and what :func:`agelib.drawn.read_truth` says: ``path``, ``fault`` and, for
        duplicates, ``duplicate_of``.

    Returns
    -------
    pandas.DataFrame
        One row for each step and fault that it should catch, and one (fault "any of these") for a step with several:
        ``planted`` (faults that reached the step), ``caught``, ``removed`` (pictures that the step took in all),
        ``recall`` = caught / planted, and for the whole step ``precision`` = the share of `removed` that has one of
        the step's faults, or is the original of a duplicate that states the same age: of two equal rows either can go,
        but the original of a contradicting copy was right.
    """
    truth = truth.set_index("path")
    reached = set(cleaned.faces["path"]) | set(cleaned.removed["path"])
    rows = []
    for step, faults in CATCHES.items():
        gone = set(cleaned.removed.loc[cleaned.removed["step"] == step, "path"])
        planted = truth[truth["fault"].isin(faults) & truth.index.isin(reached)]
        caught, involved = planted.index.isin(gone), set(planted.index)
        if step.endswith("duplicate"):
            planted = planted[planted["duplicate_of"].isin(reached)]
            copy, original = planted.index.isin(gone), planted["duplicate_of"].isin(gone).to_numpy()
            both = planted["fault"].str.endswith("contradicting").to_numpy()
            caught, involved = np.where(both, copy & original, copy | original), _pairs_of(truth, faults)
        right = len(gone & involved) / len(gone) if gone else np.nan
        whole = "any of these" if len(faults) > 1 else faults[0]
        for name in [*faults, whole] if len(faults) > 1 else [whole]:
            mine = np.ones(len(planted), bool) if name == whole else (planted["fault"] == name).to_numpy()
            number, hits = int(mine.sum()), int(caught[mine].sum())
            recall = hits / number if number else np.nan
            rows.append((step, name, number, hits, len(gone), recall, right if name == whole else np.nan))
        reached -= gone
    return pd.DataFrame(rows, columns=["step", "fault", "planted", "caught", "removed", "recall", "precision"])


def _pairs_of(truth: pd.DataFrame, faults: tuple) -> set:
    """The copies with one of these faults, and the originals of those whose labels agree."""
    copies = truth[truth["fault"].isin(faults)]
    agree = ~copies["fault"].str.endswith("contradicting")
    return set(copies.index) | set(copies.loc[agree, "duplicate_of"])


def _remedy(step: str, data: Data) -> str:
    return {
        "unreadable file": "Are the pictures in this folder?",
        "no face detected": f"Choose another detector than detector={data.detector}",
        "age": f"Change min_age={data.min_age:g} or max_age={data.max_age:g}",
        "face score": f"Lower min_face_score={data.min_face_score:g}",
        "second face": f"Raise max_second_face_score={data.max_second_face_score:g}",
        "rare age": f"Lower min_pictures_per_age={data.min_pictures_per_age}, or take more pictures",
    }.get(step, "Say duplicates=keep to look at them")


def _age_outside(ages: pd.Series, data: Data):
    reason = ages.map(lambda age: "no age" if np.isnan(age) else f"age {age:g}")
    return ~ages.between(data.min_age, data.max_age), reason


def _scores(scores: pd.Series, reason: str, what: str) -> tuple[pd.Series, str]:
    return scores.map(reason.format), f"the data set records no {what}" if scores.isna().all() else ""


def _repeated(faces: pd.DataFrame, twins: pd.DataFrame, kind: str, keep: np.ndarray, data: Data):
    """All of a group whose ages contradict each other, and all but the first of the other groups."""
    if data.duplicates == "keep":
        return faces["path"].isna(), "", "duplicates are kept"
    groups = twins[f"{kind}_group"].where(keep, -1)
    inside = groups >= 0
    ages = faces["age"].where(inside).groupby(groups)
    contradicts = inside & (ages.transform("max") - ages.transform("min") > data.age_tolerance)
    repeated = inside & groups.duplicated(keep="first")
    first = faces["path"].groupby(groups).transform("first")
    reason = f"{kind} duplicate of " + first.astype(str)
    reason = reason.mask(contradicts, f"{kind} duplicates that state different ages")
    number = int(groups[contradicts].nunique())
    return contradicts | repeated, reason, f"{number} groups contradict each other" if number else ""


def _rare_age(ages: pd.Series, keep: np.ndarray, data: Data):
    years = np.floor(ages).where(keep)  # means of raters' guesses are no whole years
    count = years.groupby(years).transform("size")
    reason = count.map(lambda n: f"only {n:.0f} pictures of this age")
    return count < data.min_pictures_per_age, reason
