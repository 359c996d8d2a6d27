"""Runs against the clock: what they had reached after how many seconds, and recipes side by side. See chapter 17."""

import pandas as pd

from agelib import metrics
from agelib.experiments.published.kept_runs import Kept, kept
from agelib.experiments.published.protocol import AGE_F1, AGE_F1_IN_WHOLE_YEARS, in_whole_years, judge, rule
from agelib.experiments.published.record import FOLDER
from agelib.experiments.published.registry import compared, read


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
        age groups, all by one rule: the group of the predicted age in whole years), ``gender`` and ``ethnicity`` in
        percent and ``mae`` in years, on the test part, as means over ``seeds``; ``own_f1`` and ``own_rule`` by which
        the recipe itself predicts age groups; ``change`` of `f1` to that of the whole recipe, ``beside``, with the same
        seed; its 95 % interval over test pictures, ``change_low`` and ``change_high``. Recipes without a clocked run
        are left out.

    Notes
    -----
    All recipes are judged on one test set, and what to try in the speedrun was chosen by the sprint's test errors: a
    change that looks good is flattered.

    Examples
    --------
    >>> races("no such folder").empty
    True
    """
    measures = {
        "f1": AGE_F1_IN_WHOLE_YEARS,
        "own_f1": AGE_F1,
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
            bins = clocked[0].experiment.training.bins
            tables = [judge(run.predictions, bins, run.measures) for run in clocked]
            found = pd.concat([table["value"] for table in tables], axis=1).mean(axis=1)
            row = {
                "recipe": read(name).title,
                "minutes": sum(run.clock["judged"] for run in clocked) / len(clocked) / 60,
                **{short: found.get(long) for short, long in measures.items()},
                "own_rule": rule(clocked[0]),
                "seeds": len(clocked),
            }
            yardstick = yardsticks.get(clocked[0].seed)
            if name != whole and yardstick:
                both = [in_whole_years(run.predictions, bins) for run in (yardstick, clocked[0])]
                change = metrics.compare_classes(*both).loc["macro F1"]
                names = {"value": "change", "low": "change_low", "high": "change_high"}
                row |= {"beside": whole} | {names[each]: change[each] for each in names}
            rows.append(row)
    return pd.DataFrame(rows).set_index("recipe") if rows else pd.DataFrame()
