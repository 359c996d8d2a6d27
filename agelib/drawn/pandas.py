"""Drawn pandas: animals with fixed traits, what the years do to them, and which of them a collection shows when.

Study D estimates the age of giant pandas from their faces and deals out animals, not pictures, to its folds. Its
pictures are not public; these are drawn, and stand for none of them. A cub's head is round, with large eyes low in it,
a short muzzle and dark patches; the head grows broad until six; fur yellows and thins, patches fade, eyes cloud and
scars gather from then on. How fast differs from animal to animal, and an animal is photographed during some years of
its life only: who recognises the animal knows its age nearly, which is what makes random folds look good.
:mod:`agelib.drawn.panda_portrait` paints them. Explained in chapter 24.
"""

import functools
from dataclasses import dataclass

import numpy as np

from agelib.drawn.ageing import ramp
from agelib.drawn.pictures import Picture

#: Oldest panda that is drawn, in years; few live so long.
OLDEST = 36.0


@dataclass(frozen=True)
class Panda:
    """One animal's traits. Numbers without a unit are standard scores around the average adult (0)."""

    number: int
    head_width: float
    cheeks: float
    crown: float
    ear_size: float
    ear_gap: float
    ear_point: float
    patch_length: float
    patch_width: float
    patch_angle: float  # radians, how far the lower end points outwards
    patch_point: float
    patch_lean: float  # left against right
    eye_gap: float
    eye_size: float
    nose_width: float
    nose_height: float
    muzzle_width: float
    muzzle_length: float
    cream: float  # 0 white, 1 cream from youth on
    brown: float  # 0 black, 1 brown patches from youth on
    look_years: float  # years that the animal looks older than it is, at 20
    yellowing: float  # 0.3 to 2.5, how fast each of these goes
    fading: float
    thinning: float
    clouding: float
    growing: float  # 0.65 to 1.5, how early the head is grown
    scars: tuple  # (x, y, angle, length, age in years from which it is there)
    nicks: tuple  # (side, where on the ear, age in years from which it is there)


_SCORES = (
    "head_width", "cheeks", "crown", "ear_size", "ear_gap", "ear_point", "patch_length", "patch_width", "patch_point",
    "patch_lean", "eye_gap", "eye_size", "nose_width", "nose_height", "muzzle_width", "muzzle_length",
)  # fmt: skip


@functools.lru_cache(maxsize=4096)
def make_panda(number: int, seed: int = 42) -> Panda:
    """Make panda `number` of the animals that belong to `seed`.

    >>> make_panda(7) == make_panda(7)
    True
    """
    rng = np.random.default_rng([seed, 21, number])
    n = rng.standard_normal(19).tolist()
    low, high = (-0.5, -0.5, 0, 0.10, 4), (0.5, 0.6, np.pi, 0.26, 34)
    scars = [tuple(rng.uniform(low, high).tolist()) for _ in range(int(rng.integers(0, 5)))]
    nicks = [
        (int(rng.choice([-1, 1])), float(rng.uniform(-1.0, 1.4)), float(rng.uniform(3, 30)))
        for _ in range(int(rng.integers(0, 3)))
    ]
    return Panda(
        number=number,
        **dict(zip(_SCORES, n[:8] + n[9:17], strict=True)),
        patch_angle=float(np.clip(0.62 + 0.2 * n[8], 0.15, 1.1)),
        cream=float(rng.beta(1.3, 2.5)),
        brown=float(rng.beta(1.1, 3)),
        look_years=float(np.clip(5.0 * n[17], -10, 10)),
        yellowing=float(np.clip(np.exp(0.55 * rng.standard_normal()), 0.3, 2.5)),
        fading=float(np.clip(np.exp(0.55 * rng.standard_normal()), 0.3, 2.5)),
        thinning=float(np.clip(np.exp(0.55 * rng.standard_normal()), 0.3, 2.5)),
        clouding=float(rng.beta(1, 1.2)),
        growing=float(np.clip(np.exp(0.18 * n[18]), 0.65, 1.5)),
        scars=tuple(scars),
        nicks=tuple(nicks),
    )


@dataclass(frozen=True)
class PandaFace:
    """What a panda looks like at an age: lengths in units of about half a head's height, shares from 0 to 1."""

    panda: Panda
    age: float
    growth: float  # 0 at birth, 1 when grown
    outline: np.ndarray  # [N, 2] right half from the crown to the chin
    width: float
    ear: float
    ear_x: float
    ear_y: float
    eye_x: float
    eye_y: float
    eye: float
    patch_long: float
    patch_wide: float
    nose_y: float
    nose_half: float
    nose_high: float
    muzzle_x: float
    muzzle_y: float
    snout: float  # how far the muzzle stands out
    white: np.ndarray
    black: np.ndarray
    yellow: float
    faded: float
    thin: float
    cloud: float
    fluff: float


# fmt: off
_ADULT = np.array([
    [0, -0.80], [0.34, -0.77], [0.64, -0.62], [0.87, -0.32], [0.99, 0.04], [1.00, 0.32], [0.87, 0.59], [0.60, 0.78],
    [0.30, 0.87], [0, 0.89],
])
_CUB = np.array([
    [0, -0.90], [0.38, -0.86], [0.68, -0.67], [0.84, -0.36], [0.89, -0.02], [0.85, 0.28], [0.70, 0.53], [0.47, 0.69],
    [0.24, 0.765], [0, 0.78],
])
# fmt: on


def grow_panda(panda: Panda, age: float) -> PandaFace:
    """Return a panda's face at an age.

    Parameters
    ----------
    panda : Panda
    age : float
        In years, 0 to 36, with fractions. A cub of a few weeks is drawn like one of some months.

    Raises
    ------
    ValueError
        If the age lies outside 0 to 36 years.

    Examples
    --------
    >>> someone = make_panda(3)
    >>> cub, adult, old = (grow_panda(someone, age) for age in (0.5, 8, 28))
    >>> bool(cub.eye > adult.eye and cub.width < adult.width and old.yellow > adult.yellow)
    True
    """
    if not 0 <= age <= OLDEST:
        raise ValueError(f"a panda is drawn for an age of 0 to {OLDEST:g} years, not {age}")
    p = panda
    years = age * p.growing
    growth = min(0.68 * (1 - np.exp(-years / 1.7)) / (1 - np.exp(-7 / 1.7)) + 0.32 * ramp(years, 1, 7), 1.0)
    young = 1 - growth
    look = age + p.look_years * ramp(age, 4, 20)
    trait = 0.55 + 0.45 * growth
    outline = _CUB * young + _ADULT * growth
    x, y = outline[:, 0].copy(), outline[:, 1].copy()
    x *= 1 + 0.04 * p.head_width * trait
    x *= 1 + 0.035 * p.cheeks * growth * np.exp(-(((y - 0.42) / 0.25) ** 2))
    y *= np.where(y < 0, 1 + 0.035 * p.crown, 1)
    # The old lose the cheeks' muscles.
    x *= 1 - 0.05 * ramp(look, 19, 32) * np.exp(-(((y - 0.45) / 0.25) ** 2))
    width = float(x.max())
    yellow = float(np.clip(0.45 * p.cream + 0.55 * ramp(look, 5, 30) * p.yellowing, 0, 0.95))
    faded = float(np.clip(0.75 * ramp(look, 8, 32) * p.fading, 0, 1.0))
    white = np.array([246.0, 245, 242]) - yellow * np.array([26.0, 44, 80])
    black = np.array([20.0, 19, 22]) + p.brown * np.array([58.0, 36, 20]) + ramp(years, 0.4, 5) * 8
    return PandaFace(
        panda=p,
        age=age,
        growth=float(growth),
        outline=np.stack([x, y], 1),
        width=width,
        ear=(0.29 * young + 0.275 * growth) * (1 + 0.07 * p.ear_size),
        ear_x=width * (0.735 * young + 0.72 * growth) * (1 + 0.035 * p.ear_gap),
        ear_y=(-0.70 * young - 0.64 * growth) * (1 + 0.02 * p.crown) + 0.03 * p.ear_gap,
        eye_x=(0.365 * young + 0.385 * growth) * (1 + 0.045 * p.eye_gap * trait),
        eye_y=0.115 * young - 0.045 * growth,
        eye=(0.118 * young + 0.074 * growth) * (1 + 0.06 * p.eye_size) * (1 - 0.14 * ramp(look, 18, 32)),
        patch_long=(0.225 * young + 0.285 * growth) * (1 + 0.10 * p.patch_length * trait),
        patch_wide=(0.185 * young + 0.178 * growth) * (1 + 0.09 * p.patch_width * trait),
        nose_y=(0.335 * young + 0.30 * growth) + 0.085 * growth + 0.022 * p.muzzle_length * growth,
        nose_half=(0.125 * young + 0.160 * growth) * (1 + 0.08 * p.nose_width * trait),
        nose_high=(0.085 * young + 0.108 * growth) * (1 + 0.08 * p.nose_height * trait),
        muzzle_x=(0.33 * young + 0.385 * growth) * (1 + 0.06 * p.muzzle_width * trait),
        muzzle_y=(0.225 * young + 0.315 * growth) * (1 + 0.04 * p.muzzle_length * trait),
        snout=(0.12 * young + 0.40 * growth) * (1 + 0.10 * p.muzzle_length * trait) + 0.05 * ramp(look, 12, 30),
        white=white,
        black=black + faded * np.array([50.0, 41, 32]),
        yellow=yellow,
        faded=faded,
        thin=float(np.clip(ramp(look, 12, 33) * p.thinning, 0, 1.3)),
        cloud=float(np.clip(1.25 * p.clouding * ramp(look, 17, 31), 0, 1)),
        fluff=float(0.026 + 0.034 * young),
    )


def take_panda_picture(panda: Panda, age: float, seed: int | tuple, plain: bool = False) -> Picture:
    """Draw by lot how one picture of a panda is taken; `plain`: facing the camera in even light.

    >>> take_panda_picture(make_panda(1), 3.5, 5) == take_panda_picture(make_panda(1), 3.5, 5)
    True
    """
    seed = (seed,) if isinstance(seed, int) else tuple(seed)
    rng = np.random.default_rng([*seed, 22])
    turn = 0.2 if plain else 1.0
    light = np.array([rng.uniform(-0.7, 0.7) * turn, -rng.uniform(0.3, 0.8), 0.8])
    kind = int(rng.choice(4, p=(0.34, 0.2, 0.26, 0.2)))
    ground = np.array([(84, 122, 62), (128, 120, 110), (168, 166, 156), (120, 148, 84)][2 if plain else kind], float)
    ground = ground * rng.uniform(0.7, 1.2) + rng.normal(0, 8, 3)
    if plain:
        ground = np.array([150.0, 164, 150])
    return Picture(
        age=float(age),
        seed=seed,
        mouth_open=float(max(0.0, rng.uniform(-1.2, 1.0)) * (not plain)),
        gaze=float(np.clip(rng.normal(0, 0.4), -1, 1) * turn),
        yaw=float(np.clip(rng.normal(0, 0.17), -0.4, 0.4) * turn),
        pitch=float(np.clip(rng.normal(0.0, 0.09), -0.22, 0.22) * turn),
        roll=float(np.clip(rng.normal(0, 0.10), -0.3, 0.3) * turn),
        zoom=float(np.exp(rng.normal(0, 0.055) * turn)),
        shift=tuple(float(v) for v in rng.normal(0, 0.018, 2) * turn),
        light=tuple(float(v) for v in light / np.linalg.norm(light)),
        contrast=float(0.42 if plain else rng.uniform(0.3, 0.62)),
        brightness=float(1.0 if plain else rng.uniform(0.76, 1.08)),
        warmth=float(rng.normal(0, 0.05) * turn),
        background=tuple(float(v) for v in np.clip(ground, 20, 235)),
        background_kind=2 if plain else kind,
        blur=0.2 if plain else float(np.clip(rng.normal(0.2, 0.3), 0, 0.8)),
        noise=float(1.0 if plain else rng.uniform(0.8, 4.0)),
        quality=92 if plain else int(rng.integers(72, 95)),
    )


def plan_pandas(pictures: int, seed: int):
    """Decide every picture of a collection of pandas.

    An animal has about twelve pictures, all within some years around one time of its life; four in ten of these times
    lie before the sixth year, and few after the twenty-eighth. No fault is planted: what these pictures teach is the
    leak of identities, and nothing else shall be in its way. One row a picture: ``person`` (number of the animal),
    ``age`` and ``true_age`` (years, with two digits of the current one), and empty columns of faults.

    >>> table = plan_pandas(100, 42)
    >>> len(table), bool(table["age"].between(0.2, 34).all())
    (100, True)
    """
    import pandas as pd

    rng = np.random.default_rng([seed, 23])
    sizes = 4 + rng.geometric(0.125, pictures)
    person = np.repeat(np.arange(pictures), np.minimum(sizes, 30))[:pictures]
    animals = int(person.max()) + 1
    # Times of life by quota, so that even a small set spans them.
    quota = (np.arange(animals) + rng.random()) / animals
    middle = np.interp(quota, [0, 0.4, 0.75, 0.93, 1], [0.6, 6, 16, 25, 32])[rng.permutation(animals)]
    spread = rng.uniform(0.5, 1.6, animals) * (0.5 + 0.5 * np.minimum(middle / 4, 1))
    age = np.clip(rng.normal(middle[person], spread[person]), 0.25, 34)
    age = np.where(age <= 0.25, rng.uniform(0.25, 1.0, pictures), age).round(2)
    table = pd.DataFrame({"person": person, "age": age, "true_age": age, "part_of_year": 0.0})
    table["fault"], table["original"], table["gender"], table["ethnicity"] = "", -1, None, None
    table["person"] = rng.permutation(animals)[table["person"]]
    return table.iloc[rng.permutation(pictures)].reset_index(drop=True)
