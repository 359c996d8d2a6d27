"""Reference results: whole, recomputed from what is kept, and made again by their name."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from miniature import MINIATURE
from sklearn.metrics import f1_score, mean_absolute_error

import agelib
from agebook.build.results import results_page
from agelib import deploy, drawn, metrics
from agelib.__main__ import main
from agelib.experiments import published
from agelib.experiments import run as runs
from agelib.experiments.published import recipes, runner
from agelib.plots import show
from agelib.runtime import workspace
from agelib.targets import age_groups

#: The kept runs of the repository; there may be none.
KEPT = published.kept()

#: What was found once in all of them, to nine digits after the point, so that a changed metric is seen.
MEASURES = Path(__file__).with_name("kept_measures.csv")

#: An experiment in miniature, on drawn faces.
SMALL = MINIATURE | {"root": "", "split_file": ""}


@pytest.fixture(scope="module")
def done():
    return runs.run(published.read("multitask").experiment(**SMALL), progress=False)


@pytest.fixture(scope="module")
def folder(done, tmp_path_factory):
    place = tmp_path_factory.mktemp("reference")
    published.keep(done, "multitask", place)
    return place


@pytest.fixture(scope="module")
def known():
    """The measures of every kept run, as they were once computed."""
    return pd.read_csv(MEASURES, index_col=["run", "measure"])


def test_every_kept_run_has_known_measures_and_no_other(known):
    assert {kept.folder.name for kept in KEPT} == set(known.index.get_level_values("run"))


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.folder.name)
def test_no_later_metric_changes_a_kept_number(kept, known):
    pd.testing.assert_frame_equal(kept.measures, known.loc[kept.folder.name], rtol=0, atol=2e-9)


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.folder.name)
def test_the_kept_measures_are_those_of_the_kept_predictions(kept):
    stored = pd.read_csv(kept.folder / "metrics.csv", index_col="measure")
    pd.testing.assert_frame_equal(kept.measures, stored, rtol=1e-9)
    table = pd.read_csv(kept.folder / "test_predictions.csv.gz")
    if "predicted" in table:
        expected = mean_absolute_error(table["age"], table["predicted"])
        assert stored.loc["MAE", "value"] == pytest.approx(expected)
    tasks = [name for name in ("age_group", "gender", "ethnicity") if f"predicted_{name}" in table]
    assert tasks
    for task in tasks:
        known = table.dropna(subset=task)
        f1 = 100 * f1_score(known[task], known[f"predicted_{task}"], average="macro")
        assert stored.loc[f"macro F1 of {task}", "value"] == pytest.approx(f1)


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.folder.name)
def test_every_kept_run_was_tested_on_the_test_part_of_the_one_split(kept):
    split = pd.read_csv(published.SPLIT, index_col="path")["split"]
    tested = kept.predictions["path"]
    assert set(tested) == set(split.index[split == "test"])
    described = json.loads((kept.folder / "experiment.json").read_text())
    assert not described["root"] and "/" not in described["split_file"]


def test_what_is_kept_says_the_same_as_the_run(done, folder):
    (kept,) = published.kept(folder=folder)
    assert (kept.folder.name, kept.name, kept.seed) == ("multitask-42", "multitask", 42)
    found = kept.measures
    assert found.loc["MAE", "value"] == pytest.approx(done.metrics.loc["MAE", "value"], abs=1e-3)
    for task in ("age_group", "gender", "ethnicity"):
        mine = done.scores.loc[(task, "macro F1"), "value"]
        assert found.loc[f"macro F1 of {task}", "value"] == pytest.approx(mine)


def test_keeping_the_same_run_again_writes_the_same_predictions(done, folder, tmp_path):
    again = published.keep(done, "multitask", tmp_path)
    first = folder / "runs" / "multitask-42" / "test_predictions.csv.gz"
    assert (again.folder / "test_predictions.csv.gz").read_bytes() == first.read_bytes()


def test_a_kept_file_that_was_changed_is_noticed(done, tmp_path):
    place = published.keep(done, "multitask", tmp_path).folder
    table = (place / "metrics.csv").read_text()
    (place / "metrics.csv").write_text(table.replace("MAE", "MEA"))
    with pytest.raises(ValueError, match=r"multitask-42: .*metrics\.csv is not what was written"):
        published.kept(folder=tmp_path)


def test_results_are_means_over_the_seeds_that_are_kept(done, folder, tmp_path):
    first = published.keep(done, "multitask", tmp_path)
    second = published.keep(runs.run(done.experiment.replace(seed=43), progress=False), "multitask", tmp_path)
    table = published.results(tmp_path).set_index("measure")
    values = [kept.measures.loc["MAE", "value"] for kept in (first, second)]
    assert table.loc["MAE", "ours"] == pytest.approx(np.mean(values))
    assert table.loc["MAE", ["least", "most"]].tolist() == pytest.approx(sorted(values))
    assert table.loc["macro F1 of gender", "published"] == 93.01


def test_several_runs_as_one_take_the_mean_of_their_ages_and_probabilities(tmp_path):
    answers = [([10.0, 40.0], [0.9, 0.4]), ([14.0, 44.0], [0.4, 0.3]), ([24.0, 45.0], [0.4, 0.6])]
    runs_of_it = []
    for number, (ages, female) in enumerate(answers):
        place = tmp_path / f"multitask-{number}"
        place.mkdir()
        table = pd.DataFrame({"path": ["a", "b"], "age": [12.0, 50.0], "gender": ["female", "male"]})
        table["predicted"], table["predicted_age_group"], table["predicted_gender"] = ages, "?", "?"
        table["gender=female"], table["gender=male"] = female, 1 - np.array(female)
        table.to_csv(place / "test_predictions.csv.gz", index=False)
        workspace.write_json(place / "experiment.json", {"target": "distribution", "bins": "3"})
        runs_of_it.append(published.Kept(place))
    joint = published.together(runs_of_it)
    assert joint["predicted"].tolist() == [16.0, 43.0]
    assert joint["gender=female"].tolist() == pytest.approx([1.7 / 3, 1.3 / 3])
    assert joint["predicted_gender"].tolist() == ["female", "male"]
    expected = age_groups.names_of("3")
    assert joint["predicted_age_group"].tolist() == [expected[code] for code in age_groups.group_of([16.0, 43.0], "3")]


def test_the_kept_intervals_were_calibrated_on_the_validation_part(done, folder):
    (kept,) = published.kept(folder=folder)
    table = kept.predictions
    inside = table["age"].between(table["age_low"], table["age_high"])
    assert kept.measures.loc["coverage of 90 % intervals", "value"] == pytest.approx(100 * inside.mean())
    # By hand: quantiles of the posterior, moved by the 90 % order statistic of what the validation set needed.
    margins = {}
    for part, predictions in (("valid", done.valid_predictions), ("test", done.predictions)):
        low, high = metrics.posterior_quantiles(done.posterior(part), (0.05, 0.95)).T
        needed = np.sort(np.maximum(low - predictions["age"], predictions["age"] - high))
        margins[part] = needed[int(np.ceil(0.9 * (len(needed) + 1))) - 1]
    assert abs(margins["valid"] - margins["test"]) > 0.01, "another set would be noticed"
    low, high = metrics.posterior_quantiles(done.posterior("test"), (0.05, 0.95)).T
    assert table["age_low"].to_numpy() == pytest.approx(low - margins["valid"], abs=1e-3)
    assert table["age_high"].to_numpy() == pytest.approx(high + margins["valid"], abs=1e-3)


def test_a_kept_run_says_where_its_numbers_come_from_as_a_run_does(done, folder):
    (kept,) = published.kept(folder=folder)
    assert str(show.provenance(kept)).partition(" seed ")[2] == str(show.provenance(done)).partition(" seed ")[2]
    assert "Drawn faces, not people (drawn-utkface)" in str(show.provenance(kept))


def test_the_page_names_what_is_kept_and_the_command_that_makes_it_again(done, folder, tmp_path):
    page = results_page(folder)
    heading = published.FAMILIES["tasks"].title
    assert f"## {heading}" in page and "| age, gender and ethnicity<br>`multitask` | **" in page
    assert "F1 of gender 93.01" in page and "{cite:t}`benyamin2023age`" in page
    assert "70.71 % for age (V19) is of its first seven groups" in page and "F1 of age group 70.71" not in page
    assert "agelib published NAME" in page
    assert "No run is kept yet" in results_page(tmp_path)

    published.keep(done, "best", tmp_path)
    alone = results_page(tmp_path)
    assert "| `best` | random | " in alone and "| MAE | **" in alone and "| 93.41 % |" in alone


def test_what_chose_a_setting_is_kept_with_the_run(folder):
    (kept,) = published.kept(folder=folder)
    assert kept.environment["chosen_by"] == published.read("multitask").chosen_by == kept.chosen_by


def test_a_grid_decides_on_the_validation_part_and_its_trials_are_kept(tmp_path, monkeypatch):
    experiment = published.Published(
        "study-a-resnet18",
        "",
        MINIATURE | {"tasks": ("age",), "target": "regression", "loss": "mse"},
        grid={"learning_rate": (1e-2, 1e-9)},
        grid_size={"epochs": 1},
    )
    monkeypatch.setattr(runner, "read", lambda name: experiment)

    def learning_rates():
        table = published.run(experiment.name, folder=tmp_path, progress=False)
        assert (table["state"] == "complete").all(), table["error"].tolist()
        return [run.experiment.training.learning_rate for run in published.kept(experiment.name, tmp_path)]

    assert published.trials(experiment.name, tmp_path) is None
    chosen = learning_rates()
    trials = published.trials(experiment.name, tmp_path)
    assert trials["learning_rate"].tolist() == [1e-2, 1e-9] and set(trials["epochs_run"]) == {1}
    assert chosen == [trials.loc[trials["valid_mse"].idxmin(), "learning_rate"]]
    # What is kept is not run again: a file that says otherwise is believed.
    worst = trials["valid_mse"].idxmax()
    trials.loc[worst, "valid_mse"] = 0.0
    trials.to_csv(tmp_path / "grids" / f"{experiment.name}.csv", index=False)
    assert learning_rates() == [trials.loc[worst, "learning_rate"]]


def test_what_is_compared_is_side_by_side_with_its_yardstick(done, tmp_path):
    published.keep(done, "target-distribution", tmp_path)
    published.keep(done, "multitask", tmp_path)
    table = published.side_by_side("tasks", tmp_path)
    assert table.index.tolist() == ["a label distribution", "age, gender and ethnicity"]
    assert table["seeds"].tolist() == [1, 1]
    assert table["MAE"].to_numpy() == pytest.approx(done.metrics.loc["MAE", "value"], abs=1e-3)
    assert table["macro F1 of gender"].notna().all() and "CS@5" not in table
    with pytest.raises(ValueError, match="no family of experiments 'taks'; did you mean 'tasks'"):
        published.side_by_side("taks", tmp_path)
    long = published.compare(published.results(tmp_path, ["multitask"]), "macro F1 of gender")
    assert long["variant"].tolist() == ["multitask"] and long["published"].tolist() == [93.01]


def test_maps_of_the_shipped_network_are_means_of_many_pictures(done, tmp_path):
    deploy.export(done, tmp_path / "model", graph=False)
    data = done.experiment.values()
    changes = {name: data[name] for name in ("source", "pictures", "detector", "min_pictures_per_age")}
    found = published.write_maps(
        "", tmp_path, tmp_path / "model", number=0, least=3, layer="", split_file="", **changes
    )
    for averages in found.averages.values():
        assert averages.counts.min() >= 3 and averages.counts.sum() <= len(done.predictions)
        assert averages.maps.shape == averages.errors.shape == (len(averages.names), *averages.maps.shape[1:])
        assert np.abs(averages.maps).max() > 0
    assert found.averages["occlusion"].maps.shape[1:] == (8, 8)
    nothing = found.sanity[found.sanity["randomised"] == "nothing"]
    assert nothing["rank_correlation"].tolist() == pytest.approx([1, 1])
    assert found.about["pictures"] == len(done.predictions) and "/" not in found.about["data"]


def test_the_kept_maps_show_no_single_picture():
    kept = published.read_maps()
    assert kept is not None and set(kept.averages) == {"occlusion", "Grad-CAM"}
    assert all(averages.counts.min() >= 30 for averages in kept.averages.values())


def test_the_split_is_of_names_and_parts_alone(tmp_path):
    root = drawn.draw_collection("utkface", 120, seed=4, size=32, folder=tmp_path / "utk", jobs=1, progress=False)
    table = published.write_split(root, tmp_path / "split.csv.gz")
    assert table.columns.tolist() == ["path", "split"]
    about = json.loads((tmp_path / "split.json").read_text())
    assert about["pictures"] == table["split"].value_counts().to_dict() and "root" not in about["options"]
    shares = table["split"].value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.8, abs=0.06)
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "split.csv.gz"), table.reset_index(drop=True), check_dtype=False
    )


def test_the_command_lists_what_there_is_and_says_what_it_lacks(capsys):
    assert main(["published"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in (*published.NAMES, *published.SEQUENCES, "chalearn-gap", "split"))
    for name in ("multitask", "maps", "fgnet-folds"):
        assert main(["published", name]) == 2
        assert f"published {name} needs --root" in capsys.readouterr().err
    assert main(["published", "multitsk", "--root", "nowhere"]) == 2
    assert "did you mean 'multitask'" in capsys.readouterr().err


def test_the_command_runs_an_experiment_and_keeps_it_only_if_told_to(tmp_path, monkeypatch, capsys):
    root = drawn.draw_collection("utkface", 160, seed=4, size=32, folder=tmp_path / "utk", jobs=1, progress=False)
    monkeypatch.setattr(published, "FOLDER", tmp_path / "reference")
    small = MINIATURE | {"source": "utkface", "pictures": 0, "root": root, "split_file": ""}
    typed = [f"--{option.replace('_', '-')}={value}" for option, value in small.items()]
    assert main(["published", "multitask", "--seeds", "42,43", *typed]) == 0
    said = capsys.readouterr().out
    assert said.count("coverage of 90 % intervals") == 2 and "93.01" in said
    assert not published.kept("multitask", tmp_path / "reference")
    assert main(["published", "multitask", "--seeds", "43", "--write", *typed]) == 0
    assert [run.seed for run in published.kept("multitask", tmp_path / "reference")] == [43]


def test_the_command_makes_the_split_and_what_is_no_training(tmp_path, monkeypatch, capsys):
    root = drawn.draw_collection("utkface", 120, seed=4, size=32, folder=tmp_path / "utk", jobs=1, progress=False)
    monkeypatch.setattr(published, "FOLDER", tmp_path / "reference")
    (tmp_path / "reference").mkdir()
    assert main(["published", "split", "--root", str(root)]) == 0
    assert "train 88, test 12, valid 10" in capsys.readouterr().out and not list((tmp_path / "reference").iterdir())
    assert main(["published", "split", "--root", str(root), "--write"]) == 0
    assert (tmp_path / "reference" / "utkface_21k_split.csv.gz").is_file()


def test_a_kept_run_holds_no_picture_and_no_place_of_this_machine(folder):
    place = folder / "runs" / "multitask-42"
    names = {file.name for file in place.iterdir()}
    assert names == {
        "experiment.json", "environment.json", "history.csv", "test_predictions.csv.gz", "metrics.csv", workspace.SEAL,
    }  # fmt: skip
    assert str(workspace.home()) not in (place / "experiment.json").read_text()


def test_the_committed_split_is_the_one_that_its_provenance_describes():
    table = pd.read_csv(published.SPLIT, dtype=str)
    about = json.loads(published.SPLIT.with_name("utkface_21k_split.json").read_text())
    assert table["split"].value_counts().to_dict() == about["pictures"]
    assert table["path"].is_unique and workspace.content_key(table.to_csv(index=False)) == about["key"]


SHIPPED = Path(agelib.__file__).parents[1] / "data" / "reference" / "model"


def test_the_model_that_is_shipped_is_of_a_kept_run_and_small():
    model = deploy.load(SHIPPED)
    (kept,) = [run for run in published.kept("best") if run.seed == model.about["environment"]["seed"]]
    assert model.about["test"]["MAE"][0] == pytest.approx(kept.measures.loc["MAE", "value"], abs=1e-4)
    assert model.experiment.network == kept.experiment.network
    assert not model.drawn and model.frame is not None
    assert model.weights.stat().st_size <= 4e6
    assert "UTKFace is for non-commercial research" in (SHIPPED / "README.md").read_text()


def test_the_page_says_what_is_not_reached(done, tmp_path):
    published.keep(done, "best", tmp_path)
    page = results_page(tmp_path).partition("## What is reached, and what is not")[2]
    ours = published.results(tmp_path).set_index("measure")["ours"]
    assert f"| this book | `best`, one seed | random | **{ours['MAE']:.2f}** |" in page
    better = sum(mae < ours["MAE"] for *_, mae in recipes.FIELD)
    assert f"{better} of these 5 are ahead of `best`" in page
    # One epoch on a hundred drawn faces beats nobody.
    assert (
        "- Macro F1 of gender: study C states 93.41 %, ours (`best`, one seed) is" in page and "**not reached**" in page
    )
