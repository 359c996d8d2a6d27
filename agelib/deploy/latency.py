"""How fast one model answers in each of several ways: torch, compiled, ONNX, 8 bits. Explained in chapter 25.

All ways get the same bytes, uint8 [B, 3, S, S] in memory, and give the outputs, so all of them do all of the work. They
are timed as :mod:`agelib.deploy.throughput` times networks.
"""

import copy
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch

from agelib import networks, targets
from agelib.config import Experiment, Training
from agelib.deploy import throughput
from agelib.deploy.model import Model, load, open_graph
from agelib.deploy.onnx_export import Graph, export
from agelib.deploy.quantize import quantise
from agelib.runtime import provenance, workspace
from agelib.training import checkpoints

#: Pictures of a batch: one, as an app has it, and many, as a folder has them.
BATCH_SIZES = (1, 64)


def torch_ways(model: Model, compiled: bool = False) -> dict[str, Callable]:
    """The ways in which torch can be asked, by their names: bytes uint8 [B, 3, S, S] → outputs [B, outputs].

    `compiled`: with torch.compile, too; it needs a C++ compiler, and half a minute for each new size of a batch.
    """
    whole = Graph(copy.deepcopy(model.network), model.mean, model.std, model.experiment.pictures.flip_test).eval()
    last = copy.deepcopy(whole).to(memory_format=torch.channels_last)
    ways = {
        "torch": lambda images: whole(torch.from_numpy(images)),
        "torch, channels last": lambda images: last(
            torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
        ),
    }
    if compiled:
        fused = torch.compile(whole, dynamic=False)
        ways["torch, compiled"] = lambda images: fused(torch.from_numpy(images))
    return ways


def graph_way(file) -> Callable:
    """The way to ask an ONNX file by onnxruntime: bytes uint8 [B, 3, S, S] → outputs [B, outputs]."""
    session = open_graph(file)
    return lambda images: session.run(None, {"pictures": images})[0]


def measure(
    ways: dict[str, Callable],
    images: np.ndarray,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    repeats: int = 5,
    seconds: float = 1.0,
    clock: str = "wall",
) -> pd.DataFrame:
    """Time ways to ask one model.

    Parameters
    ----------
    ways : dict of str to callable
        As :func:`torch_ways` and :func:`graph_way` give them.
    images : numpy.ndarray
        uint8 [N, 3, S, S]; repeated where there are fewer than the largest batch has.
    batch_sizes, repeats, seconds, clock
        As for :func:`agelib.deploy.throughput.measure`; the seconds are for one way and batch size.

    Returns
    -------
    pandas.DataFrame
        A row for each way and batch size: ``way``, ``batch_size``, and the columns of
        :func:`agelib.deploy.throughput.time_batches`.

    Examples
    --------
    >>> table = measure({"sum": lambda images: images.sum()}, np.zeros((2, 3, 8, 8), np.uint8), (1, 4), seconds=0.1)
    >>> table[["way", "batch_size"]].values.tolist()
    [['sum', 1], ['sum', 4]]
    """
    rows = []
    for size in batch_sizes:
        batch = np.resize(images, (size, *images.shape[1:]))
        for name, ask in ways.items():
            # What is made for this size of a batch, such as a compiled program, is made before the clock runs.
            with torch.inference_mode():
                ask(batch)
            found = throughput.time_batches(partial(ask, batch), size, 10**6, repeats, 3, seconds, clock)
            rows.append({"way": name, "batch_size": size, **found})
    return pd.DataFrame(rows).sort_values("batch_size", kind="stable", ignore_index=True)


def reference(
    folder, names: Sequence[str] = ("basic_cnn", "resnet18"), image_size: int = 64, **options
) -> pd.DataFrame:
    """Measure fresh networks in every way, and write ``shipping_cpu.csv`` with a ``.json`` that says where it is from.

    The reference results lie in ``data/reference``; image_size is the pictures' side, in pixels; options are
    :func:`measure`'s.
    """
    started, tables = time.perf_counter(), []
    busy = provenance.load()
    images = np.random.default_rng(0).integers(0, 256, (256, 3, image_size, image_size), np.uint8)
    for name in names:
        with TemporaryDirectory() as place:
            model = load(export(_fresh(name, image_size, Path(place, "fresh.safetensors")), Path(place, "model")))
            eight = quantise(model.graph, Path(place, "eight.onnx"), "static", images)
            ways = torch_ways(model, compiled=True)
            ways |= {"ONNX Runtime": graph_way(model.graph), "ONNX Runtime, 8 bits": graph_way(eight)}
            sizes = {"ONNX Runtime": model.graph.stat().st_size, "ONNX Runtime, 8 bits": eight.stat().st_size}
            table = measure(ways, images, **options)
            tables.append(table.assign(network=name, bytes=table["way"].map(sizes)))
    found = pd.concat(tables, ignore_index=True)
    file = Path(folder) / "shipping_cpu.csv"
    workspace.write_table(file, found)
    about = {"made_by": "agelib.deploy.latency.reference", "seconds": round(time.perf_counter() - started, 1)}
    about |= {"load": busy, "image_size": image_size, "options": options}
    made = provenance.record("torch", "torchvision", "onnxruntime", device="cpu", **about)
    workspace.write_json(file.with_suffix(".json"), made.as_dict())
    return found


def _fresh(name: str, image_size: int, file: Path) -> Model:
    """A network with random weights, which take as long as trained ones, as a model."""
    experiment = Experiment.of(network=name, image_size=image_size)
    target = targets.build(Training(), np.array([[20.0], [40.0]]))
    made = networks.build(experiment.network, target.outputs, image_size, seed=42)
    checkpoints.save_weights(file, made)
    about = {"environment": {"data": "none: random weights"}, "test": {}}
    nothing, one = np.zeros(3, np.float32), np.ones(3, np.float32)
    return Model(experiment, target, nothing, one, {}, file, about)
