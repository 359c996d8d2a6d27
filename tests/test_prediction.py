"""predict(): the same answers for a file as for the picture of the data set that it is."""

import numpy as np
import pytest

from agelib import prediction, runs
from agelib.__main__ import main
from agelib.experiment import Experiment

SMALL = {
    "source": "drawn-utkface",
    "pictures": 160,
    "detector": "none",
    "min_pictures_per_age": 1,
    "image_size": 16,
    "blocks": 2,
    "base_features": 4,
    "hidden_neurons": 8,
    "epochs": 1,
    "tasks": ("age", "gender"),
    "target": "groups",
}


@pytest.fixture(scope="module")
def trained():
    return runs.run(Experiment.of(**SMALL), progress=False)


def files(trained):
    return [trained.prepared.root / path for path in trained.predictions["path"]]


def test_a_file_is_predicted_as_it_was_in_the_test_part(trained):
    table = prediction.predict(trained, files(trained))
    stored = trained.predictions
    np.testing.assert_allclose(table["predicted"], stored["predicted"], rtol=1e-4)
    assert table["predicted_gender"].tolist() == stored["predicted_gender"].tolist()
    assert table["problem"].isna().all()


def test_one_broken_file_never_stops_the_rest(trained, tmp_path):
    (tmp_path / "a.jpg").write_text("no picture")
    (tmp_path / "b.jpg").write_bytes(files(trained)[0].read_bytes())
    (tmp_path / "notes.txt").write_text("left out")
    table = prediction.predict(trained, [tmp_path])
    assert table["path"].str[-5:].tolist() == ["a.jpg", "b.jpg"]
    assert "not a picture" in table["problem"][0]
    assert np.isnan(table["predicted"][0])
    assert table["predicted"][1] == pytest.approx(trained.predictions["predicted"][0], rel=1e-4)


def test_pictures_beyond_one_batch_keep_their_order(trained, monkeypatch):
    whole = prediction.predict(trained, files(trained))
    monkeypatch.setattr(prediction, "BATCH", 3)
    parted = prediction.predict(trained, files(trained))
    assert parted["path"].tolist() == whole["path"].tolist()
    np.testing.assert_allclose(parted["predicted"], whole["predicted"], rtol=1e-4)


def test_the_command_prints_a_row_a_picture(trained, capsys):
    paths = [str(path) for path in files(trained)[:2]]
    assert main(["predict", "--run", trained.folder.name, "--format", "csv", *paths]) == 0
    out = capsys.readouterr()
    lines = out.out.strip().splitlines()
    assert lines[0].startswith("path,predicted,predicted_age_group")
    assert len(lines) == 3
    assert "drawn faces" in out.err


@pytest.mark.parametrize(("run", "picture"), [("no-such-run", "."), (None, "/no/such/file.jpg")])
def test_what_is_not_there_is_named(trained, run, picture, capsys):
    assert main(["predict", "--run", run or str(trained.folder), picture]) == 2
    assert (
        "no-such-run holds no finished run" in (err := capsys.readouterr().err) or "/no/such/file.jpg" in err
    )
