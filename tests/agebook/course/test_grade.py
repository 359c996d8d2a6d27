"""A class hands in: right, wrong, empty, endless, greedy and dishonest notebooks, each with what it deserves."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from copy import deepcopy

import nbformat
import pandas as pd
import psutil
import pytest
from ended import left_running
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook
from tiny_course import SECRET, answer, hand_in

from agebook.course import assign, grade, gradebook, sandbox
from agebook.course.restore import restore
from agebook.course.student_copy import student_copy
from agelib.runtime import workspace

LIMITS = sandbox.Limits(seconds=120, cell_seconds=20, memory=1_000_000_000)


def without_test(notebook):
    answer(notebook, "total = -1")
    notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("grade")]


def with_other_parameters(notebook):
    answer(notebook, "total = a + b")
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = "a = 1\nb = 0.25"


def with_own_helper(notebook):
    answer(notebook, "total = helper()")
    place = next(n for n, cell in enumerate(notebook.cells) if cell.metadata.get("nbgrader", {}).get("solution"))
    notebook.cells.insert(place, new_code_cell("def helper():\n    return a + b"))


def with_easier_test(notebook):
    answer(notebook, "total = 0.5")
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.source = "assert True"


#: student → what was done to the copy; outcome, score, and a word of the remarks.
SUBMISSIONS = {
    "right": (lambda notebook: answer(notebook, "total = a + b"), "graded", 1, ""),
    "other_way": (lambda notebook: answer(notebook, "total = float(sum([a, b]))"), "graded", 1, ""),
    "empty": (lambda notebook: None, "graded", 0, ""),
    "wrong": (lambda notebook: answer(notebook, "total = a + b + 1"), "graded", 0, ""),
    "noisy": (lambda notebook: answer(notebook, "import warnings\nwarnings.warn('!')\ntotal = a + b"), "graded", 1, ""),
    "helper": (with_own_helper, "graded", 1, ""),
    "exit": (lambda notebook: answer(notebook, "import sys\nsys.exit()"), "graded", 0, ""),
    "hard_exit": (lambda notebook: answer(notebook, "import os\nos._exit(0)"), "stopped", 0, "Python ended"),
    "endless": (lambda notebook: answer(notebook, "while True:\n    pass"), "graded", 0, ""),
    "greedy": (
        lambda notebook: answer(notebook, "import time\nx = bytearray(1_500_000_000)\ntime.sleep(5)\ntotal = a + b"),
        "stopped",
        0,
        "GB of memory",
    ),
    "no_test": (without_test, "graded", 0, "ex-sum-test: the cell was deleted"),
    "easy_test": (with_easier_test, "graded", 0, "ex-sum-test: the cell was changed"),
    "parameters": (with_other_parameters, "graded", 1, "parameters were changed"),
    "thief": (
        lambda notebook: answer(
            notebook,
            "import pathlib\nfound = sorted(pathlib.Path(KEYS).rglob('*.json'))\ntotal = 1e9\nprint(len(found))",
        ),
        "graded",
        0,
        "",
    ),
}  # fmt: skip
ODD = {
    "corrupt": ("unreadable", "damaged or cut off"),
    "swapped": ("another student's", "right"),
    "absent": ("missing", ""),
}


@pytest.fixture
def course(chapter, tmp_path):
    folder = tmp_path / "course"
    made = assign.assign([chapter], [*SUBMISSIONS, *ODD], SECRET, folder)
    for each in made:
        total = each.parameters["a"] + each.parameters["b"]
        workspace.write_json(each.key, {"ex-sum": {"value": total, "tolerance": 1e-6}})
        target = grade.submission_of(each, folder)
        target.parent.mkdir(parents=True)
        if each.student == "corrupt":
            target.write_text('{"cells": [')
        elif each.student == "swapped":
            shutil.copy(folder / "release" / "right" / each.file.name, target)
        elif each.student != "absent":
            notebook = nbformat.read(each.file, as_version=4)
            SUBMISSIONS[each.student][0](notebook)
            text = nbformat.writes(notebook).replace("KEYS", repr(str(folder / "keys")))
            target.write_text(text)
    return folder, made


def test_every_submission_gets_what_it_deserves_and_none_disturbs_another(chapter, course):
    folder, made = course
    table = grade.grade(made, [chapter], folder, LIMITS, jobs=2, report=lambda line: None).set_index("student")
    for student, (_, outcome, score, remark) in SUBMISSIONS.items():
        row = table.loc[student]
        assert (row["outcome"], row["score"]) == (outcome, score), (student, row.to_dict())
        assert remark in row["remarks"], student
    for student, (outcome, remark) in ODD.items():
        assert table.loc[student, "outcome"] == outcome and table.loc[student, "score"] == 0
        assert remark in table.loc[student, "remarks"]
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        assert book.find_submission("01_tiny", "right").score == 1
        assert book.find_submission("01_tiny", "wrong").score == 0
        assert {each.student.id for each in book.assignment_submissions("01_tiny")} == {*SUBMISSIONS, *ODD} - {"absent"}
    # Again: nothing is executed, and nothing is entered twice.
    before = {file: file.stat().st_mtime_ns for file in (folder / "graded").rglob("*.json")}
    again = grade.grade(made, [chapter], folder, LIMITS, report=lambda line: None).set_index("student")
    pd.testing.assert_frame_equal(again, table)
    assert before == {file: file.stat().st_mtime_ns for file in (folder / "graded").rglob("*.json")}
    pages = {file.parent.name: file.read_text() for file in gradebook.write_feedback(again.reset_index(), folder)}
    assert set(pages) == set(SUBMISSIONS)
    assert "your parameters give another value" in pages["wrong"] and "answers.record" not in pages["right"]
    for page in pages.values():
        # Nothing that a browser would fetch from elsewhere.
        assert not re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?(?:https?:)?//", page)


def test_the_course_is_hidden_from_a_submission_where_the_system_allows(chapter, course):
    if not sandbox.can_isolate():
        pytest.skip("no namespaces on this system")
    folder, made = course
    thief = [each for each in made if each.student == "thief"]
    grade.grade(thief, [chapter], folder, LIMITS, report=lambda line: None)
    done = json.loads((folder / "graded" / "thief" / "01_tiny.ipynb").read_text())
    source = next(cell for cell in done["cells"] if "rglob" in "".join(cell["source"]))
    assert "".join(source["outputs"][0]["text"]) == "0\n"
    assert "no network; the course's folder is hidden" in sandbox.enforced()


GRADE = """
import sys
from pathlib import Path
from agebook.build.chapters import read_chapter
from agebook.course import assign as assigning, grade as grading, sandbox

chapter, folder = read_chapter(Path(sys.argv[1])), Path(sys.argv[2])
students = sys.argv[3].split(",")
made = assigning.recall([chapter], students, "0123456789abcdef", folder)
grading.grade(made, [chapter], folder, sandbox.Limits(seconds=90, cell_seconds=60), jobs=2)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_what_was_graded_before_a_kill_is_not_graded_twice_and_nothing_is_lost(chapter, tmp_path):
    folder, students = tmp_path / "course", ["ada", "grace", "alan", "edsger"]
    made = assign.assign([chapter], students, SECRET, folder)
    for each in made:
        total = each.parameters["a"] + each.parameters["b"]
        workspace.write_json(each.key, {"ex-sum": {"value": total, "tolerance": 1e-6}})
        notebook = nbformat.read(each.file, as_version=4)
        # One of them goes on for ever: whoever is killed must not leave it running.
        answer(notebook, "total = a + b" if each.student != "edsger" else "while True:\n    pass")
        target = grade.submission_of(each, folder)
        target.parent.mkdir(parents=True)
        nbformat.write(notebook, target)
    command = [sys.executable, "-c", GRADE, str(chapter.path), str(folder), ",".join(["edsger", *students[:3]])]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ends = time.monotonic() + 120
    while not list((folder / "graded").rglob("*.json")):
        assert process.poll() is None and time.monotonic() < ends
        time.sleep(0.05)
    started = psutil.Process(process.pid).children(recursive=True)
    process.kill()  # SIGKILL: it cannot tidy up
    process.wait()
    done = {file: file.stat().st_mtime_ns for file in (folder / "graded").rglob("*.json")}
    assert 1 <= len(done) < 4
    assert started and not left_running(started, 20)
    limits = sandbox.Limits(seconds=120, cell_seconds=20)
    table = grade.grade(made, [chapter], folder, limits, jobs=2, report=lambda line: None)
    assert table.set_index("student")["score"].to_dict() == {"ada": 1, "grace": 1, "alan": 1, "edsger": 0}
    assert {file: file.stat().st_mtime_ns for file in done} == done
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        assert sorted(each.student.id for each in book.assignment_submissions("01_tiny")) == sorted(students)


def test_what_a_person_judges_waits_in_a_table_and_counts_when_it_is_filled_in(essay, tmp_path):
    folder = tmp_path / "course"
    made = assign.assign([essay], ["ada", "grace", "alan"], SECRET, folder)
    assert assign.make_keys(made, [essay], jobs=2, report=lambda line: None) == {}
    for each, text in zip(made, ["=Because of addition", "No idea, really", None], strict=True):
        hand_in(each, folder, text)

    def graded():
        table = grade.grade(made, [essay], folder, LIMITS, jobs=2, report=lambda line: None)
        return table.set_index("student")[["score", "max_score", "unread"]].T.to_dict("list")

    # Who wrote nothing has nothing to be read.
    assert graded() == {"ada": [1, 5, 1], "grace": [1, 5, 1], "alan": [1, 5, 0]}
    table = pd.read_csv(folder / "by-hand.csv")
    assert table["student"].tolist() == ["ada", "grace"] and table["points"].tolist() == [4, 4]
    assert table["answer"].tolist() == [" =Because of addition", "No idea, really"]
    table["score"], table["comment"] = [3.5, 9], ["well said", ""]
    table.to_csv(folder / "by-hand.csv", index=False)
    with pytest.raises(ValueError, match=r"by-hand.csv, line 3: the score '9.0' is no number from 0 to 4"):
        graded()
    table.loc[1, "score"] = 0
    table.to_csv(folder / "by-hand.csv", index=False)
    assert graded() == {"ada": [4.5, 5, 0], "grace": [1, 5, 0], "alan": [1, 5, 0]}
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        scores = {each.student.id: each.score for each in book.assignment_submissions("01_tiny")}
        assert scores == {"ada": 4.5, "grace": 1, "alan": 1}
        assert not any(each.needs_manual_grade for each in book.assignment_submissions("01_tiny"))
        assert book.find_comment("ex-why", "01_tiny", "01_tiny", "ada").comment == "well said"
    # Another answer is to be read again; the others keep their score.
    hand_in(made[0], folder, "On second thoughts")
    assert graded() == {"ada": [1, 5, 1], "grace": [1, 5, 0], "alan": [1, 5, 0]}


def test_an_answer_in_words_reaches_the_feedback(essay, tmp_path):
    notebook = nbformat.read(essay.path, as_version=4)
    copy = student_copy(notebook, {"a": 1, "b": 0.25}, "ada", essay.name)
    handed_out = deepcopy(copy)
    copy.cells[-1].source = "It adds up."
    restored = restore(copy, handed_out)
    assert restored.by_hand == {"ex-why": "It adds up."} and restored.remarks == ()
    assert restored.notebook.cells[-1].source == "It adds up."
