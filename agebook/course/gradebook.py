"""The gradebook of nbgrader, and its pages of feedback, made from the records of :mod:`agebook.course.grade`."""

import contextlib
import datetime
import os
import re
import shutil
import sqlite3
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pandas as pd

from agebook.course import manual_grading
from agebook.course.student_copy import is_by_hand, name_of, points, quiet, read_notebook
from agelib.data.spreadsheets import to_stderr
from agelib.runtime import workspace
from agelib.runtime.progress import PATIENCE, track

#: A script or style that a page would fetch from elsewhere.
_OUTSIDE = re.compile(
    r"<script[^>]*\bsrc=[\"']?https?://[^>]*>\s*</script>|<link[^>]*\bhref=[\"']?https?://[^>]*>", re.IGNORECASE
)

#: A picture that was pasted into a text cell.
_ATTACHED = re.compile(r"attachment:(?P<name>[^)\s\"'>\]]+)")
_SHOWN = re.compile(r"!\[[^\]]*\]\(<?attachment:([^)>]+)>?\)|<img[^>]*attachment:([^\"'>\s]+)[^>]*>", re.IGNORECASE)


def write_gradebook(records: Sequence[dict], known: dict, folder: Path, report=to_stderr) -> None:
    """Bring nbgrader's gradebook (SQLite, ``gradebook.db``) to what the records say; nothing is entered twice.

    A chapter whose exercises have changed since is entered anew, for everybody who has a record of it. A gradebook that
    is damaged is set aside, and made anew from all records.

    Parameters
    ----------
    records : sequence of dict
        Of :mod:`agebook.course.grade`, with what :func:`agebook.course.manual_grading.enter` has added.
    known : dict
        Chapter → its notebook.
    folder : path
        The course's.
    report : callable
        Told a line for what was set aside or made anew, and for a record that could not be entered.

    Raises
    ------
    ValueError
        If another program keeps the gradebook busy.
    """
    from sqlalchemy.exc import OperationalError, SAWarning

    file = Path(folder) / "gradebook.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    with quiet(), _own_programs(), warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's own sessions, about themselves
        try:
            if fault := _fault(file):
                report(f"{file} is damaged ({fault}); it is kept as {_keep(file, 'damaged', True)} and made anew")
            if not file.exists():
                changed = None  # every chapter is to be entered, not only these
            elif changed := {name for name, notebook in known.items() if _has_changed(file, name, notebook)}:
                kept = _keep(file, "before", False)
                report(f"{', '.join(sorted(changed))}: other exercises than before; entered anew, {kept} is as it was")
                _forget(file, changed)
            if changed is None or changed:
                others = manual_grading.others({(each["student"], each["chapter"]) for each in records}, folder)
                records = [*records, *(each for each in others if changed is None or each["chapter"] in changed)]
                known = _handed_in({each["chapter"] for each in records} - set(known), folder) | known
            _enter(records, known, f"sqlite:///{file}", report)
        except (OperationalError, sqlite3.OperationalError) as error:
            said = getattr(error, "orig", error)
            raise ValueError(f"{file} cannot be written ({said}); close what has it open, and grade again") from None


def _enter(records: Sequence[dict], known: dict, address: str, report) -> None:
    from nbgrader.api import Gradebook
    from nbgrader.preprocessors import SaveCells
    from sqlalchemy.exc import OperationalError

    with Gradebook(address) as book:
        for name in known:
            book.update_or_create_assignment(name)
        for student in {record["student"] for record in records}:
            book.update_or_create_student(student)
    for name, notebook in known.items():
        about = {"nbgrader": {"notebook": name, "assignment": name, "db_url": address}}
        SaveCells().preprocess(nbformat.from_dict(notebook), about)
    with Gradebook(address) as book:
        for record in track(records, "enter into the gradebook", unit="hand-ins", after=PATIENCE):
            if record["outcome"] == "missing" or record["chapter"] not in known:
                continue
            try:
                _enter_one(book, record, known[record["chapter"]])
                book.db.commit()
            except OperationalError:
                raise
            except Exception as error:  # whatever one record holds, the others are entered
                book.db.rollback()
                said = f"{type(error).__name__}: {str(error).splitlines()[0]}"
                report(f"{record['student']}, {record['chapter']}: not entered into the gradebook ({said})")


def _enter_one(book, record: dict, notebook) -> None:
    chapter, student = record["chapter"], record["student"]
    book.update_or_create_submission(chapter, student)
    by_hand = {name_of(cell) for cell in notebook.cells if is_by_hand(cell)}
    for cell in points(notebook):
        place = (cell, chapter, chapter, student)
        entry = book.find_grade(*place)
        judged = record["judged"].get(cell)
        if judged is None:
            entry.auto_score, entry.needs_manual_grade = record["scores"].get(cell, 0.0), False
            if cell in by_hand:
                entry.manual_score = None  # the answer was withdrawn
            continue
        entry.auto_score, entry.manual_score = None, judged["score"]
        entry.needs_manual_grade = judged["score"] is None
        comment = judged["comment"].encode("utf-8", errors="replace").decode()
        book.find_comment(*place).manual_comment = comment or None


def _fault(file: Path) -> str:
    """What is wrong with a gradebook that is there; empty if nothing is."""
    if not file.exists():
        return ""
    try:
        with contextlib.closing(sqlite3.connect(file)) as base:
            said = base.execute("PRAGMA quick_check(1)").fetchone()[0]
            tables = {name for (name,) in base.execute("SELECT name FROM sqlite_master")}
    except sqlite3.OperationalError:  # busy, and not damaged
        raise
    except sqlite3.DatabaseError as error:
        return str(error)
    if said != "ok":
        return said.splitlines()[0]
    return "" if {"assignment", "submitted_assignment", "grade"} <= tables else "its tables are missing"


def _keep(file: Path, why: str, move: bool) -> str:
    """Copy or move a gradebook to a dated name, with what SQLite keeps beside it; returns the name."""
    kept = file.with_name(f"gradebook.{why}-{datetime.datetime.now():%Y-%m-%d-%H%M%S-%f}.db")
    for suffix in ("", "-journal", "-wal", "-shm"):
        if (part := Path(f"{file}{suffix}")).exists():
            (shutil.move if move else shutil.copy2)(part, f"{kept}{suffix}")
    return kept.name


def _has_changed(file: Path, name: str, notebook) -> bool:
    """Whether the gradebook knows other cells or points of a chapter than there are now."""
    from nbgrader.api import Gradebook, MissingEntry
    from nbgrader.utils import is_grade, is_locked, is_solution

    with Gradebook(f"sqlite:///{file}") as book:
        try:
            before = book.find_notebook(name, name)
        except MissingEntry:
            return False
        cells = nbformat.from_dict(notebook).cells
        ours = [cell for cell in cells if is_grade(cell) or is_solution(cell) or is_locked(cell)]
        names = {name_of(cell) for cell in ours}
        worth = {cell.name: cell.max_score for cell in before.grade_cells}
        return names != {cell.name for cell in before.source_cells} or worth != points(notebook)


def _forget(file: Path, chapters) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{file}") as book:
        for name in chapters:
            book.remove_assignment(name)


def _handed_in(chapters, folder) -> dict:
    """Chapter → the newest notebook that was graded of it: its cells are the chapter's."""
    found = {}
    for chapter in chapters:
        files = Path(folder, "graded").glob(f"*/{chapter}.ipynb")
        for file in sorted(files, key=lambda file: file.stat().st_mtime):
            with contextlib.suppress(ValueError):
                notebook = read_notebook(file)
                points(notebook)
                found[chapter] = notebook
    return found


@contextlib.contextmanager
def _own_programs():
    """nbgrader starts ``alembic`` by its name, to make a database: let it find the one beside this Python."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def write_feedback(records: pd.DataFrame, folder, report=to_stderr) -> list[Path]:
    """One HTML page for each submission that was executed: nbgrader's own feedback page, with points and outputs.

    The template's scripts from content delivery networks are left out, so that nobody learns who reads a grade when.
    `report` is told of a page that had to be written without outputs, or not at all; the others are written.
    """
    folder, written = Path(folder).resolve(), []
    exporter = _exporter()
    rows = records.itertuples()
    for row in track(rows, "write feedback", len(records), "pages", after=PATIENCE):
        source = folder / "graded" / row.student / f"{row.chapter}.ipynb"
        if not source.is_file():
            continue
        about = {"notebook": row.chapter, "assignment": row.chapter, "student": row.student}
        about["db_url"] = f"sqlite:///{folder / 'gradebook.db'}"
        resources = {"nbgrader": about, "metadata": {"name": row.chapter}}
        target = folder / "feedback" / row.student / f"{row.chapter}.html"
        failed = []
        while len(failed) < 2:
            try:
                notebook = _with_pictures(read_notebook(source))
                if failed:
                    _drop_outputs(notebook)
                with quiet():
                    page, _ = exporter.from_notebook_node(notebook, resources)
                with workspace.write_whole(target) as temporary:
                    temporary.write_text(_OUTSIDE.sub("", page), encoding="utf-8", errors="replace")
                written.append(target)
                break
            except Exception as error:  # whatever one page holds, the others are written
                failed.append(f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}")
        if failed:
            what = "the page has no outputs" if len(failed) == 1 else "there is no page"
            report(f"{row.student}, {row.chapter}: {what} ({failed[0]})")
    return written


def _exporter():
    import nbgrader
    from nbconvert.exporters import HTMLExporter
    from nbgrader.preprocessors import GetGrades
    from traitlets.config import Config

    place = os.path.join(os.path.dirname(nbgrader.__file__), "server_extensions", "formgrader")
    settings = Config()
    settings.HTMLExporter.template_name = "feedback"
    settings.HTMLExporter.extra_template_basedirs = [os.path.join(place, "templates")]
    styles = os.path.join(place, "static", "node_modules", "bootstrap", "dist", "css")
    settings.HTMLExporter.extra_template_paths = [styles]
    settings.HTMLExporter.preprocessors = [GetGrades]
    return HTMLExporter(config=settings)


def _drop_outputs(notebook) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.output_type == "error"]


def _lost(found) -> str:
    return f"*({found[1] or found[2]}: this picture was not handed in)*"


def _with_pictures(notebook):
    """Put pictures that were pasted into a text in their places; a lost one leaves its name."""
    for cell in notebook.cells:
        kept = cell.get("attachments") or {}

        def data(found, kept=kept):
            picture = kept.get(found["name"]) or kept.get(unquote(found["name"])) or {}
            kind = next((kind for kind in ("image/png", *picture) if isinstance(picture.get(kind), str)), "")
            return f"data:{kind};base64,{''.join(picture[kind].split())}" if kind else found[0]

        if cell.cell_type == "markdown":
            source = _ATTACHED.sub(data, cell.source)
            source = _SHOWN.sub(_lost, source)
            cell.source = _ATTACHED.sub(r"\g<name>", source)
    return notebook
