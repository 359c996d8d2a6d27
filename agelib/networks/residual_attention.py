"""The residual attention network: each stage learns where to look. Explained in chapter 07.

F. Wang, M. Jiang, C. Qian, S. Yang, C. Li, H. Zhang, X. Wang, X. Tang, *Residual Attention Network for Image
Classification*, CVPR 2017: the network that they call Attention-56, one attention module in each of three stages.

A module has two branches. The *trunk* T computes features as any network would. The *mask* M shrinks the map, so that
one place sees far, grows it again, and ends in a sigmoid: a number between 0 and 1 for every place and channel. What
comes out is (1 + M) · T, so that a mask can stress features and never wipe them out.

On a picture of 224 pixels the three masks shrink their maps three, two and one times, all down to 7 × 7. On smaller
pictures there is less to shrink, and they do so less often, as in the paper's own network for 32-pixel pictures; so
the number of parameters depends on the image size.
"""

from torch import nn
from torch.nn import functional as F

#: Channels of the stem and the four stages.
WIDTHS = (64, 256, 512, 1024, 2048)
#: How often the masks of the first three stages shrink their maps at most.
MOST_SHRINKINGS = (3, 2, 1)
#: Side of the smallest map that a mask shrinks to, where there is a choice.
LEAST_SIDE = 7


class ResidualUnit(nn.Module):
    """A residual unit with batch norm and ReLU before each convolution (He et al., ECCV 2016).

    Parameters
    ----------
    channels_in, channels_out : int
    stride : int
        2 halves height and width.

    Examples
    --------
    >>> import torch
    >>> ResidualUnit(64, 256, stride=2)(torch.zeros(2, 64, 8, 8)).shape
    torch.Size([2, 256, 4, 4])
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1):
        super().__init__()
        width = channels_out // 4
        self.bn1 = nn.BatchNorm2d(channels_in)
        self.conv1 = nn.Conv2d(channels_in, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, channels_out, 1, bias=False)
        self.shortcut = None
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)

    def forward(self, x):
        y = F.relu(self.bn1(x))  # [B, C_in, H, W]
        kept = x if self.shortcut is None else self.shortcut(y)  # [B, C_out, H / stride, W / stride]
        y = self.conv1(y)  # [B, C_out / 4, H, W]
        y = self.conv2(F.relu(self.bn2(y)))  # [B, C_out / 4, H / stride, W / stride]
        y = self.conv3(F.relu(self.bn3(y)))  # [B, C_out, H / stride, W / stride]
        return kept + y


class Mask(nn.Module):
    """The mask branch: how much each place and channel matters, between 0 and 1.

    Parameters
    ----------
    channels : int
    shrinkings : int
        How often the map is halved before it grows again.

    Examples
    --------
    >>> import torch
    >>> mask = Mask(8, shrinkings=2)(torch.zeros(2, 8, 9, 9))
    >>> mask.shape, bool((mask > 0).all() and (mask < 1).all())
    (torch.Size([2, 8, 9, 9]), True)
    """

    def __init__(self, channels: int, shrinkings: int):
        super().__init__()
        between = max(shrinkings - 1, 0)
        self.down = nn.ModuleList(ResidualUnit(channels, channels) for _ in range(shrinkings))
        self.bottom = ResidualUnit(channels, channels)
        self.skip = nn.ModuleList(ResidualUnit(channels, channels) for _ in range(between))
        self.up = nn.ModuleList(ResidualUnit(channels, channels) for _ in range(between))
        gate = []
        for _ in range(2):
            gate += [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1, bias=False)]
        self.gate = nn.Sequential(*gate, nn.Sigmoid())

    def forward(self, x):
        size, passed = x.shape[2:], []
        for unit in self.down:
            x = unit(F.max_pool2d(x, 3, stride=2, padding=1))  # [B, C, H / 2^i, W / 2^i]
            passed.append(x)
        x = self.bottom(x)  # [B, C, H / 2^n, W / 2^n]
        for lower, skip, up in zip(passed[-2::-1], self.skip, self.up, strict=False):
            x = _resize(x, lower.shape[2:]) + skip(lower)  # [B, C, H / 2^i, W / 2^i]
            x = up(x)
        return self.gate(_resize(x, size))  # [B, C, H, W]


class AttentionModule(nn.Module):
    """A unit, then trunk and mask side by side, then a unit: (1 + M) · T between two residual units.

    The paper's p = 1 unit before and after, t = 2 units in the trunk, r = 1 unit between two poolings of the mask.

    Examples
    --------
    >>> import torch
    >>> AttentionModule(16, shrinkings=1)(torch.zeros(2, 16, 6, 6)).shape
    torch.Size([2, 16, 6, 6])
    """

    def __init__(self, channels: int, shrinkings: int):
        super().__init__()
        self.before = ResidualUnit(channels, channels)
        self.trunk = nn.Sequential(ResidualUnit(channels, channels), ResidualUnit(channels, channels))
        self.mask = Mask(channels, shrinkings)
        self.after = ResidualUnit(channels, channels)

    def forward(self, x):
        x = self.before(x)  # [B, C, H, W]
        x = (1 + self.mask(x)) * self.trunk(x)  # [B, C, H, W]
        return self.after(x)  # [B, C, H, W]


class Stage(nn.Module):
    """A unit that widens (and from the second stage on halves) the map, then an attention module."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, shrinkings: int):
        super().__init__()
        self.unit = ResidualUnit(channels_in, channels_out, stride)
        self.attention = AttentionModule(channels_out, shrinkings)

    def forward(self, x):
        x = self.unit(x)  # [B, C_in, H, W] -> [B, C_out, H / stride, W / stride]
        return self.attention(x)


class ResidualAttention(nn.Module):
    """The body of Attention-56: pictures in, 2,048 features out.

    Parameters
    ----------
    image_size : int
        Side of the pictures, in pixels; at least 16.

    Raises
    ------
    ValueError
        If the pictures are smaller.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     ResidualAttention(64)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 2048])
    """

    def __init__(self, image_size: int):
        super().__init__()
        if image_size < 16:
            raise ValueError(
                f"residual_attention: image_size {image_size} leaves its third stage no map to look at; "
                "16 pixels and more fit"
            )
        stem, *widths = WIDTHS
        self.conv1 = nn.Conv2d(3, stem, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.pool1 = nn.MaxPool2d(3, stride=2, padding=1)
        side = _halved(_halved(image_size))
        sides = (side, _halved(side), _halved(_halved(side)))
        first, second, third = map(shrinkings, sides, MOST_SHRINKINGS)
        self.stage1 = Stage(stem, widths[0], 1, first)
        self.stage2 = Stage(widths[0], widths[1], 2, second)
        self.stage3 = Stage(widths[1], widths[2], 2, third)
        self.stage4 = nn.Sequential(
            ResidualUnit(widths[2], widths[3], 2),
            ResidualUnit(widths[3], widths[3]),
            ResidualUnit(widths[3], widths[3]),
        )
        self.norm = nn.BatchNorm2d(widths[3])
        initialise(self)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))  # [B, 3, S, S] -> [B, 64, S / 2, S / 2]
        x = self.pool1(x)  # [B, 64, S / 4, S / 4]
        x = self.stage1(x)  # [B, 256, S / 4, S / 4]
        x = self.stage2(x)  # [B, 512, S / 8, S / 8]
        x = self.stage3(x)  # [B, 1024, S / 16, S / 16]
        x = self.stage4(x)  # [B, 2048, S / 32, S / 32]
        x = F.relu(self.norm(x))  # [B, 2048, S / 32, S / 32]
        return x.mean(dim=(2, 3))  # [B, 2048]


def shrinkings(side: int, most: int) -> int:
    """How often a mask shrinks a map: down to 7 × 7, once where the map is smaller, never where it is one place.

    >>> [shrinkings(side, most) for side, most in ((56, 3), (28, 2), (14, 1), (16, 3), (4, 2), (1, 1))]
    [3, 2, 1, 1, 1, 0]
    """
    count = 0
    while count < most and _halved(side) >= LEAST_SIDE:
        side, count = _halved(side), count + 1
    return count if count or side == 1 else 1


def initialise(network: nn.Module) -> None:
    """Draw the convolutions' weights as for ResNet: normal, with a spread that keeps the gradients' size."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _halved(side: int) -> int:
    return (side + 1) // 2


def _resize(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def body(name: str, network, image_size: int) -> nn.Module:
    """Make the body; see :func:`agelib.networks.build`."""
    return ResidualAttention(image_size)
