"""Metrics against scikit-learn, intervals against scipy and theory."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor

from agelib import metrics
from agelib.metrics import bootstrap


@pytest.fixture
def predictions():
    generator = np.random.default_rng(7)
    age = generator.uniform(1, 90, 400)
    table = pd.DataFrame({"age": age, "predicted": age + generator.normal(1, 8, 400)})
    table["gender"] = generator.choice(["female", "male"], 400)
    table["identity"] = [f"person {i // 4}" for i in range(400)]
    return table


def test_each_metric_is_scikit_learns(predictions):
    age, predicted = predictions["age"], predictions["predicted"]
    assert metrics.mse(age, predicted) == pytest.approx(sklearn.metrics.mean_squared_error(age, predicted))
    assert metrics.rmse(age, predicted) == pytest.approx(sklearn.metrics.root_mean_squared_error(age, predicted))
    assert metrics.mae(age, predicted) == pytest.approx(sklearn.metrics.mean_absolute_error(age, predicted))
    assert metrics.r2(age, predicted) == pytest.approx(sklearn.metrics.r2_score(age, predicted))


def test_the_summary_holds_the_same_values(predictions):
    age, predicted = predictions["age"], predictions["predicted"]
    value = metrics.summarise(predictions, resamples=10)["value"]
    expected = {
        "MSE": metrics.mse(age, predicted),
        "RMSE": metrics.rmse(age, predicted),
        "MAE": metrics.mae(age, predicted),
        "R2": metrics.r2(age, predicted),
        "CS@5": 100 * np.mean(np.abs(predicted - age) <= 5),
    }
    assert value.to_dict() == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["MSE", "RMSE", "MAE", "R2", "CS@5"])
def test_the_interval_is_scipys_percentile_bootstrap(predictions, metric):
    functions = {
        "MSE": metrics.mse,
        "RMSE": metrics.rmse,
        "MAE": metrics.mae,
        "R2": metrics.r2,
        "CS@5": lambda age, predicted: 100 * np.mean(np.abs(predicted - age) <= 5),
    }
    scipys = scipy.stats.bootstrap(
        (predictions["age"].to_numpy(), predictions["predicted"].to_numpy()),
        functions[metric],
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    ours = metrics.summarise(predictions, resamples=4000).loc[metric]
    width = scipys.high - scipys.low
    assert ours["low"] == pytest.approx(scipys.low, abs=0.08 * width)
    assert ours["high"] == pytest.approx(scipys.high, abs=0.08 * width)


def test_the_mean_squared_errors_interval_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        age = generator.uniform(0, 80, 300)
        table = pd.DataFrame({"age": age, "predicted": age + generator.normal(0, 6, 300)})
        low, high = metrics.summarise(table, 300, seed=seed).loc["MSE", ["low", "high"]]
        covered += low <= 36 <= high
    assert 0.89 <= covered / 200 <= 0.99


def test_an_interval_depends_on_the_seed_alone(predictions):
    one, two = metrics.summarise(predictions, seed=3), metrics.summarise(predictions, seed=3)
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(metrics.summarise(predictions, seed=4))


def test_the_size_of_the_steps_does_not_change_the_interval(predictions, monkeypatch):
    whole = metrics.summarise(predictions)
    monkeypatch.setattr(bootstrap, "CHUNK", 400 * 7)
    pd.testing.assert_frame_equal(metrics.summarise(predictions), whole)


def test_drawing_whole_persons_widens_the_interval_when_their_errors_agree(predictions):
    shared = np.random.default_rng(1).normal(0, 8, 100).repeat(4)
    predictions["predicted"] = predictions["age"] + shared
    width = {}
    for unit in (None, "identity"):
        interval = metrics.summarise(predictions, unit=unit).loc["MAE"]
        width[unit] = interval["high"] - interval["low"]
    # Four pictures that say the same count as one: the width grows by sqrt(4).
    assert width["identity"] / width[None] == pytest.approx(2, rel=0.15)


def test_without_names_every_picture_is_a_person(predictions):
    predictions["identity"] = None
    pd.testing.assert_frame_equal(
        metrics.summarise(predictions, unit="identity"), metrics.summarise(predictions), rtol=1e-9
    )


def test_perfect_predictions_are_perfect():
    table = pd.DataFrame({"age": [1.0, 50.0, 30.0], "predicted": [1.0, 50.0, 30.0]})
    value = metrics.summarise(table, resamples=0)["value"]
    assert value.to_dict() == {"MSE": 0, "RMSE": 0, "MAE": 0, "R2": 1, "CS@5": 100}


def test_r2_of_equal_ages_is_not_a_number():
    table = pd.DataFrame({"age": [30.0, 30.0], "predicted": [31.0, 30.0]})
    assert np.isnan(metrics.r2(table["age"], table["predicted"]))
    assert np.isnan(metrics.summarise(table, resamples=20).loc["R2"]).all()


def test_r2_keeps_its_digits_far_from_zero():
    age = 1e6 + np.arange(100.0)
    table = pd.DataFrame({"age": age, "predicted": age + 1})
    expected = sklearn.metrics.r2_score(age, age + 1)
    assert metrics.summarise(table, 0).loc["R2", "value"] == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0, 116), st.floats(-20, 150)), min_size=2, max_size=30))
def test_rmse_is_at_least_mae_and_intervals_hold_in_order(pairs):
    age, predicted = np.array(pairs).T
    table = metrics.summarise(pd.DataFrame({"age": age, "predicted": predicted}), 50)
    assert table.loc["RMSE", "value"] >= table.loc["MAE", "value"] - 1e-9
    assert 0 <= table.loc["CS@5", "value"] <= 100
    known = table.dropna()
    assert (known["low"] <= known["high"]).all()


def test_baselines_are_scikit_learns_dummies(predictions):
    train = np.array([1.0, 20, 25, 30, 90])
    table = metrics.baselines(train, predictions)
    for name in ("mean", "median"):
        dummy = DummyRegressor(strategy=name).fit(train[:, None], train)
        always = dummy.predict(predictions[["age"]])
        row = table.loc[f"always the {name} age"]
        assert row["predicted"] == always[0]
        assert row["MAE"] == pytest.approx(sklearn.metrics.mean_absolute_error(predictions["age"], always))
        assert row["R2"] == pytest.approx(sklearn.metrics.r2_score(predictions["age"], always))


def test_errors_by_group_are_those_of_each_group_alone(predictions):
    table = metrics.error_by(predictions, "gender")
    for gender, mine in predictions.groupby("gender"):
        row = table.loc[gender]
        assert row["count"] == len(mine)
        assert row["MAE"] == pytest.approx(metrics.mae(mine["age"], mine["predicted"]))
        assert row["bias"] == pytest.approx((mine["predicted"] - mine["age"]).mean())
        assert row["low"] < row["MAE"] < row["high"]


def test_every_picture_falls_into_one_age_group(predictions):
    for edges in (None, (20, 40, 60)):
        table = metrics.error_by(predictions, bins=edges, resamples=10)
        assert table["count"].sum() == len(predictions)
    assert list(table.index) == ["under 20", "20–39", "40–59", "60 and over"]


def test_age_groups_are_pandas_cut(predictions):
    ours = metrics.age_groups(predictions["age"], (20, 40, 60))
    theirs = pd.cut(predictions["age"], [-np.inf, 20, 40, 60, np.inf], right=False)
    assert (ours.cat.codes.to_numpy() == theirs.cat.codes.to_numpy()).all()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pd.DataFrame({"age": [1.0]}), "no column 'predicted'"),
        (pd.DataFrame({"age": [], "predicted": []}), "empty"),
        (pd.DataFrame({"age": [1.0, 2.0], "predicted": [1.0, np.nan]}), "first: row 1"),
        (pd.DataFrame({"age": [1.0], "predicted": [np.inf]}), "diverge"),
    ],
)
def test_a_table_that_can_not_be_judged_is_refused(table, words):
    with pytest.raises(ValueError, match=words):
        metrics.summarise(table)


def test_bad_arguments_are_refused(predictions):
    with pytest.raises(ValueError, match="between 0 and 1"):
        metrics.summarise(predictions, level=95)
    with pytest.raises(ValueError, match="no column 'race'"):
        metrics.error_by(predictions, "race")
    with pytest.raises(ValueError, match="no column 'name'"):
        metrics.summarise(predictions, unit="name")
    with pytest.raises(ValueError, match="go up"):
        metrics.age_groups([1, 2], (40, 20))
    with pytest.raises(ValueError, match="same shape"):
        metrics.mae([1, 2], [1])
    with pytest.raises(ValueError, match="training part"):
        metrics.baselines([], predictions)


def test_a_difference_is_that_of_the_two_summaries_and_its_interval_is_scipys(predictions):
    predictions["path"] = [f"{i}.jpg" for i in range(len(predictions))]
    noise = np.random.default_rng(5).normal(0, 3, len(predictions))
    other = predictions.assign(predicted=predictions["predicted"] + noise)
    table = metrics.compare(predictions, other.sample(frac=1, random_state=1), resamples=4000)
    one, two = (metrics.summarise(each, 0)["value"] for each in (predictions, other))
    pd.testing.assert_series_equal(table["value"], two - one, check_names=False)
    gap = np.abs(other["predicted"] - other["age"]) - np.abs(predictions["predicted"] - predictions["age"])
    scipys = scipy.stats.bootstrap(
        (gap.to_numpy(),), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(2)
    ).confidence_interval
    width = scipys.high - scipys.low
    assert table.loc["MAE", "low"] == pytest.approx(scipys.low, abs=0.08 * width)
    assert table.loc["MAE", "high"] == pytest.approx(scipys.high, abs=0.08 * width)
    # Paired: narrower than the interval of either alone.
    alone = metrics.summarise(predictions).loc["MAE"]
    assert width < 0.8 * (alone["high"] - alone["low"])


def test_only_the_same_pictures_are_compared(predictions):
    predictions["path"] = [f"{i}.jpg" for i in range(len(predictions))]
    with pytest.raises(ValueError, match=r"1 pictures are in only one .*first: 0.jpg"):
        metrics.compare(predictions, predictions.iloc[1:])
    with pytest.raises(ValueError, match="different ages"):
        metrics.compare(predictions, predictions.assign(age=predictions["age"] + 1))
    with pytest.raises(ValueError, match="column 'path'"):
        metrics.compare(predictions.drop(columns="path"), predictions)


def test_whole_years_have_half_a_year_of_grace_which_rounding_takes_from_nobody():
    """Ages of 30, and a network that is off by 4 to 6 years: rounded or not, it is the same network."""
    predicted = 30 + np.linspace(4, 6, 2001)
    as_they_are = pd.DataFrame({"age": 30.0, "predicted": predicted})
    rounded = as_they_are.assign(predicted=metrics.whole_years(predicted))
    cs = [metrics.summarise(table, 0).loc["CS@5", "value"] for table in (as_they_are, rounded)]
    assert cs == pytest.approx([50, 75], abs=0.1)
    again = rounded.assign(predicted=metrics.whole_years(rounded["predicted"]))
    assert metrics.summarise(again, 0).loc["CS@5", "value"] == pytest.approx(cs[1])
    assert metrics.whole_years([0.5, 1.5, 2.5, -0.4, np.nan]).tolist()[:4] == [1, 2, 3, 0]
