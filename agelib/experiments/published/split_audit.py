"""Leaks in the wild: the audit of split lists that others have published, and what their leaks could be worth.

A list of names is enough to ask who is on both sides, and to judge a learner that never sees a picture: it is told the
name, and answers with the mean age of that person's training pictures. Explained in chapter 03.
"""

from pathlib import Path

import pandas as pd

from agelib import metrics
from agelib.data import duplicates as copies
from agelib.data import sources, splits
from agelib.data.sources import split_lists
from agelib.runtime import workspace
from agelib.runtime.provenance import record

#: Kind of duplicate → the column of :func:`agelib.data.duplicates.find` that numbers its groups.
_KINDS = {"exact": "exact_group", "near": "near_group"}

_VALUE = ["value", "low", "high"]


def name_alone(faces: pd.DataFrame) -> pd.DataFrame:
    """Guess the ages of the test part from who is shown, and from nothing else.

    Parameters
    ----------
    faces : pandas.DataFrame
        Columns ``path``, ``age`` (years), ``identity`` and ``split``.

    Returns
    -------
    pandas.DataFrame
        A predictions table of the test part: ``path``, ``age``, ``predicted`` (the mean age of the person's training
        pictures; of a stranger, the median age of the training part), ``identity``, ``known`` (whether the training
        part shows the person).

    Raises
    ------
    ValueError
        If no person is recorded, or the training or the test part is empty.

    Examples
    --------
    >>> faces = pd.DataFrame({"path": list("abcd"), "age": [20.0, 24, 50, 30], "identity": ["x", "x", "y", "x"]})
    >>> name_alone(faces.assign(split=["train", "train", "train", "test"]))[["age", "predicted", "known"]]
        age  predicted  known
    0  30.0       22.0   True
    """
    if faces["identity"].isna().all():
        raise ValueError("nobody's identity is recorded; this learner knows only the name")
    train, test = (faces[faces["split"] == part] for part in ("train", "test"))
    if train.empty or test.empty:
        raise ValueError(f"{len(train)} training and {len(test)} test pictures; both parts need some")
    remembered = test["identity"].map(train.groupby("identity")["age"].mean()).astype(float)
    table = test[["path", "age", "identity"]].assign(
        predicted=remembered.fillna(train["age"].median()), known=remembered.notna()
    )
    return table.reset_index(drop=True)


def audit(faces: pd.DataFrame, duplicates: pd.DataFrame | None = None, resamples: int = 2000, seed: int = 42) -> dict:
    """What leaks between the parts of a published split, and what knowing people could be worth on it.

    Parameters
    ----------
    faces : pandas.DataFrame
        Columns ``path``, ``age`` (years), ``identity`` (or missing) and ``split``.
    duplicates : pandas.DataFrame, optional
        From :func:`agelib.data.duplicates.find`, same index.
    resamples : int
        Bootstrap resamples of the intervals; whole people are drawn.
    seed : int
        Of the subject-exclusive split of the same pictures.

    Returns
    -------
    dict
        ``pictures``, ``parts`` (pictures in each), ``people``, ``ages`` (youngest and oldest), and ``leaks``: a record
        for each kind and pair of parts as in :class:`agelib.data.splits.Audit`, ``percent`` for the share, without the
        example, which may be somebody's name. Where people are known also ``as_published`` and ``by_person`` (the same
        pictures split anew by person, in the same shares): ``percent_known`` (test pictures of people whom the
        training part shows), and MAE in years with its 95 % interval of ``name_alone``, of ``always_the_median_age``,
        and of the ``difference``.
    """
    found = splits.audit(faces, duplicates).table
    counts = faces["split"].value_counts()
    result = {
        "pictures": len(faces),
        "parts": {part: int(counts[part]) for part in splits.PARTS if part in counts},
        "people": int(faces["identity"].nunique()),
        "ages": [float(faces["age"].min()), float(faces["age"].max())],
        "leaks": found.assign(percent=100 * found["share"]).drop(columns=["example", "share"]).to_dict("records"),
    }
    if result["people"]:
        shares = [result["parts"].get(part, 0) / len(faces) for part in splits.PARTS]
        anew = splits.split(faces.drop(columns="split"), "subject_exclusive", parts=tuple(shares), seed=seed)
        for name, table in (("as_published", faces), ("by_person", anew)):
            result[name] = _worth(table, resamples)
    return result


def _worth(faces: pd.DataFrame, resamples: int) -> dict:
    """MAE of the learner that knows only the name and of the median age, on the test part."""
    told = name_alone(faces)
    median = told.assign(predicted=faces["age"][faces["split"] == "train"].median())
    interval = {"resamples": resamples, "unit": "identity"}
    return {
        "percent_known": float(100 * told["known"].mean()),
        "name_alone": metrics.summarise(told, **interval).loc["MAE"].to_dict(),
        "always_the_median_age": metrics.summarise(median, **interval).loc["MAE"].to_dict(),
        "difference": metrics.compare(median, told, **interval).loc["MAE", _VALUE].to_dict(),
    }


def audit_public_lists(lists, utkface="", cacd="", folder=None, seed: int = 42, progress: bool = True) -> dict:
    """Audit the CORAL paper's public lists, and write what was found with where it comes from.

    Parameters
    ----------
    lists : path
        The folder of the lists; see :mod:`agelib.data.sources.split_lists`.
    utkface : path, optional
        UTKFace, archive or folder: the pictures behind its list are then compared. Without them nothing is known of
        its leaks, since UTKFace does not say who is shown.
    cacd : path, optional
        ``celebrity2000_meta.mat``: whether a name in CACD's list is one person and one person has one name.
    folder : path, optional
        Where to write ``leaks_in_the_wild.json``; nothing is written if not given.
    seed : int
        Of the subject-exclusive splits.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    dict
        ``splits``: for morph2, cacd and utkface what :func:`audit` returns, of UTKFace for the images that are there,
        with how many are ``listed`` and ``copies_with_another_age``: test images with a copy in the training part, but
        none of their own age; ``utkface_files``: of all ``files`` that are there, ``listed`` or not, for ``exact`` (the
        same bytes) and ``near`` copies (the same photograph, saved again) the ``groups``, the ``pictures`` in them, the
        groups of ``contradicting`` ages and their ``largest_difference`` (years); ``cacd_names``: whether
        the list's names and CACD's numbers say the same; ``provenance``.
    """
    read = {name: split_lists.read(name, lists).faces for name in split_lists.LAYOUTS}
    result = {"splits": {name: audit(read[name], seed=seed) for name in ("morph2", "cacd")}}
    if utkface:
        result |= _audit_pictures(read["utkface"], utkface, result["splits"], progress)
    if cacd:
        result["cacd_names"] = _check_names(read["cacd"], split_lists.read_cacd(cacd).faces)
    result["provenance"] = record(
        "numpy",
        "pandas",
        made_by="agelib published leaks-in-the-wild",
        data="names, ages and identities of real people from public lists (MORPH-2, CACD, UTKFace); "
        "pictures of UTKFace are compared, none is shown or kept",
        key=workspace.content_key(
            *(faces[["path", "age", "identity", "split"]].to_csv(index=False) for faces in read.values())
        ),
        seed=seed,
        interval="95 %, percentile bootstrap of 2,000 resamples; whole people are drawn",
    ).as_dict()
    if folder is not None:
        workspace.write_json(Path(folder) / "leaks_in_the_wild.json", result)
    return result


def _audit_pictures(listed: pd.DataFrame, root, audited: dict, progress: bool) -> dict:
    """Compare UTKFace's images; adds the list's audit to `audited`."""
    there = sources.read("utkface", root)
    found = copies.find(there.faces, there.root, progress=progress)
    names = there.faces["path"].str.rpartition("/")[2]  # whatever folder they are in
    faces = there.faces.assign(split=names.map(listed.set_index("path")["split"])).dropna(subset="split")
    # A group that the list has only one image of leaks nothing, and the audit counts it so.
    audited["utkface"] = audit(faces, found.loc[faces.index])
    audited["utkface"] |= {
        "listed": len(listed),
        "copies_with_another_age": _copies_with_another_age(faces, found.loc[faces.index, "exact_group"]),
    }
    counts = {kind: _count_copies(there.faces["age"], found[column]) for kind, column in _KINDS.items()}
    return {"utkface_files": {"files": len(there.faces), "listed": len(faces)} | counts}


def _count_copies(ages: pd.Series, groups: pd.Series) -> dict:
    """How many images a collection has twice, and in how many groups the ages contradict each other."""
    inside = groups >= 0
    by_group = ages[inside].groupby(groups[inside])
    apart = by_group.max() - by_group.min()
    return {
        "groups": len(apart),
        "pictures": int(inside.sum()),
        "contradicting": int((apart > 0).sum()),
        "largest_difference": float(apart.max()) if len(apart) else 0.0,
    }


def _copies_with_another_age(faces: pd.DataFrame, groups: pd.Series) -> int:
    inside = faces.assign(group=groups)[groups >= 0]
    train, test = (inside[inside["split"] == part] for part in ("train", "test"))
    mine, theirs = (pd.MultiIndex.from_frame(part[["group", "age"]]) for part in (test, train))
    return int((test["group"].isin(train["group"]).to_numpy() & ~mine.isin(theirs)).sum())


def _check_names(listed: pd.DataFrame, table: pd.DataFrame) -> dict:
    both = listed.merge(table, on="path", suffixes=("", "_table"))
    return {
        "pictures_of_the_table": len(table),
        "listed": len(listed),
        "found": len(both),
        "same_age": int((both["age"] == both["age_table"]).sum()),
        "one_name_one_person": bool(
            both.groupby("identity")["identity_table"].nunique().max() == 1
            and both.groupby("identity_table")["identity"].nunique().max() == 1
        ),
    }
