"""Who is drawn: people with traits that never change, and how fast each of their cues ages.

:func:`agelib.drawn.ageing.grow` turns the traits into the face of an age. Each cue of age has a pace of its own in
each person, greying comes early or late and may be dyed over, heads are shaven at any age: so the cues contradict one
another, and age cannot be read off any single one. A third of all people resemble somebody else.
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
MENS_HAIR = ("side", "crop", "buzz", "quiff", "fringe", "curls", "collar", "shaven")

#: How many cues of age have a pace of their own: one for each of :data:`agelib.drawn.ageing.CUES`.
PACES = 17


#: What hair is dyed to, by people of any age: the natural colours, platinum, silver, white, copper, plum.
_DYES = np.array([*_HAIR, (226, 212, 184), (196, 196, 200), (228, 226, 222), (176, 84, 44), (96, 44, 70)])
_DYE_SHARES = (0.07, 0.15, 0.16, 0.12, 0.12, 0.06, 0.12, 0.08, 0.06, 0.04, 0.02)

#: People among whom a double is found, and the share of all people who are somebody's double.
_MODELS, _DOUBLES = 60, 0.35


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
    other_style: str  # worn on other days
    child_style: str
    style_from: float  # age from which hair is worn as an adult's, in years
    parting: float  # -1 to 1
    curl: float  # 0 to 1
    balding: float  # 0 to 1, at its end
    greying: float  # age at which half of the hair is grey, in years
    dyes: bool
    dye: tuple
    dye_from: float  # first and last age at which hair is dyed, in years
    dye_until: float
    looks: float  # years by which all cues together are ahead of the calendar, of a grown person
    paces: tuple  # the same of each cue alone, standard scores in the order of agelib.drawn.ageing.CUES
    wrinkling: float  # 0.5 to 1.6; how deep the wrinkles get
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
    is_double, model = rng.random() < _DOUBLES, int(rng.integers(_MODELS))
    n = rng.standard_normal(20)
    look = np.random.default_rng([seed, 11, model]) if is_double else rng
    if is_double:
        n = 0.9 * look.standard_normal(20) + 0.35 * n
    tone = look.beta(2, 2)
    light, dark = (np.array(c, float) for c in _SKINS[ethnicity])
    skin = light + (dark - light) * tone + rng.normal(0, 3, 3)
    hair = _HAIR[look.choice(6, p=_HAIR_SHARES[ethnicity])] * rng.uniform(0.85, 1.15)
    iris = _EYES[look.choice(6, p=_EYE_SHARES.get(ethnicity, _DARK_EYES))] * rng.uniform(0.85, 1.15)
    opening, fold, nose, lips = _SHAPES[ethnicity]
    extra = {"eye_tilt": fold, "nose_width": 1.3 * nose, "nose_bridge": -0.6 * nose, "lip_fullness": 1.4 * lips}
    curl = float(np.clip(look.beta(1.2, 3) + (0.75 if ethnicity == "black" else 0), 0, 1))
    style, other_style, child_style = _choose_styles(man, curl, rng)
    dye_from = float(rng.uniform(15, 48))
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
        hair_style=style,
        other_style=other_style,
        child_style=child_style,
        style_from=float(rng.uniform(6, 15)),
        parting=float(rng.choice([-1, 1]) * rng.uniform(0.1, 0.7)),
        curl=curl,
        balding=float(rng.beta(1.1, 1.1)) if man else float(0.3 * rng.random()),
        greying=_greying_age(rng),
        dyes=bool(rng.random() < (0.2 if man else 0.5)),
        dye=_colour(_DYES[rng.choice(len(_DYES), p=_DYE_SHARES)] * rng.uniform(0.92, 1.08)),
        dye_from=dye_from,
        dye_until=dye_from + float(rng.uniform(8, 60)),
        looks=float(rng.normal(0, 3.0)),
        paces=tuple(float(score) for score in np.clip(rng.standard_normal(PACES), -2.2, 2.2)),
        wrinkling=float(np.clip(np.exp(0.22 * rng.standard_normal()), 0.5, 1.6)),
        freckles=float(max(0, rng.random() - 0.72) * 3) if ethnicity == "white" else 0.0,
        beard=str(rng.choice(["none", "stubble", "moustache", "goatee", "full"], p=[0.5, 0.2, 0.09, 0.08, 0.13]))
        if man
        else "none",
        glasses_from=float(rng.choice([8, 25, 46, 60, 200], p=[0.16, 0.12, 0.12, 0.06, 0.54])),
        glasses_shape=float(rng.random()),
        clothes=_colour(rng.uniform(25, 225) * (1 + 0.55 * rng.uniform(-1, 1, 3))),
        mole=(float(rng.uniform(-0.5, 0.5)), float(rng.uniform(0.1, 0.8)), float(rng.random() < 0.12)),
    )


def _choose_styles(man: bool, curl: float, rng: np.random.Generator) -> tuple[str, str, str]:
    """The usual style, the one of other days, and the one worn as a child."""
    if man:
        styles, weights = MENS_HAIR, [0.26, 0.22, 0.1, 0.12, 0.08, 0.07, 0.05, 0.1]
        others, children = ["side", "crop", "buzz", "shaven"], ["side", "crop", "fringe", "fringe"]
        if curl > 0.7:
            weights, others, children = [0, 0.3, 0.25, 0, 0, 0.33, 0, 0.12], ["crop", "buzz"], ["curls", "crop"]
    else:
        styles, weights = WOMENS_HAIR, [0.26, 0.2, 0.16, 0.13, 0.14, 0.06, 0.05]
        others, children = ["tied", "wavy", "long", "tied"], ["fringe", "bob", "long", "tied"]
        if curl > 0.7:
            weights, others, children = [0.05, 0.25, 0.05, 0, 0.25, 0.1, 0.3], ["tied", "curls"], ["tied", "curls"]
    weights = np.array(weights) / np.sum(weights)
    return str(rng.choice(styles, p=weights)), str(rng.choice(others)), str(rng.choice(children))


def _greying_age(rng: np.random.Generator) -> float:
    """Age at which half of the hair is grey: early from 20 on, late beyond 75, for most of us around 50."""
    early, usual, late = rng.uniform(20, 38), rng.normal(52, 11), rng.uniform(72, 105)
    kind = rng.random()
    return float(early if kind < 0.20 else late if kind > 0.76 else np.clip(usual, 26, 90))


def _colour(values) -> tuple:
    return tuple(float(round(v)) for v in np.clip(values, 0, 255))
