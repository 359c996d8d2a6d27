"""Progress that stays readable: one line that is rewritten in place, in a terminal and in a notebook.

A published page keeps only the last state of the line, not one line for every step. Explained in "How to run".
"""

import sys
import time
from collections.abc import Iterable, Iterator


class Line:
    """One line of progress: ``title: done of total unit, note, seconds, seconds left``.

    Parameters
    ----------
    title : str
        What is being done.
    total : int
        How many steps there are.
    unit : str
        What a step is, in the plural: pictures, epochs, runs.
    shown : bool
        False writes nothing at all.

    Examples
    --------
    >>> line = Line("decode", 2, "pictures", shown=False)
    >>> line.advance(2)
    >>> line.text()
    'decode: 2 of 2 pictures'
    """

    def __init__(self, title: str, total: int, unit: str = "pictures", shown: bool = True):
        self.title, self.total, self.unit = title, total, unit
        self.done, self.note = 0, ""
        self.started = self._written = time.perf_counter()
        self._display = _display(self.text()) if shown and _in_notebook() else None
        self._to_terminal = shown and self._display is None

    def text(self) -> str:
        """The line as it stands, without the time."""
        return f"{self.title}: {self.done:,} of {self.total:,} {self.unit}" + (
            f", {self.note}" if self.note else ""
        )

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` more as done; the line is rewritten at most five times a second, and at the end."""
        self.done += steps
        self.note = note or self.note
        now = time.perf_counter()
        if now - self._written > 0.2 or self.done >= self.total:
            self._written = now
            self._write(f"{self.text()}, {now - self.started:.1f} s{self._left(now)}")

    def _left(self, now: float) -> str:
        """About how long it will take still, once enough is done to tell."""
        if not 0 < self.done < self.total or now - self.started < 2:
            return ""
        left = (now - self.started) / self.done * (self.total - self.done)
        return f", about {left:.0f} s left" if left < 120 else f", about {left / 60:.0f} min left"

    def close(self, note: str = "") -> None:
        """Write the line a last time, and leave it there."""
        self.note = note or self.note
        self._write(f"{self.text()}, {time.perf_counter() - self.started:.1f} s", closing=True)
        if self._to_terminal:
            print(file=sys.stderr)

    def _write(self, text: str, closing: bool = False) -> None:
        if self._display is not None:
            self._display.update({"text/plain": text}, raw=True)
        elif self._to_terminal and sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif self._to_terminal and closing:
            print(text, end="", file=sys.stderr, flush=True)  # a log file gets the last state alone


def track(
    things: Iterable, title: str, total: int | None = None, unit: str = "pictures", shown: bool = True
) -> Iterator:
    """Yield from `things` and show how far it is.

    >>> sum(track([1, 2, 3], "add", unit="numbers", shown=False))
    6
    """
    line = Line(title, len(things) if total is None else total, unit, shown)
    for thing in things:
        yield thing
        line.advance()
    line.close()


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell else None
    return running is not None and "IPKernelApp" in running.config


def _display(text: str):
    from IPython.display import display

    return display({"text/plain": text}, raw=True, display_id=True)
