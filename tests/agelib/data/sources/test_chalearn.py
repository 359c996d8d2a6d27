"""ChaLearn's pairs of ages: small files in the published form, broken ones, and the real files where they are."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from agebook.build.chapters import REPOSITORY
from agelib.data.sources import chalearn
from agelib.experiments.published import age_gap
from agelib.runtime import workspace

NAMES = ("image_1.jpg", "image_2.jpg", "image_3.jpg", "001A02.JPG", "082A16.JPG")
SUBJECTS = (-1, -1, -1, 1, 82)
APPARENT, REAL = (21, 30, 60, 2, 16), (24, 28, 71, 2, 16)


def write(folder: Path, column: str, ages=None, names=NAMES, subjects=SUBJECTS, header: str = "") -> Path:
    """One of the two files in its published form: a space after each comma of the header only."""
    ages = ages if ages is not None else (APPARENT if column == "apparent_age" else REAL)
    lines = [header or f"img_name, {column}, subject"]
    lines += [f"{name},{age},{subject}" for name, age, subject in zip(names, ages, subjects, strict=True)]
    file = folder / chalearn.FILES[column]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "apparent_age")
    write(tmp_path, "real_age")
    return tmp_path


def test_a_pair_of_files_becomes_a_faces_table(folder):
    found = chalearn.read(folder)
    assert found.faces["path"].tolist() == list(NAMES)
    assert found.faces["apparent_age"].tolist() == list(APPARENT)
    assert found.faces["age"].tolist() == list(APPARENT)
    assert found.faces["real_age"].tolist() == list(REAL)
    assert found.faces["source"].tolist() == ["chalearn"] * 3 + ["fgnet"] * 2
    assert found.faces["identity"].isna().tolist() == [True] * 3 + [False] * 2
    assert found.faces["identity"].tolist()[3:] == ["001", "082"]
    assert found.notes == {"FG-NET: the apparent age is the real one again": 2}


def test_either_file_or_the_folder_is_the_root(folder):
    whole = chalearn.read(folder).faces
    for file in chalearn.FILES.values():
        pd.testing.assert_frame_equal(chalearn.read(folder / file).faces, whole)


def test_blank_lines_at_the_end_and_a_byte_order_mark_are_no_rows(folder):
    file = folder / chalearn.FILES["real_age"]
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes() + b"\n\n")
    assert len(chalearn.read(folder).faces) == 5


def test_the_column_that_is_there_decides_and_not_its_place(folder):
    file = folder / chalearn.FILES["real_age"]
    rows = [f"{s},{n},{a}" for n, a, s in zip(NAMES, REAL, SUBJECTS, strict=True)]
    file.write_text("subject , img_name,real_age\n" + "\n".join(rows))
    assert chalearn.read(folder).faces["real_age"].tolist() == list(REAL)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"header": "img_name, age, subject"}, r"real_db.csv: no column 'real_age'.* it has: img_name, age, subj"),
        ({"ages": (24, 28, "old", 2, 16)}, r"real_db.csv: 1 line has .* \(first: line 4, 'old'\)"),
        ({"ages": (24, -28, 171, 2, 16)}, r"2 lines have .* real_age: .* \(first: line 3, '-28'\)"),
        ({"ages": (24, 28, "", 2, 16)}, r"first: line 4, ''"),
        ({"subjects": (-1, -1, 2.5, 1, 82)}, r"subject: a whole number from 0, or -1 \(first: line 4, '2.5'\)"),
        ({"subjects": (-2, -1, -1, 1, 82)}, r"first: line 2, '-2'"),
        ({"names": ("a.jpg", "b.jpg", "a.jpg", "c.jpg", "d.jpg")}, r"not there yet \(first: line 4, 'a.jpg'\)"),
        ({"names": ("image_2.jpg", "image_1.jpg", *NAMES[2:])}, r"line 2 is image_1.jpg of subject -1 in .*2 lines"),
        ({"subjects": (-1, -1, -1, 2, 82)}, r"line 5 is 001A02.JPG of subject 1 in .* subject 2 in"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_line(folder, broken, message):
    write(folder, "real_age", **broken)
    with pytest.raises(ValueError, match=message):
        chalearn.read(folder)


def test_files_of_different_length_are_no_pair(folder):
    write(folder, "real_age", REAL[:4], NAMES[:4], SUBJECTS[:4])
    with pytest.raises(ValueError, match=r"has 5 rows and fgnet_chalearn_real_db\.csv has 4"):
        chalearn.read(folder)


def test_what_is_not_there_or_empty_is_said(folder):
    with pytest.raises(ValueError, match="need a root"):
        chalearn.read("")
    (folder / chalearn.FILES["real_age"]).write_text("img_name, real_age, subject\n")
    with pytest.raises(ValueError, match="has no rows"):
        chalearn.read(folder)
    (folder / chalearn.FILES["real_age"]).write_bytes(b"")
    with pytest.raises(ValueError, match=r"real_db\.csv is empty"):
        chalearn.read(folder)
    (folder / chalearn.FILES["real_age"]).unlink()
    with pytest.raises(FileNotFoundError, match=r"no fgnet_chalearn_real_db.csv in .*give the folder"):
        chalearn.read(folder)


def test_the_gap_is_apparent_minus_real(folder):
    table = age_gap.gaps(chalearn.read(folder).faces, edges=(20, 60), resamples=0)
    assert table.index.tolist() == ["under 20", "20–59", "60 and over"]
    assert table["count"].tolist() == [2, 2, 1]
    assert table["gap"].tolist() == [0, -0.5, -11]
    assert table["distance"].tolist() == [0, 2.5, 11]


def test_its_interval_is_scipys():
    generator = np.random.default_rng(0)
    faces = pd.DataFrame({"real_age": generator.uniform(20, 29, 300)})
    faces["apparent_age"] = faces["real_age"] + generator.normal(1, 5, 300)
    gap = (faces["apparent_age"] - faces["real_age"]).to_numpy()
    scipys = scipy.stats.bootstrap(
        (gap,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(1)
    ).confidence_interval
    row = age_gap.gaps(faces, resamples=4000).loc["20–29"]
    assert row["low"] == pytest.approx(scipys.low, abs=0.05)
    assert row["high"] == pytest.approx(scipys.high, abs=0.05)


def test_a_picture_without_one_of_the_ages_is_left_out():
    faces = pd.DataFrame({"real_age": [20.0, 21, np.nan], "apparent_age": [22.0, np.nan, 25]})
    assert age_gap.gaps(faces, resamples=0)["count"].sum() == 1
    with pytest.raises(ValueError, match="none of 2 pictures has an apparent and a real age"):
        age_gap.gaps(faces.iloc[1:])
    with pytest.raises(ValueError, match="no column 'apparent_age'"):
        age_gap.gaps(faces[["real_age"]])


def test_the_gap_of_any_column_can_be_asked_for(folder):
    faces = chalearn.read(folder).faces.assign(gender=["female", "male", "female", "male", None])
    table = age_gap.gaps(faces, "gender", resamples=0)
    assert table["gap"].to_dict() == {"female": -7.0, "male": 1.0}


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=2, max_size=50))
def test_the_groups_gaps_add_up_to_the_whole(pairs):
    faces = pd.DataFrame(pairs, columns=["apparent_age", "real_age"], dtype=float)
    for by in ("real_age", "apparent_age"):
        table = age_gap.gaps(faces, by, resamples=0)
        whole = (faces["apparent_age"] - faces["real_age"]).mean()
        assert (table["gap"] * table["count"]).sum() / len(faces) == pytest.approx(whole, abs=1e-9)
        assert (table["distance"] >= table["gap"].abs() - 1e-9).all()


def test_the_slopes_are_scipys():
    generator = np.random.default_rng(6)
    faces = pd.DataFrame({"real_age": generator.uniform(5, 80, 200)})
    faces["apparent_age"] = 8 + 0.8 * faces["real_age"] + generator.normal(0, 4, 200)
    found = age_gap.describe_gap(faces, resamples=0)
    line = scipy.stats.linregress(faces["real_age"], faces["apparent_age"])
    back = scipy.stats.linregress(faces["apparent_age"], faces["real_age"])
    assert found["apparent_per_real"] == pytest.approx(line.slope)
    assert found["real_per_apparent"] == pytest.approx(back.slope)
    assert found["correlation"] == pytest.approx(line.rvalue)


def test_the_reference_takes_chalearn_alone_and_says_where_it_is_from(folder, tmp_path):
    found = age_gap.describe_chalearn(folder, tmp_path / "reference", resamples=50)
    assert found["pictures"] == 3
    assert found["gap"]["value"] == pytest.approx((-3 + 2 - 11) / 3)
    assert (found["older"], found["younger"]) == (pytest.approx(100 / 3), pytest.approx(200 / 3))
    assert found["provenance"]["left_out"] == {"FG-NET": 2}
    written = workspace.read_json(tmp_path / "reference" / "chalearn_gap.json")
    assert written == json.loads(json.dumps(found))
    assert [row["group"] for row in written["by_real_age"]] == ["20–29", "70 and over"]


def test_a_set_without_chalearn_has_no_reference(tmp_path):
    for column, ages in (("apparent_age", (2,)), ("real_age", (2,))):
        write(tmp_path, column, ages, ("001A02.JPG",), (1,))
    with pytest.raises(ValueError, match="no picture of ChaLearn"):
        age_gap.describe_chalearn(tmp_path)


def test_the_real_files_have_the_published_numbers_of_pictures(real_data):
    found = chalearn.read(real_data / "apparent-age")
    assert found.faces["source"].value_counts().to_dict() == {"chalearn": 4691, "fgnet": 1002}
    fgnet = found.faces[found.faces["source"] == "fgnet"]
    assert fgnet["identity"].nunique() == 82
    assert found.notes == {"FG-NET: the apparent age is the real one again": 1002}


def test_the_committed_reference_is_what_the_real_files_give(real_data):
    stored = workspace.read_json(REPOSITORY / "data" / "reference" / "chalearn_gap.json")
    found = age_gap.describe_chalearn(
        real_data / "apparent-age", resamples=stored["protocol"]["resamples"], seed=stored["protocol"]["seed"]
    )
    assert found["provenance"]["key"] == stored["provenance"]["key"]
    assert found["pictures"] == stored["pictures"] == 4691
    for name in ("gap", "by_real_age", "by_apparent_age"):
        ours, theirs = (pd.json_normalize(each[name]).select_dtypes("number") for each in (found, stored))
        assert np.allclose(ours, theirs[ours.columns])


def test_the_committed_reference_agrees_with_itself():
    stored = workspace.read_json(REPOSITORY / "data" / "reference" / "chalearn_gap.json")
    for by in ("by_real_age", "by_apparent_age"):
        rows = pd.DataFrame(stored[by])
        assert rows["count"].sum() == stored["pictures"]
        assert (rows["gap"] * rows["count"]).sum() / rows["count"].sum() == pytest.approx(stored["gap"]["value"])
        assert ((rows["low"] < rows["gap"]) & (rows["gap"] < rows["high"])).all()
    product = stored["apparent_per_real"] * stored["real_per_apparent"]
    assert product == pytest.approx(stored["correlation"] ** 2)
