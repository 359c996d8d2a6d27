"""What a student is told before handing in."""

import nbformat
import pytest
from tiny_course import SECRET, answer, hand_in

from agebook.__main__ import main
from agebook.course import assign, grade, sandbox, self_check


@pytest.fixture
def copy(chapter, tmp_path):
    (made,) = assign.assign([chapter], ["ada"], SECRET, tmp_path / "course")
    return made.file


def filled(file, source, change=lambda notebook: None):
    notebook = nbformat.read(file, as_version=4)
    answer(notebook, source)
    change(notebook)
    nbformat.write(notebook, file)
    return file


@pytest.mark.parametrize(
    ("source", "ready", "said"),
    [
        ("total = a + b", True, "the visible test is satisfied"),
        ("total = 12345678", True, "the visible test is satisfied"),  # nothing here knows the right value
        ("# YOUR CODE HERE\nraise NotImplementedError()", False, "not answered yet"),
        ("", False, "not answered yet"),
        ("total = undefined", False, "your cell stops with NameError: name 'undefined' is not defined"),
        ("total = -1", False, "the test says: no reason given"),
        ("import time\ntime.sleep(60)", False, "your cell stops with"),
    ],
)
def test_every_exercise_is_told_what_is_the_matter(copy, source, ready, said):
    before = filled(copy, source).read_bytes()
    (found,), remarks = self_check.check(copy, sandbox.Limits(cell_seconds=12))
    assert (found.name, found.ready, remarks) == ("ex-sum", ready, [])
    assert said in found.said
    assert copy.read_bytes() == before


def test_a_test_that_did_not_come_to_its_end_is_not_passed(copy):
    """No error is no proof: here an answer has put nothing in the place of what runs the test."""
    source = "total = -1\nimport agebook.course.answers as own\nown.run_test = lambda *_: None"
    (found,), _ = self_check.check(filled(copy, source))
    assert not found.ready and "the test was stopped before its end" in found.said


def test_what_would_have_no_effect_is_told(copy):
    def change(notebook):
        for cell in notebook.cells:
            if "injected-parameters" in cell.metadata.get("tags", []):
                cell.source = "a = 1\nb = 0.25"
            if cell.metadata.get("nbgrader", {}).get("grade"):
                cell.source = "assert True"

    (found,), remarks = self_check.check(filled(copy, "total = -1", change))
    assert not found.ready and "the test says" in found.said
    assert remarks == [
        "ex-sum-test: the cell was changed; the one that was handed out counts",
        "the parameters were changed; those that were handed out count",
    ]

    def delete(notebook):
        notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("grade")]

    (found,), remarks = self_check.check(filled(copy, "total = 1", delete))
    assert found.ready and remarks[0] == "ex-sum-test: the cell was deleted; it was put back"


def test_an_answer_in_words_is_there_or_not(essay, tmp_path):
    (made,) = assign.assign([essay], ["ada"], SECRET, tmp_path / "course")
    hand_in(made, tmp_path / "course", None)
    found, _ = self_check.check(grade.submission_of(made, tmp_path / "course"))
    assert [(each.name, each.ready) for each in found] == [("ex-sum", True), ("ex-why", False)]
    hand_in(made, tmp_path / "course", "It adds.")
    found, _ = self_check.check(grade.submission_of(made, tmp_path / "course"))
    assert found[1].ready and found[1].said == "answered; a person will read it"


def test_the_command_says_how_many_are_ready(copy, capsys, tmp_path):
    assert main(["check", str(filled(copy, "total = a + b"))]) == 0
    printed = capsys.readouterr().out
    assert "ready   ex-sum: it runs" in printed and "1 of 1 exercises ready" in printed
    assert main(["check", str(filled(copy, "total = -1"))]) == 1
    assert "TO DO   ex-sum: the test says" in capsys.readouterr().out
    for text, said in [(None, "there is no such file"), ("{", "damaged or cut off")]:
        file = tmp_path / "other.ipynb"
        if text:
            file.write_text(text)
        assert main(["check", str(file)]) == 2
        assert said in capsys.readouterr().err
    nbformat.write(nbformat.v4.new_notebook(), file)
    assert main(["check", str(file)]) == 2
    assert "no notebook that was handed out" in capsys.readouterr().err


def test_a_kernel_that_ends_is_told(copy):
    (found,), remarks = self_check.check(filled(copy, "import os\nos._exit(1)"))
    assert not found.ready and "the notebook was stopped before this test" in found.said
    assert "Python ended while it was executed" in remarks[0]


def test_a_notebook_that_cannot_be_read_does_not_keep_the_next_one_from_being_checked(copy, capsys, tmp_path):
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{")
    assert main(["check", str(broken), str(filled(copy, "total = a + b"))]) == 2
    captured = capsys.readouterr()
    assert f"{broken}: damaged or cut off" in captured.err and "1 of 1 exercises ready" in captured.out
