"""A trained network on its way out of the book: described, exported, and put before whole pictures.

:mod:`~agelib.deploy.model` one class for a finished run and for an exported folder · :mod:`~agelib.deploy.schema`
what its description holds · :mod:`~agelib.deploy.model_card` the model card · :mod:`~agelib.deploy.onnx_export` ONNX,
and the folder · :mod:`~agelib.deploy.face_crop` faces in whole pictures · :mod:`~agelib.deploy.quantize` 8 bits ·
:mod:`~agelib.deploy.latency` how fast each way is · :mod:`~agelib.deploy.shipped` which model is meant. What uses
them on files is :mod:`agelib.deploy.predict`. Explained in chapter 25.
"""

from agelib.deploy.face_crop import Frame, measure_frame
from agelib.deploy.model import Model, frame_of_run, load, of_run
from agelib.deploy.onnx_export import export

__all__ = ["Frame", "Model", "export", "frame_of_run", "load", "measure_frame", "of_run"]
