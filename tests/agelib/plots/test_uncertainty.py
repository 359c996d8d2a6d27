"""Figures of uncertainty: that what they show is what the tables say."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from agelib import metrics, plots
from agelib.plots import uncertainty


@pytest.fixture
def predictions():
    generator = np.random.default_rng(3)
    age = generator.uniform(5, 80, 300)
    table = pd.DataFrame({"age": age, "predicted": age + generator.normal(0, 8, 300)})
    table["gender"] = generator.choice(["female", "male"], 300)
    table["age_low"], table["age_high"] = table["predicted"] - 9, table["predicted"] + 9
    return table


@pytest.fixture
def posterior(predictions):
    grid = np.arange(0, 101)
    density = np.exp(-((grid - predictions["predicted"].to_numpy()[:, None]) ** 2) / 2 / 5**2)
    return pd.DataFrame(density / density.sum(axis=1, keepdims=True), columns=grid)


def named(axis):
    return {line.get_label(): line for line in axis.lines}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_posteriors_are_drawn_over_their_ages_with_the_truth(posterior):
    figure = plots.posteriors({"one": posterior.iloc[0], "other": posterior.iloc[1]}, age=33.0)
    lines = named(figure.axes[0])
    assert lines["one"].get_ydata() == pytest.approx(posterior.iloc[0].to_numpy())
    assert list(lines["one"].get_xdata()) == list(posterior.columns)
    assert set(lines["true age"].get_xdata()) == {33.0}


def test_error_by_spread_shows_each_fifths_mean(predictions):
    spread = np.arange(300)[::-1]
    axis = plots.spread_and_error(predictions, spread).axes[0]
    error = (predictions["predicted"] - predictions["age"]).abs().to_numpy()
    means = [error[first : first + 60].mean() for first in (240, 180, 120, 60, 0)]
    assert axis.lines[0].get_ydata() == pytest.approx(means)
    assert len(axis.collections[0].get_offsets()) == 300


def test_intervals_mark_who_is_outside(predictions):
    some = predictions.head(100)
    axis = plots.intervals_by_age(some).axes[0]
    outside = ~some["age"].between(some["age_low"], some["age_high"])
    lines = named(axis)
    assert set(lines[f"true age outside ({outside.sum()})"].get_ydata()) == set(some["age"][outside])
    assert len(axis.collections[0].get_segments()) == 100


def test_of_many_intervals_some_are_drawn_evenly_chosen(predictions):
    axis = plots.intervals_by_age(predictions).axes[0]
    x = [segment[0][0] for segment in axis.collections[0].get_segments()]
    assert len(x) == uncertainty.MANY
    assert (x[0], x[-1]) == (predictions["predicted"].min(), predictions["predicted"].max())


def test_an_interval_without_end_fills_the_axis(predictions):
    axis = plots.intervals_by_age(predictions.head(5).assign(age_high=np.inf)).axes[0]
    assert all(segment[1][1] == axis.get_ylim()[1] for segment in axis.collections[0].get_segments())


def test_coverage_is_shown_for_each_group_and_calibration(predictions):
    wide = predictions.assign(age_low=0, age_high=100)
    tables = {"narrow": metrics.coverage(predictions, "gender"), "wide": metrics.coverage(wide, "gender")}
    figure = plots.coverage_by_group(tables)
    left, right = figure.axes
    assert left.get_yticklabels()[0].get_text() == "all (300)"
    assert list(left.containers[0].lines[0].get_xdata()) == list(tables["narrow"]["covered"])
    assert list(right.lines[1].get_xdata()) == [100, 100, 100]
    assert named(left)["promised: 90 %"].get_xdata()[0] == 90


def test_a_width_without_end_is_said_in_words(predictions):
    table = metrics.coverage(predictions.assign(age_high=np.inf), "gender")
    figure = plots.coverage_by_group({"too few": table})
    assert [text.get_text().strip() for text in figure.axes[1].texts] == ["without end"] * 3
    figure.canvas.draw()


def test_calibration_is_drawn_against_the_diagonal(predictions, posterior):
    curve = metrics.calibration_curve(posterior, predictions["age"])
    figure = plots.calibration({"as trained": curve, "tempered": curve})
    axis = figure.axes[0]
    assert axis.containers[0].lines[0].get_ydata() == pytest.approx(curve["observed"].to_numpy())
    assert legend(figure) == ["as trained", "tempered"]
    assert [text.get_text() for text in axis.texts] == ["too sure", "not sure enough"]


def test_reliability_of_classes_has_other_axes():
    table = pd.DataFrame({"gender": list("fm"), "predicted_gender": list("ff"), "gender=f": 0.8, "gender=m": 0.2})
    axis = plots.calibration({"gender": metrics.reliability(table, "gender")}).axes[0]
    assert axis.get_ylabel() == "right (%)"
    assert list(axis.containers[0].lines[0].get_xdata()) == [80]


def test_risk_and_coverage_starts_at_five_percent(predictions):
    curve = metrics.risk_coverage(predictions, np.arange(300))
    axis = plots.risk_coverage({"spread": curve}).axes[0]
    assert axis.lines[0].get_xdata()[0] == 5
    assert axis.lines[0].get_ydata()[-1] == pytest.approx(curve["risk"].iloc[-1])


def test_the_roc_marks_a_threshold_where_the_table_has_it(predictions):
    ages, scores = predictions["age"], predictions["predicted"]
    axis = plots.gate_roc({"age": metrics.gate_curve(ages, scores)}, {"challenge 25": 25}).axes[0]
    row = metrics.gate_table(ages, scores, (25,)).loc[25]
    place = row["minors let through", "percent"], 100 - row["adults turned away", "percent"]
    assert axis.texts[0].xy == pytest.approx(place)
    assert axis.lines[0].get_xdata()[-1] == 100


def test_rates_of_a_gate_are_those_of_its_table(predictions):
    table = metrics.gate_table(predictions["age"], predictions["predicted"], range(15, 35, 5))
    figure = plots.gate_rates(table)
    assert list(figure.axes[0].lines[0].get_ydata()) == list(table["minors let through", "percent"])
    assert list(figure.axes[0].lines[1].get_ydata()) == list(table["adults turned away", "percent"])
    nobody = metrics.gate_table([30.0], [31.0], (18, 25))
    plots.gate_rates(nobody).canvas.draw()


def test_figures_are_returned_closed(predictions):
    before = plt.get_fignums()
    assert isinstance(plots.intervals_by_age(predictions), Figure)
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (lambda: plots.posteriors({}), "none to draw"),
        (lambda: plots.spread_and_error(pd.DataFrame({"age": [1.0]}), [1]), "no column 'predicted'"),
        (lambda: plots.spread_and_error(pd.DataFrame({"age": [1.0], "predicted": 2}), [1, 2]), "1 images"),
        (lambda: plots.intervals_by_age(pd.DataFrame({"age": [1.0], "predicted": 2})), "no column 'age_low'"),
        (lambda: plots.coverage_by_group({}), "no table"),
        (lambda: plots.coverage_by_group({"a": pd.DataFrame({"count": [1]})}), "no column 'covered'"),
        (lambda: plots.calibration({}), "no curve"),
        (lambda: plots.calibration({"a": pd.DataFrame({"nominal": [1.0]})}), "no column 'observed'"),
        (lambda: plots.risk_coverage({}), "no curve"),
        (lambda: plots.gate_roc({"a": pd.DataFrame({"threshold": [1.0]})}), "no column 'minors_through'"),
        (lambda: plots.gate_rates(pd.DataFrame({"count": [1]})), "no column 'minors let through'"),
    ],
)
def test_a_table_that_can_not_be_drawn_is_refused(figure, words):
    with pytest.raises(ValueError, match=words):
        figure()
