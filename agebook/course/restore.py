"""What of a submission counts: the cells that a student was to fill in, and those that the student added.

Everything else is taken from the chapter: parameters, tests with their hidden part, the cells in between. What was
changed or deleted there is reported, and has no effect.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

from agebook.course.student_copy import is_by_hand, name_of, parameterise, quiet, student_copy


@dataclass(frozen=True)
class Restored:
    """A submission that can be executed for a grade.

    Attributes
    ----------
    notebook : nbformat.NotebookNode
    remarks : tuple of str
        What was not as it had been handed out.
    by_hand : dict of str to str
        Answers that a person judges, by their exercise; one that was left as it had been handed out is none.
    """

    notebook: object
    remarks: tuple
    by_hand: dict


def restore(submitted, chapter, parameters: Mapping, student: str, assignment: str) -> Restored:
    """Put a student's answers into the instructor's chapter.

    Parameters
    ----------
    submitted, chapter : nbformat.NotebookNode
        What was handed in, and the source with solutions and hidden tests.
    parameters : mapping
        The student's, drawn again and not read from the submission.
    student, assignment : str
    """
    from nbgrader.preprocessors import ClearOutput, ClearSolutions

    handed_out = student_copy(chapter, parameters, student, assignment)
    whole = copy.deepcopy(chapter)
    whole.cells = [cell for cell in whole.cells if cell.cell_type == "code" or is_by_hand(cell)]
    whole = parameterise(whole, parameters, student)
    with quiet():
        for step in (ClearSolutions, ClearOutput):
            whole, _ = step().preprocess(whole, {})
    answers = {name_of(cell): cell.source for cell in submitted.cells if _is_solution(cell)}
    by_hand = {}
    for cell in whole.cells:
        if not _is_solution(cell) or name_of(cell) not in answers:
            continue
        given = answers[name_of(cell)]
        if is_by_hand(cell) and given.split() not in ([], cell.source.split()):
            by_hand[name_of(cell)] = given
        cell.source = given
    _insert_own(whole, submitted, handed_out)
    return Restored(whole, tuple(_remarks(submitted, handed_out)), by_hand)


def _insert_own(whole, submitted, handed_out) -> None:
    """Cells that are in the submission alone go behind the cell that they stood behind."""
    known = {cell.source for cell in handed_out.cells if cell.cell_type == "code"}
    places = {cell.source: number for number, cell in enumerate(whole.cells)}
    names = {name_of(cell): number for number, cell in enumerate(whole.cells) if name_of(cell)}
    behind: dict[int, list] = {}
    place = -1
    for cell in submitted.cells:
        if cell.cell_type != "code":
            continue
        if name_of(cell) in names:
            place = names[name_of(cell)]
        elif cell.source in places:
            place = places[cell.source]
        elif cell.source.strip() and cell.source not in known and not _is_parameters(cell):
            own = copy.deepcopy(cell)
            own.metadata, own.outputs, own.execution_count = {"agelib": {"own": True}}, [], None
            behind.setdefault(place, []).append(own)
    cells = list(behind.get(-1, []))
    for number, cell in enumerate(whole.cells):
        cells += [cell, *behind.get(number, [])]
    whole.cells = cells
    for number, cell in enumerate(whole.cells):
        cell["id"] = f"cell-{number}"


def _remarks(submitted, handed_out):
    said = {name_of(cell): cell.source for cell in submitted.cells if name_of(cell)}
    for cell in handed_out.cells:
        name = name_of(cell)
        if name and cell.metadata["nbgrader"]["locked"]:
            if name not in said:
                yield f"{name}: the cell was deleted; it was put back"
            elif said[name].strip() != cell.source.strip():
                yield f"{name}: the cell was changed; the original counts"
        elif name and name not in said:
            yield f"{name}: the cell for the answer is missing"
    given = [cell.source.strip() for cell in handed_out.cells if _is_parameters(cell)]
    theirs = {cell.source.strip() for cell in submitted.cells}
    if not set(given) <= theirs:
        yield "the parameters were changed; the student's own count"


def _is_solution(cell) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def _is_parameters(cell) -> bool:
    return bool({"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])))
