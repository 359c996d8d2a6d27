"""Several processes train one network: with the numbers of one, and without leaving anything behind when one dies.

The processes are real and talk over loopback. A start takes some seconds of imports, so tests share one.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from ended import left_running
from miniature import MINIATURE

from agelib.config import Experiment
from agelib.experiments import result, run
from agelib.pixels import augment
from agelib.pixels.batches import Batches
from agelib.runtime import launch, workspace
from agelib.training import data_parallel

#: What several processes may differ by, as one process with another number of threads does (measured for both: 4e-5
#: and 0.003 years in the first of these trainings, a hundredth of it in the others).
LOSS_TOLERANCE, AGE_TOLERANCE = 5e-4, 0.03

COMMON = MINIATURE | {"epochs": 3, "batch_size": 32, "mixed_precision": "off"}
TRAININGS = {
    "regression": {},
    "several tasks": {
        "tasks": ("age", "gender"),
        "target": "distribution",
        "augmentation": ("flip", "affine", "blur", "light"),
        "balance": "sampler",
        "averaging": "ema",
        "dropout": 0.3,
    },
    "two phases": {
        "target": "corn",
        "augmentation": ("flip", "light"),
        "balance": "augment",
        "mixup": 0.4,
        "averaging": "swa",
        "trained": "head_then_all",
        "head_epochs": 1,
        "batch_size": 24,
    },
}


def experiment(name, **changes):
    return Experiment.of(**(COMMON | TRAININGS[name] | changes))


def train_all(folder):
    """What each of two processes does: note what it writes, train everything, and compare gradients."""
    written, place = [], str(workspace.home() / "runs" / "basic_cnn")  # in the folders of runs

    def note(event, arguments):
        is_writing = event in {"os.mkdir", "os.rename", "os.remove", "os.rmdir"} or (
            event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        )
        if is_writing and place in str(arguments[0]):
            written.append(str(arguments[0]))

    launch.join()
    sys.addaudithook(note)
    for name in TRAININGS:
        run.run(experiment(name), progress=False)
    run.run(options()[0], progress=False)
    number, processes = launch.share()
    found = {"written": written, "processes": processes, "gradients": gradients_differ_by()}
    workspace.write_json(Path(folder) / f"{number}.json", found)


def gradients_differ_by():
    """The largest difference between shared and whole batches, in float64, of gradients and running statistics."""
    from torchvision.ops import StochasticDepth

    torch.manual_seed(1)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        StochasticDepth(0.4, "row"),
        torch.nn.Flatten(),
        torch.nn.BatchNorm1d(4 * 36, affine=False),
        torch.nn.Dropout(0.4),
        torch.nn.Linear(4 * 36, 2),
    ).double()
    start = {name: value.clone() for name, value in network.state_dict().items()}

    def learn(x, mine, weigh, context):
        torch.manual_seed(2)
        network.load_state_dict(start)
        network.zero_grad()
        with context:
            given = network(x[mine])
        (data_parallel.whole(given, len(x)).pow(2) * weigh).sum().backward()

    def state():
        found = [weight.grad for weight in network.parameters()]
        return [tensor.clone() for tensor in [*found, *network.buffers()]]

    worst = {}
    for count in (8, 7, 2):
        x, weigh = torch.randn(count, 3, 8, 8).double(), torch.rand(count, 1).double()
        mine = data_parallel.mine(count)
        learn(x, mine, weigh, data_parallel.whole_batch(count))
        data_parallel.add_gradients(network, count)
        shared = state()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(data_parallel, "share", lambda: (0, 1))
            learn(x, slice(None), weigh, data_parallel.whole_batch(count))
        worst[count] = max(float((a - b).abs().max()) for a, b in zip(shared, state(), strict=True))
    return worst


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Each training in one process and in two: {name: (run, run)}; what each of the two noted; their workspace."""
    folder = tmp_path_factory.mktemp("two")
    alone = {name: run.run(experiment(name), progress=False) for name in TRAININGS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGELIB_HOME", str(copy_of_the_data(folder / "home")))
        launch.launch(train_all, (str(folder),), 2)
        both = {name: (alone[name], run.run(experiment(name), progress=False)) for name in TRAININGS}
    return both, [workspace.read_json(folder / f"{number}.json") for number in range(2)], folder / "home"


def copy_of_the_data(home):
    """A workspace with the drawn faces of this one, and no trainings."""
    shutil.copytree(workspace.home(), home, ignore=shutil.ignore_patterns("runs", "*.lock"))
    return home


@pytest.mark.parametrize("name", TRAININGS)
def test_two_processes_give_the_numbers_of_one(two, name):
    one, other = two[0][name]
    assert (one.environment["processes"], other.environment["processes"]) == (1, 2)
    assert one.folder.name == other.folder.name
    assert one.folder != other.folder
    for column in ("train_loss", "valid_loss"):
        np.testing.assert_allclose(other.history[column], one.history[column], rtol=LOSS_TOLERANCE)
    for part in ("predictions", "valid_predictions", "train_predictions"):
        before, after = getattr(one, part), getattr(other, part)
        assert before["path"].tolist() == after["path"].tolist()
        np.testing.assert_allclose(after["predicted"], before["predicted"], rtol=0, atol=AGE_TOLERANCE)
    # What is compared has learnt something that a wrong gradient would have missed by far more.
    assert one.history["train_loss"].iloc[-1] < one.history["train_loss"].iloc[0] * (1 - 20 * LOSS_TOLERANCE)


def test_only_the_main_process_writes(two):
    main, other = two[1]
    assert main["processes"] == other["processes"] == 2
    assert main["written"]
    assert other["written"] == []


def test_gradients_and_statistics_are_those_of_the_whole_batch(two):
    for noted in two[1]:
        assert set(noted["gradients"]) == {"8", "7", "2"}
        assert max(noted["gradients"].values()) < 1e-10


@pytest.mark.parametrize("is_copied", [False, True])
def test_the_shares_make_up_the_batch_of_one_process(is_copied):
    generator = np.random.default_rng(1)
    images = generator.integers(0, 256, (20, 3, 16, 16), np.uint8)
    settings = {
        "batch_size": 6,
        "mean": [0.5] * 3,
        "std": [0.2] * 3,
        "shuffle": True,
        "augment": augment.build(("flip", "affine", "light")),
        "copies": np.full(20, 0.5) if is_copied else None,
    }
    one = Batches(images, np.arange(20), np.arange(20.0), **settings)
    shares = [one.new(share=(number, 4)) for number in range(4)]
    for (x, y), *parts in zip(one, *shares, strict=True):
        for number, (mine, labels) in enumerate(parts):
            torch.testing.assert_close(labels, y)
            # The last batch of the first case has two pictures, fewer than processes: each has both.
            expected = x[number::4] if len(y) >= 4 else x
            torch.testing.assert_close(mine, expected, rtol=0, atol=1e-5)


LONG = {"epochs": 12, "augmentation": ("flip", "affine", "light"), "dropout": 0.3}


def options(**changes):
    """An experiment as the command line takes it."""
    values = COMMON | LONG | changes
    text = {name: ",".join(value) if isinstance(value, tuple) else str(value) for name, value in values.items()}
    return Experiment.of(**values), [f"--{name.replace('_', '-')}={value}" for name, value in text.items()]


def begin(arguments, home, **environment):
    """Start ``agelib train`` in a workspace of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "agelib", "train", *arguments],
        env=os.environ | {"AGELIB_HOME": str(home)} | {name: str(value) for name, value in environment.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_epochs(process, home, number):
    limit = time.monotonic() + 240
    while not any(len(pd.read_csv(file)) >= number for file in Path(home).glob("runs/*/history.csv")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < limit
        time.sleep(0.005)


def trainers(process):
    """The processes that a command has launched, without multiprocessing's own."""
    return [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]


def test_a_killed_process_ends_the_others_and_the_training_resumes(two, tmp_path, monkeypatch):
    chosen, arguments = options()
    home = copy_of_the_data(tmp_path / "home")
    command = begin([*arguments, "--processes=2"], home)
    wait_for_epochs(command, home, 2)
    children = trainers(command)
    assert len(children) == 2
    children[1].kill()
    said = command.communicate(timeout=60)[0]
    assert command.returncode == 2
    assert "process 2 of 2 was killed by SIGKILL, and the others were ended. Start the same" in said
    assert "Traceback" not in said
    assert not left_running(children, 1)
    assert not list(home.glob(f"runs/*/{workspace.SEAL}"))
    begun = len(pd.read_csv(next(home.glob("runs/*/checkpoint/history.csv"))))
    assert 1 <= begun < LONG["epochs"]
    shutil.copytree(home, tmp_path / "alone")
    expected = result.load(two[2] / "runs" / next(home.glob("runs/basic_cnn-*")).name)
    assert expected.environment["processes"] == 2

    monkeypatch.setenv("AGELIB_HOME", str(home))
    resumed = run.run(chosen, progress=False, processes=2)
    pd.testing.assert_frame_equal(resumed.predictions, expected.predictions, check_exact=True)
    pd.testing.assert_frame_equal(
        resumed.history.drop(columns="seconds"), expected.history.drop(columns="seconds"), check_exact=True
    )
    # One process ends it as well, with the same epochs so far, and then with sums in another order.
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "alone"))
    alone = run.run(chosen, progress=False)
    losses, others = alone.history["valid_loss"], expected.history["valid_loss"]
    assert losses[:begun].tolist() == others[:begun].tolist()
    assert alone.environment["processes"] == 1
    np.testing.assert_allclose(losses, others, rtol=0.02)


def test_processes_of_an_outside_launcher_do_not_wait_for_ever(tmp_path):
    run.run(experiment("regression"), progress=False)  # draws the faces, if no test has yet
    home = copy_of_the_data(tmp_path / "home")
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": launch._free_port(), "WORLD_SIZE": 2, "AGELIB_TIMEOUT": 15}
    _, arguments = options(epochs=400)
    main, other = (begin(arguments, home, RANK=number, LOCAL_RANK=number, **group) for number in range(2))
    wait_for_epochs(main, home, 1)
    other.send_signal(signal.SIGSTOP)
    try:
        said = main.communicate(timeout=90)[0]
    finally:
        other.kill()
        other.communicate()
    assert main.returncode == 2
    assert "process 1 of 2 lost the others: one of them ended, or did not answer in time" in said
    assert "Start the same command again" in said


def test_an_interrupt_ends_all(tmp_path):
    # A shell that starts this in the background lets it ignore interrupts.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code = heed + "import time; from agelib.runtime.launch import launch; launch(time.sleep, (600,), 2)"
    command = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 120
    while len(children := trainers(command)) < 2:
        assert time.monotonic() < limit
        time.sleep(0.05)
    os.killpg(command.pid, signal.SIGINT)
    assert command.wait(timeout=60) != 0
    assert not left_running(children, 3 * launch.GRACE)


def test_what_cannot_be_launched_is_said():
    with pytest.raises(ValueError, match="processes=0: give at least 1"):
        launch.launch(print, (), 0)
