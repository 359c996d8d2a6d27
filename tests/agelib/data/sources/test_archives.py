"""Unpacking: once, whole, and never outside the folder."""

import errno
import io
import os
import stat
import tarfile
import zipfile

import pytest

from agelib.data.sources import archives


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def make_zip(path, members, attributes=None):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            if attributes:
                info.external_attr = attributes << 16
            archive.writestr(info, data)
    return path


def make_tar(path, members, mode="w:gz", kind=tarfile.REGTYPE, link=""):
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


MEMBERS = {"faces/a.jpg": b"a" * 5000, "faces/deep/b.jpg": b"b" * 70000}


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_every_kind_gives_the_same_files(tmp_path, kind):
    path = tmp_path / f"set.{kind}"
    modes = {"tar": "w", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}
    make_zip(path, MEMBERS) if kind == "zip" else make_tar(path, MEMBERS, modes[kind])
    folder = archives.unpack(path, progress=False)
    found = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*.jpg")}
    assert found == MEMBERS


def test_the_content_decides_and_not_the_name(tmp_path):
    folder = archives.unpack(make_zip(tmp_path / "set.tar.gz", MEMBERS), progress=False)
    assert (folder / "faces/a.jpg").read_bytes() == MEMBERS["faces/a.jpg"]


def test_an_archive_as_long_and_as_old_as_the_one_that_it_replaces_is_unpacked_anew(tmp_path):
    archive, other = (
        make_tar(tmp_path / name, {"a.txt": text}, mode="w:") for name, text in (("x.tar", b"one"), ("y.tar", b"two"))
    )
    for file in (archive, other):
        os.utime(file, ns=(1, 1))
    assert archive.stat().st_size == other.stat().st_size
    first = archives.unpack(archive, progress=False)
    os.replace(other, archive)
    second = archives.unpack(archive, progress=False)
    assert [(folder / "a.txt").read_bytes() for folder in (first, second)] == [b"one", b"two"]


def test_it_is_unpacked_once_and_again_when_the_archive_changes(tmp_path):
    path = make_zip(tmp_path / "set.zip", {"a": b"1"})
    folder = archives.unpack(path, progress=False)
    (folder / "mark").touch()
    assert archives.unpack(path, progress=False) == folder
    assert (folder / "mark").exists()
    make_zip(path, {"a": b"22"})
    changed = archives.unpack(path, progress=False)
    assert changed != folder
    assert (changed / "a").read_bytes() == b"22"


ESCAPES = ["../evil.txt", "faces/../../evil.txt", "/tmp/evil.txt", "..\\evil.txt", "C:\\evil.txt", "C:evil.txt"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize("name", ESCAPES)
def test_a_member_that_would_escape_is_refused_with_its_archive(tmp_path, workspace, kind, name):
    members = {"good.txt": b"good", name: b"evil"}
    path = tmp_path / f"slip.{kind}"
    make_zip(path, members) if kind == "zip" else make_tar(path, members)
    with pytest.raises(ValueError, match=r"slip\.\w+: member .*evil\.txt.* outside the folder; nothing was unpacked"):
        archives.unpack(path, progress=False)
    assert [file for file in tmp_path.rglob("*") if file.name in ("evil.txt", "good.txt")] == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, workspace, kind):
    path = make_tar(tmp_path / "links.tar", {"faces": b""}, kind=kind, link="/etc/passwd")
    with pytest.raises(ValueError, match=r"member 'faces' is a link or a device"):
        archives.unpack(path, progress=False)
    assert not list((workspace / "sources").glob("[!.]*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_that_stays_inside_is_refused_too(tmp_path, kind):
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("faces/a.jpg"), io.BytesIO())
        info = tarfile.TarInfo("faces/b.jpg")
        info.type, info.linkname = kind, "a.jpg"
        archive.addfile(info)
    with pytest.raises(ValueError, match=r"member 'faces/b\.jpg' is a link or a device"):
        archives.unpack(tmp_path / "links.tar", progress=False)


def test_a_link_in_a_zip_is_refused(tmp_path):
    path = make_zip(tmp_path / "links.zip", {"faces": b"/etc/passwd"}, attributes=stat.S_IFLNK | 0o777)
    with pytest.raises(ValueError, match=r"member 'faces' is a link or a device"):
        archives.unpack(path, progress=False)


def test_what_is_no_archive_is_said_to_be_none(tmp_path):
    path = tmp_path / "notes.zip"
    path.write_text("these are notes")
    with pytest.raises(ValueError, match=r"notes\.zip is not an archive; give a \.tar"):
        archives.unpack(path)
    with pytest.raises(FileNotFoundError, match="no archive at"):
        archives.unpack(tmp_path / "missing.zip")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_truncated_archive_leaves_nothing(tmp_path, workspace, mode):
    members = {f"{i}.jpg": os.urandom(40_000) for i in range(10)}
    path = make_tar(tmp_path / "set.tar", members, mode)
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(ValueError, match=r"damaged or incomplete.*download it again"):
        archives.unpack(path, progress=False)
    assert not [file for file in (workspace / "sources").rglob("*") if not file.name.endswith(".lock")]


def test_a_flipped_byte_in_a_zip_is_noticed(tmp_path):
    path = make_zip(tmp_path / "set.zip", MEMBERS)
    data = bytearray(path.read_bytes())
    data[2000] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="damaged or incomplete"):
        archives.unpack(path, progress=False)


def test_an_interruption_leaves_nothing_and_the_next_call_succeeds(tmp_path, workspace, monkeypatch):
    path = make_zip(tmp_path / "set.zip", MEMBERS)
    real = archives._write_member

    def interrupt(archive, name, size, file, target):
        if name.endswith("b.jpg"):
            raise KeyboardInterrupt
        real(archive, name, size, file, target)

    monkeypatch.setattr(archives, "_write_member", interrupt)
    with pytest.raises(KeyboardInterrupt):
        archives.unpack(path, progress=False)
    assert not list((workspace / "sources").rglob("*.jpg"))
    monkeypatch.setattr(archives, "_write_member", real)
    assert len(list(archives.unpack(path, progress=False).rglob("*.jpg"))) == 2


def test_what_a_killed_process_left_is_cleared(tmp_path, workspace):
    path = make_zip(tmp_path / "set.zip", MEMBERS)
    folder = archives.unpack(path, progress=False)
    leftover = folder.parent / f".{folder.name}.0123abcd"
    folder.rename(leftover)
    assert archives.unpack(path, progress=False) == folder
    assert not leftover.exists()


def test_too_little_room_is_said_before_anything_is_written(tmp_path, workspace, monkeypatch):
    path = make_zip(tmp_path / "set.zip", MEMBERS)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 2**20})())
    with pytest.raises(OSError, match=r"set\.zip needs .* MiB unpacked, .* has 1 MiB free") as caught:
        archives.unpack(path, progress=False)
    assert caught.value.errno == errno.ENOSPC
    assert not list((workspace / "sources").rglob("*.jpg"))


def test_a_disk_that_fills_up_is_said_and_nothing_is_kept(tmp_path, workspace, monkeypatch):
    def full(source, out, chunk):
        out.write(source.read(10))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archives.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match=r"the disk is full at member 'faces/a\.jpg'.*AGELIB_HOME"):
        archives.unpack(make_zip(tmp_path / "set.zip", MEMBERS), progress=False)
    assert not list((workspace / "sources").rglob("*.jpg"))


def test_a_password_is_said(tmp_path):
    path = make_zip(tmp_path / "secret.zip", {"a.jpg": b"a" * 100})
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the encryption bit, in the local header and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="cannot be unpacked"):
        archives.unpack(path, progress=False)


def test_memory_does_not_grow_with_the_number_of_members(tmp_path):
    import gc
    import tracemalloc

    def peak(number):
        path = make_tar(tmp_path / f"{number}.tar", {f"faces/{k:05d}.jpg": b"" for k in range(number)}, "w")
        gc.collect()  # not in the middle, of what other tests left
        gc.disable()
        tracemalloc.start()
        folder = archives.unpack(path, progress=False)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        gc.enable()
        assert len(list((folder / "faces").iterdir())) == number
        return highest

    peak(10)  # what is imported on the way
    # A record of each member would take two megabytes and more.
    assert peak(4000) - peak(400) < 300_000
