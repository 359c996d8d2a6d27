"""Attention maps of Swin and ViT: who asks whom, put back in place from its windows. Explained in chapter 19.

A network computes the attention of a block and throws it away. Here it is computed again from what the block was given.
The blocks of ``swin_mini`` and ``vit_mini`` have a method for it; of timm's Swin V2 it is the softmax of the cosines of
queries and keys, times a learnt factor, plus a number for the distance of the two places (Liu et al., *Swin Transformer
V2*, CVPR 2022). Windows are cut from a map that shifted blocks roll round first, so a window's rows and columns have to
find their places again.

Attention says what is mixed, not what the mixture is used for: it does not know the answer.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from agelib.explain.layers import LEAST_PLACES, in_batches, scale, to_picture_size, undisturbed
from agelib.networks import swin_mini


@dataclass(frozen=True, eq=False)
class WindowAttention:
    """The attention of one block, window by window.

    Attributes
    ----------
    weights : numpy.ndarray
        float32 [B, windows, heads, N, N]: the share that each query (row) gives to each key; rows sum to 1.
    places : numpy.ndarray
        int [windows, N]: where on the map (row · side + column) each of a window's N patches lies.
    side : int
        Of the map, in patches.
    """

    weights: np.ndarray
    places: np.ndarray
    side: int

    def matrix(self) -> np.ndarray:
        """The mean over heads as one matrix over the map's patches: float32 [B, side², side²], asking × asked."""
        mean = self.weights.mean(axis=2)  # [B, windows, N, N]
        found = np.zeros((len(mean), self.side**2, self.side**2), np.float32)
        found[:, self.places[:, :, None], self.places[:, None, :]] = mean
        return found

    def received(self) -> np.ndarray:
        """How much attention each patch receives, the mean over heads and sum over queries: float32 [B, side, side].

        Its mean over the map is 1, for each patch gives away 1.
        """
        given = self.weights.mean(axis=2).sum(axis=2)  # [B, windows, N]
        found = np.zeros((len(given), self.side**2), np.float32)
        found[:, self.places.ravel()] = given.reshape(len(given), -1)
        return found.reshape(-1, self.side, self.side)


def attention_blocks(network: nn.Module) -> pd.DataFrame:
    """List the blocks of a Swin V2 CR network, or of ``swin_mini`` or ``vit_mini``; a ValueError if it has none.

    Returns
    -------
    pandas.DataFrame
        Index ``block`` (1 is the one next to the picture); columns ``layer`` (torch's name), ``places`` (of the map, a
        side), ``window`` (patches a side), ``shift`` and ``heads``.

    Examples
    --------
    >>> from agelib import networks
    >>> from agelib.config import Network
    >>> attention_blocks(networks.build(Network("swinv2_cr_tiny"), 1, 32, seed=0)).iloc[:3]
                            layer  places  window  shift  heads
    block
    1      body.stages.0.blocks.0       8       4      0      3
    2      body.stages.0.blocks.1       8       4      2      3
    3      body.stages.1.blocks.0       4       4      0      6
    """
    from timm.models.swin_transformer_v2_cr import SwinTransformerV2CrBlock

    rows = []
    for name, block in network.named_modules():
        if isinstance(block, SwinTransformerV2CrBlock):
            rows.append((name, block.feat_size[0], block.window_size[0], block.shift_size[0], block.attn.num_heads))
        elif isinstance(block, swin_mini.Block):
            own = block.attention
            rows.append((name, own.side, own.window, own.shift, own.heads))
    if not rows:
        name = type(getattr(network, "body", network)).__name__
        raise ValueError(
            f"{name} has no blocks whose attention can be shown, as swinv2_cr_tiny, swin_mini and vit_mini have; "
            "explain this network by grad_cam or occlusion_maps"
        )
    table = pd.DataFrame(rows, columns=["layer", "places", "window", "shift", "heads"])
    return table.set_axis(pd.RangeIndex(1, len(table) + 1, name="block"))


def attention_weights(network: nn.Module, pictures, block: int = 0, batch_size: int = 64) -> WindowAttention:
    """Compute the attention of a block again from what it was given.

    Parameters
    ----------
    network, pictures, batch_size
        As in :func:`agelib.explain.grad_cam.grad_cam`; a network that :func:`attention_blocks` takes.
    block : int
        Its number in :func:`attention_blocks`; 0: the deepest whose map has at least 4 × 4 patches.

    Returns
    -------
    WindowAttention

    Raises
    ------
    ValueError
        If the network has no such block, or its windows stick out of the map.

    Examples
    --------
    >>> from agelib import networks
    >>> from agelib.config import Network
    >>> network = networks.build(Network("swinv2_cr_tiny"), 1, 32, seed=0)
    >>> attention = attention_weights(network, torch.rand(2, 3, 32, 32), block=2)
    >>> attention.weights.shape, attention.received().shape
    ((2, 4, 3, 16, 16), (2, 8, 8))
    """
    table = attention_blocks(network)
    if not block:
        large = table[table["places"] >= LEAST_PLACES]
        block = int((large if len(large) else table).index[-1])
    if block not in table.index:
        raise ValueError(f"the network has blocks 1 to {len(table)}, not {block}")
    row = table.loc[block]
    module = network.get_submodule(row["layer"])
    if row["places"] % row["window"]:
        sizes = "take an image size that agelib.networks.swin.window_size accepts"
        raise ValueError(f"block {block}: windows of {row['window']} stick out of a map of {row['places']}; {sizes}")
    found, given = [], []
    with undisturbed(network) as watch, torch.no_grad():
        is_own = isinstance(module, swin_mini.Block)
        watch(f"{row['layer']}.attention.query_key_value" if is_own else f"{row['layer']}.attn.qkv", given.append)
        for batch in in_batches(network, pictures, batch_size):
            network(batch)
            if is_own:
                query, key, _ = module.attention.split(given.pop())
                weights = module.attention.weigh(query, key)  # [B, windows, heads, N, N]
            else:
                weights = _weights(module.attn, given.pop(), module.attn_mask)  # [B · windows, heads, N, N]
                weights = weights.unflatten(0, (len(batch), -1))
            found.append(weights.float().cpu())
    places = _places(int(row["places"]), int(row["window"]), int(row["shift"]))
    return WindowAttention(torch.cat(found).numpy(), places, int(row["places"]))


def attention_maps(network: nn.Module, pictures, block: int = 0, query: tuple | None = None) -> np.ndarray:
    """Show attention as a map over each picture, the mean over the heads.

    Parameters
    ----------
    network, pictures, block
        As in :func:`attention_weights`.
    query : tuple of int, optional
        Row and column of one patch of the block's map: whom it asks. By default how much each patch receives from all.
    Returns
    -------
    numpy.ndarray
        float32 [B, S, S], 0 to 1: each map divided by its greatest value, each patch a square of the picture.

    Raises
    ------
    ValueError
        As :func:`attention_weights`, or if the patch is not on the map.

    Examples
    --------
    >>> from agelib import networks
    >>> from agelib.config import Network
    >>> network = networks.build(Network("swinv2_cr_tiny"), 1, 32, seed=0)
    >>> attention_maps(network, torch.rand(2, 3, 32, 32), query=(1, 2)).shape
    (2, 32, 32)
    """
    attention = attention_weights(network, pictures, block)
    side = attention.side
    if query is None:
        maps = attention.received()
    else:
        row, column = query
        if not (0 <= row < side and 0 <= column < side):
            raise ValueError(f"the block's map has rows and columns 0 to {side - 1}, not {tuple(query)}")
        maps = attention.matrix()[:, row * side + column].reshape(-1, side, side)
    return scale(to_picture_size(torch.from_numpy(maps), pictures.shape[-1], "nearest")).numpy()


def _weights(attention: nn.Module, qkv: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Shares [B · windows, heads, N, N] from the queries, keys and values [B · windows, N, 3 C] of timm's attention."""
    heads = attention.num_heads
    parts = qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    query, key = (nn.functional.normalize(part, dim=-1) for part in parts[:2])
    factor = attention.logit_scale.clamp(max=np.log(100.0)).exp().view(1, heads, 1, 1)
    scores = query @ key.transpose(-2, -1) * factor + attention._relative_positional_encodings()
    if mask is not None:
        scores = (scores.unflatten(0, (-1, len(mask))) + mask[None, :, None]).flatten(0, 1)
    return scores.softmax(dim=-1)


def _places(side: int, window: int, shift: int) -> np.ndarray:
    """Where on the map each window's patches lie: int [windows, window²]."""
    rolled = np.roll(np.arange(side * side).reshape(side, side), (-shift, -shift), axis=(0, 1))
    count = side // window
    cut = rolled.reshape(count, window, count, window).swapaxes(1, 2)
    return cut.reshape(count * count, window * window)
