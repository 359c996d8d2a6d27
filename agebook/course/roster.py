"""The class list: a table with a column ``student``, as learning-management systems export it."""

import re

import pandas as pd

from agelib.data.spreadsheets import read_table

#: What names a student is the name of a folder, too.
STUDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]*")

#: A number that a spreadsheet has shortened: the rest of it is lost.
_SHORTENED = re.compile(r"\d([.,]\d+)?E\+\d+")


def read_roster(file) -> pd.DataFrame:
    """Read a class list.

    Parameters
    ----------
    file : path
        What :func:`agelib.data.spreadsheets.read_table` reads; ``student`` is needed, other columns are welcome.

    Returns
    -------
    pandas.DataFrame
        The file's columns, text; ``attrs["headings"]`` says how the file spells them.

    Raises
    ------
    ValueError
        If the column or a name is missing, is there twice, or cannot be a folder's name. The message has the line.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> file = Path(tempfile.mkdtemp(), "class.csv")
    >>> _ = file.write_text("student,email\\nada,ada@example.org\\ngrace,\\n")
    >>> read_roster(file)["student"].tolist()
    ['ada', 'grace']
    """
    table = read_table(file, ["student"], "a class list")
    table["student"] = table["student"].str.strip()
    for line, student in table["student"].items():
        if _SHORTENED.fullmatch(student):
            raise ValueError(
                f"{file}, line {line}: {student!r} is a number that a spreadsheet has shortened; make the column text "
                "there, and enter it again"
            )
        if not STUDENT.fullmatch(student):
            raise ValueError(
                f"{file}, line {line}: {student!r} cannot name a student's folder; use letters, digits and _ . @ + -"
            )
    # Folders that differ in case alone are one folder on many systems.
    twice = table["student"].str.casefold().duplicated()
    if twice.any():
        line = twice.idxmax()
        raise ValueError(f"{file}, line {line}: {table['student'][line]!r} is there twice; keep one line")
    if table.empty:
        raise ValueError(f"{file}: there is no student in it; add a line for each")
    return table.reset_index(drop=True)
