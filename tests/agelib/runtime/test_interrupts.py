"""Ctrl-C in the middle of long work: real processes, real signals; what is kept, what is said, and how it goes on."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time

import nbformat
import pandas as pd
import psutil
import pytest
from ended import left_running
from miniature import MINIATURE
from small_book import change
from tiny_course import SECRET

from agebook.course import assign, grade
from agelib.runtime import workspace

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")

TINY = [word for name, value in MINIATURE.items() for word in (f"--{name.replace('_', '-')}", str(value))]
AGELIB = [sys.executable, "-m", "agelib"]


def start(command, home):
    """Start a command as a shell does: in a group of its own, which Ctrl-C reaches as a whole."""
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"AGELIB_HOME": str(home)},
    )


def stop(process, begun, send):
    """Send a signal as soon as `begun` says so; returns what was said, once nothing is left running."""
    ends = time.monotonic() + 300
    while not begun():
        assert process.poll() is None, process.communicate()
        if time.monotonic() > ends:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.fail("the work did not begin")
        time.sleep(0.02)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    send(process)
    out, err = process.communicate(timeout=120)
    left = left_running(family, 30)
    assert not left, [each.cmdline() for each in left]
    assert "Traceback" not in out + err, err
    return err


def ctrl_c(process):
    os.killpg(process.pid, signal.SIGINT)


SWALLOWED = """
import contextlib, os, signal
from agelib.runtime import interrupts, progress
with interrupts.on_signals():
    with progress.steady("load a library", shown=False), contextlib.suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    print("it went on")
"""


def test_a_signal_that_a_library_swallows_ends_the_step_all_the_same():
    """Some libraries catch everything while they are imported."""
    done = subprocess.run([sys.executable, "-c", SWALLOWED], capture_output=True, text=True)
    assert done.returncode != 0 and not done.stdout and done.stderr.strip().endswith("KeyboardInterrupt")


def ended(command, home):
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"AGELIB_HOME": str(home)})
    assert done.returncode == 0, done.stderr
    return done.stdout


def resumed(said, home):
    """Type what the message says."""
    command = said.strip().splitlines()[-1].partition(" To go on: ")[2]
    return ended(shlex.split(command), home)


def test_a_training_goes_on_and_ends_with_the_same_numbers(tmp_path):
    command = [*AGELIB, "train", *TINY, "--epochs", "25", "--dropout", "0.1"]
    process = start(command, tmp_path / "one")
    begun = lambda: any((tmp_path / "one" / "runs").glob("*/checkpoint/files.json"))  # noqa: E731
    said = stop(process, begun, ctrl_c)
    assert process.returncode == 130
    last = said.strip().splitlines()[-1]
    assert last.startswith("agelib train: stopped (basic_cnn: ") and " of 25 epochs" in last
    assert "the last checkpoint are kept. To go on: " in last and last.endswith(shlex.join(command))
    assert not any((tmp_path / "one" / "runs").glob("*/files.json"))
    (log,) = (tmp_path / "one" / "logs").glob("*-train-*.log")
    assert log.read_text().startswith(shlex.join(command)) and "stopped (basic_cnn: " in log.read_text()

    resumed(said, tmp_path / "one")
    ended(command, tmp_path / "two")
    folders = [next((tmp_path / home / "runs").glob("basic_cnn-*")) for home in ("one", "two")]
    one, two = (pd.read_csv(folder / "history.csv").drop(columns="seconds") for folder in folders)
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    one, two = (workspace.file_key(folder / "test_predictions.csv") for folder in folders)
    assert one == two and len(pd.read_csv(folders[0] / "history.csv")) == 25


def test_a_study_keeps_its_runs_and_leaves_no_worker(tmp_path):
    command = [
        *AGELIB,
        "study",
        *TINY,
        "--workers",
        "2",
        "--vary",
        "learning-rate=1e-3,2e-3,3e-3",
        "--vary",
        "epochs=15",
    ]
    process = start(command, tmp_path)
    said = stop(process, lambda: any((tmp_path / "runs").glob("*/files.json")), ctrl_c)
    assert process.returncode == 130 and "agelib study: stopped (study of basic_cnn: " in said
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").glob("*/files.json")}
    assert 1 <= len(before) < 3
    assert resumed(said, tmp_path).count("complete") == 3
    after = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").glob("*/files.json")}
    assert len(after) == 3 and before.items() <= after.items(), "what was finished is not trained again"


def test_drawing_leaves_nothing_half_done_after_sigterm(tmp_path):
    words = ["draw", "utkface", str(tmp_path / "faces"), "--pictures", "1000", "--size", "64"]
    process = start([*AGELIB, *words], tmp_path)
    said = stop(process, lambda: any(tmp_path.glob(".faces.*/*")), lambda process: process.terminate())
    assert process.returncode == 130
    assert "Nothing was left in the folder. To draw again: " in said and shlex.join(words) in said
    assert not (tmp_path / "faces").exists() and not any(each.is_dir() for each in tmp_path.glob(".faces*"))


GRADE = """
import sys
from pathlib import Path
from agelib.runtime import interrupts
from agebook.build.chapters import read_chapter
from agebook.course import assign, grade

chapter, folder = read_chapter(Path(sys.argv[1])), Path(sys.argv[2])
made = assign.recall([chapter], ["quick", "slow", "later"], sys.argv[3], folder)
with interrupts.on_signals():
    try:
        print(grade.grade(made, [chapter], folder, jobs=2).to_csv())
    except KeyboardInterrupt:
        sys.exit(interrupts.EXIT_CODE)
"""


def test_what_was_being_graded_is_graded_again_and_not_called_stopped(chapter, tmp_path):
    folder, flag = tmp_path / "course", tmp_path / "go-on"
    for each in assign.assign([chapter], ["quick", "slow", "later"], SECRET, folder):
        workspace.write_json(
            each.key, {"ex-sum": {"value": each.parameters["a"] + each.parameters["b"], "tolerance": 1e-6}}
        )
        notebook = nbformat.read(each.file, as_version=4)
        wait = f"import os, time\nwhile not os.path.exists({str(flag)!r}):\n    time.sleep(0.1)\n"
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code":
                cell.source = (wait if each.student != "quick" else "") + "total = a + b"
        target = grade.submission_of(each, folder)
        target.parent.mkdir(parents=True)
        nbformat.write(notebook, target)
    command = [sys.executable, "-c", GRADE, str(chapter.path), str(folder), SECRET]
    process = start(command, tmp_path)
    graded = folder / "graded"
    stop(process, lambda: any(graded.rglob("*.json")), ctrl_c)
    assert process.returncode == 130
    assert [file.parent.name for file in graded.rglob("*.json")] == ["quick"]
    before = next(graded.rglob("*.json")).stat().st_mtime_ns
    flag.touch()
    said = ended(command, tmp_path)
    assert said.count("graded,1.0,1") == 3, said
    assert next((graded / "quick").glob("*.json")).stat().st_mtime_ns == before


BOOK = """
import sys
from agelib.runtime import interrupts
from agebook.build import book

with interrupts.on_signals():
    try:
        sys.exit(book("smoke", chapters="1,2", jobs=2, repository=sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(interrupts.EXIT_CODE)
"""


@pytest.mark.book
def test_a_build_keeps_its_chapters_and_leaves_no_kernel(repository, tmp_path):
    flag, temporary = tmp_path / "go-on", tmp_path / "temporary"
    temporary.mkdir()
    wait = f"import os, time\\nwhile not os.path.exists({str(flag)!r}):\\n    time.sleep(0.1)\\n"
    change(
        repository / "notebooks" / "02_keys.ipynb",
        "from agelib.runtime import workspace",
        wait + "from agelib.runtime import workspace",
    )
    command = ["env", f"TMPDIR={temporary}", sys.executable, "-c", BOOK, str(repository)]
    process = start(command, tmp_path)
    executed = repository / "_build" / "executed"
    stop(process, lambda: any(executed.glob("01_ages/*.ipynb")), ctrl_c)
    assert process.returncode == 130
    assert not any(executed.glob("02_keys/*.ipynb")) and not any(temporary.glob("chapter-*"))
    before = next(executed.glob("01_ages/*.ipynb")).stat().st_mtime_ns
    flag.touch()
    ended(command, tmp_path)
    assert next(executed.glob("01_ages/*.ipynb")).stat().st_mtime_ns == before
    assert (repository / "_build" / "html" / "index.html").is_file()


PDF = """
import sys
from pathlib import Path
from agelib.runtime import interrupts
from agebook.build import pdf

with interrupts.on_signals():
    try:
        pdf.write_pdf(Path(sys.argv[1]), ["index"], Path(sys.argv[2]))
    except KeyboardInterrupt:
        sys.exit(interrupts.EXIT_CODE)
"""


@pytest.mark.book
def test_printing_leaves_no_browser_and_no_half_of_a_pdf(tmp_path):
    html, temporary, file = tmp_path / "html", tmp_path / "temporary", tmp_path / "book.pdf"
    html.mkdir()
    temporary.mkdir()
    (html / "index.html").write_text("<article>" + "<p>" * 100_000 + "</article>")
    command = ["env", f"TMPDIR={temporary}", sys.executable, "-c", PDF, str(html), str(file)]
    process = start(command, tmp_path)

    def begun():
        with contextlib.suppress(psutil.Error):  # one may end while it is looked at
            return any("chrom" in each.name() for each in psutil.Process(process.pid).children(recursive=True))

    stop(process, begun, ctrl_c)
    assert process.returncode == 130
    assert not file.exists() and not any(tmp_path.glob("*book.pdf*")) and not any(temporary.glob("book-*"))
