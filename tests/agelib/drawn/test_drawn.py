"""Drawn faces: same seed same bytes, faces that a stock detector finds, published layouts, recorded faults."""

import dataclasses
import io
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agelib import drawn
from agelib.drawn.layouts import serial
from agelib.drawn.planning import plan

cv2 = pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def imdb_wiki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "imdb-wiki"
    return drawn.draw_collection("imdb-wiki", 120, seed=3, size=48, folder=folder, jobs=1, progress=False)


def content(root) -> dict:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def detections(images) -> float:
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    found = [len(cascade.detectMultiScale(g, scaleFactor=1.1, minNeighbors=4, minSize=(32, 32))) > 0 for g in grey]
    return float(np.mean(found))


def test_a_stock_detector_finds_plain_drawn_faces_and_most_of_the_others():
    ages = np.random.default_rng(0).uniform(0, 95, 100)
    assert detections(drawn.draw_faces(range(100), ages, size=128, plain=True)) >= 0.90
    assert detections(drawn.draw_faces(range(100), ages, size=128)) >= 0.80  # hats, turned heads, close crops


def test_a_stock_detector_finds_no_face_in_scenes():
    assert detections([drawn.draw_scene((1, k), 128) for k in range(60)]) <= 0.05


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others():
    once = drawn.draw_faces([1, 2], [5, 60], size=48, seed=9)
    assert np.array_equal(once, drawn.draw_faces([1, 2], [5, 60], size=48, seed=9))
    assert not np.array_equal(once, drawn.draw_faces([1, 2], [5, 60], size=48, seed=10))


def test_two_processes_write_the_same_bytes_as_one(imdb_wiki, tmp_path):
    other = drawn.draw_collection("imdb-wiki", 120, seed=3, size=48, folder=tmp_path / "x", jobs=2, progress=False)
    assert content(other) == content(imdb_wiki)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 116), st.sampled_from([16, 33, 64]))
def test_any_person_can_be_drawn_at_any_age_and_size(number, age, size):
    image = drawn.draw_faces([number], age, size=size)[0]
    assert image.shape == (size, size, 3) and image.dtype == np.uint8 and image.std() > 5


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_children_have_large_low_eyes_and_old_people_wrinkles(number):
    person = drawn.make_person(number)
    child, adult, old = (drawn.grow(person, age) for age in (2, 25, 85))
    assert child.eye_y > adult.eye_y and child.iris > adult.iris
    assert old.wrinkles > adult.wrinkles >= child.wrinkles == 0 and old.lips < adult.lips
    undyed = dataclasses.replace(person, dyes=False)
    assert drawn.grow(undyed, 85).grey > drawn.grow(undyed, 25).grey


def test_nearly_all_noses_grow():
    """A person's own traits show more with the years, so the very narrowest noses do not."""
    people = [drawn.make_person(number) for number in range(500)]
    grown = [drawn.grow(person, 2).nose_half < drawn.grow(person, 25).nose_half for person in people]
    assert sum(grown) >= 0.99 * len(grown)


def test_traits_stay_with_the_person():
    young, old = drawn.grow(drawn.make_person(5), 20), drawn.grow(drawn.make_person(5), 70)
    assert young.person == old.person


@pytest.mark.parametrize("age", [-1, 117, float("nan")])
def test_an_impossible_age_is_refused(age):
    with pytest.raises(ValueError, match="0 to 116"):
        drawn.grow(drawn.make_person(0), age)


def test_the_matlab_serial_date_is_matlabs():
    assert serial(date(1981, 5, 5)) == 723671
    assert date.fromordinal(723671 - 366) == date(1981, 5, 5)


def test_imdb_wiki_is_read_as_published_and_ages_agree(imdb_wiki):
    from scipy.io import loadmat

    struct = loadmat(imdb_wiki / "wiki.mat")["wiki"][0, 0]
    dob, year = struct["dob"][0].astype(int), struct["photo_taken"][0].astype(int)
    paths = [str(cell[0]) for cell in struct["full_path"][0]]
    truth = drawn.read_truth(imdb_wiki)
    assert paths == truth["path"].tolist()
    assert (dob < 367).sum() == truth["fault"].eq("impossible birth date").sum() == truth["age"].isna().sum() == 1
    for k in np.flatnonzero(dob >= 367):
        birth = date.fromordinal(int(dob[k]) - 366)
        assert year[k] - birth.year - ((birth.month, birth.day) > (7, 1)) == truth["age"][k]
        assert paths[k].endswith(f"_{birth.isoformat()}_{year[k]}.jpg")
    missing = np.isnan(struct["gender"][0].astype(float))
    assert missing.tolist() == truth["fault"].eq("missing gender").tolist()
    score, second = struct["face_score"][0], struct["second_face_score"][0]
    assert np.isneginf(score[truth["fault"].isin(["no face", "missed face"])]).all()
    assert np.isfinite(second).tolist() == truth["fault"].eq("two faces").tolist()
    boxes = np.stack([cell.ravel() for cell in struct["face_location"][0]])
    assert boxes.min() >= 1 and boxes.max() <= 49 and (boxes[:, :2] < boxes[:, 2:]).all()


def test_a_person_is_born_once(imdb_wiki):
    truth = drawn.read_truth(imdb_wiki)
    right = truth[~truth["fault"].isin(["age over 130", "impossible birth date"])]
    born = right["path"].str.extract(r"_(\d{4}-\d\d-\d\d)_")[0]
    assert born.groupby(right["identity"]).nunique().eq(1).all()
    assert right["identity"].nunique() < len(right)


def test_every_planted_fault_shows_in_its_file(imdb_wiki):
    from PIL import Image

    truth = drawn.read_truth(imdb_wiki)
    assert set(truth["fault"]) == {"", *drawn.Faults().shares("imdb-wiki")}
    files = content(imdb_wiki)
    of = {fault: rows["path"].tolist() for fault, rows in truth.groupby("fault")}
    assert Image.open(io.BytesIO(files[of["grey"][0]])).mode == "L"
    assert Image.open(io.BytesIO(files[of["CMYK"][0]])).mode == "CMYK"
    png = cv2.imdecode(np.frombuffer(files[of["16-bit PNG"][0]], np.uint8), cv2.IMREAD_UNCHANGED)
    assert png.dtype == np.uint16
    with pytest.raises(OSError):
        Image.open(io.BytesIO(files[of["truncated"][0]])).load()
    with pytest.raises(OSError):
        Image.open(io.BytesIO(files[of["text file"][0]]))
    age = truth.set_index("path")["age"]
    for row in truth[truth["duplicate_of"] != ""].itertuples():
        assert (files[row.path] == files[row.duplicate_of]) == row.fault.startswith("exact")
        assert (row.age != age[row.duplicate_of]) == ("contradicting" in row.fault)
    assert (truth.loc[truth["fault"].eq("negative age"), "age"] < 0).all()
    assert (truth.loc[truth["fault"].eq("age over 130"), "age"] > 130).all()


def test_clean_collections_have_no_fault(tmp_path):
    root = drawn.draw_collection("utkface", 12, size=32, folder=tmp_path / "c", clean=True, progress=False)
    truth = drawn.read_truth(root)
    assert truth["fault"].eq("").all() and (truth["age"] == truth["true_age"]).all()


def test_a_whole_collection_is_found_again_and_a_broken_one_drawn_anew(imdb_wiki):
    first = next(imdb_wiki.glob("*/*.jpg"))
    before = first.stat().st_mtime_ns

    def again():
        drawn.draw_collection("imdb-wiki", 120, seed=3, size=48, folder=imdb_wiki, jobs=1, progress=False)

    again()
    assert first.stat().st_mtime_ns == before
    data = first.read_bytes()
    first.unlink()
    again()
    assert first.read_bytes() == data


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="something else"):
        drawn.draw_collection("utkface", 2, folder=tmp_path, progress=False)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_utkface_names_carry_the_labels_and_some_are_malformed(tmp_path):
    root = drawn.draw_collection("utkface", 100, size=32, folder=tmp_path / "u", jobs=1, progress=False)
    truth = drawn.read_truth(root)
    good = truth[truth["fault"] != "malformed name"]
    parts = good["path"].str.extract(r"^UTKFace/(\d+)_([01])_([0-4])_(\d{17})\.jpg\.chip\.jpg$")
    assert parts.notna().all().all()
    assert (parts[0].astype(float) == good["age"]).all() and good["age"].min() >= 1
    assert (parts[1].eq("1") == good["gender"].eq("female")).all()
    bad = truth.loc[truth["fault"].eq("malformed name"), "path"]
    assert len(bad) and not bad.str.match(r"^UTKFace/\d+_[01]_[0-4]_\d{17}\.jpg\.chip\.jpg$").any()


def test_appa_real_averages_are_those_of_the_single_ratings(tmp_path):
    root = drawn.draw_collection("appa-real", 30, size=32, folder=tmp_path / "a", clean=True, progress=False)
    average, single = pd.read_csv(root / "gt_avg_train.csv"), pd.read_csv(root / "gt_train.csv")
    grouped = single.groupby("file_name")["apparent_age"]
    average = average.set_index("file_name")
    assert np.allclose(grouped.mean(), average["apparent_age_avg"].loc[grouped.mean().index], atol=1e-5)
    assert np.allclose(grouped.std(), average["apparent_age_std"].loc[grouped.mean().index], atol=1e-5)
    for name in average.index:
        assert all((root / "train" / (name + end)).is_file() for end in ("", "_face.jpg", ".mat"))
    assert "file" in pd.read_csv(root / "allcategories_train.csv")


def test_ages_are_heaped_and_every_age_up_to_75_occurs_often_enough():
    table = plan("imdb-wiki", 3000, 42, drawn.Faults())
    usable = table[table["fault"].isin(["", "grey", "missed face", "two faces"])]
    counts = usable["age"].value_counts()
    assert counts.reindex(range(5, 75), fill_value=0).min() >= 10
    assert usable["age"].between(20, 40).mean() > 0.45
    assert {0, 95} <= set(table["true_age"])


def test_the_pretended_detector_is_unfair():
    table = plan("imdb-wiki", 1500, 1, drawn.Faults())
    found = table[np.isfinite(table["face_score"]) & ~table["fault"].str.startswith("no face")]
    dark = found["darkness"] > 0.4
    assert found.loc[dark, "face_score"].mean() < found.loc[~dark, "face_score"].mean() - 0.3
    full = found["beard"].eq("full")
    assert found.loc[full, "face_score"].mean() < found.loc[~full, "face_score"].mean() - 0.3
    assert table["ethnicity"].value_counts(normalize=True).iloc[0] > 0.5
