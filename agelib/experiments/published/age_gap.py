"""How far the apparent age is from the real one, on ChaLearn and FG-NET. Explained in chapter 06."""

from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data.sources import chalearn as chalearn_source
from agelib.metrics.bootstrap import Resampling
from agelib.metrics.subgroups import group_codes
from agelib.runtime import workspace
from agelib.runtime.provenance import record

#: Edges of the age groups in which the gap is given.
EDGES = (20, 30, 40, 50, 60, 70)


def gaps(
    faces: pd.DataFrame, by: str = "real_age", edges: tuple | None = EDGES, resamples: int = 1000, **resampling
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
    whole = gaps(faces.assign(all="all"), "all", **options).iloc[0].astype(float)
    gap = faces["apparent_age"] - faces["real_age"]
    known = faces[gap.notna()]
    spread = np.cov(known["apparent_age"], known["real_age"])
    by = {f"by_{age}": gaps(faces, age, edges, **options) for age in ("real_age", "apparent_age")}
    return {
        "pictures": int(whole["count"]),
        "gap": whole.rename({"gap": "value"})[["value", "low", "high"]].to_dict(),
        "distance": whole["distance"],
        "older": float(100 * (gap > 0).sum() / len(known)),
        "younger": float(100 * (gap < 0).sum() / len(known)),
        "correlation": float(spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1])),
        "apparent_per_real": float(spread[0, 1] / spread[1, 1]),
        "real_per_apparent": float(spread[0, 1] / spread[0, 0]),
        **{name: table.rename_axis("group").reset_index().to_dict("records") for name, table in by.items()},
        "protocol": {
            "gap": "apparent minus real age, in years; above 0: looks older",
            "edges": list(edges),
            "interval": "95 %, percentile bootstrap of the pictures of each group; people are not known",
            "resamples": resamples,
            "seed": seed,
        },
    }


def describe_chalearn(root, folder=None, resamples: int = 2000, seed: int = 42) -> dict:
    """Describe the gap of ChaLearn's people, and write what was found with where it comes from.

    Parameters
    ----------
    root : path
        As for :func:`agelib.data.sources.chalearn.read`.
    folder : path, optional
        Where to write ``chalearn_gap.json``; nothing is written if not given.
    resamples, seed : int
        As in :func:`describe_gap`.

    Returns
    -------
    dict
        What :func:`describe_gap` returns of the ChaLearn images alone, with ``provenance``: the data set, a key of
        its ages, what was left out and why, and versions.
    """
    found = chalearn_source.read(root)
    chalearn = found.faces[found.faces["source"] == "chalearn"]
    if chalearn.empty:
        raise ValueError(f"apparent ages: no picture of ChaLearn (subject {chalearn_source.NOBODY}) in {found.root}")
    result = describe_gap(chalearn, resamples=resamples, seed=seed)
    result["provenance"] = record(
        "numpy",
        "pandas",
        made_by="agelib published chalearn-gap",
        data="ChaLearn, apparent and real ages of pictures of people; no pictures used",
        key=workspace.content_key(chalearn[["path", "apparent_age", "real_age"]].to_csv(index=False)),
        left_out={"FG-NET": int(len(found.faces) - len(chalearn))},
        notes=found.notes,
    ).as_dict()
    if folder is not None:
        workspace.write_json(Path(folder) / "chalearn_gap.json", result)
    return result
