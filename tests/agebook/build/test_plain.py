"""Chapters in plain Markdown: nothing of the book's markup is left, and what it said is said."""

import re

import nbformat
import pytest
from small_book import write_notebook

from agebook.build.chapters import REPOSITORY, list_chapters, read_chapter
from agebook.build.launch import launch_copy
from agebook.build.plain import plain, plain_cells
from agebook.course.student_copy import student_copy

CHAPTERS = list_chapters(REPOSITORY)
MARKUP = re.compile(r"\{[\w:-]+\}`|^\([\w-]+\)=|^(?:```+|~~~+|:::+)\{|^:(?:label|class):|^\$\$ *\(", re.MULTILINE)


def texts(cells):
    return [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=[chapter.number for chapter in CHAPTERS])
def test_no_markup_of_the_book_is_left_in_a_copy(chapter):
    notebook = nbformat.read(chapter.path, as_version=4)
    assert any(MARKUP.search(text) for text in texts(notebook.cells))
    for copy in (launch_copy(chapter), student_copy(notebook, {}, "ada", chapter.name)):
        nbformat.validate(nbformat.from_dict(copy))
        ids = [cell["id"] for cell in copy["cells"]]
        assert len(ids) == len(set(ids))
        for text in texts(copy["cells"]):
            assert not (found := MARKUP.search(text)), f"{found[0]!r} in {text[:200]!r}"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{cite:t}`he2016deep` say", "[He et al. (2016)](https://doi.org/10.1109/CVPR.2016.90) say"),
        ("so {cite:p}`benyamin2023age`.", "so (Benyamin, 2023)."),
        ("{cite:p}`benyamin2023age,nunezjin`", "(Benyamin, 2023; Núñez Cano and Jin)"),
        ("{cite}`nobody2000`", "(nobody2000)"),
        ("in {ref}`chapter-06`", "in chapter 06, *A convolutional network*"),
        ("in {ref}`the sixth <chapter-06>`", "in the sixth"),
        ("{term}`folds <fold>`, {term}`MAE`", "folds, MAE"),
        ("{doc}`/book/glossary`", "*Glossary*"),
        (":::{exercise}\n:label: ex-1\n\nWhy?\n:::", "### Exercise ex-1\n\nWhy?"),
        (
            "````{solution} ex-1\n:class: dropdown\n```python\nx = 1\n```\n````",
            "<details><summary>A solution</summary>\n\n```python\nx = 1\n```\n\n</details>",
        ),
        ("::::{admonition} Tips\n:class: tip\n\n:::{exercise}\nA\n:::\n::::", "**Tips**\n\n### Exercise\n\nA"),
        ("`{term}`, a role, and {not} one", "`{term}`, a role, and {not} one"),
    ],
)
def test_what_the_markup_said_is_said(written, said):
    assert plain(written) == said


def test_figures_and_equations_are_numbered_within_their_chapter(tmp_path):
    figure = {"mystnb": {"figure": {"name": "fig-05-two", "caption": "Two."}}}
    file = write_notebook(
        tmp_path / "notebooks" / "05_cnn.ipynb",
        "1 + 1",
        "text: (fig-05-one)=\n![A block.](x.svg)\n\n*One.*",
        "text: $$\na\n$$ (eq-05-sum)\n\nSee {eq}`eq-05-sum`, {numref}`fig-05-two` and {numref}`fig-05-none`.",
    )
    notebook = nbformat.read(file, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("2", metadata=figure))
    nbformat.write(notebook, file)
    chapter = read_chapter(file)
    cells = plain_cells(nbformat.read(chapter.path, as_version=4).cells, tmp_path)
    said = "\n\n".join(texts(cells))
    assert "![A block.](x.svg)\n\n*Figure 5.1. One.*" in said
    assert "a\n\\tag{5.1}\n$$" in said
    assert "See equation 5.1, figure 5.2 and figure above." in said
    assert cells[-1]["source"] == "*Figure 5.2. Two.*" and cells[-2]["source"] == "2"


def test_code_that_the_book_folds_is_folded(chapter):
    notebook = nbformat.read(chapter.path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("import os", metadata={"tags": ["hide-input"]}))
    assert plain_cells(notebook.cells)[-1]["metadata"]["jupyter"] == {"source_hidden": True}
