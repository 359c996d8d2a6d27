"""ResNet-50 and SENet-50 as they were trained on VGGFace2: their names, and where they halve. Explained in chapter 11.

Q. Cao, L. Shen, W. Xie, O. Parkhi, A. Zisserman, *VGGFace2*, FG 2018; study B starts from the ResNet-50. They were
trained with Caffe. The published conversions to PyTorch keep Caffe's names (``conv2_1_1x1_reduce``), or have
torchvision's (``layer1.0.conv1``). Either way the network is Caffe's: it halves a map in the first convolution of a
stage, torchvision's in the second, and its first pooling does not pad. The shapes are the same, so such weights would
fit and silently compute something else.
"""

import re

import torch
from torch import nn

#: People in VGGFace2's training part: what the last layer of its networks has as many outputs of.
PEOPLE = 8631
#: A buffer that says in a file of weights that its network halves as Caffe's: who starts from a run of ours needs it.
MARK = "halves_as_caffe"

_UNIT = re.compile(r"conv([2-5])_(\d+)_(1x1_reduce|3x3|1x1_increase|1x1_proj|1x1_down|1x1_up)(_bn)?\.(.+)")
_FIRST = re.compile(r"conv1_7x7_s2(_bn)?\.(.+)")
_PLACES = {
    "1x1_reduce": ("conv1", "bn1"),
    "3x3": ("conv2", "bn2"),
    "1x1_increase": ("conv3", "bn3"),
    "1x1_proj": ("downsample.0", "downsample.1"),
    "1x1_down": ("se.fc1", ""),
    "1x1_up": ("se.fc2", ""),
}


def modern_name(name: str) -> str:
    """A tensor's name in Caffe's ResNet → its name in torchvision's and timm's; others stay as they are.

    >>> modern_name("conv2_1_1x1_reduce.weight"), modern_name("conv5_3_3x3_bn.running_var")
    ('layer1.0.conv1.weight', 'layer4.2.bn2.running_var')
    >>> modern_name("conv3_1_1x1_proj_bn.bias"), modern_name("conv1_7x7_s2.weight")
    ('layer2.0.downsample.1.bias', 'conv1.weight')
    """
    short = name.replace("/", "_")
    if match := _FIRST.fullmatch(short):
        return f"{'bn1' if match[1] else 'conv1'}.{match[2]}"
    if match := _UNIT.fullmatch(short):
        stage, unit, kind, norm, tensor = match.groups()
        return f"layer{int(stage) - 1}.{int(unit) - 1}.{_PLACES[kind][bool(norm)]}.{tensor}"
    return name


def is_caffes(tensors: dict) -> bool:
    """Whether weights come from Caffe's ResNet of VGGFace2: by their names, 8,631 people, or :data:`MARK`.

    >>> is_caffes({"conv1_7x7_s2.weight": None}), is_caffes({"layer1.0.conv1.weight": None})
    (True, False)
    """
    if any(modern_name(name) != name or name.endswith(MARK) for name in tensors):
        return True
    last = [tensor for name, tensor in tensors.items() if name.rpartition(".")[0].endswith("fc")]
    return any(tensor.ndim and len(tensor) == PEOPLE for tensor in last)


def halve_as_caffe(body: nn.Module) -> tuple[str, ...]:
    """Let a ResNet halve its maps where Caffe's does, in place; say in a sentence each what was changed.

    It is one of torchvision or timm with three convolutions a unit; other bodies stay as they are.
    """
    units = [stage[0] for name, stage in body.named_children() if re.fullmatch(r"layer[1-4]", name)]
    if len(units) != 4 or not all(hasattr(unit, "conv3") for unit in units):
        return ()
    for unit in units:
        unit.conv1.stride, unit.conv2.stride = unit.conv2.stride, unit.conv1.stride
    body.maxpool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    body.register_buffer(MARK, torch.tensor(1))
    return (
        "a stage halves in its first convolution, as in the network that these weights were trained in",
        "the first pooling does not pad, as there",
    )
