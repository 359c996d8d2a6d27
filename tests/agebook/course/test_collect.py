"""Hand-ins as learning-management systems, browsers and operating systems pack them: each is found, or named."""

import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_course import SECRET, write_chapter

from agebook.__main__ import main
from agebook.course import assign, hand_ins
from agebook.course.collect import collect
from agebook.course.grade import submission_of

STUDENTS = ["ada", "ada2", "bob", "cy"]


def notebook(student="", text="a = 1", assignment="01_tiny") -> str:
    about = {"agelib": {"student": student, "assignment": assignment}} if student else {}
    cell = {"cell_type": "code", "id": "a", "source": text, "metadata": {}, "outputs": [], "execution_count": None}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": about, "cells": [cell]})


def put(file: Path, content, time=1000) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(file, (time, time))
    return file


def packed(files: dict, day=1) -> bytes:
    """A zip archive; a member is changed on the given day of a month."""
    with io.BytesIO() as made, zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, day, 12, 0, 0)), content, zipfile.ZIP_DEFLATED)
        archive.close()
        return made.getvalue()


class Course:
    """A folder of hand-ins, and a course of four students and one chapter."""

    def __init__(self, place: Path, chapter):
        self.source, self.folder = place / "hand-ins", place / "course"
        self.source.mkdir()
        self.made = assign.recall([chapter], STUDENTS, SECRET, self.folder)

    def put(self, name, content, time=1000):
        return put(self.source / name, content, time)

    def collect(self, source=None):
        """Outcome of each file by its name below the source."""
        source = source or self.source
        self.table = collect(source, self.made, self.folder)
        names = [Path(file).relative_to(source).as_posix() for file in self.table["file"]]
        self.reasons = dict(zip(names, self.table["reason"], strict=True))
        return dict(zip(names, self.table["outcome"], strict=True))

    @property
    def taken(self):
        files = {each.student: submission_of(each, self.folder) for each in self.made}
        return {student: file.read_text() for student, file in files.items() if file.is_file()}


@pytest.fixture
def course(chapter, tmp_path):
    return Course(tmp_path, chapter)


def test_the_newest_notebook_of_a_students_folder_is_taken_whole(course):
    course.put("ada/01_tiny.ipynb", notebook("ada", "first"), 1000)
    course.put("late/ADA/01_tiny.ipynb", notebook("ada", "second"), 1001)
    course.put("ada2_assignsubmission_file_01_tiny.ipynb", notebook("ada2"))
    assert course.collect() == {
        "ada/01_tiny.ipynb": "older",
        "late/ADA/01_tiny.ipynb": "collected",
        "ada2_assignsubmission_file_01_tiny.ipynb": "collected",
    }
    assert course.taken == {"ada": notebook("ada", "second"), "ada2": notebook("ada2")}
    assert submission_of(course.made[0], course.folder).stat().st_mtime == 1001
    assert "newer is" in course.reasons["ada/01_tiny.ipynb"]
    with pytest.raises(FileNotFoundError, match="no folder and no zip archive"):
        collect(course.source / "nowhere", course.made, course.folder)


@pytest.mark.parametrize(
    "name",
    [
        "01_tiny.ipynb",
        "01_tiny-1.ipynb",
        "01_tiny (1).ipynb",
        "01_tiny-Copy1.ipynb",
        "01_TINY.IPYNB",
        "01_tiny.ipynb.json",
        "01_tiny.ipynb.txt",
        "01_tiny.json",
        "01_tiny",
        "my answers.ipynb",
        "Ada Lovelace_4711_assignsubmission_file_/01_tiny.ipynb",
        "lovelaceada_123_456_01_tiny-2.ipynb",
        "lovelaceada_LATE_123_456_01_tiny.ipynb",
        "Sheet 1_al23_attempt_2026-01-05-12-00-00_01_tiny.ipynb",
        "Gruppe Ä/ü b/c.zip/d/01_tiny.ipynb",
    ],
)
def test_the_metadata_say_whose_it_is_where_the_path_does_not(course, name):
    archive, _, inner = name.partition(".zip/")
    if inner:
        course.put(f"{archive}.zip", packed({inner: notebook("ada")}))
    else:
        course.put(name, notebook("ada"))
    assert course.collect() == {name: "collected"}
    assert course.taken == {"ada": notebook("ada")}


@pytest.mark.parametrize(
    "name",
    [
        "ada/01_tiny.ipynb",
        "ada/x/y/01_tiny-Copy2.ipynb",
        "ada/01_tiny/answers.ipynb",
        "ada_123_456_01_tiny-2.ipynb",
        "ada_4711_assignsubmission_file_/01_tiny.ipynb",
        "Sheet_ada_attempt_2026-01-05-12-00-00_01_tiny.ipynb",
        "ada.zip/01_tiny.ipynb",
        "ada_123_456_work.zip/01_tiny.ipynb",
    ],
)
@pytest.mark.parametrize("content", [notebook(), notebook("bob"), '{"cells": ['])
def test_the_path_decides_where_it_names_a_student(course, name, content):
    archive, _, inner = name.partition(".zip/")
    course.put(f"{archive}.zip" if inner else name, packed({inner: content}) if inner else content)
    course.put("bob/01_tiny.ipynb", notebook("bob", "own"), 1)
    assert course.collect()[name] == "collected"
    assert course.taken == {"ada": content, "bob": notebook("bob", "own")}
    said = {notebook(): "", notebook("bob"): "handed out to 'bob'"}.get(content, "cannot be read")
    assert said in course.reasons[name] and bool(said) == bool(course.reasons[name])


def test_a_chapters_number_is_no_student(chapter, tmp_path):
    made = assign.recall([chapter], ["01", "02"], SECRET, tmp_path / "course")
    put(tmp_path / "hand-ins" / "01_tiny.ipynb", notebook("02"))
    put(tmp_path / "hand-ins" / "01_7_8_01_tiny.ipynb", notebook("01"))
    assert set(collect(tmp_path / "hand-ins", made, tmp_path / "course")["student"]) == {"01", "02"}


def test_a_path_that_names_two_students_is_for_a_person_to_decide(course):
    course.put("ada/bob/01_tiny.ipynb", notebook("bob"))
    course.put("ada/bob_01_tiny.ipynb", notebook("bob"))
    assert set(course.collect().values()) == {"unknown"} and course.taken == {}
    assert "names ada and bob" in course.reasons["ada/bob/01_tiny.ipynb"]


def test_what_systems_leave_behind_is_passed_over(course):
    for name in ("__MACOSX/ada/._01_tiny.ipynb", "ada/._01_tiny.ipynb", "ada/.ipynb_checkpoints/01_tiny.ipynb"):
        course.put(name, b"\0\5\26\7", 9000)
    for name in ("ada/.hidden/01_tiny.ipynb", "ada/Thumbs.db", "desktop.ini", "ada/.DS_Store"):
        course.put(name, notebook("ada", "hidden"), 9000)
    course.put("ada/01_tiny.ipynb", notebook("ada"))
    course.put("bob.zip", packed({"__MACOSX/._01_tiny.ipynb": "x", "01_tiny.ipynb": notebook("bob"), ".x/y": "z"}))
    assert course.collect() == {"ada/01_tiny.ipynb": "collected", "bob.zip/01_tiny.ipynb": "collected"}
    assert course.taken == {"ada": notebook("ada"), "bob": notebook("bob")}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFOs, and links need a right of their own")
def test_links_pipes_and_folders_are_named_and_never_followed(course, tmp_path):
    put(tmp_path / "private.ipynb", notebook("ada", "the instructor's own"))
    (course.source / "ada").mkdir()
    (course.source / "ada" / "01_tiny.ipynb").symlink_to(tmp_path / "private.ipynb")
    (course.source / "bob").symlink_to(tmp_path)
    (course.source / "dangling.ipynb").symlink_to("nowhere")
    (course.source / "loop").symlink_to(course.source)
    os.mkfifo(course.source / "pipe.ipynb")
    course.put("cy/01_tiny.ipynb/01_tiny.ipynb", notebook("cy"))
    put(Path(os.fsdecode(os.fsencode(course.source) + b"/gr\xfcn.ipynb")), notebook("ada2"))
    outcomes = course.collect()
    assert outcomes.pop("cy/01_tiny.ipynb/01_tiny.ipynb") == outcomes.pop("gr\ufffdn.ipynb") == "collected"
    assert set(outcomes) == {"ada/01_tiny.ipynb", "bob", "dangling.ipynb", "loop", "pipe.ipynb", "cy/01_tiny.ipynb"}
    assert set(outcomes.values()) == {"not understood"} and all(course.reasons[name] for name in outcomes)
    assert "links are not followed" in course.reasons["bob"] and "a pipe" in course.reasons["pipe.ipynb"]
    assert course.taken == {"ada2": notebook("ada2"), "cy": notebook("cy")}


def test_the_same_time_never_means_the_last_folder(course):
    for name, text in {"01_tiny": "first", "01_tiny-1": "second", "01_tiny-2": "third"}.items():
        course.put(f"ada/{name}.ipynb", notebook("ada", text))
    course.put("x/bob/01_tiny.ipynb", notebook("bob", "one"))
    course.put("y/bob/01_tiny.ipynb", notebook("bob", "other"))
    course.put("x/cy/01_tiny.ipynb", notebook("cy"))
    course.put("y/cy/01_tiny.ipynb", notebook("cy"), 900)
    assert course.collect() == {
        "ada/01_tiny.ipynb": "older",
        "ada/01_tiny-1.ipynb": "older",
        "ada/01_tiny-2.ipynb": "collected",
        "x/bob/01_tiny.ipynb": "conflict",
        "y/bob/01_tiny.ipynb": "conflict",
        "x/cy/01_tiny.ipynb": "collected",
        "y/cy/01_tiny.ipynb": "same",
    }
    assert course.taken == {"ada": notebook("ada", "third"), "cy": notebook("cy")}
    assert "of the same time" in course.reasons["x/bob/01_tiny.ipynb"]


def test_a_copy_that_two_people_handed_in_is_neithers_before_a_person_has_looked(course):
    course.put("Ada Lovelace_1_assignsubmission_file_/01_tiny.ipynb", notebook("ada"), 1000)
    course.put("Bob B_2_assignsubmission_file_/01_tiny.ipynb", notebook("ada", "changed"), 2000)
    assert set(course.collect().values()) == {"conflict"} and course.taken == {}
    assert "handed in by ada lovelace and bob b" in set(course.reasons.values()).pop()


def test_what_was_collected_earlier_gives_way_to_what_is_better_alone(course):
    first = put(course.source / "ada" / "01_tiny.ipynb", notebook("ada", "second week"), 2000)
    assert set(course.collect().values()) == {"collected"} and set(course.collect().values()) == {"collected"}

    def again(content, time, outcome, taken):
        put(first, content, time)
        assert course.collect() == {"ada/01_tiny.ipynb": outcome}, content
        assert course.taken == {"ada": taken}

    kept = notebook("ada", "second week")
    again(notebook("ada", "first week"), 1000, "older", kept)
    again('{"cells": [', 3000, "not understood", kept)
    again(notebook("bob", "not hers"), 3000, "unknown", kept)
    again(notebook("ada", "at the same time"), 2000, "conflict", kept)
    again(notebook("ada", "third week"), 3000, "collected", notebook("ada", "third week"))
    put(submission_of(course.made[0], course.folder), '{"cells": [', 9000)
    again(notebook("ada", "readable"), 1, "collected", notebook("ada", "readable"))


def test_a_readable_notebook_of_ones_own_comes_before_a_newer_one_that_is_not(course):
    course.put("ada/01_tiny.ipynb", notebook("ada"), 1000)
    course.put("ada/01_tiny (1).ipynb", '{"cells": [', 2000)
    course.put("ada/of a friend/01_tiny.ipynb", notebook("bob"), 3000)
    assert course.collect() == {
        "ada/01_tiny (1).ipynb": "not understood",
        "ada/01_tiny.ipynb": "collected",
        "ada/of a friend/01_tiny.ipynb": "unknown",
    }
    assert course.taken == {"ada": notebook("ada")}


def test_what_is_no_hand_in_is_named_with_its_reason(course):
    files = {
        "ada/01_tiny.pdf": (b"%PDF-1.7", "not understood", "a PDF"),
        "ada/01_tiny.html": (b"<!DOCTYPE html>", "not understood", "HTML"),
        "ada/01_tiny.py": (b"a = 1", "not understood", "not JSON"),
        "ada/work.docx": (packed({"word/document.xml": "<x/>"}), "not understood", "a text document"),
        "ada/work.rar": (b"Rar!\x1a", "not understood", "a RAR archive"),
        "empty.zip": (packed({}), "not understood", "an empty zip archive"),
        "torn.zip": (packed({"a": "b"})[:-10], "not understood", "cannot be opened"),
        "cut.ipynb": (b'{"cells": [', "not understood", "damaged or cut off"),
        "data.json": (b"{}", "not understood", "without cells"),
        "anna/01_tiny.ipynb": (notebook(), "unknown", "its metadata say nothing"),
        "zoe.ipynb": (notebook("zoe"), "unknown", "'zoe', who is not in the class list"),
        "ada/notes.ipynb": (notebook(), "unknown", "which chapter"),
        "ada/02_other.ipynb": (notebook("ada", assignment="02_other"), "another chapter", "not collected now"),
    }
    for name, (content, *_) in files.items():
        course.put(name, content)
    assert course.collect() == {name: outcome for name, (_, outcome, _) in files.items()}
    for name, (_, _, reason) in files.items():
        assert reason in course.reasons[name], name
    assert course.taken == {}


def test_an_archive_is_read_in_memory_and_leads_nowhere(course, tmp_path):
    link = zipfile.ZipInfo("cy/01_tiny.ipynb")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("../../ada/01_tiny.ipynb", notebook("ada"))
        archive.writestr("/etc/01_tiny.ipynb", notebook("bob"))
        archive.writestr("ada2\\late\\01_tiny.ipynb", packed({"01_tiny.ipynb": notebook("ada2")}))
        archive.writestr(link, "/etc/passwd")
    before = sorted(tmp_path.rglob("*"))
    assert course.collect(tmp_path / "class.zip") == {
        "ada/01_tiny.ipynb": "collected",
        "etc/01_tiny.ipynb": "collected",
        "ada2/late/01_tiny.ipynb/01_tiny.ipynb": "collected",
        "cy/01_tiny.ipynb": "not understood",
    }
    assert course.taken == {"ada": notebook("ada"), "bob": notebook("bob"), "ada2": notebook("ada2")}
    assert all(file in before or course.folder in (file, *file.parents) for file in tmp_path.rglob("*"))


def test_members_of_archives_have_the_times_of_the_archive(course):
    course.put("first.zip", packed({"ada/01_tiny.ipynb": notebook("ada", "late")}, day=9), 1000)
    course.put("second.zip", packed({"ada/01_tiny.ipynb": notebook("ada", "early")}, day=8), 2000)
    assert course.collect() == {"first.zip/ada/01_tiny.ipynb": "collected", "second.zip/ada/01_tiny.ipynb": "older"}


def test_archives_that_unpack_to_too_much_or_are_damaged_stop_nobody_elses(course, monkeypatch):
    monkeypatch.setattr(hand_ins, "UNPACKED", 10_000)
    monkeypatch.setattr(hand_ins, "RATIO", 1)
    deep = notebook("bob")
    for _ in range(6):
        deep = packed({"inner.zip": deep}) if isinstance(deep, bytes) else packed({"01_tiny.ipynb": deep})
    course.put("bob.zip", deep)
    course.put("ada2.zip", packed({f"{number}.ipynb": "{" + " " * 50_000 for number in range(5)}))
    broken = bytearray(packed({"01_tiny.ipynb": notebook("cy")}))
    broken[50] ^= 255
    course.put("cy.zip", bytes(broken))
    course.put("ada/01_tiny.ipynb", notebook("ada"))
    outcomes = course.collect()
    assert outcomes.pop("ada/01_tiny.ipynb") == "collected"
    assert set(outcomes.values()) == {"not understood"} and len(outcomes) == 7
    assert "deep in each other" in " ".join(course.reasons.values())
    assert all("unpacks to too much" in course.reasons[f"ada2.zip/{number}.ipynb"] for number in range(5))
    assert "cannot be unpacked" in course.reasons["cy.zip/01_tiny.ipynb"]


def test_the_courses_own_folders_are_no_hand_ins(course):
    put(course.folder / "release" / "ada" / "01_tiny.ipynb", notebook("ada", "blank"))
    put(course.folder / "in" / "bob" / "01_tiny.ipynb", notebook("bob"))
    assert course.collect(course.folder) == {"in/bob/01_tiny.ipynb": "collected"}
    assert not [name for name in course.collect(course.folder.parent) if name.startswith("course/release")]


def test_the_command_names_every_file_and_who_is_missing(chapter, course, tmp_path, monkeypatch, capsys):
    from agebook.build import chapters

    monkeypatch.setattr(chapters, "list_chapters", lambda repository: [chapter])
    (tmp_path / "class.csv").write_text("student\n" + "\n".join(STUDENTS) + "\n")
    command = ["collect", "01", "--roster", str(tmp_path / "class.csv"), "--folder", str(course.folder)]
    command += ["--source", str(course.source)]

    def called():
        code = main(command)
        return code, capsys.readouterr().out

    course.put("ada/01_tiny.ipynb", notebook("ada"))
    course.put("cy/01_tiny.ipynb", notebook("bob"))
    code, out = called()
    assert code == 0 and "not handed in, 01_tiny: ada2, bob\n2 collected, 2 not handed in" in out
    assert f"collected      {course.source / 'cy' / '01_tiny.ipynb'}: it was handed out to 'bob'" in out
    course.put("bob/01_tiny.pdf", b"%PDF")
    code, out = called()
    assert code == 1 and f"not understood {course.source / 'bob' / '01_tiny.pdf'}: a PDF" in out
    course.put("bob/01_tiny.ipynb", notebook("bob"))
    course.put("ada2/01_tiny.ipynb", notebook("ada2"))
    code, out = called()
    assert code == 0 and "4 collected, 0 not handed in" in out and "not handed in," not in out
    course.put("ada2/x/01_tiny.ipynb", notebook("ada2", "else"))
    code, out = called()
    assert code == 1 and out.count("conflict") == 2


#: How a system writes who handed in what; 9 and 7 stand for numbers of its own.
NAMES = [
    "{person}_97_assignsubmission_file_/{file}",
    "{canvas}_97_79_{file}",
    "{canvas}_LATE_97_79_{file}",
    "Sheet_{canvas}_attempt_2026-01-05-12-00-07_{file}",
    "{person}/{file}",
    "{file}",
]
ENDINGS = ["", "-1", " (2)", "-Copy1", " - Kopie", "-3 (1)"]
WORDS = st.text("abcxyzÄß_ -.()0123456789", min_size=1, max_size=12).filter(
    # a path that names a student outweighs what the notebook says, which is tried above
    lambda text: (
        text.strip(". ")[:1] not in ("", ".")
        and not any(name in "".join(filter(str.isalpha, text)).lower() for name in ("ada", "bob", "cy"))
    )
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.sampled_from(ENDINGS),
            st.sampled_from([".ipynb", ".IPYNB", ".ipynb.txt", ".json"]),
            WORDS,
            st.sampled_from([*STUDENTS, "zoe", ""]),
            st.integers(0, 3),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_every_notebook_is_collected_or_named_with_a_reason(files):
    with tempfile.TemporaryDirectory() as place:
        course = Course(Path(place), write_chapter(Path(place)))
        written = {}
        for name, ending, suffix, word, student, time, zipped in files:
            person = word.strip(". ")
            canvas = "".join(letter for letter in person if letter.isalpha()) or "x"
            name = name.format(person=person, canvas=canvas, file=f"01_tiny{ending}{suffix}")
            if zipped:
                name = f"{person}.zip/{name}"
            if name not in written:
                written[name] = notebook(student, f"{name} {time}")
        archives = {}
        for name, content in written.items():
            archive, _, inner = name.partition(".zip/")
            if inner:
                archives.setdefault(archive, {})[inner] = content
            else:
                course.put(name, content, 1000 + len(name) % 3)
        for archive, members in archives.items():
            course.put(f"{archive}.zip", packed(members))
        outcomes = course.collect()
        assert set(outcomes) == set(written)
        for name, outcome in outcomes.items():
            assert outcome == "collected" or course.reasons[name], name
        collected = [name for name, outcome in outcomes.items() if outcome == "collected"]
        assert sorted(course.taken.values()) == sorted(written[name] for name in collected)
        for student, text in course.taken.items():
            assert json.loads(text)["metadata"].get("agelib", {}).get("student") == student
        disputed = {row.student for row in course.table.itertuples() if row.outcome == "conflict"}
        handed_in = {json.loads(text)["metadata"].get("agelib", {}).get("student") for text in written.values()}
        assert set(course.taken) | disputed == handed_in & set(STUDENTS)
