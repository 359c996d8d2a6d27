"""Who is drawn: people with fixed traits, and what the years do to them.

A person's traits never change; :func:`grow` turns them into the face of a given age. Growth first (a child's eyes
are large and low in a round head, its jaw and nose are small), ageing later (grey and receding hair, wrinkles,
sagging, thinner lips). How fast each of these goes differs between people, so that age cannot be read off exactly.
"""

import functools
from dataclasses import dataclass

import numpy as np

ETHNICITIES = ("white", "black", "asian", "indian", "other")
EXPRESSIONS = ("neutral", "slightlyhappy", "happy", "other")

#: One ethnicity dominates, as in the collections that the drawn ones stand for.
ETHNICITY_SHARES = (0.64, 0.12, 0.11, 0.08, 0.05)

#: Per ethnicity: lightest and darkest usual skin (RGB), and (mean, spread) of traits where groups differ a little.
_SKINS = {
    "white": ((247, 214, 194), (214, 168, 138)),
    "black": ((162, 112, 82), (86, 56, 44)),
    "asian": ((244, 210, 176), (206, 160, 118)),
    "indian": ((202, 152, 112), (128, 84, 58)),
    "other": ((228, 184, 150), (158, 110, 78)),
}
_SHAPES = {  # eye opening, fold of the lid, nose width, lip fullness
    "white": (1.0, 0.0, 0.0, 0.0),
    "black": (1.0, 0.0, 0.85, 0.9),
    "asian": (0.84, 0.85, 0.25, 0.15),
    "indian": (1.05, 0.0, 0.15, 0.3),
    "other": (0.97, 0.2, 0.25, 0.3),
}
#: Standard score → which of a person's normal numbers it is, and its mean of men and of women.
_SCORES = {
    "head_width": (0, 0.25, -0.2), "jaw": (1, 0.9, -0.7), "chin": (2, 0.4, -0.3), "cheeks": (3, 0, 0),
    "forehead": (4, 0, 0), "eye_size": (5, -0.2, 0.4), "eye_gap": (7, 0, 0), "eye_tilt": (8, 0, 0.5),
    "brow_thickness": (10, 0.9, -0.5), "brow_arch": (11, -0.6, 0.7), "brow_height": (12, -0.6, 0.5),
    "nose_width": (13, 0.35, -0.3), "nose_length": (14, 0.3, -0.2), "nose_bridge": (15, 0, 0),
    "mouth_width": (16, 0.2, 0), "lip_fullness": (17, -0.5, 0.5), "ears": (18, 0.3, -0.2),
}  # fmt: skip
#: Black, dark brown, brown, light brown, blond, red.
_HAIR = np.array([(30, 24, 22), (58, 38, 28), (96, 64, 42), (138, 98, 62), (202, 164, 104), (152, 74, 38)])
_HAIR_SHARES = {
    "white": (0.08, 0.27, 0.27, 0.16, 0.16, 0.06),
    "black": (0.82, 0.18, 0, 0, 0, 0),
    "asian": (0.8, 0.17, 0.03, 0, 0, 0),
    "indian": (0.72, 0.25, 0.03, 0, 0, 0),
    "other": (0.45, 0.35, 0.15, 0.05, 0, 0),
}
#: Brown, dark, hazel, green, blue, grey.
_EYES = np.array([(88, 56, 34), (52, 34, 26), (112, 92, 52), (92, 122, 84), (88, 132, 172), (118, 134, 144)])
_EYE_SHARES = {"white": (0.22, 0.05, 0.16, 0.13, 0.32, 0.12), "other": (0.45, 0.35, 0.15, 0.05, 0, 0)}
_DARK_EYES = (0.3, 0.7, 0, 0, 0, 0)

WOMENS_HAIR = ("long", "wavy", "bob", "fringe", "tied", "pixie", "curls")
MENS_HAIR = ("side", "crop", "buzz", "quiff", "fringe", "curls", "collar")


@dataclass(frozen=True)
class Person:
    """One person's traits. Numbers without a unit are standard scores around the average adult (0)."""

    number: int
    gender: str
    ethnicity: str
    skin: tuple
    hair: tuple
    iris: tuple
    darkness: float  # of the skin, 0 to 1
    head_width: float
    jaw: float
    chin: float
    cheeks: float
    forehead: float
    eye_size: float
    eye_opening: float
    eye_gap: float
    eye_tilt: float
    lid_fold: float  # 0 to 1
    brow_thickness: float
    brow_arch: float
    brow_height: float
    nose_width: float
    nose_length: float
    nose_bridge: float
    mouth_width: float
    lip_fullness: float
    ears: float
    hair_style: str
    child_style: str
    parting: float  # -1 to 1
    curl: float  # 0 to 1
    balding: float  # 0 to 1, at its end
    greying: float  # age at which half of the hair is grey, in years
    dyes: bool
    skin_years: float  # years that the skin looks older than it is, at 60
    wrinkling: float  # 0.4 to 1.7
    sagging: float
    spots: float
    freckles: float  # 0 to 1
    beard: str
    glasses_from: float  # age from which glasses are worn, in years
    glasses_shape: float
    clothes: tuple
    mole: tuple


@functools.lru_cache(maxsize=4096)
def make_person(number: int, seed: int = 42, gender: str | None = None, ethnicity: str | None = None) -> Person:
    """Make person `number` of the people that belong to `seed`.

    Parameters
    ----------
    number : int
        From 0.
    seed : int
    gender, ethnicity : str, optional
        Fix them (one of female and male, of :data:`ETHNICITIES`) instead of drawing them.

    Raises
    ------
    ValueError
        If gender or ethnicity is no known word.

    Examples
    --------
    >>> make_person(7) == make_person(7)
    True
    >>> make_person(7, ethnicity="asian").ethnicity
    'asian'
    """
    if gender not in (None, "female", "male"):
        raise ValueError(f"gender is female or male, not {gender!r}")
    if ethnicity is not None and ethnicity not in ETHNICITIES:
        raise ValueError(f"ethnicity is one of {', '.join(ETHNICITIES)}, not {ethnicity!r}")
    rng = np.random.default_rng([seed, 1, number])
    drawn_gender = ("female", "male")[int(rng.random() < 0.54)]
    drawn_ethnicity = str(rng.choice(ETHNICITIES, p=ETHNICITY_SHARES))
    gender, ethnicity = gender or drawn_gender, ethnicity or drawn_ethnicity
    man = gender == "male"
    tone = rng.beta(2, 2)
    light, dark = (np.array(c, float) for c in _SKINS[ethnicity])
    skin = light + (dark - light) * tone + rng.normal(0, 3, 3)
    hair = _HAIR[rng.choice(6, p=_HAIR_SHARES[ethnicity])] * rng.uniform(0.85, 1.15)
    iris = _EYES[rng.choice(6, p=_EYE_SHARES.get(ethnicity, _DARK_EYES))] * rng.uniform(0.85, 1.15)
    opening, fold, nose, lips = _SHAPES[ethnicity]
    extra = {"eye_tilt": fold, "nose_width": 1.3 * nose, "nose_bridge": -0.6 * nose, "lip_fullness": 1.4 * lips}
    n = rng.standard_normal(24)
    curl = float(np.clip(rng.beta(1.2, 3) + (0.75 if ethnicity == "black" else 0), 0, 1))
    styles = MENS_HAIR if man else WOMENS_HAIR
    weights = np.array([0.28, 0.24, 0.12, 0.14, 0.09, 0.08, 0.05] if man else [0.26, 0.2, 0.16, 0.13, 0.14, 0.06, 0.05])
    if curl > 0.7:
        weights = np.array([0, 0.3, 0.3, 0, 0, 0.4, 0] if man else [0.05, 0.25, 0.05, 0, 0.25, 0.1, 0.3])
    children = ("side", "crop", "fringe", "fringe") if man else ("fringe", "bob", "long", "tied")
    return Person(
        number=number,
        gender=gender,
        ethnicity=ethnicity,
        skin=_colour(skin),
        hair=_colour(hair),
        iris=_colour(iris),
        darkness=float(1 - skin.mean() / 235),
        **{name: n[k] + means[not man] + extra.get(name, 0) for name, (k, *means) in _SCORES.items()},
        eye_opening=float(opening * np.exp(0.1 * n[6])) * (0.95 if man else 1.07),
        lid_fold=float(np.clip(fold + 0.15 * n[9], 0, 1)),
        hair_style=str(rng.choice(styles, p=weights / weights.sum())),
        child_style=str(rng.choice(("curls", "crop") if curl > 0.7 and man else children))
        if curl <= 0.7 or man
        else "tied",
        parting=float(rng.choice([-1, 1]) * rng.uniform(0.1, 0.7)),
        curl=curl,
        balding=float(np.clip(rng.beta(1.1, 1.1), 0, 1)) if man else float(0.25 * rng.random()),
        greying=float(np.clip(50 + 6.5 * n[19], 34, 72)),
        dyes=bool(rng.random() < (0.03 if man else 0.22)),
        skin_years=float(np.clip(5.0 * n[20], -11, 11)),
        wrinkling=float(np.exp(0.28 * n[21])),
        sagging=float(np.exp(0.28 * n[22])),
        spots=float(np.exp(0.4 * n[23])),
        freckles=float(max(0, rng.random() - 0.72) * 3) if ethnicity == "white" else 0.0,
        beard=str(rng.choice(["none", "stubble", "moustache", "goatee", "full"], p=[0.5, 0.2, 0.09, 0.08, 0.13]))
        if man
        else "none",
        glasses_from=float(rng.choice([8, 25, 46, 60, 200], p=[0.06, 0.1, 0.22, 0.2, 0.42])),
        glasses_shape=float(rng.random()),
        clothes=_colour(rng.uniform(25, 225) * (1 + 0.55 * rng.uniform(-1, 1, 3))),
        mole=(float(rng.uniform(-0.5, 0.5)), float(rng.uniform(0.1, 0.8)), float(rng.random() < 0.12)),
    )


def _colour(values) -> tuple:
    return tuple(float(round(v)) for v in np.clip(values, 0, 255))


@dataclass(frozen=True)
class Face:
    """What a person looks like at an age: lengths in units of half a head's height, shares from 0 to 1."""

    person: Person
    age: float
    look_age: float  # the age that skin and hair suggest, in years
    growth: float  # 0 at birth, 1 when grown
    width: float
    outline: np.ndarray  # [N, 3] right half from the crown to the chin: x, y, depth
    eye_y: float
    eye_x: float
    eye_half: float
    eye_open: float
    iris: float
    brow_y: float
    nose_y: float
    nose_half: float
    mouth_y: float
    mouth_half: float
    lips: float
    chin_y: float
    neck: float
    hairline: float
    hair_amount: float
    recession: float
    bald: float
    grey: float
    wrinkles: float
    sag: float
    hollow: float
    spots: float
    skin: np.ndarray
    hair: np.ndarray
    style: str


def ramp(value, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high`, smooth between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


# fmt: off
_ADULT = np.array([
    [0, -1.0, -0.1], [0.36, -0.935, -0.1], [0.61, -0.72, -0.05], [0.715, -0.40, 0], [0.725, -0.08, 0.02],
    [0.69, 0.20, 0.05], [0.63, 0.46, 0.1], [0.515, 0.70, 0.18], [0.34, 0.90, 0.32], [0.16, 0.99, 0.42], [0, 1.01, 0.44],
])
_INFANT = np.array([
    [0, -0.99, -0.1], [0.42, -0.93, -0.1], [0.72, -0.70, -0.05], [0.825, -0.36, 0], [0.80, -0.02, 0.02],
    [0.79, 0.26, 0.05], [0.755, 0.50, 0.1], [0.62, 0.71, 0.18], [0.38, 0.845, 0.3], [0.17, 0.895, 0.38],
    [0, 0.905, 0.4],
])
# fmt: on


def grow(person: Person, age: float) -> Face:
    """Return a person's face at an age.

    Parameters
    ----------
    person : Person
    age : float
        In years, 0 to 116.

    Raises
    ------
    ValueError
        If the age lies outside 0 to 116 years.

    Examples
    --------
    >>> someone = make_person(3)
    >>> child, adult = grow(someone, 2), grow(someone, 40)
    >>> bool(child.eye_y > adult.eye_y and child.iris > adult.iris)  # large eyes, low in the head
    True
    """
    if not 0 <= age <= 116:
        raise ValueError(f"a face is drawn for an age of 0 to 116 years, not {age}")
    p, man = person, person.gender == "male"
    look = age + person.skin_years * ramp(age, 14, 60)
    # Fast in the first years, done at 17 (girls) or 20 (boys).
    end = 19.5 if man else 17.0
    growth = 0.62 * (1 - np.exp(-age / 4.2)) / (1 - np.exp(-end / 4.2)) + 0.38 * ramp(age, 5, end)
    growth = min(growth, 1.0)
    young = 1 - growth
    trait = 0.45 + 0.55 * growth  # children differ less than adults do
    sag = ramp(look, 36, 92) * p.sagging
    hollow = ramp(look, 62, 95) * (0.7 - 0.3 * p.cheeks)
    outline = _INFANT * young + _ADULT * growth
    x, y = outline[:, 0], outline[:, 1]
    lower = np.clip((y + 0.05) / 0.75, 0, 1)
    x = x * (1 + 0.035 * p.head_width * trait) * (1 + 0.055 * p.jaw * growth * lower * (y < 0.95))
    # The cheeks of youth melt away until 45, the jaw comes out.
    round_cheeks = 0.03 * p.cheeks * trait + 0.045 * (1 - ramp(look, 13, 45)) * growth
    x = x * (1 + round_cheeks * np.exp(-(((y - 0.38) / 0.3) ** 2)))
    jowl = np.exp(-(((y - 0.78) / 0.14) ** 2))
    x = x * (1 + 0.10 * sag * jowl) * (1 - 0.05 * hollow * np.exp(-(((y - 0.28) / 0.16) ** 2)))
    x = x * (1 - 0.035 * hollow * np.exp(-(((y + 0.35) / 0.2) ** 2)))
    y = y + (0.035 * p.chin * growth + 0.02 * sag) * np.clip((y - 0.3) / 0.7, 0, 1)
    outline = np.stack([x, y, outline[:, 2]], axis=1)
    old = ramp(look, 45, 95)
    bald = recession = 0.0
    if man:
        onset = 46 - 28 * p.balding
        recession = p.balding * ramp(age, onset - 6, onset + 34) * growth + 0.15 * ramp(age, 25, 80)
        bald = ramp(recession, 0.55, 0.95) * ramp(age, 24, 50)
    grey = 1 / (1 + np.exp(-(age - p.greying) / 4.5))
    if p.dyes and age < 74:
        grey *= 0.12
    # Fair children darken; white hair keeps a little warmth.
    fair = np.array(p.hair) + (np.array([205, 170, 115]) - np.array(p.hair)) * 0.35 * young * (p.ethnicity == "white")
    hair = fair + (np.array([205.0, 203, 200]) + 22 * ramp(age, 65, 88) - fair) * grey
    skin = np.array(p.skin)
    skin = skin + np.array([4.0, 0, 1]) * young - np.array([8.0, 10, 12]) * old * (1 - 0.4 * p.darkness)
    opening = 0.098 * young + 0.065 * growth
    return Face(
        person=p,
        age=age,
        look_age=float(look),
        growth=float(growth),
        width=float(x.max()),
        outline=outline,
        eye_y=0.225 * young + 0.0 * growth,
        eye_x=(0.325 * young + 0.298 * growth) * (1 + 0.035 * p.eye_gap * trait),
        eye_half=(0.172 * young + 0.150 * growth) * (1 + 0.045 * p.eye_size * trait) * (1 - 0.05 * old),
        eye_open=opening * p.eye_opening * (1 + 0.06 * p.eye_size) * (1 - 0.24 * ramp(look, 38, 90)),
        iris=0.090 * young + 0.067 * growth,
        brow_y=(0.0 * young - 0.185 * growth) - 0.014 * p.brow_height + 0.03 * sag,
        nose_y=(0.475 * young + 0.405 * growth) + 0.022 * p.nose_length * trait + 0.035 * old,
        nose_half=(0.112 * young + 0.135 * growth) * (1 + 0.09 * p.nose_width * trait) * (1 + 0.12 * old),
        mouth_y=(0.655 * young + 0.655 * growth) + 0.012 * p.nose_length + 0.02 * old,
        mouth_half=(0.185 * young + 0.262 * growth) * (1 + 0.06 * p.mouth_width * trait) * (1 - 0.03 * old),
        lips=(0.92 * young + 1.0 * growth) * np.exp(0.16 * p.lip_fullness) * (1 - 0.5 * ramp(look, 30, 88)),
        chin_y=float(y[-1]),
        neck=0.34 * young + (0.50 if man else 0.40) * growth,
        hairline=-0.70 * young - 0.61 * growth - 0.03 * p.forehead,
        hair_amount=float(0.22 + 0.78 * ramp(age, 0.0, 2.5)) * (1 - 0.3 * ramp(age, 55, 95)),
        recession=float(min(recession, 1)),
        bald=float(bald),
        grey=float(grey),
        wrinkles=float(ramp(look, 24, 88) * p.wrinkling),
        sag=float(sag),
        hollow=float(hollow),
        spots=float(ramp(look, 48, 92) * p.spots),
        skin=skin,
        hair=hair,
        style=p.child_style if age < 11 else p.hair_style,
    )
