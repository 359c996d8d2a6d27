"""What is printed, in every encoding that a terminal may have: readable, and never an error."""

import ast
import contextlib
import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import agebook
import agelib
from agebook.__main__ import main as agebook_main
from agelib import drawn
from agelib.__main__ import main as agelib_main
from agelib.runtime import logs, streams

ENCODINGS = ("ascii", "latin-1", "cp1252", "cp437", "cp932", "cp949", "gbk", "utf-8", "utf-16")
MAINS = {"agelib": agelib_main, "agebook": agebook_main}


@contextlib.contextmanager
def spoken_in(encoding):
    """Standard output and error as a terminal of this encoding has them; what was said lies in the two buffers."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in "oe")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out, err


def read_back(stream) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode(stream.encoding)


def commands(program):
    """The names of all of its commands."""
    with spoken_in("utf-8") as (out, _), contextlib.suppress(SystemExit):
        MAINS[program](["--help"])
    return read_back(out).partition("{")[2].partition("}")[0].split(",")


EVERY = [(program, command) for program in MAINS for command in commands(program)]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(EVERY), st.sampled_from(ENCODINGS))
def test_every_commands_help_is_the_same_in_every_encoding(command, encoding):
    program, name = command
    helps = []
    for each in ("utf-8", encoding):
        with spoken_in(each) as (out, _), pytest.raises(SystemExit) as ended:
            MAINS[program]([name, "--help"])
        assert ended.value.code == 0
        helps.append(read_back(out))
    squeezed = ["".join(streams.plain(text).split()) for text in helps]
    assert squeezed[0] == squeezed[1] and "usage:" in helps[1]


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec=None), min_size=1, max_size=20), st.sampled_from(ENCODINGS))
def test_no_name_of_a_file_or_option_stops_a_message(text, encoding):
    """Not one that holds bytes that are no character: Python gives those as lone surrogates."""
    with spoken_in(encoding) as (_, err):
        code = agelib_main(["train", f"--source={text}"])
    said = read_back(err)
    assert code == 2 and "agelib train: " in said and "unexpected" not in said and "Traceback" not in said


@settings(max_examples=200, deadline=None)
@given(st.text(), st.sampled_from(ENCODINGS))
def test_what_an_encoding_has_is_printed_as_it_is_and_all_else_in_ascii(text, encoding):
    with spoken_in(encoding) as (out, _):
        streams.speak_any()
        print(text, end="")
    expected = ""
    for character in text.replace("\n", os.linesep):
        try:
            expected += character.encode(encoding).decode(encoding)
        except UnicodeEncodeError:
            expected += streams.plain(character)
    assert read_back(out) == expected


def test_every_character_in_our_own_words_has_a_readable_look_alike():
    words = set()
    for package in (agelib, agebook):
        for path in Path(package.__file__).parent.rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            words |= {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    own = {character for word in words for character in word if not character.isascii()}
    assert len(own) > 20
    # These are looked for in what others wrote, or stand for what cannot be read.
    others = set("顔\ue000\uf8ff\udc80\udcff\ufeff\ufffd")
    assert {character for character in own if "?" in streams.plain(character)} <= others
    assert streams.plain("15–30, −2 → ×1.5 ²  “a” … é") == '15-30, -2 -> x1.5 2  "a" ... e'


def test_a_log_takes_any_name(tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    monkeypatch.setattr(logging, "raiseExceptions", True)
    monkeypatch.setattr(logs.LOGGER, "propagate", False)  # pytest keeps what is logged, and cannot send it as UTF-8
    with spoken_in("ascii") as (_, err), logs.log_of("predict", "agelib predict caf\udce9.png") as log:
        logs.LOGGER.warning("caf\udce9.png: 15–30")
    assert read_back(err) == ""
    assert "caf?.png: 15–30" in log.file.read_text(encoding="utf-8")


@pytest.mark.parametrize(("encoding", "dash"), [("cp932", "-"), ("utf-8", "–"), ("cp1252", "–")])
def test_predict_answers_in_a_code_page(tmp_path, encoding, dash):
    Image.fromarray(drawn.draw_faces([1], [30], size=64, seed=3, plain=True)[0]).save(tmp_path / "顔 face.png")
    command = [sys.executable, "-m", "agelib", "predict", "--no-detect", str(tmp_path / "顔 face.png")]
    # Bytes that are UTF-8 in one stream and a code page in the other would be two terminals.
    result = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding})
    out, err = (said.decode(encoding) for said in (result.stdout, result.stderr))
    assert result.returncode == 0 and "Traceback" not in err
    assert "face.png" in out and dash in out.split("face.png")[1]
    assert ("顔" in out) == (encoding != "cp1252")
