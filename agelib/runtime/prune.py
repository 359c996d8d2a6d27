"""What the workspace holds, and how it is kept from growing for ever: ``agelib disk`` and ``agelib prune``.

Everything in the workspace can be made again, so what was not used for long may go. A thing is a folder or a file
directly below one of :data:`KINDS`; :mod:`agelib.runtime.workspace` notes its last use. Explained in "For operators".
"""

import contextlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock
import pandas as pd

from agelib.runtime import workspace
from agelib.runtime.suggest import hint
from agelib.runtime.workspace import last_used, lock_file

#: Folder of the workspace → what lies in it.
KINDS = {
    "runs": "trainings",
    "pixels": "decoded pictures",
    "drawn": "drawn collections",
    "sources": "unpacked archives",
    "downloads": "archives from their owners",
    "prepared": "tables with their split",
    "cleaned": "cleaned tables",
    "detections": "faces found",
    "studies": "grids and searches",
    "sequences": "predictions of sequences",
    "try-it": "the page Try it",
}

#: Kinds that are removed only if they are named: fetching them again needs a network and the owners' consent.
ONLY_IF_NAMED = ("downloads",)

#: What a program that was killed leaves: a temporary name, or a folder that was set aside. Older than this it goes.
LEFTOVER_DAYS = 1.0

#: A name that :func:`~agelib.runtime.workspace.write_whole`, a decoding, a detection or a pruning gives meanwhile.
_TEMPORARY = re.compile(r"\.(?P<stem>.+)\.(partial|removing-[0-9a-f]{8}|[0-9a-f]{8})(?P<suffix>\.[^.]+)?$")
_TORN = re.compile(r".+\.torn-\d+$")
_RUN = re.compile(rb"[\w.-]+-[0-9a-f]{16}")
_DAY = 24 * 3600


@dataclass(frozen=True)
class Thing:
    """One thing of the workspace.

    Attributes
    ----------
    kind, path : str, pathlib.Path
        One of :data:`KINDS`, and where it lies.
    bytes, files : int
        What it takes on disk, and how many files it has.
    used : float
        When it was last used, in seconds since 1970.
    is_leftover : bool
        Whether a program that was killed left it.
    """

    kind: str
    path: Path
    bytes: int
    files: int
    used: float
    is_leftover: bool = False


def things(kinds=None) -> Iterator[Thing]:
    """Everything in the workspace, of some kinds or of all; lock files do not count.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    for kind in _check_kinds(kinds) or KINDS:
        folder = workspace.home() / kind
        if not folder.is_dir():
            continue
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.name.endswith(".lock"):
                continue
            path = Path(entry.path)
            with contextlib.suppress(FileNotFoundError):  # Removed meanwhile.
                size, files = measure(path)
                is_leftover = bool(_TEMPORARY.match(entry.name) or _TORN.match(entry.name))
                yield Thing(kind, path, size, files, last_used(path), is_leftover)


def measure(path) -> tuple[int, int]:
    """Bytes that a file or folder takes on disk, and the number of its files; links are not followed.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a").write_bytes(bytes(5000))
    >>> measure(folder)[1], measure(folder)[0] >= 4096
    (1, True)
    """
    path = Path(path)
    if path.is_symlink() or not path.is_dir():
        return _on_disk(path.lstat()), 1
    size = files = 0
    for entry in os.scandir(path):
        if entry.is_dir(follow_symlinks=False):
            inner, number = measure(entry.path)
        else:
            inner, number = _on_disk(entry.stat(follow_symlinks=False)), 1
        size, files = size + inner, files + number
    return size, files


def _on_disk(stat: os.stat_result) -> int:
    # A map whose rows are not all written has holes that take no room; Windows does not count blocks.
    return stat.st_blocks * 512 if hasattr(stat, "st_blocks") else stat.st_size


def disk() -> pd.DataFrame:
    """What the workspace holds.

    Returns
    -------
    pandas.DataFrame
        One row a kind that has anything: ``kind``, ``number`` of things, ``files``, ``bytes``, ``leftovers`` (bytes
        that killed programs left), ``oldest`` and ``newest`` use (times, UTC).
    """
    rows = []
    for kind in KINDS:
        mine = list(things([kind]))
        if mine:
            used = [pd.Timestamp(thing.used, unit="s", tz="UTC") for thing in mine]
            left = sum(thing.bytes for thing in mine if thing.is_leftover)
            total, files = sum(thing.bytes for thing in mine), sum(thing.files for thing in mine)
            rows.append((kind, len(mine), files, total, left, min(used), max(used)))
    return pd.DataFrame(rows, columns=["kind", "number", "files", "bytes", "leftovers", "oldest", "newest"])


def prune(
    kinds=None, keep_days: float | None = None, keep_bytes: int | None = None, is_rehearsal: bool = True, now=None
) -> pd.DataFrame:
    """Remove what was not used for long, the oldest first.

    Parameters
    ----------
    kinds : sequence of str, optional
        Of :data:`KINDS`; by default all but :data:`ONLY_IF_NAMED`.
    keep_days : float, optional
        What was used in the last so many days stays.
    keep_bytes : int, optional
        Remove only until these kinds take no more than that. Without it, everything older than `keep_days` goes.
    is_rehearsal : bool
        Say what would go, and remove nothing.
    now : float, optional
        The time to count from, in seconds since 1970; by default this moment.

    Returns
    -------
    pandas.DataFrame
        One row a thing, in the order of removal: ``kind``, ``name``, ``bytes``, ``days`` since its last use, and
        ``outcome``: removed (would be removed), in use, or kept, with what needs it.

    Raises
    ------
    ValueError
        If there is no such kind, or a number is negative.

    Notes
    -----
    Leftovers of killed programs go once they are older than :data:`LEFTOVER_DAYS`, whatever else is asked for; with
    neither `keep_days` nor `keep_bytes` nothing else goes.

    Kept are: what a process holds the lock of; a run that a study names, or from whose weights another run starts,
    unless that study or run goes too; and ``downloads`` if it is not named. A thing is renamed before its files are
    removed, so that an interrupted call leaves no half thing under its name; a map of pictures that is open goes on
    being read, and is kept on Windows.
    """
    if not ((keep_days or 0) >= 0 and (keep_bytes or 0) >= 0):  # nan is no number of days
        raise ValueError("prune: days and bytes to keep are numbers from 0")
    kinds = _check_kinds(kinds) or [kind for kind in KINDS if kind not in ONLY_IF_NAMED]
    now = time.time() if now is None else now
    every = sorted(things(kinds), key=lambda thing: thing.used)
    total = sum(one.bytes for one in every)
    users, gone, rows = _users(), set(), []

    def note(one: Thing, outcome: str) -> None:
        rows.append((one.kind, one.path.name, one.bytes, (now - one.used) / _DAY, outcome))

    def remove(one: Thing) -> None:
        nonlocal total
        outcome = _remove(one.path, is_rehearsal)
        if outcome.endswith("removed"):
            gone.add(one.path)
            total -= one.bytes
        note(one, outcome)

    for one in every:
        if one.is_leftover and now - one.used > LEFTOVER_DAYS * _DAY:
            remove(one)
    if keep_days is None and keep_bytes is None:
        return _table(rows)
    oldest = now - keep_days * _DAY if keep_days is not None else float("inf")  # also what was used just now
    waiting = [one for one in every if not one.is_leftover and one.used <= oldest]
    # When a study goes, its runs may go too: look at those that were needed until then once more.
    is_done = False
    while not is_done:
        is_done, needed = True, []
        for one in waiting:
            if keep_bytes is not None and total <= keep_bytes:
                return _table(rows)
            if users.get(one.path, set()) - gone:
                needed.append(one)
            else:
                remove(one)
                is_done = False
        waiting = needed
    for one in waiting:
        note(one, f"kept: {min(path.name for path in users[one.path] - gone)} needs it")
    return _table(rows)


def _table(rows: list) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["kind", "name", "bytes", "days", "outcome"])


def _users() -> dict[Path, set[Path]]:
    """Run → the studies that name it and the runs that start from its weights."""
    runs, users = workspace.home() / "runs", {}
    for study in (workspace.home() / "studies").glob("[!.]*"):
        for name in set(_RUN.findall(study.read_bytes())):
            users.setdefault(runs / os.fsdecode(name), set()).add(study)
    for about in runs.glob("[!.]*/experiment.json"):
        with contextlib.suppress(OSError, ValueError):
            start = Path(json.loads(about.read_text(encoding="utf-8")).get("pretrained") or "")
            if start.is_file():
                users.setdefault(start.resolve().parent, set()).add(about.parent)
    return users


def _remove(path: Path, is_rehearsal: bool) -> str:
    """Remove a thing under the lock of whatever it is, or was to become; say what came of it."""
    name = path.name
    if match := _TEMPORARY.match(name):
        name = match["stem"] + (match["suffix"] or "")
    guard = lock_file(path.with_name(name))
    with contextlib.ExitStack() as held:
        if guard.exists():  # An absent one is held by nobody, and would be a sign of use.
            try:
                held.enter_context(filelock.FileLock(guard).acquire(timeout=0))
            except filelock.Timeout:
                return "in use"
        if is_rehearsal:
            return "would be removed"
        aside = path.with_name(f".{path.name}.removing-{uuid.uuid4().hex[:8]}")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return "removed"  # by another process
        except PermissionError:
            return "in use"  # On Windows, an open file cannot be renamed.
        if aside.is_dir() and not aside.is_symlink():
            shutil.rmtree(aside)
        else:
            aside.unlink()
        if name == path.name:
            with contextlib.suppress(OSError):
                guard.unlink(missing_ok=True)
    return "removed"


def _check_kinds(kinds) -> list[str]:
    kinds = list(kinds or ())
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"the workspace has no {kind!r}; {hint(kind, KINDS, 'it has:')}")
    return kinds
