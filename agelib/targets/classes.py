"""Classes: the network gives one number for each age group, or for each gender, ethnicity or expression.

A softmax makes probabilities of them and the cross-entropy is their loss, as in study C. Explained in chapters 12, 14.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from agelib.targets.age_groups import edges_of, group_of, group_on_device
from agelib.targets.ages import AgeTarget
from agelib.targets.base import (
    Target,
    check_shapes,
    check_share,
    cross_entropy,
    full_precision,
    macro_f1,
    masked_mean,
    weighted_mean,
)


@dataclass(frozen=True)
class Groups(AgeTarget):
    """Age groups as classes; the age is read from their probabilities.

    Each group stands for the mean age of its training pictures, so that the posterior's mean is an age in years. A
    group without a training picture can still be asked for (another part may have one); it stands for its middle, and
    an open last group for its first age.

    Parameters
    ----------
    bins : str
        See :func:`agelib.targets.age_groups.edges_of`.
    mean_ages : tuple of float
        What each group stands for, in years, going up.
    label_smoothing : float
        Share of a label that is spread over all groups.
    estimate : str
        mean, median or mode.

    Examples
    --------
    >>> target = Groups("0,20,60", mean_ages=(10.0, 40.0, 70.0))
    >>> outputs = torch.tensor([[0.0, 0.0, 0.0], [0.0, 9.0, 0.0]])
    >>> target.decode(outputs).round(decimals=2)
    tensor([40., 40.])
    >>> target.loss(outputs, torch.tensor([[5.0], [59.9]]))
    tensor(0.5494)
    """

    bins: str = "7b"
    mean_ages: tuple = ()
    label_smoothing: float = 0.0
    estimate: str = "mean"

    is_softmax = True

    def __post_init__(self):
        self._check_options()
        check_share("label_smoothing", self.label_smoothing)
        if len(self.mean_ages) != len(edges_of(self.bins)):
            raise ValueError(f"{len(self.mean_ages)} mean ages for the age groups {self.bins!r}")

    @classmethod
    def make(cls, training, train_labels: np.ndarray) -> "Groups":
        edges = edges_of(training.bins)
        codes = group_of(train_labels[:, 0], training.bins)
        counts = np.bincount(codes, minlength=len(edges))
        sums = np.bincount(codes, weights=train_labels[:, 0], minlength=len(edges))
        middles = [*(np.add(edges[1:], edges[:-1]) / 2), edges[-1]]
        means = np.where(counts > 0, sums / np.maximum(counts, 1), middles)
        ages = tuple(float(age) for age in means)
        return cls(training.bins, ages, training.label_smoothing, training.estimate, grouping=training.grouping)

    @property
    def outputs(self) -> int:
        return len(self.mean_ages)

    @property
    def ages(self) -> np.ndarray:
        return np.asarray(self.mean_ages)

    def codes(self, labels):
        return group_on_device(labels[:, 0], self.bins)

    def loss(self, outputs, labels, weights=None):
        check_shapes("groups", outputs, self.outputs, labels)
        return weighted_mean(cross_entropy(outputs, self.codes(labels), self.label_smoothing), weights)

    def posterior(self, outputs):
        check_shapes("groups", outputs, self.outputs)
        return full_precision(outputs).softmax(dim=1)


@dataclass(frozen=True)
class Classes(Target):
    """Gender, ethnicity or expression: the words of the training part as classes, sorted.

    A picture whose word is missing, or is none of the training part's, has the label −1 and does not count.

    Parameters
    ----------
    task : str
        The column of the faces table.
    classes : tuple of str
        Its words.
    label_smoothing : float
        Share of a label that is spread over all classes.

    Examples
    --------
    >>> target = Classes("gender", ("female", "male"))
    >>> target.labels(pd.DataFrame({"gender": ["male", None]})).tolist()
    [[1.0], [-1.0]]
    >>> target.predictions(torch.tensor([[0.0, 2.0]])).round(2).to_dict("records")
    [{'predicted_gender': 'male', 'gender=female': 0.12, 'gender=male': 0.88}]
    """

    task: str
    classes: tuple
    label_smoothing: float = 0.0

    gives_age = False
    is_softmax = True

    def __post_init__(self):
        check_share("label_smoothing", self.label_smoothing)
        if len(self.classes) < 2 or list(self.classes) != sorted(set(self.classes)):
            raise ValueError(
                f"{self.task}: at least two different words, sorted, are needed to tell apart, not "
                f"{list(self.classes)}; choose another task or more pictures"
            )

    @classmethod
    def make(cls, task: str, words: np.ndarray, label_smoothing: float = 0.0) -> "Classes":
        """Classes of the training part's words [N]; a missing one is None or NaN."""
        words = pd.Series(words, dtype="object").dropna()
        return cls(task, tuple(sorted(words.astype(str).unique())), label_smoothing)

    @property
    def outputs(self) -> int:
        return len(self.classes)

    def labels(self, faces, label: str = "age", allow_missing: bool = True) -> np.ndarray:
        """Codes of the words, float32 [N, 1]; −1 where one is missing. `label` is for targets of an age."""
        codes = pd.Categorical(word_column(faces, self.task), categories=self.classes).codes
        return codes.astype(np.float32)[:, None]

    def codes(self, labels):
        return labels[:, 0].long()

    def loss(self, outputs, labels, weights=None):
        check_shapes(self.task, outputs, self.outputs, labels)
        codes = self.codes(labels)
        losses = cross_entropy(outputs, codes.clamp(min=0), self.label_smoothing)  # [B]
        return masked_mean(losses, (codes >= 0).to(losses.dtype), weights)

    def probabilities(self, outputs):
        """Probability of each class, [B, classes]."""
        check_shapes(self.task, outputs, self.outputs)
        return full_precision(outputs).softmax(dim=1)

    def decode(self, outputs):
        raise ValueError(f"the task {self.task} gives no age; add the task age, or look at the predictions")

    def predictions(self, outputs) -> pd.DataFrame:
        """``predicted_TASK`` as text and one column ``TASK=CLASS`` with each class's probability."""
        with torch.no_grad():
            shares = self.probabilities(outputs).double().cpu().numpy()
        chosen = np.asarray(self.classes, dtype=object)[shares.argmax(axis=1)]
        columns = {f"{self.task}={name}": column for name, column in zip(self.classes, shares.T, strict=True)}
        return pd.DataFrame({f"predicted_{self.task}": chosen, **columns})

    def scores(self, outputs, labels) -> dict:
        """``f1`` in percent: macro F1 of the pictures whose class is known."""
        return {"f1": macro_f1(self.codes(labels), outputs.detach().argmax(dim=1), self.outputs)}


def word_column(faces, task: str) -> np.ndarray:
    """A column of words of the faces table: objects [N], text or None.

    >>> word_column(pd.DataFrame({"gender": ["male", float("nan")]}), "gender").tolist()
    ['male', None]
    """
    if task not in faces:
        raise ValueError(f"the faces table has no column {task!r}; it has: {', '.join(faces.columns)}")
    words = faces[task].astype("object")
    return words.where(words.notna(), None).to_numpy(dtype=object)
