"""Age groups found from a confusion matrix: what study C did by eye, as an algorithm.

The UTKFace study (Benyamin 2023) looked at the confusion matrix of two-year bins and drew squares along its diagonal so
that confusion stays inside them; the squares became its seven age groups. To draw them is to cut the ages into K
neighbouring groups. What makes a cut good?

* Not accuracy: one group from 0 to 116 is always right, and a huge group beside slivers nearly so.
* Macro F1, the mean over groups of F1 = 2·hits / (pictures in the group's rows + in its columns). Every group counts
  the same, so a huge group cannot pay for slivers that nothing hits; and it is the number that is reported.

A group's F1 depends on the group's own rows and columns alone, so the sum over groups is additive, and the best of all
cuts is found exactly by dynamic programming, cell by cell. Fewer groups are easier to hit, also by chance, so cuts
into different numbers of groups are compared by how far they lie above the F1 of a random guess with the same
marginals. Find groups on the validation part and judge them on the test part: the best cut of a matrix looks better
on that matrix than on any other. Explained in chapter 14.
"""

import re

import numpy as np
import pandas as pd

from agelib.targets.age_groups import edges_of

#: Width of the cells from which groups are made, in years, as in study C.
WIDTH = 2


def age_confusion(predictions: pd.DataFrame, width: int = WIDTH) -> pd.DataFrame:
    """The confusion matrix of bins of `width` years each.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age`` and ``predicted``, in years; or, of a network that names groups, ``age_group`` and
        ``predicted_age_group``, whose first numbers count.

    Returns
    -------
    pandas.DataFrame
        Pictures, int; index ``age`` (true) and columns ``predicted``, each the first age of its bin. The last bin is
        that of the oldest true age; whatever is predicted beyond the ends is in the first or last bin.

    Examples
    --------
    >>> age_confusion(pd.DataFrame({"age": [1.0, 2, 5], "predicted": [0.3, 3.9, 30.0]}))
    predicted  0  2  4
    age
    0          1  0  0
    2          0  1  0
    4          0  0  1
    """
    if width < 1:
        raise ValueError(f"a bin is at least one year wide, not {width}")
    true, predicted = (ages // width for ages in _ages(predictions)[:2])
    size = int(true.max()) + 1
    cells = true * size + np.clip(predicted, 0, size - 1)
    counts = np.bincount(cells.astype(np.int64), minlength=size**2).reshape(size, size)
    firsts = width * np.arange(size)
    return pd.DataFrame(counts, index=pd.Index(firsts, name="age"), columns=pd.Index(firsts, name="predicted"))


def find(confusion: pd.DataFrame, groups=range(2, 11), min_width: float = 0, min_share: float = 0.01) -> pd.DataFrame:
    """The best age groups of each number of groups.

    Parameters
    ----------
    confusion : pandas.DataFrame
        From :func:`age_confusion`: pictures by true (rows) and predicted (columns) bin, both named by first age.
    groups : iterable of int
        Numbers of groups K to find.
    min_width : float
        Least years of a group, all but the last.
    min_share : float
        Least share of the pictures in a group, 0 to 1; a group of three pictures may be hit by luck.

    Returns
    -------
    pandas.DataFrame
        Index ``groups``: K; it lacks a K for which no cut keeps the limits (ValueError if none does). Columns
        ``macro_f1`` (percent), ``chance`` (percent: that expected of a guess at random with the same marginals),
        ``above_chance`` (their difference), ``smallest`` (share of the pictures in the smallest group, percent) and
        ``edges`` (first age of each group). :func:`choose` takes the row that is farthest above chance.

    Examples
    --------
    Two ages are confused with each other, and so are two others:

    >>> ages = pd.Index([0, 2, 4, 6])
    >>> confusion = pd.DataFrame([[5, 5, 0, 0], [5, 5, 0, 0], [0, 0, 5, 5], [0, 0, 5, 5]], ages, ages)
    >>> find(confusion, groups=(2, 3)).round(1)
            macro_f1  chance  above_chance  smallest      edges
    groups
    2          100.0    50.0          50.0      50.0     (0, 4)
    3           66.7    33.3          33.3      25.0  (0, 2, 4)
    """
    counts, firsts = _checked(confusion)
    f1, chance = _blocks(counts)
    widths = firsts[None, :] - firsts[:, None]
    rows = np.concatenate([[0], np.cumsum(counts.sum(axis=1))])
    pictures = rows[None, :] - rows[:, None]
    allowed = (pictures >= max(min_share * rows[-1], 1)) & (widths >= min_width)
    allowed[:, -1] = pictures[:, -1] >= max(min_share * rows[-1], 1)
    values = np.where(np.triu(allowed, 1), f1, -np.inf)
    wanted = sorted(set(groups))
    if not wanted or wanted[0] < 1:
        raise ValueError(f"numbers of groups are whole and above 0, not {wanted}")
    table = {}
    for number, cuts in _best_cuts(values, wanted[-1]).items():
        if number in wanted:
            blocks, edges = (cuts[:-1], cuts[1:]), tuple(int(age) for age in firsts[cuts[:-1]])
            table[number] = _scores(f1[blocks], chance[blocks], 100 * pictures[blocks].min() / rows[-1], edges)
    if not table:
        raise ValueError(
            f"{len(firsts) - 1} bins cannot be cut into {wanted} groups of at least {min_width} years and "
            f"{100 * min_share:g} % of the pictures; lower min_width, min_share or the number of groups"
        )
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("groups")


def choose(table: pd.DataFrame) -> tuple:
    """First ages of the groups that lie farthest above chance, of what :func:`find` found.

    >>> choose(pd.DataFrame({"above_chance": [49.0, 52.0, 50.0], "edges": [(0, 20), (0, 3, 20), (0, 3, 7, 20)]}))
    (0, 3, 20)
    """
    return table["edges"].loc[table["above_chance"].idxmax()]


def score(predictions: pd.DataFrame, edges) -> dict:
    """Macro F1 of given age groups, with its chance level, for the same predictions: to lay beside what was found.

    Parameters
    ----------
    predictions : pandas.DataFrame
        As in :func:`age_confusion`.
    edges : str or tuple of int
        A name such as ``7b``, or first ages.

    Returns
    -------
    dict
        ``groups``, ``macro_f1``, ``chance``, ``above_chance`` (percent), ``smallest``, ``edges``, as in :func:`find`.
        A group without any picture, true or predicted, is left out of the means.

    Raises
    ------
    ValueError
        If the predictions are bins that an edge would cut in two.

    Examples
    --------
    >>> score(pd.DataFrame({"age": [1.0, 5, 40, 70], "predicted": [2.0, 20, 45, 50]}), (0, 3, 60))["macro_f1"]
    60.0
    """
    edges = edges_of(edges)
    true, predicted, last = _ages(predictions)
    if last is not None:
        first = np.concatenate([true, predicted])
        cut = [edge for edge in edges if ((first < edge) & (edge <= last)).any()]
        if cut:
            raise ValueError(
                f"an age group that begins at {cut[0]} cuts one of the predicted bins in two; "
                "take edges between bins, or predictions in years"
            )
    size = len(edges)
    true, predicted = (np.clip(np.searchsorted(edges, ages, side="right") - 1, 0, None) for ages in (true, predicted))
    counts = np.bincount(size * true + predicted, minlength=size**2).reshape(size, size)
    f1, chance = _blocks(counts)
    own = np.arange(size)
    smallest = 100 * counts.sum(axis=1).min() / counts.sum()
    return {"groups": size} | _scores(f1[own, own + 1], chance[own, own + 1], smallest, edges)


def _scores(f1: np.ndarray, chance: np.ndarray, smallest: float, edges: tuple) -> dict:
    """What is said of age groups, of each group's F1 and its expectation by chance."""
    f1, chance = float(100 * np.nanmean(f1)), float(100 * np.nanmean(chance))
    found = {"macro_f1": f1, "chance": chance, "above_chance": f1 - chance}
    return found | {"smallest": float(smallest), "edges": edges}


def _ages(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """True and predicted ages in completed years, and, for named bins, the last age of each of both."""
    if {"age", "predicted"} <= set(predictions):
        both = predictions[["age", "predicted"]].to_numpy(dtype=np.float64)
        if not len(both) or not np.isfinite(both).all():
            raise ValueError("bins: the predictions table is empty, or an age in it is missing or infinite")
        true, predicted = np.floor(both).T
        if true.min() < 0:
            raise ValueError(f"bins: a true age is {true.min():g}; ages are from 0 up")
        return true.astype(np.int64), predicted.astype(np.int64), None
    missing = {"age_group", "predicted_age_group"} - set(predictions)
    if missing:
        raise ValueError(
            "bins: the predictions table needs age and predicted, or age_group and predicted_age_group; "
            f"it has: {', '.join(map(str, predictions.columns))}"
        )
    names = pd.concat([predictions["age_group"], predictions["predicted_age_group"]])
    spans = {name: _span(name) for name in names.unique()}
    first, last = (names.map({name: span[i] for name, span in spans.items()}).to_numpy() for i in (0, 1))
    return *np.split(first, 2), last


def _span(name) -> tuple[int, int]:
    """First and last age of a named bin: "4–5", "4", or "66 and over" (which no edge cuts)."""
    ages = [int(number) for number in re.findall(r"\d+", str(name))]
    if not ages or str(name).startswith("under"):
        raise ValueError(f"bins: {name!r} is no age group with a first age, such as 4–5")
    return ages[0], ages[-1]


def _checked(confusion: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Counts [n, n] and the first age of each bin, with the end of the last, [n + 1]."""
    counts = confusion.to_numpy()
    index = confusion.index
    if counts.ndim != 2 or not index.equals(pd.Index(confusion.columns)) or not len(index):
        raise ValueError("bins: a confusion matrix has the same bins as rows and columns; see age_confusion")
    firsts = pd.to_numeric(pd.Series(index), errors="coerce").to_numpy(dtype=np.float64)
    if np.isnan(firsts).any() or (np.diff(firsts) <= 0).any():
        raise ValueError(f"bins: rows are named by their first ages, going up, not {list(index)[:5]} …")
    if not np.isfinite(counts).all() or (counts < 0).any() or not counts.sum():
        raise ValueError("bins: a confusion matrix holds counts, not all of them 0")
    end = 2 * firsts[-1] - firsts[-2] if len(firsts) > 1 else firsts[-1] + 1
    return counts.astype(np.float64), np.append(firsts, end)


def _blocks(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F1, and its expectation by chance, of each group from cell i to before cell j: [n + 1, n + 1], 0 to 1.

    By chance means that the predictions are shuffled over the pictures: rows and columns keep their sums r and c, so
    the expected hits are r·c/n, and nothing else in F1 = 2·hits / (r + c) varies.
    """
    corner = np.zeros((len(counts) + 1, len(counts) + 1))
    corner[1:, 1:] = counts.cumsum(axis=0).cumsum(axis=1)
    own = np.diagonal(corner)
    hits = own[None, :] - corner - corner.T + own[:, None]
    true, predicted = corner[:, -1], corner[-1, :]
    rows, columns = true[None, :] - true[:, None], predicted[None, :] - predicted[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2 * hits / (rows + columns), 2 * rows * columns / counts.sum() / (rows + columns)


def _best_cuts(values: np.ndarray, most: int) -> dict[int, np.ndarray]:
    """For each number of groups up to `most` the cuts, [K + 1], with the greatest sum of the groups' values.

    `values` [n + 1, n + 1] holds the value of a group from cut i to cut j; −inf where there may be none. best[j] is the
    greatest sum of K groups that end at cut j: the last of them begins at some i, and before it are K − 1 groups.
    """
    best = np.full(len(values), -np.inf)
    best[0] = 0
    before, result = [], {}
    for number in range(1, most + 1):
        sums = best[:, None] + values
        before.append(sums.argmax(axis=0))
        best = sums.max(axis=0)
        if np.isfinite(best[-1]):
            cuts = [len(values) - 1]
            for step in reversed(before):
                cuts.append(int(step[cuts[-1]]))
            result[number] = np.array(cuts[::-1])
    return result
