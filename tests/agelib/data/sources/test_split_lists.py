"""Published split lists: read with their ages and people; what is not in the published form is named."""

import numpy as np
import pytest
from scipy.io import savemat

from agelib.data.sources import split_lists

MORPH_HEAD = ",id_num,picture_num,race,Male,facial_hair,age,glasses,quality"
LISTS = {
    "morph2_train.csv": [MORPH_HEAD, "009055_0M54.jpg,9055,0,B,1,,38,,GOOD", "012345_1F20.jpg,12345,1,W,0,,4,,GOOD"],
    "morph2_valid.csv": [MORPH_HEAD, "012345_2F21.jpg,12345,2,W,0,,5,,GOOD"],
    "morph2_test.csv": [MORPH_HEAD, "009055_1M55.jpg,9055,1,B,1,,39,,GOOD", "400000_00M16.jpg,400000,0,B,1,,0,,GOOD"],
    "cacd_train.csv": [",file,age", "7,30_Ann_Bee_0001.jpg,16"],
    "cacd_valid.csv": [",file,age", "8,14_Jean-Luc_O'Dee_0001.jpg,0"],
    "cacd_test.csv": [",file,age", "9,31_Ann_Bee_0002.jpg,17"],
    "utk_train.csv": [",file,age", "1,21_0_1_20170117163203851.jpg.chip.jpg,0"],
    "utk_test.csv": [",file,age", "2,60_1_20170109142408075.jpg.chip.jpg,39"],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    for name, lines in LISTS.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    return tmp_path


def test_morph_has_its_numbers_and_its_years(folder):
    faces = split_lists.read("morph2", folder).faces
    assert faces["path"].tolist()[0] == "009055_0M54.jpg"
    assert faces["identity"].tolist() == ["009055", "012345", "012345", "009055", "400000"]
    assert faces["age"].tolist() == [54, 20, 21, 55, 16]
    assert faces["split"].tolist() == ["train", "train", "valid", "test", "test"]
    assert (faces["source"] == "morph2").all()


def test_cacd_takes_the_person_from_the_name(folder):
    faces = split_lists.read("cacd", folder).faces
    assert faces["identity"].tolist() == ["Ann_Bee", "Jean-Luc_O'Dee", "Ann_Bee"]
    assert faces["age"].tolist() == [30, 14, 31]


def test_utkface_says_nobody_and_has_no_validation_part(folder):
    faces = split_lists.read("utkface", folder).faces
    assert faces["identity"].isna().all()
    assert faces["age"].tolist() == [21, 60]
    assert faces["split"].tolist() == ["train", "test"]


@pytest.mark.parametrize(
    ("name", "file", "lines", "message"),
    [
        ("faces", "", [], "no published split of 'faces'.*morph2, cacd, utkface"),
        ("cacd", "cacd_test.csv", ["1,2"], "no column 'age'"),
        ("cacd", "cacd_test.csv", [",file,age", "1,me.jpg,3"], r"cacd_test.csv, line 2: 'me.jpg' is no name"),
        ("cacd", "cacd_test.csv", [",file,age", "1,31_Ann_Bee_0002.jpg,old"], "line 2.*age that is no number"),
        ("cacd", "cacd_test.csv", [",file,age", "1,31_Ann_Bee_0002.jpg,18"], r"line 2.*another age.*\+14"),
        ("cacd", "cacd_test.csv", [",file,age", "1,30_Ann_Bee_0001.jpg,16"], "listed twice.*first in train"),
        ("morph2", "morph2_test.csv", [MORPH_HEAD, "009055_1M55.jpg,9056,1,B,1,,39,,GOOD"], "another id_num"),
    ],
)
def test_another_form_is_refused_with_the_row(folder, name, file, lines, message):
    if file:
        (folder / file).write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=message):
        split_lists.read(name, folder)


def test_a_missing_list_is_named_with_what_belongs_there(folder):
    (folder / "utk_test.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"utk_test.csv; the folder must hold utk_train.csv"):
        split_lists.read("utkface", folder)


def test_cacds_own_table_is_read(tmp_path):
    names = np.array(["30_Ann_Bee_0001.jpg", "14_Cy_Dee_0001.jpg"], object)[:, None]
    record = {"name": names, "age": np.array([[30], [14]]), "identity": np.array([[1], [2000]])}
    savemat(tmp_path / "meta.mat", {"celebrityImageData": record})
    faces = split_lists.read_cacd(tmp_path / "meta.mat").faces
    assert faces["path"].tolist() == ["30_Ann_Bee_0001.jpg", "14_Cy_Dee_0001.jpg"]
    assert faces["identity"].tolist() == ["0001", "2000"]
    assert faces["age"].tolist() == [30, 14]


def test_what_is_not_cacds_table_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="celebrity2000_meta"):
        split_lists.read_cacd(tmp_path / "none.mat")
    (tmp_path / "text.mat").write_text("no Matlab file at all, only text " * 20)
    with pytest.raises(ValueError, match="not readable"):
        split_lists.read_cacd(tmp_path / "text.mat")
    savemat(tmp_path / "other.mat", {"celebrityImageData": {"name": np.array([["a.jpg"]], object)}})
    with pytest.raises(ValueError, match=r"celebrityImageData.age"):
        split_lists.read_cacd(tmp_path / "other.mat")


def test_the_real_lists_are_the_published_ones(real_data):
    sizes = {"morph2": (55224, 13667), "cacd": (159449, 2000), "utkface": (16434, 0)}
    for name, (pictures, people) in sizes.items():
        faces = split_lists.read(name, real_data / "split-lists").faces
        assert (len(faces), faces["identity"].nunique()) == (pictures, people)


def test_cacds_names_are_its_identities(real_data):
    table = split_lists.read_cacd(real_data / "identities" / "celebrity2000_meta.mat").faces
    assert (len(table), table["identity"].nunique()) == (163446, 2000)
    names = table["path"].str.extract(r"^\d+_(.+)_\d+\.jpg$")[0]
    assert names.groupby(table["identity"]).nunique().max() == 1
    assert table["identity"].groupby(names).nunique().max() == 1
