"""A map is written block by block: a killed decode is finished later, and memory does not grow with the map."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from agelib.pixels import cache, memmap
from agelib.runtime import workspace

#: Decodes the pictures of a folder; arguments: folder, number, side. Says by how much its own memory grew at most.
DECODE = """
import json, re, sys, threading
import pandas as pd
from pathlib import Path
from agelib.pixels import cache, statistics
def own():
    return int(re.search(r"RssAnon:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
root, number, side = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
faces = pd.DataFrame({"path": [f"{k}.png" for k in range(number)]})
before, peak, over = own(), [0], threading.Event()
def watch():
    while not over.wait(0.005):
        peak[0] = max(peak[0], own())
threading.Thread(target=watch, daemon=True).start()
decoded = cache.decode(faces, root, side, jobs=1, progress=False)
mean = statistics.statistics(decoded.images)[0]
over.set()
print(json.dumps({"kilobytes": peak[0] - before, "map": decoded.images.nbytes // 1024, "mean": float(mean[0])}))
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def link_pictures(root, number: int, side: int):
    """A folder of many names for a few pictures of noise, and their table."""
    root.mkdir()
    generator = np.random.default_rng(7)
    for k in range(number):
        if k < 20:
            noise = generator.integers(0, 256, (side, side, 3), np.uint8)
            Image.fromarray(noise).save(root / f"{k}.png", compress_level=1)
        else:
            os.link(root / f"{k % 20}.png", root / f"{k}.png")
    return pd.DataFrame({"path": [f"{k}.png" for k in range(number)]})


def wait_for_blocks(home, process, number: int):
    """The folder that is being written, once so many blocks are noted in it."""
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        assert process.poll() is None, "it ended before it could be killed"
        for file in home.glob("pixels/.*.partial/finished.jsonl"):
            if len(list(workspace.read_records(file))) >= number:
                return file.parent
        time.sleep(0.002)
    raise AssertionError("no block was finished")


def test_a_killed_decode_goes_on_after_its_finished_blocks(home, tmp_path, monkeypatch):
    faces = link_pictures(tmp_path / "pictures", 1600, 160)
    command = [sys.executable, "-c", DECODE, str(tmp_path / "pictures"), "1600", "64"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    partial = wait_for_blocks(home, process, 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = sum(end - first for first, end, *_ in workspace.read_records(partial / memmap.FINISHED))
    assert 512 <= kept < 1600

    decoded = []
    decode_into = memmap.decode_into
    monkeypatch.setattr(memmap, "decode_into", lambda *task: decoded.extend(task[2]) or decode_into(*task))
    resumed = cache.decode(faces, tmp_path / "pictures", 64, jobs=1, progress=False)
    assert len(decoded) == 1600 - kept
    assert not partial.exists()
    assert sorted(path.name for path in (home / "pixels" / resumed.key).iterdir()) == ["images.npy", "pictures.json"]

    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "another"))
    whole = cache.decode(faces, tmp_path / "pictures", 64, jobs=1, progress=False)
    assert whole.key == resumed.key
    np.testing.assert_array_equal(whole.images, resumed.images)


def stop_after(number: int, monkeypatch):
    """Let decoding fail as if the reader pressed Ctrl-C after so many blocks."""
    decode_into, done = memmap.decode_into, []

    def stop(*task):
        if len(done) == number:
            raise KeyboardInterrupt
        done.append(task)
        return decode_into(*task)

    monkeypatch.setattr(memmap, "decode_into", stop)


def test_a_block_whose_bytes_were_lost_is_decoded_again_and_reasons_are_kept(home, tmp_path, monkeypatch):
    faces = link_pictures(tmp_path / "pictures", 700, 8)
    (tmp_path / "pictures" / "3.png").unlink()
    (tmp_path / "pictures" / "3.png").write_text("no picture")
    stop_after(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        cache.decode(faces, tmp_path / "pictures", 8, jobs=1, progress=False)
    monkeypatch.undo()
    monkeypatch.setenv("AGELIB_HOME", str(home))
    [partial] = home.glob("pixels/.*.partial")
    with open(partial / "images.npy", "r+b") as file:
        file.seek(-300 * 192, os.SEEK_END)  # in the second block, of rows 256 to 511
        file.write(bytes(192))
    decoded = []
    decode_into = memmap.decode_into
    monkeypatch.setattr(memmap, "decode_into", lambda *task: decoded.append(len(task[2])) or decode_into(*task))
    resumed = cache.decode(faces, tmp_path / "pictures", 8, jobs=1, progress=False)
    assert decoded == [256, 188]
    assert resumed.skipped.to_numpy().tolist() == [["3.png", "not a picture"]]
    for row in (0, 300, 420, 699):
        expected = np.asarray(Image.open(tmp_path / "pictures" / f"{row}.png")).transpose(2, 0, 1)
        np.testing.assert_array_equal(resumed.images[row], expected)


def test_more_workers_finish_what_one_began(home, tmp_path, monkeypatch):
    faces = link_pictures(tmp_path / "pictures", 600, 8)
    stop_after(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        cache.decode(faces, tmp_path / "pictures", 8, jobs=1, progress=False)
    monkeypatch.undo()
    monkeypatch.setenv("AGELIB_HOME", str(home))
    resumed = cache.decode(faces, tmp_path / "pictures", 8, jobs=2, progress=False)
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "another"))
    whole = cache.decode(faces, tmp_path / "pictures", 8, jobs=1, progress=False)
    np.testing.assert_array_equal(whole.images, resumed.images)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells memory from pages of files")
def test_memory_does_not_grow_with_the_map(home, tmp_path):
    link_pictures(tmp_path / "pictures", 20_000, 8)

    def decode(number, side):
        command = [sys.executable, "-c", DECODE, str(tmp_path / "pictures"), str(number), str(side)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    few, many = decode(2000, 48), decode(20_000, 48)
    assert many["map"] > 130_000
    assert many["mean"] == pytest.approx(few["mean"], abs=1e-3)
    # 18,000 pictures more may take 2 KB each for names and keys, and not the 7 KB of their pixels.
    assert many["kilobytes"] - few["kilobytes"] < 36_000
