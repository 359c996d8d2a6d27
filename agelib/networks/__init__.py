"""Networks: a square picture in, `outputs` numbers out; every one by a name.

``basic_cnn`` is written here (chapter 06), and so are ``plain_N`` and ``resnet_N``, ``mbconv_mini``, ``swin_mini`` and
``vit_mini`` (chapters 08 to 10), which cost the same and suit images of 64 pixels; ``residual_attention``,
``inception_resnet_v1`` and the two together (chapters 07 and 11); and ``quick_cnn`` (chapter 17). ``resnet18``,
``efficientnet_b0`` and ``swinv2_cr_tiny`` are the three of study A (chapters 08 to 10); the others of the studies have
names too, and ``torchvision/NAME`` and ``timm/NAME`` are everything else. :func:`describe` makes a table of them,
:func:`stages` takes one apart, and :func:`weights_without_gradient` says how much of one cannot learn.
"""

from agelib.networks.assembly import build, require_size
from agelib.networks.complexity import describe
from agelib.networks.gradients import weights_without_gradient
from agelib.networks.registry import module_of, names
from agelib.networks.stages import stages

__all__ = ["build", "describe", "module_of", "names", "require_size", "stages", "weights_without_gradient"]
