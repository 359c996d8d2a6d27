"""FG-NET's annotations: every wart counted; landmarks aligned; folds by picture against folds by person."""

import os
import tarfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.kernel_ridge import KernelRidge

from agelib.data.sources import fgnet
from agelib.experiments.published import landmarks
from agelib.runtime import workspace

FACTS = {
    "Type": "Grey", "Quality": "3", "Width": "400", "Height": "500", "PointFiles": "No", "Approved": "Yes", "Age": "2",
    "Gender": "Male", "Spectagles": "No", "Hat": "No", "Moustache": "No", "Beard": "Yes", "HorizontalPose": "Left",
    "VerticalPose": "Straight",
}  # fmt: skip


def points_text(shape, number=68):
    rows = "\n".join(f"{x:.4f} {y:.4f}" for x, y in shape)
    return f"version: 1\nn_points: {number}\n{{\n{rows}\n}}\n"


def write_face(folder, name, shape=None, facts=FACTS, dat_name=None):
    shape = np.random.default_rng(0).uniform(50, 350, (68, 2)) if shape is None else shape
    for part in ("Points", "Data_files"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "Points" / f"{name}.pts").write_text(points_text(shape, len(shape)))
    if facts is not None:
        lines = "".join(f"{key}\t{value}\n" for key, value in facts.items())
        (folder / "Data_files" / f"{dat_name or name}.dat").write_text(lines + "\n")
    return shape


@pytest.fixture
def archive(tmp_path):
    """A small archive in the published layout, with one of each wart."""
    folder = tmp_path / "published"
    write_face(folder, "001a02")
    write_face(folder, "001a43b", facts=FACTS | {"Age": "43", "Gender": "Female"}, dat_name="001a43B")
    write_face(folder, "002a07", facts=None)
    write_face(folder, "003a09", facts=FACTS | {"Age": "8"})
    write_face(folder, "004a10", facts=FACTS | {"Age": "10", "t": "", "Gender": "t"})
    write_face(
        folder, "005a11", shape=np.full((68, 2), 900.0) + np.arange(136).reshape(68, 2), facts=FACTS | {"Age": "11"}
    )
    write_face(folder, "006a12", shape=np.ones((67, 2)))
    write_face(folder, "face")
    (folder / "Points" / "007a13.pts").write_text("version: 1\n{\n1 x\n}\n")
    (folder / "Points" / "008a14.pts").write_text("")
    (folder / "Data_files" / "009a15.dat").write_text("Age\t15\n")
    path = tmp_path / "FGNET-annotations.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for part in ("Points", "Data_files"):
            tar.add(folder / part, part)
    return path


def test_every_readable_face_is_a_row_with_its_landmarks(archive):
    found = fgnet.read(archive)
    assert found.faces["path"].tolist() == [
        "001A02.JPG", "001A43b.JPG", "002A07.JPG", "003A09.JPG", "004A10.JPG", "005A11.JPG"
    ]  # fmt: skip
    assert found.landmarks.shape == (6, 68, 2) and found.landmarks.dtype == np.float64
    np.testing.assert_allclose(found.landmarks[0], np.random.default_rng(0).uniform(50, 350, (68, 2)), atol=1e-4)
    assert found.faces["identity"].tolist() == ["001", "001", "002", "003", "004", "005"]
    assert found.faces["age"].tolist() == [2, 43, 7, 9, 10, 11]


def test_the_facts_arrive_in_words_and_numbers(archive):
    row = fgnet.read(archive).faces.iloc[0]
    assert (row["width"], row["height"], row["quality"]) == (400, 500, 3)
    assert row["beard"] is True and row["glasses"] is False
    assert (row["horizontal_pose"], row["vertical_pose"], row["gender"]) == ("left", "straight", "male")


def test_every_wart_is_counted(archive):
    found = fgnet.read(archive)
    assert found.notes == {
        ".pts and .dat names differ in the case of a letter": 1,
        "no .dat file: only age and person are known": 1,
        "age in the .dat file missing or not the name's: the name's is taken": 1,
        "a line without a value in the .dat file: passed over": 1,
        "no gender, or neither male nor female: taken as missing": 1,
        "a landmark outside the picture": 1,
    }
    assert found.faces.loc[2, ["gender", "width", "beard", "colour"]].isna().all()


def test_what_cannot_be_a_row_says_why(archive):
    skipped = fgnet.read(archive).skipped.set_index("path")["reason"]
    assert skipped.to_dict() == {
        "Points/006a12.pts": "67 landmarks instead of 68",
        "Points/007a13.pts": "a coordinate is not a number",
        "Points/008a14.pts": "no landmarks between braces",
        "Points/face.pts": "the name is not like 001a02.pts",
        "Data_files/009a15.dat": "no landmarks of this picture",
    }


def test_something_else_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing at"):
        fgnet.read(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"no \.pts file"):
        fgnet.read(tmp_path)
    write_face(tmp_path, "001a02", shape=np.ones((3, 2)))
    with pytest.raises(ValueError, match="3 landmarks"):
        fgnet.read(tmp_path)


# Landmarks


@settings(max_examples=30)
@given(st.floats(0.1, 50), st.floats(-3.1, 3.1), st.integers(0, 1000))
def test_size_place_and_turn_do_not_matter(scale, turn, seed):
    rng = np.random.default_rng(seed)
    shapes = rng.normal(0, 1, (5, 68, 2))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = shapes.copy()
    moved[3] = scale * moved[3] @ rotation + rng.normal(0, 100, 2)
    aligned, reference = landmarks.align(shapes)
    np.testing.assert_allclose(landmarks.align(moved, reference)[0], aligned, atol=1e-6)


def test_alignment_is_scipys_procrustes_without_mirrors():
    from scipy.spatial import procrustes

    rng = np.random.default_rng(1)
    one = rng.normal(0, 1, (68, 2))
    other = one + rng.normal(0, 0.1, (68, 2))
    reference, fitted, _ = procrustes(one, other)
    aligned, _ = landmarks.align([other], reference)
    # SciPy scales to the best fit, ours to size 1: the same up to a factor.
    np.testing.assert_allclose(aligned[0], fitted / np.linalg.norm(fitted), atol=1e-9)
    mirrored, _ = landmarks.align([one * (-1, 1)], reference)
    assert np.linalg.norm(mirrored[0] - reference) > 0.1


def test_missing_coordinates_are_refused():
    with pytest.raises(ValueError, match="row 1"):
        landmarks.align([np.eye(2), np.full((2, 2), np.nan)])


def test_predictions_are_scikit_learns_kernel_ridge():
    rng = np.random.default_rng(3)
    train, others, ages = rng.normal(0, 1, (40, 6)), rng.normal(0, 1, (9, 6)), rng.uniform(0, 60, 40)
    ours = landmarks.predict_all(train, ages, others, widths=(0.5,), ridges=(0.1,))[0.5, 0.1]
    mean, spread = train.mean(0), train.std(0)
    a, b = (train - mean) / spread, (others - mean) / spread
    scale = np.median(((a[:, None] - a[None]) ** 2).sum(2))
    target = np.log(ages + 5)
    model = KernelRidge(kernel="rbf", gamma=0.5 / scale, alpha=0.1).fit(a, target - target.mean())
    theirs = np.exp(model.predict(b) + target.mean()) - 5
    np.testing.assert_allclose(ours, np.clip(theirs, ages.min(), ages.max()), rtol=1e-8)


def make_people(people=16, pictures=6, seed=0, own=0.35):
    """Faces whose shape says who it is, whose person has an age, and whose age moves a landmark a little."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(0, 1, (68, 2))
    who = np.repeat(np.arange(people), pictures)
    ages = np.round(np.clip(rng.uniform(5, 60, people)[who] + rng.normal(0, 2, len(who)), 0, 69))
    shapes = mean + own * rng.normal(0, 1, (people, 68, 2))[who] + rng.normal(0, 0.05, (len(who), 68, 2))
    shapes[:, 0, 0] += ages / 200
    faces = pd.DataFrame({"path": [f"{k}.jpg" for k in range(len(who))], "age": ages})
    return faces.assign(identity=[f"{k:03d}" for k in who]), 100 * shapes


def test_nobody_is_in_two_subject_exclusive_folds_but_in_random_ones():
    faces, shapes = make_people()
    exclusive = landmarks.cross_validate(faces, shapes, "subject_exclusive", folds=4)
    random = landmarks.cross_validate(faces, shapes, "random", folds=4)
    assert exclusive.groupby("identity")["fold"].nunique().max() == 1
    assert random.groupby("identity")["fold"].nunique().max() > 1
    assert exclusive["predicted"].notna().all() and exclusive["path"].tolist() == faces["path"].tolist()


def test_who_is_recognised_is_guessed_better():
    faces, shapes = make_people()
    found = landmarks.compare_folds(faces, shapes, folds=4, repeats=2, resamples=300)
    assert found["random"]["value"] < 4 < 8 < found["subject_exclusive"]["value"]
    assert found["difference"]["low"] > 0
    gap = found["subject_exclusive"]["value"] - found["random"]["value"]
    assert found["difference"]["value"] == pytest.approx(gap)
    assert found["pictures_with_the_person_in_training"] == 100 and found["people"] == 16


def test_a_person_of_one_picture_leaks_nothing():
    rng = np.random.default_rng(5)
    faces, shapes = make_people(people=60, pictures=1)
    found = landmarks.compare_folds(faces, shapes + rng.normal(0, 1, shapes.shape), repeats=1, resamples=300)
    assert found["pictures_with_the_person_in_training"] == 0
    assert found["difference"]["low"] < 0 < found["difference"]["high"]


def test_the_same_seed_gives_the_same_predictions():
    faces, shapes = make_people(people=10, pictures=4)
    once = landmarks.cross_validate(faces, shapes, folds=3, repeats=2, seed=7)
    pd.testing.assert_frame_equal(once, landmarks.cross_validate(faces, shapes, folds=3, repeats=2, seed=7))
    assert once["repeat"].value_counts().tolist() == [40, 40]


def test_the_test_fold_is_not_looked_at():
    faces, shapes = make_people(people=10, pictures=4)
    once = landmarks.cross_validate(faces, shapes, "random", folds=3)
    test = (once["fold"] == 0).to_numpy()
    other = faces.assign(age=faces["age"].where(~test, faces["age"] + 0.4))  # the same years, so the same folds
    again = landmarks.cross_validate(other, shapes, "random", folds=3)
    assert (again["fold"] == once["fold"]).all()
    np.testing.assert_array_equal(again["predicted"][test], once["predicted"][test])


def test_wrong_calls_are_refused():
    faces, shapes = make_people(people=10, pictures=4)
    with pytest.raises(ValueError, match="random, subject_exclusive"):
        landmarks.cross_validate(faces, shapes, "by_moon")
    with pytest.raises(ValueError, match="40 faces and landmarks of 39"):
        landmarks.cross_validate(faces, shapes[:-1])
    with pytest.raises(ValueError, match="repeats"):
        landmarks.cross_validate(faces, shapes, repeats=0)


@pytest.fixture(scope="module")
def real():
    named = os.environ.get("AGELIB_FGNET")
    if not named:
        pytest.skip("AGELIB_FGNET names no archive of FG-NET's annotations")
    return named


def test_the_real_set_is_the_published_one(real):
    from pathlib import Path

    from scipy.io import loadmat

    found = fgnet.read(real)
    assert len(found.faces) == 1002 and found.faces["identity"].nunique() == 82
    assert (found.faces["age"].min(), found.faces["age"].max()) == (0, 69)
    assert found.skipped.empty
    assert found.notes[".pts and .dat names differ in the case of a letter"] == 4
    # The archive repeats the landmarks as a matrix that others made.
    inputs = loadmat(next(Path(found.root).rglob("fg-net_Inputs.mat")))["Inputs"]
    np.testing.assert_array_equal(found.landmarks.reshape(1002, 136).T, inputs)


def test_the_reference_on_the_real_set_can_be_made_again(real, tmp_path):
    result = landmarks.compare_on_fgnet(real, tmp_path, repeats=1)
    assert result["difference"]["low"] > 0
    assert workspace.read_json(tmp_path / "fgnet_folds.json") == result
