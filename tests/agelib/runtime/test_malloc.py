"""Memory that is let go stays with the process while it is asked for, and is given back afterwards."""

import gc
import platform
import subprocess
import sys
import weakref

import numpy as np
import pytest

from agelib.runtime import malloc

GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")

#: Takes and lets go 40 MB fifty times, and prints how many pages the system had to hand out for it.
TAKE = """
import contextlib, resource, sys
from agelib.runtime import malloc as memory

bytearray(2**22)
with memory.kept() if sys.argv[1] == "kept" else contextlib.nullcontext():
    bytearray(40 * 2**20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        bytearray(40 * 2**20)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", TAKE, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@GLIBC
def test_blocks_that_are_let_go_are_taken_again_without_asking_the_system():
    assert pages("kept") < pages("returned") / 10


@GLIBC
def test_memory_is_given_back_at_the_end():
    import resource  # Windows has none

    def resident():
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    with malloc.kept():
        large = [np.ones(2**20) for _ in range(40)]  # 320 MB
        del large
        inside = resident()
    assert resident() < inside - 250e6


@pytest.mark.parametrize(("glibc", "megabytes", "stays"), [(True, 200, False), (False, 200, False), (True, 1, True)])
def test_what_only_names_itself_is_let_go_if_it_is_large(glibc, megabytes, stays, monkeypatch):
    if not glibc:
        monkeypatch.setattr(platform, "libc_ver", lambda *_: ("", ""))
    gc.collect()
    gc.disable()  # no chance of its being found before
    try:
        with malloc.kept():
            first, second = Named(), Named()
            first.other, second.other = second, first
            first.weights = np.ones(megabytes * 2**17)
            witness = weakref.ref(first)
            del first, second
        assert (witness() is not None) == stays
    finally:
        gc.enable()


class Named:
    """Takes any attribute, as a learner and its callbacks do."""


def test_where_there_is_no_glibc_nothing_is_done(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda *_: ("", ""))
    with malloc.kept():
        assert np.ones(2**20).sum() == 2**20


@GLIBC
def test_one_that_ends_takes_nothing_from_another_that_goes_on():
    asked = []

    class Library:
        def mallopt(self, option, value):
            asked.append((option, value))

        def malloc_trim(self, _):
            asked.append("given back")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(malloc, "_glibc", Library)
        with malloc.kept():
            with malloc.kept():
                pass
            assert "given back" not in asked
        assert asked.count("given back") == 1
