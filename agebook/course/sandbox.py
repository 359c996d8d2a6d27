"""Execute a notebook that a student wrote: in a process of its own, with limits, and cut off where the system allows.

Everywhere: wall-clock time, memory of the process and all that it starts, a working folder of its own; but for Windows
also the size of a file. On Linux where users may make namespaces, also: no network, and the course's folder looks
empty, so that no key can be read. :func:`enforced` says what holds on this machine.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from agebook.notebooks import job_environment, kernel_config
from agelib.runtime import interrupts
from agelib.runtime.subprocesses import end_with

#: The exit code that says that the notebook's kernel died.
_PYTHON_ENDED = 3


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes
    ----------
    seconds : float
        Wall-clock time of the whole notebook.
    cell_seconds : float
        Of one cell; then the next ones still run.
    memory : int
        Bytes that it and all that it starts may hold together.
    file_size : int
        Bytes of one file.
    """

    seconds: float = 900.0
    cell_seconds: float = 300.0
    memory: int = 4 * 1024**3
    file_size: int = 1024**3


@lru_cache
def can_isolate() -> bool:
    """Whether this machine lets us make namespaces for network and files."""
    if not shutil.which("unshare"):
        return False
    words = ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c", "mount -t tmpfs none /tmp"]
    return subprocess.run(words, capture_output=True, timeout=20).returncode == 0


def enforced() -> str:
    """What holds on this machine, in words."""
    always = "time, memory, its own working folder" + ("" if os.name == "nt" else ", file size")
    if can_isolate():
        return f"{always}; no network; the course's folder is hidden"
    return f"{always}; NOT here: the network and the course's folder can be reached (no namespaces on this system)"


def execute(notebook: Path, result: Path, hidden: Path | None, limits: Limits, variables: dict, told=None) -> str:
    """Execute a notebook file to another one; cells that fail do not stop it.

    Parameters
    ----------
    notebook, result : path
        What to execute, and where its copy with outputs goes. It is written after every cell, so it is there whatever
        happens.
    hidden : path, optional
        A folder that the notebook shall not see.
    limits : Limits
    variables : dict
        Further environment variables.
    told : callable, optional
        Called with the number of cells that are done, and of all.

    Returns
    -------
    str
        What stopped it; empty if it came to its end.
    """
    with tempfile.TemporaryDirectory(prefix="submission-") as folder:
        order = {"notebook": str(notebook), "result": str(result)} | asdict(limits)
        command = [sys.executable, "-m", "agebook.course.sandbox", json.dumps(order)]
        if can_isolate():
            shell = '{ [ -z "$0" ] || mount -t tmpfs none "$0"; } && exec "$@"'
            command = ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c", shell, str(hidden or ""), *command]
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=job_environment(1, folder) | variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            ended = _watch(process, limits, result, told)
        finally:
            _kill(process)
        interrupts.check()  # what was killed because we are to stop has not failed
        return ended


def _watch(process, limits: Limits, result: Path, told) -> str:
    ends = time.monotonic() + limits.seconds
    while process.poll() is None:
        interrupts.check()
        if told:
            with contextlib.suppress(OSError, ValueError):  # not written yet, or by somebody else
                done, total = map(int, result.with_suffix(".done").read_text().split())
                told(done, total)
        if time.monotonic() > ends:
            return f"it ran for more than {limits.seconds:.0f} s"
        if _held(process.pid) > limits.memory:
            return f"it held more than {limits.memory / 1e9:.1f} GB of memory"
        time.sleep(0.1)
    if process.returncode == _PYTHON_ENDED:
        return "Python ended while it was executed; look for exit(), or for what takes too much memory"
    return "" if process.returncode == 0 else f"its process ended with code {process.returncode}"


def _held(pid: int) -> int:
    import psutil

    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return 0
    held = 0
    for each in family:
        try:
            held += each.memory_info().rss
        except psutil.Error:
            continue
    return held


def _kill(process) -> None:
    import psutil

    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        family = []
    # The group as a whole where there are such, for what a submission starts may have left the family.
    group = [lambda: os.killpg(process.pid, signal.SIGKILL)] if hasattr(os, "killpg") else [process.kill]
    for kill in (*group, *(each.kill for each in family)):
        try:
            kill()
        except (OSError, psutil.Error):
            continue
    process.wait()


def main(words: str) -> int:
    """Execute the notebook of an order, in this process and a kernel of its own."""
    order = json.loads(words)
    if os.name != "nt":
        end_with(os.getppid())
    with contextlib.suppress(ImportError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_size"], order["file_size"]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    notebook = nbformat.read(order["notebook"], as_version=4)

    result = Path(order["result"])
    code = [number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code"]

    def keep(cell_index=None, **_):
        temporary = result.with_suffix(".part")
        # A student may print half of a character, which no file can hold.
        temporary.write_text(nbformat.writes(notebook), encoding="utf-8", errors="replace")
        temporary.replace(result)
        if cell_index in code:
            result.with_suffix(".done").write_text(f"{code.index(cell_index) + 1} {len(code)}")

    client = NotebookClient(
        notebook,
        # In a namespace without network there is no loopback either: sockets in the working folder.
        config=kernel_config(Path.cwd() / "kernel"),
        kernel_name="python3",
        allow_errors=True,
        timeout=order["cell_seconds"],
        interrupt_on_timeout=True,
        on_cell_executed=keep,
    )
    keep()
    try:
        client.execute()
    except DeadKernelError:
        keep()
        return _PYTHON_ENDED
    keep()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
