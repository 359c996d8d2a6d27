"""Downloads against a real HTTP server on loopback that misbehaves on request."""

import errno
import io

import pytest
from difficult_server import CONTENT, SUM, Handler, Server

from agelib.data.sources import download


def fetch(server, path, sha256="", **options):
    return download.fetch(server.address, path, sha256, **({"progress": False, "pause": 0.001} | options))


def test_a_file_arrives_whole_with_its_sum_beside_it(server, tmp_path):
    path = fetch(server, tmp_path / "new" / "set.zip")
    assert path.read_bytes() == CONTENT
    assert (tmp_path / "new/set.zip.sha256").read_text() == f"{SUM}  set.zip\n"
    assert sorted(file.name for file in path.parent.iterdir() if not file.name.startswith(".")) == [
        "set.zip",
        "set.zip.sha256",
    ]


def test_a_transfer_goes_on_where_it_broke_off(server, tmp_path):
    server.cuts = [400_000, 300_000]
    assert fetch(server, tmp_path / "set.zip", SUM).read_bytes() == CONTENT
    assert [request.get("Range") for request in server.requests] == [None, "bytes=400000-", "bytes=700000-"]
    assert server.requests[1]["If-Range"] == '"v1"'


def test_it_goes_on_in_another_call_too(server, tmp_path):
    server.cuts = [500_000, 0, 0]
    with pytest.raises(ConnectionError, match=r"0\.5 MiB are kept: run the same again to go on"):
        fetch(server, tmp_path / "set.zip", attempts=2)
    assert not (tmp_path / "set.zip").exists()
    server.cuts = []
    assert fetch(server, tmp_path / "set.zip").read_bytes() == CONTENT
    assert server.requests[-1]["Range"] == "bytes=500000-"


def test_a_server_that_ignores_ranges_gets_a_fresh_start(server, tmp_path):
    server.ranges, server.cuts = False, [400_000]
    assert fetch(server, tmp_path / "set.zip", SUM).read_bytes() == CONTENT
    assert "Range" in server.requests[1]


def test_without_a_validator_nothing_is_pieced_together(server, tmp_path):
    server.etag, server.cuts = "", [400_000]
    assert fetch(server, tmp_path / "set.zip").read_bytes() == CONTENT
    assert "Range" not in server.requests[1]


def test_a_weak_etag_does_not_count_as_one(server, tmp_path):
    server.etag, server.cuts = 'W/"v1"', [400_000]
    assert fetch(server, tmp_path / "set.zip").read_bytes() == CONTENT
    assert "Range" not in server.requests[1]


def test_a_file_that_changed_between_attempts_is_never_mixed(server, tmp_path):
    other = CONTENT[::-1]
    server.cuts, server.change_after_first = [400_000], (other, '"v2"')
    assert fetch(server, tmp_path / "set.zip").read_bytes() == other


def test_a_change_is_noticed_even_if_the_server_ignores_if_range(server, tmp_path, monkeypatch):
    other = CONTENT[::-1]
    server.cuts, server.change_after_first = [400_000], (other, '"v2"')
    monkeypatch.setattr(
        Handler, "_start", lambda self: int(self.headers["Range"][6:-1]) if "Range" in self.headers else None
    )
    assert fetch(server, tmp_path / "set.zip").read_bytes() == other


def test_a_shrunken_file_is_fetched_anew(server, tmp_path):
    other = CONTENT[:1000]
    server.cuts, server.change_after_first = [400_000], (other, '"v1"')
    assert fetch(server, tmp_path / "set.zip").read_bytes() == other


def test_a_stop_between_the_last_byte_and_the_renaming_costs_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_finish", lambda *arguments, **options: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path / "set.zip")
    monkeypatch.undo()
    assert fetch(server, tmp_path / "set.zip").read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_wrong_sum_is_refused_and_nothing_stays(server, tmp_path):
    with pytest.raises(ValueError, match=f"SHA-256 is {SUM}, expected {'0' * 64}"):
        fetch(server, tmp_path / "set.zip", "0" * 64)
    assert [file.name for file in tmp_path.iterdir() if not file.name.startswith(".")] == []


def test_the_first_sum_is_remembered_and_checked_next_time(server, tmp_path):
    path = fetch(server, tmp_path / "set.zip")
    assert fetch(server, path) == path
    assert len(server.requests) == 1
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(ValueError, match=r"delete .*set\.zip to fetch it again"):
        fetch(server, path)
    path.unlink()
    server.content = CONTENT[::-1]
    with pytest.raises(ValueError, match="the sum of an earlier download"):
        fetch(server, path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [(404, FileNotFoundError, "no such file"), (410, FileNotFoundError, "no such file"), (403, ValueError, "refuses")],
)
def test_a_refusal_is_said_at_once(server, tmp_path, status, error, words):
    server.status = [status]
    with pytest.raises(error, match=words):
        fetch(server, tmp_path / "set.zip")
    assert len(server.requests) == 1


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.status = [503, 429, 500]
    assert fetch(server, tmp_path / "set.zip").read_bytes() == CONTENT
    assert len(server.requests) == 4


def test_the_waiting_doubles(server, tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(download.time, "sleep", waited.append)
    server.status = [503] * 4
    with pytest.raises(ConnectionError, match="503"):
        fetch(server, tmp_path / "set.zip", attempts=4, pause=1.0)
    assert waited == [1.0, 2.0, 4.0]


def test_a_server_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with Server() as gone:
        address = gone.address
    with pytest.raises(ConnectionError, match="no answer"):
        download.fetch(address, tmp_path / "set.zip", progress=False, attempts=2, pause=0.001)


def test_a_web_page_is_not_taken_for_a_file(server, tmp_path):
    server.kind = "text/html"
    with pytest.raises(ValueError, match="a web page, not with a file"):
        fetch(server, tmp_path / "set.zip")


def test_a_full_disk_is_said_and_what_is_there_is_kept(server, tmp_path, monkeypatch):
    real = open

    class Full(io.FileIO):
        def write(self, data):
            if self.tell() + len(data) > 600_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    def opened(file, mode="r", *arguments, **options):
        return Full(file, mode) if str(file).endswith(".part") else real(file, mode, *arguments, **options)

    monkeypatch.setattr(download, "open", opened, raising=False)
    with pytest.raises(OSError, match=r"the disk is full while fetching .*make room and run again") as caught:
        fetch(server, tmp_path / "set.zip")
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "*")
    kept = (tmp_path / "set.zip.part").stat().st_size
    assert 0 < kept <= 600_000
    assert fetch(server, tmp_path / "set.zip").read_bytes() == CONTENT
    assert server.requests[-1]["Range"] == f"bytes={kept}-"


def test_too_little_room_is_said_before_the_transfer(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000})())
    with pytest.raises(OSError, match="needs 1 MiB more"):
        fetch(server, tmp_path / "set.zip")


def test_other_addresses_are_refused(tmp_path):
    with pytest.raises(ValueError, match="only http and https"):
        download.fetch("file:///etc/passwd", tmp_path / "passwd")


@pytest.fixture
def test_set(server, monkeypatch):
    dataset = download.Dataset(
        title="Test set",
        page="http://127.0.0.1/",
        terms="Only for tests.",
        archives={"all": server.address},
        usual_parts=("all",),
    )
    monkeypatch.setitem(download.DATASETS, "test-set", dataset)
    return dataset


def test_nothing_is_fetched_before_the_terms_are_shown_and_accepted(server, test_set, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(download.sys, "stdin", io.StringIO())
    with pytest.raises(ValueError, match="the terms are not accepted, nothing was fetched; accept=True"):
        download.download("test-set", tmp_path)
    assert server.requests == []
    files = download.download("test-set", tmp_path, accept=True, progress=False)
    assert [file.read_bytes() for file in files] == [CONTENT]
    assert capsys.readouterr().out.count("Only for tests.") == 2


@pytest.mark.parametrize(("answer", "fetched"), [("yes", 1), ("no", 0), ("", 0)])
def test_on_a_terminal_the_terms_are_asked_about(server, test_set, tmp_path, monkeypatch, answer, fetched):
    monkeypatch.setattr(download.sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("builtins.input", lambda question: answer)
    if fetched:
        download.download("test-set", tmp_path, progress=False)
    else:
        with pytest.raises(ValueError, match="not accepted"):
            download.download("test-set", tmp_path, progress=False)
    assert len(server.requests) == fetched


def test_a_set_that_owners_hand_out_themselves_gives_instructions(tmp_path, capsys):
    assert download.download("utkface", tmp_path, accept=True) == []
    shown = capsys.readouterr().out
    assert download.DATASETS["utkface"].page in shown
    assert "non-commercial research" in shown


def test_unknown_names_are_said(tmp_path):
    with pytest.raises(ValueError, match="no data set 'wiki' to download; there are: imdb-wiki"):
        download.download("wiki", tmp_path)
    with pytest.raises(ValueError, match="imdb-wiki has no part 'x'; it has: wiki, imdb"):
        download.download("imdb-wiki", tmp_path, parts=("x",), accept=True)


def test_every_data_set_can_be_read_and_names_its_terms():
    from agelib.data import sources

    for name, dataset in download.DATASETS.items():
        assert name in sources.READERS
        assert dataset.terms and dataset.page.startswith("http")
        assert dataset.archives or dataset.instructions
        assert set(dataset.usual_parts) <= set(dataset.archives)
