"""Images of a run's sets, as its network is shown them."""

import numpy as np
import pytest
import torch
from miniature import MINIATURE

import agelib
from agelib import deploy, explain
from agelib.config import Experiment
from agelib.experiments import samples
from agelib.experiments.data_module import open_streams


@pytest.fixture(scope="module")
def run(workspace):
    return agelib.run(Experiment.of(**MINIATURE, zoom=1.5), progress=False)


def test_a_sample_is_what_the_run_predicted(run):
    sample = samples.take_sample(run, "test", pictures=9, seed=1)
    assert sample.pictures.shape == (9, 3, 16, 16) and sample.images.shape == (9, 3, 16, 16)
    model = deploy.of_run(run)
    with torch.no_grad():
        found = explain.age(model.target)(model.network(sample.pictures)).numpy()
    expected = run.predictions.set_index("path").loc[sample.faces["path"], "predicted"]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    again = samples.take_sample(run, "test", pictures=9, seed=1)
    assert again.faces["path"].tolist() == sample.faces["path"].tolist()
    assert len(samples.take_sample(run, "valid", pictures=0).faces) == len(run.valid_predictions)


def test_its_images_are_normalised_as_the_model_does_it(run):
    sample = samples.take_sample(run, "train", pictures=5)
    assert torch.equal(deploy.of_run(run).normalise(sample.images), sample.pictures)


def test_no_network_need_be_trained_to_take_one(run):
    opened = open_streams(run.experiment, run.prepared, progress=False)
    assert torch.equal(samples.take_sample(opened).pictures, samples.take_sample(run).pictures)


def test_a_part_that_there_is_not_is_refused(run):
    with pytest.raises(ValueError, match="train, valid, test"):
        samples.take_sample(run, "tset")
