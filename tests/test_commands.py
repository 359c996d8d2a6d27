"""Every command that a text names is one that can be typed, with options that it has."""

import contextlib
import io
import json
import re
from functools import cache
from pathlib import Path

import pytest

from agebook import __main__ as workshop
from agelib import __main__ as subject

REPOSITORY = Path(__file__).resolve().parents[1]

PROGRAMS = {"agelib": subject.main, "agebook": workshop.main}

#: Where commands are named: pages, chapters, the docstrings and messages of both packages, settings of the repository.
TEXTS = sorted(
    path
    for pattern in (
        "*.md",
        "Makefile",
        "book/*.md",
        "data/**/*.md",
        "notebooks/*.ipynb",
        "agelib/**/*.py",
        "agebook/**/*.py",
        "benchmarks/*.py",
        ".github/**/*.yml",
        ".ci/run",
    )
    for path in REPOSITORY.glob(pattern)
    if "generated" not in path.parts
)

#: Code in a text: a fenced block, or a span between backticks.
CODE = re.compile(r"```[^\n]*\n(.*?)```|(`{1,2})(?!`)([^`]+?)\2(?!`)", re.DOTALL)

#: A command in a line of code: `agelib train …`, `python -m agelib train …`, `.venv/bin/agebook grade …`.
TYPED = re.compile(r"(?:^|[\s/(!$])(?<!import )(?<!from )(agelib|agebook) ([a-z][a-z-]*)([^\n;|&]*)", re.MULTILINE)

#: What follows the package's name in sentences and lines of Python.
NO_COMMANDS = {"import", "as"}


def text_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        return "\n\n".join("".join(cell["source"]) for cell in cells)
    return text


def commands(path: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    """(program, command, options) of every command that a text names."""
    text = text_of(path)
    pieces = [text] if path.suffix in ("", ".yml") else [block or span for block, _, span in CODE.findall(text)]
    found = []
    for piece in pieces:
        for program, command, rest in TYPED.findall(re.sub(r"\\?\n\s+(?=--)|\\\n", " ", piece)):
            if command not in NO_COMMANDS:
                found.append((program, command, tuple(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest))))
    return found


@cache
def help_of(program: str, *command: str) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit):
        PROGRAMS[program]([*command, "--help"])
    return said.getvalue()


@cache
def names(program: str) -> tuple[str, ...]:
    return tuple(re.search(r"\{([\w,-]+)\}", help_of(program))[1].split(","))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_every_command_in_a_text_can_be_typed(path):
    wrong = []
    for program, command, options in commands(path):
        if command not in names(program):
            wrong.append(f"{program} {command}")
            continue
        has = re.findall(r"--[a-z][a-z-]*", help_of(program, command))
        wrong += [f"{program} {command} {option}" for option in options if option not in has]
    assert not wrong


def test_the_texts_name_commands_of_both_programs():
    """The reading above finds them: most commands of both stand in some text."""
    named = {(program, command) for path in TEXTS for program, command, _ in commands(path)}
    for program in PROGRAMS:
        there = {(program, name) for name in names(program)}
        assert len(there & named) > 0.8 * len(there), sorted(there - named)


def test_code_is_told_from_sentences(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "agelib trains. `agelib train --epochs 2`; ``agebook build``\n\n```bash\n.venv/bin/agelib predict x \\\n"
        "  --no-detect\npython -m agebook pdf\n```\n\n```python\nfrom agelib import metrics\n```\n"
    )
    assert commands(page) == [
        ("agelib", "train", ("--epochs",)),
        ("agebook", "build", ()),
        ("agelib", "predict", ("--no-detect",)),
        ("agebook", "pdf", ()),
    ]
    assert "train" in names("agelib") and "train" not in names("agebook")
