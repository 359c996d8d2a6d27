"""Splits that do not leak: within each age, by person, in folds; and the audit that refuses the others.

Study A splits 80/10/10 within each age, whoever is shown; study D splits by animal. What belongs together (a person,
a group of duplicates) is called a *unit* here, and stays on one side. Explained in chapter 03.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agelib.data.spreadsheets import read_table
from agelib.data.table import PARTS

#: Shares of train, valid and test: study A's.
SHARES = (0.8, 0.1, 0.1)

#: Pictures by which a part may miss its share of an age before that counts much: without it, ages with two or three
#: pictures would outweigh all others.
SLACK = 3.0


class LeakError(ValueError):
    """A split shows in one part what is in another."""


@dataclass(frozen=True)
class Audit:
    """What the leakage audit found.

    Attributes
    ----------
    table : pandas.DataFrame
        One row for each kind of leak and pair of parts: ``kind`` (identity, exact duplicate, near duplicate),
        ``part`` and ``other``, ``groups`` (how many are on both sides), ``pictures`` of `part` that are in such a
        group, ``share`` of `part`'s pictures, and ``example``.
    leaks, text : bool, str
        Whether any group is on both sides of anything, and the finding in sentences.
    """

    table: pd.DataFrame
    leaks: bool
    text: str


def split(
    faces: pd.DataFrame,
    kind: str = "subject_exclusive",
    duplicates: pd.DataFrame | None = None,
    parts: tuple[float, float, float] = SHARES,
    seed: int = 42,
) -> pd.DataFrame:
    """Add a column ``split`` with train, valid and test.

    Parameters
    ----------
    faces : pandas.DataFrame
        The faces table; ``path`` and ``age`` are read, and ``identity`` for a subject-exclusive split.
    kind : str
        ``subject_exclusive``: no person and no duplicate on two sides; ages spread as evenly as that allows.
        ``by_age``: the shares hold within every year of age, whoever is shown (study A).
    duplicates : pandas.DataFrame, optional
        From :func:`agelib.data.duplicates.find`, same index: the groups that a subject-exclusive split keeps together.
    parts, seed : tuple of float, int
        Shares of train, valid and test; they sum to 1. The same seed and pictures give the same split, in whatever
        order the rows come.

    Raises
    ------
    ValueError
        If the shares do not sum to 1, an age is missing, or a part would be empty.

    Examples
    --------
    >>> from agelib.data.table import table
    >>> faces = table(path=[f"{i}.jpg" for i in range(20)], age=[30] * 10 + [40] * 10)
    >>> split(faces, "by_age").groupby(["age", "split"]).size().unstack().to_numpy().tolist()
    [[1, 8, 1], [1, 8, 1]]
    """
    if min(parts) <= 0 or abs(sum(parts) - 1) > 1e-9:
        raise ValueError(f"parts={parts}: shares of train, valid and test are above 0 and sum to 1")
    numbers = _deal(faces, kind, duplicates, np.asarray(parts), seed)
    table = faces.assign(split=np.asarray(PARTS, object)[numbers])
    empty = [part for part in PARTS if not (table["split"] == part).any()]
    if empty:
        raise ValueError(
            f"{len(faces)} pictures of {_counted(faces, kind, duplicates)} leave the {' and '.join(empty)} part empty; "
            "use more pictures, or fewer conditions in cleaning"
        )
    return table


def read_parts(file, faces: pd.DataFrame) -> pd.DataFrame:
    """Add a column ``split`` as a file says it: a split that was written once, for everybody.

    Parameters
    ----------
    file : path
        With the columns ``path`` and ``split`` (train, valid or test), one row a picture; what
        :func:`agelib.data.spreadsheets.read_table` reads.
    faces : pandas.DataFrame
        The faces table.

    Returns
    -------
    pandas.DataFrame
        The rows that the file names, with the column ``split``; a picture that it does not name is in no part.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such table, names a picture twice or a part that there is not, or none of its pictures is among
        the faces.
    """
    named = read_table(file, ("path", "split"), "a table of path and split")
    named = pd.DataFrame({"path": named["path"].str.strip(), "split": named["split"].str.strip().str.lower()})
    if (twice := named["path"].duplicated()).any():
        line = twice.idxmax()
        raise ValueError(f"{file}, line {line}: {named['path'][line]} stands there twice; name each picture once")
    if (wrong := ~named["split"].isin(PARTS)).any():
        line = wrong.idxmax()
        raise ValueError(f"{file}, line {line}: no part {named['split'][line]!r}; parts: {', '.join(PARTS)}")
    if named.empty:
        raise ValueError(f"{file} names no picture; add a line for each")
    found = faces.assign(split=faces["path"].map(named.set_index("path")["split"]))
    found = found[found["split"].notna()]
    if found.empty:
        one, other = named["path"].iloc[0], faces["path"].iloc[0]
        raise ValueError(f"{file} names none of these pictures; it has {one!r}, they are like {other!r}")
    return found


def folds(
    faces: pd.DataFrame,
    number: int,
    kind: str = "subject_exclusive",
    duplicates: pd.DataFrame | None = None,
    seed: int = 42,
) -> pd.DataFrame:
    """Add a column ``fold`` with the numbers 0 to `number` − 1; the other parameters are those of :func:`split`.

    >>> from agelib.data.table import table
    >>> faces = table(path=list("abcdef"), age=[30] * 6, identity=list("xxyyzz"))
    >>> folds(faces, 3).groupby("identity")["fold"].nunique().tolist()
    [1, 1, 1]
    """
    if number < 2:
        raise ValueError(f"folds={number}: a cross-validation has 2 folds or more")
    table = faces.assign(fold=_deal(faces, kind, duplicates, np.full(number, 1 / number), seed))
    if table["fold"].nunique() < number:
        raise ValueError(f"{_counted(faces, kind, duplicates)} do not fill {number} folds; use fewer folds")
    return table


def units(faces: pd.DataFrame, duplicates: pd.DataFrame | None = None) -> np.ndarray:
    """Number what must stay together: pictures joined by a person, an exact or a near duplicate, at any remove.

    Returns
    -------
    numpy.ndarray
        int [N], from 0. A picture without an identity and without duplicates is a unit of its own.
    """
    pairs = [pairs_of(codes) for _, codes in _kinds(faces, duplicates)]
    return join(np.concatenate([np.empty((0, 2), np.int64), *pairs]), len(faces))


def pairs_of(codes: np.ndarray) -> np.ndarray:
    """Pairs of places [pairs, 2] that join each group's members to its first, of codes [N]; −1 is in no group.

    >>> pairs_of(np.array([7, -1, 7, 7])).tolist()
    [[0, 0], [0, 2], [0, 3]]
    """
    members = np.flatnonzero(codes >= 0)
    _, first, group = np.unique(codes[members], return_index=True, return_inverse=True)
    return np.stack([members[first[group]], members], axis=1)


def join(pairs: np.ndarray, number: int) -> np.ndarray:
    """Number what pairs of places [pairs, 2] join, at any remove: int [number], from 0.

    >>> join(np.array([[0, 2], [2, 3]]), 4).tolist()
    [0, 1, 0, 0]
    """
    from scipy.sparse import coo_matrix  # takes a moment, and a table that is split already has no use for it
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(pairs), bool), pairs.T), shape=(number, number))
    return connected_components(graph, directed=False)[1]


def audit(faces: pd.DataFrame, duplicates: pd.DataFrame | None = None, column: str = "split") -> Audit:
    """Look for people and duplicates that are in more than one part.

    Parameters
    ----------
    faces, column : pandas.DataFrame, str
        Anything with the column `column` (``split`` or ``fold``), and ``identity`` or a table of `duplicates` or both.
    duplicates : pandas.DataFrame, optional
        From :func:`agelib.data.duplicates.find`, same index.

    Examples
    --------
    >>> faces = pd.DataFrame({"identity": ["x", "x", "y"], "split": ["train", "test", "test"]})
    >>> print(audit(faces).text)
    1 identity is in both train and test (50.0 % of the test pictures), for example 'x'.
    """
    order = {part: place for place, part in enumerate(PARTS)}
    present = sorted(faces[column].dropna().unique(), key=lambda part: (order.get(part, 9), part))
    rows = []
    for kind, codes in _kinds(faces, duplicates):
        inside = pd.DataFrame({"code": codes, "part": faces[column].to_numpy(), "row": np.arange(len(faces))})
        inside = inside[inside["code"] >= 0]
        sets = {part: set(inside["code"][inside["part"] == part]) for part in present}
        for place, one in enumerate(present):
            for other in present[place + 1 :]:
                shared = sets[one] & sets[other]
                # The later part is the one that is judged by what the earlier one has shown.
                mine = inside[(inside["part"] == other) & inside["code"].isin(shared)]
                size = int((faces[column] == other).sum())
                example = "" if mine.empty else _example(faces, kind, int(mine["row"].iloc[0]))
                rows.append((kind, other, one, len(shared), len(mine), len(mine) / size, example))
    table = pd.DataFrame(rows, columns=["kind", "part", "other", "groups", "pictures", "share", "example"])
    found = table[table["groups"] > 0]
    sentences = [_sentence(row) for row in found.itertuples()]
    return Audit(table, bool(len(found)), "\n".join(sentences) or "No identity and no duplicate is in two parts.")


def require_no_leak(found: Audit, allow: bool = False) -> None:
    """Refuse a split that leaks, unless told that it may.

    Raises
    ------
    LeakError
        With what leaked and what to do.
    """
    if found.leaks and not allow:
        raise LeakError(
            f"the split leaks:\n{found.text}\nUse split='subject_exclusive', "
            "or say allow_leaks=True if the leak is what you want to study."
        )


def _sentence(row) -> str:
    noun = {"identity": ("identity", "identities")}.get(row.kind, (f"group of {row.kind}s", f"groups of {row.kind}s"))
    many = row.groups > 1
    return (
        f"{row.groups:,} {noun[many]} {'are' if many else 'is'} in both {row.other} and {row.part} "
        f"({100 * row.share:.1f} % of the {row.part} pictures), for example {row.example!r}."
    )


def _example(faces: pd.DataFrame, kind: str, row: int) -> str:
    """The picture, not the person: on real data an identity may be somebody's name, and pages are published."""
    name = "path" if "path" in faces else kind
    return str(faces[name].iloc[row]) if name in faces else f"row {row}"


def _kinds(faces: pd.DataFrame, duplicates: pd.DataFrame | None) -> list[tuple[str, np.ndarray]]:
    """Each kind of group with every row's group number, −1 for none."""
    kinds = []
    if "identity" in faces and faces["identity"].notna().any():
        kinds.append(("identity", pd.factorize(faces["identity"])[0]))
    if duplicates is not None:
        for kind in ("exact", "near"):
            codes = duplicates[f"{kind}_group"].reindex(faces.index).fillna(-1).to_numpy().astype(np.int64)
            kinds.append((f"{kind} duplicate", codes))
    return kinds


def _counted(faces, kind, duplicates) -> str:
    """How many things were dealt out, in words."""
    if kind != "subject_exclusive":
        return f"{len(faces)} pictures"
    return f"{units(faces, duplicates).max() + 1} people or groups of duplicates"


def _deal(faces: pd.DataFrame, kind: str, duplicates, shares: np.ndarray, seed: int) -> np.ndarray:
    """Number of the part for each row, whatever the order of the rows."""
    if faces.empty:
        raise ValueError("there are no pictures to split")
    ages = faces["age"].to_numpy(float)
    if not np.isfinite(ages).all():
        row = int(np.flatnonzero(~np.isfinite(ages))[0])
        raise ValueError(f"row {row} ({faces['path'].iloc[row]}) has no age; clean the table before it is split")
    order = np.argsort(faces["path"].to_numpy(str), kind="stable")
    generator = np.random.default_rng(seed)
    if kind == "by_age":
        dealt = _deal_by_age(ages[order], shares, generator)
    elif kind == "subject_exclusive":
        sorted_units = pd.factorize(units(faces, duplicates)[order])[0]
        dealt = _deal_units(ages[order], sorted_units, shares, generator)
    else:
        raise ValueError(f"split is one of subject_exclusive, by_age, not {kind!r}")
    numbers = np.empty(len(faces), np.int64)
    numbers[order] = dealt
    return numbers


def _deal_by_age(ages: np.ndarray, shares: np.ndarray, generator) -> np.ndarray:
    """Deal the pictures out like cards, youngest first, in a turn that repeats; who of an age comes first is lot.

    With 80/10/10 a turn has ten cards, one of them for valid and one for test, wherever it begins; so every age, and
    every run of neighbouring ages, has its shares as exactly as whole pictures allow.
    """
    shuffled = generator.permutation(len(ages))
    shuffled = shuffled[np.argsort(np.floor(ages[shuffled]), kind="stable")]
    turn = int(np.ceil(1 / shares.min()))
    number = len(ages) + turn
    # The k-th picture of a part is due at (k + 1/2) / share.
    counts = np.ceil(shares * number).astype(np.int64) + 1
    part = np.repeat(np.arange(len(shares)), counts)
    due = np.concatenate([(np.arange(n) + 0.5) / share for n, share in zip(counts, shares, strict=True)])
    part = part[np.argsort(np.round(due, 9), kind="stable")]
    start = generator.integers(turn)
    dealt = np.empty(len(ages), np.int64)
    dealt[shuffled] = part[start : start + len(ages)]
    return dealt


def _deal_units(ages: np.ndarray, numbers: np.ndarray, shares: np.ndarray, generator) -> np.ndarray:
    """Give each unit, the largest first, to the part that most wants its ages.

    A part wants its share of every year of age, of every tenth of the pictures by age (so that years with few
    pictures even out among neighbours), and of all pictures (so that sizes hold). What it still lacks is counted
    squared, relative to what it wants; the unit goes where that falls the most.
    """
    tenths = np.digitize(ages, np.unique(np.quantile(ages, np.linspace(0, 1, 11)[1:-1])))
    columns, width = [], 0
    for groups in (np.floor(ages), tenths, np.zeros(len(ages))):
        codes = np.unique(groups, return_inverse=True)[1]
        columns.append(codes + width)
        width += codes.max() + 1
    count = _count(np.tile(numbers, len(columns)), np.concatenate(columns), width)  # sparse [units, columns]
    left = shares[:, None] * np.asarray(count.sum(axis=0))  # [parts, columns], what each part still lacks
    scale = 1 / (left + SLACK)
    shuffled = generator.permutation(count.shape[0])
    sizes = np.bincount(numbers)
    shuffled = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    dealt = np.empty(len(sizes), np.int64)
    starts, inner, counted = count.indptr.tolist(), count.indices, count.data
    for unit in shuffled.tolist():
        mine = slice(starts[unit], starts[unit + 1])
        inside, mine = inner[mine], counted[mine]  # a person has few ages: the other columns do not change
        # left² − (left − mine)²
        gain = (mine * (2 * left[:, inside] - mine) * scale[:, inside]).sum(axis=1)
        part = int(np.argmax(gain))
        dealt[unit] = part
        left[part, inside] -= mine
    # With few people a small part may want nobody as a whole: it gets the smallest of those who have several.
    for part in range(len(shares)):
        held = np.bincount(dealt, minlength=len(shares))
        if not held[part] and held.max() > 1:
            dealt[shuffled[dealt[shuffled] == np.argmax(held)][-1]] = part
    return dealt[numbers]


def _count(rows: np.ndarray, columns: np.ndarray, width: int):
    """How often each pair of row and column occurs: a sparse matrix of floats, its columns in order."""
    from scipy.sparse import coo_matrix

    count = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(rows.max() + 1, width)).tocsr()
    count.sum_duplicates()
    return count
