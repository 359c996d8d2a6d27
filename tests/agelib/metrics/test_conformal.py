"""Intervals of shares against scipy; conformal intervals: a golden example, closed forms, and the promised coverage."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from agelib.metrics import conformal
from agelib.metrics.conformal import add_intervals, calibrate_intervals, coverage, finite_sample_quantile
from agelib.metrics.proportions import share_interval

#: Nine calibration pictures, worked by hand: their absolute errors in order are 0, 1, 1, 2, 3, 4, 5, 7, 9.
GOLDEN = pd.DataFrame(
    {
        "age": [20.0, 25, 30, 35, 40, 45, 50, 55, 60],
        "predicted": [21.0, 25, 33, 33, 45, 44, 54, 48, 51],
        "gender": list("fffffmmmm"),
    }
)

GRID = np.arange(0, 101)


def gaussian_posterior(means, stds) -> pd.DataFrame:
    """Posteriors over whole years that are right for a normal age."""
    edges = np.arange(-0.5, 101.5)
    below = scipy.stats.norm.cdf(edges[None], np.asarray(means)[:, None], np.asarray(stds)[:, None])
    shares = np.diff(below, axis=1)
    return pd.DataFrame(shares / shares.sum(axis=1, keepdims=True), columns=GRID)


def people(number, generator, wide=12.0):
    """Half are easy (σ = 3 years), half hard (σ = wide); the posterior thinks that everybody's σ is 6 years."""
    hard = generator.random(number) < 0.5
    predicted = generator.uniform(35, 65, number)
    age = predicted + generator.normal(0, np.where(hard, wide, 3.0))
    table = pd.DataFrame({"age": age, "predicted": predicted, "gender": np.where(hard, "male", "female")})
    return table


# --- shares -----------------------------------------------------------------------------------------------------


#: Bounds for 0 of 30, 3 of 30, 1 of 1, 29 of 30 and 700 of 2000, from the formula of Clopper and Pearson by
#: bisection of binomial sums.
SHARES = {
    0.95: [
        (0.0, 0.11570330822202779),
        (0.021117137029722566, 0.2652884504742081),
        (0.025000000000000015, 1.0),
        (0.8278305443665872, 0.9991564290733694),
        (0.3290789436179786, 0.37136173008191964),
    ],
    0.8: [
        (0.0, 0.07388127187120652),
        (0.03730774029050353, 0.20929946558702428),
        (0.09999999999999995, 1.0),
        (0.8764300093247437, 0.996494142730415),
        (0.3361955289431303, 0.3640231179180723),
    ],
}


@pytest.mark.parametrize("level", SHARES)
def test_the_interval_of_a_share_is_the_formulas(level):
    found = share_interval([0, 3, 1, 29, 700], [30, 30, 1, 30, 2000], level)
    np.testing.assert_allclose(np.transpose(found), SHARES[level], rtol=0, atol=1e-12)
    for (low, high), (count, number) in zip(SHARES[level], [(0, 30), (3, 30)], strict=False):
        tail = (1 - level) / 2
        assert scipy.stats.binom.cdf(count, number, high) == pytest.approx(tail)
        assert not count or scipy.stats.binom.sf(count - 1, number, low) == pytest.approx(tail)


def test_shares_of_arrays_are_those_of_their_elements():
    low, high = share_interval(np.array([[0, 2], [4, 5]]), 5)
    assert low.shape == high.shape == (2, 2)
    assert (low[1, 0], high[1, 0]) == share_interval(4, 5)
    assert np.isnan(share_interval(0, 0)).all()


@given(st.integers(0, 60), st.integers(0, 60))
def test_an_interval_holds_the_share_and_mirrors(count, missed):
    number = count + missed
    if not number:
        return
    low, high = share_interval(count, number)
    assert 0 <= low <= count / number <= high <= 1
    other = share_interval(missed, number)
    assert other == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ValueError, match="a share of 5 of 3 is none"):
        share_interval([1, 5], 3)
    with pytest.raises(ValueError, match="between 0 and 1, not 95"):
        share_interval(1, 3, level=95)


# --- the finite-sample quantile ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "level", "rank"), [(9, 0.9, 9), (10, 0.9, 10), (19, 0.9, 18), (99, 0.9, 90), (19, 0.95, 19)]
)
def test_the_rank_is_the_published_one(number, level, rank):
    assert finite_sample_quantile(np.arange(1, number + 1), level) == rank


def test_too_few_pictures_have_no_bound():
    assert finite_sample_quantile(np.zeros(8), 0.9) == np.inf
    assert finite_sample_quantile(np.zeros(9), 0.9) == 0
    assert finite_sample_quantile([], 0.5) == np.inf


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_at_least_the_asked_share_of_the_scores_is_within_the_bound(scores, level):
    bound = finite_sample_quantile(scores, level)
    assert np.mean(np.asarray(scores) <= bound) >= min(level, 1) - 1e-9
    # It is the least of the scores that does so for one picture more.
    smaller = [score for score in scores if score < bound]
    assert len(smaller) < (len(scores) + 1) * level


# --- split-conformal --------------------------------------------------------------------------------------------


def test_the_hand_worked_example_of_absolute_errors():
    # ⌈10 · 0.7⌉ = 7: the seventh smallest error is 5 years.
    calibration = calibrate_intervals(GOLDEN, level=0.7)
    assert calibration.margins.to_dict("index") == {"all": {"count": 9, "margin": 5.0}}
    given_ = add_intervals(calibration, pd.DataFrame({"predicted": [3.0, 40.0]}))
    assert given_[["age_low", "age_high"]].to_numpy().tolist() == [[0, 8], [35, 45]]


def test_the_hand_worked_example_by_gender():
    # Women's errors 0 1 2 3 5, ⌈6 · 0.5⌉ = 3: 2 years. Men's 1 4 7 9, ⌈5 · 0.5⌉ = 3: 7 years.
    calibration = calibrate_intervals(GOLDEN, level=0.5, by="gender")
    assert calibration.margins["margin"].to_dict() == {"f": 2.0, "m": 7.0}
    new = pd.DataFrame({"predicted": [30.0, 30, 30, 30], "gender": ["m", "f", "x", None]})
    given_ = add_intervals(calibration, new)
    assert given_["age_high"].tolist() == [37, 32, np.inf, np.inf]
    assert given_["age_low"].tolist() == [23, 28, 0, 0]


def test_the_hand_worked_example_of_normalised_errors():
    valid = pd.DataFrame({"age": [20.0, 30, 40], "predicted": [22.0, 33, 40]})
    # Two equal years d apart have a standard deviation of d / 2.
    posterior = pd.DataFrame(0.0, index=range(3), columns=[18, 20, 22, 26])
    posterior.loc[0, [18, 22]] = 0.5  # std 2: score 1
    posterior.loc[1, [18, 26]] = 0.5  # std 4: score 0.75
    posterior.loc[2, 20] = 1.0  # std 0, counts as 0.5: score 0
    calibration = calibrate_intervals(valid, posterior, kind="normalised", level=0.5)
    assert calibration.margins.loc["all", "margin"] == 0.75
    given_ = add_intervals(calibration, pd.DataFrame({"predicted": [50.0]}), posterior.iloc[1:2])
    assert given_[["age_low", "age_high"]].to_numpy().tolist() == [[47, 53]]


def test_the_hand_worked_example_of_quantiles():
    # A tenth on each of 0 to 9: the middle half is from 2 to 7 years.
    posterior = pd.DataFrame([[0.1] * 10] * 3)
    valid = pd.DataFrame({"age": [1.0, 4.0, 9.0], "predicted": 4.5})
    calibration = calibrate_intervals(valid, posterior, kind="quantile", level=0.5)
    assert calibration.margins.loc["all", "margin"] == pytest.approx(1.0)  # of −2, 1, 2 the second
    given_ = add_intervals(calibration, valid, posterior)
    assert given_["age_low"].to_numpy() == pytest.approx([1, 1, 1])
    assert given_["age_high"].to_numpy() == pytest.approx([8, 8, 8])


def test_posteriors_that_are_too_wide_are_narrowed_and_never_turned_round():
    posterior = pd.DataFrame([[0.1] * 10] * 9)
    valid = pd.DataFrame({"age": np.full(9, 4.5), "predicted": 4.5})
    calibration = calibrate_intervals(valid, posterior, kind="quantile", level=0.9)
    assert calibration.margins.loc["all", "margin"] == pytest.approx(-4.5)
    narrow = posterior.copy()
    narrow[:] = np.eye(10)[7]
    given_ = add_intervals(calibration, valid, narrow)
    assert given_["age_low"].to_numpy() == pytest.approx(np.full(9, 7.0))
    assert (given_["age_low"] == given_["age_high"]).all()


@pytest.mark.parametrize("kind", conformal.KINDS)
def test_exchangeable_pictures_are_covered_as_often_as_promised(kind):
    level, number, rounds = 0.8, 39, 250
    table = people(rounds * (number + 1), np.random.default_rng(5))
    posterior = gaussian_posterior(table["predicted"], np.full(len(table), 6.0))
    hits = 0
    for start in range(0, len(table), number + 1):
        old, new = slice(start, start + number), slice(start + number, start + number + 1)
        calibration = calibrate_intervals(table[old], posterior[old], kind=kind, level=level)
        given_ = add_intervals(calibration, table[new], posterior[new])
        hits += int(given_["age"].between(given_["age_low"], given_["age_high"]).sum())
    # ⌈40 · 0.8⌉ / 40 is exactly 0.8, and errors that have no ties are covered neither more nor less often.
    low, high = scipy.stats.binom(rounds, level).interval(0.999)
    assert low <= hits <= high


def test_a_network_however_bad_still_covers():
    generator = np.random.default_rng(1)
    age = generator.gamma(2, 15, 4000)
    table = pd.DataFrame({"age": age, "predicted": 30.0})
    judged = coverage(add_intervals(calibrate_intervals(table[:2000], level=0.9), table[2000:]))
    # The coverage of one calibration is Beta(k, n + 1 − k); on top of it comes the luck of 2,000 judged pictures.
    low, high = scipy.stats.betabinom(2000, 1801, 200).interval(0.999)
    assert low <= 20 * judged.loc["all", "covered"] <= high


def test_calibrating_each_group_repairs_the_group_that_calibrating_all_together_fails():
    generator = np.random.default_rng(2)
    valid, test = people(3000, generator), people(3000, generator)
    together = coverage(add_intervals(calibrate_intervals(valid), test), by="gender")
    apart = coverage(add_intervals(calibrate_intervals(valid, by="gender"), test), by="gender")
    # Closed form: where Φ-tails of σ 3 and σ 12 average to 10 %, the hard half is covered in about 80 % of cases.
    assert together.loc["male", "high"] < 85
    assert together.loc["female", "low"] > 99
    for group in ("male", "female"):
        assert apart.loc[group, "low"] < 91.5 and apart.loc[group, "high"] > 88.5
        assert apart.loc[group, "covered"] == pytest.approx(90, abs=3)
    assert apart.loc["female", "width"] < together.loc["female", "width"] < apart.loc["male", "width"]


def test_a_posterior_that_knows_who_is_hard_gives_them_wider_intervals():
    generator = np.random.default_rng(3)
    valid, test = people(2000, generator), people(2000, generator)

    def knowing(table):
        return gaussian_posterior(table["predicted"], np.where(table["gender"] == "male", 12.0, 3.0))

    for kind in ("normalised", "quantile"):
        calibration = calibrate_intervals(valid, knowing(valid), kind=kind)
        table = coverage(add_intervals(calibration, test, knowing(test)), by="gender")
        assert table["covered"].to_numpy() == pytest.approx([90, 90, 90], abs=3)
        # A normal distribution's middle 90 % is 2 · 1.645 σ wide.
        assert table["width"].to_numpy()[1:] == pytest.approx([2 * 1.645 * 3, 2 * 1.645 * 12], rel=0.1)


def test_margins_by_predicted_age_hold_for_the_predicted_decade():
    generator = np.random.default_rng(4)
    valid = people(500, generator)
    calibration = calibrate_intervals(valid, by="predicted", bins=(40, 50))
    assert list(calibration.margins.index) == ["under 40", "40–49", "50 and over"]
    errors = (valid["age"] - valid["predicted"]).abs()[valid["predicted"] < 40]
    assert calibration.margins.loc["under 40", "margin"] == finite_sample_quantile(errors, 0.9)
    one = add_intervals(calibration, pd.DataFrame({"predicted": [39.0]}))
    assert one["age_high"][0] == 39 + calibration.margins.loc["under 40", "margin"]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=30),
    st.floats(0.05, 0.95),
    st.floats(0.05, 0.95),
)
def test_intervals_are_in_order_and_grow_with_the_level(pairs, one, other):
    table = pd.DataFrame(pairs, columns=["age", "predicted"])
    narrow, wide = (add_intervals(calibrate_intervals(table, level=level), table) for level in sorted((one, other)))
    assert (narrow["age_low"] <= narrow["age_high"]).all()
    assert (wide["age_low"] <= narrow["age_low"]).all() and (narrow["age_high"] <= wide["age_high"]).all()
    assert coverage(wide)["covered"].iloc[0] >= coverage(narrow)["covered"].iloc[0]


def test_pictures_without_a_group_are_a_group():
    table = GOLDEN.assign(gender=[None, None, None, None, None, *"mmmm"])
    calibration = calibrate_intervals(table, level=0.5, by="gender")
    assert calibration.margins["count"].to_dict() == {"m": 4, "not recorded": 5}
    assert add_intervals(calibration, table)["age_high"].iloc[0] == 21 + 2


# --- coverage ---------------------------------------------------------------------------------------------------


def test_coverage_counts_bounds_as_inside_and_says_so_for_each_group():
    table = pd.DataFrame(
        {
            "age": [10.0, 20, 30, 40],
            "age_low": [10.0, 10, 31, 0],
            "age_high": [12.0, 20, 40, np.inf],
            "gender": ["f", "f", "m", "m"],
        }
    )
    judged = coverage(table, by="gender")
    assert judged["covered"].tolist() == [75, 100, 50]
    assert judged["count"].tolist() == [4, 2, 2]
    assert judged["width"].tolist() == [np.inf, 6, np.inf]
    low, high = scipy.stats.binomtest(3, 4).proportion_ci(0.95, "exact")
    assert judged.loc["all", ["low", "high"]].tolist() == pytest.approx([100 * low, 100 * high])
    assert list(coverage(table, by="age", bins=(25,)).index) == ["all", "under 25", "25 and over"]


def test_pictures_of_the_same_persons_make_the_coverage_less_certain():
    generator = np.random.default_rng(0)
    person = np.repeat(np.arange(60), 10)
    missed = np.repeat(generator.random(60) < 0.1, 10)
    table = pd.DataFrame({"age": np.where(missed, 50.0, 30.0), "age_low": 20.0, "age_high": 40.0, "identity": person})
    pictures, persons = coverage(table), coverage(table, unit="identity", resamples=500)
    assert pictures["covered"].iloc[0] == persons["covered"].iloc[0]
    widths = [(each["high"] - each["low"]).iloc[0] for each in (pictures, persons)]
    # Ten pictures of a person that are all right or all wrong are worth one: √10 times as wide.
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(10), rel=0.25)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: calibrate_intervals(GOLDEN, kind="bayes"), "kind is one of absolute, normalised, quantile"),
        (lambda: calibrate_intervals(GOLDEN, by="age"), "not known"),
        (lambda: calibrate_intervals(GOLDEN, by="shoe"), "no column 'shoe'"),
        (lambda: calibrate_intervals(GOLDEN, kind="quantile"), "need the posterior"),
        (lambda: calibrate_intervals(GOLDEN, pd.DataFrame([[0.5, 0.5]]), kind="quantile"), "1 rows for 9 pictures"),
        (lambda: calibrate_intervals(GOLDEN, level=90), "between 0 and 1, not 90"),
        (lambda: add_intervals(calibrate_intervals(GOLDEN), GOLDEN[["age"]]), "no column 'predicted'"),
        (lambda: coverage(GOLDEN), "no column 'age_low'"),
        (lambda: coverage(GOLDEN.assign(age_low=0, age_high=np.nan)), "missing"),
        (lambda: coverage(GOLDEN.assign(age_low=0, age_high=1)[:0]), "empty"),
    ],
)
def test_what_cannot_be_calibrated_is_said(call, words):
    with pytest.raises(ValueError, match=words):
        call()
