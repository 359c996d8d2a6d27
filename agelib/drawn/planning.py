"""What a drawn collection contains, before anything is drawn: who, at which age, and which fault is planted where."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from agelib.drawn.ageing import grow
from agelib.drawn.people import ETHNICITIES, ETHNICITY_SHARES, make_person
from agelib.drawn.pictures import take_picture


def _share(value: float, name: str, layouts: str = "imdb-wiki"):
    return field(default=value, metadata={"name": name, "layouts": layouts.split()})


_ALL = "imdb-wiki utkface appa-real"


@dataclass(frozen=True)
class Faults:
    """Which share of a collection's pictures has which planted fault; a picture has one at most.

    ``Faults.none()`` plants nothing. From 100 pictures on, every fault of the layout with a share above 0 occurs at
    least once.

    >>> Faults(no_face=0.1).no_face, Faults.none().no_face
    (0.1, 0.0)
    """

    wrong_year: float = _share(0.01, "wrong year")  # the recorded year, and so the age, is 5 to 40 years off
    missing_gender: float = _share(0.04, "missing gender")  # the gender is not recorded
    negative_age: float = _share(0.01, "negative age")  # the picture was taken before its subject was born
    age_over_130: float = _share(0.005, "age over 130")  # born more than 130 years before the picture
    impossible_birth: float = _share(0.004, "impossible birth date")  # the serial date of birth lies below 367
    no_face: float = _share(0.05, "no face")  # no face in the picture, and the detector found none
    no_face_high_score: float = _share(0.01, "no face, high score")  # no face in the picture, but a score as if
    missed_face: float = _share(0.02, "missed face")  # a face that the detector missed: oftener dark skin and beards
    two_faces: float = _share(0.02, "two faces")  # a second face, with its own score
    exact_duplicate: float = _share(0.015, "exact duplicate", _ALL)  # the bytes of another picture, the same label
    exact_contradicting: float = _share(0.01, "exact duplicate, contradicting", _ALL)  # the same bytes, another age
    near_duplicate: float = _share(0.015, "near duplicate", _ALL)  # another picture re-encoded, resized or brightened
    near_contradicting: float = _share(0.005, "near duplicate, contradicting", _ALL)  # the same, and another age
    truncated: float = _share(0.004, "truncated", "imdb-wiki utkface")  # the file ends after two fifths
    text_file: float = _share(0.003, "text file", "imdb-wiki utkface")  # text that is named .jpg
    grey: float = _share(0.015, "grey", _ALL)  # a JPEG with one channel
    cmyk: float = _share(0.004, "CMYK", _ALL)  # a JPEG with four channels of ink
    png16: float = _share(0.003, "16-bit PNG", "imdb-wiki utkface")  # a PNG of 16 bits a channel that is named .jpg
    malformed_name: float = _share(0.012, "malformed name", "utkface")  # no race, no dot, a space, wrong digits

    @classmethod
    def none(cls) -> "Faults":
        """No faults at all."""
        return cls(**{f.name: 0.0 for f in dataclasses.fields(cls)})

    def shares(self, layout: str) -> dict[str, float]:
        """Fault's name → share, of the faults that occur in a layout."""
        return {
            f.metadata["name"]: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if layout in f.metadata["layouts"] and getattr(self, f.name) > 0
        }


#: Layout → youngest age, shares of the ethnicities.
LAYOUTS = {
    "imdb-wiki": (0, dict(zip(ETHNICITIES, ETHNICITY_SHARES, strict=True))),
    "utkface": (1, {"white": 0.46, "black": 0.17, "asian": 0.15, "indian": 0.15, "other": 0.07}),
    "appa-real": (0, {"white": 0.84, "asian": 0.10, "black": 0.06}),
}


def plan(layout: str, pictures: int, seed: int, faults: Faults) -> pd.DataFrame:
    """Decide every picture of a collection, in one of :data:`LAYOUTS`; the same seed gives the same table.

    One row a picture: ``person`` and its traits, ``true_age`` (completed years) and ``part_of_year``, the recorded
    ``age`` (missing where it cannot be known), ``fault``, ``original`` (row of the picture that is repeated, or -1),
    scores of the pretended detector, the look of the picture.

    >>> table = plan("imdb-wiki", 100, 42, Faults())
    >>> len(table), bool(table["fault"].eq("no face").any())
    (100, True)
    """
    youngest, shares = LAYOUTS[layout]
    rng = np.random.default_rng([seed, 8, sorted(LAYOUTS).index(layout)])
    table = _people_and_ages(pictures, youngest, rng)
    number, odds = table["person"].max() + 1, np.array(list(shares.values()))
    people = pd.DataFrame({"gender": np.where(rng.random(number) < 0.56, "male", "female")})
    people["ethnicity"] = rng.choice(list(shares), number, p=odds / sum(shares.values()))
    table = table.join(people, on="person")
    table["fault"], table["original"] = "", -1
    _plant(table, faults.shares(layout), people, seed, rng)
    _look(table, seed)
    _label(table, youngest, rng)
    _score(table, rng)
    return table


def _people_and_ages(pictures: int, youngest: int, rng: np.random.Generator) -> pd.DataFrame:
    """Ages heaped at 20 to 40 over an even floor, dealt out so that a person's pictures lie some years apart."""
    heap = int(0.42 * pictures)
    # A floor by quota, not by lot, even up to 74 and thinner above: at 3000 pictures each age to 74 has 20 of it.
    every_age = np.arange(youngest, 96)
    density = np.interp(every_age, [74, 95], [1.0, 0.2]).cumsum()
    quota = (np.arange(pictures - heap) + rng.random()) / (pictures - heap) * density[-1]
    floor = every_age[np.searchsorted(density, quota).clip(max=len(every_age) - 1)]
    ages = np.concatenate([floor, np.clip(np.round(rng.normal(30, 7, heap)), youngest, 95).astype(int)])
    order = np.argsort(ages + rng.normal(0, 8, pictures), kind="stable")
    sizes = np.minimum(1 + rng.geometric(0.28, pictures), 12)
    person = np.repeat(np.arange(pictures), sizes)[:pictures]
    table = pd.DataFrame({"person": person, "true_age": ages[order], "part_of_year": rng.random(pictures)[person]})
    # Names in no order of age.
    table["person"] = rng.permutation(table["person"].max() + 1)[table["person"]]
    return table.iloc[rng.permutation(pictures)].reset_index(drop=True)


def _plant(table: pd.DataFrame, shares: dict, people: pd.DataFrame, seed: int, rng: np.random.Generator) -> None:
    """Deal the faults out over the rows; a missed face falls on dark skin and beards more often."""
    number = len(table)
    counts = {name: max(round(share * number), int(number >= 100)) for name, share in shares.items()}
    free = np.ones(number, bool)
    if "missed face" in counts:
        traits = [make_person(k, seed, r.gender, r.ethnicity) for k, r in enumerate(people.itertuples())]
        weight = np.array([0.05 + t.darkness**2 + 0.25 * (t.beard in ("full", "goatee", "moustache")) for t in traits])
        weight = weight[table["person"].to_numpy()]
        rows = rng.choice(number, counts.pop("missed face"), replace=False, p=weight / weight.sum())
        table.loc[rows, "fault"], free[rows] = "missed face", False
    # Spread evenly over the ages, so that no age loses most of its pictures.
    rest = rng.permutation(np.flatnonzero(free))
    rest = rest[np.argsort(table["true_age"].to_numpy()[rest], kind="stable")]
    total = min(sum(counts.values()), len(rest))
    struck = np.zeros(len(rest), bool)
    struck[((np.arange(total) + rng.random()) * len(rest) / max(total, 1)).astype(int)] = True
    rest = np.concatenate([rng.permutation(rest[struck]), rng.permutation(rest[~struck])])
    taken = 0
    for name, count in counts.items():
        table.loc[rest[taken : taken + count], "fault"] = name
        taken += count
    copies = np.flatnonzero(table["fault"].str.contains("duplicate"))
    originals = rng.choice(rest[taken:], len(copies), replace=False) if len(copies) else []
    for copy, original in zip(copies, originals, strict=True):
        table.loc[copy, "original"] = original
        for column in ("person", "true_age", "part_of_year", "gender", "ethnicity"):
            table.loc[copy, column] = table.loc[original, column]


def _look(table: pd.DataFrame, seed: int) -> None:
    """What each picture happens to show, for the truth table and the pretended detector and raters."""
    rows = []
    for index, row in enumerate(table.itertuples()):
        person = make_person(row.person, seed, row.gender, row.ethnicity)
        shown = index if row.original < 0 else row.original
        picture = take_picture(person, row.true_age + row.part_of_year, (seed, shown))
        face = grow(person, picture.age)
        rows.append(
            (picture.expression, picture.beard, picture.glasses, picture.makeup, picture.smile, picture.blur,
             abs(picture.yaw), person.darkness, face.look_age, face.grey, face.bald)
        )  # fmt: skip
    names = ["expression", "beard", "glasses", "makeup", "smile", "blur", "turned", "darkness", "look_age"]
    names += ["grey_hair", "bald"]
    table[names] = pd.DataFrame(rows, columns=names)


def _label(table: pd.DataFrame, youngest: int, rng: np.random.Generator) -> None:
    """The recorded age, in completed years: the true one except where a fault says otherwise."""
    number = len(table)
    off = rng.integers(5, 41, number) * rng.choice([-1, 1], number)
    off = np.where((table["true_age"] + off < youngest) | (table["true_age"] + off > 100), -off, off)
    shifted = np.clip(table["true_age"] + off, youngest, 100)
    fault = table["fault"]
    wrong = fault.eq("wrong year") | fault.str.contains("contradicting")
    age = table["true_age"].astype(float).mask(wrong, shifted)
    age = age.mask(fault.eq("negative age"), -rng.integers(1, 40, number))
    age = age.mask(fault.eq("age over 130"), rng.integers(131, 250, number))
    table["age"] = age.mask(fault.eq("impossible birth date"))


def _score(table: pd.DataFrame, rng: np.random.Generator) -> None:
    """Scores of a pretended detector that likes light, shaven, frontal faces."""
    number = len(table)
    beard = table["beard"].map({"none": 0, "stubble": 0.15, "moustache": 0.9, "goatee": 0.8, "full": 1.2}).astype(float)
    score = 4.6 - 2.6 * table["darkness"] - beard - 0.35 * table["glasses"] - 2.2 * table["turned"]
    score -= 0.6 * table["blur"]
    score = np.maximum(score + rng.normal(0, 0.75, number), 0.05 + 0.4 * rng.random(number))
    high, chance = rng.uniform(2.5, 5.5, number), rng.random(number)
    fault = table["fault"]
    score = score.mask(fault.isin(["no face", "missed face"]), -np.inf).mask(fault.eq("no face, high score"), high)
    second = _score_second(score, chance)
    table["face_score"] = score.round(4)
    table["second_face_score"] = np.where(fault.eq("two faces"), second.round(4), np.nan)


def _score_second(score: pd.Series, chance: np.ndarray) -> np.ndarray:
    """Scores of second faces, from the first faces' and one number in [0, 1) each.

    The first face is the one with the higher score: in WIKI's own table the second has two thirds of it on average and
    5.5 at most. So none reaches study A's threshold of 8, and its rule removes nobody. Here one in twelve does, or the
    rule would have nothing to do.
    """
    return np.where(chance < 1 / 12, 8 + 24 * chance, score * (0.25 + 0.75 * chance))


def rate(table: pd.DataFrame, seed: int) -> list[np.ndarray]:
    """Guesses of pretended raters of each picture, in years: they go by looks, and pull the old towards the young."""
    rng = np.random.default_rng([seed, 9])
    guesses = []
    for row in table.itertuples():
        age = row.true_age + row.part_of_year
        seen = age + 0.8 * (row.look_age - age) - 0.07 * (age - 35) * (age > 35)
        seen += 2.0 * (row.grey_hair - 0.5) * (age > 30) + 2.5 * row.bald - 1.5 * row.makeup + (row.beard == "full")
        number = int(rng.integers(10, 39))
        guesses.append(np.clip(np.round(rng.normal(seen, 1.2 + 0.085 * age, number)), 0, 100))
    return guesses
