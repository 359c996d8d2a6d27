"""The page "Benchmarks": what the programs in ``benchmarks`` measured last, from the reports that they leave."""

from pathlib import Path

from agelib.runtime.provenance import Provenance
from agelib.runtime.workspace import read_json

#: Where reports lie in the repository, and their figures on the site.
REPORTS, FIGURES = "benchmarks/reports", "_static/benchmarks"

_OPENING = """# Benchmarks

How fast it is, against what one would use otherwise. Every table comes from one run of a program in `benchmarks`, which
measures both sides in turns on one machine: read the ratios, for another machine has other rates. `make bench` measures
all of it again, `agebook bench NAME` one of them.
"""


def reports(repository) -> dict[str, dict]:
    """Name → report, in the order of their titles."""
    files = Path(repository, REPORTS).glob("*.json")
    found = {file.stem: read_json(file) for file in files}
    return dict(sorted(found.items(), key=lambda item: item[1]["title"]))


def benchmarks_page(repository) -> str:
    """The page as Markdown.

    >>> print(benchmarks_page("/nowhere").splitlines()[0])
    # Benchmarks
    """
    sections = [
        _section(name, report, Path(repository, REPORTS, f"{name}.png").is_file())
        for name, report in reports(repository).items()
    ]
    return "\n".join([_OPENING, *sections])


def figures(repository) -> dict[str, bytes]:
    """Path in the book's folder → bytes of each report's figure."""
    files = [Path(repository, REPORTS, f"{name}.png") for name in reports(repository)]
    return {f"{FIGURES}/{file.name}": file.read_bytes() for file in files if file.is_file()}


def _section(name: str, report: dict, has_figure: bool) -> str:
    rows = report["rows"]
    columns = {column: _column([row[column] for row in rows]) for column in report["columns"]}
    if "value" in columns:  # Each row is a measure of its own kind, with digits of its own.
        columns["value"] = [_cell(row["value"]) for row in rows]
    lines = [f"(benchmark-{name})=", f"## {report['title']}", "", report["said"], ""]
    lines += ["| " + " | ".join(column.replace("_", " ") for column in columns) + " |"]
    lines += ["|" + "|".join("---:" if _is_number(rows, column) else "---" for column in columns) + "|"]
    lines += ["| " + " | ".join(cells) + " |" for cells in zip(*columns.values(), strict=True)]
    if has_figure:
        lines += ["", f"```{{figure}} {FIGURES}/{name}.png", f":alt: {report['alt']}", "```"]
    lines += ["", f"*Measured on:* {Provenance.of(report['about'])}. *Again:* `agebook bench {name}`.", ""]
    return "\n".join(lines)


def _is_number(rows: list[dict], column: str) -> bool:
    values = [row[column] for row in rows if row[column] is not None]
    return bool(values) and all(isinstance(value, (int, float)) for value in values)


def _column(values: list) -> list[str]:
    """Cells with as many digits after the point as the column needs, but for very large and very small numbers."""
    floats = [abs(value) for value in values if isinstance(value, float)]
    if not floats or max(floats) >= 1000 or min((value for value in floats if value), default=1) < 0.001:
        return [_cell(value) for value in values]
    digits = max(len(f"{value:g}".partition(".")[2]) for value in floats)
    return [f"{value:.{digits}f}" if isinstance(value, float) else _cell(value) for value in values]


def _cell(value) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"`{value}`" if "--" in str(value) else str(value)  # Sphinx makes a dash of two in a text
