"""A class gets its assignments: every student other parameters, no solution in any copy, and a key for each."""

import json
import stat
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell
from tiny_course import SECRET

from agebook.__main__ import main
from agebook.build.chapters import REPOSITORY, list_chapters, read_chapter
from agebook.course import answers, assign
from agebook.course import student_copy as copies
from agebook.course.roster import read_roster
from agebook.course.student_copy import student_copy
from agebook.course.variants import draw, read_variants

CLASS = [f"student{number:02}" for number in range(50)]

#: Chapters with graded exercises.
GRADED = [
    chapter
    for chapter in list_chapters(REPOSITORY)
    if any(cell["metadata"].get("nbgrader", {}).get("grade") for cell in chapter.cells)
]


def test_fifty_students_have_fifty_sets_of_parameters_that_another_run_draws_again():
    variants = {"seed": list(range(1000, 1_000_000)), "pictures": [900, 1000]}
    drawn = {student: draw(variants, SECRET, student, "03_splits") for student in CLASS}
    assert len({json.dumps(each) for each in drawn.values()}) == 50
    assert drawn == {student: draw(variants, SECRET, student, "03_splits") for student in reversed(CLASS)}
    # Another secret or chapter says nothing about these, and who joins the class changes nobody's.
    assert draw(variants, "another secret...", "student00", "03_splits") != drawn["student00"]
    assert draw(variants, SECRET, "student00", "01_exploration") != drawn["student00"]


def test_every_value_of_a_range_is_about_equally_likely():
    variants = {"fold": [0, 1, 2, 3, 4]}
    counts = [0] * 5
    for number in range(5000):
        counts[draw(variants, SECRET, f"s{number}", "x")["fold"]] += 1
    # Five shares of 1000 with a standard deviation of 28 each.
    assert all(abs(count - 1000) < 4 * 28.3 for count in counts)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sede": [1]}, "no parameter 'sede'"),
        ({"seed": []}, "may be 'nothing'"),
        ({"seed": ["x"]}, "may be 'x', but the chapter's default is 42"),
        ({"seed": {"from": 1}}, "needs a list of values"),
        ({"seed": {"from": 1, "to": 5, "step": 0}}, "needs a list of values"),
    ],
)
def test_a_range_that_cannot_be_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        read_variants({"agelib": {"variants": given}}, {"seed": 42})


def test_steps_in_decimals_are_what_is_written():
    found = read_variants({"agelib": {"variants": {"x": {"from": 0.1, "to": 0.5, "step": 0.1}}}}, {"x": 0.3})
    assert found["x"] == [0.1, 0.2, 0.3, 0.4, 0.5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nada\n", "no column 'student'"),
        ("student\nada\n../up\n", r"line 3: '\.\./up' cannot name"),
        ("student\nada\n\n1.23457E+11\n", r"line 4: '1.23457E\+11' is a number that a spreadsheet has shortened"),
        ("student\nada\nADA\n", "line 3: 'ADA' is there twice"),
        ("student\n", "there is no student in it"),
        ("", "class.csv is empty"),
    ],
)
def test_a_class_list_that_will_not_do_is_refused_with_its_line(tmp_path, text, said):
    file = tmp_path / "class.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=said):
        read_roster(file)


def test_a_class_list_from_a_spreadsheet_is_read(tmp_path):
    file = tmp_path / "class.csv"
    file.write_text("﻿Student, First Name\nada@example.org, Ada\n", encoding="utf-8")
    table = read_roster(file)
    assert table.loc[0].tolist() == ["ada@example.org", "Ada"]
    assert table.attrs["headings"] == {"student": "Student", "first_name": "First Name"}


def test_a_copy_has_the_students_parameters_and_nothing_that_gives_the_answer_away(chapter):
    notebook = copies.read_notebook(chapter.path)
    before = nbformat.writes(notebook)
    made = student_copy(notebook, {"a": 7, "b": 0.75}, "ada", chapter.name)
    assert nbformat.writes(notebook) == before
    sources = [cell.source for cell in made.cells]
    assert sources[2] == "# Your own parameters, ada\na = 7\nb = 0.75\n"
    text = "\n".join(sources)
    for word in ("total = doubled", "It is a + b", "For teachers", "record", "HIDDEN", "SOLUTION"):
        assert word not in text
    assert "### Exercise ex-sum\n\nAdd them up." in text and "assert total > 0" in text
    assert sources[-2] == "# YOUR CODE HERE\nraise NotImplementedError()"
    locked = [cell for cell in made.cells if not cell.metadata.get("editable", True)]
    assert [cell.source for cell in locked] == [sources[1], sources[2], sources[-1]]
    assert made.metadata["agelib"]["student"] == "ada"


def test_a_copy_holds_the_diagrams_of_its_chapter(essay):
    notebook = copies.read_notebook(essay.path)
    notebook.cells[0].source += "\n\n![A block.](../book/diagrams/residual_block.svg)"
    made = student_copy(notebook, {"a": 7, "b": 0.75}, "ada", essay.name)
    assert "![A block.](data:image/svg+xml;base64," in made.cells[0].source
    assert "../book" not in made.cells[0].source


@pytest.mark.parametrize("chapter", GRADED, ids=lambda chapter: chapter.name)
def test_no_copy_of_a_chapter_holds_a_solution_a_hidden_test_or_an_output(chapter):
    notebook = copies.read_notebook(chapter.path)
    variants = read_variants(notebook.metadata, chapter.parameters)
    made = student_copy(notebook, draw(variants, SECRET, "ada", chapter.name), "ada", chapter.name)
    text = nbformat.writes(made)
    shown = {line.strip() for cell in made.cells for line in cell.source.splitlines()}
    hidden = []
    for cell in notebook.cells:
        lines, inside = cell.source.splitlines(), False
        for line in lines:
            if line.startswith("### "):
                inside = line.startswith("### BEGIN")
            elif inside and len(line.strip()) > 12:
                hidden.append(line.strip())
    # Whole lines: a name alone may stand in the text that asks for it, and a line of the chapter may come again.
    chapters_own = {
        line.strip() for cell in notebook.cells if "nbgrader" not in cell.metadata for line in cell.source.splitlines()
    }
    assert len(hidden) >= 5 and not [line for line in hidden if line in shown - chapters_own]
    assert not any(word in text for word in copies.FORBIDDEN)
    assert all(not cell.get("outputs") for cell in made.cells)
    assert len(copies.points(notebook)) >= 3
    values = sorted(copies.points(notebook).values())
    assert values[0] < values[-1]  # they rise in difficulty


def test_a_copy_that_would_give_something_away_is_refused(chapter):
    notebook = copies.read_notebook(chapter.path)
    notebook.cells.append(new_markdown_cell("See answers.record above."))
    with pytest.raises(ValueError, match=r"the copy of ada would still hold 'answers\.record'"):
        student_copy(notebook, {"a": 7}, "ada", chapter.name)


def test_a_key_is_what_the_solution_hands_in_with_the_students_parameters(chapter, tmp_path):
    made = assign.assign([chapter], ["ada", "grace"], SECRET, tmp_path / "course")
    said = []
    assert assign.make_keys(made, [chapter], jobs=2, report=said.append) == {}
    for each in made:
        key = answers.read(each.key)
        expected = each.parameters["a"] + each.parameters["b"]
        assert key == {"ex-sum": {"value": expected, "tolerance": 1e-6}}
    assert {file.name for file in (tmp_path / "course" / "keys" / "ada").iterdir()} == {made[0].key.name}
    # Again: nothing is executed.
    assert assign.make_keys(made, [chapter], report=said.append) == {} and len(said) == 2


def test_a_chapter_whose_exercise_hands_in_nothing_is_found(chapter, tmp_path):
    text = chapter.path.read_text().replace('answers.record(\\"ex-sum\\", total)', "pass")
    chapter.path.write_text(text)
    mute = read_chapter(chapter.path)
    made = assign.assign([mute], ["ada"], SECRET, tmp_path / "course")
    failed = assign.make_keys(made, [mute], report=lambda line: None)
    assert "ex-sum-test records no answer" in failed["ada", "01_tiny"]


def test_what_is_handed_out_runs_up_to_the_first_exercise(chapter, tmp_path):
    made = assign.assign([chapter], ["ada"], SECRET, tmp_path / "course")
    assert assign.check_copies(made, [chapter], report=lambda line: None) == {}
    broken = made[0].file.read_text().replace("doubled = 2 * a", "doubled = 2 * c")
    made[0].file.write_text(broken)
    failed = assign.check_copies(made, [chapter], report=lambda line: None)
    assert "name 'c' is not defined" in failed["ada", "01_tiny"]


def test_the_command_hands_out_and_tells_where(tmp_path, capsys):
    roster = tmp_path / "class.csv"
    roster.write_text("student\n" + "\n".join(CLASS) + "\n")
    course = tmp_path / "course"
    numbers = [chapter.number for chapter in GRADED[:2]]
    assert main(["assign", *numbers, "--roster", str(roster), "--folder", str(course)]) == 0
    assert f"{50 * len(numbers)} copies for 50 students" in capsys.readouterr().out
    assert stat.S_IMODE((course / "secret.txt").stat().st_mode) == 0o600
    overview = json.loads((course / "keys" / "parameters.json").read_text())
    for name in (chapter.name for chapter in GRADED[:2]):
        assert len({json.dumps(overview[student][name]) for student in CLASS}) == 50
    first = (course / "release" / "student07" / f"{GRADED[0].name}.ipynb").read_bytes()
    assert main(["assign", *numbers, "--roster", str(roster), "--folder", str(course)]) == 0
    assert (course / "release" / "student07" / f"{GRADED[0].name}.ipynb").read_bytes() == first
    assert main(["assign", "99", "--roster", str(roster), "--folder", str(course)]) == 2
    assert "there is no chapter 99" in capsys.readouterr().err


def test_recording_does_nothing_where_nobody_asked(tmp_path, monkeypatch):
    monkeypatch.delenv(answers.VARIABLE, raising=False)
    answers.record("x", object())
    file = tmp_path / "answers.json"
    monkeypatch.setenv(answers.VARIABLE, str(file))
    answers.record("x", 1)
    answers.record("y", [2.5], tolerance=0.1)
    assert answers.read(file)["y"] == {"value": [2.5], "tolerance": 0.1}
    answers.record("z", object())  # whoever hands it in has not the right answer; the others' are kept
    assert not answers.agree(answers.read(file)["z"]["value"], 1) and len(answers.read(file)) == 3


def test_a_chapter_that_hands_in_what_cannot_be_compared_gets_no_key(chapter, tmp_path):
    notebook = nbformat.read(chapter.path, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace('answers.record("ex-sum", total)', 'answers.record("ex-sum", print)')
    nbformat.write(notebook, chapter.path)
    made = assign.assign([chapter], ["ada"], SECRET, tmp_path)
    failed = assign.make_keys(made, [chapter], report=lambda line: None)
    assert "ex-sum: an answer is a number" in failed["ada", "01_tiny"] and not made[0].key.exists()


def test_what_was_handed_out_stays_whatever_becomes_of_the_chapter_and_of_other_chapters(chapter, tmp_path):
    first = assign.assign([chapter], ["ada", "grace"], SECRET, tmp_path)
    notebook = nbformat.read(chapter.path, as_version=4)
    notebook.metadata.agelib.variants = {"a": [3, 4]}
    nbformat.write(notebook, chapter.path)
    changed = read_chapter(chapter.path)
    again = assign.recall([changed], ["grace", "ada", "alan"], SECRET, tmp_path)
    by_name = {each.student: each.parameters for each in again}
    assert {each.student: each.parameters for each in first} == {name: by_name[name] for name in ("ada", "grace")}
    assert by_name["alan"]["a"] in (3, 4) and set(by_name["alan"]) == {"a"}
    second = tmp_path / "02_other.ipynb"
    second.write_text(chapter.path.read_text())
    assign.assign([read_chapter(second)], ["ada"], SECRET, tmp_path)
    assert {name: set(each) for name, each in assign.read_overview(tmp_path).items()} == {
        "ada": {"01_tiny", "02_other"},
        "grace": {"01_tiny"},
    }


def test_a_link_opens_the_chapter_behind_the_fetched_repository(capsys):
    asked = ["link", "3", "--hub", "https://hub.example.org", "--repository", "https://git.example.org/a/course.git"]
    assert main(asked) == 0
    parts = urlsplit(capsys.readouterr().out.strip())
    assert (parts.netloc, parts.path) == ("hub.example.org", "/hub/user-redirect/git-pull")
    assert parse_qs(parts.query) == {
        "repo": ["https://git.example.org/a/course.git"],
        "urlpath": ["lab/tree/course/notebooks/03_splits.ipynb"],
        "branch": ["main"],
    }
    assert main([*asked[:3], "hub", *asked[4:]]) == 2
    assert "'hub' is no address" in capsys.readouterr().err
