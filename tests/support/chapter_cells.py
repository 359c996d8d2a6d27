"""A chapter's cells with the parameters of a job, run one after the other in an IPython of this process."""

import json
from pathlib import Path

import nbformat
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.io import capture_output
from papermill.parameterize import parameterize_notebook

from agebook.course.student_copy import is_by_hand


def code_cells(job: str) -> list:
    """The code cells of the chapter that a job's file names, but for those that a person judges."""
    about = json.loads(Path(job).read_text(encoding="utf-8"))
    notebook = nbformat.read(about["notebook"], as_version=4)
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    notebook.metadata.setdefault("papermill", {})
    notebook = parameterize_notebook(notebook, about["parameters"])
    return [cell for cell in notebook.cells if cell.cell_type == "code" and not is_by_hand(cell)]


def run(shell: InteractiveShell, source: str) -> None:
    with capture_output():
        shell.run_cell(source).raise_error()
