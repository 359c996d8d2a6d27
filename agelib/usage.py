"""When a thing of the workspace was last used: what :mod:`agelib.housekeeping` removes the oldest things by."""

import contextlib
from pathlib import Path

from agelib import store


def mark(path) -> None:
    """Note that a thing of the workspace is used just now; elsewhere nothing is noted.

    The time is that of the lock file beside it. The thing stays untouched, as the times in a data set's folder say
    whether the data set has changed.
    """
    path = Path(path).resolve()
    if store.home() in path.parents:
        with contextlib.suppress(OSError):  # A workspace that may only be read is as good.
            lock_file(path).touch()


def last(path) -> float:
    """When a thing was last used, or else made, in seconds since 1970.

    >>> folder = store.home() / "runs" / "resnet18-0123456789abcdef"
    >>> folder.mkdir(parents=True)
    >>> mark(folder)
    >>> import time
    >>> time.time() - last(folder) < 60
    True
    >>> folder.rmdir()
    """
    path = Path(path)
    times = [path.lstat().st_mtime]
    with contextlib.suppress(OSError):
        times.append(lock_file(path).stat().st_mtime)
    return max(times)


def lock_file(path) -> Path:
    """The file of a thing's :func:`agelib.store.lock`."""
    return Path(store.lock(path).lock_file)
