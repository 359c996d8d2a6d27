"""The one walk of a folder of images: every entry is found or counted, and no odd one ends it."""

import os
import socket
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from agelib.pixels import image_files
from agelib.pixels.decode import ENDINGS, FORMATS
from agelib.pixels.image_files import count_reasons, list_images, tree_key

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, pipes and names in bytes")

#: What Pillow opens that is no photograph: documents, drawings, icons, textures, fonts, measurements, films.
NO_PHOTOGRAPHS = {
    ".blp", ".bufr", ".cur", ".dcx", ".dds", ".ps", ".eps", ".fit", ".fits", ".fli", ".flc", ".ftc", ".ftu", ".gbr",
    ".grib", ".h5", ".hdf", ".icb", ".icns", ".iim", ".im", ".mpg", ".mpeg", ".msp", ".palm", ".pdf", ".pxr", ".vda",
    ".vst", ".wmf", ".emf", ".xbm", ".xpm",
}  # fmt: skip


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_every_ending_that_pillow_knows_is_taken_or_known_not_to_be_a_photograph():
    Image.init()
    known = {ending: format for ending, format in Image.registered_extensions().items() if format != "HEIF"}
    assert set(known) - ENDINGS == NO_PHOTOGRAPHS
    assert ENDINGS - set(known) == {".heic", ".heics", ".heif", ".heifs", ".hif"}
    assert {known[ending] for ending in ENDINGS & set(known)} - {"MPO"} == set(FORMATS) <= set(Image.OPEN)


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_an_ending_counts_in_any_case(tmp_path, ending):
    names = [f"a{ending}", f"b{ending.upper()}", f"c{ending.title()}"]
    assert list_images(touch(tmp_path, *names)).files == names


def test_what_systems_leave_behind_is_counted_and_not_read(tmp_path):
    touch(tmp_path, "a.jpg", "._a.jpg", ".DS_Store", "__MACOSX/._a.jpg", ".git/b.jpg", "Thumbs.db", "sub/desktop.ini")
    found = list_images(tmp_path)
    assert found.files == ["a.jpg"] and not found.lost
    hidden = [".DS_Store", "._a.jpg", ".git", "Thumbs.db", "__MACOSX", "sub/desktop.ini"]
    assert found.others == [(path, "hidden") for path in hidden]


def test_odd_entries_never_end_the_walk(tmp_path):
    touch(tmp_path, "a.jpg", "thumbs.jpg/b.png", "deep/c.gif")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")
    (tmp_path / "again.jpg").symlink_to(tmp_path / "a.jpg")
    (tmp_path / "deep" / "up").symlink_to(tmp_path)
    (tmp_path / "also").symlink_to(tmp_path / "deep")
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as opened:
        here = os.getcwd()
        os.chdir(tmp_path)  # the path of a socket is short
        opened.bind("socket.png")
        os.chdir(here)
    found = list_images(tmp_path)
    assert found.files == ["a.jpg", "again.jpg", "deep/c.gif", "thumbs.jpg/b.png"]
    lost = dict(found.lost)
    assert lost.pop("gone.jpg") == lost.pop("gone") == "a link that leads nowhere"
    assert lost.pop("pipe.jpg") == lost.pop("socket.png") == "no file but a pipe, a socket or a device"
    assert lost.pop("also") == lost.pop("deep/up") == "a link to a folder that is read already"
    assert set(lost) == {"self.jpg"} and not found.others


def test_a_folder_outside_is_read_through_its_link(tmp_path):
    touch(tmp_path / "elsewhere", "x/a.jpg")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    assert list_images(tmp_path / "root").files == ["link/x/a.jpg"]


def test_a_folder_that_may_not_be_read_is_told_and_the_rest_read(tmp_path, monkeypatch):
    touch(tmp_path, "locked/a.jpg", "open/b.jpg")
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith("locked"):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(image_files.os, "scandir", refuse)
    found = list_images(tmp_path)
    assert found.files == ["open/b.jpg"]
    assert found.lost == [("locked", "a folder that cannot be listed: permission denied")]


def test_a_name_that_is_not_utf_8_is_shown_with_a_replacement(tmp_path):
    for name in (b"m\xfcller.jpg", b"K\xf6ln/a.jpg"):
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb"):
            pass
    touch(tmp_path, "müller.jpg")
    found = list_images(tmp_path)
    assert found.files == ["müller.jpg"]
    assert [path for path, _ in found.lost] == ["K\ufffdln/a.jpg", "m\ufffdller.jpg"]
    assert "rename it" in found.lost[0][1]
    assert len(list_images(tmp_path, any_name=True).files) == 3


def test_reasons_are_few_whatever_the_names_are(tmp_path):
    touch(tmp_path, "a.txt", "b.TXT", "README", "x.20170116174525125", "y.a long ending", "z.")
    reasons = [(why, number) for why, number, _ in count_reasons(list_images(tmp_path).others)]
    assert reasons == [("not an image (no ending)", 4), ("not an image (.txt)", 2)]


NAMES = st.sampled_from([
    b"a.jpg", b"b.JPG", b"c.webp", b"d.HEIC", b"._a.jpg", b".hidden", b"Thumbs.db", b"notes.txt", b"README", b" .jpg",
    b"m\xfc.jpg", b"new\nline.png", b"'quo\"te.gif", b"comma,.bmp", "日本.tif".encode(), b"__MACOSX", b"sub",
    b"thumbs.jpg",
])  # fmt: skip
ENTRIES = st.recursive(
    st.sampled_from(["file", "nowhere", "pipe", "to a file", "to itself"]) | st.just("to the root"),
    lambda inside: st.dictionaries(NAMES, inside, max_size=5),
    max_leaves=20,
)


def build(folder: bytes, tree: dict, root: bytes):
    """Write a tree; return how many entries a walk has to account for: all but folders that it goes into."""
    os.makedirs(folder, exist_ok=True)
    number = 0
    for name, kind in tree.items():
        path = os.path.join(folder, name)
        hidden = name.startswith((b".", b"__MACOSX")) or name == b"Thumbs.db"
        if isinstance(kind, dict):
            inside = build(path, kind, root)
            number += 1 if hidden else inside
            continue
        number += 1
        if kind == "file":
            with open(path, "wb"):
                pass
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            goals = {"nowhere": b"/no/such/thing", "to a file": os.fsencode(__file__), "to itself": path}
            os.symlink(goals.get(kind, root), path)
    return number


@settings(max_examples=60)
@given(st.dictionaries(NAMES, ENTRIES, max_size=6))
def test_nothing_vanishes(tree):
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(os.fsencode(folder), b"root")
        number = build(root, tree, root)
        found = list_images(os.fsdecode(root), any_name=True)
        assert len(found.files) + len(found.lost) + len(found.others) == number
        assert all(os.path.isfile(os.path.join(os.fsdecode(root), path)) for path in found.files)
        bare = list_images(os.fsdecode(root))
        assert len(bare.files) + len(bare.lost) == len(found.files) + len(found.lost)
        "".join(path + why for path, why in bare.lost + bare.others + [(path, "") for path in bare.files]).encode()
        assert tree_key(os.fsdecode(root)) == tree_key(os.fsdecode(root))


def test_a_key_shows_every_change_of_a_file_and_of_no_other(tmp_path):
    touch(tmp_path, "a/b/c.jpg", "a/table.csv", "a/.DS_Store")
    keys = [tree_key(tmp_path)]

    def changed() -> bool:
        keys.append(tree_key(tmp_path))
        return keys[-1] not in keys[:-1]

    assert not changed()
    (tmp_path / "a" / ".DS_Store").write_text("where the icons are")
    assert not changed()
    (tmp_path / "a" / "b" / "c.jpg").write_bytes(b"one")
    assert changed()
    (tmp_path / "a" / "b" / "c.jpg").write_bytes(b"two")
    os.utime(tmp_path / "a" / "b" / "c.jpg", ns=(1, 1))
    assert changed()
    (tmp_path / "new").write_bytes(b"six")  # as long and as old as the one that it replaces
    os.utime(tmp_path / "new", ns=(1, 1))
    os.replace(tmp_path / "new", tmp_path / "a" / "b" / "c.jpg")
    assert changed()
    (tmp_path / "a" / "table.csv").write_text("x")
    assert changed()
    (tmp_path / "a" / "b" / "c.jpg").rename(tmp_path / "a" / "c.jpg")
    assert changed()
    assert tree_key(tmp_path / "a" / "table.csv") != tree_key(tmp_path / "a" / "c.jpg")


def test_a_key_of_a_linked_file_sees_what_it_links_to(tmp_path):
    touch(tmp_path, "store/a.jpg", "root/x")
    (tmp_path / "root" / "a.jpg").symlink_to(tmp_path / "store" / "a.jpg")
    before = tree_key(tmp_path / "root")
    (tmp_path / "store" / "a.jpg").write_bytes(b"now a picture")
    assert tree_key(tmp_path / "root") != before
