"""Notebooks as any editor writes them, made into ones that nbformat accepts, with every answer where it was.

A hand-in may come from Colab, Deepnote, VS Code, Kaggle or an old Jupyter, or through a mail program. So nothing of it
is taken as it is: every cell is built anew from its kind, its text and its metadata. Outputs are left out, as a hand-in
is executed again.
"""

import json
import math
import re
import stat
from pathlib import Path

from nbformat import ValidationError, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

#: The largest file that is read, in bytes.
LARGEST = 100_000_000

#: How deep lists and objects in metadata may lie in each other; what is deeper is left out.
DEEPEST = 40

_NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
_KINDS = {"heading": "markdown", "html": "markdown", "text": "markdown"}  # of nbformat 1 to 3
_SOURCES = ("source", "input", "code", "text")  # the last three are those of nbformat 1 to 3
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

#: What an editor notes about how it shows a cell, in forms that nbformat restricts; no use here.
_SHOWN = ("collapsed", "scrolled", "execution", "format", "jupyter", "name")

#: A byte that is not UTF-8, as Python escapes it, is taken for one of Windows' code page.
_WINDOWS = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(128, 256)}

#: What other files begin with.
_MARKS = {
    b"PK\x03\x04": "a zip archive or a text document", b"7z\xbc\xaf": "a 7z archive", b"Rar!": "a RAR archive",
    b"\x1f\x8b": "a gzip archive", b"{\\rtf": "a text document", b"\xd0\xcf\x11\xe0": "a text document",
    b"%PDF": "a PDF", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture",
    b"<": "a page of HTML or XML",
}  # fmt: skip
_REMEDY = "hand in the notebook itself, a file that ends in .ipynb, saved or downloaded once more"


def read_submission(file_or_bytes, name: str = "the notebook"):
    """Read a notebook of any editor and any version of the format.

    Kept are the order of the cells, their kinds, texts, tags, attachments and metadata such as nbgrader's, and the
    notebook's own metadata. Left out are outputs, counts, and whatever nbformat does not know.

    Parameters
    ----------
    file_or_bytes : path or bytes
    name : str
        What to call it in errors, if bytes are given.

    Returns
    -------
    nbformat.NotebookNode
        Of nbformat 4.5, valid. Read once more it is the same.

    Raises
    ------
    ValueError
        If it is no notebook. The message says what it is instead, and what to do.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> slips = b'\\xef\\xbb\\xbf{"nbformat": 4, "cells": [{"cell_type": "Code", "source": ["a = 1"]}]}'
    >>> read_submission(slips).cells[0].source
    'a = 1'
    """
    if isinstance(file_or_bytes, bytes):
        found, size = file_or_bytes, len(file_or_bytes)
    else:
        file, name = Path(file_or_bytes), str(file_or_bytes)
        about = file.stat()
        if not stat.S_ISREG(about.st_mode):
            raise ValueError(f"{name}: a folder, or another thing that is no file; {_REMEDY}")
        size = about.st_size
        found = file.read_bytes() if size <= LARGEST else b""
    if size > LARGEST:
        raise ValueError(
            f"{name}: {size / 1e6:.0f} MB, and at most {LARGEST / 1e6:.0f} MB are read; clear its outputs, and save it"
        )
    try:
        given = json.loads(_decode(found), strict=False, parse_int=_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: {_kind(found, error)}, no notebook; {_REMEDY}") from None
    if not isinstance(given, dict):
        kind = "a list" if isinstance(given, list) else "a single value"
        raise ValueError(f"{name}: JSON that is {kind}, no notebook; {_REMEDY}")
    cells = _cells(given)
    if cells is None:
        raise ValueError(f"{name}: JSON without cells, no notebook; {_REMEDY}")
    try:
        made = new_notebook(cells=_rebuild(cells), metadata=_notebook_metadata(given.get("metadata")))
    except (ValidationError, ValueError) as error:
        raise ValueError(f"{name}: not readable as a notebook ({str(error).splitlines()[0]}); {_REMEDY}") from None
    return from_dict(made)


def _decode(found: bytes) -> str:
    encoding = json.detect_encoding(found)  # by a mark at its beginning, or by where the zeros are
    try:
        text = found.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:
        escaped = encoding.startswith("utf-8")
        text = found.decode(encoding, "surrogateescape" if escaped else "replace")
        text = text.translate(_WINDOWS) if escaped else text
    return text.strip("\ufeff\0 \t\r\n")


def _number(digits: str):
    return int(digits) if len(digits) < 100 else None


def _kind(found: bytes, error: Exception) -> str:
    """What a file that is not JSON is, in words."""
    begin = found.lstrip(b"\xef\xbb\xbf\0 \t\r\n")
    if not begin:
        return "empty"
    for mark, words in _MARKS.items():
        if begin.startswith(mark):
            return words
    return f"damaged or cut off ({str(error).splitlines()[0]})" if begin.startswith(b"{") else "not JSON"


def _cells(given: dict) -> list | None:
    if isinstance(given.get("cells"), list):
        return given["cells"]
    sheets = given.get("worksheets")
    if not isinstance(sheets, list):
        return None
    return [cell for sheet in sheets for cell in _list(_dict(sheet).get("cells"))]


def _rebuild(cells: list) -> list:
    """Cells as nbformat 4.5 has them; one without an identifier of its own gets the next that is free."""
    cells = [cell for cell in cells if isinstance(cell, dict)]
    given = {cell["id"] for cell in cells if isinstance(cell.get("id"), str)}
    free = (name for number in range(2 * len(cells) + 1) if (name := f"cell-{number}") not in given)
    made, taken = [], set()
    for cell in cells:
        name = cell.get("id")
        if not isinstance(name, str) or not _ID.fullmatch(name) or name in taken:
            name = next(free)
        taken.add(name)
        kind = _kind_of(cell)
        text = _text(next((cell[key] for key in _SOURCES if cell.get(key) is not None), ""))
        if str(cell.get("cell_type")).strip().lower() == "heading":
            level = cell["level"] if isinstance(cell.get("level"), int) else 1
            text = f"{'#' * min(max(level, 1), 6)} {' '.join(text.splitlines())}"
        more = {"id": name, "metadata": _cell_metadata(cell.get("metadata"))}
        if kind != "code" and (attachments := _attachments(cell.get("attachments"))):
            more["attachments"] = attachments
        made.append(_NEW[kind](text, **more))
    return made


def _kind_of(cell: dict) -> str:
    kind = str(cell.get("cell_type")).strip().lower()
    if cell.get("cell_type") is None and {"outputs", "execution_count", "input"} & set(cell):
        kind = "code"
    kind = _KINDS.get(kind, kind)
    return kind if kind in _NEW else "raw"


def _text(value) -> str:
    """Text, in one piece, with line feeds alone; half a character of two is replaced, and zeros are left out."""
    lines = value if isinstance(value, list) else [value]
    text = "".join(line for line in lines if isinstance(line, str))
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")


def _clean(value, depth: int = 0):
    """Metadata that can be written as JSON and read by anybody."""
    if depth > DEEPEST or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_clean(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {_text(key): _clean(each, depth + 1) for key, each in value.items()}
    return value


def _dict(value) -> dict:
    return value if isinstance(value, dict) else {}


def _list(value) -> list:
    return value if isinstance(value, list) else []


def _cell_metadata(given) -> dict:
    made = {key: each for key, each in _clean(_dict(given)).items() if key not in _SHOWN}
    tags = [tag for tag in _list(made.pop("tags", None)) if isinstance(tag, str) and tag and "," not in tag]
    if tags:
        made["tags"] = list(dict.fromkeys(tags))
    if "nbgrader" in made and not isinstance(_dict(made["nbgrader"]).get("grade_id"), str):
        del made["nbgrader"]
    return made


def _notebook_metadata(given) -> dict:
    made = _clean(_dict(given))
    for key, kind in {"title": str, "authors": list, "agelib": dict, "kernelspec": dict, "language_info": dict}.items():
        if key in made and not isinstance(made[key], kind):
            del made[key]
    for key in ("orig_nbformat", "orig_nbformat_minor", "signature"):
        made.pop(key, None)
    for key, kind in {"student": str, "assignment": str, "parameters": dict, "exercises": list}.items():
        if not isinstance(made.get("agelib", {}).get(key, kind()), kind):
            del made["agelib"][key]
    kernel, language = made.pop("kernelspec", {}), made.pop("language_info", {})
    if isinstance(kernel.get("name"), str):
        shown = kernel.get("display_name")
        made["kernelspec"] = kernel | {"display_name": shown if isinstance(shown, str) else kernel["name"]}
    if isinstance(language.get("name"), str):
        made["language_info"] = {key: each for key, each in language.items() if isinstance(each, str)}
    return made


def _attachments(given) -> dict:
    """Those that are as nbformat has them: a file's name, and its content by its kind, as text."""
    made = {}
    for file, bundle in _dict(given).items():
        whole = {_text(kind): _text(each) for kind, each in _dict(bundle).items() if isinstance(each, (str, list))}
        if whole:
            made[_text(file)] = whole
    return made
