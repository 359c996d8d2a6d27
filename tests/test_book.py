"""The published pages, as a browser without a network sees them."""

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
import websocket

from agelib.publishing import book
from agelib.publishing.chapters import REPOSITORY, read_contents
from agelib.store import lock

pytestmark = pytest.mark.book

FOLDER = REPOSITORY / "_build" / "tests"
PAGES = read_contents(REPOSITORY)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

#: What is asked of every page: pictures that failed, pictures without words, formulas and widgets still undrawn.
LOOK = """(() => {
  const pictures = [...document.images];
  return {
    title: document.querySelector('h1')?.innerText ?? '',
    broken: pictures.filter(i => i.complete && !i.naturalWidth).map(i => i.src.slice(0, 200)),
    silent: pictures.filter(i => !i.alt.trim()).map(i => i.src.slice(0, 200)),
    formulas: document.querySelectorAll('.math').length,
    drawnFormulas: document.querySelectorAll('mjx-container').length,
    faultyFormulas: document.querySelectorAll('mjx-merror').length,
    widgets: document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]').length,
    drawnWidgets: document.querySelectorAll('.jupyter-widgets').length,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
})()"""


class Browser:
    """One headless Chromium, spoken to through its debugging protocol; every host but the files is unreachable."""

    def __init__(self, *flags):
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-")
        command = [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--remote-debugging-port=0",
            "--remote-allow-origins=*",
            f"--user-data-dir={self._folder.name}",
            *flags,
            "about:blank",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        noted = Path(self._folder.name, "DevToolsActivePort")
        until = time.monotonic() + 60
        while not (noted.is_file() and len(noted.read_text().split()) == 2):
            if time.monotonic() > until:
                self.close()
                raise RuntimeError("Chromium did not start within a minute")
            time.sleep(0.1)
        port = noted.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            target = next(each for each in json.load(answer) if each["type"] == "page")
        self._socket = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=60)
        self._number = 0
        self._events = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    def _ask(self, method, **parameters):
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                return message.get("result", {})
            self._events.append(message)

    def look(self, file: Path, width=1280, height=1600, until="true"):
        """Open a page; return what it shows, what its console said, and which addresses it asked for."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self._events.clear()
        self._ask("Page.navigate", url=file.as_uri())
        deadline = time.monotonic() + 30
        ready = f"document.readyState === 'complete' && ({until})"
        while not self._value(ready) and time.monotonic() < deadline:
            time.sleep(0.1)
        # A page that loads pictures as one scrolls has to have been scrolled.
        self._value("document.querySelectorAll('img').forEach(i => { i.loading = 'eager' })")
        time.sleep(0.3)
        seen = self._value(LOOK)
        errors, asked = [], []
        for event in self._events:
            about = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                errors.append(
                    about["exceptionDetails"].get("exception", {}).get("description", "an exception")
                )
            elif event["method"] == "Runtime.consoleAPICalled" and about["type"] == "error":
                errors.append(" ".join(str(each.get("value")) for each in about["args"]))
            elif event["method"] == "Log.entryAdded" and about["entry"]["level"] == "error":
                errors.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")
            elif event["method"] == "Network.requestWillBeSent":
                asked.append(about["request"]["url"])
        return seen, errors, asked

    def _value(self, expression):
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer.get("result", {}).get("value")

    def picture(self, file: Path):
        """Save what the page looks like."""
        data = self._ask("Page.captureScreenshot", format="png")["data"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(data))

    def close(self):
        self._process.terminate()
        self._process.wait(timeout=30)
        self._folder.cleanup()


@pytest.fixture(scope="module")
def html():
    """The whole book in the smoke profile; built by whichever test process comes first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGELIB_HOME", str(FOLDER / "home"))
        with lock(FOLDER / "book"):
            assert book("smoke", jobs=2, folder=FOLDER) == 0
    return FOLDER / "html"


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    opened = Browser()
    yield opened
    opened.close()


def test_the_site_begins_at_its_index(html, browser):
    seen, errors, _ = browser.look(html / "index.html", until="document.querySelector('h1')")
    assert seen["title"]
    assert errors == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_without_a_network(html, browser, page):
    drawn = (
        "document.querySelectorAll('mjx-container').length >= document.querySelectorAll('.math').length"
        " && (!document.querySelector('script[type$=\"widget-view+json\"]')"
        " || document.querySelector('.jupyter-widgets'))"
    )
    seen, errors, asked = browser.look(html / f"{page}.html", until=drawn)
    browser.picture(FOLDER / "screenshots" / f"{Path(page).name}.png")
    assert seen["title"]
    assert seen["broken"] == []
    assert seen["silent"] == [], "every picture needs an alt text: cell metadata mystnb.image.alt"
    assert seen["faultyFormulas"] == 0
    assert seen["drawnFormulas"] >= seen["formulas"]
    assert seen["drawnWidgets"] >= seen["widgets"]
    assert errors == []
    assert [address for address in asked if not address.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_telephone(html, browser, page):
    seen, _, _ = browser.look(html / f"{page}.html", width=400, height=800)
    assert seen["wide"] <= 0, "something is wider than the page"


def test_every_chapter_says_how_it_was_run(html):
    for page in PAGES:
        if page.startswith("notebooks/"):
            text = (html / f"{page}.html").read_text(encoding="utf-8")
            assert "This page was run" in text
            assert "profile smoke" in text


def test_pages_show_no_path_of_this_machine(html):
    for path in html.rglob("*.html"):
        assert str(REPOSITORY) not in path.read_text(encoding="utf-8"), path
