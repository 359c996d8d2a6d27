"""A convolutional network that makes the most of a processor's minutes. Explained in chapter 17.

It is the basic CNN of chapter 06 with two changes. The picture is folded first: each 2×2 pixels become one place with
four times the channels, because convolutions of few channels on large maps cost a processor much time for little
arithmetic. And before the last map is flattened, it is brought to a fixed size: in an aligned face a place has a
meaning and is kept, yet pictures of other sizes than the network was made for go through as well, so that a training
may begin with small ones. Convolutions come without a bias and before their batch norm and ReLU, and maxima halve the
maps, as in the small networks with which people race on CIFAR-10 (Page 2018); it has no residual branches.
"""

import itertools

from torch import nn

from agelib.networks.basic_cnn import require_options

#: Numbers of stages that there can be.
BLOCKS = (2, 3, 4, 5)


def convolution(channels_in: int, channels_out: int) -> nn.Sequential:
    """A 3×3 convolution, batch norm and ReLU.

    >>> import torch
    >>> convolution(3, 8)(torch.zeros(2, 3, 16, 16)).shape
    torch.Size([2, 8, 16, 16])
    """
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


class QuickCNN(nn.Module):
    """The body: pictures in, the hidden layer's activations out.

    Parameters
    ----------
    image_size : int
        Side of the pictures that it is made for, in pixels; at least 2 to the power of `blocks`.
    blocks : int
        Number of stages, 2 to 5: the folded picture, and each further one of half its side and twice its channels.
    base_features : int
        Channels of the first stage.
    hidden_neurons : int
        Width of the hidden layer.

    Raises
    ------
    ValueError
        If there is no such number of stages, or the picture is too small for them.

    Examples
    --------
    >>> import torch
    >>> body = QuickCNN(64)
    >>> body(torch.zeros(2, 3, 64, 64)).shape, body(torch.zeros(2, 3, 48, 48)).shape
    (torch.Size([2, 128]), torch.Size([2, 128]))
    """

    def __init__(self, image_size: int, blocks: int = 4, base_features: int = 32, hidden_neurons: int = 128):
        super().__init__()
        require_options("quick_cnn", image_size, blocks, base_features, hidden_neurons, BLOCKS)
        widths = [base_features * 2**stage for stage in range(blocks)]
        stages = [nn.Sequential(nn.PixelUnshuffle(2), convolution(12, widths[0]))]
        for before, width in itertools.pairwise(widths):
            stages.append(nn.Sequential(convolution(before, width), nn.MaxPool2d(2)))
        self.blocks = nn.Sequential(*stages)
        side = image_size // 2**blocks
        self.pool = nn.AdaptiveAvgPool2d(side)
        self.hidden = nn.Linear(widths[-1] * side * side, hidden_neurons)
        self.activation = nn.ReLU()

    def forward(self, x):
        x = self.blocks(x)  # [B, 3, S, S] -> [B, C, S / 2^blocks, S / 2^blocks]
        x = self.pool(x)  # the same size, whatever S is
        return self.activation(self.hidden(x.flatten(1)))  # [B, hidden_neurons]


def body(name: str, network, image_size: int) -> nn.Module:
    """Make the body from an experiment's options; see :func:`agelib.networks.build`."""
    return QuickCNN(image_size, network.blocks, network.base_features, network.hidden_neurons)
