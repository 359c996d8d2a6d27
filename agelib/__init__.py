"""agelib: the package behind the book on estimating age from faces.

It holds what chapters teach and call. How the book is built and a course is run is no part of the subject, and is in
a package of its own, agebook.

The rooms, from the ground up. A room imports from its own floor and lower ones, never upward, and no two import each
other. The first line of each module says what it is for.

===== ========================= ==================================================================== ==================
floor room                      what is in it                                                        taught in chapter
===== ========================= ==================================================================== ==================
1     :mod:`agelib.config`      `Experiment`: every option of a training, once                       06
1     :mod:`agelib.metrics`     functions of the predictions table: errors, intervals, calibration   06, 13, 17, 20–22
1     :mod:`agelib.runtime`     workspace, keys, progress, logs, processes: no face, no age          how to run
2     :mod:`agelib.parameters`  a chapter's parameters, and whether what papermill gives them fits     how to run
2     :mod:`agelib.drawn`       drawn faces, whose every truth is known                              01, 24
2     :mod:`agelib.pixels`      decoding, the memory map of bytes, batches, augmentation             04
2     :mod:`agelib.networks`    architectures by name, their stages, pretrained weights              06 to 11
2     :mod:`agelib.targets`     what a network is asked for, its loss, and the age again             06, 12, 15
3     :mod:`agelib.data`        readers of data sets, cleaning, duplicates, detectors, splits        01 to 03
3     :mod:`agelib.training`    the training loop, schedules, freezing, balance, checkpoints         05, 06, 11, 13
3     :mod:`agelib.explain`     maps of what a trained network looks at, and checks of them          06, 19
4     :mod:`agelib.plots`       tables in, figures out; sliders; what stands beside figures          every chapter
4     :mod:`agelib.deploy`      `Model`, ONNX, 8 bits, faces in whole pictures, throughput           24, 25
5     :mod:`agelib.experiments` a run, searches, other data sets, published results                  06, 15 to 18
6     :mod:`agelib.cli`         the commands of ``agelib``                                           how to run
6     :mod:`agebook.notebooks`  a notebook executed in a process of its own, and measured             how to run
6     :mod:`agebook.build`      from notebooks to a site: what is run again, pages, PDF              how to run
6     :mod:`agebook.course`     assignments, their collection and their grading                      for instructors
6     :mod:`agebook.app`        the app: a picture in, what is predicted of each face out            how to run, 25
7     :mod:`agebook.cli`        the commands of ``agebook``                                          how to run
===== ========================= ==================================================================== ==================

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


def __getattr__(name):
    """Import ``run`` and ``prepare`` (and with them torch) only when they are asked for."""
    if name == "run":
        from agelib.experiments.run import run

        return run
    if name == "prepare":
        from agelib.data.prepare import prepare

        return prepare
    raise AttributeError(f"module 'agelib' has no attribute '{name}'")
