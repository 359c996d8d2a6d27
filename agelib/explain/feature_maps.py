"""Feature maps: what each channel of a layer answers at each place. Explained in chapter 19.

The plainest look inside, and the least: a map says where a channel answered, not what the answer is used for. The
basic CNN's study wished for them (B. Benyamin, *AGE Classification*, 2023).
"""

import numpy as np
import torch
from torch import nn

from agelib.explain.layers import as_maps, find_layer, in_batches, undisturbed


def feature_maps(network: nn.Module, pictures, layer: str, batch_size: int = 64) -> np.ndarray:
    """Find the maps that come out of a layer.

    Parameters
    ----------
    network, pictures, batch_size
        As in :func:`agelib.explain.grad_cam.grad_cam`.
    layer : str
        ``stage 1`` and so on, or torch's name of a layer; :func:`agelib.explain.layers.list_layers` lists them.

    Returns
    -------
    numpy.ndarray
        float32 [B, channels, places, places].

    Raises
    ------
    ValueError
        If there is no such layer, or what comes out of it is no map.

    Examples
    --------
    >>> from agelib import networks
    >>> from agelib.config import Network
    >>> network = networks.build(Network("resnet18"), 1, 64, seed=0)
    >>> feature_maps(network, torch.zeros(2, 3, 64, 64), "stage 2").shape
    (2, 64, 16, 16)
    """
    name = find_layer(network, pictures.shape[-1], layer)
    found = []

    def keep(output) -> None:
        maps = as_maps(output)
        if maps is None:
            shape = list(output.shape) if torch.is_tensor(output) else type(output).__name__
            raise ValueError(f"layer {name!r} gives {shape}, no maps; choose a layer before the pooling")
        found.append(maps.detach().float().cpu().clone())  # A later layer may work in place.

    with undisturbed(network) as watch, torch.no_grad():
        watch(name, keep)
        for batch in in_batches(network, pictures, batch_size):
            network(batch)
    return torch.cat(found).numpy()


def strongest(maps: np.ndarray, number: int = 8) -> np.ndarray:
    """Find the channels whose answers vary most over the places of maps [B, channels, places, places].

    Returns
    -------
    numpy.ndarray
        int [number], the most varied first: those with something to show.

    Examples
    --------
    >>> maps = np.zeros((1, 3, 2, 2)); maps[0, 2] = [[0, 9], [0, 0]]; maps[0, 0] = [[0, 1], [0, 0]]
    >>> strongest(maps, 2).tolist()
    [2, 0]
    """
    spread = np.asarray(maps, np.float64).std(axis=(2, 3)).mean(axis=0)  # [channels]
    return np.argsort(-spread, kind="stable")[:number]
