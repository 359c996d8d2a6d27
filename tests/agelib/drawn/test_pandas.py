"""Drawn pandas: same seed same bytes, traits that stay, years that show, animals that give their age away."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agelib import drawn
from agelib.data import sources
from agelib.drawn.pandas import OLDEST, plan_pandas

pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pandas") / "drawn"
    return drawn.draw_collection("panda", 60, seed=3, size=32, folder=folder, jobs=1, progress=False)


def content(root) -> dict:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others():
    once = drawn.draw_pandas([1, 2], [0.5, 20], size=48, seed=9)
    assert np.array_equal(once, drawn.draw_pandas([1, 2], [0.5, 20], size=48, seed=9))
    assert not np.array_equal(once, drawn.draw_pandas([1, 2], [0.5, 20], size=48, seed=10))


def test_two_processes_write_the_same_bytes_as_one(collection, tmp_path):
    other = drawn.draw_collection("panda", 60, seed=3, size=32, folder=tmp_path / "x", jobs=2, progress=False)
    assert content(other) == content(collection)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0, OLDEST), st.sampled_from([16, 33, 64]))
def test_any_panda_can_be_drawn_at_any_age_and_size(number, age, size):
    image = drawn.draw_pandas([number], age, size=size)[0]
    assert image.shape == (size, size, 3) and image.dtype == np.uint8 and image.std() > 15


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_cubs_are_round_with_large_low_eyes_and_the_old_are_yellow_and_faded(number):
    panda = drawn.make_panda(number)
    cub, adult, old = (drawn.grow_panda(panda, age) for age in (0.4, 9, 32))
    assert cub.eye > adult.eye and cub.eye_y > adult.eye_y and cub.width < adult.width
    assert cub.snout < adult.snout and cub.black.sum() < adult.black.sum()
    assert old.yellow > adult.yellow and old.faded > adult.faded and old.thin > adult.thin
    assert old.black.sum() > adult.black.sum() and old.white[2] < adult.white[2]


def test_age_cannot_be_read_off_one_measure_alone():
    rng = np.random.default_rng(0)
    ages = rng.uniform(8, 30, 400)
    yellow = [drawn.grow_panda(drawn.make_panda(k), age).yellow for k, age in enumerate(ages)]
    assert 0.4 < np.corrcoef(ages, yellow)[0, 1] < 0.9


def test_the_picture_shows_white_fur_and_dark_patches_where_they_belong():
    images = drawn.draw_pandas(range(20), 6, size=64, plain=True).astype(float).mean(axis=3)
    crown = images[:, 18:23, 28:36].mean(axis=(1, 2))
    left_eye = images[:, 30:38, 18:23].mean(axis=(1, 2))
    assert (crown > left_eye + 60).all()


@pytest.mark.parametrize("age", [-0.1, 36.5, float("nan")])
def test_an_impossible_age_is_refused(age):
    with pytest.raises(ValueError, match="0 to 36"):
        drawn.grow_panda(drawn.make_panda(0), age)


def test_too_few_ages_or_pixels_are_refused():
    with pytest.raises(ValueError, match="3 pandas and 2 ages"):
        drawn.draw_pandas([1, 2, 3], [4, 5])
    with pytest.raises(ValueError, match="16 pixels"):
        drawn.draw_pandas([1], 4, size=8)


def test_who_recognises_the_animal_knows_its_age_nearly():
    table = plan_pandas(2000, 42)
    spread = table.groupby("person")["age"].transform("std")
    assert table["age"].std() > 7 and spread.mean() < 1.5
    assert 8 < table["person"].value_counts().mean() < 16
    # Every third of a life is there, and the ages have fractions.
    assert (np.histogram(table["age"], [0, 6, 12, 24, 35])[0] > 150).all()
    assert (table["age"] % 1 > 0).mean() > 0.9


def test_an_animal_is_shown_at_several_ages():
    table = plan_pandas(500, 1)
    many = table["person"].value_counts()
    ages = table.groupby("person")["age"].nunique()
    assert (ages[many[many > 3].index] > 3).all()


def test_the_drawn_set_is_read_with_its_animals_and_labelled_as_drawn(collection):
    found = sources.read("panda", collection)
    truth = drawn.read_truth(collection).sort_values("path").reset_index(drop=True)
    assert found.skipped.empty and len(found.faces) == 60
    pd.testing.assert_series_equal(found.faces["age"], truth["age"])
    assert found.faces["identity"].tolist() == truth["identity"].tolist()
    again = sources.read("drawn-panda", pictures=12, seed=1)
    assert set(again.faces["source"]) == {"drawn-panda"} and len(again.faces) == 12


def test_a_whole_collection_is_found_again(collection):
    before = {p: p.stat().st_mtime_ns for p in collection.rglob("*.jpg")}
    again = drawn.draw_collection("panda", 60, seed=3, size=32, folder=collection, progress=False)
    assert again == collection and {p: p.stat().st_mtime_ns for p in again.rglob("*.jpg")} == before


def test_drawing_pandas_leaves_the_people_as_they_were():
    """The pandas' plan takes no number from the generators of the other layouts."""
    from agelib.drawn.planning import LAYOUTS

    assert sorted(LAYOUTS) == ["appa-real", "imdb-wiki", "utkface"]
