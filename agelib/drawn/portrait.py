"""One picture of one person: the order in which a portrait is painted, skin in light, what the camera does.

The picture is painted at one and a half times its size with hard and soft shapes; the skin's light comes from
a coarse relief of the head (brow, sockets, nose, cheeks, chin) lit from one direction. Then it is made
smaller, blurred and given noise.
"""

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from agelib.drawn import creases, features, hair, headwear
from agelib.drawn.ageing import Face, grow, ramp
from agelib.drawn.canvas import Canvas, crop_noise, facing_light, relief_cells, ribbon, smooth
from agelib.drawn.people import Person
from agelib.drawn.pictures import Picture, expose, on_the_day

#: Cells of the relief for one unit of the head, and the part of the head it covers: left, top, right, bottom.
CELLS, REACH = 25, (-1.15, -1.25, 1.15, 1.35)

#: Pixels a side that a picture is painted on at least, however small it becomes.
SMALLEST = 128


def draw(person: Person, picture: Picture, size: int = 128, cues: Mapping[str, float] | None = None) -> np.ndarray:
    """Draw one picture.

    Parameters
    ----------
    person : Person
    picture : Picture
        At which age, from where, in what light.
    size : int
        Side of the square picture in pixels, 16 or more.
    cues : mapping, optional
        Cue of :data:`agelib.drawn.CUES` → the age, in years, that this cue alone is drawn for. All others, the light
        and the noise stay as they are.

    Returns
    -------
    numpy.ndarray
        RGB, uint8 [size, size, 3]; the same input gives the same bytes.

    Raises
    ------
    ValueError
        If `size` is below 16, there is no such cue, or its age lies outside 0 to 116 years.

    Examples
    --------
    >>> from agelib.drawn import make_person, take_picture
    >>> someone = make_person(1)
    >>> draw(someone, take_picture(someone, 30.0, 5), 64).shape
    (64, 64, 3)
    >>> white_haired = draw(someone, take_picture(someone, 30.0, 5), 64, cues={"hair": 80})
    """
    if size < 16:
        raise ValueError(f"a face is drawn on 16 pixels or more, not {size}")
    side = max(round(1.5 * size), SMALLEST)
    # Hair draws lots last, and all others the same number whatever the cues: so a changed cue moves nothing else.
    rng = np.random.default_rng([*picture.seed, 3])
    face = on_the_day(grow(person, picture.age, cues), picture)
    face = replace(face, style=headwear.press(face.style, picture.hat))
    canvas = Canvas(side, *camera(face, picture, side), picture.yaw, picture.pitch, picture.roll, picture.lens)
    _draw_background(canvas, picture, rng)
    shows_hair = picture.hat not in headwear.COVERING
    if shows_hair:
        hair.draw_back_hair(canvas, face)
    _draw_body(canvas, face, picture)
    _draw_ears(canvas, face)
    head = _draw_skin(canvas, face, picture, rng)
    creases.draw_spots(canvas, face, head)
    creases.draw_bags(canvas, face, head)
    creases.draw_jaw(canvas, face, head)
    creases.draw_wrinkles(canvas, face, picture, head, rng)
    features.draw_nose(canvas, face, picture)
    if picture.beard != "none":
        features.draw_beard(canvas, face, head, picture.beard, rng)
    features.draw_mouth(canvas, face, picture)
    features.draw_eyes(canvas, face, picture)
    features.draw_brows(canvas, face, picture, rng)
    noise = crop_noise(256, 2 * size, size, rng)[::2] if 2 * size <= 512 else rng.standard_normal((size, size))
    if shows_hair:
        hair.draw_hair(canvas, face, picture, rng)
    if picture.hat:
        headwear.draw_headwear(canvas, face, picture)
    if picture.glasses:
        features.draw_glasses(canvas, face, picture)
    return expose(canvas.image, picture, size, noise)


def camera(face: Face, picture: Picture, side: int) -> tuple[float, tuple]:
    """Pixels of one unit of the head, and where its origin lies, on a picture of `side` pixels."""
    unit = side * 0.385 * picture.zoom * (1 + 0.03 * (1 - face.growth))
    return unit, (side * (0.5 + picture.shift[0] - 0.05 * np.sin(picture.yaw)), side * (0.505 + picture.shift[1]))


def face_box(person: Person, picture: Picture, size: int) -> tuple:
    """The box around brows, chin and cheeks, as a detector would give it: x0, y0, x1, y1 in pixels from 0.

    >>> from agelib.drawn import make_person, take_picture
    >>> someone = make_person(1)
    >>> x0, y0, x1, y1 = face_box(someone, take_picture(someone, 30.0, 5), 128)
    >>> 0 < x0 < 64 < x1 < 128
    True
    """
    face = grow(person, picture.age)
    canvas = Canvas(size, *camera(face, picture, size), picture.yaw, picture.pitch, picture.roll, picture.lens)
    (x, y), half = canvas.place([[0, 0.27]], 0.3)[0], 0.78 * canvas.unit
    return tuple(round(float(np.clip(v, 0, size)), 1) for v in (x - half, y - half, x + half, y + half))


def _draw_background(canvas: Canvas, picture: Picture, rng: np.random.Generator) -> None:
    """A wall in uneven light, a window's blur, lights out of focus, or stripes."""
    side, colour = canvas.side, np.array(picture.background)
    y, x = np.mgrid[0:24, 0:24].astype(np.float32) / 23 - 0.5
    fall = 1 + 0.5 * (x * picture.light[0] + y * picture.light[1]) - 0.35 * (x**2 + y**2)
    small = colour * fall[..., None]
    if picture.background_kind == 1:
        spots = crop_noise(16, 96, 96, rng)[::4, ::4]
        small = small * (1 + 0.16 * spots[..., None])
    if picture.background_kind == 2:
        edge = rng.uniform(-0.3, 0.3)
        other = np.clip(255 - colour * rng.uniform(0.4, 1.0), 20, 240)
        small = small + (other - small) * 0.5 * (1 / (1 + np.exp(-(x - edge) * 26)))[..., None]
    image = np.clip(small, 0, 255).astype(np.uint8)
    canvas.image = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    if picture.background_kind == 3:
        for _ in range(5):
            x, y, r = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(0.04, 0.12) * side
            turns = np.linspace(0, 2 * np.pi, 20)
            disc = np.stack([x + r * np.cos(turns), y + r * np.sin(turns)], 1)
            canvas.fill_soft(disc, np.clip(colour * 1.35 + 25, 0, 255), 0.35, 0.02)


def _draw_body(canvas: Canvas, face: Face, picture: Picture) -> None:
    """Neck and shoulders, upright whatever the head does."""
    base = canvas.place([[0, 0.5]], -0.15)[0]

    def at(points):
        return (np.asarray(points, dtype=np.float64) - (0, 0.5)) * canvas.unit + base

    n, young = face.neck, 1 - face.growth
    broad = (1.18 if face.person.gender == "male" else 0.98) * face.growth + 0.82 * young
    top = 1.30 - 0.16 * young
    cloth = np.array(picture.clothes)
    neck = smooth(
        [[-n, 0.3], [-n * 0.98, 0.9], [-n * 1.05, top - 0.06], [-n * 1.4, top + 0.14], [-n * 1.4, 2.2],
        [n * 1.4, 2.2], [n * 1.4, top + 0.14], [n * 1.05, top - 0.06], [n * 0.98, 0.9], [n, 0.3]], 3, True
    )  # fmt: skip
    skin = face.skin * (0.80, 0.74, 0.72) * (0.75 + 0.25 * picture.brightness)
    canvas.fill(at(neck), np.clip(skin, 0, 255))
    lit = np.array([[n * 0.15, 0.9], [n, 0.9], [n, 1.5], [n * 0.3, 1.5]]) * (np.sign(picture.light[0]) or 1, 1)
    canvas.fill_soft(at(lit), np.clip(skin * 1.16, 0, 255), 0.5, 0.06)
    under = smooth([[-n * 1.05, 0.6], [-n * 1.02, 1.02], [0, 1.18], [n * 1.02, 1.02], [n * 1.05, 0.6]], 3)
    canvas.fill_soft(at(under), face.skin * 0.34, 0.5, 0.05)
    _draw_slack(canvas, face, at)
    dip, wide = ((0.10, 1.15), (0.42, 1.05), (0.16, 1.1))[picture.collar]
    shoulders = smooth(
        [[n * wide, top - 0.02], [n * 1.7, top + 0.09], [broad, top + 0.28], [broad * 1.22, top + 0.62],
        [broad * 1.25, 2.4]], 4
    )  # fmt: skip
    neckline = smooth(
        [[-n * wide, top - 0.02], [-n * 0.6, top + dip * 0.75], [0, top + dip], [n * 0.6, top + dip * 0.75],
        [n * wide, top - 0.02]], 4
    )  # fmt: skip
    if picture.collar == 1:
        neckline = np.array([[-n * wide, top - 0.02], [0, top + dip], [n * wide, top - 0.02]])
    body = np.concatenate([neckline, shoulders, (shoulders * (-1, 1))[::-1]])
    canvas.fill(at(body), cloth)
    shade = np.concatenate([shoulders, shoulders[::-1] * (0.72, 1) + (0, 0.1)]) * (-(np.sign(picture.light[0]) or 1), 1)
    canvas.fill_soft(at(shade), cloth * 0.5, 0.5, 0.08)
    canvas.fill_soft(at(ribbon(neckline, 0.045, 0)), cloth * 0.68, 0.8)
    if picture.collar == 2 and face.stage > 3:
        for side in (-1, 1):
            flap = np.array(
                [[n * 1.12, top - 0.08], [n * 0.12, top + 0.20], [n * 0.62, top + 0.36],
                [n * 1.45, top + 0.10]]
            ) * (side, 1)  # fmt: skip
            canvas.fill(at(flap), np.clip(cloth * 1.18 + 12, 0, 255))
            canvas.fill_soft(at(ribbon(flap[1:], 0.03, 0.5)), cloth * 0.5, 0.5, 0.01)


def _draw_slack(canvas: Canvas, face: Face, at) -> None:
    """What the years do to the neck: skin that hangs under the chin, cords at both sides, rings."""
    slack, n, dark = face.slack, face.neck, face.skin * (0.46, 0.34, 0.32)
    if slack < 0.03:
        return
    low = 0.99 + 0.15 * slack
    fold = smooth([[-n * 0.92, 0.84], [-n * 0.55, low], [0, low + 0.05], [n * 0.55, low], [n * 0.92, 0.84]], 4)
    bag = np.concatenate([fold, [[n * 0.8, 0.7], [-n * 0.8, 0.7]]])
    canvas.fill_soft(at(bag), face.skin * (0.80, 0.72, 0.68), 0.65 * slack, 0.02)
    canvas.fill_soft(at(ribbon(fold, 0.06, 0.9)), dark, 0.7 * slack, 0.02)
    cord = smooth([[n * 0.22, 1.02], [n * 0.34, 1.18], [n * 0.24, 1.36]], 4)
    dark_cords, light_cords = ribbon(cord, 0.06, 0.9), ribbon(cord + np.array([0.05, 0]), 0.04, 0.9)
    canvas.fill_soft([at(dark_cords), at(dark_cords * (-1, 1))], dark, 0.55 * slack, 0.022)
    canvas.fill_soft([at(light_cords), at(light_cords * (-1, 1))], face.skin * 0.95, 0.4 * slack, 0.012)
    ring = ribbon(smooth([[-n * 0.85, 1.17], [0, 1.22], [n * 0.85, 1.16]], 4), 0.035, 0.9)
    canvas.fill_soft([at(ring), at(ring + np.array([0, 0.10]))], dark, 0.45 * slack, 0.014)


def _draw_ears(canvas: Canvas, face: Face) -> None:
    size = np.array([1 + 0.10 * face.ear_age, 1 + 0.26 * face.ear_age]) * (0.92 + 0.05 * face.person.ears)
    size = size * (0.9 + 0.1 * face.growth)
    middle = 0.5 * (face.eye_y + face.nose_y) - 0.01 + 0.035 * face.ear_age
    shape = np.array(
        [[-0.03, -0.17], [0.06, -0.205], [0.125, -0.15], [0.13, -0.02], [0.085, 0.13], [0.035, 0.205],
        [-0.02, 0.17]]
    )  # fmt: skip
    rim = np.array([[0.0, -0.12], [0.06, -0.15], [0.09, -0.08], [0.075, 0.04], [0.03, 0.10]])
    for side in (-1, 1):
        base = np.array([face.width * 0.975, middle])
        pixels = canvas.place(smooth(shape * size + base, 3, True) * (side, 1), -0.12)
        canvas.fill(pixels, np.clip(face.skin * (0.90, 0.78, 0.76), 0, 255))
        inner = canvas.place(ribbon(smooth(rim * size + base, 4), 0.03, 0.6) * (side, 1), -0.1)
        canvas.fill_soft(inner, face.skin * (0.5, 0.36, 0.34), 0.55, 0.008)


def _draw_skin(canvas: Canvas, face: Face, picture: Picture, rng: np.random.Generator) -> np.ndarray:
    """Paint the head's skin and return its mask [side, side]."""
    right = smooth(face.outline, 4)
    outline = np.concatenate([right, right[-2:0:-1] * (-1, 1, 1)])
    pixels = canvas.place(outline[:, :2], outline[:, 2])
    head = canvas.mask(pixels)
    box = x0, y0, x1, y1 = canvas.box(pixels, 2)
    skin = complexion(canvas, face, picture, rng)
    # From the relief's cells to pixels: cell → head → picture.
    linear = canvas.rotation.T * (canvas.unit / CELLS)
    start = np.array(REACH[:2]) @ canvas.rotation * canvas.unit + canvas.centre - (x0, y0)
    matrix = np.column_stack([linear, start])
    painted = cv2.warpAffine(skin, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    grain = crop_noise(128, canvas.side, canvas.side, rng)[y0:y1, x0:x1] * np.float32(0.008 + 0.016 * face.texture)
    canvas.blend(head[y0:y1, x0:x1], box, painted * (1 + grain)[..., None])
    return head


def complexion(canvas: Canvas, face: Face, picture: Picture, rng: np.random.Generator) -> np.ndarray:
    """Colours of the lit skin on the relief's cells, float32 [rows, columns, 3]."""
    p = face.person
    gx, gy = relief_cells(CELLS, REACH)

    def hills(*rows):
        """The sum [rows, columns] of soft hills (height, x, y, wide, high), each with its mirror image."""
        table = np.array(rows, dtype=np.float64)
        side = table[table[:, 1] != 0] * (1, -1, 1, 1, 1)
        heights, x, y, wide, high = np.concatenate([table, side]).T
        u, v = canvas.turn(np.stack([x, y], 1), features.depth(face, np.stack([x, y], 1))).T
        across = np.exp(-0.5 * ((gx - u[:, None]) / wide[:, None]) ** 2)
        down = np.exp(-0.5 * ((gy - v[:, None]) / high[:, None]) ** 2) * heights[:, None]
        return (down.T @ across).astype(np.float32)

    g, young, man = face.growth, 1 - face.growth, p.gender == "male"
    ex, ey, ny, my, cy = face.eye_x, face.eye_y, face.nose_y + face.nose_drop, face.mouth_y, face.chin_y
    w = face.width
    ball = 1.13 - (gx[None] / w) ** 2 - ((gy[:, None] + 0.03) / 1.13) ** 2
    sockets, tip = (ex * 0.95, ey - 0.015, 0.13, 0.065), (0, ny - 0.065, 0.062, 0.06)
    z = 0.62 * np.sqrt(np.maximum(ball, 0.05)) + hills(
        (0.018 + 0.022 * man * g, 0.26, face.brow_y + 0.02, 0.15, 0.05),
        (-(0.035 + 0.03 * g + 0.012 * face.hollow), *sockets),
        (0.05 + 0.075 * g + 0.012 * p.nose_bridge, 0, ny - 0.20, 0.052, 0.15 + face.nose_drop / 2),
        (0.09 + 0.055 * g, *tip),
        (0.045, face.nose_half * 0.78, ny - 0.04, 0.042, 0.036),
        (0.045 + 0.012 * p.cheeks, 0.39, ey + 0.25, 0.14, 0.09),
        (0.075 * young, 0.42, 0.52, 0.18, 0.16),
        (0.045, 0, my - 0.01, 0.21, 0.10),
        (-0.022, 0, my + 0.125, 0.13, 0.03),
        (0.045, 0, cy - 0.13, 0.12, 0.07),
        (-0.045 * face.hollow, 0.50, 0.44, 0.11, 0.14),
        (-0.04 * face.hollow, 0.56, -0.28, 0.09, 0.14),
        (0.045 * face.sag, 0.42, 0.72, 0.10, 0.09),
        (0.020 * face.bags, ex, ey + 0.105, 0.11, 0.028),
        (-0.030 * face.bags, ex * 0.95, ey + 0.185, 0.11, 0.03),
    )
    lx, ly, lz = picture.light
    facing = facing_light(z, picture.light, CELLS)
    hollows = np.minimum(z - cv2.GaussianBlur(z, (0, 0), 5), 0)  # light comes from everywhere, less of it into hollows
    shade = (1 - picture.contrast) * 0.98 + picture.contrast * 1.16 * facing + 2.2 * hollows
    # The camera exposes for the face: darker skin is given more light.
    shade = np.clip(shade, 0.15, 1.3) * (picture.brightness * (1 + 0.32 * p.darkness))
    half = np.array([lx, ly, lz + 1]) / np.sqrt(lx**2 + ly**2 + (lz + 1) ** 2)
    shine = facing_light(z, half, CELLS) ** 8
    shine = shine * shine * shine * ((0.10 + 0.14 * p.darkness) * picture.brightness)
    colour = np.empty((*shade.shape, 3), np.float32)
    tone = np.clip(face.skin, 10, 252)
    for channel, power in enumerate((0.86, 1.0, 1.08)):  # shade on skin is warm
        colour[..., channel] = tone[channel] * shade**power + 255 * shine * (0.9, 0.9, 0.92)[channel]
    pale = (1 - p.darkness) * face.blush
    blush = hills(
        ((0.15 + 0.10 * young) * pale + 0.05 * picture.makeup, 0.43, face.eye_y + 0.30, 0.15, 0.11),
        (0.10 * pale, 0, face.nose_y - 0.065, 0.062, 0.06),
    )
    tired = hills(
        (0.08 + 0.24 * face.bags, ex * 0.95, ey + 0.105, 0.12, 0.055),
        ((0.22 + 0.10 * p.darkness + 0.12 * face.hood) * g + 0.06, *sockets),
        (0.08 * face.hollow, 0.54, 0.46, 0.07, 0.14),
    )
    colour *= 1 - blush[..., None] * np.array([0.15, 1, 0.9], np.float32)
    colour *= 1 - tired[..., None] * np.array([0.75, 0.95, 0.8], np.float32)
    if man and face.stage > 16:
        jaw = hills((1, 0.40, my + 0.05, 0.20, 0.22), (1, 0, cy - 0.08, 0.25, 0.12), (0.7, 0, my - 0.09, 0.2, 0.04))
        blue = 0.14 * ramp(face.stage, 16, 22) * (0.5 + 0.5 * (np.mean(p.hair) < 100))
        colour *= 1 - (blue * np.minimum(jaw, 1))[..., None] * np.array([1.1, 1.0, 0.8], np.float32)
    # Coarse skin: patches of red and brown, and a fine relief of pores and lines; make-up evens out a part of both.
    coarse = face.texture * (1 - 0.35 * picture.makeup)
    patches = crop_noise(32, *shade.shape, rng) * np.float32(0.010 + 0.016 * coarse)
    pores = crop_noise(256, *shade.shape, rng) * np.float32(0.006 + 0.038 * coarse)
    colour *= 1 + patches[..., None] * np.array([0.4, 1.0, 1.0], np.float32) + pores[..., None]
    return colour.astype(np.float32)
