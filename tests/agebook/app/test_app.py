"""The app: its page as served, in a real browser; and what it says, of faces and of what it refuses."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import psutil
import pytest
from browser import CHROMIUM, Browser
from PIL import Image

from agebook.__main__ import main
from agebook.app import inference, render
from agebook.app import server as server_of_pages
from agebook.app.server import Options
from agebook.build.chapters import list_chapters
from agelib import deploy
from agelib.__main__ import main as agelib_main
from agelib.deploy import shipped
from agelib.drawn import draw_faces, draw_scene

#: What the page shows of each face, as the words of a reader.
FACES = """JSON.stringify([...document.querySelectorAll('.agelib-app .face')].map(face => ({
  age: face.querySelector('.age').innerText,
  ...Object.fromEntries([...face.querySelectorAll('[data-task]')].map(
    table => [table.dataset.task, table.querySelector('b').innerText])),
  shares: Object.fromEntries([...face.querySelectorAll('[data-task]')].map(
    table => [table.dataset.task, [...table.querySelectorAll('td:nth-child(2)')].map(td => parseInt(td.innerText))])),
})))"""

SHOWN = "(document.querySelector('.agelib-app .status') ?? {}).textContent"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A drawn landscape with two drawn people in front of it, as a file."""
    page = Image.fromarray(draw_scene(3, size=700, kind="landscape")).crop((0, 100, 700, 500))
    for face, place in zip(draw_faces([1, 4], [30, 62], size=200, seed=3, plain=True), [60, 430], strict=True):
        page.paste(Image.fromarray(face), (place, 120))
    file = tmp_path_factory.mktemp("scene") / "<i>two.png"
    page.save(file)
    return file


class Server:
    """`agebook app` on a free port, with a home and a folder for temporary files of its own."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "tmp").mkdir()
        mine = {"HOME": str(folder), "TMPDIR": str(folder / "tmp"), "AGELIB_HOME": str(folder / "agelib")}
        command = [sys.executable, "-m", "agebook", "app", "--no-browser", "--port", str(self.port)]
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=os.environ | mine, stdout=log, stderr=log, cwd=folder)
        self.address = f"http://127.0.0.1:{self.port}/"
        until = time.monotonic() + 90
        while self.address not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the app did not start: {self.log.read_text()}")
            time.sleep(0.2)

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("server"))
    yield started
    started.close()


class Reader(Browser):
    """A browser that reaches this machine alone, has a camera that shows a test picture, and is on the page."""

    def __init__(self, address):
        super().__init__("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
        self.asked, self.complaints, self.sent = [], [], 0
        self.ask("Page.navigate", url=address)
        self.until("document.querySelector('.agelib-app .start')?.offsetParent", 90)

    def until(self, expression, seconds=40):
        """Wait until something is true on the page."""
        deadline = time.monotonic() + seconds
        while not self.value(f"!!({expression})"):
            assert time.monotonic() < deadline, f"never: {expression}; the page says {self.value(SHOWN)!r}"
            time.sleep(0.1)

    def upload(self, file):
        """Choose a file as a reader does; return what the page says in the end."""
        document = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=document, selector=".agelib-app input[type=file]")
        self.value("document.querySelector('.agelib-app .status').textContent = ''")
        self.ask("DOM.setFileInputFiles", files=[str(file)], **node)
        return self.told()

    def told(self):
        self.until(f"{SHOWN} && !{SHOWN}.startsWith('Looking')")
        return self.value(SHOWN)

    def note(self):
        """Sort what the browser reported: addresses asked for, errors, and bytes sent to the kernel."""
        self.value("1")
        for event in self._events:
            about, method = event.get("params", {}), event["method"]
            if method in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                self.asked.append(about.get("url") or about["request"]["url"])
            elif method == "Network.webSocketFrameSent":
                self.sent += len(about["response"]["payloadData"])
            elif method == "Runtime.exceptionThrown":
                self.complaints.append(about["exceptionDetails"])
            elif method == "Runtime.consoleAPICalled" and about["type"] == "error":
                self.complaints.append(about["args"])
            elif method == "Log.entryAdded" and about["entry"]["level"] == "error":
                self.complaints.append(about["entry"])
        self._events.clear()


@pytest.fixture(scope="module")
def reader(server):
    if CHROMIUM is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    opened = Reader(server.address)
    yield opened
    opened.close()


def test_the_page_says_of_each_face_what_predict_says(reader, scene, capsys):
    assert reader.upload(scene) == f"Done: 2 faces in {scene.name}."
    assert agelib_main(["predict", str(scene), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    faces = json.loads(reader.value(FACES))
    assert len(faces) == len(rows) == 2
    for face, row in zip(faces, rows, strict=True):
        age, low, high = (float(row[name]) for name in ("age", "age_low", "age_high"))
        assert face["age"] == f"{age:.1f} years (90 % interval {low:.0f} to {high:.0f})"
        for task in ("age_group", "gender", "ethnicity"):
            assert face[task] == row[task]
            assert sum(face["shares"][task]) == pytest.approx(100, abs=3)  # each is rounded


def test_boxes_lie_around_the_faces(reader, scene):
    reader.upload(scene)
    boxes = json.loads(
        reader.value("""JSON.stringify([...document.querySelectorAll('.agelib-app rect.box')].map(
            box => ['x', 'y', 'width', 'height'].map(name => +box.getAttribute(name))))""")
    )
    middles = [(x + width / 2, y + height / 2) for x, y, width, height in boxes]
    # A drawn face lies at 50 % from the left and about 57 % from the top of its own picture.
    np.testing.assert_allclose(middles, [(160, 120 + 114), (530, 120 + 114)], atol=15)
    assert reader.value("document.querySelector('.agelib-app svg').getAttribute('viewBox')") == "0 0 700 400"


def test_a_file_that_is_no_picture_is_refused_and_the_next_one_is_answered(reader, scene, tmp_path):
    (tmp_path / "notes.jpg").write_text("Dear diary")
    assert reader.upload(tmp_path / "notes.jpg") == "notes.jpg is not a picture that can be read (not a picture)."
    assert reader.value("document.querySelector('.agelib-app .answer').children.length") == 0
    (tmp_path / "torn.png").write_bytes(scene.read_bytes()[:4000])
    assert "torn.png is not a picture that can be read" in reader.upload(tmp_path / "torn.png")
    assert reader.upload(scene).startswith("Done: 2 faces")


def test_a_huge_file_is_refused_before_it_is_sent(reader, tmp_path):
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(60 * 2**20)
    reader.note()
    before = reader.sent
    assert reader.upload(tmp_path / "huge.png") == "huge.png has 60 MB; at most 20 are taken. It was not sent."
    reader.note()
    assert reader.sent - before < 10_000


def test_a_small_file_with_too_many_pixels_is_refused(reader, tmp_path):
    Image.new("1", (12_000, 12_000)).save(tmp_path / "wide.png")
    assert (tmp_path / "wide.png").stat().st_size < 100_000
    told = reader.upload(tmp_path / "wide.png")
    assert told == "wide.png has 144 million pixels; at most 100 million are taken."


def test_a_picture_without_a_face_and_the_camera_are_answered(reader, tmp_path):
    Image.fromarray(draw_scene(1, size=300, kind="house")).save(tmp_path / "house.png")
    assert reader.upload(tmp_path / "house.png") == "Done: No face found in house.png."
    reader.value("document.querySelector('.agelib-app .start').click()")
    reader.until(
        "document.querySelector('.agelib-app video').videoWidth && document.activeElement.className === 'snap'"
    )
    reader.value(f"{SHOWN}; document.querySelector('.agelib-app .snap').click()")
    reader.until(f"{SHOWN}.includes('Done')")
    assert reader.value(SHOWN) == "Done: No face found in the camera's picture."
    assert reader.value("document.querySelector('.agelib-app video').srcObject") is None


def test_the_page_says_what_the_model_is_and_that_nothing_is_kept(reader):
    text = " ".join(reader.value("document.querySelector('.agelib-app .about').innerText").split())
    about = deploy.load(shipped.SHIPPED).about
    assert f"pictures of people, {about['environment']['data']}" in text
    assert f"off by {about['test']['MAE'][0]:.1f} years" in text
    oldest = about["groups"]["age"]["60 and over"]
    assert f"age: 60 and over {oldest['count']} {oldest['MAE']:.1f} {oldest['bias']:+.1f}" in text
    assert "Nothing is kept" in text and "somebody's reading of a face" in text


def test_controls_have_names_and_answers_are_announced(reader):
    unnamed = """[...document.querySelectorAll('.agelib-app :is(button, input)')].filter(
        each => !(each.textContent.trim() || each.labels?.length)).length"""
    assert reader.value(unnamed) == 0
    assert reader.value("document.querySelector('.agelib-app .status').ariaLive") == "polite"
    assert reader.value("document.documentElement.lang") == "en"
    assert reader.value("document.title") == reader.value("document.querySelector('h1').innerText")


def test_the_page_asks_this_machine_alone_and_its_console_has_no_error(reader, server):
    reader.note()
    own = (server.address, server.address.replace("http", "ws", 1), "data:", "blob:")
    assert len(reader.asked) > 10
    assert [address for address in reader.asked if not address.startswith(own)] == []
    assert reader.complaints == []


def test_the_server_listens_on_this_machine_alone_and_answers_no_other_name(reader, server):
    processes = [psutil.Process(server.process.pid)]
    processes += processes[0].children(recursive=True)
    heard = [
        connection.laddr
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert server.port in [address.port for address in heard]
    assert {address.ip for address in heard} == {"127.0.0.1"}
    strange = urllib.request.Request(server.address, headers={"Host": "elsewhere.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(strange)


def test_no_picture_is_written(reader, scene, server):
    reader.upload(scene)
    part = scene.read_bytes()[2000:2064]
    pixels = np.asarray(Image.open(scene)).tobytes()[:3000:10]
    files = [file for file in server.folder.rglob("*") if file.is_file()]
    assert server.log in files
    for file in files:
        written = file.read_bytes()
        assert part not in written and pixels not in written[::10], file
        assert not written.startswith((b"\x89PNG", b"\xff\xd8")), file


def test_words_from_outside_are_escaped(scene):
    judged = inference.judge(deploy.load(shipped.SHIPPED), scene.read_bytes(), scene.name)
    told = render.tell(judged, scene.name, 0.9)
    assert "&lt;i&gt;two.png" in told and "<i>two" not in told


def test_the_kernel_refuses_what_the_script_should_not_have_sent():
    with pytest.raises(ValueError, match=r"big.png has 20.0 MB; at most 20 are taken"):
        inference.judge(None, bytes(inference.LARGEST_BYTES + 1), "big.png")


def test_a_phones_picture_is_taken_and_a_bomb_refused(scene, monkeypatch):
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.open(scene)).save(file, quality=95)
    judged = inference.judge(deploy.load(shipped.SHIPPED), file.getvalue(), "IMG_1.HEIC")
    assert judged.picture.size == (700, 400) and len(judged.faces) == 2
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    for data in (file.getvalue(), scene.read_bytes()):
        with pytest.raises(ValueError, match="0 million pixels, and at most 0 million are read; make it smaller"):
            inference.judge(None, data, "large")


def test_what_was_typed_reaches_the_page_and_what_cannot_be_is_refused_at_once(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("AGELIB_APP", "")
    assert Options.read() == Options()
    assert Options.read(Options(level=0.8)) == Options(level=0.8)
    typed = Options(run="a-run", detector="insightface", margin=0.1, level=0.5)
    typed.write()
    assert Options.read() == Options.read(Options(level=0.8)) == typed
    assert main(["app", "--model", str(tmp_path)]) == 2
    assert "holds no model" in capsys.readouterr().err
    assert main(["app", "--level", "0.7"]) == 2
    assert "intervals of 0.5, 0.8, 0.9, 0.95, not of 0.7" in capsys.readouterr().err
    assert main(["app", "--detector", "insightface"]) == 2
    assert "not insightface" in capsys.readouterr().err


@pytest.mark.parametrize(("folder", "spoken"), [("/tmp", {"transport": "ipc"}), ("/tmp/" + 20 * "deep", None)])
def test_pictures_go_through_private_sockets_or_encrypted_ports(monkeypatch, folder, spoken):
    """And no name is given to the sockets, for two pages would then speak through the same ones."""
    monkeypatch.setattr("tempfile.tempdir", folder)
    settings = server_of_pages._configuration(8866, "127.0.0.1", False).KernelManager
    assert settings == (spoken if spoken and os.name != "nt" else {"transport_encryption": "auto"})


def test_the_apps_notebook_is_no_chapter():
    from agebook.app.server import NOTEBOOK
    from agebook.build.chapters import REPOSITORY

    assert NOTEBOOK.parent == REPOSITORY / "notebooks" and NOTEBOOK.is_file()
    assert "app" not in [chapter.name for chapter in list_chapters(REPOSITORY)]
