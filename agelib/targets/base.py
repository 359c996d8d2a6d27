"""The contract that every target fits: labels, loss, posterior, age, predictions, scores. Explained in chapter 12."""

import numpy as np


class Target:
    """What a network is asked for, and what its outputs mean.

    A target says how many numbers the network gives (:attr:`outputs`), what it is told about each picture
    (:meth:`labels`), how wrong it is (:meth:`loss`), which probability it gives to each age (:meth:`posterior`, where
    there is one), which age it means (:meth:`decode`), what goes into the predictions table (:meth:`predictions`) and
    how good an epoch was (:meth:`scores`). L is the number of label columns, B the batch, A the ages of the posterior.

    A target itself has no weights: they are the network's, so that they are saved, frozen and averaged with it. A
    target that needs another last layer than a fully connected one makes it for the network (:attr:`last_layer`).
    """

    #: Numbers that the network gives for a picture; a tuple: several heads, concatenated in this order.
    outputs: int | tuple[int, ...] = 1

    #: Columns of the labels: L.
    columns = 1

    #: Ages of the posterior, in years: numpy array [A]; None where there is no posterior.
    ages = None

    #: Whether :meth:`decode` gives an age.
    gives_age = True

    #: Whether a softmax over the outputs makes them probabilities, and :meth:`codes` says which is the right one.
    is_softmax = False

    #: What ends the network's head in place of a fully connected layer: None, or a function of the width of what comes
    #: in that makes the layer [B, features] → [B, outputs]; of several heads a tuple of these.
    last_layer = None

    @staticmethod
    def labels(faces, label: str = "age", allow_missing: bool = False) -> np.ndarray:
        """The label columns of a faces table, float32 [N, L]; here the age, in years.

        `label` says which: age, real_age or apparent_age. A missing one is NaN where `allow_missing`, else a ValueError
        that names the first such picture.
        """
        return number_column(faces, label, allow_missing=allow_missing)

    def loss(self, outputs, labels, weights=None):
        """How wrong outputs [B, outputs] are about labels [B, L]: a scalar; `weights` [B] weigh the pictures."""
        raise NotImplementedError

    def posterior(self, outputs):
        """Probability of each of :attr:`ages`, [B, A], or None where the target states none."""
        return None

    def codes(self, labels):
        """Which of the outputs is the right one for labels [B, L], as whole numbers [B]; where :attr:`is_softmax`."""
        raise NotImplementedError

    def by_task(self, outputs, labels) -> list[tuple]:
        """Task, its target, its outputs [B, …] and its labels [B, …], for each task in order: here, the age alone."""
        return [("age", self, outputs, labels)]

    def decode(self, outputs):
        """Ages [B], in years, that the outputs [B, outputs] mean."""
        raise NotImplementedError

    def predictions(self, outputs):
        """What the outputs [B, outputs] say, as columns of the predictions table: one row a picture.

        ``predicted`` in years where there is an age; for classes ``predicted_age_group``, ``predicted_gender`` … as
        text, and the probability of each class in a column such as ``gender=female``.
        """
        raise NotImplementedError

    def scores(self, outputs, labels) -> dict:
        """Numbers that tell how good an epoch was, of ``mse`` (years²), ``mae`` (years) and ``f1`` (percent)."""
        raise NotImplementedError


def number_column(
    faces, name: str, otherwise: str = "choose label of age, real_age, apparent_age", allow_missing: bool = False
) -> np.ndarray:
    """A column of numbers of the faces table as labels, float32 [N, 1]; missing ones are refused, or NaN.

    >>> import pandas as pd
    >>> number_column(pd.DataFrame({"path": ["a", "b"], "age": [3.0, None]}), "age")
    Traceback (most recent call last):
    ...
    ValueError: 1 of 2 pictures have no age (first: b); choose label of age, real_age, apparent_age, or drop them first
    """
    if name not in faces:
        raise ValueError(f"the faces table has no column {name!r}; {otherwise}")
    numbers = faces[name].to_numpy(dtype=np.float32, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad) and not allow_missing:
        path = faces["path"].iloc[bad[0]] if "path" in faces else f"row {bad[0]}"
        raise ValueError(
            f"{len(bad)} of {len(numbers)} pictures have no {name} (first: {path}); {otherwise}, or drop them first"
        )
    return np.where(np.isfinite(numbers), numbers, np.float32(np.nan))[:, None]


def weighted_mean(values, weights=None):
    """Mean of values [B], weighted by weights [B] where given (they need not sum to one).

    >>> import torch
    >>> weighted_mean(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0]))
    tensor(2.)
    """
    if weights is None:
        return values.mean()
    if weights.shape != values.shape:
        raise ValueError(f"weights have the shape {list(weights.shape)}, the losses {list(values.shape)}")
    return (weights * values).sum() / weights.sum()


def masked_mean(values, known, weights=None):
    """Weighted mean of the values [B] where `known` [B] is 1; 0, with a gradient of 0, where that is nowhere.

    >>> import torch
    >>> masked_mean(torch.tensor([1.0, 4.0]), torch.tensor([0.0, 1.0])), masked_mean(torch.ones(2), torch.zeros(2))
    (tensor(4.), tensor(0.))
    """
    weights = known if weights is None else known * weights
    some = weights.sum() > 0
    # Dividing by a sum of 0 would be NaN, also in the gradient, whatever is made of it afterwards.
    return weighted_mean(values, weights + (~some).to(weights.dtype)) * some


def known(labels):
    """Which pictures have a label: booleans [B] for labels [B, L]. A missing number is NaN, a missing class −1.

    >>> import torch
    >>> known(torch.tensor([[3.0, 1.0], [float("nan"), 1.0], [3.0, -1.0]]))
    tensor([ True, False, False])
    """
    return (labels.isfinite() & (labels >= 0)).all(dim=1)


def full_precision(tensor):
    """The tensor in float32 at least: in half precision, sums over many ages lose whole years.

    >>> import torch
    >>> full_precision(torch.zeros(2, dtype=torch.bfloat16)).dtype, full_precision(torch.zeros(2).double()).dtype
    (torch.float32, torch.float64)
    """
    import torch

    return tensor if tensor.dtype == torch.float64 else tensor.float()


def cross_entropy(outputs, codes, label_smoothing: float = 0.0):
    """−log of the softmax's share of each picture's class, [B], from outputs [B, K] and codes [B].

    With label smoothing s the label gives the class 1 − s + s/K and every other s/K (Müller et al. 2019).

    >>> import torch
    >>> cross_entropy(torch.zeros(1, 4), torch.tensor([2]))
    tensor([1.3863])
    """
    from torch.nn import functional

    return functional.cross_entropy(full_precision(outputs), codes, reduction="none", label_smoothing=label_smoothing)


def check_shapes(name: str, outputs, width: int, labels=None, columns: int = 1) -> None:
    """Refuse outputs that are not [B, width], or labels that are not [B, columns]; the message names both shapes.

    >>> import torch
    >>> check_shapes("corn", torch.zeros(2, 4), 4, torch.zeros(2))
    Traceback (most recent call last):
    ...
    ValueError: corn takes outputs [B, 4] and labels [B, 1], not [2, 4] and [2]
    """
    good = outputs.ndim == 2 and outputs.shape[1] == width
    if labels is None:
        if not good:
            raise ValueError(f"{name} takes outputs [B, {width}], not {list(outputs.shape)}")
    elif not good or labels.ndim != 2 or labels.shape != (len(outputs), columns):
        raise ValueError(
            f"{name} takes outputs [B, {width}] and labels [B, {columns}], "
            f"not {list(outputs.shape)} and {list(labels.shape)}"
        )


def check_share(name: str, value: float) -> float:
    """Refuse what is no share from 0 up to but not including 1."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} is a share from 0 up to but not including 1, not {value!r}")
    return float(value)


def macro_f1(codes, predicted, number: int):
    """Macro F1 in percent: the mean over classes of 2·TP / (2·TP + FP + FN).

    As in scikit-learn, a class counts if it is among the labels or the predictions; pictures whose label is below 0
    (missing) do not count.

    `codes` and `predicted` are whole numbers [B] on one device, of `number` classes. NaN where no picture has a label.

    >>> import torch
    >>> round(macro_f1(torch.tensor([0, 0, 1, -1]), torch.tensor([0, 1, 1, 0]), 3), 2)
    66.67
    """
    import torch

    known = codes >= 0
    codes, predicted = codes[known].long(), predicted[known].long()
    table = torch.bincount(codes * number + predicted, minlength=number * number).reshape(number, number)
    hits = table.diagonal().double()
    total = table.sum(dim=0).double() + table.sum(dim=1).double()  # 2·TP + FP + FN
    there = total > 0
    return float(100 * (2 * hits[there] / total[there]).mean())
