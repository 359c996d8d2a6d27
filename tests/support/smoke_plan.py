"""How chapters are executed by tests: in the smoke profile, planned once a process, for the plan reads all code."""

from functools import cache

from agebook.build.chapters import REPOSITORY
from agebook.build.plan import Build, Plan


@cache
def smoke_plan() -> Plan:
    return Plan.of(Build.of(profile="smoke", jobs=2, folder=REPOSITORY / "_build" / "tests"))
