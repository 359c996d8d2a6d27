"""The gradebook of nbgrader, and its pages of feedback, made from the records of :mod:`agebook.course.grade`."""

import contextlib
import os
import re
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pandas as pd

from agebook.course.student_copy import quiet, read_notebook
from agelib.runtime import workspace
from agelib.runtime.progress import PATIENCE, track

#: A script or style that a page would fetch from elsewhere.
_OUTSIDE = re.compile(
    r"<script[^>]*\bsrc=[\"']?https?://[^>]*>\s*</script>|<link[^>]*\bhref=[\"']?https?://[^>]*>", re.IGNORECASE
)


def write_gradebook(records: Sequence[dict], known: dict, folder: Path) -> None:
    """Bring nbgrader's gradebook (SQLite, ``gradebook.db``) to what the records say; nothing is entered twice."""
    from nbgrader.api import Gradebook
    from nbgrader.preprocessors import SaveCells
    from sqlalchemy.exc import SAWarning

    address = f"sqlite:///{folder / 'gradebook.db'}"
    folder.mkdir(parents=True, exist_ok=True)
    with quiet(), _own_programs(), warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's own sessions, about themselves
        with Gradebook(address) as book:
            for name in known:
                book.update_or_create_assignment(name)
            for student in {record["student"] for record in records}:
                book.update_or_create_student(student)
        for name, notebook in known.items():
            about = {"nbgrader": {"notebook": name, "assignment": name, "db_url": address}}
            cells = nbformat.from_dict(notebook)
            SaveCells().preprocess(cells, about)
        with Gradebook(address) as book:
            for record in track(records, "enter into the gradebook", unit="hand-ins", after=PATIENCE):
                if record["outcome"] == "missing":
                    continue
                book.update_or_create_submission(record["chapter"], record["student"])
                for cell, score in record["scores"].items():
                    place = (cell, record["chapter"], record["chapter"], record["student"])
                    entry = book.find_grade(*place)
                    judged = record["judged"].get(cell)
                    if judged is None:
                        entry.auto_score, entry.needs_manual_grade = score, False
                        continue
                    entry.auto_score, entry.manual_score = None, judged["score"]
                    entry.needs_manual_grade = judged["score"] is None
                    book.find_comment(*place).manual_comment = judged["comment"] or None
            book.db.commit()


@contextlib.contextmanager
def _own_programs():
    """nbgrader starts ``alembic`` by its name, to make a database: let it find the one beside this Python."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def write_feedback(records: pd.DataFrame, folder) -> list[Path]:
    """One HTML page for each submission that was executed: nbgrader's own feedback page, with points and outputs.

    The template's scripts from content delivery networks are left out, so that nobody learns who reads a grade when.
    """
    import nbgrader
    from nbconvert.exporters import HTMLExporter
    from nbgrader.preprocessors import GetGrades
    from traitlets.config import Config

    folder, written = Path(folder).resolve(), []
    place = os.path.join(os.path.dirname(nbgrader.__file__), "server_extensions", "formgrader")
    settings = Config()
    settings.HTMLExporter.template_name = "feedback"
    settings.HTMLExporter.extra_template_basedirs = [os.path.join(place, "templates")]
    styles = os.path.join(place, "static", "node_modules", "bootstrap", "dist", "css")
    settings.HTMLExporter.extra_template_paths = [styles]
    settings.HTMLExporter.preprocessors = [GetGrades]
    rows = records.itertuples()
    for row in track(rows, "write feedback", len(records), "pages", after=PATIENCE):
        source = folder / "graded" / row.student / f"{row.chapter}.ipynb"
        if not source.is_file():
            continue
        about = {"notebook": row.chapter, "assignment": row.chapter, "student": row.student}
        about["db_url"] = f"sqlite:///{folder / 'gradebook.db'}"
        with quiet():
            page, _ = HTMLExporter(config=settings).from_notebook_node(
                read_notebook(source), {"nbgrader": about, "metadata": {"name": row.chapter}}
            )
        page = _OUTSIDE.sub("", page)
        target = folder / "feedback" / row.student / f"{row.chapter}.html"
        with workspace.write_whole(target) as temporary:
            temporary.write_text(page, encoding="utf-8")
        written.append(target)
    return written
