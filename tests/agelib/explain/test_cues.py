"""What a cue is worth: a predictor whose use of each cue is known gets exactly that effect."""

import numpy as np
import pandas as pd
import pytest

from agelib import drawn
from agelib.explain import cue_effects

pytest.importorskip("cv2")


def hair_reader(images):
    """A predictor that sees the crown alone: bright hair is old."""
    return images[:, 2:8, 14:18].mean(axis=(1, 2, 3)) / 2.55


def test_a_predictor_that_sees_hair_alone_is_moved_by_hair_alone():
    table = cue_effects(
        hair_reader, range(30), 60, cues=["hair", "lips", "wrinkles"], size=32, plain=True, resamples=300
    )
    assert table.loc["hair", "years"] > 3 and table.loc["hair", "low"] > 0
    assert table.loc[["lips", "wrinkles"]].abs().to_numpy().max() == 0


def test_the_effect_is_the_mean_difference_over_the_people():
    people = list(range(5))
    table = cue_effects(hair_reader, people, 50.0, 25.0, 75.0, cues=["hair"], seed=3, size=32, resamples=0)
    old, young = (drawn.draw_faces(people, 50.0, 32, seed=3, cues={"hair": years}) for years in (75.0, 25.0))
    assert table["years"].tolist() == [pytest.approx((hair_reader(old) - hair_reader(young)).mean())]
    assert table[["low", "high"]].isna().all().all()


def test_cues_of_a_tuple_change_together_and_the_interval_holds_the_mean():
    table = cue_effects(hair_reader, range(12), 60, cues=[("hair", "hairline"), "ears"], size=32, resamples=200)
    assert table.index.tolist() == ["hair + hairline", "ears"] and table.index.name == "cue"
    assert (table["low"] <= table["years"]).all() and (table["years"] <= table["high"]).all()


def test_all_cues_are_asked_for_by_default_and_a_model_is_asked_by_its_table():
    class Constant:
        def predict(self, images):
            return pd.DataFrame({"predicted": np.full(len(images), 30.0)})

    table = cue_effects(Constant(), [1, 2], size=32, resamples=10)
    assert tuple(table.index) == drawn.CUES
    assert (table == 0).all().all()


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ValueError, match="nobody to draw"):
        cue_effects(hair_reader, [])
    with pytest.raises(ValueError, match="no cue of age 'teeth'"):
        cue_effects(hair_reader, [1], cues=["teeth"], size=32)
    with pytest.raises(ValueError, match=r"2 images got predictions of the shape \[2, 32\]"):
        cue_effects(lambda images: images.mean(axis=(2, 3)), [1, 2], size=32)
