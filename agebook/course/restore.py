"""What of a submission counts: the cells that a student was to fill in, and those that the student added.

Everything else is taken from what was handed out: parameters, tests, the cells in between, and their order. What was
changed or deleted there is reported, and has no effect. The same is done before a student's own check and for a grade,
so the two look at the same notebook.
"""

import ast
import copy
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from agebook.course.student_copy import is_answer, is_by_hand, is_parameters, name_of

#: What a student copy holds where an answer is to be written: nbgrader's stubs.
STUBS = ("# YOUR CODE HERE\nraise NotImplementedError()", "YOUR ANSWER HERE")


@dataclass(frozen=True)
class Restored:
    """A submission that can be executed for a grade.

    Attributes
    ----------
    notebook : nbformat.NotebookNode
        Code, answers that a person judges, and the text that the student added.
    remarks : tuple of str
        What was not as it had been handed out.
    by_hand : dict of str to str
        Answers that a person judges, by their exercise; one that was left as it had been handed out is none.
    blank : frozenset of str
        The cells for answers that were left as they had been handed out, or emptied.
    """

    notebook: object
    remarks: tuple
    by_hand: dict
    blank: frozenset


def restore(submitted, handed_out) -> Restored:
    """Put a student's answers back where they belong.

    An answer whose cell was split or copied is there several times under its name: its pieces are executed one after
    the other in the student's order, a piece that repeats another or says nothing is left out, and pieces that are no
    Python each but are together become one. Cells that the student added stay behind the cell that they stood behind.

    Parameters
    ----------
    submitted, handed_out : nbformat.NotebookNode
        What came back, from :func:`agebook.course.notebook_files.read_submission`, and the student's copy as it was
        made.
    """
    whole = copy.deepcopy(handed_out)
    whole.cells = [cell for cell in whole.cells if cell.cell_type == "code" or is_by_hand(cell)]
    pieces, added = _sort_cells(submitted, handed_out, whole)
    remarks, by_hand, blank, cells = list(_remarks(submitted, handed_out)), {}, set(), added.get(-1, [])
    for number, cell in enumerate(whole.cells):
        if is_answer(cell):
            name = name_of(cell)
            if name not in pieces and is_by_hand(cell):  # its name was lost: it is the text that was added here
                pieces[name] = [each for each in cells[-1:] if each.cell_type == "markdown" and not name_of(each)]
                cells = cells[: len(cells) - len(pieces[name])]
            given = _merge(pieces.get(name, []), cell)
            if sum(is_answer(piece) for piece in given) > 1:
                remarks.append(f"{name}: the cell for the answer is there more than once; all count, in their order")
            if not any(_says_something(piece) for piece in given):
                blank.add(name)
            elif is_by_hand(cell):
                text = (_without_stub(each.source).strip() for each in given if each.cell_type != "code")
                by_hand[name] = "\n\n".join(filter(None, text))
            cells = cells + given
        else:
            cells = [*cells, cell]
        cells = cells + added.get(number, [])
    whole.cells = cells
    for number, cell in enumerate(whole.cells):
        cell["id"] = f"cell-{number}"
    return Restored(whole, tuple(remarks), by_hand, frozenset(blank))


def _sort_cells(submitted, handed_out, whole) -> tuple[dict, dict]:
    """The cells that count: answer → its pieces and what was added behind them; place in `whole` → what was added."""
    places, answers, place = {}, {}, -1
    for cell in handed_out.cells:
        place += cell.cell_type == "code" or is_by_hand(cell)
        if is_answer(cell):
            answers[name_of(cell)] = place
        else:
            places |= {name_of(cell) or _bare(cell.source): place, _bare(cell.source): place}
    parameters = next((places[_bare(cell.source)] for cell in handed_out.cells if is_parameters(cell)), -1)
    pieces: dict[str, list] = {}
    added: dict[int, list] = {}
    place, behind, since = -1, added.setdefault(-1, []), 0  # what is known of the cell before, and of those added since
    for cell in submitted.cells:
        name, bare = name_of(cell), _bare(cell.source)
        if name in answers:
            here = pieces.setdefault(name, [])
            if place > answers[name] and since:  # the answer came here from further up, with what it needs before it
                here += behind[-since:]
                del behind[-since:]
            here.append(cell)
            place, behind, since = -1, here, 0  # what follows belongs to this answer, wherever it came to
            continue
        if (name and name in places) or bare in places or is_parameters(cell):
            place = places.get(name or bare, places.get(bare, parameters))
            behind, since = added.setdefault(place, []), 0
            if bare in places or cell.cell_type == "code":
                continue  # what was handed out, or a locked cell that was changed
        if bare:
            own = copy.deepcopy(cell)
            own.metadata = {"agelib": {"own": True}}
            behind.append(own)
            since += 1
    return pieces, added


def _merge(pieces: list, stub) -> list:
    """The cells in place of an answer's own: its pieces as the original's kind of cell, and what was added to them."""
    made, seen = [], set()
    for piece in pieces:
        if not name_of(piece):
            made.append(piece)
            continue
        bare = _bare(piece.source)
        if bare in seen or not _says_something(piece):
            continue
        seen.add(bare)
        cell = copy.deepcopy(stub)
        cell.source = piece.source
        if stub.cell_type != "code" and piece.get("attachments"):
            cell.attachments = piece.attachments
        made.append(cell)
    if not any(is_answer(cell) for cell in made):
        made.insert(0, stub)
    return _rejoin(made) if stub.cell_type == "code" else made


def _rejoin(cells: list) -> list:
    """Make one of cells that follow each other and are Python together but not each: one was split inside a block."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    for first, last in itertools.combinations(range(len(code)), 2):
        some = code[first : last + 1]
        joined = "\n".join(cell.source for cell in some)
        if not all(_is_python(cell.source) for cell in some) and _is_python(joined):
            some[0].source = joined
            return _rejoin([cell for cell in cells if all(cell is not other for other in some[1:])])
    return cells


def _is_python(source: str) -> bool:
    """Whether a notebook's cell could be executed: Python, with IPython's own words."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError):
        return False
    return True


def _says_something(cell) -> bool:
    """Whether a cell holds more than the stub that was handed out, comments aside in code."""
    if cell.cell_type == "code":
        return _code_of(cell.source) not in ("", "raise NotImplementedError()")
    return bool(_without_stub(cell.source).strip())


def _code_of(source: str) -> str:
    """Lines of code without those that are empty or a comment as a whole."""
    lines = (line.rstrip() for line in source.splitlines())
    return "\n".join(line for line in lines if line.strip() and not line.lstrip().startswith("#")).strip()


def _without_stub(text: str) -> str:
    return re.sub(rf"^\s*{STUBS[1]}\s*$", "", text, flags=re.MULTILINE)


def _bare(source: str) -> str:
    """A cell's text, whatever its editor did to the ends of lines."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _remarks(submitted, handed_out) -> Iterable[str]:
    said: dict[str, list] = {}
    for cell in submitted.cells:
        said.setdefault(name_of(cell), []).append(_bare(cell.source))
    for cell in handed_out.cells:
        name = name_of(cell)
        if name and not is_answer(cell):
            if name not in said:
                yield f"{name}: the cell was deleted; it was put back"
            elif _bare(cell.source) not in said[name]:
                yield f"{name}: the cell was changed; the one that was handed out counts"
        elif name and name not in said:
            yield f"{name}: the cell for the answer is missing"
    given = {_bare(cell.source) for cell in handed_out.cells if is_parameters(cell)}
    if not given <= {_bare(cell.source) for cell in submitted.cells}:
        yield "the parameters were changed; those that were handed out count"
