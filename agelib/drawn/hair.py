"""Hair: what lies behind the head, the cap on it, curtains beside the face; straight, wavy, curled, receding, grey."""

import cv2
import numpy as np

from agelib.drawn.ageing import Face, ramp
from agelib.drawn.canvas import Canvas, circle, draw_lines, filled, smooth

#: style → how far it stands off the sides and the crown, where it ends (y), how many waves its edge has.
STYLES = {
    "side": (0.045, 0.085, -0.02, 0.004),
    "crop": (0.030, 0.055, -0.06, 0.004),
    "buzz": (0.012, 0.022, -0.08, 0.002),
    "shaven": (0.004, 0.008, -0.10, 0.001),
    "quiff": (0.035, 0.165, -0.06, 0.008),
    "fringe": (0.070, 0.090, 0.10, 0.006),
    "collar": (0.120, 0.110, 0.72, 0.014),
    "curls": (0.150, 0.190, 0.02, 0.026),
    "pixie": (0.060, 0.100, 0.05, 0.010),
    "bob": (0.150, 0.110, 0.74, 0.008),
    "long": (0.140, 0.100, 1.35, 0.008),
    "wavy": (0.190, 0.120, 1.30, 0.030),
    "tied": (0.020, 0.050, -0.02, 0.003),
}
#: Styles whose sides hang before the ears.
CURTAINS = ("collar", "bob", "long", "wavy")


def _half_outer(face: Face) -> tuple[np.ndarray, float]:
    """Right half of the hair's outer edge from the crown down [N, 3], and where it ends."""
    side, crown, end, _ = STYLES[face.style]
    amount = 0.25 + 0.75 * face.hair_amount
    side, crown = side * amount, crown * amount * (1 - 0.75 * face.bald)
    if face.growth < 0.35:  # a small child's hair is short whatever the style will be
        end = min(end, 0.30 + 1.2 * face.growth)
    o = face.outline
    points = [[x * (1 + side * 1.05) + 0.01, y - crown * max(0.0, -y - 0.12) ** 0.6, -0.12] for x, y, _ in o[:5]]
    w = o[4, 0]
    if end < 0.15:
        points.append([w * (1 + 0.55 * side) + 0.005, min(end, 0.05) + 0.12, -0.1])
    else:
        for k, y in enumerate(np.linspace(0.22, end, 4)):
            flare = side * (1.05 + 0.25 * np.sin(1.1 * k)) - (0.10 if k == 3 else 0) * (face.style != "wavy")
            points.append([w * (1 + flare) + 0.01, y, -0.18 - 0.03 * k])
    return np.array(points), end


def _half_inner(face: Face, side: int, end: float) -> np.ndarray:
    """The hairline from the middle of the forehead down one side [N, 3]."""
    p, h, r = face.person, face.hairline, face.recession
    w = face.width / 0.72
    part = side * p.parting
    if face.style == "fringe" and face.bald < 0.3:
        low = face.brow_y - 0.075 - 0.05 * r
        top = [[0, low - 0.02], [0.2 * w, low], [0.42 * w, low + 0.055], [0.57 * w, low + 0.16]]
    elif face.style in CURTAINS and p.gender == "female":
        # From the parting the hair falls over the temples.
        fall = 0.10 + 0.04 * p.forehead
        heights = h - 0.02 + 0.05 * part, h + 0.05 + fall * 0.4 * (1 - part), h + 0.15 + fall * (1 - part), -0.22
        top = [[x * w, y] for x, y in zip((0, 0.2, 0.43, 0.565), heights, strict=True)]
    else:
        # x, y of a full hairline, and how much receding and balding lift it.
        bare = ((0, 0, 0.10, 0.34), (0.2, 0, 0.16, 0.30), (0.40, 0.045, 0.30, 0.16), (0.555, 0.19, 0.26, 0.05))
        top = [[x * w, h + y - receding * r - balding * face.bald] for x, y, receding, balding in bare]
        top[1][1] += 0.02 * part
    rest = [[0.63 * w, -0.26], [0.675 * w, -0.08]]
    if top[3][1] > -0.24:  # the fringe or the fall of the hair already reaches the temple
        rest = [[0.62 * w, top[3][1] + 0.10], [0.655 * w, max(top[3][1] + 0.17, 0.02)]]
    if end < 0.15:
        rest += [[0.69 * w, min(end, 0.05) + 0.10]]
    else:
        y = np.linspace(0.22, end, 4)
        cover = (0.655, 0.63, 0.60, 0.56) if face.style in CURTAINS else (0.70, 0.72, 0.72, 0.72)
        rest += [[c * w, v] for c, v in zip(cover, y, strict=True)]
    points = np.array(top + rest)
    depth = 0.62 * np.sqrt(np.clip(1.0 - (points[:, 0] / face.width) ** 2 - (points[:, 1] / 1.15) ** 2, 0.0, None))
    return np.column_stack([points, np.minimum(depth, 0.5)])


def _edges(canvas: Canvas, face: Face, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Outer edge and hairline in pixels [61, 2] each, from the viewer's left over the crown to the right."""
    half, end = _half_outer(face)
    waves = STYLES[face.style][3] * (1 + 1.5 * face.person.curl)
    outer = np.concatenate([half[:0:-1] * (-1, 1, 1), half])
    if face.style in ("side", "quiff"):  # more hair on the side to which it is combed
        lean = np.sign(face.person.parting) * 0.03
        outer[:, 1] -= np.clip(-outer[:, 1] - 0.5, 0, None) * (lean * np.sign(outer[:, 0]) * 1.6)
    inner = np.concatenate([_half_inner(face, -1, end)[:0:-1] * (-1, 1, 1), _half_inner(face, 1, end)])
    s = np.linspace(0, 1, 61)
    # At shares of their number, so that both edges keep their middle in the middle.
    outer, inner = (_at(edge, s * (len(edge) - 1)) for edge in (smooth(outer, 6), smooth(inner, 6)))
    turns = rng.uniform(0, 2 * np.pi, 3)
    frequencies = (5, 8, 13) if face.style == "wavy" else (9, 17, 29)
    ripple = sum(np.sin(2 * np.pi * f * s + t) for f, t in zip(frequencies, turns, strict=True)) / 1.8
    away = outer[:, :2] - (0, -0.1)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    outer[:, :2] += away * (waves * ripple)[:, None]
    jag = 0.016 if face.style in ("fringe", "crop", "pixie") else 0.007
    inner[:, 1] += jag * np.sin(2 * np.pi * 23 * s + turns[0]) * np.sin(2 * np.pi * 5 * s + turns[1])
    return canvas.place(outer[:, :2], outer[:, 2]), canvas.place(inner[:, :2], inner[:, 2])


def _at(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Points [N, K] at places from 0 to N - 1, between two of them too."""
    low = np.minimum(places.astype(int), len(points) - 2)
    return points[low] + (points[low + 1] - points[low]) * (places - low)[..., None]


def _tones(face: Face) -> np.ndarray:
    """Three tones of the hair, dark to light; half-grey hair is a mixture of dark and white hairs."""
    base = face.hair
    mixed = 4 * face.grey * (1 - face.grey)
    dark = base * (0.62 - 0.12 * mixed)
    light = np.minimum(base * 1.20 + 10 + 26 * mixed * (face.person.curl < 0.7), 248)
    return np.stack([dark, base * 0.92, light])


def draw_back_hair(canvas: Canvas, face: Face) -> None:
    """What is seen behind neck and ears, and a bun where the hair is tied."""
    tones = _tones(face)
    if face.style == "tied" and face.growth > 0.3:
        lift = -1.04 if face.person.parting > 0 else -0.92
        bun = circle(16) * (0.27, 0.22) + (0, lift)
        if lift > -1 and face.stage < 14:  # two bunches, as children wear them; one bun higher up otherwise
            for side in (-1, 1):
                canvas.fill(canvas.place(bun * (0.8, 1.1) + (side * 0.86, 0.72), -0.3), tones[0] * 1.15)
        else:
            canvas.fill(canvas.place(bun, -0.4), tones[0] * 1.1)
    if face.style not in CURTAINS or face.hair_amount < 0.6:
        return
    half, _ = _half_outer(face)
    outline = np.concatenate([half[:0:-1] * (-1, 1, 1), half])
    pixels = smooth(canvas.place(outline[:, :2] * (0.97, 1), -0.3), 5)
    canvas.fill(pixels, tones[0] * 0.72)


def draw_hair(canvas: Canvas, face: Face, picture, rng: np.random.Generator) -> None:
    """The hair over the head: a shape, strands along it, light on it."""
    outer, inner = _edges(canvas, face, rng)
    if face.bald > 0.55:
        # A wreath is left: each side from the ear to the temple.
        sides = slice(18), slice(-18, None)
        shapes = [np.concatenate([outer[side], inner[side][::-1]]) for side in sides]
    else:
        shapes = [np.concatenate([outer, inner[::-1]])]
    box = x0, y0, x1, y1 = canvas.box(np.concatenate(shapes), 0.06 * canvas.unit)
    if x1 <= x0 or y1 <= y0:
        return
    offset = np.array([x0, y0])
    mask = filled((y1 - y0, x1 - x0), [shape - offset for shape in shapes])
    soft = 0.010 + 0.020 * (face.style == "curls") + 0.03 * (1 - face.hair_amount)
    if soft * canvas.unit > 0.5:
        mask = cv2.GaussianBlur(mask, (5, 5) if soft * canvas.unit < 1.2 else (0, 0), soft * canvas.unit)
    tones = _tones(face)
    layer = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
    layer[:] = np.clip(tones[1], 0, 255)
    _draw_strands(layer, face, tones, outer - offset, inner - offset, canvas.unit, rng)
    lit = _light(canvas, face, picture, box)
    layer = np.clip(layer * lit[..., None], 0, 255)
    thin = 1 - 0.55 * ramp(face.recession, 0.25, 0.8) * (face.bald <= 0.55) * (face.person.gender == "male")
    alpha = (
        (0.55 + 0.45 * ramp(face.hair_amount, 0.2, 0.75)) * thin * {"buzz": 0.78, "shaven": 0.24}.get(face.style, 1.0)
    )
    # Hair throws a shadow on the forehead.
    if alpha > 0.7 and face.style not in ("buzz", "shaven"):
        edge = inner[8:-8]
        shadow = np.concatenate([edge - np.array([0, 2]), (edge + np.array([0, 0.075 * canvas.unit]))[::-1]])
        canvas.fill_soft(shadow, face.skin * 0.35, 0.30, 0.028)
    canvas.blend(mask, box, layer, alpha)


def _light(canvas: Canvas, face: Face, picture, box: tuple) -> np.ndarray:
    """Brightness [h, w] of the hair: a shine on the crown towards the light, dark at the lower sides."""
    x0, y0, x1, y1 = box
    step = 4
    columns, rows = (np.arange(x0, x1 + step, step, dtype=np.float32), np.arange(y0, y1 + step, step, dtype=np.float32))
    x = (columns - canvas.centre[0]) / canvas.unit
    y = (rows - canvas.centre[1]) / canvas.unit
    lx = picture.light[0]
    across = np.exp(-(((x - 0.35 * lx) / 0.5) ** 2))
    down = np.exp(-(((y + 0.78) / 0.17) ** 2))
    small = 0.80 + 0.16 * np.exp(-(((y + 0.6) / 0.6) ** 2))[:, None] + 0.34 * down[:, None] * across
    small = small + 0.14 * lx * x.clip(-1, 1)
    large = cv2.resize(small.astype(np.float32), None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
    return large[: y1 - y0, : x1 - x0] * np.float32(0.86 + 0.14 * picture.brightness)


def _draw_strands(layer, face: Face, tones, outer, inner, unit: float, rng: np.random.Generator) -> None:
    """Hairs in three tones: curls, combed along the head, or from the hairline outwards."""
    style, p = face.style, face.person
    thick = max(1, round(unit / 150))
    many = min(max(unit / 88, 1.0), 2.5)  # a larger picture shows more hairs, not thicker ones
    tones = tones[1] + (tones - tones[1]) * (0.62 if style in CURTAINS else 0.8)
    if style == "curls" or p.curl > 0.7:
        number = int(260 * many**1.5)
        share, where = rng.random(number), rng.integers(0, len(outer), number)
        centre = inner[where] + (outer[where] - inner[where]) * share[:, None]
        start, size = rng.uniform(0, 2 * np.pi, number), rng.uniform(0.025, 0.055, number) * unit
        if style in ("buzz", "shaven"):
            size *= 0.4
        angles = start[:, None] + np.linspace(0, 4.2, 8)
        lines = centre[:, None] + np.stack([np.cos(angles), np.sin(angles)], 2) * size[:, None, None]
    elif style in ("side", "fringe", "quiff", "crop", "buzz", "shaven", "pixie", "tied"):
        number = int(120 * many)
        where = rng.uniform(0, len(outer) - 1, number)
        comb = {"side": 9, "fringe": 2, "quiff": 4, "crop": 3, "buzz": 1, "shaven": 1, "pixie": 6, "tied": -5}[style]
        lean = -np.sign(p.parting) * comb
        steps = np.linspace(0, 1, 7)
        a, b = rng.uniform(-0.05, 0.35, number), rng.uniform(0.55, 1.05, number)
        share = a[:, None] + (b - a)[:, None] * steps
        index = np.clip(where[:, None] + lean * (share - 0.5) + rng.normal(0, 0.6, (number, 1)), 0, len(outer) - 1)
        lines = _between(inner, outer, index, share)
    else:
        number = int(110 * many)
        share = rng.uniform(0.02, 1.0, number)[:, None] + rng.normal(0, 0.02, (number, 9)) * 0.3
        crown = 30 + 6 * p.parting
        end = np.where(rng.random(number) < 0.5, 0, 60)[:, None]
        reach = rng.uniform(0.5, 1.0, (number, 1))
        begin = rng.uniform(0, 0.4, (number, 1))
        index = crown + (end - crown) * (begin + (reach - begin) * np.linspace(0, 1, 9))
        if style == "wavy":
            share = share + 0.10 * np.sin(np.linspace(0, 9, 9) + rng.uniform(0, 2, (number, 1)))
        lines = _between(inner, outer, np.clip(index, 0, 60), share)
    for k, tone in enumerate(tones[[0, 2, 0]]):
        draw_lines(layer, lines[k::3], np.clip(tone * (1, 1, 1.25)[k], 0, 255), thick)


def _between(inner, outer, index, share) -> np.ndarray:
    """Points at a place along both edges and a share of the way from the inner to the outer one."""
    a, b = _at(inner, index), _at(outer, index)
    return a + (b - a) * share[..., None]
