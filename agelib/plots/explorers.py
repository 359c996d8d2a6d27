"""Explorers: controls in JupyterLab that ask a running kernel for pictures, filters, changes and errors.

Each function returns an :class:`Explorer`. In JupyterLab it is made of ipywidgets; on a page, where no kernel answers,
it is what the controls' first values show, with a line that says so. Pictures of people are not shown unless the
caller asks for them (``people=True``, on one's own machine, where the data set's licence allows it), and on a page
never. Sliders over prepared results, which need no kernel, are in :mod:`agelib.plots.sliders`.
"""

import functools
import html
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from agelib import plots
from agelib.pixels.decode import read_picture
from agelib.plots import show, sliders

#: Pictures at a time, and in a row; their side in pixels.
NUMBER, COLUMNS, SIDE = 12, 6, 96

#: What stands for every value of a column.
EVERY = "all"


@dataclass(frozen=True)
class View:
    """What an explorer shows at one setting of its controls."""

    words: str  # what is to be seen, in a sentence or two
    rows: pd.DataFrame  # the pictures' rows of the faces table; ``source`` says whether they are drawn
    images: list  # one picture a row, as :func:`agelib.plots.pictures` takes them
    titles: list = field(default_factory=list)  # one a row
    pages: int = 1  # how many there are to turn
    columns: int = COLUMNS  # pictures in a row


class Explorer:
    """Controls, and what they show.

    Attributes
    ----------
    controls : dict
        Name → widget; set its ``value`` and look at `view`.
    view : View
        What is shown now.
    box : ipywidgets.VBox
        All of it, as JupyterLab shows it.
    """

    def __init__(self, what: str, controls: dict, look: Callable[..., View], people: bool = False):
        import ipywidgets as widgets

        self.what, self.controls, self._look, self._people = what, controls, look, people
        self._screen = widgets.HTML()
        for control in controls.values():
            control.style = {"description_width": "initial"}
            control.observe(self._update, "value")
        row = widgets.Layout(flex_flow="row wrap")
        self.box = widgets.VBox([widgets.Box(list(controls.values()), layout=row), self._screen])
        self._is_updating = False
        self._update()
        self._still = self._page(self.view, people=False)

    def _update(self, _=None) -> None:
        if self._is_updating:
            return
        # Fewer pages may move the page's own control, which must not be answered a second time.
        self._is_updating = True
        try:
            self.view = self._look(**{name: control.value for name, control in self.controls.items()})
            if "page" in self.controls:
                self.controls["page"].max = self.view.pages
                if self.controls["page"].value != min(self.view.pages, self.controls["page"].value):
                    self.controls["page"].value = self.view.pages
            self._screen.value = self._page(self.view, self._people)
        finally:
            self._is_updating = False

    @property
    def screen(self) -> str:
        """The HTML below the controls."""
        return self._screen.value

    def _page(self, view: View, people: bool) -> str:
        words = f'<p aria-live="polite">{html.escape(view.words)}</p>'
        if not len(view.rows):
            return words
        draw = plots.pictures if people else lambda images, *options: show.pictures(images, view.rows, *options)
        drawn = draw(view.images, view.titles or None, view.columns)
        if isinstance(drawn, show.Shown):  # the refusal to show people
            return f"{words}<p>{html.escape(drawn.text)}</p>"
        pixels = sliders.pixels_of(drawn)
        height, width = (side // sliders.DENSITY for side in pixels.shape[:2])
        shown = "; ".join(view.titles) or view.words
        return (
            f'{words}<img src="{sliders.encode(pixels, quality=80)}" alt="{html.escape(shown)}" width="{width}" '
            f'height="{height}" style="max-width: 100%; height: auto; background: #fff">'
        )

    def _repr_mimebundle_(self, **options):
        names = ", ".join(control.description for control in self.controls.values())
        note = f"{self.what}. In JupyterLab this has controls ({names}); here stands what they show first."
        page = f'<div class="agelib-explorer"><p><em>{html.escape(note)}</em></p>{self._still}</div>'
        plain = {"text/plain": f"{note} {self.view.words}", "text/html": page}
        return self.box._repr_mimebundle_(**options) | plain


def faces(faces: pd.DataFrame, root, people: bool = False) -> Explorer:
    """Look at the pictures of a faces table, by age, gender, ethnicity and source.

    Parameters
    ----------
    faces : pandas.DataFrame
        The faces table; only columns with more than one value get a control.
    root : path
        The folder that ``path`` is relative to.
    people : bool
        Whether pictures of people are shown too.

    Examples
    --------
    >>> import agelib.drawn, agelib.data.sources
    >>> collection = agelib.data.sources.read("drawn-utkface", pictures=24, seed=1)
    >>> explorer = agelib.plots.explorers.faces(collection.faces, collection.root)
    >>> explorer.controls["age"].value = (0, 0)
    >>> explorer.view.words
    '... of 24 images ...'
    """
    import ipywidgets as widgets

    known = faces["age"][np.isfinite(faces["age"].astype(float))]
    least, most = (int(np.floor(known.min())), int(np.ceil(known.max()))) if len(known) else (0, 100)
    controls = {"age": _range(widgets, "age (years)", least, most)}
    for column in ("gender", "ethnicity", "source"):
        if column in faces and len(values := sorted(faces[column].dropna().astype(str).unique())) > 1:
            controls[column] = widgets.Dropdown(options=[EVERY, *values], value=EVERY, description=column)
    controls["page"] = _page_slider(widgets)

    def look(age, page, **words) -> View:
        chosen = faces["age"].between(age[0], age[1] + 1, inclusive="left")
        for column, value in words.items():
            chosen &= True if value == EVERY else faces[column].astype(str) == value
        rows = faces[chosen]
        shown, pages, at = _turn_to(page, rows)
        titles = [" ".join(_word(row[c]) for c in ("age", "gender") if pd.notna(row[c])) for _, row in shown.iterrows()]
        share = f"{len(rows):,} of {len(faces):,} images ({len(rows) / len(faces):.0%})"
        return View(f"{share}; {at}", shown, read_pictures(shown, root), titles, pages)

    return Explorer("Look at images by what is recorded of them", controls, look, people)


def cleaning(faces: pd.DataFrame, root, found=None, people: bool = False) -> Explorer:
    """Move the thresholds of the second cleaning pass, and see what they throw away and what they keep.

    Parameters
    ----------
    faces : pandas.DataFrame
        The raw faces table.
    root : path
        The folder that ``path`` is relative to.
    found : array of bool, optional
        For each row, whether the first pass found a face; see :func:`agelib.data.clean.detect`.
    people : bool
        Whether pictures of people are shown too.
    """
    import ipywidgets as widgets

    ages, scores, seconds = (faces[name].astype(float) for name in ("age", "face_score", "second_face_score"))
    low, high = _ends(scores)
    _, most = _ends(seconds)
    controls = {"age": _range(widgets, "age (years)", -20, 150, (0, 130))}
    for name, words, start in (("score", "least face score", 0.0), ("second", "greatest second score", 8.0)):
        ends = (min(low, start), max(high, start)) if name == "score" else (0.0, max(most, start))
        controls[name] = _slider(widgets, words, start, *ends, 0.25)
    if found is not None:
        controls["detected"] = widgets.Checkbox(True, description="only if a face is found")
    order = np.random.default_rng(0).permutation(len(faces))  # a mixed sample that stays while thresholds move

    def look(age, score, second, detected=False) -> View:
        reasons = {"age": ~ages.between(*age), "face score": scores <= score, "second face": seconds >= second}
        if detected:
            reasons = {"no face": ~np.asarray(found, dtype=bool)} | reasons
        out = np.logical_or.reduce(list(reasons.values()))
        counts = ", ".join(f"{name} {int(np.sum(each)):,}" for name, each in reasons.items())
        words = f"{int((~out).sum()):,} of {len(out):,} rows are kept ({(~out).mean():.0%}). Thrown away by: {counts}."
        gone, stays = (order[np.asarray(each)[order]][:COLUMNS] for each in (out, ~out))
        rows = faces.iloc[[*gone, *stays]]
        why = [next(name for name, each in reasons.items() if np.asarray(each)[place]) for place in gone]
        titles = [f"out: {name}" for name in why] + [f"kept: {_word(ages.iloc[place])}" for place in stays]
        return View(words, rows, read_pictures(rows, root), titles)

    return Explorer("What each threshold throws away, and what it keeps", controls, look, people)


def augmentations(pictures, faces: pd.DataFrame, people: bool = False) -> Explorer:
    """Change pictures by hand, as the augmentation does by chance: how strong may a change be?

    Parameters
    ----------
    pictures : torch.Tensor
        float [N, 3, S, S] in 0..1, six at most; each is shown above its changed self.
    faces : pandas.DataFrame
        Their rows of the faces table.
    people : bool
        Whether pictures of people are shown too.
    """
    import ipywidgets as widgets
    import torch

    from agelib.pixels import augment

    if not 1 <= len(pictures) <= COLUMNS or len(pictures) != len(faces):
        raise ValueError(
            f"augmentations: {len(pictures)} images with {len(faces)} rows of the faces table; "
            f"give 1 to {COLUMNS} images and a row for each"
        )

    slider = functools.partial(_slider, widgets)
    controls = {
        "mirror": widgets.Checkbox(False, description="mirror"),
        "degrees": slider("turn (degrees)", augment.DEGREES, -45, 45, 1),
        "scale": slider("scale", 1 + augment.SCALE, 0.7, 1.3, 0.01),
        "shift": slider("shift (share of the side)", augment.SHIFT, -0.25, 0.25, 0.01),
        "side": slider("crop (share of the side)", 1.0, 0.5, 1.0, 0.05),
        "sigma": slider("blur (pixels of 64)", 0.0, 0.0, augment.SIGMA[1], 0.1),
        "brightness": slider("brightness", 0.0, -0.5, 0.5, 0.05),
        "contrast": slider("contrast", 1.0, 0.25, 2.0, 0.05),
    }

    def look(mirror, degrees, scale, shift, side, sigma, brightness, contrast) -> View:
        number, size = len(pictures), pictures.shape[-1]
        x = augment.flip(pictures) if mirror else pictures

        def same(value):
            return torch.full((number,), float(value))

        turned = augment.turn(same(degrees), same(scale), same(shift), same(0))
        x = augment.warp(x, turned @ augment.crop(same(side), same(0.5), same(0.5)))
        if sigma:
            x = augment.blur(x, same(sigma * size / augment.SIGMA_SIZE))
        x = augment.light(x, same(brightness), same(contrast))
        beyond = {
            "turn": abs(degrees) > augment.DEGREES,
            "scale": abs(scale - 1) > augment.SCALE + 1e-9,
            "shift": abs(shift) > augment.SHIFT + 1e-9,
            "crop": side < augment.SMALLEST_CROP,
            "brightness": abs(brightness) > augment.BRIGHTNESS + 1e-9,
            "contrast": abs(contrast - 1) > augment.CONTRAST + 1e-9,
        }
        strong = ", ".join(name for name, is_beyond in beyond.items() if is_beyond)
        words = "Above the originals, below their changed selves. " + (
            f"Stronger than in training: {strong}." if strong else "No change is stronger than in training."
        )
        titles = ["original"] * number + ["changed"] * number
        return View(words, pd.concat([faces, faces]), [*pictures.numpy(), *x.numpy()], titles, columns=number)

    return Explorer("Change the images by hand", controls, look, people)


def errors(run, people: bool = False) -> Explorer:
    """Page through a run's test pictures by their error.

    Parameters
    ----------
    run : agelib.experiments.result.Run
    people : bool
        Whether pictures of people are shown too.
    """
    import ipywidgets as widgets

    orders = {
        "largest error": lambda error: -error.abs(),
        "guessed too old": lambda error: -error,
        "guessed too young": lambda error: error,
        "smallest error": lambda error: error.abs(),
    }
    known = run.prepared.faces.set_index("path")
    table = run.predictions
    error = table["predicted"] - table["age"]
    ends = int(np.floor(table["age"].min())), int(np.ceil(table["age"].max()))
    controls = {
        "order": widgets.Dropdown(options=list(orders), description="first"),
        "age": _range(widgets, "true age (years)", *ends),
        "page": _page_slider(widgets),
    }

    def look(order, age, page) -> View:
        inside = table["age"].between(age[0], age[1] + 1, inclusive="left")
        chosen = table.loc[orders[order](error[inside]).sort_values(kind="stable").index]
        shown, pages, at = _turn_to(page, chosen)
        titles = [f"{row.age:.0f}, said {row.predicted:.0f}" for row in shown.itertuples()]
        mae = f"{error[inside].abs().mean():.1f} years on average" if len(chosen) else "none"
        words = f"{len(chosen):,} of {len(table):,} test images, off by {mae}; {at}"
        rows = known.loc[shown["path"]].reset_index()
        return View(words, rows, read_pictures(rows, run.prepared.root), titles, pages)

    return Explorer("The test images by their error", controls, look, people)


def _turn_to(page: int, rows: pd.DataFrame) -> tuple[pd.DataFrame, int, str]:
    """The rows of a page, the last one if there are fewer; the number of pages, and where in them that is."""
    pages = max(1, -(-len(rows) // NUMBER))
    page = min(page, pages)
    return rows.iloc[NUMBER * (page - 1) :][:NUMBER], pages, f"page {page} of {pages}."


def _slider(widgets, words: str, start: float, least: float, most: float, step: float):
    return widgets.FloatSlider(start, min=least, max=most, step=step, description=words, continuous_update=False)


def _range(widgets, words: str, least: int, most: int, value: tuple | None = None):
    """A slider with two ends, over whole years."""
    return widgets.IntRangeSlider(
        value=value or (least, most), min=least, max=most, description=words, continuous_update=False
    )


def _page_slider(widgets):
    return widgets.IntSlider(1, min=1, max=1, description="page", continuous_update=False)


def _ends(values: pd.Series) -> tuple[float, float]:
    """The least and greatest finite value, in steps of a quarter; 0 and 0 where there is none."""
    finite = values[np.isfinite(values)]
    return (np.floor(4 * finite.min()) / 4, np.ceil(4 * finite.max()) / 4) if len(finite) else (0.0, 0.0)


def _word(value) -> str:
    return value if isinstance(value, str) else f"{value:.0f} y"


def read_pictures(rows: pd.DataFrame, root, side: int = SIDE) -> np.ndarray:
    """The pictures of some rows of a faces table; grey where a file is damaged or missing, so that a look goes on.

    Parameters
    ----------
    rows : pandas.DataFrame
    root : path
        The folder that ``path`` is relative to.
    side : int
        In pixels.

    Returns
    -------
    numpy.ndarray
        uint8 [rows, 3, side, side].

    Examples
    --------
    >>> read_pictures(pd.DataFrame({"path": ["missing.jpg"]}), "nowhere", side=2)[0, :, 0, 0]
    array([128, 128, 128], dtype=uint8)
    """
    images = np.full((len(rows), 3, side, side), 128, np.uint8)
    for number, path in enumerate(rows["path"]):
        try:
            images[number] = read_picture(Path(root, path), side)
        except ValueError:
            continue
    return images
