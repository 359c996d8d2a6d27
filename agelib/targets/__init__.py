"""Targets: how an age is put to a network, and how its outputs become an age again. Explained in chapter 05.

Every target fits one contract, :class:`agelib.targets.contract.Target`, so that every network works with each.
"""

import difflib
import importlib

import numpy as np

from agelib.targets.contract import Target

__all__ = ["Target", "build", "labels", "module_of", "names"]

#: Name → the module that holds it; found by name, so that a change of one target's code does not retrain the others.
MODULES = {"regression": "agelib.targets.regression"}


def names() -> list[str]:
    """Names of the targets.

    >>> names()
    ['regression']
    """
    return sorted(MODULES)


def module_of(name: str) -> str:
    """The agelib module whose code is the target: what a run's key must change with.

    >>> module_of("regression")
    'agelib.targets.regression'
    """
    if name not in MODULES:
        near = difflib.get_close_matches(name, MODULES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names())}"
        raise ValueError(f"no target {name!r}; {hint}")
    return MODULES[name]


def labels(name: str, faces, label: str = "age") -> np.ndarray:
    """What a target is told about each picture: float32 [N, L]; see :meth:`agelib.targets.contract.Target.labels`.

    >>> import pandas as pd
    >>> labels("regression", pd.DataFrame({"age": [28.0, 3.0]})).tolist()
    [[28.0], [3.0]]
    """
    return importlib.import_module(module_of(name)).TARGET.labels(faces, label)


def build(training, train_labels: np.ndarray) -> Target:
    """Make the target that an experiment asks for.

    Parameters
    ----------
    training : agelib.experiment.Training
        Its options.
    train_labels : numpy.ndarray
        Labels of the training part, [N, L]; ages in years. What a target learns from data (a mean, bins) comes
        from these alone.

    Returns
    -------
    Target

    Raises
    ------
    ValueError
        If there is no such target or loss, or the labels are empty or not finite.

    Examples
    --------
    >>> from agelib.experiment import Training
    >>> target = build(Training(), np.array([[20.0], [40.0]]))
    >>> target.outputs, target.mean, target.std
    (1, 30.0, 10.0)
    """
    module = importlib.import_module(module_of(training.target))
    labels = np.asarray(train_labels, dtype=np.float64)
    if labels.ndim != 2 or not len(labels):
        raise ValueError(f"training labels have the shape [N, L] with N at least 1, not {list(labels.shape)}")
    if not np.isfinite(labels).all():
        row = int(np.flatnonzero(~np.isfinite(labels).all(axis=1))[0])
        raise ValueError(
            f"training label {row} is {labels[row].tolist()}; drop pictures without a label first"
        )
    return module.build(training, labels)
