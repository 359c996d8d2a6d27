"""ONNX: a model as one graph that other programs run, checked against torch before it is written.

The graph takes bytes (RGB pictures as they come out of a JPEG) and holds the normalisation, and where the run predicts
so the mean over a picture and its mirror image too: nothing is left for the caller to get wrong. Explained in
chapter 25.
"""

import copy
import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from agelib.deploy.model import CARD, DESCRIPTION, GRAPH, WEIGHTS, Model, describe, of_run, open_graph
from agelib.deploy.model_card import card
from agelib.runtime import workspace
from agelib.training import checkpoints

#: How far the graph's outputs may be from torch's, in shares of the largest output (of 1, where that is less).
TOLERANCE = 1e-4

#: Sizes of the batches that are compared.
COMPARED = (1, 2, 5)


class Graph(nn.Module):
    """A network with what comes before it: bytes [B, 3, S, S] → outputs [B, outputs]."""

    def __init__(self, network: nn.Module, mean, std, flip: bool):
        super().__init__()
        self.network, self.flip = network, flip
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32)[:, None, None])
        self.register_buffer("std", torch.as_tensor(std, dtype=torch.float32)[:, None, None])

    def forward(self, pictures):
        x = (pictures.float() / 255 - self.mean) / self.std  # [B, 3, S, S]
        outputs = self.network(x)  # [B, outputs]
        if self.flip:
            outputs = (outputs + self.network(x.flip(-1))) / 2
        return outputs


def export(source, folder, half: bool = False, graph: bool = True) -> Path:
    """Write a model to a folder (weights, ONNX graph, description, model card; sealed), and return the folder.

    Parameters
    ----------
    source : Model or agelib.experiments.result.Run
        A run has no frame: take a :class:`~agelib.deploy.model.Model` that has one, to find faces in whole pictures.
    folder : path
        Replaced whole if it holds a model.
    half : bool
        Write the weights in 16 bits, half the bytes; biases and what batch norm knows stay in 32. The graph and all
        answers are then those of the rounded weights.
    graph : bool
        Write the ONNX graph.

    Raises
    ------
    ValueError, RuntimeError
        If the folder holds something else, or the graph's outputs are not torch's; if a package for ONNX is missing.
    """
    model = source if isinstance(source, Model) else of_run(source)
    folder = Path(folder)
    if folder.exists() and not (folder / DESCRIPTION).is_file() and any(folder.iterdir()):
        raise ValueError(f"{folder} holds something else than a model; name an empty or a new folder")
    network = _copy(model.network)
    rounded = _round(network) if half else 0.0
    with workspace.write_whole(folder) as temporary:
        temporary.mkdir()
        _save(network, temporary / WEIGHTS, half)
        more = {"weights": {"bits": 16 if half else 32, "largest_change_in_shares_of_a_layer": rounded}}
        if graph:
            more["onnx"] = _write_graph(model, network, temporary / GRAPH)
        workspace.write_json(temporary / DESCRIPTION, describe(model, **more))
        (temporary / CARD).write_text(card(workspace.read_json(temporary / DESCRIPTION)), encoding="utf-8")
        workspace.seal(temporary)
    return folder


def _copy(network: nn.Module) -> nn.Module:
    """A copy on the CPU in the usual order in memory: prediction lays weights out as is fastest for it."""
    network = copy.deepcopy(network).cpu().eval()
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = tensor.data.contiguous(memory_format=torch.contiguous_format)
    return network


def _is_weight(tensor) -> bool:
    return tensor.is_floating_point() and tensor.ndim >= 2


@torch.no_grad()
def _round(network: nn.Module) -> float:
    """Round the weights to 16 bits, and return the largest change, in shares of its layer's largest weight."""
    largest = 0.0
    for name, tensor in network.state_dict().items():
        if not _is_weight(tensor):
            continue
        rounded = tensor.half().float()
        if not torch.isfinite(rounded).all():
            raise ValueError(f"the weights {name} are too large for 16 bits; export without half")
        largest = max(largest, float((rounded - tensor).abs().max() / tensor.abs().max().clamp(min=1e-12)))
        tensor.copy_(rounded)
    return largest


def _save(network: nn.Module, file: Path, half: bool) -> None:
    if not half:
        checkpoints.save_weights(file, network)
        return
    state = {name: tensor.half() if _is_weight(tensor) else tensor for name, tensor in network.state_dict().items()}
    save_file({name: checkpoints.to_store(tensor) for name, tensor in state.items()}, file)


def _write_graph(model: Model, network: nn.Module, file: Path) -> dict:
    """Write the graph, compare it with torch, and return what the description says of it."""
    try:
        import onnx
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        said = f"{error.name} is not installed, and ONNX needs it: run pip install 'agelib[export]'"
        raise RuntimeError(said) from None
    show = model.experiment.pictures
    whole = Graph(network, model.mean, model.std, show.flip_test).eval()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            whole,
            (_noise(2, show.image_size),),
            file,
            input_names=["pictures"],
            output_names=["outputs"],
            dynamic_shapes={"pictures": {0: torch.export.Dim("batch")}},
            external_data=False,
            verbose=False,
        )
    graph = _without_traces(onnx.load(file))
    onnx.checker.check_model(graph)
    onnx.save(graph, file)
    difference = compare(whole, file, show.image_size)
    return {
        "input": ["pictures", "uint8", ["batch", 3, show.image_size, show.image_size]],
        "output": ["outputs", "float32", ["batch", int(np.sum(model.target.outputs))]],
        "opset": graph.opset_import[0].version,
        "largest_difference_from_torch": difference,
    }


def _without_traces(graph):
    """The graph without the lines of code that each node comes from: they name folders of the machine."""
    for node in graph.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for each in (*graph.functions, *graph.graph.value_info, graph.graph, graph):
        del each.metadata_props[:]
    return graph


@torch.no_grad()
def compare(whole: nn.Module, file, image_size: int) -> float:
    """Largest difference between an ONNX file's outputs and torch's, on noise, in batches of several sizes.

    Above :data:`TOLERANCE` it is a ValueError.
    """
    session, largest = open_graph(file), 0.0
    for number in COMPARED:
        pictures = _noise(number, image_size)
        wanted = whole(pictures).numpy()
        given = session.run(None, {"pictures": pictures.numpy()})[0]
        if given.shape != wanted.shape:
            raise ValueError(f"{file}: {number} pictures give outputs {given.shape}, not {wanted.shape}")
        difference, scale = float(np.abs(given - wanted).max()), max(1.0, float(np.abs(wanted).max()))
        if not difference <= TOLERANCE * scale:
            raise ValueError(
                f"{file}: its outputs are off torch's by up to {difference:.3g} (largest output {scale:.3g}); "
                f"{TOLERANCE:g} of that is allowed"
            )
        largest = max(largest, difference)
    return largest


def _noise(number: int, image_size: int):
    generator = torch.Generator().manual_seed(number)
    return torch.randint(0, 256, (number, 3, image_size, image_size), dtype=torch.uint8, generator=generator)
