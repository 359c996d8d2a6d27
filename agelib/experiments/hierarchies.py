"""Hierarchies: one network says who is shown, and a network of age for that group answers.

Study C's variants 14 to 16: gender → age and ethnicity → age (B. Benyamin, *AGE Classification*, dissertation, The
British University in Egypt, 2023). All networks of a hierarchy learn from one split. Its variant 14 did not, and its
90 % was a leak; here that can be made on purpose only. Explained in chapter 15.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from agelib import metrics
from agelib.config import Experiment
from agelib.data import splits
from agelib.data.prepare import Prepared, prepare
from agelib.experiments.contamination import was_seen
from agelib.experiments.run import run

#: What a group's network may start from.
STARTS = ("", "same_split", "other_split")

#: Fewest pictures of a group, to train on and to validate with, for which it gets a network of its own.
ENOUGH = {"train": 2, "valid": 1}

#: Folds of the other split: with ten, eight tenths train, as in study C.
OTHER_FOLDS = 10


@dataclass(frozen=True)
class Hierarchy:
    """A finished hierarchy.

    Attributes
    ----------
    experiment : agelib.config.Experiment
        What the networks of age share.
    by : str
        What is predicted first: gender, ethnicity or expression.
    router : agelib.experiments.result.Run
        The network that predicts the group.
    groups : dict of str to agelib.experiments.result.Run
        The network of age of each group; of a group with too few pictures for one of its own, that of everybody.
    common : agelib.experiments.result.Run or None
        The network of age for everybody that the groups' networks started from.
    predictions : pandas.DataFrame
        One row a test picture, like a run's: the answer of the network of the *predicted* group, with
        ``predicted_<by>`` and ``answered_by``. This is what the hierarchy is worth.
    oracle : pandas.DataFrame
        The same, routed by the *true* group where it is known, as if the first network were never wrong.
    scores, by_group, leaks : pandas.DataFrame
        What :func:`score`, :func:`judge_groups` and :func:`find_seen` say of it.
    """

    experiment: Experiment
    by: str
    router: object
    groups: dict
    common: object
    predictions: pd.DataFrame
    oracle: pd.DataFrame
    scores: pd.DataFrame
    by_group: pd.DataFrame
    leaks: pd.DataFrame

    @property
    def runs(self) -> dict:
        """Every run of it by what it is for."""
        found = {self.by: self.router, **self.groups}
        return found | ({"common": self.common} if self.common is not None else {})


def hierarchy(
    experiment: Experiment, by: str = "gender", start: str = "", allow_leaks: bool = False, progress: bool = True
) -> Hierarchy:
    """Train the networks of a hierarchy, or find them trained, and put their answers together.

    Parameters
    ----------
    experiment : agelib.config.Experiment
        A network of age. The groups' networks are trained on their group alone, the first one on `by`; all on this
        experiment's split.
    by : str
        gender, ethnicity or expression.
    start : str
        What a group's network starts from. Empty: from what the experiment says, as a rule random weights.
        ``same_split``: from the weights of the experiment itself, trained on everybody in the training part.
        ``other_split``: from the same, trained on :func:`other_split`, so that most of the test part has been seen:
        study C's leak.
    allow_leaks : bool
        Make the leak, on purpose.
    progress : bool

    Raises
    ------
    ValueError
        If the experiment predicts something else than age, is about one group already, or the data set does not know
        `by`.
    agelib.data.splits.LeakError
        For ``start="other_split"``, unless ``allow_leaks`` is True.
    """
    _check(experiment, by, start)
    prepared = prepare(experiment.data, progress=progress)
    names, rest = divide(prepared.faces, by)
    mine, common = experiment.replace(allow_leaks=experiment.data.allow_leaks or allow_leaks), None
    if start:
        common = run(other_split(experiment) if start == "other_split" else experiment, progress=progress)
        mine = mine.replace(pretrained=str(common.weights))
    groups = {name: run(mine.replace(only=f"{by}={name}"), progress=progress) for name in names}
    groups |= {name: run(experiment, progress=progress) for name in rest}
    router = run(for_routing(experiment, by), progress=progress)
    tables = {name: one.predictions for name, one in groups.items()}
    asked = router.predictions.set_index("path")
    predicted = asked[f"predicted_{by}"]
    truth = asked[by].fillna(predicted) if by in asked else predicted
    # The routing's own columns: the group predicted, and each group's probability.
    columns = [f"predicted_{by}", *(name for name in asked if name.startswith(f"{by}="))]
    predictions, oracle = (route(tables, each).join(asked[columns], on="path") for each in (predicted, truth))
    found = {by: router, **groups} | ({"common": common} if common is not None else {})
    scores, by_group = score(predictions, oracle, by), judge_groups(predictions, oracle, by)
    leaks = find_seen(found, prepared, predictions["path"])
    return Hierarchy(experiment, by, router, groups, common, predictions, oracle, scores, by_group, leaks)


def other_split(experiment: Experiment) -> Experiment:
    """The same experiment on the same pictures, dealt out anew: what is tested here is mostly trained on there.

    A fold of a cross-validation is another split of the very same pictures; another `data_seed` would draw, or
    choose, other pictures.

    >>> other_split(Experiment.of(source="drawn-utkface")).data.folds
    10
    """
    data = experiment.data
    if data.folds:
        return experiment.replace(fold=(data.fold + 1) % data.folds)
    # Dealing by age takes the same turns whatever the number of parts: it would give the same parts again.
    return experiment.replace(split="subject_exclusive", folds=OTHER_FOLDS, fold=0)


def for_routing(experiment: Experiment, by: str) -> Experiment:
    """The first network of a hierarchy: the same experiment, predicting the group.

    What balances age groups balances the groups of `by` here; what needs ages is left out.

    >>> for_routing(Experiment.of(balance="sampler", monitor="mae"), "gender").changes()
    {'tasks': ('gender',), 'balance': 'sampler', 'balance_by': 'gender'}
    """
    settings = experiment.training
    changes = {"tasks": (by,), "target": "groups" if settings.target == "groups" else "regression"}
    if settings.balance == "lds":
        changes |= {"balance": "none", "balance_by": "age_group"}
    elif settings.balance_by == "age_group" and settings.balance != "none":
        changes["balance_by"] = by
    if settings.monitor == "mae":
        changes["monitor"] = "loss"
    return experiment.replace(**changes)


def divide(faces: pd.DataFrame, by: str) -> tuple[list[str], list[str]]:
    """The groups with enough pictures for a network of their own, and the other ones.

    >>> faces = pd.DataFrame({"gender": ["female"] * 3 + ["male"], "split": ["train", "train", "valid", "train"]})
    >>> divide(faces, "gender")
    (['female'], ['male'])
    """
    names = sorted(faces[by].dropna().unique())
    counts = pd.crosstab(faces[by], faces["split"])
    counts = counts.reindex(index=names, columns=list(ENOUGH), fill_value=0)
    enough = (counts >= pd.Series(ENOUGH)).all(axis=1)
    if not enough.any():
        raise ValueError(f"no group of {by} has pictures to train on and to validate with; use more pictures")
    return [name for name in names if enough[name]], [name for name in names if not enough[name]]


def route(tables: Mapping[str, pd.DataFrame], chosen: pd.Series) -> pd.DataFrame:
    """For each picture, the row of the network that is chosen for it.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Group → predictions of its network for *all* pictures, with ``path``, in one order.
    chosen : pandas.Series
        The group, by path.

    Returns
    -------
    pandas.DataFrame
        In that order, with the column ``answered_by``.

    Raises
    ------
    ValueError
        If a network did not predict all the pictures, or a group has no network.

    Examples
    --------
    >>> tables = {"a": pd.DataFrame({"path": ["1", "2"], "predicted": [10.0, 20.0]}),
    ...           "b": pd.DataFrame({"path": ["1", "2"], "predicted": [30.0, 40.0]})}
    >>> route(tables, pd.Series(["b", "a"], index=["1", "2"]))["predicted"].tolist()
    [30.0, 20.0]
    """
    unknown = sorted(set(chosen) - set(tables))
    if unknown:
        raise ValueError(f"pictures are routed to {unknown[0]!r}, which has no network; there are {', '.join(tables)}")
    first, order = next((name, table["path"].reset_index(drop=True)) for name, table in tables.items())
    for name, table in tables.items():
        if not table["path"].reset_index(drop=True).equals(order):
            raise ValueError(f"the network of {name!r} predicted other pictures than the one of {first!r}")
    if not order.isin(chosen.index).all():
        raise ValueError(f"it is not said which network answers for {order[~order.isin(chosen.index)].iloc[0]}")
    wanted = chosen.reindex(order).to_numpy()
    parts = [table.reset_index(drop=True)[wanted == name].assign(answered_by=name) for name, table in tables.items()]
    return pd.concat([part for part in parts if len(part)]).sort_index()


def score(predictions: pd.DataFrame, oracle: pd.DataFrame, by: str) -> pd.DataFrame:
    """Accuracy, precision, recall and macro F1 as routed, as if routed without a mistake, and of the routing.

    In percent: index (task, metric), columns value, low and high.
    """
    tables = {"age_group": (predictions, "age_group"), "age_group, oracle": (oracle, "age_group")}
    if by in predictions and predictions[by].notna().any():
        tables[by] = (predictions[predictions[by].notna()], by)
    found = {task: metrics.classify(*asked) for task, asked in tables.items()}
    return pd.concat(found, names=["task", "metric"])


def judge_groups(predictions: pd.DataFrame, oracle: pd.DataFrame, by: str) -> pd.DataFrame:
    """What each true group gets, by its name, in percent of its ``pictures`` of the test part.

    ``routed right``; ``macro F1`` with ``low`` and ``high`` (its own network on its own members, what study C states
    for variant 15) and ``macro F1 routed`` (what they really get).
    """
    rows = {}
    for name, mine in oracle[oracle[by].notna()].groupby(by):
        routed = predictions.loc[mine.index]
        own = metrics.classify(mine, "age_group").loc["macro F1"]
        rows[name] = {
            "pictures": len(mine),
            "routed right": 100 * float((routed[f"predicted_{by}"] == name).mean()),
            "macro F1": own["value"],
            "low": own["low"],
            "high": own["high"],
            "macro F1 routed": metrics.classify(routed, "age_group", resamples=2).loc["macro F1", "value"],
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(by)


def find_seen(runs: Mapping, prepared: Prepared, tested: pd.Series) -> pd.DataFrame:
    """How many of the pictures `tested` each network, or what it started from, was trained on.

    A row a run, by its name ``network``: ``seen`` and ``tested`` (pictures) and ``share``. Every ``seen`` is 0 where
    nothing leaks.
    """
    counts = {name: int(was_seen(one.weights, prepared, tested).sum()) for name, one in runs.items()}
    table = pd.DataFrame({"seen": counts.values(), "tested": len(tested)}, pd.Index(counts, name="network"))
    return table.assign(share=table["seen"] / table["tested"])


def refusal(experiment: Experiment, by: str = "gender", progress: bool = True) -> str:
    """What is said to somebody who builds study C's leak without meaning to; empty if nobody objects."""
    try:
        hierarchy(experiment, by, start="other_split", progress=progress)
    except splits.LeakError as error:
        return str(error)
    return ""


def _check(experiment: Experiment, by: str, start: str) -> None:
    if start not in STARTS:
        raise ValueError(f"start is one of {', '.join(map(repr, STARTS))}, not {start!r}")
    if by not in ("gender", "ethnicity", "expression"):
        raise ValueError(f"a hierarchy is by gender, ethnicity or expression, not {by!r}")
    if experiment.training.tasks != ("age",):
        tasks = ", ".join(experiment.training.tasks)
        raise ValueError(f"a hierarchy is made of networks of age, this one predicts {tasks}; set tasks=('age',)")
    if experiment.pictures.only:
        raise ValueError(f"only={experiment.pictures.only} is about one group already; a hierarchy sets it for each")
