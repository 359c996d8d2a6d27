"""One training: a network, a target and two streams of batches in; a history and the best weights out.

The loop is fastai's ``Learner``; what is ours are its callbacks, one idea a file: what is written down and when it
ends (:mod:`~agelib.training.recorder`), learning rates (:mod:`~agelib.training.schedules`), which weights may change
(:mod:`~agelib.training.freezing`), mixed pictures (:mod:`~agelib.training.mixup`), averaged weights
(:mod:`~agelib.training.weight_averaging`), and how sure the trained network is (:mod:`~agelib.training.temperature`). Several
processes can train one network: how they find each other (:mod:`~agelib.runtime.launch`), and how they share each batch
(:mod:`~agelib.training.data_parallel`). Explained in chapter 05.
"""

from agelib.runtime.devices import choose_device
from agelib.targets.weighted import Weighed
from agelib.training.freezing import Phase, phases
from agelib.training.optimisers import make_optimiser
from agelib.training.precision import precision
from agelib.training.recorder import HISTORY, is_early_stop, set_aside
from agelib.training.schedules import PLATEAU_EPOCHS, PLATEAU_FACTOR, plateau_rate
from agelib.training.temperature import require_probabilities, temper
from agelib.training.trainer import find_learning_rate, fit, make_learner, outputs, predict

__all__ = [
    "HISTORY",
    "PLATEAU_EPOCHS",
    "PLATEAU_FACTOR",
    "Phase",
    "Weighed",
    "choose_device",
    "find_learning_rate",
    "fit",
    "is_early_stop",
    "make_learner",
    "make_optimiser",
    "outputs",
    "phases",
    "plateau_rate",
    "precision",
    "predict",
    "require_probabilities",
    "set_aside",
    "temper",
]
