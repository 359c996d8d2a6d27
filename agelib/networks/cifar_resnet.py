"""Plain and residual networks of any depth for small images: the same layers, with and without shortcuts.

K. He, X. Zhang, S. Ren, J. Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016, section 4.2: the networks
that they ran on CIFAR-10 to show that a deeper plain network has a larger *training* error, and that shortcuts mend it.

Everything is a 3×3 convolution with batch norm. Three stages of n blocks work on maps of 32, 16 and 8 pixels a side
with 16, 32 and 64 channels; a block has two convolutions, the mean over the last maps gives the features. With the
first convolution and the output layer that makes 6n + 2 layers: 20 for n = 3, 32 for n = 5, 56 for n = 9. Without the
shortcuts it is a stack in the manner of VGG, one convolution behind the other.

CIFAR's images are 32 pixels a side. From 64 pixels on the first convolution takes a stride of 2, so that an image of
64 pixels costs what one of 32 does. Explained in chapter 08.
"""

from torch import nn
from torch.nn import functional as F

#: Channels of the three stages.
WIDTHS = (16, 32, 64)
#: What goes past a block: nothing; the input, with zeros for channels that it lacks (option A of the paper); or the
#: input, through a 1×1 convolution where its shape has to change (option B).
SHORTCUTS = ("none", "pad", "project")
#: From this side of the images on, in pixels, the first convolution halves them.
HALVED_FROM = 64


def convolution(channels_in: int, channels_out: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    """A convolution without a bias, and batch norm, which has one.

    >>> import torch
    >>> convolution(3, 16, stride=2)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 16, 32, 32])
    """
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, size, stride, padding=size // 2, bias=False), nn.BatchNorm2d(channels_out)
    )


class Block(nn.Module):
    """Two convolutions, and what goes past them.

    Parameters
    ----------
    channels_in, channels_out : int
    stride : int
        2 halves height and width.
    shortcut : str
        One of :data:`SHORTCUTS`.

    Examples
    --------
    >>> import torch
    >>> block = Block(16, 32, stride=2, shortcut="pad")
    >>> block(torch.zeros(2, 16, 32, 32)).shape
    torch.Size([2, 32, 16, 16])
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1, shortcut: str = "pad"):
        super().__init__()
        self.first = convolution(channels_in, channels_out, stride)
        self.second = convolution(channels_out, channels_out)
        if shortcut == "none":
            self.shortcut = None
        elif stride == 1 and channels_in == channels_out:
            self.shortcut = nn.Identity()
        elif shortcut == "pad":
            self.shortcut = Pad(channels_out, stride)
        else:
            self.shortcut = convolution(channels_in, channels_out, stride, size=1)

    def forward(self, x):
        y = F.relu(self.first(x))  # [B, C_in, H, W] -> [B, C_out, H / stride, W / stride]
        y = self.second(y)  # [B, C_out, H / stride, W / stride]
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        return F.relu(y)


class Pad(nn.Module):
    """The shortcut without weights: every second pixel where the map is halved, and zeros for the new channels.

    >>> import torch
    >>> Pad(32, stride=2)(torch.ones(2, 16, 8, 8)).sum(dim=(0, 2, 3))[14:18]
    tensor([32., 32.,  0.,  0.])
    """

    def __init__(self, channels_out: int, stride: int):
        super().__init__()
        self.channels_out, self.stride = channels_out, stride

    def forward(self, x):
        x = x[:, :, :: self.stride, :: self.stride]  # [B, C_in, H / stride, W / stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.channels_out - x.shape[1]))  # [B, C_out, H / stride, W / stride]


class CifarResNet(nn.Module):
    """The body: images in, 64 features out.

    Parameters
    ----------
    depth : int
        Layers with weights, 6n + 2: 8, 14, 20, 32, 44, 56, 110 ...
    shortcut : str
        One of :data:`SHORTCUTS`; ``none`` makes the plain network.
    stem_stride : int
        Stride of the first convolution: 1, or 2 for images twice as large; 4 makes 64 pixels quick to try.

    Raises
    ------
    ValueError
        If there is no such depth or shortcut.

    Examples
    --------
    >>> import torch
    >>> CifarResNet(20, stem_stride=2)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 64])
    >>> CifarResNet(depth=18)
    Traceback (most recent call last):
    ...
    ValueError: depth is 6n + 2 (8, 14, 20, 32, 44, 56, 110), not 18
    """

    def __init__(self, depth: int = 20, shortcut: str = "pad", stem_stride: int = 1):
        super().__init__()
        if depth < 8 or depth % 6 != 2:
            raise ValueError(f"depth is 6n + 2 (8, 14, 20, 32, 44, 56, 110), not {depth}")
        if shortcut not in SHORTCUTS:
            raise ValueError(f"shortcut is one of {', '.join(SHORTCUTS)}, not {shortcut!r}")
        blocks = (depth - 2) // 6
        self.stem = nn.Sequential(*convolution(3, WIDTHS[0], stem_stride), nn.ReLU())
        stages, channels = [], WIDTHS[0]
        for number, width in enumerate(WIDTHS):
            first = Block(channels, width, stride=1 if number == 0 else 2, shortcut=shortcut)
            stages.append(nn.Sequential(first, *(Block(width, width, shortcut=shortcut) for _ in range(blocks - 1))))
            channels = width
        self.stages = nn.Sequential(*stages)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al., ICCV 2015: keeps the signal's size through ReLUs
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x):
        x = self.stem(x)  # [B, 3, S, S] -> [B, 16, M, M] with M = S / stem_stride
        x = self.stages(x)  # [B, 64, M / 4, M / 4]
        return x.mean(dim=(2, 3))  # [B, 64]


def body(name: str, network, image_size: int) -> nn.Module:
    """Make the body of ``plain_20``, ``resnet_56`` ...; see :func:`agelib.networks.build`."""
    kind, _, depth = name.rpartition("_")
    return CifarResNet(
        int(depth), shortcut="none" if kind == "plain" else "pad", stem_stride=2 if image_size >= HALVED_FROM else 1
    )
