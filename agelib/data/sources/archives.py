"""Unpacking a published archive once, safely and whole.

A member may not leave the folder it is unpacked into: absolute names, ``..``, links and devices are refused, and with
them the whole archive. The folder appears under its name only when every member has been written.
"""

import contextlib
import errno
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path, PureWindowsPath

from agelib.runtime import workspace
from agelib.runtime.progress import Line

#: Left free on the disk after unpacking, in bytes.
MARGIN = 64 * 2**20
CHUNK = 2**20


def unpack(archive, folder=None, progress: bool = True) -> Path:
    """Unpack an archive into the workspace, or find it unpacked.

    Parameters
    ----------
    archive : path
        A ``.tar``, ``.tar.gz`` (or other compressed tar) or ``.zip`` file; its content decides, not its name.
    folder, progress : path, bool
        Where to put the unpacked folder, by default the workspace's ``sources``; whether to show how far it is.

    Returns
    -------
    pathlib.Path
        The folder with the members, named after the archive and a key of its name, size and times.

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
    key = workspace.content_key(archive.name, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    stem = archive.name.split(".")[0] or "archive"
    target = Path(folder or workspace.home() / "sources") / f"{stem}-{key}"
    if target.is_dir():
        workspace.mark_used(target)
        return target
    with workspace.lock(target):
        if target.is_dir():
            return target
        for leftover in target.parent.glob(f".{target.name}.????????"):  # of a killed process: the lock is ours
            shutil.rmtree(leftover, ignore_errors=True)
        with _opened(archive) as (members, total), workspace.write_whole(target) as temporary:
            if total + MARGIN > (free := shutil.disk_usage(target.parent).free):
                raise OSError(
                    errno.ENOSPC,
                    f"{archive} needs {total / 2**20:.0f} MiB unpacked, {target.parent} has {free / 2**20:.0f} MiB "
                    "free; make room or set AGELIB_HOME to a folder on a larger disk",
                )
            temporary.mkdir()
            line = Line(f"unpack {archive.name}", total, "bytes", progress)
            for member, file in members:
                member = _safe(archive, member, temporary)
                if member.isdir():
                    (temporary / member.name).mkdir(parents=True, exist_ok=True)
                else:
                    _write_member(archive, member.name, member.size, file, temporary / member.name)
                    line.advance(member.size)
            line.close()
    return target


@contextlib.contextmanager
def _opened(archive: Path):
    """Yield (iterator over (member, open file or None), bytes to be written)."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                yield _zip_members(opened), sum(member.file_size for member in opened.infolist())
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened:
                yield _tar_members(opened), _unpacked_size(archive)
        else:
            raise ValueError(f"{archive} is not an archive; give a .tar, .tar.gz or .zip file, or a folder")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"{archive} is damaged or incomplete ({error}); download it again") from None
    except (RuntimeError, NotImplementedError) as error:  # zipfile: a password, a rare compression
        raise ValueError(f"{archive} cannot be unpacked ({error}); get it from the data set's owners") from None


def _zip_members(opened: zipfile.ZipFile):
    """A zip file's members as a tar file describes them, so that one check serves both."""
    types = {0: tarfile.REGTYPE, stat.S_IFREG: tarfile.REGTYPE, stat.S_IFDIR: tarfile.DIRTYPE}
    for found in opened.infolist():
        member = tarfile.TarInfo(found.filename)
        member.size = found.file_size
        kind = stat.S_IFMT(found.external_attr >> 16)
        member.type = tarfile.DIRTYPE if found.is_dir() else types.get(kind, tarfile.SYMTYPE)
        with opened.open(found) as file:
            yield member, file


def _tar_members(opened: tarfile.TarFile):
    for member in opened:
        opened.members.clear()  # tarfile would keep a record of each of half a million members
        yield member, opened.extractfile(member) if member.isreg() else None


def _safe(archive: Path, member: tarfile.TarInfo, folder: Path) -> tarfile.TarInfo:
    """The member if it stays inside the folder, as tarfile's data filter sees it, and as Windows would.

    The filter lets links inside the folder pass, takes the slash off an absolute name, and knows no backslash here:
    a data set has none of these.
    """
    refused = "is a link or a device"
    if member.isreg() or member.isdir():
        refused, name = "would be written outside the folder", PureWindowsPath(member.name)
        if not (name.anchor or ".." in name.parts or "\0" in member.name):
            with contextlib.suppress(tarfile.FilterError):
                return tarfile.data_filter(member.replace(name=name.as_posix(), deep=False), str(folder))
    raise ValueError(
        f"{archive}: member {member.name!r} {refused}; nothing was unpacked: get the archive from the data set's owners"
    )


def _unpacked_size(archive: Path) -> int:
    """Bytes that a tar file holds: its own size, or what a gzip file says at its end (modulo 4 GiB)."""
    size = archive.stat().st_size
    with open(archive, "rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return size
        file.seek(-4, 2)
        return max(size, struct.unpack("<I", file.read(4))[0])


def _write_member(archive: Path, name: str, size: int, file, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
        raise ValueError(f"{archive} is damaged or incomplete (member {name!r} ends early); download it again")
