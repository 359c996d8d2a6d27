"""Occlusion: cover a part of the picture and see how the answer changes. Explained in chapter 19.

M. D. Zeiler, R. Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014. It needs no gradient and no
layer, works for any network, and says what it says in years. What it costs is time: one prediction for each place.
"""

import numpy as np
import torch
from torch import nn

from agelib.explain.layers import in_batches, undisturbed


def occlusion_maps(
    network: nn.Module, pictures, answer, patch: int, stride: int = 0, fill: float = 0.0, batch_size: int = 256
) -> np.ndarray:
    """Measure by how much the answer changes when a patch covers each pixel.

    Parameters
    ----------
    network, pictures, answer
        As in :func:`agelib.explain.grad_cam.grad_cam`; any network.
    patch : int
        Side of the patch, in pixels.
    stride : int
        Pixels from one place of the patch to the next, at most `patch`; 0: half the patch. The last place lies at the
        picture's edge, so that every pixel is covered.
    fill : float
        What covers, in normalised units: 0 is the training pictures' mean colour, a grey.
    batch_size : int
        Covered pictures at a time.

    Returns
    -------
    numpy.ndarray
        float32 [B, S, S], signed, in the answer's unit (years): the answer with the cover minus the answer without,
        the mean over all patches that cover the pixel. Below 0: what lies there made the face look older.

    Raises
    ------
    ValueError
        If patch or stride does not fit the pictures.

    Examples
    --------
    >>> class Mean(nn.Module):
    ...     def forward(self, x):
    ...         return x.mean(dim=(1, 2, 3))[:, None]
    >>> occlusion_maps(Mean(), torch.ones(1, 3, 4, 4), lambda outputs: outputs[:, 0], patch=2)[0, 0]
    array([-0.25, -0.25, -0.25, -0.25], dtype=float32)
    """
    size = pictures.shape[-1]
    stride = stride or max(1, patch // 2)
    if not 1 <= patch <= size:
        raise ValueError(f"patch is a number of pixels from 1 to the picture's {size}, not {patch}")
    if not 1 <= stride <= patch:
        raise ValueError(f"stride is 1 to {patch} (the patch), so that every pixel is covered, not {stride}")
    masks = torch.from_numpy(_patches(size, patch, stride))  # [P, S, S]
    changes = torch.from_numpy(cover(network, pictures, answer, masks, fill, batch_size))  # [B, P]
    weights = masks.flatten(1).float()  # [P, S·S]
    maps = (changes @ weights) / weights.sum(dim=0)
    return maps.unflatten(1, (size, size)).numpy()


def cover(network: nn.Module, pictures, answer, masks, fill: float = 0.0, batch_size: int = 256) -> np.ndarray:
    """Measure by how much the answer changes when a region is covered.

    Parameters
    ----------
    network, pictures, answer, fill, batch_size
        As in :func:`occlusion_maps`.
    masks : array of bool
        [K, S, S], the same regions for all pictures, or [B, K, S, S], each picture its own; else a ValueError.

    Returns
    -------
    numpy.ndarray
        float32 [B, K]: the answer with the region covered minus the answer without, in its unit (years).

    Examples
    --------
    >>> class Mean(nn.Module):
    ...     def forward(self, x):
    ...         return x.mean(dim=(1, 2, 3))[:, None]
    >>> top = np.zeros((1, 4, 4), bool); top[0, :2] = True
    >>> cover(Mean(), torch.ones(2, 3, 4, 4), lambda outputs: outputs[:, 0], top)
    array([[-0.5],
           [-0.5]], dtype=float32)
    """
    masks = torch.as_tensor(np.asarray(masks), dtype=torch.bool)
    size = pictures.shape[-1]
    is_own = masks.ndim == 4
    if masks.shape[-2:] != (size, size) or masks.ndim not in (3, 4) or (is_own and len(masks) != len(pictures)):
        raise ValueError(
            f"masks are [K, {size}, {size}] or [{len(pictures)}, K, {size}, {size}], not {list(masks.shape)}"
        )
    number = masks.shape[1 if is_own else 0]
    at_once = max(1, min(number, batch_size))
    found = []
    start = 0
    with undisturbed(network), torch.no_grad():
        for batch in in_batches(network, pictures, max(1, batch_size // at_once)):
            mine = masks[start : start + len(batch)] if is_own else masks[None]  # [b or 1, K, S, S]
            start += len(batch)
            whole = answer(network(batch))  # [b]
            columns = []
            for some in mine.to(batch.device).split(at_once, dim=1):
                covered = torch.where(some[:, :, None], fill, batch[:, None])  # [b, k, 3, S, S]
                columns.append(answer(network(covered.flatten(0, 1))).unflatten(0, covered.shape[:2]))
            found.append((torch.cat(columns, dim=1) - whole[:, None]).float().cpu())
    return torch.cat(found).numpy()


def _patches(size: int, patch: int, stride: int) -> np.ndarray:
    """Masks bool [P, size, size] of a square at all its places, row by row."""
    starts = np.unique(np.append(np.arange(0, size - patch + 1, stride), size - patch))
    along = np.arange(size)
    inside = (along >= starts[:, None]) & (along < starts[:, None] + patch)  # [places, size]
    return (inside[:, None, :, None] & inside[None, :, None, :]).reshape(-1, size, size)
