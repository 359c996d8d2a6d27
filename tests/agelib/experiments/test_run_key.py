"""The key of a run: what decides its weights is in it, and nothing else is."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from miniature import MINIATURE

from agelib import drawn, networks, targets
from agelib.__main__ import main
from agelib.config import Experiment
from agelib.experiments import result, run_key
from agelib.experiments import run as runs
from agelib.runtime import fingerprint

REPOSITORY = Path(__file__).parents[3]

#: Rooms that can change weights, and the one module that brings them together.
ROOMS = ("agelib.pixels.", "agelib.networks.", "agelib.targets", "agelib.training", "agelib.experiments.weights")

#: Changes everything that is counted of a module.
EDIT = "\n\ndef edited():\n    return 1\n"

#: Files of agelib whose code decides the weights of the experiment below.
DECIDE = [
    "targets/regression.py",
    "targets/base.py",
    "pixels/augment.py",
    "pixels/batches.py",
    "pixels/statistics.py",
    "networks/basic_cnn.py",
    "networks/assembly.py",
    "training/optimisers.py",
    "training/balance.py",
    "experiments/weights.py",
]

#: Files that do not: drawing, readers, metrics, plots, other networks and targets, lists of choices, the cellar.
DO_NOT = [
    "drawn/features.py",
    "drawn/panda_portrait.py",
    "data/sources/utkface.py",
    "data/clean.py",
    "metrics/regression.py",
    "metrics/bootstrap.py",
    "plots/predictions.py",
    "networks/residual_attention.py",
    "networks/registry.py",
    "targets/ordinal.py",
    "targets/multitask.py",
    "targets/registry.py",
    "runtime/progress.py",
    "runtime/launch.py",
    "experiments/run.py",
    "experiments/published/recipes.py",
    "config.py",
]


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """An experiment on a handful of images in UTKFace's layout."""
    folder = tmp_path_factory.mktemp("drawn") / "utkface"
    root = drawn.draw_collection("utkface", pictures=160, size=64, folder=folder, progress=False)
    return Experiment.of(**MINIATURE | {"source": "utkface", "root": str(root), "pictures": 0})


@pytest.fixture(scope="module")
def trained(experiment):
    return runs.run(experiment, progress=False)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of agelib whose code may be changed; keys are computed from it."""
    copy = tmp_path / "agelib"
    shutil.copytree(REPOSITORY / "agelib", copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)
    return copy


def edit(file: Path) -> None:
    file.write_text(file.read_text(encoding="utf-8") + EDIT, encoding="utf-8")


def test_at_most_forty_modules_are_in_the_key_of_a_run_on_utkface(trained):
    modules = trained.key_parts().loc["code"].index
    assert len(modules) <= 40
    rooms = ("drawn", "data", "metrics", "plots", "runtime", "experiments.published")
    assert not [name for name in modules if name.startswith(tuple(f"agelib.{room}" for room in rooms))]
    assert {"agelib.networks.basic_cnn", "agelib.targets.regression"} <= set(modules)


@pytest.mark.parametrize(
    "options",
    [{"network": name} for name in networks.names()]
    + [{"target": name} for name in targets.names()]
    + [{"tasks": ("age", "gender")}, {"network": "timm/resnet10t"}],
    ids=str,
)
def test_whatever_is_trained_only_rooms_that_can_change_weights_count(options):
    modules = run_key.code_keys(Experiment.of(**options))
    assert [name for name in modules if not name.startswith(ROOMS)] == []
    assert len(modules) <= 40
    # Of the networks and targets one, and what it is made of.
    chosen = networks.module_of(Experiment.of(**options).network.network)
    others = {networks.module_of(name) for name in networks.names()} - fingerprint.imported_modules(chosen)
    assert not others & set(modules)


def test_what_decides_the_weights_makes_another_run_and_nothing_else_does(experiment, trained, package):
    found = lambda: runs.explain_key(experiment, progress=False)[1]  # noqa: E731
    assert found() == trained.folder
    for name in DO_NOT:
        edit(package / name)
        assert found().name == trained.folder.name, name
    before = {trained.folder.name}
    for name in DECIDE:
        edit(package / name)
        assert found().name not in before, name
        before.add(found().name)


def test_an_edited_metric_finds_the_run_and_an_edited_loss_trains_it_again(experiment, trained, package, monkeypatch):
    fit = []
    monkeypatch.setattr(runs, "train", lambda *_: fit.append(1) or pytest.fail("trained"))
    for name in ("drawn/features.py", "metrics/regression.py", "data/splits.py"):
        edit(package / name)
        again = runs.run(experiment, progress=False)
        pd.testing.assert_frame_equal(again.predictions, trained.predictions)
    edit(package / "targets" / "regression.py")
    with pytest.raises(pytest.fail.Exception, match="trained"):
        runs.run(experiment, progress=False)
    assert fit == [1]


def test_images_labels_options_and_format_are_in_the_key(experiment, trained, monkeypatch):
    parts = trained.key_parts()["value"]
    assert parts["experiment", "learning_rate"] == experiment.training.learning_rate
    assert "root" not in parts["experiment"], "where images lie is no part of what they are"
    assert parts["chosen", "target"] == "Regression"
    assert set(parts["versions"].index) == set(run_key.LIBRARIES)
    assert parts["device", "kind"] == "cpu"
    other, folder = runs.explain_key(experiment.replace(min_age=20.0), progress=False)
    assert folder != trained.folder
    assert other.loc[("data", "labels"), "value"] != parts["data", "labels"]
    monkeypatch.setattr(run_key, "TABLES", run_key.TABLES + 1)
    assert runs.explain_key(experiment, progress=False)[1] != trained.folder


def test_a_run_keeps_what_it_was_made_of(experiment, trained, package):
    expected, folder = runs.explain_key(experiment, progress=False)
    edit(package / "targets" / "regression.py")
    pd.testing.assert_frame_equal(result.load(folder).key_parts(), expected)
    now = runs.explain_key(experiment, progress=False)[0]
    assert now["value"][now["value"] != expected["value"]].index.tolist() == [("code", "agelib.targets.regression")]


def test_the_command_line_explains_a_key_and_trains_nothing(experiment, trained, capsys, monkeypatch):
    monkeypatch.setattr(runs, "train", lambda *_: pytest.fail("trained"))
    typed = ["--image-size=16", "--blocks=2", "--base-features=4", "--hidden-neurons=8", "--detector=none"]
    typed += ["--min-pictures-per-age=1", "--pictures=0", "--source=utkface", f"--root={experiment.data.root}"]
    assert main(["train", "--explain-key", "--epochs=1", *typed]) == 0
    out = capsys.readouterr().out
    assert f"{trained.folder}\nthere: it would not be trained again" in out
    assert "  agelib.targets.regression " in out and "agelib.metrics" not in out
    assert main(["train", "--explain-key", "--epochs=2", *typed]) == 0
    assert "not there yet" in capsys.readouterr().out


def test_metrics_are_computed_when_asked_for_and_once(trained, monkeypatch):
    calls = []
    summarise = result.summarise
    monkeypatch.setattr(result, "summarise", lambda table: calls.append(len(table)) or summarise(table))
    again = result.load(trained.folder)
    assert calls == []
    assert again.metrics is again.metrics
    assert again.scores is again.scores
    assert calls == [len(trained.predictions)]
    assert not {"metrics.csv", "scores.csv"} & {file.name for file in trained.folder.iterdir()}
