"""``python chapter_claims.py JOB CLAIMS``: run a chapter with its solutions, then ask whether its sentences hold.

CLAIMS is a file with a function ``check(ns)``, which is given the names that the chapter has bound.
"""

import runpy
import sys

from chapter_cells import code_cells, run
from IPython.core.interactiveshell import InteractiveShell

from agebook.course.student_copy import is_test


def main(job: str, claims: str) -> None:
    shell = InteractiveShell.instance()
    for cell in code_cells(job):
        if not is_test(cell):
            run(shell, cell.source)
    runpy.run_path(claims)["check"](shell.user_ns)


if __name__ == "__main__":
    main(*sys.argv[1:])
