"""What the years write on the skin: wrinkles that come one after the other, bags, folds of the jaw, and spots."""

import functools

import cv2
import numpy as np

from agelib.drawn.ageing import Face, ramp
from agelib.drawn.canvas import SHIFT, Canvas, circle, fixed, ribbon, smooth
from agelib.drawn.features import mirrored, put, put_all

#: Lines that a face can have at most.
_LINES = 24

_ACROSS = np.linspace(-1, 1, 7)


def wrinkle_lines(face: Face, picture, rng: np.random.Generator) -> list:
    """Where skin creases: (points [N, 2], width, strength) of each line, in the head's coordinates.

    The order in which they come with the years: from nose to mouth, forehead, beside the eyes, below them, between
    the brows, from the mouth down, over the cheeks, above the lips. A smile, surprise or a frown deepens those that it
    makes. However deep they are, the same numbers are drawn by lot, so that two depths differ in nothing else.
    """
    w, grown, smile = face.wrinkles, face.growth, picture.smile
    ex, ey, eh = face.eye_x, face.eye_y, 0.163
    lines, shares, wobble = [], iter(rng.random((_LINES, 2))), iter(0.004 * rng.standard_normal((_LINES, 25, 2)))

    def add(points, width, strength, both=True):
        for side in (-1, 1) if both else (1,):
            (wide, deep), shake = next(shares), next(wobble)
            if strength > 0.03:
                curve = smooth(points, 4) * (side, 1)
                strong = min(strength * (0.8 + 0.3 * deep), 1.0)
                lines.append((curve + shake[: len(curve)], width * (0.85 + 0.3 * wide), strong))

    m, n, mh = face.mouth_y, face.nose_y, face.mouth_half * (1 + 0.2 * smile)
    fold = 0.06 * grown + 0.95 * ramp(w, 0.02, 0.85) + 0.35 * smile * (0.3 + 0.7 * grown)
    wing = 0.05 + 0.45 * mh
    add(
        [[wing, n - 0.06], [0.17 + 0.3 * mh, n + 0.06], [mh * 1.20, m - 0.03], [mh * (1.22 + 0.05 * w), m + 0.09]],
        0.036 + 0.018 * w, 0.72 * fold,
    )  # fmt: skip
    span = 0.43 * face.width / 0.72
    top, bottom = face.hairline + 0.10, face.brow_y - 0.085
    for row in range(3):
        y = bottom + (top - bottom) * row / 2 * 0.80
        wave = rng.normal(0, 0.008, 7)
        dip = 0.020 * np.cos(np.pi * _ACROSS)
        reach = span * rng.uniform(0.78, 1.0)
        x = reach * _ACROSS + rng.normal(0, 0.025)
        strength = ramp(w, 0.03 + 0.06 * row, 0.72) + 0.35 * picture.surprise * grown
        add(np.stack([x, y + wave + dip], 1), 0.034 + 0.016 * w, 0.95 * strength, both=False)
    outer = ex + eh
    for k, angle in enumerate((-0.50, 0.02, 0.52)):
        reach = 0.13 + 0.07 * w
        end = [outer + 0.045 + reach * np.cos(angle), ey + reach * np.sin(angle) + 0.035]
        start = [outer + 0.030, ey + 0.008 + 0.024 * (k - 1)]
        middle = [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.014]
        add([start, middle, end], 0.024 + 0.012 * w, 0.85 * ramp(w, 0.05, 0.7) + 0.15 * smile * grown)
    for k in range(1):
        drop = 0.150 + 0.050 * k
        points = [
            [ex - eh * 0.80, ey + 0.085 + 0.02 * k], [ex - eh * 0.2, ey + drop], [ex + eh * 0.6, ey + drop - 0.010],
            [ex + eh * 1.15, ey + 0.080],
        ]  # fmt: skip
        add(points, 0.022 + 0.012 * w, (0.55, 0.5)[k] * ramp(w, 0.12 + 0.25 * k, 0.9))
    frown = [[0.050, face.brow_y - 0.08], [0.044, face.brow_y + 0.0], [0.056, face.brow_y + 0.06]]
    add(frown, 0.026 + 0.012 * w, 0.85 * ramp(w, 0.15, 0.85) + 0.5 * picture.frown * grown)
    down = [[mh * 1.08, m + 0.035], [mh * 1.16, m + 0.11], [mh * 1.12, m + 0.22]]
    add(down, 0.026 + 0.012 * w, 0.55 * ramp(w, 0.25, 0.95))
    chin = [[-mh * 0.55, m + 0.165], [0, m + 0.145], [mh * 0.55, m + 0.165]]
    add(chin, 0.030, 0.6 * ramp(w, 0.25, 0.9), both=False)
    for k in range(1):
        x0 = 0.47 + 0.085 * k
        x, y = (x0, x0 + 0.045, x0 + 0.01), (n - 0.10 + 0.05 * k, n + 0.07 + 0.03 * k, n + 0.25 + 0.03 * k)
        add(np.stack([x, y], 1) * (face.width / 0.72, 1), 0.022 + 0.008 * w, 0.28 * ramp(w, 0.4 + 0.1 * k, 1.05))
    for k in range(3):
        x0 = (-0.5 + 0.5 * k) * mh
        add([[x0, m - 0.125], [x0 * 1.02, m - 0.055]], 0.018, 0.6 * ramp(w, 0.45, 1.0), both=False)
    return lines


def draw_wrinkles(canvas: Canvas, face: Face, picture, head, rng: np.random.Generator) -> None:
    """Cut the lines into the skin: a wide soft fold, dark in its crease, light on the side that faces the light."""
    lines = wrinkle_lines(face, picture, rng)
    if not lines:
        return
    groove = np.zeros((canvas.side, canvas.side), np.uint8)
    outlines = put_all(canvas, face, [ribbon(points, width, 0.95) for points, width, _ in lines])
    for outline, (_, _, strength) in zip(outlines, lines, strict=True):
        cv2.fillPoly(groove, [fixed(outline)], int(255 * strength), cv2.LINE_AA, SHIFT)
    x0, y0, x1, y1 = canvas.box(np.concatenate(outlines), 5)
    groove = cv2.GaussianBlur(groove[y0:y1, x0:x1], (5, 5), max(0.010 * canvas.unit, 0.5))
    inside = head[y0:y1, x0:x1].astype(np.float32) / 255
    cut = groove.astype(np.float32) / 255 * inside
    step = max(1, round(0.026 * canvas.unit))
    rim = np.zeros_like(cut)
    rim[step:, :] = cut[:-step, :]
    part = canvas.image[y0:y1, x0:x1]
    change = np.maximum(rim - cut, 0) * inside * np.float32(0.13) + 1
    factors = cv2.merge([change - cut * np.float32(share) for share in (0.34, 0.44, 0.46)])
    factors *= part
    np.copyto(part, np.minimum(factors, 255), casting="unsafe")


def draw_bags(canvas: Canvas, face: Face, head) -> None:
    """Under each eye a swelling that catches the light, and the dark furrow below it."""
    if face.bags < 0.03:
        return
    ex, ey, eh, deep = face.eye_x, face.eye_y, 0.163, face.bags
    furrow = smooth([[-eh * 1.0, 0.075], [-eh * 0.45, 0.155], [eh * 0.35, 0.165], [eh * 1.0, 0.095]], 4)
    puff = smooth([[-eh * 0.75, 0.075], [0, 0.098], [eh * 0.8, 0.080]], 4)
    low, high = ribbon(furrow, 0.050 + 0.030 * deep, 0.9), ribbon(puff, 0.035 + 0.035 * deep, 0.9)
    shade, light = (mirrored(canvas, face, shape + np.array([ex, ey])) for shape in (low, high))
    canvas.fill_soft(shade, face.skin * (0.56, 0.40, 0.42), 0.60 * deep, 0.018, head)
    canvas.fill_soft(light, np.minimum(face.skin * (1.10, 1.04, 1.0) + 8, 255), 0.34 * deep, 0.014, head)


def draw_jaw(canvas: Canvas, face: Face, head) -> None:
    """Jowls: the fold between cheek and chin, and a soft shade where the jaw line was."""
    if face.sag < 0.03:
        return
    w, m = face.width / 0.72, face.mouth_y
    fold = smooth([[0.30 * w, m + 0.06], [0.345 * w, m + 0.16], [0.33 * w, m + 0.26], [0.27 * w, m + 0.31]], 4)
    pouch = smooth([[0.33 * w, m + 0.27], [0.44 * w, m + 0.24], [0.53 * w, m + 0.13]], 4)
    dark, shapes = face.skin * (0.52, 0.37, 0.36), (ribbon(fold, 0.055, 0.9), ribbon(pouch, 0.085, 0.9))
    folds, pouches = (mirrored(canvas, face, shape) for shape in shapes)
    canvas.fill_soft(folds, dark, 0.50 * face.sag, 0.024, head)
    canvas.fill_soft(pouches, dark, 0.22 * face.sag, 0.036, head)


@functools.lru_cache(maxsize=4096)
def _spots(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Places [60, 2] and sizes [60] of a person's spots."""
    rng = np.random.default_rng([number, 4])
    return np.stack([rng.uniform(-0.6, 0.6, 60), rng.uniform(-0.75, 0.75, 60)], 1), rng.uniform(0.022, 0.052, 60)


def draw_spots(canvas: Canvas, face: Face, head) -> None:
    """Age spots, freckles and a mole, whose places belong to the person."""
    p = face.person
    places, sizes = _spots(p.number)
    dot = circle(8) * (1, 0.8)
    freckles = int(22 * p.freckles * ramp(face.stage, 3, 9))
    if freckles:
        spread = places[-freckles:] * (0.75, 0.22) + (0, 0.24)
        dots = put_all(canvas, face, [dot * 0.014 + c for c in spread])
        canvas.fill_soft(dots, face.skin * (0.72, 0.58, 0.48), 0.5, 0.004, head)
    number = min(int(19 * face.spots), 40)
    if number:
        blots = put_all(canvas, face, [dot * s + c for c, s in zip(places[:number], sizes[:number], strict=True)])
        tone = face.skin * ((0.66, 0.54, 0.46) if p.darkness < 0.5 else (0.52, 0.46, 0.44))
        canvas.fill_soft(blots, tone, 0.20 + 0.16 * face.spots, 0.014, head)
    if p.mole[2] and face.stage > 10:
        canvas.fill_soft(put(canvas, face, dot * 0.020 + p.mole[:2]), face.skin * 0.35, 0.85, 0.004, head)
