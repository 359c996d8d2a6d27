"""Gradebook, feedback and grades.csv follow the records, whatever became of a chapter, a page or an earlier file."""

import sqlite3

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_markdown_cell, new_output
from nbgrader.api import Gradebook
from tiny_course import exercise

from agebook.course import gradebook, grades, manual_grading
from agebook.course.roster import read_roster
from agebook.course.student_copy import points, read_notebook
from agelib.runtime import workspace

STUDENTS = ("ada", "bob")


def graded(folder, chapter, students=STUDENTS, name="01_tiny", outcome="graded", **scores):
    """Records of a grading, and the notebooks that were executed for them."""
    notebook, records = read_notebook(chapter.path), []
    most = points(notebook)
    for student in students:
        record = {"student": student, "chapter": name, "outcome": outcome, "points": most, "remarks": []}
        record |= {"scores": dict.fromkeys(most, 0.0) | {"ex-sum-test": 1.0} | scores, "by_hand": {"ex-why": "Because"}}
        record["scores"] = {cell: record["scores"][cell] for cell in most}
        workspace.write_json(folder / "graded" / student / f"{name}.json", record)
        nbformat.write(notebook, folder / "graded" / student / f"{name}.ipynb")
        records.append(record)
    return records


def written(folder, records, chapter, name="01_tiny"):
    """Enter records; returns each student's score in the gradebook, and what was said."""
    said = []
    manual_grading.enter(records, folder, said.append)
    gradebook.write_gradebook(records, {name: read_notebook(chapter.path)}, folder, said.append)
    return scores(folder, name), said


def scores(folder, name="01_tiny"):
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        return {each.student.id: (each.score, each.max_score) for each in book.assignment_submissions(name)}


def judge(folder, **given):
    table = pd.read_csv(folder / "by-hand.csv", dtype={"comment": object})
    table["score"] = table["student"].map(given)
    table.to_csv(folder / "by-hand.csv", index=False)


def change(chapter, edit):
    notebook = nbformat.read(chapter.path, as_version=4)
    edit(notebook)
    nbformat.write(notebook, chapter.path)


def without_essay(notebook):
    notebook.cells = notebook.cells[:-1]


def with_another(notebook):
    notebook.cells += exercise("ex-more", "more = 1", "assert more", "pass", points=2)


def worth_more(notebook):
    next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("points") == 1).metadata.nbgrader.points = 3


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (without_essay, {"ada": (1, 1), "bob": (1, 1)}),
        (with_another, {"ada": (4, 7), "bob": (1, 7)}),
        (worth_more, {"ada": (4, 7), "bob": (1, 7)}),
    ],
)
def test_a_chapter_that_changed_after_grading_is_entered_anew_for_the_whole_class(tmp_path, essay, edit, expected):
    folder = tmp_path / "course"
    written(folder, graded(folder, essay), essay)
    judge(folder, ada=3)
    assert written(folder, graded(folder, essay), essay) == ({"ada": (4, 5), "bob": (1, 5)}, [])
    change(essay, edit)
    # Only ada is graded in this call.
    ada = graded(folder, essay, ["ada"])
    if edit is without_essay:
        ada[0]["by_hand"] = {}
    found, said = written(folder, ada, essay)
    expected = {student: (score, most if edit is not worth_more else 7) for student, (score, most) in expected.items()}
    assert found == expected
    assert any("01_tiny: other exercises than before; entered anew, gradebook.before-" in line for line in said)
    assert len(list(folder.glob("gradebook.before-*.db"))) == 1
    assert written(folder, ada, essay)[0] == expected and len(list(folder.glob("gradebook.before-*.db"))) == 1


def test_a_damaged_or_lost_gradebook_is_made_anew_with_every_chapter(tmp_path, essay):
    folder = tmp_path / "course"
    written(folder, graded(folder, essay, name="02_other"), essay, "02_other")
    judge(folder, bob=2)
    ada = graded(folder, essay, ["ada"])
    for damage in (b"torn", b"", None):
        file = folder / "gradebook.db"
        file.unlink() if damage is None else file.write_bytes(damage)
        found, said = written(folder, ada, essay)
        assert found == {"ada": (1, 5)} and scores(folder, "02_other") == {"ada": (1, 5), "bob": (3, 5)}
        assert said == [] if damage is None else "gradebook.db is damaged" in said[0] and "kept as" in said[0]
    assert sorted(file.read_bytes() for file in folder.glob("gradebook.damaged-*.db")) == [b"", b"torn"]


def test_a_gradebook_in_use_is_said(tmp_path, essay, monkeypatch):
    folder = tmp_path / "course"
    records = graded(folder, essay)
    written(folder, records, essay)

    def busy(*_, **__):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(gradebook.sqlite3, "connect", busy)
    with pytest.raises(
        ValueError, match=r"gradebook.db cannot be written \(database is locked\); close what has it open"
    ):
        written(folder, records, essay)


def test_one_bad_record_or_page_stops_nobody(tmp_path, essay):
    folder = tmp_path / "course"
    records = graded(folder, essay, ["ada", "bob", "cy", "dan", "eve"])
    records[1]["scores"]["ex-sum-test"] = "many"
    (folder / "graded" / "zoe").mkdir()
    (folder / "graded" / "zoe" / "01_tiny.json").write_text('{"student": ')
    found, said = written(folder, records, essay)
    assert set(found) >= {"ada", "cy", "dan", "eve"}
    assert [line for line in said if "bob, 01_tiny: not entered into the gradebook" in line]

    def give(student, edit):
        file = folder / "graded" / student / "01_tiny.ipynb"
        notebook = nbformat.read(file, as_version=4)
        edit(notebook)
        file.write_text(nbformat.writes(notebook))

    png = "iVBORw0KGgo="
    text = "![a](attachment:image.png) and <img src='attachment:lost.png'> and ![b][ref]\n\n[ref]: attachment:far.png"
    give("ada", lambda notebook: notebook.cells.append(
        new_markdown_cell(text, attachments={"image.png": {"image/png": png}})
    ))  # fmt: skip
    (folder / "graded" / "cy" / "01_tiny.ipynb").write_text('{"cells": [')
    odd = new_output("display_data", {"text/markdown": "![a](attachment:gone.png)"})
    give("dan", lambda notebook: notebook.cells[1].outputs.append(odd))
    table = pd.DataFrame([{"student": record["student"], "chapter": "01_tiny"} for record in records])
    said = []
    pages = {file.parent.name: file.read_text() for file in gradebook.write_feedback(table, folder, said.append)}
    assert {"ada", "eve"} <= set(pages) and "cy" not in pages
    assert f"data:image/png;base64,{png}" in pages["ada"] and "lost.png: this picture was not handed in" in pages["ada"]
    assert any(line.startswith("dan, 01_tiny: the page has no outputs (InvalidNotebook: missing") for line in said)
    assert "Because it adds" in pages["dan"] and len(said) == 2
    assert any(line.startswith("cy, 01_tiny: there is no page (ValueError") for line in said)


def test_grades_hold_every_chapter_and_the_class_list_as_it_is_spelt(tmp_path, essay):
    folder, roster = tmp_path / "course", tmp_path / "class.csv"
    written(folder, graded(folder, essay, ["ada", "bob", "old"]), essay)
    judge(folder, ada=3.5)
    roster.write_text("Section,Student,Total,E-Mail\nA,ada,x,a@b\nB,bob,,\nB,new,,\n")
    now = pd.DataFrame(
        [
            ("ada", "02_other", 2.0, "graded", 0, ""),
            ("bob", "02_other", 0.0, "stopped", 0, "4 GB of memory"),
            ("new", "02_other", 0.0, "missing", 0, ""),
        ],
        columns=["student", "chapter", "score", "outcome", "unread", "remarks"],
    )
    assert grades.write_grades(now, read_roster(roster), folder) == ["old"]
    assert grades.file_of(folder).read_bytes().startswith(b"\xef\xbb\xbf")
    table = pd.read_csv(grades.file_of(folder), keep_default_na=False)
    assert table.columns.tolist() == [
        "Section",
        "Student",
        "Total",
        "E-Mail",
        "01_tiny",
        "02_other",
        "total",
        "remarks",
    ]
    assert table.to_numpy().tolist() == [
        ["A", "ada", "x", "a@b", 4.5, 2, 6.5, ""],
        ["B", "bob", "", "", 1, 0, 1, "01_tiny: 1 answer to be read; 02_other: stopped, 4 GB of memory"],
        ["B", "new", "", "", 0, 0, 0, "01_tiny: missing; 02_other: missing"],
    ]
    # The table may be the next class list; its own columns are not taken for grades. A list with ; gets ; and commas.
    roster.write_text("student;remarks\nada;sits in front\n", encoding="utf-16")
    grades.write_grades(now, read_roster(roster), folder)
    lines = grades.file_of(folder).read_text(encoding="utf-8-sig").splitlines()
    assert lines == ["student;remarks (class list);01_tiny;02_other;total;remarks", "ada;sits in front;4,5;2,0;6,5;"]
