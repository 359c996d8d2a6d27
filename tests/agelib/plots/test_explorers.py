"""Explorers: their controls change what is shown, a page gets a still, and people are shown to nobody by mistake."""

import base64
import io
import re
from types import SimpleNamespace

import ipywidgets
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from agelib.config import Data
from agelib.data import clean, sources
from agelib.drawn import read_truth
from agelib.plots import explorers


@pytest.fixture(scope="module")
def collection():
    return sources.read("drawn", pictures=240, seed=3)


@pytest.fixture
def people(tmp_path):
    """Thirty pictures that are not said to be drawn, in plain colours."""
    table = pd.DataFrame(
        {
            "path": [f"{number}.png" for number in range(30)],
            "age": np.arange(30.0),
            "gender": ["female", "male", None] * 10,
            "face_score": np.linspace(-1, 5, 30),
            "second_face_score": [np.nan, 9.0, 1.0] * 10,
            "source": "utkface",
        }
    )
    for number, path in enumerate(table["path"]):
        Image.fromarray(np.full((8, 8, 3), 8 * number, np.uint8)).save(tmp_path / path)
    return table, tmp_path


def still(explorer):
    return explorer._repr_mimebundle_()["text/html"]


def picture(page):
    data = re.search(r'src="data:image/webp;base64,(.+?)"', page)[1]
    return np.array(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def test_filters_choose_pictures_and_pages_go_through_all_of_them(collection):
    table = collection.faces
    explorer = explorers.faces(table, collection.root)
    explorer.controls["gender"].value = "female"
    explorer.controls["age"].value = (20, 29)
    wanted = table[(table["gender"] == "female") & table["age"].between(20, 29)]
    assert explorer.view.words.startswith(f"{len(wanted)} of {len(table)} images")
    met = []
    for page in range(1, explorer.view.pages + 1):
        explorer.controls["page"].value = page
        assert len(explorer.view.rows) <= explorers.NUMBER
        met += explorer.view.rows["path"].tolist()
    assert met == wanted["path"].tolist()


def test_fewer_pages_turn_back_to_the_last_and_none_is_said_in_words(collection):
    explorer = explorers.faces(collection.faces, collection.root)
    explorer.controls["page"].value = explorer.view.pages
    explorer.controls["age"].value = (30, 31)
    assert explorer.controls["page"].value == explorer.controls["page"].max == explorer.view.pages
    assert len(explorer.view.rows)
    ages = set(np.floor(collection.faces["age"].dropna()))
    nobody = next(age for age in range(int(min(ages)), int(max(ages))) if age not in ages)
    explorer.controls["age"].value = (nobody, nobody)
    assert explorer.view.words.startswith("0 of ")
    assert "<img" not in explorer.screen


def test_the_screen_changes_with_the_controls_and_the_still_does_not(collection):
    explorer = explorers.faces(collection.faces, collection.root)
    first, page = explorer.screen, still(explorer)
    explorer.controls["age"].value = (60, 70)
    assert not np.array_equal(picture(explorer.screen), picture(first))
    assert still(explorer) == page
    assert np.array_equal(picture(page), picture(first))


def test_jupyterlab_gets_the_controls_and_a_page_gets_words_and_an_alternative(collection):
    explorer = explorers.faces(collection.faces, collection.root)
    bundle = explorer._repr_mimebundle_()
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == explorer.box.model_id
    assert all(isinstance(control, ipywidgets.Widget) for control in explorer.box.children[0].children)
    assert "In JupyterLab this has controls (age (years), gender, page)" in bundle["text/html"]
    assert not re.search(r"<(input|select|button|script)", bundle["text/html"])
    (alt,) = re.findall(r'alt="(.+?)"', bundle["text/html"])
    assert alt.split("; ") == explorer.view.titles


def test_thresholds_say_what_they_throw_away(collection):
    table = collection.faces
    found = np.arange(len(table)) % 7 > 0
    explorer = explorers.cleaning(table, collection.root, found)
    explorer.controls["score"].value = 2.0
    explorer.controls["second"].value = 3.0
    explorer.controls["age"].value = (10, 60)
    kept = table["age"].between(10, 60) & ~(table["face_score"] <= 2) & ~(table["second_face_score"] >= 3) & found
    assert explorer.view.words.startswith(f"{int(kept.sum())} of {len(table)} rows are kept")
    rows = explorer.view.rows.index
    assert list(kept[rows]) == [title.startswith("kept") for title in explorer.view.titles]
    assert f"no face {int((~found).sum())}, " in explorer.view.words
    explorer.controls["detected"].value = False
    assert "no face" not in explorer.view.words


def test_the_first_thresholds_are_those_of_the_second_pass(collection):
    explorer = explorers.cleaning(collection.faces, collection.root)
    data = Data(detector="none", min_pictures_per_age=1, duplicates="keep")
    cleaned = clean.clean(collection, data, progress=False)
    steps = cleaned.report.set_index("step")["removed"]
    kept = len(cleaned.faces) + int(steps["unreadable file"])
    assert explorer.view.words.startswith(f"{kept} of {len(collection.faces)} ")


def test_a_file_that_cannot_be_read_is_grey(collection):
    truth = read_truth(collection.root)
    broken = truth.loc[truth["fault"].isin(["truncated", "text file"]), "path"]
    rows = collection.faces[collection.faces["path"].isin(broken)]
    (image, *_) = explorers.faces(rows, collection.root).view.images
    assert (image == 128).all()


def test_changes_by_hand_are_those_of_training():
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    rows = pd.DataFrame({"source": ["drawn"] * 2})
    explorer = explorers.augmentations(x, rows)
    for name, value in {"degrees": 0, "scale": 1, "shift": 0}.items():
        explorer.controls[name].value = value
    assert np.allclose(explorer.view.images[2:], x, atol=1e-4), "nothing is changed"
    explorer.controls["mirror"].value = True
    assert np.allclose(explorer.view.images[2], x[0].flip(-1), atol=1e-4)
    explorer.controls["brightness"].value = 0.3
    assert np.allclose(explorer.view.images[2], (x[0].flip(-1) + 0.3).clamp(0, 1), atol=1e-4)
    assert "Stronger than in training: brightness." in explorer.view.words
    explorer.controls["brightness"].value = 0.2
    assert "No change is stronger" in explorer.view.words
    before = explorer.view.images[2].std()
    explorer.controls["sigma"].value = 1.5
    assert explorer.view.images[2].std() < before
    with pytest.raises(ValueError, match="2 images with 1 rows"):
        explorers.augmentations(x, rows[:1])


def test_errors_come_in_the_order_that_is_asked_for(people):
    table, root = people
    predicted = table["age"] + [(-1) ** number * number for number in range(30)]
    predictions = table[["path", "age"]].assign(predicted=predicted).iloc[::-1]
    run = SimpleNamespace(predictions=predictions, prepared=SimpleNamespace(faces=table, root=root))
    explorer = explorers.errors(run)
    assert explorer.view.rows["age"].tolist() == list(range(29, 17, -1))
    explorer.controls["order"].value = "guessed too old"
    assert explorer.view.rows["age"].tolist()[:3] == [28, 26, 24]
    explorer.controls["order"].value = "guessed too young"
    assert explorer.view.titles[0] == "29, said 0"
    explorer.controls["order"].value = "smallest error"
    explorer.controls["page"].value = 3
    assert explorer.view.rows["age"].tolist() == list(range(24, 30))
    explorer.controls["age"].value = (2, 3)
    assert explorer.view.words == "2 of 30 test images, off by 2.5 years on average; page 1 of 1."


def test_people_are_shown_only_on_request_and_never_on_a_page(people):
    table, root = people
    explorer = explorers.faces(table, root)
    assert "12 images of utkface are not shown" in explorer.screen
    assert "<img" not in explorer.screen and "<img" not in still(explorer)
    own = explorers.faces(table, root, people=True)
    assert "<img" in own.screen
    assert "<img" not in still(own) and "data:" not in still(own)
    assert "not shown" in still(own)
