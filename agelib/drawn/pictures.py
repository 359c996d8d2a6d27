"""How one picture is taken: the day, expression, pose, light, background, camera; drawn by lot for each picture.

The day changes what a person looks like without a year having passed: hair worn otherwise, a hat, make-up, a short
night, some weight more or less. So one person's images differ, and identity does not come for free.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from agelib.drawn.ageing import Face
from agelib.drawn.people import EXPRESSIONS, Person

HATS = ("cap", "beanie", "brim", "scarf", "hood")


@dataclass(frozen=True)
class Picture:
    """What a picture adds to a person at an age: angles in radians, shares from 0 to 1."""

    age: float
    seed: tuple
    expression: str = "neutral"
    smile: float = 0.0
    mouth_open: float = 0.0
    surprise: float = 0.0
    frown: float = 0.0
    gaze: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    zoom: float = 1.0
    shift: tuple = (0.0, 0.0)
    light: tuple = (-0.35, -0.45, 0.82)
    contrast: float = 0.5
    brightness: float = 1.0
    warmth: float = 0.0
    background: tuple = (120.0, 140.0, 160.0)
    background_kind: int = 0
    glasses: bool = False
    beard: str = "none"
    makeup: float = 0.0
    makeup_colour: tuple = (120.0, 90.0, 100.0)
    lipstick: tuple = (170.0, 50.0, 60.0)
    clothes: tuple = (60.0, 70.0, 90.0)
    collar: int = 0
    style: str = ""  # hair worn otherwise than usual
    hat: str = ""
    hat_colour: tuple = (90.0, 60.0, 60.0)
    tired: float = 0.0
    weight: float = 0.0  # standard score around the person's usual one
    tan: float = 0.0  # share by which the skin is darker than usual
    lens: float = 0.0  # how much larger what is near appears; 0: from far away
    blur: float = 0.0
    noise: float = 2.0
    quality: int = 88


def take_picture(person: Person, age: float, seed: int | tuple, plain: bool = False) -> Picture:
    """Draw by lot how one picture of a person is taken.

    Parameters
    ----------
    person : Person
    age : float
        In years.
    seed : int or tuple of int
        Of this picture.
    plain : bool
        Look straight into the camera on a usual day, bare-headed, in even light before a quiet background.

    Examples
    --------
    >>> from agelib.drawn.people import make_person
    >>> take_picture(make_person(1), 30.0, 5) == take_picture(make_person(1), 30.0, 5)
    True
    """
    seed = (seed,) if isinstance(seed, int) else tuple(seed)
    rng = np.random.default_rng([*seed, 2, person.number])
    expression = EXPRESSIONS[int(np.searchsorted((0.38, 0.63, 0.9, 1.0), rng.random(), side="right"))]
    smile = {"slightlyhappy": rng.uniform(0.3, 0.55), "happy": rng.uniform(0.7, 1.0)}.get(
        expression, rng.uniform(0.05, 0.25)
    )
    strange = rng.random() < 0.5
    wide = rng.uniform(0.25, 0.8) * {"happy": 1.0, "other": 1.0 * strange}.get(expression, 0.0)
    man, turn = person.gender == "male", 0.25 if plain else 1.0
    light = np.array([rng.uniform(-0.75, 0.75) * turn, -rng.uniform(0.25, 0.7), 0.8])
    hue = rng.uniform(0, 1, 3)
    grey = rng.uniform(60, 215)
    colour = grey + rng.uniform(0.1, 0.6) * 90 * (hue - 0.5)
    if plain:
        colour = 112 + 50 * (hue - 0.5)
    close = 0.0 if plain else float(rng.random() < 0.14) * rng.uniform(0.5, 1.0)
    hat = _choose_hat(man, rng)
    other = rng.random() < 0.25
    shift = rng.normal(0, 0.018, 2) * turn - (0, 0.09 * close)
    day = np.clip(rng.standard_normal(3), -2, 2) * (0.3 if plain else 1.0)
    return Picture(
        age=float(age),
        seed=seed,
        expression=expression,
        smile=float(smile),
        mouth_open=float(wide),
        surprise=float(0.9 if expression == "other" and strange else 0.0),
        frown=float(0.8 if expression == "other" and not strange else 0.0),
        gaze=float(np.clip(rng.normal(0, 0.4), -1, 1) * turn),
        yaw=float(np.clip(rng.normal(0, 0.17), -0.45, 0.45) * turn),
        pitch=float(np.clip(rng.normal(0.02, 0.08), -0.2, 0.2) * turn),
        roll=float(np.clip(rng.normal(0, 0.075), -0.22, 0.22) * turn),
        zoom=float(np.exp(rng.normal(0, 0.05) * turn + 0.35 * close)),
        shift=tuple(float(v) for v in shift),
        light=tuple(float(v) for v in light / np.linalg.norm(light)),
        contrast=float(rng.uniform(0.36, 0.5) if plain else rng.uniform(0.3, 0.64)),
        brightness=float(1.0 if plain else rng.uniform(0.86, 1.12)),
        warmth=float(rng.normal(0, 0.045) * turn),
        background=tuple(float(v) for v in np.clip(colour, 15, 245)),
        background_kind=0 if plain else int(rng.integers(0, 4)),
        glasses=bool(age >= person.glasses_from and rng.random() < 0.8),
        beard=person.beard if man and age >= 17 and rng.random() < 0.8 else "none",
        makeup=float(rng.uniform(0.4, 1.0) if not man and age > 16 and rng.random() < 0.45 else 0.0),
        makeup_colour=((110.0, 80.0, 90.0), (90.0, 90.0, 120.0), (140.0, 95.0, 70.0))[int(rng.integers(0, 3))],
        lipstick=((178.0, 42.0, 56.0), (150.0, 40.0, 70.0), (196.0, 92.0, 96.0))[int(rng.integers(0, 3))],
        clothes=tuple(float(v) for v in np.clip(np.array(person.clothes) * 0.6 + rng.uniform(0, 100, 3), 8, 245)),
        collar=int(rng.integers(0, 3)),
        style=person.other_style if other and not plain and age >= person.style_from else "",
        hat="" if plain else hat,
        hat_colour=tuple(float(v) for v in rng.uniform(20, 215) * rng.uniform(0.6, 1.25, 3).clip(0, 1.15)),
        tired=float(max(day[0], 0) * 0.22),
        weight=float(0.8 * day[1]),
        tan=float(0.035 * day[2]),
        lens=float(rng.uniform(0.02, 0.05) if plain else rng.uniform(0.0, 0.12)),
        blur=0.3 if plain else float(min(max(0.0, rng.normal(0.15, 0.28)), 0.7)),
        noise=float(1.0 if plain else rng.uniform(0.8, 4.0)),
        quality=92 if plain else int(rng.integers(72, 95)),
    )


def _choose_hat(man: bool, rng: np.random.Generator) -> str:
    """Something on the head in one picture of seven, at any age."""
    shares = (0.42, 0.26, 0.12, 0.03, 0.17) if man else (0.2, 0.24, 0.16, 0.28, 0.12)
    hat = HATS[rng.choice(len(HATS), p=shares)]
    return hat if rng.random() < 0.15 else ""


def on_the_day(face: Face, picture: Picture) -> Face:
    """Return the face as the picture's day shows it: hair worn otherwise, tired, heavier or lighter, tanned.

    >>> from agelib.drawn.ageing import grow
    >>> from agelib.drawn.people import make_person
    >>> usual = grow(make_person(1), 30)
    >>> tired = on_the_day(usual, Picture(age=30.0, seed=(1,), tired=0.5))
    >>> bool(tired.bags > usual.bags and tired.eye_open < usual.eye_open)
    True
    """
    x, y, depth = face.outline.T
    heavy = 1 + 0.03 * picture.weight * np.exp(-(((y - 0.52) / 0.32) ** 2))
    return replace(
        face,
        outline=np.stack([x * heavy, y, depth], axis=1),
        style=picture.style or face.style,
        bags=min(face.bags + 0.6 * picture.tired, 1.0),
        eye_open=face.eye_open * (1 - 0.3 * picture.tired),
        skin=face.skin * (1 - picture.tan * np.array([0.8, 1.0, 1.15])),
    )


def expose(image: np.ndarray, picture: Picture, size: int, noise: np.ndarray) -> np.ndarray:
    """Make a painting smaller, then what the camera does: white balance, blur, noise [size, size]."""
    small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    if picture.blur > 0.15:
        small = cv2.GaussianBlur(small, (0, 0), picture.blur * size / 128 + 0.15)
    balance = np.array([1 + picture.warmth, 1.0, 1 - picture.warmth], np.float32)
    noisy = small * balance + (noise * np.float32(picture.noise))[..., None]
    return np.clip(noisy + 0.5, 0, 255).astype(np.uint8)
