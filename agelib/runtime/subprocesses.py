"""A Python process of its own, waited for, with all that it says kept: chapters, data and the site are made in such.

A chapter that is killed, or a Sphinx that leaves its mark on the interpreter, so takes nothing down with it.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
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
    environment : mapping, optional
        All of its variables; by default those of this process.
    folder : path, optional
        Where it runs; by default here.
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
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A page's words are UTF-8 whatever the terminal speaks, and a broken character is no reason to stop.
        encoding="utf-8",
        errors="replace",
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
    """End this process when its parent is gone, for nobody is left who would stop it; its kernel does the same."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(4)

    threading.Thread(target=watch, daemon=True).start()
