"""Figures of a faces table: ages, groups, the detector's scores, cleaning, pictures. Used in chapters 01 to 04."""

import numpy as np
import pandas as pd
import seaborn as sns

from agelib.plots import theme

#: What a missing word is called.
UNKNOWN = "not recorded"


def age_histogram(faces: pd.DataFrame):
    """How many pictures there are of each year of age; a missing ``age`` is left out.

    >>> figure = age_histogram(pd.DataFrame({"age": [20.0, 20.5, 31]}))
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('age (years)', 'images')
    """
    theme.need(faces, ["age"], "age histogram")
    ages = np.floor(faces["age"])
    figure, axis = theme.axes()
    sns.histplot(x=ages[np.isfinite(ages)], discrete=True, linewidth=0, alpha=1, color=theme.BLUE, ax=axis)
    axis.set(xlabel=theme.label_of("age"), ylabel="images")
    return theme.done(figure)


def age_histogram_by_part(faces: pd.DataFrame):
    """The ages of the training, validation and test part, each as a share of its part: they should look alike.

    >>> figure = age_histogram_by_part(pd.DataFrame({"age": [20.0, 30, 40], "split": ["train", "valid", "test"]}))
    >>> [axis.get_title() for axis in figure.axes]
    ['training (1)', 'validation (1)', 'test (1)']
    """
    theme.need(faces, ["age", "split"], "age histogram by part")
    parts = [part for part in theme.PART_NAMES if (faces["split"] == part).any()]
    edges = np.arange(np.floor(faces["age"].min() / 5) * 5, faces["age"].max() + 5.01, 5)
    figure, axes = theme.axes(1, len(parts), width=8, height=3, sharex=True, sharey=True, squeeze=False)
    for axis, part in zip(axes[0], parts, strict=True):
        ages = faces.loc[faces["split"] == part, "age"]
        sns.histplot(x=ages, bins=edges, stat="percent", color=theme.PART_COLOURS[part], alpha=1, ax=axis)
        axis.set(title=f"{theme.PART_NAMES[part]} ({len(ages):,})")
        axis.set(xlabel="age (years)", ylabel="share of the part (%)")
    return theme.done(figure)


def boxes(faces: pd.DataFrame):
    """Box plots of ``age`` and ``face_score`` side by side: the median, the middle half, and what lies far out.

    A missing or infinite value (no face was found) cannot be drawn; how many there are is said in the title.

    >>> figure = boxes(pd.DataFrame({"age": [20.0, 30, 40], "face_score": [3.1, -np.inf, 4.2]}))
    >>> [axis.get_title() for axis in figure.axes]
    ['3 images', '2 images, 1 without']
    """
    theme.need(faces, ("age", "face_score"), "box plots")
    figure, axes = theme.axes(1, 2, width=7)
    for axis, column, colour in zip(axes, ("age", "face_score"), theme.COLOURS, strict=False):
        values = faces[column].replace([np.inf, -np.inf], np.nan).dropna()
        if len(values):
            sns.boxplot(y=values, color=colour, width=0.4, fliersize=2, saturation=1, ax=axis)
        without = len(faces) - len(values)
        axis.set_title(f"{len(values):,} images" + (f", {without:,} without" if without else ""))
        axis.set_ylabel(theme.label_of(column))
    return theme.done(figure)


def group_counts(faces: pd.DataFrame, by: str = "gender"):
    """How many pictures each group has, those where it is not recorded included.

    >>> figure = group_counts(pd.DataFrame({"gender": ["male", "female", "male", None]}))
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['male', 'female', 'not recorded']
    """
    theme.need(faces, [by], "group counts")
    counts = faces[by].value_counts().to_dict()
    if faces[by].isna().any():
        counts[UNKNOWN] = int(faces[by].isna().sum())
    figure, axis = theme.axes(height=1.1 + 0.35 * len(counts))
    theme.count_bars(axis, counts, [theme.GREY if name == UNKNOWN else theme.BLUE for name in counts])
    axis.set_ylabel(theme.label_of(by))
    return theme.done(figure)


def score_by_group(faces: pd.DataFrame, by: str = "ethnicity"):
    """The detector's recorded score in each group: is it as sure of everybody?

    >>> faces = pd.DataFrame({"face_score": [1.0, 2, 3, 4], "ethnicity": ["black", "black", "white", "white"]})
    >>> [text.get_text() for text in score_by_group(faces).axes[0].get_yticklabels()]
    ['white (2)', 'black (2)']
    """
    column = "face_score"
    theme.need(faces, [by, column], "score by group")
    known = faces[[by, column]].replace([np.inf, -np.inf], np.nan).dropna()
    if known.empty:
        raise ValueError(f"score by group: no image has both {column} and {by}")
    order = known.groupby(by)[column].median().sort_values(ascending=False).index
    counts = known[by].value_counts()
    figure, axis = theme.axes(height=1.2 + 0.45 * len(order))
    sns.boxplot(known, x=column, y=by, order=order, color=theme.BLUE, fliersize=2, width=0.6, saturation=1, ax=axis)
    axis.set_yticks(range(len(order)), [f"{group} ({counts[group]:,})" for group in order])
    axis.set(xlabel=theme.label_of(column), ylabel=f"{theme.label_of(by)} (images)")
    return theme.done(figure)


def clean_and_noise(found: pd.DataFrame):
    """Study A's figure of its first cleaning pass: pictures with a face (clean) and without one (noise).

    `found` is what :func:`agelib.data.clean.detect` returns: its column ``found`` says whether there is a face.

    >>> figure = clean_and_noise(pd.DataFrame({"found": [True, True, False]}))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['2', '1']
    """
    theme.need(found, ["found"], "clean and noise")
    clean = int(found["found"].astype(bool).sum())
    figure, axis = theme.axes(height=1.8)
    counts = {"clean: a face is found": clean, "noise: no face is found": len(found) - clean}
    theme.count_bars(axis, counts, [theme.BLUE, theme.RED])
    return theme.done(figure)


def cleaning_counts(report: pd.DataFrame):
    """What each cleaning step leaves and takes, one row a step, in order: ``step``, ``removed``, ``after``.

    >>> report = pd.DataFrame({"step": ["no face"], "removed": [8], "after": [92]})
    >>> [text.get_text() for text in cleaning_counts(report).axes[0].texts]
    ['−8']
    """
    theme.need(report, ["step", "removed", "after"], "cleaning counts")
    figure, axis = theme.axes(height=1.3 + 0.38 * len(report))
    axis.barh(report["step"], report["after"], color=theme.BLUE, label="kept")
    bars = axis.barh(report["step"], report["removed"], left=report["after"], color=theme.RED, label="removed")
    axis.bar_label(bars, [f"−{int(n):,}" if n else "none" for n in report["removed"].fillna(0)], padding=3)
    axis.invert_yaxis()
    axis.margins(x=0.12)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel("images")
    theme.legend(figure, 2, "upper right")
    return theme.done(figure)


def pictures(images, titles=None, columns: int = 6, side: float = 1.3):
    """Pictures in a grid. It draws what it is given: whether a picture may be shown, the caller decides.

    Parameters
    ----------
    images : array
        [N, S, S, 3], [N, S, S] or [N, C, S, S] with C 1 or 3; uint8, or float in 0..1. Pictures of different sizes may
        come as a list.
    titles : list of str, optional
        One a picture.
    columns : int
        Pictures in a row.
    side : float
        Side of a picture, in inches.

    Examples
    --------
    >>> figure = pictures(np.zeros((7, 8, 8, 3), dtype=np.uint8), titles=list("abcdefg"))
    >>> sum(len(axis.images) for axis in figure.axes)
    7
    """
    number = len(images)
    if not number:
        raise ValueError("pictures: there is none to draw")
    if titles is not None and len(titles) != number:
        raise ValueError(f"pictures: {number} images have {len(titles)} titles; give one for each, or none")
    columns = min(columns, number)
    rows = -(-number // columns)
    height = side * (1.2 if titles is not None else 1.0)
    figure, axes = theme.axes(rows, columns, width=side * columns, height=height * rows, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for i, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(for_display(image), cmap="gray" if np.ndim(image) == 2 else None)
        if titles is not None:
            axis.set_title(titles[i], fontsize="small", loc="center", pad=2)
    return theme.done(figure)


def for_display(image) -> np.ndarray:
    """A picture as matplotlib wants it: [S, S, 3], uint8 or float in 0..1."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[0] in (1, 3) and image.shape[-1] not in (1, 3):
        image = image.transpose(1, 2, 0)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=-1)
    return image if image.dtype == np.uint8 else np.clip(image, 0, 1)
