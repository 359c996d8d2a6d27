"""Published layouts → faces tables: every wart handled and counted."""

import datetime
import os
import re
import tarfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from agelib.data import sources, splits
from agelib.data import table as faces_tables
from agelib.data.sources import appa_real, imdb_wiki, matlab, split_lists, utkface
from agelib.drawn import collections

SERIAL = 723671  # 1981-05-05


def cells(values):
    column = np.empty((1, len(values)), dtype="object")
    column[0, :] = values
    return column


def write_mat(path, struct="wiki", leave_out=(), **changes):
    """A small metadata file in the published form: five rows, one for each wart, unless changed."""
    number = len(changes.get("dob", range(5)))
    fields = {
        "dob": np.array([SERIAL, SERIAL, 366, SERIAL, SERIAL], dtype="int32")[None, :number],
        "photo_taken": np.array([2009, 2009, 2009, 1980, 2090], dtype="uint16")[None, :number],
        "full_path": cells([f"0{i}/{i}_1981-05-05_2009.jpg" for i in range(number)]),
        "gender": np.array([1, 0, np.nan, 1, 2.0])[None, :number],
        "name": cells(["Ada", "Bo", "Ada", "", "Cy"][:number]),
        "face_location": cells([np.array([[111.25, 21.0, 252.0, 162.0]])] * number),
        "face_score": np.array([4.3, 2.6, 1.0, -np.inf, 3.0])[None, :number],
        "second_face_score": np.array([np.nan, 1.9, np.nan, np.nan, np.nan])[None, :number],
    }
    for name, values in changes.items():
        is_text = name in ("full_path", "name", "face_location")
        fields[name] = cells(values) if is_text else np.asarray(values)[None, :]
    savemat(path, {struct: {name: value for name, value in fields.items() if name not in leave_out}})
    return path


# IMDB-WIKI


def test_the_birth_date_and_the_year_give_the_age(tmp_path):
    rows = sources.read("imdb-wiki", write_mat(tmp_path / "wiki.mat")).faces
    assert rows["age"][0] == 28
    assert rows["real_age"][0] == pytest.approx(28 + 57 / 365)


def test_every_field_arrives_in_the_units_of_the_table(tmp_path):
    rows = sources.read("imdb-wiki", write_mat(tmp_path / "wiki.mat")).faces
    assert list(rows["path"][:2]) == ["00/0_1981-05-05_2009.jpg", "01/1_1981-05-05_2009.jpg"]
    assert list(rows["gender"][[0, 1, 3]]) == ["male", "female", "male"]
    assert rows["gender"][[2, 4]].isna().all()
    assert rows["face_box"][0] == "110.2 20 251 161"  # from 1 to from 0
    assert pd.isna(rows["face_box"][3])  # no face, no box
    assert rows["face_score"][3] == -np.inf
    assert list(rows["second_face_score"].isna()) == [True, False, True, True, True]
    assert list(rows["identity"][[0, 1, 2]]) == ["Ada", "Bo", "Ada"]
    assert set(rows["source"]) == {"imdb-wiki"}


def test_odd_rows_stay_and_are_counted(tmp_path):
    collection = sources.read("imdb-wiki", write_mat(tmp_path / "wiki.mat"))
    assert len(collection.faces) == 5
    assert list(collection.faces["age"].isna()) == [False, False, True, False, False]
    assert collection.notes == {
        "no face found (face_score is -inf)": 1,
        "a second face": 1,
        "no gender": 1,
        "gender neither 0 nor 1: taken as missing": 1,
        "birth date outside the years 1 to 9999: age missing": 1,
        "age below 0": 1,
        "age above 100": 1,
        "no name: identity missing": 1,
    }


@given(st.dates(datetime.date(1, 1, 1), datetime.date(2300, 12, 31)), st.integers(1, 2400))
def test_ages_are_those_of_the_calendar(born, year):
    july = datetime.date(year, 7, 1)
    completed = year - born.year - ((born.month, born.day) > (7, 1))
    found, exact = imdb_wiki.to_ages(imdb_wiki.to_birth_dates([born.toordinal() + 366]), [year])
    assert found[0] == completed
    assert np.floor(exact[0]) == completed
    assert exact[0] == pytest.approx((july - born).days / 365.2425, abs=0.01)


def test_serials_are_pythons_ordinals_plus_366():
    serials = np.array([366, 367, 368, 723671, 3652059 + 366, 3652060 + 366, np.nan, np.inf, -5])
    dates = imdb_wiki.to_birth_dates(serials)
    valid = [date.fromordinal(int(s) - 366) for date, s in zip([datetime.date] * 4, serials[1:5], strict=True)]
    assert list(dates[1:5].astype("object")) == valid
    assert np.isnat(dates[[0, 5, 6, 7, 8]]).all()


def test_a_missing_or_impossible_year_leaves_the_age_missing(tmp_path):
    path = write_mat(tmp_path / "wiki.mat", photo_taken=[2009.0, np.nan, 2009, 0, 10000])
    collection = sources.read("imdb-wiki", path)
    assert list(collection.faces["age"].isna()) == [False, True, True, True, True]
    assert collection.notes["year of the picture missing or impossible: age missing"] == 3


@pytest.mark.parametrize("inside", ["", "wiki_crop"])
def test_the_folder_its_parent_and_the_archive_give_the_same_rows(tmp_path, inside):
    folder = tmp_path / "set" / inside
    folder.mkdir(parents=True)
    write_mat(folder / "wiki.mat")
    collection = sources.read("imdb-wiki", tmp_path / "set")
    prefix = inside and inside + "/"
    assert collection.faces["path"][0] == prefix + "00/0_1981-05-05_2009.jpg"
    with tarfile.open(tmp_path / "wiki_crop.tar", "w") as archive:
        archive.add(tmp_path / "set", arcname=".")
    unpacked = sources.read("imdb-wiki", tmp_path / "wiki_crop.tar")
    pd.testing.assert_frame_equal(unpacked.faces, collection.faces)
    assert unpacked.notes == collection.notes


def test_boxes_of_whole_pictures_are_not_given_to_cut_out_faces(tmp_path):
    (tmp_path / "wiki_crop").mkdir()
    write_mat(tmp_path / "wiki_crop" / "wiki.mat")
    collection = sources.read("imdb-wiki", tmp_path)
    assert collection.faces["face_box"].isna().all()
    assert max(collection.notes.values()) == 4


def test_the_imdb_half_is_known_by_its_celeb_id(tmp_path):
    path = write_mat(tmp_path / "imdb.mat", struct="imdb", celeb_id=[7, 8, 7, 9, np.nan])
    identity = sources.read("imdb-wiki", path).faces["identity"]
    assert list(identity[:4]) == ["7", "8", "7", "9"]
    assert pd.isna(identity[4])


def test_with_both_halves_a_person_has_one_identity(tmp_path):
    for half in ("wiki", "imdb"):
        (tmp_path / f"{half}_crop").mkdir()
        write_mat(tmp_path / f"{half}_crop" / f"{half}.mat", struct=half, celeb_id=[7, 8, 7, 9, 9])
    rows = sources.read("imdb-wiki", tmp_path).faces
    assert len(rows) == 10
    assert set(rows["path"].str.split("/").str[0]) == {"wiki_crop", "imdb_crop"}
    assert (rows["identity"] == "Ada").sum() == 4


def test_a_repeated_or_empty_path_is_left_out_with_its_reason(tmp_path):
    paths = ["a.jpg", "b.jpg", "a.jpg", "", "c.jpg"]
    collection = sources.read("imdb-wiki", write_mat(tmp_path / "wiki.mat", full_path=paths))
    assert list(collection.faces["path"]) == ["a.jpg", "b.jpg", "c.jpg"]
    assert list(collection.skipped["reason"]) == ["the path stands in an earlier row", "no path"]


def test_a_mat_file_without_the_struct_is_said(tmp_path):
    savemat(tmp_path / "wiki.mat", {"faces": np.arange(3)})
    with pytest.raises(ValueError, match=r"wiki\.mat: no struct 'wiki' or 'imdb' \(it holds: faces\)"):
        sources.read("imdb-wiki", tmp_path)
    savemat(tmp_path / "wiki.mat", {"wiki": np.arange(3)})
    with pytest.raises(ValueError, match="no struct"):
        sources.read("imdb-wiki", tmp_path)
    write_mat(tmp_path / "wiki.mat", leave_out=["gender"])
    with pytest.raises(ValueError, match="no field gender"):
        sources.read("imdb-wiki", tmp_path)


def test_fields_of_different_lengths_are_said(tmp_path):
    with pytest.raises(ValueError, match="different lengths"):
        sources.read("imdb-wiki", write_mat(tmp_path / "wiki.mat", gender=[1.0, 0.0]))


@pytest.mark.parametrize("kept", [0, 50, 200, 0.5, 0.9, 0.99])
def test_a_truncated_mat_file_is_said(tmp_path, kept):
    path = write_mat(tmp_path / "wiki.mat")
    data = path.read_bytes()
    path.write_bytes(data[: kept if isinstance(kept, int) else int(len(data) * kept)])
    with pytest.raises(ValueError, match=r"wiki\.mat: (not readable as a Matlab file|no struct)"):
        sources.read("imdb-wiki", path)


HDF5 = b"\x89HDF\r\n\x1a\n"
MATLAB_7_3 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024 HDF5 schema 1.00 ."


@pytest.mark.parametrize("head", [MATLAB_7_3.ljust(512) + HDF5, HDF5])
@pytest.mark.parametrize("reader", [lambda file: sources.read("imdb-wiki", file), split_lists.read_cacd])
def test_a_mat_file_of_version_7_3_is_no_damaged_one(tmp_path, head, reader):
    (tmp_path / "wiki.mat").write_bytes(head + bytes(2000))
    with pytest.raises(ValueError, match=r"wiki\.mat: it is HDF5 \(MATLAB 7\.3\).*save\(…, '-v7'\)") as said:
        reader(tmp_path / "wiki.mat")
    assert "damaged" not in str(said.value)


def test_a_text_file_named_mat_is_said(tmp_path):
    (tmp_path / "wiki.mat").write_text("id,age\n" * 100)
    with pytest.raises(ValueError, match="not readable as a Matlab file"):
        sources.read("imdb-wiki", tmp_path / "wiki.mat")


def test_the_published_metadata_gives_the_known_counts(real_data):
    """The counts are those of the published wiki.mat, taken independently of this code."""
    path = real_data / "imdb-wiki" / "wiki.mat"
    if not path.is_file():
        pytest.skip(f"no {path}")
    collection = sources.read("imdb-wiki", path)
    rows, notes = collection.faces, collection.notes
    assert len(rows) == 62328
    assert notes["no face found (face_score is -inf)"] == np.isneginf(rows["face_score"]).sum() == 18016
    assert notes["a second face"] == rows["second_face_score"].notna().sum() == 4096
    assert notes["no gender"] == rows["gender"].isna().sum() == 2643
    assert notes["age below 0"] == (rows["age"] < 0).sum() == 1288
    assert notes["age above 100"] == (rows["real_age"] > 100).sum() == 523
    usable = (rows["face_score"] > 1) & rows["second_face_score"].isna() & rows["gender"].notna()
    assert (usable & rows["real_age"].between(0, 100)).sum() == 38126
    assert len(collection.skipped) == 0


# UTKFace


MALFORMED = {
    "39_1_20170116174525125.jpg.chip.jpg": (39, "female", None),
    "61_1_20170109142408075.jpg.chip.jpg": (61, "female", None),
    "61_1_20170109150557335.jpg.chip.jpg": (61, "female", None),
    "55_0_0_20170116232725357jpg.chip.jpg": (55, "male", "white"),
    "24_0_1_20170116220224657 .jpg.chip.jpg": (24, "male", "black"),
    "14_0_0_2017011022340900.jpg.chip.jpg": (14, "male", "white"),
    "28_1_2_201701161846515488.jpg.chip.jpg": (28, "female", "asian"),
    "38_0_1_201701162330572788.jpg.chip.jpg": (38, "male", "black"),
}


def make_pictures(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("name", MALFORMED)
def test_every_malformed_name_keeps_what_it_says(name):
    row = utkface.parse_names([name]).iloc[0]
    assert (row["age"], row["gender"], row["ethnicity"]) == MALFORMED[name]


def test_malformed_names_are_counted(tmp_path):
    collection = sources.read("utkface", make_pictures(tmp_path / "UTKFace", MALFORMED))
    assert len(collection.faces) == 8
    assert collection.notes == {
        "no race field: ethnicity missing": 3,
        "no dot before jpg": 1,
        "a space before the dot": 1,
        "time of fewer or more than 17 digits": 3,
    }


@given(
    st.integers(0, 116),
    st.sampled_from([("0", "male"), ("1", "female")]),
    st.sampled_from(list(enumerate(["white", "black", "asian", "indian", "other"]))),
    st.integers(10**16, 10**17 - 1),
    st.sampled_from([".jpg.chip.jpg", ".jpg", ".JPG", ".JPG.chip.jpg", ".jpg.CHIP.Jpg", ".jpeg", ".webp", ".HEIC"]),
)
def test_a_well_formed_name_reads_back(age, gender, race, stamp, ending):
    name = f"{age}_{gender[0]}_{race[0]}_{stamp}{ending}"
    row = utkface.parse_names([name]).iloc[0]
    assert (row["age"], row["gender"], row["ethnicity"]) == (age, gender[1], race[1])


def test_unparsable_names_are_skipped_with_their_reason(tmp_path):
    good, bad = (["1_0_0_20161219140623097.jpg.chip.jpg"], ["me.jpg", "_0_0_20161219140623097.jpg", "x_0_0_1.jpg"])
    make_pictures(tmp_path / "UTKFace", good + bad)
    (tmp_path / "UTKFace" / "labels.txt").touch()
    (tmp_path / "UTKFace" / "._1_0_0_20161219140623097.jpg.chip.jpg").touch()
    collection = sources.read("utkface", tmp_path)
    assert list(collection.faces["path"]) == ["UTKFace/" + good[0]]
    assert sorted(collection.skipped["path"]) == sorted("UTKFace/" + name for name in bad)
    assert collection.skipped["reason"].str.contains("the name gives no age").all()
    assert collection.notes == {
        "hidden, such as UTKFace/._1_0_0_20161219140623097.jpg.chip.jpg": 1,
        "not an image (.txt), such as UTKFace/labels.txt": 1,
    }


@pytest.mark.parametrize("source", ["utkface", "panda"])
@pytest.mark.parametrize("upper", [False, True])
def test_the_case_of_an_ending_loses_no_image(tmp_path, source, upper):
    names = {"utkface": "20_0_0_2016121914062309{}.jpg.chip{}", "panda": "bao/7_{}{}"}[source]
    endings = (".jpg", ".png", ".jpeg", ".webp", ".jfif", ".heic", ".tif")
    names = [names.format(number, ending.upper() if upper else ending) for number, ending in enumerate(endings)]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    collection = sources.read(source, tmp_path)
    assert sorted(collection.faces["path"]) == sorted(names)
    assert collection.skipped.empty and not collection.notes


@pytest.mark.skipif(os.name == "nt", reason="names in bytes, links")
def test_what_cannot_be_read_is_skipped_with_a_remedy(tmp_path):
    make_pictures(tmp_path, ["1_0_0_20161219140623097.jpg.chip.jpg"])
    with open(os.fsencode(tmp_path) + b"/2_0_0_20161219140623097\xfc.jpg", "wb"):
        pass
    (tmp_path / "3_0_0_20161219140623097.jpg").symlink_to(tmp_path / "gone")
    found = sources.read("utkface", tmp_path)
    assert len(found.faces) == 1
    assert found.skipped.to_numpy().tolist() == [
        ["2_0_0_20161219140623097\ufffd.jpg", "its path is not UTF-8, so no table can hold it: rename it"],
        ["3_0_0_20161219140623097.jpg", "a link that leads nowhere"],
    ]
    found.faces.to_csv(tmp_path / "faces.csv")


def test_odd_codes_become_missing(tmp_path):
    names = ["44_3_7_20161219140623097.jpg", "53__0_20170116184028385.jpg", "120_0_0_20170116184028385.jpg"]
    collection = sources.read("utkface", make_pictures(tmp_path, names))
    rows = collection.faces.set_index("age")
    assert pd.isna(rows.loc[44, "gender"]) and pd.isna(rows.loc[44, "ethnicity"])
    assert pd.isna(rows.loc[53, "gender"]) and rows.loc[53, "ethnicity"] == "white"
    assert collection.notes == {
        "race code not 0 to 4: ethnicity missing": 1,
        "no gender or a code not 0 or 1: gender missing": 2,
        "age above 116, the oldest of the data set": 1,
    }


def test_identity_is_missing_in_utkface(tmp_path):
    assert sources.read("utkface", make_pictures(tmp_path, MALFORMED)).faces["identity"].isna().all()


def test_another_data_set_is_not_taken_for_utkface(tmp_path):
    with pytest.raises(ValueError, match=r"none of 1 pictures in .* has a name like"):
        sources.read("utkface", make_pictures(tmp_path, ["holiday.jpg"]))
    with pytest.raises(FileNotFoundError, match=r"no pictures \(\.jpg\)"):
        sources.read("utkface", make_pictures(tmp_path / "other", ["notes.txt"]))


def test_the_published_archive_is_read_whole(real_data, tmp_path):
    """Counted with tar and grep: 21,342 pictures, 8 malformed names, 3 of them without a race."""
    path = real_data / "utkface" / "UTKFace.tar.gz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with tarfile.open(path) as archive:
        names = [member.name.rpartition("/")[2] for member in archive if member.isreg()]
    labels = utkface.parse_names(names)
    assert len(names) == labels["age"].notna().sum() == 21342
    assert labels["ethnicity"].isna().sum() == 3
    assert (labels["age"].min(), labels["age"].max()) == (1, 116)
    well_formed = pd.Series(names).str.fullmatch(r"\d+_[01]_[0-4]_\d{17}\.jpg\.chip\.jpg")
    assert sorted(np.array(names)[~well_formed]) == sorted(MALFORMED)


# APPA-REAL


def make_appa_real(folder, averages=True):
    """Two parts in the published form; the columns of the extra table in another order, with an extra column."""
    release = folder / "appa-real-release"
    make_pictures(release / "train", ["0.jpg", "0.jpg_face.jpg", "0.jpg.mat", "1.jpg"])
    make_pictures(release / "test", ["3.jpg", "3.jpg_face.jpg"])
    if averages:
        header = "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n"
        (release / "gt_avg_train.csv").write_text(
            header + "0.jpg,38,25.5,3.2,27\n1.jpg,40,61.0,5.1,58\n2.jpg,9,3,1,4\n"
        )
        (release / "gt_avg_test.csv").write_text(header + "3.jpg,10,33.3,4.4,35\n")
    else:
        ratings = "file_name,apparent_age,real_age\n0.jpg,24,27\n0.jpg,28,27\n1.jpg,60,58\n"
        (release / "gt_train.csv").write_text(ratings)
    (release / "allcategories_train.csv").write_text(
        "makeup,gender,happiness, race ,time,file\n"
        "no,Male,neutral,asian,modern,0.jpg\n"
        "yes,unsure,happy,caucasian,old,1.jpg\n"
    )
    return release


def test_appa_real_is_read_by_header(tmp_path):
    make_appa_real(tmp_path)
    collection = sources.read("appa-real", tmp_path)
    rows = collection.faces
    assert list(rows["path"]) == [
        "appa-real-release/train/0.jpg_face.jpg",
        "appa-real-release/train/1.jpg",
        "appa-real-release/test/3.jpg_face.jpg",
    ]
    assert list(rows["age"]) == list(rows["apparent_age"]) == [25.5, 61.0, 33.3]
    assert list(rows["real_age"]) == [27, 58, 35]
    assert list(rows["apparent_std"]) == [3.2, 5.1, 4.4]
    assert list(rows["expression"][:2]) == ["neutral", "happy"]
    assert list(rows["ethnicity"][:2]) == ["asian", "caucasian"]
    assert rows["gender"][0] == "male" and rows["gender"][1:].isna().all()
    assert rows["identity"].isna().all()
    assert list(collection.skipped["path"]) == ["appa-real-release/train/2.jpg"]
    assert collection.notes == {
        "gender neither female nor male: taken as missing": 1,
        "no cut-out face: the whole picture is taken": 1,
    }


def test_the_published_split_comes_only_when_asked_for(tmp_path):
    release = make_appa_real(tmp_path)
    assert "split" not in sources.read("appa-real", release).faces
    rows = sources.read("appa-real", release, keep_split=True).faces
    assert list(rows["split"]) == ["train", "train", "test"]
    assert rows["path"][0] == "train/0.jpg_face.jpg"


def test_single_ratings_do_where_the_averages_are_missing(tmp_path):
    make_appa_real(tmp_path, averages=False)
    collection = sources.read("appa-real", tmp_path)
    assert list(collection.faces["age"]) == [26, 60]
    assert collection.faces["apparent_std"][0] == pytest.approx(np.sqrt(8))
    assert collection.notes["mean and deviation computed from single ratings"] == 2


def test_tables_that_a_spreadsheet_has_saved_read_alike(tmp_path):
    release = make_appa_real(tmp_path)
    before = sources.read("appa-real", tmp_path).faces
    for file in release.glob("*.csv"):
        text = file.read_text().replace(",", ";")
        text = re.sub(r"(\d)\.(\d)", r"\1,\2", text) if file.name.startswith("gt") else text
        file.write_text(text.replace("\n", ";;\n"), encoding="utf-16")
    pd.testing.assert_frame_equal(sources.read("appa-real", tmp_path).faces, before)


def test_faults_of_the_tables_name_file_and_line(tmp_path):
    release = make_appa_real(tmp_path)
    table = release / "gt_avg_train.csv"
    text = table.read_text()
    table.write_text(text.replace("61.0", "old"))
    with pytest.raises(ValueError, match=r"gt_avg_train\.csv: 'apparent_age_avg' must be a number .* line 3 has 'old'"):
        sources.read("appa-real", tmp_path)
    table.write_text(text.replace("real_age", "age"))
    with pytest.raises(ValueError, match=r"gt_avg_train\.csv: no column real_age \(it has: file_name"):
        sources.read("appa-real", tmp_path)
    table.write_text("")
    with pytest.raises(ValueError, match=r"gt_avg_train\.csv is empty"):
        sources.read("appa-real", tmp_path)


def test_appa_real_without_tables_or_pictures_is_said(tmp_path):
    make_pictures(tmp_path / "empty", ["notes.txt"])
    with pytest.raises(FileNotFoundError, match=r"no gt_avg_train\.csv"):
        sources.read("appa-real", tmp_path / "empty")
    make_pictures(tmp_path / "tables", [])
    (tmp_path / "tables" / "gt_avg_train.csv").write_text(
        "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n0.jpg,38,25.5,3.2,27\n"
    )
    with pytest.raises(FileNotFoundError, match="none of the pictures"):
        sources.read("appa-real", tmp_path / "tables")
    assert appa_real.find_release(tmp_path / "tables") == tmp_path / "tables"


def test_appa_real_forgives_the_case_of_a_letter_and_counts_what_nobody_rated(tmp_path):
    release = make_appa_real(tmp_path)
    (release / "train" / "0.jpg_face.jpg").rename(release / "train" / "0.JPG_face.JPG")
    make_pictures(release / "train", ["9.jpg", "9.jpg_face.jpg", "notes.txt", "._1.jpg"])
    found = sources.read("appa-real", tmp_path)
    assert found.faces["path"].tolist()[:2] == [
        "appa-real-release/train/0.JPG_face.JPG",
        "appa-real-release/train/1.jpg",
    ]
    inside = "appa-real-release/train/"
    assert dict(zip(found.skipped["path"], found.skipped["reason"], strict=True)) == {
        inside + "2.jpg": "rated, but there is no such picture",
        inside + "9.jpg": "no table rates it",
        inside + "9.jpg_face.jpg": "no table rates it",
    }
    assert found.notes["the picture's name differs from the table's in the case of a letter"] == 1
    assert found.notes[f"hidden, such as {inside}._1.jpg"] == 1
    assert found.notes[f"not an image (.txt), such as {inside}notes.txt"] == 1


# The door


@pytest.mark.parametrize("source", list(sources.READERS))
def test_bad_roots_are_said(tmp_path, source):
    with pytest.raises(ValueError, match=f"source '{source}' needs a root"):
        sources.read(source)
    with pytest.raises(FileNotFoundError, match=f"{source}: nothing at .*missing"):
        sources.read(source, tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=f"{source}: the folder .* is empty"):
        sources.read(source, tmp_path / "empty")
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(ValueError, match="is not an archive"):
        sources.read(source, tmp_path / "notes.txt")


def test_unknown_names_and_numbers_are_said(tmp_path):
    with pytest.raises(ValueError, match="no source 'utk-face'; did you mean 'utkface'"):
        sources.read("utk-face", tmp_path)
    with pytest.raises(ValueError, match="pictures is a number from 0"):
        sources.read("utkface", tmp_path, pictures=-1)


def test_a_sample_is_seeded_ordered_and_without_repetition(tmp_path):
    make_pictures(tmp_path, [f"{age}_0_0_20170116174525125.jpg" for age in range(1, 101)])
    everything = sources.read("utkface", tmp_path).faces
    some = sources.read("utkface", tmp_path, pictures=30, seed=3).faces
    assert len(some) == some["path"].nunique() == 30
    assert list(some["path"]) == [path for path in everything["path"] if path in set(some["path"])]
    pd.testing.assert_frame_equal(some, sources.read("utkface", tmp_path, pictures=30, seed=3).faces)
    assert list(some["path"]) != list(sources.read("utkface", tmp_path, pictures=30, seed=4).faces["path"])
    assert len(sources.read("utkface", tmp_path, pictures=1000).faces) == 100


@pytest.mark.parametrize(("source", "layout"), list(sources.DRAWN.items()))
def test_drawn_faces_go_through_the_published_readers(tmp_path, monkeypatch, source, layout):
    def draw_collection(wanted, pictures, seed):
        assert (wanted, pictures, seed) == (layout, 5, 9)
        if layout == "imdb-wiki":
            write_mat(tmp_path / "wiki.mat")
        elif layout == "utkface":
            make_pictures(tmp_path, MALFORMED)
        elif layout == "panda":
            (tmp_path / "bao").mkdir()
            (tmp_path / "bao" / "7.25_000031.jpg").touch()
        else:
            make_appa_real(tmp_path)
        return tmp_path

    nobody = pd.DataFrame({"path": ["none.jpg"], "identity": ["nobody"]})
    monkeypatch.setattr(collections, "draw_collection", draw_collection)
    monkeypatch.setattr(collections, "read_truth", lambda root: nobody)
    rows = sources.read(source, pictures=5, seed=9).faces
    assert set(rows["source"]) == {f"drawn-{layout}"}
    assert faces_tables.is_drawn(rows)


@pytest.mark.parametrize("source", sources.DRAWN)
def test_who_is_drawn_is_known_in_every_layout_and_the_default_split_keeps_people_apart(source):
    faces = sources.read(source, pictures=60, seed=4).faces
    assert faces["identity"].notna().all()
    assert 1 < faces["identity"].nunique() < len(faces)
    parts = splits.split(faces).groupby("identity")["split"].nunique()
    assert parts.eq(1).all()


def test_drawn_faces_need_a_number_and_no_root(tmp_path):
    with pytest.raises(ValueError, match="'drawn' needs a number of pictures to draw"):
        sources.read("drawn")
    with pytest.raises(ValueError, match="'drawn' draws its own faces and takes no root"):
        sources.read("drawn", tmp_path, pictures=10)


# The Matlab file


@given(
    st.lists(st.text(st.characters(codec="utf-16", exclude_characters="\0"), max_size=12), min_size=1, max_size=8),
    st.booleans(),
)
def test_a_struct_of_columns_is_read_as_it_was_written(tmp_path_factory, texts, compressed):
    path = tmp_path_factory.mktemp("mat") / "wiki.mat"
    corners = [np.array([[i, 2, 300, 70000]], dtype="float64") for i in range(len(texts))]
    numbers = np.arange(len(texts), dtype="int16")[None, :]
    struct = {"full_path": cells(texts), "face_location": cells(corners), "dob": numbers, "gender": numbers * np.nan}
    savemat(path, {"other": 3.0, "wiki": struct}, do_compression=compressed)
    found = matlab.read_struct(path, ("imdb", "wiki"))
    assert list(found) == list(struct)
    assert found["full_path"] == texts
    np.testing.assert_array_equal(found["face_location"], np.concatenate(corners))
    np.testing.assert_array_equal(found["dob"], numbers[0])
    assert found["dob"].dtype == "float64" and np.isnan(found["gender"]).all()


def test_a_variable_that_is_no_struct_is_passed_over(tmp_path):
    savemat(tmp_path / "wiki.mat", {"wiki": np.arange(3.0)}, format="4")
    assert matlab.read_struct(tmp_path / "wiki.mat", ("wiki",)) is None


def test_boxes_of_another_length_are_missing(tmp_path):
    boxes = [np.array([[1.0, 1, 5, 5]])] * 4 + [np.array([[1.0, 2]])]
    rows = sources.read("imdb-wiki", write_mat(tmp_path / "wiki.mat", face_location=boxes)).faces
    assert rows["face_box"][0] == "0 0 4 4"
    assert pd.isna(rows["face_box"][4])
