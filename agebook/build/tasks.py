"""The build as a graph of doit tasks: data → chapters → site. dodo.py at the repository's root hands them to doit.

What is up to date is decided by keys of content (see :mod:`agebook.build.cache_key`), not by times of files: going
back to an earlier text, profile or source finds its executed chapters again.
"""

import functools
import itertools
import json
import os
import sys
import threading
from concurrent.futures import Executor
from pathlib import Path

from agebook.build.pages import describe_run
from agebook.build.plan import Plan
from agebook.build.site import assemble, is_published, publish
from agelib.runtime import interrupts, progress
from agelib.runtime.cpu import cores
from agelib.runtime.executors import Here
from agelib.runtime.logs import LOGGER
from agelib.runtime.notebooks import ChapterError, execute
from agelib.runtime.subprocesses import run_python


def doit_tasks(plan: Plan, executor: Executor | None = None) -> dict:
    """doit's functions and settings, by the names that doit looks for in a dodo.py; chapters go to the executor."""
    from doit.reporter import ConsoleReporter

    class Reporter(ConsoleReporter):
        """doit's own words, which in a terminal take the place of the line of progress."""

        def write(self, text):
            progress.clear()
            super().write(text)

        def execute_task(self, task):
            if task.name.partition(":")[0] not in (
                "data",
                "chapter",
            ):  # these say it when their turn has come
                super().execute_task(task)

    chapters = _Chapters(sum(not plan.is_done(chapter) for chapter in plan.selected))
    turns = Turns(plan.build.workers)
    data_of = {chapter.number: list(plan.data_of(chapter)) for chapter in plan.selected}
    urgencies = {chapter.number: plan.urgency(chapter) for chapter in plan.selected}

    def task_data():
        """Draw, or read, and clean and split the pictures that the chapters read."""
        # A group without members still needs a name that chapters can wait for.
        yield {"basename": "data", "name": None, "doc": "prepare the pictures that the chapters read"}
        for key, values in plan.data.items():
            # Before any chapter that is as urgent as those that wait for it.
            urgency = 0.5 + max(urgencies[number] for number in data_of if key in data_of[number])
            action = turns.taken(_waited_for(prepare_data), urgency, f"data:{key}")
            yield {"name": key, "actions": [(action, [values])], "verbosity": 2}

    def task_chapter():
        """Execute one chapter in a process of its own."""
        yield {"basename": "chapter", "name": None, "doc": "execute the chapters"}
        for chapter in plan.selected:
            job = plan.job(chapter)
            name = f"chapter:{chapter.number}"
            action = turns.taken(_waited_for(run_chapter), urgencies[chapter.number], name)
            yield {
                "name": chapter.number,
                "doc": chapter.title,
                "actions": [(action, [job, chapters, executor])],
                "task_dep": [f"data:{key}" for key in data_of[chapter.number]]
                + [f"chapter:{number}" for number in plan.before(chapter)],
                "targets": [job.result, job.record],
                "uptodate": [plan.is_done(chapter)],
                "verbosity": 2,
            }

    def task_source():
        """Put the pages together: prose, executed chapters, status page, launch buttons."""
        return {
            "actions": [(_waited_for(put_together), [plan])],
            "task_dep": [f"chapter:{chapter.number}" for chapter in plan.selected],
            "uptodate": [is_published(plan)],
            "verbosity": 2,
        }

    def task_html():
        """Build the site with Jupyter Book."""
        return {
            "actions": [(_waited_for(publish), [plan])],
            "task_dep": ["source"],
            "targets": [str(plan.build.html / "index.html")],
            "uptodate": [is_published(plan)],
            "verbosity": 2,
        }

    settings = {
        "default_tasks": ["html"],
        "dep_file": str(plan.build.folder / "doit.json"),
        "backend": "json",
        "verbosity": 2,
        "reporter": Reporter,
        # doit's own default is what standard output was when doit was imported.
        "outfile": sys.stdout,
    }
    return {
        "DOIT_CONFIG": settings,
        "task_data": task_data,
        "task_chapter": task_chapter,
        "task_source": task_source,
        "task_html": task_html,
    }


def _waited_for(action):
    """A doit action that is let clean up when the build is stopped: doit's threads would end with the process."""

    @functools.wraps(action)
    def waited_for(*arguments):
        with interrupts.work:
            return action(*arguments)

    return waited_for


class Turns:
    """Lets so many work at a time; of those that wait, the most urgent is next.

    doit starts what has nothing to wait for in no order of its own. A chapter that others wait for would often begin
    last, and at the end of a build one core would work and the others look on.
    """

    #: Seconds for doit to bring what has become ready just now, before a place is given away.
    GATHERING = 0.2

    def __init__(self, places: int):
        self._free, self._changed = places, threading.Condition()
        self._waiting: list[tuple[float, int]] = []
        self._numbers = itertools.count()

    def taken(self, action, urgency: float, name: str):
        """The same action, which waits for its turn first, and then says that it begins."""

        @functools.wraps(action)
        def waits(*arguments):
            self._take(urgency)
            try:
                progress.clear()
                print(f".  {name}", flush=True)
                return action(*arguments)
            finally:
                # Only when this thread has gone back to doit does doit learn of what had to wait for it.
                threading.Timer(self.GATHERING, self._give_back).start()

        return waits

    def _take(self, urgency: float) -> None:
        with self._changed:
            mine = (-urgency, next(self._numbers))
            self._waiting.append(mine)
            try:
                self._changed.wait(self.GATHERING)
                while not (self._free and min(self._waiting) == mine):
                    self._changed.wait(self.GATHERING)
                    interrupts.check()
                self._free -= 1
            finally:
                self._waiting.remove(mine)

    def _give_back(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()


class _Chapters:
    """One line of progress for all chapters of a build, from when the first begins."""

    def __init__(self, total: int):
        self.total, self._line, self._lock = total, None, threading.Lock()

    def begin(self) -> None:
        with self._lock:
            self._line = self._line or progress.Line("execute chapters", self.total, "chapters")

    def end(self, number: str) -> None:
        with self._lock:
            self._line.total = max(self._line.total, self._line.done + 1)
            self._line.advance(1, f"{number} the last")
            if self._line.done == self._line.total:
                self._line.close()


def run_chapter(job, chapters: _Chapters, executor: Executor | None = None):
    """Execute a chapter and say how long it took; doit learns of a failure by its message."""
    Path(job.failed).unlink(missing_ok=True)
    chapters.begin()
    try:
        record = (executor or Here()).submit(execute, job).result()
    except ChapterError as error:
        return _failed(job, chapters, str(error))
    except Exception as error:  # the worker that executed it, or its scheduler, was lost
        return _failed(job, chapters, f"chapter {job.number}: {type(error).__name__}: {error}")
    said = f"chapter {job.number}: {describe_run(record)}"
    LOGGER.info(said)
    progress.clear()
    print(f"   {said}", flush=True)
    chapters.end(job.number)
    return True


def put_together(plan: Plan) -> None:
    """Write the pages that Jupyter Book reads."""
    with progress.steady("put the pages together"):
        assemble(plan)


def _failed(job, chapters: _Chapters, said: str):
    from doit.exceptions import TaskFailed

    LOGGER.error("%s", said)
    chapters.end(job.number)
    return TaskFailed(said)


def prepare_data(values: dict):
    """Prepare a data set in a process of its own, with every core: chapters wait for it."""
    from doit.exceptions import TaskFailed

    code = "import json, sys, agelib; agelib.prepare(agelib.Experiment.of(**json.loads(sys.argv[1])).data)"
    environment = dict(os.environ) | {"AGELIB_THREADS": str(cores())}
    with progress.steady(f"prepare pictures ({values.get('source', 'drawn')})") as line:
        returned, output = run_python(["-c", code, json.dumps(values)], environment, told=line.notes)
    if returned:
        said = output.splitlines()[-1:] or [f"the process ended with code {returned}"]
        return TaskFailed(f"the pictures could not be prepared: {said[0]}")
    return True
