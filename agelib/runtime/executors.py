"""Where what is many is run: here, in local processes, or on the workers of a Dask scheduler, on any machines.

All three are a ``concurrent.futures.Executor``, so that studies, sequences, chapters and gradings are written
once. None of them keeps what was done: that is the run store, so a call that was killed is made again and finds it.
Explained in the page "Many machines".
"""

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from agelib.runtime import interrupts
from agelib.runtime.cpu import cores, memory_given
from agelib.runtime.logs import LOGGER
from agelib.runtime.subprocesses import end_with

#: Bytes that a worker process is reckoned with: torch, fastai, and a training of the largest network of study A.
WORKER = 1.5e9

#: How often one piece of work may lose the process that does it, before it is given up: as Dask's own default.
LOSSES = 3


class LostWorker(RuntimeError):
    """A piece of work was given up, because every process that did it was killed."""


@contextlib.contextmanager
def open(workers: int = 1, scheduler: str = "", folders: Sequence = (), threads: bool = False) -> Iterator[Executor]:
    """An executor for a while.

    Parameters
    ----------
    workers, threads : int, bool
        Local processes side by side, which share out the cores, as many as memory has room for (:func:`affordable`);
        with one, work is done in this process. Threads will do where work only waits for processes of its own.
    scheduler, folders : str, sequence of path
        Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``, whose workers are used instead, and the folders
        that they must share with this machine, beside the workspace.

    Raises
    ------
    ConnectionError
        If no scheduler answers.
    ValueError
        If a worker of the scheduler has other versions, more than one thread, or does not share a folder.

    Examples
    --------
    >>> with open(1) as executor:
    ...     executor.submit(sum, [1, 2]).result()
    3
    """
    if scheduler:
        from agelib.runtime import dask_cluster

        with dask_cluster.connect(scheduler, folders) as executor:
            yield executor
        return
    workers = max(1, workers) if threads else affordable(workers)
    executor = ThreadPoolExecutor(workers) if threads else Processes(workers) if workers > 1 else Here()
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def affordable(workers: int) -> int:
    """As many of some worker processes as memory has room for, and one at least.

    Room is what the machine can spare, and not more than AGELIB_MEMORY, in GB, less what this process holds itself.
    """
    import psutil

    room = psutil.virtual_memory().available
    if given := memory_given():
        room = min(room, given - psutil.Process().memory_info().rss)
    fewer = max(1, min(workers, int(room // WORKER)))
    if fewer < workers:
        LOGGER.info("%s of %s worker processes: memory has room for no more", fewer, workers)
    return fewer


def lent(executor: Executor | None, workers: int = 1, threads: bool = False) -> contextlib.AbstractContextManager:
    """The executor that a caller brought along, or else one of our own, which ends with the block."""
    return open(workers, threads=threads) if executor is None else contextlib.nullcontext(executor)


def completed(
    executor: Executor, work: Callable, tasks: Iterable[tuple], at_once: int = 0
) -> Iterator[tuple[object, Future]]:
    """Do work for each of some tasks, and yield what is done as it is done.

    Parameters
    ----------
    executor, work : concurrent.futures.Executor, callable
    tasks : iterable of (name, arguments)
        A next one is taken when it can be submitted, not before.
    at_once : int
        How many may be submitted and not yet done; 0: all of them.

    Yields
    ------
    name, future

    Raises
    ------
    ConnectionError
        If the scheduler was lost, and with it what was submitted.

    Examples
    --------
    >>> with open(1) as executor:
    ...     for name, future in completed(executor, sum, [("two", ([1, 1],)), ("three", ([1, 2],))]):
    ...         print(name, future.result())
    two 2
    three 3
    """
    tasks, waiting = iter(tasks), {}
    try:
        while True:
            for name, arguments in islice(tasks, at_once - len(waiting) if at_once else None):
                future = executor.submit(work, *arguments)
                waiting[future] = name
                if future.done():  # done in this process: the caller hears of it before the next is begun
                    break
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                if future.cancelled():
                    raise ConnectionError(
                        "the scheduler was lost, and with it what was not done yet; start it and its workers again, "
                        "and repeat the command: what is done is found"
                    )
                if isinstance(future.exception(), KeyboardInterrupt):
                    raise future.exception()
                yield waiting.pop(future), future
    finally:
        for future in waiting:
            future.cancel()


class Here(Executor):
    """Does what is submitted at once, in this process.

    >>> Here().submit(divmod, 7, 2).result()
    (3, 1)
    """

    def submit(self, work, /, *arguments, **named) -> Future:
        future: Future = Future()
        try:
            future.set_result(work(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


class Processes(Executor):
    """Local worker processes; what a killed one was doing is done again by another.

    They start once for all that is submitted, and end with the process that made them, even if that is killed. Each is
    a pool of one process and a thread that feeds it: a pool of several is broken as a whole when one of its processes
    is killed, takes the others down, and does not tell whose work it was. All `workers` share out the cores.

    >>> with Processes(2) as executor:
    ...     executor.submit(sum, [1, 2]).result()
    3
    """

    def __init__(self, workers: int):
        self._threads = ThreadPoolExecutor(workers, "worker")
        self._mine = threading.local()
        self._pools: list[ProcessPoolExecutor] = []
        self._share = max(1, cores() // workers)

    def submit(self, work, /, *arguments, **named) -> Future:
        return self._threads.submit(self._do, work, arguments, named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for pool in self._pools:
            pool.shutdown(wait)

    def _do(self, work, arguments, named):
        for _ in range(LOSSES + 1):
            interrupts.check()  # whoever asks us to stop kills the workers first
            try:
                return self._pool().submit(work, *arguments, **named).result()
            except BrokenProcessPool:
                self._mine.pool = None
        raise LostWorker(f"its process was killed {LOSSES + 1} times, perhaps for want of memory; given up")

    def _pool(self) -> ProcessPoolExecutor:
        if getattr(self._mine, "pool", None) is None:
            spawn, starts = multiprocessing.get_context("spawn"), (self._share, os.getpid())
            self._mine.pool = ProcessPoolExecutor(1, spawn, _start_worker, starts)
            self._pools.append(self._mine.pool)
        return self._mine.pool


def _start_worker(threads: int, parent: int) -> None:
    interrupts.leave_signals_to_parent()
    os.environ["AGELIB_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(threads)
    end_with(parent)
