"""Figures of an age gate: who is let through, and who is turned away. Used in chapter 22."""

import itertools

import numpy as np
import pandas as pd

from agelib.plots import theme
from agelib.plots.uncertainty import LOOKS


def gate_roc(curves: dict, marks: dict | None = None):
    """The age gate's ROC: adults let through over minors let through, for every threshold.

    Parameters
    ----------
    curves : dict
        Name of the score → table from :func:`agelib.metrics.gate_curve`; marks are set on the first.
    marks : dict, optional
        Text → threshold, such as ``{"challenge 25": 25}``.

    Examples
    --------
    >>> from agelib import metrics
    >>> curve = metrics.gate_curve([16, 17, 18, 30], [15, 26, 24, 31])
    >>> figure = gate_roc({"predicted age": curve}, {"challenge 25": 25})
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['challenge 25']
    """
    if not len(curves):
        raise ValueError("gate: there is no curve to draw")
    figure, axis = theme.axes(width=5.4, height=4.8)
    _draw_curves(axis, curves, 2)
    first = next(iter(curves.values()))
    for i, (text, threshold) in enumerate((marks or {}).items()):
        place = _mark(axis, first, threshold, 6)
        axis.annotate(text, place, (8, -12 - 14 * i), textcoords="offset points", fontsize="small")
    theme.legend(figure, min(len(curves), 2))
    return theme.done(figure)


def _draw_curves(axis, curves: dict, rim: float) -> None:
    for (name, curve), (colour, line) in zip(curves.items(), itertools.cycle(LOOKS), strict=False):
        theme.need(curve, ["threshold", "minors_through", "adults_through"], "gate")
        axis.plot(curve["minors_through"], curve["adults_through"], color=colour, linestyle=line, label=name)
    axis.plot([0, 100], [0, 100], color="#333333", linewidth=1, linestyle="--")
    axis.set(xlabel="minors let through (%)", ylabel="adults let through (%)", aspect="equal")
    axis.set(xlim=(-rim, 100 + rim), ylim=(-rim, 100 + rim))


def _mark(axis, curve: pd.DataFrame, threshold: float, size: float) -> tuple:
    """Mark a threshold on the curve. They fall: the last that is not below it is what it lets through."""
    place = tuple(curve.loc[curve["threshold"] >= threshold, ["minors_through", "adults_through"]].iloc[-1])
    axis.plot(*place, "o", color="#333333", markersize=size)
    return place


def gate_rates(table: pd.DataFrame):
    """Both errors of an age gate over its threshold, each with its interval, from :func:`agelib.metrics.gate_table`.

    >>> from agelib import metrics
    >>> figure = gate_rates(metrics.gate_table([16, 17, 18, 30, 40], [15, 26, 24, 31, 38], (18, 21, 25)))
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['minors let through (of 2)', 'adults turned away (of 3)']
    """
    theme.need(table, ["minors let through", "adults turned away"], "gate")
    figure, axis = theme.axes(width=6.4, height=3.8)
    looks = ((theme.RED, "-", "o"), (theme.BLUE, "--", "s"))
    for name, (colour, line, marker) in zip(("minors let through", "adults turned away"), looks, strict=True):
        part, x = table[name], table.index.to_numpy(dtype=float)
        axis.fill_between(x, part["low"], part["high"], color=colour, alpha=0.18, linewidth=0)
        look = {"color": colour, "linestyle": line, "marker": marker, "markersize": 4}
        axis.plot(x, part["percent"], label=f"{name} (of {part['count'].iloc[0]:,.0f})", **look)
    axis.set(xlabel="let through from this predicted age on (years)", ylabel="share (%)", ylim=(-2, 102))
    theme.legend(figure, 2)
    return theme.done(figure)


def gate_at(curve: pd.DataFrame, groups: pd.DataFrame, threshold: float):
    """The gate at one threshold: its place on the ROC curve, and both errors in each group.

    Parameters
    ----------
    curve : pandas.DataFrame
        From :func:`agelib.metrics.gate_curve`.
    groups : pandas.DataFrame
        One row a group, columns as in :func:`agelib.metrics.gate_table`: its rows at this threshold, with exact
        intervals. A group without minors, or without adults, has no mark there.
    threshold : float
        Of the score that the curve is of; let through from it on.

    Examples
    --------
    >>> from agelib import metrics
    >>> ages, scores = [16, 17, 18, 30], [15, 26, 24, 31]
    >>> row = metrics.gate_table(ages, scores, [25]).set_axis(["all"])
    >>> figure = gate_at(metrics.gate_curve(ages, scores), row, 25)
    >>> [axis.get_xlabel() for axis in figure.axes]
    ['minors let through (%)', 'share (%)']
    """
    theme.need(groups, ["minors let through", "adults turned away"], "gate")
    figure, (left, right) = theme.axes(1, 2, 8.0, max(3.4, 1.5 + 0.5 * len(groups)), width_ratios=(1, 1.2))
    _draw_curves(left, {None: curve}, 3)
    _mark(left, curve, threshold, 8)
    spots = np.arange(len(groups))
    looks = (("minors let through", theme.RED, "o", -0.14), ("adults turned away", theme.BLUE, "s", 0.14))
    for name, colour, marker, shift in looks:
        part = groups[name].astype(float)
        look = {"color": colour, "marker": marker, "linestyle": "none", "capsize": 3, "elinewidth": 1}
        right.errorbar(part["percent"], spots + shift, xerr=theme.reach(part, "percent"), label=name, **look)
    right.set_yticks(spots, [str(group) for group in groups.index])
    right.set(xlabel="share (%)", xlim=(-3, 103), ylim=(len(groups) - 0.5, -0.5))
    theme.legend(figure, 2)
    return theme.done(figure)
