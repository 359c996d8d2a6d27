"""What stands beside figures: source, tables, sentences, and the label that says whose faces the numbers are of."""

import ast
import inspect
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cells import Cells

from agelib import metrics
from agelib.config import Experiment
from agelib.data import table as faces
from agelib.networks.basic_cnn import BasicCNN
from agelib.pixels.batches import Batches
from agelib.plots import show


def texts(shown, tag):
    return [text for kind, text in Cells(shown.html).texts if kind == tag]


@pytest.mark.parametrize("thing", [metrics.summarise, BasicCNN, BasicCNN.forward, metrics])
def test_source_without_docstrings_is_the_same_program(thing):
    shown = show.source(thing).text
    import textwrap

    def skeleton(code):
        tree = ast.parse(textwrap.dedent(code))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
                node.body = body[1:]
        return ast.dump(tree)

    assert skeleton(shown) == skeleton(inspect.getsource(thing))
    assert '"""' not in shown


def test_source_keeps_comments_and_says_where_it_is_from():
    text = show.source(metrics.mae).text
    assert text.startswith("# agelib.metrics.regression, from line ")
    assert show.source(Batches._batch).text.count("# ") > 2


def test_source_is_markdown_that_the_page_highlights():
    bundle = show.source(BasicCNN.forward)._repr_mimebundle_()
    assert bundle["text/markdown"].startswith("```python\n")
    assert bundle["text/markdown"].endswith("\n```")
    assert "text/html" not in bundle


def test_what_has_no_source_is_refused():
    for thing in (len, 3):
        with pytest.raises(ValueError, match="no Python source"):
            show.source(thing)


def test_a_function_that_is_only_a_docstring_stays_python():
    from agelib.targets import Target

    ast.parse(show.source(Target).text)


def test_a_table_shows_numbers_as_one_reads_them():
    rows = pd.DataFrame(
        {
            "pictures": [62328, 5],
            "MAE": [6.345678, np.nan],
            "bias": [-0.5, np.inf],
            "leaks": [True, False],
            "note": ["a < b", None],
        },
        index=pd.Index(["all", "none"], name="set"),
    )
    shown = show.table(rows, "Errors & co.", digits=1, alt='two "sets"')
    assert texts(shown, "th") == ["set", "pictures", "MAE", "bias", "leaks", "note", "all", "none"]
    assert texts(shown, "td") == ["62,328", "6.3", "−0.5", "yes", "a < b", "5", "–", "∞", "no", "–"]
    assert texts(shown, "caption") == ["Errors & co."]
    assert ("table", {"class": "dataframe agelib-table", "aria-label": 'two "sets"'}) in Cells(shown.html).attributes
    assert repr(shown).startswith("Errors & co.\n")


def test_a_plain_count_of_rows_is_not_shown_but_a_named_index_is():
    rows = pd.DataFrame({"age": [1.0, 2.0]})
    assert texts(show.table(rows), "th") == ["age"]
    assert texts(show.table(rows.rename_axis("row")), "th") == ["row", "age", "0", "1"]
    assert texts(show.table(rows["age"]), "td") == ["1.00", "2.00"]


def test_tables_of_two_levels_keep_both():
    both = pd.concat({"A": metrics_table(), "B": metrics_table()}, names=["network"])
    assert texts(show.table(both, digits=0), "th")[:5] == ["network", "metric", "value", "A", "MAE"]
    wide = both.reset_index().pivot_table("value", "network", "metric")
    assert texts(show.table(wide), "th") == ["network", "MAE", "A", "B"]


def metrics_table():
    return pd.DataFrame({"value": [1.0]}, index=pd.Index(["MAE"], name="metric"))


def test_the_same_table_gives_the_same_html():
    assert show.table(metrics_table()).html == show.table(metrics_table()).html


def a_run(source="drawn-imdb-wiki", identity=("x", "x", "y"), **options):
    table = faces.table(path=["a", "b", "c"], source=source, identity=list(identity))
    about = {
        "pictures": {"test": 300, "train": 2400, "valid": 300},
        "seed": 7,
        "device": "cpu (AMD EPYC)",
        "torch": "2.14.1",
    }
    prepared = SimpleNamespace(faces=table, leaks=pd.DataFrame({"what": ["identity"]}))
    return SimpleNamespace(environment=about, experiment=Experiment.of(**options), prepared=prepared)


def test_drawn_faces_are_never_taken_for_people():
    for of in (a_run(), a_run().prepared, a_run().prepared.faces):
        text = show.provenance(of).text
        assert text.startswith("Drawn faces, not people (drawn-imdb-wiki)")
        assert "no results on people" in text
    assert "Drawn" not in show.provenance(a_run("utkface")).text


def test_a_runs_label_says_what_its_numbers_depend_on():
    shown = show.provenance(a_run())
    for fact in ("2,400 train, 300 valid, 300 test", "nobody is on two sides", "seed 7", "64 pixels", "torch 2.14.1"):
        assert fact in shown.text
    assert "LEAKS" not in shown.text
    Cells(shown.html)
    by_age = show.provenance(a_run(split="by_age", allow_leaks=True, folds=5, fold=2)).text
    assert "the same person may be on two sides, fold 2 of 5" in by_age
    assert "LEAKS" in by_age
    assert "swapped" not in by_age
    assert "20 % of the training ages swapped" in show.provenance(a_run(label_noise=0.2)).text


def test_where_nobody_is_named_the_label_does_not_claim_that_nobody_is_on_two_sides():
    text = show.provenance(a_run("utkface", identity=(None, None, None))).text
    assert "nobody is on two sides" not in text and "who is shown is not recorded" in text
    assert "split as parts.csv says" in show.provenance(a_run(split_file="/some/where/parts.csv")).text


def test_the_label_of_a_split_table_counts_its_parts():
    table = faces.table(path=["a", "b", "c"], source="utkface").assign(split=["train", "test", "train"])
    assert show.provenance(table).text == "Images of people (utkface). 3 images · 2 train · 1 test."


def test_only_a_run_or_faces_have_a_provenance():
    with pytest.raises(ValueError, match="not of a int"):
        show.provenance(3)


def test_pictures_of_people_are_not_shown():
    images = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    drawn = show.pictures(images, pd.DataFrame({"source": ["drawn-utkface"] * 2}), titles=["1 year", "2 years"])
    assert sum(len(axis.images) for axis in drawn.axes) == 2
    for sources in (["utkface"] * 2, ["drawn-utkface", "utkface"], ["drawn", None]):
        refused = show.pictures(images, pd.DataFrame({"source": sources}))
        assert "not shown" in refused.text
        assert not hasattr(refused, "axes")
    with pytest.raises(ValueError, match="2 images have 1 rows"):
        show.pictures(images, pd.DataFrame({"source": ["drawn"]}))


def test_a_sentence_is_markdown():
    assert show.say("**6.7** years")._repr_mimebundle_() == {
        "text/plain": "**6.7** years",
        "text/markdown": "**6.7** years",
    }
