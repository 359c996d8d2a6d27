"""The class list: a CSV with a column ``student``, as learning-management systems export it."""

import re
from pathlib import Path

import pandas as pd

#: Columns that a gradebook knows; others are left alone.
COLUMNS = ("student", "first_name", "last_name", "email")

#: What names a student is the name of a folder, too.
STUDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]*")


def read_roster(file) -> pd.DataFrame:
    """Read a class list.

    Parameters
    ----------
    file : path
        CSV in UTF-8 with a heading; ``student`` is needed, ``first_name``, ``last_name`` and ``email`` are welcome.

    Returns
    -------
    pandas.DataFrame
        The columns :data:`COLUMNS`, text; what is missing is empty.

    Raises
    ------
    ValueError
        If the column or a name is missing, is there twice, or cannot be a folder's name. The message has the line.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "class.csv")
    >>> _ = file.write_text("student,email\\nada,ada@example.org\\ngrace,\\n")
    >>> read_roster(file)["student"].tolist()
    ['ada', 'grace']
    """
    file = Path(file)
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: not readable as a CSV in UTF-8 ({error}); save it as one") from None
    table.columns = [str(name).strip().lower().replace(" ", "_") for name in table.columns]
    if "student" not in table:
        raise ValueError(
            f"{file}: no column 'student' in the first line, only {', '.join(table.columns)}; add it or rename one"
        )
    table["student"] = table["student"].str.strip()
    for line, student in enumerate(table["student"], start=2):
        if not STUDENT.fullmatch(student):
            raise ValueError(
                f"{file}, line {line}: {student!r} cannot name a student's folder; use letters, digits and _ . @ + -"
            )
    # Folders that differ in case alone are one folder on many systems.
    folded = table["student"].str.casefold()
    if folded.duplicated().any():
        line = int(folded.duplicated().to_numpy().argmax())
        raise ValueError(f"{file}, line {line + 2}: {table['student'].iloc[line]!r} is there twice; keep one line")
    if table.empty:
        raise ValueError(f"{file}: there is no student in it; add a line for each")
    return table.reindex(columns=COLUMNS, fill_value="")
