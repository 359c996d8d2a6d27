"""Running what was published: every training done or found done, and a table of the published numbers and ours.

One that fails is recorded with its error, and the next goes on. What was run lies in the store of
:mod:`agelib.experiments.run`, so that a sequence that was interrupted goes on where it stopped. Explained in chapters
15 (the clock) and 16.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from agelib import metrics
from agelib.config import Experiment
from agelib.data.prepare import prepare
from agelib.experiments import hierarchies, search
from agelib.experiments.data_module import open_streams
from agelib.experiments.published.kept_runs import keep, measure, predictions_to_keep, trials, trials_file
from agelib.experiments.published.record import Published, Sequence
from agelib.experiments.published.registry import read
from agelib.experiments.result import load
from agelib.experiments.run import run as train
from agelib.runtime import executors, workspace
from agelib.runtime.progress import Line

#: Columns of what :func:`run` returns.
COLUMNS = (
    "step", "part", "seed", "what", "measure", "published", "ours", "low", "high", "pictures", "tested", "epochs",
    "seconds", "drawn", "state", "remark", "error", "predictions",
)  # fmt: skip

#: What is kept of each trial of a grid, beside the options that it varies.
_TRIAL = ["state", "valid_mse", "valid_mae", "epochs_run", "seconds", "error"]


def run(
    name: str,
    overrides: Mapping | None = None,
    size: str = "",
    only: Iterable[str] | str | None = None,
    seeds: Iterable[int] | None = None,
    weights: str = "",
    folder=None,
    clock: bool = False,
    workers: int = 0,
    executor: Executor | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Run a published experiment, or the steps of a sequence, or find them done.

    Parameters
    ----------
    name : str
        Such as best or utkface-twenty: see :mod:`agelib.experiments.published.registry`.
    overrides : mapping, optional
        Options for all, beside and before those of `size`, such as ``{"root": "UTKFace", "epochs": 2}``.
    size : str
        Of a sequence: smoke or cpu (drawn faces, the default), reduced (real faces on a CPU) or full (the study's own
        settings).
    only : sequence of str, optional
        Names of a sequence's steps to run; all by default. The others are neither needed nor run.
    seeds : sequence of int, optional
        Of each training; by default the experiment's own.
    weights : str
        A file of weights for the steps that start from pretrained ones.
    folder : path, optional
        Where ``runs`` lies, in which the run of an experiment that is no step is kept; it is not kept if not given.
    clock : bool
        Whether everything is on the clock, from the archive to the judged test part: reading, decoding, training and
        validation. Each training starts in an empty workspace, so that nothing is found that was made before.
    workers : int
        Trainings at a time, in processes that share out the cores; 0: one, or all that the executor takes.
    executor : concurrent.futures.Executor, optional
        Where to run instead, for example on several machines: :func:`agelib.runtime.executors.open`.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    pandas.DataFrame
        One row for each step, part of it (V20 has three), seed and measure: ``step``, ``part``, ``seed``, ``what``,
        ``measure``, ``published`` (missing where nothing was), ``ours`` with ``low`` and ``high`` (on the test part; a
        95 % interval; percent for macro F1, years for MAE and biases), ``pictures`` trained on and ``tested``,
        ``epochs`` (of several networks the most), ``seconds`` (of all of them), ``drawn`` (whether the faces are),
        ``state`` (complete or failed), ``remark``, ``error`` and ``predictions`` (the file).

    Raises
    ------
    ValueError
        If there is no such experiment, size, step or option.
    """
    found, overrides = read(name), dict(overrides or {})
    alone = isinstance(found, Published)
    sequence = Sequence(found.name, found.title, (found,)) if alone else found
    if clock and not (alone and workers < 2 and executor is None):
        raise ValueError(f"{name}: a clock is for one experiment, and for one training at a time")
    for step in sequence.steps:  # a wrong option is found before hours of training, not after
        for part in step.parts or ("",):
            step.experiment(part=part, **(sequence.size(size) | overrides))
    names = [only] if isinstance(only, str) else only or [step.name for step in sequence.steps]
    steps = [sequence.step(each) for each in names]
    if not seeds and "seed" in overrides:
        seeds = [int(overrides["seed"])]
    stand_in = sequence.stand_ins.get(size or sequence.usual_size)
    with executors.lent(executor, workers) as taken:
        shown = progress and isinstance(taken, executors.Here)  # a worker's line would be seen by nobody
        tasks = []
        for step in steps:
            chosen = _tune(step, overrides, folder, progress, workers, taken)
            options = sequence.size(size, step.name) | chosen | overrides
            tasks += [
                Task(step, part, options | {"seed": seed}, weights, stand_in)
                for part in step.parts or ("",)
                for seed in seeds or step.seeds
            ]
        if clock:
            work = partial(take_clocked, folder=folder, progress=shown)
        else:
            work = partial(take, with_intervals=alone, progress=shown and alone)
        line = Line(f"published {name}", len(tasks), "trainings", progress and not alone)
        outcomes: dict[int, str | tuple] = {}
        numbered = ((number, (task,)) for number, task in enumerate(tasks))
        for number, future in executors.completed(taken, work, numbered, workers):
            # An error is that of a process that was killed, again and again; others are in the result.
            outcome = outcomes[number] = _say(future.exception()) if future.exception() else future.result()
            if folder and alone and not clock and not isinstance(outcome, str):
                # A worker may have the workspace elsewhere.
                done = workspace.home() / "runs" / Path(outcome[0]["predictions"]).parent.name
                keep(load(done), name, folder)
            line.advance(1, tasks[number].step.name)
        line.close()
    rows = [row for number, task in enumerate(tasks) for row in _rows(sequence, task, outcomes[number])]
    return pd.DataFrame(rows, columns=list(COLUMNS))


class Task(NamedTuple):
    """One part of one step with one seed: what a worker is given."""

    step: Published
    part: str
    options: dict
    weights: str = ""
    stand_in: Mapping | None = None

    def experiment(self, weights: str = "") -> Experiment:
        return self.step.experiment(part=self.part, weights=weights, **self.options)


def take(task: Task, with_intervals: bool = False, progress: bool = False) -> tuple[dict, pd.DataFrame] | str:
    """Do one task: what a worker does.

    Returns
    -------
    tuple of dict and pandas.DataFrame, or str
        What to say of it (columns of :func:`run`), and its measures (index: the measure; value, low, high); or what
        went wrong, in words: not every error can be sent from one process to another.
    """
    try:
        remark, start = _start(task)
        experiment = task.experiment(start)
        _require_several(experiment, task.step)
        if task.step.kind.startswith("hierarchy"):
            about, measured = _measure_hierarchy(experiment, task.step)
        else:
            done = train(experiment, progress)
            about = _about([done]) | {"predictions": str(done.folder / "test_predictions.csv"), "remark": ""}
            measured = measure(predictions_to_keep(done)) if with_intervals else _with_biases(done.predictions)
    except Exception as error:  # whatever it is, the next one can do without it
        return _say(error)
    about["remark"] = " ".join(text for text in (remark, about["remark"]) if text)
    return about, measured


def take_clocked(task: Task, folder=None, progress: bool = False) -> tuple[dict, pd.DataFrame] | str:
    """Do one task against the clock, from the archive to the judged test part, and keep it with the clock.

    The clock starts when the libraries are loaded. If the data set is a folder, unpacking is not on it.
    """
    from agelib.training import trainer  # noqa: F401 - fastai is loaded before the clock starts

    try:
        experiment = task.experiment()
        with _empty_workspace() as empty:
            started, marks = time.perf_counter(), {}
            prepared = prepare(experiment.data, progress=progress)
            marks["read"] = time.perf_counter() - started
            open_streams(experiment, prepared, progress)
            marks["decoded"] = time.perf_counter() - started
            done = train(experiment, progress)
            _ = done.metrics, done.scores  # measured when they are asked for
            marks["judged"] = time.perf_counter() - started
            marks = {mark: round(seconds, 2) for mark, seconds in marks.items()}
            found = keep(done, task.step.name, folder or empty, marks)
            about = _about([done]) | {"seconds": marks["judged"], "remark": ""}
            about["predictions"] = str(found.folder / "test_predictions.csv.gz") if folder else ""
            return about, found.measures
    except Exception as error:
        return _say(error)


@contextlib.contextmanager
def _empty_workspace() -> Iterator[str]:
    """A workspace that was not there before and is not there afterwards, on the disk of the usual one."""
    before = os.environ.get("AGELIB_HOME")
    workspace.home().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="published-", dir=workspace.home()) as folder:
        os.environ["AGELIB_HOME"] = folder
        try:
            yield folder
        finally:
            if before is None:
                del os.environ["AGELIB_HOME"]
            else:
                os.environ["AGELIB_HOME"] = before


def _rows(sequence: Sequence, task: Task, outcome: tuple | str) -> list[dict]:
    """The rows of one task; of one that has no result what was published, and what went wrong."""
    published = task.step.published_of(task.part)
    about = {"step": task.step.name, "part": task.part, "seed": task.options["seed"], "what": task.step.title}
    if isinstance(outcome, str):
        measures = published or {sequence.first_measure: float("nan")}
        about |= {"state": "failed", "remark": "", "error": outcome}
        return [about | {"measure": measure, "published": value} for measure, value in measures.items()]
    done, measured = outcome
    return [
        about
        | {"measure": measure, "published": published.get(measure, float("nan"))}
        | row.rename({"value": "ours"}).to_dict()
        | done
        | {"state": "complete", "error": ""}
        for measure, row in measured[["value", "low", "high"]].iterrows()
        if measure.startswith(sequence.measures or "") and ("," not in measure or measure in published)
    ]


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _tune(step: Published, overrides: dict, folder, progress: bool, workers: int, executor) -> dict:
    """The setting of a step's grid with the least validation MSE; the grid is run if it is not kept in `folder`."""
    if not step.grid:
        return {}
    found = trials(step.name, folder) if folder else None
    if found is None:
        base = step.experiment(**(step.grid_size | overrides))
        study = search.grid(base, step.grid, workers, executor, progress)
        study.best()  # if no trial was completed, it says what went wrong
        found = study.trials[[*step.grid, *_TRIAL]]
        if folder:
            workspace.write_table(trials_file(step.name, folder), found)
    done = found[found["state"] == "complete"]
    return done.loc[done["valid_mse"].idxmin(), list(step.grid)].to_dict()


def _start(task: Task) -> tuple[str, str]:
    """Which weights a task starts from, in words and as a file."""
    step = task.step
    if not step.pretrained:
        return "", ""
    if task.weights:
        return f"Starts from {Path(task.weights).name}, as {step.pretrained}.", task.weights
    if not task.stand_in:
        return f"Starts from random weights; the study's are {step.pretrained}.", ""
    mine = task._replace(part=next(iter(step.parts), "")).experiment()
    plain = {
        "head": (), "dropout": 0.0, "augmentation": (), "balance": "none", "loss": "mse", "target": "regression",
        "trained": "all", "tasks": ("age",), "pretrained": "", "schedule": "none",
    }  # fmt: skip
    done = train(mine.replace(**(plain | dict(task.stand_in))), progress=False)
    number = done.environment["pictures"]["train"]
    return (
        f"Starts from weights that learnt the age of {number:,} faces of {done.environment['data']}, in place of "
        f"{step.pretrained}.",
        str(done.weights),
    )


def _require_several(experiment: Experiment, step: Published) -> None:
    """One data set alone would be another step than the published one, under its name."""
    source = experiment.data.source
    if step.kind == "several sources" and "+" not in source:
        raise ValueError(
            f"{step.name} takes several data sets, not {source} alone; run this step with several, such as "
            "--source utkface+appa-real --root UTKFace,appa-real-release"
        )


def _with_biases(predictions: pd.DataFrame) -> pd.DataFrame:
    """The measures of a table of predictions, and its biases if there are ages."""
    tables = [measure(predictions)]
    if "predicted" in predictions:
        tables.append(metrics.bias_table(predictions).rename(index="bias by {}".format))
    return pd.concat([table[["value", "low", "high"]] for table in tables])


def _measure_hierarchy(experiment: Experiment, step: Published) -> tuple[dict, pd.DataFrame]:
    leaks = step.kind.endswith("leak")
    remark = ""
    if leaks:
        # What an unwary reader would meet; what follows is made in spite of it.
        refused = hierarchies.refusal(experiment, step.by, progress=False)
        remark = f"By default refused: {refused}" if refused else "Nobody objected."
    start = "other_split" if leaks else "same_split"
    found = hierarchies.hierarchy(experiment, step.by, start, allow_leaks=leaks, progress=False)
    runs = {one.folder: one for one in found.runs.values()}
    key = workspace.content_key(step.name, *sorted(folder.name for folder in runs))
    file = workspace.home() / "sequences" / f"{step.name}-{key}.csv"
    workspace.write_table(file, found.predictions)
    whole = found.scores.xs("macro F1", level="metric").loc[["age_group"]]
    groups = found.by_group.rename(columns={"macro F1": "value"})
    named = [whole.rename(index="macro F1 of {}".format), groups.rename(index="macro F1 of age_group, {}".format)]
    about = _about(list(runs.values())) | {"pictures": _about([found.router])["pictures"]}
    return about | {"predictions": str(file), "remark": remark}, pd.concat(named)


def _about(runs: list) -> dict:
    environments = [one.environment for one in runs]
    return {
        "pictures": max(each["pictures"]["train"] for each in environments),
        "tested": environments[0]["pictures"]["test"],
        "epochs": max(each["epochs"] for each in environments),
        "seconds": round(sum(each["seconds"] for each in environments), 1),
        "drawn": any(each["drawn"] for each in environments),
    }
