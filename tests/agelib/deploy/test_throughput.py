"""Rates of networks: what is counted, and within which time."""

import time

import pytest
import torch

from agelib import networks
from agelib.deploy import throughput
from agelib.runtime import workspace
from agelib.runtime.provenance import Provenance

QUICK = {"image_size": 32, "pictures": 8, "repeats": 3, "warmup": 1, "device": "cpu", "seconds": 2}


class Counting(torch.nn.Module):
    """Takes a set time for each batch and notes what it was given."""

    def __init__(self, pause=0.0):
        super().__init__()
        self.pause, self.seen = pause, []
        self.weight = torch.nn.Parameter(torch.zeros(7))

    def forward(self, x):
        self.seen.append((tuple(x.shape), self.training, torch.is_grad_enabled(), x))
        time.sleep(self.pause)
        return x.mean((1, 2, 3), keepdim=True)


@pytest.fixture
def counting(monkeypatch):
    network = Counting()
    monkeypatch.setattr(networks, "build", lambda *_, **__: network)
    return network


def test_a_row_for_each_network_and_batch_size():
    table = throughput.measure(["basic_cnn", "resnet18"], batch_sizes=(1, 4), **QUICK)
    assert table[["network", "batch_size"]].to_numpy().tolist() == [
        ["basic_cnn", 1], ["basic_cnn", 4], ["resnet18", 1], ["resnet18", 4]
    ]  # fmt: skip
    assert (table["low"] <= table["pictures_per_second"]).all()
    assert (table["pictures_per_second"] <= table["high"]).all()
    assert table["parameters"].iloc[-1] == 11_177_025


def test_the_rate_is_pictures_over_time(counting):
    counting.pause = 0.02
    row = throughput.measure(["any"], batch_sizes=(4,), **QUICK).iloc[0]
    # A sleep is never shorter than asked for.
    assert 100 < row["high"] <= 4 / 0.02 and row["milliseconds"] >= 20
    assert row["milliseconds"] == pytest.approx(4000 / row["pictures_per_second"])


def test_warm_up_comes_before_and_whole_batches_are_timed(counting):
    table = throughput.measure(["any"], batch_sizes=(3,), **(QUICK | {"warmup": 2, "pictures": 7}))
    assert table.loc[0, ["repeats", "batches"]].tolist() == [3, 3]  # 7 pictures are 3 batches of 3
    assert len(counting.seen) == 2 + 3 * 3


def test_the_network_is_asked_as_in_prediction(counting):
    counting.train()
    throughput.measure(["any"], batch_sizes=(2,), **QUICK)
    for shape, training, gradients, x in counting.seen:
        assert shape == (2, 3, 32, 32) and not training and not gradients
        assert x.is_contiguous(memory_format=torch.channels_last)


def test_a_slow_network_gets_less_to_do(counting):
    counting.pause = 0.1
    options = QUICK | {"pictures": 10_000, "repeats": 5, "warmup": 3, "seconds": 1}
    table = throughput.measure(["any"], batch_sizes=(1,), **options)
    assert 1 <= table["repeats"][0] <= 5 and table["batches"][0] < 10
    assert len(counting.seen) < 50  # five seconds of 10,000 x 5 batches of 0.1 s


def test_the_queue_of_a_gpu_is_waited_for_on_both_sides(counting, monkeypatch):
    waits = []
    monkeypatch.setattr(throughput, "wait", lambda device: waits.append(len(counting.seen)))
    throughput.measure(["any"], batch_sizes=(4,), **QUICK)
    assert waits == [0, 1, 1, 3, 3, 5, 5, 7]  # before and after the first batch and three repeats of two


def test_a_network_that_sleeps_keeps_no_core_busy(counting):
    counting.pause = 0.05
    assert throughput.measure(["any"], batch_sizes=(4,), **QUICK)["busy"][0] < 0.5


@pytest.mark.parametrize("wrong", [{"repeats": 0}, {"warmup": 0}, {"pictures": 0}, {"seconds": 0}, {"batch_sizes": ()}])
def test_numbers_that_measure_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="numbers from 1"):
        throughput.measure(["basic_cnn"], **(QUICK | wrong))


def test_the_processors_clock_stands_still_while_the_network_sleeps(counting):
    counting.pause = 0.05
    wall, processor = (
        throughput.measure(["any"], batch_sizes=(4,), clock=clock, **QUICK)["pictures_per_second"][0]
        for clock in ("wall", "processor")
    )
    assert processor > 3 * wall


def test_an_unknown_clock_is_refused():
    with pytest.raises(ValueError, match="sundial"):
        throughput.measure(["basic_cnn"], **QUICK, clock="sundial")


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="bf16"):
        throughput.measure(["basic_cnn"], **QUICK, precision="int8")


def test_a_reference_says_where_it_is_from(tmp_path):
    options = {name: value for name, value in QUICK.items() if name != "device"}
    table = throughput.reference(tmp_path, ["basic_cnn"], "cpu", batch_sizes=(2,), **options)
    about = Provenance.of(workspace.read_json(tmp_path / "throughput_cpu.json"))
    assert torch.__version__.startswith(about.versions["torch"]) and about.threads == torch.get_num_threads()
    assert about.details["options"]["batch_sizes"] == [2] and about.device.startswith("cpu (")
    lines = (tmp_path / "throughput_cpu.csv").read_text().splitlines()
    assert len(lines) == 2 and lines[0].split(",") == list(table.columns)
