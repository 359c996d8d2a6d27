"""A class of twenty, in which nearly every hand-in is odd: each is named for what it is, and all others count."""

import copy
import json
import os
import zipfile

import nbformat
import pytest
from mutations import SOLVED, STUB, chapter_notebook, solve
from nbformat.v4 import new_markdown_cell

from agebook.build.chapters import read_chapter
from agebook.course import assign, gradebook, sandbox, trial
from agebook.course.collect import collect
from agebook.course.grade import grade
from agebook.course.student_copy import name_of
from agelib.runtime import workspace

SECRET = "0123456789abcdef"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def answer(notebook, name):
    return next(cell for cell in notebook.cells if name_of(cell) == name)


def first_left_blank(notebook):
    answer(notebook, "ex-total").source = STUB


def picture_pasted(notebook):
    cell = answer(notebook, "ex-report")
    cell.source += "\n\n![plot](attachment:image.png)"
    cell.attachments = {"image.png": {"image/png": PICTURE}}


def picture_lost(notebook):
    answer(notebook, "ex-report").source += "\n\n![plot](attachment:image.png)"


def cell_split(notebook):
    cell = answer(notebook, "ex-product")
    second = copy.deepcopy(cell)
    lines = cell.source.splitlines()
    cell.source, second.source, second["id"] = "\n".join(lines[:2]), "\n".join(lines[2:]), "half"
    notebook.cells.insert(notebook.cells.index(cell) + 1, second)


def stub_below(notebook):
    cell = answer(notebook, "ex-total")
    second = copy.deepcopy(cell)
    second.source, second["id"] = STUB, "stub"
    notebook.cells.insert(notebook.cells.index(cell) + 1, second)


def report_goes_on(notebook):
    notebook.cells.append(new_markdown_cell("And this is why."))
    notebook.cells.insert(notebook.cells.index(answer(notebook, "ex-report")) + 1, new_markdown_cell("It goes on."))


def names_of_helpers(notebook):
    answer(notebook, "ex-total").source = "answers = _answers = record = len = 5\n" + SOLVED["ex-total"]


def half_character(notebook):
    answer(notebook, "ex-report").source = "It is \ud83d so."


def prints(notebook):
    answer(notebook, "ex-total").source += "\nfor n in range(300_000):\n    print('line', n)"


def endless(notebook):
    answer(notebook, "ex-product").source = "while True:\n    pass"


def ends_python(notebook):
    answer(notebook, "ex-list").source = "import os\nos._exit(1)"


def unchanged(notebook):
    pass


#: student → what became of the notebook, where it lies, and: outcome, points of the three tests, answers to be read.
CLASS = {
    "ada": (unchanged, "{}/91_tiny.ipynb", "graded", 3, 1),
    "bob": (first_left_blank, "{}/91_tiny.ipynb", "graded", 2, 1),
    "cy": (picture_pasted, "{}/91_tiny.ipynb", "graded", 3, 1),
    "dan": (picture_lost, "{}/91_tiny.ipynb", "graded", 3, 1),
    "eve": (cell_split, "{}/91_tiny.ipynb", "graded", 3, 1),
    "fay": (stub_below, "{}/91_tiny.ipynb", "graded", 3, 1),
    "gus": (report_goes_on, "{}/91_tiny.ipynb", "graded", 3, 1),
    "hal": (names_of_helpers, "{}/91_tiny.ipynb", "graded", 3, 1),
    "ida": (half_character, "{}/91_tiny.ipynb", "graded", 3, 1),
    "joy": (prints, "{}/91_tiny.ipynb", "graded", 3, 1),
    "kai": (unchanged, "{}/91_tiny-Copy1.ipynb", "graded", 3, 1),
    "leo": (unchanged, "Leo L_4711_assignsubmission_file_/91_tiny (1).ipynb", "graded", 3, 1),
    "mia": (unchanged, "{}/91_tiny.ipynb.json", "graded", 3, 1),
    "ned": (unchanged, "{}/hand-in.zip", "graded", 3, 1),
    "old": (unchanged, "{}/91_tiny.ipynb", "graded", 3, 1),  # nbformat_minor 4 with cell ids, and a BOM
    "pat": (endless, "{}/91_tiny.ipynb", "graded", 2, 1),
    "quy": (ends_python, "{}/91_tiny.ipynb", "stopped", 2, 1),
    "rex": (unchanged, "{}/91_tiny.ipynb", "unreadable", 0, 0),  # cut off in the middle
    "sam": (unchanged, "{}/91_tiny.ipynb", "another student's", 0, 0),  # ada's
    "tom": (unchanged, "{}/91_tiny.pdf", "missing", 0, 0),
}


@pytest.mark.skipif(os.name == "nt", reason="there is no FIFO")
def test_twenty_hand_ins_of_which_most_are_odd(tmp_path, monkeypatch):
    nbformat.write(chapter_notebook(), tmp_path / "91_tiny.ipynb")
    chapter, folder, source = read_chapter(tmp_path / "91_tiny.ipynb"), tmp_path / "course", tmp_path / "in"
    made = assign.assign([chapter], list(CLASS), SECRET, folder)
    texts = {}
    for each in made:
        a, b = each.parameters["a"], each.parameters["b"]
        right = {"ex-total": a + b, "ex-product": a * b, "ex-list": sorted([float(a), b])}
        workspace.write_json(each.key, {name: {"value": value, "tolerance": 1e-6} for name, value in right.items()})
        change, place, *_ = CLASS[each.student]
        notebook = nbformat.read(each.file, as_version=4)
        solve(notebook)
        change(notebook)
        text = json.dumps(notebook)  # as JSON, which can hold half a character
        if each.student == "old":
            text = "\ufeff" + text.replace('"nbformat_minor": 5', '"nbformat_minor": 4')
        texts[each.student] = text = {"rex": text[:900], "sam": texts.get("ada"), "tom": "%PDF-1.7"}.get(
            each.student, text
        )
        file = source / place.format(each.student)
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".zip":
            with zipfile.ZipFile(file, "w") as opened:
                opened.writestr("91_tiny.ipynb", text)
                opened.writestr("__MACOSX/._91_tiny.ipynb", b"\0\5\x16\7")
        else:
            file.write_text(text, encoding="utf-8")
    (source / "__MACOSX" / "ada").mkdir(parents=True)
    (source / "__MACOSX" / "ada" / "._91_tiny.ipynb").write_bytes(b"\0\5\x16\7")
    (source / "bob" / "old.ipynb").symlink_to(tmp_path / "nowhere")
    (source / "cy" / "folder.ipynb").mkdir()
    os.mkfifo(source / "dan" / "pipe.ipynb")

    collected = collect(source, made, folder)
    assert (collected["outcome"] == "collected").sum() == 19
    odd = {row.file.rpartition("/")[2]: row.outcome for row in collected.itertuples() if row.outcome != "collected"}
    assert odd == dict.fromkeys(["old.ipynb", "folder.ipynb", "pipe.ipynb", "91_tiny.pdf"], "not understood")

    limits = sandbox.Limits(seconds=300, cell_seconds=10)
    table = grade(made, [chapter], folder, limits, jobs=2, report=lambda line: None)
    found = {row.student: (row.outcome, row.score, row.unread) for row in table.itertuples()}
    assert found == {student: tuple(expected) for student, (_, _, *expected) in CLASS.items()}
    remarks = table.set_index("student")["remarks"]
    assert remarks["sam"] == "it was handed out to ada" and "Python ended" in remarks["quy"]
    assert "91_tiny.ipynb: damaged or cut off" in remarks["rex"] and remarks["eve"] == ""
    pages = {file.parent.name: file for file in gradebook.write_feedback(table, folder)}
    assert set(pages) == {student for student, (_, _, outcome, *_) in CLASS.items() if outcome in ("graded", "stopped")}
    shown = {student: page.read_text(encoding="utf-8") for student, page in pages.items()}
    assert PICTURE[:60] in shown["cy"] and "image.png" in shown["dan"]
    assert "It goes on." in shown["gus"] and "And this is why." in shown["gus"]
    assert all("_answers.record" not in page and len(page) < 1_500_000 for page in shown.values())
    read = (folder / "by-hand.csv").read_text(encoding="utf-8-sig")
    assert "It goes on." in read and "It is \ufffd so." in read

    # Again: nothing is executed, whatever the hand-ins were.
    monkeypatch.setattr(trial, "execute", lambda *given: pytest.fail("executed twice"))
    again = grade(made, [chapter], folder, limits, report=lambda line: None)
    assert again.equals(table)
