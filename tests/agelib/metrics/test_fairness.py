"""Bias: study B's golden values, intervals against scipy, and chance."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
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
        {"age": 40.0, "predicted": 40 + np.repeat(errors, 3), "group": np.repeat(list("abcd")[: len(errors)], 3)}
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


def scipys_interval(error, group, seed):
    """scipy's percentile interval of the difference of two groups' mean errors: 1 in `group` minus 0."""
    return scipy.stats.bootstrap(
        (error, group),
        lambda error, group: error[group > 0].mean() - error[group == 0].mean(),
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(seed),
    ).confidence_interval


def test_the_interval_of_a_plain_bias_is_scipys_of_the_difference(predictions):
    error = np.abs(predictions["predicted"] - predictions["age"]).to_numpy()
    scipys = scipys_interval(error, (predictions["gender"] == "female").to_numpy(), 1)
    assert scipys.low > 0, "far from 0, a difference and its size are the same"
    row = metrics.bias(predictions, "gender", resamples=4000)
    width = scipys.high - scipys.low
    assert row["low"] == pytest.approx(scipys.low, abs=0.08 * width)
    assert row["high"] == pytest.approx(scipys.high, abs=0.08 * width)


#: Means of the groups' absolute errors in years, and the number of pictures of each.
TRUTHS = {
    "two groups alike": ([6.0, 6.0], [60, 60]),
    "two groups nearly alike": ([6.0, 6.4], [60, 60]),
    "two groups, one scarce": ([6.0, 7.0], [150, 25]),
    "two groups far apart": ([4.0, 9.0], [60, 60]),
    "four groups alike": ([6.0, 6.0, 6.0, 6.0], [40, 40, 40, 40]),
    "four groups, one other": ([6.0, 6.0, 6.0, 8.0], [60, 60, 60, 30]),
    "four groups apart": ([4.0, 6.0, 9.0, 14.0], [40, 40, 40, 40]),
}


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("kind", ["bias", "gap"])
def test_intervals_hold_the_true_bias_as_often_as_they_say_also_where_it_is_zero(name, kind):
    """Of 300 test sets 285, or by luck 15 fewer: four standard deviations."""
    means, counts = TRUTHS[name]
    spread = metrics.bias_of if kind == "bias" else partial(np.ptp, axis=-1)
    true = spread(np.array(means))
    generator = np.random.default_rng(11)
    group = np.repeat(np.arange(len(means)), counts)
    member = np.eye(len(means))[group]
    held = []
    for seed in range(300):
        errors = np.abs(generator.normal(0, np.sqrt(np.pi / 2) * np.take(means, group)))
        sums = np.hstack([member, member * errors[:, None]])
        low, high = metrics.Resampling(300, seed=seed).interval_of_spread(sums, spread)
        held.append(low <= true <= high)
    assert np.mean(held) >= 0.9, f"{100 * np.mean(held):.0f} % of the 95 % intervals hold {true:.2f} years"


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


# Which group is worst, and how far behind.


def test_the_worst_group_lies_as_far_behind_as_study_bs_errors_do():
    errors, _ = GOLDEN["age"]
    table = pd.DataFrame({"age": [0.0, 19.99, 20, 39, 40, 59.9, 60, 95]})
    table["predicted"] = table["age"] + np.repeat(errors, 2)
    row = metrics.worst_groups(table, resamples=0).loc["age"]
    assert (row["worst"], row["best"], row["count"]) == ("60 and over", "20–39", 2)
    assert row["MAE"] == pytest.approx(25.617014)
    assert row["gap"] == pytest.approx(25.617014 - 8.094766)


def test_the_gap_of_two_groups_is_their_bias_with_the_same_p(predictions):
    worst = metrics.worst_groups(predictions, ("gender",)).loc["gender"]
    bias = metrics.bias(predictions, "gender")
    for ours, theirs in (("gap", "value"), ("chance", "chance"), ("p", "p"), ("groups", "groups")):
        assert worst[ours] == pytest.approx(bias[theirs])


def test_the_interval_of_a_plain_gap_is_scipys_of_the_difference(predictions):
    error = np.abs(predictions["predicted"] - predictions["age"]).to_numpy()
    scipys = scipys_interval(error, (predictions["gender"] == "female").to_numpy(), 2)
    row = metrics.worst_groups(predictions, ("gender",), resamples=4000).loc["gender"]
    assert row["worst"] == "female"
    width = scipys.high - scipys.low
    assert row["low"] == pytest.approx(scipys.low, abs=0.08 * width)
    assert row["high"] == pytest.approx(scipys.high, abs=0.08 * width)


def test_picking_the_extremes_of_many_groups_is_paid_for():
    generator = np.random.default_rng(5)
    p, first = [], []
    for seed in range(150):
        table = pd.DataFrame({"age": 40.0, "predicted": 40 + generator.normal(0, 8, 120)})
        table["town"] = generator.choice(list("abcdefgh"), 120)
        row = metrics.worst_groups(table, ("town",), resamples=100, seed=seed).loc["town"]
        p.append(row["p"])
        first.append(row["low"] > 0)
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.07)
    # Of eight towns that are alike some lie far apart: the interval knows that they were picked.
    assert np.mean(first) <= 0.1


# Every two groups, and Holm.


def test_every_pair_is_tested_as_scipy_tests_it(predictions):
    few = predictions.iloc[:120]
    error = np.abs(few["predicted"] - few["age"])
    table = metrics.compare_groups(few, "ethnicity", resamples=4000)
    assert list(table.index) == [("afroamerican", "asian"), ("afroamerican", "caucasian"), ("asian", "caucasian")]
    for (one, other), row in table.iterrows():
        scipys = scipy.stats.permutation_test(
            (error[few["ethnicity"] == other], error[few["ethnicity"] == one]),
            lambda one, two, axis: np.abs(one.mean(axis) - two.mean(axis)),
            vectorized=True,
            n_resamples=4000,
            alternative="greater",
            rng=np.random.default_rng(1),
        )
        assert abs(row["value"]) == pytest.approx(scipys.statistic)
        assert row["p"] == pytest.approx(scipys.pvalue, abs=0.03)
    assert table["holm"].to_numpy() == pytest.approx(metrics.holm(table["p"]))
    assert np.abs(table["value"]).mean() == pytest.approx(metrics.bias(few, "ethnicity", resamples=0)["value"])


def test_holm_is_the_closed_form():
    # Worked by hand: 4 × 0.005, 3 × 0.01, 2 × 0.03, and 0.04 may not be below the 0.06 before it.
    assert metrics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert metrics.holm([0.5, 0.9]) == pytest.approx([1, 1])
    assert metrics.holm([]).tolist() == []


def test_a_missing_p_stays_missing_and_does_not_count():
    assert metrics.holm([np.nan, 0.02, 0.03]) == pytest.approx([np.nan, 0.04, 0.04], nan_ok=True)
    with pytest.raises(ValueError, match="between 0 and 1"):
        metrics.holm([0.2, 1.2])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_lies_between_p_and_bonferroni(p):
    p = np.array(p)
    adjusted = metrics.holm(p)
    assert (adjusted >= p - 1e-12).all()
    assert (adjusted <= np.minimum(len(p) * p, 1) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    assert adjusted.min() == pytest.approx(min(len(p) * p.min(), 1))


def test_of_many_true_hypotheses_holm_rejects_any_in_one_of_twenty():
    draws = np.random.default_rng(0).uniform(size=(2000, 10))
    rejected = np.mean([(metrics.holm(p) <= 0.05).any() for p in draws])
    assert rejected == pytest.approx(0.05, abs=0.015)
    assert (draws <= 0.05).any(axis=1).mean() > 0.35


# Two networks on the same pictures.


@pytest.fixture
def pair(predictions):
    generator = np.random.default_rng(8)
    first = predictions.assign(path=[f"{i}.jpg" for i in range(len(predictions))])
    spread = np.where(first["gender"] == "male", 6.5, 7)
    return first, first.assign(predicted=first["age"] + generator.normal(0, spread))


def test_the_paired_difference_is_that_of_the_two_biases(pair):
    first, second = pair
    table = metrics.compare_bias(first, second, resamples=0)
    for by, row in table.iterrows():
        ones, twos = (metrics.bias(each, by, resamples=0)["value"] for each in pair)
        assert (row["first"], row["second"]) == (pytest.approx(ones), pytest.approx(twos))
        assert row["value"] == pytest.approx(twos - ones)
    shuffled = second.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(table, metrics.compare_bias(first, shuffled, resamples=0))


def test_its_interval_and_p_are_scipys(pair):
    one, two = (np.abs(each["predicted"] - each["age"]).to_numpy() for each in pair)
    male = (pair[0]["gender"] == "male").to_numpy()

    def bias(error, male=male):
        return np.abs(error[..., male].mean(-1) - error[..., ~male].mean(-1))

    scipys = scipy.stats.bootstrap(
        (one, two, male),
        lambda one, two, male: bias(two, male > 0) - bias(one, male > 0),
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=3000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    permuted = scipy.stats.permutation_test(
        (one, two),
        lambda one, two, axis: np.abs(bias(np.moveaxis(two, axis, -1)) - bias(np.moveaxis(one, axis, -1))),
        permutation_type="samples",
        vectorized=True,
        n_resamples=3000,
        alternative="greater",
        rng=np.random.default_rng(3),
    )
    row = metrics.compare_bias(*pair, ("gender",), resamples=4000).loc["gender"]
    width = scipys.high - scipys.low
    assert row["low"] == pytest.approx(scipys.low, abs=0.08 * width)
    assert row["high"] == pytest.approx(scipys.high, abs=0.08 * width)
    assert row["p"] == pytest.approx(permuted.pvalue, abs=0.02)


def test_a_network_compared_with_itself_gains_nothing(pair):
    first, _ = pair
    table = metrics.compare_bias(first, first, resamples=100)
    assert np.allclose(table[["value", "low", "high"]], 0, atol=1e-9)
    assert (table[["p", "holm"]] == 1).all(axis=None)
    assert (metrics.compare_by(first, first, resamples=100)["p"] == 1).all()


def test_the_change_of_each_group_is_scipys_paired_permutation_test(pair):
    one, two = (np.abs(each["predicted"] - each["age"]).to_numpy() for each in pair)
    table = metrics.compare_by(*pair, "gender", resamples=4000)
    for name, row in table.iterrows():
        mine = (pair[0]["gender"] == name).to_numpy()
        scipys = scipy.stats.permutation_test(
            (two[mine], one[mine]),
            lambda two, one, axis: (two - one).mean(axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=4000,
            rng=np.random.default_rng(3),
        )
        assert row["value"] == pytest.approx(scipys.statistic)
        assert row["p"] == pytest.approx(scipys.pvalue, abs=0.02)
        assert row["count"] == mine.sum()
    each = metrics.error_by(pair[1], "gender", resamples=0)["MAE"]
    assert table["second"].to_numpy() == pytest.approx(each.to_numpy())


def test_persons_are_swapped_whole():
    # One person with every picture: the two networks can only change places altogether, and p is 1.
    table = pd.DataFrame({"path": list("abcd"), "age": 40.0, "predicted": [41.0, 42, 50, 52]})
    table = table.assign(gender=list("ffmm"), identity="one")
    other = table.assign(predicted=[42.0, 44, 43, 41])
    assert metrics.compare_bias(table, other, ("gender",), unit="identity")["p"].item() == 1
    assert metrics.compare_by(table, other, "gender", unit="identity")["p"].tolist() == [1, 1]


def test_other_pictures_cannot_be_compared(pair):
    with pytest.raises(ValueError, match="only one of the two tables"):
        metrics.compare_bias(pair[0], pair[1].iloc[1:])
    with pytest.raises(ValueError, match="none of makeup"):
        metrics.compare_bias(*pair, ("makeup",))


# Groups of groups, and their macro F1.


def test_columns_joined_by_a_star_are_their_combinations(predictions):
    table = metrics.error_by(predictions, "gender*ethnicity", resamples=0)
    grouped = (predictions["predicted"] - predictions["age"]).abs()
    theirs = grouped.groupby([predictions["gender"], predictions["ethnicity"]]).mean()
    assert table["MAE"].to_numpy() == pytest.approx(theirs.to_numpy())
    assert table.index.tolist() == [f"{gender} · {ethnicity}" for gender, ethnicity in theirs.index]
    value = metrics.bias(predictions, "gender*ethnicity", resamples=0)["value"]
    assert value == pytest.approx(metrics.bias_of(theirs))


def test_a_picture_without_one_of_the_columns_is_in_no_combination(predictions):
    predictions.loc[:9, "ethnicity"] = None
    predictions.loc[5:14, "gender"] = None
    table = metrics.intersections(predictions, "gender*ethnicity", least=1, resamples=0)
    assert table["count"].sum() == 385


def test_small_intersections_are_named_and_not_judged(predictions):
    table = metrics.intersections(predictions, least=30, resamples=50)
    assert len(table) == 2 * 3 * 4
    counts = pd.crosstab(
        [predictions["gender"], predictions["ethnicity"]],
        metrics.age_groups(predictions["age"], (20, 40, 60)).to_numpy(),
    )
    assert table["count"].sum() == 400
    assert sorted(table["count"]) == sorted(counts.to_numpy().ravel())
    assert (table["too_small"] == (table["count"] < 30)).all()
    assert table["too_small"].any()
    assert not table["too_small"].all()
    assert table.loc[table["too_small"], ["MAE", "low", "high", "bias"]].isna().all(axis=None)
    judged = table[~table["too_small"]]
    assert (judged["low"] <= judged["MAE"]).all()
    assert (judged["MAE"] <= judged["high"]).all()


@settings(max_examples=30)
@given(st.integers(1, 40), st.data())
def test_no_picture_is_lost_among_the_intersections(number, data):
    table = pd.DataFrame({"age": data.draw(st.lists(st.floats(0, 99), min_size=number, max_size=number))})
    table["predicted"] = 40.0
    table["gender"] = data.draw(st.lists(st.sampled_from(["f", "m"]), min_size=number, max_size=number))
    found = metrics.intersections(table, "gender*age", least=5, resamples=0)
    assert found["count"].sum() == number
    groups = table["gender"].nunique() * metrics.age_groups(table["age"], (20, 40, 60)).nunique()
    assert len(found) == groups


def test_what_is_not_recorded_has_no_intersections(predictions):
    with pytest.raises(ValueError, match="gender is not recorded for any of 400 pictures"):
        metrics.intersections(predictions.assign(gender=None))
    with pytest.raises(ValueError, match="no column 'makeup'"):
        metrics.intersections(predictions, "gender*makeup")


def test_macro_f1_of_each_group_is_scikit_learns(predictions):
    sklearn = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(4)
    predictions["age_group"] = generator.choice(["0–2", "3–6", "7–14"], 400)
    predictions["predicted_age_group"] = generator.choice(["0–2", "3–6", "7–14"], 400)
    table = metrics.macro_f1_by(predictions, "gender", resamples=100)
    for name, row in table.iterrows():
        mine = predictions[predictions["gender"] == name]
        theirs = sklearn.f1_score(mine["age_group"], mine["predicted_age_group"], average="macro")
        assert row["macro F1"] == pytest.approx(100 * theirs)
        assert row["low"] <= row["macro F1"] <= row["high"]
        assert (row["count"], row["classes"]) == (len(mine), 3)


def test_a_group_without_any_true_class_has_no_macro_f1(predictions):
    predictions["age_group"] = np.where(predictions["gender"] == "male", "0–2", None)
    predictions["predicted_age_group"] = "0–2"
    table = metrics.macro_f1_by(predictions, "gender", resamples=0)
    assert table.loc["female", ["count", "classes"]].tolist() == [0, 0]
    assert np.isnan(table.loc["female", "macro F1"])
    assert table.loc["male", "macro F1"] == 100
    with pytest.raises(ValueError, match="no column 'expression_group'"):
        metrics.macro_f1_by(predictions, "gender", "expression_group")
