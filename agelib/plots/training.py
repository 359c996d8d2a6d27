"""Figures of trainings. Used in chapters 06 to 11 and 17."""

import pandas as pd

from agelib.plots import theme


def learning_curves(history: pd.DataFrame):
    """Loss of the training and the validation part, and the validation MAE, epoch by epoch.

    The training loss is the mean over an epoch in which the network changes, so it lags half an epoch behind; the ring
    marks the epoch of least validation loss, whose weights are kept.

    Parameters
    ----------
    history : pandas.DataFrame
        One row an epoch: ``epoch``, ``train_loss``, ``valid_loss``, ``valid_mae`` (years).

    Examples
    --------
    >>> history = pd.DataFrame({"epoch": [1, 2], "train_loss": [1.0, 0.6], "valid_loss": [0.9, 0.8]})
    >>> figure = learning_curves(history.assign(valid_mae=[14.0, 12.0]))
    >>> [axis.get_ylabel() for axis in figure.axes]
    ['loss', 'validation MAE (years)']
    """
    theme.need(history, ["epoch", "train_loss", "valid_loss"], "learning curves")
    has_mae = "valid_mae" in history
    figure, axes = theme.axes(1, 1 + has_mae, width=8 if has_mae else 5, squeeze=False)
    left = axes[0, 0]
    ends = {}
    for part in ("train", "valid"):
        colour, values = theme.PART_COLOURS[part], history[f"{part}_loss"]
        left.plot(history["epoch"], values, color=colour, marker="o", markersize=3)
        ends[theme.PART_NAMES[part]] = (history["epoch"].iloc[-1], values.iloc[-1], colour)
    best = history.loc[history["valid_loss"].idxmin()]
    _ring(left, best["epoch"], best["valid_loss"])
    left.set(xlabel="epoch", ylabel="loss")
    theme.label_ends(left, ends)
    if has_mae:
        right = axes[0, 1]
        right.plot(history["epoch"], history["valid_mae"], color=theme.ORANGE, marker="o", markersize=3)
        _ring(right, best["epoch"], best["valid_mae"])
        right.set(xlabel="epoch", ylabel=theme.label_of("valid_mae"))
    for axis in axes[0]:
        axis.xaxis.get_major_locator().set_params(integer=True)
    return theme.done(figure)


def _ring(axis, x, y) -> None:
    axis.plot([x], [y], marker="o", markersize=10, markerfacecolor="none", color="#333333", linestyle="none")


def learning_rate(curve: pd.DataFrame):
    """The learning-rate finder's curve: the loss while the learning rate rises, and the rate it suggests.

    Parameters
    ----------
    curve : pandas.DataFrame
        Columns ``learning_rate`` and ``loss``; ``attrs["suggestion"]``, where there is one, is marked.

    Examples
    --------
    >>> curve = pd.DataFrame({"learning_rate": [1e-5, 1e-3, 1e-1], "loss": [1.0, 0.5, 4.0]})
    >>> learning_rate(curve).axes[0].get_xscale()
    'log'
    """
    theme.need(curve, ["learning_rate", "loss"], "learning rate")
    figure, axis = theme.axes()
    axis.plot(curve["learning_rate"], curve["loss"], color=theme.BLUE)
    axis.set(xscale="log", xlabel="learning rate", ylabel="loss (smoothed)")
    # Beyond the valley the loss may leap by orders of magnitude and flatten what matters.
    start, least = curve["loss"].iloc[0], curve["loss"].min()
    axis.set_ylim(least - 0.1 * (start - least) - 1e-9, max(start + 0.6 * (start - least), least * 1.05 + 1e-9))
    suggestion = curve.attrs.get("suggestion")
    if suggestion:
        axis.axvline(suggestion, color=theme.ORANGE, linestyle="--")
        look = {"color": theme.ORANGE, "transform": axis.get_xaxis_transform(), "va": "top"}
        axis.text(suggestion, 0.97, f" {suggestion:.1e}", **look)
    return theme.done(figure)


def race(curves: pd.DataFrame):
    """What trainings had reached after how many minutes, one line a training.

    Parameters
    ----------
    curves : pandas.DataFrame
        One row an epoch of a training: ``recipe``, ``seed``, ``seconds`` since its start, ``valid_f1`` in percent.

    Examples
    --------
    >>> curve = pd.DataFrame({"seconds": [60, 120], "valid_f1": [20.0, 50.0]})
    >>> curves = pd.concat([curve.assign(recipe=name, seed=42) for name in ("quick", "plain")])
    >>> race(curves).axes[0].get_xlabel()
    'minutes since the archive was opened'
    """
    theme.need(curves, ["recipe", "seed", "seconds", "valid_f1"], "race")
    figure, axis = theme.axes(width=7)
    colours = dict(zip(curves["recipe"].unique(), (theme.BLUE, theme.ORANGE, theme.GREEN), strict=False))
    for (recipe, _), rows in curves.groupby(["recipe", "seed"], sort=False):
        colour = colours.get(recipe, "0.6")
        axis.plot(rows["seconds"] / 60, rows["valid_f1"], color=colour, marker="o", markersize=3, linewidth=1)
    last = curves.sort_values("seconds").groupby("recipe", sort=False).tail(1)
    ends = {row.recipe: (row.seconds / 60, row.valid_f1, colours.get(row.recipe, "0.6")) for row in last.itertuples()}
    axis.set(xlabel="minutes since the archive was opened", ylabel="validation macro F1 (%)", xlim=(0, None))
    theme.label_ends(axis, ends)
    return theme.done(figure)
