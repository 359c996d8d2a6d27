"""The line of progress beside other threads: nothing that they do makes it say a word of its own."""

import subprocess
import sys
import threading
import types

import pytest

from agelib.runtime import progress


@pytest.fixture
def uncaught(monkeypatch):
    """What threads died of."""
    found = []
    monkeypatch.setattr(threading, "excepthook", lambda said: found.append(said.exc_value))
    return found


def ticked(monkeypatch, line):
    """Let the thread that shows open lines look at `line` a few times, without waiting seconds for it."""
    looks, enough = [], threading.Event()
    tick = line.tick

    def counted():
        looks.append(1)
        if len(looks) >= 3:
            enough.set()
        tick()

    monkeypatch.setattr(line, "tick", counted)
    assert enough.wait(20)


class Terminal:
    """A standard error that is a terminal; `broken`: its window is gone."""

    def __init__(self, broken=False):
        self.broken, self.said = broken, ""

    def isatty(self):
        return True

    def write(self, text):
        if self.broken:
            raise ValueError("I/O operation on closed file")
        self.said += text

    def flush(self):
        pass


def half_imported(name, **names):
    """A module as another thread sees it that looks while it is being imported."""
    module = types.ModuleType(name)

    def missing(attribute):
        raise ImportError(f"cannot import name {attribute!r} from partially initialized module {name!r}")

    module.__dict__.update(names, __getattr__=missing)
    return module


@pytest.mark.parametrize("name", ["IPython", "ipykernel.kernelapp"])
def test_a_thread_that_is_importing_ipython_disturbs_no_line(name, monkeypatch, uncaught):
    def get_ipython():
        raise ImportError("cannot import name 'InteractiveShell' from partially initialized module 'IPython'")

    half = half_imported("IPython", get_ipython=get_ipython) if name == "IPython" else types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, half)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(progress.time, "sleep", lambda seconds: threading.Event().wait(0.02))
    line = progress.Line("decode", 2)
    line._written -= 5  # as if a second had gone by
    ticked(monkeypatch, line)
    line.advance(2)
    line.close()
    assert not uncaught and "decode: 2 of 2 pictures" in terminal.said


def test_a_terminal_that_is_gone_ends_no_thread(monkeypatch, uncaught):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(progress.time, "sleep", lambda seconds: threading.Event().wait(0.02))
    line = progress.Line("decode", 2)
    sys.stderr.broken = True
    line._written -= 5
    ticked(monkeypatch, line)
    sys.stderr.broken = False
    line.close()
    assert not uncaught


def test_a_line_that_is_open_as_python_ends_says_nothing_more():
    code = (
        "import sys, time, logging; sys.stderr.isatty = lambda: True\n"
        "from agelib.runtime import progress\n"
        "line = progress.Line('decode', 9); time.sleep(1.5); line.advance(); print('done')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0 and result.stdout == "done\n" and "Traceback" not in result.stderr
    assert "Exception" not in result.stderr


def test_a_kernel_is_known_by_its_application(monkeypatch):
    running = types.SimpleNamespace(initialized=lambda: True)
    assert not progress.in_notebook()
    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", types.SimpleNamespace(IPKernelApp=running))
    assert progress.in_notebook()
