"""Figures of unfairness: what is drawn is what the tables hold."""

import matplotlib.colors
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from agelib import plots


@pytest.fixture
def table():
    return pd.DataFrame(
        {"value": [-0.5, 0.2], "low": [-0.9, -0.1], "high": [-0.1, 0.5], "holm": [0.01, 0.2]},
        index=pd.Index(["age", "gender"], name="attribute"),
    )


def dots(figure):
    return [line for line in figure.axes[0].lines if line.get_marker() == "o" and len(line.get_xdata())]


def test_each_difference_is_a_dot_with_its_interval(table):
    figure = plots.differences(table)
    drawn = np.concatenate([line.get_xdata() for line in dots(figure)])
    assert sorted(drawn) == [-0.5, 0.2]
    ends = figure.axes[0].collections[0].get_segments()
    assert [[x for x, _ in segment] for segment in ends] == [pytest.approx([-0.9, -0.1]), pytest.approx([-0.1, 0.5])]
    assert figure.axes[0].get_ylabel() == "attribute"
    assert not figure.legends


def test_what_may_be_chance_is_hollow(table):
    filled = {
        line.get_xdata()[0]: matplotlib.colors.to_hex(line.get_markerfacecolor()) != "#ffffff"
        for line in dots(plots.differences(table))
    }
    assert filled == {-0.5: True, 0.2: False}
    assert len(dots(plots.differences(table.drop(columns="holm")))) == 1


def test_several_tables_are_named_and_a_group_that_one_lacks_is_left_out_of_it(table):
    figure = plots.differences({"sampler": table, "loss": table.iloc[:1]}, label="years")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["sampler", "loss"]
    assert len(figure.axes[0].collections[1].get_segments()) == 1
    assert figure.axes[0].get_xlabel() == "years"


def test_a_figure_is_closed_and_needs_its_columns(table):
    before = plt.get_fignums()
    plots.differences(table)
    plots.chance_histogram([0.1, 0.2], 0.3)
    assert plt.get_fignums() == before
    with pytest.raises(ValueError, match="no column 'low'"):
        plots.differences({"sampler": table.drop(columns="low")})
    with pytest.raises(ValueError, match="no table"):
        plots.differences({})
    with pytest.raises(ValueError, match="10 tables at most"):
        plots.differences({str(k): table for k in range(11)})


def test_the_histogram_holds_every_shuffle_and_says_where_the_observed_lies():
    shuffled = np.linspace(0, 1, 1001)
    figure = plots.chance_histogram(shuffled, 0.75)
    assert sum(patch.get_height() for patch in figure.axes[0].patches) == 1001
    assert "25 % of shuffles" in figure.axes[0].texts[0].get_text()
    with pytest.raises(ValueError, match="finite"):
        plots.chance_histogram([], 1.0)
