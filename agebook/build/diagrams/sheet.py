"""A sheet to draw a diagram on: boxes, arrows, grids and words, written as one SVG file.

Coordinates are CSS pixels, x to the right and y downward. What a mark looks like is said by class names, never by a
colour: ``"blue"`` tints a shape, ``"blue strong"`` more, ``"muted"`` greys words. In a file of its own a diagram lies
on a card and follows the reader's system, so it can be read in JupyterLab's light and dark themes alike; on a page of
the book, ``book/_static/diagrams/diagrams.css`` gives the same variables the colours of the page.
"""

import re
from collections.abc import Iterable, Sequence
from math import hypot
from xml.sax.saxutils import escape, quoteattr

#: Name → colour: those of the book's figures, see :data:`agelib.plots.theme.COLOURS`.
PALETTE = {
    "blue": "#0173b2",
    "orange": "#de8f05",
    "green": "#029e73",
    "red": "#d55e00",
    "purple": "#cc78bc",
    "brown": "#ca9161",
}

#: How every diagram looks. A shape takes its colour from `color`, words never do.
STYLE = "".join(
    [
        "svg.diagram{--ink:#1f2328;--muted:#57606a;--ground:#fff;--line:#6e7781;color:var(--line);"
        'font:14px system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}',
        "@media (prefers-color-scheme:dark){svg.diagram{--ink:#e6edf3;--muted:#a3adb8;--ground:#161b22;"
        "--line:#8b949e}}",
        ".diagram .ground{fill:var(--ground);stroke:none}",
        ".diagram text{fill:var(--ink);text-anchor:middle}",
        ".diagram .start{text-anchor:start}.diagram .end{text-anchor:end}",
        ".diagram .muted{fill:var(--muted)}.diagram .bold{font-weight:600}.diagram .large{font-size:16px}",
        ".diagram .small{font-size:13px}.diagram .number{font-variant-numeric:tabular-nums}",
        ".diagram .shape{fill:currentColor;fill-opacity:.16;stroke:currentColor;stroke-width:1.5}",
        ".diagram .wire{fill:none;stroke:currentColor;stroke-width:1.5}.diagram .tip{fill:currentColor;stroke:none}",
        ".diagram .strong{fill-opacity:.45}.diagram .empty{fill-opacity:0}.diagram .bare{stroke:none}",
        ".diagram .opaque{fill:var(--ground);fill-opacity:1}.diagram .thin{stroke-width:.75}",
        ".diagram .thick{stroke-width:3}.diagram .dash{stroke-dasharray:5 4}.diagram .ink{color:var(--ink)}",
        ".diagram .thick{stroke-width:3}.diagram .dash{stroke-dasharray:5 4}.diagram .ink{color:var(--ink)}",
        ".diagram .solid{fill-opacity:1}.diagram .fill{fill:currentColor;fill-opacity:.4;stroke:none}",
        *(f".diagram .{name}{{color:{colour}}}" for name, colour in PALETTE.items()),
    ]
)

#: Length and half width of an arrow's head.
HEAD = (9, 4.5)

#: Marks inside words: x_{1} is set below the line, 2^{φ} above it.
RAISED = re.compile(r"([_^])\{([^}]*)\}")


class Sheet:
    """One diagram.

    Parameters
    ----------
    name : str
        Of the file, without its ending.
    title, description : str
        What it shows, in a few words and in a sentence or two: for readers who do not see it.
    width, height : int
        At most 720 wide, so that words of 13 pixels stay legible on every page.
    live : str
        Name of the script in ``book/_static/diagrams`` that brings it to life; empty: it stands still.

    Examples
    --------
    >>> sheet = Sheet("pair", "Two boxes", "An arrow leads from the first box to the second.", 200, 60)
    >>> sheet.box(10, 10, 60, 40, "x_{1}", "blue")
    >>> sheet.arrow((70, 30), (130, 30))
    >>> print(*sheet.svg().splitlines()[4:6], sep="\\n")
    <rect class="shape blue" x="10" y="10" width="60" height="40" rx="4"/>
    <text x="40" y="35">x<tspan dy="4" font-size="10.5">1</tspan></text>
    """

    def __init__(self, name: str, title: str, description: str, width: int, height: int, live: str = ""):
        self.name, self.title, self.description = name, title, description
        self.width, self.height, self.live = width, height, live
        self._marks: list[str] = []

    def svg(self) -> str:
        """The file's text."""
        live = f' data-live="{self.live}"' if self.live else ""
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}"'
        begin = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram" {size} role="img"{live}>',
            f"<title>{escape(self.title)}</title><desc>{escape(self.description)}</desc>",
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{self.width}" height="{self.height}" rx="8"/>',
        ]
        return "\n".join([*begin, *self._marks, "</svg>"]) + "\n"

    def text(self, x: float, y: float, words: str, kind: str = "", **data) -> None:
        """Write words around x, on the line y; with ``"start"`` or ``"end"`` in kind, from x on or up to it."""
        self._marks.append(f"<text{_class(kind)}{_places(x=x, y=y)}{_data(data)}>{_set(words)}</text>")

    def lines(self, x: float, y: float, words: Iterable[str], kind: str = "", step: float = 18) -> None:
        """Write several lines, the first on y."""
        for number, line in enumerate(words):
            self.text(x, y + number * step, line, kind)

    def box(
        self, x: float, y: float, width: float, height: float, words: str = "", kind: str = "", round: float = 4, **data
    ) -> None:
        """Draw a rectangle, with its words in the middle; a ``\\n`` in them begins another line."""
        places = _places(x=x, y=y, width=width, height=height, **({"rx": round} if round else {}))
        self._marks.append(f'<rect class="{_names("shape", kind)}"{places}{_data(data)}/>')
        if words:
            rows = words.split("\n")
            first = y + height / 2 - 9 * (len(rows) - 1) + 5
            self.lines(x + width / 2, first, rows)

    def circle(self, x: float, y: float, radius: float, words: str = "", kind: str = "", **data) -> None:
        """Draw a circle, with its words in the middle."""
        self._marks.append(f'<circle class="{_names("shape", kind)}"{_places(cx=x, cy=y, r=radius)}{_data(data)}/>')
        if words:
            self.text(x, y + 5, words)

    def shape(self, points: Sequence[tuple[float, float]], kind: str = "") -> None:
        """Draw a closed polygon."""
        self._marks.append(f'<path class="{_names("shape", kind)}" d="{_path(points)}Z"/>')

    def path(self, commands: str, kind: str = "", **data) -> None:
        """Draw an open line that is given in SVG's own commands."""
        self._marks.append(f'<path class="{_names("wire", kind)}" d="{commands}"{_data(data)}/>')

    def line(self, *points: tuple[float, float], kind: str = "", **data) -> None:
        """Draw a line through points."""
        self.path(_path(points), kind, **data)

    def arrow(self, *points: tuple[float, float], kind: str = "", **data) -> None:
        """Draw a line through points, with a head at the last one."""
        (x0, y0), (x, y) = points[-2:]
        length, half = HEAD
        far = hypot(x - x0, y - y0)
        along = ((x - x0) / far, (y - y0) / far)
        foot = (x - length * along[0], y - length * along[1])
        across = (-half * along[1], half * along[0])
        self.line(*points[:-1], foot, kind=kind, **data)
        corners = [(x, y), (foot[0] + across[0], foot[1] + across[1]), (foot[0] - across[0], foot[1] - across[1])]
        self._marks.append(f'<path class="{_names("tip", kind)}" d="{_path(corners)}Z"{_data(data)}/>')

    def grid(
        self,
        x: float,
        y: float,
        rows: int,
        columns: int,
        side: float,
        kind: str = "empty",
        values: Sequence[Sequence] | None = None,
        key: str = "",
    ) -> None:
        """Draw a grid of squares as one path, with a value in each cell.

        Parameters
        ----------
        x, y, side : float
            Its upper left corner, and the side of a cell.
        values : sequence of sequences
            Row by row; what is None stays empty.
        key : str
            Values then say where they stand, as ``data-KEY="row,column"``, for a script.
        """
        far, down = x + columns * side, y + rows * side
        across = "".join(f"M{_n(x)} {_n(y + row * side)}H{_n(far)}" for row in range(1, rows))
        along = "".join(f"M{_n(x + column * side)} {_n(y)}V{_n(down)}" for column in range(1, columns))
        self.box(x, y, columns * side, rows * side, kind=kind, round=0)
        self.path(across + along, _names("thin", *(word for word in kind.split() if word in PALETTE)))
        for row, line in enumerate(values or ()):
            for column, value in enumerate(line):
                if value is not None:
                    place = {key: f"{row},{column}"} if key else {}
                    words = str(value).replace("-", "−")
                    self.text(x + (column + 0.5) * side, y + (row + 0.5) * side + 5, words, "number", **place)

    def volume(self, x: float, y: float, width: float, height: float, depth: float, kind: str = "") -> None:
        """Draw a feature map as a block: its front is height by width, its depth is the channels."""
        right, back = x + width, depth * 0.55
        self.shape([(x, y), (x + back, y - back), (right + back, y - back), (right, y)], kind)
        self.shape([(right, y), (right + back, y - back), (right + back, y + height - back), (right, y + height)], kind)
        self.box(x, y, width, height, kind=kind, round=0)


def _n(value: float) -> str:
    """A number as short as it can be, to a tenth of a pixel."""
    return f"{round(value, 1) + 0:g}"


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _places(**values: float) -> str:
    return "".join(f' {name}="{_n(value)}"' for name, value in values.items())


def _data(values: dict) -> str:
    return "".join(f" data-{name}={quoteattr(str(value))}" for name, value in values.items())


def _names(*kinds: str) -> str:
    return " ".join(kind for kind in kinds if kind)


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _set(words: str) -> str:
    """Words as SVG: marks below and above the line are set smaller, and gaps stay as wide as they are written."""
    words = words.replace("  ", "\u00a0\u00a0")
    parts, after = [], ""
    place = 0
    for found in RAISED.finditer(words):
        before = escape(words[place : found.start()])
        parts.append(f'<tspan dy="{after}">{before}</tspan>' if after and before else before)
        drop = 4 if found[1] == "_" else -6
        if after and not before:
            drop += int(after)
        parts.append(f'<tspan dy="{drop}" font-size="10.5">{escape(found[2])}</tspan>')
        after = str(-4 if found[1] == "_" else 6)
        place = found.end()
    rest = escape(words[place:])
    parts.append(f'<tspan dy="{after}">{rest}</tspan>' if after and rest else rest)
    return "".join(parts)
