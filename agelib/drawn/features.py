"""Eyes, brows, nose, mouth, beard and glasses, each drawn onto a canvas in a head's coordinates."""

import cv2
import numpy as np

from agelib.drawn.ageing import Face
from agelib.drawn.canvas import Canvas, circle, crop_noise, draw_lines, filled, fixed, ribbon, smooth

_T = np.linspace(0, 1, 13)
_CIRCLE = circle(20)
_ACROSS = np.linspace(-1, 1, 17)

#: How far old brows sink, from the nose outwards.
_DROOP = np.array([0.0, 0.008, 0.022, 0.046, 0.075])


def depth(face: Face, points) -> np.ndarray:
    """How far towards the viewer the face's surface lies at points [N, 2] of the head."""
    squares = (np.asarray(points, dtype=np.float64) ** 2) @ (face.width**-2, 1.15**-2)
    return 0.62 * np.sqrt(np.maximum(1.05 - squares, 0.03))


def put(canvas: Canvas, face: Face, points, extra: float = 0.0) -> np.ndarray:
    """Pixels of points [N, 2] that lie on the face's surface, or `extra` before it."""
    points = np.asarray(points, dtype=np.float64)
    return canvas.place(points, depth(face, points) + extra)


def put_all(canvas: Canvas, face: Face, outlines: list) -> list:
    """As :func:`put`, for many outlines in one go."""
    pixels = put(canvas, face, np.concatenate(outlines))
    return np.split(pixels, np.cumsum([len(outline) for outline in outlines])[:-1])


def mirrored(canvas: Canvas, face: Face, points, extra: float = 0.0) -> list:
    """Pixels of points [N, 2] of the right half on the face's surface, and of their mirror image."""
    points = np.asarray(points, dtype=np.float64)
    pixels = put(canvas, face, np.concatenate([points, points * (-1, 1)]), extra)
    return [pixels[: len(points)], pixels[len(points) :]]


def draw_eyes(canvas: Canvas, face: Face, picture) -> None:
    """Both eyes: lids, white, iris, pupil, light, lashes, and the folds above them."""
    p, half, fold, old, hood = face.person, face.eye_half, face.person.lid_fold, face.eye_age, face.hood
    up = face.eye_open * (1 - 0.28 * picture.smile) * (1 + 0.35 * picture.surprise)
    down = 0.62 * face.eye_open * (1 - 0.25 * picture.smile)
    # From the inner corner (t = 0) to the outer one; heavy lids hang over the outer corner.
    x = half * (2 * _T - 1)
    line = 0.010 - 0.012 * p.eye_tilt * (2 * _T - 1)
    bow = np.sin(np.pi * _T ** (0.88 + 0.15 * fold)) ** 0.85
    upper = line - up * bow * (1 - hood * (0.16 + 0.42 * _T))
    lower = line + down * np.sin(np.pi * _T**1.1) ** 0.9
    above, below = np.stack([x, upper], 1), np.stack([x, lower], 1)

    def both(points) -> list:
        return mirrored(canvas, face, np.asarray(points) + np.array([face.eye_x, face.eye_y]))

    if picture.makeup and face.stage > 15:
        shadow = np.stack([x * 1.05, upper - 0.045 * np.sin(np.pi * _T)], 1)
        canvas.fill_soft(both(np.concatenate([above, shadow[::-1]])), picture.makeup_colour, 0.5, 0.012)
    lid = np.concatenate([above, np.stack([x, upper + 0.35 * up + 0.012], 1)[::-1]])
    for side in (-1, 1):
        _draw_ball(canvas, face, picture, side, np.concatenate([above, below[-2:0:-1]]), lid)
    # Lids: a dark line of lashes above, a lighter rim below, the crease where the upper lid folds.
    dark = face.skin * min(_lit(picture, 0), 1.0) * (0.50, 0.42, 0.42)
    woman = p.gender == "female"
    lashes = (0.020 + 0.012 * woman * face.growth + 0.008 * picture.makeup) * (1 - 0.3 * old)
    tone = np.minimum(np.array(p.hair) * 0.35, 60) * (1 - 0.4 * old) + dark * 0.4 * old
    canvas.fill_soft(both(ribbon(above - (0, 0.003), lashes, 0.75)), tone, 0.92)
    if woman and face.stage > 5:
        wing = [[half * 0.86, upper[-3] + 0.004], [half * 1.06, upper[-1] - 0.008], [half * 1.17, upper[-1] - 0.034]]
        canvas.fill_soft(both(ribbon(wing, 0.018, 0.8)), tone, 0.8 * (1 - 0.5 * old))
    canvas.fill_soft(both(ribbon(below + np.array([0, 0.004]), 0.012, 0.6)), dark, 0.55)
    gap = (0.030 + 0.012 * p.brow_height / 2) * (1 - 0.7 * fold) + 0.010
    height = np.maximum(max(gap, 0.012) * (0.55 + 0.45 * bow) - 0.026 * hood * _T, 0.002)
    clear = (0.55 - 0.3 * fold) * (0.5 + 0.5 * face.growth)
    canvas.fill_soft(both(ribbon(np.stack([x * 1.05, upper - height], 1), 0.014, 0.8)), dark, clear, 0.004)
    if hood > 0.04:  # the skin that hangs down over the lid
        rim = smooth([[-0.10, -0.105], [0.02, -0.100], [0.125, -0.055], [0.215, 0.045]], 4)
        flap = np.concatenate([rim, [[0.20, -0.10], [0.06, -0.155], [-0.08, -0.145]]])
        canvas.fill_soft(both(flap), face.skin * (0.88, 0.78, 0.75), 0.55 * hood, 0.014)
        canvas.fill_soft(both(ribbon(rim, 0.034 + 0.014 * hood, 0.85)), dark, 0.85 * hood, 0.008)


def _lit(picture, side: int) -> float:
    """How much light falls on the eye of a side: about 1 in even light."""
    facing = max(0.35 * side * picture.light[0] + 0.9 * picture.light[2], 0)
    return 0.55 + 0.45 * min(((1 - picture.contrast) + 1.1 * picture.contrast * facing) * picture.brightness, 1.15)


def _draw_ball(canvas: Canvas, face: Face, picture, side: int, almond, lid) -> None:
    """What is seen of one eyeball between the lids, with the shade of the upper one."""
    p, half, old, lit = face.person, face.eye_half, face.eye_age, _lit(picture, side)

    def at(points) -> np.ndarray:
        return put(canvas, face, np.asarray(points) * (side, 1) + (side * face.eye_x, face.eye_y))

    white = np.array([236, 232, 228]) - np.array([34, 46, 78]) * old - 26 * p.darkness
    gaze = np.array([picture.gaze * 0.045 * side, -0.012])
    round_iris = _CIRCLE * face.iris
    iris = np.array(p.iris) + (np.array([150, 152, 158]) - np.array(p.iris)) * 0.42 * old
    arcus = iris * 0.42 + (np.array([186, 188, 196]) - iris * 0.42) * old
    glint = np.array([0.022 * picture.light[0] * side - 0.012 * side, -0.028]) / 0.064
    layers = [
        # The corner by the nose is pink.
        ([[-half, 0.02], [-half * 0.8, -0.012], [-half * 0.76, 0.025]], white * (0.90, 0.68, 0.64)),
        (round_iris + gaze, arcus * lit),
        (round_iris * 0.83 + gaze, iris * lit),
        (round_iris * (0.58, 0.42) + gaze + np.array([0, 0.40 * face.iris]), np.minimum(iris * lit * 1.22 + 10, 255)),
        (round_iris * 0.45 + gaze, np.array([14, 11, 12]) + 24 * old),
        (round_iris * 0.27 + gaze + glint * face.iris, (255, 255, 255)),
    ]
    almond = at(almond)
    box = x0, y0, x1, y1 = canvas.box(almond, 1)
    if x1 <= x0 or y1 <= y0:
        return
    ball = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
    ball[:] = white * min(lit, 1.02)
    for outline, colour in layers:
        cv2.fillPoly(ball, [fixed(at(outline) - (x0, y0))], tuple(map(float, colour)), cv2.LINE_AA, 4)
    opening, shade = (filled(ball.shape[:2], [outline - (x0, y0)]) for outline in (almond, at(lid)))
    shade = cv2.GaussianBlur(shade, (3, 3), 0.010 * canvas.unit)[..., None] * np.float32(0.42 / 255)
    canvas.blend(opening, box, ball * (1 - shade) + np.array([45, 28, 24], np.float32) * shade)


def draw_brows(canvas: Canvas, face: Face, picture, rng: np.random.Generator) -> None:
    """Eyebrows: a soft shape and hairs on it."""
    p = face.person
    young, old = 1 - face.growth, face.brow_age
    natural = np.array(p.hair) * min(0.72, 125 / max(p.hair))
    grey = np.array([158, 154, 150]) * (1 - 0.40 * p.darkness)
    colour = natural + (grey - natural) * 0.9 * face.brow_grey
    thick = (
        (0.062 + 0.009 * p.brow_thickness) * (1 - 0.42 * young) * (1 + 0.3 * old * (1 if p.gender == "male" else -1))
    )
    strength = (0.88 - 0.5 * young) * (1 - 0.30 * old)
    for side in (-1, 1):
        x = np.array([-0.95, -0.45, 0.1, 0.6, 1.12]) * (0.17 + 0.01 * face.growth) + face.eye_x
        arch = 0.018 + 0.011 * p.brow_arch
        y = face.brow_y + np.array([0.018, 0.0, -arch, -arch * 1.0, 0.022]) + old * _DROOP
        y = y - picture.surprise * 0.05 + picture.frown * np.array([0.035, 0.022, 0.004, 0, 0])
        line = smooth(np.stack([x, y], 1), 5) * (side, 1)
        widths = np.interp(np.linspace(0, 1, len(line)), [0, 0.15, 0.55, 1], [0.75, 1, 0.85, 0.12]) * thick
        half = np.stack([0 * widths, widths / 2], 1)
        shape = np.concatenate([line - half, (line + half)[::-1]])
        canvas.fill_soft(put(canvas, face, shape), colour, strength * 0.82, 0.010)
        start = rng.integers(0, len(line) - 4, 16)
        base = line[start] + np.stack([np.zeros(16), rng.uniform(-0.3, 0.45, 16) * widths[start]], 1)
        tip = base + np.stack([side * rng.uniform(0.02, 0.05, 16), -rng.uniform(0.2, 0.6, 16) * widths[start]], 1)
        pixels = np.stack([put(canvas, face, base), put(canvas, face, tip)], 1)
        hair_tone = colour * (1.05 if old > 0.4 else 0.7 if strength > 0.55 else 0.9)
        draw_lines(canvas.image, pixels, hair_tone)


def draw_nose(canvas: Canvas, face: Face, picture) -> None:
    """Nostrils, wings and the shade below the tip; the ridge is a matter of light."""
    half, y = face.nose_half, face.nose_y + face.nose_drop
    small = 0.55 + 0.45 * face.growth
    dark = face.skin * (0.42, 0.30, 0.28)
    flare = 1 + 0.08 * picture.smile
    under = smooth(
        [[-half * 0.75, y - 0.012], [0, y + 0.022 * small], [half * 0.75, y - 0.012], [0, y + 0.004]], 4, True
    )
    canvas.fill_soft(put(canvas, face, under, 0.12), dark, 0.34, 0.018)
    if face.nose_drop > 0.004:  # a long nose hangs, and throws a shade below its tip
        shade = smooth([[-half * 0.55, y + 0.012], [0, y + 0.045], [half * 0.55, y + 0.012]], 4)
        canvas.fill_soft(put(canvas, face, ribbon(shade, 0.05, 0.9), 0.1), dark, 7 * face.nose_drop, 0.014)
    scale = np.array([half * flare, 1])
    nostril = np.array([[0.26, 0.004], [0.40, -0.024 * small], [0.64, -0.020 * small], [0.66, 0.002], [0.45, 0.010]])
    nostrils = mirrored(canvas, face, smooth(nostril * scale + (0, y), 4, True), 0.12)
    canvas.fill_soft(nostrils, dark * 0.75, 0.72 + 0.15 * face.growth, 0.004)
    wing = np.array(
        [[0.74, -0.10 * small], [1.0, -0.062 * small], [1.04, -0.025 * small], [0.86, 0.002], [0.62, 0.002]]
    )
    wings = mirrored(canvas, face, ribbon(smooth(wing * scale + (0, y), 4), 0.020, 0.8), 0.06)
    canvas.fill_soft(wings, dark, 0.30 + 0.25 * face.growth, 0.006)


def draw_mouth(canvas: Canvas, face: Face, picture) -> None:
    """Lips, the line between them, teeth where the mouth is open, corners up where it smiles."""
    p = face.person
    smile, gap = picture.smile, picture.mouth_open
    half = face.mouth_half * (1 + 0.24 * smile)
    y = face.mouth_y - 0.012 * smile
    lift = 0.078 * smile - 0.034 * face.sag - 0.026 * picture.frown
    t = _ACROSS
    round_ = 1 - np.abs(t) ** 1.9
    thick = 0.92 - 0.22 * smile
    seam = y + lift * (0.55 - 1.25 * t**2) + 0.004 * np.cos(2 * np.pi * t) * (1 - t**2)
    top_lip = 0.050 * face.lips * thick
    low_lip = 0.066 * face.lips * thick
    bow = 1 - 0.22 * np.exp(-((t / 0.13) ** 2))
    open_up, open_down = gap * 0.030 * round_, gap * 0.115 * round_**0.8
    top = seam - open_up - top_lip * round_**0.9 * bow
    top_inner, low_inner = seam - open_up, seam + open_down
    low = seam + open_down + low_lip * round_**0.75 * (1 - 0.06 * np.cos(np.pi * t))
    x = half * t

    def at(*rows):
        outline = np.concatenate([np.stack([x, row], 1)[:: 1 if i % 2 == 0 else -1] for i, row in enumerate(rows)])
        return put(canvas, face, outline, 0.05)

    skin = np.array(face.skin)
    lip = skin * (0.84, 0.62, 0.62) if p.darkness < 0.45 else skin * (0.92, 0.72, 0.74)
    lip = lip + (np.array([196, 92, 92]) - lip) * 0.22 * (1 - 0.8 * face.lip_fade) * (p.darkness < 0.5)
    lip = lip + (skin * (0.88, 0.77, 0.74) - lip) * 0.75 * face.lip_fade
    if picture.makeup:
        lip = lip + (np.array(picture.lipstick) - lip) * 0.72
    light = 0.92 + 0.10 * picture.brightness
    canvas.fill_soft(at(low + 0.035, low - 0.004), skin * (0.62, 0.52, 0.50), 0.30, 0.022)
    if gap > 0.03:
        hole = at(top_inner, low_inner)
        canvas.fill(hole, (64, 22, 24))
        inside = canvas.mask(hole)
        white = np.array([244, 240, 230]) - np.array([12, 22, 46]) * face.lip_fade
        if face.stage > 0.8:
            bottom = np.minimum(low_inner, top_inner + (0.042 + 0.02 * face.growth) * (1 - 0.35 * t**2))
            canvas.fill_soft(at(top_inner - 0.01, bottom), white * light, 0.95, 0.004, inside)
            where = np.array([-0.62, -0.42, -0.2, 0.0, 0.2, 0.42, 0.62])
            edges = np.interp(where, t, top_inner)
            gaps = [ribbon([[u, v - 0.01], [u, v + 0.05]], 0.006, 0) for u, v in zip(where * half, edges, strict=True)]
            canvas.fill_soft(put_all(canvas, face, gaps), (150, 120, 105), 0.3, 0, inside)
        if gap > 0.6:
            tongue = at(low_inner - 0.035 * round_, low_inner + 0.01)
            canvas.fill_soft(tongue, (178, 84, 86), 0.8, 0.01, inside)
    canvas.fill_soft(at(top, top_inner + 0.004), lip * 0.88 * light, 0.92, 0.006)
    canvas.fill_soft(at(low_inner - 0.004, low), lip * light, 0.92, 0.008)
    gloss = np.stack([x[5:12] * 0.9, (low_inner + 0.5 * (low - low_inner))[5:12]], 1)
    gloss = put(canvas, face, ribbon(gloss, 0.022 * face.lips, 0.9), 0.05)
    canvas.fill_soft(gloss, np.minimum(lip * 1.28 + 18, 255), 0.42, 0.012)
    seam_line = np.stack([x * 1.03, top_inner + 0.002], 1)
    canvas.fill_soft(put(canvas, face, ribbon(seam_line, 0.019, 0.7), 0.05), lip * (0.36, 0.24, 0.24), 0.85, 0.003)
    corner = np.array([[0.97, 0], [1.06, -0.008 - 0.02 * smile]]) * (half, 1) + (0, seam[0])
    corners = mirrored(canvas, face, ribbon(corner, 0.028, 0.3), 0.04)
    canvas.fill_soft(corners, skin * (0.45, 0.32, 0.3), 0.5, 0.010)


def draw_beard(canvas: Canvas, face: Face, head, style: str, rng: np.random.Generator) -> None:
    """Stubble, moustache, goatee or full beard."""
    m, n, c = face.mouth_y, face.nose_y, face.chin_y
    mh, w = face.mouth_half, face.width / 0.72
    moustache = [
        [-mh * 1.12, m + 0.03], [-mh * 0.85, m - 0.055], [-0.05, n + 0.045], [0.05, n + 0.045],
        [mh * 0.85, m - 0.055], [mh * 1.12, m + 0.03], [0, m - 0.004]
    ]  # fmt: skip
    goatee = [
        [-mh * 1.2, m - 0.02], [-mh * 0.9, n + 0.10], [0, n + 0.055], [mh * 0.9, n + 0.10],
        [mh * 1.2, m - 0.02], [mh * 1.05, c - 0.06], [0, c + 0.03], [-mh * 1.05, c - 0.06]
    ]  # fmt: skip
    full = [[0, n + 0.05], [mh * 0.9, n + 0.10], [mh * 1.45, m - 0.06], [0.50 * w, 0.40], [0.62 * w, 0.12],
            [0.72 * w, 0.0], [0.78 * w, 0.45], [0.62 * w, 0.84], [0.34 * w, c + 0.07], [0, c + 0.11]]  # fmt: skip
    full = full + [[-x, y] for x, y in full[-2:0:-1]]
    shapes = {"moustache": moustache, "goatee": goatee, "full": full, "stubble": full}
    outline = smooth(shapes[style], 4, True)
    pixels = put(canvas, face, outline)
    colour = face.hair * 0.82 if face.grey < 0.5 else face.hair
    box = x0, y0, x1, y1 = canvas.box(pixels, 0.06 * canvas.unit)
    if x1 <= x0 or y1 <= y0:
        return
    mask = filled((y1 - y0, x1 - x0), [pixels - (x0, y0)])
    mask = cv2.GaussianBlur(mask, (0, 0), 0.022 * canvas.unit)
    if style == "stubble":
        grain = 0.72 + 0.22 * crop_noise(256, y1 - y0, x1 - x0, rng).clip(-1.2, 1.2)
        canvas.blend(mask * grain.clip(0, 1), box, colour * 0.8, 0.42, head)
        return
    layer = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
    layer[:] = np.clip(colour * 0.85, 0, 255)
    number = {"moustache": 110, "goatee": 200, "full": 420}[style]
    low, high = outline.min(0), outline.max(0)
    base = rng.uniform(low, high, (number, 2))
    fan = np.stack([base[:, 0] * 0.35, np.full(number, 0.10)], 1) * rng.uniform(0.5, 1.1, (number, 1))
    if style == "moustache":
        fan = np.stack([np.sign(base[:, 0]) * 0.09, np.full(number, 0.04)], 1)
    pair = np.stack([put(canvas, face, base), put(canvas, face, base + fan)], 1) - (x0, y0)
    for k, tone in enumerate((0.62, 1.02, 1.3)):
        draw_lines(layer, pair[k::3], np.clip(colour * tone + 5 * k, 0, 255))
    canvas.blend(mask, box, layer, 0.93)


def draw_glasses(canvas: Canvas, face: Face, picture) -> None:
    """Frames around the eyes, a bridge, temples, a shine on the glass."""
    shape = face.person.glasses_shape
    square = 2 + 3.5 * shape  # a superellipse between round and rectangular
    rim = np.sign(circle(28)) * np.abs(circle(28)) ** (2 / square)
    size = np.array([min(face.eye_half * 1.42, face.eye_x * 0.83), 0.135 + 0.02 * (1 - shape)])
    kind = int(shape * 3.99)
    frame = np.array([(30, 26, 26), (92, 56, 34), (150, 140, 128), (46, 52, 82)][kind])
    thick = 0.029 - 0.011 * (kind == 2)
    centres = [np.array([side * face.eye_x * 1.02, face.eye_y + 0.025]) for side in (-1, 1)]
    for centre, side in zip(centres, (-1, 1), strict=True):
        outer = put(canvas, face, rim * (size + thick / 2) + centre, 0.10)
        inner = put(canvas, face, rim * (size - thick / 2) + centre, 0.10)
        canvas.fill_soft(put(canvas, face, rim * size + centre, 0.10), (235, 242, 250), 0.03)
        canvas.fill_soft([np.concatenate([outer, outer[:1], inner[:1], inner[::-1]])], frame, 0.95)
        shine = np.array([[-0.55, -0.72], [-0.05, -0.8], [-0.5, 0.1], [-0.75, -0.1]]) * size + centre
        canvas.fill_soft(put(canvas, face, shine, 0.10), (255, 255, 255), 0.13, 0.01)
        hinge = centre + np.array([side * size[0], -0.03])
        ear = canvas.place([[side * face.width * 0.96, face.eye_y + 0.02]], 0.0)
        arm = np.concatenate([put(canvas, face, [hinge], 0.10), ear])
        canvas.fill_soft(ribbon(arm, thick * canvas.unit * 0.8, 0), frame, 0.9)
    bridge = smooth([centres[0] + (size[0], -0.035), (0, face.eye_y - 0.045), centres[1] + (-size[0], -0.035)], 5)
    canvas.fill_soft(put(canvas, face, ribbon(bridge, thick, 0), 0.14), frame, 0.95)
