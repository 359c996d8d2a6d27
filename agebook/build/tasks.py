"""The build as a graph: data → chapters → site. Each is begun as soon as what it needs is there, the most urgent first.

What is up to date is decided by keys of content (see :mod:`agebook.build.cache_key`), not by times of files: going
back to an earlier text, profile or source finds its executed chapters again.
"""

import functools
import heapq
import json
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from agebook.build.pages import describe_excess, describe_run
from agebook.build.plan import Plan
from agebook.build.site import assemble, is_published, publish
from agebook.notebooks import ChapterError, Job, execute, memory_limit
from agelib.runtime import progress
from agelib.runtime.cpu import cores
from agelib.runtime.logs import LOGGER
from agelib.runtime.subprocesses import run_python


class DataError(RuntimeError):
    """Images could not be prepared; the message says why."""


@dataclass(frozen=True)
class Task:
    """One data set to prepare, or one chapter to execute.

    Attributes
    ----------
    name : str
        Such as ``"chapter:05"``.
    begin : callable
        Takes nothing, and returns the ``Future`` of its result.
    before : tuple of str
        Names of the tasks that it needs.
    urgency : float
        Of those that could begin, the one with the highest does.
    is_done : bool
        Its result is there already.
    """

    name: str
    begin: Callable[[], Future]
    before: tuple[str, ...] = ()
    urgency: float = 0.0
    is_done: bool = False


def build_site(plan: Plan, here: Executor, executor: Executor) -> bool:
    """Prepare data, execute chapters and publish the site; False if something failed, and the site is as it was.

    Parameters
    ----------
    plan : Plan
        What to build.
    here : concurrent.futures.Executor
        Of this machine: data is prepared on it.
    executor : concurrent.futures.Executor
        Executes the chapters.
    """
    is_whole = is_published(plan)  # asked first: a chapter that is executed anew changes the site, not its key
    tasks = tasks_of(plan, here, executor)
    left = sum(task.name.startswith("chapter:") and not task.is_done for task in tasks)
    failed = run_tasks(tasks, plan.build.workers, ChapterLine(left))
    if failed:
        _say(f"!! html skipped: it needs {', '.join(failed)}")
        return False
    if is_whole:
        _say("-- html")
        return True
    try:
        _say(".  source")
        with progress.steady("put the pages together"):
            assemble(plan)
        _say(".  html")
        publish(plan)
    except (ValueError, OSError, RuntimeError) as error:
        _complain(f"html: {error}", error)
        return False
    return True


def tasks_of(plan: Plan, here: Executor, executor: Executor) -> list[Task]:
    """List the data sets and chapters of a build, with what each needs."""
    tasks, readers = [], {}
    for chapter in plan.selected:
        data = [f"data:{key}" for key in plan.data_of(chapter)]
        job, urgency = plan.job(chapter), plan.urgency(chapter)
        for name in data:
            readers[name] = max(readers.get(name, 0), urgency)
        before = (*data, *(f"chapter:{number}" for number in plan.before(chapter)))
        begin = functools.partial(_begin_chapter, executor, job)
        tasks.append(Task(f"chapter:{chapter.number}", begin, before, urgency, plan.is_done(chapter)))
    for key, values in plan.data.items():
        # Before any chapter that is as urgent as those that wait for it.
        begin = functools.partial(here.submit, prepare_data, values)
        tasks.append(Task(f"data:{key}", begin, urgency=readers[f"data:{key}"] + 0.5))
    return tasks


def _begin_chapter(executor: Executor, job: Job) -> Future:
    Path(job.failed).unlink(missing_ok=True)
    return executor.submit(execute, job)


class ChapterLine:
    """One line of progress for all chapters of a build, from when the first begins; see :func:`run_tasks`.

    Parameters
    ----------
    total : int
        How many chapters are to be executed.
    """

    def __init__(self, total: int):
        self.total, self._line = total, None

    def begin(self, name: str) -> None:
        """Take note that a task begins."""
        if name.startswith("chapter:") and self._line is None:
            self._line = progress.Line("execute chapters", self.total, "chapters")

    def end(self, name: str, record: dict | None) -> None:
        """Take note that a task is over, with the measurements of a chapter that did not fail."""
        kind, _, number = name.partition(":")
        if kind == "chapter":
            if record is not None:
                said = f"chapter {number}: {describe_run(record)}"
                LOGGER.info(said)
                _say(f"   {said}")
                if record["peak_bytes"] > memory_limit():
                    warning = f"chapter {number}: {describe_excess(record['peak_bytes'])}"
                    LOGGER.warning(warning)
                    _say(f"   warning: {warning}")
            self._line.advance(1, f"{number} the last")
            self._close()

    def skip(self) -> None:
        """Take note that a chapter will not be executed."""
        self.total -= 1
        if self._line is not None:
            self._line.total = self.total
            self._close()

    def _close(self) -> None:
        if self._line.done == self.total:
            self._line.close()


def run_tasks(tasks: Iterable[Task], places: int, line: ChapterLine) -> list[str]:
    """Run each task when those that it needs are done, so many at a time, the most urgent first.

    One that fails does not stop those that need nothing of it; those that need it are skipped, and said to be.

    Parameters
    ----------
    tasks : iterable of Task
        What they need is among them.
    places : int
        How many run at a time.
    line : ChapterLine
        Told of each that begins and ends.

    Returns
    -------
    list of str
        Names of the tasks that failed or were skipped.

    Raises
    ------
    graphlib.CycleError
        If tasks need each other.

    Examples
    --------
    >>> from agelib.runtime.executors import Here
    >>> begin = lambda: Here().submit(print, "   at work")
    >>> run_tasks([Task("b", begin, ("a",)), Task("a", begin), Task("c", begin, is_done=True)], 1, ChapterLine(0))
    -- c
    .  a
       at work
    .  b
       at work
    []
    """
    known = {task.name: task for task in tasks}
    graph = TopologicalSorter({name: task.before for name, task in known.items()})
    graph.prepare()
    ready, running, failed = [], {}, []
    while graph.is_active():
        for name in graph.get_ready():
            missing = [other for other in known[name].before if other in failed]
            if known[name].is_done:
                _say(f"-- {name}")
                graph.done(name)
            elif missing:
                _say(f"!! {name} skipped: it needs {', '.join(missing)}")
                failed.append(name)
                line.skip()
                graph.done(name)
            else:
                heapq.heappush(ready, (-known[name].urgency, name))
        while ready and len(running) < places:
            _, name = heapq.heappop(ready)
            _say(f".  {name}")
            line.begin(name)
            running[known[name].begin()] = name
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            name, result = running.pop(future), None
            try:
                result = future.result()
            except Exception as error:  # its own, or the loss of the worker that did it, or of the scheduler
                if isinstance(error, ChapterError | DataError):
                    _complain(str(error))
                else:
                    _complain(f"{name}: {type(error).__name__}: {error}", error)
                failed.append(name)
            line.end(name, result)
            graph.done(name)
    return failed


def _say(words: str) -> None:
    """Print a line, which in a terminal takes the place of the line of progress."""
    progress.clear()
    print(words, flush=True)


def _complain(words: str, error: Exception | None = None) -> None:
    """Print what went wrong, and note it in the log: with where it comes from, if that was not foreseen."""
    progress.clear()
    LOGGER.error("%s", words, exc_info=error)
    print(f"!! {words}", file=sys.stderr, flush=True)


def prepare_data(values: dict) -> None:
    """Prepare a data set in a process of its own, with every core: chapters wait for it."""
    code = "import json, sys, agelib; agelib.prepare(agelib.Experiment.of(**json.loads(sys.argv[1])).data)"
    environment = dict(os.environ) | {"AGELIB_THREADS": str(cores())}
    with progress.steady(f"prepare pictures ({values.get('source', 'drawn')})") as line:
        returned, output = run_python(["-c", code, json.dumps(values)], environment, told=line.notes)
    if returned:
        said = output.splitlines()[-1:] or [f"the process ended with code {returned}"]
        raise DataError(f"the pictures could not be prepared: {said[0]}")
