"""Bias: study B's golden values, intervals against scipy, and chance."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from agelib import metrics

GOLDEN = {
    "age": ([11.291870, 8.094766, 12.658481, 25.617014], 8.988893),
    "gender": ([10.837108, 11.465107], 0.627999),
    "ethnicity": ([10.345757, 7.636685, 11.307957], 2.447515),
    "expression": ([11.054638, 11.176367, 10.947430, 12.546231], 0.819689),
}


@pytest.fixture
def predictions():
    generator = np.random.default_rng(3)
    table = pd.DataFrame({"age": generator.uniform(1, 90, 400)})
    table["gender"] = generator.choice(["female", "male"], 400)
    table["ethnicity"] = generator.choice(["afroamerican", "asian", "caucasian"], 400, p=[0.1, 0.2, 0.7])
    table["expression"] = "neutral"
    table["identity"] = [f"person {i // 4}" for i in range(400)]
    spread = np.where(table["gender"] == "male", 6, 9)
    table["predicted"] = table["age"] + generator.normal(0, spread)
    return table


@pytest.mark.parametrize("attribute", GOLDEN)
def test_the_bias_is_study_bs_golden_value(attribute):
    errors, golden = GOLDEN[attribute]
    assert metrics.bias_of(errors) == pytest.approx(golden, abs=1e-5)


@pytest.mark.parametrize("attribute", ["gender", "ethnicity", "expression"])
def test_pictures_with_the_published_errors_have_the_published_bias(attribute):
    errors, golden = GOLDEN[attribute]
    table = pd.DataFrame(
        {
            "age": 40.0,
            "predicted": 40 + np.repeat(errors, 3),
            "group": np.repeat(list("abcd")[: len(errors)], 3),
        }
    )
    assert metrics.bias(table, "group", resamples=0)["value"] == pytest.approx(golden, abs=1e-5)


def test_the_bias_of_age_is_between_study_bs_four_groups():
    errors, golden = GOLDEN["age"]
    table = pd.DataFrame({"age": [0.0, 19.99, 20, 39, 40, 59.9, 60, 95]})
    table["predicted"] = table["age"] + np.repeat(errors, 2)
    row = metrics.bias(table, "age", resamples=0)
    assert row["value"] == pytest.approx(golden, abs=1e-5)
    assert (row["groups"], row["smallest"]) == (4, 2)


def test_a_bias_is_the_mean_difference_of_the_groups_errors(predictions):
    for by in ("gender", "ethnicity"):
        errors = metrics.error_by(predictions, by, resamples=0)["MAE"]
        assert metrics.bias(predictions, by, resamples=0)["value"] == pytest.approx(metrics.bias_of(errors))


def test_the_interval_of_the_gender_bias_is_scipys(predictions):
    error = np.abs(predictions["predicted"] - predictions["age"]).to_numpy()
    male = (predictions["gender"] == "male").to_numpy()
    scipys = scipy.stats.bootstrap(
        (error, male),
        lambda error, male: abs(error[male > 0].mean() - error[male == 0].mean()),
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    row = metrics.bias(predictions, "gender", resamples=4000)
    width = scipys.high - scipys.low
    assert row["low"] == pytest.approx(scipys.low, abs=0.08 * width)
    assert row["high"] == pytest.approx(scipys.high, abs=0.08 * width)


def test_chance_and_p_are_scipys_permutation_test(predictions):
    error = np.abs(predictions["predicted"] - predictions["age"]).to_numpy()
    male = (predictions["gender"] == "male").to_numpy()[:60]
    few = predictions.iloc[:60]
    scipys = scipy.stats.permutation_test(
        (error[:60][male], error[:60][~male]),
        lambda one, two, axis: np.abs(one.mean(axis) - two.mean(axis)),
        vectorized=True,
        n_resamples=4000,
        alternative="greater",
        rng=np.random.default_rng(1),
    )
    row = metrics.bias(few, "gender", resamples=4000)
    assert row["p"] == pytest.approx(scipys.pvalue, abs=0.03)
    assert row["chance"] == pytest.approx(scipys.null_distribution.mean(), rel=0.05)


def test_without_any_difference_p_is_uniform_and_the_bias_is_still_above_zero():
    generator = np.random.default_rng(0)
    p, value, chance = [], [], []
    for seed in range(200):
        table = pd.DataFrame({"age": 40.0, "predicted": 40 + generator.normal(0, 8, 100)})
        table["gender"] = generator.permutation(["male"] * 80 + ["female"] * 20)
        row = metrics.bias(table, "gender", resamples=100, seed=seed)
        p.append(row["p"])
        value.append(row["value"])
        chance.append(row["chance"])
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.06)
    assert np.mean(value) > 0.5
    assert np.mean(chance) == pytest.approx(np.mean(value), rel=0.15)


def test_with_persons_the_interval_is_theirs_and_there_is_no_shuffling_of_pictures(predictions):
    row = metrics.bias(predictions, "gender", unit="identity")
    assert row["low"] <= row["value"] <= row["high"]
    assert np.isnan(row[["chance", "p"]]).all()


def test_the_table_has_study_bs_attributes_where_there_are_groups(predictions):
    table = metrics.bias_table(predictions, resamples=100)
    assert list(table.index) == ["gender", "ethnicity", "age"]
    assert table["groups"].tolist() == [2, 3, 4]
    for by in table.index:
        assert table.loc[by, "value"] == metrics.bias(predictions, by, resamples=0)["value"]
    pd.testing.assert_frame_equal(table, metrics.bias_table(predictions, resamples=100))


def test_a_group_so_small_that_resamples_lose_it_still_has_an_interval(predictions):
    predictions["gender"] = ["other", *predictions["gender"].iloc[1:]]
    row = metrics.bias(predictions, "gender", resamples=200)
    assert row["smallest"] == 1
    assert np.isfinite(row[["low", "high"]]).all()


@given(st.lists(st.floats(0, 50), min_size=2, max_size=6))
def test_a_bias_lies_between_zero_and_the_largest_difference(errors):
    assert -1e-9 <= metrics.bias_of(errors) <= np.ptp(errors) + 1e-9
    assert metrics.bias_of(sorted(errors)) == pytest.approx(metrics.bias_of(errors), abs=1e-9)


def test_what_has_no_bias_is_said(predictions):
    with pytest.raises(ValueError, match=r"these pictures have 1 \(neutral\)"):
        metrics.bias(predictions, "expression")
    with pytest.raises(ValueError, match="none recorded"):
        metrics.bias(predictions.assign(gender=None), "gender")
    with pytest.raises(ValueError, match="no column 'makeup'"):
        metrics.bias(predictions, "makeup")
    with pytest.raises(ValueError, match="a bias needs two"):
        metrics.bias_table(predictions.iloc[:1])
    with pytest.raises(ValueError, match="two at least"):
        metrics.bias_of([3.0])
