"""A small network of window attention, as Swin is made of it, and one that looks everywhere, as ViT.

Z. Liu et al., *Swin Transformer: Hierarchical Vision Transformer using Shifted Windows*, ICCV 2021; A. Dosovitskiy et
al., *An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale*, ICLR 2021; the attention is that of
A. Vaswani et al., *Attention Is All You Need*, NIPS 2017.

An image is cut into patches, and each patch becomes a vector, a *token*. A block lets tokens look at each other
(attention) and then works on each by itself (two fully connected layers), both behind a layer norm and beside a
shortcut. In ``swin_mini`` a token looks at those of its window of 4 × 4; every second block moves the windows by half
their side, so that what lay at an edge lies in the middle; and between stages 2 × 2 tokens are merged into one.
``vit_mini`` is the same block with one window that is the whole map, on patches of 8 pixels that are never merged.
(ViT itself adds absolute positions and reads off an extra token; here both have a number for each relative position,
and the mean of all tokens, as Swin has.)

Both have within a tenth of ResNet-20's multiply-adds at 64 pixels. Explained in chapter 10.
"""

import torch
from torch import nn

#: Windows have this many tokens a side, or more where that would not fit.
LEAST_WINDOW, MOST_WINDOW = 4, 16
#: Width between the two fully connected layers, in widths of a token; Swin and ViT have 4.
MLP_RATIO = 3


class WindowAttention(nn.Module):
    """Multi-head attention inside square windows of a map.

    Each token asks (query), offers (key) and gives (value). How much it takes from another is the softmax over the
    window of query · key / √d, plus a learnt number for the other's relative position; d is the width of a head.

    Parameters
    ----------
    width : int
        Of a token.
    heads : int
        Attentions side by side, each with its share of the width.
    window : int
        Side of a window, in tokens.
    side : int
        Of the map, in tokens; a whole number of windows.
    shift : int
        How far the windows are moved down and right, in tokens.

    Examples
    --------
    >>> attention = WindowAttention(48, heads=3, window=4, side=16, shift=2)
    >>> attention(torch.zeros(2, 16, 16, 48)).shape
    torch.Size([2, 16, 16, 48])
    """

    def __init__(self, width: int, heads: int, window: int, side: int, shift: int = 0):
        super().__init__()
        self.heads, self.window, self.side, self.shift = heads, window, side, shift
        # Without biases: a key's would add the same to all that a query compares, and the softmax takes it away.
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width)
        self.position_bias = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.position_bias, std=0.02)
        self.register_buffer("positions", relative_positions(window), persistent=False)  # [N, N]
        self.register_buffer("apart", torn_apart(side, window, shift) if shift else None, persistent=False)  # [W, N, N]

    def forward(self, x):
        x = x.roll((-self.shift, -self.shift), dims=(1, 2)) if self.shift else x  # [B, H, W, C]
        x = self.cut(x)  # [B, windows, N, C], N = window²
        query, key, value = self.split(self.query_key_value(x))  # [B, windows, heads, N, d] each
        weights = self.weigh(query, key)  # [B, windows, heads, N, N]
        x = (weights @ value).transpose(2, 3).flatten(3)  # [B, windows, heads, N, d] -> [B, windows, N, C]
        x = self.join(self.output(x))  # [B, H, W, C]
        return x.roll((self.shift, self.shift), dims=(1, 2)) if self.shift else x

    def split(self, x):
        """Split what the first layer gives, [B, windows, N, 3 C], into queries, keys and values of the heads."""
        return x.unflatten(-1, (3, self.heads, -1)).permute(3, 0, 1, 4, 2, 5)  # [3, B, windows, heads, N, d]

    def weigh(self, query, key):
        """Compute the attention weights [B, windows, heads, N, N]; each row sums to 1."""
        scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
        scores = scores + self.position_bias[self.positions].permute(2, 0, 1)  # [heads, N, N]
        if self.apart is not None:
            scores = scores.masked_fill(self.apart[:, None], -torch.inf)
        return scores.softmax(dim=-1)

    def cut(self, x):
        """Cut a map [B, H, W, C] into windows [B, windows, N, C]."""
        count = self.side // self.window
        x = x.unflatten(2, (count, self.window)).unflatten(1, (count, self.window))  # [B, count, w, count, w, C]
        return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)

    def join(self, x):
        """Put windows [B, windows, N, C] together again: [B, H, W, C]."""
        count = self.side // self.window
        x = x.unflatten(2, (self.window, self.window)).unflatten(1, (count, count))  # [B, count, count, w, w, C]
        return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)


class Block(nn.Module):
    """Attention, then two fully connected layers with GELU; a layer norm before each and a shortcut past each.

    >>> Block(48, heads=3, window=4, side=8)(torch.zeros(2, 8, 8, 48)).shape
    torch.Size([2, 8, 8, 48])
    """

    def __init__(self, width: int, heads: int, window: int, side: int, shift: int = 0):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = WindowAttention(width, heads, window, side, shift)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, MLP_RATIO * width), nn.GELU(), nn.Linear(MLP_RATIO * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))  # [B, H, W, C]
        return x + self.mlp(self.norm2(x))  # [B, H, W, C]


class PatchEmbedding(nn.Module):
    """Cut an image into patches and make each a token: one convolution whose stride is its size.

    >>> PatchEmbedding(patch=4, width=48)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 16, 16, 48])
    """

    def __init__(self, patch: int, width: int):
        super().__init__()
        self.project = nn.Conv2d(3, width, kernel_size=patch, stride=patch)
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        x = self.project(x)  # [B, 3, S, S] -> [B, C, S / patch, S / patch]
        return self.norm(x.permute(0, 2, 3, 1))  # [B, S / patch, S / patch, C]


class PatchMerging(nn.Module):
    """Join 2 × 2 tokens into one of twice the width.

    >>> PatchMerging(48)(torch.zeros(2, 16, 16, 48)).shape
    torch.Size([2, 8, 8, 96])
    """

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduce = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x):
        x = x.unflatten(2, (-1, 2)).unflatten(1, (-1, 2))  # [B, H / 2, 2, W / 2, 2, C]
        x = x.transpose(2, 3).flatten(3)  # [B, H / 2, W / 2, 4 C]
        return self.reduce(self.norm(x))  # [B, H / 2, W / 2, 2 C]


class WindowTransformer(nn.Module):
    """The body: images in, as many features out as the last stage's tokens are wide.

    Parameters
    ----------
    image_size : int
        Side of the images, in pixels.
    patch : int
        Side of a patch, in pixels.
    width : int
        Of the first stage's tokens; each merging doubles it.
    depths : tuple of int
        Blocks of each stage; in every second the windows are shifted.
    head_width : int
        Width of each head of the attention.
    window : int
        Side of the windows, in tokens; 0: the whole map.

    Raises
    ------
    ValueError
        If the image cannot be cut into such patches and windows.

    Examples
    --------
    >>> WindowTransformer(64)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 192])
    >>> WindowTransformer(64, patch=8, width=96, depths=(6,), window=0)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 96])
    """

    def __init__(
        self,
        image_size: int,
        patch: int = 4,
        width: int = 48,
        depths: tuple = (2, 2, 2),
        head_width: int = 16,
        window: int = LEAST_WINDOW,
    ):
        super().__init__()
        sides = map_sides(image_size, patch, len(depths))
        window = window and fit_window(sides, window)
        layers = [PatchEmbedding(patch, width)]
        for stage, (side, depth) in enumerate(zip(sides, depths, strict=True)):
            if stage:
                layers.append(PatchMerging(width))
                width *= 2
            mine = min(window or side, side)
            for number in range(depth):
                shift = mine // 2 if number % 2 and mine < side else 0
                layers.append(Block(width, width // head_width, mine, side, shift))
        self.layers = nn.Sequential(*layers, nn.LayerNorm(width))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x):
        x = self.layers(x)  # [B, 3, S, S] -> [B, H, W, C]
        return x.mean(dim=(1, 2))  # [B, C]


def relative_positions(window: int) -> torch.Tensor:
    """Number the relative positions of a window's tokens: int64 [N, N], 0 to (2 · window − 1)² − 1.

    >>> relative_positions(2)
    tensor([[4, 3, 1, 0],
            [5, 4, 2, 1],
            [7, 6, 4, 3],
            [8, 7, 5, 4]])
    """
    row, column = torch.arange(window**2) // window, torch.arange(window**2) % window  # [N] each
    down, right = row[:, None] - row, column[:, None] - column  # [N, N], from 1 - window to window - 1
    return (down + window - 1) * (2 * window - 1) + right + window - 1


def torn_apart(side: int, window: int, shift: int) -> torch.Tensor:
    """Which tokens share a moved window although they are no neighbours: bool [windows, N, N].

    Rolling a map brings its first rows and columns behind its last; what met only so must not look at each other.

    >>> torn_apart(side=4, window=2, shift=1).sum(dim=(1, 2))
    tensor([ 0,  8,  8, 12])
    """
    part = (torch.arange(side) >= side - shift).long()  # [side]: 1 where a row or column was rolled to the end
    part = (2 * part[:, None] + part).unflatten(1, (-1, window)).unflatten(0, (-1, window))  # [n, w, n, w]
    part = part.transpose(1, 2).flatten(2).flatten(0, 1)  # [windows, N]
    return part[:, :, None] != part[:, None, :]


def map_sides(image_size: int, patch: int, stages: int) -> list[int]:
    """Sides of the stages' maps, in tokens.

    >>> map_sides(64, patch=4, stages=3)
    [16, 8, 4]
    """
    step = patch * 2 ** (stages - 1)
    if image_size < step or image_size % step:
        lower = max(image_size // step, 1) * step
        raise ValueError(
            f"image_size {image_size} does not fit: patches of {patch} pixels merged {stages - 1} times need a "
            f"multiple of {step}; near by {lower} and {lower + step} fit"
        )
    return [image_size // patch // 2**stage for stage in range(stages)]


def fit_window(sides: list[int], least: int) -> int:
    """The smallest window from `least` on that each map is a whole number of, or smaller than.

    >>> fit_window([16, 8, 4], 4), fit_window([56, 28, 14], 4)
    (4, 7)
    """
    for window in range(least, MOST_WINDOW + 1):
        if all(side <= window or side % window == 0 for side in sides):
            return window
    raise ValueError(
        f"no window of {least} to {MOST_WINDOW} tokens divides maps of {sides} tokens a side; image sizes of 32, 64, "
        "96, 128, 160, 192, 224 and 256 pixels fit"
    )


def body(name: str, network, image_size: int) -> nn.Module:
    """Make ``swin_mini``; see :func:`agelib.networks.build`."""
    return WindowTransformer(image_size)


def global_body(name: str, network, image_size: int) -> nn.Module:
    """Make ``vit_mini``: one window, the whole map; see :func:`agelib.networks.build`."""
    return WindowTransformer(image_size, patch=8, width=96, depths=(6,), window=0)
