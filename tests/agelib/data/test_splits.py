"""Splits and the leakage audit: nobody on both sides, ages alike, the same whatever the order of the rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from agelib.data import splits
from agelib.data.table import PARTS, table


def make_faces(pictures: int, people: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return table(
        path=[f"{number:05}.jpg" for number in range(pictures)],
        age=np.clip(rng.normal(35, 18, pictures), 0, 95).round(),
        identity=[f"person {number}" for number in rng.integers(0, people, pictures)],
    )


def make_duplicates(faces: pd.DataFrame, exact, near) -> pd.DataFrame:
    return pd.DataFrame({"exact_group": exact, "near_group": near}, index=faces.index)


def distance(parts: pd.Series, ages: pd.Series) -> float:
    """Largest total variation between a part's histogram of ages and the whole's."""
    counts = pd.crosstab(parts, ages)
    whole = counts.sum() / len(ages)
    return float((counts.div(counts.sum(axis=1), axis=0) - whole).abs().sum(axis=1).max() / 2)


@st.composite
def tables(draw):
    number = draw(st.integers(30, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    people = rng.integers(0, draw(st.integers(5, 100)), number)
    groups = np.where(rng.random(number) < draw(st.floats(0, 0.6)), rng.integers(0, 25, number), -1)
    faces = table(
        path=[f"{k}.jpg" for k in range(number)],
        age=rng.integers(0, draw(st.integers(1, 13)), number),
        identity=[f"p{person}" if person % 7 else None for person in people],
    )
    # Every second row may have near duplicates, the others exact ones: chains over people and both kinds.
    is_near = np.arange(number) % 2 == 0
    return faces, make_duplicates(faces, np.where(is_near, -1, groups), np.where(is_near, groups, -1))


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(0, 2**32))
def test_an_identity_or_duplicate_is_never_on_both_sides(drawn, seed):
    faces, duplicates = drawn
    try:
        done = splits.split(faces, "subject_exclusive", duplicates, seed=seed)
    except ValueError as error:  # a handful of chains of people may be too few for three parts
        assert "part empty" in str(error)
        return
    assert done["split"].isin(PARTS).all() and len(done) == len(faces)
    assert done.groupby("identity")["split"].nunique().le(1).all()
    for kind in ("exact_group", "near_group"):
        grouped = done["split"].groupby(duplicates[kind]).nunique()
        assert grouped.drop(-1, errors="ignore").le(1).all()
    assert not splits.audit(done, duplicates).leaks


@settings(max_examples=40, deadline=None)
@given(tables(), st.sampled_from(["subject_exclusive", "by_age"]), st.integers(0, 1000))
def test_the_order_of_the_rows_does_not_matter(drawn, kind, seed):
    faces, duplicates = drawn
    mixed = np.random.default_rng(seed).permutation(len(faces))
    try:
        straight = splits.split(faces, kind, duplicates, seed=seed)
    except ValueError as error:
        assert "part empty" in str(error)
        return
    other = splits.split(faces.iloc[mixed], kind, duplicates.iloc[mixed], seed=seed)
    pd.testing.assert_series_equal(other["split"].sort_index(), straight["split"])


def test_another_seed_gives_another_split():
    faces = make_faces(300, 100)
    for kind in ("subject_exclusive", "by_age"):
        one, same, other = (splits.split(faces, kind, seed=seed)["split"] for seed in (1, 1, 2))
        assert one.equals(same)
        assert not one.equals(other)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=15), st.integers(0, 1000))
def test_by_age_keeps_80_10_10_within_every_age(sizes, seed):
    if sum(sizes) < 12:
        return
    ages = np.repeat(np.arange(len(sizes)), sizes)
    faces = table(path=[f"{k}.jpg" for k in range(len(ages))], age=ages)
    done = splits.split(faces, "by_age", seed=seed)
    counts = pd.crosstab(done["age"], done["split"])[list(PARTS)]
    wanted = np.outer(sizes, splits.SHARES)
    assert (np.abs(counts - wanted) < 2).all(axis=None)
    assert (counts[["valid", "test"]] >= np.floor(wanted[:, 1:])).all(axis=None)
    assert (counts[counts.sum(axis=1) >= 10] > 0).all(axis=None)
    np.testing.assert_allclose(counts.sum(), wanted.sum(axis=0), atol=2)


def test_by_age_counts_years_where_ages_are_means_of_guesses():
    ages = np.sort(np.random.default_rng(0).uniform(20, 30, 600))  # all different
    done = splits.split(table(path=[f"{k}.jpg" for k in range(600)], age=ages), "by_age")
    counts = pd.crosstab(np.floor(done["age"]), done["split"], normalize="index")
    assert counts["test"].between(0.08, 0.12).all() and counts["valid"].between(0.08, 0.12).all()


@pytest.mark.parametrize(("pictures", "people"), [(400, 150), (3000, 800), (3000, 3000)])
def test_sizes_are_within_two_percent_and_ages_alike(pictures, people):
    done = splits.split(make_faces(pictures, people))
    shares = done["split"].value_counts(normalize=True)[list(PARTS)]
    np.testing.assert_allclose(shares, splits.SHARES, atol=0.02)
    means = done.groupby("split")["age"].mean()
    assert (means - done["age"].mean()).abs().max() < 1.5


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_folds_are_as_alike_as_scikit_learns():
    faces = make_faces(3000, 800)
    ours = splits.folds(faces, 5)
    theirs = np.empty(len(faces), int)
    folder = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for number, (_, rows) in enumerate(folder.split(faces, faces["age"].astype(int), faces["identity"])):
        theirs[rows] = number
    assert distance(ours["fold"], ours["age"]) <= 1.1 * distance(pd.Series(theirs), faces["age"])
    sizes = ours["fold"].value_counts()
    assert sizes.max() - sizes.min() <= np.ptp(np.bincount(theirs)) + 5


def test_folds_take_every_picture_once_and_nobody_twice():
    faces = make_faces(500, 120)
    done = splits.folds(faces, 5)
    assert sorted(done["fold"].unique()) == [0, 1, 2, 3, 4]
    assert done.groupby("identity")["fold"].nunique().eq(1).all()
    assert not splits.audit(done, column="fold").leaks
    assert splits.audit(splits.folds(faces, 5, "by_age"), column="fold").leaks


def test_equal_folds_by_age_differ_by_one_picture_within_an_age():
    done = splits.folds(make_faces(1000, 10), 5, "by_age")
    counts = pd.crosstab(done["age"], done["fold"])
    assert (counts.max(axis=1) - counts.min(axis=1)).max() <= 1


def test_units_join_people_and_duplicates_at_any_remove():
    faces = table(path=list("abcdef"), age=[30] * 6, identity=["x", "x", "y", None, None, None])
    duplicates = make_duplicates(faces, [-1, 0, 0, -1, -1, -1], [-1, -1, 1, 1, -1, -1])
    numbers = splits.units(faces, duplicates)
    assert len(set(numbers[:4])) == 1
    assert len(set(numbers)) == 3
    assert len(set(splits.units(faces))) == 5


def test_pictures_without_identity_are_units_of_their_own():
    faces = make_faces(200, 50).assign(identity=np.nan)
    assert len(set(splits.units(faces))) == 200
    shares = splits.split(faces)["split"].value_counts(normalize=True)[list(PARTS)]
    np.testing.assert_allclose(shares, splits.SHARES, atol=0.02)


def test_the_audit_counts_what_is_on_both_sides():
    faces = pd.DataFrame(
        {
            "path": list("abcdefg"),
            "identity": ["x", "x", "y", "y", "z", None, None],
            "split": ["train", "test", "train", "valid", "test", "train", "test"],
        }
    )
    duplicates = make_duplicates(faces, [-1, -1, -1, -1, -1, 0, 0], [-1] * 7)
    found = splits.audit(faces, duplicates)
    rows = found.table.set_index(["kind", "part", "other"])
    assert rows.loc[("identity", "test", "train"), ["groups", "pictures", "share"]].tolist() == [1, 1, 1 / 3]
    assert rows.loc[("identity", "valid", "train"), ["groups", "pictures", "share"]].tolist() == [1, 1, 1]
    assert rows.loc[("identity", "test", "valid"), "groups"] == 0
    assert rows.loc[("exact duplicate", "test", "train"), "groups"] == 1
    assert rows["groups"].sum() == 3
    assert found.leaks
    assert found.text.splitlines() == [
        "1 identity is in both train and valid (100.0 % of the valid pictures), for example 'd'.",
        "1 identity is in both train and test (33.3 % of the test pictures), for example 'b'.",
        "1 group of exact duplicates is in both train and test (33.3 % of the test pictures), for example 'g'.",
    ]


def test_a_leak_is_refused_unless_it_is_wanted():
    faces = splits.split(make_faces(300, 60), "by_age")
    found = splits.audit(faces)
    with pytest.raises(splits.LeakError, match=r"in both train and test .*(?s:.*)subject_exclusive.*allow_leaks"):
        splits.require_no_leak(found)
    splits.require_no_leak(found, allow=True)
    clean = splits.audit(splits.split(make_faces(300, 60)))
    splits.require_no_leak(clean)
    assert clean.text == "No identity and no duplicate is in two parts."


@pytest.mark.parametrize(("name", "share"), [("morph2", 94.2), ("cacd", 100.0)])
def test_the_published_lists_leak_as_measured(real_data, name, share):
    parts = [
        pd.read_csv(real_data / "split-lists" / f"{name}_{part}.csv", dtype={"id_num": "str"}).assign(split=part)
        for part in PARTS
    ]
    faces = pd.concat(parts, ignore_index=True)
    if name == "morph2":
        faces["identity"] = faces["id_num"]
    else:
        faces["identity"] = faces["file"].str.replace(r"^\d+_(.*)_\d+\.jpg$", r"\1", regex=True)
    found = splits.audit(faces[["identity", "split"]])
    rows = found.table.set_index(["part", "other"])
    assert round(100 * rows.loc[("test", "train"), "share"], 1) == share
    # The same, counted without the audit.
    known = set(faces.loc[faces["split"] == "train", "identity"])
    test = faces.loc[faces["split"] == "test", "identity"]
    assert rows.loc[("test", "train"), "pictures"] == sum(person in known for person in test)
    assert f"({share} % of the test pictures)" in found.text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda faces: splits.split(faces[:0]), "no pictures to split"),
        (lambda faces: splits.split(faces, "by_name"), "subject_exclusive, by_age, not 'by_name'"),
        (lambda faces: splits.split(faces, parts=(0.8, 0.1, 0.2)), "sum to 1"),
        (lambda faces: splits.split(faces, parts=(0.9, 0.1, 0.0)), "above 0"),
        (lambda faces: splits.split(faces.assign(age=np.nan)), r"row 0 \(00000.jpg\) has no age"),
        (lambda faces: splits.folds(faces, 1), "folds=1.*2 folds or more"),
        (lambda faces: splits.folds(faces.assign(identity="one"), 5), "1 people or groups.*fewer folds"),
    ],
)
def test_what_cannot_be_split_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call(make_faces(40, 20))


def test_a_split_with_an_empty_part_is_refused():
    with pytest.raises(
        ValueError, match=r"12 pictures of 2 people .* leave the (valid|test|valid and test) part empty"
    ):
        splits.split(make_faces(12, 2).assign(identity=["x"] * 6 + ["y"] * 6))
    with pytest.raises(ValueError, match="part empty; use more pictures"):
        splits.split(make_faces(3, 3), "by_age")
