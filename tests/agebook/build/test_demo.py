"""The page "Try it": a real browser, the real server, and the answers of agelib beside those of the page."""

import csv
import io
import itertools
import json
import re
import subprocess
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import onnxruntime
import pytest
import torch
from browser import CHROMIUM, FOLDER, Browser
from PIL import Image

from agebook.build import demo, npm, serve_site
from agebook.build.chapters import REPOSITORY
from agelib import deploy, explain
from agelib.__main__ import main
from agelib.deploy.face_crop import Frame, cut_out
from agelib.deploy.onnx_export import Graph
from agelib.drawn import draw_faces
from agelib.pixels.decode import read_picture

pytestmark = pytest.mark.book

MODEL = REPOSITORY / demo.MODEL

#: What the network sees, in pixels.
SIDE = json.loads((MODEL / "model.json").read_text(encoding="utf-8"))["pictures"]["image_size"]

#: How far the page may be from agelib on a JPEG, which agelib reads at a fraction of its size and a browser whole:
#: levels of 255, on average over an image, and of a person years. (300 of UTKFace's crops: 1.5 levels, 0.25 years on
#: average and 1 year at most.) Of a drawn face the network of people is so unsure that two levels move its median by
#: four years, so there the levels are asked for, and the answer about the very pixels that the page has read.
LEVELS, YEARS = 4, 2

#: The answer that the page shows, with all that it has read from the outputs.
ANSWER = "({...TryIt.state.answer, small: Array.from(TryIt.state.small)})"


class Visitor(Browser):
    """A browser at the page, that can press and choose; it reaches this machine alone."""

    def visit(self, address, width=1280, height=1600, dark=False):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self._events.clear()
        self.ask("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def until(self, expression, seconds=30):
        """Wait until something holds on the page; return how long it took, in seconds."""
        start = time.monotonic()
        while not self.value(f"!!({expression})"):
            if time.monotonic() > start + seconds:
                said = self.value("[...document.querySelectorAll('.try-it-said')].map(p => p.textContent)")
                raise AssertionError(f"not within {seconds} s: {expression}; the page says {said}")
            time.sleep(0.02)
        return time.monotonic() - start

    def press(self, name):
        self.value(f"document.getElementById('try-it-{name}').click()")

    def choose(self, file):
        """Choose a file, as in the browser's own dialogue, and wait until the page speaks of it."""
        found = self.ask("Runtime.evaluate", expression="document.getElementById('try-it-file')")
        said = "document.getElementById('try-it-choose-said')"
        self.value(f"{said}.textContent = ''")
        self.ask("DOM.setFileInputFiles", files=[str(file)], objectId=found["result"]["objectId"])
        self.until(f"{said}.textContent.includes({json.dumps(file.name)})")
        return self.value(f"{said}.textContent")

    def answer(self):
        """The page's answer about what is chosen."""
        self.value("document.getElementById('try-it-ask').click()")
        self.until("TryIt.state.answer")
        return self.value(ANSWER)

    @property
    def loaded(self):
        """Address → bytes of what came over the network."""
        names, sizes = {}, {}
        for event in self._events:
            about = event.get("params", {})
            if event["method"] == "Network.requestWillBeSent":
                names[about["requestId"]] = about["request"]["url"]
            elif event["method"] == "Network.loadingFinished":
                sizes[names.get(about["requestId"])] = about["encodedDataLength"]
        return sizes


@pytest.fixture(scope="module")
def address(html):
    """The site as `agebook serve` hands it out."""
    command = [sys.executable, "-m", "agebook", "serve", "--folder", str(html), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    found = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())
    yield found[0]
    server.terminate()
    server.wait(timeout=30)


def open_browser(*options):
    if CHROMIUM is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    return Visitor(*options)


@pytest.fixture(scope="module")
def browser():  # in place of the one that all tests share: it can press and choose
    opened = open_browser()
    yield opened
    opened.close()


@pytest.fixture
def page(browser, address):
    """The page, ready for a choice."""
    browser.visit(f"{address}book/try-it.html")
    browser.until("!document.getElementById('try-it-choose').hidden")
    return browser


@pytest.fixture(scope="module")
def model():
    return deploy.load(MODEL)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Three drawn faces: a PNG of odd size, one that is smaller than twice the network's pictures, and a JPEG."""
    folder, files = tmp_path_factory.mktemp("drawn"), []
    for name, person, age, size in (
        ("nine.png", 11, 9, 199),
        ("thirty.png", 12, 30, 100),
        ("seventy.jpg", 13, 70, 420),
    ):
        files.append(folder / name)
        Image.fromarray(draw_faces([person], age, size=size)[0]).save(files[-1])
    return files


@pytest.fixture(scope="module")
def people(real_data, tmp_path_factory):
    """Three of UTKFace's aligned crops, as they are published."""
    folder, files = tmp_path_factory.mktemp("people"), []
    with tarfile.open(real_data / "utkface" / "UTKFace.tar.gz") as archive:
        pictures = (member for member in archive if member.isfile() and member.name.endswith(".jpg"))
        for number, member in enumerate(itertools.islice(pictures, 0, 300, 100)):
            files.append(folder / f"person-{number}.jpg")
            files[-1].write_bytes(archive.extractfile(member).read())
    return files


def compare(page, files, model, capsys, files_show_people=False):
    """The page's answers about whole images beside those of `agelib predict`, printed: equal on PNG, near on JPEG."""
    arguments = ["predict", *map(str, files), "--model", str(MODEL), "--no-detect", "--format", "csv"]
    capsys.readouterr()
    assert main(arguments) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(files)
    lines = []
    for file, row in zip(files, rows, strict=True):
        page.choose(file)
        found = page.answer()
        low, high = found["intervals"]["0.9"]
        tasks = {name: found["tasks"][name]["chosen"] for name in ("age_group", "gender", "ethnicity")}
        lines.append(
            f"{file.name:14} page {found['age']:6.2f} [{low:5.2f}, {high:6.2f}] {' '.join(tasks.values()):24} "
            f"predict {float(row['age']):6.2f} [{float(row['age_low']):5.2f}, {float(row['age_high']):6.2f}] "
            f"{row['age_group']} {row['gender']} {row['ethnicity']}"
        )
        small = np.array(found["small"], np.uint8).reshape(3, SIDE, SIDE)
        assert np.abs(small - read_picture(file, SIDE).astype(float)).mean() <= (LEVELS if file.suffix == ".jpg" else 0)
        if file.suffix != ".jpg" or files_show_people:
            within = YEARS if file.suffix == ".jpg" else 0.1
            assert found["age"] == pytest.approx(float(row["age"]), abs=within)
            assert low == pytest.approx(float(row["age_low"]), abs=within)
            assert high == pytest.approx(float(row["age_high"]), abs=within)
        assert file.suffix == ".jpg" or tasks == {name: row[name] for name in tasks}
        table = model.predict(small[None], 0.9).iloc[0]
        same = [table["predicted"], table["age_low"], table["age_high"]]
        assert [found["age"], low, high] == pytest.approx(same, abs=0.1), "of the same pixels"
        assert tasks == {name: table[f"predicted_{name}"] for name in tasks}
        for task in tasks:
            part = found["tasks"][task]
            for name, share in zip(part["names"], part["shares"], strict=True):
                assert share == pytest.approx(table[f"{task}={name}"], abs=0.01)
    with capsys.disabled():
        print("", *lines, sep="\n")


def test_the_page_answers_as_predict_does_about_drawn_faces(page, drawn, model, capsys):
    compare(page, drawn, model, capsys)
    assert page.errors == []


def test_the_page_answers_as_predict_does_about_people(page, people, model, capsys):
    compare(page, people, model, capsys, files_show_people=True)
    assert page.errors == []


def test_each_level_has_its_own_interval(page, drawn, model):
    page.choose(drawn[0])
    found = page.answer()["intervals"]
    images = np.array(page.value("Array.from(TryIt.state.small)"), np.uint8).reshape(1, 3, SIDE, SIDE)
    for level in (0.5, 0.8, 0.9, 0.95):
        row = model.predict(images, level).iloc[0]
        assert found[f"{level:g}"] == pytest.approx([row["age_low"], row["age_high"]], abs=0.02)


@pytest.mark.parametrize(
    ("left", "top", "side"), [(0, 0, 150), (31, 12, 97), (-20, 60, 130), (170, -30, 64), (40, 20, 40)]
)
def test_a_square_is_cut_out_to_the_bit_as_agelib_cuts_it_out(page, tmp_path, left, top, side):
    pixels = np.random.default_rng(side).integers(0, 256, (150, 211, 3), np.uint8)
    pixels[::3] = 255  # sharp edges, where a cubic goes below 0 and above 255
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    page.choose(tmp_path / "noise.png")
    for name, value in (("side", side), ("left", left), ("top", top)):
        page.value(
            f"(input => {{ input.value = {value}; input.dispatchEvent(new Event('change')); }})"
            f"(document.getElementById('try-it-{name}'))"
        )
    found = np.array(page.value("Array.from(TryIt.state.small)"), np.uint8).reshape(3, SIDE, SIDE)
    picture = Image.fromarray(pixels)
    wanted = cut_out(picture, (left, top, left + side, top + side), Frame(margin=0.0), SIDE)
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("side", [80, 200, 613])
def test_a_whole_png_is_read_to_the_bit_as_agelib_reads_it(page, tmp_path, side):
    file = tmp_path / "face.png"
    Image.fromarray(draw_faces([14], 50, size=side)[0]).save(file)
    page.choose(file)
    found = np.array(page.value("Array.from(TryIt.state.small)"), np.uint8).reshape(3, SIDE, SIDE)
    assert np.array_equal(found, read_picture(file, SIDE))


@pytest.mark.parametrize(
    ("side", "mode", "how"),
    [
        (200, "RGB", {"quality": 75}),
        (333, "RGB", {"quality": 95, "subsampling": "4:4:4"}),
        (613, "RGB", {"quality": 60, "restart_marker_rows": 1}),
        (257, "L", {"quality": 85}),
        (80, "RGB", {"quality": 85}),
        (200, "RGB", {"quality": 90, "progressive": True}),
        (200, "RGB", {"quality": 90, "subsampling": "4:2:2"}),
    ],
)
def test_a_jpeg_that_the_browser_decodes_is_nearly_what_agelib_reads(page, tmp_path, side, mode, how):
    file = tmp_path / "face.jpg"
    Image.fromarray(draw_faces([14], 50, size=side)[0]).convert(mode).save(file, **how)
    page.choose(file)
    found = np.array(page.value("Array.from(TryIt.state.small)"), float).reshape(3, SIDE, SIDE)
    assert np.abs(found - read_picture(file, SIDE)).mean() < LEVELS


def test_a_drawn_face_of_the_page_is_cut_out_as_the_model_knows_faces(page, html, model):
    page.value("document.querySelectorAll('#try-it-faces button')[2].click()")
    page.until("TryIt.state.small")
    answer = page.answer()
    described = json.loads((html / "_static" / "try-it" / "model.json").read_text())["faces"][2]
    left, top, side = described["crop"]
    picture = Image.open(html / "_static" / "try-it" / described["file"]).convert("RGB")
    cut = cut_out(picture, (left, top, left + side, top + side), Frame(margin=0.0), SIDE)
    assert answer["age"] == pytest.approx(model.predict(cut[None])["predicted"].iloc[0], abs=0.1)
    assert page.value("document.querySelector('#try-it-faces [aria-pressed=true]').innerText") == "drawn as 26"


def test_the_heat_map_is_that_of_agelib(page, drawn, model):
    page.choose(drawn[0])
    small = torch.tensor(page.answer()["small"], dtype=torch.uint8).reshape(1, 3, SIDE, SIDE)
    page.press("explain")
    page.until("TryIt.state.map && !document.getElementById('try-it-heat').hidden")
    found = np.array(page.value("Array.from(TryIt.state.map)")).reshape(SIDE, SIDE)

    class Mirrored(torch.nn.Module):
        def forward(self, x):
            return (model.network(x) + model.network(x.flip(-1))) / 2

    mean, std = (torch.from_numpy(values)[:, None, None] for values in (model.mean, model.std))
    normalised = (small.float() / 255 - mean) / std
    years = explain.mean_age(model.target)
    colour = (255 * mean).round()  # in whole levels
    alike = explain.occlusion_maps(Mirrored(), normalised, years, patch=SIDE // 4, fill=(colour / 255 - mean) / std)[0]
    wanted = explain.occlusion_maps(Mirrored(), normalised, years, patch=SIDE // 4)[0]
    assert np.abs(wanted).max() > 1, "a map of nothing would be alike by chance"
    assert np.abs(found - alike).max() < 0.01
    assert np.abs(found - wanted).max() < 0.3, "what the rounding of the colour changes"
    shown = page.value("document.getElementById('try-it-most').textContent")
    assert shown == f"+{np.abs(found).max():.1f} years"
    assert "The largest change" in page.value("document.getElementById('try-it-map-said').textContent")
    assert page.errors == []


def test_keys_move_and_resize_the_square_and_the_answer_follows(page, drawn):
    def numbers():
        return page.value("['left', 'top', 'side'].map(n => +document.getElementById(`try-it-${n}`).value)")

    page.choose(drawn[0])
    before = page.answer()["age"]
    page.value("document.getElementById('try-it-square').focus()")
    assert numbers() == [0, 0, 199]
    page.key("-")
    left, top, side = numbers()
    assert side < 199
    assert (left, top) == (pytest.approx((199 - side) / 2, abs=1), pytest.approx((199 - side) / 2, abs=1))
    page.key("ArrowRight")
    page.key("ArrowUp")
    assert numbers()[0] > left
    assert numbers()[1] < top
    page.until("TryIt.state.answer")
    assert page.value("TryIt.state.answer.age") != before
    page.press("largest")
    page.until("TryIt.state.answer")
    assert page.value("TryIt.state.answer.age") == pytest.approx(before)


def test_the_pointer_drags_the_square(page, drawn):
    page.choose(drawn[0])
    page.value("document.getElementById('try-it-square').scrollIntoView({block: 'center'})")
    x, y, width = page.value(
        "(r => [r.x, r.y, r.width])(document.getElementById('try-it-square').getBoundingClientRect())"
    )
    corner, middle = (x + width - 5, y + width - 5), (x + width / 3, y + width / 3)
    for (fromx, fromy), by in ((corner, -60), (middle, 25)):
        for kind, off in (("mousePressed", 0), ("mouseMoved", by), ("mouseReleased", by)):
            how = {"button": "left", "buttons": 1, "clickCount": 1}
            page.ask("Input.dispatchMouseEvent", type=kind, x=fromx + off, y=fromy + off, **how)
    pixel = 199 / width
    left, side = page.value("['left', 'side'].map(n => +document.getElementById(`try-it-${n}`).value)")
    assert side == pytest.approx(199 - 60 * pixel, abs=1)
    assert left == pytest.approx(25 * pixel, abs=1)


def test_what_is_no_picture_is_answered_politely(page, tmp_path, drawn):
    whole = drawn[2].read_bytes()
    files = {
        "notes.txt": (b"eight", "not a picture this page reads"),
        "vector.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture this page reads"),
        "empty.jpg": (b"", "is empty"),
        "broken.png": (b"\x89PNG\r\n\x1a\n" + bytes(50), "could not be read"),
        "torn.jpg": (whole[:300], "could not be read"),
        "heavy.jpg": (whole + bytes(20_000_001), "this page reads up to 20 MB"),
    }
    wide = io.BytesIO()
    Image.new("L", (12_001, 8)).save(wide, "PNG")
    files["wide.png"] = (wide.getvalue(), "this page reads up to 12000 a side")
    for name, (content, said) in files.items():
        (tmp_path / name).write_bytes(content)
        assert said in page.choose(tmp_path / name)
    assert page.value("document.getElementById('try-it-place').hidden")
    assert page.errors == []


def test_a_large_picture_is_made_smaller(page, tmp_path):
    Image.new("RGB", (6000, 3000), "teal").save(tmp_path / "large.png")
    assert "4096 × 2048 pixels" in page.choose(tmp_path / "large.png")
    assert page.value("Array.from(TryIt.state.small.slice(0, 1))") == [0]
    assert page.errors == []


def test_without_a_camera_the_page_says_so(page):
    page.press("camera")
    page.until("/camera/i.test(document.getElementById('try-it-choose-said').textContent)")
    assert page.value("document.getElementById('try-it-live').hidden")
    assert page.errors == []


def test_the_camera_is_closed_after_its_picture(address):
    browser = open_browser("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    try:
        browser.visit(f"{address}book/try-it.html")
        browser.until("!document.getElementById('try-it-choose').hidden")
        browser.press("camera")
        browser.until("document.getElementById('try-it-video').videoWidth")
        browser.value("window.track = document.getElementById('try-it-video').srcObject.getTracks()[0]")
        assert browser.value("track.readyState") == "live"
        browser.press("shoot")
        browser.until("TryIt.state.picture")
        assert browser.value("track.readyState") == "ended"
        assert 0 < browser.answer()["age"] < 116
        assert browser.errors == []
    finally:
        browser.close()


def test_a_page_from_the_disk_says_how_to_read_it(browser, html):
    browser.visit((html / "book" / "try-it.html").as_uri())
    browser.until("document.getElementById('try-it-intro-said').textContent.includes('make serve')")
    assert browser.value("document.getElementById('try-it-choose').hidden")
    assert browser.errors == []


def test_the_runtime_is_loaded_for_the_first_answer_and_from_nowhere_else(page, address, drawn, capsys):
    page.ask("Network.clearBrowserCache")
    page.visit(f"{address}book/try-it.html")
    page.until("!document.getElementById('try-it-choose').hidden")
    page.choose(drawn[0])
    assert not [each for each in page.requests if "onnx" in each]
    page.press("ask")
    seconds = page.until("TryIt.state.answer")
    assert [each for each in page.requests if each.endswith(".wasm")]
    outside = [each for each in page.requests if not each.startswith((address, "blob:", "data:"))]
    assert outside == []
    assert page.errors == []
    with capsys.disabled():
        print(f"\nfirst answer after {seconds:.2f} s; what the page fetched, KB:")
        for name, size in sorted(page.loaded.items(), key=lambda each: -each[1]):
            if "try-it" in name or "onnx" in name:
                print(f"{size / 1e3:9.1f}  {name.removeprefix(address)}")


def test_no_other_page_loads_the_runtime(browser, address, html):
    for path in sorted(html.rglob("*.html")):
        if path.name != "try-it.html":
            text = path.read_text(encoding="utf-8")
            assert "_static/onnxruntime" not in text, path
            assert "_static/try-it/" not in text, path
    browser.visit(f"{address}book/datasets.html")
    assert not [each for each in browser.requests if "onnx" in each or "_static/try-it/" in each]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (400, False), (400, True)])
def test_an_answer_fits_the_screen(browser, address, html, width, dark):
    browser.visit(f"{address}book/try-it.html", width, 900, dark)
    browser.until("!document.getElementById('try-it-choose').hidden")
    browser.value("document.querySelectorAll('#try-it-faces button')[3].click()")
    browser.until("TryIt.state.small")
    browser.answer()
    browser.press("explain")
    browser.until("TryIt.state.map")
    assert browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert browser.value("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    high = browser.value("document.documentElement.scrollHeight")
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=high, deviceScaleFactor=1, mobile=False)
    browser.picture(FOLDER / "screenshots" / f"try-it-{width}-{'dark' if dark else 'light'}.png")


def test_every_control_has_a_name_and_headings_are_in_order(page, drawn):
    page.choose(drawn[0])
    page.answer()
    unnamed = page.value("""[...document.querySelectorAll(
        'article :is(button, input, select, canvas[role], svg, video, progress, [tabindex="0"])')]
        .filter(e => !(e.ariaLabel || e.labels?.length || e.innerText || e.querySelector('title')
        || e.getAttribute('aria-label'))).map(e => e.outerHTML.slice(0, 120))""")
    assert unnamed == []
    levels = page.value("[...document.querySelectorAll('article :is(h1, h2, h3, h4)')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_what_the_page_says_of_errors_is_what_the_model_says(html):
    text = (html / "book" / "try-it.html").read_text(encoding="utf-8")
    about = json.loads((MODEL / "model.json").read_text(encoding="utf-8"))["about"]
    assert f"{about['environment']['pictures']['train']:,} photographs of people from UTKFace" in text
    first = (html / "book" / "index.html").read_text(encoding="utf-8")
    assert demo.TRAINED not in first
    assert f"{about['test']['MAE'][0]:.1f} years" in first
    rows = [(by, name, row) for by, groups in about["groups"].items() for name, row in groups.items()]
    assert len(rows) > 5
    for by, name, row in rows:
        found = re.search(rf"{by} {name}.*?</tr>", text, re.DOTALL)[0]
        assert f"{row['MAE']:.1f}" in found
        assert f"{row['count']:,}" in found
    for mark in (demo.TRAINED, demo.ERRORS, demo.MEGABYTES, demo.ESTIMATE):
        assert mark not in text


def test_the_graph_in_16_bits_is_small_and_gives_the_same_outputs(html, model):
    file = html / "_static" / "try-it" / "model.onnx"
    assert file.stat().st_size <= 4e6
    images = torch.randint(0, 256, (3, 3, SIDE, SIDE), dtype=torch.uint8)
    found = onnxruntime.InferenceSession(str(file)).run(None, {"pictures": images.numpy()})[0]
    with torch.no_grad():
        wanted = Graph(model.network, model.mean, model.std, flip=True)(images).numpy()
    assert np.abs(found - wanted).max() < 1e-4


def test_a_model_without_a_posterior_is_refused(model):
    from dataclasses import replace

    from agelib.targets.regression import Regression

    with pytest.raises(ValueError, match="reads mean or median of a posterior"):
        demo.describe(replace(model, target=Regression("mae")))


def test_a_book_without_the_page_gets_nothing_and_one_without_the_model_is_told(tmp_path):
    pages = {"book/index.md": b"# A book"}
    demo.complete(pages, tmp_path)
    assert list(pages) == ["book/index.md"]
    assert demo.key(tmp_path) == ""
    (tmp_path / "book").mkdir()
    (tmp_path / demo.PAGE).write_text("# Try it")
    with pytest.raises(FileNotFoundError, match="needs the model in"):
        demo.complete({demo.PAGE: b"# Try it"}, tmp_path)


def test_where_there_is_no_page_the_site_has_one_for_that(tmp_path):
    (tmp_path / "index.html").write_text("<h1>A book</h1>")
    for own in (b"Error code: 404", b"<h1>Lost</h1>"):
        with serve_site.open_server(tmp_path) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            with pytest.raises(urllib.error.HTTPError, match="404") as answered:
                urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/moved.html")
            assert own in answered.value.read()
            server.shutdown()
        (tmp_path / "404.html").write_text("<h1>Lost</h1>")


def test_the_server_names_what_a_browser_is_particular_about(tmp_path, html):
    with pytest.raises(FileNotFoundError, match="make book"):
        serve_site.open_server(tmp_path)
    with serve_site.open_server(html) as server:
        assert server.server_address[0] == "127.0.0.1"
        with pytest.raises(OSError, match="choose another with --port"):
            serve_site.open_server(html, server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, kind in (
            ("onnxruntime/ort-wasm-simd-threaded.wasm", "application/wasm"),
            ("onnxruntime/ort-wasm-simd-threaded.mjs", "text/javascript"),
        ):
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/_static/{name}") as answer:
                assert answer.headers["Content-Type"] == kind
        server.shutdown()


def test_the_runtime_that_is_published_is_the_one_that_is_listed(html):
    (folder,) = [folder for folder in npm.fetch_scripts(REPOSITORY) if folder.name == "onnxruntime"]
    for path in folder.iterdir():
        assert (html / "_static" / "onnxruntime" / path.name).read_bytes() == path.read_bytes()
