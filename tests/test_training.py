"""One training: what it learns, what it writes, and that being killed changes nothing."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch

from agelib import checkpoints, networks, targets, training
from agelib.augmentation import build as build_augmentation
from agelib.batches import Batches
from agelib.experiment import Network, Training, options

CPU = torch.device("cpu")


def squares(number=96, size=16, seed=0):
    """Pictures whose grey level is the age, with noise: easy, and no faces."""
    generator = np.random.default_rng(seed)
    ages = generator.uniform(0, 100, number)
    pictures = ages[:, None, None, None] * 2 + generator.normal(0, 20, (number, 3, size, size))
    return pictures.clip(0, 255).astype(np.uint8), ages


def parts(settings, augment=None):
    pictures, ages = squares()
    target = targets.build(settings, ages[:64, None])
    common = {"mean": [0.4] * 3, "std": [0.3] * 3, "batch_size": settings.batch_size, "seed": settings.seed}
    train = Batches(pictures, np.arange(64), ages, shuffle=True, augment=augment, **common)
    valid = Batches(pictures, np.arange(64, 96), ages, **common)
    return target, train, valid


def little_network(seed=42, dropout=0.3):
    options = Network(blocks=2, base_features=4, hidden_neurons=8, dropout=dropout)
    return networks.build(options, 1, 16, seed=seed)


def fit(folder, progress=False, augment=None, **changes):
    settings = Training(**({"epochs": 4, "batch_size": 16, "learning_rate": 1e-2} | changes))
    target, train, valid = parts(settings, augment)
    network = little_network()
    history = training.fit(network, target, train, valid, settings, folder, CPU, progress=progress)
    return history, network


def same_weights(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_it_learns_and_keeps_the_best_epoch(tmp_path):
    history, network = fit(tmp_path, epochs=8)
    assert history["epoch"].tolist() == list(range(8))
    assert history["valid_mae"].min() < 0.6 * history["valid_mae"].iloc[0]
    target, _, valid = parts(Training(batch_size=16))
    ages = training.predict(network, target, valid, CPU)
    error = (ages - valid.labels[64:, 0]).double()
    best = history.loc[history["valid_loss"].idxmin()]
    assert float((error**2).mean()) == pytest.approx(best["valid_mse"], rel=1e-6)
    assert float(error.abs().mean()) == pytest.approx(best["valid_mae"], rel=1e-6)


def test_the_train_loss_is_the_mean_over_pictures_not_over_batches(tmp_path):
    # 64 pictures in batches of 48: the short batch of 16 must weigh a third of the long one.
    settings = Training(epochs=1, batch_size=48, optimiser="sgd", learning_rate=0.0)
    target, train, valid = parts(settings)
    network = little_network(dropout=0.0).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 0.0
    history = training.fit(network, target, train, valid, settings, tmp_path, CPU, progress=False)
    losses = []
    network.train()
    train.set_epoch(0)
    with torch.no_grad():
        for x, y in train:
            losses.append((float(target.loss(network(x), y)), len(x)))
    mean = sum(loss * count for loss, count in losses) / 64
    assert history["train_loss"][0] == pytest.approx(mean, rel=1e-5)


def test_two_trainings_with_one_seed_are_equal(tmp_path):
    one, first = fit(tmp_path / "one", augment=build_augmentation(("flip", "light")))
    two, second = fit(tmp_path / "two", augment=build_augmentation(("flip", "light")))
    other, _ = fit(tmp_path / "three", augment=build_augmentation(("flip", "light")), seed=7)
    numbers = ["train_loss", "valid_loss", "valid_mse", "valid_mae"]
    pd.testing.assert_frame_equal(one[numbers], two[numbers], check_exact=True)
    assert same_weights(first, second)
    assert not one[numbers].equals(other[numbers])


KILLED = """
import sys, pathlib
sys.path.insert(0, sys.argv[2])
import test_training as t
t.fit(pathlib.Path(sys.argv[1]), epochs=12, schedule=sys.argv[3], optimiser=sys.argv[4])
"""


@pytest.mark.parametrize(("schedule", "optimiser"), [("one_cycle", "adamw"), ("plateau", "nadam")])
def test_a_killed_training_ends_with_the_same_numbers(tmp_path, schedule, optimiser):
    whole, expected = fit(tmp_path / "whole", epochs=12, schedule=schedule, optimiser=optimiser)
    folder = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, str(folder), os.path.dirname(__file__), schedule, optimiser]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    history = folder / "history.csv"
    limit = time.monotonic() + 120
    while not (history.is_file() and len(pd.read_csv(history)) >= 2):
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < limit
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = len(pd.read_csv(folder / "history.csv"))
    assert before >= 2
    resumed, network = fit(folder, epochs=12, schedule=schedule, optimiser=optimiser)
    numbers = ["epoch", "train_loss", "valid_loss", "valid_mse", "valid_mae", "learning_rate"]
    pd.testing.assert_frame_equal(whole[numbers], resumed[numbers], check_exact=True)
    assert same_weights(expected, network)


@pytest.mark.parametrize("optimiser", options()["optimiser"].choices)
def test_a_resumed_optimiser_goes_on_exactly(tmp_path, optimiser):
    whole, _ = fit(tmp_path / "whole", epochs=4, optimiser=optimiser, learning_rate=1e-3)
    fit(tmp_path / "parted", epochs=2, optimiser=optimiser, learning_rate=1e-3)
    parted, _ = fit(tmp_path / "parted", epochs=4, optimiser=optimiser, learning_rate=1e-3)
    assert whole["train_loss"].tolist() == parted["train_loss"].tolist()


@pytest.mark.parametrize(
    "file", ["network.safetensors", "optimiser.safetensors", "history.csv", "optimiser.json"]
)
def test_a_torn_checkpoint_is_set_aside_and_said(tmp_path, file):
    whole, _ = fit(tmp_path / "whole")
    fit(tmp_path / "torn", epochs=2)
    path = tmp_path / "torn" / "checkpoint" / file
    path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 3])
    with pytest.warns(UserWarning, match="set aside as .*torn-1; beginning anew"):
        again, _ = fit(tmp_path / "torn")
    assert again["train_loss"].tolist() == whole["train_loss"].tolist()
    assert (tmp_path / "torn" / "checkpoint.torn-1").is_dir()


def test_early_stopping_counts_from_the_best_epoch(tmp_path):
    history, _ = fit(tmp_path, epochs=60, patience=3, learning_rate=3e-2)
    best = history["valid_loss"].to_numpy().argmin()
    assert len(history) < 60
    assert len(history) - 1 - best == 3


def test_schedules_follow_their_formulas(tmp_path):
    cosine, _ = fit(tmp_path / "cosine", schedule="cosine", epochs=4, learning_rate=1e-2)
    # The rate noted is that of the epoch's last batch: 3 of 4 batches into it.
    share = (np.arange(4) + 3 / 4) / 4
    expected = 1e-5 + (1e-2 - 1e-5) * (1 + np.cos(np.pi * share)) / 2
    np.testing.assert_allclose(cosine["learning_rate"], expected, rtol=1e-6)
    cycle, _ = fit(tmp_path / "cycle", schedule="one_cycle", epochs=8, learning_rate=1e-2)
    assert cycle["learning_rate"].max() <= 1e-2
    assert cycle["learning_rate"].iloc[-1] < cycle["learning_rate"].iloc[0]
    none, _ = fit(tmp_path / "none", schedule="none")
    assert none["learning_rate"].tolist() == [1e-2] * 4


def test_plateau_is_torchs_plateau():
    losses = [5, 4, 4.5, 4.6, 3, 3, 3, 3, 3, 2, 2.5]
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=training.PLATEAU_FACTOR, patience=training.PLATEAU_EPOCHS - 1, threshold=0.0
    )
    for count, loss in enumerate(losses, start=1):
        theirs.step(loss)
        assert training.plateau_rate(losses[:count], 1.0) == pytest.approx(optimiser.param_groups[0]["lr"])


def test_a_loss_that_explodes_is_explained(tmp_path):
    with pytest.raises(ValueError, match=r"the loss of epoch \d+ is not a number; lower learning_rate"):
        fit(tmp_path, optimiser="sgd", learning_rate=1e30, standardise=False)


def test_what_tensorboard_reads_is_the_history(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history, _ = fit(tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    values = [event.value for event in events.Scalars("valid_mae")]
    np.testing.assert_allclose(values, history["valid_mae"], rtol=1e-6)


def test_the_learning_rate_finder_leaves_the_weights_alone():
    settings = Training(batch_size=16)
    target, train, valid = parts(settings)
    network = little_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    curve = training.find_learning_rate(network, target, train, valid, settings, CPU, steps=20)
    assert curve["learning_rate"].is_monotonic_increasing
    assert 1e-6 <= curve.attrs["suggestion"] <= 1.0
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_half_precision_is_never_used_on_a_cpu():
    for mode in options()["mixed_precision"].choices:
        assert training.precision(Training(mixed_precision=mode), CPU) == "float32"


def test_a_checkpoint_holds_no_pickle(tmp_path):
    fit(tmp_path, epochs=1)
    endings = {path.suffix for path in (tmp_path / "checkpoint").iterdir()}
    assert endings == {".safetensors", ".json", ".csv"}
    json.loads((tmp_path / "checkpoint" / "optimiser.json").read_text())


def test_weights_that_do_not_fit_are_refused(tmp_path):
    checkpoints.save_weights(tmp_path / "weights.safetensors", torch.nn.Linear(3, 2))
    with pytest.raises(RuntimeError, match="size mismatch"):
        checkpoints.load_weights(tmp_path / "weights.safetensors", torch.nn.Linear(4, 2))
