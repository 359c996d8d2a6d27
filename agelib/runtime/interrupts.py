"""Being asked to stop: Ctrl-C, or SIGTERM, ends what runs without harm, and nothing is left running.

The command line installs :func:`on_signals`. The first signal ends every process that this one has started, and then
raises KeyboardInterrupt where the main thread is; a second one ends the process at once. Threads learn of it by
:func:`check`, so that none takes the end of its process for a result. Explained in "For operators".
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading

#: What a shell sees of a program that was stopped by Ctrl-C: 128 and the number of the signal.
EXIT_CODE = 130

#: The helper of multiprocessing and joblib that removes what killed workers leave; it ends by itself, after them.
_CLEANER = "resource_tracker"

_asked = threading.Event()


def check(started=None) -> None:
    """Raise KeyboardInterrupt if this process was asked to stop: called while or after waiting for another process.

    Parameters
    ----------
    started : subprocess.Popen, optional
        A process that was started just now, perhaps after all others had been ended; it is killed too.

    >>> check()
    """
    if _asked.is_set():
        if started is not None:
            started.kill()
        raise KeyboardInterrupt


@contextlib.contextmanager
def on_signals():
    """While the block runs, SIGINT and SIGTERM mean: end the processes that were started, and raise KeyboardInterrupt.

    In a thread other than the main one, where Python allows no such thing, the block runs as it is.

    >>> with on_signals():
    ...     check()
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    import psutil  # noqa: F401  at hand when the signal comes, before a child says a word of its own

    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()


def _stop(number, frame) -> None:
    if _asked.is_set():  # asked twice: at once, then
        end_children()
        os._exit(EXIT_CODE)
    _asked.set()
    end_children()
    raise KeyboardInterrupt


def end_children() -> None:
    """Kill every process that this one has started, and those that they have started.

    What is kept is written whole, so that a killed process leaves no half file under its name.
    """
    import psutil

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if not any(_CLEANER in word for word in child.cmdline()):
                child.kill()


def leave_signals_to_parent() -> None:
    """For a worker process: Ctrl-C in a terminal reaches every process, but it is the parent's to end this one."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def typed(arguments: list[str] | None = None, program: str = "agelib") -> str:
    """The command line of this process, quoted so that a shell takes it as it was meant.

    >>> typed(["draw", "utkface", "my faces"])
    "agelib draw utkface 'my faces'"
    """
    if arguments is not None:
        words = [program, *arguments]
    else:  # ``agelib …``, or ``python -m agelib …`` with the very Python
        own = os.path.basename(sys.argv[0])
        words = sys.orig_argv if own == "__main__.py" else [own, *sys.argv[1:]]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
