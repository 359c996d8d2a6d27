"""Published numbers beside ours: of kept runs over their seeds and together, and of a sequence that was run.

What is compared in one table is judged by one rule: see :mod:`agelib.experiments.published.protocol`.
"""

from pathlib import Path

import pandas as pd

from agelib import metrics
from agelib.experiments.published.kept_runs import Kept, kept, together
from agelib.experiments.published.protocol import (
    AGE_F1,
    AGE_F1_BY_PROBABILITY,
    AGE_F1_IN_WHOLE_YEARS,
    CS5_IN_WHOLE_YEARS,
    MOST_PROBABLE,
    judge,
    protocol_of,
    rule,
)
from agelib.experiments.published.record import FOLDER
from agelib.experiments.published.registry import FAMILY_OF, NAMES, compared, read

#: Measures of kept runs that count, in the order of the rows.
_COUNTING = (
    "MAE", "MSE", CS5_IN_WHOLE_YEARS, AGE_F1, AGE_F1_BY_PROBABILITY, AGE_F1_IN_WHOLE_YEARS, "macro F1 of gender",
    "macro F1 of ethnicity", "coverage of 90 % intervals",
)  # fmt: skip

#: What a validation loss is a function of, beside the network: only where all agree can two losses be compared.
_OF_THE_LOSS = (
    "tasks", "task_weights", "target", "loss", "standardise", "sigma", "label", "label_smoothing", "source",
    "data_seed", "split",
)  # fmt: skip


def compare(found: pd.DataFrame, measure: str | None = None) -> pd.DataFrame:
    """The published numbers and ours, one row a variant: what :func:`agelib.plots.variants` draws.

    Parameters
    ----------
    found : pandas.DataFrame
        What :func:`agelib.experiments.published.run` or :func:`results` returned.
    measure : str, optional
        One measure, such as ``MAE``; all by default, without those of single groups.

    Returns
    -------
    pandas.DataFrame
        Columns ``variant`` (the step, with part or task where it has several), ``what``, ``measure``, ``published``,
        ``ours``, ``low`` and ``high``.

    Examples
    --------
    >>> measures = ["macro F1 of age_group", "macro F1 of gender"]
    >>> found = pd.DataFrame({"step": ["V19"] * 2, "part": "", "what": "", "measure": measures, "published": 1.0})
    >>> compare(found.assign(ours=2.0, low=1.0, high=3.0))["variant"].tolist()
    ['V19 age_group', 'V19 gender']
    """
    wanted = found["measure"] == measure if measure else ~found["measure"].str.contains(",")
    table = found[wanted].reset_index(drop=True)
    part = table["part"].fillna("")
    detail = part.where(part != "", table["measure"].str.rpartition(" of ")[2])
    several = table["step"].duplicated(keep=False)
    table["variant"] = table["step"].where(~several, table["step"] + " " + detail)
    return table[["variant", "what", "measure", "published", "ours", "low", "high"]]


def results(folder=FOLDER, names=NAMES) -> pd.DataFrame:
    """One row for each kept experiment and measure that counts: what was published, and what our seeds found.

    Parameters
    ----------
    folder : path
        Where ``runs`` lies.
    names : sequence of str
        Which experiments, in the order of the rows.

    Returns
    -------
    pandas.DataFrame
        ``step``, ``part`` (empty), ``family``, ``what``, ``measure``, ``published``, ``ours`` (mean over seeds),
        ``least`` and ``most`` (of the seeds), ``low`` and ``high`` (95 % interval of the first seed), ``together`` (of
        all seeds as one, see :func:`agelib.experiments.published.together`), ``together_low``, ``together_high``,
        ``seeds``, ``trained`` and ``tested`` (pictures), ``image_size``, ``epochs``, ``minutes`` (the fastest seed's),
        ``device``, ``rule`` and ``rounding`` (of age groups and ages, see
        :func:`agelib.experiments.published.protocol_of`), ``weights`` (the first ones), ``chosen_by``, ``study``,
        ``protocol`` and ``differs``.

    Notes
    -----
    Age groups have a row by the run's own rule, one in whole years, which is the same for all runs, and where the own
    rule is not the most probable group, one by that: a published number stands beside it, for the studies' networks
    are classifiers. CS@5 is of whole years alone.
    """
    rows = []
    for name in names:
        experiment, mine = read(name), kept(name, folder)
        if not mine:
            continue
        bins, own, judged_as = mine[0].experiment.training.bins, rule(mine[0]), protocol_of(mine[0])
        tables = [judge(each.predictions, bins, each.measures) for each in mine]
        about = [each.environment for each in mine]
        joint = judge(together(mine), bins) if len(mine) > 1 else tables[0]
        left_out = {AGE_F1_BY_PROBABILITY} if own == MOST_PROBABLE else set()
        left_out |= {"MSE"} - set(experiment.published)
        for measured in _COUNTING:
            if measured not in tables[0].index or measured in left_out:
                continue
            values = [table.loc[measured, "value"] for table in tables]
            as_one = joint.reindex([measured]).iloc[0]
            rows.append(
                {
                    "step": name,
                    "part": "",
                    "family": FAMILY_OF[name],
                    "what": experiment.title,
                    "measure": measured,
                    "published": _published(experiment.published, measured, own),
                    "ours": sum(values) / len(values),
                    "least": min(values),
                    "most": max(values),
                    "low": tables[0].loc[measured, "low"],
                    "high": tables[0].loc[measured, "high"],
                    "together": as_one["value"],
                    "together_low": as_one["low"],
                    "together_high": as_one["high"],
                    "seeds": len(mine),
                    "trained": about[0]["pictures"]["train"],
                    "tested": about[0]["pictures"]["test"],
                    "image_size": mine[0].experiment.pictures.image_size,
                    "epochs": max(each["epochs"] for each in about),
                    "minutes": min(each["seconds"] for each in about) / 60,
                    "device": about[0]["device"],
                    "rule": own,
                    "rounding": judged_as["rounding"],
                    "weights": judged_as["weights"],
                    "chosen_by": judged_as["chosen by"],
                    "study": experiment.study,
                    "protocol": experiment.protocol,
                    "differs": experiment.ours,
                }
            )
    return pd.DataFrame(rows)


def _published(published: dict, measured: str, own_rule: str) -> float:
    """The published number of a measure; that of age groups is of the most probable one."""
    if measured == AGE_F1_BY_PROBABILITY or (measured == AGE_F1 and own_rule == MOST_PROBABLE):
        return published.get(AGE_F1, float("nan"))
    return float("nan") if measured == AGE_F1 else published.get(measured, float("nan"))


def by_one_rule(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Rows of :func:`results` as one table may show them, with the rule by which all its age groups are predicted.

    Where all rows have one rule and round alike, the age groups' F1 is by that rule; else it is in whole years.

    Returns
    -------
    pandas.DataFrame
        With one row for the age groups' F1 of each experiment.
    str
        The rule; empty if no age group is predicted.
    """
    mine = rows.loc[rows["measure"] == AGE_F1, ["rule", "rounding"]].drop_duplicates()
    is_one = len(mine) < 2
    rows = rows[~rows["measure"].isin([AGE_F1_BY_PROBABILITY, AGE_F1_IN_WHOLE_YEARS if is_one else AGE_F1])]
    rows = rows.assign(measure=rows["measure"].replace(AGE_F1_IN_WHOLE_YEARS, AGE_F1))
    if mine.empty:
        return rows, ""
    return rows, mine["rule"].iloc[0] if is_one else "the group of the predicted age in whole years"


def side_by_side(family: str, folder=FOLDER) -> pd.DataFrame:
    """Kept experiments that differ in one thing: one row each, one column a measure.

    Parameters
    ----------
    family : str
        One of :data:`agelib.experiments.published.registry.FAMILIES`.
    folder : path
        Where ``runs`` lies.

    Returns
    -------
    pandas.DataFrame
        Index: what each is, in words. One column for each measure (mean over the seeds), ``low`` and ``high`` of the
        first one (95 % interval over test pictures, first seed), and ``seeds``. Age groups are predicted by one
        ``rule`` for all (:func:`by_one_rule`); if it is not each one's own, there are ``own F1`` (percent) and
        ``own rule``, too. Empty if no run is kept.

    Raises
    ------
    ValueError
        If there is no such family; the message has a near one.

    Examples
    --------
    >>> side_by_side("targets", folder="no such folder").empty
    True
    """
    rows = results(folder, compared(family))
    if rows.empty:
        return rows
    rows = rows[~rows["measure"].isin([CS5_IN_WHOLE_YEARS, "coverage of 90 % intervals"])]
    rows = rows.rename(columns={"what": "title"})
    own = rows[rows["measure"] == AGE_F1].set_index("title")[["ours", "rule"]]
    rows, shared = by_one_rule(rows)
    found = rows.pivot_table("ours", index="title", columns="measure", sort=False)
    found = found.join(rows.drop_duplicates("title").set_index("title")[["low", "high", "seeds"]])
    if not shared:
        return found
    found["rule"] = shared
    if set(own["rule"]) != {shared}:
        found = found.join(own.rename(columns={"ours": "own F1", "rule": "own rule"}))
    return found


def by_validation_loss(folder=FOLDER, like: str = "") -> pd.DataFrame:
    """Which kept experiments have the least validation loss, of all whose losses can be compared.

    Losses can be compared where tasks, target, labels and validation set are the same, whatever the network, the
    resolution or the schedule. This is how one of them may be picked; the test set has no say.

    Parameters
    ----------
    folder : path
        Where ``runs`` lies.
    like : str
        The experiment whose loss is meant; by default the first that is kept.

    Returns
    -------
    pandas.DataFrame
        Index: the experiments' names, the least loss first; ``valid_loss`` (mean over seeds of each one's least) and
        ``seeds``.

    Examples
    --------
    >>> by_validation_loss("no such folder").empty
    True
    """
    runs = {name: kept(name, folder) for name in NAMES}
    runs = {name: found for name, found in runs.items() if found}
    if like and like not in runs:
        raise ValueError(f"no run of {read(like).name!r} is kept in {folder}; there are: {', '.join(runs) or 'none'}")
    wanted = _loss_of(runs[like or next(iter(runs))][0]) if runs else ()
    rows = {
        name: {"valid_loss": sum(run.history["valid_loss"].min() for run in found) / len(found), "seeds": len(found)}
        for name, found in runs.items()
        if _loss_of(found[0]) == wanted
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["valid_loss", "seeds"])
    return table.sort_values("valid_loss", kind="stable").astype({"seeds": int})


def _loss_of(run: Kept) -> tuple:
    options = run.experiment.values()
    return (*(options[name] for name in _OF_THE_LOSS), Path(options["split_file"]).name)


def gains(found: pd.DataFrame, name: str, resamples: int = 1000) -> pd.DataFrame:
    """What each change was worth, as published and here: macro F1 minus that of the step that it changes.

    Ours are paired: the same test pictures, drawn again together. Steps with other age groups or other test pictures
    than the one before cannot be compared, and are left out.

    Parameters
    ----------
    found : pandas.DataFrame
        What :func:`agelib.experiments.published.run` returned.
    name : str
        The sequence.
    resamples : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        Index ``step``; ``after``, ``what``, ``published`` and ``ours`` with ``low`` and ``high``: differences in
        percentage points.
    """
    sequence, rows = read(name), []
    judged = (found["state"] == "complete") & (found["measure"] == sequence.first_measure)
    done = found[judged].drop_duplicates("step").set_index("step")
    for step in done.index:
        before = sequence.step(step).after.name
        if before not in done.index:
            continue
        first, second = (_read(done.loc[each, "predictions"]) for each in (before, step))
        one, other = (table.set_index("path")["age_group"].sort_index() for table in (first, second))
        if not one.equals(other):
            continue
        worth = metrics.compare_classes(first, second, "age_group", resamples).loc["macro F1"]
        rows.append(
            {
                "step": step,
                "after": before,
                "what": sequence.step(step).title,
                "published": done.loc[step, "published"] - done.loc[before, "published"],
                **worth[["value", "low", "high"]].rename({"value": "ours"}),
            }
        )
    columns = ["step", "after", "what", "published", "ours", "low", "high"]
    return pd.DataFrame(rows, columns=columns).set_index("step")


def _read(file: str) -> pd.DataFrame:
    return pd.read_csv(file, dtype={"path": "object", "identity": "object"})
