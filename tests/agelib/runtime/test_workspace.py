"""Files get to disk whole, and keys stand for content."""

import subprocess
import sys

import pytest

from agelib.runtime import workspace


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "ages.json"
    workspace.write_json(path, {"mean": 36.9})
    with pytest.raises(KeyboardInterrupt), workspace.write_whole(path) as temporary:
        temporary.write_text('{"mean":')
        raise KeyboardInterrupt
    assert workspace.read_json(path) == {"mean": 36.9}
    assert [p.name for p in tmp_path.iterdir()] == ["ages.json"]


def test_a_folder_replaces_a_folder_whole(tmp_path):
    for text in ("old", "new"):
        with workspace.write_whole(tmp_path / "run") as temporary:
            temporary.mkdir()
            (temporary / "metrics.txt").write_text(text)
    assert (tmp_path / "run" / "metrics.txt").read_text() == "new"


def test_torn_json_is_named_with_the_remedy(tmp_path):
    (tmp_path / "metrics.json").write_text('{"mae": 5.')
    with pytest.raises(ValueError, match=r"metrics\.json: not readable as JSON .* delete the file and run again"):
        workspace.read_json(tmp_path / "metrics.json")


def test_keys_do_not_run_parts_together():
    assert workspace.content_key("ab", "c") != workspace.content_key("a", "bc")
    assert workspace.content_key({"b": 1, "a": 2}) == workspace.content_key({"a": 2, "b": 1})


def test_floats_survive_a_table_bit_for_bit(tmp_path):
    import numpy as np
    import pandas as pd

    ages = np.random.default_rng(0).uniform(0, 100, 1000)
    workspace.write_table(tmp_path / "t.csv", pd.DataFrame({"age": ages}))
    back = pd.read_csv(tmp_path / "t.csv")
    assert (back["age"].to_numpy() == ages).all()


def test_a_second_process_waits_for_the_lock(tmp_path):
    code = (
        "import sys, agelib.runtime.workspace as s, filelock\n"
        "try:\n  s.lock(sys.argv[1]).acquire(timeout=0.2)\n"
        "except filelock.Timeout:\n  print('waited')"
    )
    with workspace.lock(tmp_path / "run"):
        result = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True)
    assert result.stdout.strip() == "waited"


def test_a_lock_where_nothing_can_be_written_does_not_wait(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"file cannot be written \(.*\); name another folder"):
        workspace.lock(tmp_path / "file" / "run")


def test_importing_agelib_imports_nothing_heavy():
    code = "import sys, agelib; print([m for m in ('torch', 'pandas', 'fastai', 'cv2') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]"
