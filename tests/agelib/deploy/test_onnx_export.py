"""Exported models: the run's own answers from a folder alone, from torch and from ONNX, and never from a pickle."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from miniature import MINIATURE
from safetensors.numpy import load_file

from agelib import deploy, networks, targets
from agelib.__main__ import main
from agelib.config import Experiment, Training
from agelib.deploy import schema
from agelib.experiments import run
from agelib.metrics import calibrate_intervals, posterior_quantiles
from agelib.pixels.decode import read_picture
from agelib.training import checkpoints

SMALL = MINIATURE | {
    "epochs": 2,
    "learning_rate": 0.01,
    "tasks": ("age", "gender", "ethnicity"),
    "target": "distribution",
    "flip_test": True,
}

FACES = pd.DataFrame(
    {
        "path": list("abcdef"),
        "age": [1.0, 20.0, 33.0, 34.0, 60.0, 81.0],
        "apparent_std": [1.0, 2.0, 3.0, 4.0, 5.0, 0.1],
        "gender": ["male", "female", None, "male", "male", "female"],
        "ethnicity": ["white", "black", "asian", "white", "other", None],
    }
)


@pytest.fixture(scope="module")
def trained():
    return run.run(Experiment.of(**SMALL), progress=False)


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    model = deploy.of_run(trained, deploy.Frame(margin=0.37, down=0.56))
    return deploy.export(model, tmp_path_factory.mktemp("exported") / "model")


@pytest.fixture(scope="module")
def images(trained):
    files = [trained.prepared.root / path for path in trained.predictions["path"]]
    return np.stack([read_picture(file, 16) for file in files])  # [N, 3, 16, 16]


@pytest.mark.parametrize("name", [*targets.names(), "raters"])
@pytest.mark.parametrize("tasks", [("age",), ("gender", "age", "ethnicity")])
def test_every_target_comes_back_from_json_with_what_it_has_learnt(name, tasks):
    options = {"target": "distribution", "sigma": 0.0} if name == "raters" else {"target": name}
    training = Training(tasks=tasks, label_smoothing=0.1, bins="0,20,60", **options)
    target = targets.build(training, targets.labels(training, FACES))
    read = schema.read_target(json.loads(json.dumps(schema.describe_target(target))))
    assert read == target
    assert type(read) is type(target)
    np.testing.assert_array_equal(read.labels(FACES), target.labels(FACES))


def test_an_exported_model_answers_as_its_run_did(trained, folder, images, monkeypatch, tmp_path):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))  # neither run nor pictures are at hand
    table = deploy.load(folder).predict(images)
    stored = trained.predictions
    assert stored["predicted"].std() > 0.1  # far more than is allowed below: mixed up answers would show
    np.testing.assert_allclose(table["predicted"], stored["predicted"], rtol=1e-4)
    np.testing.assert_allclose(table["gender=female"], stored["gender=female"], atol=1e-4)
    assert table["predicted_ethnicity"].tolist() == stored["predicted_ethnicity"].tolist()


@pytest.mark.parametrize("number", [1, 3, 7])
def test_onnx_and_torch_agree_for_any_number_of_pictures(folder, images, number):
    model = deploy.load(folder)
    torchs, onnxs = model.outputs(images[:number]), model.outputs(images[:number], onnx=True)
    assert torchs.shape == onnxs.shape == (number, sum(model.target.outputs))
    np.testing.assert_allclose(onnxs, torchs, atol=1e-4)


def test_a_program_without_agelib_gets_the_same_ages(trained, folder, images):
    """Bytes of pictures, onnxruntime, and what model.json says of the outputs: nothing else is needed."""
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    (age, gender, _) = json.loads((folder / "model.json").read_text())["outputs"]
    for row, image in zip(trained.predictions.itertuples(), images, strict=True):
        (outputs,) = session.run(None, {"pictures": image[None]})
        logits = outputs[0, age["first"] : age["first"] + age["number"]]
        shares = np.exp(logits) / np.exp(logits).sum()
        assert shares @ age["ages"] == pytest.approx(row.predicted, abs=1e-3)
        best = outputs[0, gender["first"] : gender["first"] + gender["number"]].argmax()
        assert gender["classes"][best] == row.predicted_gender


def test_the_weights_are_the_runs_own_and_no_file_is_a_pickle(trained, folder):
    assert sorted(file.name for file in folder.iterdir()) == [
        "README.md",
        "files.json",
        "model.json",
        "model.onnx",
        "model.safetensors",
    ]
    ours, runs_own = load_file(folder / "model.safetensors"), load_file(trained.weights)
    assert ours.keys() == runs_own.keys()
    assert all(np.array_equal(ours[name], runs_own[name]) for name in ours)
    assert all(file.read_bytes()[:2] not in (b"\x80\x02", b"\x80\x04", b"PK") for file in folder.iterdir())


def test_the_card_says_on_what_it_was_trained_and_for_whom_it_is_how_wrong(trained, folder):
    text = (folder / "README.md").read_text()
    assert "drawn faces: it knows nothing about people" in text and "Not for decisions about people" in text
    women = trained.predictions.query("gender == 'female'")
    error = (women["predicted"] - women["age"]).abs().mean()
    assert f"| gender | female | {len(women)} | {error:.2f} |" in text
    assert "The age is the mean of the posterior, not rounded; the age group is the most probable one." in text
    mae = trained.metrics.loc["MAE"]
    assert f"| MAE | {mae['value']:.2f} | {mae['low']:.2f} to {mae['high']:.2f} |" in text


def test_nothing_in_it_names_a_place_on_this_machine(folder, workspace):
    import agelib

    places = [str(workspace), str(folder.parent), agelib.__file__.removesuffix("/agelib/__init__.py")]
    for file in folder.iterdir():
        data = file.read_bytes()
        assert not [place for place in places if place.encode() in data], file.name


def test_the_same_model_is_the_same_bytes(folder, tmp_path):
    again = deploy.export(deploy.load(folder), tmp_path / "again")
    assert (again / "files.json").read_bytes() == (folder / "files.json").read_bytes()


def test_intervals_are_the_validation_parts_order_statistics(trained, tmp_path):
    """Absolute errors: the ⌈(n + 1) · level⌉-th smallest is the margin, written and read back."""
    valid = trained.valid_predictions
    errors = np.sort(np.abs(valid["age"] - valid["predicted"]))
    found = {level: calibrate_intervals(valid, level=level) for level in schema.LEVELS}
    read = schema.read_intervals(json.loads(json.dumps(schema.describe_intervals(found))))
    for level in schema.LEVELS:
        rank = int(np.ceil((len(errors) + 1) * level))
        margin = read[level].margins["margin"].item()
        assert margin == (errors[rank - 1] if rank <= len(errors) else np.inf)
    assert np.isinf(read[0.95].margins["margin"].item())  # 16 pictures are too few for 95 %


def test_a_posteriors_intervals_hold_what_they_promise_on_what_they_were_fitted_to(trained, folder):
    model = deploy.load(folder)
    assert model.calibrations[0.8].kind == "quantile"
    valid = trained.valid_predictions
    pictures = np.stack([read_picture(trained.prepared.root / path, 16) for path in valid["path"]])
    table = model.predict(pictures, level=0.8)
    inside = (table["age_low"] <= valid["age"] + 1e-3) & (valid["age"] <= table["age_high"] + 1e-3)
    assert inside.mean() >= 0.8
    assert (table["age_low"] <= table["predicted"]).all() and (table["predicted"] <= table["age_high"]).all()
    assert (table["age_low"] >= 0).all()


def test_where_the_validation_part_is_too_small_there_is_no_interval(folder, images):
    table = deploy.load(folder).predict(images[:2], level=0.95)
    assert table[["age_low", "age_high"]].isna().all(axis=None)
    assert table["predicted"].notna().all()


def test_a_level_that_was_not_calibrated_is_refused(folder, images):
    with pytest.raises(ValueError, match=r"intervals of 0.5, 0.8, 0.9, 0.95, not of 0.42"):
        deploy.load(folder).predict(images[:1], level=0.42)


def test_weights_in_16_bits_hardly_move_the_answers(folder, images, tmp_path):
    whole = deploy.load(folder)
    half = deploy.export(whole, tmp_path / "half", half=True, graph=False)
    rounded = load_file(half / "model.safetensors")
    assert {str(tensor.dtype) for tensor in rounded.values() if tensor.ndim >= 2} == {"float16"}
    given = deploy.load(half).predict(images)["predicted"]
    np.testing.assert_allclose(given, whole.predict(images)["predicted"], atol=0.2)
    with pytest.raises(ValueError, match="no ONNX graph"):
        deploy.load(half).predict(images, onnx=True)


def test_provenance_and_frame_travel_with_it(trained, folder):
    model = deploy.load(folder)
    assert model.drawn
    assert model.about["run"] == trained.folder.name
    assert model.about["test"]["MAE"][0] == pytest.approx(trained.metrics.loc["MAE", "value"])
    assert model.about["experiment"]["target"] == "distribution"
    assert model.frame == deploy.Frame(margin=0.37, down=0.56)


def test_a_target_with_a_last_layer_of_its_own_gets_it_back(folder, images, tmp_path):
    """CORAL's questions share their weights: the network is built again with that layer, and goes to ONNX with it."""
    training = Training(tasks=("gender", "age"), target="coral")
    target = targets.build(training, targets.labels(training, FACES))
    model = replace(deploy.load(folder), target=target, calibrations={}, weights=tmp_path / "coral.safetensors")
    network = networks.build(model.experiment.network, target.outputs, 16, seed=5, last_layer=target.last_layer).eval()
    checkpoints.save_weights(model.weights, network)
    read = deploy.load(deploy.export(model, tmp_path / "model"))
    x = (torch.from_numpy(images) / 255 - torch.from_numpy(model.mean)[:, None, None]) / torch.from_numpy(model.std)[
        :, None, None
    ]
    with torch.no_grad():
        wanted = (network(x) + network(x.flip(-1))) / 2
    np.testing.assert_allclose(read.outputs(images), wanted, atol=1e-4)
    np.testing.assert_allclose(read.outputs(images, onnx=True), wanted, atol=1e-4)
    table = read.predict(images)
    np.testing.assert_allclose(table["predicted"], target.decode(wanted), atol=1e-2)
    assert table["age_low"].isna().all()  # it was not calibrated


def test_a_torn_file_is_noticed(folder, tmp_path):
    model = deploy.export(deploy.load(folder), tmp_path / "model", graph=False)
    with (model / "model.safetensors").open("r+b") as file:
        file.truncate(100)
    with pytest.raises(ValueError, match=r"model\.safetensors is not what was written; export it again"):
        deploy.load(model)


def test_a_graph_that_says_something_else_is_refused(trained, folder):
    from agelib.deploy import onnx_export

    model = deploy.load(folder)
    whole = onnx_export.Graph(model.network, model.mean, 2 * model.std, flip=True).eval()
    with pytest.raises(ValueError, match="its outputs are off torch's"):
        onnx_export.compare(whole, folder / "model.onnx", 16)


def test_a_folder_of_something_else_is_left_alone(folder, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="holds something else than a model"):
        deploy.export(deploy.load(folder), tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    with pytest.raises(FileNotFoundError, match="holds no model"):
        deploy.load(tmp_path)


def test_a_description_of_a_newer_kind_is_refused(folder, tmp_path):
    description = json.loads((folder / "model.json").read_text())
    for changed, reason in (({"format": 99}, "has the format 99"), ({"target": {"kind": "os"}}, "no target 'os'")):
        place = tmp_path / reason[:5]
        place.mkdir()
        (place / "model.json").write_text(json.dumps(description | changed))
        (place / "files.json").write_text("{}")
        with pytest.raises(ValueError, match=reason):
            deploy.load(place)


def test_a_model_without_a_graph_is_written_again_with_one(trained, tmp_path, capsys):
    deploy.export(trained, tmp_path / "without", half=True, graph=False)
    with pytest.raises(ValueError, match="agelib export FOLDER --model MODEL"):
        deploy.load(tmp_path / "without").outputs(np.zeros((1, 3, 16, 16), np.uint8), onnx=True)
    assert main(["export", str(tmp_path / "with"), "--model", str(tmp_path / "without")]) == 0
    pictures = np.random.default_rng(0).integers(0, 256, (4, 3, 16, 16), dtype=np.uint8)
    again = deploy.load(tmp_path / "with").outputs(pictures, onnx=True)
    before = deploy.load(tmp_path / "without").outputs(pictures)
    assert np.asarray(again) == pytest.approx(np.asarray(before), abs=1e-4)


def test_the_command_measures_the_frame_and_lists_the_files(trained, tmp_path, capsys):
    assert main(["export", "--run", trained.folder.name, str(tmp_path / "model"), "--no-onnx"]) == 0
    out = capsys.readouterr()
    assert "model.safetensors" in out.out and "model.onnx" not in out.out
    assert "drawn faces" in out.err
    frame = deploy.load(tmp_path / "model").frame
    assert frame.pictures > 100
    assert frame.found > 0.9
    assert 0.2 < frame.margin < 0.3  # the cascade's box is about two thirds as wide as a drawn crop


def test_an_exported_model_s_intervals_are_those_of_the_validation_set_and_not_of_the_test_set(trained, folder):
    """By hand: how far an age lies beyond its posterior's quantiles, and of these the order statistic."""
    about = json.loads((folder / "model.json").read_text())["intervals"]
    assert about["kind"] == "quantile" and about["pictures"] == len(trained.valid_predictions)

    def margin(part, predictions, level):
        low, high = posterior_quantiles(trained.posterior(part), ((1 - level) / 2, (1 + level) / 2)).T
        beyond = np.sort(np.maximum(low - predictions["age"], predictions["age"] - high))
        return beyond[int(np.ceil(level * (len(beyond) + 1))) - 1]

    for level in (0.5, 0.8):
        found = about["margins"][f"{level:g}"]
        assert found == pytest.approx(margin("valid", trained.valid_predictions, level), abs=1e-6)
        assert abs(found - margin("test", trained.predictions, level)) > 0.01, "another set would be noticed"
