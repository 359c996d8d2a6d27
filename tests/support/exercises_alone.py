"""``python exercises_alone.py JOB ANSWERS``: a chapter in which every exercise is solved as if it were the only one.

The chapter's own cells run one after the other in an IPython of this process. At an exercise the process forks: the
child solves it, runs its test, and writes what was handed in to the folder ANSWERS; the parent goes on without.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

from chapter_cells import code_cells, run
from IPython.core.interactiveshell import InteractiveShell

from agebook.course import answers
from agebook.course.student_copy import is_answer, is_test, name_of


def main(job: str, folder: str) -> int:
    shell, solution, wrong = InteractiveShell.instance(), None, []
    for cell in code_cells(job):
        if is_answer(cell):
            solution = cell.source
        elif is_test(cell):
            if child := os.fork():
                if os.waitpid(child, 0)[1]:
                    wrong.append(name_of(cell))
                continue
            with contextlib.suppress(BaseException):
                os.environ[answers.VARIABLE] = str(Path(folder, f"{name_of(cell)}.json"))
                run(shell, solution)
                answers.run_test(name_of(cell), cell.source)
                os._exit(0)
            os._exit(1)
        else:
            run(shell, cell.source)
    print(json.dumps(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
