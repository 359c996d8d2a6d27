"""Ways to ask one model: the same outputs from each, and rates that are rates."""

import time

import numpy as np
import pandas as pd
import pytest
from miniature import MINIATURE

from agelib import deploy
from agelib.config import Experiment
from agelib.deploy import latency
from agelib.experiments import run as runs
from agelib.runtime import workspace


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    run = runs.run(Experiment.of(**MINIATURE | {"flip_test": True}), progress=False)
    return deploy.load(deploy.export(run, tmp_path_factory.mktemp("exported") / "model"))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 3, 16, 16), np.uint8)


def test_every_way_gives_the_models_outputs(model, images):
    import torch

    ways = latency.torch_ways(model) | {"ONNX Runtime": latency.graph_way(model.graph)}
    wanted = model.outputs(images).numpy()
    with torch.inference_mode():
        for name, ask in ways.items():
            np.testing.assert_allclose(np.asarray(ask(images)), wanted, atol=1e-4, err_msg=name)


def test_a_row_for_each_way_and_size_with_pictures_repeated_to_fill_the_batch(images):
    seen = []
    ways = {"slow": lambda batch: (seen.append(batch.shape), time.sleep(0.02)), "quick": lambda batch: batch[0]}
    table = latency.measure(ways, images, (1, 8), repeats=2, seconds=0.2)
    assert table[["way", "batch_size"]].to_numpy().tolist() == [
        ["slow", 1], ["quick", 1], ["slow", 8], ["quick", 8]
    ]  # fmt: skip
    assert set(seen) == {(1, 3, 16, 16), (8, 3, 16, 16)}
    slow = table[table["way"] == "slow"].set_index("batch_size")
    # A sleep is never shorter than asked for.
    assert (slow["milliseconds"] >= 20).all()
    assert slow.loc[8, "pictures_per_second"] <= 8 / 0.02


def test_the_stored_reference_says_where_it_is_from_and_has_every_way():
    folder = latency.Path(deploy.__file__).parents[2] / "data" / "reference"
    table, about = pd.read_csv(folder / "shipping_cpu.csv"), workspace.read_json(folder / "shipping_cpu.json")
    assert about["made_by"] == "agelib.deploy.latency.reference" and about["device"] and about["versions"]["torch"]
    assert table.groupby(["network", "batch_size"])["way"].nunique().eq(5).all()
    assert (table["low"] <= table["pictures_per_second"]).all()
    assert (table["pictures_per_second"] <= table["high"]).all()
    graphs = table.pivot_table(index="network", columns="way", values="bytes")
    assert (graphs["ONNX Runtime"] > 3 * graphs["ONNX Runtime, 8 bits"]).all()
