"""A key of each image file's content, remembered so that an unchanged folder is not read again.

Explained in chapter 04.
"""

import errno
import os
import time
from pathlib import Path

from agelib.pixels.decode import reason, require_file
from agelib.runtime import workspace
from agelib.runtime.progress import PATIENCE, Line
from agelib.runtime.workspace import content_key, file_key, home, mark_used

#: Keys of contents that are worked out before they are written down.
KEYS_AT_A_TIME = 2000


def content_keys(paths: list[str], root, progress: bool = False) -> tuple[list[int], list[str]]:
    """Size in bytes and a key of the content of each file; ``!`` and the reason for a file that cannot be read.

    A key is remembered together with the file's size and times, so that an unchanged folder is not read again. Keys are
    added to the end of one file a folder of pictures, :data:`KEYS_AT_A_TIME` at a time, so that time grows linearly
    and little is lost if the program is killed. Memory holds about 0.5 KB a picture.
    """
    root = Path(root).resolve()
    memo = home() / "pixels" / f"contents-{content_key(str(root))}.jsonl"
    remembered = _read_memo(memo)
    sizes, keys, learnt = [], [], []
    now = time.time_ns()
    line = Line("read files", len(paths), shown=progress, after=PATIENCE)
    for path in paths:
        try:
            file = os.path.join(root, path)
            stat = os.stat(file)
            require_file(stat)
            size, state = stat.st_size, f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} "
            known = remembered.get(path, "")
            if known.startswith(state):
                key = known[len(state) :]
            else:
                key = file_key(file)
                # A file that changed this very moment may change again without its times showing it.
                if now - max(stat.st_mtime_ns, stat.st_ctime_ns) > 2_000_000_000:
                    learnt.append([path, state + key])
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.EIO):
                raise  # The machine's fault, not the file's: it must not be remembered as unreadable.
            key, size = "!" + reason(error), 0
        sizes.append(size)
        keys.append(key)
        line.advance()
        if len(learnt) >= KEYS_AT_A_TIME:
            workspace.append_records(memo, learnt)
            learnt = []
    line.close()
    if learnt:
        workspace.append_records(memo, learnt)
    mark_used(memo)
    return sizes, keys


def _read_memo(memo: Path) -> dict[str, str]:
    """Path → size, times and key, in one text; of a path that stands there twice, the last."""
    try:
        return dict(workspace.read_records(memo))
    except (OSError, TypeError, ValueError):
        return {}
