"""Several processes that train one experiment together: how they start, find each other and end.

On one machine :func:`launch` starts them with accelerate's machinery: one for each GPU, or several that share the
cores. On several machines a launcher from outside does, such as ``accelerate launch`` or ``torchrun``. Either way each
process finds the others by the environment variables that these set. The first of all is the *main* process: it alone
writes. Explained in "For operators".
"""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import active_children

import filelock

from agelib.runtime import workspace
from agelib.runtime.cpu import cores
from agelib.runtime.devices import choose_device

#: Seconds that a process waits for the others before it gives up; AGELIB_TIMEOUT names another number.
TIMEOUT = 600

#: Seconds that a process gets to end by itself.
GRACE = 5

#: Seconds after which the main process says that it still waits for a lock.
LOCK_WAIT = 10

#: The network interface of the machine itself, by operating system.
LOOPBACK = {"linux": "lo", "darwin": "lo0"}

RESUME = "Start the same command again: the training resumes after its last checkpoint, with any number of processes"


def launch(function: Callable, arguments: tuple, processes: int) -> None:
    """Call a function in several processes of this machine that find each other, and wait for them.

    On a CPU they share the cores, or the threads that AGELIB_THREADS names; on GPUs each has one of its own.

    Parameters
    ----------
    function : callable
        At the top level of a module, which is imported anew in each process; it calls :func:`join`.
    arguments, processes : tuple, int

    Raises
    ------
    ValueError
        If there are fewer GPUs, or no processes.
    RuntimeError
        If a process fails or is killed; the others are ended within seconds.
    """
    import torch
    from accelerate.utils import DistributedType, PrepareForLaunch, patch_environment
    from torch.multiprocessing import start_processes

    is_cpu = choose_device().type == "cpu"
    if processes < 1:
        raise ValueError(f"processes={processes}: give at least 1")
    if not is_cpu and processes > torch.cuda.device_count():
        raise ValueError(
            f"processes={processes}: there are {torch.cuda.device_count()} GPUs, and each process takes one; "
            "AGELIB_DEVICE=cpu trains on the cores instead"
        )
    threads = max(1, int(os.environ.get("AGELIB_THREADS") or cores()) // processes)
    environment = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port()}
    environment |= dict.fromkeys(("WORLD_SIZE", "NPROC", "LOCAL_WORLD_SIZE"), processes)
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "AGELIB_THREADS"), threads)
    if is_cpu and sys.platform in LOOPBACK:
        environment["GLOO_SOCKET_IFNAME"] = LOOPBACK[sys.platform]
    kind = DistributedType.MULTI_CPU if is_cpu else DistributedType.MULTI_GPU
    others = set(active_children())
    try:
        with patch_environment(**environment):
            prepared = PrepareForLaunch(function, kind)
            context = start_processes(prepared, arguments, processes, join=False, start_method="spawn")
        _wait(context, processes)
    finally:  # an interrupt may come while they start
        _end(set(active_children()) - others)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(context, processes: int) -> None:
    """Wait for all processes; if one fails, end the others and say why, without its traceback."""
    from torch.multiprocessing import ProcessExitedException, ProcessRaisedException

    try:
        while not context.join(grace_period=GRACE):
            pass
    except (ProcessExitedException, ProcessRaisedException) as error:
        # One that was killed is the cause; that the others then lost it is what followed.
        killed = [i for i, process in enumerate(context.processes) if process.exitcode == -signal.SIGKILL]
        if isinstance(error, ProcessExitedException) or killed:
            number = killed[0] if killed else error.error_index
            how = f"ended with exit code {context.processes[number].exitcode}"
            if context.processes[number].exitcode < 0:
                how = f"was killed by {signal.Signals(-context.processes[number].exitcode).name}"
            reason = f"process {number + 1} of {processes} {how}, and the others were ended. {RESUME}"
        else:
            last = str(error).strip().splitlines()[-1]
            reason = f"process {error.error_index + 1} of {processes}: {last.removeprefix('ValueError: ')}"
        raise RuntimeError(reason) from None


def _end(processes) -> None:
    for process in processes:
        if process.is_alive():
            process.terminate()
    for process in processes:
        process.join(GRACE)
        if process.is_alive():
            process.kill()
            process.join()


def join() -> None:
    """Find the other processes if a launcher started this one among several; else do nothing."""
    if is_joined() or int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ:
        return
    from accelerate import PartialState

    wait = timedelta(seconds=float(os.environ.get("AGELIB_TIMEOUT", TIMEOUT)))
    PartialState(cpu=choose_device().type == "cpu", timeout=wait)


def is_joined() -> bool:
    """Whether this process is one of several that train together."""
    from torch import distributed

    return distributed.is_available() and distributed.is_initialized()


def share() -> tuple[int, int]:
    """The number of this process, from 0, and how many there are.

    >>> share()
    (0, 1)
    """
    from torch import distributed

    return (distributed.get_rank(), distributed.get_world_size()) if is_joined() else (0, 1)


def is_main() -> bool:
    """Whether this process is the one that writes.

    >>> is_main()
    True
    """
    return share()[0] == 0


def from_main(value=None):
    """The main process's value, in each process; they wait for it.

    >>> from_main(3)
    3
    """
    if not is_joined():
        return value
    from torch import distributed

    box = [value]
    distributed.broadcast_object_list(box)
    return box[0]


def require_same(what: str, value, remedy: str) -> None:
    """Refuse to go on if the processes do not all have the same value.

    Raises
    ------
    ValueError
        In each process; the message names both values.
    """
    expected = from_main(value)
    number, processes = share()
    differs = [value != expected]
    if processes > 1:
        from torch import distributed

        differs = [None] * processes
        distributed.all_gather_object(differs, value != expected)
    if any(differs):
        mine = f"it is {value} in process {number + 1} of {processes}, and {expected} in the main one"
        raise ValueError(f"the processes do not agree about {what}: {mine}; {remedy}")


@contextlib.contextmanager
def locked(path):
    """A lock beside `path`, held by the main process for all; the others wait until it has it, and until it is done."""
    lock, held = workspace.lock(path) if is_main() else None, False
    while not held:
        if lock:
            with contextlib.suppress(filelock.Timeout):
                lock.acquire(timeout=LOCK_WAIT)
                held = True
        held = from_main(held)
    try:
        yield
        from_main()
    finally:
        if lock:
            lock.release()


@contextlib.contextmanager
def explained():
    """Say plainly what it means when the others no longer answer."""
    try:
        yield
    except RuntimeError as error:
        from torch.distributed import DistError

        if is_joined() and (isinstance(error, DistError) or "gloo" in str(error)):
            number, processes = share()
            first = str(error).splitlines()[0]
            raise RuntimeError(
                f"process {number + 1} of {processes} lost the others: one of them ended, or did not answer in time "
                f"({first}). {RESUME}"
            ) from error
        raise
