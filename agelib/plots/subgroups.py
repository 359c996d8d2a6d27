"""Figures of groups and classes: who is taken for whom, where scores are lost, and how unevenly. Chapters 11 to 18."""

import itertools

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from agelib.plots import theme


def confusion_matrix(confusion: pd.DataFrame, title: str = "", side: float = 0.0):
    """Which class is taken for which: each row's shares as shades, with percentage and pictures where there are any.

    Parameters
    ----------
    confusion : pandas.DataFrame
        From :func:`agelib.metrics.confusion`: columns in two levels, ``count`` and ``percent``.
    title : str
        Such as the network's name.
    side : float
        Height of the figure in inches; 0: what the number of classes needs.

    Examples
    --------
    >>> from agelib import metrics
    >>> predictions = pd.DataFrame({"gender": list("mmff"), "predicted_gender": list("mmfm")})
    >>> figure = confusion_matrix(metrics.confusion(predictions, "gender"))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['50 %\\n1', '50 %\\n1', '', '100 %\\n2']
    """
    theme.need(confusion, ["count", "percent"], "confusion matrix")
    counts, percent = confusion["count"], confusion["percent"]
    names, size = [str(name) for name in counts.index], len(counts)
    side = side or max(3.4, 1.6 + 0.62 * size)
    figure, axis = theme.axes(width=side + 0.8, height=side)
    shown = axis.imshow(np.nan_to_num(percent), vmin=0, vmax=100, cmap="cividis")
    figure.colorbar(shown, ax=axis, label="share of the true class (%)", shrink=0.8)
    for (row, column), share in np.ndenumerate(percent.to_numpy()):
        count = counts.iloc[row, column]
        text = f"{share:.0f} %\n{count:,}" if count else ""
        colour = "black" if share > 55 else "white"
        axis.text(column, row, text, ha="center", va="center", color=colour, fontsize="x-small")
    task = theme.label_of(str(counts.index.name or "class"))
    axis.set_xticks(range(size), names, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(size), names)
    axis.set(xlabel=f"predicted {task}", ylabel=f"true {task}", title=title)
    axis.grid(visible=False)
    return theme.done(figure)


def confusion_squares(confusion: pd.DataFrame, squares: dict):
    """The confusion of bins of a few years, and age groups as squares along its diagonal (study C's way to find them).

    Parameters
    ----------
    confusion : pandas.DataFrame
        From :func:`agelib.targets.binning.age_confusion`; shades are shares of a row.
    squares : dict
        Name → first ages of the groups: ``{"found": bins.choose(table), "study C": (0, 3, 7, 15, 31, 41, 66)}``; four
        sets at most.

    Examples
    --------
    >>> confusion = pd.DataFrame(np.eye(4), index=[0, 2, 4, 6], columns=[0, 2, 4, 6])
    >>> figure = confusion_squares(confusion, {"found": (0, 4), "by eye": (0, 2, 4)})
    >>> len(figure.axes[0].patches), [text.get_text() for text in figure.legends[0].get_texts()]
    (5, ['found: 0, 4', 'by eye: 0, 2, 4'])
    """
    if not len(confusion):
        raise ValueError("confusion squares: the matrix is empty, there is nothing to draw")
    looks = [(theme.RED, "-"), (theme.BLUE, "--"), (theme.GREEN, ":"), (theme.ORANGE, "-.")]
    if not 0 < len(squares) <= len(looks):
        raise ValueError(f"confusion squares: give one to {len(looks)} sets of squares, not {len(squares)}")
    firsts = np.asarray(confusion.index, dtype=float)
    width = np.diff(firsts).min() if len(firsts) > 1 else 1.0
    low, high = firsts[0], firsts[-1] + width
    counts = confusion.to_numpy(dtype=float)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)
    figure, axis = theme.axes(width=6.6, height=6.0)
    top = max(np.quantile(shares, 0.995), 1)
    shown = axis.imshow(shares, extent=(low, high, high, low), vmin=0, vmax=top, cmap="Greys")
    figure.colorbar(shown, ax=axis, label="share of the true bin (%)", shrink=0.8)
    handles = []
    for (name, edges), (colour, line) in zip(squares.items(), looks, strict=False):
        look = {"edgecolor": colour, "linestyle": line, "fill": False, "linewidth": 1.8}
        label = f"{name}: {', '.join(f'{edge:g}' for edge in edges)}"
        for first, after in itertools.pairwise([*(max(edge, low) for edge in edges), high]):
            if after > first:
                square = Rectangle((first, first), after - first, after - first, label=label, **look)
                axis.add_patch(square)
        handles.append(square)
    axis.set(xlabel="predicted age (years)", ylabel="true age (years)")
    axis.grid(visible=False)
    theme.legend(figure, 1, "lower center", handles=handles)
    return theme.done(figure)


def group_bars(table: pd.DataFrame, column: str = "", label: str = ""):
    """One lying bar a group with its interval: errors of groups, or the biases of attributes.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: the group; a column of values, ``low`` and ``high``: from :func:`agelib.metrics.error_by` or
        :func:`agelib.metrics.bias_table`. A column ``count`` or ``smallest`` (pictures) is written beside the name, and
        ``chance`` is marked: what shuffled groups give.
    column : str
        Which values; by default ``value``, or else ``MAE``.
    label : str
        Of the axis of values.

    Examples
    --------
    >>> table = pd.DataFrame({"value": [0.6], "low": [0.1], "high": [1.4], "smallest": [90]}, index=["gender"])
    >>> figure = group_bars(table, label="bias (years)")
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['gender (90 or more)']
    """
    column = column or ("value" if "value" in table else "MAE")
    theme.need(table, [column, "low", "high"], "group bars")
    figure, axis = theme.axes(width=6.5, height=1.3 + 0.45 * len(table))
    names = list(map(str, table.index))
    if known := [name for name in ("count", "smallest") if name in table][:1]:
        more = " or more" * (known == ["smallest"])
        names = [f"{name} ({count:,}{more})" for name, count in table[known[0]].items()]
    _interval_bars(axis, names, table, column)
    if "chance" in table and table["chance"].notna().any():
        look = {"marker": "D", "color": theme.RED, "markersize": 6, "linestyle": "none", "zorder": 4}
        axis.plot(table["chance"], names, label="if the groups meant nothing", **look)
        theme.legend(figure, 1, "lower center")
    axis.set_xlabel(label or theme.label_of(column))
    axis.set_ylabel(theme.label_of(str(table.index.name or "group")))
    axis.set_title("(in brackets: images in each group)" if known else "", fontsize="small", loc="left")
    return theme.done(figure)


def class_scores(table: pd.DataFrame):
    """F1 of each class with its interval, and its precision and recall as marks; the line is macro F1.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`agelib.metrics.class_scores`, in percent.

    Examples
    --------
    >>> row = {"count": [3], "precision": [50.0], "recall": [100.0], "F1": [66.7], "low": [40.0], "high": [90.0]}
    >>> figure = class_scores(pd.DataFrame(row, index=pd.Index(["0–2"], name="age_group")))
    >>> figure.axes[0].get_xlabel(), [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ('F1 (%)', ['0–2 (3)'])
    """
    theme.need(table, ["count", "precision", "recall", "F1", "low", "high"], "class scores")
    figure, axis = theme.axes(width=6.5, height=1.8 + 0.45 * len(table))
    names = [f"{name} ({count:,})" for name, count in table["count"].items()]
    _interval_bars(axis, names, table, "F1", beyond=("precision", "recall"))
    for column, marker, colour in (("precision", "<", theme.ORANGE), ("recall", ">", theme.GREEN)):
        look = {"color": colour, "marker": marker, "linestyle": "none", "markersize": 7, "zorder": 4}
        axis.plot(table[column], names, label=column, **look)
    macro = table["F1"].mean()
    axis.axvline(macro, color="#333333", linewidth=1, linestyle="--", label=f"macro F1: {macro:.1f} %")
    axis.set(xlim=(0, 112), xlabel="F1 (%)")
    axis.set_ylabel(f"{theme.label_of(str(table.index.name or 'class'))} (images)")
    theme.legend(figure, 3, "lower center")
    return theme.done(figure)


def _interval_bars(axis, names: list, table: pd.DataFrame, column: str, beyond: tuple = ()) -> None:
    """Lying bars with intervals, each with its number behind all that is drawn of its row."""
    values = table[column].to_numpy(dtype=float)
    axis.barh(names, values, color=theme.BLUE, alpha=0.85)
    axis.errorbar(values, names, xerr=theme.reach(table, column), fmt="none", ecolor="#333333", capsize=3)
    ends = table[[column, "high", *beyond]].max(axis=1)
    for name, value, end in zip(names, values, ends, strict=True):
        if not np.isnan(value):
            place = {"xytext": (7, 0), "textcoords": "offset points", "va": "center", "fontsize": "small"}
            axis.annotate(f"{value:.1f}" if value >= 10 else f"{value:.2f}", (end, name), **place)
    axis.margins(x=0.15)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)


def weights_by_age(ages, weights: dict):
    """How much a picture weighs in the loss, by age, under the pictures of each age: what balancing does.

    Parameters
    ----------
    ages : array of float [N]
        Ages of the training part, in years.
    weights : dict
        Name → weights of these pictures [N], such as ``{"LDS": balance.lds_weights(ages)}``. Each set is scaled to mean
        1, so that sets can be compared; where pictures of one age differ, their mean is shown.

    Examples
    --------
    >>> figure = weights_by_age([20.0, 20.5, 60], {"inverse": [0.75, 0.75, 1.5]})
    >>> figure.axes[0].lines[0].get_ydata().tolist()
    [0.75, 1.5]
    """
    ages = np.asarray(ages, dtype=float)
    if not ages.size or not weights:
        raise ValueError("weights by age: there is no image, or no weights to draw")
    years = np.floor(ages)
    upper_table = {}
    for name, values in weights.items():
        values = np.asarray(values, dtype=float)
        if values.shape != ages.shape:
            raise ValueError(f"weights by age: {len(ages)} ages but {len(values)} weights of {name!r}")
        upper_table[name] = pd.Series(values / values.mean()).groupby(years).mean()
    figure, (upper, lower) = theme.axes(2, 1, 7.0, 4.8, sharex=True, height_ratios=(3, 2))
    for i, (name, line) in enumerate(upper_table.items()):
        look = {"color": theme.COLOURS[i], "marker": ".", "linewidth": 1.2, "markersize": 4}
        upper.plot(line.index, line, label=name, **look)
    upper.axhline(1, color="#333333", linewidth=1, linestyle="--")
    if max(line.max() for line in upper_table.values()) > 20:
        upper.set_yscale("log")
    upper.set_ylabel("weight (mean 1)")
    upper.legend(frameon=False)
    counts = pd.Series(years).value_counts().sort_index()
    lower.bar(counts.index, counts, width=1.0, color=theme.GREY)
    lower.set(xlabel=theme.label_of("age"), ylabel="images")
    return theme.done(figure)


def variants(table: pd.DataFrame):
    """Published against own macro F1 (percent), variant by variant.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``variant`` (text), ``published`` and ``ours`` (missing where there is no number); with ``low`` and
        ``high``, the interval of ours. In the order in which they are shown.

    Examples
    --------
    >>> table = pd.DataFrame({"variant": ["V01", "V02"], "published": [53.38, 55.96], "ours": [50.0, None]})
    >>> figure = variants(table)
    >>> [text.get_text() for text in figure.axes[0].get_xticklabels()]
    ['V01', 'V02']
    """
    theme.need(table, ["variant", "published", "ours"], "variants")
    places = np.arange(len(table))
    figure, axis = theme.axes(width=max(5.0, 1.5 + 0.4 * len(table)), height=4)
    published, ours = (table[name].to_numpy(dtype=float) for name in ("published", "ours"))
    axis.vlines(places, published, ours, color="#bbbbbb", linewidth=1.2, zorder=1)
    if {"low", "high"} <= set(table):
        axis.errorbar(places, ours, theme.reach(table, "ours"), fmt="none", ecolor=theme.BLUE, capsize=3)
    look = {"linestyle": "none", "markersize": 7, "zorder": 3}
    axis.plot(places, published, "o", color=theme.ORANGE, label="published", markerfacecolor="white", **look)
    axis.plot(places, ours, "s", color=theme.BLUE, label="ours", **look)
    names = table["variant"].astype(str).tolist()
    is_long = max(map(len, names)) > 4
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if is_long else {}
    axis.set_xticks(places, names, **slanted)
    axis.set(xlabel="variant", ylabel="macro F1 (%)")
    axis.grid(axis="x", visible=False)
    theme.legend(figure, 2)
    return theme.done(figure)
