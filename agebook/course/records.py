"""The records of what was graded, as :mod:`agebook.course.grade` leaves them: ``graded/STUDENT/CHAPTER.json``."""

from pathlib import Path

from agelib.data.spreadsheets import to_stderr
from agelib.runtime import workspace

#: What every record holds, and of which kind.
FIELDS = {
    "student": str,
    "chapter": str,
    "outcome": str,
    "points": dict,
    "scores": dict,
    "by_hand": dict,
    "remarks": list,
}


def read_records(folder, report=to_stderr) -> list[dict]:
    """Every record of a course, by student and chapter; one that is damaged is passed over, and reported."""
    found = []
    for file in sorted(Path(folder, "graded").glob("*/*.json")):
        try:
            record = workspace.read_json(file)
            if not isinstance(record, dict) or any(not isinstance(record.get(n), k) for n, k in FIELDS.items()):
                raise TypeError
            sum(record["scores"].values())
        except TypeError:
            report(f"{file} is no record of a grading; delete the file and grade again")
            continue
        except (ValueError, OSError) as error:
            report(str(error))
            continue
        found.append(record)
    return found
