"""How many processor cores there are for this process, and how many threads and how much memory it was given.

On a cluster, in a container and on a shared machine these are fewer than the machine has, and a program that starts a
thread for each core of the machine is slower than one that starts one for each core of its own.
"""

import os
import re


def cores() -> int:
    """How many processor cores this process may use.

    They are fewer than the machine has where a batch system, a container's limit or ``taskset`` says so, or the
    variable ``LOKY_MAX_CPU_COUNT``.

    >>> 1 <= cores() <= os.cpu_count()
    True
    """
    from joblib import cpu_count

    return cpu_count()


def threads_here() -> int:
    """How many threads this process was given: what AGELIB_THREADS says, or one."""
    return int(os.environ.get("AGELIB_THREADS") or 1)


def memory_given() -> float:
    """Bytes that this process and its workers may hold: AGELIB_MEMORY, in GB (else a ValueError), or 0: unsaid."""
    wish = os.environ.get("AGELIB_MEMORY", "").strip()
    if not re.fullmatch(r"[0-9]*\.?[0-9]*", wish) or wish == ".":
        raise ValueError(f"AGELIB_MEMORY={wish}: give a number of gigabytes, such as 2, or unset it")
    return float(wish or 0) * 1e9
