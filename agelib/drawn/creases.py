"""What the years write on the skin: wrinkles that come one after the other, and spots."""

import cv2
import numpy as np

from agelib.drawn.canvas import SHIFT, Canvas, circle, fixed, ribbon, smooth
from agelib.drawn.features import put, put_all
from agelib.drawn.people import Face, ramp


def wrinkle_lines(face: Face, picture, rng: np.random.Generator) -> list:
    """Where skin creases: (points [N, 2], width, strength) of each line, in the head's coordinates.

    The order in which they come with the years: from nose to mouth, forehead, beside the eyes, below them, between
    the brows, from the mouth down, over the cheeks, above the lips, on the neck.
    """
    w, look, lines = face.wrinkles, face.look_age, []
    smile, ex, ey = picture.smile, face.eye_x, face.eye_y

    def add(points, width, strength, both=True):
        if strength < 0.04:
            return
        points = smooth(points, 4)
        for side in (-1, 1) if both else (1,):
            wide, deep = rng.random(2)
            shaky = points * (side, 1) + 0.004 * rng.standard_normal(points.shape)
            lines.append((shaky, width * (0.8 + 0.4 * wide), min(strength * (0.75 + 0.35 * deep), 1.0)))

    m, n, mh = face.mouth_y, face.nose_y, face.mouth_half * (1 + 0.2 * smile)
    fold = 0.10 * face.growth + 0.75 * ramp(look, 24, 78) * face.person.wrinkling**0.5
    fold += 0.45 * smile * (0.4 + 0.6 * face.growth)
    add(
        [[face.nose_half * 1.02, n - 0.05], [0.17 + 0.3 * mh, n + 0.06], [mh * 1.18, m - 0.03],
        [mh * (1.2 + 0.05 * w), m + 0.04 + 0.06 * w]], 0.026 + 0.016 * w, 0.75 * fold
    )  # fmt: skip
    span = 0.44 * face.width / 0.72
    top, bottom = face.hairline + 0.09, face.brow_y - 0.075
    for row in range(5):
        y = bottom + (top - bottom) * (row + 0.4) / 5 * 0.86
        wave = rng.normal(0, 0.010, 7)
        dip = 0.020 * np.cos(np.linspace(-np.pi, np.pi, 7))
        reach = span * rng.uniform(0.75, 1.0)
        x = np.linspace(-reach, reach, 7) + rng.normal(0, 0.03)
        strength = (1.0 - 0.10 * row) * ramp(w, 0.08 + 0.05 * row, 0.75) + 0.35 * picture.surprise * face.growth
        add(np.stack([x, y + wave + dip], 1), 0.018 + 0.016 * w, 0.62 * strength, both=False)
    outer = ex + face.eye_half
    for k, angle in enumerate((-0.55, -0.12, 0.30, 0.68)):
        reach = (0.10 + 0.08 * w) * (1 - 0.12 * abs(k - 1))
        end = [outer + 0.035 + reach * np.cos(angle), ey + reach * np.sin(angle) + 0.03]
        start = [outer + 0.028, ey + 0.005 + 0.02 * (k - 1)]
        middle = [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.012]
        add([start, middle, end], 0.013 + 0.010 * w, 0.6 * (ramp(w, 0.12, 0.8) + 0.4 * smile * ramp(look, 22, 55)))
    eh = face.eye_half
    for k in range(3):
        drop = 0.085 + 0.035 * k + 0.012 * face.sag
        points = [
            [ex - eh * 0.95, ey + 0.05 + 0.012 * k], [ex - eh * 0.3, ey + drop],
            [ex + eh * 0.5, ey + drop - 0.005], [ex + eh * 1.0, ey + 0.05]
        ]  # fmt: skip
        add(points, 0.016 + 0.012 * w, (0.70, 0.5, 0.25)[k] * ramp(w, 0.05 + 0.2 * k, 0.8))
    frown = [[0.045, face.brow_y - 0.07], [0.040, face.brow_y + 0.0], [0.052, face.brow_y + 0.07]]
    add(frown, 0.015 + 0.01 * w, 0.8 * ramp(w, 0.2, 0.9) + 0.5 * picture.frown * face.growth)
    down = [[mh * 1.05, m + 0.035], [mh * 1.12, m + 0.11], [mh * 1.08, m + 0.20 + 0.03 * w]]
    add(down, 0.02 + 0.016 * w, 0.85 * ramp(face.sag, 0.1, 0.75))
    chin = [[-mh * 0.55, m + 0.15], [0, m + 0.135], [mh * 0.55, m + 0.15]]
    add(chin, 0.02, 0.5 * ramp(w, 0.25, 0.9), both=False)
    for k in range(4):
        x0 = 0.40 + 0.05 * k
        x, y = (x0, x0 + 0.05, x0 + 0.02 - 0.02 * k), (n - 0.12 + 0.05 * k, n + 0.05 + 0.03 * k, n + 0.24 + 0.03 * k)
        add(np.stack([x, y], 1) * (face.width / 0.72, 1), 0.012 + 0.006 * w, 0.42 * ramp(w, 0.38 + 0.06 * k, 1.1))
    for k in range(5):
        x0 = (-0.6 + 0.3 * k) * mh
        add([[x0, m - 0.115], [x0 * 1.02, m - 0.05]], 0.010, 0.55 * ramp(w, 0.5, 1.0), both=False)
    return lines


def draw_wrinkles(canvas: Canvas, face: Face, picture, head, rng: np.random.Generator) -> None:
    """Cut the lines into the skin: dark in the crease, light on the side that faces the light."""
    lines = wrinkle_lines(face, picture, rng)
    if not lines:
        return
    groove = np.zeros((canvas.side, canvas.side), np.uint8)
    outlines = put_all(canvas, face, [ribbon(points, width, 0.95) for points, width, _ in lines])
    for outline, (_, _, strength) in zip(outlines, lines, strict=True):
        cv2.fillPoly(groove, [fixed(outline)], int(255 * strength), cv2.LINE_AA, SHIFT)
    x0, y0, x1, y1 = canvas.box(np.concatenate(outlines), 4)
    groove = cv2.GaussianBlur(groove[y0:y1, x0:x1], (5, 5), max(0.010 * canvas.unit, 0.5))
    inside = head[y0:y1, x0:x1].astype(np.float32) / 255
    cut = groove.astype(np.float32) / 255 * inside
    step = max(1, round(0.020 * canvas.unit))
    rim = np.zeros_like(cut)
    rim[step:, :] = cut[:-step, :]
    part = canvas.image[y0:y1, x0:x1]
    change = np.maximum(rim - cut, 0) * inside * np.float32(0.20) + 1
    factors = cv2.merge([change - cut * np.float32(share) for share in (0.36, 0.45, 0.47)])
    factors *= part
    np.copyto(part, np.minimum(factors, 255), casting="unsafe")


def draw_spots(canvas: Canvas, face: Face, head, rng: np.random.Generator) -> None:
    """Age spots, freckles and a mole. Their places belong to the person, so `rng` must too."""
    p = face.person
    places = np.stack([rng.uniform(-0.6, 0.6, 60), rng.uniform(-0.75, 0.75, 60)], 1)
    sizes = rng.uniform(0.012, 0.036, 60)
    dot = circle(8) * (1, 0.8)
    freckles = int(22 * p.freckles * ramp(face.age, 3, 9) * (1 - 0.5 * ramp(face.age, 30, 60)))
    if freckles:
        spread = places[:freckles] * (0.75, 0.22) + (0, 0.24)
        dots = put_all(canvas, face, [dot * 0.012 + c for c in spread])
        canvas.fill_soft(dots, face.skin * (0.72, 0.58, 0.48), 0.5, 0.004, head)
    number = min(int(26 * face.spots * (1 - 0.5 * p.darkness)), 60)
    if number:
        blots = put_all(canvas, face, [dot * s + c for c, s in zip(places[:number], sizes[:number], strict=True)])
        canvas.fill_soft(blots, face.skin * (0.66, 0.54, 0.46), 0.42, 0.008, head)
    if p.mole[2] and face.age > 10:
        canvas.fill_soft(put(canvas, face, dot * 0.016 + p.mole[:2]), face.skin * 0.35, 0.85, 0.004, head)
