"""Hierarchies: routed by the predicted group, on one split; another split is a leak, and refused."""

import pandas as pd
import pytest
from miniature import SMALL
from sklearn.metrics import f1_score

from agelib.config import Experiment
from agelib.data import splits
from agelib.experiments import hierarchies, run

BASE = Experiment.of(**(SMALL | {"target": "groups", "bins": "4", "epochs": 1, "base_features": 4}))


@pytest.fixture(scope="module")
def found():
    return hierarchies.hierarchy(BASE, "gender", "same_split", progress=False)


def test_every_test_picture_is_answered_once(found):
    common = run.run(BASE, progress=False)
    assert found.predictions["path"].tolist() == common.predictions["path"].tolist()
    assert found.oracle["path"].tolist() == common.predictions["path"].tolist()


def test_the_network_of_the_predicted_group_answers(found):
    said = found.router.predictions.set_index("path")["predicted_gender"]
    for row in found.predictions.to_dict("records"):
        assert row["answered_by"] == row["predicted_gender"] == said[row["path"]]
        own = found.groups[row["answered_by"]].predictions.set_index("path")
        assert row["predicted_age_group"] == own.loc[row["path"], "predicted_age_group"]


def test_the_oracle_asks_the_network_of_the_true_group(found):
    known = found.oracle[found.oracle["gender"].notna()]
    assert (known["answered_by"] == known["gender"]).all()


def test_scores_are_scikit_learns(found):
    for task, table in (("age_group", found.predictions), ("age_group, oracle", found.oracle)):
        expected = f1_score(table["age_group"], table["predicted_age_group"], average="macro", zero_division=0)
        assert found.scores.loc[(task, "macro F1"), "value"] == pytest.approx(100 * expected)
    members = found.oracle[found.oracle["gender"] == "female"]
    expected = f1_score(members["age_group"], members["predicted_age_group"], average="macro", zero_division=0)
    assert found.by_group.loc["female", "macro F1"] == pytest.approx(100 * expected)
    assert found.by_group["pictures"].sum() == found.oracle["gender"].notna().sum()


def test_each_group_is_trained_on_its_own_people_from_the_common_weights(found):
    for name, one in found.groups.items():
        assert set(one.train_predictions["gender"]) == {name}
        assert one.experiment.network.pretrained == str(found.common.weights)
        assert len(one.predictions) == len(found.predictions)


def test_all_networks_inherit_one_split(found):
    parts = [one.prepared.faces.set_index("path")["split"] for one in found.runs.values()]
    assert all(part.equals(parts[0]) for part in parts)
    assert (found.leaks["seen"] == 0).all()


def test_weights_of_another_split_are_refused():
    with pytest.raises(splits.LeakError, match=r"were trained on .* of the test part"):
        hierarchies.hierarchy(BASE, "gender", "other_split", progress=False)
    assert "allow_leaks=True" in hierarchies.refusal(BASE, progress=False)


def test_the_leak_can_be_made_on_purpose_and_the_audit_shows_it():
    leaky = hierarchies.hierarchy(BASE, "gender", "other_split", allow_leaks=True, progress=False)
    # Eight of ten folds train: so many of the test pictures have been seen, by those who start from such weights.
    assert leaky.leaks.loc[["female", "male"], "share"].between(0.6, 0.95).all()
    assert leaky.leaks.loc["gender", "seen"] == 0
    trained = set(leaky.common.train_predictions["path"])
    seen = leaky.predictions["path"].isin(trained).sum()
    assert leaky.leaks.loc["common", "seen"] == seen


@pytest.mark.parametrize("kind", ["by_age", "subject_exclusive"])
def test_the_other_split_deals_the_same_pictures_anew(kind):
    experiment = BASE.replace(split=kind, allow_leaks=kind == "by_age")
    from agelib import prepare

    one = prepare(experiment.data, progress=False).faces.set_index("path")["split"]
    other = prepare(hierarchies.other_split(experiment).data, progress=False).faces.set_index("path")["split"]
    assert set(one.index) == set(other.index)
    share = (other.reindex(one.index[one == "test"]) == "train").mean()
    assert 0.6 < share < 0.95


def test_a_fold_of_a_cross_validation_has_the_next_fold_as_its_other_split():
    assert hierarchies.other_split(BASE.replace(folds=5, fold=4)).data.fold == 0


def test_a_group_with_too_few_pictures_is_answered_by_the_network_of_everybody():
    faces = pd.DataFrame(
        {
            "ethnicity": ["white"] * 3 + ["black"] * 3 + [None],
            "split": ["train", "train", "valid", "train", "train", "test", "valid"],
        }
    )
    assert hierarchies.divide(faces, "ethnicity") == (["white"], ["black"])
    with pytest.raises(ValueError, match="use more pictures"):
        hierarchies.divide(faces[faces["split"] == "test"], "ethnicity")


def test_by_ethnicity_every_picture_is_answered_too():
    found = hierarchies.hierarchy(BASE, "ethnicity", progress=False)
    assert found.predictions["predicted_age_group"].notna().all()
    assert found.common is None


def test_routing_refuses_tables_that_do_not_fit():
    one = pd.DataFrame({"path": ["1", "2"], "predicted": [1.0, 2.0]})
    chosen = pd.Series(["a", "b"], index=["1", "2"])
    with pytest.raises(ValueError, match="'b', which has no network"):
        hierarchies.route({"a": one}, chosen)
    with pytest.raises(ValueError, match="predicted other pictures"):
        hierarchies.route({"a": one, "b": one.iloc[::-1]}, chosen)
    with pytest.raises(ValueError, match="not said which network answers for 2"):
        hierarchies.route({"a": one, "b": one}, chosen.iloc[:1])


@pytest.mark.parametrize(
    ("changes", "by", "start", "message"),
    [
        ({"tasks": ("gender",)}, "gender", "", "this one predicts gender"),
        ({"only": "gender=female"}, "gender", "", "about one group already"),
        ({}, "age", "", "by gender, ethnicity or expression"),
        ({}, "gender", "somewhere", "start is one of"),
        ({"source": "drawn-utkface"}, "expression", "", "no group of expression"),
    ],
)
def test_what_cannot_be_a_hierarchy_is_said(changes, by, start, message):
    with pytest.raises(ValueError, match=message):
        hierarchies.hierarchy(BASE.replace(**changes), by, start, progress=False)
