"""A residual network for small pictures: ResNet-18's plan at a fraction of its width. Explained in chapter 10.

ResNet-18 halves a picture twice before its first residual block, which leaves little of one of 64 pixels, and three
quarters of its weights are in its last stage. Here the stem halves once, there is no pooling, and the widths are the
experiment's, so that the network fits the picture and the machine. Blocks: K. He, X. Zhang, S. Ren, J. Sun, *Deep
Residual Learning for Image Recognition*, CVPR 2016, figure 5 on the left.
"""

from torch import nn
from torchvision.models.resnet import BasicBlock, conv1x1

#: Residual blocks of a stage.
BLOCKS_PER_STAGE = 2


class SmallResNet(nn.Module):
    """The body: pictures [B, 3, S, S] → the mean of the last maps, [B, base_features · 2^(stages − 1)].

    Parameters
    ----------
    stages : int
        Number of stages; each but the first halves the maps and doubles the channels.
    base_features : int
        Channels of the stem and the first stage.

    Examples
    --------
    >>> import torch
    >>> SmallResNet(4, 32)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 256])
    """

    def __init__(self, stages: int = 4, base_features: int = 32):
        super().__init__()
        if stages < 1 or base_features < 1:
            raise ValueError(
                f"small_resnet: blocks ({stages}) and base_features ({base_features}) are at least 1"
            )
        widths = [base_features * 2**stage for stage in range(stages)]
        self.stem = nn.Sequential(
            nn.Conv2d(3, base_features, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(base_features),
            nn.ReLU(inplace=True),
        )
        self.stages = nn.Sequential(
            *(
                _stage(before, width)
                for before, width in zip([base_features, *widths[:-1]], widths, strict=True)
            )
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)  # each block begins as the identity (Goyal et al. 2017)

    def forward(self, x):
        x = self.stages(self.stem(x))  # [B, 3, S, S] -> [B, C, S / 2^stages, S / 2^stages]
        return self.pool(x).flatten(1)  # [B, C]


def _stage(before: int, width: int) -> nn.Sequential:
    stride = 1 if before == width else 2
    shortcut = None if stride == 1 else nn.Sequential(conv1x1(before, width, stride), nn.BatchNorm2d(width))
    first = BasicBlock(before, width, stride, shortcut)
    return nn.Sequential(first, *(BasicBlock(width, width) for _ in range(BLOCKS_PER_STAGE - 1)))


def body(name: str, network, image_size: int) -> nn.Module:
    """Make the body from an experiment's options; see :func:`agelib.networks.build`."""
    return SmallResNet(network.blocks, network.base_features)
