"""Graphs in 8 bits: their bytes, their answers, and what they were calibrated on."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from miniature import MINIATURE

from agelib import deploy
from agelib.config import Experiment
from agelib.deploy.quantize import quantise
from agelib.experiments import run as runs
from agelib.pixels.decode import read_picture


@pytest.fixture(scope="module")
def trained():
    return runs.run(Experiment.of(**MINIATURE | {"epochs": 2, "base_features": 16}), progress=False)


@pytest.fixture(scope="module")
def model(trained, tmp_path_factory):
    return deploy.load(deploy.export(trained, tmp_path_factory.mktemp("exported") / "model"))


def pictures(run, table):
    files = [run.prepared.root / path for path in table["path"]]
    return np.stack([read_picture(file, run.experiment.pictures.image_size) for file in files])


@pytest.fixture(scope="module")
def images(trained):
    """uint8 [N, 3, 16, 16]: the training part, and the test part."""
    return pictures(trained, trained.train_predictions), pictures(trained, trained.predictions)


def weights(file):
    """Types and sizes of what a graph holds: name of the type → number of values."""
    found = {}
    for tensor in onnx.load(file).graph.initializer:
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        found[kind] = found.get(kind, 0) + int(np.prod(tensor.dims))
    return found


@pytest.mark.parametrize("kind", ["dynamic", "static"])
def test_answers_of_8_bits_are_near_those_of_32(model, images, kind, tmp_path):
    train, test = images
    file = quantise(model.graph, tmp_path / "eight.onnx", kind, train)
    before = model.predict(test, onnx=True)["predicted"]
    after = replace(model, graph=file).predict(test, onnx=True)["predicted"]
    assert np.abs(after - before).max() > 0
    assert np.abs(after - before).mean() < 0.1 * before.std() + 0.5


def test_nearly_all_weights_of_a_static_graph_have_8_bits(model, images, tmp_path):
    static = weights(quantise(model.graph, tmp_path / "static.onnx", "static", images[0]))
    before = weights(model.graph)
    assert static["INT8"] > 0.95 * before["FLOAT"] - static.get("INT32", 0)
    assert static.get("FLOAT", 0) < 0.05 * before["FLOAT"]
    dynamic = weights(quantise(model.graph, tmp_path / "dynamic.onnx", "dynamic"))
    assert 0 < dynamic["INT8"] < static["INT8"]  # the fully connected layers alone


def test_the_ranges_come_from_the_calibration_pictures(model, images, tmp_path):
    _, test = images
    bright = np.full_like(images[0], 255)
    answers = []
    for name, some in {"train": images[0], "bright": bright}.items():
        file = quantise(model.graph, tmp_path / f"{name}.onnx", "static", some)
        answers.append(replace(model, graph=file).predict(test, onnx=True)["predicted"].to_numpy())
    truth = model.predict(test)["predicted"].to_numpy()
    wrong = [np.abs(each - truth).mean() for each in answers]
    assert wrong[0] < wrong[1]


def test_the_same_pictures_give_the_same_file(model, images, tmp_path):
    first, second = (quantise(model.graph, tmp_path / name, "static", images[0]).read_bytes() for name in ("a", "b"))
    assert first == second


def test_what_cannot_be_is_refused_and_nothing_is_left(model, images, tmp_path):
    with pytest.raises(ValueError, match="dynamic or static, not 'tiny'"):
        quantise(model.graph, tmp_path / "a.onnx", "tiny")
    with pytest.raises(ValueError, match="pictures of the training part"):
        quantise(model.graph, tmp_path / "a.onnx", "static")
    with pytest.raises(ValueError, match="pictures of the training part"):
        quantise(model.graph, tmp_path / "a.onnx", "static", images[0][:0])
    with pytest.raises(FileNotFoundError, match="agelib export"):
        quantise(tmp_path / "none.onnx", tmp_path / "a.onnx", "dynamic")
    with pytest.raises(Exception, match="pictures"):  # onnxruntime's own, of two channels in place of three
        quantise(model.graph, tmp_path / "a.onnx", "static", images[0][:, :2])
    assert list(tmp_path.iterdir()) == []


def test_by_hand_a_weight_is_a_scale_times_a_whole_number(model, images, tmp_path):
    """The hidden layer's weights, as the static graph holds them, are off by half a step at most."""
    graph = onnx.load(quantise(model.graph, tmp_path / "static.onnx", "static", images[0])).graph
    held = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    layers = [each.detach().numpy() for each in model.network.parameters() if each.ndim == 2]
    hidden = max(layers, key=np.size)  # [hidden, features]
    (name,) = [
        name for name, value in held.items() if value.dtype == np.int8 and sorted(value.shape) == sorted(hidden.shape)
    ]
    whole, scale = held[name], held[name.removesuffix("_quantized") + "_scale"]
    whole = whole if whole.shape == hidden.shape else whole.T
    assert np.abs(whole * scale[:, None] - hidden).max() <= 0.501 * scale.max()


def test_torch_is_not_needed_to_run_it(model, images, tmp_path):
    """The file is plain ONNX: bytes in, outputs out, for batches of any size."""
    import onnxruntime

    file = quantise(model.graph, tmp_path / "static.onnx", "static", images[0])
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for number in (1, 3):
        (given,) = session.run(None, {"pictures": images[1][:number]})
        assert given.shape == (number, 1) and given.dtype == np.float32
    assert torch.isfinite(torch.from_numpy(given)).all()
