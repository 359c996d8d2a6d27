"""What the build itself writes into the book: the note on top of each chapter, and the status page."""

import datetime
import math
import re
from pathlib import Path

from agebook.build.plan import Plan
from agebook.notebooks import memory_limit
from agelib.runtime.provenance import record

#: What a page says of its pictures, by the data source.
PICTURES = {
    "drawn": "**Drawn faces, not people.** A program drew every face that this page was made with. Its numbers "
    "say nothing about results on people, unless they stand beside the name of a data set of people.",
    "imdb-wiki": "**Real pictures: IMDB-WIKI.** Public people, described by what a crawler found about them. The "
    "page shows numbers and no pictures of people.",
    "utkface": "**Real pictures: UTKFace.** Its ages are estimates, and its groups somebody's reading of a face. "
    "The page shows numbers and no pictures of people.",
    "appa-real": "**Real pictures: APPA-REAL.** Real ages, and the guesses of many raters. The page shows numbers "
    "and no pictures of people.",
}


def describe_seconds(seconds: float) -> str:
    """A duration as a person would say it.

    >>> describe_seconds(41.3), describe_seconds(185), describe_seconds(7300)
    ('41 s', '3 min 5 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def describe_bytes(number: int) -> str:
    """An amount of memory in MB or GB, of 1000 each.

    >>> describe_bytes(412_000_000), describe_bytes(2_350_000_000)
    ('412 MB', '2.4 GB')
    """
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"


def describe_run(record: dict) -> str:
    """One line: how long a chapter took, with how much memory, on what.

    >>> describe_run({"seconds": 41, "peak_bytes": 1.2e9, "device": "CPU, x", "threads": 1, "profile": "cpu"})
    '41 s, 1.2 GB at the peak, on CPU, x, 1 thread, profile cpu'
    """
    threads = f"{record['threads']} thread" + ("s" if record["threads"] != 1 else "")
    return (
        f"{describe_seconds(record['seconds'])}, {describe_bytes(record['peak_bytes'])} at the peak, "
        f"on {record['device']}, {threads}, profile {record['profile']}"
    )


def describe_excess(peak: float) -> str:
    """That a peak is above the limit, and how another limit is set.

    >>> describe_excess(5.6e9)
    '5.6 GB at the peak is above the limit of 2.0 GB (AGELIB_MEMORY, in GB, sets another)'
    """
    limit = describe_bytes(memory_limit())
    return f"{describe_bytes(peak)} at the peak is above the limit of {limit} (AGELIB_MEMORY, in GB, sets another)"


def describe_pictures(source: str) -> str:
    """What a page must say of its pictures."""
    return PICTURES["drawn" if source.startswith("drawn") else source]


def measured_note(chapter, record: dict) -> str:
    """The note below a chapter's title: what its pictures are, and what it took to run it."""
    pictures = ""
    if "source" in chapter.parameters:
        pictures = describe_pictures(record["source"]) + "\n\n"
    day = datetime.datetime.fromtimestamp(record["started"], datetime.UTC).date()
    return (
        "```{admonition} This page was run\n:class: note measured\n\n"
        f"{pictures}Measured on {day}: {describe_run(record)}. "
        "{doc}`All measurements </book/status>`.\n```\n"
    )


def unexecuted_note(chapter) -> str:
    """The note below the title of a chapter that this build was told to leave out."""
    return (
        "```{admonition} This page was not run\n:class: warning\n\n"
        f"This build left chapter {chapter.number} out, so it shows code without results. "
        "Build without `CHAPTERS` to run it.\n```\n"
    )


def insert_below_title(cells: list[dict], note: str) -> list[dict]:
    """Put a markdown cell right below the first heading; the text that followed the heading stays behind the note.

    >>> cells = [{"cell_type": "markdown", "metadata": {}, "source": "# Title\\n\\nText"}]
    >>> [cell["source"] for cell in insert_below_title(cells, "NOTE")]
    ['# Title\\n', 'NOTE', '\\nText']
    """
    added = []
    for position, cell in enumerate(cells):
        source = "".join(cell["source"])
        found = re.search(r"^# .+(\n|$)", source, re.MULTILINE)
        if cell["cell_type"] == "markdown" and found:
            for part in (source[: found.end()], note, source[found.end() :]):
                if part.strip():
                    added.append({"cell_type": "markdown", "metadata": dict(cell["metadata"]), "source": part})
            return [*cells[:position], *added, *cells[position + 1 :]]
    return cells


def fold_exercises(cells: list[dict]) -> list[dict]:
    """Graded exercises as a reader meets them: the solution and the visible test folded, without nbgrader's marks.

    Hidden tests are left out. An answer in words, which a person judges, is folded too.

    >>> cell = {"cell_type": "code", "source": "### BEGIN SOLUTION\\nx = 1\\n### END SOLUTION", "metadata": {}}
    >>> cell["metadata"]["nbgrader"] = {"solution": True}
    >>> (folded,) = fold_exercises([cell])
    >>> folded["source"], folded["metadata"]["tags"]
    ('x = 1', ['hide-cell'])
    >>> cell["source"] = "assert x\\n### BEGIN HIDDEN TESTS\\nassert x == 1\\n### END HIDDEN TESTS"
    >>> cell["metadata"]["nbgrader"] = {"grade": True}
    >>> fold_exercises([cell])[0]["source"]
    'assert x'
    """
    kept = []
    for cell in cells:
        role = cell["metadata"].get("nbgrader", {})
        if role.get("grade") and role.get("solution") and cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            cell["source"] = f"````{{admonition}} One way to answer\n:class: dropdown\n{text}\n````"
        elif role.get("grade"):
            cell["source"] = _HIDDEN_TESTS.sub("", "".join(cell["source"])).strip()
            # Where a mark is mistyped, nothing is shown.
            is_secret = "HIDDEN TEST" in cell["source"] or "answers.record" in cell["source"]
            if cell["cell_type"] != "code" or not cell["source"] or is_secret:
                continue
            cell["outputs"] = []
            _fold(cell, "the visible test")
        elif role.get("solution") and cell["cell_type"] == "code":
            lines = "".join(cell["source"]).splitlines()
            cell["source"] = "\n".join(line for line in lines if not line.strip().startswith("### "))
            _fold(cell, "a solution")
        kept.append(cell)
    return kept


#: From its first mark, wherever that stands, to the last one or to the end of the cell.
_HIDDEN_TESTS = re.compile(
    r"^[^\n]*### BEGIN HIDDEN TESTS.*?(?:^[^\n]*### END HIDDEN TESTS[^\n]*$|\Z)", re.MULTILINE | re.DOTALL
)


def _fold(cell: dict, what: str) -> None:
    shown = {"code_prompt_show": f"Show {what}", "code_prompt_hide": f"Hide {what}"}
    cell["metadata"] |= {"tags": ["hide-cell"], "mystnb": shown}


def status_page(plan: Plan, records: dict[str, dict]) -> str:
    """The status page in MyST: every chapter's measurements, and the versions of what it ran with."""
    rows = []
    for chapter in plan.chapters:
        link = f"{chapter.number} {{doc}}`{chapter.title} </notebooks/{chapter.name}>`"
        record = records.get(chapter.number)
        if record is None:
            rows.append(f"| {link} | not run | | | | | |")
            continue
        when = datetime.datetime.fromtimestamp(record["started"], datetime.UTC).strftime("%Y-%m-%d %H:%M")
        rows.append(
            f"| {link} | {describe_seconds(record['seconds'])} | {_peak(record['peak_bytes'])} "
            f"| {record['device']} | {record['threads']} | {record['profile']}, {record['source']} | {when} |"
        )
    total = describe_seconds(sum(record["seconds"] for record in records.values()))
    versions = "\n".join(f"| {name} | {version} |" for name, version in environment(plan.build.repository))
    return f"""# Status of this book

The build wrote this page. It measured each chapter as it ran it: the time from the first cell to the last with the
start of the kernel, and the most memory that the kernel and its workers held together (memory that they share counts
once, and mapped files, which the system can drop, do not). A chapter should stay below
{describe_bytes(memory_limit())}; a peak above it is in bold letters. Chapters run side by side on one machine, so a
chapter alone is faster. A chapter is run again only when its text, its parameters, its data or the code behind it has
changed; that is why the times of day differ.

```{{list-table}}
:header-rows: 0
:widths: 30 70

* - Pictures
  - {describe_pictures(plan.build.source)}
* - Time of all chapters together
  - {total}
```

| chapter | time | peak memory | device | threads | profile, data | run at (UTC) |
|:--|--:|--:|:--|--:|:--|:--|
{chr(10).join(rows)}

## What it ran with

| package | version |
|:--|:--|
{versions}
"""


def _peak(number: float) -> str:
    """A peak as the status page shows it: in bold letters, if it is above the limit."""
    return f"**{describe_bytes(number)}**" if number > memory_limit() else describe_bytes(number)


#: Where a page wants the table of :func:`lab_times`.
LAB_TIMES = "<!-- lab times -->"

#: Minutes that an exercise is given for each of its points.
MINUTES_A_POINT = 7


def lab_times(chapters, records: dict[str, dict]) -> str:
    """The table of exercises and lab times: for each chapter points, what it computes, and the time to plan with.

    A lab is the chapter run twice, once to read along and once with the answers, and seven minutes a point; rounded up
    to whole quarters of an hour. A chapter that was not run is planned without its runs.
    """
    lines = ["| chapter | exercises | points | computes | lab |", "|:--|--:|--:|--:|--:|"]
    for chapter in chapters:
        graded = [cell["metadata"]["nbgrader"] for cell in chapter.cells if _is_graded(cell)]
        if not graded:
            continue
        points = sum(cell["points"] for cell in graded)
        record = records.get(chapter.number)
        seconds = record["seconds"] if record else 0.0
        quarters = math.ceil((2 * seconds / 60 + MINUTES_A_POINT * points) / 15)
        lines.append(
            f"| {chapter.number} {{doc}}`{chapter.title} </notebooks/{chapter.name}>` | {len(graded)} | {points:g} "
            f"| {describe_seconds(seconds) if record else 'not run'} | {quarters * 15} min |"
        )
    return "\n".join(lines)


def _is_graded(cell: dict) -> bool:
    return bool(cell["metadata"].get("nbgrader", {}).get("grade"))


def environment(repository) -> list[tuple[str, str]]:
    """Names and installed versions of Python and of every package in requirements.txt."""
    lines = Path(repository, "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [name[0] for name in (re.match(r"[A-Za-z0-9_.-]+", line) for line in lines) if name]
    made = record(*names)
    found = [("Python", made.versions["python"]), ("system", made.machine)]
    return found + [(name, made.versions.get(name, "not installed")) for name in names]
