"""agelib: the heavy work behind the book on estimating age from faces.

The rooms, from the ground up (a room imports only from lower floors):

====== ======================================================================= =====================
floor  room                                                                    taught in chapter
====== ======================================================================= =====================
0      :mod:`agelib.runtime.workspace`, :mod:`agelib.runtime.fingerprint`, :mod:`agelib.runtime.progress`  how to run
0      :mod:`agelib.runtime.workspace`, :mod:`agelib.runtime.workspace`, :mod:`agelib.runtime.interrupts`,       how to run
       :mod:`agelib.runtime.logs`, :mod:`agelib.runtime.malloc`, :mod:`agelib.runtime.cpu`
1      :mod:`agelib.data.table`, :mod:`agelib.config`                           01, 05
1      :mod:`agelib.metrics`                                                   05, 12, 15, 17, 18
1      :mod:`agelib.networks`                                                  05 to 10
1      :mod:`agelib.targets`                                                   05, 11, 13
1      :mod:`agelib.runtime.devices`, :mod:`agelib.runtime.launch`                          05, how to run
1      :mod:`agelib.runtime.executors`, :mod:`agelib.runtime.dask_cluster`                         many machines
2      :mod:`agelib.drawn`, :mod:`agelib.data.sources`                              01, 20
2      :mod:`agelib.data.detectors`, :mod:`agelib.data.duplicates`,                      02
       :mod:`agelib.data.clean`
2      :mod:`agelib.data.splits`                                                    03
2      :mod:`agelib.pixels.decode`, :mod:`agelib.pixels.memmap`, :mod:`agelib.pixels.cache`,     04
       :mod:`agelib.pixels.batches`, :mod:`agelib.pixels.augment`
2      :mod:`agelib.training.balance`, :mod:`agelib.targets.binning`                               12
3      :mod:`agelib.data.prepare`                                               03
3      :mod:`agelib.training`, :mod:`agelib.training.checkpoints`                       05, 09, 12
4      :mod:`agelib.experiments.data_module`, :mod:`agelib.experiments.contamination`, :mod:`agelib.experiments.run`        05, 13
5      :mod:`agelib.experiments.search`, :mod:`agelib.experiments.published`                            14, 16
5      :mod:`agelib.experiments.hierarchies`                                               13
5      :mod:`agelib.experiments.published.landmarks`, :mod:`agelib.deploy.throughput`                       20
5      :mod:`agelib.deploy`, :mod:`agelib.deploy.predict`                        20, 21
5      :mod:`agelib.experiments.published`                                                results
5      :mod:`agelib.explain`                                                   19
5      :mod:`agelib.experiments.published.split_audit`, :mod:`agelib.experiments.cross_dataset`            03, 15
5      :mod:`agelib.plots`, :mod:`agelib.plots.show`                                 every chapter
5      :mod:`agelib.plots.sliders`, :mod:`agelib.plots.explorers`                             01 to 19
5      :mod:`agelib.runtime.prune`                                              how to run
6      :mod:`agebook.build`, :mod:`agebook.__main__`                        how to run
6      :mod:`agebook.app`                                                       how to run, 21
6      :mod:`agebook.course`                                                  for instructors
====== ======================================================================= =====================

Nothing heavy is imported here: ``import agelib`` takes milliseconds.

>>> import agelib
>>> experiment = agelib.Experiment.of(network="resnet18", learning_rate=1e-3)
>>> experiment.training.learning_rate
0.001
"""

import os

from agelib.config import Experiment

# On Linux, torch then asks for memory in pages of 2 MiB, not of 4 KiB. A training on a CPU takes and gives back many
# tensors of that size in every batch, and spends a quarter less time. Torch reads this at its first large tensor.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

__all__ = ["Experiment", "prepare", "run"]
__version__ = "0.1.0"


def __getattr__(name):
    """Import ``run`` and ``prepare`` (and with them torch) only when they are asked for."""
    if name == "run":
        from agelib.experiments.run import run

        return run
    if name == "prepare":
        from agelib.data.prepare import prepare

        return prepare
    raise AttributeError(f"module 'agelib' has no attribute '{name}'")
