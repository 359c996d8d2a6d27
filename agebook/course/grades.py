"""The table of grades: the class list with the points of every chapter that was ever graded."""

from pathlib import Path

import pandas as pd

from agebook.course import manual_grading
from agelib.runtime import workspace


def file_of(folder) -> Path:
    """Where the table of a course lies."""
    return Path(folder) / "grades.csv"


def write_grades(table: pd.DataFrame, roster: pd.DataFrame, folder) -> list[str]:
    """Write ``grades.csv``: for spreadsheets, with the separator of the class list.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`agebook.course.grade.grade`; chapters of earlier calls are taken from their records.
    roster : pandas.DataFrame
        From :func:`agebook.course.roster.read_roster`: its columns come first, as the file spells them. Then one column
        a chapter, ``total``, and ``remarks``: what kept a hand-in from being graded, and what was found at it.
    folder : path
        The course's.

    Returns
    -------
    list of str
        Students who have grades and are not in the class list; they are not in the table either.
    """
    names = ["student", "chapter", "score", "outcome", "unread", "remarks"]
    rows = [tuple(row) for row in table[names].itertuples(index=False)]
    for record in manual_grading.others({row[:2] for row in rows}, folder):
        unread = sum(judged["score"] is None for judged in record["judged"].values())
        remarks = "; ".join(map(str, record["remarks"]))
        score = sum(record["scores"].values())
        rows.append((record["student"], record["chapter"], score, record["outcome"], unread, remarks))
    found = {row[:2]: row[2:] for row in rows}
    chapters = sorted({chapter for _, chapter in found})
    lines = []
    for student in roster["student"]:
        scores, said = [], []
        for chapter in chapters:
            score, outcome, unread, remarks = found.get((student, chapter), (0.0, "missing", 0, ""))
            scores.append(score)
            wait = f"{unread} {'answers' if unread > 1 else 'answer'} to be read" if unread else ""
            why = ", ".join(filter(None, [outcome if outcome != "graded" else "", wait, remarks]))
            said += [f"{chapter}: {why}"] if why else []
        lines.append([*scores, sum(scores), "; ".join(said).encode(errors="replace").decode()])
    points = pd.DataFrame(lines, columns=[*chapters, "total", "remarks"], index=roster.index)
    spelt = [roster.attrs.get("headings", {}).get(name, name) for name in roster.columns]
    own = roster.set_axis([f"{name} (class list)" if name in points else name for name in spelt], axis=1)
    comma = roster.attrs.get("separator") == ";"
    style = {"sep": ";", "decimal": ","} if comma else {}
    with workspace.write_whole(file_of(folder)) as temporary:
        pd.concat([own, points], axis=1).to_csv(temporary, index=False, encoding="utf-8-sig", errors="replace", **style)
    return sorted({student for student, _ in found} - set(roster["student"]))
