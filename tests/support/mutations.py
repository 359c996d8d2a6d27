"""Solved notebooks as they come back: split, copied, permuted, with cells added, changed and deleted.

Whatever is done here, every answer is still there, and its pieces are in the order in which they were written.
"""

import copy
import random

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"

#: Three exercises of a chapter with `a` and `b`; each right answer has lines at which a cell may be split.
SOLVED = {
    "ex-total": "total = 0\ntotal += a\ntotal += b",
    "ex-product": "def times(x, y):\n    made = x\n    return made * y\n\n\nproduct = times(\n    a,\n    b,\n)",
    "ex-list": "pair = []\nfor each in (a, b):\n    pair.append(float(each))\npair.sort()",
    "ex-report": "Because it is so.",
}

#: What students add of their own; some of it under names that a test uses for something else.
OWN = [
    "len = 3",
    "answers = [1, 2]",
    "_answers = None",
    "max, min, sorted = 1, 2, 3",
    "value = 'mine'",
    "import numpy as np",
    "record = print",
    "1 / 0",
    "print('a' * 50)",
    "isinstance = set = dict = float",
    "def helper():\n    return 7",
    "%time 1 + 1",
    "# only a comment",
    "this is no Python",
]

MARKS = {"grade": False, "solution": False, "locked": True, "schema_version": 3, "task": False}


def chapter_notebook():
    """A chapter of three exercises and a report, whose second and third test do not import anything twice."""
    cells = [
        new_markdown_cell("# Tiny"),
        new_code_cell("a: int = 1\nb: float = 0.5", metadata={"tags": ["parameters"]}),
        new_code_cell("half = a / 2"),
    ]
    for name, kind in [("ex-total", "float"), ("ex-product", "float"), ("ex-list", "list")]:
        value = {"ex-total": "total", "ex-product": "product", "ex-list": "pair"}[name]
        test = f"assert isinstance({value}, {kind}), 'a {kind}'\nassert len(str({value})) > 0\n"
        hidden = f"from agebook.course import answers as _answers\n\n_answers.record({name!r}, {value})"
        solution = f"### BEGIN SOLUTION\n{SOLVED[name]}\n### END SOLUTION"
        cells += [
            new_markdown_cell(f"Work out {value}.", metadata={"nbgrader": MARKS | {"grade_id": f"{name}-text"}}),
            new_code_cell(
                solution, metadata={"nbgrader": MARKS | {"solution": True, "locked": False, "grade_id": name}}
            ),
            new_code_cell(
                f"{test}### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS",
                metadata={"nbgrader": MARKS | {"grade": True, "points": 1, "grade_id": f"{name}-test"}},
            ),
            new_code_cell(f"after_{value} = half"),
        ]
    about = {"grade": True, "solution": True, "locked": False, "points": 4, "grade_id": "ex-report"}
    cells.append(new_markdown_cell(SOLVED["ex-report"], metadata={"nbgrader": MARKS | about}))
    cells.append(new_markdown_cell("Further reading."))
    variants = {"a": {"from": 1, "to": 9999}, "b": [0.25, 0.75]}
    return new_notebook(cells=cells, metadata={"agelib": {"title": "Tiny", "variants": variants}})


def solve(notebook) -> None:
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in SOLVED:
            cell.source = SOLVED[name]


def mutate(notebook, seed: int) -> str:
    """Do to a solved copy, in place, what editors and students do; returns what, in words."""
    chance = random.Random(seed)
    blocks = [[cell] for cell in notebook.cells]  # what stays together when cells change places
    done = []
    for step in range(chance.randint(1, 5)):
        kind = chance.choice([_split, _copy, _stub, _comment, _add, _delete, _change, _permute, _lose, _spaces])
        if kind is _lose and step:  # an answer without its name is found by its place alone
            continue
        done.append(kind.__name__.strip("_"))
        kind(blocks, chance)
        if kind is _lose:
            break
    notebook.cells = [cell for block in blocks for cell in block]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number}"
    return f"seed {seed}: {', '.join(done)}"


def _name(cell) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def _of(blocks, wanted):
    return [(at, place) for at, block in enumerate(blocks) for place, cell in enumerate(block) if wanted(cell)]


def _answer_cells(blocks, chance, code=False):
    found = _of(blocks, lambda cell: _name(cell) in SOLVED and not (code and _name(cell) == "ex-report"))
    at, place = chance.choice(found)
    return at, place, blocks[at][place]


def _split(blocks, chance):
    """As JupyterLab does, with the name in both halves, or as others do, with the name in the first alone."""
    at, place, cell = _answer_cells(blocks, chance, code=True)
    lines = cell.source.splitlines()
    if len(lines) < 2 or any(_name(other) == _name(cell) for block in blocks for other in block if other is not cell):
        return  # one that was copied or split already
    middle = chance.randint(1, len(lines) - 1)
    second = copy.deepcopy(cell)
    cell.source, second.source = "\n".join(lines[:middle]), "\n".join(lines[middle:])
    if chance.random() < 0.5:
        second.metadata = {}
    blocks[at].insert(place + 1, second)


def _copy(blocks, chance):
    at, _, cell = _answer_cells(blocks, chance)
    if sum(_name(other) == _name(cell) for block in blocks for other in block) == 1:
        blocks.insert(chance.choice([at, at + 1, len(blocks)]), [copy.deepcopy(cell)])


def _stub(blocks, chance):
    """The answer in one cell, and beside it the cell as it was handed out."""
    at, _, cell = _answer_cells(blocks, chance)
    stub = copy.deepcopy(cell)
    stub.source = STUB if cell.cell_type == "code" else "YOUR ANSWER HERE"
    blocks.insert(chance.choice([0, at, at + 1, len(blocks)]), [stub])


def _comment(blocks, chance):
    _, _, cell = _answer_cells(blocks, chance, code=True)
    if sum(_name(other) == _name(cell) for block in blocks for other in block) == 1:
        cell.source = (
            chance.choice(["# raise NotImplementedError()", STUB.replace("raise", "# raise")]) + "\n" + cell.source
        )


def _add(blocks, chance):
    made = new_code_cell(chance.choice(OWN)) if chance.random() < 0.8 else new_markdown_cell("My note.")
    blocks.insert(chance.randint(0, len(blocks)), [made])


def _delete(blocks, chance):
    found = _of(blocks, lambda cell: _name(cell) not in SOLVED and (cell.metadata != {} or len(cell.source) > 9))
    found = [(at, place) for at, place in found if len(blocks[at]) == 1]
    if found:
        del blocks[chance.choice(found)[0]]


def _change(blocks, chance):
    found = _of(blocks, lambda cell: _name(cell) not in SOLVED and "nbgrader" in cell.metadata)
    if found:
        at, place = chance.choice(found)
        blocks[at][place].source = chance.choice(["", "assert True", "raise SystemExit"])


def _permute(blocks, chance):
    """Cells change places; the pieces of one answer keep their order."""
    order = list(range(len(blocks)))
    if chance.random() < 0.5:
        chance.shuffle(order)
    else:
        one, other = chance.choice(order), chance.choice(order)
        order[one], order[other] = order[other], order[one]
    blocks[:] = [blocks[at] for at in order]


def _lose(blocks, chance):
    """An editor that keeps no metadata of a cell."""
    _, _, cell = _answer_cells(blocks, chance)
    cell.metadata = {}


def _spaces(blocks, chance):
    for block in blocks:
        for cell in block:
            ends = chance.choice(["", " ", "\n", "\n\n"])
            cell.source = cell.source + ends if chance.random() < 0.5 else cell.source.replace("\n", "  \n") + ends
