"""Answers that a person judges: a table to fill in, ``by-hand.csv``, which the next grading reads.

A row belongs to an answer by its student, chapter and exercise. Its ``version`` says which answer it was that a person
judged, so that one that is handed in anew is to be read anew. Nothing that a person typed is lost: what no longer
counts goes into the column ``earlier``, what belongs to nobody to the end of the table, and the file as it was into
``by-hand-backups``.
"""

import datetime
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from agebook.course.records import read_records
from agelib.data.spreadsheets import read_table, to_numbers, to_stderr
from agelib.runtime import workspace

KEYS = ["student", "chapter", "exercise"]
COLUMNS = [*KEYS, "points", "score", "comment", "answer", "version", "earlier"]

#: How many earlier states of the table are kept.
BACKUPS = 10

#: Characters of an answer that the table shows; a spreadsheet takes 32,767 in a cell.
SHOWN = 30_000

#: Digits that a spreadsheet keeps of a number, and that it shows of a long one.
DIGITS = (15, 6)


def file_of(folder) -> Path:
    """Where the table of a course lies."""
    return Path(folder) / "by-hand.csv"


def require_writable(file) -> None:
    """Raise PermissionError, with what to do, if a file may not be written: before hours of work, not after."""
    if Path(file).exists():
        try:
            Path(file).open("r+b").close()
        except PermissionError:
            raise PermissionError(f"{file} cannot be written; if a spreadsheet has it open, close it there") from None


def read(folder, report=to_stderr) -> pd.DataFrame:
    """The table as it was filled in; empty if there is none.

    Parameters
    ----------
    folder : path
        The course's.
    report : callable
        Told a line for what is odd, and no fault.

    Returns
    -------
    pandas.DataFrame
        By line: text in :data:`COLUMNS` and in those that a person added, but numbers in ``points`` and ``score``.

    Raises
    ------
    ValueError
        If a column is missing, a score is no number from 0 to the points, or two rows are at odds about an answer; the
        message names the line.
    PermissionError
        If another program holds the file open.
    """
    file = file_of(folder)
    since = file.stat().st_mtime if file.is_file() else 0
    for other in sorted(Path(folder).glob("by-hand*")):
        if other.is_file() and other != file and other.stat().st_mtime > since:
            report(f"{other} is newer than {file.name} and is not read; if you filled it in, save it as {file}")
    if not file.is_file():
        return pd.DataFrame(columns=COLUMNS)
    require_writable(file)
    if not file.read_bytes().strip():
        raise ValueError(f"{file} is empty; take the newest of by-hand-backups, or delete it: grading writes it anew")
    table = read_table(file, [*KEYS, "score"], "the table that grading wrote, see by-hand-backups", report)
    for name in [*table.columns, *COLUMNS]:
        table[name] = table[name].str.strip() if name in table else ""
    given, points, scores = table["score"], to_numbers(table["points"]), to_numbers(table["score"])
    wrong = (given != "") & ~scores.between(0, points.fillna(float("inf")))
    if wrong.any():
        line = wrong.idxmax()
        raise ValueError(
            f"{file}, line {line}: the score {given[line]!r} is no number from 0 to {table['points'][line]}; "
            "mend it, or leave it empty"
        )
    table.attrs["comma"] = table.attrs["separator"] == ";" or bool(given.str.contains(",").any())
    table = table.assign(points=points, score=scores)
    _place(table, _answers(read_records(folder, lambda line: None)), file)  # rows at odds are found now
    return table


def enter(records: Sequence[dict], folder, report=to_stderr) -> dict[tuple[str, str], int]:
    """Put what was judged into the records, and write the table with what is still to be read.

    Parameters
    ----------
    records : sequence of dict
        Of :mod:`agebook.course.grade`; changed as :func:`judge` says.
    folder : path
        The course's.
    report : callable
        Told a line for each score that does not count, with where it stands now.

    Returns
    -------
    dict
        (student, chapter) → how many answers wait to be read.

    Raises
    ------
    ValueError, PermissionError
        As :func:`read`; nothing is written then.
    """
    file = file_of(folder)
    table = read(folder, report=lambda line: None)
    elsewhere = set(_answers(read_records(folder, lambda line: None)))
    rows, left = judge(records, table, file, elsewhere, report)
    graded = {record["chapter"] for record in records}
    for row in left:
        key = tuple(row[name] for name in KEYS)
        mine = row["chapter"] in graded or key not in elsewhere
        if mine and _is_typed(row):
            report(f"{file}, line {row['line']}: no answer of {', '.join(key)} was graded; kept, and counts nowhere")
        if not mine or _is_typed(row):
            rows.append(row)
    if rows:
        _write(rows, table, file)
    return {
        (record["student"], record["chapter"]): sum(each["score"] is None for each in record["judged"].values())
        for record in records
    }


def others(graded, folder) -> list[dict]:
    """The records of earlier gradings, with what was judged, but for those of the given (student, chapter)."""
    records = read_records(folder, lambda line: None)
    found = [record for record in records if (record["student"], record["chapter"]) not in graded]
    elsewhere = _answers(record for record in records if (record["student"], record["chapter"]) in graded)
    judge(found, read(folder, lambda line: None), file_of(folder), elsewhere, lambda line: None)
    return found


def judge(records: Sequence[dict], table: pd.DataFrame, file, elsewhere=(), report=to_stderr) -> tuple[list, list]:
    """Put what a person judged into records.

    Parameters
    ----------
    records : sequence of dict
        ``scores`` are changed, and ``judged`` is added: exercise → ``score`` (None: not read yet) and ``comment``.
    table, file : pandas.DataFrame, path
        From :func:`read`, and what to call it.
    elsewhere : collection of tuple
        Student, chapter and exercise of answers in other records, so that their rows are not taken for these.

    Returns
    -------
    list, list of dict
        The table's rows for these records, and those that are left.
    """
    answers = _answers(records)
    placed, left = _place(table, [*answers, *(key for key in elsewhere if key not in answers)], file)
    left += [row for key, row in placed.items() if key not in answers]
    rows = []
    for record in records:
        record["judged"] = {}
    for key, (record, answer) in answers.items():
        most, version = record["points"].get(key[2], 0.0), _version(key, answer)
        row = dict.fromkeys(table.columns, "") | {"score": None} | placed.get(key, {})
        row |= dict(zip(KEYS, key, strict=True)) | {"points": most, "answer": answer}
        anew = _parts(row["version"])[1] not in ("", _parts(version)[1])
        over = row["score"] is not None and row["score"] > most
        if (anew or over) and (row["score"] is not None or row["comment"]):
            was = "not scored" if row["score"] is None else f"scored {row['score']:.15g}"
            row["earlier"] = "; ".join(filter(None, [", ".join(filter(None, [was, row["comment"]])), row["earlier"]]))
            why = "was handed in anew since it was judged" if anew else f"has {most:g} points now"
            report(f"{file}, line {row['line']}: {', '.join(key)} {why}; what was typed is in the column earlier")
            row |= {"score": None, "comment": ""}
        row["version"] = version
        record["judged"][key[2]] = {"score": row["score"], "comment": row["comment"]}
        record["scores"][key[2]] = row["score"] or 0.0
        rows.append(row)
    return rows, left


def _answers(records) -> dict[tuple, tuple]:
    """Student, chapter and exercise → the record and the answer."""
    return {
        (record["student"], record["chapter"], exercise): (record, answer)
        for record in records
        for exercise, answer in record.get("by_hand", {}).items()
    }


def _place(table: pd.DataFrame, known, file) -> tuple[dict, list]:
    """The table's rows by the known key that each belongs to, and the rows that belong to none.

    A key belongs to what it says, unless a spreadsheet changed it (0012 to 12): then the version tells, or the one key
    that is like it.
    """
    versions = {_parts(_version(key, ""))[0]: key for key in known}
    exact, alike = set(known), {}
    for key in known:
        for digits in DIGITS:
            alike.setdefault(_loose(key, digits), []).append(key)
    placed, left = {}, []
    for line, values in zip(table.index, table.to_dict("records"), strict=True):
        row = values | {"line": line, "score": None if pd.isna(values["score"]) else float(values["score"])}
        key = tuple(row[name] for name in KEYS)
        like = alike.get(_loose(key, DIGITS["E+" in key[0].upper()]), [])
        said = versions.get(_parts(row["version"])[0], key)
        if said != key and key in exact and said not in like:
            raise ValueError(
                f"{file}, line {line}: the row is of {', '.join(key)}, but its version is of {', '.join(said)}. Was a "
                "column sorted alone? Undo that, or empty the version if the row is right"
            )
        if said not in exact and len(like) == 1:
            said = like[0]
        if said not in exact:
            left.append(row)
        elif said not in placed or not _is_typed(placed[said]):
            placed[said] = row
        elif _is_typed(row) and any(row[name] != placed[said][name] for name in _typed(row)):
            raise ValueError(
                f"{file}, lines {placed[said]['line']} and {line}: {', '.join(said)} is there twice, and not judged "
                "alike; delete one"
            )
    return placed, left


def _loose(key: tuple, digits: int) -> tuple:
    """A key as it is like others: case, spaces, and what a spreadsheet does to numbers make no difference."""
    student, *rest = ("".join(part.split()).casefold() for part in key)
    if re.fullmatch(r"\d+([.,]\d+)?(e\+?\d{1,2})?", student):
        student = f"{float(student.replace(',', '.')):.{digits}g}"
    return (digits, student, *rest)


def _version(key: tuple, answer: str) -> str:
    """Whose answer it is, and which: begins with a letter, so that no spreadsheet takes it for a number or a date."""
    return f"v{workspace.content_key(*key)[:8]}-{workspace.content_key(answer.split())[:8]}"


def _parts(version: str) -> tuple[str, str]:
    found = re.fullmatch(r"(v[0-9a-f]{8})-([0-9a-f]{8})", version)
    return found.groups() if found else ("", "")


def _typed(row: dict) -> list[str]:
    """Columns that a person fills in."""
    return [name for name in row if name not in (*KEYS, "points", "answer", "version", "line")]


def _is_typed(row: dict) -> bool:
    return any(row[name] not in (None, "") for name in _typed(row))


def _write(rows: list[dict], table: pd.DataFrame, file: Path) -> None:
    """Write the table so that spreadsheets show it as it is, with the separator that it was saved with."""
    comma = table.attrs.get("comma", False)
    own = [name for name in table.columns if name not in COLUMNS]
    written = pd.DataFrame(rows, dtype=object)[[*COLUMNS, *own]]
    for name in ("points", "score"):
        numbers = written[name].map(lambda value: "" if pd.isna(value) else f"{value:.15g}")
        written[name] = numbers.str.replace(".", ",") if comma else numbers
    long = written["answer"].str.len() > SHOWN
    written["answer"] = written["answer"].where(~long, written["answer"].str[:SHOWN] + " … (more in the feedback)")
    for name in ("comment", "answer", "earlier", *own):
        written[name] = written[name].str.replace("\0", "\ufffd").str.replace(r"\r\n?", "\n", regex=True)
        # A spreadsheet takes what begins so for a formula, and would calculate what a student wrote.
        written[name] = written[name].where(~written[name].str.match(r"[=+\-@\t]"), " " + written[name])
    headings = [*COLUMNS, *(table.attrs["headings"][name] for name in own)]
    text = written.to_csv(index=False, header=headings, sep=";" if comma else ",", lineterminator="\n")
    data = text.encode("utf-8-sig", errors="replace")  # a lone half of a character cannot be written
    if file.is_file():
        if file.read_bytes() == data:
            return
        filled = table.assign(score=table["score"].astype(object).where(table["score"].notna(), None))
        if any(_is_typed(row) for row in filled.to_dict("records")):
            _back_up(file)
    with workspace.write_whole(file) as temporary:
        temporary.write_bytes(data)


def _back_up(file: Path) -> None:
    kept = file.parent / "by-hand-backups"
    kept.mkdir(exist_ok=True)
    shutil.copy2(file, kept / f"by-hand-{datetime.datetime.now():%Y-%m-%d-%H%M%S-%f}.csv")
    for old in sorted(kept.glob("by-hand-*.csv"))[:-BACKUPS]:
        old.unlink()
