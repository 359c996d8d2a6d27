"""Reports of benchmarks: written whole, with words for their figures, and made into a page."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from agelib.publishing.benchmarks import benchmarks_page, figures, reports
from agelib.publishing.chapters import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "benchmarks"))

import _report

TABLE = pd.DataFrame({"way": ["map", "file"], "pictures_per_second": [12345.0, None], "ratio": [2.25, 1.0]})


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "benchmarks" / "reports"
    figure = Figure()
    figure.subplots().plot([1, 2])
    about = _report.provenance(data="drawn faces", augmentation=["flip", "light"])
    _report.write("pixels", "Pictures", "Read twice.", TABLE, about, figure, "A line that rises.", folder)
    _report.write("soak", "A long life", "Nothing leaks.", TABLE[["way"]], about, folder=folder)
    return tmp_path


def test_a_report_becomes_a_section_with_table_figure_and_provenance(repository):
    page = benchmarks_page(repository)
    assert page.index("## A long life") < page.index("## Pictures")
    assert (
        "| way | pictures per second | ratio |\n|---|---:|---:|\n| map | 12,345 | 2.25 |\n| file | – | 1 |"
        in page
    )
    assert "```{figure} _static/benchmarks/pixels.png\n:alt: A line that rises.\n```" in page
    assert "augmentation flip, light" in page
    assert f"python {sys.version.split()[0]}" in page
    assert "`agelib bench soak`" in page
    assert list(figures(repository)) == ["_static/benchmarks/pixels.png"]


def test_a_figure_without_words_is_refused(tmp_path):
    with pytest.raises(ValueError, match="say in `alt`"):
        _report.write("pixels", "Pictures", "", TABLE, {}, Figure(), folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_every_kept_report_is_of_a_program_that_makes_it():
    programs = {file.stem for file in Path(REPOSITORY, "benchmarks").glob("[a-z]*.py")}
    kept = reports(REPOSITORY)
    assert "training" in kept
    for name, report in kept.items():
        assert name in programs
        assert report["rows"], name
        assert set(report["rows"][0]) == set(report["columns"]), name
        assert {"processor", "load_before", "torch"} <= set(report["about"]), name
        json.dumps(report, allow_nan=False)
