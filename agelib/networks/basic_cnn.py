"""A convolutional network from scratch: blocks of convolution, ReLU, batch norm and pooling. Explained in chapter 06.

The basic CNN of study C (B. Benyamin, *AGE Classification*, dissertation, The British University in Egypt, 2023):
one to five blocks, widths base, 2 · base, 4 · base …, then flatten, a hidden layer and the outputs.
"""

from torch import nn

#: Numbers of blocks that the study tried.
BLOCKS = (1, 2, 3, 4, 5)


def block(channels_in: int, channels_out: int) -> nn.Sequential:
    """One block: 3×3 convolution, ReLU, batch norm, 2×2 max pool; it halves height and width.

    Examples
    --------
    >>> import torch
    >>> block(3, 32)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 32, 32, 32])
    """
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(channels_out),
        nn.MaxPool2d(2),
    )


class BasicCNN(nn.Module):
    """The body of the basic CNN: pictures in, the hidden layer's activations out.

    Parameters
    ----------
    image_size : int
        Side of the pictures, in pixels; at least 2 to the power of `blocks`.
    blocks : int
        Number of blocks, 1 to 5.
    base_features : int
        Channels of the first block; each block doubles them.
    hidden_neurons : int
        Width of the hidden layer.

    Raises
    ------
    ValueError
        If there is no such number of blocks, or the picture is too small for them.

    Examples
    --------
    >>> import torch
    >>> BasicCNN(64, blocks=4, base_features=32, hidden_neurons=128)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 128])
    """

    def __init__(self, image_size: int, blocks: int = 4, base_features: int = 32, hidden_neurons: int = 128):
        super().__init__()
        require_options("basic_cnn", image_size, blocks, base_features, hidden_neurons, BLOCKS)
        widths = [3] + [base_features * 2**i for i in range(blocks)]
        self.blocks = nn.Sequential(*map(block, widths[:-1], widths[1:]))
        side = image_size // 2**blocks
        self.hidden = nn.Linear(widths[-1] * side * side, hidden_neurons)
        self.activation = nn.ReLU()

    def forward(self, x):
        x = self.blocks(x)  # [B, 3, S, S] -> [B, C, S / 2^blocks, S / 2^blocks]
        x = x.flatten(1)  # [B, C * (S / 2^blocks)^2]
        x = self.hidden(x)  # [B, hidden_neurons]
        return self.activation(x)  # [B, hidden_neurons]


def require_options(
    name: str, image_size: int, blocks: int, base_features: int, hidden_neurons: int, allowed: tuple
) -> None:
    """Make sure that a network of blocks that each halve the picture can be built.

    >>> require_options("basic_cnn", 16, 5, 32, 128, BLOCKS)
    Traceback (most recent call last):
    ...
    ValueError: basic_cnn: 5 blocks halve a picture 5 times, 16 pixels are too few; image_size from 32 up fits
    """
    if blocks not in allowed:
        raise ValueError(f"{name} has {allowed[0]} to {allowed[-1]} blocks, not {blocks}")
    if base_features < 1 or hidden_neurons < 1:
        raise ValueError(
            f"{name}: base_features ({base_features}) and hidden_neurons ({hidden_neurons}) are at least 1"
        )
    if image_size < 2**blocks:
        raise ValueError(
            f"{name}: {blocks} blocks halve a picture {blocks} times, {image_size} pixels are too few; "
            f"image_size from {2**blocks} up fits"
        )


def body(name: str, network, image_size: int) -> nn.Module:
    """Make the body from an experiment's options; see :func:`agelib.networks.build`."""
    return BasicCNN(image_size, network.blocks, network.base_features, network.hidden_neurons)
