"""A notebook executed in a process and a kernel of its own: how they speak, and what it says where."""

import json
import os

import pytest
from small_book import write_notebook

from agebook import notebooks

ASK = """import json
from ipykernel.connect import get_connection_info
with open(told, "w") as file:
    json.dump(get_connection_info(unpack=True), file, default=str)"""


@pytest.mark.parametrize("long", [False, True])
def test_a_kernel_is_spoken_to_in_private_and_says_nothing_of_it(long, tmp_path, monkeypatch):
    """Through sockets in a folder of this user alone; or, where their path would be too long, with a key."""
    said, run_python = [], notebooks.run_python
    monkeypatch.setattr(notebooks, "run_python", lambda *words: said.append(run_python(*words)) or said[-1])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("deep" * 25)) if long else "/tmp")
    (tmp_path / ("deep" * 25)).mkdir()
    chapter = write_notebook(tmp_path / "01_ask.ipynb", ASK, parameters='told: str = ""  # file')
    told = tmp_path / "told.json"
    paths = {name: str(tmp_path / f"{name}.json") for name in ("result", "record", "failed")}
    notebooks.execute(
        notebooks.Job("01", str(chapter), **paths, parameters={"told": str(told)}, profile="", source="", threads=1)
    )
    [(code, output)] = said
    # A kernel that is ended just as it wakes may say that it was interrupted; of how it is spoken to, nothing.
    assert (code, [line for line in output.splitlines() if "KeyboardInterrupt" not in line]) == (0, [])
    found = json.loads(told.read_text())
    assert (found["transport"], "curve_publickey" in found) == (
        ("tcp", True) if long or os.name == "nt" else ("ipc", False)
    )


@pytest.mark.skipif(os.name == "nt", reason="no sockets with a path")
def test_the_longest_path_that_a_socket_may_have_is_used():
    sockets = "/tmp/".ljust(notebooks.LONGEST - 2, "x")
    assert notebooks.kernel_config(sockets).KernelManager == {"transport": "ipc", "ip": sockets}
    assert "transport" not in notebooks.kernel_config(sockets + "x").KernelManager
