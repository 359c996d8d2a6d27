"""Two labels of one image, and heaps of ages: small collections with known noise, and the kept reference."""

import json

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from agebook.build.chapters import REPOSITORY
from agelib.__main__ import main
from agelib.experiments import published
from agelib.experiments.published import label_noise
from agelib.runtime import workspace

#: Age of each file, and which bytes it has: two twins that differ by 4 years, three that agree but for one year, and
#: two that are alone.
FILES = [(26, 0), (30, 0), (40, 1), (40, 1), (41, 1), (35, 2), (60, 3)]


@pytest.fixture
def utkface(tmp_path):
    """A collection in UTKFace's layout whose names carry the ages of `FILES`; the images are noise."""
    from PIL import Image

    folder = tmp_path / "UTKFace"
    folder.mkdir()
    for number, (age, content) in enumerate(FILES):
        pixels = np.random.default_rng(content).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{age}_0_1_2017011716320385{number}.jpg.chip.jpg")
    return folder


def test_the_noise_of_a_small_collection_is_found(utkface, tmp_path):
    found = label_noise.describe_utkface(utkface, tmp_path / "reference", resamples=50, jobs=1, progress=False)
    assert found["images"] == 7
    assert sorted(row[1:] for row in found["pairs"]["labels"]) == [[26, 30], [40, 40], [40, 41], [40, 41]]
    pairs = found["pairs"]
    assert (pairs["count"], pairs["groups"], pairs["differ"], pairs["largest_gap"]) == (4, 2, 75, 4)
    assert pairs["mean_gap"]["value"] == pytest.approx(6 / 4)
    assert pairs["mean_gap_of_those_that_differ"] == pytest.approx(2)
    assert pairs["mean_squared_gap"] == pytest.approx(18 / 4)
    assert found["heaps"]["last_digits"] == [4, 1, 0, 0, 0, 1, 0, 0, 0, 0]
    assert found["heaps"]["whipple"] == pytest.approx(500 * 5 / 6)
    written = workspace.read_json(tmp_path / "reference" / label_noise.FILE)
    assert written == json.loads(json.dumps(found))
    assert ".jpg" not in json.dumps(written) and str(utkface) not in json.dumps(written)


def test_the_variance_of_known_noise_comes_back_from_the_pairs():
    rng = np.random.default_rng(3)
    age = np.repeat(rng.uniform(20, 60, 4000), 2)
    labels = age + rng.normal(0, 5, len(age))
    found = label_noise.describe_pairs(label_noise.label_pairs(labels, np.arange(len(age)) // 2), resamples=0)
    assert found["mean_squared_gap"] / 2 == pytest.approx(25, rel=0.05)
    assert found["mean_gap"]["value"] == pytest.approx(scipy.stats.halfnorm(scale=5 * 2**0.5).mean(), rel=0.03)


def test_the_interval_is_scipys_where_each_group_is_one_pair():
    rng = np.random.default_rng(5)
    pairs = pd.DataFrame({"group": np.arange(250), "low": 20.0, "high": 20 + rng.exponential(4, 250)})
    gap = (pairs["high"] - pairs["low"]).to_numpy()
    scipys = scipy.stats.bootstrap(
        (gap,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(1)
    ).confidence_interval
    found = label_noise.describe_pairs(pairs, resamples=4000)["mean_gap"]
    assert found["low"] == pytest.approx(scipys.low, abs=0.05)
    assert found["high"] == pytest.approx(scipys.high, abs=0.05)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(-1, 5)), max_size=30))
def test_a_group_of_k_makes_k_times_k_minus_1_halves_pairs(rows):
    ages, groups = [age for age, _ in rows], [group for _, group in rows]
    pairs = label_noise.label_pairs(ages, groups)
    sizes = pd.Series([group for group in groups if group >= 0], dtype=int).value_counts()
    assert len(pairs) == (sizes * (sizes - 1) // 2).sum()
    assert (pairs["low"] <= pairs["high"]).all()


def test_even_ages_have_no_heap():
    found = label_noise.describe_heaps(np.repeat(np.arange(101), 7))
    assert found["whipple"] == 100 and found["peak_against_neighbours"] == 1
    assert found["last_digits"] == [28] * 10


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match="3 ages and 2 groups"):
        label_noise.label_pairs([1, 2, 3], [0, 0])
    with pytest.raises(ValueError, match="no two files have the same bytes"):
        label_noise.describe_pairs(label_noise.label_pairs([20, 30], [-1, -1]))
    with pytest.raises(ValueError, match="30 to 68 is no whole number of tens"):
        label_noise.describe_heaps([40], last=68)
    with pytest.raises(ValueError, match="none of 2 ages is from 30 to 69"):
        label_noise.describe_heaps([12, 13])


def test_the_command_keeps_the_reference_only_if_told_to(utkface, tmp_path, monkeypatch, capsys):
    place = tmp_path / "reference"
    place.mkdir()
    monkeypatch.setattr(published, "FOLDER", place)
    assert main(["published", "label-noise", "--root", str(utkface)]) == 0
    assert '"images": 7' in capsys.readouterr().out and not list(place.iterdir())
    assert main(["published", "label-noise", "--root", str(utkface), "--write"]) == 0
    assert [file.name for file in place.iterdir()] == [label_noise.FILE]


def test_the_committed_reference_agrees_with_itself():
    stored = workspace.read_json(REPOSITORY / "data" / "reference" / label_noise.FILE)
    ages = np.repeat([int(age) for age in stored["ages"]], list(stored["ages"].values()))
    assert len(ages) == stored["images"] == 21342
    assert label_noise.describe_heaps(ages) == stored["heaps"]
    pairs = pd.DataFrame(stored["pairs"].pop("labels"), columns=["group", "low", "high"])
    protocol = stored["protocol"]
    found = label_noise.describe_pairs(pairs, protocol["resamples"], protocol["seed"])
    assert found.pop("mean_gap") == pytest.approx(stored["pairs"].pop("mean_gap"))
    assert found == pytest.approx(stored["pairs"])


def test_the_committed_reference_is_what_the_real_files_give(real_data):
    stored = workspace.read_json(REPOSITORY / "data" / "reference" / label_noise.FILE)
    found = label_noise.describe_utkface(real_data / "utkface" / "UTKFace.tar.gz", resamples=0, progress=False)
    assert found["provenance"]["key"] == stored["provenance"]["key"]
    assert found["pairs"]["labels"] == stored["pairs"]["labels"] and found["ages"] == stored["ages"]
