"""The table of reference results: what each run found, over its seeds and together, beside what was published."""

import numpy as np
import pandas as pd

from agelib import store
from agelib.references.experiments import FOLDER, NAMES, read
from agelib.references.keeping import kept, measure, predictions_of, recompute
from agelib.targets import groups


def results(folder=FOLDER) -> pd.DataFrame:
    """One row for each reference and measure that counts: what was published, and what our seeds found.

    Returns
    -------
    pandas.DataFrame
        ``name``, ``title``, ``measure``, ``published``, ``ours`` (mean over seeds), ``least`` and ``most`` (of the
        seeds), ``low`` and ``high`` (95 % interval of the first seed), ``together`` (of all seeds as one, see
        :func:`together`), ``together_low``, ``together_high``, ``seeds``, ``trained`` and ``tested``
        (pictures), ``image_size``, ``epochs``, ``minutes`` (mean), ``device``, ``study``, ``protocol`` and ``differs``.
    """
    rows = []
    places = kept(folder)
    for name in NAMES:
        reference = read(name)
        mine = [place for place in places if place.name.rpartition("-")[0] == name]
        if not mine:
            continue
        tables = [recompute(place) for place in mine]
        about = [store.read_json(place / "environment.json") for place in mine]
        shown = store.read_json(mine[0] / "experiment.json")
        joint = measure(together(mine)) if len(mine) > 1 else tables[0]
        for measured in _that_count(tables[0]):
            values = [table.loc[measured, "value"] for table in tables]
            rows.append(
                {
                    "name": name,
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
                    "image_size": shown["image_size"],
                    "epochs": max(each["epochs"] for each in about),
                    "minutes": sum(each["seconds"] for each in about) / len(about) / 60,
                    "device": about[0]["device"],
                    "study": reference.study,
                    "protocol": reference.protocol,
                    "differs": reference.ours,
                }
            )
    return pd.DataFrame(rows)


def together(places) -> pd.DataFrame:
    """The predictions of several kept runs of one experiment as if one network had made them: an ensemble.

    Parameters
    ----------
    places : list of pathlib.Path
        Kept runs that differ in their seed alone.

    Returns
    -------
    pandas.DataFrame
        A picture's ``predicted`` is the mean of the runs' ages, its group that of this mean; of classes it is what most
        runs say, of equally many the first's. There are no intervals: they were calibrated for each run alone.
    """
    tables = [predictions_of(place) for place in places]
    joint = tables[0].drop(columns=["age_low", "age_high"], errors="ignore")
    for column in [name for name in joint if name.startswith("predicted_")]:
        votes = np.stack([table[column].to_numpy(str) for table in tables], axis=1)  # [N, runs]
        agreeing = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
        joint[column] = np.take_along_axis(votes, agreeing.argmax(axis=1)[:, None], axis=1)[:, 0]
    if "predicted" in joint:
        joint["predicted"] = sum(table["predicted"] for table in tables) / len(tables)
        described = store.read_json(places[0] / "experiment.json")
        if described["target"] != "groups":
            codes = groups.group_of(joint["predicted"].to_numpy(), described["bins"])
            joint["predicted_age_group"] = [groups.names_of(described["bins"])[code] for code in codes]
    return joint


def _joint(joint: pd.DataFrame, measured: str) -> dict:
    found = joint.reindex([measured]).iloc[0]
    return {"together": found["value"], "together_low": found["low"], "together_high": found["high"]}


def _that_count(measured: pd.DataFrame) -> list[str]:
    wanted = (
        "MAE", "CS@5", "macro F1 of age_group", "macro F1 of gender", "macro F1 of ethnicity",
        "coverage of 90 % intervals",
    )  # fmt: skip
    return [name for name in wanted if name in measured.index]
