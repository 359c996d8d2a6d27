"""Figures of maps over pictures: what a network looks at, by picture and by group. Used in chapter 19.

A map is drawn over its picture only if the picture is of a drawn face; of people, maps are drawn on an empty ground.
"""

import numpy as np

from agelib.plots import theme
from agelib.plots.faces import for_display

#: Colours of maps from 0 to 1, and of signed ones: blue below 0, red above, white at 0.
PLAIN, SIGNED = "inferno", "RdBu_r"

#: How a row's name stands beside it.
ROW = {"rotation": 0, "ha": "right", "va": "center", "fontsize": "small"}


def heat_maps(rows: dict, pictures=None, faces=None, titles=None, label: str = "", limit: float = 0.0):
    """Pictures in the first row and maps of them in rows below, laid over the pictures' grey levels; one colour bar.

    Parameters
    ----------
    rows : dict
        Name → maps, float [N, S, S]. All share one scale; it is symmetric if any value lies below 0.
    pictures : array, optional
        [N, S, S, 3] or [N, 3, S, S], uint8 or 0..1; any size.
    faces : pandas.DataFrame, optional
        The pictures' rows of the faces table, or any table with ``source``. Without it, or if not all of them are
        drawn, the pictures are left out.
    titles : list of str, optional
        N, above the pictures.
    label : str
        Of the colour bar, with the unit.
    limit : float
        The greatest value of the scale; 0: that of the maps.

    Examples
    --------
    >>> import pandas as pd
    >>> maps = np.linspace(-1, 1, 32).reshape(2, 4, 4)
    >>> drawn = pd.DataFrame({"source": ["drawn"] * 2})
    >>> figure = heat_maps({"Grad-CAM": maps}, np.zeros((2, 4, 4, 3)), drawn, ["30 years", "40 years"], "years")
    >>> [len(axis.images) for axis in figure.axes[:4]], figure.axes[0].get_title(), figure.axes[-1].get_ylabel()
    ([1, 1, 2, 2], '30 years', 'years')
    >>> len(heat_maps({"Grad-CAM": maps}, np.zeros((2, 4, 4, 3)), pd.DataFrame({"source": ["utkface"] * 2})).axes)
    3
    """
    rows = {name: np.asarray(maps, float) for name, maps in rows.items()}
    counts = {len(maps) for maps in rows.values()}
    if not rows or any(maps.ndim != 3 for maps in rows.values()) or len(counts) != 1 or not min(counts):
        raise ValueError("heat maps: give rows of maps [N, S, S], each of the same images")
    (number,) = counts
    for name, other in (("pictures", pictures), ("titles", titles), ("rows of the faces table", faces)):
        if other is not None and len(other) != number:
            raise ValueError(f"heat maps: {len(other)} {name} for {number} maps; give one for each")
    if faces is None or not faces["source"].astype(str).str.startswith("drawn").all():
        pictures = None
    head = int(pictures is not None)
    figure, axes = theme.axes(len(rows) + head, number, 1.25 * number + 1.6, 1.3 * (len(rows) + head), squeeze=False)
    for axis in axes.flat:
        theme.bare(axis)
    look = _look(rows.values(), limit)
    for column in range(number):
        if head:
            axes[0, column].imshow(for_display(pictures[column]))
        if titles is not None:
            axes[0, column].set_title(titles[column], fontsize="small", loc="center", pad=3)
    for line, (name, maps) in zip(axes[head:], rows.items(), strict=True):
        line[0].set_ylabel(name, **ROW)
        for column, axis in enumerate(line):
            shown = _lay(axis, maps[column], None if pictures is None else pictures[column], look)
    figure.colorbar(shown, ax=axes[head:], label=label, shrink=0.8, aspect=25)
    return theme.done(figure)


def _look(groups, limit: float = 0.0) -> dict:
    """Colours and scale that all maps share."""
    least = min(float(np.nanmin(maps)) for maps in groups)
    most = limit or max(float(np.nanmax(np.abs(maps))) for maps in groups) or 1.0
    if least < 0:
        return {"cmap": SIGNED, "vmin": -most, "vmax": most}
    return {"cmap": PLAIN, "vmin": 0.0, "vmax": most}


def _lay(axis, values, picture, look: dict):
    """A map, over the picture's grey levels where there is one: strong values hide it, weak ones let it through."""
    side, alpha = (0, 1, 1, 0), 1.0
    if picture is not None:
        grey = np.asarray(for_display(picture), float)
        grey = grey.mean(axis=-1) / (255 if grey.max() > 1 else 1)
        axis.imshow(grey, cmap="gray", vmin=0, vmax=1, extent=side)
        alpha = 0.25 + 0.55 * np.sqrt(np.clip(np.abs(np.nan_to_num(values)) / look["vmax"], 0, 1))
    return axis.imshow(values, alpha=alpha, extent=side, **look)


def channel_maps(rows: dict):
    """Channels of several layers, each in grey between its own least and greatest value: a row a layer.

    Parameters
    ----------
    rows : dict
        Name → channels, float [K, h, w]; they may differ in size.

    Examples
    --------
    >>> figure = channel_maps({"stage 1": np.zeros((3, 8, 8)), "stage 2": np.zeros((2, 4, 4))})
    >>> sum(len(axis.images) for axis in figure.axes), figure.axes[0].get_ylabel()
    (5, 'stage 1')
    """
    if not rows or any(np.ndim(maps) != 3 or not len(maps) for maps in rows.values()):
        raise ValueError("channel maps: give rows of maps [K, h, w], at least one of each layer")
    columns = max(map(len, rows.values()))
    figure, axes = theme.axes(len(rows), columns, 1.0 * columns + 1.2, 1.05 * len(rows), squeeze=False)
    for line, (name, maps) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name, **ROW)
        for column, axis in enumerate(line):
            theme.bare(axis)
            axis.set_visible(column < len(maps))
            if column < len(maps):
                axis.imshow(maps[column], cmap="gray")
    return theme.done(figure)


def average_maps(rows: dict, label: str = ""):
    """Mean maps of groups: a column a group with its number of pictures, a row a network or a kind of map.

    Parameters
    ----------
    rows : dict
        Name → :class:`agelib.explain.Averages`. All share one scale.
    label : str
        Of the colour bar, with the unit.

    Examples
    --------
    >>> from agelib.explain import average
    >>> found = average(np.ones((3, 4, 4)), ["0–2", "0–2", "3–6"])
    >>> [axis.get_title() for axis in average_maps({"occlusion": found}, "years").axes]
    ['0–2 (2)', '3–6 (1)', '']
    """
    if not rows or any(not len(found.maps) for found in rows.values()):
        raise ValueError("average maps: give at least one row with a group")
    names = list(dict.fromkeys(name for found in rows.values() for name in found.names))
    figure, axes = theme.axes(len(rows), len(names), 1.2 * len(names) + 1.8, 0.7 + 1.25 * len(rows), squeeze=False)
    look = _look([found.maps for found in rows.values()])
    for line, (row, found) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(row, **ROW)
        for axis, name in zip(line, names, strict=True):
            theme.bare(axis)
            if name in found.names:
                place = found.names.index(name)
                shown = axis.imshow(found.maps[place], **look)
                if axis in axes[0]:
                    axis.set_title(f"{name} ({found.counts[place]:,})", fontsize="small", loc="center", pad=3)
    figure.colorbar(shown, ax=axes, label=label, shrink=0.95, aspect=10 * len(rows) + 5)
    return theme.done(figure)


def sanity_check(tables: dict):
    """How alike a map stays while the network is randomised from its end: a line a kind of map, with its chance level.

    Parameters
    ----------
    tables : dict
        Name → the table of a :class:`agelib.explain.SanityCheck`.

    Examples
    --------
    >>> import pandas as pd
    >>> steps = ["nothing", "head", "another picture"]
    >>> table = pd.DataFrame({"randomised": steps, "rank_correlation": [1.0, 0.2, 0.3]})
    >>> axis = sanity_check({"Grad-CAM": table}).axes[0]
    >>> axis.get_xlabel(), axis.lines[0].get_ydata().tolist()
    ('what of the network is random', [1.0, 0.2])
    """
    for table in tables.values():
        theme.need(table, ["randomised", "rank_correlation"], "sanity check")
    figure, axis = theme.axes(width=7.5, height=3.8)
    ends = {}
    for (name, table), colour in zip(tables.items(), theme.COLOURS, strict=False):
        steps = table.groupby("randomised", sort=False)["rank_correlation"]
        mean, error = steps.mean(), steps.sem().fillna(0)
        chance = mean.get("another picture", np.nan)
        mean, error = (values.drop(index="another picture", errors="ignore") for values in (mean, error))
        spots = np.arange(len(mean))
        look = {"color": colour, "marker": "o", "capsize": 3}
        axis.errorbar(spots, mean.to_numpy(float), yerr=1.96 * error.to_numpy(float), **look)
        axis.set_xticks(spots, mean.index)
        axis.axhline(chance, color=colour, linestyle=":", linewidth=1)
        ends[name] = (spots[-1], mean.dropna().iloc[-1] if mean.notna().any() else 0.0, colour)
    axis.set(xlabel="what of the network is random", ylabel="rank correlation with the trained network's map")
    axis.set_ylim(min(axis.get_ylim()[0], -0.05), 1.05)
    axis.tick_params(axis="x", labelrotation=20)
    theme.label_ends(axis, ends)
    return theme.done(figure)
