"""A whole class at once: student copies, answer keys, and the proof that what is handed out runs.

Everything is written whole and found again, so that an interrupted call goes on where it stopped. A key is made by
executing the instructor's chapter with the student's parameters, in a process of its own.
"""

import os
import secrets
import tempfile
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import nbformat

from agebook.course import answers
from agebook.course.student_copy import first_exercise, is_by_hand, name_of, points, read_notebook, student_copy
from agebook.course.variants import draw, read_variants
from agebook.notebooks import Job, execute
from agelib.runtime import executors, workspace
from agelib.runtime.progress import PATIENCE, track


class Chapter(Protocol):
    """What a course takes of a chapter: its two digits, its name, its notebook, and its parameters with defaults."""

    number: str
    name: str
    path: Path
    parameters: dict


@dataclass(frozen=True)
class Assignment:
    """One student's chapter.

    Attributes
    ----------
    student, chapter : str
        The chapter by its name, such as 03_splits.
    parameters : dict
        The student's own.
    file : pathlib.Path
        The student's copy.
    key : pathlib.Path
        The answer key, where it is or will be.
    """

    student: str
    chapter: str
    parameters: dict
    file: Path
    key: Path


def assign(chapters: Sequence[Chapter], students: Sequence[str], secret: str, folder) -> list[Assignment]:
    """Write every student's copy of every chapter: ``release/STUDENT/CHAPTER.ipynb`` below the folder.

    Parameters
    ----------
    chapters : sequence of Chapter
        With graded exercises.
    students : sequence of str
        From :func:`~agebook.course.roster.read_roster`.
    secret : str
        The course's: see :func:`~agebook.course.variants.draw`.
    folder : path
        The course's folder. ``release`` is for the students; ``keys`` is not.

    Returns
    -------
    list of Assignment

    Raises
    ------
    ValueError
        If a chapter has no graded exercise, or its metadata are not in order.
    """
    made = recall(chapters, students, secret, folder)
    notebooks = {chapter.name: read_notebook(chapter.path) for chapter in chapters}
    for each in track(made, "write copies", unit="copies", after=PATIENCE):
        copy = student_copy(notebooks[each.chapter], each.parameters, each.student, each.chapter)
        with workspace.write_whole(each.file) as temporary:
            temporary.write_text(nbformat.writes(copy) + "\n", encoding="utf-8")
    write_overview(made, folder)
    return made


def recall(chapters: Sequence[Chapter], students: Sequence[str], secret: str, folder) -> list[Assignment]:
    """The assignments that :func:`assign` made, or would make; nothing is written.

    What was handed out stays as it was, whatever became of the chapter's ranges; the rest is drawn.
    """
    folder, made = Path(folder).resolve(), []  # for workers elsewhere, too
    given = read_overview(folder)
    for chapter in chapters:
        notebook = read_notebook(chapter.path)
        try:
            variants = read_variants(notebook.metadata, chapter.parameters)
            points(notebook)
        except ValueError as error:
            raise ValueError(f"{chapter.path.name}: {error}") from None
        for student in students:
            before = given.get(student, {}).get(chapter.name) or draw(variants, secret, student, chapter.name)
            parameters = {name: value for name, value in before.items() if name in chapter.parameters}
            file = folder / "release" / student / f"{chapter.name}.ipynb"
            key = workspace.content_key(chapter.path.read_bytes().hex(), parameters)
            place = folder / "keys" / student / f"{chapter.name}-{key}.json"
            made.append(Assignment(student, chapter.name, parameters, file, place))
    return made


def read_secret(file) -> str:
    """The course's secret from its file, which is made if there is none; nobody but its owner may read it."""
    file = Path(file)
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(secrets.token_hex(32) + "\n")
    return file.read_text(encoding="utf-8").strip()


def make_keys(
    assignments: Sequence[Assignment],
    chapters: Sequence[Chapter],
    jobs: int = 0,
    report=print,
    executor: Executor | None = None,
) -> dict:
    """Execute the instructor's chapter with every student's parameters, and keep what its solutions hand in.

    Parameters
    ----------
    assignments : sequence of Assignment
        From :func:`assign`. Keys that are there already are not made again.
    chapters : sequence of Chapter
        The same.
    jobs : int
        How many at a time; 0: one, or all that the executor takes.
    report : callable
        Told a line for each key.
    executor : concurrent.futures.Executor, optional
        Where to execute them instead, for example on several machines:
        :func:`agelib.runtime.executors.open`. The course's folder and that of the chapters must be theirs too.

    Returns
    -------
    dict
        (student, chapter) → what went wrong; empty if nothing did. One that fails does not stop the others.
    """
    known = {chapter.name: chapter for chapter in chapters}
    wanted = [each for each in assignments if not each.key.is_file()]
    return _side_by_side(_make_key, wanted, known, jobs, report, executor)


def check_copies(
    assignments: Sequence[Assignment],
    chapters: Sequence[Chapter],
    jobs: int = 0,
    report=print,
    executor: Executor | None = None,
) -> dict:
    """Execute every student copy up to its first exercise, from a folder of its own; returns what went wrong."""
    known = {chapter.name: chapter for chapter in chapters}
    return _side_by_side(_check, assignments, known, jobs, report, executor)


def _side_by_side(work, wanted, known: dict, jobs: int, report, executor: Executor | None) -> dict:
    failed = {}
    tasks = ((each, (each, known[each.chapter])) for each in wanted)
    with executors.lent(executor, jobs, threads=True) as taken:
        for each, future in executors.completed(taken, work, tasks, jobs):
            try:
                seconds = future.result()
                report(f"{each.student}, {each.chapter}, {seconds:.0f} s")
            except Exception as error:  # the notebook's own, or the loss of the worker that executed it
                failed[each.student, each.chapter] = str(error)
                report(f"{each.student}, {each.chapter} FAILED: {error}")
    return failed


def _make_key(assignment: Assignment, chapter: Chapter) -> float:
    failed = assignment.key.with_suffix(".failed.ipynb")
    with tempfile.TemporaryDirectory(prefix=f"key-{chapter.number}-") as folder:
        handed_in = Path(folder, "answers.json")
        job = _job(chapter, chapter.path, assignment.parameters, folder, failed, {answers.VARIABLE: str(handed_in)})
        record = execute(job)
        found = answers.read(handed_in)
    notebook = read_notebook(chapter.path)
    graded = set(points(notebook)) - {name_of(cell) for cell in notebook.cells if is_by_hand(cell)}
    missing = sorted(graded - {f"{name}-test" for name in found})
    if missing:
        raise ValueError(f"{chapter.path.name}: {missing[0]} records no answer under its name")
    for name, each in found.items():
        if isinstance(each["value"], dict) and answers.UNFIT in each["value"]:
            raise ValueError(f"{chapter.path.name}: {name}: {each['value'][answers.UNFIT]}")
    workspace.write_json(assignment.key, found)
    failed.unlink(missing_ok=True)
    return record["seconds"]


def _check(assignment: Assignment, chapter: Chapter) -> float:
    notebook = read_notebook(assignment.file)
    notebook.cells = notebook.cells[: first_exercise(notebook)]
    failed = assignment.key.with_suffix(".check.ipynb")
    with tempfile.TemporaryDirectory(prefix=f"check-{chapter.number}-") as folder:
        copy = Path(folder, assignment.file.name)
        copy.write_text(nbformat.writes(notebook), encoding="utf-8")
        return execute(_job(chapter, copy, {}, folder, failed))["seconds"]


def _job(chapter: Chapter, notebook: Path, parameters: dict, folder, failed: Path, variables=()) -> Job:
    return Job(
        number=chapter.number,
        notebook=str(notebook),
        result=str(Path(folder, "done.ipynb")),
        record=str(Path(folder, "done.json")),
        failed=str(failed),
        parameters=parameters,
        profile="cpu",
        source=str(chapter.parameters.get("source", "")),
        threads=1,
        variables=dict(variables),
    )


def read_overview(folder) -> dict:
    """Who got what: student → chapter → parameters, from ``keys/parameters.json``; nothing before the first copies."""
    file = Path(folder) / "keys" / "parameters.json"
    return workspace.read_json(file) if file.is_file() else {}


def write_overview(assignments: Sequence[Assignment], folder) -> None:
    """Add to the overview who got what; students and chapters of earlier calls stay in it."""
    overview = read_overview(folder)
    for each in assignments:
        overview.setdefault(each.student, {})[each.chapter] = each.parameters
    workspace.write_json(Path(folder) / "keys" / "parameters.json", overview)
