"""Answers that a person judges: a table to fill in, ``by-hand.csv``, which the next grading reads.

An answer keeps its score as long as it says the same; what is handed in anew is to be read anew.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from agelib.runtime import workspace

COLUMNS = ["student", "chapter", "exercise", "points", "score", "comment", "answer"]


def file_of(folder) -> Path:
    """Where the table of a course lies."""
    return Path(folder) / "by-hand.csv"


def read(folder) -> pd.DataFrame:
    """The table as it was filled in; empty if there is none.

    Raises
    ------
    ValueError
        If a column is missing, or a score is no number from 0 to the points; the message names the line.
    """
    file = file_of(folder)
    if not file.is_file():
        return pd.DataFrame(columns=COLUMNS)
    table = pd.read_csv(file, dtype="object", keep_default_na=False)
    if missing := [name for name in COLUMNS if name not in table]:
        raise ValueError(f"{file}: no column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
    given = table["score"].str.strip().str.replace(",", ".", regex=False)
    points = pd.to_numeric(table["points"], errors="coerce")
    scores = pd.to_numeric(given.where(given != ""), errors="coerce")
    wrong = (given != "") & ~scores.between(0, points)
    if wrong.any():
        row = wrong.idxmax()
        raise ValueError(
            f"{file}, line {row + 2}: the score {table['score'][row]!r} is no number from 0 to "
            f"{table['points'][row]}; mend it, or leave it empty"
        )
    return table.assign(points=points, score=scores)


def enter(records: Sequence[dict], folder) -> dict[tuple[str, str], int]:
    """Put what was judged into the records, and write the table with what is still to be read.

    Parameters
    ----------
    records : sequence of dict
        Of :mod:`agebook.course.grade`; ``scores`` are changed, and ``judged`` is added: exercise → ``score``
        (None: not read yet) and ``comment``.
    folder : path
        The course's.

    Returns
    -------
    dict
        (student, chapter) → how many answers wait to be read.
    """
    table = read(folder)
    known = {(row.student, row.chapter, row.exercise): row for row in table.itertuples()}
    rows, unread = [], {}
    for record in records:
        record["judged"] = {}
        for exercise, answer in record.get("by_hand", {}).items():
            before = known.pop((record["student"], record["chapter"], exercise), None)
            same = before is not None and before.answer.split() == answer.split()
            score = float(before.score) if same and pd.notna(before.score) else None
            comment = before.comment if same else ""
            record["judged"][exercise] = {"score": score, "comment": comment}
            record["scores"][exercise] = score or 0.0
            row = (record["student"], record["chapter"], exercise, record["points"][exercise], score, comment, answer)
            rows.append(dict(zip(COLUMNS, row, strict=True)))
        waiting = sum(judged["score"] is None for judged in record["judged"].values())
        unread[record["student"], record["chapter"]] = waiting
    rows += [dict(zip(COLUMNS, row[1:], strict=True)) for row in known.values()]  # of chapters that are not graded now
    if rows:
        written = pd.DataFrame(rows, columns=COLUMNS)
        for name in ("comment", "answer"):
            # A spreadsheet takes what begins so for a formula, and would calculate what a student wrote.
            formula = written[name].str.match(r"[=+\-@\t\r]")
            written[name] = written[name].where(~formula, " " + written[name])
        workspace.write_table(file_of(folder), written)
    return unread
