"""Several sources in one table: who is from where, paths under one root, shares of the pictures."""

import os

import pytest

from agelib.data import sources, table


def make_utkface(folder, names):
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    return folder


def make_pandas(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.fixture
def two(tmp_path):
    utkface = make_utkface(
        tmp_path / "a" / "UTKFace",
        ["25_0_2_20170116174525125.jpg.chip.jpg", "39_1_20170116174525125.jpg.chip.jpg", "me.jpg"],
    )
    pandas = make_pandas(tmp_path / "b", ["bao/2.5_01.jpg", "bao/2.75_02.jpg", "lin/8_01.jpg", "lin/age.jpg"])
    return utkface, pandas


def test_every_path_is_found_below_the_one_root(two):
    found = sources.read("utkface+panda", f"{two[0]}, {two[1]}")
    assert len(found.faces) == 5
    assert all((found.root / path).is_file() for path in found.faces["path"])
    assert all((found.root / path).is_file() for path in found.skipped["path"])


def test_each_row_keeps_its_source_and_its_labels(two):
    rows = sources.read("utkface+panda", f"{two[0]},{two[1]}").faces
    assert rows["source"].tolist() == ["utkface"] * 2 + ["panda"] * 3
    assert rows["age"].tolist() == [25, 39, 2.5, 2.75, 8]
    assert rows["gender"].tolist()[:2] == ["male", "female"] and rows["gender"].isna()[2:].all()


def test_a_name_in_two_sets_is_not_one_identity(tmp_path, monkeypatch):
    first, second = (make_pandas(tmp_path / name, ["bao/1_1.jpg"]) for name in "ab")
    monkeypatch.setitem(sources.READERS, "zoo", sources.READERS["panda"])
    rows = sources.read("panda+zoo", f"{first},{second}").faces
    assert rows["identity"].tolist() == ["panda/bao", "zoo/bao"]


def test_a_missing_identity_stays_missing(two):
    assert sources.read("utkface+panda", f"{two[0]},{two[1]}").faces["identity"].isna().sum() == 2


def test_what_is_odd_or_skipped_says_where_it_is_from(two):
    found = sources.read("utkface+panda", f"{two[0]},{two[1]}")
    assert found.notes == {"utkface: no race field: ethnicity missing": 1}
    assert sorted(path.rpartition("/")[2] for path in found.skipped["path"]) == ["age.jpg", "me.jpg"]


def test_pictures_are_shared_equally_and_the_first_gets_what_is_over(two):
    rows = sources.read("utkface+panda", f"{two[0]},{two[1]}", pictures=3).faces
    assert rows["source"].value_counts().to_dict() == {"utkface": 2, "panda": 1}


def test_drawn_sets_need_no_root_and_are_known_as_drawn(two):
    found = sources.read("drawn-panda+utkface", two[0], pictures=6)
    assert table.is_drawn(found.faces)
    assert found.faces["source"].tolist() == ["drawn-panda"] * 3 + ["utkface"] * 2
    assert all((found.root / path).is_file() for path in found.faces["path"])
    assert not table.is_drawn(sources.read("utkface+panda", f"{two[0]},{two[1]}").faces)


def test_two_drawn_sets_do_not_show_the_same_people():
    first = sources.read("drawn-utkface+drawn-appa-real", pictures=40, seed=5)
    assert first.faces["source"].value_counts().to_dict() == {"drawn-utkface": 20, "drawn-appa-real": 20}
    alone = sources.read("drawn-appa-real", pictures=20, seed=6)  # the second set's seed is the next one
    names = first.faces["path"][20:].str.split("/").str[-2:].str.join("/")
    assert names.tolist() == alone.faces["path"].tolist()


def test_the_root_may_hold_an_empty_place_for_a_drawn_set(two):
    rows = sources.read("drawn-panda+utkface", f",{two[0]}", pictures=2).faces
    assert len(rows) == 2


@pytest.mark.parametrize(
    "source, root, message",
    [
        ("utkface+panda", "only-one", "needs 2 roots"),
        ("utkface+utkface", "a,b", "twice"),
        ("utkface+pandas", "a,b", "did you mean 'panda'"),
        ("utkface+", "a", "no source ''"),
    ],
)
def test_a_wrong_list_says_what_is_wrong(source, root, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        sources.read(source, root)


def test_too_few_pictures_for_the_sources_are_refused():
    with pytest.raises(ValueError, match="do not go round"):
        sources.read("drawn-utkface+drawn-panda", pictures=1)


def test_an_option_of_one_reader_is_refused(two):
    with pytest.raises(ValueError, match="keep_split"):
        sources.read("utkface+panda", f"{two[0]},{two[1]}", keep_split=True)


def test_different_drives_are_named(two, monkeypatch):
    def fail(paths):
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr(os.path, "commonpath", fail)
    with pytest.raises(ValueError, match=r"different drives.*AGELIB_HOME"):
        sources.read("utkface+panda", f"{two[0]},{two[1]}")
