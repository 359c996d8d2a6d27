"""Figures of doubt: posteriors, intervals, calibration and abstaining. Used in chapters 21 and 22."""

import itertools

import numpy as np
import pandas as pd

from agelib.plots import theme

#: From how many pictures on only some of the intervals are drawn, evenly chosen.
MANY = 160

#: Looks of several lines in one figure, so that nobody needs the colours.
LOOKS = list(zip(theme.COLOURS, ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))) * 2, strict=True))


def posteriors(rows: dict, age: float | None = None, interval: tuple | None = None):
    """The posteriors of one picture, one line each; the dashed line is the true age, the band an interval.

    Parameters
    ----------
    rows : dict
        Name → pandas.Series of probabilities by age in years: a row of :meth:`agelib.experiments.result.Run.posterior`.
    age : float, optional
        The true age, in years.
    interval : tuple of float, optional
        Lowest and highest age, in years.

    Examples
    --------
    >>> row = pd.Series([0.2, 0.5, 0.3], index=[20, 21, 22])
    >>> figure = posteriors({"one network": row}, age=22, interval=(20.5, 22.5))
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['one network', 'interval', 'true age']
    """
    if not len(rows):
        raise ValueError("posteriors: there is none to draw")
    figure, axis = theme.axes()
    for (name, row), (colour, line) in zip(rows.items(), itertools.cycle(LOOKS), strict=False):
        axis.plot(np.asarray(row.index, float), row.to_numpy(), color=colour, linestyle=line, label=name)
    if interval is not None:
        axis.axvspan(*interval, color=theme.GREY, alpha=0.25, linewidth=0, label="interval")
    if age is not None:
        axis.axvline(age, color="#333333", linestyle="--", linewidth=1, label="true age")
    axis.set(xlabel="age (years)", ylabel="probability", ylim=(0, None))
    theme.legend(figure, min(len(rows) + 2, 5))
    return theme.done(figure)


def spread_and_error(predictions: pd.DataFrame, spread, label: str = "spread (years)"):
    """Whether a wide posterior means a large error: the pictures' errors over their spread, and the mean of each fifth.

    A mean is drawn at the mean spread of its pictures, with ± two standard errors.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age`` and ``predicted``, in years.
    spread : array
        One a picture, such as the posterior's standard deviation, in years.
    label : str
        What it is, with its unit.

    Examples
    --------
    >>> predictions = pd.DataFrame({"age": [20.0, 30, 40, 50], "predicted": [21.0, 32, 43, 58]})
    >>> figure = spread_and_error(predictions, [1, 2, 3, 4])
    >>> [float(mean) for mean in figure.axes[0].lines[0].get_ydata()]
    [1.0, 2.0, 3.0, 8.0]
    """
    theme.need(predictions, ["age", "predicted"], "spread and error")
    spread = np.asarray(spread, dtype=float)
    if spread.shape != (len(predictions),):
        raise ValueError(f"spread and error: {len(predictions)} images, but {spread.shape} spreads")
    error = np.abs(predictions["predicted"] - predictions["age"]).to_numpy(dtype=float)
    parts = [part for part in np.array_split(np.argsort(spread, kind="stable"), 5) if len(part)]
    middles = [spread[part].mean() for part in parts]
    means = [error[part].mean() for part in parts]
    reach = [2 * error[part].std(ddof=1) / np.sqrt(len(part)) if len(part) > 1 else 0.0 for part in parts]
    figure, axis = theme.axes(width=6.0, height=3.8)
    axis.scatter(spread, error, s=12, alpha=0.35, color=theme.BLUE, linewidths=0, label="one image")
    look = {"color": theme.ORANGE, "marker": "o", "linewidth": 2, "capsize": 4, "zorder": 3}
    axis.errorbar(middles, means, reach, label="mean of a fifth of them", **look)
    axis.set(xlabel=label, ylabel="error (years)", ylim=(0, None))
    theme.legend(figure, 2)
    return theme.done(figure)


def intervals_by_age(predictions: pd.DataFrame):
    """Each picture's interval over its predicted age, and its true age in it (dot) or outside (cross).

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``age``, ``predicted``, ``age_low`` and ``age_high``, in years. An interval without end fills the axis.

    Examples
    --------
    >>> predictions = pd.DataFrame({"age": [20.0, 52], "predicted": [22.0, 40], "age_low": [15.0, 33]})
    >>> figure = intervals_by_age(predictions.assign(age_high=[29.0, 47]))
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['interval', 'true age inside (1)', 'true age outside (1)']
    """
    theme.need(predictions, ["age", "predicted", "age_low", "age_high"], "intervals by age")
    table = predictions.sort_values("predicted", kind="stable")
    table = table.iloc[np.unique(np.linspace(0, len(table) - 1, min(len(table), MANY)).round().astype(int))]
    age, x, low, high = (table[name].to_numpy(float) for name in ("age", "predicted", "age_low", "age_high"))
    inside = (low <= age) & (age <= high)
    ends = np.concatenate([age, low[np.isfinite(low)], high[np.isfinite(high)]])
    bottom, top = ends.min() - 2, ends.max() + 2
    figure, axis = theme.axes(width=7.0, height=4.2)
    bounds = np.clip(low, bottom, top), np.clip(high, bottom, top)
    axis.vlines(x, *bounds, color=theme.GREY, linewidth=1.4, alpha=0.7, label="interval")
    for mine, marker, colour, name in ((inside, "o", theme.BLUE, "inside"), (~inside, "X", theme.RED, "outside")):
        look = {"linestyle": "none", "markersize": 4 if marker == "o" else 7, "zorder": 3}
        axis.plot(x[mine], age[mine], marker, color=colour, label=f"true age {name} ({mine.sum()})", **look)
    axis.set(xlabel="predicted age (years)", ylabel="age (years)", ylim=(bottom, top))
    theme.legend(figure, 3)
    return theme.done(figure)


def coverage_by_group(tables: dict, level: float = 0.9):
    """How often intervals hold the true age, and how wide they are, group by group; the line is what was promised.

    Parameters
    ----------
    tables : dict
        Name → table from :func:`agelib.metrics.coverage`, such as one calibrated on all together and one on each group.
    level : float
        Promised coverage, between 0 and 1.

    Examples
    --------
    >>> row = {"count": [40], "covered": [80.0], "low": [64.0], "high": [91.0], "width": [20.0]}
    >>> figure = coverage_by_group({"together": pd.DataFrame(row, index=["all"])})
    >>> [axis.get_xlabel() for axis in figure.axes], figure.axes[0].get_yticklabels()[0].get_text()
    (['covered (%)', 'mean width (years)'], 'all (40)')
    """
    for table in tables.values():
        theme.need(table, ["count", "covered", "low", "high", "width"], "coverage by group")
    if not len(tables):
        raise ValueError("coverage by group: there is no table to draw")
    first = next(iter(tables.values()))
    groups, places = list(first.index), np.arange(len(first))
    height = 1.6 + 0.28 * len(groups) * (1 + len(tables)) / 2
    figure, (left, right) = theme.axes(1, 2, 8.0, height, sharey=True, width_ratios=(3, 2))
    for i, (name, table) in enumerate(tables.items()):
        rows = table.reindex(groups)
        shift = places + 0.22 * (i - (len(tables) - 1) / 2)
        look = {"color": theme.COLOURS[i], "marker": "osD^v"[i % 5], "linestyle": "none", "markersize": 6}
        left.errorbar(rows["covered"], shift, xerr=theme.reach(rows, "covered"), capsize=3, label=name, **look)
        width = rows["width"].to_numpy(dtype=float)
        right.plot(np.where(np.isfinite(width), width, np.nan), shift, **look)
        for place in np.flatnonzero(np.isinf(width)):
            right.text(0, shift[place], " without end", va="center", fontsize="small", color=theme.COLOURS[i])
    look = {"color": "#333333", "linewidth": 1, "linestyle": "--"}
    left.axvline(100 * level, label=f"promised: {100 * level:g} %", **look)
    left.set_yticks(places, [f"{group} ({count:,})" for group, count in first["count"].items()])
    left.invert_yaxis()
    left.set_xlabel("covered (%)")
    widths = np.concatenate([table["width"].to_numpy(dtype=float) for table in tables.values()])
    right.set(xlabel="mean width (years)", xlim=(0, 1.1 * max(widths[np.isfinite(widths)], default=1.0)))
    left.set_ylabel(f"{theme.label_of(str(first.index.name or 'group')).split(' (')[0]} (images)")
    theme.legend(figure, len(tables) + 1)
    return theme.done(figure)


def calibration(curves: dict):
    """What was promised against what happened, in percent; on the diagonal a promise is kept.

    Parameters
    ----------
    curves : dict
        Name → table from :func:`agelib.metrics.calibration_curve` (``nominal``, ``observed``) or
        :func:`agelib.metrics.reliability` (``confidence``, ``accuracy``), with ``low`` and ``high``.

    Examples
    --------
    >>> curve = pd.DataFrame({"nominal": [50.0, 90], "observed": [40.0, 78], "low": [30.0, 69], "high": [50.0, 86]})
    >>> figure = calibration({"network": curve})
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('promised coverage (%)', 'observed coverage (%)')
    """
    if not len(curves):
        raise ValueError("calibration: there is no curve to draw")
    of_classes = "confidence" in next(iter(curves.values()))
    x, y = ("confidence", "accuracy") if of_classes else ("nominal", "observed")
    figure, axis = theme.axes(width=5.4, height=4.8)
    for i, (name, curve) in enumerate(curves.items()):
        theme.need(curve, [x, y, "low", "high"], "calibration")
        colour, line = LOOKS[i % len(LOOKS)]
        look = {"color": colour, "linestyle": line, "marker": "osD^v"[i % 5], "markersize": 5, "capsize": 2}
        axis.errorbar(curve[x], curve[y], theme.reach(curve, y), label=name, elinewidth=1, **look)
    axis.plot([0, 100], [0, 100], color="#333333", linewidth=1, linestyle="--")
    axis.set(xlim=(0, 102), ylim=(0, 102), aspect="equal")
    axis.set_xlabel("mean probability of the predicted class (%)" if of_classes else "promised coverage (%)")
    axis.set_ylabel("right (%)" if of_classes else "observed coverage (%)")
    look = {"transform": axis.transAxes, "color": "#666666", "fontsize": "small", "style": "italic"}
    axis.text(0.97, 0.03, "too sure", ha="right", **look)
    axis.text(0.03, 0.95, "not sure enough", **look)
    theme.legend(figure, min(len(curves), 3))
    return theme.done(figure)


def risk_coverage(curves: dict):
    """What is won by refusing the most doubtful pictures: the MAE of those answered, over how many are.

    Parameters
    ----------
    curves : dict
        Name of the doubt → table from :func:`agelib.metrics.risk_coverage`.

    Examples
    --------
    >>> curve = pd.DataFrame({"answered": [25.0, 100.0], "risk": [1.0, 3.5]})
    >>> figure = risk_coverage({"spread": curve})
    >>> figure.axes[0].get_xlabel(), len(figure.axes[0].lines)
    ('answered (%)', 1)
    """
    if not len(curves):
        raise ValueError("risk and coverage: there is no curve to draw")
    figure, axis = theme.axes(width=6.4, height=3.8)
    for i, (name, curve) in enumerate(curves.items()):
        theme.need(curve, ["answered", "risk"], "risk and coverage")
        _draw_risk(axis, curve, 101, LOOKS[i % len(LOOKS)], name)
    axis.set_ylim(bottom=0)
    theme.legend(figure, min(len(curves), 3))
    return theme.done(figure)


def _draw_risk(axis, curve: pd.DataFrame, right: float, look: tuple = LOOKS[0], name: str | None = None) -> None:
    # The first few answers are too few for a mean; they would draw the eye.
    shown = curve[curve["answered"] >= min(5.0, curve["answered"].max())]
    axis.plot(shown["answered"], shown["risk"], color=look[0], linestyle=look[1], label=name)
    axis.set(xlabel="answered (%)", ylabel="MAE of the answered (years)", xlim=(0, right))


def refusing(curve: pd.DataFrame, groups: pd.DataFrame, answered: float):
    """What refusing wins and whom it refuses: the place on the risk-coverage curve, and each group's share answered.

    Parameters
    ----------
    curve : pandas.DataFrame
        From :func:`agelib.metrics.risk_coverage`.
    groups : pandas.DataFrame
        One row a group: ``count`` (pictures) and ``answered`` (percent of them).
    answered : float
        Share of all pictures that gets an answer, in percent.

    Examples
    --------
    >>> curve = pd.DataFrame({"answered": [25.0, 100.0], "risk": [1.0, 3.5]})
    >>> groups = pd.DataFrame({"count": [3, 1], "answered": [33.3, 0.0]}, index=["young", "old"])
    >>> [text.get_text() for text in refusing(curve, groups, 25).axes[1].get_yticklabels()]
    ['young (3)', 'old (1)']
    """
    theme.need(curve, ["answered", "risk"], "refusing")
    theme.need(groups, ["count", "answered"], "refusing")
    figure, (left, right) = theme.axes(1, 2, 8.0, max(3.2, 1.2 + 0.4 * len(groups)), width_ratios=(1.2, 1))
    _draw_risk(left, curve, 103)
    place = curve.iloc[(curve["answered"] - answered).abs().argmin()]
    left.plot(place["answered"], place["risk"], "o", color="#333333", markersize=8)
    left.set_ylim(bottom=0)
    names = [f"{group} ({count:,})" for group, count in groups["count"].items()]
    right.barh(names, groups["answered"], color=theme.BLUE)
    right.axvline(answered, color="#333333", linewidth=1, linestyle="--")
    right.invert_yaxis()
    right.grid(axis="y", visible=False)
    right.set(xlabel="answered of the group (%)", xlim=(0, 103))
    return theme.done(figure)
