"""Memory that a training lets go and takes again, hundreds of times a second: kept by the process meanwhile.

C libraries give large blocks back to the system as soon as they are free, and a network's activations are nothing but
large blocks. The system then hands out the same pages anew, one fault each, cleared, in every step. The way *returned*
of ``benchmarks/training.py`` measures what that costs. Explained in "How to run".
"""

import contextlib
import ctypes
import platform
import threading

#: Options of glibc's mallopt, from its malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4

#: glibc's own numbers: at most so many blocks apart from the heap, and the largest thresholds that it goes up to by
#: itself while it meets large blocks.
_USUAL_MMAP_MAX, _USUAL_MMAP_THRESHOLD = 65536, 32 * 2**20

_MOST = 2**31 - 1

#: How many are inside, in whichever threads.
_inside = 0
_LOCK = threading.Lock()


@contextlib.contextmanager
def kept():
    """Inside, blocks that are let go stay with the process; at the end they are given back.

    Does nothing where the C library is not glibc, for example on Windows and macOS.

    Examples
    --------
    >>> with kept():
    ...     total = sum(range(10))
    """
    global _inside
    library = _glibc()
    if library is None:
        yield
        return
    with _LOCK:
        _inside += 1
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, _MOST)
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if not _inside:
                library.mallopt(_MMAP_MAX, _USUAL_MMAP_MAX)
                library.mallopt(_MMAP_THRESHOLD, _USUAL_MMAP_THRESHOLD)
                library.mallopt(_TRIM_THRESHOLD, 2 * _USUAL_MMAP_THRESHOLD)
                library.malloc_trim(0)


def _glibc():
    """glibc, or None where there is another C library."""
    if platform.libc_ver()[0] != "glibc":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") else None
