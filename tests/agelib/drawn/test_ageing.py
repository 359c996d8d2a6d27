"""Cues of age: each can be changed alone, shows when it is, and moves nothing else; none of them tells the age."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from agelib import drawn
from agelib.drawn.ageing import cue_ages, grow
from agelib.drawn.people import PACES, make_person
from agelib.drawn.pictures import HATS, take_picture

pytest.importorskip("cv2")

#: The fields of a face that each cue of skin and hair moves; a child's proportions move all lengths.
OWN = {
    "hair": {"style", "hair", "hair_amount", "grey"},
    "hairline": {"recession", "bald"},
    "brows": {"brow_age", "brow_grey"},
    "eyes": {"eye_age", "eye_half", "eye_open"},
    "lids": {"hood"},
    "bags": {"bags"},
    "wrinkles": {"wrinkles"},
    "texture": {"texture"},
    "spots": {"spots"},
    "complexion": {"skin", "blush"},
    "lips": {"lips", "lip_fade"},
    "nose": {"nose_half", "nose_drop"},
    "ears": {"ear_age"},
    "jowls": {"sag", "outline"},
    "neck": {"slack"},
    "hollows": {"hollow", "outline"},
}


def changed_fields(person, cue: str, low: float, high: float) -> set:
    one, other = (grow(person, 50.0, {cue: years}) for years in (low, high))
    names = [field.name for field in dataclasses.fields(one) if field.name not in ("person", "look_age")]
    return {name for name in names if not np.array_equal(getattr(one, name), getattr(other, name))}


def portraits(cue: str, years: float, people=range(12), age: float = 55.0, size: int = 64) -> np.ndarray:
    """Plain, without glasses, beard and fringe, so that nothing hides what a cue changes: [N, S, S, 3]."""
    images = []
    for number in people:
        person = dataclasses.replace(
            make_person(number), hair_style="side", dyes=False, greying=55.0, wrinkling=1.0, balding=0.9
        )
        shot = dataclasses.replace(take_picture(person, age, (7, number), plain=True), glasses=False, beard="none")
        images.append(drawn.draw(person, shot, size, {cue: years}))
    return np.stack(images).astype(int)


def test_the_cues_have_names_and_growth_and_hair_are_among_them():
    assert len(set(drawn.CUES)) == len(drawn.CUES) == PACES
    assert {"growth", "hair", "hairline", "wrinkles"} <= set(drawn.CUES)
    assert set(OWN) == set(drawn.CUES) - {"growth"}


@pytest.mark.parametrize("cue", OWN)
def test_a_cue_moves_its_own_fields_and_no_others(cue):
    found = set.union(*(changed_fields(make_person(number), cue, 5.0, 85.0) for number in range(25)))
    assert found == OWN[cue]


def test_growth_moves_lengths_and_no_sign_of_old_age():
    found = set.union(*(changed_fields(make_person(number), "growth", 4.0, 30.0) for number in range(10)))
    assert {"growth", "eye_y", "iris", "outline"} <= found
    assert not found & {"hair", "grey", "wrinkles", "skin", "sag", "hood", "texture", "brow_age"}


@pytest.mark.parametrize("cue", OWN)
def test_a_cue_alone_is_seen_on_64_pixels(cue):
    difference = np.abs(portraits(cue, 85.0) - portraits(cue, 20.0)).max(axis=3)
    assert (difference.max(axis=(1, 2)) >= 16).mean() >= 0.9  # of 255 grey values, somewhere in nine faces of ten


def test_growth_alone_changes_most_of_the_face():
    difference = np.abs(portraits("growth", 4.0) - portraits("growth", 30.0)).max(axis=3)
    assert (difference > 16).mean() > 0.15


@pytest.mark.parametrize(
    ("cue", "rows", "columns"),
    [
        ("lips", slice(0, 34), slice(None)),  # nothing above the nose
        ("neck", slice(0, 44), slice(None)),
        ("hairline", slice(36, 64), slice(24, 40)),  # nothing at nose, mouth and chin
        ("hair", slice(36, 64), slice(24, 40)),
        ("bags", slice(0, 22), slice(None)),
        ("eyes", slice(42, 64), slice(None)),
        ("lids", slice(42, 64), slice(None)),
        ("brows", slice(40, 64), slice(None)),
        ("nose", slice(0, 18), slice(None)),
    ],
)
def test_a_cue_leaves_the_rest_of_the_image_alone(cue, rows, columns):
    difference = np.abs(portraits(cue, 85.0) - portraits(cue, 20.0)).max(axis=3)
    assert difference[:, rows, columns].max() <= 1


def test_the_background_does_not_know_which_cue_was_changed():
    for cue in set(OWN) - {"hair", "neck", "ears"}:
        difference = np.abs(portraits(cue, 85.0, range(3)) - portraits(cue, 20.0, range(3)))
        assert difference[:, :, :3].max() == difference[:, :, -3:].max() == 0, cue


def test_the_age_itself_as_a_cue_changes_nothing():
    person, shot = make_person(4), take_picture(make_person(4), 47.0, 3)
    as_is = drawn.draw(person, shot, 48)
    assert np.array_equal(as_is, drawn.draw(person, shot, 48, dict.fromkeys(drawn.CUES, 47.0)))
    assert np.array_equal(drawn.draw_faces([4], 47.0, 48)[0], drawn.draw_faces([4], 47.0, 48, cues={"hair": 47.0})[0])


def test_an_unknown_cue_or_an_impossible_age_is_refused():
    with pytest.raises(ValueError, match="no cue of age 'teeth'; the cues are growth, hair"):
        cue_ages(make_person(0), 30.0, {"teeth": 60.0})
    with pytest.raises(ValueError, match="0 to 116 years, not 117"):
        grow(make_person(0), 30.0, {"hair": 117.0})


def test_cues_disagree_within_a_person_and_the_best_error_is_some_years():
    ages = np.random.default_rng(0).uniform(45, 85, 400)
    shown = np.array([list(cue_ages(make_person(k), age).values())[1:] for k, age in enumerate(ages)])
    apart = shown - ages[:, None]
    correlations = np.corrcoef(apart.T)[np.triu_indices(apart.shape[1], 1)]
    assert np.abs(correlations).mean() < 0.2
    assert (np.abs(apart).mean(axis=0) > 5).all()
    assert 1.5 < np.abs(apart.mean(axis=1)).mean() < 5


def test_hair_says_little_of_an_adults_age():
    ages = np.random.default_rng(1).uniform(18, 90, 800)
    faces = [grow(make_person(k), age) for k, age in enumerate(ages)]
    grey = np.array([face.grey for face in faces])
    assert 0.2 < np.corrcoef(grey, ages)[0, 1] < 0.6
    assert (grey[ages < 35] > 0.5).mean() > 0.08 and (grey[ages > 70] < 0.3).mean() > 0.2
    bald = np.array([max(face.bald, face.style == "shaven") for face in faces])
    assert (bald[ages < 35] > 0.5).mean() > 0.03


def test_a_day_changes_a_person_and_plain_pictures_are_of_usual_days():
    person = make_person(6, gender="female")
    shots = [take_picture(person, 40.0, (1, k)) for k in range(200)]
    assert {shot.hat for shot in shots} == {"", *HATS}
    assert 0.1 < np.mean([shot.hat != "" for shot in shots]) < 0.25
    assert {shot.style for shot in shots} == {"", person.other_style}
    plain = [take_picture(person, 40.0, (1, k), plain=True) for k in range(50)]
    assert {shot.hat for shot in plain} == {shot.style for shot in plain} == {""}
    assert max(shot.zoom for shot in plain) < 1.1


def test_some_people_look_alike():
    people = [make_person(number) for number in range(300)]
    traits = np.array(
        [[p.head_width, p.jaw, p.chin, p.eye_size, p.eye_gap, p.nose_width, p.nose_length] for p in people]
    )
    apart = np.linalg.norm(traits[:, None] - traits[None], axis=2)
    nearest = (apart + 99 * np.eye(len(people))).min(axis=1)
    assert (nearest < 1.2).mean() > 0.15  # by chance alone one in a hundred


def test_another_process_draws_the_same_bytes():
    code = (
        "import hashlib; from agelib import drawn;"
        "images = drawn.draw_faces(range(4), [3, 30, 60, 85], 48, seed=5, cues={'wrinkles': 70});"
        "print(hashlib.sha256(images.tobytes()).hexdigest())"
    )
    found = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(found) == 1 and len(found.pop()) == 65
