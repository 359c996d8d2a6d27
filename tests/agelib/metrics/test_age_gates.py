"""The age gate: its ROC against scikit-learn, its AUC against pairs and the bootstrap, its table against scipy."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from agelib.metrics.age_gates import gate_auc, gate_curve, gate_table


@pytest.fixture
def faces():
    generator = np.random.default_rng(5)
    ages = generator.integers(8, 60, 300).astype(float)
    return ages, np.round(ages + generator.normal(0, 8, 300))


def test_the_curve_is_scikit_learns(faces):
    ages, scores = faces
    curve = gate_curve(ages, scores)
    false, true, thresholds = sklearn_metrics.roc_curve(ages >= 18, scores, drop_intermediate=False)
    assert curve["minors_through"].to_numpy() == pytest.approx(100 * false)
    assert curve["adults_through"].to_numpy() == pytest.approx(100 * true)
    assert curve["threshold"].tolist() == thresholds.tolist()


def test_the_area_is_scikit_learns_with_ties(faces):
    ages, scores = faces
    assert gate_auc(ages, scores)["value"] == pytest.approx(sklearn_metrics.roc_auc_score(ages >= 18, scores))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), min_size=2, max_size=25))
def test_the_area_is_the_share_of_pairs_in_order(people):
    ages, scores = np.transpose(people).astype(float)
    adults, minors = scores[ages >= 18], scores[ages < 18]
    if not len(adults) or not len(minors):
        with pytest.raises(ValueError, match="judged on both"):
            gate_auc(ages, scores)
        return
    above = np.sign(adults[:, None] - minors[None, :])
    result = gate_auc(ages, scores)
    assert result["value"] == pytest.approx((above.mean() + 1) / 2)
    assert np.isnan(result["low"]) or result["low"] <= result["value"] <= result["high"]
    turned = gate_auc(ages, -scores)
    assert turned["value"] == pytest.approx(1 - result["value"])


def test_the_areas_interval_is_the_bootstraps(faces):
    ages, scores = faces
    minors, adults = scores[ages < 18], scores[ages >= 18]
    generator = np.random.default_rng(0)
    areas = [
        np.sign(generator.choice(adults, len(adults))[:, None] - generator.choice(minors, len(minors))).mean()
        for _ in range(1500)
    ]
    low, high = np.quantile((np.array(areas) + 1) / 2, [0.025, 0.975])
    ours = gate_auc(ages, scores)
    assert ours["low"] == pytest.approx(low, abs=0.15 * (high - low))
    assert ours["high"] == pytest.approx(high, abs=0.15 * (high - low))


def test_the_variance_is_delongs_from_its_kernel(faces):
    ages, scores = faces
    kernel = (np.sign(scores[ages >= 18][:, None] - scores[ages < 18][None, :]) + 1) / 2
    adults, minors = kernel.shape
    variance = kernel.mean(axis=1).var(ddof=1) / adults + kernel.mean(axis=0).var(ddof=1) / minors
    ours = gate_auc(ages, scores, level=0.9)
    reach = scipy.stats.norm.ppf(0.95) * np.sqrt(variance)
    assert ours[["low", "high"]].tolist() == pytest.approx([ours["value"] - reach, min(1, ours["value"] + reach)])


def test_a_perfect_gate_of_a_few_faces_claims_no_interval():
    result = gate_auc([10, 12, 30, 40], [1, 2, 3, 4])
    assert result["value"] == 1 and np.isnan(result[["low", "high"]]).all()


def test_challenge_25_is_counted_and_its_intervals_are_scipys(faces):
    ages, predicted = faces
    table = gate_table(ages, predicted, (18, 25))
    minors, adults = ages < 18, ages >= 18
    through = int((predicted[minors] >= 25).sum())
    away = int((predicted[adults] < 25).sum())
    row = table.loc[25]
    for name, count, number in (
        ("minors let through", through, int(minors.sum())),
        ("adults turned away", away, int(adults.sum())),
    ):
        scipys = scipy.stats.binomtest(count, number).proportion_ci(0.95, "exact")
        expected = [number, 100 * count / number, 100 * scipys.low, 100 * scipys.high]
        assert row[name].tolist() == pytest.approx(expected)


def test_a_higher_threshold_lets_fewer_minors_through_and_turns_more_adults_away(faces):
    table = gate_table(*faces, range(10, 50, 5))
    assert (np.diff(table["minors let through", "percent"]) <= 0).all()
    assert (np.diff(table["adults turned away", "percent"]) >= 0).all()


def test_a_gate_without_minors_says_nothing_of_them():
    table = gate_table([30.0, 40.0], [31.0, 17.0], (18,))
    assert table.loc[18, ("minors let through", "count")] == 0
    assert np.isnan(table.loc[18, "minors let through"][["percent", "low", "high"]]).all()
    assert table.loc[18, ("adults turned away", "percent")] == 50


def test_another_limit_asks_another_question(faces):
    ages, scores = faces
    assert gate_table(ages, scores, (30,), limit=30)["minors let through"]["count"].iloc[0] == (ages < 30).sum()
    theirs = sklearn_metrics.roc_auc_score(ages >= 30, scores)
    assert gate_auc(ages, scores, limit=30)["value"] == pytest.approx(theirs)


def test_missing_ages_and_scores_are_refused():
    with pytest.raises(ValueError, match="1 missing"):
        gate_table([10, np.nan], [1.0, 2.0], (18,))
    with pytest.raises(ValueError, match=r"\(2,\) ages, 0 missing, and \(3,\) scores"):
        gate_curve([10, 20], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="2 are below 18 years and 0 are not"):
        gate_curve(pd.Series([10, 12]), [1.0, 2.0])
