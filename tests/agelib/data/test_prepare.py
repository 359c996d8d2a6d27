"""prepare(): from a folder to a cleaned table with its split, made once, and refused if it leaks."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest

from agelib import drawn
from agelib.config import Data
from agelib.data import clean as cleaning
from agelib.data import prepare, splits
from agelib.data.table import Collection, table
from agelib.runtime import workspace

#: No picture is looked at by a detector here: that is cleaning's test.
FAST = Data(source="drawn", pictures=160, detector="none", min_pictures_per_age=1)


def change(**values) -> Data:
    return dataclasses.replace(FAST, **values)


@pytest.fixture(scope="module")
def prepared():
    return prepare.prepare(FAST, progress=False)


@pytest.fixture
def utkface(tmp_path):
    return drawn.draw_collection(
        "utkface", 90, seed=4, size=32, folder=tmp_path / "utk", jobs=1, progress=False, clean=True
    )


def test_a_prepared_set_is_cleaned_split_and_free_of_leaks(prepared):
    faces = prepared.faces
    assert set(faces["split"]) == {"train", "valid", "test"}
    assert faces["age"].between(0, 130).all()
    assert not splits.audit(faces).leaks
    assert (prepared.leaks["groups"] == 0).all()
    assert all((prepared.root / path).is_file() for path in faces["path"])


def test_every_picture_read_is_kept_or_removed_with_a_reason(prepared):
    assert len(prepared.faces) + len(prepared.removed) == prepared.report["before"].iloc[0] == 160
    assert prepared.report["removed"].sum() == len(prepared.removed)
    assert prepared.removed["reason"].str.len().min() > 0
    assert not set(prepared.faces["path"]) & set(prepared.removed["path"])


def test_the_split_is_written_once_and_read_by_every_run(prepared, monkeypatch):
    before = prepared.file.stat().st_mtime_ns
    monkeypatch.setattr(cleaning, "clean", lambda *a, **k: pytest.fail("cleaned again"))
    again = prepare.prepare(FAST, progress=False)
    assert again.file == prepared.file and again.file.stat().st_mtime_ns == before
    for name in ("faces", "removed", "report", "leaks"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(prepared, name), check_exact=True)
    written = pd.read_csv(prepared.file)
    assert written["split"].tolist() == prepared.faces["split"].tolist()


def test_other_data_lie_in_another_folder(prepared):
    others = [change(max_age=60.0), change(folds=5), change(duplicates="keep")]
    files = {prepare.prepare(data, progress=False).file for data in others} | {prepared.file}
    assert len(files) == len(others) + 1


def test_a_data_set_that_changed_is_read_again(utkface):
    data = change(source="utkface", root=str(utkface), pictures=0)
    before = prepare.prepare(data, progress=False)
    first = sorted((utkface / "UTKFace").iterdir())[0]
    first.unlink()
    after = prepare.prepare(data, progress=False)
    assert after.file != before.file
    assert len(after.faces) == len(before.faces) - 1


def test_a_file_that_was_replaced_in_place_is_read_again(utkface, capsys):
    """A folder below the root, whose own time does not change."""
    data = change(source="utkface", root=str(utkface), pictures=0)
    first = sorted((utkface / "UTKFace").glob("*.jpg"))[0]
    whole, path = first.read_bytes(), f"UTKFace/{first.name}"
    first.write_bytes(b"")
    emptied = prepare.prepare(data, progress=False)
    assert emptied.removed.set_index("path").loc[path, "reason"] == "empty file"
    first.write_bytes(whole)
    mended = prepare.prepare(data, progress=False)
    assert path in set(mended.faces["path"]) and path not in set(mended.removed["path"])
    assert prepare.prepare(data, progress=False).file == mended.file
    first.write_bytes(b"")
    assert prepare.prepare(data, progress=False).file != mended.file


def test_another_decoder_is_another_verdict(utkface, monkeypatch):
    data = change(source="utkface", root=str(utkface), pictures=0)
    before = prepare.prepare(data, progress=False)
    monkeypatch.setattr(prepare, "decoders", lambda: ["one that reads more"])
    assert prepare.prepare(data, progress=False).file != before.file


def test_what_the_reader_skipped_and_mended_is_told_each_time(utkface, capsys):
    from agelib.__main__ import main

    (utkface / "UTKFace" / "me.jpg").touch()
    (utkface / "UTKFace" / "labels.txt").touch()
    broken = sorted((utkface / "UTKFace").glob("[0-9]*.jpg"))[0]
    broken.write_text("no picture")
    words = ["data", "--source", "utkface", "--root", str(utkface), "--detector", "none", "--pictures", "0"]
    told = []
    for _ in range(2):  # made, then found again
        assert main([*words, "--min-pictures-per-age", "1"]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    _, line = told[0][told[0].index("skipped by the reader") :].splitlines()[:2]
    assert line.split(maxsplit=1) == [
        "1", "the name gives no age; expected [age]_[gender]_[race]_[time].jpg, such as UTKFace/me.jpg"
    ]  # fmt: skip
    assert f"unreadable\n      1  not a picture, such as UTKFace/{broken.name}\n" in told[0]
    assert "      1  not an image (.txt), such as UTKFace/labels.txt\n" in told[0]
    done = prepare.prepare(change(source="utkface", root=str(utkface), pictures=0), progress=False)
    assert done.skipped["path"].tolist() == ["UTKFace/me.jpg"]
    assert done.notes["not an image (.txt), such as UTKFace/labels.txt"] == 1


def test_pictures_that_were_deleted_are_drawn_again(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    data = change(pictures=60)
    before = prepare.prepare(data, progress=False)
    shutil.rmtree(before.root)
    after = prepare.prepare(data, progress=False)
    pd.testing.assert_frame_equal(after.faces, before.faces)
    assert (after.root / after.faces["path"][0]).is_file()


def test_what_was_interrupted_is_not_taken_for_done(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    data = change(pictures=60)

    def full(*a):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(workspace, "write_json", full)
        with pytest.raises(OSError, match="No space left"):
            prepare.prepare(data, progress=False)
    assert not [path for path in (tmp_path / "prepared").glob("*") if path.is_dir()]
    assert len(prepare.prepare(data, progress=False).faces) > 30


def test_the_label_is_the_age_that_is_learnt():
    collection = Collection(
        table(path=["a", "b"], age=[20, 30], real_age=[20, 30], apparent_age=[24.5, 28.25], source="some"), None
    )
    assert prepare.use_label(collection, "apparent_age").faces["age"].tolist() == [24.5, 28.25]
    assert prepare.use_label(collection, "real_age").faces["age"].tolist() == [20, 30]
    bare = Collection(table(path=["a"], age=[20], source="some"), None)
    with pytest.raises(ValueError, match="some has no apparent_age; it has: age"):
        prepare.use_label(bare, "apparent_age")


def test_apparent_ages_are_not_all_rare_because_they_are_means():
    data = change(source="drawn-appa-real", label="apparent_age", pictures=120, min_pictures_per_age=2)
    done = prepare.prepare(data, progress=False)
    assert len(done.faces) > 60
    np.testing.assert_array_equal(done.faces["age"], done.faces["apparent_age"])


def test_each_fold_is_the_test_part_once():
    parts = [prepare.prepare(change(folds=4, fold=k), progress=False).faces for k in range(4)]
    tested = pd.concat([faces[faces["split"] == "test"] for faces in parts])
    assert sorted(tested["path"]) == sorted(parts[0]["path"])
    for k, faces in enumerate(parts):
        assert faces["fold"].tolist() == parts[0]["fold"].tolist()
        assert (faces.loc[faces["split"] == "test", "fold"] == k).all()
        assert (faces.loc[faces["split"] == "valid", "fold"] == (k + 1) % 4).all()
        assert not splits.audit(faces).leaks


@pytest.mark.parametrize(
    ("folds", "fold", "message"),
    [
        (2, 0, "folds=2 is too few.*give 3 or more"),
        (-1, 0, "folds=-1 is too few"),
        (5, 5, "fold 5 does not exist: with folds=5 they are 0 to 4"),
        (5, -1, "fold -1 does not exist"),
    ],
)
def test_folds_that_do_not_exist_are_said_before_anything_is_drawn(folds, fold, message, monkeypatch):
    monkeypatch.setattr(prepare.sources, "read", lambda *a, **k: pytest.fail("read the data set"))
    with pytest.raises(ValueError, match=message):
        prepare.prepare(change(folds=folds, fold=fold), progress=False)


def test_a_split_by_age_that_shows_people_twice_is_refused_unless_allowed():
    leaking = change(split="by_age")
    with pytest.raises(splits.LeakError, match=r"identities are in both train and test.*(?s:.*)allow_leaks=True"):
        prepare.prepare(leaking, progress=False)
    allowed = prepare.prepare(dataclasses.replace(leaking, allow_leaks=True), progress=False)
    assert allowed.leaks["groups"].sum() > 0
    assert (allowed.leaks["kind"] == "identity").any()


def test_a_root_that_is_not_there_or_not_a_data_set_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"root: there is no file or folder .*nowhere"):
        prepare.prepare(change(source="utkface", root=str(tmp_path / "nowhere")), progress=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="is empty"):
        prepare.prepare(change(source="utkface", root=str(tmp_path / "empty")), progress=False)
    (tmp_path / "letter.tar.gz").write_text("Dear reader")
    with pytest.raises(ValueError, match=r"letter\.tar\.gz"):
        prepare.prepare(change(source="utkface", root=str(tmp_path / "letter.tar.gz")), progress=False)


def test_too_few_pictures_to_split_are_said():
    with pytest.raises(ValueError, match=r"part empty; use more pictures|cleaning left no picture"):
        prepare.prepare(change(pictures=4), progress=False)


def test_a_change_of_what_is_drawn_is_a_change_of_what_is_prepared():
    from agelib.runtime.fingerprint import imported_modules

    assert {"agelib.drawn.planning", "agelib.drawn.portrait", "agelib.drawn.pandas"} <= imported_modules(
        "agelib.data.prepare"
    )


def test_another_split_reads_and_cleans_nothing_anew(prepared, monkeypatch):
    def clean(*_, **__):
        raise AssertionError("cleaned again")

    monkeypatch.setattr(cleaning, "clean", clean)
    other = prepare.prepare(change(folds=4, fold=1), progress=False)
    assert set(other.faces["path"]) == set(prepared.faces["path"])
    with pytest.raises(AssertionError, match="cleaned again"):
        prepare.prepare(change(max_age=50), progress=False)


def test_a_split_file_says_who_is_where_and_what_it_does_not_name_is_left_out(prepared, tmp_path):
    named = prepared.faces[["path", "split"]].iloc[5:].copy()
    named["split"] = named["split"].map({"train": "train", "valid": "test", "test": "valid"})
    file = tmp_path / "parts.csv"
    named.to_csv(file, index=False)
    again = prepare.prepare(change(split_file=str(file)), progress=False)
    merged = again.faces[["path", "split"]].merge(named, on="path", suffixes=("", "_named"))
    assert len(again.faces) == len(named) == len(merged)
    assert (merged["split"] == merged["split_named"]).all()
    left = again.removed[again.removed["step"] == "not in the split file"]
    assert set(left["path"]) == set(prepared.faces["path"].iloc[:5])
    assert again.report.iloc[-1][["before", "removed", "after"]].tolist() == [len(prepared.faces), 5, len(named)]


def test_another_content_of_a_split_file_is_another_split(prepared, tmp_path):
    file = tmp_path / "parts.csv"
    named = prepared.faces[["path", "split"]]
    named.to_csv(file, index=False)
    first = prepare.prepare(change(split_file=str(file)), progress=False)
    named.iloc[3:].to_csv(file, index=False)
    second = prepare.prepare(change(split_file=str(file)), progress=False)
    assert len(first.faces) - len(second.faces) == 3


def test_a_leaky_split_file_is_refused(prepared, tmp_path):
    kept = prepare.prepare(change(duplicates="keep", allow_leaks=True), progress=False)
    twins = kept.faces["identity"].value_counts().index[0]
    named = kept.faces[["path", "split"]].copy()
    mine = named.index[kept.faces["identity"] == twins]
    named.loc[mine[0], "split"], named.loc[mine[1:], "split"] = "test", "train"
    file = tmp_path / "leaky.csv"
    named.to_csv(file, index=False)
    with pytest.raises(splits.LeakError, match="both train and test"):
        prepare.prepare(change(split_file=str(file)), progress=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,part\na.jpg,test\n", "no column 'split'"),
        ("path,split\na.jpg,test\na.jpg,train\n", "line 3: a.jpg stands there twice"),
        ("path,split\na.jpg,exam\n", "line 2: no part 'exam'"),
        ("path,split\nnobody.jpg,test\n", "names none of these pictures"),
        ("", "parts.csv is empty"),
    ],
)
def test_a_wrong_split_file_is_said_with_its_row(tmp_path, text, message):
    file = tmp_path / "parts.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        prepare.prepare(change(split_file=str(file)), progress=False)


def test_a_split_file_without_a_part_is_the_file_to_mend(prepared, tmp_path):
    named = prepared.faces[["path", "split"]]
    file = tmp_path / "parts.csv"
    named[named["split"] != "valid"].to_csv(file, index=False)
    again = prepare.prepare(change(split_file=str(file)), progress=False)
    said = str(again.lacks("valid", "readable picture"))
    assert said.startswith(f"{file}: none of its rows with split valid names a readable picture")
    assert "add rows PATH,valid" in said and "faces.csv" not in said
    assert str(prepared.lacks("valid")).endswith("faces.csv: no picture is in the valid part; use more pictures")


def test_a_split_file_may_come_from_a_spreadsheet(prepared, tmp_path):
    named = prepared.faces[["split", "path"]].replace({"train": " Train"})
    file = tmp_path / "parts.csv"
    file.write_text(named.to_csv(index=False, sep=";").replace("path", "Path"), encoding="utf-16")
    again = prepare.prepare(change(split_file=str(file)), progress=False)
    assert again.faces["split"].tolist() == prepared.faces["split"].tolist()


def test_a_split_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        prepare.prepare(change(split_file=str(tmp_path / "none.csv")), progress=False)
