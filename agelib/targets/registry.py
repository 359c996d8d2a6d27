"""Every target by a name: a list of choices, of which a run's key has the one that was chosen. See chapter 11."""

from agelib.runtime.suggest import hint
from agelib.targets import classes, distributions, gaussian, multitask, ordinal, regression

#: Name → the module that holds it.
MODULES = {
    "regression": regression,
    "sigmoid": regression,
    "groups": classes,
    "expectation": distributions,
    "distribution": distributions,
    "dldl_v2": distributions,
    "mean_variance": distributions,
    "or_cnn": ordinal,
    "coral": ordinal,
    "corn": ordinal,
    "normal": gaussian,
}


def names() -> list[str]:
    """Names of the targets of an age.

    >>> names()[:4], len(names())
    (['coral', 'corn', 'distribution', 'dldl_v2'], 11)
    """
    return sorted(MODULES)


def class_of(training) -> type:
    """The class of the target that a training names for an age.

    Raises
    ------
    ValueError
        If there is no such target or option.

    Examples
    --------
    >>> from agelib.config import Training
    >>> class_of(Training(target="corn")).__name__
    'CORN'
    """
    if training.target not in MODULES:
        raise ValueError(f"no target {training.target!r}; {hint(training.target, names(), 'there are:')}")
    return MODULES[training.target].target_class(training)


def find(training) -> type | multitask.Tasks:
    """What makes the target of a training: the class of its target, or of several tasks what joins them.

    Either has ``labels(faces, label)`` and ``make(training, train_labels)``.

    >>> from agelib.config import Training
    >>> find(Training(tasks=("age", "gender"))).names
    ('age', 'gender')
    """
    of_age = class_of(training)
    return of_age if tuple(training.tasks) == ("age",) else multitask.Tasks(of_age, training.tasks)


def module_of(training) -> tuple[str, ...]:
    """The agelib modules whose code is the target: what a run's key must change with.

    Parameters
    ----------
    training : agelib.config.Training

    Examples
    --------
    >>> from agelib.config import Training
    >>> module_of(Training(target="corn"))
    ('agelib.targets.ordinal',)
    >>> module_of(Training(tasks=("age", "gender")))
    ('agelib.targets.multitask', 'agelib.targets.regression')
    >>> module_of(Training(tasks=("gender",)))
    ('agelib.targets.multitask',)
    """
    found = find(training)
    own = (MODULES[training.target].__name__,) if "age" in training.tasks else ()
    return own if isinstance(found, type) else (multitask.__name__, *own)
