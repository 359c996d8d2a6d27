"""Run one chapter in a process and a kernel of its own, and measure it.

``python -m agebook.notebooks JOB`` is what the build starts for each chapter; JOB is the record that
:func:`execute` writes. The executed notebook and its measurements are written whole, so a chapter that fails or is
killed leaves nothing that a later build could take for a result.
"""

import json
import os
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from agelib.runtime.cpu import memory_given, threads_here
from agelib.runtime.devices import processor_name
from agelib.runtime.subprocesses import end_with, run_python
from agelib.runtime.workspace import lock, write_json, write_whole

#: Libraries that start threads of their own, and the variable that each listens to.
THREAD_VARIABLES = (
    "AGELIB_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)

#: Bytes that the path of a socket may have: 103 on macOS (Linux: 107).
LONGEST = 103

#: Bytes that a chapter, its kernel and its workers, should not exceed; AGELIB_MEMORY names another number, in GB.
MEMORY = 2e9


@dataclass(frozen=True)
class Job:
    """One execution: what to run, with which parameters, and where its result goes.

    Attributes
    ----------
    notebook, result, record, failed : str
        Paths of the chapter, of its executed copy, of its measurements, and of the partial copy if it fails.
    parameters : dict
        What papermill injects.
    threads : int
        How many threads it may use; 0: as many as the process that executes it.
    variables : dict
        Further environment variables of its process.
    """

    number: str
    notebook: str
    result: str
    record: str
    failed: str
    parameters: dict
    profile: str
    source: str
    threads: int
    variables: dict = field(default_factory=dict)


class ChapterError(RuntimeError):
    """A chapter failed; the message names it, the cell and the error."""


def execute(job: Job) -> dict:
    """Run a chapter in a new process, unless its result is there, and return its measurements.

    Raises
    ------
    ChapterError
        If a cell fails, or the process or its kernel dies.
    """
    job = replace(job, threads=job.threads or threads_here())
    with lock(job.record):
        if Path(job.record).is_file() and Path(job.result).is_file():
            return json.loads(Path(job.record).read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory(prefix=f"chapter-{job.number}-") as folder:
            order = Path(folder, "job.json")
            write_json(order, asdict(job))
            code, output = run_python(
                ["-m", "agebook.notebooks", str(order)], job_environment(job.threads, folder) | job.variables, folder
            )
            said = Path(folder, "failure.txt")
            if code and said.is_file():
                raise ChapterError(said.read_text(encoding="utf-8"))
        if code:
            last = "\n".join(output.splitlines()[-10:])
            raise ChapterError(f"chapter {job.number}: its process ended with code {code}\n{last}")
        return json.loads(Path(job.record).read_text(encoding="utf-8"))


def memory_limit() -> float:
    """Bytes above which a chapter is said to take much memory.

    >>> memory_limit() > 0
    True
    """
    return memory_given() or MEMORY


def job_environment(threads: int, folder: str) -> dict:
    """The variables of a chapter's process: limits of threads and memory, nothing of the user's Jupyter settings."""
    environment = dict(os.environ)
    environment |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    environment |= {
        "AGELIB_MEMORY": f"{memory_limit() / 1e9:g}",  # how many of its own workers it starts
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_DATA_DIR": os.path.join(folder, "jupyter"),
        "JUPYTER_CONFIG_DIR": os.path.join(folder, "jupyter-config"),
        "IPYTHONDIR": os.path.join(folder, "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONUTF8": "1",
    }
    # A backend set for scripts would keep figures out of the page; a kernel path, another Python out of the venv.
    for name in ("MPLBACKEND", "JUPYTER_PATH"):
        environment.pop(name, None)
    checkout = str(Path(__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [checkout, os.environ.get("PYTHONPATH")]))
    return environment


def kernel_config(sockets):
    """How a kernel that we start is talked to, so that nobody else on the machine can listen.

    On Linux and macOS: through sockets in a private folder. On Windows, or where the path of a socket would be too
    long: through ports of this machine, with CurveZMQ keys that the kernel gets in its connection file (from
    jupyter_client 8.10 on). Otherwise ipykernel warns of TCP without encryption, on the terminal.

    Parameters
    ----------
    sockets : path
        How the sockets' paths begin (they end in -1 to -5), in a folder that only this user may read and that is there
        as long as the kernel, such as a temporary one.

    Returns
    -------
    traitlets.config.Config
        For nbclient's NotebookClient and papermill's execute_notebook, as `config`.

    Examples
    --------
    >>> kernel_config("/tmp/chapter-06/" + 99 * "x").KernelManager.get("transport", "tcp")
    'tcp'
    """
    from traitlets.config import Config

    if os.name != "nt" and len(os.fsencode(f"{sockets}-1")) <= LONGEST:
        return Config(KernelManager={"transport": "ipc", "ip": str(sockets)})
    return Config(KernelManager={"transport_encryption": "auto"} if can_encrypt() else {})


def can_encrypt() -> bool:
    """Whether what starts kernels here can give them keys, so that what is said through a port is encrypted."""
    import zmq
    from jupyter_client.manager import KernelManager

    return "transport_encryption" in KernelManager.class_trait_names() and zmq.has("curve")


class PeakMemory:
    """Watches this process's children (the kernel and what it starts) and remembers the most memory they held.

    The pages of mapped files do not count, on Linux: the system takes them back when it needs room.
    """

    def __init__(self):
        self.peak, self._ended = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _watch(self):
        import psutil

        me, pause = psutil.Process(), 0.25
        while not self._ended.wait(pause):
            started = time.thread_time()
            held, family = 0, me.children(recursive=True)
            for process in family:
                try:
                    held += _held(process, len(family) == 1)
                except (psutil.Error, OSError):
                    continue
            self.peak = max(self.peak, held)
            # Walking through gigabytes of pages takes a while: no more than a twentieth of a core goes into watching.
            pause = max(0.25, 20 * (time.thread_time() - started))


def _held(process, is_alone: bool) -> int:
    """Bytes that a process holds; what forked workers share with the kernel is divided among them."""
    rollup = Path(f"/proc/{process.pid}/smaps_rollup")
    if is_alone or not rollup.exists():  # to divide, the system walks through all pages
        memory = process.memory_info()
        return memory.rss - getattr(memory, "shared", 0)
    lines = (line.split() for line in rollup.read_text(encoding="ascii").splitlines())
    return sum(1024 * int(words[1]) for words in lines if words[0] in ("Pss_Anon:", "Pss_Shmem:"))


def device() -> str:
    """The name of what a network trains on here: the graphics card that torch can use, or the processor."""
    if shutil.which("nvidia-smi"):  # importing torch takes seconds, and here it would be for nothing
        from agelib.runtime.devices import choose_device, device_name

        if choose_device().type == "cuda":
            return device_name()
    return f"CPU, {processor_name()}"


def main(order: str) -> int:
    """Run the job in a file; leave a word beside it on what went wrong, if something did."""
    if os.name != "nt":
        end_with(os.getppid())  # a worker that was killed: another one executes the chapter again
    job = Job(**json.loads(Path(order).read_text(encoding="utf-8")))
    import papermill
    from papermill.exceptions import PapermillExecutionError

    copy = Path(order).with_name("executed.ipynb")
    started, clock = time.time(), time.perf_counter()
    try:
        with PeakMemory() as memory:
            papermill.execute_notebook(
                job.notebook,
                str(copy),
                parameters=job.parameters,
                kernel_name="python3",
                language="python",
                cwd=str(copy.parent),
                config=kernel_config(copy.with_name("kernel")),
                progress_bar=False,
                log_output=False,
                # A page has no kernel, so a widget on it could do nothing: it shows what the output says beside it.
                store_widget_state=False,
            )
    except Exception as error:
        _keep(copy, Path(job.failed))
        if isinstance(error, PapermillExecutionError):
            where = f"in cell {error.cell_index} (counted from 0)"
            what = f"{error.ename}: {error.evalue}"
        else:
            where, what = "outside of a cell", f"{type(error).__name__}: {error}"
        # Not printed: the kernel prints to the same place.
        Path(order).with_name("failure.txt").write_text(
            f"chapter {job.number} ({Path(job.notebook).name}) failed {where}\n  {what}\n"
            f"  the notebook as far as it came: {job.failed}",
            encoding="utf-8",
        )
        return 1
    record = {
        "number": job.number,
        "seconds": time.perf_counter() - clock,
        "peak_bytes": memory.peak,
        "device": device(),
        "threads": job.threads,
        "profile": job.profile,
        "source": job.source,
        "parameters": job.parameters,
        "started": started,
    }
    _keep(copy, Path(job.result))
    write_json(job.record, record)
    return 0


def _keep(copy: Path, target: Path) -> None:
    if copy.is_file():
        with write_whole(target) as temporary:
            shutil.copyfile(copy, temporary)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
