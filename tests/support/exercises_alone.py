"""``python exercises_alone.py JOB ANSWERS``: a chapter in which every exercise is solved as if it were the only one.

The chapter's own cells run one after the other in an IPython of this process. At an exercise the process forks: the
child solves it, runs its test, and writes what was handed in to the folder ANSWERS; the parent goes on without.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

import nbformat
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.io import capture_output
from papermill.parameterize import parameterize_notebook

from agebook.course import answers
from agebook.course.student_copy import is_answer, is_by_hand, is_test, name_of


def main(job: str, folder: str) -> int:
    about = json.loads(Path(job).read_text(encoding="utf-8"))
    notebook = nbformat.read(about["notebook"], as_version=4)
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    notebook.metadata.setdefault("papermill", {})
    notebook = parameterize_notebook(notebook, about["parameters"])
    shell, solution, wrong = InteractiveShell.instance(), None, []
    for cell in notebook.cells:
        if cell.cell_type != "code" or is_by_hand(cell):
            continue
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


def run(shell, source: str) -> None:
    with capture_output():
        shell.run_cell(source).raise_error()


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
