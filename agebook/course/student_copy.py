"""A student's copy of a chapter: with the student's parameters, and without solutions, hidden tests and outputs.

nbgrader's own preprocessors take the solutions and hidden tests away and lock the cells; papermill puts the parameters
in. What a chapter's text holds as ``{solution}`` goes, too: those exercises carry no points, and are still exercises.
"""

import base64
import copy
import logging
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

import nbformat

from agebook.build.plain import plain_cells

#: Cells with this tag are for instructors.
INSTRUCTOR = "instructor"

#: What no student copy may hold.
FORBIDDEN = ("BEGIN SOLUTION", "HIDDEN TEST", "answers.record", "{solution}")

#: nbgrader's preprocessors that make a student's copy.
_STEPS = (
    "CheckCellMetadata", "LockCells", "ClearSolutions", "ClearHiddenTests", "ClearOutput", "ComputeChecksums",
)  # fmt: skip

#: Where a copy's metadata hold the copy itself, below ``agelib``.
_ITSELF = "handed_out"

_SOLUTION = re.compile(r"^(?P<fence>```+|~~~+|:::+)\{solution\}.*?^(?P=fence)[ \t]*$\n?", re.MULTILINE | re.DOTALL)


def student_copy(notebook, parameters: Mapping, student: str, assignment: str):
    """Make a student's copy of a chapter.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The chapter, from which nothing is taken.
    parameters : mapping
        The student's own.
    student, assignment : str
        Written into the copy's metadata.

    Returns
    -------
    nbformat.NotebookNode

    Raises
    ------
    ValueError
        If the cells' metadata are not in order, or something is left that a student may not see.
    """
    from nbgrader import preprocessors

    made = copy.deepcopy(notebook)
    made.cells = [cell for cell in made.cells if INSTRUCTOR not in cell.metadata.get("tags", [])]
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = _SOLUTION.sub("", cell.source).strip()
    made.cells = plain_cells(made.cells)
    made = parameterise(made, parameters, student)
    for cell in made.cells:
        if is_parameters(cell):
            cell.metadata |= {"editable": False, "deletable": False}
        for name in ("mystnb", "papermill", *(() if cell.metadata.get("tags") else ("tags",))):
            cell.metadata.pop(name, None)
    with quiet():
        for name in _STEPS:
            made, _ = getattr(preprocessors, name)().preprocess(made, {})
    made.metadata["agelib"] = {
        "student": student,
        "assignment": assignment,
        "parameters": dict(parameters),
        "licence": notebook.metadata.get("agelib", {}).get("licence", "CC-BY-4.0"),
    }
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
    text = nbformat.writes(made)
    left = [word for word in FORBIDDEN if word in text]
    if left:
        raise ValueError(f"assignment {assignment}: the copy of {student} would still hold {left[0]!r}; mend its cells")
    made.metadata["agelib"][_ITSELF] = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return made


def handed_out(notebook):
    """The copy as it was made, which every copy carries in its metadata: with it a student's check can do as a grade.

    Raises
    ------
    ValueError
        If the notebook is no student's copy.
    """
    try:
        text = zlib.decompress(base64.b64decode(notebook.metadata["agelib"][_ITSELF]))
        return nbformat.reads(text.decode(), as_version=4)
    except (KeyError, TypeError, ValueError, zlib.error):
        raise ValueError("no notebook that was handed out to a student; `agebook assign` makes those") from None


def parameterise(notebook, parameters: Mapping, student: str):
    """Put a student's parameters behind the chapter's own, as papermill does."""
    from papermill.parameterize import parameterize_notebook

    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata.setdefault("kernelspec", kernel)
    notebook.metadata.setdefault("papermill", {})
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])  # papermill asks every cell
    made = parameterize_notebook(notebook, dict(parameters), comment=f"Your own parameters, {student}")
    made.metadata.pop("papermill", None)
    return made


def first_exercise(notebook) -> int:
    """The place of the first cell that a student is to fill in: what stands before it must run as it is."""
    return next((number for number, cell in enumerate(notebook.cells) if is_answer(cell)), len(notebook.cells))


def name_of(cell) -> str:
    """The name by which nbgrader knows a cell; empty if it knows none."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def is_answer(cell) -> bool:
    """Whether a student is to fill in a cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_test(cell) -> bool:
    """Whether a cell tests an answer, for points."""
    return bool(cell.metadata.get("nbgrader", {}).get("grade")) and not is_answer(cell)


def is_parameters(cell) -> bool:
    """Whether a cell holds the chapter's parameters, or the student's own."""
    return bool({"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])))


def is_by_hand(cell) -> bool:
    """Whether a cell is an answer that a person judges: nbgrader's manually graded cell."""
    return is_answer(cell) and bool(cell.metadata["nbgrader"].get("grade"))


def points(notebook) -> dict[str, float]:
    """The points of each graded cell by its name.

    Raises
    ------
    ValueError
        If there are none: such a chapter cannot be an assignment.
    """
    found = {
        cell.metadata["nbgrader"]["grade_id"]: float(cell.metadata["nbgrader"].get("points", 0))
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }
    if not found:
        raise ValueError("the chapter has no graded exercise (cells with nbgrader's metadata)")
    return found


def read_notebook(file):
    """Read a notebook.

    Raises
    ------
    ValueError
        If it is none.
    """
    file = Path(file)
    try:
        notebook = nbformat.read(file, as_version=4)
        nbformat.validate(notebook)
    except (nbformat.ValidationError, nbformat.reader.NotJSONError, UnicodeDecodeError, KeyError) as error:
        raise ValueError(f"{file}: not readable as a notebook ({str(error).splitlines()[0]})") from None
    return notebook


class quiet:
    """nbgrader logs every cell that it does not change."""

    def __enter__(self):
        logging.disable(logging.WARNING)

    def __exit__(self, *_):
        logging.disable(logging.NOTSET)
