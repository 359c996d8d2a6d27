"""Files as a class hands them in: below a folder, in a zip archive, and in archives within these.

An archive is opened in memory, member by member, and nothing of it is written to disk, so no member's name can lead
anywhere. What an operating system or an editor leaves behind (hidden files, ``__MACOSX``, ``Thumbs.db``) is passed
over; everything else is named, and what cannot be read carries the reason.
"""

import contextlib
import functools
import io
import os
import stat
import time
import zipfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from agebook.course.notebook_files import LARGEST

#: How many archives may lie within each other, and how many members one may have.
DEEPEST, MOST = 4, 100_000

#: What an archive may unpack to, in bytes: this, and so many times its own size.
UNPACKED, RATIO = 1_000_000_000, 100

_LEFTOVERS = {"__macosx", "thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class HandIn:
    """One file.

    Attributes
    ----------
    path : pathlib.PurePosixPath
        Below the source; an archive counts as a folder.
    time : int
        When it was last changed, in nanoseconds since 1970; 0 if nothing says so.
    read : callable
        Takes a number of bytes, and gives the first so many; works until the next file is asked for.
    fault : str
        Why it cannot be read, in words; empty if it can.
    """

    path: PurePosixPath
    time: int
    read: Callable[[int], bytes]
    fault: str = ""


def walk(source, leave_out: Collection[Path] = ()) -> Iterator[HandIn]:
    """Every file below a folder or in a zip archive, in the order of their names.

    Links are never followed: what they lead to may be the instructor's own.

    Parameters
    ----------
    source : path
    leave_out : collection of pathlib.Path
        Folders, resolved, that are not looked into.

    Raises
    ------
    FileNotFoundError
        If there is neither a folder nor a zip archive.
    """
    source = Path(source).resolve()
    if source.is_dir():
        yield from _folder(source, PurePosixPath(), leave_out)
    elif source.is_file() and zipfile.is_zipfile(source):
        size = source.stat().st_size
        yield from _archive(PurePosixPath(), functools.partial(open, source, "rb"), [UNPACKED + RATIO * size], 1)
    else:
        raise FileNotFoundError(f"{source} is no folder and no zip archive; name the one that the hand-ins are in")


def _folder(folder: Path, path: PurePosixPath, leave_out) -> Iterator[HandIn]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield _unread(path, f"a folder that cannot be read ({error.strerror}); change who may read it")
        return
    for entry in entries:
        below = path / _shown(entry.name)
        if _is_left_over(entry.name):
            continue
        try:
            about = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(about.st_mode):
                if entry.name.lower().endswith(".ipynb"):
                    yield _unread(below, "a folder; what is in it is looked at")
                if Path(entry.path) not in leave_out:
                    yield from _folder(Path(entry.path), below, leave_out)
            elif stat.S_ISLNK(about.st_mode):
                yield _unread(below, "a link, and links are not followed; put the file itself there")
            elif not stat.S_ISREG(about.st_mode):
                yield _unread(below, "a pipe or a device, no file")
            else:
                yield from _file(below, Path(entry.path), about)
        except OSError as error:
            yield _unread(below, f"cannot be read ({error.strerror}); change who may read it")


def _file(path: PurePosixPath, file: Path, about: os.stat_result) -> Iterator[HandIn]:
    def read(most: int) -> bytes:
        with open(file, "rb") as opened:
            return opened.read(most)

    if _is_archive(path, read):
        yield from _archive(path, functools.partial(open, file, "rb"), [UNPACKED + RATIO * about.st_size], 1)
    else:
        yield HandIn(path, about.st_mtime_ns, read)


def _archive(path: PurePosixPath, opened, left: list[int], depth: int) -> Iterator[HandIn]:
    """Members of an archive; `left` holds how many bytes it, and what lies in it, may still unpack to."""
    if depth > DEEPEST:
        yield _unread(path, f"archives lie more than {DEEPEST} deep in each other; unpack it")
        return
    with contextlib.ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(stack.enter_context(opened())))
            members = [each for each in archive.infolist() if not each.is_dir()]
        except Exception as error:  # whatever a damaged archive does, the others are collected
            yield _unread(path, f"a zip archive that cannot be opened ({error}); ask for it once more")
            return
        members = [(each, path.joinpath(*parts)) for each in members if (parts := _parts(each.filename))]
        if not members or len(members) > MOST:
            yield _unread(path, f"a zip archive with more than {MOST} files" if members else "an empty zip archive")
            return
        for member, below in members:
            yield from _member(archive, member, below, left, depth)


def _member(archive, member: zipfile.ZipInfo, path: PurePosixPath, left: list[int], depth: int) -> Iterator[HandIn]:
    def read(most: int) -> bytes:
        try:
            with archive.open(member) as opened:
                found = opened.read(max(min(most, left[0] + 1), 1))
        except Exception as error:  # zipfile has no one class for a password, a foreign method, or damage
            raise ValueError(f"it cannot be unpacked ({error}); ask for it once more") from None
        left[0] -= len(found)
        if left[0] < 0:
            raise ValueError("the archive that it is in unpacks to too much; unpack it, and look at what is in it")
        return found

    if stat.S_ISLNK(member.external_attr >> 16):
        yield _unread(path, "a link, and links are not followed; put the file itself there")
        return
    try:
        if not _is_archive(path, read):
            yield HandIn(path, _time(member), read)
            return
        inner = read(LARGEST + 1)
    except ValueError as error:
        yield _unread(path, str(error))
        return
    if len(inner) > LARGEST:
        yield _unread(path, f"an archive of more than {LARGEST / 1e6:.0f} MB in an archive; unpack the outer one")
    else:
        yield from _archive(path, lambda: io.BytesIO(inner), left, depth + 1)


def _is_archive(path: PurePosixPath, read) -> bool:
    """By its name and what it begins with: a text document is a zip archive, too, and none to be looked into."""
    return path.name.lower().endswith((".zip", ".ipynb")) and read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _unread(path: PurePosixPath, fault: str) -> HandIn:
    return HandIn(path, 0, lambda most: b"", fault)


def _is_left_over(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _LEFTOVERS


def _parts(name: str) -> list[str]:
    """Folders and name of a member, from an archive made on any system; none of what is to be passed over."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return [] if any(_is_left_over(part) for part in parts) else [_shown(part) for part in parts]


def _shown(name: str) -> str:
    """A name that every terminal and table takes."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)


def _time(member: zipfile.ZipInfo) -> int:
    try:
        return int(time.mktime((*member.date_time, 0, 0, -1))) * 1_000_000_000
    except (ValueError, OverflowError):
        return 0
