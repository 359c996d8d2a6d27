"""Whatever an editor or a student does to a solved notebook, its answers are found, and they count."""

import builtins
import copy
import os

import nbformat
import pytest
from mutations import SOLVED, STUB, chapter_notebook, mutate, solve
from nbformat.v4 import new_code_cell, new_markdown_cell

from agebook.build.chapters import read_chapter
from agebook.course import assign, grade, sandbox, self_check
from agebook.course.restore import restore
from agebook.course.student_copy import is_parameters, is_test, name_of, student_copy
from agelib.runtime import workspace

PARAMETERS = {"a": 7, "b": 0.75}
RIGHT = {"ex-total": 7.75, "ex-product": 5.25, "ex-list": [0.75, 7.0]}
SECRET = "0123456789abcdef"


@pytest.fixture(scope="module")
def handed_out():
    return student_copy(chapter_notebook(), PARAMETERS, "ada", "91_tiny")


def computed(notebook) -> dict:
    """What a restored notebook computes; a cell that fails does not stop it, as in a kernel."""
    names, found = {}, {}
    wanted = {"ex-total-test": "total", "ex-product-test": "product", "ex-list-test": "pair"}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if is_test(cell):
            theirs = {name: value for name, value in names.items() if not hasattr(builtins, name)}
            try:
                exec(cell.source, theirs)
                found[name_of(cell).removesuffix("-test")] = theirs[wanted[name_of(cell)]]
            except Exception:
                continue
        else:
            try:
                exec(cell.source, names)
            except (Exception, SystemExit):
                continue
    return found


@pytest.mark.parametrize("first", range(0, 2000, 200))
def test_the_grade_of_a_solved_notebook_never_falls(handed_out, first):
    for seed in range(first, first + 200):
        notebook = copy.deepcopy(handed_out)
        solve(notebook)
        what = mutate(notebook, seed)
        restored = restore(notebook, handed_out)
        found = computed(restored.notebook)
        assert found == RIGHT, what
        assert SOLVED["ex-report"] in restored.by_hand["ex-report"], what
        assert restored.by_hand["ex-report"].count(SOLVED["ex-report"]) == 1, what
        parameters = [cell.source for cell in restored.notebook.cells if is_parameters(cell)]
        assert parameters == [cell.source for cell in handed_out.cells if is_parameters(cell)], what


def cell_of(notebook, name):
    return next(cell for cell in notebook.cells if name_of(cell) == name)


def restored(handed_out, change):
    notebook = copy.deepcopy(handed_out)
    solve(notebook)
    change(notebook)
    return restore(notebook, handed_out)


def test_what_is_needed_before_an_answer_comes_with_it(handed_out):
    def change(notebook):
        answer = cell_of(notebook, "ex-total")
        answer.source = "total = helper()"
        helper = new_code_cell("def helper():\n    return a + b")
        notebook.cells.remove(answer)
        notebook.cells += [helper, answer]

    assert computed(restored(handed_out, change).notebook) == RIGHT


def test_a_cell_that_is_there_twice_is_told_and_both_count_in_their_order(handed_out):
    def change(notebook):
        place = notebook.cells.index(cell_of(notebook, "ex-total"))
        second = copy.deepcopy(notebook.cells[place])
        second.source = "total = -total"
        notebook.cells.insert(place + 1, second)

    found = restored(handed_out, change)
    assert computed(found.notebook)["ex-total"] == -7.75
    assert found.remarks == ("ex-total: the cell for the answer is there more than once; all count, in their order",)


def test_a_report_goes_on_in_cells_that_the_student_added_with_its_pictures(handed_out):
    picture = {"image.png": {"image/png": "iVBORw0KGgo="}}

    def change(notebook):
        place = notebook.cells.index(cell_of(notebook, "ex-report"))
        notebook.cells[place].attachments = picture
        notebook.cells[place].source += "\n![image.png](attachment:image.png)"
        more = new_markdown_cell("And so on.", attachments=picture)
        notebook.cells[place + 1 : place + 1] = [more, new_code_cell("print(total)"), new_markdown_cell("The end.")]
        notebook.cells.append(new_markdown_cell("P.S. Thank you."))
        notebook.cells.insert(1, new_markdown_cell("A note on the first page."))

    found = restored(handed_out, change)
    text = "Because it is so.\n![image.png](attachment:image.png)\n\nAnd so on.\n\nThe end."
    assert found.by_hand == {"ex-report": text}
    texts = [cell for cell in found.notebook.cells if cell.cell_type == "markdown"]
    said = ["A note on the first page.", texts[1].source, "And so on.", "The end.", "P.S. Thank you."]
    assert [cell.source for cell in texts] == said
    assert texts[1].attachments == texts[2].attachments == picture


@pytest.mark.parametrize("text", ["", "YOUR ANSWER HERE", "  YOUR ANSWER HERE \n\n"])
def test_a_report_that_was_not_written_is_none_and_one_behind_the_stub_is_one(handed_out, text):
    def change(notebook):
        cell_of(notebook, "ex-report").source = text

    found = restored(handed_out, change)
    assert found.by_hand == {} and found.blank == {"ex-report"}

    def written(notebook):
        cell_of(notebook, "ex-report").source = f"{text}\nIt is."

    assert restored(handed_out, written).by_hand == {"ex-report": "It is."}


def test_a_blank_exercise_costs_itself_alone(handed_out):
    for left_out in ("ex-total", "ex-product", "ex-list"):
        for source in (
            "# YOUR CODE HERE\nraise NotImplementedError()",
            "",
            "# nothing yet",
            "total = product = pair = 0",
        ):

            def change(notebook, left_out=left_out, source=source):
                cell_of(notebook, left_out).source = source

            found = computed(restored(handed_out, change).notebook)
            assert {name: found.get(name) for name in RIGHT if name != left_out} == {
                name: value for name, value in RIGHT.items() if name != left_out
            }


#: Of all seeds some, through real kernels: a check, and a grade. `AGEBOOK_MUTATIONS=0:500` takes others.
FIRST, LAST = map(int, os.environ.get("AGEBOOK_MUTATIONS", "0:6").split(":"))


def test_check_and_grade_agree(tmp_path):
    nbformat.write(chapter_notebook(), tmp_path / "91_tiny.ipynb")
    chapter, folder = read_chapter(tmp_path / "91_tiny.ipynb"), tmp_path / "course"
    students = {f"s{seed}": seed for seed in range(FIRST, LAST)}
    made = assign.assign([chapter], list(students), SECRET, folder)
    what, checked = {}, {}
    for each in made:
        a, b = each.parameters["a"], each.parameters["b"]
        right = {"ex-total": a + b, "ex-product": a * b, "ex-list": sorted([float(a), b])}
        workspace.write_json(each.key, {name: {"value": value, "tolerance": 1e-6} for name, value in right.items()})
        notebook = nbformat.read(each.file, as_version=4)
        solve(notebook)
        what[each.student] = mutate(notebook, students[each.student])
        submission = grade.submission_of(each, folder)
        workspace.write_json(submission, notebook)
        exercises, _ = self_check.check(submission)
        checked[each.student] = {exercise.name: exercise.ready for exercise in exercises}
        print(what[each.student], checked[each.student], flush=True)
    table = grade.grade(made, [chapter], folder, sandbox.Limits(), report=lambda line: None).set_index("student")
    for each in made:
        assert checked[each.student] == dict.fromkeys([*RIGHT, "ex-report"], True), what[each.student]
        row = table.loc[each.student]
        assert (row["outcome"], row["score"], row["unread"]) == ("graded", 3, 1), (what[each.student], row["remarks"])
    # Again: nothing is executed.
    before = {file: file.stat().st_mtime_ns for file in (folder / "graded").rglob("*.*")}
    grade.grade(made, [chapter], folder, sandbox.Limits(), report=lambda line: None)
    assert before == {file: file.stat().st_mtime_ns for file in (folder / "graded").rglob("*.*")}


def test_check_and_grade_agree_where_an_answer_is_not_right(tmp_path):
    """What `check` calls ready is graded by its value alone; what it does not call ready gets nothing."""
    nbformat.write(chapter_notebook(), tmp_path / "91_tiny.ipynb")
    chapter, folder = read_chapter(tmp_path / "91_tiny.ipynb"), tmp_path / "course"
    sources = {
        "blank": (STUB, False, 2),
        "stub_below": ("total = a + b\nraise NotImplementedError()", True, 3),
        "comment": ("# raise NotImplementedError()\ntotal = a + b", True, 3),
        "text": ("total = 'a + b'", False, 2),
        "wrong": ("total = 1.5", True, 2),
        "odd": ("class Odd(float):\n    tolist = None\ntotal = Odd(a + b)", True, 2),
        "half_character": ("total = a + b\nprint('\\ud800')", True, 3),
        "printing": ("total = a + b\nfor n in range(300_000):\n    print('line', n)", True, 3),
    }
    made = assign.assign([chapter], list(sources), SECRET, folder)
    for each in made:
        source, ready, _ = sources[each.student]
        a, b = each.parameters["a"], each.parameters["b"]
        right = {"ex-total": a + b, "ex-product": a * b, "ex-list": sorted([float(a), b])}
        workspace.write_json(each.key, {name: {"value": value, "tolerance": 1e-6} for name, value in right.items()})
        notebook = nbformat.read(each.file, as_version=4)
        solve(notebook)
        cell_of(notebook, "ex-total").source = source
        submission = grade.submission_of(each, folder)
        workspace.write_json(submission, notebook)
        exercises, _ = self_check.check(submission)
        assert exercises[0].ready is ready, (each.student, exercises[0])
        assert exercises[0].said != "not answered yet" or each.student == "blank"
        assert all(exercise.ready for exercise in exercises[1:]), each.student
    table = grade.grade(made, [chapter], folder, sandbox.Limits(), report=lambda line: None).set_index("student")
    assert table["score"].to_dict() == {name: score for name, (_, _, score) in sources.items()}
    sizes = {file.parent.name: file.stat().st_size for file in (folder / "graded").rglob("*.ipynb")}
    assert (
        sizes["printing"] < 60_000 and "characters left out" in (folder / "graded/printing/91_tiny.ipynb").read_text()
    )
