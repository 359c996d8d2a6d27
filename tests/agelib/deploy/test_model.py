"""`Model`, the one way to ask a trained network: the run's own answers to the last bit, whatever the images come as."""

import io

import numpy as np
import pytest
import torch
from miniature import MINIATURE
from PIL import Image

import agelib
from agelib import deploy, training
from agelib.config import Experiment
from agelib.drawn import draw_faces
from agelib.experiments.data_module import open_streams
from agelib.pixels.batches import Batches
from agelib.pixels.decode import decode_picture

WAYS = [{}, {"zoom": 1.5, "flip_test": True}, {"grey": True, "zoom": 1.3}]


@pytest.fixture(scope="module", params=WAYS, ids=["plain", "zoomed and mirrored", "grey"])
def run(request, workspace):
    options = MINIATURE | {"target": "distribution", "batch_size": 32} | request.param
    return agelib.run(Experiment.of(**options), progress=False)


@pytest.fixture(scope="module")
def opened(run):
    return open_streams(run.experiment, run.prepared, progress=False)


def test_it_answers_as_the_run_did_to_the_last_bit(run, opened):
    model, rows = deploy.of_run(run), opened.rows["test"]
    outputs = model.outputs(opened.images, rows=rows, batch_size=32)
    np.testing.assert_array_equal(model.target.posterior(outputs), run.posterior("test").to_numpy())
    assert torch.equal(model.outputs(np.asarray(opened.images.images[rows]), batch_size=32), outputs)


def test_an_array_is_shown_as_a_file_of_the_same_pixels(run):
    model, show = deploy.of_run(run), run.experiment.pictures
    drawn, small = draw_faces(range(3), 30, size=97), []
    for face in drawn:
        file = io.BytesIO()
        Image.fromarray(face).save(file, "PNG")
        small.append(decode_picture(file.getvalue(), 16, show.grey, show.zoom))
    mean, std = run.environment["pixel_mean"], run.environment["pixel_std"]
    ((expected, _),) = Batches(np.stack(small), np.arange(3), np.zeros(3), 3, mean, std)
    assert torch.equal(model.normalise(drawn), expected)
    assert torch.equal(model.outputs(drawn), model.outputs(np.stack(small)))


def test_its_normalisation_is_the_closed_form(run):
    model = deploy.of_run(run)
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 16, 16), np.uint8)
    mean, std = (np.float32(run.environment[name]) for name in ("pixel_mean", "pixel_std"))
    expected = (images / 255 - mean[:, None, None]) / std[:, None, None]
    np.testing.assert_allclose(model.normalise(images), expected, atol=1e-5)


def test_the_mirror_image_is_asked_or_not_as_is_said(run, opened):
    model, images = deploy.of_run(run), np.asarray(opened.images.images[:5])
    one, other = (model.outputs(each, flip=False) for each in (images, images[..., ::-1].copy()))
    torch.testing.assert_close(model.outputs(images, flip=True), (one + other) / 2)
    chosen = model.outputs(images, flip=run.experiment.pictures.flip_test)
    assert torch.equal(model.outputs(images), chosen)
    assert not torch.allclose(one, other)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((1, 8, 8, 3), float), ((1, 3, 8, 8), np.uint8), ((16, 16, 3), np.uint8), ((1, 16, 16), np.uint8)],
)
def test_what_is_no_image_is_refused_with_what_is_one(run, shape, kind):
    with pytest.raises(ValueError, match=r"images uint8 \[N, 3, 16, 16\] or \[N, 1, 16, 16\], or \[N, H, W, 3\]"):
        deploy.of_run(run).normalise(np.zeros(shape, kind))


def test_training_and_model_are_asked_the_same(run, opened):
    batches = opened.batches("valid", "cpu")
    given = training.outputs(run.network(), batches, flip=run.experiment.pictures.flip_test)
    assert torch.equal(deploy.of_run(run).outputs(opened.images, rows=opened.rows["valid"], batch_size=32), given)
