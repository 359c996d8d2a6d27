"""Half precision: tried where it can pay, on the network itself, remembered, and without a trace in the training."""

import json
import math
import threading
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from miniature import MINIATURE
from tiny_training import CPU, fit, little_network

from agelib.config import Experiment, Training
from agelib.experiments.run import run
from agelib.runtime import workspace
from agelib.training import precision
from agelib.training.precision import LONG

#: Multiply-adds of :func:`plain` for one picture of 16 pixels: 8 filters of 3 x 3 x 3 at every pixel.
COST = 8 * 3 * 3 * 3 * 16 * 16


def plain():
    return torch.nn.Conv2d(3, 8, 3, padding=1)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def measured(monkeypatch):
    """What was measured; the answer is the list's `share`."""

    class Calls(list):
        share = 0.5

    calls = Calls()
    monkeypatch.setattr(precision, "half_takes", lambda *order: calls.append(order) or calls.share)
    return calls


def choose(network=None, pictures=10**9, size=16, **options):
    return precision.precision(Training(**options), CPU, network or plain(), pictures, size)


def test_an_explicit_option_decides_and_nothing_is_measured(measured):
    assert choose(mixed_precision="bf16") == "bf16"
    assert choose(mixed_precision="off") == choose(mixed_precision="fp16") == "float32"
    assert not measured


def test_what_is_short_uses_float32_whatever_is_remembered(measured):
    enough = math.ceil(LONG / 3 / COST)
    assert choose(pictures=enough) == "bf16"
    assert choose(pictures=enough - 1) == "float32"
    assert len(measured) == 1


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "bf16"),
        (0.5, "bf16"),
        (0.9, "bf16"),
        (0.92, "float32"),
        (6, "float32"),
        (math.inf, "float32"),
        (math.nan, "float32"),
    ],
)
def test_it_is_chosen_if_it_is_a_tenth_faster_and_remembered(measured, home, share, expected):
    measured.share = share
    assert choose() == expected
    measured.share = 0.5 if expected == "float32" else 6  # another hour, another measurement
    assert [choose() for _ in range(3)] == [expected] * 3
    assert len(measured) == 1
    (record,) = workspace.read_records(home / "precision.jsonl")
    assert record["chosen"] == expected and record["torch"] == torch.__version__


def test_another_network_size_batch_or_version_is_measured_anew(measured, monkeypatch):
    choose()
    choose(network=torch.nn.Conv2d(3, 8, 3, padding=1, stride=2))
    choose(size=32)
    choose(batch_size=32)
    monkeypatch.setattr(torch, "__version__", "99.0")
    choose()
    assert len(measured) == 5
    choose(learning_rate=0.5, seed=7)
    assert len(measured) == 5


@settings(max_examples=30)
@given(
    st.binary(max_size=60) | st.sampled_from([b"[1]", b'{"chosen": [], "network": {}}', b"null", b'{"chosen": "x"}'])
)
def test_a_damaged_memory_is_passed_over(line):
    file = workspace.home() / "precision.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "half_takes", lambda *_: 0.5)
        file.write_bytes(line)
        assert choose() == "bf16"
        patch.setattr(precision, "half_takes", lambda *_: 6.0)
        assert choose() == "bf16"


def test_two_that_ask_at_once_measure_once(measured, monkeypatch):
    def slowly(*order):
        measured.append(order)
        time.sleep(0.3)
        return 0.3 if len(measured) == 1 else 6.0

    monkeypatch.setattr(precision, "half_takes", slowly)
    found = []
    both = [threading.Thread(target=lambda: found.append(choose())) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert found == ["bf16", "bf16"] and len(measured) == 1


def state(network):
    return [tensor.clone() for tensor in network.state_dict().values()]


def test_measuring_leaves_no_trace():
    network = little_network(dropout=0.5).eval()
    weights, seeds = state(network), torch.get_rng_state()
    share = precision.half_takes(network, CPU, "bf16", 16, 16, seconds=0.3)
    assert share > 0
    assert all(map(torch.equal, weights, state(network)))
    assert torch.equal(seeds, torch.get_rng_state())
    assert not network.training and all(weight.grad is None for weight in network.parameters())
    network(torch.zeros(2, 3, 16, 16)).sum().backward()  # no hook is left that could end it


class Fussy(torch.nn.Module):
    """Fails in one arithmetic, or in both, or takes its time in half precision."""

    def __init__(self, fails=(), seconds=0.0):
        super().__init__()
        self.fails, self.seconds, self.done = fails, seconds, 0
        self.steps = torch.nn.ModuleList(torch.nn.Conv2d(3, 3, 1) for _ in range(20))

    def forward(self, x):
        is_half = torch.is_autocast_enabled("cpu")
        if is_half in self.fails:
            raise torch.OutOfMemoryError("out of memory")
        for step in self.steps:
            ends = time.process_time() + self.seconds * is_half
            while time.process_time() < ends:
                pass
            x = step(x)
            self.done += is_half
        return x


def test_an_arithmetic_that_fails_loses():
    assert precision.half_takes(Fussy(fails=[True]), CPU, "bf16", 4, 8) == math.inf
    assert precision.half_takes(Fussy(fails=[False]), CPU, "bf16", 4, 8) == 0
    assert math.isnan(precision.half_takes(Fussy(fails=[True, False]), CPU, "bf16", 4, 8))


def test_a_slow_step_is_not_waited_for():
    fussy = Fussy(seconds=0.5)
    assert precision.half_takes(fussy, CPU, "bf16", 4, 8, seconds=0.4) > 2
    assert fussy.done < len(fussy.steps)  # ten seconds, had it been waited for


@pytest.mark.parametrize("share", [0.5, 6.0])
def test_a_training_that_measured_has_the_numbers_of_one_that_was_told(tmp_path, monkeypatch, share):
    real = precision.half_takes
    monkeypatch.setattr(precision, "LONG", 0)
    monkeypatch.setattr(precision, "half_takes", lambda *order: real(*order, seconds=0.2) and share)
    chosen = "bf16" if share < 1 else "float32"
    found, network = fit(tmp_path / "found", epochs=2)
    told, other = fit(tmp_path / "told", epochs=2, mixed_precision="bf16" if share < 1 else "off")
    assert found.attrs["precision"] == told.attrs["precision"] == chosen
    assert found["valid_loss"].tolist() == told["valid_loss"].tolist()
    assert all(map(torch.equal, state(network), state(other)))


def test_a_training_that_goes_on_keeps_its_arithmetic(tmp_path, monkeypatch, home):
    monkeypatch.setattr(precision, "LONG", 0)
    monkeypatch.setattr(precision, "half_takes", lambda *_: 0.5)
    whole, _ = fit(tmp_path / "whole", epochs=3)
    fit(tmp_path / "parts", epochs=2)
    monkeypatch.setattr(precision, "half_takes", lambda *_: 6.0)
    (home / "precision.jsonl").unlink()  # as on another machine
    resumed, _ = fit(tmp_path / "parts", epochs=3)
    assert resumed.attrs["precision"] == "bf16"
    assert resumed["valid_loss"].tolist() == whole["valid_loss"].tolist()


def test_a_run_says_which_arithmetic_it_used(monkeypatch, measured):
    monkeypatch.setattr(precision, "LONG", 0)
    made = run(Experiment.of(**(MINIATURE | {"epochs": 1, "mixed_precision": "auto"})), progress=False)
    assert json.loads((made.folder / "environment.json").read_text())["precision"] == "bf16"
