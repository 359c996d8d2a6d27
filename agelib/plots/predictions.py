"""Figures of predictions: how far off, for whom, and which network is better. Used from chapter 06 on."""

import numpy as np
import pandas as pd

from agelib import metrics
from agelib.plots import theme

#: From how many pictures on a scatter is too full, and hexagons count them instead.
MANY = 1500


def predicted_vs_true(predictions: pd.DataFrame):
    """Predicted against true age, one dot a picture (hexagons where there are many); on the line it is right.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age`` and ``predicted``, in years.

    Examples
    --------
    >>> figure = predicted_vs_true(pd.DataFrame({"age": [20.0, 40], "predicted": [25.0, 38]}))
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('true age (years)', 'predicted age (years)')
    """
    theme.need(predictions, ["age", "predicted"], "predicted against true")
    age, predicted = predictions["age"].to_numpy(), predictions["predicted"].to_numpy()
    low = float(np.floor(min(age.min(), predicted.min()) / 5) * 5)
    high = float(np.ceil(max(age.max(), predicted.max()) / 5) * 5 + 1e-9)
    figure, axis = theme.axes(width=4.8, height=4.4)
    if len(age) > MANY:
        cells = axis.hexbin(age, predicted, gridsize=35, extent=(low, high, low, high), mincnt=1, cmap="cividis")
        figure.colorbar(cells, ax=axis, label="images", shrink=0.8)
    else:
        axis.scatter(age, predicted, s=14, alpha=0.5, color=theme.BLUE, linewidths=0)
    axis.plot([low, high], [low, high], color="#333333", linewidth=1, linestyle="--")
    place = {"rotation": 45, "rotation_mode": "anchor", "ha": "right", "va": "bottom", "fontsize": "small"}
    axis.text(high - 0.02 * (high - low), high - 0.01 * (high - low), "predicted = true", **place)
    axis.set(xlabel="true age (years)", ylabel="predicted age (years)")
    axis.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    return theme.done(figure)


def error_by_age(predictions: pd.DataFrame):
    """The MAE of each ten years of age with its 95 % interval, and the bias: guessed too old (above 0) or too young.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age`` and ``predicted``, in years.

    Examples
    --------
    >>> figure = error_by_age(pd.DataFrame({"age": [5.0, 15, 16], "predicted": [9.0, 14, 18]}))
    >>> [text.get_text() for text in figure.axes[1].get_xticklabels()]
    ['0–9\\n(1)', '10–19\\n(2)']
    """
    table = metrics.error_by(predictions, "age")
    width = min(7.0, 2 + 0.9 * len(table))
    figure, (upper, lower) = theme.axes(2, 1, width, 4.6, sharex=True, height_ratios=(2, 1))
    places = np.arange(len(table))
    upper.bar(places, table["MAE"], color=theme.BLUE, width=0.7)
    upper.errorbar(places, table["MAE"], theme.reach(table, "MAE"), fmt="none", ecolor="#333333", capsize=3)
    upper.set_ylabel("MAE (years)")
    colours = [theme.ORANGE if bias > 0 else theme.GREEN for bias in table["bias"]]
    lower.bar(places, table["bias"], color=colours, width=0.7)
    lower.axhline(0, color="#333333", linewidth=1)
    lower.set(ylabel="bias (years)", xlabel="age (years; in brackets: images)")
    lower.set_xticks(places, [f"{group}\n({count:,})" for group, count in table["count"].items()])
    for axis in (upper, lower):
        axis.grid(axis="x", visible=False)
    return theme.done(figure)


def comparison_bars(table: pd.DataFrame, metrics_: tuple = ("MSE", "MAE", "R2")):
    """Networks side by side: one panel a metric, one bar a network, with its interval.

    Parameters
    ----------
    table : pandas.DataFrame
        Index (network, metric), columns ``value``, ``low``, ``high``:
        ``pd.concat({"ResNet-18": run.metrics, …}, names=["network"])``.
    metrics_ : tuple of str
        Which metrics.

    Examples
    --------
    >>> one = pd.DataFrame({"value": [99.0], "low": [90.0], "high": [110.0]}, index=pd.Index(["MSE"], name="metric"))
    >>> figure = comparison_bars(pd.concat({"A": one, "B": one}, names=["network"]), ("MSE",))
    >>> figure.axes[0].get_xlabel(), [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ('MSE (years²)', ['A', 'B'])
    """
    theme.need(table, ["value", "low", "high"], "comparison")
    if table.index.nlevels != 2:
        how = "pd.concat({name: run.metrics, …}) makes it"
        raise ValueError(f"comparison: the table's index is (network, metric); {how}")
    networks = list(dict.fromkeys(table.index.get_level_values(0)))
    known = set(table.index.get_level_values(1))
    if missing := [metric for metric in metrics_ if metric not in known]:
        raise ValueError(f"comparison: the table has no metric {missing[0]!r}; it has: {', '.join(sorted(known))}")
    width, height = 1.5 + 2.6 * len(metrics_), 1.2 + 0.45 * len(networks)
    figure, axes = theme.axes(1, len(metrics_), width, height, sharey=True, squeeze=False)
    colours = [theme.COLOURS[i % len(theme.COLOURS)] for i in range(len(networks))]
    for axis, metric in zip(axes[0], metrics_, strict=True):
        rows = table.xs(metric, level=1).reindex(networks)
        axis.barh(networks, rows["value"], color=colours)
        look = {"fmt": "none", "ecolor": "#333333", "capsize": 3}
        axis.errorbar(rows["value"], networks, xerr=theme.reach(rows, "value"), **look)
        digits = 2 if metric == "R2" else 1
        for network, row in rows.iterrows():
            end = row["value"] if np.isnan(row["high"]) else max(row["high"], row["value"])
            place = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
            axis.annotate(f"{row['value']:.{digits}f}", (max(end, 0), network), **place)
        axis.margins(x=0.25)
        axis.set_xlabel(theme.label_of(metric))
        axis.grid(axis="y", visible=False)
    axes[0, 0].invert_yaxis()
    return theme.done(figure)
