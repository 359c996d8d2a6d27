"""agelib: the heavy work behind the book on estimating age from faces.

The rooms, from the ground up (a room imports only from lower floors):

====== ======================================================================= =====================
floor  room                                                                    taught in chapter
====== ======================================================================= =====================
0      :mod:`agelib.store`, :mod:`agelib.fingerprint`, :mod:`agelib.progress`  how to run
0      :mod:`agelib.notes`, :mod:`agelib.usage`, :mod:`agelib.stopping`,       how to run
       :mod:`agelib.logs`, :mod:`agelib.memory`, :mod:`agelib.processors`
1      :mod:`agelib.faces`, :mod:`agelib.experiment`                           01, 05
1      :mod:`agelib.metrics`                                                   05, 12, 15, 17, 18
1      :mod:`agelib.networks`                                                  05 to 10
1      :mod:`agelib.targets`                                                   05, 11, 13
1      :mod:`agelib.devices`, :mod:`agelib.launching`                          05, how to run
1      :mod:`agelib.executors`, :mod:`agelib.machines`                         many machines
2      :mod:`agelib.drawn`, :mod:`agelib.sources`                              01, 20
2      :mod:`agelib.detectors`, :mod:`agelib.duplicates`,                      02
       :mod:`agelib.cleaning`
2      :mod:`agelib.splits`                                                    03
2      :mod:`agelib.decoding`, :mod:`agelib.blocks`, :mod:`agelib.pixels`,     04
       :mod:`agelib.batches`, :mod:`agelib.augmentation`
2      :mod:`agelib.balance`, :mod:`agelib.bins`                               12
3      :mod:`agelib.preparation`                                               03
3      :mod:`agelib.training`, :mod:`agelib.checkpoints`                       05, 09, 12
4      :mod:`agelib.streams`, :mod:`agelib.lineage`, :mod:`agelib.runs`        05, 13
5      :mod:`agelib.studies`, :mod:`agelib.ladders`                            14, 16
5      :mod:`agelib.hierarchies`                                               13
5      :mod:`agelib.landmarks`, :mod:`agelib.throughput`                       20
5      :mod:`agelib.shipping`, :mod:`agelib.prediction`                        20, 21
5      :mod:`agelib.references`                                                results
5      :mod:`agelib.explain`                                                   19
5      :mod:`agelib.published_splits`, :mod:`agelib.generalisation`            03, 15
5      :mod:`agelib.plots`, :mod:`agelib.show`                                 every chapter
5      :mod:`agelib.living`, :mod:`agelib.explore`                             01 to 19
5      :mod:`agelib.housekeeping`                                              how to run
6      :mod:`agelib.publishing`, :mod:`agelib.__main__`                        how to run
6      :mod:`agelib.app`                                                       how to run, 21
6      :mod:`agelib.teaching`                                                  for instructors
====== ======================================================================= =====================

Nothing heavy is imported here: ``import agelib`` takes milliseconds.

>>> import agelib
>>> experiment = agelib.Experiment.of(network="resnet18", learning_rate=1e-3)
>>> experiment.training.learning_rate
0.001
"""

import os

from agelib.experiment import Experiment

# On Linux, torch then asks for memory in pages of 2 MiB, not of 4 KiB. A training on a CPU takes and gives back many
# tensors of that size in every batch, and spends a quarter less time. Torch reads this at its first large tensor.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

__all__ = ["Experiment", "prepare", "run"]
__version__ = "0.1.0"


def __getattr__(name):
    """Import ``run`` and ``prepare`` (and with them torch) only when they are asked for."""
    if name == "run":
        from agelib.runs import run

        return run
    if name == "prepare":
        from agelib.preparation import prepare

        return prepare
    raise AttributeError(f"module 'agelib' has no attribute '{name}'")
