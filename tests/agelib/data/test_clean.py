"""Cleaning: study A's thresholds to the letter, a reason for everything removed, and planted faults caught."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from agelib import drawn
from agelib.config import Data
from agelib.data import clean as cleaning
from agelib.data import sources
from agelib.data.table import Collection, table

STEPS = [
    "unreadable file",
    "no face detected",
    "age",
    "face score",
    "second face",
    "exact duplicate",
    "near duplicate",
    "rare age",
]
ALL_AGES = Data(detector="none", min_pictures_per_age=1)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of 24 pictures that are all different: a grid of random greys each."""
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(24):
        patches = rng.integers(0, 255, (8, 8), np.uint8)
        Image.fromarray(np.kron(patches, np.ones((4, 4), np.uint8))).save(root / f"{number}.png")
    return root


def clean(root, data: Data = ALL_AGES, paths=None, **columns) -> cleaning.Cleaned:
    number = len(columns["age"])
    paths = paths or [f"{k}.png" for k in range(number)]
    collection = Collection(table(path=paths, source="test", **columns), root)
    return cleaning.clean(collection, data, progress=False)


def kept(cleaned: cleaning.Cleaned) -> list[int]:
    return [int(path.split(".")[0]) for path in cleaned.faces["path"]]


def reasons(cleaned: cleaning.Cleaned) -> dict:
    return dict(zip(cleaned.removed["path"], cleaned.removed["reason"], strict=True))


def test_ages_from_0_to_130_are_kept_both_included(pictures):
    done = clean(pictures, age=[-1, -0.001, 0, 130, 130.5, np.nan, 28])
    assert kept(done) == [2, 3, 6]
    assert reasons(done) == {"0.png": "age -1", "1.png": "age -0.001", "4.png": "age 130.5", "5.png": "no age"}
    assert set(done.removed["step"]) == {"age"}


def test_a_face_score_is_kept_above_0_and_where_there_is_none(pictures):
    done = clean(pictures, age=[30] * 6, face_score=[-np.inf, 0, 1e-9, 5, np.nan, -0.5])
    assert kept(done) == [2, 3, 4]
    assert reasons(done) == {"0.png": "face score -inf", "1.png": "face score 0", "5.png": "face score -0.5"}


def test_a_second_face_is_kept_below_8_and_where_there_is_none(pictures):
    done = clean(pictures, age=[30] * 5, second_face_score=[7.999, 8, 8.5, np.nan, -1])
    assert kept(done) == [0, 3, 4]
    assert reasons(done)["1.png"] == "second face with score 8"


def test_an_age_with_fewer_than_10_pictures_is_dropped(pictures):
    ages = [30] * 10 + [40] * 9 + [50.2] * 5
    done = clean(pictures, dataclasses.replace(ALL_AGES, min_pictures_per_age=10), age=ages)
    assert kept(done) == list(range(10))
    assert set(done.removed["reason"]) == {"only 9 pictures of this age", "only 5 pictures of this age"}


def test_an_age_counts_the_pictures_that_are_left(pictures):
    data = dataclasses.replace(ALL_AGES, min_pictures_per_age=10)
    done = clean(pictures, data, age=[30] * 12 + [40] * 10, face_score=[1.0] * 21 + [0.0])
    assert kept(done) == list(range(12))


def test_mean_ages_are_counted_by_year(pictures):
    data = dataclasses.replace(ALL_AGES, min_pictures_per_age=10)
    ages = [*np.linspace(30, 30.9, 12), *np.linspace(40, 45, 12)]
    assert kept(clean(pictures, data, age=ages)) == list(range(12))


def test_thresholds_are_the_experiments(pictures):
    data = dataclasses.replace(ALL_AGES, min_age=18, max_age=65, min_face_score=1, max_second_face_score=3)
    done = clean(
        pictures,
        data,
        age=[17, 18, 65, 66, 30, 30],
        face_score=[5, 5, 5, 5, 1, 2],
        second_face_score=[0, 0, 0, 0, 0, 3],
    )
    assert kept(done) == [1, 2]
    assert done.removed["step"].tolist() == ["age", "age", "face score", "second face"]


def test_the_first_step_that_objects_has_the_picture(pictures):
    done = clean(pictures, age=[-1, 30, 30], face_score=[-np.inf, -np.inf, 1], second_face_score=[9, 9, np.nan])
    assert reasons(done) == {"0.png": "age -1", "1.png": "face score -inf"}


def test_a_column_that_is_missing_throughout_removes_nothing_and_says_so(pictures):
    done = clean(pictures, age=[30] * 5)
    report = done.report.set_index("step")
    assert len(done.faces) == 5
    assert report.loc["face score", "note"] == "the data set records no face score"
    assert report.loc["second face", "note"] == "the data set records no second face"
    assert report.loc["no face detected", "note"] == "no detector was asked for"


def test_files_that_cannot_be_decoded_go_first(pictures, tmp_path):
    good = (pictures / "0.png").read_bytes()
    for name, content in {"a": good, "b": good[:60], "c": b"Dear reader", "d": b""}.items():
        (tmp_path / f"{name}.jpg").write_bytes(content)
    done = clean(tmp_path, paths=["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"], age=[30] * 5)
    assert done.faces["path"].tolist() == ["a.jpg"]
    assert done.removed["step"].tolist() == ["unreadable file"] * 4
    assert done.report["removed"].tolist() == [4, 0, 0, 0, 0, 0, 0, 0]


@pytest.fixture
def copies(pictures, tmp_path):
    """a = b (same bytes), c ≈ d (saved again), e alone."""
    for name, number in [("a", 0), ("b", 0), ("c", 1), ("e", 2)]:
        (tmp_path / f"{name}.png").write_bytes((pictures / f"{number}.png").read_bytes())
    Image.open(pictures / "1.png").resize((48, 48), Image.Resampling.BICUBIC).save(tmp_path / "d.jpg", quality=95)
    return tmp_path, ["a.png", "b.png", "c.png", "d.jpg", "e.png"]


def test_one_of_each_group_of_duplicates_is_kept(copies):
    root, paths = copies
    done = clean(root, paths=paths, age=[30] * 5)
    assert done.faces["path"].tolist() == ["a.png", "c.png", "e.png"]
    assert reasons(done) == {"b.png": "exact duplicate of a.png", "d.jpg": "near duplicate of c.png"}


def test_none_of_a_contradicting_group_is_kept(copies):
    root, paths = copies
    done = clean(root, paths=paths, age=[30, 31, 40, 50, 30])
    assert done.faces["path"].tolist() == ["e.png"]
    assert set(done.removed["reason"]) == {
        "exact duplicates that state different ages",
        "near duplicates that state different ages",
    }
    notes = done.report.set_index("step")["note"]
    assert notes["exact duplicate"] == notes["near duplicate"] == "1 groups contradict each other"


def test_a_duplicate_whose_twin_is_gone_already_is_kept(copies):
    root, paths = copies
    done = clean(root, paths=paths, age=[-1, 30, 30, 200, 30])
    assert done.faces["path"].tolist() == ["b.png", "c.png", "e.png"]


def test_duplicates_can_be_kept_to_be_looked_at(copies):
    root, paths = copies
    done = clean(root, dataclasses.replace(ALL_AGES, duplicates="keep"), paths=paths, age=[30, 31, 40, 40, 30])
    assert done.faces["path"].tolist() == paths
    assert done.duplicates["exact_group"].tolist() == [0, 0, -1, -1, -1]
    assert done.duplicates["near_group"].tolist() == [-1, -1, 0, 0, -1]


@pytest.mark.parametrize(
    ("changes", "columns", "message"),
    [
        ({"max_age": 20.0}, {}, r"'age' took the last 3 \(first: 0.png, age 30\).*max_age=20"),
        ({"min_face_score": 9.0}, {"face_score": [1, 2, 3]}, "'face score' took the last 3.*min_face_score=9"),
        ({"min_pictures_per_age": 4}, {}, "'rare age' took the last 3.*Lower min_pictures_per_age=4"),
        ({"detector": "cascade"}, {}, "'no face detected' took the last 3.*detector=cascade"),
        ({"max_second_face_score": 1.0}, {"second_face_score": [1, 2, 3]}, "'second face' took.*score=1"),
    ],
)
def test_where_everything_is_filtered_away_the_step_and_its_remedy_are_named(pictures, changes, columns, message):
    with pytest.raises(ValueError, match=message):
        clean(pictures, dataclasses.replace(ALL_AGES, **changes), age=[30, 30, 30], **columns)


def test_a_collection_without_pictures_or_whose_pictures_are_elsewhere_is_said(pictures, tmp_path):
    with pytest.raises(ValueError, match="no pictures to clean; 0 were skipped"):
        cleaning.clean(Collection(table(path=["a"])[:0], tmp_path))
    with pytest.raises(ValueError, match=r"'unreadable file' took the last 2.*Are the pictures in this folder\?"):
        clean(tmp_path, age=[30, 30])


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "wiki"
    root = drawn.draw_collection("imdb-wiki", 300, seed=5, folder=folder, progress=False)
    return sources.read("imdb-wiki", root), drawn.read_truth(root)


@pytest.fixture(scope="module")
def cleaned(collection):
    return cleaning.clean(collection[0], Data(min_pictures_per_age=2), progress=False)


def test_the_report_adds_up(collection, cleaned):
    report = cleaned.report
    assert report["step"].tolist() == STEPS
    assert report["before"].tolist()[1:] == report["after"].tolist()[:-1]
    assert (report["before"] - report["removed"]).tolist() == report["after"].tolist()
    assert report["before"][0] == len(collection[0].faces) == len(cleaned.faces) + len(cleaned.removed)
    assert report["after"].iloc[-1] == len(cleaned.faces) == len(cleaned.duplicates)
    counts = cleaned.removed["step"].value_counts()
    assert all(counts.get(row.step, 0) == row.removed for row in report.itertuples())


def test_what_is_kept_and_what_is_removed_is_all_there_was_in_its_order(collection, cleaned):
    paths = collection[0].faces["path"]
    assert sorted([*cleaned.faces["path"], *cleaned.removed["path"]]) == sorted(paths)
    assert cleaned.faces["path"].tolist() == [p for p in paths if p in set(cleaned.faces["path"])]
    assert cleaned.removed["reason"].str.len().min() > 0
    assert cleaned.faces.index.tolist() == list(range(len(cleaned.faces)))


def test_cleaning_again_removes_nothing_more(collection, cleaned):
    again = cleaning.clean(Collection(cleaned.faces, collection[0].root), ALL_AGES, progress=False)
    assert again.faces.equals(cleaned.faces)
    assert (cleaned.duplicates[["exact_group", "near_group"]].apply(lambda g: g[g >= 0].is_unique)).all()


def test_planted_faults_are_caught(collection, cleaned):
    scores = cleaning.score(cleaned, collection[1]).set_index(["step", "fault"])
    recall, precision = scores["recall"], scores["precision"]
    for fault in ("exact duplicate", "exact duplicate, contradicting"):
        assert recall["exact duplicate", fault] == 1.0
    for fault in ("truncated", "text file"):
        assert recall["unreadable file", fault] == 1.0
    for fault in ("negative age", "age over 130", "impossible birth date"):
        assert recall["age", fault] == 1.0
    assert precision["unreadable file", "any of these"] == precision["age", "any of these"] == 1.0
    assert recall["no face detected", "any of these"] >= 0.95
    assert recall["near duplicate", "any of these"] >= 0.8


def make_cleaned(kept: list[str], removed: dict[str, str]) -> cleaning.Cleaned:
    gone = pd.DataFrame({"path": list(removed), "step": list(removed.values()), "reason": ""})
    return cleaning.Cleaned(pd.DataFrame({"path": kept}), gone, pd.DataFrame(), pd.DataFrame())


def make_truth(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["path", "fault", "duplicate_of"])


def test_the_score_counts_as_by_hand():
    truth = make_truth(
        ("a", "negative age", ""), ("b", "age over 130", ""), ("c", "age over 130", ""), ("d", "", ""), ("e", "", "")
    )
    score = cleaning.score(make_cleaned(["c", "e"], {"a": "age", "b": "age", "d": "age"}), truth)
    score = score[score["step"] == "age"].set_index("fault")
    assert score.loc["negative age", ["planted", "caught", "recall"]].tolist() == [1, 1, 1]
    assert score.loc["age over 130", ["planted", "caught", "recall"]].tolist() == [2, 1, 0.5]
    assert score.loc["any of these", ["recall", "precision"]].tolist() == pytest.approx([2 / 3, 2 / 3])


def test_a_planted_duplicate_is_caught_whichever_of_the_two_goes():
    copy, clash = "exact duplicate", "exact duplicate, contradicting"
    truth = make_truth(
        *((name, "", "") for name in "abcdef"),
        *(("a2", copy, "a"), ("b2", copy, "b"), ("c2", copy, "c")),
        *(("d2", clash, "d"), ("e2", clash, "e"), ("f2", copy, "f")),
    )
    # a: the copy went, b: the original, c: neither; d: both, e: only one; f's original went in an earlier step.
    removed = {name: "exact duplicate" for name in ("a2", "b", "d", "d2", "e")} | {"f": "age"}
    kept = [name for name in truth["path"] if name not in removed]
    score = cleaning.score(make_cleaned(kept, removed), truth)
    score = score[score["step"] == "exact duplicate"].set_index("fault")
    assert score.loc[copy, ["planted", "caught"]].tolist() == [3, 2]
    assert score.loc[clash, ["planted", "caught"]].tolist() == [2, 1]
    # Of a2, b, d, d2 and e, the originals d and e were right: their copies state another age.
    assert score.loc["any of these", ["removed", "precision"]].tolist() == [5, 3 / 5]


def test_a_face_that_the_recorded_detector_missed_is_no_fault_of_the_image():
    truth = make_truth(("a", "no face", ""), ("b", "missed face", ""), ("c", "missed face", ""), ("d", "", ""))
    score = cleaning.score(make_cleaned(["d"], dict.fromkeys("abc", "face score")), truth)
    score = score[score["step"] == "face score"].iloc[0]
    assert score[["fault", "planted", "caught", "removed"]].tolist() == ["no face", 1, 1, 3]
    assert score["precision"] == pytest.approx(1 / 3)
