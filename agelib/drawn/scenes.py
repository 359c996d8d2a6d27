"""Pictures without a face: landscapes, houses, fruit, patterns, letters, and two faces side by side."""

import cv2
import numpy as np

from agelib.drawn.canvas import Canvas, circle, crop_noise, ribbon, smooth
from agelib.drawn.people import Person
from agelib.drawn.pictures import Picture
from agelib.drawn.portrait import draw

SCENES = ("landscape", "house", "fruit", "stripes", "tiles", "letters", "fog")
_CIRCLE = circle(28)


def draw_scene(seed: int | tuple, size: int = 128, kind: str | None = None) -> np.ndarray:
    """Draw a picture that shows no face.

    Parameters
    ----------
    seed : int or tuple of int
        Seed of the picture.
    size : int
        Side in pixels.
    kind : str, optional
        One of :data:`SCENES`; drawn by lot if not given.

    Returns
    -------
    numpy.ndarray
        RGB, uint8 [size, size, 3].

    Raises
    ------
    ValueError
        If `kind` is no known scene.

    Examples
    --------
    >>> draw_scene(1, 32, "landscape").shape
    (32, 32, 3)
    """
    if kind is not None and kind not in SCENES:
        raise ValueError(f"a scene is one of {', '.join(SCENES)}, not {kind!r}")
    rng = np.random.default_rng([*((seed,) if isinstance(seed, int) else seed), 5])
    chosen = str(rng.choice(SCENES))
    canvas = Canvas(2 * size, 2 * size, (0, 0), 0, 0, 0)  # points from 0 to 1 on both sides
    _PAINTERS[kind or chosen](canvas, rng)
    image = cv2.resize(canvas.image, (size, size), interpolation=cv2.INTER_AREA)
    noise = crop_noise(256, size, size, rng)[..., None] * np.float32(rng.uniform(0.5, 3))
    return np.clip(image + noise + 0.5, 0, 255).astype(np.uint8)


def _gradient(canvas: Canvas, top, bottom) -> None:
    share = np.linspace(0, 1, canvas.side)[:, None, None]
    row = np.asarray(top, float) * (1 - share) + np.asarray(bottom, float) * share
    canvas.image = np.ascontiguousarray(np.broadcast_to(row, (canvas.side, canvas.side, 3)).astype(np.uint8))


def _landscape(canvas: Canvas, rng: np.random.Generator) -> None:
    dusk = rng.random()
    top, bottom = np.array([96, 150, 205]) * (1 - 0.5 * dusk), np.array([222, 226, 228]) - np.array([0, 40, 90]) * dusk
    _gradient(canvas, top, bottom)
    sun = rng.uniform([0.15, 0.12], [0.85, 0.35])
    canvas.fill_soft(canvas.place(_CIRCLE * 0.055 + sun), (255, 244, 214), 0.95, 0.006)
    for layer in range(4):
        level = 0.48 + 0.13 * layer
        x = np.linspace(-0.05, 1.05, 8)
        ridge = smooth(np.stack([x, level + rng.normal(0, 0.055 - 0.008 * layer, 8)], 1), 5)
        hill = np.concatenate([ridge, [[1.1, 1.1], [-0.1, 1.1]]])
        far = np.array([132, 152, 168]) * (1 - layer / 3) + np.array([66, 104, 58]) * layer / 3
        canvas.fill(canvas.place(hill), np.clip(far * rng.uniform(0.85, 1.1), 0, 255))
    for x, y in rng.uniform([0, 0.72], [1, 0.92], (7, 2)):
        tall = rng.uniform(0.05, 0.12)
        tree = canvas.place([[x - tall * 0.4, y], [x, y - tall * 1.6], [x + tall * 0.4, y]])
        canvas.fill(tree, np.array([34, 66, 44]) * rng.uniform(0.8, 1.3))


def _house(canvas: Canvas, rng: np.random.Generator) -> None:
    _gradient(canvas, (150, 182, 214), (214, 220, 222))
    canvas.fill(canvas.place([[0, 0.8], [1, 0.76], [1, 1], [0, 1]]), (104, 124, 86))
    wall, roof = rng.uniform(110, 230, 3), rng.uniform(50, 150, 3)
    x0, x1, y0 = rng.uniform(0.08, 0.2), rng.uniform(0.78, 0.92), rng.uniform(0.38, 0.48)
    canvas.fill(canvas.place([[x0, y0], [x1, y0], [x1, 0.86], [x0, 0.86]]), wall)
    canvas.fill(canvas.place([[x0 - 0.05, y0], [x0 + 0.16, y0 - 0.22], [x1 - 0.1, y0 - 0.22], [x1 + 0.05, y0]]), roof)
    columns = int(rng.integers(4, 6))
    for column in range(columns):
        left = x0 + (column + 0.28) * (x1 - x0) / columns
        wide = 0.44 * (x1 - x0) / columns
        for row in range(2):
            top = y0 + 0.06 + 0.2 * row
            window = [[left, top], [left + wide, top], [left + wide, top + 0.12], [left, top + 0.12]]
            canvas.fill(canvas.place(window), (62, 74, 92))


def _fruit(canvas: Canvas, rng: np.random.Generator) -> None:
    _gradient(canvas, rng.uniform(120, 220, 3), rng.uniform(90, 190, 3))
    canvas.fill(canvas.place([[0, 0.68], [1, 0.68], [1, 1], [0, 1]]), rng.uniform([110, 70, 40], [190, 140, 100]))
    colours = np.array([[190, 44, 36], [214, 138, 30], [122, 160, 52], [226, 196, 60], [120, 50, 90]])
    for k in range(int(rng.integers(3, 6))):
        centre, size = np.array([0.14 + 0.18 * k, 0.66 + rng.normal(0, 0.02)]), rng.uniform(0.09, 0.13)
        colour = colours[rng.integers(0, 5)] * rng.uniform(0.85, 1.1)
        canvas.fill_soft(canvas.place(_CIRCLE * (size, 0.03) + centre + (0.03, size)), (30, 22, 18), 0.5, 0.014)
        canvas.fill(canvas.place(_CIRCLE * size + centre), np.clip(colour, 0, 255))
        dark = canvas.place(_CIRCLE * size * 0.5 + centre + (0.35 * size, 0.45 * size))
        canvas.fill_soft(dark, colour * 0.55, 0.6, 0.02)
        shine = canvas.place(_CIRCLE * size * 0.18 - (0.35 * size, 0.4 * size) + centre)
        canvas.fill_soft(shine, (255, 255, 250), 0.6, 0.010)
        stalk = smooth([centre - (0, size * 0.9), centre - (-0.01, size * 1.15), centre - (-0.03, size * 1.3)], 4)
        canvas.fill(canvas.place(ribbon(stalk, 0.014, 0.3)), (70, 50, 30))


def _stripes(canvas: Canvas, rng: np.random.Generator) -> None:
    _gradient(canvas, rng.uniform(40, 220, 3), rng.uniform(40, 220, 3))
    lean, number = rng.uniform(-0.5, 0.5), int(rng.integers(5, 14))
    colours = rng.uniform(20, 235, (2, 3))
    for k in range(-3, number + 3):
        left, right = k / number, (k + rng.uniform(0.35, 0.6)) / number
        canvas.fill(canvas.place([[left, 0], [right, 0], [right + lean, 1], [left + lean, 1]]), colours[k % 2])


def _tiles(canvas: Canvas, rng: np.random.Generator) -> None:
    colours, number = rng.uniform(20, 235, (3, 3)), int(rng.integers(5, 9))
    _gradient(canvas, colours[2], colours[2])
    for row in range(number):
        for column in range(number):
            corner = np.array([column, row]) / number
            square = np.array([[0.06, 0.06], [0.94, 0.06], [0.94, 0.94], [0.06, 0.94]]) / number + corner
            canvas.fill(canvas.place(square), np.clip(colours[(row + column) % 2] * rng.uniform(0.85, 1.15), 0, 255))


def _letters(canvas: Canvas, rng: np.random.Generator) -> None:
    paper = rng.uniform(205, 250)
    _gradient(canvas, [paper] * 3, [paper * 0.94] * 3)
    for row in range(8):
        text = "".join(chr(65 + int(c)) for c in rng.integers(0, 26, 11))
        at = (int(0.04 * canvas.side), int((0.11 + 0.115 * row) * canvas.side))
        font, large, thick = cv2.FONT_HERSHEY_SIMPLEX, canvas.side / 300, max(1, canvas.side // 130)
        cv2.putText(canvas.image, text, at, font, large, (40, 40, 52), thick, cv2.LINE_AA)


def _fog(canvas: Canvas, rng: np.random.Generator) -> None:
    colour, texture = rng.uniform(60, 200, 3), crop_noise(16, 128, 128, rng)
    large = cv2.resize(texture, (canvas.side, canvas.side), interpolation=cv2.INTER_CUBIC)
    canvas.image = np.clip(colour + large[..., None] * rng.uniform(8, 26, 3), 0, 255).astype(np.uint8)


_PAINTERS = dict(zip(SCENES, (_landscape, _house, _fruit, _stripes, _tiles, _letters, _fog), strict=True))


def draw_two(first: tuple[Person, Picture], second: tuple[Person, Picture], size: int = 128) -> np.ndarray:
    """Draw two people in one picture, the first on the left: RGB, uint8 [size, size, 3].

    >>> from agelib.drawn import make_person, take_picture
    >>> one, other = ((make_person(k), take_picture(make_person(k), 30, k)) for k in (1, 2))
    >>> draw_two(one, other, 64).shape
    (64, 64, 3)
    """
    part = round(0.62 * size)
    left, right = draw(*first, part), draw(*second, part)
    wall = np.array(first[1].background)
    image = np.broadcast_to(wall, (size, size, 3)) * np.linspace(1.05, 0.9, size)[:, None, None]
    fade = np.minimum(np.arange(part) / (0.22 * part), 1)
    down = np.minimum(np.arange(part) / (0.12 * part), 1)[:, None, None]
    for face, weight, x in ((left, fade[::-1], 0), (right, fade, size - part)):
        window = image[size - part :, x : x + part]
        window += (face - window) * (weight[None, :, None] * down)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)
