"""The table of reference results: what each run found, over its seeds and together, beside what was published."""

import numpy as np
import pandas as pd

from agelib.experiments.published.kept import Kept, kept, measure
from agelib.experiments.published.recipes import NAMES, compared, read
from agelib.experiments.published.reference import FOLDER
from agelib.targets import age_groups


def results(folder=FOLDER, names=NAMES) -> pd.DataFrame:
    """One row for each reference and measure that counts: what was published, and what our seeds found.

    Parameters
    ----------
    folder : path
        Where ``runs`` lies.
    names : sequence of str
        Which references, in the order of the rows.

    Returns
    -------
    pandas.DataFrame
        ``name``, ``family``, ``title``, ``measure``, ``published``, ``ours`` (mean over seeds), ``least`` and ``most``
        (of the seeds), ``low`` and ``high`` (95 % interval of the first seed), ``together`` (of all seeds as one, see
        :func:`together`), ``together_low``, ``together_high``, ``seeds``, ``trained`` and ``tested``
        (pictures), ``image_size``, ``epochs``, ``minutes`` (the fastest seed's), ``device``, ``study``, ``protocol``
        and ``differs``.
    """
    rows = []
    for name in names:
        reference, mine = read(name), kept(name, folder)
        if not mine:
            continue
        tables = [each.measures for each in mine]
        about = [each.environment for each in mine]
        joint = measure(together(mine)) if len(mine) > 1 else tables[0]
        for measured in _that_count(tables[0], reference.published):
            values = [table.loc[measured, "value"] for table in tables]
            rows.append(
                {
                    "name": name,
                    "family": reference.family,
                    "title": reference.title,
                    "measure": measured,
                    "published": reference.published.get(measured, float("nan")),
                    "ours": sum(values) / len(values),
                    "least": min(values),
                    "most": max(values),
                    "low": tables[0].loc[measured, "low"],
                    "high": tables[0].loc[measured, "high"],
                    **_joint(joint, measured),
                    "seeds": len(mine),
                    "trained": about[0]["pictures"]["train"],
                    "tested": about[0]["pictures"]["test"],
                    "image_size": mine[0].experiment.pictures.image_size,
                    "epochs": max(each["epochs"] for each in about),
                    "minutes": min(each["seconds"] for each in about) / 60,
                    "device": about[0]["device"],
                    "study": reference.study,
                    "protocol": reference.protocol,
                    "differs": reference.ours,
                }
            )
    return pd.DataFrame(rows)


def compare(family: str, folder=FOLDER) -> pd.DataFrame:
    """Reference experiments that differ in one thing, side by side.

    Parameters
    ----------
    family : str
        One of :data:`agelib.experiments.published.recipes.FAMILIES`.
    folder : path
        Where ``runs`` lies.

    Returns
    -------
    pandas.DataFrame
        Index: what each is, in words. One column for each measure (mean over the seeds), ``low`` and ``high`` of the
        first one (95 % interval over test pictures, first seed), and ``seeds``. Empty if no run is kept.

    Raises
    ------
    ValueError
        If there is no such family; the message has a near one.

    Examples
    --------
    >>> compare("targets", folder="no such folder").empty
    True
    """
    rows = results(folder, compared(family))
    if rows.empty:
        return rows
    rows = rows[~rows["measure"].isin(["CS@5", "coverage of 90 % intervals"])]
    found = rows.pivot_table("ours", index="title", columns="measure", sort=False)
    first = rows.drop_duplicates("title").set_index("title")
    return found.join(first[["low", "high", "seeds"]])


def together(runs: list[Kept]) -> pd.DataFrame:
    """The predictions of several kept runs of one experiment as if one network had made them: an ensemble.

    Parameters
    ----------
    runs : list of Kept
        They differ in their seed alone.

    Returns
    -------
    pandas.DataFrame
        A picture's ``predicted`` is the mean of the runs' ages, its group that of this mean; the probability of a class
        is the mean of the runs', and the class that of the highest. There are no intervals: they were calibrated for
        each run alone.

    Raises
    ------
    ValueError
        If the runs were not tested on the same pictures.
    """
    tables = [run.predictions for run in runs]
    joint = tables[0].drop(columns=["age_low", "age_high"], errors="ignore")
    if any(not table["path"].equals(joint["path"]) for table in tables):
        raise ValueError(f"{', '.join(run.folder.name for run in runs)}: not tested on the same pictures")
    for name in joint:
        if name == "predicted" or "=" in name:
            joint[name] = sum(table[name] for table in tables) / len(tables)
    for name in [name for name in joint if name.startswith("predicted_")]:
        task = name.removeprefix("predicted_")
        shares = [column for column in joint if column.startswith(f"{task}=")]
        if shares:
            joint[name] = joint[shares].idxmax(axis=1).str.removeprefix(f"{task}=")
        else:
            bins = runs[0].experiment.training.bins
            joint[name] = np.asarray(age_groups.names_of(bins), object)[age_groups.group_of(joint["predicted"], bins)]
    return joint


def _joint(joint: pd.DataFrame, measured: str) -> dict:
    found = joint.reindex([measured]).iloc[0]
    return {"together": found["value"], "together_low": found["low"], "together_high": found["high"]}


def _that_count(measured: pd.DataFrame, published: dict) -> list[str]:
    wanted = (
        "MAE", "MSE", "CS@5", "macro F1 of age_group", "macro F1 of gender", "macro F1 of ethnicity",
        "coverage of 90 % intervals",
    )  # fmt: skip
    return [name for name in wanted if name in measured.index and (name != "MSE" or name in published)]
