"""Memory that a training lets go and takes again, hundreds of times a second: kept by the process meanwhile.

C libraries give large blocks back to the system as soon as they are free, and a network's activations are nothing but
large blocks. The system then hands out the same pages anew, one fault each, cleared, in every step. The way *returned*
of ``benchmarks/training.py`` measures what that costs. Explained in "For operators".

What fastai's learner holds is not let go: it and its callbacks name each other, in a circle.
"""

import contextlib
import ctypes
import gc
import platform
import threading

#: Options of glibc's mallopt, from its malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4

#: glibc's own numbers: at most so many blocks apart from the heap, and the largest thresholds that it goes up to by
#: itself while it meets large blocks.
_USUAL_MMAP_MAX, _USUAL_MMAP_THRESHOLD = 65536, 32 * 2**20

_MOST = 2**31 - 1

#: If a process is larger by so many bytes at the end, half a second is spent to find what is held in circles.
_WORTH = 32 * 2**20

#: How many are inside, in whichever threads.
_inside = 0
_LOCK = threading.Lock()


@contextlib.contextmanager
def kept():
    """Inside, blocks that are let go stay with the process; at the end they are given back, and so is what is unused.

    The first does nothing where the C library is not glibc, for example on Windows and macOS.

    Examples
    --------
    >>> with kept():
    ...     total = sum(range(10))
    """
    global _inside
    library, before = _glibc(), _held()
    with _LOCK:
        _inside += 1
        if library:
            library.mallopt(_MMAP_MAX, 0)
            library.mallopt(_TRIM_THRESHOLD, _MOST)
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if library and not _inside:
                library.mallopt(_MMAP_MAX, _USUAL_MMAP_MAX)
                library.mallopt(_MMAP_THRESHOLD, _USUAL_MMAP_THRESHOLD)
                library.mallopt(_TRIM_THRESHOLD, 2 * _USUAL_MMAP_THRESHOLD)
                library.malloc_trim(0)
        if not _inside and _held() > before + _WORTH:
            gc.collect()
            if library:
                library.malloc_trim(0)


def _held() -> int:
    """Bytes that this process holds; on Linux without the pages of files, such as those of a memory map."""
    import psutil

    memory = psutil.Process().memory_info()
    return memory.rss - getattr(memory, "shared", 0)


def _glibc():
    """glibc, or None where there is another C library."""
    if platform.libc_ver()[0] != "glibc":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") else None
