"""The commands of the page "For instructors", executed as they stand there, with a class of one."""

import json
import re
import shlex

import nbformat
import pandas as pd
import pytest
from nbgrader.api import Gradebook
from smoke_plan import smoke_plan

from agebook.__main__ import main
from agebook.build.chapters import REPOSITORY, list_chapters

PAGE = (REPOSITORY / "book" / "for-instructors.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^agebook (.+)$", PAGE, re.MULTILINE)


def hand_in(student, folder):
    """Fill the copies in with the solutions of the book, and put them where a class puts them."""
    folder.mkdir(parents=True)
    chapters = {chapter.name: chapter.path for chapter in list_chapters(REPOSITORY)}
    for file in student.glob("*.ipynb"):
        source = nbformat.read(chapters[file.stem], as_version=4)
        solutions = {
            cell.metadata["nbgrader"]["grade_id"]: re.sub(r"^### (BEGIN|END) SOLUTION\n?", "", cell.source, flags=re.M)
            for cell in source.cells
            if cell.metadata.get("nbgrader", {}).get("solution")
        }
        notebook = nbformat.read(file, as_version=4)
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = solutions[cell.metadata["nbgrader"]["grade_id"]]
        nbformat.write(notebook, folder / file.name)


@pytest.mark.chapters
def test_the_round_trip_of_the_instructors_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AGELIB_HOME", str(REPOSITORY / "_build" / "tests" / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class.csv").write_text("student,last_name\nada,Lovelace\n")
    given = {chapter.name: smoke_plan().parameters[chapter.number] for chapter in list_chapters(REPOSITORY)}
    (tmp_path / "course" / "keys").mkdir(parents=True)
    (tmp_path / "course" / "keys" / "parameters.json").write_text(json.dumps({"ada": given}))  # as in smoke
    (tmp_path / "course" / "secret.txt").write_text("a secret that never changes\n")
    assert [command.split()[0] for command in COMMANDS] == ["assign", "check", "collect", "grade"]
    for command in COMMANDS:
        if command.startswith("check"):
            hand_in(tmp_path / "course" / "release" / "ada", tmp_path / "hand-ins" / "ada")
            monkeypatch.chdir(tmp_path / "hand-ins" / "ada")
        assert main(shlex.split(command)) == 0, command
        monkeypatch.chdir(tmp_path)
    assert "4 of 4 exercises ready" in capsys.readouterr().out
    grades = pd.read_csv(tmp_path / "course" / "grades.csv").iloc[0]
    assert (grades["last_name"], grades["01_exploration"], grades["03_splits"], grades["total"]) == (
        "Lovelace",
        6,
        6,
        12,
    )
    with Gradebook(f"sqlite:///{tmp_path / 'course' / 'gradebook.db'}") as book:
        scores = {name: book.find_submission(name, "ada").score for name in ("01_exploration", "03_splits")}
    assert scores == {"01_exploration": 6, "03_splits": 6}
    for name in scores:
        assert "Lovelace" not in (tmp_path / "course" / "feedback" / "ada" / f"{name}.html").read_text()
