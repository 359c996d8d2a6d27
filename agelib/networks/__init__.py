"""Networks: a square picture in, `outputs` numbers out; every one by a name.

``basic_cnn`` is written here (chapter 05); ``resnet18``, ``efficientnet_b0`` and ``swinv2_cr_tiny`` are the three
of study A (chapters 06 to 08); ``torchvision/NAME`` and ``timm/NAME`` are everything else.
"""

from agelib.networks.registry import build, describe, module_of, names

__all__ = ["build", "describe", "module_of", "names"]
