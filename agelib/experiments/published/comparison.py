"""Published numbers beside ours: of kept runs over their seeds and together, of a sequence that was run, of a race."""

import pandas as pd

from agelib import metrics
from agelib.experiments.published.kept_runs import Kept, kept, measure, together
from agelib.experiments.published.record import FOLDER
from agelib.experiments.published.registry import FAMILY_OF, NAMES, compared, read

#: Measures of kept runs that count, in the order of the rows.
_COUNTING = (
    "MAE", "MSE", "CS@5", "macro F1 of age_group", "macro F1 of gender", "macro F1 of ethnicity",
    "coverage of 90 % intervals",
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
        ``device``, ``study``, ``protocol`` and ``differs``.
    """
    rows = []
    for name in names:
        experiment, mine = read(name), kept(name, folder)
        if not mine:
            continue
        tables = [each.measures for each in mine]
        about = [each.environment for each in mine]
        joint = measure(together(mine)) if len(mine) > 1 else tables[0]
        for measured in _COUNTING:
            if measured not in tables[0].index or (measured == "MSE" and "MSE" not in experiment.published):
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
                    "published": experiment.published.get(measured, float("nan")),
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
                    "study": experiment.study,
                    "protocol": experiment.protocol,
                    "differs": experiment.ours,
                }
            )
    return pd.DataFrame(rows)


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
        first one (95 % interval over test pictures, first seed), and ``seeds``. Empty if no run is kept.

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
    rows = rows[~rows["measure"].isin(["CS@5", "coverage of 90 % intervals"])].rename(columns={"what": "title"})
    found = rows.pivot_table("ours", index="title", columns="measure", sort=False)
    return found.join(rows.drop_duplicates("title").set_index("title")[["low", "high", "seeds"]])


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


def clock(run: Kept) -> pd.DataFrame:
    """What a run against the clock had reached after how many seconds.

    Parameters
    ----------
    run : Kept

    Returns
    -------
    pandas.DataFrame
        One row for the end of each epoch: ``epoch`` from 1, ``seconds`` since the start (checkpoints between epochs
        are counted at the end alone), and the validation part's ``valid_mae`` (years) and ``valid_f1`` (percent).

    Raises
    ------
    ValueError
        If the run was made without a clock.
    """
    marks, history = run.clock, run.history
    if not marks:
        raise ValueError(
            f"{run.folder.name} was made without a clock; make it again by `agelib published {run.name} --clock`"
        )
    return pd.DataFrame(
        {
            "epoch": history["epoch"] + 1,
            "seconds": marks["decoded"] + history["seconds"].cumsum(),
            "valid_mae": history["valid_mae"],
            "valid_f1": history["valid_f1"],
        }
    )


def races(folder=FOLDER) -> pd.DataFrame:
    """The speedrun and its short form, the sprint, each with those that lack one of its tricks, side by side.

    Parameters
    ----------
    folder : path
        Where ``runs`` lies.

    Returns
    -------
    pandas.DataFrame
        Index: what each is, in words. ``minutes`` from the archive to the judged test part, ``f1`` (macro F1 of seven
        age groups), ``gender`` and ``ethnicity`` in percent and ``mae`` in years, on the test part, as means over
        ``seeds``; ``change`` of the F1 to that of the whole recipe, ``beside``, with the same seed; its 95 % interval
        over test pictures, ``change_low`` and ``change_high``. Recipes without a clocked run are left out.

    Examples
    --------
    >>> races("no such folder").empty
    True
    """
    measures = {
        "f1": "macro F1 of age_group",
        "mae": "MAE",
        "gender": "macro F1 of gender",
        "ethnicity": "macro F1 of ethnicity",
    }
    rows = []
    for family in ("speedrun", "sprint"):
        whole, *_ = compared(family)
        yardsticks = {run.seed: run for run in kept(whole, folder)}
        for name in compared(family):
            clocked = [run for run in kept(name, folder) if run.clock]
            if not clocked:
                continue
            found = pd.concat([run.measures["value"] for run in clocked], axis=1).mean(axis=1)
            row = {
                "recipe": read(name).title,
                "minutes": sum(run.clock["judged"] for run in clocked) / len(clocked) / 60,
                **{short: found.get(long) for short, long in measures.items()},
                "seeds": len(clocked),
            }
            yardstick = yardsticks.get(clocked[0].seed)
            if name != whole and yardstick:
                change = metrics.compare_classes(yardstick.predictions, clocked[0].predictions).loc["macro F1"]
                names = {"value": "change", "low": "change_low", "high": "change_high"}
                row |= {"beside": whole} | {names[each]: change[each] for each in names}
            rows.append(row)
    return pd.DataFrame(rows).set_index("recipe") if rows else pd.DataFrame()
