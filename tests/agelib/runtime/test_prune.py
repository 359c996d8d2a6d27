"""The workspace: what it holds is counted, what is old goes, and what is needed, locked or new stays."""

import os
import signal
import subprocess
import sys
import time

import pytest

from agelib.__main__ import main
from agelib.runtime import prune, workspace
from agelib.runtime.workspace import last_used, lock_file, mark_used

DAY = 24 * 3600


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    return tmp_path


def make(home, kind: str, name: str, days: float = 0, size: int = 100_000, **files):
    """A thing of that age, with files of given content beside one of that many bytes."""
    folder = home / kind / name
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(os.urandom(size))
    for stem, text in files.items():
        (folder / f"{stem}.json").write_text(text)
    mark_used(folder)
    when = time.time() - days * DAY
    for path in (folder, lock_file(folder)):
        os.utime(path, (when, when))
    return folder


def run_name(number: int) -> str:
    return f"basic_cnn-{number:016x}"


def outcomes(table) -> dict:
    return dict(zip(table["name"], table["outcome"], strict=True))


def test_what_there_is_is_counted(home):
    for number in range(3):
        make(home, "runs", run_name(number), days=number)
    make(home, "pixels", "0123456789abcdef", size=300_000)
    table = prune.disk().set_index("kind")
    assert table["number"].to_dict() == {"runs": 3, "pixels": 1}
    assert 300_000 <= table.loc["runs", "bytes"] < 330_000
    assert table.loc["runs", "files"] == 3
    span = table.loc["runs", "newest"] - table.loc["runs", "oldest"]
    assert span.total_seconds() == pytest.approx(2 * DAY, abs=60)


def test_use_is_noted_beside_a_thing_and_not_in_it(home, tmp_path_factory):
    folder = make(home, "sources", "faces", days=9)
    before = folder.stat().st_mtime_ns
    mark_used(folder)
    assert time.time() - last_used(folder) < 60
    assert folder.stat().st_mtime_ns == before
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "run"
    elsewhere.mkdir()
    mark_used(elsewhere)
    assert [path.name for path in elsewhere.parent.iterdir()] == ["run"]


def test_opening_a_run_or_a_map_notes_its_use(home):
    from miniature import MINIATURE

    from agelib.config import Experiment
    from agelib.experiments.result import load
    from agelib.experiments.run import run

    done = run(Experiment.of(**MINIATURE), progress=False)
    things = [thing for thing in prune.things(["runs", "pixels", "prepared", "drawn"])]
    for thing in things:
        os.utime(thing.path, (0, 0))
        os.utime(lock_file(thing.path), (0, 0))
    load(done.folder)
    assert {thing.kind for thing in prune.things() if thing.used > 0 and thing.kind != "cleaned"} == {"runs"}
    run(Experiment.of(**MINIATURE), progress=False)
    used = {thing.path for thing in prune.things() if thing.used > 0}
    assert {path.parent.name for path in used} >= {"runs", "pixels", "prepared", "drawn"}


def test_the_oldest_go_until_the_rest_fits(home):
    for number in range(5):
        make(home, "runs", run_name(number), days=10 - number)
    said = prune.prune(keep_bytes=250_000)
    assert outcomes(said) == {run_name(number): "would be removed" for number in range(3)}
    assert len(list(prune.things())) == 5
    done = prune.prune(keep_bytes=250_000, is_rehearsal=False)
    assert done["name"].tolist() == said["name"].tolist()
    assert [path.name for path in sorted((home / "runs").glob("[!.]*"))] == [run_name(3), run_name(4)]
    assert not list((home / "runs").glob(".*00.lock"))  # nor do locks of what is gone stay
    assert prune.prune(keep_bytes=250_000).empty


def test_what_was_used_lately_stays_however_large(home):
    for number in range(4):
        make(home, "runs", run_name(number), days=10 * number)
    table = prune.prune(keep_days=15, keep_bytes=0, is_rehearsal=False)
    assert set(table["name"]) == {run_name(2), run_name(3)}


def test_only_the_named_kinds_go_and_downloads_only_when_named(home):
    for kind in ("runs", "pixels", "downloads"):
        make(home, kind, run_name(1), days=99)
    assert set(prune.prune(["pixels"], keep_days=1)["kind"]) == {"pixels"}
    assert set(prune.prune(keep_days=1)["kind"]) == {"pixels", "runs"}
    assert set(prune.prune(["downloads"], keep_days=1)["kind"]) == {"downloads"}
    with pytest.raises(ValueError, match="no 'pixel'; did you mean 'pixels'"):
        prune.prune(["pixel"])


def test_a_run_that_another_starts_from_goes_only_with_it(home):
    first = make(home, "runs", run_name(1), days=50)
    start = str(first / "weights").replace("\\", "/")
    make(home, "runs", run_name(2), days=5, experiment=f'{{"pretrained": "{start}"}}')
    table = prune.prune(keep_days=10, is_rehearsal=False)
    assert outcomes(table) == {run_name(1): f"kept: {run_name(2)} needs it"}
    table = prune.prune(keep_days=1, is_rehearsal=False)
    assert outcomes(table) == {run_name(2): "removed", run_name(1): "removed"}


def test_a_run_that_a_study_names_goes_only_with_it(home):
    from miniature import MINIATURE

    from agelib.config import Experiment
    from agelib.experiments import search

    found = search.grid(Experiment.of(**MINIATURE), {"learning_rate": [1e-3]}, progress=False)
    [run] = found.trials["run"]
    make(home, "runs", run_name(1))
    table = prune.prune(["runs"], keep_bytes=0)
    assert outcomes(table) == {run_name(1): "would be removed", run: f"kept: {found.file.name} needs it"}
    table = prune.prune(["runs", "studies"], keep_bytes=0, is_rehearsal=False)
    assert set(table["outcome"]) == {"removed"}
    assert run in set(table["name"])


def test_what_another_process_holds_stays(home):
    folder = make(home, "runs", run_name(1), days=50)
    code = (
        "import sys, time; from agelib.runtime import workspace as store\n"
        "with store.lock(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        table = prune.prune(keep_days=1, is_rehearsal=False)
        assert outcomes(table) == {run_name(1): "in use"}
        assert folder.is_dir()
    finally:
        holder.kill()
        holder.communicate()
    assert outcomes(prune.prune(keep_days=1, is_rehearsal=False)) == {run_name(1): "removed"}


def test_leftovers_of_killed_programs_go_after_a_day(home):
    names = [f"{run_name(1)}.torn-1", ".0123456789abcdef.partial", ".faces.0a1b2c3d", f".x.removing-{'0' * 8}"]
    for name in names:
        make(home, "pixels", name, days=2)
    make(home, "pixels", ".fedcba9876543210.partial", days=0.5)
    whole = make(home, "pixels", "fedcba9876543210", days=400)
    assert prune.disk()["leftovers"].item() > 500_000
    table = prune.prune(is_rehearsal=False)
    assert set(table["name"]) == set(names)
    assert whole.is_dir()
    assert (home / "pixels" / ".fedcba9876543210.partial").is_dir()


def test_what_is_being_decoded_for_days_is_no_leftover(home):
    partial = make(home, "pixels", ".0123456789abcdef.partial", days=3)
    with workspace.lock(home / "pixels" / "0123456789abcdef"):
        assert set(prune.prune(is_rehearsal=False)["outcome"]) == {"in use"}
    assert partial.is_dir()


#: Prunes, and is killed when it has removed half of the files of the third thing.
KILLED = """
import os, shutil, signal
from agelib.runtime import prune as housekeeping
rmtree, calls = shutil.rmtree, []
def half(folder):
    calls.append(folder)
    if len(calls) == 3:
        for name in sorted(os.listdir(folder))[:50]:
            os.unlink(folder / name)
        os.kill(os.getpid(), signal.SIGKILL)
    rmtree(folder)
shutil.rmtree = half
housekeeping.prune(keep_days=1, is_rehearsal=False)
"""


def test_a_killed_pruning_leaves_no_half_thing(home):
    for number in range(6):
        make(home, "runs", run_name(number), days=9 - number, size=10, **{str(k): "" for k in range(100)})
    assert subprocess.run([sys.executable, "-c", KILLED]).returncode == -signal.SIGKILL
    whole = sorted((home / "runs").glob("[!.]*"))
    assert [path.name for path in whole] == [run_name(number) for number in (3, 4, 5)]
    assert all(len(list(path.iterdir())) == 101 for path in whole)
    [half] = [path for path in (home / "runs").glob(".*") if path.is_dir()]
    assert len(list(half.iterdir())) == 51
    prune.prune(is_rehearsal=False, now=time.time() + 20 * DAY)
    assert not half.exists()


def test_the_commands_say_it_and_remove_only_when_told(home, capsys):
    folder = make(home, "runs", run_name(1), days=50)
    assert main(["disk"]) == 0
    assert "trainings" in capsys.readouterr().out
    assert main(["prune", "--kind", "runs", "--keep-days", "30", "--keep-size", "0.05MB"]) == 0
    out = capsys.readouterr().out
    assert "1 would be removed" in out
    assert "say --yes" in out
    assert folder.is_dir()
    assert main(["prune", "--keep-days", "30", "--yes"]) == 0
    assert "1 removed" in capsys.readouterr().out
    assert not folder.exists()


def test_sizes_are_read_as_people_write_them(capsys):
    with pytest.raises(SystemExit):
        main(["prune", "--keep-size", "much"])
    assert "'much' is no size; give one such as 500MB or 10GB" in capsys.readouterr().err
