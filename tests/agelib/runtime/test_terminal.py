"""Ctrl-C typed in a real terminal: the line of progress that is shown, what is said then, and how it goes on."""

import os
import sys

import cv2
import nbformat
import numpy as np
import psutil
import pytest
from difficult_server import CONTENT
from ended import left_running
from tiny_course import SECRET, answer

from agebook.build.chapters import REPOSITORY
from agebook.course import assign
from agelib.cli.models import SHIPPED

pexpect = pytest.importorskip("pexpect", reason="comes with IPython, but not on Windows")

#: A command in a Python in which something was set up before it.
PREPARED = "import sys; from {}.__main__ import main; {}; sys.exit(main(sys.argv[1:]))"

#: Commands of the workshop; the others are those of the package.
WORKSHOP = ("assign", "check")


@pytest.fixture
def terminal(tmp_path):
    """Starts a command in a terminal of its own; whatever is left of it is killed at the end."""
    started = []

    def start(*words, setup="pass"):
        child = pexpect.spawn(
            sys.executable,
            ["-c", PREPARED.format("agebook" if words[0] in WORKSHOP else "agelib", setup), *map(str, words)],
            env=os.environ | {"AGELIB_HOME": str(tmp_path / "home"), "COLUMNS": "1000"},
            encoding="utf-8",
            timeout=120,
            dimensions=(40, 1000),
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def stop(child, line: str) -> str:
    """Type Ctrl-C when a line of progress shows; returns the last line, once nothing is left running."""
    child.expect(line)
    family = psutil.Process(child.pid).children(recursive=True)
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130, child.before
    assert "Traceback" not in child.before
    left = left_running(family, 30)
    assert not left, [each.cmdline() for each in left]
    return child.before.strip().splitlines()[-1]


def ended(child) -> str:
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    return child.before


def test_answers_to_pictures(terminal, tmp_path):
    faces = tmp_path / "faces"
    faces.mkdir()
    _, picture = cv2.imencode(".png", np.full((64, 64, 3), 127, np.uint8))
    (faces / "0.png").write_bytes(picture)
    for number in range(1, 20_000):
        os.link(faces / "0.png", faces / f"{number}.png")
    said = stop(terminal("predict", faces, "--no-detect"), r"predict: [\d,]+ of 20,000 files")
    assert "agelib predict: stopped (predict: " in said
    assert " of 20,000 files). Nothing of it is kept; it begins anew with: " in said


def test_a_model_that_is_being_written(terminal, tmp_path):
    folder = tmp_path / "model"
    words = "export", folder, "--model", REPOSITORY / SHIPPED
    said = stop(terminal(*words), "(load torch|write the model.*), [0-9.]+ s")
    assert said.startswith("agelib export: stopped") and "Nothing of it is kept; it begins anew" in said
    assert not folder.exists()
    assert "model.onnx" in ended(terminal(*words))


def test_bytes_that_arrived(terminal, server, tmp_path):
    setup = (
        "from agelib.data.sources import download as d; "
        f"d.DATASETS['slow'] = d.Dataset('', '', '', {{'one': {server.address!r}}}, ('one',))"
    )
    words = "download", "slow", tmp_path / "sets", "--accept-licence"
    server.goes_on.clear()
    said = stop(terminal(*words, setup=setup), r"fetch set\.zip: 750,000 of 1,500,000 bytes")
    server.goes_on.set()
    assert "(fetch set.zip: 750,000 of 1,500,000 bytes). The bytes that arrived are kept. To go on: " in said
    assert not (tmp_path / "sets" / "set.zip").exists()
    ended(terminal(*words, setup=setup))
    assert (tmp_path / "sets" / "set.zip").read_bytes() == CONTENT
    assert server.requests[-1]["Range"] == f"bytes={len(CONTENT) // 2}-"


def slow(file, flag):
    """Answer a notebook's exercise so that its cell ends when the flag is there."""
    notebook = nbformat.read(file, as_version=4)
    answer(notebook, f"import os, time\nwhile not os.path.exists({str(flag)!r}):\n    time.sleep(0.1)\ntotal = a + b")
    nbformat.write(notebook, file)
    return file


def test_a_notebook_that_is_being_checked(terminal, chapter, tmp_path):
    (made,) = assign.assign([chapter], ["ada"], SECRET, tmp_path / "course")
    file = slow(made.file, tmp_path / "go-on")
    before = file.read_bytes()
    said = stop(terminal("check", file), rf"run {file.name}: \d+ of \d+ cells, [5-9]\.\d s")
    assert "Your notebook is as it was. To check it again: " in said
    assert file.read_bytes() == before
    (tmp_path / "go-on").touch()
    assert "1 of 1 exercises ready" in ended(terminal("check", file))


@pytest.mark.chapters
def test_keys_that_are_being_made(terminal, tmp_path):
    roster, folder = tmp_path / "class.csv", tmp_path / "course"
    roster.write_text("student\nada\n")
    words = "assign", "01", "--roster", roster, "--folder", folder, "--keys"
    said = stop(terminal(*words), r"make keys: 0 of 1 keys, [3-9]\.\d s")
    assert "agebook assign: stopped (make keys: 0 of 1 keys). Copies written and keys made are kept. To go on: " in said
    files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    assert files == ["keys/parameters.json", "release/ada/01_exploration.ipynb", "secret.txt"]
