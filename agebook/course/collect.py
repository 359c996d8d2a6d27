"""Collect what a class hands in: find each notebook's student and chapter, and put it where grading looks for it."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from agebook.course.assign import Assignment
from agebook.course.grade import submission_of
from agelib.runtime import workspace


def collect(source, assignments: Sequence[Assignment], folder) -> pd.DataFrame:
    """Take the newest notebook of each student and chapter.

    Parameters
    ----------
    source : path
        A folder, at any depth below which files lie as ``…STUDENT…/CHAPTER.ipynb``: the student is one of the folders
        on the way, or what the file's name begins with (``STUDENT_…_CHAPTER.ipynb``), as learning-management systems
        pack hand-ins.
    assignments : sequence of Assignment
    folder : path
        The course's; ``submitted`` is written.

    Returns
    -------
    pandas.DataFrame
        One row a file: ``file``, ``student``, ``chapter`` and ``outcome``: collected, older (another one of the same
        student is newer), or unknown.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    source = Path(source)
    if not source.is_dir():
        raise FileNotFoundError(f"{source} is no folder; name the one that the hand-ins were unpacked to")
    known = {(each.student, each.chapter): each for each in assignments}
    rows, newest = [], {}
    for file in sorted(source.rglob("*.ipynb")):
        if ".ipynb_checkpoints" in file.parts:
            continue
        found = _whose(file.relative_to(source), known)
        rows.append({"file": str(file), "student": found[0], "chapter": found[1], "outcome": "unknown"})
        if found in known:
            rows[-1]["outcome"] = "collected"
            before = newest.get(found)
            if before is not None:
                older = min(before, len(rows) - 1, key=lambda row: Path(rows[row]["file"]).stat().st_mtime_ns)
                rows[older]["outcome"] = "older"
                if older != before:
                    continue
            newest[found] = len(rows) - 1
    for found, row in newest.items():
        with workspace.write_whole(submission_of(known[found], folder)) as temporary:
            shutil.copyfile(rows[row]["file"], temporary)
    return pd.DataFrame(rows, columns=["file", "student", "chapter", "outcome"])


def _whose(file: Path, known: dict) -> tuple[str, str]:
    """Student and chapter, as far as the path tells; the longest name that fits, for one may begin like another."""
    chapters = sorted({chapter for _, chapter in known}, key=len, reverse=True)
    students = sorted({student for student, _ in known}, key=len, reverse=True)
    chapter = next((name for name in chapters if file.stem == name or file.stem.endswith(f"_{name}")), "")
    parts = [part.casefold() for part in file.parts[:-1]]
    student = next((name for name in students if name.casefold() in parts), "")
    if not student:
        begins = file.name.casefold()
        student = next((name for name in students if begins.startswith(f"{name.casefold()}_")), "")
    return student, chapter
