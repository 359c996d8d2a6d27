"""A model's description as JSON and back: what its outputs mean, how wide its intervals are, where it comes from.

Everything in it is numbers and words, so that reading a model runs nobody's code. Explained in chapter 25.
"""

import dataclasses
import math

import numpy as np
import pandas as pd

from agelib.metrics import Calibration, calibrate_intervals, error_by
from agelib.metrics.conformal import EVERYBODY
from agelib.metrics.subgroups import AGE_EDGES
from agelib.runtime import workspace
from agelib.runtime.provenance import version
from agelib.targets import distributions, ordinal, regression
from agelib.targets.base import Target
from agelib.targets.classes import Classes, Groups
from agelib.targets.gaussian import Normal
from agelib.targets.multitask import Several

#: Shares of pictures whose interval shall hold the true age: those that a model can give.
LEVELS = (0.5, 0.8, 0.9, 0.95)

#: The classes of targets that a description can name.
KINDS = (
    Classes, ordinal.CORAL, ordinal.CORN, distributions.Distribution, distributions.DLDLv2, distributions.Expectation,
    Groups, distributions.MeanVariance, Normal, ordinal.ORCNN, distributions.RatersDistribution,
    distributions.RatersDLDLv2, regression.Regression, Several, regression.Sigmoid,
)  # fmt: skip

#: Options of an experiment that say where something lies on a machine.
PLACES = ("root", "split_file", "pretrained")


def describe_target(target: Target) -> dict:
    """A target as JSON takes it, with all that it has learnt from its training part.

    Examples
    --------
    >>> from agelib.targets.regression import Regression
    >>> describe_target(Regression("mae", mean=33.0, std=20.0))
    {'kind': 'Regression', 'grouping': 'posterior', 'loss_name': 'mae', 'mean': 33.0, 'std': 20.0, 'bins': '7b'}
    """
    fields = {field.name: getattr(target, field.name) for field in dataclasses.fields(target)}
    if isinstance(target, Several):
        fields["targets"] = [describe_target(each) for each in target.targets]
    return {"kind": type(target).__name__} | _plain(fields)


def read_target(description: dict) -> Target:
    """The target that :func:`describe_target` described; a ValueError if agelib has no such target.

    Examples
    --------
    >>> read_target({"kind": "Classes", "task": "gender", "classes": ["female", "male"]}).outputs
    2
    """
    fields = {name: _tuples(value) for name, value in description.items() if name != "kind"}
    kinds = {each.__name__: each for each in KINDS}
    kind = kinds.get(description.get("kind"))
    if kind is None:
        raise ValueError(f"agelib has no target {description.get('kind')!r}; it has: {', '.join(kinds)}")
    if kind is Several:
        fields["targets"] = tuple(read_target(each) for each in fields["targets"])
    return kind(**fields)


def describe_outputs(target: Target) -> list[dict]:
    """What each stretch of a network's outputs is about, for a reader without agelib.

    Examples
    --------
    >>> describe_outputs(Several(("gender",), (Classes("gender", ("female", "male")),)))
    [{'task': 'gender', 'first': 0, 'number': 2, 'classes': ['female', 'male']}]
    """
    parts = zip(target.tasks, target.targets, strict=True) if isinstance(target, Several) else [("age", target)]
    rows, first = [], 0
    for task, each in parts:
        row = {"task": task, "first": first, "number": each.outputs}
        if isinstance(each, Classes):
            row["classes"] = list(each.classes)
        elif each.ages is not None:
            row["ages"] = [float(age) for age in each.ages]
        rows.append(row)
        first += each.outputs
    return rows


def calibrate_run(run) -> dict[float, Calibration]:
    """Intervals of a run by their level, from its validation part, which it was not fitted on; none without an age.

    Where the target has a posterior they are its quantiles, moved until they hold what they promise (Romano et al.
    2019), so that a face that is hard to judge has a wide one; else they are equally wide for all (Lei et al. 2018).
    """
    valid = run.valid_predictions
    if "predicted" not in valid:
        return {}
    known, posterior = valid["age"].notna().to_numpy(), run.posterior("valid")
    if not known.any():
        return {}
    kind, posterior = ("absolute", None) if posterior is None else ("quantile", posterior[known])
    return {level: calibrate_intervals(valid[known], posterior, kind=kind, level=level) for level in LEVELS}


def describe_intervals(calibrations: dict[float, Calibration]) -> dict:
    """Calibrations as JSON takes them: an interval without end has the margin null."""
    if not calibrations:
        return {}
    first = next(iter(calibrations.values()))
    margins = {f"{level:g}": float(each.margins["margin"].iloc[0]) for level, each in calibrations.items()}
    return _plain({"kind": first.kind, "pictures": int(first.margins["count"].iloc[0]), "margins": margins})


def read_intervals(description: dict) -> dict[float, Calibration]:
    """The calibrations that :func:`describe_intervals` described."""
    found = {}
    for level, margin in description.get("margins", {}).items():
        row = {"count": description["pictures"], "margin": np.inf if margin is None else margin}
        margins = pd.DataFrame(row, index=[EVERYBODY])
        found[float(level)] = Calibration(description["kind"], float(level), None, None, margins)
    return found


def describe_run(run) -> dict:
    """Where a model comes from: data, protocol, test errors, versions; no place on a machine."""
    changes = {name: value for name, value in run.experiment.changes().items() if name not in PLACES}
    pretrained = run.experiment.network.pretrained
    test = {name: [row["value"], row["low"], row["high"]] for name, row in run.metrics.iterrows()}
    scores = {f"{task}: {name}": [row["value"], row["low"], row["high"]] for (task, name), row in run.scores.iterrows()}
    return _plain(
        {
            "run": run.folder.name,
            "key": workspace.file_key(run.weights),
            "experiment": changes,
            "pretrained": pretrained.replace("\\", "/").rpartition("/")[2],
            "environment": {name: value for name, value in run.environment.items() if name != "posterior_ages"},
            "test": test | scores,
            "groups": errors_by_group(run.predictions),
            "test_note": "value and 95 % bootstrap interval on the run's test part",
            "agelib": version(),
        }
    )


def errors_by_group(predictions: pd.DataFrame) -> dict:
    """Errors of the age by recorded group: attribute → group → count, MAE, low, high and bias, in years.

    Examples
    --------
    >>> table = pd.DataFrame({"age": [5.0, 30], "predicted": [9.0, 28], "gender": ["male", "female"]})
    >>> errors_by_group(table)["gender"]["male"]["MAE"]
    4.0
    """
    if "predicted" not in predictions:
        return {}
    known = predictions[predictions["age"].notna()]
    columns = [name for name in ("age", "gender", "ethnicity") if name in known and known[name].notna().any()]
    return {by: error_by(known, by, AGE_EDGES if by == "age" else None).to_dict("index") for by in columns}


def _plain(value):
    """What JSON knows: tuples as lists, numpy's numbers as Python's, what is not finite as null."""
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _tuples(value):
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value
