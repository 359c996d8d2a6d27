"""Age groups and classes: which group an age is in, cross-entropy, ages from groups, missing words."""

import tarfile

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import f1_score, log_loss

from agelib import targets
from agelib.config import Training
from agelib.targets.age_groups import NAMED, edges_of, group_of, group_on_device, names_of
from agelib.targets.base import macro_f1
from agelib.targets.classes import Classes, Groups

#: Study C's sets of groups as it writes them.
STUDY_C = {
    "4": "0-12, 13-19, 20-59, 60-116",
    "7a": "0-2, 3-9, 10-16, 17-25, 26-45, 46-60, 61-116",
    "7b": "0-2, 3-6, 7-14, 15-30, 31-40, 41-65, 66-116",
}


@pytest.mark.parametrize("bins", STUDY_C)
def test_the_groups_are_study_cs(bins):
    spans = [tuple(map(int, span.split("-"))) for span in STUDY_C[bins].split(", ")]
    expected = [code for code, (first, last) in enumerate(spans) for _ in range(first, last + 1)]
    assert group_of(np.arange(117), bins).tolist() == expected
    assert names_of(bins)[:-1] == tuple(f"{first}–{last}" for first, last in spans[:-1])
    assert names_of(bins)[-1] == f"{spans[-1][0]} and over"


def test_final_groups_hold_the_shares_of_all_utkface(real_data):
    """Counts of all 23,705 well-named pictures; the archive at hand has nine in ten of them."""
    archive = real_data / "utkface" / "UTKFace.tar.gz"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    with tarfile.open(archive) as opened:
        names = [name.rpartition("/")[2] for name in opened.getnames() if name.endswith(".jpg")]
    counts = np.bincount(group_of([int(name.partition("_")[0]) for name in names], "7b"))
    published = np.array([1605, 889, 1157, 9010, 4338, 5007, 1699])
    assert (counts <= published).all()
    assert counts / counts.sum() == pytest.approx(published / published.sum(), abs=0.003)


@pytest.mark.parametrize(("bins", "number"), [("3", 3), ("4", 4), ("7a", 7), ("7b", 7), ("8", 8), ("two-year", 59)])
def test_there_are_as_many_groups_as_the_name_says(bins, number):
    assert len(edges_of(bins)) == len(names_of(bins)) == number
    assert set(group_of(np.arange(120), bins)) == set(range(number))


@given(st.lists(st.floats(0, 120, width=32), min_size=1), st.sampled_from(sorted(NAMED)))
def test_a_group_is_the_one_whose_edges_are_around_the_age_on_every_device(ages, bins):
    edges = [*edges_of(bins), np.inf]
    codes = group_of(ages, bins)
    assert all(edges[code] <= age < edges[code + 1] for age, code in zip(ages, codes, strict=True))
    assert group_on_device(torch.tensor(ages), bins).tolist() == codes.tolist()


def test_completed_years_count_and_a_missing_age_has_no_group():
    assert group_of([2.99, 3.0, np.nan], "7b").tolist() == [0, 1, -1]
    assert group_of([5, 25, 40], (20, 40)).tolist() == [0, 0, 1]
    assert names_of("18, 65") == ("under 65", "65 and over")


@pytest.mark.parametrize("bins", ["5", "", "0,x", "0,3,3", "-1,4", "10,5"])
def test_bins_that_are_none_are_refused(bins):
    with pytest.raises(ValueError, match=r"no age groups|go up from 0"):
        edges_of(bins)


AGES = np.array([[1.0], [4.0], [12.0], [20.0], [30.9], [35.0], [50.0], [80.0]])


@pytest.mark.parametrize("weighted", [False, True])
def test_the_cross_entropy_of_groups_is_scikit_learns(weighted):
    target = targets.build(Training(target="groups", bins="7b"), AGES)
    outputs = np.random.default_rng(0).normal(size=(8, 7)) * 3
    weights = np.array([1, 2, 0.5, 0, 3, 1, 1, 2.0]) if weighted else None
    ours = target.loss(torch.tensor(outputs), torch.tensor(AGES), torch.tensor(weights) if weighted else None)
    codes = [0, 1, 2, 3, 3, 4, 5, 6]
    expected = log_loss(codes, softmax(outputs, axis=1), sample_weight=weights, labels=range(7))
    assert ours.item() == pytest.approx(expected)


def test_label_smoothing_spreads_its_share_over_all_groups():
    target = targets.build(Training(target="groups", bins="4", label_smoothing=0.1), AGES)
    outputs = np.random.default_rng(1).normal(size=(8, 4))
    soft = np.full((8, 4), 0.1 / 4)
    soft[np.arange(8), group_of(AGES[:, 0], "4")] += 0.9
    expected = -(soft * np.log(softmax(outputs, axis=1))).sum(axis=1).mean()
    assert target.loss(torch.tensor(outputs), torch.tensor(AGES)).item() == pytest.approx(expected)


def test_a_group_stands_for_the_mean_age_of_its_training_pictures_or_its_middle():
    ages = np.array([[1.0], [2.0], [70.0], [80.0]])
    target = targets.build(Training(target="groups", bins="0,3,11,60,90"), ages)
    assert target.mean_ages == (1.5, 7.0, 35.5, 75.0, 90.0)
    certain = torch.full((5, 5), -50.0).fill_diagonal_(50.0)
    assert target.decode(certain).tolist() == pytest.approx([1.5, 7.0, 35.5, 75.0, 90.0])
    assert torch.isfinite(target.loss(certain, torch.tensor([[5.0]] * 5)))  # a group without training pictures
    halves = torch.tensor([[20.0, -20, -20, 20, -20]])
    assert target.decode(halves).item() == pytest.approx((1.5 + 75) / 2)


def test_predictions_of_groups_have_each_groups_probability():
    target = targets.build(Training(target="groups", bins="4"), AGES)
    outputs = torch.tensor(np.random.default_rng(2).normal(size=(3, 4)))
    table = target.predictions(outputs)
    probabilities = softmax(outputs.numpy(), axis=1)
    names = [f"age_group={name}" for name in names_of("4")]
    assert table.columns.tolist() == ["predicted", "predicted_age_group", *names]
    assert table[names].to_numpy() == pytest.approx(probabilities)
    assert table["predicted_age_group"].tolist() == [names_of("4")[code] for code in probabilities.argmax(axis=1)]
    assert table["predicted"].to_numpy() == pytest.approx(probabilities @ target.ages)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_macro_f1_is_scikit_learns(seed, number):
    generator = np.random.default_rng(seed)
    codes, predicted = generator.integers(0, number, (2, 12))
    expected = 100 * f1_score(codes, predicted, average="macro")
    assert macro_f1(torch.tensor(codes), torch.tensor(predicted), number) == pytest.approx(expected)


FACES = pd.DataFrame({"path": list("abcd"), "gender": ["male", None, "female", "male"], "age": [1.0, 2, 3, 4]})


def test_classes_are_the_training_parts_words_sorted_and_missing_or_new_ones_are_masked():
    target = Classes.make("ethnicity", np.array(["white", "asian", None, np.nan, "black"], dtype=object))
    assert target.classes == ("asian", "black", "white")
    faces = pd.DataFrame({"ethnicity": ["white", "indian", None, "asian"]})
    labels = target.labels(faces)
    assert labels.dtype == np.float32
    assert labels[:, 0].tolist() == [2, -1, -1, 0]
    outputs = np.random.default_rng(0).normal(size=(4, 3))
    loss = target.loss(torch.tensor(outputs), torch.tensor(labels))
    known = softmax(outputs[[0, 3]], axis=1)
    assert loss.item() == pytest.approx(log_loss([2, 0], known, labels=range(3)))
    weights = torch.tensor([1.0, 9.0, 9.0, 3.0])
    weighted = target.loss(torch.tensor(outputs), torch.tensor(labels), weights)
    assert weighted.item() == pytest.approx(log_loss([2, 0], known, sample_weight=[1, 3], labels=range(3)))
    assert target.scores(torch.tensor(outputs), torch.tensor(labels))["f1"] == pytest.approx(
        100 * f1_score([2, 0], outputs[[0, 3]].argmax(axis=1), average="macro")
    )


def test_a_batch_without_any_label_teaches_nothing_and_breaks_nothing():
    target = Classes("gender", ("female", "male"))
    outputs = torch.randn(3, 2, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = target.loss(outputs, torch.full((3, 1), -1.0))
    loss.backward()
    assert loss.item() == 0
    assert outputs.grad.abs().sum() == 0


def test_predictions_of_classes_are_words_and_probabilities():
    target = Classes("gender", ("female", "male"))
    table = target.predictions(torch.tensor([[0.0, np.log(3)], [1.0, 0.0]]))
    assert table["predicted_gender"].tolist() == ["male", "female"]
    assert table["gender=male"].iloc[0] == pytest.approx(0.75)
    assert "predicted" not in table
    with pytest.raises(ValueError, match="the task gender gives no age"):
        target.decode(torch.zeros(1, 2))


def test_a_single_class_or_a_missing_column_is_refused():
    with pytest.raises(ValueError, match="at least two different words"):
        Classes.make("gender", np.array(["male", None, "male"], dtype=object))
    with pytest.raises(ValueError, match="no column 'ethnicity'"):
        Classes("ethnicity", ("a", "b")).labels(FACES)
    with pytest.raises(ValueError, match="label_smoothing is a share"):
        targets.build(Training(target="groups", label_smoothing=1.0), AGES)
    with pytest.raises(ValueError, match="mean ages for the age groups"):
        Groups("4", (1.0, 2.0))
