"""One training: a network, a target and two streams of batches in; a history and the best weights out.

The loop is fastai's ``Learner``; what is ours are its callbacks, one idea a file: what is written down and when it
ends (:mod:`~agelib.training.recording`), learning rates (:mod:`~agelib.training.schedules`), which weights may change
(:mod:`~agelib.training.phases`), mixed pictures (:mod:`~agelib.training.mixing`), averaged weights
(:mod:`~agelib.training.averaging`), and how sure the trained network is (:mod:`~agelib.training.tempering`). Several
processes can train one network: how they find each other (:mod:`~agelib.launching`), and how they share each batch
(:mod:`~agelib.training.distributed`). Explained in chapter 05.
"""

from agelib.devices import choose_device, precision
from agelib.training.fitting import find_learning_rate, fit, make_learner, outputs, predict
from agelib.training.optimisers import make_optimiser
from agelib.training.phases import Phase, phases
from agelib.training.recording import HISTORY, is_early_stop, set_aside
from agelib.training.schedules import PLATEAU_EPOCHS, PLATEAU_FACTOR, plateau_rate
from agelib.training.tempering import require_probabilities, temper
from agelib.training.weighing import Weighed

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
