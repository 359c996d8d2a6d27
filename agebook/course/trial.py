"""A restored hand-in is executed, and every test says how it went: the same for a student's check as for a grade."""

import copy
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nbformat

from agebook.course import answers, sandbox
from agebook.course.student_copy import is_test, name_of

#: Of one cell's printed lines, and of a notebook's outputs in all, this many characters are kept.
MOST_PRINTED, MOST_SHOWN = 20_000, 4_000_000

#: A cell that runs a test under names of its own.
_CALL = "from agebook.course.answers import run_test as _run_test\n\n_run_test({name!r}, {source!r})"


def execute(notebook, tests: Mapping, limits: sandbox.Limits, hidden=None, told=None) -> tuple:
    """Execute a hand-in in a folder of its own.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        From :func:`agebook.course.restore.restore`.
    tests : mapping
        Test cell → its source with the hidden part; of one that is not named, what the notebook says.
    limits, hidden, told
        See :func:`agebook.course.sandbox.execute`.

    Returns
    -------
    nbformat.NotebookNode
        The notebook with outputs, shortened where there were too many.
    dict
        What was handed in: exercise → value and tolerance.
    str
        What stopped it; empty if it came to its end.
    """
    order = copy.deepcopy(notebook)
    for cell in order.cells:
        if is_test(cell):
            name = name_of(cell)
            cell.source = _CALL.format(name=name, source=tests.get(name, cell.source))
    with tempfile.TemporaryDirectory(prefix="trial-") as place:
        source, result, handed_in = (Path(place, name) for name in ("in.ipynb", "out.ipynb", "answers.json"))
        nbformat.write(order, source)
        stopped = sandbox.execute(source, result, hidden, limits, {answers.VARIABLE: str(handed_in)}, told)
        done = copy.deepcopy(notebook)
        try:
            ran = nbformat.read(result, as_version=4).cells
            given = answers.read(handed_in)
            notes = Path(f"{handed_in}{answers.ENDED}")
            ended = notes.read_text(encoding="utf-8").splitlines() if notes.is_file() else []
        except (OSError, ValueError):  # what it wrote itself
            ran, given, ended = [], {}, []
    room = MOST_SHOWN
    for cell, after in zip(done.cells, ran, strict=False):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = _shorten(after.get("outputs", []), room), after.get("execution_count")
            room -= len(str(cell.outputs))
            # A cell that is interrupted while it imports may look as if nothing was wrong.
            if is_test(cell) and cell.execution_count and name_of(cell) not in ended and not error_of(cell):
                cell.outputs = [*cell.outputs, _error("NotEnded", "the test was stopped before its end")]
    return done, given, stopped


def judge(notebook, given: Mapping, key: Mapping | None = None) -> dict[str, str]:
    """Leave an error in the output of every test that was not passed, and nothing in that of the others.

    Parameters
    ----------
    notebook, given
        From :func:`execute`.
    key : mapping, optional
        The right answers; without it only the visible tests count.

    Returns
    -------
    dict of str to str
        Test → what is the matter, in one line; empty where it was passed.
    """
    found = {}
    for cell in notebook.cells:
        if not is_test(cell):
            continue
        name = name_of(cell).removesuffix("-test")
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if not errors:
            if cell.execution_count is None:
                errors = [_error("NotReached", "the notebook was stopped before this test")]
            elif key is not None and name not in given:
                errors = [_error("NoAnswer", "no answer was handed in here")]
            elif key is not None and not answers.agree(
                given[name]["value"], key[name]["value"], key[name]["tolerance"]
            ):
                errors = [_error("NotTheAnswer", "your parameters give another value than the one that you handed in")]
        # A hidden test is not shown where it fails: its line would be in the traceback.
        for error in errors:
            error["traceback"] = [f"{error['ename']}: {error['evalue']}"]
        cell.outputs = errors
        found[name_of(cell)] = error_of(cell)
    return found


def error_of(cell) -> str:
    """The error that a cell stopped with, in one line; of an assertion its message alone."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            text = output.evalue.strip().splitlines()[0] if output.evalue.strip() else "no reason given"
            return text if output.ename == "AssertionError" else f"{output.ename}: {text}"
    return ""


def _error(name: str, text: str):
    return nbformat.v4.new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])


def _shorten(outputs: list, room: int) -> list:
    """Outputs as a page can show them: what was printed with its middle left out, pictures as long as there is room."""
    made = []
    for output in outputs:
        if output.output_type == "stream":
            if made and made[-1].output_type == "stream" and made[-1].name == output.name:
                made[-1].text += output.text
                continue
        elif "data" in output:
            size = len(str(output.data))
            if size > room:
                output = nbformat.v4.new_output("stream", text=f"(an output of {size:,} characters was left out)\n")
            room -= size
        elif output.output_type == "error":
            output.traceback = [_middle_left_out(line) for line in output.traceback[:50]]
            output.evalue = _middle_left_out(output.evalue)
        made.append(output)
        if len(made) >= 100:
            made.append(nbformat.v4.new_output("stream", text="(the outputs that followed were left out)\n"))
            break
    for output in made:
        if output.output_type == "stream":
            output.text = _middle_left_out(output.text)
    return made


def _middle_left_out(text: str) -> str:
    if len(text) <= MOST_PRINTED:
        return text
    half = MOST_PRINTED // 2
    begin, middle, end = text[:half], text[half:-half], text[-half:]
    lines = f"{middle.count(chr(10)):,} lines, " if "\n" in middle else ""
    return f"{begin}\n… {lines}{len(middle):,} characters left out …\n{end}"
