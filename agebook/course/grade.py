"""Grades: submissions restored, executed, compared with each student's key, and written into nbgrader's gradebook.

Every graded submission is a record of its own, written whole. The gradebook, the table and the feedback are made from
the records, so a call that was killed is simply made again: what is graded is not graded twice.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path

import nbformat
import pandas as pd

from agebook.course import answers, manual_grading, sandbox, trial
from agebook.course.assign import Assignment
from agebook.course.gradebook import write_gradebook
from agebook.course.notebook_files import read_submission
from agebook.course.restore import restore
from agebook.course.student_copy import is_test, name_of, points, read_notebook, student_copy
from agelib.runtime import executors, workspace


def submission_of(assignment: Assignment, folder) -> Path:
    """Where a student's notebook is when it has been collected."""
    return Path(folder) / "submitted" / assignment.student / f"{assignment.chapter}.ipynb"


def grade(
    assignments: Sequence[Assignment],
    chapters: Sequence,
    folder,
    limits: sandbox.Limits = sandbox.Limits(),  # noqa: B008, it is frozen
    jobs: int = 0,
    report=print,
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Grade what was handed in.

    Parameters
    ----------
    assignments : sequence of Assignment
        From :func:`agebook.course.assign`; their keys must be there.
    chapters : sequence of agebook.course.assign.Chapter
    folder : path
        The course's. ``submitted`` is read; ``graded``, ``by-hand.csv`` and ``gradebook.db`` are written.
    limits : Limits
    jobs : int
        How many at a time; 0: one, or all that the executor takes.
    report : callable
        Told a line for each submission.
    executor : concurrent.futures.Executor, optional
        Where to execute them instead, for example on several machines:
        :func:`agelib.runtime.executors.open`. The folder must be theirs too.

    Returns
    -------
    pandas.DataFrame
        One row a student and chapter: ``student``, ``chapter``, ``outcome`` (graded, stopped, unreadable, another
        student's or missing), ``score``, ``max_score``, ``unread`` (answers that wait for a person's judgement) and
        ``remarks``.

    Raises
    ------
    FileNotFoundError
        If a key is missing.
    ValueError
        If ``by-hand.csv`` holds a score that cannot be.
    """
    manual_grading.read(folder)  # a slip in it is found before hours of grading, not after
    known = {chapter.name: read_notebook(chapter.path) for chapter in chapters}
    for each in assignments:
        if not each.key.is_file():
            raise FileNotFoundError(f"no key for {each.student}, {each.chapter}; `agebook assign … --keys` makes it")
    folder, records = Path(folder).resolve(), {}
    tasks = ((each, (each, known[each.chapter], folder, limits)) for each in assignments)
    with executors.lent(executor, jobs, threads=True) as taken:
        for each, future in executors.completed(taken, _grade_one, tasks, jobs):
            try:
                record = future.result()
            except Exception as error:  # whatever one submission does, the others are graded
                record = _record(each, "stopped", {}, [f"grading failed: {type(error).__name__}: {error}"], known)
            records[each.student, each.chapter] = record
            score, most = sum(record["scores"].values()), sum(record["points"].values())
            result = f"{record['outcome']}, {score:g} of {most:g}"
            report(f"{each.student}, {each.chapter}: {result}")
    ordered = [records[each.student, each.chapter] for each in assignments]
    unread = manual_grading.enter(ordered, folder)
    write_gradebook(ordered, known, folder)
    return pd.DataFrame(
        [
            {
                "student": record["student"],
                "chapter": record["chapter"],
                "outcome": record["outcome"],
                "score": sum(record["scores"].values()),
                "max_score": sum(record["points"].values()),
                "unread": unread[record["student"], record["chapter"]],
                "remarks": "; ".join(record["remarks"]),
            }
            for record in ordered
        ]
    )


def _grade_one(assignment: Assignment, chapter, folder: Path, limits: sandbox.Limits) -> dict:
    file, known = submission_of(assignment, folder), {assignment.chapter: chapter}
    place = folder / "graded" / assignment.student / f"{assignment.chapter}.json"
    before = workspace.read_json(place) if place.is_file() else {}
    if not file.is_file():
        if before:
            return before | {"remarks": [*before["remarks"], "the hand-in is gone; what was graded before counts"]}
        return _record(assignment, "missing", {}, [], known)
    given = file.read_bytes()
    key = workspace.content_key(given, assignment.key.read_bytes(), nbformat.writes(chapter))
    if before.get("key") == key:
        return before
    try:
        submitted = read_submission(given, file.name)
    except ValueError as error:
        record = _record(assignment, "unreadable", {}, [str(error)], known)
    else:
        whose = submitted.metadata.get("agelib", {}).get("student", assignment.student)
        if whose != assignment.student:
            record = _record(assignment, "another student's", {}, [f"it was handed out to {whose}"], known)
        else:
            record = _execute(assignment, submitted, chapter, folder, limits)
    workspace.write_json(place, record | {"key": key})
    return record


def _execute(assignment: Assignment, submitted, chapter, folder: Path, limits: sandbox.Limits) -> dict:
    handed_out = student_copy(chapter, assignment.parameters, assignment.student, assignment.chapter)
    restored = restore(submitted, handed_out)
    tests = {name_of(cell): cell.source for cell in chapter.cells if is_test(cell)}
    done, given, stopped = trial.execute(restored.notebook, tests, limits, folder)
    said = trial.judge(done, given, answers.read(assignment.key))
    target = folder / "graded" / assignment.student / f"{assignment.chapter}.ipynb"
    with workspace.write_whole(target) as temporary:
        temporary.write_text(nbformat.writes(done), encoding="utf-8")
    known = {assignment.chapter: chapter}
    scores = {name: most for name, most in points(chapter).items() if said.get(name) == ""}
    remarks = [*restored.remarks, *([stopped] if stopped else [])]
    record = _record(assignment, "stopped" if stopped else "graded", scores, remarks, known)
    return record | {"by_hand": restored.by_hand}


def _record(assignment: Assignment, outcome: str, scores: dict, remarks: list, known: dict) -> dict:
    most = points(known[assignment.chapter])
    return {
        "student": assignment.student,
        "chapter": assignment.chapter,
        "outcome": outcome,
        "points": most,
        "scores": {name: scores.get(name, 0.0) for name in most},
        "by_hand": {},
        "remarks": list(remarks),
    }
