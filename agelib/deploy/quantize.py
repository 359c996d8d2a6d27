"""A model's ONNX graph in whole numbers of 8 bits, by onnxruntime's own quantisation. Explained in chapter 25.

A weight w is stored as a whole number q from −127 to 127 with w ≈ scale · q, a scale for each channel (B. Jacob et al.,
*Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018). *Dynamic*:
what flows through the layers is rounded while the graph runs, from its own range; this is for fully connected layers.
*Static*: the ranges are found beforehand, on calibration pictures, and the convolutions multiply whole numbers, too.
"""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from agelib.runtime import workspace

#: How a graph can be quantised.
KINDS = ("dynamic", "static")

#: Calibration pictures that go through the network at a time.
BATCH = 32


def quantise(graph, file, kind: str = "static", images: np.ndarray | None = None) -> Path:
    """Write an ONNX graph again with weights in 8 bits, and return the file.

    Parameters
    ----------
    graph : path
        What :func:`agelib.deploy.export` wrote.
    file : path
        Where to; its folder must be there.
    kind : str
        dynamic: the fully connected layers alone; or static: the convolutions, too.
    images : numpy.ndarray, optional
        For static: uint8 [N, 3, S, S], pictures of the training part, some hundreds. Neither validation nor test
        pictures: those are to say what the quantisation costs.


    Raises
    ------
    ValueError, FileNotFoundError
        If the kind is unknown, or there are no pictures for static; if there is no such graph.

    Examples
    --------
    >>> quantise("model.onnx", "small.onnx", "tiny")
    Traceback (most recent call last):
    ...
    ValueError: a graph is quantised dynamic or static, not 'tiny'
    """
    if kind not in KINDS:
        raise ValueError(f"a graph is quantised {' or '.join(KINDS)}, not {kind!r}")
    if kind == "static" and (images is None or not len(images)):
        raise ValueError("static quantisation needs pictures of the training part, uint8 [N, 3, S, S], to calibrate on")
    if not Path(graph).is_file():
        raise FileNotFoundError(f"there is no graph {graph}; `agelib export` writes one")
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with workspace.write_whole(file) as temporary, TemporaryDirectory() as folder:
        ready = Path(folder, "ready.onnx")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)  # onnxruntime's hints are for its command line
        try:
            # Join what onnxruntime would join anyway, such as a convolution and its batch norm, and infer all shapes.
            quant_pre_process(str(graph), str(ready), skip_symbolic_shape=True)
            (write_static if kind == "static" else _write_dynamic)(ready, temporary, images)
        finally:
            logging.disable(before)
    return Path(file)


def _write_dynamic(ready: Path, file: Path, _images) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        ready, file, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["Gemm", "MatMul"]
    )


def write_static(ready: Path, file: Path, images: np.ndarray) -> None:
    """Write a prepared graph in 8 bits, with the ranges that the calibration images show."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        batches = (images[start : start + BATCH] for start in range(0, len(images), BATCH))

        def get_next(self):
            batch = next(self.batches, None)
            return None if batch is None else {"pictures": np.ascontiguousarray(batch)}

    quantize_static(
        ready,
        file,
        Reader(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )
