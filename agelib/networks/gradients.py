"""Weights that never get a gradient: how much of a network cannot learn from images of a size. Explained in chapter 08.

A network that was made for 224 pixels halves its maps five times. Of an image of 32 pixels that leaves one spatial
position, and a 3×3 kernel with zeros around it then sees an image with its middle weight alone: the eight others are
multiplied by zeros, their gradient is exactly 0, and they stay what the random numbers have made them.
"""

import copy

import pandas as pd
import torch
from torch import nn

from agelib.networks.stages import stages

#: Steps that the copy is trained for, and how far each goes.
STEPS, LEARNING_RATE = 3, 0.01


def weights_without_gradient(network: nn.Module, images, steps: int = STEPS, seed: int = 0) -> pd.DataFrame:
    """Count the weights whose gradient is exactly 0 for all images.

    A copy is trained for a few steps on random targets; what had no gradient in any of them is counted. More than one
    step, because a branch that begins with a factor of 0 passes gradients on from the second step.

    Parameters
    ----------
    network : agelib.networks.heads.AgeNetwork
        Stays as it is. One that was trained will do too.
    images : torch.Tensor
        [B, 3, S, S], normalised as in training; at least 2. Their size decides; yet a ReLU may be shut for a few images
        that are alike, so take some 32 that differ.
    steps : int
        Of plain gradient descent, with a learning rate of 0.01.
    seed : int
        Of the targets, and of whatever the network leaves to chance; torch's generator stays as it was.

    Returns
    -------
    pandas.DataFrame
        Index ``part``: the stages of :func:`agelib.networks.stages`, ``head`` and ``all``; columns ``weights``,
        ``without_gradient`` and ``share``.

    Raises
    ------
    ValueError
        If there are fewer than 2 images, or no steps.

    Examples
    --------
    >>> from agelib.config import Network
    >>> from agelib.networks import build
    >>> network = build(Network(network="resnet18"), outputs=1, image_size=32, seed=0)
    >>> weights_without_gradient(network, torch.rand(8, 3, 32, 32))["share"].round(2)
    part
    stage 1    0.00
    stage 2    0.00
    stage 3    0.00
    stage 4    0.00
    stage 5    0.83
    head       0.00
    all        0.62
    Name: share, dtype: float64
    """
    if len(images) < 2 or steps < 1:
        raise ValueError(f"at least 2 images and 1 step are needed, not {len(images)} and {steps}")
    network = copy.deepcopy(network).train()
    found = {parameter: torch.zeros_like(parameter, dtype=torch.bool) for parameter in network.parameters()}
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        for _ in range(steps):
            outputs = network(images)
            targets = torch.randn(outputs.shape).to(outputs.device)
            gradients = torch.autograd.grad(((outputs - targets) ** 2).mean(), [*found], allow_unused=True)
            with torch.no_grad():
                for parameter, gradient in zip(found, gradients, strict=True):
                    if gradient is not None:
                        found[parameter] |= gradient != 0
                        parameter -= LEARNING_RATE * gradient
    parts = {f"stage {number}": parts for number, parts in enumerate(stages(network), start=1)}
    parts |= {"head": [network.head]} if hasattr(network, "head") else {}
    parts["all"] = [network]
    rows = {
        name: _count([p for module in modules for p in module.parameters()], found) for name, modules in parts.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["weights", "without_gradient"]).rename_axis("part")
    return table.assign(share=table["without_gradient"] / table["weights"])


def _count(parameters: list, found: dict) -> tuple[int, int]:
    weights = sum(parameter.numel() for parameter in parameters)
    return weights, weights - sum(int(found[parameter].sum()) for parameter in parameters)
