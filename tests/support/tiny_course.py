"""A chapter of three lines with one exercise, and what students write into their copies of it."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from agebook.build.chapters import read_chapter
from agebook.course import grade

SECRET = "0123456789abcdef"


def exercise(name, solution, visible, hidden, points=1):
    def about(**more):
        usual = {"grade": False, "solution": False, "locked": True, "schema_version": 3, "task": False}
        return {"nbgrader": usual | more}

    marked = f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
    tested = f"{visible}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
    return [
        new_code_cell(marked, metadata=about(solution=True, locked=False, grade_id=name)),
        new_code_cell(tested, metadata=about(grade=True, points=points, grade_id=f"{name}-test")),
    ]


def write_chapter(folder):
    """A chapter of three lines whose exercise asks for the sum of two parameters."""
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Tiny"),
            new_code_cell("a: int = 1\nb: float = 0.5", metadata={"tags": ["parameters"]}),
            new_code_cell("doubled = 2 * a\ndoubled"),
            new_markdown_cell("For teachers alone: it is a sum.", metadata={"tags": ["instructor"]}),
            new_markdown_cell(
                "Text.\n\n```{exercise}\n:label: ex-sum\nAdd them up.\n```\n\n"
                "```{solution} ex-sum\n:class: dropdown\nIt is a + b.\n```\n"
            ),
            *exercise(
                "ex-sum",
                "total = doubled / 2 + b",
                "assert total > 0",
                'from agebook.course import answers\n\nanswers.record("ex-sum", total)',
            ),
        ],
        metadata={"agelib": {"title": "Tiny", "variants": {"a": {"from": 1, "to": 9999}, "b": [0.25, 0.75]}}},
    )
    file = folder / "01_tiny.ipynb"
    nbformat.write(notebook, file)
    return read_chapter(file)


def with_essay(chapter):
    """Add to the tiny chapter a question that a person judges."""
    notebook = nbformat.read(chapter.path, as_version=4)
    about = {"grade": True, "solution": True, "locked": False, "schema_version": 3, "task": False, "points": 4}
    notebook.cells.append(new_markdown_cell("Because it adds.", metadata={"nbgrader": about | {"grade_id": "ex-why"}}))
    nbformat.write(notebook, chapter.path)
    return read_chapter(chapter.path)


def answer(notebook, source):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code":
            cell.source = source


def hand_in(each, folder, text):
    notebook = nbformat.read(each.file, as_version=4)
    answer(notebook, "total = a + b")
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "ex-why":
            assert cell.source == "YOUR ANSWER HERE"
            cell.source = text or cell.source
    target = grade.submission_of(each, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
