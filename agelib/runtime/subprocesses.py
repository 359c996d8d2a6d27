"""A Python process of its own, waited for, with all that it says kept: chapters, data and the site are made in such.

A chapter that is killed, or a Sphinx that leaves its mark on the interpreter, so takes nothing down with it.
"""

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import connection
from pathlib import Path

from agelib.runtime import interrupts


def run_python(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    folder: str | Path | None = None,
    told: Callable[[str], object] = lambda line: None,
) -> tuple[int, str]:
    """Run this environment's Python and wait for it; KeyboardInterrupt if it was killed because we are to stop.

    Parameters
    ----------
    arguments : sequence of str
        What follows ``python`` on a command line.
    environment, folder : mapping, path, optional
        All of its variables, by default those of this process; where it runs, by default here.
    told : callable
        Called with each line that it says, while it runs.

    Returns
    -------
    (int, str)
        The code that it ended with, 0 if all went well, and what it said to standard output and standard error, in
        the order in which it was said.

    Examples
    --------
    >>> run_python(["-c", "import sys; print('out', flush=True); sys.exit('err')"])
    (1, 'out\\nerr')
    """
    # A page's words are UTF-8 whatever the terminal speaks, and a broken character is no reason to stop.
    words = {"stderr": subprocess.STDOUT, "text": True, "encoding": "utf-8", "errors": "replace"}
    process = subprocess.Popen(
        [sys.executable, *arguments], env=environment, cwd=folder, stdout=subprocess.PIPE, **words
    )
    said = []
    with process:
        interrupts.check(process)
        for line in process.stdout:
            said.append(line)
            told(line.rstrip())
    interrupts.check()
    return process.returncode, "".join(said).strip()


def end_with(parent: int) -> None:
    """End this process when its parent is gone, whatever it is doing: nobody is left who would stop it.

    It would work on, and then wait for ever. What it was writing has a temporary name, and the system gives its locks
    back, so it may end at any moment; its kernel does the same.
    """
    spawner = multiprocessing.parent_process()
    pipes = [spawner.sentinel] if spawner else []

    def watch():
        # A process forked off the parent holds a worker's pipe open too; so ask the system now and then as well.
        # (Windows has no fork, and a virtual environment's launcher stands between parent and worker there.)
        while not connection.wait(pipes, timeout=0.5) and (os.name == "nt" or os.getppid() == parent):
            pass
        os._exit(4)

    threading.Thread(target=watch, daemon=True).start()
