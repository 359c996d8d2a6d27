"""What is worn on the head: caps, woollen hats, sun hats, headscarves, hoods; under some of them no hair is seen."""

import numpy as np

from agelib.drawn.ageing import Face
from agelib.drawn.canvas import Canvas, circle, ribbon, smooth
from agelib.drawn.features import depth

#: Headwear that hides all hair.
COVERING = ("scarf", "hood")

#: Styles that stand off the head, and what is left of them under a hat.
_PRESSED = {"quiff": "side", "curls": "crop", "fringe": "side", "pixie": "side", "tied": "side"}


def press(style: str, hat: str) -> str:
    """The style that is left of a style under a hat.

    >>> press("quiff", "cap"), press("quiff", ""), press("long", "cap")
    ('side', 'quiff', 'long')
    """
    return _PRESSED.get(style, style) if hat else style


def draw_headwear(canvas: Canvas, face: Face, picture) -> None:
    """Put what the picture's day asks for over head and hair."""
    colour = np.clip(np.array(picture.hat_colour) * (0.7 + 0.3 * picture.brightness), 12, 235)
    if picture.hat in COVERING:
        _draw_wrap(canvas, face, picture, colour)
    else:
        _draw_hat(canvas, face, picture, colour)


def _both(half: np.ndarray) -> np.ndarray:
    """A right half [N, K] from the middle of the top down, with its mirror image before it."""
    return np.concatenate([half[:0:-1] * (-1, *[1] * (half.shape[1] - 1)), half])


def _draw_wrap(canvas: Canvas, face: Face, picture, colour) -> None:
    """A cloth around head and chin (a headscarf), or around the head down to the shoulders (a hood)."""
    w, c, is_hood = face.width / 0.725, face.chin_y, picture.hat == "hood"
    off = 0.17 if is_hood else 0.09
    top = [[x * (1 + off) + 0.02, y - 0.09 - 0.4 * off * (y < -0.5), -0.1] for x, y, _ in face.outline[:7]]
    under = [[0.78, 0.95, -0.15], [0.86, 1.35, -0.1]] if is_hood else [[0.60, 0.88, 0.0], [0.52, 1.25, 0.05]]
    rim = face.brow_y - 0.26
    opening = np.array([[0, rim - 0.05], [0.30, rim], [0.50, rim + 0.14], [0.60, -0.05], [0.60, 0.30], [0.52, 0.62]])
    below = [[0.52, 0.9], [0.48, 1.35]] if is_hood else [[0.31, c - 0.10], [0, c - 0.015]]
    opening = np.concatenate([opening, below]) * (w, 1)
    inner = _both(smooth(np.column_stack([opening, np.minimum(depth(face, opening), 0.5)]), 4))
    outer = _both(smooth(np.array(top + under), 4))
    outer, inner = (canvas.place(edge[:, :2], edge[:, 2]) for edge in (outer, inner))
    canvas.fill_soft(ribbon(inner[6:-6], 0.10 * canvas.unit, 0.6), face.skin * 0.30, 0.55, 0.025)
    cloth = np.concatenate([outer, inner[::-1]])
    canvas.fill(cloth, colour)
    along = np.linspace(0, 1, 41)
    outer, inner = (_at_shares(edge, along) for edge in (outer, inner))
    half = slice(None, 21) if picture.light[0] < 0 else slice(20, None)  # the side that faces the light
    glow = np.concatenate([outer[half], inner[half][::-1]])
    canvas.fill_soft(glow, np.minimum(colour * 1.3 + 14, 250), 0.35, 0.05, canvas.mask(cloth))
    for share in (0.25, 0.6):
        fold = (outer + (inner - outer) * share)[3:-3]
        canvas.fill_soft(ribbon(fold, 0.035 * canvas.unit, 0.9), colour * 0.62, 0.5, 0.012)


def _at_shares(edge: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Points [N, 2] at shares of the number of an edge's points."""
    places = shares * (len(edge) - 1)
    return np.column_stack([np.interp(places, np.arange(len(edge)), edge[:, k]) for k in (0, 1)])


def _draw_hat(canvas: Canvas, face: Face, picture, colour) -> None:
    """A dome on the head, and a visor, a turned-up edge or a brim all around."""
    w, rim = face.width / 0.725, face.brow_y - 0.27
    tall = {"cap": 0.12, "beanie": 0.15, "brim": 0.16}[picture.hat]
    wide = 0.765 * w
    half = [[0, -1.0 - tall, -0.1], [0.40 * w, -0.95 - tall, -0.1], [0.68 * w, -0.76, -0.1], [wide, rim - 0.10, -0.05]]
    lower = [
        [wide * 1.0, rim + 0.02, 0.0],
        [0.60 * w, rim + 0.045, 0.25],
        [0.33 * w, rim + 0.03, 0.45],
        [0, rim + 0.02, 0.52],
    ]
    dome = _both(smooth(np.array(half), 4))
    front = smooth(np.array(lower), 4)
    front = np.concatenate([front, front[-2::-1] * (-1, 1, 1)])
    shape = np.concatenate([dome, front])
    pixels = canvas.place(shape[:, :2], shape[:, 2])
    edge = canvas.place(front[:, :2], front[:, 2])
    shadow = np.concatenate([edge, (edge + np.array([0, 0.10 * canvas.unit]))[::-1]])
    canvas.fill_soft(shadow, face.skin * 0.30, 0.45, 0.03)
    canvas.fill(pixels, colour)
    inside = canvas.mask(pixels)
    light = np.sign(picture.light[0]) or 1
    glow = canvas.place(circle(16) * (0.34 * w, 0.34) + (0.26 * w * light, -0.86), 0.1)
    canvas.fill_soft(glow, np.minimum(colour * 1.28 + 16, 250), 0.5, 0.12, inside)
    dark = canvas.place(circle(16) * (0.25 * w, 0.5) + (-0.66 * w * light, -0.62), 0.0)
    canvas.fill_soft(dark, colour * 0.5, 0.5, 0.10, inside)
    if picture.hat == "beanie":
        band = np.concatenate([edge + np.array([0, 0.01 * canvas.unit]), (edge - (0, 0.17 * canvas.unit))[::-1]])
        canvas.fill(band, np.clip(colour * 0.84 + 6, 0, 245))
        canvas.fill_soft(ribbon(edge - (0, 0.17 * canvas.unit), 0.025 * canvas.unit, 0.3), colour * 0.5, 0.6, 0.006)
    elif picture.hat == "cap":
        seam = canvas.place(smooth([[0, -1.0 - tall], [0.02, -0.8], [0.01, rim]], 4), 0.3)
        canvas.fill_soft(ribbon(seam, 0.02 * canvas.unit, 0.3), colour * 0.6, 0.5, 0.004)
        visor = smooth([[0.60, rim - 0.01], [0.50, rim + 0.075], [0.26, rim + 0.125], [0, rim + 0.135]], 4) * (w, 1)
        visor = np.concatenate([visor, visor[-2::-1] * (-1, 1)])
        upper = smooth(
            [[-0.60, rim - 0.01], [-0.3, rim - 0.055], [0, rim - 0.07], [0.3, rim - 0.055], [0.60, rim - 0.01]], 4
        )
        visor = canvas.place(np.concatenate([visor, upper * (w, 1)]), 0.55)
        canvas.fill(visor, np.clip(colour * 0.72, 0, 240))
    else:
        brim = circle(28) * (1.16 * w, 0.13) + (0, rim - 0.03)
        canvas.fill(canvas.place(brim, 0.15), np.clip(colour * 0.9 + 5, 0, 245))
        canvas.fill_soft(canvas.place(circle(28) * (0.95 * w, 0.06) + (0, rim + 0.03), 0.15), colour * 0.55, 0.45, 0.03)
        ring = np.array(
            [[-0.74, rim - 0.13], [-0.4, rim - 0.10], [0, rim - 0.09], [0.4, rim - 0.10], [0.74, rim - 0.13]]
        )
        canvas.fill_soft(canvas.place(ribbon(smooth(ring * (w, 1), 4), 0.10, 0), 0.2), colour * 0.45, 0.9, 0.004)
