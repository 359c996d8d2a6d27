"""Trained on one data set, tested on another: what an error measured at home is worth elsewhere.

Nothing is trained and nothing is adapted: the network sees the other set's test pictures as it saw its own, in its
size and with the mean and spread of its own training part. Explained in chapter 17.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agelib import metrics
from agelib.data.prepare import Prepared
from agelib.data.table import PARTS
from agelib.deploy import of_run
from agelib.experiments import contamination
from agelib.experiments.result import GROUPS, Run
from agelib.pixels import cache


@dataclass(frozen=True)
class Judged:
    """What a run is worth on another data set.

    Attributes
    ----------
    predictions : pandas.DataFrame
        One row a picture of that set's part: path, age, predicted (years), and the group columns that it knows.
    metrics, baselines : pandas.DataFrame
        As :func:`agelib.metrics.summarise` gives them, whole people drawn where they are known; and what the mean and
        the median age of the pictures that the *run* was trained on would have got there.
    seen : int
        Pictures of the part that the run's weights were trained on; 0 unless leaks were allowed.
    skipped : pandas.DataFrame
        Columns ``path`` and ``reason``: pictures that could not be read.
    """

    predictions: pd.DataFrame
    metrics: pd.DataFrame
    baselines: pd.DataFrame
    seen: int
    skipped: pd.DataFrame


def judge(run: Run, prepared: Prepared, part: str = "test", allow_leaks: bool = False, resamples: int = 1000) -> Judged:
    """Predict the ages of another data set's pictures with a finished run, and measure the errors.

    Parameters
    ----------
    run : agelib.experiments.result.Run
        A run that predicts ages.
    prepared : agelib.data.prepare.Prepared
        The other data set, cleaned and split.
    part : str
        Which of its parts is judged: test, valid or train. To compare with a network that was trained there, take the
        pictures that it was tested on.
    allow_leaks : bool
        Judge even if the run's weights were trained on some of these pictures.
    resamples : int
        Bootstrap resamples of the intervals.

    Raises
    ------
    ValueError
        If the run predicts no age, there is no such part, or none of its pictures can be read.
    agelib.data.splits.LeakError
        If the run's weights, or those that they started from, were trained on a picture of the part.
    """
    if part not in PARTS:
        raise ValueError(f"part is one of {', '.join(PARTS)}, not {part!r}")
    if "predicted" not in run.predictions:
        raise ValueError(f"this run predicts {', '.join(run.experiment.training.tasks)}, no age to judge")
    faces = prepared.faces
    paths = faces["path"][faces["split"] == part]
    if not len(paths):
        raise prepared.lacks(part)
    seen = contamination.was_seen(run.weights, prepared, paths)
    if not allow_leaks:
        advice = "Judge it on pictures that it has not seen"
        contamination.refuse_seen(seen, paths, "the run's weights", part, advice)
    show = run.experiment.pictures
    images = cache.decode(faces, prepared.root, show.image_size, show.grey, progress=False, zoom=show.zoom)
    rows = np.flatnonzero((faces["split"] == part) & images.readable)
    skipped = images.skipped[images.skipped["path"].isin(paths)].reset_index(drop=True)
    if not len(rows):
        none = f"{prepared.root}: none of {len(paths)} pictures of the {part} part can be read"
        raise ValueError(f"{none} ({skipped['reason'].iloc[0]})")
    given = of_run(run).outputs(images, rows=rows, batch_size=run.experiment.training.batch_size)
    predicted = run.target().predictions(given)["predicted"].to_numpy()
    mine = faces.iloc[rows].reset_index(drop=True)
    known = [name for name in GROUPS if mine[name].notna().any()]
    table = mine[["path", "age"]].assign(predicted=predicted).join(mine[known])
    errors = metrics.summarise(table, resamples, unit="identity" if "identity" in table else None)
    baselines = metrics.baselines(run.train_predictions["age"], table)
    return Judged(table, errors, baselines, int(seen.sum()), skipped)


def judge_all(runs: dict, sets: dict, resamples: int = 1000) -> pd.DataFrame:
    """Judge each of several runs on the test part of each of several data sets.

    Parameters
    ----------
    runs, sets, resamples
        As in :func:`judge`; runs and data sets by name.

    Returns
    -------
    pandas.DataFrame
        Index (``trained on``, ``tested on``); columns ``pictures``, ``MAE``, ``low``, ``high`` (years), ``bias`` (mean
        of predicted − age, in years) and ``median`` (MAE, in years, of always saying the median age of the pictures
        that the run was trained on).
    """
    rows = {}
    for trained, run in runs.items():
        for tested, prepared in sets.items():
            judged = judge(run, prepared, resamples=resamples)
            errors = judged.predictions["predicted"] - judged.predictions["age"]
            value, low, high = judged.metrics.loc["MAE"]
            row = {"pictures": len(errors), "MAE": value, "low": low, "high": high, "bias": errors.mean()}
            rows[trained, tested] = row | {"median": judged.baselines.loc["always the median age", "MAE"]}
    table = pd.DataFrame.from_dict(rows, orient="index").astype({"pictures": int})
    return table.set_axis(pd.MultiIndex.from_tuples(rows, names=["trained on", "tested on"]))
