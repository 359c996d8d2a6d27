"""Notebooks as editors write them: every answer is read, in its place, and the rest is said."""

import json

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agebook.course import notebook_files
from agebook.course.notebook_files import read_submission

#: Text as a person types it; what is mended in it has tests of its own.
TEXT = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=30)
JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=4,
)

KEYS = st.sampled_from(["cell_type", "source", "metadata", "id", "input", "level", "attachments"])


def as_bytes(*cells, **more) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)} | more).encode()


def code(source="a = 1", **more) -> dict:
    return {"cell_type": "code", "source": source} | more


@st.composite
def notebooks(draw):
    """A valid notebook of three kinds of cells, as a dictionary."""
    cells = []
    for number, kind in enumerate(draw(st.lists(st.sampled_from(["code", "markdown", "raw"]), max_size=5))):
        metadata = {"nbgrader": {"grade_id": f"ex-{number}", "solution": True}, "tags": ["kept"]}
        cell = {"id": f"c{number}", "cell_type": kind, "source": draw(TEXT), "metadata": metadata}
        cells.append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    metadata = {
        "agelib": {"student": "ada", "assignment": "01_tiny", "parameters": {"a": 1}, "exercises": ["ex-0"]},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
    }
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def slip_in_cell(draw, cell):
    slip = draw(st.integers(0, 9))
    if slip == 0:
        cell["source"] = cell["source"].splitlines(keepends=True)
    elif slip == 1:
        cell["cell_type"] = cell["cell_type"].capitalize()
    elif slip == 2:
        cell["id"] = draw(st.sampled_from(["c0", "", "ü", "a b", "x" * 65, None, 3, "cell-0", "cell-1"]))
    elif slip == 3:
        for key in ("id", "outputs", "execution_count"):
            cell.pop(key, None)
    elif slip == 4:
        cell |= {"outputs": draw(JUNK), "execution_count": draw(JUNK)}
    elif slip == 5:
        cell[draw(st.sampled_from(["attachments", "outputId", "collapsed", "level", "cell_id"]))] = draw(JUNK)
    elif slip == 6:
        cell["metadata"] |= {draw(st.sampled_from(["scrolled", "name", "jupyter", "execution", "id"])): draw(JUNK)}
    elif slip == 7:
        cell["metadata"]["tags"] = ["kept", "kept", "a,b", 3, ""]


def slip_in_notebook(draw, notebook):
    slip = draw(st.integers(0, 6))
    if slip == 0:
        notebook["nbformat_minor"] = draw(st.sampled_from([0, 2, 4, 9, 9999, None, "5"]))
    elif slip == 1:
        del notebook["metadata"][draw(st.sampled_from(["kernelspec", "language_info"]))]["name"]
    elif slip == 2:
        del notebook["metadata"]["kernelspec"]["display_name"]
    elif slip == 3:
        notebook[draw(st.sampled_from(["colab", "deepnote_notebook_id", "orig_nbformat"]))] = draw(JUNK)
    elif slip == 4:
        notebook["metadata"] |= {draw(st.sampled_from(["colab", "title", "authors", "widgets"])): draw(JUNK)}
    elif slip == 5:
        notebook["nbformat"] = 3
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["input"] = cell.pop("source")
        notebook["worksheets"] = [{"cells": notebook.pop("cells")}]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_slips_an_editor_makes_the_answers_stay_in_their_places(data):
    notebook = data.draw(notebooks())
    wanted = [(cell["source"], cell["metadata"]["nbgrader"]) for cell in notebook["cells"]]
    about = json.loads(json.dumps(notebook["metadata"]["agelib"]))
    for cell in notebook["cells"]:
        slip_in_cell(data.draw, cell)
    slip_in_notebook(data.draw, notebook)
    text = json.dumps(notebook, ensure_ascii=data.draw(st.booleans()))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]))
    read = read_submission(text.encode(encoding))
    nbformat.validate(json.loads(json.dumps(read, allow_nan=False)))
    assert [(cell.source, cell.metadata.nbgrader) for cell in read.cells] == wanted
    assert all(cell.metadata.tags == ["kept"] for cell in read.cells)
    assert read.metadata.agelib == about
    assert read_submission(nbformat.writes(read).encode()) == read


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (["a = 1\n", "b = 2"], "a = 1\nb = 2"),
        (None, ""),
        (["a", None, 3, "b"], "ab"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\0b", "ab"),
        ("\ud83d", "\ufffd"),
        ("x\ude00y", "x\ufffdy"),
        (["\ud83d", "\ude00"], "\U0001f600"),
    ],
)
def test_sources_are_text_in_one_piece(source, text):
    assert read_submission(as_bytes(code(source))).cells[0].source == text


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ({"cell_type": "Markdown"}, "markdown"),
        ({"cell_type": "CODE"}, "code"),
        ({"cell_type": "sql"}, "raw"),
        ({"outputs": []}, "code"),
        ({}, "raw"),
    ],
)
def test_a_cell_of_an_unknown_kind_is_raw(cell, kind):
    assert read_submission(as_bytes(cell | {"source": "x"})).cells[0].cell_type == kind


def test_a_notebook_of_version_3_is_converted():
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["One\n", "line"]},
        {"cell_type": "code", "input": ["a = 1\n", "a"], "prompt_number": 3, "outputs": [], "language": "python"},
    ]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    read = read_submission(json.dumps(old).encode())
    assert [(cell.cell_type, cell.source) for cell in read.cells] == [("markdown", "## One line"), ("code", "a = 1\na")]


def test_identifiers_that_are_in_order_stay_and_others_get_the_next_free_one():
    given_ = ["c0", "c0", "cell-0", "ü", None, "x" * 65]
    read = read_submission(as_bytes(*(code(id=each) for each in given_)))
    assert [cell.id for cell in read.cells] == ["c0", "cell-1", "cell-0", "cell-2", "cell-3", "cell-4"]


def test_attachments_stay_where_they_are_allowed():
    image = {"face.png": {"image/png": "aGVsbG8="}, "broken": 3}
    read = read_submission(
        as_bytes({"cell_type": "markdown", "source": "", "attachments": image}, code(attachments=image))
    )
    assert read.cells[0].attachments == {"face.png": {"image/png": "aGVsbG8="}}
    assert "attachments" not in read.cells[1]


def test_a_windows_code_page_is_read_where_the_bytes_are_not_utf_8():
    text = '{"cells": [{"cell_type": "markdown", "source": "grün \u2013 schön"}]}'
    assert read_submission(text.encode("cp1252")).cells[0].source == "grün \u2013 schön"


def test_numbers_that_are_none_and_depth_without_end_are_left_out_of_metadata():
    deep = "[" * 200 + "]" * 200
    text = f'{{"cells": [], "metadata": {{"a": NaN, "b": 1e999, "c": {"9" * 5000}, "d": {deep}, "agelib": []}}}}'
    read = read_submission(text.encode())
    assert (read.metadata.a, read.metadata.b, read.metadata.c) == (None, None, None)
    assert "agelib" not in read.metadata and len(json.dumps(read.metadata.d)) < 100


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\0" * 4096, "empty"),
        (b'{"cells": [', "damaged or cut off"),
        (b"[]", "a list"),
        (b"3", "a single value"),
        (b"{}", "without cells"),
        (b'{"cells": null}', "without cells"),
        (b"<!DOCTYPE html>", "HTML"),
        (b"PK\x03\x04", "a zip archive"),
        (b"%PDF-1.7", "a PDF"),
        (b"{\\rtf1 {}}", "a text document"),
        (b"print(1)", "not JSON"),
        (b'{"cells":' + b"[" * 100_000, "cut off"),
    ],
)
def test_what_is_no_notebook_is_said_with_its_name_and_what_to_do(tmp_path, data, said):
    file = tmp_path / "03_splits.ipynb"
    file.write_bytes(data)
    with pytest.raises(ValueError, match=said) as found:
        read_submission(file)
    assert str(file) in str(found.value) and "hand in the notebook itself" in str(found.value)
    with pytest.raises(ValueError, match="of ada: "):
        read_submission(data, "of ada")


def test_a_file_that_is_too_large_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(notebook_files, "LARGEST", 10)
    file = tmp_path / "large.ipynb"
    file.write_bytes(as_bytes())
    for given_ in (file, as_bytes()):
        with pytest.raises(ValueError, match="at most 0 MB are read; clear its outputs"):
            read_submission(given_)
    with pytest.raises(ValueError, match="a folder"):
        read_submission(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_submission(tmp_path / "none.ipynb")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | JUNK.map(lambda value: json.dumps({"cells": value, "metadata": value}).encode()))
def test_any_bytes_are_a_notebook_or_an_error_with_a_reason(data):
    try:
        nbformat.validate(read_submission(data, "it"))
    except ValueError as error:
        assert str(error).startswith("it: ")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(KEYS, JUNK)), JUNK)
def test_any_cells_become_valid_ones(cells, metadata):
    read = read_submission(json.dumps({"cells": cells, "metadata": metadata}).encode())
    nbformat.validate(read)
    assert len(read.cells) == len(cells)
