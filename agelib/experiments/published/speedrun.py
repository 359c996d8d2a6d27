"""The speedrun: from the published archive to a judged network in as few seconds as an honest recipe takes.

Everything is on the clock: reading the archive, decoding, training, the validation after each epoch, and the test. It
runs in an empty workspace, so that nothing is found that was made before. Explained in chapter 15.
"""

import contextlib
import os
import tempfile
import time

import pandas as pd

from agelib import metrics
from agelib.experiments.published.kept import Kept, keep, kept
from agelib.experiments.published.recipes import compared, read
from agelib.experiments.published.reference import FOLDER
from agelib.runtime import workspace

#: The recipe that is run unless another is named, and the short one that others are compared with.
RECIPE, SPRINT = "speedrun", "sprint"


def speedrun(
    root, seed: int | None = None, name: str = RECIPE, folder=FOLDER, progress: bool = True, **changes
) -> Kept:
    """Run a recipe against the clock, and keep what it found together with the clock.

    The clock starts when the libraries are loaded, and ends when the test part is judged.

    Parameters
    ----------
    root : path
        UTKFace: the published archive. If it is a folder, unpacking is not on the clock.
    seed : int, optional
        The reference's first by default.
    name : str
        One of :data:`agelib.experiments.published.NAMES`.
    folder : path
        Where ``runs`` lies.
    progress : bool
        Whether to show how far it is.
    **changes
        Options that differ from the reference's; what is kept says so.

    Returns
    -------
    Kept
        Its folder also holds ``clock.json``; see :func:`clock`.
    """
    from agelib.data.prepare import prepare
    from agelib.experiments.data_module import open_streams
    from agelib.experiments.run import run
    from agelib.training import trainer  # noqa: F401 - loaded before the clock starts

    experiment = read(name).experiment(root, seed).replace(**changes)
    with _empty_workspace():
        started, marks = time.perf_counter(), {}
        prepared = prepare(experiment.data, progress=progress)
        marks["read"] = time.perf_counter() - started
        open_streams(experiment, prepared, progress)
        marks["decoded"] = time.perf_counter() - started
        done = run(experiment, progress)
        _ = done.metrics, done.scores  # measured when they are asked for
        marks["judged"] = time.perf_counter() - started
        return keep(done, name, folder, {mark: round(seconds, 2) for mark, seconds in marks.items()})


@contextlib.contextmanager
def _empty_workspace():
    """A workspace that was not there before and is not there afterwards, on the disk of the usual one."""
    before = os.environ.get("AGELIB_HOME")
    workspace.home().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="speedrun-", dir=workspace.home()) as folder:
        os.environ["AGELIB_HOME"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["AGELIB_HOME"]
            else:
                os.environ["AGELIB_HOME"] = before


def clock(run: Kept) -> pd.DataFrame:
    """What a speedrun had reached after how many seconds.

    Parameters
    ----------
    run : Kept
        What :func:`speedrun` returned, or a kept one.

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
        raise ValueError(f"{run.folder.name} was made without a clock; make it again by `agelib speedrun`")
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
        "macro F1 of age_group": "f1",
        "MAE": "mae",
        "macro F1 of gender": "gender",
        "macro F1 of ethnicity": "ethnicity",
    }
    rows = []
    for name in (*compared(RECIPE), *compared(SPRINT)):
        clocked = [run for run in kept(name, folder) if run.clock]
        if not clocked:
            continue
        found = pd.concat([run.measures["value"] for run in clocked], axis=1).mean(axis=1)
        rows.append(
            {
                "recipe": read(name).title,
                "minutes": sum(run.clock["judged"] for run in clocked) / len(clocked) / 60,
                **{short: found.get(long) for long, short in measures.items()},
                **_change(clocked[0], folder),
                "seeds": len(clocked),
            }
        )
    return pd.DataFrame(rows).set_index("recipe") if rows else pd.DataFrame()


def _change(run: Kept, folder) -> dict:
    """What a run's macro F1 of age groups is beside that of the whole recipe with the same seed; empty: nothing."""
    beside = compared(read(run.name).family or run.name)[0]
    whole = {other.seed: other for other in kept(beside, folder)}.get(run.seed)
    if whole is None or run.name == beside:
        return {}
    found = metrics.compare_classes(whole.predictions, run.predictions).loc["macro F1"]
    return {"beside": beside, "change": found["value"], "change_low": found["low"], "change_high": found["high"]}
