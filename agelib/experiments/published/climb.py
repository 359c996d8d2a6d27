"""Climbing a ladder: every step run or found done, a table of the published numbers and ours. Explained in chapter 16.

A step that fails is recorded with its error, and the next goes on. What was run lies in the store of
:mod:`agelib.experiments.run`, so that a ladder that was interrupted goes on where it stopped.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path

import pandas as pd

from agelib.config import Experiment
from agelib.experiments.published.ladder import Ladder, Step
from agelib.experiments.published.registry import read
from agelib.runtime import executors, workspace
from agelib.runtime.progress import Line

#: Columns of what :func:`climb` returns.
COLUMNS = (
    "step", "part", "what", "measure", "published", "ours", "low", "high", "pictures", "tested", "epochs", "seconds",
    "drawn", "state", "remark", "error", "predictions",
)  # fmt: skip


def climb(
    name: str,
    overrides: Mapping | None = None,
    size: str = "cpu",
    only: Sequence[str] | str | None = None,
    several: Mapping | None = None,
    weights: str = "",
    workers: int = 0,
    executor: Executor | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Run a ladder's steps, or find them done.

    Parameters
    ----------
    name : str
        One of :func:`agelib.experiments.published.registry.names`.
    overrides : mapping, optional
        Options for all steps, beside and before those of `size`, such as ``{"root": "UTKFace", "epochs": 2}``.
    size : str
        smoke or cpu (drawn faces), reduced (real faces on a CPU) or full (the study's own settings).
    only : sequence of str, optional
        Names of the steps to run; all by default. The others are neither needed nor run.
    several : mapping, optional
        ``source`` and ``root`` of a step with several data sets; drawn faces need none.
    weights : str
        A file of weights for the steps that start from pretrained ones.
    workers : int
        Steps at a time, in processes that share out the cores; 0: one, or all that the executor takes.
    executor : concurrent.futures.Executor, optional
        Where to run instead, for example on several machines: :func:`agelib.runtime.executors.open`.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    pandas.DataFrame
        One row for each step, part of it (V20 has three) and measure: ``step``, ``part``, ``what``, ``measure``,
        ``published`` (missing where nothing was), ``ours`` with ``low`` and ``high`` (on the test part; a
        95 % bootstrap interval; percent for macro F1, years for MAE and biases), ``pictures`` trained on and
        ``tested``, ``epochs`` (of several networks the most), ``seconds`` (of all of them), ``drawn`` (whether the
        faces are), ``state`` (complete or failed), ``remark``, ``error`` and ``predictions`` (the file).

    Raises
    ------
    ValueError
        If there is no such ladder, size, step or option.
    """
    ladder = read(name)
    options = ladder.size(size)
    several = several or options.pop("several", None)
    stand_in = options.pop("stand_in", None)
    single = options.pop("steps", {})
    overrides = dict(overrides or {})
    options |= overrides
    ladder.experiments(several, **options)  # a wrong option is found before hours of training, not after
    wanted = [only] if isinstance(only, str) else list(only or [step.name for step in ladder.steps])
    for each in wanted:
        ladder.step(each)
    mine = {each: options | single.get(each, {}) | overrides for each in wanted}
    line = Line(f"ladder {name}", len(wanted), "steps", progress)
    tasks = ((each, (name, each, mine[each], several, weights, stand_in)) for each in wanted)
    tables = {}
    with executors.lent(executor, min(workers, len(wanted))) as taken:
        for each, future in executors.completed(taken, take, tasks, workers):
            if error := future.exception():  # the process that took the step was killed, again and again
                one = ladder.step(each)
                tables[each] = [row for part in one.parts or ("",) for row in _failed(ladder, one, part, error)]
            else:
                tables[each] = future.result()
            line.advance(1, each)
    line.close()
    return pd.DataFrame([row for step in wanted for row in tables[step]], columns=list(COLUMNS))


def take(name: str, step: str, options: Mapping, several=None, weights: str = "", stand_in=None) -> list[dict]:
    """Take one step and return its rows; what goes wrong is in them: what a worker does."""
    ladder = read(name)
    one, rows = ladder.step(step), []
    for part in one.parts or ("",):
        about = {"step": step, "part": part, "what": one.what}
        published = one.published_of(part)
        try:
            remark, start = _start(ladder, one, options, several, weights, stand_in)
            experiment = ladder.experiments(several, start, **options)[step, part]
            _require_several(experiment, one)
            done, measured = _measure(experiment, one)
        except Exception as error:  # whatever it is, the next step can do without it
            rows += _failed(ladder, one, part, error)
            continue
        remarks = " ".join(text for text in (remark, done.pop("remark")) if text)
        for measure in measured.index:
            if measure.startswith(ladder.measures) and ("," not in measure or measure in published):
                rows.append(
                    about
                    | {"measure": measure, "published": published.get(measure, float("nan"))}
                    | measured.loc[measure, ["value", "low", "high"]].rename({"value": "ours"}).to_dict()
                    | done
                    | {"state": "complete", "remark": remarks, "error": ""}
                )
    return rows


def _failed(ladder: Ladder, step: Step, part: str, error: BaseException) -> list[dict]:
    """The rows of a step, or of a part of it, that has no result: what was published, and what went wrong."""
    about = {"step": step.name, "part": part, "what": step.what, "state": "failed", "remark": ""}
    about["error"] = f"{type(error).__name__}: {error}"
    measures = step.published_of(part) or {_first_measure(ladder): float("nan")}
    return [about | {"measure": measure, "published": value} for measure, value in measures.items()]


def compare(found: pd.DataFrame, measure: str | None = None) -> pd.DataFrame:
    """The published numbers and ours, one row a variant: what :func:`agelib.plots.ladder` draws.

    Parameters
    ----------
    found : pandas.DataFrame
        What :func:`climb` returned.
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
    >>> found = pd.DataFrame({"step": ["V19"] * 2, "part": "", "measure": measures})
    >>> compare(found.reindex(columns=list(COLUMNS)))["variant"].tolist()
    ['V19 age_group', 'V19 gender']
    """
    wanted = found["measure"] == measure if measure else ~found["measure"].str.contains(",")
    table = found[wanted].reset_index(drop=True)
    part = table["part"].fillna("")
    detail = part.where(part != "", table["measure"].str.rpartition(" of ")[2])
    several = table["step"].duplicated(keep=False)
    table["variant"] = table["step"].where(~several, table["step"] + " " + detail)
    return table[["variant", "what", "measure", "published", "ours", "low", "high"]]


def gains(found: pd.DataFrame, name: str, resamples: int = 1000) -> pd.DataFrame:
    """What each change was worth, as published and here: macro F1 minus that of the step that it changes.

    Ours are paired: the same test pictures, drawn again together. Steps with other age groups or other test pictures
    than the one before cannot be compared, and are left out.

    Parameters
    ----------
    found : pandas.DataFrame
        What :func:`climb` returned.
    name : str
        The ladder.
    resamples : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        Index ``step``; ``after``, ``what``, ``published`` and ``ours`` with ``low`` and ``high``: differences in
        percentage points.
    """
    from agelib import metrics

    ladder, rows = read(name), []
    measure = _first_measure(ladder)
    done = found[(found["state"] == "complete") & (found["measure"] == measure)].set_index("step")
    for step in done.index:
        before = ladder.before(ladder.step(step))
        if before is None or before.name not in done.index:
            continue
        first, second = (_read(done.loc[each, "predictions"]) for each in (before.name, step))
        if not _comparable(first, second):
            continue
        worth = metrics.compare_classes(first, second, "age_group", resamples).loc["macro F1"]
        rows.append(
            {
                "step": step,
                "after": before.name,
                "what": ladder.step(step).what,
                "published": done.loc[step, "published"] - done.loc[before.name, "published"],
                **worth[["value", "low", "high"]].rename({"value": "ours"}),
            }
        )
    columns = ["step", "after", "what", "published", "ours", "low", "high"]
    return pd.DataFrame(rows, columns=columns).set_index("step")


def _comparable(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    """Whether two tables are of the same pictures and the same age groups."""
    one, other = (table.set_index("path")["age_group"].sort_index() for table in (first, second))
    return one.equals(other)


def _read(file: str) -> pd.DataFrame:
    return pd.read_csv(file, dtype={"path": "object", "identity": "object"})


def _first_measure(ladder: Ladder) -> str:
    return "macro F1 of age_group" if ladder.measures[0] == "macro F1" else ladder.measures[0]


def _start(ladder: Ladder, step: Step, options, several, weights, stand_in) -> tuple[str, str]:
    """Which weights a step starts from, in words and as a file."""
    if not step.pretrained:
        return "", ""
    if weights:
        return f"Starts from {Path(weights).name}, as {step.pretrained}.", weights
    if not stand_in:
        return f"Starts from random weights; the study's are {step.pretrained}.", ""
    from agelib.experiments.run import run

    part = next(iter(step.parts), "")
    mine = ladder.experiments(several, **options)[step.name, part]
    plain = {"head": (), "dropout": 0.0, "augmentation": (), "balance": "none", "loss": "mse"}
    plain |= {"target": "regression", "trained": "all", "tasks": ("age",), "pretrained": "", "schedule": "none"}
    done = run(mine.replace(**(plain | dict(stand_in))), progress=False)
    number = done.environment["pictures"]["train"]
    return (
        f"Starts from weights that learnt the age of {number:,} faces of {done.environment['data']}, in place of "
        f"{step.pretrained}.",
        str(done.weights),
    )


def _require_several(experiment: Experiment, step: Step) -> None:
    """One data set alone would be another step than the published one, under its name."""
    source = experiment.data.source
    if step.kind == "several sources" and "+" not in source:
        raise ValueError(
            f"{step.name} takes several data sets, not {source} alone; give several, such as "
            "{'source': 'utkface+appa-real', 'root': 'UTKFace,appa-real-release'}"
        )


def _measure(experiment: Experiment, step: Step) -> tuple[dict, pd.DataFrame]:
    """Run a step: what to say of it, and its measures (index: the measure; value, low, high)."""
    if step.kind.startswith("hierarchy"):
        return _measure_hierarchy(experiment, step)
    from agelib.experiments.run import run

    done = run(experiment, progress=False)
    about = _about([done]) | {"predictions": str(done.folder / "test_predictions.csv"), "remark": ""}
    tables = [done.scores.xs("macro F1", level="metric").rename(index="macro F1 of {}".format)]
    if len(done.metrics):
        from agelib import metrics

        tables += [done.metrics, metrics.bias_table(done.predictions).rename(index="bias by {}".format)]
    return about, pd.concat([table[["value", "low", "high"]] for table in tables])


def _measure_hierarchy(experiment: Experiment, step: Step) -> tuple[dict, pd.DataFrame]:
    from agelib.experiments import hierarchies

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
    file = workspace.home() / "ladders" / f"{step.name}-{key}.csv"
    workspace.write_table(file, found.predictions)
    whole = found.scores.xs("macro F1", level="metric").loc[["age_group"]]
    groups = found.by_group.rename(columns={"macro F1": "value"})
    table = pd.concat(
        [whole.rename(index="macro F1 of {}".format), groups.rename(index="macro F1 of age_group, {}".format)]
    )
    about = _about(list(runs.values())) | {"pictures": _about([found.router])["pictures"]}
    return about | {"predictions": str(file), "remark": remark}, table[["value", "low", "high"]]


def _about(runs: list) -> dict:
    environments = [one.environment for one in runs]
    return {
        "pictures": max(each["pictures"]["train"] for each in environments),
        "tested": environments[0]["pictures"]["test"],
        "epochs": max(each["epochs"] for each in environments),
        "seconds": round(sum(each["seconds"] for each in environments), 1),
        "drawn": any(each["drawn"] for each in environments),
    }
