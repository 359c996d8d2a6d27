"""What a chapter says about itself: its title, its parameters and its place in the book.

A chapter is a notebook ``notebooks/NN_name.ipynb``. Its metadata holds a record ``agelib``, read here::

    {"agelib": {"title": "A convolutional network from scratch", "licence": "CC-BY-4.0",
                "needs": ["04"], "reads": []}}

``needs`` names chapters that are to run before it, where they are in the build; ``reads`` those whose results it
reads, so that a change of their code runs it again too.
"""

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from agelib import parameters

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = re.compile(r"(\d\d)_[a-z0-9_]+")

#: Notebooks beside the chapters that are none: the page of :mod:`agebook.app`.
NO_CHAPTERS = ("app",)


@dataclass(frozen=True)
class Chapter:
    """One chapter as its file tells it.

    Attributes
    ----------
    number : str
        Two digits, such as ``"05"``.
    name : str
        The file's name without its ending, such as ``"06_basic_cnn"``.
    path : pathlib.Path
        The notebook.
    title : str
        Its first heading.
    parameters : dict
        The parameters that its ``parameters`` cell declares, with their defaults.
    needs, reads : tuple of str
        Numbers of chapters: to run before it, and whose results it reads.
    cells : tuple of dict
        Type, source and metadata of each cell; no outputs.
    licence : str
        Of its prose, as an SPDX name.
    """

    number: str
    name: str
    path: Path
    title: str
    parameters: dict
    needs: tuple
    reads: tuple
    cells: tuple
    licence: str

    @property
    def code(self) -> list[str]:
        """The sources of its code cells, in order."""
        return [cell["source"] for cell in self.cells if cell["cell_type"] == "code"]


def read_chapter(path) -> Chapter:
    """Read a chapter's notebook.

    Raises
    ------
    ValueError
        If the file's name is not NN_name.ipynb, it is no notebook, it has no heading, or not exactly one cell tagged
        ``parameters``.
    """
    path = Path(path)
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _read(path: Path, _modified: int) -> Chapter:
    if not NAME.fullmatch(path.stem):
        raise ValueError(f"{path}: a chapter is called NN_name.ipynb, with two digits and lower-case letters")
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = tuple(
            {"cell_type": cell["cell_type"], "source": "".join(cell["source"]), "metadata": cell.get("metadata", {})}
            for cell in notebook["cells"]
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not readable as a notebook ({error}); open it in JupyterLab") from None
    about = notebook.get("metadata", {}).get("agelib", {})
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(f"{path}: {len(tagged)} cells are tagged 'parameters'; tag exactly one")
    return Chapter(
        number=path.stem[:2],
        name=path.stem,
        path=path,
        title=about.get("title") or _heading(cells, path),
        parameters=_declared(tagged[0]["source"], path),
        needs=tuple(about.get("needs", ())),
        reads=tuple(about.get("reads", ())),
        cells=cells,
        licence=about.get("licence", "CC-BY-4.0"),
    )


def _heading(cells: tuple, path: Path) -> str:
    for cell in cells:
        found = re.search(r"^# +(.+)$", cell["source"], re.MULTILINE)
        if cell["cell_type"] == "markdown" and found:
            return found[1].strip()
    raise ValueError(f"{path}: no heading; begin the chapter with a line '# Title'")


def _declared(source: str, path: Path) -> dict:
    """Names and default values of the assignments in a parameters cell."""
    try:
        return {name: parameter.value for name, parameter in parameters.read(source).items()}
    except (SyntaxError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path}: its parameters cell must hold plain assignments such as epochs: int = 5  # meaning ({error})"
        ) from None


def list_chapters(repository) -> list[Chapter]:
    """Every chapter in a repository's folder ``notebooks``, by number.

    Raises
    ------
    ValueError
        If two chapters have one number, or a chapter needs or reads one that is not there.
    """
    files = sorted(Path(repository, "notebooks").glob("*.ipynb"))
    chapters = [read_chapter(path) for path in files if path.stem not in NO_CHAPTERS]
    known = {}
    for chapter in chapters:
        if chapter.number in known:
            raise ValueError(f"{chapter.path}: {known[chapter.number].name} has the number {chapter.number} already")
        known[chapter.number] = chapter
    return chapters


def read_contents(repository) -> list[str]:
    """The pages that ``_toc.yml`` names, in the book's order, root first."""
    file = Path(repository, "_toc.yml")
    if not file.is_file():
        raise ValueError(f"no table of contents at {file}")
    contents = yaml.safe_load(file.read_text(encoding="utf-8"))
    pages = [contents["root"]]

    def walk(node):
        if isinstance(node, dict):
            if "file" in node:
                pages.append(node["file"])
            for key in ("parts", "chapters", "sections"):
                walk(node.get(key, []))
        for item in node if isinstance(node, list) else []:
            walk(item)

    walk(contents)
    return pages


def check_contents(repository) -> None:
    """Check that ``_toc.yml`` and the folder ``notebooks`` name the same chapters.

    Raises
    ------
    ValueError
        If a chapter is in one and not in the other, with the line or file to add.
    """
    listed = {page for page in read_contents(repository) if page.startswith("notebooks/")}
    there = {f"notebooks/{chapter.name}" for chapter in list_chapters(repository)}
    for page in sorted(listed - there):
        raise ValueError(f"_toc.yml names {page}, and there is no {page}.ipynb; remove the line or add the chapter")
    for page in sorted(there - listed):
        raise ValueError(f"{page} is not in _toc.yml; add a line '- file: {page}' where it belongs")
