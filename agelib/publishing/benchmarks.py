"""The page "Benchmarks": what the programs in ``benchmarks`` measured last, from the reports that they leave."""

from pathlib import Path

from agelib.store import read_json

#: Where reports lie in the repository, and their figures on the site.
REPORTS, FIGURES = "benchmarks/reports", "_static/benchmarks"

_OPENING = """# Benchmarks

How fast it is, against what one would use otherwise. Every table comes from one run of a program in `benchmarks`, which
measures both sides in turns on one machine: read the ratios, for another machine has other rates. `make bench` measures
all of it again, `agelib bench NAME` one of them.
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
    columns = report["columns"]
    lines = [f"(benchmark-{name})=", f"## {report['title']}", "", report["said"], ""]
    lines += ["| " + " | ".join(column.replace("_", " ") for column in columns) + " |"]
    lines += [
        "|" + "|".join("---:" if _is_number(report["rows"], column) else "---" for column in columns) + "|"
    ]
    lines += ["| " + " | ".join(_cell(row[column]) for column in columns) + " |" for row in report["rows"]]
    if has_figure:
        lines += ["", f"```{{figure}} {FIGURES}/{name}.png", f":alt: {report['alt']}", "```"]
    about = ", ".join(f"{key.replace('_', ' ')} {_cell(value)}" for key, value in report["about"].items())
    lines += ["", f"*Measured on:* {about}. *Again:* `agelib bench {name}`.", ""]
    return "\n".join(lines)


def _is_number(rows: list[dict], column: str) -> bool:
    values = [row[column] for row in rows if row[column] is not None]
    return bool(values) and all(isinstance(value, (int, float)) for value in values)


def _cell(value) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
