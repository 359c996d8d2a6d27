"""Figures of groups and classes: that what they show is what the tables say."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from agelib import metrics, plots
from agelib.targets import binning
from agelib.targets.age_groups import NAMED, group_of, names_of
from agelib.training import balance


@pytest.fixture
def predictions():
    generator = np.random.default_rng(3)
    age = generator.uniform(0, 90, 300)
    table = pd.DataFrame({"age": age, "predicted": (age + generator.normal(0, 8, 300)).clip(0)})
    names = np.array(names_of("7b"))
    table["age_group"] = names[group_of(table["age"], "7b")]
    table["predicted_age_group"] = names[group_of(table["predicted"], "7b")]
    table["gender"] = generator.choice(["female", "male"], 300)
    table["ethnicity"] = generator.choice(["asian", "white"], 300)
    return table


def lengths(axis):
    return [patch.get_width() for patch in axis.patches]


def ticks(axis, which="y"):
    return [text.get_text() for text in getattr(axis, f"get_{which}ticklabels")()]


def test_the_confusion_matrix_shows_each_rows_shares_and_counts(predictions):
    table = metrics.confusion(predictions)
    axis = plots.confusion_matrix(table, "basic CNN").axes[0]
    assert axis.images[0].get_array().data == pytest.approx(table["percent"].to_numpy())
    written = [int(text.get_text().split("\n")[1]) for text in axis.texts if text.get_text()]
    assert sum(written) == len(predictions)
    assert ticks(axis) == ticks(axis, "x") == list(names_of("7b"))
    assert axis.get_xlabel() == "predicted age group"
    assert axis.get_title() == "basic CNN"


def test_a_class_without_pictures_is_an_empty_row():
    table = pd.DataFrame({"gender": ["male"], "predicted_gender": ["female"]})
    axis = plots.confusion_matrix(metrics.confusion(table, "gender")).axes[0]
    assert [text.get_text() for text in axis.texts] == ["", "", "100 %\n1", ""]


def test_squares_lie_on_the_diagonal_from_each_first_age_to_the_next(predictions):
    confusion = binning.age_confusion(predictions)
    axis = plots.confusion_squares(confusion, {"found": (0, 20, 60), "study C": NAMED["7b"]}).axes[0]
    end = confusion.index[-1] + 2
    squares = [(p.get_x(), p.get_y(), p.get_width(), p.get_height()) for p in axis.patches]
    assert squares[:3] == [(0, 0, 20, 20), (20, 20, 40, 40), (60, 60, end - 60, end - 60)]
    assert [square[0] for square in squares[3:]] == list(NAMED["7b"])
    assert sum(square[2] for square in squares[3:]) == end
    shares = axis.images[0].get_array().data
    assert shares.sum(axis=1) == pytest.approx(100 * (confusion.to_numpy().sum(axis=1) > 0))


def test_group_bars_are_those_of_the_table(predictions):
    table = metrics.error_by(predictions, "gender", resamples=50)
    axis = plots.group_bars(table).axes[0]
    assert lengths(axis) == pytest.approx(list(table["MAE"]))
    assert ticks(axis) == [f"{name} ({count})" for name, count in table["count"].items()]
    assert axis.get_xlabel() == "MAE (years)"


def test_biases_are_shown_with_what_shuffled_groups_give(predictions):
    table = metrics.bias_table(predictions, resamples=50)
    figure = plots.group_bars(table, label="bias (years)")
    axis = figure.axes[0]
    assert lengths(axis) == pytest.approx(list(table["value"]))
    marks = [line for line in axis.lines if line.get_label() == "if the groups meant nothing"]
    assert list(marks[0].get_xdata()) == list(table["chance"])
    without = metrics.bias_table(predictions, resamples=0)
    assert not plots.group_bars(without).legends


def test_class_scores_are_bars_of_f1_and_a_line_at_macro_f1(predictions):
    table = metrics.class_scores(predictions, resamples=50)
    axis = plots.class_scores(table).axes[0]
    assert lengths(axis) == pytest.approx(list(table["F1"]))
    lines = {line.get_label(): line for line in axis.lines}
    assert list(lines["precision"].get_xdata()) == list(table["precision"])
    assert list(lines["recall"].get_xdata()) == list(table["recall"])
    macro = metrics.macro_f1(predictions["age_group"], predictions["predicted_age_group"])
    assert lines[f"macro F1: {macro:.1f} %"].get_xdata()[0] == pytest.approx(macro)


def test_a_class_that_never_occurs_has_no_bar_and_no_number():
    table = pd.DataFrame({"gender": ["male"], "predicted_gender": ["male"], "gender=male": 1, "gender=female": 0})
    figure = plots.class_scores(metrics.class_scores(table, "gender", 20))
    figure.canvas.draw()
    assert [text.get_text() for text in figure.axes[0].texts] == ["100.0"]


def test_weights_are_shown_year_by_year_above_the_pictures(predictions):
    ages = predictions["age"].to_numpy()
    weights = {"LDS": balance.lds_weights(ages), "twice": 2 * balance.lds_weights(ages)}
    upper, lower = plots.weights_by_age(ages, weights).axes
    years = np.floor(ages)
    assert list(upper.lines[0].get_xdata()) == sorted(set(years))
    assert upper.lines[0].get_ydata()[0] == pytest.approx(weights["LDS"][years == years.min()][0])
    assert upper.lines[1].get_ydata() == pytest.approx(upper.lines[0].get_ydata())
    assert sum(patch.get_height() for patch in lower.patches) == len(ages)


def test_variants_have_two_points_each():
    table = pd.DataFrame({"variant": ["V01", "V02"], "published": [53.38, 55.96], "ours": [50.0, np.nan]})
    for extra in ({}, {"low": [48.0, np.nan], "high": [52.0, np.nan]}):
        axis = plots.variants(table.assign(**extra)).axes[0]
        lines = {line.get_label(): line.get_ydata() for line in axis.lines}
        assert list(lines["published"]) == [53.38, 55.96]
        assert lines["ours"][0] == 50 and np.isnan(lines["ours"][1])
        assert ticks(axis, "x") == ["V01", "V02"]


def test_figures_are_returned_closed(predictions):
    before = plt.get_fignums()
    assert isinstance(plots.confusion_matrix(metrics.confusion(predictions)), Figure)
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (lambda: plots.confusion_matrix(pd.DataFrame({"count": [1]})), "no column 'percent'"),
        (lambda: plots.confusion_squares(pd.DataFrame(), {"found": (0,)}), "empty"),
        (lambda: plots.confusion_squares(pd.DataFrame([[1]]), {}), "one to 4 sets"),
        (lambda: plots.group_bars(pd.DataFrame({"MAE": [1.0]})), "no column 'low'"),
        (lambda: plots.class_scores(pd.DataFrame({"count": [1]})), "no column 'precision'"),
        (lambda: plots.weights_by_age([], {}), "no image"),
        (lambda: plots.weights_by_age([1.0, 2], {"LDS": [1.0]}), "2 ages but 1 weights of 'LDS'"),
        (lambda: plots.variants(pd.DataFrame({"variant": ["V01"]})), "no column 'published'"),
    ],
)
def test_a_table_that_can_not_be_drawn_is_refused(figure, words):
    with pytest.raises(ValueError, match=words):
        figure()
