"""A run judged on another data set: the same network, the same treatment of pictures, and no leak."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from miniature import MINIATURE
from sklearn.metrics import mean_absolute_error

from agelib import training
from agelib.config import Experiment
from agelib.data import splits
from agelib.data.prepare import prepare
from agelib.experiments import cross_dataset, run
from agelib.pixels import cache
from agelib.pixels.batches import Batches

SMALL = MINIATURE | {"batch_size": 32}


@pytest.fixture(scope="module")
def trained():
    return run.run(Experiment.of(**SMALL), progress=False)


@pytest.fixture(scope="module")
def elsewhere(trained):
    return prepare(dataclasses.replace(trained.experiment.data, source="drawn-appa-real"), progress=False)


def test_at_home_it_is_the_run_itself(trained):
    judged = cross_dataset.judge(trained, trained.prepared)
    assert judged.predictions["path"].tolist() == trained.predictions["path"].tolist()
    np.testing.assert_allclose(judged.predictions["predicted"], trained.predictions["predicted"], rtol=1e-4)
    assert judged.metrics.loc["MAE", "value"] == pytest.approx(trained.metrics.loc["MAE", "value"], rel=1e-4)
    pd.testing.assert_frame_equal(judged.baselines, trained.baselines())


def test_elsewhere_its_answers_are_those_of_its_network_over_the_other_sets_batches(trained, elsewhere):
    show, faces = trained.experiment.pictures, elsewhere.faces
    images = cache.decode(faces, elsewhere.root, show.image_size, progress=False)
    mean, std = trained.environment["pixel_mean"], trained.environment["pixel_std"]
    rows = np.flatnonzero(faces["split"] == "test")
    batches = Batches(images, rows, np.zeros(len(faces)), SMALL["batch_size"], mean, std)
    ages = trained.target().decode(training.outputs(trained.network(), batches))
    judged = cross_dataset.judge(trained, elsewhere)
    np.testing.assert_array_equal(judged.predictions["predicted"], ages)


def test_elsewhere_the_other_sets_test_part_is_judged(trained, elsewhere):
    judged = cross_dataset.judge(trained, elsewhere)
    there = elsewhere.faces[elsewhere.faces["split"] == "test"]
    assert judged.predictions["path"].tolist() == there["path"].tolist()
    assert judged.predictions["age"].tolist() == there["age"].tolist()
    assert judged.metrics.loc["MAE", "value"] == pytest.approx(
        mean_absolute_error(there["age"], judged.predictions["predicted"])
    )
    median = np.median(trained.train_predictions["age"])
    assert judged.baselines.loc["always the median age", "MAE"] == pytest.approx(
        mean_absolute_error(there["age"], np.full(len(there), median))
    )
    assert judged.seen == 0 and judged.skipped.empty
    assert "apparent_std" in judged.predictions


def test_what_it_was_trained_on_is_refused(trained):
    with pytest.raises(splits.LeakError, match=r"trained on (\d+) of the \1 pictures of the train part \(100.0 %"):
        cross_dataset.judge(trained, trained.prepared, part="train")
    judged = cross_dataset.judge(trained, trained.prepared, part="train", allow_leaks=True)
    assert judged.seen == len(judged.predictions) == trained.environment["pictures"]["train"]


def test_a_copy_under_another_name_in_another_folder_is_found(trained, elsewhere, tmp_path):
    path = elsewhere.faces["path"][elsewhere.faces["split"] == "test"].iloc[0]
    source = trained.prepared.root / trained.train_predictions["path"].iloc[0]
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_bytes(source.read_bytes())
    mixed = dataclasses.replace(elsewhere, root=tmp_path, faces=elsewhere.faces[elsewhere.faces["path"] == path])
    with pytest.raises(splits.LeakError, match="1 of the 1 pictures of the test part"):
        cross_dataset.judge(trained, mixed)


def test_a_broken_picture_is_left_out_and_named(trained, elsewhere, tmp_path):
    paths = elsewhere.faces["path"][elsewhere.faces["split"] == "test"].tolist()[:3]
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((elsewhere.root / path).read_bytes())
    (tmp_path / paths[1]).write_bytes(b"no picture")
    few = dataclasses.replace(elsewhere, root=tmp_path, faces=elsewhere.faces[elsewhere.faces["path"].isin(paths)])
    judged = cross_dataset.judge(trained, few)
    assert judged.predictions["path"].tolist() == [paths[0], paths[2]]
    assert judged.skipped["path"].tolist() == [paths[1]]
    whole = cross_dataset.judge(trained, elsewhere).predictions.set_index("path")["predicted"]
    np.testing.assert_allclose(judged.predictions["predicted"], whole[[paths[0], paths[2]]], rtol=1e-4)
    for path in paths:
        (tmp_path / path).write_bytes(b"no picture")
    with pytest.raises(ValueError, match="none of 3 pictures of the test part can be read"):
        cross_dataset.judge(trained, few)


def test_wrong_calls_are_refused(trained, elsewhere):
    with pytest.raises(ValueError, match="one of train, valid, test"):
        cross_dataset.judge(trained, elsewhere, part="all")
    only_train = dataclasses.replace(elsewhere, faces=elsewhere.faces[elsewhere.faces["split"] == "train"])
    with pytest.raises(ValueError, match="no picture is in the test part"):
        cross_dataset.judge(trained, only_train)
    no_age = dataclasses.replace(
        trained,
        experiment=trained.experiment.replace(tasks=("gender",)),
        predictions=trained.predictions.drop(columns="predicted"),
    )
    with pytest.raises(ValueError, match="predicts gender, no age"):
        cross_dataset.judge(no_age, elsewhere)


def test_every_run_on_every_set(trained, elsewhere):
    sets = {"here": trained.prepared, "there": elsewhere}
    table = cross_dataset.judge_all({"here": trained}, sets, resamples=50)
    assert table.index.tolist() == [("here", "here"), ("here", "there")]
    there = cross_dataset.judge(trained, elsewhere).predictions
    assert table.loc[("here", "there"), "pictures"] == len(there)
    assert table.loc[("here", "there"), "bias"] == pytest.approx((there["predicted"] - there["age"]).mean())
    assert table.loc[("here", "here"), "MAE"] == pytest.approx(trained.metrics.loc["MAE", "value"], rel=1e-4)
    assert (table["low"] <= table["MAE"]).all() and (table["MAE"] <= table["high"]).all()
