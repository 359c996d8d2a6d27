"""Unpacking a published archive once, safely and whole.

A member may not leave the folder it is unpacked into: absolute names, ``..``, links and devices are refused, and with
them the whole archive. The folder appears under its name only when every member has been written.
"""

import contextlib
import errno
import gzip
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from agelib.runtime import workspace
from agelib.runtime.progress import Line
from agelib.runtime.workspace import mark_used

#: Left free on the disk after unpacking, in bytes.
MARGIN = 64 * 2**20
CHUNK = 2**20


def unpack(archive, folder=None, progress: bool = True) -> Path:
    """Unpack an archive into the workspace, or find it unpacked.

    Parameters
    ----------
    archive : path
        A ``.tar``, ``.tar.gz`` (or other compressed tar) or ``.zip`` file; its content decides, not its name.
    folder : path, optional
        Where to put the unpacked folder; the workspace's ``sources`` by default.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    pathlib.Path
        The folder with the members, named after the archive and a key of its name, size and time of change.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not an archive, is damaged, or has a member that would escape the folder.
    OSError
        If the disk has not enough room (checked before, and reported if it fills up meanwhile).
    """
    archive = Path(archive)
    if not archive.is_file():
        raise FileNotFoundError(f"no archive at {archive}")
    status = archive.stat()
    key = workspace.content_key(archive.name, status.st_size, status.st_mtime_ns)
    stem = archive.name.split(".")[0] or "archive"
    target = Path(folder or workspace.home() / "sources") / f"{stem}-{key}"
    if target.is_dir():
        mark_used(target)
        return target
    with workspace.lock(target):
        if target.is_dir():
            return target
        _clear_leftovers(target)
        with _opened(archive) as (members, total), workspace.write_whole(target) as temporary:
            _check_room(archive, total, target.parent)
            temporary.mkdir()
            _write_members(archive, members, total, temporary, progress)
    return target


def safe_name(name: str, archive="archive") -> str:
    """Check that a member's name stays inside the folder, and return it in a plain form.

    Examples
    --------
    >>> safe_name("./UTKFace/1_0_0_20161219140623097.jpg")
    'UTKFace/1_0_0_20161219140623097.jpg'
    >>> safe_name("../../.bashrc", "evil.zip")
    Traceback (most recent call last):
    ...
    ValueError: evil.zip: member '../../.bashrc' would be written outside the folder; nothing was unpacked: ...
    """
    windows = PureWindowsPath(name)
    if name.startswith(("/", "\\")) or windows.drive or ".." in windows.parts or "\0" in name:
        _refuse(archive, name, "would be written outside the folder")
    return PurePosixPath(
        *[part for part in PurePosixPath(name.replace("\\", "/")).parts if part != "."]
    ).as_posix()


def _refuse(archive, name: str, what: str):
    raise ValueError(
        f"{archive}: member {name!r} {what}; nothing was unpacked: get the archive from the data set's owners"
    )


@contextlib.contextmanager
def _opened(archive: Path):
    """Yield (iterator over (name, size, open file or None for a folder), bytes to be written)."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                yield _zip_members(opened, archive), sum(member.file_size for member in opened.infolist())
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened:
                yield _tar_members(opened, archive), _unpacked_size(archive)
        else:
            raise ValueError(f"{archive} is not an archive; give a .tar, .tar.gz or .zip file, or a folder")
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        gzip.BadGzipFile,
    ) as error:
        raise ValueError(f"{archive} is damaged or incomplete ({error}); download it again") from None
    except (RuntimeError, NotImplementedError) as error:  # zipfile: a password, a rare compression
        raise ValueError(
            f"{archive} cannot be unpacked ({error}); get it from the data set's owners"
        ) from None


def _zip_members(opened: zipfile.ZipFile, archive: Path):
    for member in opened.infolist():
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            _refuse(archive, member.filename, "is a link or a device")
        name = safe_name(member.filename, archive)
        if member.is_dir():
            yield name, 0, None
        else:
            with opened.open(member) as file:
                yield name, member.file_size, file


def _tar_members(opened: tarfile.TarFile, archive: Path):
    for member in opened:
        opened.members.clear()  # tarfile would keep a record of each of half a million members
        if not (member.isreg() or member.isdir()):
            _refuse(archive, member.name, "is a link or a device")
        name = safe_name(member.name, archive)
        yield name, member.size, None if member.isdir() else opened.extractfile(member)


def _unpacked_size(archive: Path) -> int:
    """Bytes that a tar file holds: its own size, or what a gzip file says at its end (modulo 4 GiB)."""
    size = archive.stat().st_size
    with open(archive, "rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return size
        file.seek(-4, 2)
        return max(size, struct.unpack("<I", file.read(4))[0])


def _check_room(archive: Path, total: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if total + MARGIN > free:
        raise OSError(
            errno.ENOSPC,
            f"{archive} needs {total / 2**20:.0f} MiB unpacked, {folder} has {free / 2**20:.0f} MiB free; "
            "make room or set AGELIB_HOME to a folder on a larger disk",
        )


def _write_members(archive: Path, members, total: int, folder: Path, progress: bool) -> None:
    made = set()
    line = Line(f"unpack {archive.name}", total, "bytes", progress)
    for name, size, file in members:
        path = folder / name
        parent = path if file is None else path.parent
        if parent not in made:
            parent.mkdir(parents=True, exist_ok=True)
            made.add(parent)
        if file is not None:
            _write_member(archive, name, size, file, path)
            line.advance(size)
    line.close()


def _write_member(archive: Path, name: str, size: int, file, path: Path) -> None:
    try:
        with open(path, "wb") as out:
            shutil.copyfileobj(file, out, CHUNK)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise OSError(
            errno.ENOSPC,
            f"the disk is full at member {name!r} of {archive}; nothing was kept: make room or set AGELIB_HOME",
        ) from None
    if path.stat().st_size != size:
        raise ValueError(
            f"{archive} is damaged or incomplete (member {name!r} ends early); download it again"
        )


def _clear_leftovers(target: Path) -> None:
    """Remove what a killed process left under a temporary name; the lock says that nobody is writing it."""
    for leftover in target.parent.glob(f".{target.name}.????????"):
        shutil.rmtree(leftover, ignore_errors=True)
