"""Does a map depend on what was learnt? Randomise the network from its end, and see whether the map changes.

J. Adebayo et al., *Sanity Checks for Saliency Maps*, NeurIPS 2018: some maps look just as convincing for a network that
has learnt nothing, because they follow the picture's edges. A map that stays as it was when the weights are random
cannot explain what the weights do. Explained in chapter 19.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from agelib.networks import stages


@dataclass(frozen=True, eq=False)
class SanityCheck:
    """How alike the maps of the trained and of ever more randomised networks are.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a picture and step: ``randomised`` (nothing, head, then ``stage 5 on`` …, and ``another picture``: the
        trained network's map of another picture, what chance gives), ``picture``, ``rank_correlation`` and
        ``similarity`` (SSIM).
    maps : dict
        Step → float [B, H, W].
    """

    table: pd.DataFrame
    maps: dict

    def summary(self) -> pd.DataFrame:
        """The mean of each step over the pictures; ``empty`` counts those whose map is the same everywhere."""
        steps = self.table.groupby("randomised", sort=False)
        found = steps[["rank_correlation", "similarity"]].mean()
        found["empty"] = steps["rank_correlation"].apply(lambda values: int(values.isna().sum()))
        return found


def cascade(trained: nn.Module, untrained: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The trained network with ever more of it replaced by the untrained one: the head, then stages from the last on.

    Parameters
    ----------
    trained, untrained : torch.nn.Module
        Two networks of one make: ``run.network()``, and :func:`agelib.networks.build` with another seed.

    Yields
    ------
    str
        What is random by now: ``nothing``, ``head``, ``stage 5 on`` … ``stage 1 on``, which is all.
    torch.nn.Module
        A copy; both networks stay as they are.

    Raises
    ------
    ValueError
        If the networks do not have the same weights by name and shape.

    Examples
    --------
    >>> from agelib import networks
    >>> from agelib.config import Network
    >>> trained, untrained = (networks.build(Network("basic_cnn", base_features=4), 1, 32, seed=s) for s in (0, 1))
    >>> [step for step, _ in cascade(trained, untrained)]
    ['nothing', 'head', 'stage 5 on', 'stage 4 on', 'stage 3 on', 'stage 2 on', 'stage 1 on']
    """
    fresh, current = untrained.state_dict(), trained.state_dict()
    shapes = {name: value.shape for name, value in current.items()}
    if shapes != {name: value.shape for name, value in fresh.items()}:
        raise ValueError("the two networks are not of one make: their weights differ in name or shape")
    names = {id(value): name for name, value in _tensors(trained) if name in current}
    yield "nothing", copy.deepcopy(trained)
    parts = [(f"stage {number} on", stage) for number, stage in enumerate(stages(trained), start=1)]
    if hasattr(trained, "head"):
        parts.append(("head", [trained.head]))
    state = dict(current)
    for step, modules in reversed(parts):
        mine = {names[id(t)] for module in modules for _, t in _tensors(module) if id(t) in names}
        if step == "stage 1 on":
            mine = set(current)  # also what lies in no stage
        state |= {name: fresh[name] for name in mine}
        network = copy.deepcopy(trained)
        network.load_state_dict(state)
        yield step, network


def _tensors(module: nn.Module) -> list:
    return [*module.named_parameters(), *module.named_buffers()]


def check_sanity(trained: nn.Module, untrained: nn.Module, maps_of: Callable) -> SanityCheck:
    """Compare the trained network's maps with those of the cascade of randomised networks.

    Parameters
    ----------
    trained, untrained : torch.nn.Module
        As in :func:`cascade`.
    maps_of : callable
        Network → maps [B, H, W] of the same pictures each time, at least two (a ValueError otherwise).

    Returns
    -------
    SanityCheck

    Examples
    --------
    >>> from agelib import networks
    >>> from agelib.config import Network
    >>> trained, untrained = (networks.build(Network("basic_cnn", base_features=4), 1, 32, seed=s) for s in (0, 1))
    >>> pictures = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> check = check_sanity(trained, untrained, lambda network: pictures.mean(dim=1).numpy())
    >>> check.summary().loc["stage 1 on", "rank_correlation"].item()  # a map that never asks the network
    1.0
    """
    maps = {step: np.asarray(maps_of(network)) for step, network in cascade(trained, untrained)}
    reference = maps["nothing"]
    if len(reference) < 2:
        raise ValueError("a sanity check takes at least two pictures: one map is compared with another's")
    maps["another picture"] = np.roll(reference, 1, axis=0)
    rows = []
    for step, others in maps.items():
        table = pd.DataFrame({"randomised": step, "picture": np.arange(len(reference))})
        alike = (rank_correlation(reference, others), structural_similarity(reference, others))
        rows.append(table.assign(rank_correlation=alike[0], similarity=alike[1]))
    return SanityCheck(pd.concat(rows, ignore_index=True), maps)


def rank_correlation(first, second) -> np.ndarray:
    """Compute Spearman's rank correlation of each pair of maps [B, H, W].

    Returns
    -------
    numpy.ndarray
        float64 [B], −1 to 1; NaN where a map is the same everywhere.

    Examples
    --------
    >>> rank_correlation([[[1, 2], [3, 4]]], [[[1, 4], [9, 16]]]).tolist()
    [1.0]
    """
    from scipy.stats import rankdata  # SciPy's statistics take a second to import

    ranks = []
    for maps in _pair(first, second):
        rank = rankdata(maps.reshape(len(maps), -1), axis=1)
        rank -= rank.mean(axis=1, keepdims=True)
        ranks.append(rank)
    above = (ranks[0] * ranks[1]).sum(axis=1)
    below = np.sqrt((ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1))
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)


def structural_similarity(first, second) -> np.ndarray:
    """Compute the SSIM of each pair of maps [B, H, W]: alike in brightness, contrast and shape, place by place.

    Z. Wang et al., *Image Quality Assessment: From Error Visibility to Structural Similarity*, 2004, with its Gaussian
    window of 11 × 11 (smaller on smaller maps) and its constants. Each map is first brought to 0..1 by its least and
    greatest value, so that only its form counts.

    Returns
    -------
    numpy.ndarray
        float64 [B], 1 for maps of the same form.

    Examples
    --------
    >>> structural_similarity(np.eye(8)[None], 5 * np.eye(8)[None]).tolist()
    [1.0]
    """
    x, y = (torch.from_numpy(_to_unit(maps))[:, None] for maps in _pair(first, second))  # [B, 1, H, W]
    radius = min(5, (min(x.shape[-2:]) - 1) // 2)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    bell = torch.exp(-0.5 * (offsets / 1.5) ** 2)
    window = torch.outer(bell, bell) / bell.sum() ** 2

    def mean(values):
        return nn.functional.conv2d(values, window[None, None])

    mean_x, mean_y = mean(x), mean(y)
    var_x, var_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    both = mean(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    above = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return (above / below).mean(dim=(1, 2, 3)).numpy()


def _pair(first, second) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape or first.ndim != 3:
        raise ValueError(f"maps to compare are both [B, H, W], not {list(first.shape)} and {list(second.shape)}")
    return first, second


def _to_unit(maps: np.ndarray) -> np.ndarray:
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    return (maps - low) / np.where(high > low, high - low, 1.0)
