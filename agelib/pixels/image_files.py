"""The one way to walk a folder of images: what is in it, what is passed over and why, and a key of it all.

Links are followed, hidden files and what systems leave behind are not looked at, and no odd entry ends the walk.
Explained in chapter 01.
"""

import contextlib
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agelib.pixels.decode import ENDINGS, NO_FILE, readable_name, reason

#: Left in folders by Windows, in lower case; and by macOS in archives.
LEFT_BEHIND = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"}


@dataclass(frozen=True)
class Listing:
    """What is below a folder: paths relative to it, with forward slashes, each in one of three lists, sorted.

    Attributes
    ----------
    files : list of str
        The images. A name that is not UTF-8 holds surrogates, as everywhere in Python.
    lost, others : list of (str, str)
        Path (fit to be written anywhere) and reason: what should be an image or a folder of them and cannot be read;
        and hidden entries and files of other kinds.
    """

    files: list
    lost: list
    others: list


def list_images(root, endings: frozenset = ENDINGS, any_name: bool = False) -> Listing:
    """List the images below a folder, by the endings of their names in any case.

    Parameters
    ----------
    root : path
    endings, any_name : frozenset of str, bool
        What to take, in lower case; whether also files whose names are not UTF-8 (no table can hold these).

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("b.JPG", "a.webp", "notes.txt", "._b.JPG"):
    ...     (root / name).touch()
    >>> list_images(root)
    Listing(files=['a.webp', 'b.JPG'], lost=[], others=[('._b.JPG', 'hidden'), ('notes.txt', 'not an image (.txt)')])
    """
    files, lost, others = [], [], []
    for path, entry, wrong in walk(root):
        if entry is None:  # a folder
            lost.append((readable_name(path), wrong))
            continue
        stem, dot, ending = entry.name.rpartition(".")
        ending = (dot + ending).lower() if stem else ""
        if is_hidden(entry.name):
            others.append((readable_name(path), "hidden"))
        elif ending not in endings and not (wrong and not ending):
            kind = ending if ending[1:].isalnum() and len(ending) < 9 else "no ending"
            others.append((readable_name(path), f"not an image ({kind})"))
        elif wrong:
            lost.append((readable_name(path), wrong))
        elif not any_name and readable_name(path) != path:
            lost.append((readable_name(path), "its path is not UTF-8, so no table can hold it: rename it"))
        else:
            files.append(path)
    return Listing(sorted(files), sorted(lost), sorted(others))


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name is none of the user's.

    >>> is_hidden("._portrait.jpg"), is_hidden("__MACOSX"), is_hidden("portrait.jpg")
    (True, True, False)
    """
    return name.startswith(".") or name.lower() in LEFT_BEHIND


def walk(root) -> Iterator[tuple[str, os.DirEntry | None, str]]:
    """Every entry below a folder, hidden folders and their content left out, in the same order each time.

    Yields
    ------
    tuple
        Path relative to the folder, with forward slashes; its entry, None for a folder that cannot be gone into; what
        is wrong with it, else "". Folders that can be are not among them, nor is `root` unless it cannot be listed.
    """
    seen, linked = set(), [("", os.fspath(root))]
    for start in linked:  # Links to folders come last, so that a folder is met under its own name if it has one here.
        waiting = [start]
        while waiting:
            prefix, folder = waiting.pop()
            try:
                status = os.stat(folder)
                same = (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(folder)
                if same in seen:
                    yield prefix.rstrip("/"), None, "a link to a folder that is read already"
                    continue
                seen.add(same)
                with os.scandir(folder) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except OSError as error:
                yield prefix.rstrip("/"), None, f"a folder that cannot be listed: {reason(error)}"
                continue
            for entry in entries:
                path, wrong = prefix + entry.name, ""
                try:
                    if entry.is_dir() and not is_hidden(entry.name):
                        (linked if entry.is_symlink() else waiting).append((path + "/", entry.path))
                        continue
                    if not entry.is_file():
                        wrong = "a link that leads nowhere" if not os.path.exists(entry.path) else NO_FILE
                except OSError as error:
                    wrong = reason(error)
                yield path, entry, wrong


def tree_key(root) -> str:
    """A key of the names, sizes and times of all files below a folder, or of one file: what shows a change."""
    digest = hashlib.blake2b(digest_size=8)
    for path, entry, wrong in walk(root) if os.path.isdir(root) else [("", Path(root), "")]:
        if entry is None or not is_hidden(entry.name):
            state = [path, wrong]
            with contextlib.suppress(OSError, AttributeError):  # a folder, or a file that is gone by now
                status = entry.stat()
                state += [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
            digest.update(repr(state).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def visible_folders(root) -> list[Path]:
    """A folder and those in it, by name, hidden ones left out: a data set may lie in either."""
    inside = (path for path in Path(root).iterdir() if not is_hidden(path.name) and os.path.isdir(path))
    return [Path(root), *sorted(inside)]


def count_reasons(passed_over: Iterable) -> list[tuple[str, int, str]]:
    """Of pairs of path and reason: each reason, how often, and the first path that has it; the most frequent first.

    >>> count_reasons([("a.txt", "no image"), (".b", "hidden"), ("c.txt", "no image")])
    [('no image', 2, 'a.txt'), ('hidden', 1, '.b')]
    """
    pairs = list(passed_over)
    first = {why: path for path, why in reversed(pairs)}
    return [(why, number, first[why]) for why, number in Counter(why for _, why in pairs).most_common()]
