"""Figures of unfairness: differences with their intervals around nothing, and what shuffling gives. Chapter 20."""

import numpy as np
import pandas as pd

from agelib.plots import theme

#: From which corrected p on a difference is drawn hollow.
LEVEL = 0.05


def differences(tables: pd.DataFrame | dict, column: str = "value", label: str = ""):
    """Differences as dots with intervals around a line at 0: what a cure changes, or a gap by group.

    Parameters
    ----------
    tables : pandas.DataFrame or dict of str to pandas.DataFrame
        Index: the group or the attribute; `column`, ``low`` and ``high``: such as from
        :func:`agelib.metrics.compare_bias`. Several tables are told apart by colour and named. Where there is a column
        ``holm``, a dot is filled only if it is below 0.05.
    column : str
        Which numbers.
    label : str
        Of their axis, with the unit.

    Examples
    --------
    >>> table = pd.DataFrame({"value": [-0.5, 0.2], "low": [-0.9, -0.1], "high": [-0.1, 0.5], "holm": [0.01, 0.2]})
    >>> figure = differences({"sampler": table.set_axis(["age", "gender"])}, label="change of the bias (years)")
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['age', 'gender']
    """
    tables = tables if isinstance(tables, dict) else {"": tables}
    if not tables:
        raise ValueError("differences: there is no table to draw")
    if len(tables) > len(theme.COLOURS):
        raise ValueError(f"differences: {len(theme.COLOURS)} tables at most, not {len(tables)}")
    for name, table in tables.items():
        theme.need(table, [column, "low", "high"], f"differences{f' of {name}' if name else ''}")
    groups = list(dict.fromkeys(str(group) for table in tables.values() for group in table.index))
    figure, axis = theme.axes(height=1.3 + (0.16 + 0.2 * len(tables)) * len(groups))
    step = min(0.2, 0.7 / len(tables))
    offsets = step * (np.arange(len(tables)) - (len(tables) - 1) / 2)
    for (name, table), offset, colour in zip(tables.items(), offsets, theme.COLOURS, strict=False):
        heights = np.array([groups.index(str(group)) for group in table.index]) + offset
        values = table[column].to_numpy(dtype=float)
        bars = {"fmt": "none", "ecolor": colour, "elinewidth": 1.6, "capsize": 3}
        axis.errorbar(values, heights, xerr=theme.reach(table, column), **bars)
        clear = (table["holm"] < LEVEL).to_numpy() if "holm" in table else np.ones(len(table), bool)
        look = {"marker": "o", "linestyle": "none", "color": colour, "markersize": 7, "zorder": 4}
        axis.plot(values[clear], heights[clear], **look)
        axis.plot(values[~clear], heights[~clear], markerfacecolor="white", **look)
        axis.plot([], [], label=name, **look)
    axis.axvline(0, color="#333333", linewidth=1)
    axis.set_yticks(range(len(groups)), groups)
    axis.set_ylim(len(groups) - 0.5, -0.5)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel(label or theme.label_of(column))
    index = next(iter(tables.values())).index.name
    axis.set_ylabel(theme.label_of(str(index)) if index else "")
    if any(tables):
        theme.legend(figure, min(len(tables), 4), "lower center")
    return theme.done(figure)


def chance_histogram(shuffled, observed: float, label: str = "bias (years)"):
    """What shuffling gives, as a histogram, and where the observed number lies in it.

    Parameters
    ----------
    shuffled : array [R]
        The number after each shuffle.
    observed : float
        The number without any.
    label : str
        What it is, with the unit.

    Examples
    --------
    >>> figure = chance_histogram([0.1, 0.3, 0.2, 0.4], 0.35)
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['observed: 0.35\\n25 % of shuffles\\nare at least as large']
    """
    shuffled = np.asarray(shuffled, dtype=float)
    if not shuffled.size or not np.isfinite(shuffled).all():
        raise ValueError("chance histogram: give one finite number or more")
    figure, axis = theme.axes(width=6.0, height=3.0)
    heights, _, _ = axis.hist(shuffled, bins=min(40, max(5, len(shuffled) // 20)), color=theme.GREY)
    axis.set_ylim(0, 1.4 * heights.max())  # room for words above the bars
    axis.axvline(observed, color=theme.RED, linewidth=2)
    share = 100 * np.mean(shuffled >= observed - 1e-9)
    left = observed > (shuffled.min() + max(shuffled.max(), observed)) / 2
    place = {"xytext": (-6 if left else 6, 0), "xycoords": ("data", "axes fraction")}
    look = {"ha": "right" if left else "left", "va": "top", "fontsize": "small", "color": theme.RED}
    said = f"observed: {observed:.2f}\n{share:.0f} % of shuffles\nare at least as large"
    axis.annotate(said, (observed, 0.98), textcoords="offset points", **place, **look)
    axis.set(xlabel=label, ylabel="shuffles")
    return theme.done(figure)
