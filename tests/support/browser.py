"""A real browser for the tests: headless Chromium, spoken to through its debugging protocol.

No host but this machine is reachable from it.
"""

import base64
import functools
import gzip
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import websocket

#: Where the site of the tests is built, and what is written about its pages.
FOLDER = Path(__file__).resolve().parents[2] / "_build" / "tests"

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

#: Addresses that leave neither the site nor the page.
INSIDE = ("file:", "data:", "blob:", "http://127.0.0.1:", "about:")


class Browser:
    """One page of Chromium, with what its console said and what it asked for since :meth:`open`."""

    def __init__(self, *options):
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        command = [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--remote-debugging-port=0",
            "--remote-allow-origins=*",
            f"--user-data-dir={self._folder.name}",
            *options,
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
        self._socket = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=120)
        self._number = 0
        self._events = []
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.ask(f"{domain}.enable")

    def ask(self, method, **parameters):
        """Send one command of the protocol and return its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                return message.get("result", {})
            self._events.append(message)

    def resize(self, width=1280, height=1600, mobile=False):
        """Give the page another size, in CSS pixels."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def open(self, address, until="true"):
        """Open a page, by its file or address, and wait for an expression of its to become true."""
        self._events.clear()
        self.ask("Page.navigate", url=address.as_uri() if isinstance(address, Path) else address)
        self.wait(f"document.readyState === 'complete' && location.href !== 'about:blank' && ({until})")

    def wait(self, expression, seconds=30):
        """Wait for an expression to become true; say whether it did."""
        deadline = time.monotonic() + seconds
        while not self.value(expression):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def value(self, expression):
        """What a JavaScript expression, or the promise that it makes, comes to."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return answer.get("result", {}).get("value")

    @property
    def errors(self) -> list[str]:
        """What the console and the page complained about since the page was opened."""
        self.value("0")
        found = []
        for event in self._events:
            about = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                found.append(about["exceptionDetails"].get("exception", {}).get("description", "an exception"))
            elif event["method"] == "Runtime.consoleAPICalled" and about["type"] == "error":
                found.append(" ".join(str(each.get("value")) for each in about["args"]))
            elif event["method"] == "Log.entryAdded" and about["entry"]["level"] == "error":
                found.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")
        return found

    @property
    def requests(self) -> list[str]:
        """Addresses that were asked for since the page was opened."""
        self.value("0")
        return [
            event["params"]["request"]["url"]
            for event in self._events
            if event["method"] == "Network.requestWillBeSent"
        ]

    @property
    def outside(self) -> list[str]:
        """Requests that leave the site."""
        return [address for address in self.requests if not address.startswith(INSIDE)]

    def key(self, key, code=None):
        """Press a key and let it go, such as ArrowRight."""
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, **text)

    def picture(self, file: Path):
        """Save what the page looks like."""
        data = self.ask("Page.captureScreenshot", format="png")["data"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(data))

    def close(self):
        self._process.terminate()
        self._process.wait(timeout=30)
        self._folder.cleanup()


@functools.cache
def packed_size(file: Path) -> int:
    """Bytes of a file as a server sends it: text packed with gzip, what is packed already as it is."""
    data = file.read_bytes()
    text = file.suffix in (".html", ".css", ".js", ".mjs", ".json", ".svg", ".ttf", ".wasm")
    return len(gzip.compress(data, 6)) if text else len(data)
