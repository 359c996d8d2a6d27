"""Sequences: the published variants as data, run small, compared with what was published."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from agelib import networks, plots
from agelib.__main__ import main
from agelib.experiments import published
from agelib.experiments import run as runs
from agelib.experiments.published import runner
from agelib.experiments.published.record import Published, linked

AGE = "macro F1 of age_group"

#: Smaller than smoke: what a step does is tested, not what it learns.
TINY = {"pictures": 160, "image_size": 16, "epochs": 1, "batch_size": 32, "base_features": 4}


def experiments_of(name: str, overrides=(), **how) -> dict:
    """Every experiment of a sequence, by step and part."""
    return {
        (step.name, part): step.experiment(part=part, **how, **dict(overrides))
        for step in published.read(name).steps
        for part in step.parts or ("",)
    }


@pytest.fixture(scope="module")
def twenty():
    return published.read("utkface-twenty")


@pytest.fixture(scope="module")
def done():
    return published.run("utkface-twenty", TINY, "smoke", only=["V02", "V05", "V13", "V15"], progress=False)


def test_the_published_numbers_are_study_cs():
    assert published.describe("utkface-twenty")["published"].tolist() == [
        53.38, 55.96, 51.93, 47.56, 58.37, 84.31, 75.10, 65.89, 67.29, 68.82,
        69.85, 70.94, 72.65, 90.00, 72.45, 71.24, 69.04, 69.95, 70.71, 73.27,
    ]  # fmt: skip


def test_the_final_step_has_a_number_for_each_of_three_networks(twenty):
    step = twenty.step("V20")
    assert step.published_of("age") == {AGE: 73.27}
    assert step.published_of("gender") == {"macro F1 of gender": 93.41}
    assert step.published_of("ethnicity") == {"macro F1 of ethnicity": 80.25}


def test_the_published_errors_are_study_bs():
    steps = {step.name: step for step in published.read("appa-real-m").steps}
    assert steps["M3"].published_of("head alone")["MAE"] == 10.45
    assert steps["M4"].published_of()["bias by age"] == 7.07
    assert steps["M5"].published_of() == {
        "MAE": 6.340045,
        "bias by gender": 0.044955,
        "bias by expression": 0.162736,
        "bias by ethnicity": 0.539348,
        "bias by age": 3.056905,
    }
    assert steps["M1"].published_of() == steps["M2"].published_of() == {}


def test_each_step_changes_what_the_study_says_and_nothing_else():
    experiments = {step: one.values() for (step, part), one in experiments_of("utkface-twenty").items() if not part}

    def changed(name, before):
        return {k: v for k, v in experiments[name].items() if v != experiments[before][k]}

    assert changed("V03", "V02") == {"network": "densenet201"}
    assert changed("V04", "V03") == {"network": "resnet152", "learning_rate": 1e-3}
    assert changed("V05", "V02") == {"augmentation": ("affine", "crop", "blur", "light")}
    assert changed("V06", "V05") == {"bins": "3", "learning_rate": 1e-3}
    assert changed("V07", "V06") == {"bins": "4"}
    assert changed("V08", "V07") == {"bins": "7a"}
    assert changed("V09", "V08") == {"balance": "sampler"}
    assert changed("V10", "V09") == {"grey": True}
    assert changed("V11", "V10") == {"dropout": 0.6}
    assert changed("V12", "V11") == {"optimiser": "rmsprop", "learning_rate": 1e-4}
    assert changed("V13", "V12") == {"optimiser": "nadam", "learning_rate": 1e-3}
    assert changed("V14", "V13") == changed("V15", "V13") == changed("V16", "V13") == {}
    assert changed("V17", "V13") == {"network": "inception_resnet_v1"}
    assert changed("V18", "V17") == {"network": "inception_resnet_v1_attention"}
    assert changed("V19", "V13") == {"tasks": ("age", "gender", "ethnicity"), "task_head": (132,)}


def test_the_final_network_is_described_as_in_the_study():
    experiments = experiments_of("utkface-twenty")
    age = experiments["V20", "age"].values()
    stated = {
        "blocks": 4, "base_features": 64, "hidden_neurons": 132, "image_size": 224, "grey": True, "balance": "sampler",
        "optimiser": "nadam", "learning_rate": 1e-4, "weight_decay": 0.1, "bins": "7b",
    }  # fmt: skip
    assert {name: age[name] for name in stated} == stated
    assert age["augmentation"] == ("affine", "crop", "blur", "light")
    sizes = {
        part: (experiments["V20", part].network.base_features, experiments["V20", part].network.hidden_neurons)
        for part in ("gender", "ethnicity")
    }
    assert sizes == {"gender": (32, 64), "ethnicity": (64, 64)}


def test_strategy_two_trains_the_head_first_with_the_kits_settings():
    experiments = experiments_of("appa-real-m")
    settings = experiments["M2", ""].training
    assert settings.trained == "head_then_all"
    assert (settings.head_batch_size, settings.head_epochs) == (32, 50)
    assert (settings.batch_size, settings.epochs, settings.learning_rate) == (16, 12, 1e-5)
    assert experiments["M3", "head alone"].training.trained == "head"
    assert experiments["M5", ""].network.head == (512, 256, 128, 64, 32)


@pytest.mark.parametrize("name", published.SEQUENCES)
def test_every_size_makes_experiments_of_every_step(name):
    sequence = published.read(name)
    for size in sequence.sizes:
        experiments = experiments_of(name, sequence.size(size))
        assert {step for step, _ in experiments} == {step.name for step in sequence.steps}
        for step in sequence.smaller.get(size, {}):
            assert sequence.size(size, step) != sequence.size(size)
            assert sequence.step(step).experiment(**sequence.size(size, step))


@pytest.mark.parametrize("name", published.SEQUENCES)
def test_every_network_of_a_sequence_exists(name):
    for experiment in experiments_of(name).values():
        assert networks.module_of(experiment.network.network)


def test_drawn_sets_are_joined_for_the_first_step_alone():
    for size, first, others in (
        ("cpu", "drawn-utkface+drawn-appa-real", "drawn-utkface"),
        ("full", "utkface", "utkface"),
    ):
        experiments = experiments_of("utkface-twenty", published.read("utkface-twenty").size(size))
        sources = {step: one.data.source for (step, _), one in experiments.items()}
        assert sources.pop("V01") == first
        assert set(sources.values()) == {others}
    people = {"source": "utkface+appa-real", "root": "/u,/a"}
    data = published.read("utkface-twenty").step("V01").experiment(**people).data
    assert (data.source, data.root) == ("utkface+appa-real", "/u,/a")


def test_weights_are_for_the_steps_that_start_from_some():
    experiments = experiments_of("utkface-twenty", weights="casia.safetensors")
    assert {step for (step, _), one in experiments.items() if one.network.pretrained} == {"V17"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: linked({}, Published("A", "", {}), Published("A", "", {})), "twice"),
        (lambda: linked({}, Published("A", "", {}, after="B"), Published("B", "", {})), "builds on no earlier"),
        (lambda: Published("A", "", {"lerning_rate": 1}), "'lerning_rate', which is no option"),
        (lambda: Published("A", "", {}, parts={"x": {"lerning_rate": 1}}), "which is no option"),
        (lambda: Published("A", "", {}, kind="jump"), "kinds: run, hierarchy"),
    ],
)
def test_what_contradicts_itself_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_step_builds_on_the_one_before_or_on_the_one_that_it_names():
    first, second, third = linked(
        {"epochs": 9, "bins": "8"},
        Published("A", "", {"bins": "3"}),
        Published("B", "", {"bins": "4", "dropout": 0.1}),
        Published("C", "", {"grey": True}, after="A"),
        study="somebody",
    )
    assert (second.after, third.after) == (first, first) and third.study == "somebody"
    assert second.options == {"epochs": 9, "bins": "4", "dropout": 0.1}
    assert third.options == {"epochs": 9, "bins": "3", "grey": True}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("utkface-twelve",), "did you mean 'utkface-twenty'"),
        (("utkface-twenty", {"epoch": 1}), "did you mean 'epochs'"),
        (("utkface-twenty", {}, "tiny"), "sizes: smoke, cpu, reduced, full"),
        (("utkface-twenty", {}, "smoke", ["V21"]), "no step 'V21'"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_runs(arguments, message):
    with pytest.raises(ValueError, match=message):
        published.run(*arguments, progress=False)


def test_running_sets_ours_beside_the_published(done):
    assert (done["state"] == "complete").all(), done["error"].tolist()
    mine = done[done["measure"] == AGE].set_index("step")
    assert mine["published"].to_dict() == {"V02": 55.96, "V05": 58.37, "V13": 72.65, "V15": 72.45}
    assert (mine["low"] <= mine["ours"]).all()
    assert (mine["ours"] <= mine["high"]).all()
    assert mine["drawn"].all()
    assert (mine["epochs"] == 1).all()


def test_ours_is_scikit_learns_macro_f1_of_the_stored_predictions(done):
    from sklearn.metrics import f1_score

    for row in done[done["measure"] == AGE].to_dict("records"):
        table = pd.read_csv(row["predictions"])
        expected = 100 * f1_score(table["age_group"], table["predicted_age_group"], average="macro", zero_division=0)
        assert row["ours"] == pytest.approx(expected), row["step"]


def test_a_hierarchy_states_the_published_groups_too(done):
    rows = done[done["step"] == "V15"].set_index("measure")["published"]
    assert rows[f"{AGE}, male"] == 72.95
    assert rows[f"{AGE}, female"] == 71.97


def test_running_again_finds_everything_done(done, monkeypatch):
    monkeypatch.setattr(runs, "train", lambda *a, **k: pytest.fail("trained again"))
    again = published.run("utkface-twenty", TINY, "smoke", only=["V02", "V15"], progress=False)
    expected = done[done["step"].isin(["V02", "V15"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, expected)


def test_an_executor_may_be_brought_along(done):
    with ThreadPoolExecutor(2) as executor:
        again = published.run("utkface-twenty", TINY, "smoke", only=["V05", "V02"], executor=executor, progress=False)
    assert again["step"].tolist() == ["V05", "V02"]
    expected = done.set_index("step")["ours"]
    assert again["ours"].tolist() == [expected["V05"], expected["V02"]]


def test_a_failing_step_is_recorded_and_the_next_goes_on():
    found = published.run("utkface-twenty", TINY | {"root": "/nowhere"}, "smoke", only="V02", progress=False)
    assert found["state"].tolist() == ["failed"]
    assert "root" in found["error"][0]
    assert found["published"].tolist() == [55.96]
    assert np.isnan(found["ours"][0])


def test_one_real_data_set_does_not_pass_for_several():
    found = published.run("utkface-twenty", {"root": "/nowhere"}, "reduced", only="V01", progress=False)
    assert found["error"][0].startswith("ValueError: V01 takes several data sets, not utkface alone")


def test_the_leak_is_refused_by_default_and_made_on_purpose():
    found = published.run("utkface-twenty", TINY, "smoke", only="V14", progress=False).iloc[0]
    assert found["state"] == "complete", found["error"]
    assert found["remark"].startswith("By default refused: the weights")
    assert found["published"] == 90.0


def test_gains_are_paired_differences_to_the_step_that_is_changed(done):
    table = published.gains(done, "utkface-twenty", resamples=50)
    assert table["after"].to_dict() == {"V05": "V02"}  # V13's groups are others than V05's, V15 builds on V14
    value = done[done["measure"] == AGE].set_index("step")["ours"]
    assert table.loc["V05", "ours"] == pytest.approx(value["V05"] - value["V02"])
    assert table.loc["V05", "published"] == pytest.approx(58.37 - 55.96)


def test_the_comparison_is_what_the_figure_draws(done):
    table = published.compare(done)
    assert table["variant"].tolist() == ["V02", "V05", "V13", "V15"]
    assert plots.variants(table).axes


def test_study_bs_models_state_their_biases_beside_the_published():
    tiny = TINY | {"network": "basic_cnn", "blocks": 2}
    # Enough pictures that each ethnicity is in the test part.
    found = published.run("appa-real-m", tiny | {"pictures": 400}, "smoke", only="M3", progress=False)
    assert (found["state"] == "complete").all(), found["error"].tolist()
    head = found[found["part"] == "head alone"].set_index("measure")
    assert head.loc["MAE", "published"] == 10.45
    assert published.compare(found, "MAE")["variant"].tolist() == ["M3 head alone", "M3 all layers"]
    assert {"bias by gender", "bias by ethnicity", "bias by age"} <= set(head.index)
    assert set(found["part"]) == {"head alone", "all layers"}
    assert "random weights" in found["remark"][0]


def test_weights_trained_on_other_faces_stand_in_for_those_that_are_not_at_hand():
    five = published.read("appa-real-m")
    options = five.size("smoke") | TINY | {"network": "basic_cnn", "blocks": 2, "seed": 42}
    other = {"source": "drawn-utkface", "label": "age", "epochs": 1}
    outcome = runner.take(runner.Task(five.step("M4"), "", options, stand_in=other))
    assert not isinstance(outcome, str), outcome
    remark = outcome[0]["remark"]
    assert "faces of drawn-utkface, in place of ResNet-50 trained for face recognition" in remark


def test_seeds_and_parts_have_rows_of_their_own(done):
    found = published.run("utkface-twenty", TINY, "smoke", only="V02", seeds=[42, 43], progress=False)
    assert (found["state"] == "complete").all(), found["error"].tolist()
    first, second = (found[found["seed"] == seed].set_index("measure") for seed in (42, 43))
    assert first.loc[AGE, "ours"] == done[done["measure"] == AGE].set_index("step").loc["V02", "ours"]
    assert second.loc[AGE, "predictions"] != first.loc[AGE, "predictions"]
    # An option beats the step's own seed, and a gain is of the first seed.
    other = published.run("utkface-twenty", TINY | {"seed": "43"}, "smoke", only="V02", progress=False)
    assert other["seed"].tolist() == [43] and other["ours"].tolist() == [second.loc[AGE, "ours"]]


def test_the_command_runs_a_sequence_and_writes_its_table(done, tmp_path, capsys):
    tiny = [word for option, value in TINY.items() for word in (f"--{option.replace('_', '-')}", str(value))]
    sequence = ["published", "utkface-twenty", "--size", "smoke", "--steps", "V02", *tiny]
    assert main([*sequence, "--out", str(tmp_path / "table.csv")]) == 0
    said = capsys.readouterr().out
    assert "drawn faces, not people" in said and "UTKFace alone" in said
    table = pd.read_csv(tmp_path / "table.csv")
    expected = done[(done["step"] == "V02") & (done["measure"] == AGE)]["ours"].tolist()
    assert table["ours"].tolist() == pytest.approx(expected)
    assert published.compare(table)["variant"].tolist() == ["V02"]
    assert main([*sequence, "--root", str(tmp_path / "nowhere")]) == 1
    assert "V02: FileNotFoundError" in capsys.readouterr().out
    assert main([*sequence, "--write"]) == 2
    assert "--out FILE" in capsys.readouterr().err
