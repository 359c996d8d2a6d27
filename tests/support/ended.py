"""Whether processes have come to their end; one that nobody has asked after yet, a zombie, has."""

import contextlib
import time

import psutil


def left_running(processes, seconds: float) -> list[psutil.Process]:
    """Those of `processes` that still run after at most so many seconds."""
    ends = time.monotonic() + seconds
    while (left := [each for each in processes if _runs(each)]) and time.monotonic() < ends:
        time.sleep(0.05)
    return left


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
