"""Inception-ResNet V1, the trunk of FaceNet: 512 numbers that say who a face is. Explained in chapter 07.

C. Szegedy, S. Ioffe, V. Vanhoucke, A. Alemi, *Inception-v4, Inception-ResNet and the Impact of Residual Connections
on Learning*, AAAI 2017; with the 512-wide embedding that the networks trained for FaceNet have (F. Schroff et al.,
*FaceNet*, CVPR 2015): dropout, a fully connected layer, batch norm. Study C fine-tunes one that was trained on
CASIA-WebFace. Its parts bear the names of the well-known PyTorch conversion, so that such files load as they are.

The embedding is not scaled to length 1, as it is where faces are compared by their distance: a head can use the length.

The paper's network does not pad the pictures in its stem and where it halves the maps; it needs 75 pixels. Below that,
those layers are padded here, which changes no weight's shape.
"""

import torch
from torch import nn

#: Side of the smallest picture that the network takes without padding, in pixels.
LEAST_UNPADDED = 75
#: Side of the smallest picture that it takes at all.
LEAST = 16
#: Width of the embedding.
EMBEDDING = 512


class BasicConv2d(nn.Module):
    """Convolution, batch norm, ReLU.

    Examples
    --------
    >>> import torch
    >>> BasicConv2d(3, 8, 3, stride=2)(torch.zeros(2, 3, 9, 9)).shape
    torch.Size([2, 8, 4, 4])
    """

    def __init__(self, channels_in: int, channels_out: int, kernel, stride: int = 1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels_out, eps=0.001)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.bn(self.conv(x)))  # [B, C_in, H, W] -> [B, C_out, H', W']


class Reduction(nn.Module):
    """Branches side by side that halve the map (or keep it), and their channels together."""

    def __init__(self, branches: tuple):
        super().__init__()
        for index, branch in enumerate(branches):
            self.add_module(f"branch{index}", branch)
        self.branches = len(branches)

    def forward(self, x):
        return torch.cat([getattr(self, f"branch{i}")(x) for i in range(self.branches)], dim=1)  # [B, sum of C_i, …]


class InceptionBlock(Reduction):
    """Branches side by side, joined, brought back to the width that came in, scaled down and added to it.

    Parameters
    ----------
    channels : int
        What comes in and goes out.
    branches : tuple of torch.nn.Module
        Each keeps height and width.
    joined : int
        Channels of the branches together.
    scale : float
        What the sum is multiplied by before it is added: it keeps a deep network's training from blowing up.
    last : bool
        Whether there is no ReLU behind it.
    """

    def __init__(self, channels: int, branches: tuple, joined: int, scale: float, last: bool = False):
        super().__init__(branches)
        self.conv2d = nn.Conv2d(joined, channels, 1)
        self.scale = scale
        self.relu = nn.Identity() if last else nn.ReLU()

    def forward(self, x):
        y = self.conv2d(super().forward(x))  # [B, C, H, W] -> [B, sum of C_i, H, W] -> [B, C, H, W]
        return self.relu(x + self.scale * y)  # [B, C, H, W]


def block35() -> InceptionBlock:
    """The paper's Inception-ResNet-A: three branches on maps of 35 × 35 (pictures of 299 pixels)."""
    branches = (
        BasicConv2d(256, 32, 1),
        nn.Sequential(BasicConv2d(256, 32, 1), BasicConv2d(32, 32, 3, padding=1)),
        nn.Sequential(BasicConv2d(256, 32, 1), BasicConv2d(32, 32, 3, padding=1), BasicConv2d(32, 32, 3, padding=1)),
    )
    return InceptionBlock(256, branches, joined=96, scale=0.17)


def block17() -> InceptionBlock:
    """Inception-ResNet-B: a 7 × 7 view as 1 × 7 after 7 × 1, on maps of 17 × 17."""
    branches = (
        BasicConv2d(896, 128, 1),
        nn.Sequential(
            BasicConv2d(896, 128, 1),
            BasicConv2d(128, 128, (1, 7), padding=(0, 3)),
            BasicConv2d(128, 128, (7, 1), padding=(3, 0)),
        ),
    )
    return InceptionBlock(896, branches, joined=256, scale=0.10)


def block8(last: bool = False) -> InceptionBlock:
    """Inception-ResNet-C: the same idea with 1 × 3 and 3 × 1, on maps of 8 × 8."""
    branches = (
        BasicConv2d(1792, 192, 1),
        nn.Sequential(
            BasicConv2d(1792, 192, 1),
            BasicConv2d(192, 192, (1, 3), padding=(0, 1)),
            BasicConv2d(192, 192, (3, 1), padding=(1, 0)),
        ),
    )
    return InceptionBlock(1792, branches, joined=384, scale=1.0 if last else 0.20, last=last)


class InceptionResnetV1(nn.Module):
    """The body: pictures in, the embedding of 512 numbers out.

    Parameters
    ----------
    image_size : int
        Side of the pictures, in pixels; FaceNet's are 160.

    Raises
    ------
    ValueError
        If the pictures are smaller than 16 pixels.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     InceptionResnetV1(64)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 512])
    """

    def __init__(self, image_size: int):
        super().__init__()
        if image_size < LEAST:
            raise ValueError(
                f"inception_resnet_v1: image_size {image_size} is halved away; {LEAST} pixels and more fit"
            )
        pad = 0 if image_size >= LEAST_UNPADDED else 1
        self.conv2d_1a = BasicConv2d(3, 32, 3, stride=2, padding=pad)
        self.conv2d_2a = BasicConv2d(32, 32, 3, padding=pad)
        self.conv2d_2b = BasicConv2d(32, 64, 3, padding=1)
        self.maxpool_3a = nn.MaxPool2d(3, stride=2, padding=pad)
        self.conv2d_3b = BasicConv2d(64, 80, 1)
        self.conv2d_4a = BasicConv2d(80, 192, 3, padding=pad)
        self.conv2d_4b = BasicConv2d(192, 256, 3, stride=2, padding=pad)
        self.repeat_1 = nn.Sequential(*(block35() for _ in range(5)))
        self.mixed_6a = Reduction(
            (
                BasicConv2d(256, 384, 3, stride=2, padding=pad),
                nn.Sequential(
                    BasicConv2d(256, 192, 1),
                    BasicConv2d(192, 192, 3, padding=1),
                    BasicConv2d(192, 256, 3, stride=2, padding=pad),
                ),
                nn.MaxPool2d(3, stride=2, padding=pad),
            )
        )
        self.repeat_2 = nn.Sequential(*(block17() for _ in range(10)))
        self.mixed_7a = Reduction(
            (
                nn.Sequential(BasicConv2d(896, 256, 1), BasicConv2d(256, 384, 3, stride=2, padding=pad)),
                nn.Sequential(BasicConv2d(896, 256, 1), BasicConv2d(256, 256, 3, stride=2, padding=pad)),
                nn.Sequential(
                    BasicConv2d(896, 256, 1),
                    BasicConv2d(256, 256, 3, padding=1),
                    BasicConv2d(256, 256, 3, stride=2, padding=pad),
                ),
                nn.MaxPool2d(3, stride=2, padding=pad),
            )
        )
        self.repeat_3 = nn.Sequential(*(block8() for _ in range(5)))
        self.block8 = block8(last=True)
        self.dropout = nn.Dropout(0.2)  # the paper keeps 0.8 of the features
        self.last_linear = nn.Linear(1792, EMBEDDING, bias=False)
        self.last_bn = nn.BatchNorm1d(EMBEDDING, eps=0.001)

    def forward(self, x):
        x = self.stem(x)  # [B, 3, S, S] -> [B, 256, S / 8, S / 8], less the borders that are not padded
        x = self.repeat_1(x)  # [B, 256, S / 8, S / 8]
        x = self.mixed_6a(x)  # [B, 896, S / 16, S / 16]
        x = self.repeat_2(x)  # [B, 896, S / 16, S / 16]
        return self.embed(x)  # [B, 512]

    def stem(self, x):
        """Pictures [B, 3, S, S] → maps [B, 256, S / 8, S / 8]."""
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))  # [B, 64, S / 2, S / 2]
        x = self.conv2d_3b(self.maxpool_3a(x))  # [B, 80, S / 4, S / 4]
        return self.conv2d_4b(self.conv2d_4a(x))  # [B, 256, S / 8, S / 8]

    def embed(self, x):
        """Maps of the second stage [B, 896, S / 16, S / 16] → the embedding [B, 512]."""
        x = self.repeat_3(self.mixed_7a(x))  # [B, 1792, S / 32, S / 32]
        x = self.block8(x).mean(dim=(2, 3))  # [B, 1792]
        return self.last_bn(self.last_linear(self.dropout(x)))  # [B, 512]


def body(name: str, network, image_size: int) -> nn.Module:
    """Make the body; see :func:`agelib.networks.build`."""
    return InceptionResnetV1(image_size)
