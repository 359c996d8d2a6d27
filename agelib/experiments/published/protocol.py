"""Under which protocol a kept run stands, read off its records; and how runs are judged alike. See chapter 17.

Two networks can be compared where their ages are rounded alike and their age groups chosen alike. An age in whole years
has half a year of grace in CS@5 (:func:`agelib.metrics.whole_years`), and a group can be the most probable one of the
posterior or the one in which the predicted age falls, which differ by many points of macro F1. So every run is judged
by its own rule and, beside it, by rules that are the same for all.
"""

import numpy as np
import pandas as pd

from agelib import metrics
from agelib.experiments.published.kept_runs import Kept, kept, measure
from agelib.experiments.published.record import FOLDER
from agelib.targets import age_groups

#: Macro F1 of age groups: by a run's own rule, in whole years for all, and of the most probable group.
AGE_F1 = "macro F1 of age_group"
AGE_F1_IN_WHOLE_YEARS = f"{AGE_F1} in whole years"
AGE_F1_BY_PROBABILITY = f"{AGE_F1} by probability"

#: The share of ages in whole years that are off by at most 5.
CS5_IN_WHOLE_YEARS = "CS@5 in whole years"

#: The rules by which an age group is predicted.
MOST_PROBABLE, OF_THE_AGE = "the most probable group", "the group of the predicted age"


def protocol_of(run: Kept) -> dict[str, str]:
    """What a number of a run is worth beside another's: how the run was made and judged, in words.

    Returns
    -------
    dict of str to str
        ``weights`` (the first ones), ``trained on`` and ``tested on`` (images), ``pixels`` (of a side), ``epochs``,
        ``seeds`` (this one), ``folds``, ``persons on both sides``, ``age`` (which of the posterior is predicted),
        ``rounding`` (of the predicted ages), ``age group`` (the rule by which it is predicted), ``chosen by`` (what
        chose the setting), ``minutes`` of training and ``device``.
    """
    experiment, about, table = run.experiment, run.environment, run.predictions
    has_age = "predicted" in table
    whole = has_age and bool((table["predicted"] == metrics.whole_years(table["predicted"])).all())
    has_posterior = _has_groups(table)
    folds = experiment.data.folds
    return {
        "weights": experiment.network.pretrained.replace("\\", "/").rpartition("/")[2] or "random",
        "trained on": f"{about['pictures']['train']:,}",
        "tested on": f"{about['pictures']['test']:,}",
        "pixels": str(experiment.pictures.image_size),
        "epochs": str(about["epochs"]),
        "seeds": str(run.seed),
        "folds": f"fold {experiment.data.fold + 1} of {folds}" if folds else "one split",
        "persons on both sides": _persons(run),
        "age": (experiment.training.estimate if has_posterior else "the output") if has_age else "–",
        "rounding": ("whole years" if whole else "none") if has_age else "–",
        "age group": rule(run) or "–",
        "chosen by": run.chosen_by,
        "minutes": f"{about['seconds'] / 60:.0f}",
        "device": about["device"],
    }


def rule(run: Kept) -> str:
    """By which rule a run predicts age groups: :data:`MOST_PROBABLE` or :data:`OF_THE_AGE`; empty if it does not."""
    if "predicted_age_group" not in run.predictions:
        return ""
    by_age = run.experiment.training.grouping == "age" or not _has_groups(run.predictions)
    return OF_THE_AGE if by_age else MOST_PROBABLE


def _has_groups(predictions: pd.DataFrame) -> bool:
    return any(name.startswith("age_group=") for name in predictions)


def _persons(run: Kept) -> str:
    """Whether somebody may be on both sides of the split: what the split promises, if the data name anybody."""
    named = "identity" in run.predictions and run.predictions["identity"].notna().all()
    if not named:
        return "possible, nobody is named"
    return "no" if run.experiment.data.split == "subject_exclusive" else "yes"


def protocols(names, folder=FOLDER) -> pd.DataFrame:
    """The protocol of each kept experiment, one row each: where its seeds differ, all values, of numbers the range.

    Parameters
    ----------
    names : sequence of str
        Which experiments, in the order of the rows; those of which nothing is kept are left out.
    folder : path
        Where ``runs`` lies.

    Returns
    -------
    pandas.DataFrame
        Index: the experiments' names; columns as in :func:`protocol_of`.

    Examples
    --------
    >>> protocols(["best"], folder="no such folder").empty
    True
    """
    rows = {}
    for name in names:
        made = [protocol_of(run) for run in kept(name, folder)]
        if made:
            rows[name] = {what: _joined([each[what] for each in made], what == "seeds") for what in made[0]}
    return pd.DataFrame.from_dict(rows, orient="index")


def _joined(values: list[str], all_of_them: bool) -> str:
    """One value for several seeds' values.

    >>> _joined(["22", "25", "24"], False), _joined(["42", "43"], True), _joined(["cpu", "cpu"], False)
    ('22–25', '42, 43', 'cpu')
    """
    found = list(dict.fromkeys(values))
    if len(found) == 1 or all_of_them or not all(value.isdigit() for value in found):
        return ", ".join(found)
    return f"{min(found, key=int)}–{max(found, key=int)}"


def in_whole_years(predictions: pd.DataFrame, bins: str) -> pd.DataFrame:
    """Predictions as every network can make them: the age in whole years, and the age group in which that falls.

    Parameters
    ----------
    predictions : pandas.DataFrame
        With a column ``predicted``, in years.
    bins : str
        The age groups: see :func:`agelib.targets.age_groups.edges_of`.

    Examples
    --------
    >>> in_whole_years(pd.DataFrame({"predicted": [14.4, 14.5]}), "7b").values.tolist()
    [[14.0, '7–14'], [15.0, '15–30']]
    """
    years = metrics.whole_years(predictions["predicted"])
    groups = np.asarray(age_groups.names_of(bins), object)[age_groups.group_of(years, bins)]
    return predictions.assign(predicted=years, predicted_age_group=groups)


def judge(predictions: pd.DataFrame, bins: str, measures: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every measure of a table of predictions by its own rule, and those that depend on a rule by one for all.

    Parameters
    ----------
    predictions : pandas.DataFrame
    bins : str
        Its age groups.
    measures : pandas.DataFrame, optional
        What :func:`agelib.experiments.published.measure` says of it; found if not given.

    Returns
    -------
    pandas.DataFrame
        As :func:`agelib.experiments.published.measure` gives it, and of a predicted age also
        :data:`CS5_IN_WHOLE_YEARS`, :data:`AGE_F1_IN_WHOLE_YEARS` and, where there is a posterior,
        :data:`AGE_F1_BY_PROBABILITY`.
    """
    tables = [measure(predictions) if measures is None else measures]
    if "predicted" in predictions:
        whole = in_whole_years(predictions, bins)
        tables.append(metrics.summarise(whole).loc[["CS@5"]].rename(index={"CS@5": CS5_IN_WHOLE_YEARS}))
        if "age_group" in predictions:
            tables.append(_age_f1(whole, AGE_F1_IN_WHOLE_YEARS))
    shares = [name for name in predictions if name.startswith("age_group=")]
    if shares and "age_group" in predictions:
        chosen = predictions[shares].idxmax(axis=1).str.removeprefix("age_group=")
        tables.append(_age_f1(predictions.assign(predicted_age_group=chosen), AGE_F1_BY_PROBABILITY))
    return pd.concat([table[["value", "low", "high"]] for table in tables]).rename_axis("measure")


def _age_f1(predictions: pd.DataFrame, name: str) -> pd.DataFrame:
    return metrics.classify(predictions, "age_group").loc[["macro F1"]].rename(index={"macro F1": name})
