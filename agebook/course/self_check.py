"""A student's look at the own notebook before handing it in: does it run, and are the visible tests satisfied?

Whether an answer is the right one is not decided here; nothing in a student's copy could tell.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from agebook.course.student_copy import is_by_hand, name_of, read_notebook
from agelib.runtime.cpu import cores


@dataclass(frozen=True)
class Checked:
    """One exercise.

    Attributes
    ----------
    name : str
    ready : bool
        Whether it can be handed in as it is.
    said : str
        What is the matter with it, or what can be expected.
    """

    name: str
    ready: bool
    said: str


def check(file, cell_seconds: float = 300.0, told=lambda done, total: None) -> tuple[list[Checked], list[str]]:
    """Execute a student's notebook in a fresh kernel, and look at each exercise. The file is not changed.

    Parameters
    ----------
    file : path
        The notebook, saved.
    cell_seconds : float
        Most time of one cell.
    told : callable
        Called with the number of cells done, and of all.

    Returns
    -------
    list of Checked
        One for each exercise, in order.
    list of str
        What else should be known: parameters or tests that were changed.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it is not readable, or no notebook that was handed out.
    """
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such file; name your notebook, such as 03_splits.ipynb")
    notebook = read_notebook(file)
    about = notebook.metadata.get("agelib", {})
    if not about.get("exercises"):
        raise ValueError(f"{file}: no notebook that was handed out to a student; `agebook assign` makes those")
    remarks = list(_remarks(notebook, about))
    stub = {name_of(cell): cell.source for cell in notebook.cells if _is_answer(cell)}
    _execute(notebook, file, cell_seconds, told)
    return [_judge(name, notebook, stub) for name in about["exercises"]], remarks


def _remarks(notebook, about):
    from nbgrader.utils import compute_checksum

    wrong = [
        f"{name} = {value!r}"
        for name, value in about["parameters"].items()
        if not any(f"{name} = {value!r}" in cell.source for cell in notebook.cells if _is_injected(cell))
    ]
    if wrong:
        yield f"Your own parameters were changed. Yours are {', '.join(wrong)}, and they are what counts."
    for cell in notebook.cells:
        noted = cell.metadata.get("nbgrader", {})
        if noted.get("locked") and noted.get("checksum") not in (None, compute_checksum(cell)):
            yield f"{name_of(cell)}: this cell was changed. The one that was handed out is what counts."


def _is_injected(cell) -> bool:
    return "injected-parameters" in cell.metadata.get("tags", [])


def _is_answer(cell) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def _execute(notebook, file: Path, cell_seconds: float, told) -> None:
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    from agebook.notebooks import job_environment

    code = [number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            allow_errors=True,
            timeout=cell_seconds,
            interrupt_on_timeout=True,
            resources={"metadata": {"path": str(file.resolve().parent)}},
            on_cell_complete=lambda cell, cell_index: told(code.index(cell_index) + 1, len(code)),
        )
        try:
            # In the main thread nbclient takes Ctrl-C for its own, and says of it that Python ended.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(client.execute, env=job_environment(cores(), folder)).result()
        except DeadKernelError:
            raise ValueError(
                f"{file}: Python ended while it was executed; look for exit(), or for what takes too much memory"
            ) from None


def _judge(name: str, notebook, answers: dict) -> Checked:
    """What to say of one exercise of an executed notebook; `name` is that of its graded cell."""
    cells = {name_of(cell): cell for cell in notebook.cells if name_of(cell)}
    title = name.removesuffix("-test")
    if name not in cells:
        return Checked(title, False, "its test was deleted; fetch a fresh copy, and move your answers there")
    given = answers.get(title, answers.get(name))
    if given is None:
        return Checked(title, False, "the cell for the answer was deleted; fetch a fresh copy")
    if not given.strip() or "raise NotImplementedError()" in given or "YOUR ANSWER HERE" in given:
        return Checked(title, False, "not answered yet")
    if is_by_hand(cells[name]):
        return Checked(title, True, "answered; a person will read it")
    if error := _error(cells[title]):
        return Checked(title, False, f"your cell stops with {error}")
    if error := _error(cells[name]):
        return Checked(title, False, f"the test says: {error}")
    return Checked(title, True, "it runs, and the visible test is satisfied")


def _error(cell) -> str:
    """The error that a cell stopped with, in one line; of an assertion its message alone."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            text = output.evalue.strip().splitlines()[0] if output.evalue.strip() else "no reason given"
            return text if output.ename == "AssertionError" else f"{output.ename}: {text}"
    return ""
