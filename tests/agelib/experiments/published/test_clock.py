"""A run against the clock: everything is on the clock, and nothing that was there before helps it."""

import numpy as np
import pandas as pd
import pytest
from miniature import MINIATURE
from sklearn.metrics import f1_score

from agelib import drawn, plots
from agelib.__main__ import main
from agelib.experiments import published, run
from agelib.runtime import workspace
from agelib.targets import age_groups

#: A recipe in miniature, on drawn faces.
SMALL = MINIATURE | {"split_file": "", "epochs": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("reference")


@pytest.fixture(scope="module")
def raced(folder):
    return raced_again(folder)


def raced_again(folder, name="speedrun"):
    table = published.run(name, SMALL, seeds=[42], folder=folder, clock=True, progress=False)
    assert (table["state"] == "complete").all(), table["error"].tolist()
    (found,) = published.kept(name, folder)
    return found


def test_the_clock_goes_on_from_the_archive_to_the_judged_test_part(raced):
    marks = raced.clock
    assert set(marks) == {"read", "decoded", "judged"}
    assert 0 < marks["read"] < marks["decoded"] < marks["judged"]
    curve = published.clock(raced)
    assert curve["epoch"].tolist() == [1, 2]
    assert marks["decoded"] < curve["seconds"].iloc[0] < curve["seconds"].iloc[1] < marks["judged"]
    assert curve["valid_f1"].tolist() == raced.history["valid_f1"].tolist()


def test_a_speedrun_finds_what_the_same_experiment_finds_without_a_clock(raced, folder):
    plain = published.keep(
        run.run(published.read("speedrun").experiment().replace(**SMALL), progress=False), "multitask", folder
    )
    pd.testing.assert_frame_equal(raced.predictions, plain.predictions)
    with pytest.raises(ValueError, match="multitask-42 was made without a clock"):
        published.clock(plain)


def test_a_speedrun_leaves_the_workspace_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "home"))
    again = raced_again(tmp_path)
    assert workspace.home() == tmp_path / "home"
    assert not list(workspace.home().iterdir())
    assert workspace.find_fault(again.folder) == ""


def test_recipes_are_set_side_by_side_with_their_minutes(raced, folder):
    for name in ("speedrun-average", "sprint-plain"):
        raced_again(folder, name)
    sprint = raced_again(folder, "sprint")
    table = published.races(folder)
    names = ["speedrun", "speedrun-average", "sprint", "sprint-plain"]
    assert table.index.tolist() == [published.read(name).title for name in names]
    first, last, _, plain = table.itertuples()
    assert first.minutes == pytest.approx(raced.clock["judged"] / 60)
    assert first.f1 == pytest.approx(raced.measures.loc["macro F1 of age_group", "value"])
    assert table["change"].isna().tolist() == [True, False, True, False]
    assert (last.beside, plain.beside) == ("speedrun", "sprint")
    assert last.change == pytest.approx(last.f1 - first.f1)
    assert plain.change == pytest.approx(plain.f1 - sprint.measures.loc["macro F1 of age_group", "value"])
    assert plain.change_low <= plain.change <= plain.change_high
    # The plain recipe's ages are not whole, and its groups are those of the unrounded ages: f1 is by the sprint's rule.
    rows = published.kept("sprint-plain", folder)[0].predictions
    years = np.floor(rows["predicted"] + 0.5)
    groups = np.asarray(age_groups.names_of("7b"), object)[age_groups.group_of(years, "7b")]
    assert plain.f1 == pytest.approx(100 * f1_score(rows["age_group"], groups, average="macro"))
    own = 100 * f1_score(rows["age_group"], rows["predicted_age_group"], average="macro")
    assert plain.own_f1 == pytest.approx(own) and plain.own_rule == "the group of the predicted age"
    assert published.races(folder / "nowhere").empty


def test_every_trick_of_the_speedrun_has_a_recipe_without_it():
    whole = published.read("sprint").experiment().changes()
    plain = published.read("sprint-plain").experiment().changes()
    dropped = {}
    for name in published.compared("sprint")[1:]:
        values = published.read(name).experiment().changes()
        changed = {option for option in whole | values if whole.get(option) != values.get(option)}
        assert changed, name
        if name not in ("sprint-plain", "sprint-batch", "sprint-small"):
            dropped |= dict.fromkeys(changed)
    together = {option for option in whole | plain if whole.get(option) != plain.get(option)}
    assert together == set(dropped)


def test_the_race_has_a_line_for_each_training(raced):
    curves = pd.concat([published.clock(raced).assign(recipe=recipe, seed=seed) for recipe in "ab" for seed in (1, 2)])
    axis = plots.race(curves).axes[0]
    assert len([line for line in axis.lines if len(line.get_xdata()) == 2]) >= 4
    assert {text.get_text() for text in axis.texts} == {"a", "b"}


def test_a_clock_is_for_one_training_at_a_time():
    for name, how in (("utkface-twenty", {}), ("speedrun", {"workers": 2})):
        with pytest.raises(ValueError, match=f"{name}: a clock is for one"):
            published.run(name, SMALL, clock=True, progress=False, **how)


def test_the_command_says_what_it_lacks(capsys):
    assert main(["published", "speedrun", "--clock"]) == 2
    assert "published speedrun needs --root" in capsys.readouterr().err
    assert main(["published", "speedrum", "--clock", "--root", "nowhere"]) == 2
    assert "did you mean 'speedrun'" in capsys.readouterr().err
    assert main(["published", "speedrun", "--clock", "--seeds", "42", "--root", "nowhere"]) == 1
    assert "nowhere" in capsys.readouterr().out


def test_the_command_prints_the_clock(capsys, tmp_path):
    root = drawn.draw_collection("utkface", 160, seed=4, size=32, folder=tmp_path, jobs=1, progress=False)
    small = SMALL | {"source": "utkface", "pictures": 0, "root": root}
    typed = [word for option, value in small.items() for word in (f"--{option.replace('_', '-')}={value}",)]
    assert main(["published", "speedrun", "--clock", "--seeds", "42", *typed]) == 0
    said = capsys.readouterr().out
    assert "valid_f1" in said and "speedrun-42: read after " in said and "judged after" in said
    assert "macro F1 of age_group" in said
