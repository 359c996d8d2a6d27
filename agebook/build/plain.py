"""Chapters in plain Markdown, for wherever the book's markup is not known: Colab, JupyterLab, a student's copy.

The book's pages are written in MyST, whose labels, references, citations and directives only the book's own build
turns into text. Here they become what any notebook shows: numbers, titles, links, headings and folded solutions.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from agebook.build.chapters import REPOSITORY, list_chapters

_LABEL = re.compile(r"^\(([\w-]+)\)=[ \t]*\n", re.MULTILINE)
_EQUATION = re.compile(r"^\$\$[ \t]*\(([\w-]+)\)[ \t]*$", re.MULTILINE)
_ROLE = re.compile(r"\{(cite:t|cite:p|cite|ref|numref|eq|doc|term)\}`([^`]+)`")
_NAMED = re.compile(r"(.+?)\s*<([^<>]+)>", re.DOTALL)
_DIAGRAM = re.compile(r"\]\(\.\./(book/diagrams/\w+\.svg)\)")
_DIRECTIVE = re.compile(
    r"^(?P<fence>```+|~~~+|:::+)\{(?P<kind>exercise|solution|admonition)\}[ \t]*(?P<title>[^\n]*)\n"
    r"(?P<options>(?::[\w-]+:[^\n]*\n)*)(?P<text>.*?)^(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_CAPTION = re.compile(r"^\((fig-[\w-]+)\)=[ \t]*\n(!\[[^\]]*\]\([^)]*\)\n\n\*)(?=[^*\s])", re.MULTILINE)
#: What a reference to something with a number is called in a sentence.
_KINDS = {"fig": "figure", "tab": "table", "eq": "equation"}

#: Metadata of a cell whose code is folded away in JupyterLab, and in Colab.
HIDDEN = {"jupyter": {"source_hidden": True}, "cellView": "form"}


def plain_cells(cells: Iterable[dict], repository: Path = REPOSITORY) -> list[dict]:
    """Return a chapter's cells with their text in plain Markdown; what is no text stays the cell that it was.

    The caption of a figure, which the book takes from a code cell's metadata, becomes a text behind that cell. Code
    that the book folds is folded.

    Parameters
    ----------
    cells : iterable of dict
        With ``source`` as a string, as nbformat gives them.
    repository : path
        Whose chapters, pages and references the text refers to.

    Returns
    -------
    list of dict
    """
    made = []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            text = plain(cell["source"], repository)
            if text.strip():
                made.append(type(cell)(cell, source=text))
            continue
        made.append(cell)
        if "hide-input" in cell["metadata"].get("tags", ()):
            cell["metadata"] |= HIDDEN
        figure = cell["metadata"].get("mystnb", {}).get("figure", {})
        if figure.get("caption"):
            number = _figure(figure.get("name"), repository)
            caption = f"*{number}{plain(figure['caption'], repository).strip()}*"
            about = {"cell_type": "markdown", "metadata": type(cell["metadata"])(), "source": caption}
            made.append(type(cell)(about | ({"id": f"{cell['id']}-caption"} if "id" in cell else {})))
    return made


def plain(text: str, repository: Path = REPOSITORY) -> str:
    """Return a text of the book without its markup.

    Parameters
    ----------
    text : str
        In MyST.
    repository : path

    Returns
    -------
    str

    Examples
    --------
    >>> plain("(chapter-06)=\\n# A network\\nThe {term}`folds <fold>` of {cite:t}`he2016deep`.")
    '# A network\\nThe folds of [He et al. (2016)](https://doi.org/10.1109/CVPR.2016.90).'
    >>> plain("$$\\nx = 1\\n$$ (eq-none)\\nSee {ref}`chapter-03`.")
    '$$\\nx = 1\\n$$\\nSee chapter 03, *Splits and leakage*.'
    """
    numbers = _numbers(repository)

    def tag(found: re.Match) -> str:
        return rf"\tag{{{numbers[found[1]]}}}" + "\n$$" if found[1] in numbers else "$$"

    def role(found: re.Match) -> str:
        named = _NAMED.fullmatch(found[2].strip())
        shown, aim = (named[1], named[2]) if named else ("", found[2].strip())
        return shown if shown and not found[1].startswith("cite") else _SAID[found[1]](aim, repository)

    text = _CAPTION.sub(lambda found: found[2] + _figure(found[1], repository), text)
    text = _LABEL.sub("", text)
    while (opened := _DIRECTIVE.sub(_as_markdown, text)) != text:  # one may hold another
        text = opened
    text = _EQUATION.sub(tag, text)
    return _DIAGRAM.sub(lambda found: _held(found, repository), _ROLE.sub(role, text))


def _figure(label: str, repository: Path) -> str:
    number = _numbers(repository).get(label)
    return f"Figure {number}. " if number else ""


def _as_markdown(found: re.Match) -> str:
    options = dict(re.findall(r"^:([\w-]+):[ \t]*(.*)$", found["options"], re.MULTILINE))
    text = found["text"].strip()
    if found["kind"] == "exercise":
        return f"### Exercise {options.get('label', '')}".rstrip() + f"\n\n{text}"
    if found["kind"] == "solution" or "dropdown" in options.get("class", ""):
        title = "A solution" if found["kind"] == "solution" else found["title"].strip()
        return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"
    return f"**{found['title'].strip()}**\n\n{text}"


def _held(found: re.Match, repository: Path) -> str:
    """A diagram inside the text, which is then shown wherever the notebook lies."""
    file = Path(repository, found[1])
    if not file.is_file():
        return found[0]
    return f"](data:image/svg+xml;base64,{base64.b64encode(file.read_bytes()).decode()})"


def _cited(aim: str, repository: Path, in_text: bool) -> str:
    works = [_works(repository).get(key.strip(), (key.strip(), "", "")) for key in aim.split(",")]
    if in_text:
        return ", ".join(_linked(f"{who} ({year})" if year else who, link) for who, year, link in works)
    return "(" + "; ".join(_linked(f"{who}, {year}" if year else who, link) for who, year, link in works) + ")"


def _linked(text: str, link: str) -> str:
    return f"[{text}]({link})" if link else text


def _numbered(aim: str, repository: Path) -> str:
    number = _numbers(repository).get(aim)
    kind = _KINDS.get(aim.partition("-")[0], "")
    return f"{kind} {number}".strip() if number else f"{kind} above".strip()


def _titled(aim: str, repository: Path) -> str:
    title = _titles(repository).get(aim.rstrip("/").rpartition("/")[2] if aim.startswith("/") else aim)
    return title or aim


_SAID: dict[str, Callable[[str, Path], str]] = {
    "cite:t": lambda aim, repository: _cited(aim, repository, True),
    "cite:p": lambda aim, repository: _cited(aim, repository, False),
    "cite": lambda aim, repository: _cited(aim, repository, False),
    "numref": _numbered,
    "eq": _numbered,
    "ref": _titled,
    "doc": _titled,
    "term": lambda aim, repository: aim,
}


@cache
def _numbers(repository: Path) -> dict[str, str]:
    """Label of a figure, table or equation → its number, such as 5.2: the second of its kind in chapter 05."""
    found = {}
    for chapter in list_chapters(repository):
        counts = dict.fromkeys(_KINDS, 0)
        for cell in json.loads(chapter.path.read_text(encoding="utf-8"))["cells"]:
            text = "".join(cell["source"])
            labels = [cell["metadata"].get("mystnb", {}).get("figure", {}).get("name", "")]
            if cell["cell_type"] == "markdown":
                labels = _LABEL.findall(text) + _EQUATION.findall(text)
            for label in labels:
                kind = label.partition("-")[0]
                if kind in counts:
                    counts[kind] += 1
                    found[label] = f"{int(chapter.number)}.{counts[kind]}"
    return found


@cache
def _titles(repository: Path) -> dict[str, str]:
    """Label of a section, or name of a page → how a sentence names it."""
    found = {}
    for chapter in list_chapters(repository):
        said = f"chapter {chapter.number}, *{chapter.title}*"
        found |= {f"chapter-{chapter.number}": said, chapter.name: said}
        for cell in json.loads(chapter.path.read_text(encoding="utf-8"))["cells"]:
            found |= _sections("".join(cell["source"])) if cell["cell_type"] == "markdown" else {}
        found[f"chapter-{chapter.number}"] = said
    for page in sorted(Path(repository, "book").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        found |= _sections(text)
        first = re.search(r"^# (.+)$", text, re.MULTILINE)
        if first:
            found[page.stem] = f"*{first[1].strip()}*"
    return found


def _sections(text: str) -> dict[str, str]:
    return {label: f"*{title.strip()}*" for label, title in re.findall(r"^\(([\w-]+)\)=\s*\n#+ (.+)$", text, re.M)}


@cache
def _works(repository: Path) -> dict[str, tuple[str, str, str]]:
    """Key of a reference → who wrote it, when, and its address, if it has one."""
    from pybtex.database import parse_file
    from pybtex.richtext import Text

    found = {}
    for key, entry in parse_file(str(Path(repository, "book", "references.bib"))).entries.items():
        people = [
            str(Text.from_latex(" ".join(p.prelast_names + p.last_names))) for p in entry.persons.get("author", ())
        ]
        who = " and ".join(people) if len(people) < 3 else f"{people[0]} et al."
        doi = entry.fields.get("doi")
        link = f"https://doi.org/{doi}" if doi else entry.fields.get("url", "")
        found[key] = (who or entry.fields.get("title", key), entry.fields.get("year", ""), link)
    return found
