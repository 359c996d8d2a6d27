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


def test_the_critical_path_is_the_longest_chain_that_waits():
    import book

    before = {"01": set(), "02": {"01"}, "03": {"01"}, "04": {"02", "03"}, "05": set()}
    seconds = pd.Series({"01": 10.0, "02": 1.0, "03": 20.0, "04": 5.0, "05": 34.0})
    assert book.critical_path(before, seconds) == 35.0
    assert book.critical_path(before, seconds.replace(34.0, 36.0)) == 36.0
    assert book.needs(Path(REPOSITORY))["15"] == {"05", "06", "07", "08"}


def test_rates_are_set_beside_plain_torch_of_the_same_network_and_batch():
    import inference

    rows = [
        ("r", 1, "torch", 50.0),
        ("r", 1, "graph", 75.0),
        ("r", 8, "torch", 200.0),
        ("r", 8, "graph", 100.0),
    ]
    table = pd.DataFrame(rows, columns=["network", "batch_size", "way", "pictures_per_second"])
    assert inference.ratios(table.assign(low=1.0, high=2.0))["ratio"].tolist() == [1.0, 1.5, 1.0, 0.5]


def test_a_speedrun_is_timed_to_what_every_plain_one_reaches():
    import speedrun

    curve = pd.DataFrame({"seconds": [60.0, 120.0, 180.0], "valid_f1": [20.0, 50.0, 60.0]})
    plain = [
        curve.assign(recipe="plain recipe", seed=1),
        curve.assign(recipe="plain recipe", seed=2, valid_f1=45.0),
    ]
    assert speedrun.least(pd.concat(plain)) == 45.0
    assert speedrun.when(curve, 45.0) == 2.0
    assert speedrun.when(curve, 61.0) is None
