"""Tables as people save them: any encoding, separator and quoting reads alike; errors name their line."""

import gzip
import sys
import zipfile

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agelib.data import spreadsheets
from agelib.data.spreadsheets import read_table, to_numbers

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp1252"]

#: What cells hold; the first letters are also in Windows-1252.
CELLS = st.text(st.sampled_from('aÄöß0 ,;|\t"\n.=-'), max_size=6)


def written(rows, separator, quoted=True):
    cells = [
        [f'"{cell.replace(chr(34), chr(34) * 2)}"' if quoted or set(cell) & set('",;|\t\n ') else cell for cell in row]
        for row in rows
    ]
    return "\r\n".join(separator.join(row) for row in cells) + "\r\n"


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5),
    encoding=st.sampled_from(ENCODINGS),
    separator=st.sampled_from(",;\t|"),
    quoted=st.booleans(),
    order=st.permutations(["Student", " First Name ", "note"]),
)
@example([("Ä", "ö", "ß")], "utf-16-be", "\t", False, ["Student", "note", "First Name"])
def test_a_table_reads_alike_however_it_was_saved(tmp_path_factory, rows, encoding, separator, quoted, order):
    rows = [("x" + one, *others) for one, *others in rows]  # no row is empty
    file = tmp_path_factory.mktemp("tables") / "class.csv"
    file.write_bytes(written([order, *rows], separator, quoted).encode(encoding))
    table = read_table(file, ["student", "first_name"], report=lambda line: None)
    assert table.columns.tolist() == [name.strip().lower().replace(" ", "_") for name in order]
    assert [tuple(row) for row in table.itertuples(index=False)] == rows
    lines, line = [], 2
    for row in rows:
        lines.append(line)
        line += 1 + sum(cell.count("\n") for cell in row)
    assert table.index.tolist() == lines
    assert table.attrs["separator"] == separator


def saved(tmp_path, text, encoding="utf-8"):
    file = tmp_path / "class.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return file


@pytest.mark.parametrize(
    ("text", "students"),
    [
        ("sep=;\r\nstudent;name\r\nada;Love, A\r\n", ["ada"]),
        ('"sep=|"\nstudent|name\nada|x\n', ["ada"]),
        ("\ufeff\ufeffSTUDENT,name\nada,x\n", ["ada"]),
        ('"\ufeffstudent",name\nada,x\n', ["ada"]),
        ("student\n\n   \nada\n\nbob\n", ["ada", "bob"]),
        ("student,,\nada,,\nbob\n", ["ada", "bob"]),
        ('"name, first|last";student;"a;b"\nx;ada;\n', ["ada"]),
        ("student\rada\rbob\r", ["ada", "bob"]),
        ("имя;student\nАда;ada\n", ["ada"]),
    ],
)
def test_headings_as_programs_write_them(tmp_path, text, students):
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        assert read_table(saved(tmp_path, text, encoding), ["student"])["student"].tolist() == students


def test_another_code_page_is_said_with_an_example(tmp_path, monkeypatch):
    said = []
    table = read_table(
        saved(tmp_path, "student,name\nada,x\nbob,Jörg Groß\n", "cp1252"), ["student"], report=said.append
    )
    assert table["name"].tolist() == ["x", "Jörg Groß"] and "line 3 says 'Jörg'" in said[0] and "cp1252" in said[0]
    table = read_table(saved(tmp_path, "student\näö\n".encode() + b"gr\xf6\xdfer\n"), ["student"], report=said.append)
    assert table["student"].tolist() == ["äö", "größer"] and "line 3 says 'größer'" in said.pop()
    monkeypatch.setattr(spreadsheets.locale, "getencoding", lambda: "cp932")
    table = read_table(saved(tmp_path, "student,name\nada,山田\n", "cp932"), ["student"], report=said.append)
    assert table["name"].tolist() == ["山田"] and "'山田'" in said[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"student,name\nada,\xc3\xa4\xc3\xb6\nb,\x81\n", "csv, line 3: not readable as UTF-8; save it as CSV UTF-8"),
        (b"student,name\nada,\x81\n", "line 2: not readable as UTF-8"),
        (b"\xff\xfes\0t\0u\0\n\0\0\xd8x\0", "line 2: not readable as UTF-16-LE"),
        (b"student,name\n" + b"x" * 5000 + b"\0\n", "line 2: not readable as text"),
        (b"name;Student ID\nx;ada\n", "'student'; read as UTF-8 with semicolons .* student_id; rename 'student_id'"),
        (b"a,b\n1,2\n", "it has: a, b; add one"),
        (b"student,Student \n1,2\n", "'student' is there twice"),
        (b"student,name\nada,Love\nbob,Smith, J.\n", "line 3: 3 cells, but the heading has 2 columns"),
        (b'student,name\nada,"Love\nbob,Smith\n', "line 2: not readable, unexpected end of data"),
        (b'student,name\nada,"Love" lace\n', "line 2: not readable, .* doubled"),
        (b"", "class.csv is empty"),
        (b" \n\n", "class.csv is empty"),
        (b"\xd0\xcf\x11\xe0 old", r"\(\.xls\) .* save it as CSV UTF-8"),
        (b"PK\x03\x04 torn", "damaged workbook"),
        (b"\x1f\x8b torn", "compressed file is damaged"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_its_place_and_a_remedy(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        read_table(saved(tmp_path, text), ["student"])


def test_a_long_cell_and_a_compressed_table_are_read(tmp_path):
    long = "x" * 200_000
    file = saved(tmp_path, gzip.compress(f"path,split\n{long},train\n".encode()))
    assert read_table(file, ["path"])["path"].tolist() == [long]
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_table(tmp_path / "none.csv")


def test_a_workbook_is_read_by_its_content_and_the_sheet_that_has_the_columns(tmp_path, monkeypatch):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["Notes"])
    book.active.append(["this is", "ragged"])
    sheet = book.create_sheet()
    for row in ([], ["Student", "Mark", "Day"], [], ["ada", 3.5, pd.Timestamp(2024, 5, 3)], [12, 4.0, None]):
        sheet.append(row)
    book.save(tmp_path / "class.xlsx")
    file = (tmp_path / "class.xlsx").rename(tmp_path / "class.csv")
    table = read_table(file, ["student"])
    assert table.to_numpy().tolist() == [["ada", "3.5", "2024-05-03"], ["12", "4", ""]]
    assert table.index.tolist() == [4, 5]
    with zipfile.ZipFile(tmp_path / "class.ods", "w") as other:
        other.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    with pytest.raises(ValueError, match=r"another program .* save it as CSV UTF-8"):
        read_table(tmp_path / "class.ods", ["student"])
    book.save(file)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ValueError, match="Excel workbook; save it as CSV UTF-8, or pip install openpyxl"):
        read_table(file, ["student"])


def test_numbers_as_people_write_them():
    given = ["3.5", "3,5", " +4 ", ".5", "1e2", "3.5 of 4", "½", "03. Mai", "nan", "inf", "1_0", "-2", ""]
    expected = [3.5, 3.5, 4, 0.5, 100, None, None, None, None, None, None, -2, None]
    assert [None if pd.isna(number) else number for number in to_numbers(pd.Series(given))] == expected
