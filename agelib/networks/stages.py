"""The stages of any network, in order from the picture: what can be frozen, or unfrozen one by one.

Early stages find edges and textures that most pictures share, late ones what the labels ask for; so whoever starts
from somebody else's weights keeps the first stages and trains the last. Explained in chapter 07.

torchvision and timm name the parts of each family of networks in another way. What they have in common is that a
network halves its maps again and again: each halving begins a stage here. A network that never halves (a vision
transformer) is cut into its stem and four even lengths.
"""

import itertools

from torch import nn

#: Stages at most; what is cut finer is joined again.
MOST_STAGES = 8
#: A network with fewer stages than this is cut into its stem and so many even lengths.
LEAST_STAGES, LENGTHS = 3, 4
#: A part that holds more than this share of all parameters is no part but the whole under another name.
WHOLE = 0.8
#: What shows in the names of classes that halve a map without a stride.
HALVING_NAMES = ("PatchMerg", "Downsample")


def stages(network: nn.Module) -> list[list[nn.Module]]:
    """The parts of a network's body in order from the picture on, grouped into stages.

    Parameters
    ----------
    network : agelib.networks.heads.AgeNetwork
        Or any module, which then counts as a body.

    Returns
    -------
    list of list of torch.nn.Module
        3 to 8 stages as a rule, the stem first. Each parameter of the body is in exactly one of them; those that a
        module holds itself (the position embeddings of a transformer) come as a ``torch.nn.ParameterList``.

    Examples
    --------
    >>> from agelib.config import Network
    >>> from agelib.networks import build
    >>> network = build(Network(network="resnet18"), outputs=1, image_size=64, seed=42)
    >>> for stage in stages(network):
    ...     print(len(stage), sum(p.numel() for part in stage for p in part.parameters()))
    3 9536
    3 147968
    2 525568
    2 2099712
    4 8393728
    """
    body = getattr(network, "body", network)
    # A unit that is used twice counts where it comes first: modules are equal only to themselves.
    units = list(dict.fromkeys(_units(body, WHOLE * _count(body))))
    found = _cut_at_halvings(units)
    if len(found) < LEAST_STAGES:
        found = _cut_evenly(units) or found
    if len(found) > 1 and not any(map(_count, found[-1])):
        last = found.pop()
        found[-1] += last
    while len(found) > MOST_STAGES:
        sizes = [sum(map(_count, stage)) for stage in found]
        first = min(range(len(found) - 1), key=lambda i: sizes[i] + sizes[i + 1])
        found[first : first + 2] = [found[first] + found[first + 1]]
    return found


def _units(module: nn.Module, whole: float) -> list[nn.Module]:
    """What a module is made of, in order: chains are opened, and so is a part that holds nearly everything."""
    loose = list(module.parameters(recurse=False))
    units = [nn.ParameterList(loose)] if loose else []
    children = module.parts() if hasattr(module, "parts") else list(module.children())
    for child in children:
        chain = isinstance(child, nn.Sequential | nn.ModuleList)
        if chain or (_count(child) > whole and any(child.children())):
            units += _units(child, whole)
        else:
            units.append(child)
    return units


def _cut_at_halvings(units: list) -> list[list]:
    found: list[list] = []
    for unit in units:
        current = found[-1] if found else []
        filled = any(_count(part) for part in current if not isinstance(part, nn.ParameterList))
        # After the convolutions, fully connected layers are a stage of their own.
        connects = isinstance(unit, nn.Linear) and not any(isinstance(part, nn.Linear) for part in current)
        if not found or (filled and (connects or _halves(unit))):
            found.append([unit])
        else:
            current.append(unit)
    return found


def _cut_evenly(units: list) -> list[list]:
    """The stem, then four lengths with equally many of the other units; nothing if there are too few."""
    filled = [i for i, unit in enumerate(units) if _count(unit) and not isinstance(unit, nn.ParameterList)]
    rest = filled[1:]
    if len(rest) < LENGTHS:
        return []
    starts = [rest[len(rest) * k // LENGTHS] for k in range(LENGTHS)]
    edges = [0, *starts, len(units)]
    return [units[a:b] for a, b in itertools.pairwise(edges)]


def _halves(module: nn.Module) -> bool:
    for part in module.modules():
        stride = getattr(part, "stride", 1)
        steps = stride if isinstance(stride, tuple | list) else (stride,)
        if any(isinstance(step, int) and step > 1 for step in steps):
            return True
        if any(name in type(part).__name__ for name in HALVING_NAMES):
            return True
    return False


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
