"""Decoding a table of pictures once, and the statistics of what was decoded."""

import errno
import os
import shutil
import sys
import threading
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from agelib.pixels import cache, content_keys, decode, memmap, statistics


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def pictures(tmp_path):
    """A folder of twelve small pictures, and their table."""
    root = tmp_path / "pictures"
    root.mkdir()
    generator = np.random.default_rng(42)
    paths = [f"{number}.png" for number in range(12)]
    for path in paths:
        Image.fromarray(generator.integers(0, 256, (20, 20, 3), np.uint8)).save(root / path)
    return root, pd.DataFrame({"path": paths})


def test_rows_keep_the_order_of_the_table(home, pictures):
    root, faces = pictures
    table = faces.iloc[::-1].set_index(np.arange(100, 112))
    decoded = cache.decode(table, root, 20, progress=False)
    assert decoded.images.shape == (12, 3, 20, 20)
    assert decoded.images.dtype == np.uint8
    assert isinstance(decoded.images, np.memmap)
    for row, path in enumerate(table["path"]):
        np.testing.assert_array_equal(decoded.images[row].transpose(1, 2, 0), np.asarray(Image.open(root / path)))
    assert decoded.readable.all()
    assert decoded.skipped.empty


def test_what_is_decoded_is_found_again(home, pictures, monkeypatch):
    root, faces = pictures
    first = cache.decode(faces, root, 16, progress=False)
    monkeypatch.setattr(memmap, "decode_into", lambda *_: pytest.fail("decoded a second time"))
    again = cache.decode(faces, root, 16, progress=False)
    assert again.key == first.key
    np.testing.assert_array_equal(again.images, first.images)
    moved = root.parent / "moved"
    shutil.copytree(root, moved)
    assert cache.decode(faces, moved, 16, progress=False).key == first.key


def test_the_key_changes_with_the_bytes_the_size_the_grey_and_the_code(home, pictures, monkeypatch):
    root, faces = pictures
    keys = [cache.decode(faces, root, 16, progress=False).key]
    keys += [cache.decode(faces, root, 17, progress=False).key]
    keys += [cache.decode(faces, root, 16, grey=True, progress=False).key]
    keys += [cache.decode(faces.iloc[::-1], root, 16, progress=False).key]
    Image.new("RGB", (20, 20), "red").save(root / "3.png")
    keys += [cache.decode(faces, root, 16, progress=False).key]
    monkeypatch.setattr(cache, "code_fingerprint", lambda *_: "another")
    keys += [cache.decode(faces, root, 16, progress=False).key]
    assert len(set(keys)) == 6


def test_grey_stores_one_channel(home, pictures):
    root, faces = pictures
    decoded = cache.decode(faces, root, 20, grey=True, progress=False)
    assert decoded.images.shape == (12, 1, 20, 20)
    np.testing.assert_array_equal(decoded.images[5, 0], np.asarray(Image.open(root / "5.png").convert("L")))


def test_unreadable_pictures_are_listed_black_and_no_crash(home, pictures):
    root, faces = pictures
    (root / "0.png").write_text("this is text")
    (root / "1.png").write_bytes(b"")
    (root / "2.png").unlink()
    (root / "3.png").write_bytes((root / "3.png").read_bytes()[:300])
    (root / "4.png").unlink()
    (root / "4.png").mkdir()
    for _ in range(2):  # decoded, then found again
        decoded = cache.decode(faces, root, 16, progress=False)
        assert decoded.readable.tolist() == [False] * 5 + [True] * 7
        assert decoded.skipped["path"].tolist() == [f"{number}.png" for number in range(5)]
        reasons = decoded.skipped["reason"].tolist()
        assert reasons[:3] == ["not a picture", "empty file", "no such file"]
        assert "truncated" in reasons[3] or "broken" in reasons[3]
        assert reasons[4] == "a folder, not a file"
        assert not decoded.images[:5].any()


def test_a_picture_that_turns_up_later_is_decoded_then(home, pictures):
    root, faces = pictures
    data = (root / "7.png").read_bytes()
    (root / "7.png").unlink()
    assert not cache.decode(faces, root, 16, progress=False).readable[7]
    (root / "7.png").write_bytes(data)
    assert cache.decode(faces, root, 16, progress=False).readable.all()


def test_worker_processes_give_the_same_bytes(home, pictures):
    root, faces = pictures
    (root / "6.png").write_text("this is text")
    one = cache.decode(faces, root, 16, jobs=1, progress=False)
    images = np.array(one.images)
    shutil.rmtree(home / "pixels" / one.key)
    two = cache.decode(faces, root, 16, jobs=2, progress=False)
    assert two.key == one.key
    np.testing.assert_array_equal(two.images, images)
    pd.testing.assert_frame_equal(two.skipped, one.skipped)


def test_two_at_the_same_time_decode_once(home, pictures, monkeypatch):
    root, faces = pictures
    built, results = [], []
    build = memmap.build
    monkeypatch.setattr(memmap, "build", lambda *given: built.append(1) or build(*given))
    threads = [
        threading.Thread(target=lambda: results.append(cache.decode(faces, root, 16, progress=False))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len(built) == 1


def test_an_unchanged_file_is_not_read_again_for_its_key(home, pictures, monkeypatch):
    root, faces = pictures
    paths = list(faces["path"])
    later = content_keys.time.time_ns() + 60 * 10**9
    monkeypatch.setattr(content_keys.time, "time_ns", lambda: later)
    first = content_keys.content_keys(paths, root)
    read = []
    monkeypatch.setattr(content_keys, "file_key", lambda file: read.append(os.path.basename(file)) or "changed")
    assert content_keys.content_keys(paths, root) == first
    assert read == []
    (root / "2.png").write_bytes(b"other bytes")
    assert content_keys.content_keys(paths, root)[1][2] == "changed"
    assert read == ["2.png"]


def test_a_file_that_changed_a_moment_ago_is_read_again(home, pictures):
    root, _ = pictures
    (root / "a").write_bytes(b"one")
    stat = (root / "a").stat()
    _, [before] = content_keys.content_keys(["a"], root)
    (root / "a").write_bytes(b"two")
    os.utime(root / "a", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert content_keys.content_keys(["a"], root)[1] != [before]


def test_a_disk_known_to_be_too_small_is_named_before_decoding(home, pictures, monkeypatch):
    root, faces = pictures
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10_000, 9_000, 1_000))
    with pytest.raises(
        OSError, match=r"home/pixels: 12 pictures of 16 pixels need 9,216 bytes, 1,000 are free; .*AGELIB_HOME"
    ) as error:
        cache.decode(faces, root, 16, progress=False)
    assert error.value.errno == errno.ENOSPC
    assert [path.name for path in (home / "pixels").iterdir() if path.is_dir()] == []


def test_a_disk_that_fills_up_meanwhile_leaves_nothing_behind(home, pictures, monkeypatch):
    root, faces = pictures

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(memmap, "decode_into", full)
    with pytest.raises(OSError, match=r"no space left in .* need 9,216 bytes"):
        cache.decode(faces, root, 16, progress=False)
    assert [path.name for path in (home / "pixels").iterdir() if path.is_dir()] == []
    monkeypatch.setattr(memmap, "decode_into", decode.decode_into)
    assert cache.decode(faces, root, 16, progress=False).readable.all()


def test_a_cut_off_map_is_made_again(home, pictures):
    root, faces = pictures
    decoded = cache.decode(faces, root, 16, progress=False)
    expected = np.array(decoded.images)
    with open(home / "pixels" / decoded.key / "images.npy", "r+b") as file:
        file.truncate(500)
    np.testing.assert_array_equal(cache.decode(faces, root, 16, progress=False).images, expected)
    assert [path.name for path in (home / "pixels").iterdir() if path.is_dir()] == [decoded.key]


def test_what_cannot_be_decoded_is_said(home, pictures):
    root, faces = pictures
    with pytest.raises(ValueError, match="no rows"):
        cache.decode(faces[:0], root, 16)
    with pytest.raises(ValueError, match=r"image_size .* not 0"):
        cache.decode(faces, root, 0)
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        cache.decode(faces, root / "nowhere", 16)


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.sampled_from([1, 3]), st.just(4), st.just(4))), st.data())
def test_statistics_are_numpys_in_float64(images, data):
    rows = data.draw(st.lists(st.integers(0, len(images) - 1), min_size=1, max_size=8))
    mean, std = statistics.statistics(images, rows)
    exact = images[rows].astype(np.float64) / 255
    np.testing.assert_allclose(mean, np.broadcast_to(exact.mean((0, 2, 3)), 3), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(std, np.broadcast_to(exact.std((0, 2, 3)), 3), rtol=1e-6, atol=1e-7)
    assert mean.dtype == std.dtype == np.float32


def test_statistics_of_many_chunks_take_marks_and_do_not_depend_on_the_order():
    images = np.random.default_rng(0).integers(0, 256, (300, 3, 100, 100), np.uint8)
    marks = np.arange(300) % 3 > 0
    mean, std = statistics.statistics(images, marks)
    exact = images[marks].astype(np.float64) / 255
    np.testing.assert_allclose(mean, exact.mean((0, 2, 3)), rtol=1e-7)
    np.testing.assert_allclose(std, exact.std((0, 2, 3)), rtol=1e-7)
    shuffled = statistics.statistics(images, np.random.default_rng(1).permutation(np.flatnonzero(marks)))
    np.testing.assert_array_equal(shuffled, (mean, std))


def test_statistics_of_no_rows_are_refused():
    with pytest.raises(ValueError, match="no rows"):
        statistics.statistics(np.zeros((3, 3, 4, 4), np.uint8), [])


def test_a_heic_is_read_in_worker_processes_and_again_once_the_extra_is_there(tmp_path, monkeypatch):
    pillow_heif = pytest.importorskip("pillow_heif")
    faces = pd.DataFrame({"path": [f"{number}.heic" for number in range(4)]})
    for number, path in enumerate(faces["path"]):
        pillow_heif.from_pillow(Image.new("RGB", (64, 64), (60 * number, 100, 50))).save(tmp_path / path)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pillow_heif", None)
        without = cache.decode(faces, tmp_path, 16, progress=False)
    assert not without.readable.any() and "agelib[heic]" in without.skipped["reason"][0]
    decoded = cache.decode(faces, tmp_path, 16, jobs=2, progress=False)
    assert decoded.readable.all() and decoded.key != without.key
    np.testing.assert_allclose(decoded.images[:, 0, 8, 8], [0, 60, 120, 180], atol=6)
