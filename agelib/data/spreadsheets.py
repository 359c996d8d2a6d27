"""Tables that people make or edit: one reader for what spreadsheet programs and editors make of a CSV.

Encoding and separator are found from the file, and every row keeps the number of its line, so that whatever is wrong
with it later can be said with its place.
"""

import contextlib
import csv
import datetime
import difflib
import gzip
import io
import locale
import re
import sys
import zipfile
from pathlib import Path

import pandas as pd

#: Separator → what it is called.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}

#: Byte order marks.
_MARKS = {
    b"\xef\xbb\xbf": "utf-8", b"\xff\xfe\0\0": "utf-32-le", b"\0\0\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be",
}  # fmt: skip
_REMEDY = "save it as CSV UTF-8"


def to_stderr(line: str) -> None:
    """Print a line beside a command's results, not among them."""
    print(line, file=sys.stderr)


def read_table(file, needed=(), what: str = "a table", report=to_stderr) -> pd.DataFrame:
    """Read a table from a person: CSV as any program saves it, ``.csv.gz``, or ``.xlsx``.

    Parameters
    ----------
    file : path
    needed : sequence of str
        Columns that must be there; they also decide what separates the columns.
    what : str
        What the file ought to be, for errors.
    report : callable
        Told a line where the encoding had to be guessed.

    Returns
    -------
    pandas.DataFrame
        Text as it stands there, empty where there is none. The index is each row's line in the file (its first, where
        cells hold line breaks); column names are in lower case, with _ for spaces. ``attrs`` has ``headings`` (column
        → as it is spelt in the file) and ``separator``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such table; the message names the file, the line where there is one, and what to do.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "class.csv")
    >>> _ = file.write_text("Student;First Name\\n\\nada;Ada\\n", encoding="utf-16")
    >>> read_table(file, ["student"])
      student first_name
    3     ada        Ada
    """
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}; name {what}")
    data = file.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            raise ValueError(f"{file}: not readable, the compressed file is damaged ({error}); get it again") from None
    if data.startswith(b"PK\x03\x04"):
        table, how = _read_workbook(file, data, needed), "an Excel workbook"
    else:
        text, encoding = _decode(file, data, report)
        table = _read_text(file, text, needed)
        how = f"{encoding} with {SEPARATORS[table.attrs['separator']]} between columns"
    if table.columns.empty:
        raise ValueError(f"{file} is empty; give {what} whose first line names its columns")
    for name in needed:
        if name not in table:
            near = difflib.get_close_matches(name, table.columns, n=1)
            raise ValueError(
                f"{file}: no column {name!r}; read as {how}, it has: {', '.join(table.columns)}; "
                f"{f'rename {near[0]!r}' if near else 'add one'} or give {what}"
            )
        if (again := f"{name}_2") in table and table.attrs["headings"][again].strip().lower() == name:
            raise ValueError(f"{file}: the column {name!r} is there twice; rename or delete one")
    return table


def to_numbers(column: pd.Series) -> pd.Series:
    """Numbers as people write them, with a decimal point or comma; NaN for anything else.

    >>> to_numbers(pd.Series(["3.5", " 3,5", "3/4", "nan", ""])).tolist()
    [3.5, 3.5, nan, nan, nan]
    """
    plain = column.str.strip().str.replace(",", ".", regex=False)
    return plain.where(plain.str.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"), "nan").astype("float64")


def _decode(file: Path, data: bytes, report) -> tuple[str, str]:
    """The text, and the name of its encoding."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise ValueError(f"{file}: not readable, an old Excel workbook (.xls) or one with a password; {_REMEDY}")
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    encoding, data = _MARKS.get(mark, "utf-8"), data.removeprefix(mark)
    if not mark and b"\0" in data[:4096]:
        # Names of columns are mostly ASCII: their zeros say which bytes of a character are the high ones.
        zeros = [data[place:4096:4].count(0) for place in range(4)]
        wide = max(zeros[0] + zeros[1], zeros[2] + zeros[3]) > 0.8 * len(data[:4096]) / 2
        encoding = f"utf-{32 if wide else 16}-{'be' if zeros[0] > zeros[3] else 'le'}"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, errors="ignore").count("\n") + 1
        page = locale.getencoding().lower()
        page = "cp1252" if page.replace("-", "") in ("utf8", "cp65001", "ascii", "ansi_x3.41968") else page
        try:
            text = _decode_page(data if encoding == "utf-8" else b"", page)
        except UnicodeDecodeError:
            text = ""
        seen = re.search(r"[^\s,;|\"]*[^\x00-\x7f][^\s,;|\"]*", "".join(text.split("\n")[line - 1 : line]))
        if not seen:
            raise ValueError(f"{file}, line {line}: not readable as {encoding.upper()}; {_REMEDY}") from None
        report(f"{file}: not UTF-8, read as {page}; line {line} says {seen[0]!r}. If that is wrong, {_REMEDY}")
        encoding = page
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(f"{file}, line {line}: not readable as text; {_REMEDY}")
    return text.lstrip("\ufeff"), encoding.upper()


def _decode_page(data: bytes, page: str) -> str:
    """Text in a code page; where most of it is UTF-8, as after an edit with an older program, the rest of it alone."""
    text = data.decode("utf-8", errors="surrogateescape")
    others = re.findall(r"[^\x00-\x7f]", text)
    if 2 * sum("\udc80" <= each <= "\udcff" for each in others) > len(others):
        return data.decode(page)
    return re.sub("[\udc80-\udcff]+", lambda rest: rest[0].encode(errors="surrogateescape").decode(page), text)


def _read_text(file: Path, text: str, needed) -> pd.DataFrame:
    named = re.match(r'"?sep=(.)"?[,;\t|]*(\r\n?|\n)', text, re.IGNORECASE)  # Excel's own first line
    skipped = 1 if named else 0
    text = text[named.end() :] if named else text
    said = [named[1]] if named and named[1] in SEPARATORS else []
    candidates = [*said, *(each for each in SEPARATORS if each not in said)]
    limit = csv.field_size_limit(max(len(text), 1))

    def heading(separator):
        names = []
        with contextlib.suppress(ValueError):  # quotation marks end before another separator
            names = [_plain(name) for name in next(_records(file, text, separator, skipped), (0, []))[1]]
        return sum(name in names for name in needed), len(names)

    try:
        separator = max(candidates, key=heading)
        table = _arrange(file, _records(file, text, separator, skipped))
    finally:
        csv.field_size_limit(limit)
    table.attrs["separator"] = separator
    return table


def _records(file: Path, text: str, separator: str, skipped: int):
    """Line and cells of each row that is not empty."""
    reader = csv.reader(io.StringIO(text, ""), delimiter=separator, skipinitialspace=True, strict=True)
    line = skipped + 1
    try:
        for row in reader:
            if "".join(row).strip():
                yield line, row
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{file}, line {line}: not readable, {error}; a quotation mark in a cell is doubled, and the cell is "
            "in quotation marks"
        ) from None


def _arrange(file: Path, records) -> pd.DataFrame:
    """A table of rows (line, cells), the first of which is the heading."""
    _, heading = next(records, (0, []))
    rows, lines = [], []
    for line, row in records:
        if len(row) != len(heading):
            if "".join(row[len(heading) :]).strip():
                raise ValueError(
                    f"{file}, line {line}: {len(row)} cells, but the heading has {len(heading)} columns; put a cell "
                    "that holds a separator in quotation marks, or name the column"
                )
            row = [*row[: len(heading)], *[""] * (len(heading) - len(row))]
        rows.append(row)
        lines.append(line)
    headings = {}
    for place, spelt in enumerate(heading, start=1):
        plain, number = _plain(spelt) or f"column_{place}", 1
        while (name := plain if number == 1 else f"{plain}_{number}") in headings:
            number += 1
        headings[name] = spelt.strip("\ufeff \t")
    columns = zip(*rows, strict=True) if rows else [()] * len(headings)
    cells = {name: list(column) for name, column in zip(headings, columns, strict=True)}
    kept = [name for name, column in cells.items() if headings[name] or any(column)]
    table = pd.DataFrame({name: cells[name] for name in kept}, index=lines, dtype=object)
    table.attrs |= {"headings": {name: headings[name] for name in kept}, "separator": ","}
    return table


def _plain(heading: str) -> str:
    return "_".join(heading.strip("\ufeff").lower().split())


def _read_workbook(file: Path, data: bytes, needed) -> pd.DataFrame:
    """The first sheet that has the columns, or else the first that has any."""
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except zipfile.BadZipFile as error:
        raise ValueError(f"{file}: not readable, a damaged workbook or archive ({error}); {_REMEDY}") from None
    if "xl/workbook.xml" not in members:
        raise ValueError(f"{file}: not readable, it is a workbook of another program or an archive; {_REMEDY}")
    try:
        import openpyxl  # an extra
    except ModuleNotFoundError:
        raise ValueError(f"{file} is an Excel workbook; {_REMEDY}, or pip install openpyxl") from None
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = [[[_cell(value) for value in row] for row in sheet.values] for sheet in book.worksheets]
    except Exception as error:  # a damaged workbook makes openpyxl raise almost anything
        raise ValueError(f"{file}: not readable as an Excel workbook ({error}); {_REMEDY}") from None
    tables, errors = [pd.DataFrame()], []
    for sheet in sheets:
        records = ((line, row) for line, row in enumerate(sheet, start=1) if "".join(row).strip())
        try:
            tables.append(_arrange(file, records))
        except ValueError as error:
            errors.append(error)
    best = max(tables, key=lambda table: (sum(name in table for name in needed), not table.columns.empty))
    if errors and not set(needed) <= set(best):
        raise errors[0]
    return best


def _cell(value) -> str:
    """What a cell of a workbook would be in a CSV."""
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return str(value.date())
    return "" if value is None else str(value)
