"""Progress that stays readable: one line that is rewritten in place, in a terminal and in a notebook.

A published page keeps only the last state of the line, not one line for every step; the log of a command (see
:mod:`agelib.runtime.logs`) keeps it too, and a line a minute of what takes longer. Explained in "For operators".
"""

import contextlib
import logging
import sys
import threading
import time
import weakref
from collections.abc import Iterable, Iterator

from agelib.runtime import interrupts, workspace

_LOG = logging.getLogger("agelib.runtime.progress")

#: Seconds after which something without steps is worth a line.
PATIENCE = 1.0

#: Seconds between two records of an open line in the log.
MINUTE = 60.0


class Line:
    """One line of progress: ``title: done of total unit, note, seconds, time left``.

    In a terminal it is rewritten once a second at least, so that a long step is seen to go on.

    Parameters
    ----------
    title, total, unit : str, int, str
        What is being done; how many steps there are (0: none that could be counted), and of what, in the plural.
    shown, after : bool, float
        False writes nothing at all; seconds from which on it is shown: what is over before shows nothing.
    usual : float
        Seconds that it took the last time, where that is known: what the time left goes by if there are no steps.

    Examples
    --------
    >>> line = Line("decode", 2, "pictures", shown=False)
    >>> line.within(0.5)
    >>> line.text()
    'decode: 0 of 2 pictures and 50 % of the next'
    >>> line.advance(2)
    >>> line.text()
    'decode: 2 of 2 pictures'
    """

    def __init__(
        self, title: str, total: int = 0, unit: str = "pictures", shown: bool = True, after=0.0, usual: float = 0.0
    ):
        self.title, self.total, self.unit, self.shown = title, total, unit, shown
        self.done, self.note, self.after, self.usual = 0, "", after, usual
        self._part, self._advanced = 0.0, 0
        self.started = self._written = self._noted = time.perf_counter()
        self._display = None
        if shown:
            if not after and in_notebook():
                self._display = _display(self.text())
            _OPEN.add(self)

    def text(self) -> str:
        """The line as it stands, without the time."""
        counted = f": {self.done:,} of {self.total:,} {self.unit}" if self.total else ""
        part = f" and {100 * self._part:.0f} % of the next" if self._part else ""
        return f"{self.title}{counted}{part}" + (f", {self.note}" if self.note else "")

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` more as done; the line is rewritten at most five times a second, and at the end."""
        interrupts.check()
        self.done += steps
        self._advanced += steps
        self._part = 0.0
        self.note = note or self.note
        self._rewrite(at_once=self.done >= self.total)

    def notes(self, note: str) -> None:
        """Show other words beside the count."""
        self.note = note
        self._rewrite()

    def within(self, share: float) -> None:
        """Say how much of the next step is done, from 0 to 1, where a step takes long."""
        self._part = min(share, 0.99)
        self._rewrite()

    def timed(self) -> str:
        """The line as it stands, with the time that it took and about how long it will still take."""
        passed = time.perf_counter() - self.started
        return f"{self.text()}, {passed:.1f} s{self._left(passed)}"

    def _left(self, passed: float) -> str:
        """About how long it will take still, once enough is done to tell."""
        if not self.total:
            return f", about {in_words(self.usual - passed)} left" if self.usual > passed else ""
        gone = self._advanced + self._part
        if passed < 2 or not gone or self.done >= self.total:
            return ""
        return f", about {in_words(passed / gone * (self.total - self.done - self._part))} left"

    def close(self, note: str = "") -> None:
        """Write the line a last time, and leave it there."""
        self.note, self._part = note or self.note, 0.0
        _OPEN.discard(self)
        passed = time.perf_counter() - self.started
        if not self.shown or passed < self.after:
            return
        text = f"{self.text()}, {passed:.1f} s"
        _LOG.info(text)
        if self._display is not None or not in_notebook():
            self._write(text, closing=True)

    def _rewrite(self, at_once: bool = False) -> None:
        now = time.perf_counter()
        if self.shown and now - self.started >= self.after and (at_once or now - self._written > 0.2):
            self._written = now
            self._write(self.timed())

    def tick(self) -> None:
        """Show that time goes by, and note a long step in the log; called once a second."""
        now = time.perf_counter()
        if self._display is None and not in_notebook() and now - self._written > 0.9:
            self._rewrite()
        if now - self._noted > MINUTE:
            self._noted = now
            _LOG.info(self.timed())

    def _write(self, text: str, closing: bool = False) -> None:
        if self._display is None and in_notebook():
            self._display = _display(text)
        elif self._display is not None:
            self._display.update({"text/plain": text}, raw=True)
        elif sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="\n" if closing else "", file=sys.stderr, flush=True)
        elif closing:
            print(text, file=sys.stderr, flush=True)  # a log file gets the last state alone


class _OpenLines:
    """The lines that are not closed, in the order in which they were opened; a thread of its own ticks them."""

    def __init__(self):
        self._lines: list[weakref.ref[Line]] = []
        self._lock, self._thread = threading.Lock(), None

    def lines(self) -> list[Line]:
        found = [reference() for reference in list(self._lines)]
        return [line for line in found if line is not None]

    def add(self, line: Line) -> None:
        with self._lock:
            self._lines = [weakref.ref(each) for each in [*self.lines(), line]]
            if self._thread is None and (sys.stderr.isatty() or _LOG.isEnabledFor(logging.INFO)):
                self._thread = threading.Thread(target=self._tick, name="progress", daemon=True)
                self._thread.start()

    def discard(self, line: Line) -> None:
        with self._lock:
            self._lines = [weakref.ref(each) for each in self.lines() if each is not line]

    def _tick(self) -> None:
        while True:
            time.sleep(1.0)
            with self._lock:
                lines = self.lines()
                if not lines:
                    self._thread = None
                    return
                # A line of progress is no reason to say anything else, whatever the stream or the display raises.
                with contextlib.suppress(Exception):
                    lines[-1].tick()
            del lines


_OPEN = _OpenLines()


def open_lines() -> list[Line]:
    """The lines that are shown and not closed, the outermost first: what is being done just now."""
    return _OPEN.lines()


def clear() -> None:
    """Make room for other words in a terminal: a line that is open is written again below them."""
    if open_lines() and sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def in_words(seconds: float) -> str:
    """A length of time, as exact as a guess deserves.

    >>> in_words(47.3), in_words(800), in_words(9000)
    ('47 s', '13 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


@contextlib.contextmanager
def steady(title: str, shown: bool = True):
    """Show that something without steps goes on, once it has taken a second, and about when it will be over.

    How long it took is remembered in the workspace, so that the next time has something to go by.

    Yields
    ------
    Line
        Its `note` may be set.

    Examples
    --------
    >>> with steady("print the book") as line:
    ...     line.note = "222 pages"
    """
    file = workspace.home() / "logs" / "seconds.json"
    line = Line(title, shown=shown, after=PATIENCE, usual=_remembered(file).get(title, 0.0))
    yield line
    interrupts.check()  # a library that is being imported may have swallowed the KeyboardInterrupt
    line.close()
    passed = time.perf_counter() - line.started
    if shown and passed >= 2 * PATIENCE:
        workspace.write_json(file, _remembered(file) | {title: round(passed, 1)})


def _remembered(file) -> dict:
    try:
        return workspace.read_json(file)
    except (OSError, ValueError):
        return {}


def track(
    things: Iterable, title: str, total: int | None = None, unit: str = "pictures", shown: bool = True, after=0.0
) -> Iterator:
    """Yield from `things` and show how far it is.

    >>> sum(track([1, 2, 3], "add", unit="numbers", shown=False))
    6
    """
    line = Line(title, len(things) if total is None else total, unit, shown, after)
    for thing in things:
        yield thing
        line.advance()
    line.close()


def in_notebook() -> bool:
    """Whether this is the process of a notebook's kernel."""
    # Not by IPython's get_ipython, which imports: another thread may be importing IPython at this moment.
    kernel = getattr(sys.modules.get("ipykernel.kernelapp"), "IPKernelApp", None)
    return kernel is not None and kernel.initialized()


def _display(text: str):
    from IPython.display import display

    return display({"text/plain": text}, raw=True, display_id=True)
