"""One look for all figures: a light ground that reads on light and dark pages, and colours that everybody can tell."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from agelib.runtime import progress

#: Okabe and Ito's colours as seaborn orders them: told apart with every common kind of colour blindness.
COLOURS = ["#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161", "#fbafe4", "#949494", "#ece133", "#56b4e9"]
BLUE, ORANGE, GREEN, RED, GREY = COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[3], COLOURS[7]

#: A part of the split, or a curve of that part, has the same colour in every figure.
PART_COLOURS = {"train": BLUE, "valid": ORANGE, "test": GREEN}
PART_NAMES = {"train": "training", "valid": "validation", "test": "test"}

#: Column → label of its axis, with the unit.
LABELS = {
    "age": "age (years)",
    "real_age": "real age (years)",
    "apparent_age": "apparent age (years)",
    "face_score": "detector's score of the face",
    "second_face_score": "detector's score of a second face",
    "valid_mse": "validation MSE (years²)",
    "valid_mae": "validation MAE (years)",
    "train_loss": "training loss",
    "valid_loss": "validation loss",
    "learning_rate": "learning rate",
    "MSE": "MSE (years²)",
    "RMSE": "RMSE (years)",
    "MAE": "MAE (years)",
    "R2": "R²",
}


def set_theme() -> None:
    """Set fonts, colours and a white ground for all figures that follow; call it once at the top of a page.

    In a notebook, figures are then drawn with twice the dots, for screens that have them, and shown at their own size.

    >>> set_theme()
    >>> plt.rcParams["figure.facecolor"]
    'white'
    """
    sns.set_theme(
        style="whitegrid",
        palette=COLOURS,
        rc={
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.dpi": 100,
            "savefig.bbox": "tight",
            "axes.edgecolor": "#666666",
            "grid.color": "#e3e3e3",
            "axes.titlesize": "medium",
            "axes.spines.top": False,
            "axes.spines.right": False,
            # The same table gives the same bytes: no random ids in SVG.
            "svg.hashsalt": "agelib",
        },
    )
    if progress.in_notebook():
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")


def label_of(column: str) -> str:
    """What an axis of this column is called.

    >>> label_of("age"), label_of("CS@5"), label_of("gender")
    ('age (years)', 'CS@5 (%)', 'gender')
    """
    return LABELS.get(column, f"{column} (%)" if column.startswith("CS@") else column.replace("_", " "))


def axes(rows: int = 1, columns: int = 1, width: float = 7.0, height: float = 3.6, **options):
    """A new figure and its axes (an array of them where there are several)."""
    return plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **options)


def done(figure):
    """Close a figure for pyplot and return it: a notebook then shows it once, as the value of its cell."""
    plt.close(figure)
    return figure


def need(table, columns, what: str) -> None:
    """Refuse a table that lacks a column or has no rows."""
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(f"{what}: no column {missing[0]!r}; the table has: {', '.join(map(str, table.columns))}")
    if not len(table):
        raise ValueError(f"{what}: the table is empty, there is nothing to draw")


def reach(table, column: str) -> np.ndarray:
    """How far the interval of a column reaches down and up from its values, [2, rows]: 0 where there is none."""
    values = table[column].to_numpy(dtype=float)
    return np.nan_to_num(np.abs(table[["low", "high"]].to_numpy(dtype=float).T - values))


def legend(figure, columns: int = 2, where: str = "upper center", **options) -> None:
    """One legend for the whole figure, outside its axes."""
    figure.legend(loc=f"outside {where}", ncols=columns, frameon=False, **options)


def bare(axis) -> None:
    """Neither ticks nor frame: for pictures and maps."""
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)
    sns.despine(ax=axis, left=True, bottom=True)


def count_bars(axis, groups: dict, colour=BLUE) -> None:
    """Lying bars of counts, each with its number beside it."""
    bars = axis.barh(list(groups), list(groups.values()), color=colour)
    axis.bar_label(bars, [f"{count:,}" for count in groups.values()], padding=3)
    axis.invert_yaxis()
    axis.margins(x=0.15)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel("images")


def label_ends(axis, ends: dict) -> None:
    """Write each line's name at its right end, pushed apart where they would touch: name → (x, y, colour)."""
    gap = 0.065  # least distance of two names, as a share of the axis' height
    bottom, top = axis.get_ylim()
    ordered = sorted(ends, key=lambda name: ends[name][1])
    heights = (np.array([ends[name][1] for name in ordered], dtype=float) - bottom) / (top - bottom)
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + gap)
    # Move back down what was pushed out at the top.
    for i in range(len(heights) - 1, -1, -1):
        heights[i] = min(heights[i], 1 - gap * (len(heights) - 1 - i))
    for name, height in zip(ordered, heights, strict=True):
        axis.text(1.01, height, name, color=ends[name][2], transform=axis.transAxes, va="center", fontsize="small")
