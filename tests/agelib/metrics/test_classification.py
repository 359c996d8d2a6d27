"""Classes against scikit-learn, their intervals against scipy and theory."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from agelib import metrics

NAMES = ("0–2", "3–6", "7–14", "15–30", "66 and over")
OURS = {"accuracy": metrics.accuracy, "macro F1": metrics.macro_f1}
THEIRS = {
    "accuracy": sklearn.metrics.accuracy_score,
    "precision": lambda *both: sklearn.metrics.precision_score(*both, average="macro", zero_division=0),
    "recall": lambda *both: sklearn.metrics.recall_score(*both, average="macro", zero_division=0),
    "macro F1": lambda *both: sklearn.metrics.f1_score(*both, average="macro", zero_division=0),
}


@pytest.fixture
def predictions():
    generator = np.random.default_rng(7)
    true = generator.choice(5, 400, p=[0.05, 0.1, 0.15, 0.5, 0.2])
    predicted = np.clip(true + generator.choice([-1, 0, 0, 0, 1], 400), 0, 4)
    table = pd.DataFrame({"path": [f"{i}.jpg" for i in range(400)]})
    table["age_group"] = np.array(NAMES)[true]
    table["predicted_age_group"] = np.array(NAMES)[predicted]
    table["identity"] = [f"person {i // 4}" for i in range(400)]
    return table


@pytest.mark.parametrize("metric", THEIRS)
def test_each_metric_is_scikit_learns(predictions, metric):
    both = predictions["age_group"], predictions["predicted_age_group"]
    if metric in OURS:
        assert OURS[metric](*both) == pytest.approx(100 * THEIRS[metric](*both), rel=1e-12)
    table = metrics.classify(predictions, resamples=0)
    assert table.loc[metric, "value"] == pytest.approx(100 * THEIRS[metric](*both), rel=1e-12)


labels = st.sampled_from("abcd")


@given(st.lists(st.tuples(labels, labels), min_size=1, max_size=30))
@settings(max_examples=40)
def test_metrics_are_scikit_learns_also_where_classes_are_missing(pairs):
    true, predicted = zip(*pairs, strict=True)
    for metric, ours in OURS.items():
        assert ours(true, predicted) == pytest.approx(100 * THEIRS[metric](true, predicted), rel=1e-12)


def test_each_classs_scores_are_scikit_learns(predictions):
    table = metrics.class_scores(predictions)
    expected = sklearn.metrics.precision_recall_fscore_support(
        predictions["age_group"], predictions["predicted_age_group"], labels=list(NAMES)
    )
    assert list(table.index) == list(NAMES)
    for column, values in zip(("precision", "recall", "F1"), expected, strict=False):
        assert table[column].to_numpy() == pytest.approx(100 * values, rel=1e-12)
    assert (table["count"] == expected[3]).all()
    assert ((table["low"] < table["F1"]) & (table["F1"] < table["high"])).all()


def test_the_confusion_matrix_is_scikit_learns(predictions):
    table = metrics.confusion(predictions)
    both = predictions["age_group"], predictions["predicted_age_group"]
    expected = sklearn.metrics.confusion_matrix(*both, labels=list(NAMES))
    assert (table["count"].to_numpy() == expected).all()
    shares = sklearn.metrics.confusion_matrix(*both, labels=list(NAMES), normalize="true")
    assert table["percent"].to_numpy() == pytest.approx(100 * shares, rel=1e-12)
    assert table["percent"].sum(axis=1).to_numpy() == pytest.approx([100] * 5)


def test_the_interval_of_macro_f1_is_scipys_percentile_bootstrap(predictions):
    true = pd.factorize(predictions["age_group"], sort=True)[0]
    predicted = pd.factorize(predictions["predicted_age_group"], sort=True)[0]

    def macro_f1(true, predicted):
        counts = np.bincount(5 * true + predicted, minlength=25).reshape(5, 5)
        return 100 * np.mean(2 * np.diag(counts) / (counts.sum(0) + counts.sum(1)))

    scipys = scipy.stats.bootstrap(
        (true, predicted),
        macro_f1,
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    ours = metrics.classify(predictions, resamples=4000).loc["macro F1"]
    width = scipys.high - scipys.low
    assert ours["low"] == pytest.approx(scipys.low, abs=0.08 * width)
    assert ours["high"] == pytest.approx(scipys.high, abs=0.08 * width)


def test_the_interval_of_accuracy_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(0)
    covered = 0
    for seed in range(150):
        right = generator.random(300) < 0.7
        table = pd.DataFrame({"gender": "male", "predicted_gender": np.where(right, "male", "female")})
        low, high = metrics.classify(table, "gender", 300, seed=seed).loc["accuracy", ["low", "high"]]
        covered += low <= 70 <= high
    assert 0.89 <= covered / 150 <= 0.99


def test_drawing_whole_persons_widens_the_interval_when_their_errors_agree(predictions):
    one_of_each = predictions.iloc[::4]
    predictions = one_of_each.loc[one_of_each.index.repeat(4)].reset_index(drop=True)
    width = {}
    for unit in (None, "identity"):
        interval = metrics.classify(predictions, unit=unit).loc["accuracy"]
        width[unit] = interval["high"] - interval["low"]
    assert width["identity"] / width[None] == pytest.approx(2, rel=0.15)


def test_persons_of_one_picture_give_the_interval_of_single_pictures(predictions):
    predictions["identity"] = None
    for act in (metrics.classify, metrics.class_scores):
        alone = act(predictions, resamples=4000)
        persons = act(predictions, resamples=4000, unit="identity")
        for column in ("low", "high"):
            width = (alone["high"] - alone["low"]).to_numpy()
            assert (np.abs(alone[column] - persons[column]).to_numpy() < 0.12 * width).all()


def test_an_interval_depends_on_the_seed_alone(predictions):
    one, two = metrics.classify(predictions, seed=3), metrics.classify(predictions, seed=3)
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(metrics.classify(predictions, seed=4))


@pytest.mark.parametrize("unit", [None, "identity"])
def test_a_difference_is_that_of_the_two_tables_and_paired(predictions, unit):
    generator = np.random.default_rng(5)
    changed = generator.random(400) < 0.1
    other = predictions.copy()
    other.loc[changed, "predicted_age_group"] = other.loc[changed, "age_group"]
    table = metrics.compare_classes(predictions, other.sample(frac=1, random_state=1), unit=unit)
    one, two = (metrics.classify(each, resamples=0)["value"] for each in (predictions, other))
    pd.testing.assert_series_equal(table["value"], two - one, check_names=False)
    assert (table["low"] > 0).all() and (table["low"] < table["value"]).all()
    assert (table["value"] < table["high"]).all()
    alone = metrics.classify(predictions).loc["accuracy"]
    paired = table.loc["accuracy"]
    assert paired["high"] - paired["low"] < 0.8 * (alone["high"] - alone["low"])
    same = metrics.compare_classes(predictions, predictions)
    assert (same[["value", "low", "high"]] == 0).all(axis=None)


def test_pictures_without_a_true_class_do_not_count(predictions):
    more = predictions.copy()
    more.loc[:99, "age_group"] = None
    pd.testing.assert_frame_equal(metrics.classify(more), metrics.classify(predictions.iloc[100:]))


def test_classes_come_in_the_order_of_the_probability_columns_or_of_ages():
    table = pd.DataFrame({"age_group": ["9–20", "under 3", "3–8"], "predicted_age_group": "100 and over"})
    assert metrics.class_names(table) == ["under 3", "3–8", "9–20", "100 and over"]
    table = pd.DataFrame({"gender": ["male"], "predicted_gender": ["male"], "gender=male": 1, "gender=female": 0})
    assert metrics.class_names(table, "gender") == ["male", "female"]
    assert metrics.confusion(table, "gender")["count"].to_numpy().tolist() == [[1, 0], [0, 0]]
    scores = metrics.class_scores(table, "gender")
    assert scores["F1"].mean() == 100 and np.isnan(scores.loc["female", "F1"])
    # A class that is neither there nor predicted does not lower the mean of the others.
    assert metrics.classify(table, "gender", 50)["low"].tolist() == [100] * 4


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pd.DataFrame({"gender": ["male"]}), "no column 'predicted_gender'"),
        (pd.DataFrame({"gender": [None], "predicted_gender": ["male"]}), "no picture .* has a gender"),
        (pd.DataFrame({"gender": ["male"] * 2, "predicted_gender": ["male", None]}), "first: row 1"),
    ],
)
def test_a_table_that_can_not_be_judged_is_refused(table, words):
    for act in (metrics.classify, metrics.confusion, metrics.class_scores):
        with pytest.raises(ValueError, match=words):
            act(table, "gender")


def test_bad_arguments_are_refused(predictions):
    with pytest.raises(ValueError, match="no column 'name'"):
        metrics.classify(predictions, unit="name")
    with pytest.raises(ValueError, match="2 true classes and 1"):
        metrics.macro_f1(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="different age groups"):
        metrics.compare_classes(predictions, predictions.assign(age_group="0–2"))
    with pytest.raises(ValueError, match="1 pictures are in only one"):
        metrics.compare_classes(predictions, predictions.iloc[1:])
