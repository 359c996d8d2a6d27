"""Every target by a name: a list of choices, of which a run's key has the one that was chosen. See chapter 12."""

from agelib.runtime.suggest import hint
from agelib.targets import distributions, multitask
from agelib.targets.classes import Groups
from agelib.targets.gaussian import Normal
from agelib.targets.ordinal import CORAL, CORN, ORCNN
from agelib.targets.regression import Regression, Sigmoid

#: Name → its class.
CLASSES = {
    "regression": Regression,
    "sigmoid": Sigmoid,
    "groups": Groups,
    "expectation": distributions.Expectation,
    "distribution": distributions.Distribution,
    "dldl_v2": distributions.DLDLv2,
    "mean_variance": distributions.MeanVariance,
    "or_cnn": ORCNN,
    "coral": CORAL,
    "corn": CORN,
    "normal": Normal,
}


def names() -> list[str]:
    """Names of the targets of an age.

    >>> names()[:4], len(names())
    (['coral', 'corn', 'distribution', 'dldl_v2'], 11)
    """
    return sorted(CLASSES)


def class_of(training) -> type:
    """The class of the target that a training names for an age; ValueError if there is no such target or option.

    >>> from agelib.config import Training
    >>> class_of(Training(target="corn")).__name__
    'CORN'
    """
    if training.target not in CLASSES:
        raise ValueError(f"no target {training.target!r}; {hint(training.target, names(), 'there are:')}")
    found = CLASSES[training.target]
    return distributions.told_how_wide(found, training.sigma) if found.__module__ == distributions.__name__ else found


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

    >>> from agelib.config import Training
    >>> module_of(Training(target="corn"))
    ('agelib.targets.ordinal',)
    >>> module_of(Training(tasks=("age", "gender")))
    ('agelib.targets.multitask', 'agelib.targets.regression')
    >>> module_of(Training(tasks=("gender",)))
    ('agelib.targets.multitask',)
    """
    found = find(training)
    own = (CLASSES[training.target].__module__,) if "age" in training.tasks else ()
    return own if isinstance(found, type) else (multitask.__name__, *own)
