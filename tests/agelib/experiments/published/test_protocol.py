"""The protocol of every number on the page "Results": one rule in a table, one row's facts for that row alone."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser
from sklearn.metrics import f1_score

import agelib
from agebook.build.results import results_page
from agelib.experiments import published
from agelib.runtime import workspace
from agelib.targets import age_groups

#: The kept runs of the repository; there may be none.
KEPT = published.kept()


@pytest.fixture(scope="module")
def page():
    """The page of the kept runs."""
    return results_page()


NAMES_OF_GROUPS = np.asarray(age_groups.names_of("7b"), object)


def made_run(folder, name, ages, predicted, likely=None, losses=(1.0,), **options):
    """A kept run of what a test says of it: ages and predicted ones, and the group to which it gives nine in ten."""
    place = Path(folder) / "runs" / name
    place.mkdir(parents=True)
    workspace.write_json(place / "experiment.json", {"source": "utkface", "target": "distribution"} | options)
    count = {"train": 9, "valid": 4, "test": len(ages)}
    about = {"pictures": count, "epochs": len(losses), "seconds": 60.0, "device": "cpu", "data": "utkface"}
    workspace.write_json(place / "environment.json", about)
    pd.DataFrame({"valid_loss": losses}).to_csv(place / "history.csv", index=False)
    table = pd.DataFrame({"path": [f"{number}.jpg" for number in range(len(ages))], "age": ages})
    table["predicted"] = predicted
    table["age_group"], of_the_age = (NAMES_OF_GROUPS[age_groups.group_of(each, "7b")] for each in (ages, predicted))
    by_age = options.get("grouping") == "age" or likely is None
    table["predicted_age_group"] = of_the_age if by_age else likely
    for group in NAMES_OF_GROUPS if likely is not None else ():
        table[f"age_group={group}"] = np.where(np.asarray(likely) == group, 0.9, 0.1 / 6)
    table.to_csv(place / "test_predictions.csv.gz", index=False)
    workspace.seal(place)
    return published.Kept(place)


@pytest.mark.parametrize(("grouping", "group"), [("age", "15–30"), ("posterior", "7–14")])
def test_several_runs_as_one_take_their_age_groups_by_the_rule_of_the_runs(grouping, group, tmp_path):
    """Two of three give the younger group most, and the mean age falls in the older one."""
    likely = ["7–14", "7–14", "15–30"]
    members = [
        made_run(tmp_path, f"best-{seed}", [16.0], [age], [most], grouping=grouping)
        for seed, age, most in zip((42, 43, 44), (14.0, 14.0, 26.0), likely, strict=True)
    ]
    joint = published.together(members)
    assert joint["predicted"].tolist() == [18.0]
    assert joint["predicted_age_group"].tolist() == [group]


@pytest.mark.parametrize("name", published.NAMES)
def test_an_ensemble_follows_the_members_rule_on_every_kept_experiment(name):
    """Of one run "all seeds as one" is that run, to the last group."""
    for run in published.kept(name)[:1]:
        if "predicted_age_group" in run.predictions:
            joint = published.together([run])
            agree = (joint["predicted_age_group"] == run.predictions["predicted_age_group"]).mean()
            assert agree > 0.998, f"{100 * agree:.1f} % of the groups are those of the run"


def test_an_older_run_was_chosen_by_what_is_known_of_its_experiment(tmp_path):
    made = made_run(tmp_path, "speedrun-size-42", [20.0], [20.0])
    assert made.chosen_by == published.read("speedrun-size").chosen_by


def test_whose_numbers_stand_on_the_page_of_results_is_named(page):
    """Every citation is read as one, in tables too, and its work is in the bibliography."""
    tokens = create_md_parser(MdParserConfig(), RendererHTML).parse(page)
    inside = [child for token in tokens for child in token.children or ()]
    cited = [each.content for each in inside if each.type == "myst_role" and each.meta["name"] == "cite:t"]
    assert len(cited) == page.count("{cite:t}") > 5
    assert not [each.content for each in inside if each.type != "myst_role" and "{cite" in each.content]
    works = (Path(agelib.__file__).parents[1] / "book" / "references.bib").read_text(encoding="utf-8")
    assert all(re.search(rf"^@\w+\{{{work},$", works, re.MULTILINE) for work in cited)
    assert not re.search(r": \.$", page, re.MULTILINE)


def rows_of(page, heading):
    """The first cells of the table's rows below a heading of the page, and the table as one."""
    table = page.partition(f"## {heading}")[2].partition("How each was made")[2].partition("\n\n")[2]
    lines = [line.strip("|").split("|") for line in table.partition("\n\n")[0].splitlines()]
    columns = [cell.strip() for cell in lines[0]]
    return {line[0].strip(" `"): dict(zip(columns, map(str.strip, line), strict=True)) for line in lines[2:]}


def test_every_row_of_the_page_has_its_own_protocol(tmp_path):
    """Nothing of one row is said of another: size, length, first weights, rule and what chose it are the run's own."""
    made_run(tmp_path, "speedrun-42", [20.0, 40.0], [21.0, 42.0], losses=(3.0, 2.0), image_size=48, grouping="age")
    for seed in (42, 43):
        losses = (1.0,) * (seed - 40)
        more = {"image_size": 64, "pretrained": "/home/somebody/faces.safetensors", "folds": 5, "fold": 1}
        likely = NAMES_OF_GROUPS[[3, 4]]
        made_run(tmp_path, f"speedrun-size-{seed}", [20.0, 40.0], [21.3, 42.0], likely, losses, **more)
    page = results_page(tmp_path)
    rows = rows_of(page, published.FAMILIES["speedrun"].title)
    first, second = rows["speedrun"], rows["speedrun-size"]
    assert (first["pixels"], second["pixels"]) == ("48", "64")
    assert (first["epochs"], second["epochs"]) == ("2", "2–3")
    assert (first["weights"], second["weights"]) == ("random", "faces.safetensors")
    assert (first["folds"], second["folds"]) == ("one split", "fold 2 of 5")
    assert (first["seeds"], second["seeds"]) == ("42", "42, 43")
    assert (first["rounding"], second["rounding"]) == ("whole years", "none")
    assert first["age group"] == "the group of the predicted age" and second["age group"] == "the most probable group"
    assert "nobody is named" in first["persons on both sides"]
    assert first["chosen by"] == "not kept" and "test errors" in second["chosen by"]
    assert "somebody" not in page


def test_a_protocol_says_whether_persons_are_on_both_sides(tmp_path):
    run = made_run(tmp_path, "best-42", [20.0, 40.0], [21.0, 42.0])
    run.__dict__["predictions"] = run.predictions.assign(identity=["a", "b"])
    assert published.protocol_of(run)["persons on both sides"] == "no"
    run.__dict__["experiment"] = run.experiment.replace(split="by_age")
    assert published.protocol_of(run)["persons on both sides"] == "yes"


def test_all_rows_of_a_table_are_judged_by_one_rule(tmp_path):
    """Ages that end in .5 and groups that are not those of the ages: by its own rule each row has another F1."""
    ages = [2.0, 14.0, 15.0, 35.0]
    predicted = [2.4, 14.4, 14.6, 35.2]
    likely = NAMES_OF_GROUPS[[0, 3, 3, 4]]
    made_run(tmp_path, "target-regression-42", ages, predicted, target="regression")
    made_run(tmp_path, "target-distribution-42", ages, predicted, likely)
    table = published.side_by_side("targets", tmp_path)
    assert table["macro F1 of age_group"].tolist() == [100, 100]
    assert (table["rule"] == "the group of the predicted age in whole years").all()
    assert table["own rule"].tolist() == ["the group of the predicted age", "the most probable group"]
    names = list(NAMES_OF_GROUPS[age_groups.group_of(ages, "7b")])
    own = [NAMES_OF_GROUPS[age_groups.group_of(predicted, "7b")], likely]
    assert table["own F1"].tolist() == pytest.approx([100 * f1_score(names, each, average="macro") for each in own])
    # By one rule for all, that is the rule.
    made_run(tmp_path, "balance-loss-42", ages, predicted, likely)
    made_run(tmp_path, "target-groups-42", ages, predicted, likely)
    table = published.side_by_side("balance", tmp_path)
    assert "own rule" not in table and set(table["rule"]) == {"the most probable group"}


def test_recipes_on_the_clock_are_judged_by_one_rule(tmp_path):
    """The plain recipe's 14.6 is 15 in whole years, where the sprint's is, and 14 by its own rule."""
    ages = [2.0, 14.0, 15.0, 35.0]
    for name, predicted in (("sprint-42", ages), ("sprint-plain-42", [2.4, 14.4, 14.6, 35.2])):
        made = made_run(tmp_path, name, ages, predicted, target="regression", grouping="age")
        workspace.write_json(made.folder / "clock.json", {"decoded": 1.0, "judged": 60.0})
        (made.folder / workspace.SEAL).unlink()
        workspace.seal(made.folder)
    table = published.races(tmp_path)
    assert table["f1"].tolist() == [100, 100] and table["change"].iloc[1] == 0
    assert table["own_f1"].iloc[0] == 100 > table["own_f1"].iloc[1]


@pytest.mark.parametrize("family", [name for name in published.FAMILIES if name])
def test_every_table_of_the_kept_runs_has_one_rule(family):
    """From scratch: one rule and one rounding give every F1 of the table."""
    table, names = published.side_by_side(family), published.compared(family)
    if "rule" not in table:
        pytest.skip("no age group is predicted")
    (rule,) = table["rule"].dropna().unique()
    for name in names:
        found = []
        for run in published.kept(name):
            rows = run.predictions
            if "predicted" not in rows:
                continue
            if rule.endswith("in whole years"):
                groups = age_groups.group_of(np.floor(rows["predicted"] + 0.5), "7b")
                predicted = NAMES_OF_GROUPS[groups]
            else:
                predicted = rows["predicted_age_group"]
            found.append(100 * f1_score(rows["age_group"], predicted, average="macro"))
        if found:
            assert table.loc[published.read(name).title, "macro F1 of age_group"] == pytest.approx(np.mean(found))


def test_whole_years_get_no_grace_that_others_do_not_get(tmp_path):
    """One network twice, once rounded by itself: its CS@5 is the same on the page."""
    ages = np.full(100, 30.0)
    predicted = 30 + np.linspace(4, 6, 100)
    made_run(tmp_path, "best-42", ages, predicted)
    made_run(tmp_path, "speedrun-42", ages, np.floor(predicted + 0.5))
    table = published.results(tmp_path).set_index(["step", "measure"])["ours"]
    assert table["best", "CS@5 in whole years"] == table["speedrun", "CS@5 in whole years"] == 75
    assert "CS@5" not in set(table.index.get_level_values("measure"))


def test_published_age_groups_are_those_of_ours_and_by_the_same_rule(tmp_path):
    """A work's F1 of age groups stands beside ours of the same groups, each the most probable one."""
    stated = {}
    for step in published.read("utkface-twenty").steps:
        for part in step.parts or ("",):
            stated[step.published_of(part).get("macro F1 of age_group")] = step.options["bins"]
    names = [name for name in published.NAMES if "macro F1 of age_group" in published.read(name).published]
    assert names
    for name in names:
        experiment = published.read(name)
        bins = experiment.experiment().training.bins
        assert stated[experiment.published["macro F1 of age_group"]] == bins, name
    likely = NAMES_OF_GROUPS[[3, 4, 4]]
    made_run(tmp_path, "best-42", [14.0, 16.0, 39.0], [13.0, 16.0, 41.0], likely, grouping="age")
    table = published.results(tmp_path).set_index("measure")
    assert np.isnan(table.loc["macro F1 of age_group", "published"])
    by_probability = table.loc["macro F1 of age_group by probability"]
    assert by_probability["published"] == 73.27
    true = NAMES_OF_GROUPS[age_groups.group_of([14.0, 16.0, 39.0], "7b")]
    assert by_probability["ours"] == pytest.approx(100 * f1_score(true, likely, average="macro"))


def test_the_page_picks_the_recipe_with_the_least_validation_loss_and_no_other(tmp_path):
    """Of all that can be compared, as a mean over seeds; neither the test set nor another loss has a say."""
    ages = [20.0, 40.0]
    tasks = {"tasks": ("age", "gender", "ethnicity")}
    made_run(tmp_path, "best-42", ages, [30.0, 50.0], losses=(5.0, 3.0, 4.0), **tasks)
    made_run(tmp_path, "best-43", ages, [30.0, 50.0], losses=(3.4,), **tasks)
    made_run(tmp_path, "speedrun-42", ages, [20.0, 40.0], losses=(3.3,), **tasks)
    made_run(tmp_path, "speedrun-size-42", ages, [26.0, 46.0], losses=(3.1,), image_size=64, **tasks)
    made_run(tmp_path, "sprint-tasks-42", ages, [20.0, 40.0], losses=(0.1,))
    made_run(tmp_path, "sprint-target-42", ages, [20.0, 40.0], losses=(0.2,), **tasks | {"target": "regression"})
    ranking = published.by_validation_loss(tmp_path)
    assert ranking["valid_loss"].to_dict() == pytest.approx({"speedrun-size": 3.1, "best": 3.2, "speedrun": 3.3})
    assert ranking.index.tolist() == ["speedrun-size", "best", "speedrun"]
    page = results_page(tmp_path).partition("## What is reached, and what is not")[2]
    assert "| this book | `speedrun-size`, one seed | random | **6.00** |" in page
    assert "| this book | `best`, mean of 2 seeds | random | **10.00** (10.00 to 10.00) |" in page
    assert "Of the 3 recipes of ours" in page and "has `speedrun-size` (3.1000, 1 seed); then `best` (3.2000" in page
    assert "5 of these 5 are ahead of `speedrun-size`, 1 of them from random weights" in page
    assert f"What chose that it was tried: {published.read('speedrun-size').chosen_by}." in page
    with pytest.raises(ValueError, match=r"no run of 'multitask' is kept in .*; there are: best, speedrun"):
        published.by_validation_loss(tmp_path, "multitask")


def test_single_networks_stand_beside_single_networks(tmp_path):
    """An ensemble of three is better than each, and stands in no row of the field."""
    for seed, predicted in ((42, [26.0, 40.0]), (43, [14.0, 46.0]), (44, [20.0, 34.0])):
        made_run(tmp_path, f"best-{seed}", [20.0, 40.0], predicted, pretrained="faces.safetensors")
    page = results_page(tmp_path).partition("## What is reached, and what is not")[2]
    assert "| this book | `best`, mean of 3 seeds | faces.safetensors | **4.00** (3.00 to 6.00) |" in page
    assert "1 of these 5 are ahead" in page
    assert "an ensemble, which is another thing (`best` 0.00 years), and stand in no row" in page


def test_the_page_says_whether_ours_have_the_published_order(page, tmp_path):
    """The study: EfficientNet 133, ResNet 147, Swin 173. Ours here: the reverse, then the same."""
    for errors, said in (
        ((2.0, 3.0, 1.0), "that of ours is Swin Transformer V2, ResNet-18, EfficientNet-B0, the reverse."),
        ((2.0, 1.0, 3.0), "ours have the same order."),
    ):
        folder = tmp_path / said[:4]
        for name, error in zip(("resnet18", "efficientnet", "swinv2"), errors, strict=True):
            made_run(folder, f"study-a-{name}-42", [20.0, 40.0], [20 + error, 40 - error], target="regression")
        theirs = "the published order is EfficientNet-B0, ResNet-18, Swin Transformer V2"
        assert f"{theirs}; {said}" in results_page(folder)
    assert theirs in page and "the order of the three can" not in page


def test_the_page_says_that_one_test_set_judged_all_runs_and_what_chose_each(page):
    assert f"{len(KEPT)} kept runs were judged on the same 2,000 test images" in page
    assert all(published.read(name).chosen_by for name in published.NAMES)
    assert all(run.chosen_by for run in KEPT)
    assert "test errors" in published.read("speedrun-size").chosen_by
    assert "validation" in published.read("study-a-swinv2").chosen_by
