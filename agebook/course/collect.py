"""Collect what a class hands in: find each notebook's student and chapter, and put it where grading looks for it.

Nothing is lost on the way: what was not collected is in the table with its reason, and what was collected earlier
gives way to nothing that is older or cannot be read.
"""

import contextlib
import dataclasses
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from agebook.course.assign import Assignment
from agebook.course.grade import submission_of
from agebook.course.hand_ins import HandIn, walk
from agebook.course.notebook_files import LARGEST, read_submission
from agelib.runtime import workspace

#: Folders of a course in which no hand-in lies.
_OURS = ("release", "submitted", "graded", "keys", "feedback")

#: How Moodle, Canvas and Blackboard write into a name who handed a file in.
_OWNER = re.compile(
    r"^(?P<moodle>.+?)_\d+_assignsubmission_|^(?P<canvas>[^_]+)_(?:late_)?\d+_\d+_|_(?P<blackboard>[^_]+)_attempt_\d{4}-"
)

#: What Canvas, browsers and Jupyter put behind the name of a second copy: -1, (1), -Copy1.
_COPY = re.compile(r"(?:-| ?\(|copy ?)(\d{1,4})\)?$")


@dataclasses.dataclass(frozen=True)
class _Candidate:
    """A file of which student and chapter are known; its rank is that of :func:`_rank`.

    The owner is whom the path names, or else what a learning-management system wrote into it.
    """

    row: dict
    path: PurePosixPath
    digest: str
    rank: int
    time: int
    copy: int
    owner: str

    @property
    def order(self) -> tuple:
        return self.rank, self.time, self.copy

    def left(self, outcome: str, reason: str) -> None:
        before = self.row["reason"]
        self.row.update(outcome=outcome, reason=f"{reason}; {before}" if before else reason)


def collect(source, assignments: Sequence[Assignment], folder) -> pd.DataFrame:
    """Take the newest notebook of each student and chapter.

    Parameters
    ----------
    source : path
        A folder or a zip archive, at any depth below which hand-ins lie, in archives, too. A folder with a student's
        name, or a file's name that begins with it (``STUDENT_…_CHAPTER.ipynb``), says whose a notebook is; else its
        metadata do. The chapter is that of the metadata, else of the name.
    assignments : sequence of Assignment
    folder : path
        The course's; ``submitted`` is written. A copy keeps the time of what was handed in.

    Returns
    -------
    pandas.DataFrame
        One row a file: ``file``, ``student``, ``chapter``, ``outcome`` and ``reason``. An outcome is

        * collected;
        * older, or the same as another one of this student and chapter;
        * conflict: another one was handed in at the same time, or by another person; neither is taken;
        * another chapter, which is not among the assignments;
        * unknown: nothing says whose it is, or which chapter;
        * not understood: no notebook, or one that cannot be read.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or archive.
    """
    source, folder = Path(source), Path(folder).resolve()
    known = {(each.student, each.chapter): each for each in assignments}
    leave_out = {folder / name for name in _OURS}
    rows, found = [], {}
    for each in walk(source, leave_out):
        row = {"file": str(source / each.path), "student": "", "chapter": "", "outcome": "", "reason": ""}
        rows.append(row)
        candidate = _look(each, row, known)
        if candidate is not None:
            found.setdefault((row["student"], row["chapter"]), []).append(candidate)
    wanted = {}
    for place, candidates in found.items():
        best = _choose(candidates, submission_of(known[place], folder))
        if best is not None:
            wanted[best.path, best.digest] = best, submission_of(known[place], folder)
    paths = {path for path, _ in wanted}
    for each in walk(source, leave_out) if wanted else ():
        if each.path in paths and not each.fault:
            data = b""
            with contextlib.suppress(ValueError, OSError):
                data = each.read(LARGEST)
            best, target = wanted.pop((each.path, _digest(data)), (None, None))
            if best is not None:
                with workspace.write_whole(target) as temporary:
                    temporary.write_bytes(data)
                    os.utime(temporary, ns=(best.time, best.time))
    for best, _ in wanted.values():
        best.left("not understood", "it was changed while it was read; collect again")
    return pd.DataFrame(rows, columns=["file", "student", "chapter", "outcome", "reason"])


def _look(each: HandIn, row: dict, known: dict) -> _Candidate | None:
    """Fill in what a file and its path say; a candidate if that is a student and a chapter of the course."""
    students, name = _students_of(each.path, known), _chapter_of(each.path, known)
    row |= {"student": students[0] if len(students) == 1 else "", "chapter": name, "outcome": "not understood"}
    row["reason"], notebook = each.fault, None
    if each.fault:
        return None
    called = ".ipynb" in each.path.name.lower()
    try:
        data = each.read(64)
        if called or each.path.suffix.lower() == ".json" or data.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] == b"{":
            data = each.read(LARGEST + 1)
    except (ValueError, OSError) as error:
        row["reason"] = str(error)
        return None
    try:
        notebook = read_submission(data, row["file"])
    except ValueError as error:
        row["reason"] = str(error).removeprefix(f"{row['file']}: ")
        if not called or len(data) > LARGEST or len(students) != 1 or not name:
            return None
        row["reason"] = f"it cannot be read: {row['reason']}"
    about = {} if notebook is None else notebook.metadata.get("agelib", {})
    said = about.get("student", "")
    chapter = about.get("assignment") or name
    row["chapter"] = chapter if chapter in {chapter for _, chapter in known} else ""
    if len(students) > 1:
        row |= {"outcome": "unknown", "reason": f"its path names {' and '.join(students)}; rename a folder or the file"}
    elif not students and said not in {student for student, _ in known}:
        theirs = f"say {said[:60]!r}, who is not in the class list" if said else "say nothing"
        row |= {
            "outcome": "unknown",
            "reason": f"its path names nobody of the class, its metadata {theirs}; put it into the student's folder",
        }
    elif not chapter:
        row |= {"outcome": "unknown", "reason": "neither its metadata nor its name say which chapter; rename it"}
    elif not row["chapter"]:
        row |= {"outcome": "another chapter", "reason": f"{chapter[:60]!r} is not collected now"}
    else:
        row |= {"student": students[0] if students else said, "outcome": "collected"}
        rank = _rank(notebook, row["student"])
        if rank == 1:
            row["reason"] = f"it was handed out to {said[:60]!r}"
        copy = _COPY.search(_stem(each.path.name))
        owner = students[0] if students else _owner_of(each.path)
        return _Candidate(row, each.path, _digest(data), rank, each.time, int(copy[1]) if copy else 0, owner)
    return None


def _choose(candidates: list[_Candidate], earlier: Path) -> _Candidate | None:
    """The one to be taken of a student's files of a chapter, if one is to be; the others' rows say why they are not."""
    first: dict[str, _Candidate] = {}
    for each in sorted(candidates, key=lambda each: each.order, reverse=True):
        if first.setdefault(each.digest, each) is not each:
            each.left("same", f"the same as {first[each.digest].row['file']}")
    best, *others = first.values()
    owners = {each.owner for each in first.values() if each.owner}
    for each in others:
        if each.rank == best.rank:
            later = "newer is" if each.time < best.time else "of the same time, and a later copy, is"
            each.left("older", f"{later} {best.row['file']}")
        else:
            each.left("unknown" if each.rank else "not understood", f"{best.row['file']} was collected instead")
    before = _of(earlier, best.row["student"]) if earlier.is_file() else None
    if before is not None and before[0] not in first and before[1:] > best.order[:2]:
        if before[1] == best.rank:
            best.left("older", f"newer is what was collected earlier, {earlier}")
        else:
            best.left("unknown" if best.rank else "not understood", f"what was collected earlier stays, {earlier}")
        return None
    tied = [each for each in first.values() if each.order == best.order]
    reason = ""
    if len(owners) > 1:
        tied, reason = first.values(), f"handed in by {' and '.join(sorted(owners))}"
    elif len(tied) > 1:
        reason = "several of the same time that differ"
    elif before is not None and before[0] not in first and before[1:] == best.order[:2]:
        reason = f"it differs from what was collected earlier and is of the same time: {earlier}"
    if reason:
        for each in tied:
            each.row["reason"] = ""
            each.left("conflict", f"{reason}; none was taken: leave one of them, in the student's folder")
        return None
    same = before is not None and before[0] == best.digest
    return dataclasses.replace(best, time=max(best.time, before[2])) if same else best


def _rank(notebook, student: str) -> int:
    """2 for a student's own notebook, 1 for one that was handed out to somebody else, 0 for one that is damaged."""
    if notebook is None:
        return 0
    return 2 if notebook.metadata.get("agelib", {}).get("student", "") in ("", student) else 1


def _of(file: Path, student: str) -> tuple[str, int, int]:
    """Digest, rank and time of what was collected earlier."""
    try:
        notebook = read_submission(file)
    except ValueError:
        notebook = None
    return _digest(file.read_bytes()), _rank(notebook, student), file.stat().st_mtime_ns


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _students_of(path: PurePosixPath, known: dict) -> list[str]:
    """Students whom a path names: by a folder's name, or by what a file's or an archive's name begins with.

    Of several names that fit one part the longest is meant, for one may begin like another.
    """
    students = sorted({student for student, _ in known}, key=len, reverse=True)
    named = []
    for place, part in enumerate(path.parts, 1):
        is_file = place == len(path.parts) or part.lower().endswith(".zip")
        text = _stem(part) if is_file else part.casefold()
        chapter = _chapter_in(text, known)
        head = text[: text.rindex(chapter.casefold())] if chapter else text
        owner = _owner_in(part)
        for student in students:
            name = student.casefold()
            begins = is_file and head.startswith(f"{name}_")
            if name in (text, owner) or begins or f"_{name}_attempt_" in text:
                named.append(student)
                break
    return list(dict.fromkeys(named))


def _chapter_of(path: PurePosixPath, known: dict) -> str:
    """The chapter that a file's name or else a folder's holds; the innermost counts."""
    parts = [_stem(path.name), *reversed(path.parts[:-1])]
    return next((chapter for part in parts if (chapter := _chapter_in(part.casefold(), known))), "")


def _chapter_in(text: str, known: dict) -> str:
    for chapter in sorted({chapter for _, chapter in known}, key=len, reverse=True):
        if re.search(rf"(?<![a-z0-9]){re.escape(chapter.casefold())}(?![a-z0-9])", text):
            return chapter
    return ""


def _stem(name: str) -> str:
    """A file's name in small letters, without the endings that browsers and mail programs pile up."""
    return re.sub(r"(\.(ipynb|json|txt|zip|download))+(?=( ?\(\d+\))?$)", "", name.casefold()).strip()


def _owner_of(path: PurePosixPath) -> str:
    return next((owner for part in path.parts if (owner := _owner_in(part))), "")


def _owner_in(part: str) -> str:
    mark = _OWNER.search(part.casefold())
    return next((owner for owner in mark.groups() if owner), "") if mark else ""
