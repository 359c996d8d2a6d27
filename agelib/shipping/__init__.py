"""A trained network on its way out of the book: described, exported, and put before whole pictures.

:mod:`~agelib.shipping.models` one class for a finished run and for an exported folder ·
:mod:`~agelib.shipping.descriptions` what its description holds · :mod:`~agelib.shipping.cards` the model card ·
:mod:`~agelib.shipping.graphs` ONNX, and the folder · :mod:`~agelib.shipping.framing` faces in whole pictures ·
:mod:`~agelib.shipping.quantising` 8 bits · :mod:`~agelib.shipping.speed` how fast each way is ·
:mod:`~agelib.shipping.choosing` which model is meant. What uses them on files is :mod:`agelib.prediction`. Explained in
chapter 21.
"""

from agelib.shipping.framing import Frame, measure_frame
from agelib.shipping.graphs import export
from agelib.shipping.models import Model, frame_of_run, load, of_run

__all__ = ["Frame", "Model", "export", "frame_of_run", "load", "measure_frame", "of_run"]
