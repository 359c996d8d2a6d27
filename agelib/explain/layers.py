"""Which layers a network has that give maps, and what comes out of one of them. Explained in chapter 19.

A layer is named as torch names it (``body.layer3.1``) or by its stage (``stage 3``): the last map of that stage of
:func:`agelib.networks.stages`. Networks lay their maps out differently (channels first, channels last, a list of
tokens); here they are always [B, channels, places, places].
"""

import math
from contextlib import contextmanager
from functools import partial

import numpy as np
import pandas as pd
import torch
from torch import nn

from agelib.networks import stages

#: Places a side that a map should have, so that it can say where: on fewer there is hardly a "where".
LEAST_PLACES = 4


@contextmanager
def undisturbed(network: nn.Module):
    """Predict with the network inside, and find it afterwards as it was: each part's mode, and no hooks.

    Yields a function ``watch(name, then)`` that calls ``then(output)`` when that layer has worked, and puts what it
    returns (unless None) in the output's place.
    """
    modes = [(module, module.training) for module in network.modules()]
    hooks = []

    def watch(name: str, then) -> None:
        module = network.get_submodule(name)
        hooks.append(module.register_forward_hook(lambda _module, _inputs, output: then(output)))

    try:
        network.eval()
        yield watch
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes:
            module.training = mode


def list_layers(network: nn.Module, image_size: int) -> pd.DataFrame:
    """List the last map of each stage of a network that is shown pictures of `image_size` pixels a side.

    Returns
    -------
    pandas.DataFrame
        Index ``stage`` (1 is the one next to the picture); columns ``layer`` (torch's name), ``channels`` and
        ``places`` (of a map, a side). A stage that gives no map, such as a hidden layer, is left out.

    Examples
    --------
    >>> from agelib import networks
    >>> from agelib.config import Network
    >>> list_layers(networks.build(Network("resnet18"), 1, 64, seed=0), 64)
                   layer  channels  places
    stage
    1          body.relu        64      32
    2      body.layer1.1        64      16
    3      body.layer2.1       128       8
    4      body.layer3.1       256       4
    5      body.layer4.1       512       2
    """
    names, rows = {module: name for name, module in network.named_modules()}, {}

    def note(stage: int, name: str, output) -> None:
        maps = as_maps(output)
        if maps is not None and (maps.shape[2] > 1 or stage not in rows):
            rows[stage] = (name, maps.shape[1], maps.shape[2])

    with undisturbed(network) as watch, torch.no_grad():
        for stage, parts in enumerate(stages(network), start=1):
            for name in filter(None, map(names.get, parts)):
                watch(name, partial(note, stage, name))
        network(torch.zeros(1, 3, image_size, image_size, device=next(network.parameters()).device))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["layer", "channels", "places"])
    return table.sort_index().rename_axis("stage")


def find_layer(network: nn.Module, image_size: int, layer: str = "", least: int = LEAST_PLACES) -> str:
    """Find torch's name of a layer.

    Parameters
    ----------
    network, image_size
        As in :func:`list_layers`.
    layer : str
        torch's name, or ``stage 3``; empty: the deepest stage whose map has at least `least` places a side, because
        the deepest layers know most about the answer and the least about where.

    Raises
    ------
    ValueError
        If there is no such layer, or no map is that large.

    Examples
    --------
    >>> from agelib import networks
    >>> from agelib.config import Network
    >>> network = networks.build(Network("resnet18"), 1, 64, seed=0)
    >>> find_layer(network, 64), find_layer(network, 64, "stage 2"), find_layer(network, 64, least=8)
    ('body.layer3.1', 'body.layer1.1', 'body.layer2.1')
    """
    if layer and not layer.startswith("stage "):
        if layer not in dict(network.named_modules()):
            raise ValueError(f"the network has no layer {layer!r}; explain.list_layers(network, image_size) lists some")
        return layer
    table = list_layers(network, image_size)
    if layer:
        number = layer.removeprefix("stage ").strip()
        if not number.isdigit() or int(number) not in table.index:
            known = ", ".join(f"stage {stage}" for stage in table.index)
            raise ValueError(f"the network has no {layer!r} that gives a map; there is: {known or 'none'}")
        return table.loc[int(number), "layer"]
    large = table[table["places"] >= least]
    if large.empty:
        most = f"the largest has {int(table['places'].max()) if len(table) else 0}"
        raise ValueError(
            f"no layer gives maps of {least} × {least} places; {most}: take larger pictures or name a layer"
        )
    return large["layer"].iloc[-1]


def as_maps(output) -> torch.Tensor | None:
    """A layer's output as maps [B, C, H, W]; None if it is none, or no tensor.

    Tokens [B, N, C] of a square picture become maps, without the class token where there is one.

    >>> as_maps(torch.zeros(2, 8, 8, 96)).shape, as_maps(torch.zeros(2, 17, 32)).shape
    (torch.Size([2, 96, 8, 8]), torch.Size([2, 32, 4, 4]))
    """
    if not torch.is_tensor(output):
        return None
    if output.ndim == 4:
        is_last = output.shape[1] == output.shape[2] != output.shape[3]
        return output.permute(0, 3, 1, 2) if is_last else output
    if output.ndim == 3:
        for extra in (0, 1):
            side = math.isqrt(max(output.shape[1] - extra, 0))
            if side > 0 and side * side == output.shape[1] - extra:
                return output[:, extra:].transpose(1, 2).unflatten(2, (side, side))
    return None


def to_picture_size(maps: torch.Tensor, size: int, mode: str = "bilinear") -> torch.Tensor:
    """Maps [B, h, w] brought to [B, size, size]."""
    options = {"align_corners": False} if mode == "bilinear" else {}
    return nn.functional.interpolate(maps[:, None], size=(size, size), mode=mode, **options)[:, 0]


def scale(maps: torch.Tensor) -> torch.Tensor:
    """Each map [B, H, W] divided by its greatest absolute value; an empty map stays 0."""
    largest = maps.abs().amax(dim=(1, 2), keepdim=True)
    return maps / torch.where(largest > 0, largest, torch.ones_like(largest))


def in_batches(network: nn.Module, pictures, batch_size: int):
    """The pictures [N, 3, S, S] as float32 batches where the network lies."""
    pictures = torch.as_tensor(np.asarray(pictures) if not torch.is_tensor(pictures) else pictures)
    if pictures.ndim != 4 or pictures.shape[1] != 3 or pictures.shape[2] != pictures.shape[3]:
        raise ValueError(f"pictures are [N, 3, S, S], not {list(pictures.shape)}")
    if not len(pictures):
        raise ValueError("there is no picture to explain")
    if batch_size < 1:
        raise ValueError(f"batch_size is a number of pictures from 1 up, not {batch_size}")
    device = next(network.parameters(), torch.empty(0)).device
    for batch in pictures.split(batch_size):
        yield batch.to(device).float()
