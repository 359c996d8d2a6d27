"""The workers of a Dask scheduler as an executor, once it is sure that they can take part.

A worker can if it has the same code and libraries as the coordinator, does one thing at a time, and sees the same
workspace: a run that it keeps must be found by all others. It is asked before work is sent, and again, because workers
may join at any time, when it takes its first piece of work. Explained in the page "Many machines".
"""

import contextlib
import functools
import os
import platform
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from importlib import metadata
from pathlib import Path

from agelib.runtime import workspace
from agelib.runtime.fingerprint import ROOT

#: How long a scheduler may take to answer, in seconds.
PATIENCE = 5

#: Libraries whose version may change a result, or what machines can say to each other.
LIBRARIES = ("torch", "torchvision", "timm", "fastai", "numpy", "pillow", "pandas", "dask", "distributed")


@contextlib.contextmanager
def connect(address: str, folders: Sequence = (), patience: float = PATIENCE) -> Iterator[Executor]:
    """An executor on the workers of a Dask scheduler.

    Parameters
    ----------
    address, patience : str, float
        Such as ``tcp://10.0.0.1:8786``, or ``tls://…`` with the certificates that Dask's configuration names, and how
        long the scheduler may take to answer, in seconds.
    folders : sequence of path
        What workers must share with this machine, under the same path, beside the workspace.

    Raises
    ------
    ConnectionError
        If no scheduler answers there.
    ValueError
        If a worker that is there cannot take part; the message says why.
    """
    from distributed import Client

    try:
        client = Client(address, timeout=patience, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        # TypeError is what Dask raises for tls:// without certificates, ValueError for what is no address.
        raise ConnectionError(
            f"no Dask scheduler answers at {address} ({error}); start one there with `dask scheduler --host …`, "
            "and for tls:// name the certificates in Dask's configuration"
        ) from None
    with client, _marked([workspace.home(), *folders]) as marks:
        wanted = tuple(sorted(description().items()))
        _require_fit(client, wanted, marks)
        executor = client.get_executor(pure=False)
        try:
            yield _Workers(executor, wanted, marks)
        finally:
            executor.shutdown(wait=False)


class _Workers(Executor):
    """Dask's executor, whose workers check that they can take part before they do."""

    def __init__(self, executor: Executor, wanted: tuple, marks: tuple):
        self._executor, self._wanted, self._marks = executor, wanted, marks

    def submit(self, work, /, *arguments, **named) -> Future:
        return self._executor.submit(_do, self._wanted, self._marks, work, arguments, named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait and not cancel_futures)


def _do(wanted: tuple, marks: tuple, work, arguments: tuple, named: dict):
    from distributed import get_worker

    if reason := _answer(wanted, marks, get_worker()):
        raise ValueError(f"worker {get_worker().address}: {reason}")
    return work(*arguments, **named)


def _answer(wanted: tuple, marks: tuple, dask_worker) -> str:
    return unfit(wanted, marks, dask_worker.state.nthreads)


def description() -> dict[str, str]:
    """What a coordinator and its workers must have in common, by name.

    >>> list(description())[:3]
    ['Python', "agelib's code", 'torch']
    """
    python = ".".join(platform.python_version_tuple()[:2])
    code = [
        (file.relative_to(ROOT).as_posix(), file.read_text("utf-8"))
        for package in ("agelib", "agebook")
        for file in sorted((ROOT / package).rglob("*.py"))
    ]
    versions = {name: metadata.version(name) for name in LIBRARIES}
    return {"Python": python, "agelib's code": workspace.content_key(code), **versions}


@functools.lru_cache(maxsize=8)
def unfit(wanted: tuple, marks: tuple, threads: int) -> str:
    """Why this process cannot be a worker, and what to do about it; empty if it can.

    Parameters
    ----------
    wanted, marks : tuple of (str, str)
        The coordinator's :func:`description`; folder and file of each mark that it left, the workspace's first.
    threads : int
        How many pieces of work the process does at a time.

    Examples
    --------
    >>> unfit(tuple(description().items()), (), threads=1)
    ''
    >>> unfit((("Python", "2.7"),), (), threads=1)
    'it has Python 3..., the coordinator 2.7; install the same on both'
    """
    mine = description()
    for name, value in wanted:
        if mine[name] != value:
            return f"it has {name} {mine[name]}, the coordinator {value}; install the same on both"
    if threads != 1:
        return f"it does {threads} things at a time, which would disturb each other; start it with --nthreads 1"
    for place, (folder, mark) in enumerate(marks):
        here = workspace.home() if place == 0 else Path(folder)
        if not (here / mark).is_file():
            how = f"set AGELIB_HOME to what is {folder} there" if place == 0 else "mount it at the same path"
            return f"its folder {here} is not the coordinator's; share the coordinator's, and {how}"
    return ""


@contextlib.contextmanager
def _marked(folders: Sequence) -> Iterator[tuple]:
    """Leave a file in each folder for as long as the block runs: who sees it shares the folder."""
    name = f".shared-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    folders = [Path(folder).resolve() for folder in folders]
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        yield tuple((str(folder), name) for folder in folders)
    finally:
        for folder in folders:
            (folder / name).unlink(missing_ok=True)


def _require_fit(client, wanted: tuple, marks: tuple) -> None:
    """Ask every worker that is there; workers that join later are asked at their first piece of work."""
    answers = client.run(_answer, wanted, marks, on_error="return")
    for address, said in answers.items():
        if isinstance(said, ModuleNotFoundError):
            said = f"it cannot import {said.name}; install there what is installed here"
        if said:
            raise ValueError(f"worker {address}: {said}")
    if not answers:
        print(f"no worker at {client.scheduler.address} yet: work waits until one joins", flush=True)
