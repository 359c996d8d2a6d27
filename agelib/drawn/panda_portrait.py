"""One picture of one panda: ground, body, ears, fur in light, patches, muzzle, eyes, and what the camera does.

Explained in chapter 24.
"""

import cv2
import numpy as np

from agelib.drawn.ageing import ramp
from agelib.drawn.canvas import Canvas, circle, crop_noise, facing_light, relief_cells, ribbon, smooth
from agelib.drawn.pandas import Panda, PandaFace, grow_panda
from agelib.drawn.pictures import Picture, expose

#: Cells of the relief for one unit of the head, and the part of the head it covers: left, top, right, bottom.
CELLS, REACH = 24, (-1.5, -1.4, 1.5, 1.5)
_CIRCLE = circle(24)


def draw_panda(panda: Panda, picture: Picture, size: int = 128) -> np.ndarray:
    """Draw one picture of a panda, as :func:`agelib.drawn.draw` draws one of a person: RGB, uint8 [size, size, 3].

    Parameters
    ----------
    panda : Panda
    picture : Picture
    size : int
        Side in pixels, 16 or more.

    Raises
    ------
    ValueError
        If `size` is below 16 or the picture's age is none that a panda is drawn at.

    Examples
    --------
    >>> from agelib.drawn.pandas import make_panda, take_panda_picture
    >>> someone = make_panda(1)
    >>> draw_panda(someone, take_panda_picture(someone, 3.5, 5), 64).shape
    (64, 64, 3)
    """
    if size < 16:
        raise ValueError(f"a panda is drawn on 16 pixels or more, not {size}")
    side = max(round(1.5 * size), 96)
    rng = np.random.default_rng([*picture.seed, 24])
    face = grow_panda(panda, picture.age)
    unit = side * 0.385 * picture.zoom * (0.90 + 0.10 * face.growth)
    centre = (side * (0.5 + picture.shift[0] - 0.05 * np.sin(picture.yaw)), side * (0.555 + picture.shift[1]))
    canvas = Canvas(side, unit, centre, picture.yaw, picture.pitch, picture.roll)
    _draw_ground(canvas, picture, rng)
    _draw_body(canvas, face, rng)
    _draw_ears(canvas, face, rng)
    head = _draw_fur(canvas, face, rng)
    _draw_patches(canvas, face, head, rng)
    _draw_scars(canvas, face)
    _light(canvas, face, picture, head, rng)
    _draw_eyes(canvas, face, picture)
    _draw_muzzle(canvas, face, picture)
    return expose(canvas.image, picture, size, crop_noise(256, size, size, rng))


def depth(face: PandaFace, points) -> np.ndarray:
    """How far towards the viewer the face's surface lies at points [N, 2] of the head: a ball with a muzzle on it."""
    points = np.asarray(points, dtype=np.float64)
    ball = 0.72 * np.sqrt(np.maximum(1.05 - (points**2) @ (face.width**-2, 0.95**-2), 0.03))
    x, y = (points - (0, face.nose_y + 0.06)).T
    return ball + face.snout * np.exp(-0.5 * ((x / (0.7 * face.muzzle_x)) ** 2 + (y / (0.7 * face.muzzle_y)) ** 2))


def put(canvas: Canvas, face: PandaFace, points) -> np.ndarray:
    """Pixels of points [N, 2] that lie on the face's surface."""
    return canvas.place(points, depth(face, points))


def _fluffy(points: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """A closed outline [N, 2] with tufts: pushed in and out along its own direction from the middle."""
    from_middle = points - points.mean(axis=0)
    length = np.sqrt((from_middle**2).sum(axis=1, keepdims=True)) + 1e-9
    return points + from_middle / length * (amount * rng.uniform(-1, 1, (len(points), 1)))


def _draw_ground(canvas: Canvas, picture: Picture, rng: np.random.Generator) -> None:
    """Bamboo, rock, a wall indoors or a meadow, out of focus."""
    side, colour = canvas.side, np.array(picture.background)
    y, x = np.mgrid[0:24, 0:24].astype(np.float32) / 23 - 0.5
    small = colour * (1 + 0.5 * (x * picture.light[0] + y * picture.light[1]) - 0.3 * (x**2 + y**2))[..., None]
    kind = picture.background_kind
    if kind in (1, 3):
        spots = crop_noise(32 if kind == 1 else 64, 96, 96, rng)[::4, ::4]
        small = small * (1 + 0.15 * spots[..., None])
    if kind == 3:
        small = small + (np.array([176.0, 200, 214]) - small) * np.clip(0.6 - 3 * (y + 0.2), 0, 0.8)[..., None]
    image = np.clip(small, 0, 255).astype(np.uint8)
    canvas.image = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    if kind == 0:
        for _ in range(5):
            at, wide = rng.uniform(0, side), rng.uniform(0.03, 0.06) * side
            lean = rng.normal(0, 0.08) * side
            stem = np.array([[at, -5.0], [at + wide, -5], [at + wide + lean, side + 5], [at + lean, side + 5]])
            canvas.fill_soft(stem, np.clip(colour * rng.uniform(0.6, 1.5), 0, 255), 0.75, 0.02)
        starts, turns = rng.uniform(0, side, (9, 2)), rng.normal(0.9, 0.5, 9)
        leaves = [
            ribbon(start + np.linspace(0, 0.24 * side, 6)[:, None] * (np.cos(turn), np.sin(turn)), 0.045 * side)
            for start, turn in zip(starts, turns.tolist(), strict=True)
        ]
        canvas.fill_soft(leaves, np.clip(colour * (1.25, 1.3, 1.1) + 10, 0, 255), 0.7, 0.012)


def _draw_body(canvas: Canvas, face: PandaFace, rng: np.random.Generator) -> None:
    """The black shoulders, upright whatever the head does."""
    base = canvas.place([[0, 0.6]], -0.2)[0]
    wide = 0.95 + 0.35 * face.growth
    right = smooth([[0, -0.25], [0.5 * wide, -0.2], [0.9 * wide, 0.12], [1.1 * wide, 0.7], [1.15 * wide, 1.6]], 6)
    outline = np.concatenate([right, right[::-1] * (-1, 1)])
    canvas.fill_soft(_fluffy(outline, face.fluff, rng) * canvas.unit + base, face.black * 1.05 + 6, 1, 0.02)


def _draw_ears(canvas: Canvas, face: PandaFace, rng: np.random.Generator) -> None:
    p = face.panda
    shape = _CIRCLE * (1, 1.02 + 0.05 * p.ear_point) * face.ear
    shape = shape * (1 - 0.10 * (1 + 0.5 * p.ear_point) * np.maximum(-_CIRCLE[:, 1:], 0) * np.abs(_CIRCLE[:, :1]))
    for side in (-1, 1):
        middle = np.array([side * face.ear_x, face.ear_y])
        ear = _fluffy(smooth(shape, 3, closed=True), 1.1 * face.fluff, rng)
        canvas.fill_soft(canvas.place(ear + middle, -0.15), face.black, 1, 0.018)
        inner = canvas.place(0.55 * shape + middle + (-0.02 * side, 0.05), -0.1)
        canvas.fill_soft(inner, face.black * 1.35 + 14, 0.7, 0.05)
        for which, turn, since in p.nicks:
            if which == side and face.age >= since:
                away = np.array([side * np.sin(turn), -np.cos(turn)])
                across = away[::-1] * (-1, 1)
                tip = middle + away * face.ear * 0.62
                wedge = [
                    tip,
                    middle + (away * 1.12 + across * 0.2) * face.ear,
                    middle + (away * 1.12 - across * 0.2) * face.ear,
                ]
                pixels = canvas.place(wedge, -0.15)
                at = np.clip(canvas.place([middle + away * face.ear * 1.35], -0.15)[0], 0, canvas.side - 1).astype(int)
                canvas.fill_soft(pixels, canvas.image[at[1], at[0]].astype(float), 0.9, 0.008)


def _draw_fur(canvas: Canvas, face: PandaFace, rng: np.random.Generator) -> np.ndarray:
    """Paint the head's white fur and return its mask [side, side]."""
    right = smooth(face.outline, 8)
    outline = _fluffy(np.concatenate([right, right[-2:0:-1] * (-1, 1)]), face.fluff, rng)
    pixels = put(canvas, face, outline)
    mask = cv2.GaussianBlur(canvas.mask(pixels), (0, 0), max(0.014 * canvas.unit, 0.4))
    x0, y0, x1, y1 = box = canvas.box(pixels, 3)
    canvas.blend(mask[y0:y1, x0:x1], box, face.white)
    # Muzzle and brow are whiter than the cheeks; the crown and the sides take the dirt.
    dirt = face.white * (0.86, 0.80, 0.70)
    for side in (-1, 1):
        cheek = _CIRCLE * (0.30, 0.34) + (side * 0.72 * face.width, 0.42)
        canvas.fill_soft(put(canvas, face, cheek), dirt, 0.25 + 0.35 * face.yellow, 0.13, mask)
    canvas.fill_soft(put(canvas, face, _CIRCLE * (0.45, 0.16) + (0, -0.66)), dirt, 0.2 + 0.25 * face.yellow, 0.10, mask)
    snout = _CIRCLE * (0.92 * face.muzzle_x, 0.9 * face.muzzle_y) + (0, face.nose_y + 0.10)
    canvas.fill_soft(put(canvas, face, snout), np.minimum(face.white + 10, 255), 0.55, 0.05, mask)
    return mask


def _draw_patches(canvas: Canvas, face: PandaFace, head: np.ndarray, rng: np.random.Generator) -> None:
    """The eyes' patches: drops that hang outwards, crisp and black in youth, ragged and brown in age."""
    p = face.panda
    point = np.clip(0.30 + 0.10 * p.patch_point, 0.05, 0.6) * (0.5 + 0.5 * face.growth)
    across = face.patch_wide * _CIRCLE[:, 0] * (1 - point * _CIRCLE[:, 1])
    along = face.patch_long * _CIRCLE[:, 1]
    grey = []
    for side in (-1, 1):
        eye, hang = np.array([side * face.eye_x, face.eye_y]), np.array([0, 0.22 * face.patch_long])
        turn = -side * (p.patch_angle * (0.75 + 0.25 * face.growth) + 0.05 * side * p.patch_lean)
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        drop = (np.stack([across, along], 1) + hang) @ rotation
        drop = smooth(drop + eye, 3, closed=True)
        drop = _fluffy(drop, 0.5 * face.fluff + 0.014 * face.faded, rng)
        canvas.fill_soft(put(canvas, face, drop), face.black, 1 - 0.12 * face.faded, 0.016 + 0.028 * face.faded, head)
        number = int(14 * face.faded)
        if number:  # grey hairs
            place = rng.uniform(-0.75, 0.75, (number, 2)) * (face.patch_wide, face.patch_long)
            start = (place + hang) @ rotation + eye
            ends = start + rng.uniform(0.05, 0.10, (number, 1)) * np.array([[0.45 * side, 0.9]])
            grey += [ribbon(np.stack([a, (a + b) / 2, b]), 0.022) for a, b in zip(start, ends, strict=True)]
    if grey:
        canvas.fill_soft([put(canvas, face, hair) for hair in grey], face.white * 0.85, 0.28, 0.006, head)


def _draw_scars(canvas: Canvas, face: PandaFace) -> None:
    for x, y, turn, length, since in face.panda.scars:
        if face.age >= since:
            along = np.linspace(-0.5, 0.5, 5)[:, None] * length * (np.cos(turn), np.sin(turn))
            line = along + (x, y) + 0.02 * np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, 0]])
            pale = 0.35 * ramp(face.age, since, since + 12)
            canvas.fill_soft(put(canvas, face, ribbon(line, 0.042)), (168, 124, 116), 0.75 - pale, 0.006)


def _light(canvas: Canvas, face: PandaFace, picture: Picture, head: np.ndarray, rng: np.random.Generator) -> None:
    """Multiply the head by its light: a ball with a muzzle, hollows at the eyes, and the grain of the fur."""
    gx, gy = relief_cells(CELLS, REACH)

    def hill(height, x, y, wide, high):
        u, v = canvas.turn([[x, y]], depth(face, [[x, y]]))[0].astype(np.float32)
        return np.outer(height * np.exp(-0.5 * ((gy - v) / high) ** 2), np.exp(-0.5 * ((gx - u) / wide) ** 2))

    ball = 1.2 - (gx[None] / (1.06 * face.width)) ** 2 - ((gy[:, None] - 0.03) / 1.05) ** 2
    z = 0.75 * np.sqrt(np.maximum(ball, 0.04))
    z = z + hill(0.75 * face.snout, 0, face.nose_y + 0.07, 0.62 * face.muzzle_x, 0.62 * face.muzzle_y)
    z = z + hill(0.05, 0, -0.42, 0.28, 0.2)
    for side in (-1, 1):
        z = z + hill(-0.06, side * face.eye_x, face.eye_y, 0.14, 0.13)
        z = z + hill(0.06, side * 0.62, 0.36, 0.22, 0.2)
    facing = facing_light(z.astype(np.float32), picture.light, CELLS)
    shade = (1 - picture.contrast) + picture.contrast * 1.12 * facing
    shade = np.clip(shade, 0.25, 1.15) * picture.brightness
    left, top, wide, high = cv2.boundingRect(head)  # nothing outside it is lit
    box = (left, top, left + wide, top + high)
    linear = canvas.rotation * canvas.unit / CELLS
    start = np.array([REACH[0], REACH[1]]) * CELLS
    matrix = np.column_stack([linear.T, canvas.centre + start @ linear - (left, top)])
    shade = shade.astype(np.float32)
    lit = cv2.warpAffine(shade, matrix, (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Hairs hang down: noise that is stretched along y; thin fur shows the skin through gaps.
    hairs = cv2.resize(crop_noise(256, high // 2, wide, rng), (wide, high), interpolation=cv2.INTER_LINEAR)
    lit *= 1 + np.float32(0.022 + 0.026 * face.thin) * hairs
    painted = canvas.image[top : top + high, left : left + wide] * lit[..., None]
    if face.thin > 0.05:
        gaps = crop_noise(128, high, wide, rng) - np.float32(0.9 - 0.3 * face.thin)
        gaps = np.clip(gaps, 0, 1) * np.float32(0.32 * min(face.thin, 1))
        bright = np.clip(painted[..., 1] / 120 - 0.5, 0, 1)  # on white fur only
        skin = np.array([150, 120, 108], np.float32) * lit[..., None]
        painted += (skin - painted) * (gaps * bright)[..., None]
    canvas.blend(head[top : top + high, left : left + wide], box, painted)


def _draw_eyes(canvas: Canvas, face: PandaFace, picture: Picture) -> None:
    p, radius = face.panda, face.eye
    glint = radius * np.array([0.34 * np.sign(picture.light[0] + 1e-9), -0.36])
    lid = np.clip(face.black * 1.5 + 26, 0, 255) * picture.brightness
    iris = np.array([70.0, 46, 30]) + 14 * p.brown
    iris = iris + (np.array([150.0, 158, 164]) - iris) * 0.8 * face.cloud
    gaze = np.array([0.16 * picture.gaze * radius, 0.0])
    old = ramp(face.age, 18, 32)
    for side in (-1, 1):
        middle = np.array([side * face.eye_x, face.eye_y])

        def circle(scale, shift=(0.0, 0.0), middle=middle):
            return put(canvas, face, _CIRCLE * (1, 1 - 0.22 * old) * radius * scale + middle + shift)

        canvas.fill_soft(circle(1.28), lid, 0.75, 0.012)
        canvas.fill(circle(1.0), iris * picture.brightness)
        canvas.fill_soft(circle(0.62, gaze), np.array([8.0, 7, 8]) + 110 * face.cloud, 1, 0.006)
        canvas.fill_soft(circle(0.24, glint), (250, 250, 250), 0.95 - 0.45 * face.cloud, 0.004)
        canvas.fill_soft(circle(0.14, -0.8 * glint), (200, 205, 215), 0.5, 0.004)
        if old > 0:  # tears leave a brown trace
            trace = smooth(middle + np.array([[-0.06, 0.1], [-0.10, 0.22], [-0.11, 0.34]]) * (side, 1), 4)
            canvas.fill_soft(put(canvas, face, ribbon(trace, 0.07)), face.white * (0.58, 0.48, 0.4), 0.6 * old, 0.02)


def _draw_muzzle(canvas: Canvas, face: PandaFace, picture: Picture) -> None:
    """Shadow under the snout, nose, mouth."""
    y, half, high = face.nose_y, face.nose_half, face.nose_high
    dark = np.array([30.0, 25, 26]) + 26 * ramp(face.age, 16, 32)
    if face.age < 1.2:  # a cub's nose is still pink at its edge
        dark = dark + (np.array([92.0, 62, 62]) - dark) * 0.5 * (1 - face.age / 1.2)
    grey = face.white * picture.brightness * (0.74, 0.70, 0.66)
    for side in (-1, 1):
        fold = smooth(
            [(side * 0.55 * half, y - high), (side * 0.8 * face.muzzle_x, y + 0.1),
            (side * 0.62 * face.muzzle_x, y + 0.30)], 5
        )  # fmt: skip
        canvas.fill_soft(put(canvas, face, ribbon(fold, 0.06)), grey, 0.30 + 0.25 * face.growth, 0.045)
    mouth_y, corner = y + high + 0.075 + 0.035 * face.growth, 0.62 * face.muzzle_x
    drop = 0.10 * picture.mouth_open
    if drop > 0.01:
        lips = smooth(
            [(-0.8 * corner, mouth_y + 0.05), (0, mouth_y), (0.8 * corner, mouth_y + 0.05),
            (0, mouth_y + 0.07 + 1.6 * drop)], 6, closed=True
        )  # fmt: skip
        canvas.fill_soft(put(canvas, face, lips), (58, 30, 32), 0.95, 0.008)
        tongue = _CIRCLE * (0.4 * corner, 0.6 * drop) + (0, mouth_y + 0.05 + 0.8 * drop)
        canvas.fill_soft(put(canvas, face, tongue), (176, 96, 100), 0.85, 0.015)
    for side in (-1, 1):
        line = smooth([(0, mouth_y), (side * 0.45 * corner, mouth_y + 0.06), (side * corner, mouth_y + 0.035)], 6)
        canvas.fill_soft(put(canvas, face, ribbon(line, 0.036, 0.7)), dark + 16, 0.85, 0.006)
    seam = np.array([[0, y], [0, (y + mouth_y) / 2], [0, mouth_y + 0.01]])
    canvas.fill_soft(put(canvas, face, ribbon(seam, 0.036, 0.3)), dark + 16, 0.85, 0.006)
    nose = np.array([[-1, -0.45], [-0.5, -1], [0, -0.92], [0.5, -1], [1, -0.45], [0.72, 0.35], [0, 1], [-0.72, 0.35]])
    nose = smooth(nose * (half, high) + np.array([0, y]), 4, closed=True)
    canvas.fill_soft(put(canvas, face, nose), dark * picture.brightness, 1, 0.008)
    shine = _CIRCLE * (0.46 * half, 0.24 * high) + (0.2 * half * np.sign(picture.light[0] + 1e-9), y - 0.55 * high)
    canvas.fill_soft(put(canvas, face, shine), (190, 188, 190), 0.55, 0.02)
    for side in (-1, 1):
        hole = _CIRCLE * (0.17 * half, 0.18 * high) + (side * 0.42 * half, y + 0.18 * high)
        canvas.fill_soft(put(canvas, face, hole), (6, 5, 6), 0.9, 0.006)
