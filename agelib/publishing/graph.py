"""The build as a graph of doit tasks: data → chapters → site. dodo.py at the repository's root hands them to doit.

What is up to date is decided by keys of content (see :mod:`agelib.publishing.keys`), not by times of files: going
back to an earlier text, profile or source finds its executed chapters again.
"""

import json
import os
import sys
from pathlib import Path

from agelib.publishing.execute import ChapterError, execute
from agelib.publishing.pages import describe_run
from agelib.publishing.plan import Plan
from agelib.publishing.processes import run_python
from agelib.publishing.site import assemble, is_published, publish


def doit_tasks(plan: Plan) -> dict:
    """doit's functions and settings, by the names that doit looks for in a dodo.py."""

    def task_data():
        """Draw, or read, and clean and split the pictures that the chapters read."""
        # A group without members still needs a name that chapters can wait for.
        yield {"basename": "data", "name": None, "doc": "prepare the pictures that the chapters read"}
        for key, values in plan.data.items():
            yield {"name": key, "actions": [(prepare_data, [values])], "verbosity": 2}

    def task_chapter():
        """Execute one chapter in a process of its own."""
        yield {"basename": "chapter", "name": None, "doc": "execute the chapters"}
        for chapter in plan.selected:
            job = plan.job(chapter)
            yield {
                "name": chapter.number,
                "doc": chapter.title,
                "actions": [(run_chapter, [job])],
                "task_dep": [f"data:{key}" for key in plan.data if "source" in chapter.parameters]
                + [f"chapter:{number}" for number in plan.before(chapter)],
                "targets": [job.result, job.record],
                "uptodate": [plan.is_done(chapter)],
                "verbosity": 2,
            }

    def task_source():
        """Put the pages together: prose, executed chapters, status page, launch buttons."""
        return {
            "actions": [(assemble, [plan])],
            "task_dep": [f"chapter:{chapter.number}" for chapter in plan.selected],
            "uptodate": [is_published(plan)],
            "verbosity": 2,
        }

    def task_html():
        """Build the site with Jupyter Book."""
        return {
            "actions": [(publish, [plan])],
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


def run_chapter(job):
    """Execute a chapter and say how long it took; doit learns of a failure by its message."""
    from doit.exceptions import TaskFailed

    Path(job.failed).unlink(missing_ok=True)
    try:
        record = execute(job)
    except ChapterError as error:
        return TaskFailed(str(error))
    print(f"   chapter {job.number}: {describe_run(record)}", flush=True)
    return True


def prepare_data(values: dict):
    """Prepare a data set in a process of its own, with every core: the chapters wait for it anyway."""
    from doit.exceptions import TaskFailed

    code = "import json, sys, agelib; agelib.prepare(agelib.Experiment.of(**json.loads(sys.argv[1])).data)"
    environment = dict(os.environ) | {"AGELIB_THREADS": str(os.cpu_count() or 1)}
    returned, output = run_python(["-c", code, json.dumps(values)], environment)
    if returned:
        said = output.splitlines()[-1:] or [f"the process ended with code {returned}"]
        return TaskFailed(f"the pictures could not be prepared: {said[0]}")
    return True
