"""One training: what it learns, what it writes, and that being killed changes nothing."""

import copy
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_training import CPU, fit, little_network, parts

from agelib import networks, targets, training
from agelib.config import Training, options
from agelib.pixels.augment import build as build_augmentation
from agelib.training import checkpoints, schedules, weight_averaging

REPOSITORY = str(Path(__file__).parents[3])


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
    settings = Training(epochs=1, batch_size=48, optimiser="sgd", learning_rate=0.0, mixed_precision="off")
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
import json, pathlib, sys
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/tests/support"]
from tiny_training import fit
fit(pathlib.Path(sys.argv[1]), **json.loads(sys.argv[3]))
"""

LONG = [
    {"epochs": 12, "schedule": "one_cycle", "optimiser": "adamw"},
    {"epochs": 12, "schedule": "plateau", "optimiser": "nadam", "mixup": 0.4},
    {"epochs": 12, "trained": "head_then_all", "head_epochs": 1, "head_batch_size": 8, "averaging": "ema"},
    {"epochs": 12, "averaging": "swa"},
]


@pytest.mark.parametrize("settings", LONG, ids=lambda settings: "-".join(map(str, settings.values())))
def test_a_killed_training_ends_with_the_same_numbers(tmp_path, settings):
    whole, expected = fit(tmp_path / "whole", **settings)
    folder = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, str(folder), REPOSITORY, json.dumps(settings)]
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
    resumed, network = fit(folder, **settings)
    numbers = ["epoch", "train_loss", "valid_loss", "valid_mse", "valid_mae", "valid_f1", "learning_rate"]
    pd.testing.assert_frame_equal(whole[numbers], resumed[numbers], check_exact=True)
    assert same_weights(expected, network)


@pytest.mark.parametrize("optimiser", options()["optimiser"].choices)
def test_a_resumed_optimiser_goes_on_exactly(tmp_path, optimiser):
    whole, _ = fit(tmp_path / "whole", epochs=4, optimiser=optimiser, learning_rate=1e-3)
    fit(tmp_path / "parted", epochs=2, optimiser=optimiser, learning_rate=1e-3)
    parted, _ = fit(tmp_path / "parted", epochs=4, optimiser=optimiser, learning_rate=1e-3)
    assert whole["train_loss"].tolist() == parted["train_loss"].tolist()


@pytest.mark.parametrize("file", ["network.safetensors", "optimiser.safetensors", "history.csv", "optimiser.json"])
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
        optimiser, factor=schedules.PLATEAU_FACTOR, patience=schedules.PLATEAU_EPOCHS - 1, threshold=0.0
    )
    for count, loss in enumerate(losses, start=1):
        theirs.step(loss)
        assert training.plateau_rate(losses[:count], 1.0) == pytest.approx(optimiser.param_groups[0]["lr"])


def test_a_loss_that_explodes_is_explained(tmp_path):
    with pytest.raises(ValueError, match=r"^train: the loss of epoch \d+ is not a number; lower learning_rate"):
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


def test_a_network_trained_in_bf16_is_close_to_one_trained_in_float32(tmp_path):
    exact, _ = fit(tmp_path / "exact", epochs=3, mixed_precision="off")
    half, _ = fit(tmp_path / "half", epochs=3, mixed_precision="bf16")
    losses = half["train_loss"].to_numpy()
    assert losses != pytest.approx(exact["train_loss"].to_numpy(), abs=1e-9)  # it was another arithmetic
    assert losses == pytest.approx(exact["train_loss"].to_numpy(), rel=0.1)


def test_a_compiled_network_learns_the_same(tmp_path):
    options = {"epochs": 2, "dropout": 0, "mixed_precision": "off", "averaging": "ema"}
    plain, network = fit(tmp_path / "plain", **options)
    torch._dynamo.utils.counters.clear()
    compiled, other = fit(tmp_path / "compiled", compiled=True, **options)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    assert compiled["valid_loss"].tolist() == pytest.approx(plain["valid_loss"].tolist(), rel=1e-4)
    assert other.state_dict().keys() == network.state_dict().keys()


def test_without_a_compiler_the_message_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ValueError, match=r"needs a C\+\+ compiler, and there is none; install g\+\+"):
        fit(tmp_path, compiled=True)


def test_a_checkpoint_holds_no_pickle(tmp_path):
    fit(tmp_path, epochs=1)
    endings = {path.suffix for path in (tmp_path / "checkpoint").iterdir()}
    assert endings == {".safetensors", ".json", ".csv"}
    json.loads((tmp_path / "checkpoint" / "optimiser.json").read_text())


def test_weights_that_do_not_fit_are_refused(tmp_path):
    checkpoints.save_weights(tmp_path / "weights.safetensors", torch.nn.Linear(3, 2))
    with pytest.raises(RuntimeError, match="size mismatch"):
        checkpoints.load_weights(tmp_path / "weights.safetensors", torch.nn.Linear(4, 2))


def states(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def changed(before, network):
    after = network.state_dict()
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_training_the_head_leaves_the_body_as_it_was_batch_norm_too(tmp_path):
    before = states(little_network())
    history, network = fit(tmp_path, trained="head")
    names = changed(before, network)
    assert names and all(name.startswith("head.") for name in names)
    assert history["phase"].tolist() == ["head"] * 4
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_head_then_all_is_two_phases_with_their_own_settings(tmp_path):
    history, network = fit(
        tmp_path, trained="head_then_all", head_epochs=2, head_learning_rate=3e-2, head_batch_size=8, epochs=3
    )
    assert history["phase"].tolist() == ["head"] * 2 + ["all"] * 3
    assert history["learning_rate"].tolist() == [3e-2] * 2 + [1e-2] * 3
    assert history["epoch"].tolist() == [0, 1, 2, 3, 4]
    assert any(name.startswith("body.") for name in changed(states(little_network()), network))


def test_the_first_stages_stay_as_they_are_if_told_to(tmp_path):
    fresh = little_network()
    stages = networks.stages(fresh)
    kept = {id(p) for stage in stages[:1] for part in stage for p in part.parameters()}
    frozen = {name for name, parameter in fresh.named_parameters() if id(parameter) in kept}
    assert frozen
    _, network = fit(tmp_path, frozen_stages=1)
    names = changed(states(fresh), network)
    assert not names & frozen
    assert {name for name, _ in fresh.named_parameters()} - frozen <= names


def test_more_frozen_stages_than_there_are_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"frozen_stages=99: the network's body has \d+ stages"):
        fit(tmp_path, frozen_stages=99)


def test_gradual_unfreezing_frees_one_more_stage_an_epoch_from_the_last():
    from agelib.training.freezing import Freeze

    network = little_network()
    freeze = Freeze(network, "gradual", 0)
    free = []
    for epoch in range(len(freeze.stages) + 1):
        freeze.apply(epoch)
        free.append([all(p.requires_grad for q in stage for p in q.parameters()) for stage in freeze.stages])
    number = len(freeze.stages)
    for epoch, flags in enumerate(free):
        assert flags == [False] * max(0, number - 1 - epoch) + [True] * min(number, epoch + 1)


def test_mixup_blends_losses_as_it_blends_pictures():
    from types import SimpleNamespace

    from agelib.training.mixup import Mixup

    target = targets.build(Training(standardise=False), np.array([[1.0], [2.0]]))
    x, y = torch.rand(6, 3, 4, 4), torch.arange(6.0)[:, None]
    mixup = Mixup(0.4)
    learner = SimpleNamespace(loss_func=target.loss, xb=(x,), x=x, y=y)
    object.__setattr__(mixup, "learn", learner)
    torch.manual_seed(1)
    mixup.before_train()
    mixup.before_batch()
    share, other = mixup.share, mixup.other
    torch.testing.assert_close(learner.xb[0], share * x + (1 - share) * x[other])
    outputs = torch.rand(6, 1)
    one, two = ((outputs - y) ** 2).mean(), ((outputs - y[other]) ** 2).mean()
    assert float(learner.loss_func(outputs, y)) == pytest.approx(float(share * one + (1 - share) * two), rel=1e-5)


def test_swa_keeps_the_mean_of_the_last_epochs_weights(tmp_path):
    weights = []
    settings = Training(epochs=8, batch_size=16, averaging="swa", optimiser="sgd", learning_rate=1e-3)
    target, train, valid = parts(settings)
    network = little_network(dropout=0.0)

    class Spy(training.callbacks.Callback):
        order = 90

        def after_epoch(self):
            weights.append(self.learn.model.state_dict()["head.0.weight"].clone())

    from agelib.training import trainer

    make = trainer.make_learner

    def spied(*arguments):
        learner = make(*arguments)
        learner.add_cb(Spy())
        return learner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "make_learner", spied)
        history = training.fit(network, target, train, valid, settings, tmp_path, CPU, progress=False)
    best = history["valid_loss"].iloc[6:].idxmin()
    expected = torch.stack(weights[6 : best + 1]).mean(0)
    torch.testing.assert_close(network.state_dict()["head.0.weight"], expected)


def test_swa_measures_batch_norm_anew_as_torch_does(tmp_path):
    """One batch of all training images and no dropout, so that order and chance have no say."""
    options = {"batch_size": 64, "averaging": "swa", "mixed_precision": "off"}
    _, network = fit(tmp_path, dropout=0.0, epochs=8, **options)
    _, train, _ = parts(Training(**options))
    theirs = copy.deepcopy(network)
    torch.optim.swa_utils.update_bn((x for x, _ in train), theirs)
    torch.testing.assert_close(states(network), states(theirs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("averaging", ["swa", "ema"])
def test_an_average_leaves_what_is_frozen_as_it_was_batch_norm_too(tmp_path, averaging):
    before = states(little_network())
    _, network = fit(tmp_path / "head", trained="head", averaging=averaging)
    names = changed(before, network)
    assert names and all(name.startswith("head.") for name in names)
    fresh = little_network()
    held = {id(tensor) for part in networks.stages(fresh)[0] for tensor in (*part.parameters(), *part.buffers())}
    kept = {name for name, tensor in (*fresh.named_parameters(), *fresh.named_buffers()) if id(tensor) in held}
    assert any("running" in name for name in kept)
    _, network = fit(tmp_path / "stage", frozen_stages=1, averaging=averaging)
    names = changed(before, network)
    assert not names & kept
    assert any("running" in name for name in names), "the other statistics are measured"


def test_batch_norm_behind_a_frozen_part_is_measured_on_what_that_part_gives_when_it_is_used():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).eval()
    network[0].running_mean.fill_(1.5)
    x = torch.rand(40, 3)
    expected = network[:2](x)
    weight_averaging.measure_batch_norm(network, [x[:20], x[20:]], {"0"})
    torch.testing.assert_close(network[2].running_mean, expected.mean(0))
    assert network[0].running_mean.tolist() == [1.5] * 3
    assert not any(part.training for part in network.modules()) and network[2].momentum == 0.1


def test_ema_follows_its_formula_in_weights_and_in_running_statistics():
    network = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.BatchNorm1d(1))
    averaging = weight_averaging.Averaging(network, "ema", 0.9)
    expected = None
    for value in (1.0, 2.0, 5.0):
        with torch.no_grad():
            network[0].weight.fill_(value)
            network[1].running_mean.fill_(10 * value)
        averaging.average.update_parameters(network)
        expected = value if expected is None else 0.9 * expected + 0.1 * value
    average = averaging.average.module
    assert average[0].weight.item() == pytest.approx(expected)
    assert average[1].running_mean.item() == pytest.approx(10 * expected)


def test_the_monitored_value_picks_the_best_epoch(tmp_path):
    for monitor, best in (("mae", "idxmin"), ("f1", "idxmax")):
        history, network = fit(tmp_path / monitor, monitor=monitor, epochs=6)
        target, _, valid = parts(Training(batch_size=16))
        ages = training.predict(network, target, valid, CPU)
        expected = history.loc[getattr(history[f"valid_{monitor}"], best)(), "valid_mae"]
        assert float((ages - valid.labels[64:, 0]).abs().mean()) == pytest.approx(expected, rel=1e-5)


def test_a_mirrored_picture_and_the_picture_predict_the_same_with_flip():
    valid = parts(Training(batch_size=16))[2]
    network = little_network().eval()
    mirrored = valid.new()
    mirrored.images = np.ascontiguousarray(np.asarray(valid.images)[..., ::-1])
    mine = training.outputs(network, valid, CPU, flip=True)
    torch.testing.assert_close(mine, training.outputs(network, mirrored, CPU, flip=True))
    assert not torch.allclose(mine, training.outputs(network, valid, CPU))
