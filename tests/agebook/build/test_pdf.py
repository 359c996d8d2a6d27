"""Which browser prints the book, and which pages."""

import pytest

from agebook.__main__ import main
from agebook.build import pdf


def test_a_browser_is_found_at_its_systems_place_too(tmp_path, monkeypatch):
    program = tmp_path / "Edge" / "msedge.exe"
    program.parent.mkdir()
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setattr(pdf, "BROWSERS", ("no-such-browser",))
    monkeypatch.setattr(pdf.platform, "system", lambda: "Elsewhere")
    monkeypatch.setitem(pdf.PLACES, "Elsewhere", ("/nowhere/chromium", "$PROGRAMS/Edge/msedge.exe"))
    monkeypatch.setenv("PROGRAMS", str(tmp_path))
    assert pdf.find_browser() == str(program)
    program.unlink()
    with pytest.raises(RuntimeError, match="install the package chromium"):
        pdf.find_browser()


def test_the_pages_of_another_source_are_printed_on_request(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(pdf, "write_pdf", lambda html, pages, file: asked.append((html, file)))
    (tmp_path / "utk").mkdir()
    assert main(["pdf"]) == main(["pdf", "--source", "utkface", "--root", str(tmp_path / "utk")]) == 0
    (drawn, _), (people, file) = asked
    assert drawn.parts[-2:] == ("_build", "html")
    assert people.parts[-3:] == ("_build", "utkface", "html")
    assert file == people.parent / "estimating-age-from-faces.pdf"
