"""One temperature a task, found on the validation part and kept in the weights of the last layers."""

import numpy as np
import pandas as pd
import pytest
import torch
from miniature import MINIATURE
from scipy.optimize import minimize_scalar
from torch.nn.functional import cross_entropy

import agelib
from agelib import deploy, metrics, networks, targets, training
from agelib.config import Experiment, Network, Training

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(200, 3, 16, 16, generator=GENERATOR)
FACES = pd.DataFrame(
    {"age": np.tile([3.0, 20, 21, 40], 50), "gender": ["male", "female", "female", None] * 50, "path": ""}
)
SMALL = Network(blocks=2, base_features=4, hidden_neurons=8)


def made(**options):
    settings = Training(**options)
    target = targets.build(settings, targets.labels(settings, FACES))
    network = networks.build(SMALL, target.outputs, 16, seed=1, last_layer=target.last_layer).eval()
    return target, network, torch.from_numpy(np.asarray(target.labels(FACES), np.float32))


@torch.no_grad()
def asked(network):
    return network(X)


def answers(codes, number, sureness):
    """Outputs of somebody who is often right, and as sure as that, or surer, or less sure."""
    noise = torch.randn(len(codes), number, generator=GENERATOR)
    return sureness * (2 * torch.nn.functional.one_hot(codes.clamp(min=0), number) + noise)


def best(outputs, codes):
    """The temperature of the least log score, by SciPy's search."""
    score = lambda log: float(cross_entropy(outputs.double() / np.exp(log), codes))  # noqa: E731
    return float(np.exp(minimize_scalar(score, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}).x))


@pytest.mark.parametrize("target", ["expectation", "distribution", "dldl_v2", "mean_variance", "groups"])
@pytest.mark.parametrize("sureness", [0.3, 1, 4])
def test_the_log_score_is_least(target, sureness):
    target, network, labels = made(target=target)
    given, before = answers(target.codes(labels), target.outputs, sureness), asked(network)
    found = training.temper(network, target, given, labels)
    assert found == {"age": pytest.approx(best(given, target.codes(labels)), rel=1e-4)}
    torch.testing.assert_close(asked(network), before / found["age"])


def test_each_task_has_its_own_and_what_is_not_known_does_not_count():
    target, network, labels = made(target="expectation", tasks=("gender", "age"))
    before, known = asked(network), labels[:, 0] >= 0
    assert not known.all()
    gender = answers(labels[:, 0].long(), 2, 3.0)
    ages = target.targets[1].codes(labels[:, 1:])
    age = answers(ages, target.outputs[1], 0.5)
    found = training.temper(network, target, torch.cat([gender, age], dim=1), labels)
    assert found["gender"] == pytest.approx(best(gender[known], labels[known, 0].long()), rel=1e-4)
    assert found["age"] == pytest.approx(best(age, ages), rel=1e-4)
    one, other = target.split(before)
    torch.testing.assert_close(asked(network), torch.cat([one / found["gender"], other / found["age"]], dim=1))


@pytest.mark.parametrize("target", ["regression", "sigmoid", "or_cnn", "coral", "corn", "normal"])
def test_outputs_that_are_no_probabilities_are_refused_before_the_training(target, tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    with pytest.raises(ValueError, match="tempered: the outputs of the task age are no probabilities"):
        agelib.run(Experiment.of(**MINIATURE, target=target, tempered=True), progress=False)
    assert not any(tmp_path.glob("runs/*/history.csv"))


def test_a_run_and_its_model_say_what_the_temperature_makes_of_them(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    options = MINIATURE | {"target": "distribution", "tasks": ("age", "gender"), "flip_test": True}
    plain = agelib.run(Experiment.of(**options), progress=False)
    tempered = agelib.run(Experiment.of(**options, tempered=True), progress=False)
    assert "temperatures" not in plain.environment
    temperature = tempered.environment["temperatures"]["age"]
    ages = plain.valid_predictions["age"]
    assert temperature == pytest.approx(metrics.fit_temperature(plain.posterior("valid"), ages), abs=1e-4)
    expected = metrics.scale_temperature(plain.posterior("test"), temperature)
    np.testing.assert_allclose(tempered.posterior("test"), expected, atol=1e-5)
    pd.testing.assert_frame_equal(plain.history.drop(columns="seconds"), tempered.history.drop(columns="seconds"))

    model = deploy.load(deploy.export(deploy.of_run(tempered), tmp_path / "model", graph=False))
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 16, 16), np.uint8)
    given = model.target.posterior(model.outputs(images))
    old = deploy.of_run(plain)
    flat = pd.DataFrame(old.target.posterior(old.outputs(images)).numpy(), columns=old.target.ages)
    np.testing.assert_allclose(given, metrics.scale_temperature(flat, temperature), atol=1e-5)
