"""The cores and the memory of a process that was given less than the machine has."""

import os
import re
import subprocess
import sys
import threading
from types import SimpleNamespace

import psutil
import pytest

from agebook.build import plan
from agebook.build.plan import Build
from agelib.runtime import executors
from agelib.runtime.cpu import cores, memory_given, threads_here

ON_ONE_CORE = """
import os
import re
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from agelib.runtime.cpu import cores
from agebook.build.plan import Build
print(cores(), Build.of().workers, Build.of(jobs=1).threads)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot keep a process to some cores")
def test_a_process_that_was_given_one_core_starts_one_worker_with_one_thread():
    done = subprocess.run([sys.executable, "-c", ON_ONE_CORE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "1"]


def test_a_limit_in_the_environment_counts(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert cores() == 1


def test_a_job_has_the_threads_that_it_was_given(monkeypatch):
    monkeypatch.delenv("AGELIB_THREADS", raising=False)
    assert threads_here() == 1
    monkeypatch.setenv("AGELIB_THREADS", "3")
    assert threads_here() == 3


@pytest.mark.parametrize(("said", "given"), [("", 0), ("2", 2e9), (" 0.5", 5e8), (".5", 5e8), ("10", 1e10)])
def test_memory_is_given_in_gigabytes(said, given, monkeypatch):
    monkeypatch.setenv("AGELIB_MEMORY", said)
    assert memory_given() == given


@pytest.mark.parametrize("said", ["lots", "2 GB", "-1", "nan", "."])
def test_what_is_no_amount_of_memory_is_named(said, monkeypatch):
    monkeypatch.setenv("AGELIB_MEMORY", said)
    for asked in (memory_given, lambda: executors.affordable(2), Build.of):
        with pytest.raises(ValueError, match=re.escape(f"AGELIB_MEMORY={said}: give a number of gigabytes")):
            asked()


@pytest.mark.parametrize(
    ("available", "given", "held", "affordable"),
    [
        (100, "", 50, 8),  # the machine has room for all
        (4.6, "", 50, 3),  # for three of 1.5 GB
        (0.2, "", 0, 1),  # for none: the work is done all the same
        (100, "2", 0.7, 1),  # as in a chapter of the book
        (100, "4", 0.7, 2),
        (100, "1", 3.0, 1),  # this process alone holds more
        (3.2, "100", 0.7, 2),  # more was given than there is
    ],
)
def test_workers_are_no_more_than_memory_has_room_for(available, given, held, affordable, monkeypatch):
    monkeypatch.setenv("AGELIB_MEMORY", given)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available * 1e9))
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _: SimpleNamespace(rss=held * 1e9))
    assert executors.affordable(8) == affordable
    with executors.open(8) as executor:
        assert isinstance(executor, executors.Here) == (affordable == 1)
    with executors.open(8, threads=True) as executor:  # threads wait and hold nothing
        meeting = threading.Barrier(8)
        assert sorted(future.result() for future in [executor.submit(meeting.wait, 60) for _ in range(8)]) == [
            *range(8)
        ]


def test_as_many_chapters_run_at_a_time_as_memory_has_room_for(monkeypatch):
    monkeypatch.setattr(plan, "cores", lambda: 8)
    for available, said, workers in ((100, "", 8), (5.9, "", 2), (1, "", 1), (5.9, "1", 5)):
        monkeypatch.setenv("AGELIB_MEMORY", said)
        monkeypatch.setattr(psutil, "virtual_memory", lambda now=available: SimpleNamespace(available=now * 1e9))
        assert Build.of().workers == workers
        assert Build.of(jobs=7).workers == 7  # what is asked for is done
