"""A small network of inverted residuals, as EfficientNet is made of them, for images of 64 pixels.

M. Tan, Q. V. Le, *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks*, ICML 2019. Its block is
that of MobileNetV2 (Sandler et al., CVPR 2018) with squeeze-and-excitation (Hu et al., CVPR 2018) and swish: a 1×1
convolution widens the map, a depthwise one looks around in each channel by itself, two small layers weigh the channels
by what the whole map shows, and a 1×1 convolution narrows it again.

EfficientNet-B0 halves its maps five times, which leaves 2 × 2 of 64 pixels, less than its 5×5 kernels span; this one
halves them four times, to 4 × 4, and twice before anything is widened. Its multiply-adds at 64 pixels are within a
tenth of ResNet-20's (:mod:`agelib.networks.cifar_resnet`), so that the two can be compared. It has no stochastic depth:
with so few blocks and epochs there is nothing for it to do. Explained in chapter 09.
"""

from torch import nn

#: Stages: expansion, channels, blocks, stride of the first block, side of the kernel.
STAGES = (
    (1, 16, 1, 2, 3),  # maps of 16 × 16, of an image of 64 pixels
    (6, 24, 2, 1, 3),
    (6, 48, 2, 2, 5),  # 8 × 8
    (6, 96, 2, 1, 3),
    (6, 192, 3, 2, 3),  # 4 × 4
)
#: Channels of the first convolution, and of the last.
STEM, FEATURES = 32, 768
#: Squeeze-and-excitation goes through so many times fewer channels than come into the block.
SQUEEZE = 4


def convolution(channels_in: int, channels_out: int, size: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution without a bias, and batch norm.

    With as many groups as channels it is *depthwise*: each channel has a kernel of its own and sees no other.

    >>> depthwise = convolution(96, 96, size=3, groups=96)
    >>> sum(parameter.numel() for parameter in depthwise[0].parameters())
    864
    """
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, size, stride, padding=size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels_out),
    )


class SqueezeExcitation(nn.Module):
    """Weigh each channel by a number between 0 and 1 that two small layers make of all channels' means.

    Parameters
    ----------
    channels : int
        Of the map.
    squeezed : int
        Width between the two layers.

    Examples
    --------
    >>> import torch
    >>> SqueezeExcitation(96, 4)(torch.ones(2, 96, 16, 16)).shape
    torch.Size([2, 96, 16, 16])
    """

    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        weights = x.mean(dim=(2, 3), keepdim=True)  # [B, C, H, W] -> [B, C, 1, 1]
        weights = nn.functional.silu(self.squeeze(weights))  # [B, squeezed, 1, 1]
        return x * self.excite(weights).sigmoid()  # [B, C, H, W]


class MBConv(nn.Module):
    """An inverted residual: narrow, wide, narrow, with a shortcut between the narrow ends.

    Parameters
    ----------
    channels_in, channels_out : int
    expansion : int
        How many times as wide the map is inside; 1 leaves the widening out.
    size : int
        Side of the depthwise kernel.
    stride : int
        2 halves height and width. There is a shortcut only where the shape stays.

    Examples
    --------
    >>> import torch
    >>> MBConv(16, 24, expansion=6, size=3, stride=2)(torch.zeros(2, 16, 32, 32)).shape
    torch.Size([2, 24, 16, 16])
    """

    def __init__(self, channels_in: int, channels_out: int, expansion: int = 6, size: int = 3, stride: int = 1):
        super().__init__()
        inside = channels_in * expansion
        widen = [convolution(channels_in, inside), nn.SiLU()] if expansion > 1 else []
        self.layers = nn.Sequential(
            *widen,
            convolution(inside, inside, size, stride, groups=inside),
            nn.SiLU(),
            SqueezeExcitation(inside, channels_in // SQUEEZE),
            convolution(inside, channels_out),  # no nonlinearity: in few channels it would lose too much
        )
        self.has_shortcut = stride == 1 and channels_in == channels_out

    def forward(self, x):
        y = self.layers(x)  # [B, C_in, H, W] -> [B, C_out, H / stride, W / stride]
        return x + y if self.has_shortcut else y


class MBConvMini(nn.Module):
    """The body: images in, 768 features out.

    Examples
    --------
    >>> import torch
    >>> MBConvMini()(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 768])
    """

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(*convolution(3, STEM, size=3, stride=2), nn.SiLU())
        blocks, channels = [], STEM
        for expansion, width, count, stride, size in STAGES:
            for number in range(count):
                blocks.append(MBConv(channels, width, expansion, size, stride if number == 0 else 1))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(*convolution(channels, FEATURES), nn.SiLU())
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x):
        x = self.stem(x)  # [B, 3, S, S] -> [B, 32, S / 2, S / 2]
        x = self.blocks(x)  # [B, 192, S / 16, S / 16]
        x = self.last(x)  # [B, 768, S / 16, S / 16]
        return x.mean(dim=(2, 3))  # [B, 768]


def body(name: str, network, image_size: int) -> nn.Module:
    """Make the body; it takes images of any size. See :func:`agelib.networks.build`."""
    return MBConvMini()
