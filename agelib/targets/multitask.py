"""Several tasks at once: age, gender, ethnicity and expression from one network. Explained in chapter 15.

Study C's multitask network (its variant 19): a shared trunk, one head a task, and the sum of the tasks' losses. A
picture that lacks a label of one task still teaches the others.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from agelib.targets.base import Target, known, weighted_mean
from agelib.targets.classes import Classes, word_column

#: The tasks there are; age goes through the target that the experiment names, the others are classes.
TASKS = ("age", "gender", "ethnicity", "expression")


@dataclass(frozen=True)
class Several(Target):
    """Targets side by side: the outputs and the label columns of each after those of the one before.

    The loss is the sum over tasks of task weight · loss, each over the pictures whose label is known. Age, posterior
    and point estimate are those of the task age.

    Parameters
    ----------
    tasks : tuple of str
        Their names, in order.
    targets : tuple of Target
        One for each.
    weights : tuple of float
        Weight of each task's loss; empty: 1 each.

    Examples
    --------
    >>> from agelib.targets.regression import Regression
    >>> gender = Classes("gender", ("female", "male"))
    >>> target = Several(("age", "gender"), (Regression("mae"), gender))
    >>> target.outputs
    (1, 2)
    >>> outputs, labels = torch.tensor([[30.0, 0.0, 0.0]]), torch.tensor([[32.0, -1.0]])
    >>> target.loss(outputs, labels)  # the gender is not known
    tensor(2.)
    >>> target.predictions(outputs).columns.tolist()
    ['predicted', 'predicted_age_group', 'predicted_gender', 'gender=female', 'gender=male']
    """

    tasks: tuple
    targets: tuple
    weights: tuple = ()

    def __post_init__(self):
        if self.weights and len(self.weights) != len(self.tasks):
            raise ValueError(
                f"task_weights has {len(self.weights)} numbers for the {len(self.tasks)} tasks {', '.join(self.tasks)}"
            )
        if any(weight < 0 for weight in self.weights) or (self.weights and not sum(self.weights)):
            raise ValueError(f"task_weights are not negative and not all 0, {list(self.weights)} are")

    @property
    def outputs(self) -> tuple[int, ...]:
        return tuple(target.outputs for target in self.targets)

    @property
    def columns(self) -> int:
        return sum(target.columns for target in self.targets)

    @property
    def last_layer(self) -> tuple:
        return tuple(target.last_layer for target in self.targets)

    @property
    def ages(self):
        return self._age.ages if self.gives_age else None

    @property
    def gives_age(self) -> bool:
        return "age" in self.tasks

    @property
    def _age(self) -> Target:
        if not self.gives_age:
            raise ValueError(f"the tasks {', '.join(self.tasks)} give no age; add the task age")
        return self.targets[self.tasks.index("age")]

    def labels(self, faces, label: str = "age", allow_missing: bool = True) -> np.ndarray:
        """Label columns of all tasks, float32 [N, L]; a missing age is NaN, a missing class −1."""
        return np.concatenate([target.labels(faces, label, allow_missing=True) for target in self.targets], axis=1)

    def split(self, outputs) -> tuple:
        """The outputs [B, sum] of each task, in order."""
        if outputs.ndim != 2 or outputs.shape[1] != sum(self.outputs):
            raise ValueError(
                f"the tasks {', '.join(self.tasks)} take outputs [B, {' + '.join(map(str, self.outputs))}], "
                f"not {list(outputs.shape)}"
            )
        return outputs.split(self.outputs, dim=1)

    def by_task(self, outputs, labels) -> list[tuple]:
        if labels.ndim != 2 or labels.shape[1] != self.columns:
            raise ValueError(
                f"the tasks {', '.join(self.tasks)} take labels [B, {self.columns}], not {list(labels.shape)}"
            )
        told = labels.split([target.columns for target in self.targets], dim=1)
        return list(zip(self.tasks, self.targets, self.split(outputs), told, strict=True))

    def task_losses(self, outputs, labels, weights=None) -> dict:
        """The loss of each task by its name, before the task weights."""
        if weights is not None and weights.shape != outputs.shape[:1]:
            weighted_mean(outputs[:, 0], weights)  # It says which shapes do not fit.
        found = {}
        for task, target, mine, label in self.by_task(outputs, labels):
            has_label = known(label)  # [B]
            mask = has_label.to(label.dtype) if weights is None else weights * has_label
            some = mask.sum() > 0
            # A picture without this label gets some label and no weight: the shapes of a batch never change.
            safe = torch.where(has_label[:, None], label, torch.zeros_like(label))
            found[task] = target.loss(mine, safe, mask + (~some).to(mask.dtype)) * some
        return found

    def loss(self, outputs, labels, weights=None):
        losses = self.task_losses(outputs, labels, weights).values()
        return sum(weight * loss for weight, loss in zip(self.weights or (1.0,) * len(losses), losses, strict=True))

    def posterior(self, outputs):
        return self._age.posterior(self._of_age(outputs)) if self.gives_age else None

    def decode(self, outputs):
        return self._age.decode(self._of_age(outputs))

    def _of_age(self, outputs):
        return self.split(outputs)[self.tasks.index("age")]

    def predictions(self, outputs) -> pd.DataFrame:
        """The columns of every task, side by side."""
        tables = [target.predictions(mine) for target, mine in zip(self.targets, self.split(outputs), strict=True)]
        return pd.concat(tables, axis=1)

    def scores(self, outputs, labels) -> dict:
        """``mse`` and ``mae`` of the age, if it is a task; ``f1`` of the first task."""
        scores = [target.scores(mine, label) for _, target, mine, label in self.by_task(outputs, labels)]
        age = scores[self.tasks.index("age")] if self.gives_age else {}
        return {**age, "f1": scores[0]["f1"]}


class Tasks:
    """What makes the target of several tasks, as a class makes that of one.

    Parameters
    ----------
    of_age : type
        The class of the target that the experiment names for the task age.
    names : sequence of str
        The tasks, in order.
    """

    def __init__(self, of_age: type, names):
        self.of_age, self.names = of_age, check_tasks(names)

    def labels(self, faces, label: str = "age") -> np.ndarray:
        """What :meth:`make` is told about each picture: objects [N, L], ages as numbers and classes as words."""
        columns = []
        for task in self.names:
            if task == "age":
                columns += list(self.of_age.labels(faces, label, allow_missing=True).T)
            else:
                columns.append(word_column(faces, task))
        table = np.empty((len(faces), len(columns)), dtype=object)
        for number, column in enumerate(columns):
            table[:, number] = column
        return table

    def make(self, training, train_labels: np.ndarray) -> Several:
        """Make every task's target from the labels of the training part, as :meth:`labels` gives them."""
        made, start = [], 0
        for task in self.names:
            width = self.of_age.columns if task == "age" else 1
            mine = train_labels[:, start : start + width]
            if task == "age":
                ages = mine.astype(np.float64)
                ages = ages[np.isfinite(ages).all(axis=1)]
                if not len(ages):
                    raise ValueError("no training picture has an age; leave out the task age, or choose another label")
                made.append(self.of_age.make(training, ages))
            else:
                made.append(Classes.make(task, mine[:, 0], training.label_smoothing))
            start += width
        if start != train_labels.shape[1]:
            raise ValueError(
                f"the tasks {', '.join(self.names)} have {start} label columns, not {train_labels.shape[1]}"
            )
        return Several(self.names, tuple(made), tuple(float(w) for w in training.task_weights))


def check_tasks(tasks) -> tuple[str, ...]:
    """Refuse a task that there is not, that stands twice, or none at all.

    >>> check_tasks(("age", "sex"))
    Traceback (most recent call last):
    ...
    ValueError: no task 'sex'; there are age, gender, ethnicity, expression
    """
    for task in tasks:
        if task not in TASKS:
            raise ValueError(f"no task {task!r}; there are {', '.join(TASKS)}")
    if not tasks or len(set(tasks)) != len(tasks):
        raise ValueError(f"tasks are one or several different ones of {', '.join(TASKS)}, not {list(tasks)}")
    return tuple(tasks)
