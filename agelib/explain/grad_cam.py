"""Grad-CAM: which places of a layer's maps pushed the answer up, or down. Explained in chapter 19.

R. R. Selvaraju et al., *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization*, ICCV 2017.
Channel c of a layer gives the map A_c. Its weight a_c is the mean over the places of the answer's gradient with respect
to A_c, and the map is the positive part of Σ_c a_c A_c. The paper explains the score of a class; nothing in it needs
one, so here the answer may be an age in years, whichever way the target decodes it.
"""

import numpy as np
import torch
from torch import nn

from agelib.explain.layers import as_maps, find_layer, in_batches, scale, to_picture_size, undisturbed

#: Which part of the weighted sum is kept: what pushes the answer up, what pushes it down, or both with their sign.
SIGNS = ("positive", "negative", "both")


def grad_cam(
    network: nn.Module,
    pictures,
    answer,
    layer: str = "",
    sign: str = "positive",
    scaled: bool = True,
    resized: bool = True,
    batch_size: int = 64,
) -> np.ndarray:
    """Draw Grad-CAM's map of each picture.

    Parameters
    ----------
    network : torch.nn.Module
        Any network that gives maps somewhere; made for convolutional ones.
    pictures : torch.Tensor
        [B, 3, S, S], normalised as in training.
    answer : callable
        Outputs [B, outputs] → [B], such as :func:`agelib.explain.outputs.age`.
    layer : str
        ``stage 3``, or torch's name; empty: the deepest stage of at least 4 × 4 places.
    sign : str
        positive: what pushes the answer up (an age: older). negative: what pushes it down. both: with its sign.
    scaled : bool
        Divide each map by its greatest absolute value; otherwise the map is in the answer's unit (years) as far as the
        answer is linear in the layer's maps.
    resized : bool
        Bring the maps to the pictures' size (bilinear).
    batch_size : int
        Pictures at a time.

    Returns
    -------
    numpy.ndarray
        float32 [B, S, S], 0 to 1 when `scaled` (both: −1 to 1).

    Raises
    ------
    ValueError
        If there is no such layer or sign, the layer gives no maps, or the answer has no gradient.

    Examples
    --------
    >>> from agelib import networks
    >>> from agelib.config import Network
    >>> network = networks.build(Network("basic_cnn", base_features=8), 1, 32, seed=0)
    >>> maps = grad_cam(network, torch.rand(2, 3, 32, 32), lambda outputs: outputs[:, 0], "stage 3")
    >>> maps.shape, float(maps.max())
    ((2, 32, 32), 1.0)
    """
    if sign not in SIGNS:
        raise ValueError(f"sign is one of {', '.join(SIGNS)}, not {sign!r}")
    name = find_layer(network, pictures.shape[-1], layer)
    found, seen = [], []

    def start_here(output):
        """Let gradients begin at this layer, and later layers that work in place work on a copy."""
        if as_maps(output) is None:
            raise ValueError(f"layer {name!r} gives no maps; choose a layer before the pooling")
        seen.append(output.detach().requires_grad_())
        return seen[-1].clone()

    with undisturbed(network) as watch, torch.enable_grad():
        watch(name, start_here)
        for batch in in_batches(network, pictures, batch_size):
            seen.clear()
            number = answer(network(batch))  # [B]
            if number.shape != (len(batch),):
                raise ValueError(f"an answer is one number a picture, [{len(batch)}], not {list(number.shape)}")
            if not number.requires_grad:
                why = "a posterior's median or mode jumps from age to age"
                instead = "explain its mean, or use occlusion_maps, which needs no gradient"
                raise ValueError(f"this answer has no gradient: {why}; {instead}")
            (gradient,) = torch.autograd.grad(number.sum(), seen[0])
            maps, slopes = as_maps(seen[0].detach()), as_maps(gradient)  # [B, C, h, w]
            weights = slopes.mean(dim=(2, 3), keepdim=True)  # [B, C, 1, 1]
            found.append((weights * maps).sum(dim=1).cpu())  # [B, h, w]
    summed = torch.cat(found)
    kept = {"positive": summed.clamp(min=0), "negative": (-summed).clamp(min=0), "both": summed}[sign]
    kept = to_picture_size(kept, pictures.shape[-1]) if resized else kept
    return (scale(kept) if scaled else kept).numpy()
