"""run(): trained once, found again, never stale, and whole even after a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from miniature import SMALL
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from agelib import training
from agelib.config import Experiment
from agelib.data import splits
from agelib.experiments import result
from agelib.experiments import run as runs
from agelib.runtime import workspace
from agelib.targets import age_groups

REPOSITORY = str(Path(__file__).parents[3])


def run(**changes):
    return runs.run(Experiment.of(**(SMALL | changes)), progress=False)


@pytest.fixture(scope="module")
def trained():
    return run()


def test_metrics_are_those_of_the_stored_predictions(trained):
    table = trained.predictions
    age, predicted = table["age"], table["predicted"]
    assert trained.metrics.loc["MSE", "value"] == pytest.approx(mean_squared_error(age, predicted))
    assert trained.metrics.loc["MAE", "value"] == pytest.approx(mean_absolute_error(age, predicted))
    assert trained.metrics.loc["R2", "value"] == pytest.approx(r2_score(age, predicted))


def test_predictions_are_the_test_part_and_nothing_else(trained):
    faces = trained.prepared.faces
    for part, table in [
        ("test", trained.predictions),
        ("valid", trained.valid_predictions),
        ("train", trained.train_predictions),
    ]:
        assert table["path"].tolist() == faces["path"][faces["split"] == part].tolist()
        assert trained.environment["pictures"][part] == len(table)


def test_the_stored_network_makes_the_stored_predictions(trained):
    from agelib.pixels import cache
    from agelib.pixels.batches import Batches

    faces, root = trained.prepared.faces, trained.prepared.root
    images = cache.decode(faces, root, 16, progress=False)
    mean, std = trained.environment["pixel_mean"], trained.environment["pixel_std"]
    rows = np.flatnonzero(faces["split"] == "test")
    batches = Batches(images, rows, faces["age"].to_numpy(), 32, mean, std)
    ages = training.predict(trained.network(), trained.target(), batches, torch.device("cpu"))
    np.testing.assert_allclose(ages, trained.predictions["predicted"], rtol=1e-5)


def test_statistics_come_from_the_training_part(trained):
    from agelib.pixels import cache

    faces = trained.prepared.faces
    images = cache.decode(faces, trained.prepared.root, 16, progress=False).images
    train = np.asarray(images[(faces["split"] == "train").to_numpy()]) / 255.0
    np.testing.assert_allclose(trained.environment["pixel_mean"], train.mean((0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(trained.environment["pixel_std"], train.std((0, 2, 3)), rtol=1e-4)


def test_pictures_may_grow_and_a_group_may_be_that_of_the_age():
    grown = run(network="quick_cnn", base_features=2, blocks=3, first_size=8, target="distribution", grouping="age")
    table = grown.predictions
    edges = [0, 3, 7, 15, 31, 41, 66, np.inf]
    expected = np.searchsorted(edges, np.floor(table["predicted"]), side="right") - 1
    assert table["predicted_age_group"].tolist() == [age_groups.names_of("7b")[code] for code in expected]
    same_size = run(network="quick_cnn", base_features=2, blocks=3, target="distribution", grouping="age")
    assert not np.array_equal(same_size.predictions["predicted"], table["predicted"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"first_size": 12}, "basic_cnn takes pictures of one size alone"),
        ({"first_size": 20}, "first_size=20 is no size"),
        ({"target": "distribution", "grouping": "years"}, "grouping"),
    ],
)
def test_sizes_and_groups_that_cannot_be_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        run(**options)


def test_the_same_experiment_is_not_trained_twice(trained, monkeypatch):
    monkeypatch.setattr(training, "fit", lambda *a, **k: pytest.fail("trained again"))
    again = run()
    assert again.folder == trained.folder
    pd.testing.assert_frame_equal(again.predictions, trained.predictions)


def test_the_same_seed_gives_the_same_numbers_in_an_empty_workspace(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    again = run()
    assert again.folder != trained.folder
    assert again.folder.name == trained.folder.name
    pd.testing.assert_frame_equal(again.predictions, trained.predictions, check_exact=True)
    pd.testing.assert_frame_equal(again.metrics, trained.metrics, check_exact=True)


def test_what_changes_a_result_changes_the_folder(trained):
    others = [{"seed": 1}, {"learning_rate": 5e-4}, {"fraction": 0.5}, {"grey": True}, {"data_seed": 7}]
    names = {run(epochs=1, **other).folder.name for other in others} | {trained.folder.name}
    assert len(names) == len(others) + 1


def test_a_change_of_the_loss_is_another_run(trained, monkeypatch):
    from agelib.runtime import fingerprint

    read = fingerprint._read

    def edited(path):
        imported, code = read(path)
        return imported, code + ("edited" if path.name == "regression.py" else "")

    monkeypatch.setattr(fingerprint, "_read", edited)
    changed = runs.explain_key(trained.experiment, progress=False)[1]
    monkeypatch.undo()
    assert changed.name != trained.folder.name
    assert runs.explain_key(trained.experiment, progress=False)[1] == trained.folder


@pytest.mark.parametrize("name", ["test_predictions.csv", "network.safetensors", "history.csv"])
def test_a_torn_file_of_a_finished_run_is_noticed(name):
    before = run(seed=11, epochs=1)
    path = before.folder / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.warns(UserWarning, match=rf"{name} is not what was written. It was set aside"):
        after = run(seed=11, epochs=1)
    pd.testing.assert_frame_equal(after.predictions, before.predictions, check_exact=True)


def test_a_killed_run_is_finished_with_the_same_numbers(tmp_path, monkeypatch, trained):
    expected = run(epochs=8, schedule="one_cycle", augmentation=("flip", "light"), dropout=0.3)
    code = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[1] + '/tests/support']\n"
        "import agelib; from miniature import SMALL\n"
        "changes = dict(epochs=8, schedule='one_cycle', augmentation=('flip', 'light'), dropout=0.3)\n"
        "agelib.run(agelib.Experiment.of(**(SMALL | changes)), progress=False)"
    )
    environment = os.environ | {"AGELIB_HOME": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", code, REPOSITORY], env=environment)
    history = tmp_path / "runs" / expected.folder.name / "history.csv"
    limit = time.monotonic() + 120
    while not (history.is_file() and len(pd.read_csv(history)) >= 2):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < limit
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (history.parent / workspace.SEAL).exists()
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    resumed = run(epochs=8, schedule="one_cycle", augmentation=("flip", "light"), dropout=0.3)
    pd.testing.assert_frame_equal(resumed.predictions, expected.predictions, check_exact=True)
    pd.testing.assert_frame_equal(resumed.metrics, expected.metrics, check_exact=True)


def test_the_baseline_is_scikit_learns_dummy(trained):
    from sklearn.dummy import DummyRegressor

    train, test = trained.train_predictions["age"], trained.predictions["age"]
    table = trained.baselines()
    for row, strategy in zip(table.index, ("mean", "median"), strict=True):
        dummy = DummyRegressor(strategy=strategy).fit(np.zeros((len(train), 1)), train)
        expected = mean_absolute_error(test, dummy.predict(np.zeros((len(test), 1))))
        assert strategy in str(row)
        assert float(np.ravel(table.loc[row, "MAE"])[0]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "resnet19"}, "no network 'resnet19'; near: resnet18"),
        ({"augmentation": ("flop",)}, "flop.*flip"),
        ({"fraction": 0.0}, "fraction=0.0 is no share"),
        ({"label_noise": 1.5}, "label_noise=1.5 is no share"),
        ({"label": "apparent_age"}, "has no apparent_age; it has: age"),
        ({"min_age": 200.0}, "age"),
        ({"source": "utkface", "root": "/nowhere"}, "there is no file or folder /nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_before_training(changes, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        run(**changes)


def test_finished_runs_are_listed_with_what_they_changed(trained):
    table = result.finished().set_index("run")
    assert table.loc[trained.folder.name, "image_size"] == 16
    assert table.loc[trained.folder.name, "MAE"] == pytest.approx(trained.metrics.loc["MAE", "value"])


def test_runs_are_listed_from_their_summaries_alone(trained, tmp_path, monkeypatch):
    import shutil

    expected = result.finished().set_index("run").loc[[trained.folder.name]]
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    folder = tmp_path / "runs"
    for number in range(10):
        (folder / f"basic_cnn-{number:016x}").mkdir(parents=True)
        for name in ("experiment.json", result.SUMMARY, workspace.SEAL):
            shutil.copy(trained.folder / name, folder / f"basic_cnn-{number:016x}")
    (folder / f"basic_cnn-{7:016x}" / workspace.SEAL).unlink()  # not finished
    (folder / f"basic_cnn-{8:016x}" / result.SUMMARY).unlink()  # being removed by another process
    table = result.finished().set_index("run")
    assert len(table) == 8
    last = table.loc[[f"basic_cnn-{9:016x}"], expected.columns[expected.notna().any()]]
    pd.testing.assert_frame_equal(
        last.reset_index(drop=True), expected[last.columns].reset_index(drop=True), check_dtype=False
    )


TASKS = ("age", "gender", "ethnicity")


@pytest.fixture(scope="module")
def several():
    return run(tasks=TASKS, target="groups", task_head=(8,))


def test_several_tasks_share_one_network_and_one_table(several):
    from sklearn.metrics import f1_score

    table = several.predictions
    for task in ("age_group", "gender", "ethnicity"):
        shares = table[[name for name in table if name.startswith(f"{task}=")]]
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
        best = shares.columns.to_numpy()[shares.to_numpy().argmax(axis=1)]
        assert [name.partition("=")[2] for name in best] == table[f"predicted_{task}"].tolist()
        known = table[table[task].notna()]
        expected = 100 * f1_score(known[task], known[f"predicted_{task}"], average="macro", zero_division=0)
        assert several.scores.loc[(task, "macro F1"), "value"] == pytest.approx(expected)


def test_the_posterior_of_the_test_part_is_kept(several, trained):
    posterior = several.posterior()
    assert len(posterior) == len(several.predictions)
    np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-5)
    means = posterior.to_numpy() @ posterior.columns.to_numpy(float)
    np.testing.assert_allclose(means, several.predictions["predicted"], rtol=1e-4)
    assert trained.posterior() is None


def test_a_task_without_an_age_has_scores_and_no_errors_in_years():
    only = run(tasks=("gender",))
    assert only.metrics.empty
    assert set(only.scores.index.get_level_values("task")) == {"gender"}
    assert "predicted" not in only.predictions


def test_one_group_alone_is_trained_on_and_everybody_is_tested(trained):
    women = run(only="gender=female")
    assert set(women.train_predictions["gender"]) == {"female"}
    assert set(women.valid_predictions["gender"]) == {"female"}
    assert women.predictions["path"].tolist() == trained.predictions["path"].tolist()


@pytest.mark.parametrize(
    ("only", "message"), [("gender", "give a column and a value"), ("gender=robot", "there is: female, male")]
)
def test_a_group_that_is_not_there_is_named(only, message):
    with pytest.raises(ValueError, match=message):
        run(only=only)


@pytest.mark.parametrize("balance", ["sampler", "loss", "loss_inverse", "lds", "augment"])
def test_every_balance_trains_and_changes_the_result(trained, balance):
    balanced = run(balance=balance, augmentation=("flip",) if balance == "augment" else ())
    assert not np.allclose(balanced.predictions["predicted"], trained.predictions["predicted"])


def test_label_noise_swaps_training_ages_and_no_others(trained):
    from agelib.experiments import data_module

    def labels(share, seed=42):
        noisy = trained.experiment.replace(label_noise=share, seed=seed)
        opened = data_module.open_streams(noisy, trained.prepared, progress=False)
        return opened, opened.labels[:, 0]

    clean, true = labels(0)
    train = clean.rows["train"]
    _, some = labels(0.2)
    opened, more = labels(0.5)
    for noisy in (some, more):
        # The same ages in the training part, at other pictures; nothing else is touched.
        np.testing.assert_array_equal(np.sort(noisy[train]), np.sort(true[train]))
        np.testing.assert_array_equal(np.delete(noisy, train), np.delete(true, train))
    wrong = {share: set(np.flatnonzero(ages != true)) for share, ages in [(0.2, some), (0.5, more)]}
    # Two pictures that swap may be of one age; no more than the share is wrong, and nearly as much.
    for share, rows in wrong.items():
        assert 0.8 * share * len(train) < len(rows) <= round(share * len(train))
    assert len(wrong[0.2] & wrong[0.5]) > 0.8 * len(wrong[0.2])
    assert not np.array_equal(labels(0.5, seed=7)[1], more)
    np.testing.assert_allclose(clean.target.decode(torch.ones(1, 1)), opened.target.decode(torch.ones(1, 1)), rtol=1e-5)
    pd.testing.assert_series_equal(opened.faces["age"], clean.faces["age"])


def test_a_run_on_wrong_labels_is_judged_on_the_true_ones(trained):
    noisy = run(label_noise=0.4)
    assert noisy.folder.name != trained.folder.name
    for part in ("predictions", "valid_predictions", "train_predictions"):
        pd.testing.assert_series_equal(getattr(noisy, part)["age"], getattr(trained, part)["age"])
    assert not np.allclose(noisy.predictions["predicted"], trained.predictions["predicted"])


def test_weights_that_have_seen_the_test_part_are_refused(trained):
    weights = str(trained.weights)
    same = run(pretrained=weights, epochs=1)
    assert len(same.history) == 1
    fold = {"folds": 5, "fold": 1}
    with pytest.raises(splits.LeakError, match=r"were trained on \d+ of the \d+ pictures of the test part"):
        run(pretrained=weights, **fold)
    leaky = run(pretrained=weights, allow_leaks=True, epochs=1, **fold)
    # What those weights had seen stays seen by all that start from them.
    with pytest.raises(splits.LeakError, match="were trained on"):
        run(pretrained=str(leaky.weights), folds=5, fold=2)


def test_a_run_is_found_by_its_folder_without_its_data(trained):
    again = result.load(trained.folder)
    pd.testing.assert_frame_equal(again.predictions, trained.predictions)
    assert again.experiment == trained.experiment
    with pytest.raises(FileNotFoundError, match="holds no finished run"):
        result.load(trained.folder.parent)
