"""The cores of a process that was given fewer than the machine has."""

import os
import subprocess
import sys

import pytest

from agelib.runtime.cpu import cores, threads_here

ON_ONE_CORE = """
import os
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
