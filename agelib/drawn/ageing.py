"""What the years do to a face, one cue at a time: :func:`grow` and the :data:`CUES` that it puts together.

Growth comes first (a child's eyes are large and low in a round head, its jaw and nose are small), ageing later. Each
cue follows a clock of its own: in one person wrinkles come early and the jaw stays firm, in another the other way
round. And each cue can be given its own age, which no photograph allows: the same person, with the hair alone of
somebody of 70.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agelib.drawn.people import Person

#: Cue of age → by how many years it is ahead of or behind the calendar in a grown person (standard deviation).
SPREAD = {
    "growth": 0.06,  # the head's proportions; a child's share of its age, not years
    "hair": 8.0,  # colour, amount and cut; greying has an age of its own in each person
    "hairline": 14.0,  # receding, and bald in the end
    "brows": 14.0,  # thinner, greyer, lower at their outer ends
    "eyes": 13.0,  # a yellower white, a pale ring around the iris, a smaller opening
    "lids": 13.0,  # skin that hangs over the upper lid
    "bags": 14.0,  # under the eyes
    "wrinkles": 16.0,  # on the forehead, beside eyes and nose, around the mouth
    "texture": 11.0,  # coarse, mottled skin
    "spots": 14.0,  # age spots
    "complexion": 14.0,  # sallow skin, less blush
    "lips": 11.0,  # thinner and paler, before yellower teeth
    "nose": 13.0,  # longer and broader
    "ears": 14.0,  # longer
    "jowls": 10.0,  # sagging cheeks, a blunt jaw line, lowered corners of the mouth
    "neck": 13.0,  # bands and slack skin
    "hollows": 13.0,  # sunken cheeks and temples
}
CUES = tuple(SPREAD)


@dataclass(frozen=True)
class Face:
    """What a person looks like at an age: lengths in units of half a head's height, shares from 0 to 1."""

    person: Person
    age: float
    look_age: float  # the age that all cues together suggest, in years
    # growth
    stage: float  # the age of the head's proportions, in years
    growth: float  # 0 at birth, 1 when grown
    width: float
    outline: np.ndarray  # [N, 3] right half from the crown to the chin: x, y, depth; jowls and hollows change it too
    eye_y: float
    eye_x: float
    eye_half: float  # eyes too
    eye_open: float  # eyes too
    iris: float
    brow_y: float
    nose_y: float
    nose_half: float  # nose too
    mouth_y: float
    mouth_half: float
    chin_y: float
    neck: float
    hairline: float
    # hair, hairline and brows
    style: str
    hair: np.ndarray
    hair_amount: float
    grey: float  # share of the hair that is grey, white or as pale by dye
    recession: float
    bald: float
    brow_age: float
    brow_grey: float
    # eyes, lids and bags
    eye_age: float
    hood: float
    bags: float
    # skin
    wrinkles: float
    texture: float
    spots: float
    skin: np.ndarray
    blush: float
    # what grows, sags and sinks
    lips: float
    lip_fade: float
    nose_drop: float
    ear_age: float
    sag: float
    slack: float  # of the neck
    hollow: float


def ramp(value, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high`, smooth between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def cue_ages(person: Person, age: float, cues: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return the age that each cue of a person shows, in years: the calendar's, and the person's own pace.

    Parameters
    ----------
    person : Person
    age : float
        In years, 0 to 116.
    cues : mapping, optional
        Cue of :data:`CUES` → the age, in years, that this cue alone is drawn for, in place of `age`.

    Raises
    ------
    ValueError
        If there is no such cue, or an age lies outside 0 to 116 years.

    Examples
    --------
    >>> from agelib.drawn.people import make_person
    >>> someone = make_person(3)
    >>> as_is, changed = cue_ages(someone, 30), cue_ages(someone, 30, {"hair": 70})
    >>> [cue for cue in CUES if as_is[cue] != changed[cue]]
    ['hair']
    """
    cues = {} if cues is None else cues
    if unknown := [name for name in cues if name not in SPREAD]:
        raise ValueError(f"no cue of age {unknown[0]!r}; the cues are {', '.join(CUES)}")
    years = {}
    for (cue, spread), pace in zip(SPREAD.items(), person.paces, strict=True):
        own = float(cues.get(cue, age))
        if not 0 <= own <= 116:
            raise ValueError(f"a face is drawn for an age of 0 to 116 years, not {own:g}")
        if cue == "growth":
            years[cue] = own * (1 + spread * pace)
        else:
            years[cue] = max(own + (spread * pace + person.looks) * ramp(own, 12, 52), 0.0)
    return years


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


def grow(person: Person, age: float, cues: Mapping[str, float] | None = None) -> Face:
    """Return a person's face at an age, or with some cues of another age.

    Parameters and errors are those of :func:`cue_ages`.

    Examples
    --------
    >>> from agelib.drawn.people import make_person
    >>> someone = make_person(3)
    >>> child, adult = grow(someone, 2), grow(someone, 40)
    >>> bool(child.eye_y > adult.eye_y and child.iris > adult.iris)  # large eyes, low in the head
    True
    >>> smooth = grow(someone, 60, {"wrinkles": 20})  # everything else is 60
    >>> smooth.wrinkles < grow(someone, 60).wrinkles, bool(smooth.grey == grow(someone, 60).grey)
    (True, True)
    """
    years = cue_ages(person, age, cues)
    aged = [years[cue] for cue in CUES[2:]]
    parts = _proportions(person, years) | _grow_hair(person, years) | _age_skin(person, years)
    return Face(person=person, age=float(age), look_age=float(np.mean(aged)), **parts)


def _growth(person: Person, years: float) -> float:
    """Fast in the first years, done at 17 (girls) or 20 (boys)."""
    end = 19.5 if person.gender == "male" else 17.0
    grown = 0.62 * (1 - np.exp(-years / 4.2)) / (1 - np.exp(-end / 4.2)) + 0.38 * ramp(years, 5, end)
    return float(min(grown, 1.0))


def _proportions(p: Person, years: dict) -> dict:
    """Lengths: growth first, then what sags, sinks, thins and lengthens."""
    man, growth = p.gender == "male", _growth(p, years["growth"])
    young = 1 - growth
    trait = 0.45 + 0.55 * growth  # children differ less than adults do
    sag, hollow = ramp(years["jowls"], 32, 88), ramp(years["hollows"], 38, 90) * (0.9 - 0.15 * p.cheeks)
    youth = 1 - ramp(years["hollows"], 13, 48)  # the round cheeks of youth melt away
    eye_age, nose_age = ramp(years["eyes"], 28, 88), ramp(years["nose"], 22, 92)
    outline = _INFANT * young + _ADULT * growth
    x, y = outline[:, 0], outline[:, 1]
    lower = np.clip((y + 0.05) / 0.75, 0, 1)
    x = x * (1 + 0.035 * p.head_width * trait) * (1 + 0.055 * p.jaw * growth * lower * (y < 0.95))
    width = float(x.max())
    x = x * (1 + (0.03 * p.cheeks * trait + 0.05 * youth * growth) * np.exp(-(((y - 0.38) / 0.3) ** 2)))
    x = x * (1 + 0.19 * sag * np.exp(-(((y - 0.80) / 0.15) ** 2)))
    x = x * (1 - 0.09 * hollow * np.exp(-(((y - 0.30) / 0.17) ** 2)))
    x = x * (1 - 0.055 * hollow * np.exp(-(((y + 0.35) / 0.2) ** 2)))
    y = y + (0.035 * p.chin * growth + 0.025 * sag) * np.clip((y - 0.3) / 0.7, 0, 1)
    half = (0.180 * young + 0.163 * growth) * (1 + 0.045 * p.eye_size * trait)
    opening = (0.102 * young + 0.076 * growth) * p.eye_opening * (1 + 0.06 * p.eye_size)
    return {
        "stage": years["growth"],
        "growth": growth,
        "width": width,
        "outline": np.stack([x, y, outline[:, 2]], axis=1),
        "eye_y": 0.225 * young,
        "eye_x": (0.325 * young + 0.302 * growth) * (1 + 0.035 * p.eye_gap * trait),
        "eye_half": half * (1 - 0.10 * eye_age),
        "eye_open": opening * (1 - 0.24 * eye_age),
        "iris": 0.094 * young + 0.073 * growth,
        "brow_y": -0.195 * growth - 0.014 * p.brow_height,
        "nose_y": 0.475 * young + 0.405 * growth + 0.022 * p.nose_length * trait,
        "nose_half": (0.112 * young + 0.135 * growth) * (1 + 0.09 * p.nose_width * trait) * (1 + 0.24 * nose_age),
        "nose_drop": 0.065 * nose_age,
        "mouth_y": 0.655 + 0.012 * p.nose_length,
        "mouth_half": (0.185 * young + 0.262 * growth) * (1 + 0.06 * p.mouth_width * trait),
        "chin_y": float(outline[-1, 1] + 0.035 * p.chin * growth),
        "neck": 0.34 * young + (0.50 if man else 0.40) * growth,
        "hairline": -0.70 * young - 0.61 * growth - 0.03 * p.forehead,
        "eye_age": eye_age,
        "hood": ramp(years["lids"], 28, 84),
        "bags": ramp(years["bags"], 20, 80),
        "ear_age": ramp(years["ears"], 25, 92),
        "sag": sag,
        "slack": ramp(years["neck"], 30, 84),
        "hollow": hollow,
    }


def _grow_hair(p: Person, years: dict) -> dict:
    """Hair's colour, amount and cut, the hairline, and the brows."""
    age, man = years["hair"], p.gender == "male"
    grey = 1 / (1 + np.exp(-(age - p.greying) / 5.0))
    young = 1 - _growth(p, age)
    natural = np.array(p.hair)
    if p.ethnicity == "white":  # fair children darken
        natural = natural + (np.array([205, 170, 115]) - natural) * 0.35 * young
    # White hair keeps a little warmth.
    hair = natural + (np.array([205.0, 203, 200]) + 18 * ramp(age, 62, 88) - natural) * grey
    if p.dyes and p.dye_from <= age <= p.dye_until:
        dye = np.array(p.dye)
        pale = ramp(dye.min(), 120, 200)
        hair, grey = dye + (hair - dye) * 0.07, pale + (0.10 * grey) * (1 - pale)
    edge, recession = years["hairline"], 0.22 * ramp(years["hairline"], 24, 88)
    bald = 0.0
    if man:
        onset = 46 - 30 * p.balding
        recession += 0.9 * p.balding * ramp(edge, onset - 6, onset + 32)
        bald = ramp(recession, 0.55, 0.95) * ramp(edge, 20, 34)
    else:
        recession += p.balding * ramp(edge, 40, 88)
    brow_age = ramp(years["brows"], 32, 88)
    return {
        "style": p.child_style if age < p.style_from else p.hair_style,
        "hair": hair,
        "hair_amount": float(0.22 + 0.78 * ramp(age, 0.0, 2.5)) * (1 - 0.25 * ramp(age, 50, 95)),
        "grey": float(grey),
        "recession": float(min(recession, 1)),
        "bald": float(bald),
        "brow_age": brow_age,
        "brow_grey": ramp(years["brows"], 46, 82),
    }


def _age_skin(p: Person, years: dict) -> dict:
    """Wrinkles, coarseness, spots, colour, and the lips, whose skin thins."""
    sallow, lips = ramp(years["complexion"], 16, 85), ramp(years["lips"], 24, 86)
    skin, grown = np.array(p.skin), _growth(p, years["complexion"])
    pale = np.array([1.03, 0.99, 0.90]) * (skin.mean() * (1.09 + 0.08 * p.darkness))  # less red, a little sallow
    skin = skin + np.array([4.0, 0, 1]) * (1 - grown) + (pale - skin) * 0.38 * sallow
    small = 0.92 + 0.08 * _growth(p, years["lips"])
    return {
        "wrinkles": ramp(years["wrinkles"], 17, 74) * p.wrinkling,
        "texture": ramp(years["texture"], 18, 82),
        "spots": ramp(years["spots"], 34, 84),
        "skin": skin,
        "blush": 1 - 0.85 * sallow,
        "lips": small * float(np.exp(0.16 * p.lip_fullness)) * (1 - 0.62 * lips),
        "lip_fade": lips,
    }
