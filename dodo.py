"""The build graph for doit: `doit list`, `doit chapter:05 profile=smoke`. `make book` runs all of it.

The tasks are made in agelib/publishing/graph.py; here they get their options.
"""

from agelib.publishing.graph import doit_tasks
from agelib.publishing.plan import Build, Plan
from doit import get_var

OPTIONS = {name: get_var(name, "") for name in ("profile", "source", "root", "chapters", "jobs")}
globals().update(doit_tasks(Plan.of(Build.of(**{name: value for name, value in OPTIONS.items() if value}))))
