"""A folder for each animal → faces table."""

import pytest

from agelib.data import sources, table


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_folder_and_name_give_identity_and_age(tmp_path):
    rows = sources.read("panda", write(tmp_path, "bao/12_a.jpg", "bao/7.25_000031.jpg", "lin/0.5_x.PNG")).faces
    assert rows["path"].tolist() == ["bao/12_a.jpg", "bao/7.25_000031.jpg", "lin/0.5_x.PNG"]
    assert rows["age"].tolist() == [12, 7.25, 0.5] and rows["real_age"].equals(rows["age"].rename("real_age"))
    assert rows["identity"].tolist() == ["bao", "bao", "lin"]
    assert set(rows["source"]) == {"panda"}


def test_a_folder_around_the_animals_does_not_matter(tmp_path):
    rows = sources.read("panda", write(tmp_path, "zoo/bao/12_a.jpg")).faces
    assert rows["identity"].tolist() == ["bao"] and rows["path"].tolist() == ["zoo/bao/12_a.jpg"]


def test_what_cannot_be_read_is_skipped_with_its_reason(tmp_path):
    found = sources.read("panda", write(tmp_path, "bao/12_a.jpg", "3_a.jpg", "bao/old.jpg", "bao/_4.jpg"))
    reasons = dict(zip(found.skipped["path"], found.skipped["reason"], strict=True))
    assert set(reasons) == {"3_a.jpg", "bao/old.jpg", "bao/_4.jpg"}
    assert reasons["3_a.jpg"] == "in no animal's folder" and "no age" in reasons["bao/old.jpg"]


def test_an_age_no_panda_reaches_is_kept_and_counted(tmp_path):
    found = sources.read("panda", write(tmp_path, "bao/44_a.jpg", "bao/12_a.jpg"))
    assert len(found.faces) == 2 and found.notes == {"age above 38 years": 1}


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(ValueError, match="none of 1 pictures"):
        sources.read("panda", write(tmp_path, "bao/one.jpg"))
    with pytest.raises(FileNotFoundError, match="no pictures"):
        sources.read("panda", write(tmp_path / "x", "bao/one.txt"))


def test_an_animal_may_have_any_name(tmp_path):
    names = ["NA", "None", "nan", "null", "a,b", 'the "old" one', "new\nline", " bao"]
    rows = sources.read("panda", write(tmp_path, *(f"{name}/7_a.JPG" for name in names))).faces
    assert sorted(rows["identity"]) == sorted(names)
    table.write(tmp_path / "faces.csv", rows)
    back = table.read(tmp_path / "faces.csv")
    assert back[["path", "identity"]].equals(rows[["path", "identity"]]) and back["real_age"].equals(rows["real_age"])
