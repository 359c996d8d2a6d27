"""Inception-ResNet V1 with residual attention, study C's variant 18. Explained in chapter 07.

The study says that it put residual attention on Inception-ResNet V1, and not where. Wang et al. (CVPR 2017) let any
network be the trunk of an attention module, Inception blocks among them, and put one into each stage but the last. So
here the blocks of the first two stages are trunks, each with a mask beside it (our choice): (1 + M(x)) · T(x). All
other parts are those of :mod:`agelib.networks.inception_resnet_v1`, and take the same pretrained weights.
"""

from torch import nn

from agelib.networks.inception_resnet_v1 import LEAST_UNPADDED, InceptionResnetV1
from agelib.networks.residual_attention import Mask, initialise, shrinkings

#: How often the masks shrink their maps at most: 35 × 35 and 17 × 17 of a 299-pixel picture to about 9 × 9.
MOST_SHRINKINGS = (2, 1)


class InceptionResnetV1Attention(InceptionResnetV1):
    """The body: pictures in, the embedding of 512 numbers out.

    Parameters
    ----------
    image_size : int
        Side of the pictures, in pixels.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     InceptionResnetV1Attention(64)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 512])
    """

    def __init__(self, image_size: int):
        super().__init__(image_size)
        first, second = map_sides(image_size)
        self.mask_1 = Mask(256, shrinkings(first, MOST_SHRINKINGS[0]))
        self.mask_2 = Mask(896, shrinkings(second, MOST_SHRINKINGS[1]))
        initialise(self.mask_1)
        initialise(self.mask_2)

    def forward(self, x):
        x = self.stem(x)  # [B, 3, S, S] -> [B, 256, S / 8, S / 8]
        x = (1 + self.mask_1(x)) * self.repeat_1(x)  # [B, 256, S / 8, S / 8]
        x = self.mixed_6a(x)  # [B, 896, S / 16, S / 16]
        x = (1 + self.mask_2(x)) * self.repeat_2(x)  # [B, 896, S / 16, S / 16]
        return self.embed(x)  # [B, 512]

    def parts(self) -> list[nn.Module]:
        """The parts in order from the picture on: a mask goes with its trunk, though it was made after it."""
        parts = dict(self.named_children())
        masks = {"repeat_1": [parts.pop("mask_1")], "repeat_2": [parts.pop("mask_2")]}
        return [module for name, part in parts.items() for module in (part, *masks.get(name, ()))]


def map_sides(image_size: int) -> tuple[int, int]:
    """Sides of the maps of the first two stages.

    >>> map_sides(299), map_sides(160), map_sides(64)
    ((35, 17), (17, 8), (8, 4))
    """
    if image_size < LEAST_UNPADDED:
        first = image_size
        for _ in range(3):
            first = (first + 1) // 2
        return first, (first + 1) // 2
    pooled = ((image_size - 1) // 2 - 3) // 2  # stem up to its pool: 3 × 3 by 2, 3 × 3, 3 × 3 padded, 3 × 3 by 2
    first = (pooled - 3) // 2  # 3 × 3, then 3 × 3 by 2
    return first, (first - 1) // 2


def body(name: str, network, image_size: int) -> nn.Module:
    """Make the body; see :func:`agelib.networks.build`."""
    return InceptionResnetV1Attention(image_size)
