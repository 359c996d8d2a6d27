"""Posteriors, calibration, ensembles and abstaining: closed forms, scipy, scikit-learn and plain loops."""

import numpy as np
import pandas as pd
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn import calibration as sklearn_calibration
from sklearn import metrics as sklearn_metrics

from agelib.metrics import calibration, posteriors
from agelib.metrics.calibration import (
    calibration_curve,
    expected_calibration_error,
    mean_predictions,
    other_table,
    reliability,
    risk_area,
    risk_coverage,
)

GRID = np.arange(0, 101)


def gaussian(means, stds) -> pd.DataFrame:
    density = np.exp(-((GRID - np.asarray(means)[:, None]) ** 2) / 2 / np.asarray(stds)[:, None] ** 2)
    return pd.DataFrame(density / density.sum(axis=1, keepdims=True), columns=GRID)


def drawn_from(posterior, generator) -> np.ndarray:
    """An age from each posterior."""
    places = (posterior.to_numpy().cumsum(axis=1) < generator.random((len(posterior), 1))).sum(axis=1)
    return posterior.columns.to_numpy(dtype=float)[np.minimum(places, posterior.shape[1] - 1)]


@pytest.fixture
def true_posterior():
    """1,500 posteriors and ages drawn from them: as right as a posterior can be."""
    generator = np.random.default_rng(7)
    posterior = gaussian(generator.uniform(25, 75, 1500), generator.uniform(1, 8, 1500))
    return posterior, drawn_from(posterior, generator)


@pytest.fixture
def classes():
    """Predicted classes of 600 pictures with probabilities that are too sure."""
    generator = np.random.default_rng(3)
    shares = generator.dirichlet([0.4, 0.4, 0.4], 600)
    truth = [generator.choice(list("abc"), p=0.6 * share + 0.4 / 3) for share in shares]
    table = pd.DataFrame({"kind": truth, "predicted_kind": np.array(list("abc"), object)[shares.argmax(axis=1)]})
    return table.join(pd.DataFrame(shares, columns=["kind=a", "kind=b", "kind=c"]))


# --- posteriors -------------------------------------------------------------------------------------------------


def test_the_spread_of_a_normal_posterior_is_its_sigma_and_its_entropy_the_textbooks():
    table = posteriors.spread(gaussian([50, 50], [3, 6]))
    assert table["mean"].to_numpy() == pytest.approx([50, 50])
    assert table["std"].to_numpy() == pytest.approx([3, 6], rel=1e-6)
    textbook = 0.5 * np.log(2 * np.pi * np.e * np.array([9.0, 36.0]))
    assert table["entropy"].to_numpy() == pytest.approx(textbook, rel=1e-6)
    assert posteriors.spread(pd.DataFrame([[0.0, 1.0]], columns=[3, 4]))["entropy"][0] == 0


def test_the_entropy_is_scipys(true_posterior):
    entropies = scipy.stats.entropy(true_posterior[0].to_numpy(), axis=1)
    assert posteriors.spread(true_posterior[0])["entropy"].to_numpy() == pytest.approx(entropies)


def test_quantiles_of_a_normal_posterior_are_scipys():
    shares = (0.05, 0.25, 0.5, 0.975)
    ours = posteriors.posterior_quantiles(gaussian([50], [8]), shares)[0]
    assert ours == pytest.approx(scipy.stats.norm(50, 8).ppf(shares), abs=0.05)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12).filter(lambda row: sum(row) > 0.1), st.floats(0.01, 0.99))
def test_below_a_quantile_lies_its_share(row, share):
    posterior = pd.DataFrame([row]) / sum(row)
    quantile = posteriors.posterior_quantiles(posterior, (share,))[0, 0]
    edges = np.arange(len(row) + 1) - 0.5
    below = np.interp(quantile, edges, np.append(0.0, posterior.to_numpy().cumsum()))
    assert below == pytest.approx(share, abs=1e-6)


def test_columns_need_not_be_single_years():
    posterior = pd.DataFrame([[0.5, 0.5, 0.0]], columns=[10, 20, 40])
    assert posteriors.edges_of(np.array([10.0, 20, 40])).tolist() == [5, 15, 30, 50]
    assert posteriors.posterior_quantiles(posterior, (0.25, 0.75)).tolist() == [[10, 22.5]]


def test_places_of_ages_in_right_posteriors_are_uniform_and_in_too_sharp_ones_are_not():
    generator = np.random.default_rng(7)
    posterior = pd.DataFrame(generator.dirichlet(np.full(9, 0.7), 20_000), columns=range(20, 29))
    ages = drawn_from(posterior, generator)
    # 1.95 / √n is what the largest distance exceeds in one of a thousand tests.
    distances = [
        scipy.stats.kstest(posteriors.pit(each, ages, seed=1), "uniform").statistic
        for each in (posterior, posteriors.scale_temperature(posterior, 0.5))
    ]
    assert distances[0] < 1.95 / np.sqrt(20_000) < 0.05 < distances[1]


def test_an_age_off_the_grid_is_at_the_end_of_its_posterior():
    posterior = pd.DataFrame([[0.5, 0.5]] * 3, columns=[20, 21])
    assert posteriors.pit(posterior, [19.4, 21.6, 90]).tolist() == [0, 1, 1]


def test_the_probability_to_be_of_age_is_the_sum_from_there_on():
    posterior = gaussian([18, 40], [4, 4])
    ours = posteriors.probability_from(posterior, 18)
    assert ours == pytest.approx(posterior.loc[:, 18:].sum(axis=1).to_numpy())
    assert ours[0] == pytest.approx(0.5 + posterior.loc[0, 18] / 2, abs=1e-5)
    assert posteriors.probability_from(posterior, 0) == pytest.approx([1, 1])


def test_the_log_score_is_scikit_learns(true_posterior):
    posterior, ages = true_posterior
    theirs = sklearn_metrics.log_loss(ages.astype(int), posterior.to_numpy(), labels=GRID)
    assert posteriors.log_score(posterior, ages) == pytest.approx(theirs)


def test_the_temperature_undoes_a_temperature(true_posterior):
    posterior, ages = true_posterior
    assert posteriors.fit_temperature(posterior, ages) == pytest.approx(1, abs=0.05)
    sharp = posteriors.scale_temperature(posterior, 0.5)
    found = posteriors.fit_temperature(sharp, ages)
    assert found == pytest.approx(2, rel=0.05)
    again = posteriors.scale_temperature(sharp, found)
    assert posteriors.log_score(again, ages) < posteriors.log_score(sharp, ages)


def test_the_temperature_is_the_one_scipy_finds(true_posterior):
    posterior, ages = true_posterior
    few, ages = posteriors.scale_temperature(posterior[:80], 0.7), ages[:80]
    scipys = scipy.optimize.minimize_scalar(
        lambda log: posteriors.log_score(posteriors.scale_temperature(few, np.exp(log)), ages),
        bounds=(-3, 3),
        options={"xatol": 1e-8},
    )
    assert posteriors.fit_temperature(few, ages) == pytest.approx(np.exp(scipys.x), rel=1e-4)


def test_tempering_is_dividing_the_outputs():
    outputs = np.random.default_rng(0).normal(size=(5, 7))
    softmax = pd.DataFrame(scipy.special.softmax(outputs, axis=1))
    ours = posteriors.scale_temperature(softmax, 1.7).to_numpy()
    assert ours == pytest.approx(scipy.special.softmax(outputs / 1.7, axis=1))


def test_where_no_temperature_is_best_it_is_near_an_end_of_the_range():
    right = pd.DataFrame([[0.1, 0.9]] * 3, columns=[20, 21])
    least, most = posteriors.TEMPERATURES
    assert least <= posteriors.fit_temperature(right, [21, 21, 21]) < 0.1
    assert posteriors.fit_temperature(right, [20, 20, 20]) == pytest.approx(most)


def test_the_mean_of_posteriors_never_scores_worse_than_they_do_on_average(true_posterior):
    _, ages = true_posterior
    generator = np.random.default_rng(1)
    members = [gaussian(ages + generator.normal(0, 4, len(ages)), np.full(len(ages), 3.0)) for _ in range(3)]
    both = posteriors.mean_posterior(members)
    assert both.to_numpy() == pytest.approx(np.mean([m.to_numpy() for m in members], axis=0))
    # Jensen: −log of a mean is at most the mean of −log.
    assert posteriors.log_score(both, ages) < np.mean([posteriors.log_score(m, ages) for m in members])


# --- calibration ------------------------------------------------------------------------------------------------


def test_the_curve_of_right_posteriors_is_the_diagonal(true_posterior):
    posterior, ages = true_posterior
    curve = calibration_curve(posterior, ages)
    assert ((curve["low"] <= curve["nominal"] + 1) & (curve["nominal"] - 1 <= curve["high"])).all()
    assert curve["observed"].is_monotonic_increasing
    too_sure = calibration_curve(posteriors.scale_temperature(posterior, 0.25), ages)
    # Half the σ: the middle 90 % are ±1.645 · σ/2, which hold Φ(0.82) − Φ(−0.82) = 58.9 % of all.
    expected = 100 * (2 * scipy.stats.norm.cdf(1.6449 / 2) - 1)
    assert too_sure.set_index("nominal").loc[90.0, "observed"] == pytest.approx(expected, abs=4)


def test_the_curve_counts_the_same_pictures_as_quantiles_do(true_posterior):
    posterior, ages = true_posterior
    uniform = ages + np.random.default_rng(0).uniform(-0.5, 0.5, len(ages))
    low, high = posteriors.posterior_quantiles(posterior, (0.1, 0.9)).T
    by_quantiles = 100 * np.mean((low <= uniform) & (uniform <= high))
    assert calibration_curve(posterior, ages, (0.8,))["observed"][0] == pytest.approx(by_quantiles, abs=2)


def test_the_calibration_error_is_that_of_a_plain_loop(classes):
    total = 0.0
    for low in np.arange(10) / 10:
        inside = []
        for _, row in classes.iterrows():
            sure = max(row["kind=a"], row["kind=b"], row["kind=c"])
            if low < sure <= low + 0.1 + 1e-12:
                inside.append((sure, row["kind"] == row["predicted_kind"]))
        if inside:
            sure, right = np.mean(inside, axis=0)
            total += len(inside) * abs(sure - right)
    assert expected_calibration_error(classes, "kind") == pytest.approx(100 * total / len(classes))


def test_reliability_is_scikit_learns_calibration_curve(classes):
    sure = classes[["kind=a", "kind=b", "kind=c"]].max(axis=1)
    right = (classes["kind"] == classes["predicted_kind"]).astype(int)
    accuracy, mean_sure = sklearn_calibration.calibration_curve(right, sure, n_bins=10)
    table = reliability(classes, "kind")
    assert table["accuracy"].to_numpy() == pytest.approx(100 * accuracy)
    assert table["confidence"].to_numpy() == pytest.approx(100 * mean_sure)
    assert table["count"].sum() == len(classes)
    assert (table["low"] <= table["accuracy"]).all() and (table["accuracy"] <= table["high"]).all()


def test_probabilities_that_are_right_have_a_small_calibration_error():
    generator = np.random.default_rng(0)
    share = generator.uniform(0.5, 1, 20_000)
    right = generator.random(20_000) < share
    table = pd.DataFrame(
        {"kind": np.where(right, "a", "b"), "predicted_kind": "a", "kind=a": share, "kind=b": 1 - share}
    )
    assert expected_calibration_error(table, "kind") < 1.5
    # Twice the doubt: what says 1 − d is right in 1 − 2 d of cases, on average d = 12.5 %.
    boastful = table.assign(**{"kind=a": (1 + share) / 2, "kind=b": (1 - share) / 2})
    assert expected_calibration_error(boastful, "kind") == pytest.approx(12.5, abs=1.5)


def test_pictures_without_a_true_class_do_not_count(classes):
    some = classes.copy()
    some.loc[::2, "kind"] = None
    assert expected_calibration_error(some, "kind") == expected_calibration_error(classes[1::2], "kind")


# --- ensembles --------------------------------------------------------------------------------------------------


def test_an_ensembles_squared_error_is_the_members_mean_less_their_disagreement():
    generator = np.random.default_rng(0)
    age = generator.uniform(20, 60, 50)
    tables = [
        pd.DataFrame({"path": [f"{i}" for i in range(50)], "age": age, "predicted": age + generator.normal(0, 5, 50)})
        for _ in range(3)
    ]
    shuffled = tables[1].sample(frac=1, random_state=0)
    both = mean_predictions([tables[0], shuffled, tables[2]])
    error = (both["predicted"] - age) ** 2
    members = np.mean([(table["predicted"] - age) ** 2 for table in tables], axis=0)
    # The ambiguity decomposition (Krogh and Vedelsby 1995) holds picture by picture.
    assert error.to_numpy() == pytest.approx(members - both["disagreement"].to_numpy() ** 2)


def test_an_ensemble_says_the_class_of_the_greatest_mean_probability():
    one = pd.DataFrame({"path": ["p"], "kind": ["b"], "predicted_kind": ["a"], "kind=a": [0.6], "kind=b": [0.4]})
    other = one.assign(**{"predicted_kind": "b", "kind=a": 0.1, "kind=b": 0.9})
    both = mean_predictions([one, other])
    assert both.loc[0, ["predicted_kind", "kind=a", "kind=b"]].tolist() == ["b", 0.35, pytest.approx(0.65)]
    assert "disagreement" not in both
    without = mean_predictions([one[["path", "kind", "predicted_kind"]]] * 2)
    assert "predicted_kind" not in without


# --- abstaining -------------------------------------------------------------------------------------------------


def test_risk_and_coverage_worked_by_hand():
    table = pd.DataFrame({"age": [20.0, 30, 40, 50], "predicted": [20.0, 34, 40, 50]})
    curve = risk_coverage(table, [0.1, 0.4, 0.2, 0.4])
    assert curve["answered"].tolist() == [25, 50, 100]
    assert curve["risk"].tolist() == [0, 0, 1]
    assert risk_area(curve) == 0.5


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100), st.floats(0, 5)), min_size=1, max_size=40))
def test_answering_everything_has_the_plain_error_and_knowing_the_error_is_best(rows):
    age, predicted, doubt = np.transpose(rows)
    table = pd.DataFrame({"age": age, "predicted": predicted})
    curve, oracle = risk_coverage(table, doubt), risk_coverage(table, np.abs(predicted - age))
    assert curve["risk"].iloc[-1] == pytest.approx(np.mean(np.abs(predicted - age)), abs=1e-9)
    assert curve["answered"].iloc[-1] == 100
    assert curve["doubt"].is_monotonic_increasing
    assert (np.diff(oracle["risk"]) >= -1e-9).all()
    nothing = risk_coverage(table, np.zeros(len(table)))
    assert risk_area(nothing) == pytest.approx(curve["risk"].iloc[-1], abs=1e-9)
    assert risk_area(oracle) <= risk_area(nothing) + 1e-9


def test_the_area_is_the_published_mean_of_the_selective_risks():
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"age": generator.uniform(0, 90, 200), "predicted": generator.uniform(0, 90, 200)})
    doubt = generator.permutation(200)
    errors = np.abs(table["age"] - table["predicted"])[np.argsort(doubt)]
    # Geifman and El-Yaniv: the mean over k of the mean error of the k surest.
    aurc = np.mean([errors[: k + 1].mean() for k in range(200)])
    assert risk_area(risk_coverage(table, doubt)) == pytest.approx(aurc)


def test_the_class_other_takes_pictures_below_the_threshold(classes):
    table = other_table(classes, "kind", (0, 0.6, 1.1))
    sure = classes[["kind=a", "kind=b", "kind=c"]].max(axis=1) >= 0.6
    wrong = classes["kind"] != classes["predicted_kind"]
    assert table.loc[0.6, "count"] == sure.sum()
    assert table.loc[0.6, "wrong"] == pytest.approx(100 * wrong[sure].mean())
    assert table.loc[0, "wrong"] == pytest.approx(100 * wrong.mean())
    assert table.loc[1.1, "answered"] == 0 and np.isnan(table.loc[1.1, ["wrong", "low", "high"]]).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: posteriors.spread(p.rename(columns={20: "old"})), "ages in years, not old"),
        (lambda p: posteriors.spread(p[[21, 20]]), "go up"),
        (lambda p: posteriors.spread(2 * p), "2 of 2 rows are no distribution .first: row 0, sum 2"),
        (lambda p: posteriors.spread(p * np.nan), "no distribution"),
        (lambda p: posteriors.posterior_quantiles(p, (1.0,)), "between 0 and 1, not 1"),
        (lambda p: posteriors.pit(p, [20]), "2 rows for 1 pictures"),
        (lambda p: posteriors.scale_temperature(p, 0), "above 0, not 0"),
        (lambda p: posteriors.fit_temperature(p[:0], []), "validation part is empty"),
        (lambda p: posteriors.mean_posterior([]), "one posterior at least"),
        (lambda p: posteriors.mean_posterior([p, p[:1]]), "from 20 to 21 years and of 1 .* have no mean"),
        (lambda p: calibration_curve(p[:0], []), "no pictures"),
        (lambda p: mean_predictions([]), "one network at least"),
        (lambda p: risk_coverage(pd.DataFrame({"age": [1.0], "predicted": [2.0]}), [1, 2]), "need one doubt each"),
        (lambda p: reliability(pd.DataFrame({"kind": ["a"]}), "kind"), "no column 'predicted_kind'"),
        (lambda p: reliability(pd.DataFrame({"kind": ["a"], "predicted_kind": ["a"]}), "kind"), "no probabilities"),
    ],
)
def test_what_cannot_be_judged_is_said(call, words):
    with pytest.raises(ValueError, match=words):
        call(pd.DataFrame([[0.5, 0.5], [0.1, 0.9]], columns=[20, 21]))


def test_levels_are_those_of_the_figure():
    assert calibration.LEVELS[0] == 0.1 and 0.9 in calibration.LEVELS
