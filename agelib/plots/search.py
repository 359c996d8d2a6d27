"""Figures of many trainings. Used in chapters 16 and 17."""

import pandas as pd

from agelib.plots import theme


def study_curves(curves: pd.DataFrame, only: str = ""):
    """A study's validation error, epoch by epoch: one line a setting, one panel a network (study A, figures 11 to 13).

    Parameters
    ----------
    curves : pandas.DataFrame
        One row an epoch of a trial: ``epoch``, ``label`` (the setting), ``valid_mse``, and where there are several
        networks: ``pd.concat({network: study.curves(), …}, names=["network"]).reset_index("network")``.
    only : str
        A setting's label: it alone is coloured, the others stay behind in grey.

    Examples
    --------
    >>> curves = pd.DataFrame({"epoch": [1, 2] * 2, "label": ["sgd"] * 2 + ["adam"] * 2, "valid_mse": [9.0, 8, 7, 6]})
    >>> figure = study_curves(curves.assign(network="resnet18"))
    >>> figure.axes[0].get_title(), len(figure.axes[0].lines)
    ('resnet18', 2)
    """
    theme.need(curves, ["epoch", "label", "valid_mse"], "study curves")
    panels = dict(list(curves.groupby("network", sort=False))) if "network" in curves else {"": curves}
    settings = list(dict.fromkeys(curves["label"]))
    figure, axes = theme.axes(1, len(panels), width=max(6.0, 3.2 * len(panels)), height=3.8, sharey=True, squeeze=False)
    for axis, (name, panel) in zip(axes[0], panels.items(), strict=True):
        for label, line in panel.groupby("label", sort=False):
            i = settings.index(label)
            style = {"color": theme.COLOURS[i % 10], "marker": "osD^vPX<>*"[i % 10], "markersize": 4}
            if only and label == only:
                style |= {"zorder": 3, "linewidth": 2.5}
            elif only:
                style |= {"color": "#cccccc", "zorder": 2}
            axis.plot(line["epoch"], line["valid_mse"], label=label, **style)
        axis.set(title=name, xlabel="epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0, 0].set_ylabel(theme.label_of("valid_mse"))
    finite = curves["valid_mse"].replace([float("inf")], float("nan")).dropna()
    if len(finite) and finite.max() > 20 * max(finite.min(), 1e-9):
        axes[0, 0].set_yscale("log")  # One diverging setting would flatten all the others.
    handles = {h.get_label(): h for axis in axes[0] for h in axis.get_lines()}
    theme.legend(figure, min(3, len(settings)), "lower center", handles=[handles[label] for label in settings])
    return theme.done(figure)


def importance_bars(importance: pd.Series):
    """How much of the validation error's variance each option explains, the largest first.

    >>> figure = importance_bars(pd.Series({"optimiser": 0.3, "learning_rate": 0.7}))
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['learning rate', 'optimiser']
    """
    if not len(importance):
        raise ValueError("importance: there is no option to draw; a study needs at least two settings")
    ordered = importance.sort_values(ascending=False)
    figure, axis = theme.axes(height=1.1 + 0.4 * len(ordered))
    bars = axis.barh([theme.label_of(name) for name in ordered.index], 100 * ordered, color=theme.BLUE)
    axis.bar_label(bars, [f"{100 * share:.0f} %" for share in ordered], padding=3)
    axis.invert_yaxis()
    axis.set(xlabel="share of the variance explained (%)", xlim=(0, 112))
    axis.grid(axis="y", visible=False)
    return theme.done(figure)


def size_and_speed(table: pd.DataFrame):
    """Networks by number of parameters and pictures a second; where their error is known, it is the dot's colour.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: the network; columns ``parameters``, ``pictures_per_second`` and, if known, ``MAE``.

    Examples
    --------
    >>> table = pd.DataFrame({"parameters": [11e6], "pictures_per_second": [300.0]}, index=["resnet18"])
    >>> [text.get_text() for text in size_and_speed(table).axes[0].texts]
    ['resnet18']
    """
    theme.need(table, ["parameters", "pictures_per_second"], "size and speed")
    figure, axis = theme.axes(width=6.5, height=4)
    x, y = table["parameters"] / 1e6, table["pictures_per_second"]
    has_error = "MAE" in table
    colour = {"c": table["MAE"], "cmap": "cividis_r"} if has_error else {"color": theme.BLUE}
    dots = axis.scatter(x, y, s=90, edgecolors="#333333", linewidths=0.8, zorder=3, **colour)
    if has_error:
        figure.colorbar(dots, ax=axis, label=theme.label_of("MAE"))
    for name, across, up in zip(table.index, x, y, strict=True):
        axis.annotate(name, (across, up), (8, 4), textcoords="offset points", fontsize="small")
    axis.set(xlabel="parameters (millions)", ylabel="images a second")
    axis.set(xlim=(0, 1.35 * x.max()), ylim=(0, 1.15 * y.max()))
    return theme.done(figure)
