"""by-hand.csv after a person and a spreadsheet had it: what was typed counts where it belongs, and is never lost."""

import csv
import io
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agebook.course import manual_grading
from agelib.runtime import workspace


def a_record(student, answer="Because.", chapter="01_tiny", exercise="ex-why", points=4):
    return {
        "student": student,
        "chapter": chapter,
        "outcome": "graded",
        "points": {"ex-sum-test": 1, exercise: points},
        "scores": {"ex-sum-test": 1.0, exercise: 0.0},
        "by_hand": {exercise: answer} if answer else {},
        "remarks": [],
    }


def enter(folder, *records):
    """What a grading does with its records; returns the answers' scores and comments, and what was said."""
    for record in records:
        workspace.write_json(folder / "graded" / record["student"] / f"{record['chapter']}.json", record)
    said = []
    manual_grading.read(folder, said.append)
    manual_grading.enter(records, folder, said.append)
    judged = {r["student"]: tuple(each.values()) for r in records for each in r["judged"].values()}
    return judged, said


def rows_of(folder):
    text = (folder / "by-hand.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, ""), delimiter=";" if text.startswith("student;") else ","))


def save(folder, rows, encoding="utf-8", separator=",", columns=None, quoting=csv.QUOTE_MINIMAL):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns or list(rows[0]), "", "ignore", delimiter=separator, quoting=quoting)
    writer.writeheader()
    writer.writerows(rows)
    (folder / "by-hand.csv").write_bytes(text.getvalue().encode(encoding, errors="replace"))


def fill(folder, scores, **more):
    rows = rows_of(folder)
    for row, (score, comment) in zip(rows, scores, strict=True):
        row["score"], row["comment"] = score, comment
    save(folder, rows, **more)
    return rows


def test_a_spreadsheet_shows_umlauts_and_takes_no_version_for_a_number(tmp_path):
    enter(tmp_path, a_record("ada", "Weil es größer ist"))
    assert (tmp_path / "by-hand.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert rows_of(tmp_path)[0]["version"][0] == "v" and rows_of(tmp_path)[0]["answer"] == "Weil es größer ist"
    assert not (tmp_path / "by-hand-backups").exists()


def test_garbled_answers_do_not_matter(tmp_path):
    ada = a_record("ada", "Weil es größer ist")
    enter(tmp_path, ada)
    rows = fill(tmp_path, [("3,5", "gut gemacht, größer")])
    rows[0]["answer"] = rows[0]["answer"].encode().decode("cp1252")
    save(tmp_path, rows, "cp1252", ";")
    judged, said = enter(tmp_path, ada)
    assert judged == {"ada": (3.5, "gut gemacht, größer")} and ada["scores"]["ex-why"] == 3.5
    assert len(said) == 1 and "read as cp1252" in said[0]
    # It is written as that spreadsheet takes it: semicolons, and a decimal comma.
    assert rows_of(tmp_path)[0]["score"] == "3,5" and rows_of(tmp_path)[0]["answer"] == "Weil es größer ist"


def test_an_answer_handed_in_anew_is_read_anew_and_the_score_is_not_lost(tmp_path):
    enter(tmp_path, a_record("ada", "One"), a_record("bob", "Two"))
    fill(tmp_path, [("3.5", "=good"), ("1", "")])
    judged, said = enter(tmp_path, a_record("ada", "Another"), a_record("bob", " Two\n"))
    assert judged == {"ada": (None, ""), "bob": (1, "")}
    assert len(said) == 1 and "line 2: ada, 01_tiny, ex-why was handed in anew" in said[0]
    assert rows_of(tmp_path)[0]["earlier"] == "scored 3.5, =good"
    judged, said = enter(tmp_path, a_record("ada", "Another"), a_record("bob", "Two"))
    assert said == [] and rows_of(tmp_path)[0]["earlier"] == "scored 3.5, =good"
    first, *_ = sorted((tmp_path / "by-hand-backups").iterdir())
    assert "3.5,=good" in first.read_text()
    # An exercise that is worth less now is read anew, too.
    judged, said = enter(tmp_path, a_record("ada", "Another"), a_record("bob", "Two", points=0.5))
    assert judged["bob"] == (None, "") and "has 0.5 points now" in said[0]
    assert rows_of(tmp_path)[1]["earlier"] == "scored 1"


def test_a_file_without_versions_keeps_its_scores(tmp_path):
    enter(tmp_path, a_record("ada", "One"))
    rows = fill(tmp_path, [("2", "")])
    save(tmp_path, rows, columns=["exercise", "student", "chapter", "score"])
    assert enter(tmp_path, a_record("ada", "Another"))[0] == {"ada": (2, "")}


def test_rows_of_nobody_stay_at_the_end_and_are_reported(tmp_path):
    enter(tmp_path, a_record("ada"), a_record("bob"), a_record("cy"), a_record("ada", chapter="02_other"))
    fill(tmp_path, [("1", ""), ("2", "fine"), ("", ""), ("3", "")])
    judged, said = enter(tmp_path, a_record("ada"))
    assert judged == {"ada": (1, "")} and len(said) == 1
    assert "line 3: no answer of bob, 01_tiny, ex-why was graded; kept" in said[0]
    kept = [(row["student"], row["chapter"], row["score"]) for row in rows_of(tmp_path)]
    assert kept == [("ada", "01_tiny", "1"), ("bob", "01_tiny", "2"), ("ada", "02_other", "3")]
    # Who withdrew an answer does not lose what was said of it; who comes back has the score again.
    judged, said = enter(tmp_path, a_record("ada", ""), a_record("bob"))
    assert judged == {"bob": (2, "fine")} and "no answer of ada" in said[0]
    # What an earlier chapter was given counts where all chapters are asked for.
    (other,) = [r for r in manual_grading.others({("bob", "01_tiny"), ("cy", "01_tiny")}, tmp_path) if r["by_hand"]]
    assert other["chapter"] == "02_other" and other["scores"] == {"ex-sum-test": 1.0, "ex-why": 3.0}


@pytest.mark.parametrize(
    ("student", "garbled"),
    [("0012", "12"), ("1E5", "1.00E+05"), ("123456789012", "1.23457E+11"), ("ada", " Ada"), ("A.b", "a.b")],
)
def test_keys_that_a_spreadsheet_changed_are_found_again(tmp_path, student, garbled):
    records = [a_record(student), a_record("bob")]
    enter(tmp_path, *records)
    rows = fill(tmp_path, [("3", "x"), ("1", "")])
    rows[0]["student"] = garbled
    for version in (rows[0]["version"], ""):
        save(tmp_path, [rows[0] | {"version": version}, rows[1]])
        assert enter(tmp_path, *records) == ({student: (3, "x"), "bob": (1, "")}, [])
        assert rows_of(tmp_path)[0]["student"] == student


def test_a_key_that_may_be_two_is_found_by_its_version_or_stays_at_the_end(tmp_path):
    records = [a_record("0012"), a_record("12")]
    enter(tmp_path, *records)
    rows = fill(tmp_path, [("3", ""), ("1", "")])
    rows[0]["student"] = "12"
    save(tmp_path, rows)
    assert enter(tmp_path, *records)[0] == {"0012": (3, ""), "12": (1, "")}
    rows[0] |= {"student": "012", "version": ""}
    save(tmp_path, rows)
    judged, said = enter(tmp_path, *records)
    assert judged == {"0012": (None, ""), "12": (1, "")} and "line 2: no answer of 012" in said[0]
    assert rows_of(tmp_path)[-1]["score"] == "3"


@pytest.mark.parametrize(
    ("scores", "versions", "said"),
    [
        (("abc", "1"), (0, 1), "by-hand.csv, line 2: the score 'abc' is no number from 0 to 4"),
        (("1", "9"), (0, 1), "by-hand.csv, line 3: the score '9' is no number from 0 to 4"),
        (("1", "03. Mai"), (0, 1), "line 3: the score '03. Mai'"),
        (("1", "2"), (1, 0), "line 2: the row is of ada, .* version is of bob, .* column sorted alone"),
    ],
)
def test_a_slip_is_said_before_anything_is_graded_and_nothing_is_written(tmp_path, scores, versions, said):
    enter(tmp_path, a_record("ada"), a_record("bob"))
    rows = fill(tmp_path, [(score, "") for score in scores])
    save(tmp_path, [row | {"version": rows[place]["version"]} for row, place in zip(rows, versions, strict=True)])
    before = (tmp_path / "by-hand.csv").read_bytes()
    with pytest.raises(ValueError, match=said):
        manual_grading.read(tmp_path)
    assert (tmp_path / "by-hand.csv").read_bytes() == before


def test_an_answer_that_stands_twice_is_refused_only_if_it_is_judged_in_two_ways(tmp_path):
    enter(tmp_path, a_record("ada"))
    rows = fill(tmp_path, [("2", "")])
    save(tmp_path, [rows[0] | {"score": ""}, rows[0], rows[0]])
    assert enter(tmp_path, a_record("ada"))[0] == {"ada": (2, "")} and len(rows_of(tmp_path)) == 1
    save(tmp_path, [rows[0], rows[0] | {"score": "3"}])
    with pytest.raises(ValueError, match="lines 2 and 3: ada, 01_tiny, ex-why is there twice"):
        manual_grading.read(tmp_path)


@pytest.mark.parametrize("left", [b"", b"\r\n"])
def test_a_file_that_lost_its_content_is_not_taken_for_one_without_scores(tmp_path, left):
    enter(tmp_path, a_record("ada"))
    (tmp_path / "by-hand.csv").write_bytes(left)
    with pytest.raises(ValueError, match="is empty; take the newest of by-hand-backups, or delete it"):
        manual_grading.read(tmp_path, print)


def test_a_file_that_is_open_elsewhere_or_lies_beside_is_said(tmp_path, monkeypatch):
    enter(tmp_path, a_record("ada"))
    (tmp_path / "by-hand.xlsx").touch()
    os.utime(tmp_path / "by-hand.csv", (1000, 1000))
    said = []
    manual_grading.read(tmp_path, said.append)
    assert "by-hand.xlsx is newer than by-hand.csv and is not read" in said[0]

    def locked(*_):
        raise PermissionError

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(PermissionError, match=r"by-hand.csv cannot be written; if a spreadsheet has it open, close it"):
        manual_grading.read(tmp_path)


def test_odd_answers_can_be_written_and_few_backups_are_kept(tmp_path):
    odd = ["\ud800 half", "null \0", "x" * 70_000, "=cmd()", 'a "quoted", cell\r\nof lines']
    records = [a_record(f"s{number}", answer) for number, answer in enumerate(odd)]
    for score in range(14):
        enter(tmp_path, *records)
        fill(tmp_path, [(str(score % 4), "")] * len(odd))
    judged, said = enter(tmp_path, *records)
    assert said == [] and set(judged.values()) == {(1, "")}
    answers = [row["answer"] for row in rows_of(tmp_path)]
    assert answers[0] == "? half" and answers[3] == " =cmd()" and len(answers[2]) < 32_767
    assert len(list((tmp_path / "by-hand-backups").iterdir())) == manual_grading.BACKUPS


#: What a person types; the last letter is in no code page of Western Europe.
COMMENTS = st.text(st.sampled_from('aß ,;|\t"\n=-+@1.éλ'), max_size=8)
SCORES = st.sampled_from(["", "0", "3.5", "3,5", " 4", "+1"])
STUDENTS = ["ada", "0012", "1E5", "MAR1", "Bob.X", "cy@example.org"]


@settings(max_examples=60, deadline=None)
@given(
    typed=st.lists(st.tuples(SCORES, COMMENTS, COMMENTS), min_size=6, max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    separator=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    slips=st.booleans(),
    seed=st.integers(0, 10**6),
)  # fmt: skip
def test_what_was_typed_survives_whatever_a_spreadsheet_does(
    tmp_path_factory, typed, encoding, separator, quoting, slips, seed
):
    if encoding == "cp1252":
        typed = [tuple(text.replace("λ", "l") for text in row) for row in typed]
    folder, lot = tmp_path_factory.mktemp("course"), random.Random(seed)
    records = [a_record(student, f"Größe von {student}") for student in STUDENTS]
    enter(folder, *records)
    rows = rows_of(folder)
    for row, (score, comment, note) in zip(rows, typed, strict=True):
        row |= {"score": score, "comment": comment, "My notes": note}
        if slips:
            changed = {"0012": "12", "1E5": "1.00E+05", "MAR1": "01. Mrz", "ada": "Ada "}
            row["student"] = changed.get(row["student"], row["student"])
            row["answer"], row["points"] = "???", lot.choice(["4", "4,0", ""])
    lot.shuffle(rows)
    columns = list(rows[0])
    lot.shuffle(columns)
    save(folder, rows, encoding, separator, columns, quoting)
    for _ in range(2):  # what the first call wrote, the second reads
        judged, said = enter(folder, *records)
        assert not [line for line in said if "not UTF-8" not in line]
        for student, (score, comment, note) in zip(STUDENTS, typed, strict=True):
            expected = float(score.replace(",", ".")) if score else None
            assert judged[student] == (expected, comment.strip())
            (row,) = [row for row in rows_of(folder) if row["student"] == student]
            assert row["My notes"].strip() == note.strip()
