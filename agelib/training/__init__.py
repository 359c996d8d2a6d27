"""One training: a network, a target and two streams of batches in; a history and the best weights out.

The loop is fastai's ``Learner``; what is ours are its callbacks, one idea a file: what is written down and when it
ends (:mod:`~agelib.training.recorder`), learning rates (:mod:`~agelib.training.schedules`), which weights may change
(:mod:`~agelib.training.freezing`), mixed pictures (:mod:`~agelib.training.mixup`), averaged weights
(:mod:`~agelib.training.weight_averaging`), and how sure the trained network is
(:mod:`~agelib.training.temperature`). Several processes can train one network: how they find each other
(:mod:`~agelib.runtime.launch`), and how they share each batch (:mod:`~agelib.training.data_parallel`). Explained in
chapter 05.
"""

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


def __getattr__(name):
    """Import the loop, and with it fastai, when it is asked for: that takes seconds, and opening a run needs none."""
    if name in __all__:
        from agelib.training import recorder, schedules, temperature, trainer

        modules = (trainer, recorder, schedules, temperature)
        return next(vars(module)[name] for module in modules if name in vars(module))
    raise AttributeError(f"module 'agelib.training' has no attribute '{name}'")
