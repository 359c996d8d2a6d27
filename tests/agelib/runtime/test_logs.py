"""What a command leaves in its log, and what it says on the terminal when something unexpected happens."""

import logging
import os
import subprocess
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from agelib.__main__ import main
from agelib.runtime import logs, progress, workspace


def logs_of(folder):
    return sorted((folder / "logs").glob("*.log"))


def test_a_short_command_leaves_no_log_and_a_longer_one_says_what_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    assert main(["download"]) == 0
    assert logs_of(tmp_path) == []
    assert main(["draw", "utkface", str(tmp_path / "my faces"), "--pictures", "12", "--size", "32"]) == 0
    (log,) = logs_of(tmp_path)
    text = log.read_text()
    assert text.startswith(f"agelib draw utkface '{tmp_path}/my faces' --pictures 12 --size 32\n")
    assert f"workspace {tmp_path}" in text and "torch 2" in text
    assert "INFO draw faces: 12 of 12 pictures, " in text


def test_an_unexpected_error_is_one_line_and_its_origin_is_in_the_log(tmp_path):
    """Here a function of the package is put out of order, as a defect would do."""
    code = (
        "import agelib.drawn as drawn, sys\n"
        "from agelib.__main__ import main\n"
        "drawn.draw_collection = {}\n"
        "sys.exit(main(['draw', 'utkface', 'nowhere']))"
    )
    home = os.environ | {"AGELIB_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=home)
    (log,) = logs_of(tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        f"agelib draw: unexpected, TypeError: 'dict' object is not callable; where it comes from: {log}\n"
    )
    assert "Traceback" in log.read_text() and "cli/data.py" in log.read_text().replace("\\", "/")


def test_a_warning_names_its_library_in_the_log_and_not_on_the_terminal(tmp_path):
    code = (
        "import warnings\nfrom agelib.runtime import logs\n"
        "with logs.log_of('example', 'agelib example'):\n    warnings.warn('the disk is nearly full')"
    )
    environment = os.environ | {"AGELIB_HOME": str(tmp_path)}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (result.stdout, result.stderr) == ("", "warning: the disk is nearly full\n")
    (log,) = tmp_path.glob("logs/*.log")
    assert "<string>:4: UserWarning: the disk is nearly full" in log.read_text()


def test_warnings_are_shown_as_ever_and_noted(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    with warnings.catch_warnings(record=True) as shown, logs.log_of("example", "agelib example") as log:
        warnings.simplefilter("always")
        warnings.warn("the disk is nearly full", stacklevel=1)
    assert [str(each.message) for each in shown] == ["the disk is nearly full"]
    assert "WARNING" in log.file.read_text() and "UserWarning: the disk is nearly full" in log.file.read_text()


def test_what_goes_wrong_in_a_worker_is_in_the_log_with_its_own_lines(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    with logs.log_of("example", "agelib example") as log, ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            pool.submit(workspace.read_json, tmp_path / "missing.json").result()
        except OSError as error:
            logs.LOGGER.error("%s", error, exc_info=True)
    text = log.file.read_text()
    assert "_RemoteTraceback" in text and "in read_json" in text


def test_the_newest_hundred_logs_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    (tmp_path / "logs").mkdir()
    for number in range(130):
        (tmp_path / "logs" / f"20200101-{number:06d}-train-1.log").write_text("old")
    with logs.log_of("example", "agelib example"):
        logs.LOGGER.info("decode")
    kept = logs_of(tmp_path)
    assert len(kept) == logs.KEPT == 100
    assert kept[-1].name.endswith("-example-" + kept[-1].stem.rpartition("-")[2] + ".log")
    assert kept[0].name == "20200101-000031-train-1.log"


def test_a_long_step_is_noted_at_intervals(caplog):
    caplog.set_level(logging.INFO, "agelib")
    line = progress.Line("resnet18", 10, "epochs")
    line.advance(2)
    line.within(0.5)
    line._noted -= progress.MINUTE + 1
    line.tick()
    line.tick()
    assert [each.getMessage().partition(", ")[0] for each in caplog.records] == [
        "resnet18: 2 of 10 epochs and 50 % of the next"
    ]
    line.close()


def test_the_time_left_goes_by_what_was_done_in_this_process_and_by_parts_of_a_step():
    line = progress.Line("resnet18", 10, "epochs", shown=False)
    line.done = 6  # found done
    line.started -= 20
    assert "left" not in line.timed()
    line.within(0.5)
    assert line.timed().endswith(", about 2 min left")
    line.advance()
    assert line.timed().endswith(", about 60 s left")


def test_something_without_steps_is_shown_when_it_is_long_and_goes_by_the_last_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    with progress.steady("print the book"):
        pass
    assert capsys.readouterr().err == ""
    with progress.steady("print the book") as line:
        line.started -= 30
    assert capsys.readouterr().err == "print the book, 30.0 s\n"
    with progress.steady("print the book") as line:
        line.started -= 10
        assert line.timed() == "print the book, 10.0 s, about 20 s left"
    assert progress.open_lines() == []
