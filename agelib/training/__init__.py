"""One training: a network, a target and two streams of batches in; a history and the best weights out.

The loop is fastai's ``Learner`` (:mod:`~agelib.training.trainer`); ours are its callbacks, one idea a file: what
is written down and when it ends (:mod:`~agelib.training.recorder`), learning rates (:mod:`~agelib.training.schedules`),
which weights may change (:mod:`~agelib.training.freezing`), mixed pictures (:mod:`~agelib.training.mixup`) and averaged
weights (:mod:`~agelib.training.weight_averaging`). A trained network is asked in :mod:`~agelib.training.inference`;
:mod:`~agelib.training.temperature` sets right how sure it is. Several processes can train one network: how they find
each other is in :mod:`agelib.runtime.launch`, how they share each batch in :mod:`~agelib.training.data_parallel`.
Explained in chapter 06.
"""

from agelib.training.inference import outputs, predict
from agelib.training.optimisers import make_optimiser
from agelib.training.temperature import require_probabilities, temper

__all__ = [
    "HISTORY",
    "find_learning_rate",
    "fit",
    "is_early_stop",
    "make_learner",
    "make_optimiser",
    "outputs",
    "phases",
    "plateau_rate",
    "predict",
    "require_probabilities",
    "temper",
]


def __getattr__(name: str):
    """Import what trains when it is asked for: fastai takes as long as torch, and who predicts needs none of it."""
    if name in __all__:
        from agelib.training import freezing, recorder, schedules, trainer

        for module in (freezing, recorder, schedules, trainer):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'agelib.training' has no attribute {name!r}")
