"""Every network by a name: what it is made of stands in a table, not in copies of code. Explained in chapter 08.

A network is a *body* (pictures → features) and a *head* (features → outputs). The table says which function makes the
body, under which name the library knows it, and which head it has when the experiment asks for none. It is a list of
choices and nothing more: a run's key has the row that was chosen, and the code of that network alone.
"""

import difflib
import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from agelib.networks import (
    backbones,
    basic_cnn,
    cifar_resnet,
    inception_resnet_v1,
    inception_resnet_v1_attention,
    mbconv_mini,
    quick_cnn,
    residual_attention,
    swin,
    swin_mini,
)


@dataclass(frozen=True)
class Entry:
    """One row of the registry.

    Attributes
    ----------
    library : str
        Whose code it is: agelib, torchvision or timm.
    of_library : str
        Its name there.
    body : callable
        (name, options, image_size) → body.
    head : tuple of int
        Widths of the head's hidden layers when the experiment names none.
    image_size : int
        The size that the authors of a network of agelib trained it at, in pixels; 0: any.
    smallest : int
        The smallest of the usual sizes that it takes, in pixels; 0: not known yet.
    new_parts : tuple of str
        How the names of those parts of the body begin that a weights file may lack.
    files : str
        Weights that others publish as a file, beside those that can be fetched by name.
    """

    library: str
    of_library: str
    body: Callable
    head: tuple = ()
    image_size: int = 224
    smallest: int = 0
    new_parts: tuple = ()
    files: str = ""

    @property
    def module(self) -> str:
        """The agelib module that makes the body."""
        return self.body.__module__

    def make(self, network, image_size: int) -> nn.Module:
        """Make the body: pictures [B, 3, S, S] → features [B, F]."""
        return self.body(self.of_library, network, image_size)

    def choice(self) -> list:
        """What of this row decides the weights of a network that is made by it: a part of a run's key."""
        return [self.library, self.of_library, f"{self.module}.{self.body.__name__}", self.head, self.new_parts]


def _torchvision(name: str, body: Callable = backbones.torchvision_body, **values) -> Entry:
    return Entry("torchvision", name, body, **({"smallest": 16} | values))


def _written(module, **values) -> Entry:
    usual = {"of_library": module.__name__.rpartition(".")[2], "body": module.body, "smallest": 16}
    return Entry("agelib", **(usual | values))


def _of_cifar(name: str) -> Entry:
    return _written(cifar_resnet, of_library=name, image_size=32)


_FACENET = "VGGFace2 or CASIA-WebFace, from a file"

#: The networks that have a name of their own. The widths of Swin's three-layer MLP are not in study A: our choice.
ENTRIES = {
    "basic_cnn": _written(basic_cnn, image_size=0),
    "plain_20": _of_cifar("plain_20"),
    "resnet_20": _of_cifar("resnet_20"),
    "mbconv_mini": _written(mbconv_mini, image_size=64),
    "swin_mini": _written(swin_mini, image_size=64),
    "vit_mini": _written(swin_mini, of_library="vit_mini", body=swin_mini.global_body, image_size=64),
    "resnet18": _torchvision("resnet18"),
    "resnet50": _torchvision("resnet50", files="VGGFace2, from a file"),
    "resnet152": _torchvision("resnet152"),
    "senet50": Entry("timm", "seresnet50", backbones.timm_body, smallest=16, files="VGGFace2, from a file"),
    "vgg16": _torchvision("vgg16", smallest=32),
    "vgg11_bn": _torchvision("vgg11_bn", backbones.torchvision_convolutions, smallest=32),
    "vgg16_bn": _torchvision("vgg16_bn", backbones.torchvision_convolutions, smallest=32),
    "googlenet": _torchvision("googlenet"),
    "mnasnet": _torchvision("mnasnet1_0"),
    "densenet121": _torchvision("densenet121", smallest=32),
    "densenet201": _torchvision("densenet201", smallest=32),
    "efficientnet_b0": _torchvision("efficientnet_b0"),
    "efficientnet_v2_s": _torchvision("efficientnet_v2_s"),
    "efficientnet_v2_m": _torchvision("efficientnet_v2_m"),
    "efficientnet_v2_l": _torchvision("efficientnet_v2_l"),
    "inception_resnet_v1": _written(inception_resnet_v1, image_size=160, files=_FACENET),
    "inception_resnet_v1_attention": _written(
        inception_resnet_v1_attention, image_size=160, files=_FACENET, new_parts=("mask_",)
    ),
    "residual_attention": _written(residual_attention),
    "quick_cnn": _written(quick_cnn, image_size=0),
    "swinv2_cr_tiny": Entry("timm", "swinv2_cr_tiny_224", swin.body, head=(512, 128), smallest=16),
}


def find(name: str) -> Entry:
    """The registry's row for a name; one is made on the spot for another depth and for whatever a library has."""
    if name in ENTRIES:
        return ENTRIES[name]
    if re.fullmatch(r"(plain|resnet)_\d+", name):
        return _of_cifar(name)
    library, slash, of_library = name.partition("/")
    if slash and library in ("torchvision", "timm") and of_library in backbones.available(library):
        if library == "timm" and of_library.startswith("swinv2_cr_"):
            # timm's own window at small pictures sees one patch; the features are its class outputs, as in study A.
            return Entry("timm", of_library, swin.body, head=ENTRIES["swinv2_cr_tiny"].head)
        body = backbones.timm_body if library == "timm" else backbones.torchvision_body
        return Entry(library, of_library, body)
    raise ValueError(f"no network {name!r}; {_near(name)}")


def names(pattern: str = "*") -> list[str]:
    """Names of networks that match a pattern with ``*`` and ``?``.

    Without a slash it looks through agelib's own names; ``torchvision/*`` and ``timm/*`` look through the libraries.
    ``plain_N`` and ``resnet_N`` take any depth N = 6n + 2; the list has those of 20 layers.

    >>> names("*resnet*")
    ['inception_resnet_v1', 'inception_resnet_v1_attention', 'resnet152', 'resnet18', 'resnet50', 'resnet_20']
    >>> names("torchvision/vgg1?_bn")
    ['torchvision/vgg11_bn', 'torchvision/vgg13_bn', 'torchvision/vgg16_bn', 'torchvision/vgg19_bn']
    """
    library, slash, _ = pattern.partition("/")
    if not slash:
        return sorted(fnmatch.filter(ENTRIES, pattern))
    libraries = [known for known in ("torchvision", "timm") if fnmatch.fnmatch(known, library)]
    found = [f"{known}/{name}" for known in libraries for name in backbones.available(known)]
    return sorted(fnmatch.filter(found, pattern))


def module_of(name: str) -> str:
    """The agelib module whose code (and that of what it imports) makes the network: a run's key changes with it.

    >>> module_of("basic_cnn"), module_of("resnet18")
    ('agelib.networks.basic_cnn', 'agelib.networks.backbones')
    """
    return find(name).module


def _near(name: str) -> str:
    short = name.rpartition("/")[2]
    close = difflib.get_close_matches(short, ENTRIES, n=2)
    for library in ("torchvision", "timm"):
        close += [f"{library}/{key}" for key in difflib.get_close_matches(short, backbones.available(library), n=2)]
    return f"near: {', '.join(close)}" if close else f"there are {', '.join(names())}, torchvision/NAME and timm/NAME"
