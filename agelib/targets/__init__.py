"""Targets: what a network is asked for, and how its outputs become an age again. Explained in chapters 06 and 12.

Every target fits one contract, :class:`agelib.targets.base.Target`, so that every network works with each. The
steps of a training are :func:`labels` of the training part, :func:`build`, and then the target's own ``labels`` of all
pictures.

================  ==========================================================  =================================
target            what the network gives                                      loss
================  ==========================================================  =================================
regression        the age, standardised                                       mse, mae or huber
sigmoid           the age divided by 100, through a sigmoid (study B)         mse, mae or huber
groups            one number for each age group (study C)                     cross-entropy
expectation       one number for each whole year (DEX)                        cross-entropy
distribution      one number for each whole year (study D, DLDL)              cross-entropy with a Gaussian label
dldl_v2           one number for each whole year                              divergence + error of the mean
mean_variance     one number for each whole year                              cross-entropy + mean + variance
or_cnn            "older than this?" for each year                            sum of cross-entropies
coral             the same, with shared weights                               sum of cross-entropies
corn              the same, each given the one before                         mean of conditional cross-entropies
normal            mean and log-variance                                       −log of the normal density
================  ==========================================================  =================================
"""

import numpy as np

from agelib.targets.base import Target
from agelib.targets.registry import find, module_of, names

__all__ = ["Target", "build", "labels", "module_of", "names"]


def labels(training, faces, label: str = "age") -> np.ndarray:
    """What :func:`build` is told about each picture of the training part.

    Parameters
    ----------
    training : agelib.config.Training
    faces : pandas.DataFrame
        Rows of the faces table.
    label : str
        Which age, in years: age, real_age or apparent_age.

    Returns
    -------
    numpy.ndarray
        [N, L]. Of an age alone float32, in years. Of several tasks objects, an age as a number and a class as a word
        (None: missing), whose numbers the target says once it has seen the training part.

    Examples
    --------
    >>> import pandas as pd
    >>> from agelib.config import Training
    >>> faces = pd.DataFrame({"age": [28.0, 3.0], "gender": ["male", "female"]})
    >>> labels(Training(), faces).tolist()
    [[28.0], [3.0]]
    >>> training = Training(tasks=("gender", "age"))
    >>> labels(training, faces).tolist()
    [['male', 28.0], ['female', 3.0]]
    >>> build(training, labels(training, faces)).labels(faces).tolist()
    [[1.0, 28.0], [0.0, 3.0]]
    """
    return find(training).labels(faces, label)


def build(training, train_labels: np.ndarray) -> Target:
    """Make the target that an experiment asks for.

    Parameters
    ----------
    training : agelib.config.Training
        Its options.
    train_labels : numpy.ndarray
        Labels of the training part, [N, L], from :func:`labels`; ages in years. What a target learns from data (a
        mean, the grid of ages, classes) comes from these alone.

    Returns
    -------
    Target
        Of the age alone where that is the only task, else :class:`agelib.targets.multitask.Several`.

    Raises
    ------
    ValueError
        If there is no such target or option, or the labels are empty or an age is not finite.

    Examples
    --------
    >>> from agelib.config import Training
    >>> target = build(Training(target="distribution"), np.array([[20.0], [40.0]]))
    >>> target.outputs, target.ages[[0, -1]].tolist()
    (21, [20.0, 40.0])
    """
    found = find(training)
    is_age_alone = isinstance(found, type)
    given = np.asarray(train_labels, dtype=np.float64 if is_age_alone else object)
    if given.ndim != 2 or not len(given):
        raise ValueError(f"training labels have the shape [N, L] with N at least 1, not {list(given.shape)}")
    if not is_age_alone:
        return found.make(training, given)
    if given.shape[1] != found.columns:
        raise ValueError(
            f"training labels of the target {training.target} have the shape [N, {found.columns}], "
            f"not {list(given.shape)}"
        )
    if not np.isfinite(given).all():
        row = int(np.flatnonzero(~np.isfinite(given).all(axis=1))[0])
        raise ValueError(f"training label {row} is {given[row].tolist()}; drop pictures without a label first")
    return found.make(training, given)
