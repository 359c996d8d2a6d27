"""Reports of benchmarks: written whole, with words for their figures, and made into a page."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from agebook.build.benchmarks import benchmarks_page, figures, reports
from agebook.build.chapters import REPOSITORY
from agelib.runtime.provenance import Provenance

sys.path.insert(0, str(REPOSITORY / "benchmarks"))

import _report

TABLE = pd.DataFrame({"way": ["map", "file"], "pictures_per_second": [12345.0, None], "ratio": [2.25, 1.0]})


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "benchmarks" / "reports"
    figure = Figure()
    figure.subplots().plot([1, 2])
    about = _report.provenance(data="drawn faces", augmentation=["flip", "light"], only="")
    _report.write("pixels", "Pictures", "Read twice.", TABLE, about, figure, "A line that rises.", folder)
    _report.write("soak", "A long life", "Nothing leaks.", TABLE[["way"]], about, folder=folder)
    return tmp_path


def test_a_report_becomes_a_section_with_table_figure_and_provenance(repository):
    page = benchmarks_page(repository)
    assert page.index("## A long life") < page.index("## Pictures")
    assert (
        "| way | pictures per second | ratio |\n|---|---:|---:|\n| map | 12,345 | 2.25 |\n| file | – | 1.00 |" in page
    )
    assert "```{figure} _static/benchmarks/pixels.png\n:alt: A line that rises.\n```" in page
    assert "augmentation flip, light" in page
    assert "only" not in page
    assert f"python {sys.version.split()[0]}" in page
    assert "`agebook bench soak`" in page
    assert list(figures(repository)) == ["_static/benchmarks/pixels.png"]


def test_numbers_of_a_column_have_the_same_digits_and_commands_keep_their_dashes(tmp_path):
    table = pd.DataFrame(
        {"program": ["agelib --help", "none"], "seconds": [0.5, 0.125], "loss": [3e-5, 0.5], "rate": [1234.5, 62.5]}
    )
    folder = tmp_path / "benchmarks" / "reports"
    _report.write("startup", "Start", "", table, Provenance(), folder=folder)
    _report.write("soak", "Soak", "", pd.DataFrame({"value": [0.0, 6.92]}), Provenance(), folder=folder)
    page = benchmarks_page(tmp_path)
    assert "| `agelib --help` | 0.500 | 3e-05 | 1,234 |\n| none | 0.125 | 0.5 | 62.5 |" in page
    assert "| 0 |\n| 6.92 |" in page


def test_a_figure_without_words_is_refused(tmp_path):
    with pytest.raises(ValueError, match="say in `alt`"):
        _report.write("pixels", "Pictures", "", TABLE, Provenance(), Figure(), folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_every_kept_report_is_of_a_program_that_makes_it():
    programs = {file.stem for file in Path(REPOSITORY, "benchmarks").glob("[a-z]*.py")}
    kept = reports(REPOSITORY)
    assert "training" in kept
    for name, report in kept.items():
        assert name in programs
        assert report["rows"], name
        assert set(report["rows"][0]) == set(report["columns"]), name
        assert report["about"]["processor"] and report["about"]["versions"]["torch"], name
        json.dumps(report, allow_nan=False)


def test_the_critical_path_is_the_longest_chain_that_waits():
    import book

    before = {"01": set(), "02": {"01"}, "03": {"01"}, "04": {"02", "03"}, "05": set()}
    seconds = pd.Series({"01": 10.0, "02": 1.0, "03": 20.0, "04": 5.0, "05": 34.0})
    assert book.critical_path(before, seconds) == 35.0
    assert book.critical_path(before, seconds.replace(34.0, 36.0)) == 36.0
    assert book.needs(Path(REPOSITORY))["17"] == {"06", "08", "09", "10"}


def test_rates_are_set_beside_plain_torch_of_the_same_network_and_batch():
    import inference

    rows = [("r", 1, "torch", 50.0), ("r", 1, "graph", 75.0), ("r", 8, "torch", 200.0), ("r", 8, "graph", 100.0)]
    table = pd.DataFrame(rows, columns=["network", "batch_size", "way", "pictures_per_second"])
    assert inference.ratios(table.assign(low=1.0, high=2.0))["ratio"].tolist() == [1.0, 1.5, 1.0, 0.5]


def test_a_speedrun_is_timed_to_what_every_plain_one_reaches():
    import speedrun

    curve = pd.DataFrame({"seconds": [60.0, 120.0, 180.0], "valid_f1": [20.0, 50.0, 60.0]})
    plain = [curve.assign(recipe="plain recipe", seed=1), curve.assign(recipe="plain recipe", seed=2, valid_f1=45.0)]
    assert speedrun.least(pd.concat(plain)) == 45.0
    assert speedrun.when(curve, 45.0) == 2.0
    assert speedrun.when(curve, 61.0) is None


def test_a_cost_that_grows_with_the_square_has_the_exponent_two():
    import scale

    rows = np.array([1_000, 10_000, 100_000])
    costs = {"linear": rows / 1e4, "square": (rows / 1e4) ** 2}
    table = pd.concat(
        pd.DataFrame({"step": step, "rows": rows, "processor_seconds": seconds, "memory": 5e6 + 800.0 * rows})
        for step, seconds in costs.items()
    )
    # What a start-up adds to the smallest size is not taken for growth.
    table.loc[table["rows"] == 1_000, "processor_seconds"] += 3
    found = scale.exponents(table).set_index("step")
    np.testing.assert_allclose(found["exponent"], [1, 2])
    np.testing.assert_allclose(found["bytes_a_row"], 800)
    ahead = scale.PUBLISHED / 100_000
    np.testing.assert_allclose(found["seconds_at_published"], [10 * ahead, 100 * ahead**2])
    np.testing.assert_allclose(found["memory_at_published"], 5e6 + 800 * scale.PUBLISHED)
    written = scale.as_table(table, scale.exponents(table))
    assert written["exponent"].tolist() == [1.0, 2.0]


def test_what_a_run_adds_is_the_slope_of_the_second_half():
    import soak

    runs = np.arange(100, 1100, 100)
    settled = np.where(runs < 500, 0, 1e9 + 2_000 * runs)  # imports and allocators are not counted
    table = pd.DataFrame({"runs": runs, "memory": settled, "disk": 57_000 * runs, "open_files": 6})
    found = soak.summarise(table.assign(processor_seconds=0.1 * runs, listing_seconds=0.001 * runs))
    assert found["bytes_of_memory_a_run"] == pytest.approx(2_000)
    assert found["bytes_of_disk_a_run"] == pytest.approx(57_000)
    assert found["open_files_a_run"] == pytest.approx(0, abs=1e-9)
    pruned = {
        "pruned_runs": 500,
        "prune_processor_seconds": 1.0,
        "runs_bytes": 57_000_000,
        "runs_bytes_left": 28_500_000,
    }
    told = soak.as_table(found | pruned).set_index("measure")["value"]
    assert told["memory that a run adds"] == "2.0 KB"
    assert told["open files that a run adds"] == "0.000"
    assert told["listing all runs, of a processor"] == "1.00 s"


def test_a_pair_measured_anew_takes_its_place_in_the_report(tmp_path):
    import training

    about = Provenance(versions={"torch": "2.14.1"}, load=0.1)
    rows = [("a", "limit", 0.8), ("a", "folder", 1.7), ("b", "limit", 0.9)]
    columns = ["network", "other", "ratio"]
    table = pd.DataFrame(rows, columns=columns)
    _report.write("training", "Training", "", table, about, folder=tmp_path)
    anew = pd.DataFrame([("a", "limit", 0.97), ("a", "half", 0.5), ("c", "limit", 1.0)], columns=columns)
    found = training.with_others(anew, replace(about, load=0.7), tmp_path)
    assert list(found.itertuples(index=False, name=None)) == [
        ("a", "limit", 0.97),
        ("a", "folder", 1.7),
        ("a", "half", 0.5),
        ("b", "limit", 0.9),
        ("c", "limit", 1.0),
    ]
    with pytest.raises(SystemExit, match="measured with another torch; leave out --add"):
        training.with_others(anew, replace(about, versions={"torch": "2.15.0"}), tmp_path)


def test_the_row_of_an_older_version_stays_while_all_else_is_the_same(tmp_path):
    import book

    about = Provenance(cores=2, load=0.1)
    rows = [{"version": "before (c5bf824)", "cold": 9.0}, {"version": "now", "cold": 8.0}]
    _report.write("book", "The whole book", "", pd.DataFrame(rows), about, folder=tmp_path)
    assert book.earlier(Provenance(cores=2, load=1.0), tmp_path).to_dict("records") == rows[:1]
    assert book.earlier(Provenance(cores=4), tmp_path).empty
    assert book.earlier(about, tmp_path / "elsewhere").empty
