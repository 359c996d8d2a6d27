"""Every network by a name: what it is made of stands in a table, not in copies of code. Explained in chapter 06.

A network is a *body* (pictures → features) and a *head* (features → outputs). The table says which module makes the
body, under which name the library knows it, and which head it has when the experiment asks for none.
"""

import difflib
import fnmatch
import importlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from agelib.networks import pretrained
from agelib.networks.heads import AgeNetwork, make_head

#: Image sizes that are tried, in pixels, to name some that fit.
USUAL_SIZES = (16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 240, 256, 288, 299, 320, 384, 448, 512)


@dataclass(frozen=True)
class Entry:
    """One row of the registry.

    Attributes
    ----------
    library : str
        Whose code it is: agelib, torchvision or timm.
    of_library : str
        Its name there.
    module : str
        The agelib module that makes the body; it is found by name, so that a change of one network's code does not
        retrain the others.
    maker : str
        The function in it: (name, options, image_size) → body.
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
    module: str
    maker: str = "body"
    head: tuple = ()
    image_size: int = 224
    smallest: int = 0
    new_parts: tuple = ()
    files: str = ""


_LIBRARIES = "agelib.networks.backbones"


def _torchvision(name: str, maker: str = "torchvision_body", smallest: int = 16, files: str = "") -> Entry:
    return Entry("torchvision", name, _LIBRARIES, maker, smallest=smallest, files=files)


def _written(name: str, **values) -> Entry:
    return Entry("agelib", name, f"agelib.networks.{name}", smallest=16, **values)


_FACENET = "VGGFace2 or CASIA-WebFace, from a file"

#: The networks that have a name of their own. The widths of Swin's three-layer MLP are not in study A: our choice.
ENTRIES = {
    "basic_cnn": _written("basic_cnn", image_size=0),
    "resnet18": _torchvision("resnet18"),
    "resnet50": _torchvision("resnet50", files="VGGFace2, from a file"),
    "resnet152": _torchvision("resnet152"),
    "senet50": Entry(
        "timm", "seresnet50", _LIBRARIES, "timm_body", smallest=16, files="VGGFace2, from a file"
    ),
    "vgg16": _torchvision("vgg16", smallest=32),
    "vgg11_bn": _torchvision("vgg11_bn", "torchvision_convolutions", smallest=32),
    "vgg16_bn": _torchvision("vgg16_bn", "torchvision_convolutions", smallest=32),
    "googlenet": _torchvision("googlenet"),
    "mnasnet": _torchvision("mnasnet1_0"),
    "densenet121": _torchvision("densenet121", smallest=32),
    "densenet201": _torchvision("densenet201", smallest=32),
    "efficientnet_b0": _torchvision("efficientnet_b0"),
    "efficientnet_v2_s": _torchvision("efficientnet_v2_s"),
    "efficientnet_v2_m": _torchvision("efficientnet_v2_m"),
    "efficientnet_v2_l": _torchvision("efficientnet_v2_l"),
    "inception_resnet_v1": _written("inception_resnet_v1", image_size=160, files=_FACENET),
    "inception_resnet_v1_attention": _written(
        "inception_resnet_v1_attention", image_size=160, files=_FACENET, new_parts=("mask_",)
    ),
    "residual_attention": _written("residual_attention"),
    "quick_cnn": _written("quick_cnn", image_size=0),
    "swinv2_cr_tiny": Entry(
        "timm", "swinv2_cr_tiny_224", "agelib.networks.swin", head=(512, 128), smallest=16
    ),
}


def build(
    network,
    outputs: int | tuple[int, ...],
    image_size: int,
    seed: int | None = None,
    last_layer: Callable | tuple | None = None,
) -> nn.Module:
    """Make a network.

    Parameters
    ----------
    network : agelib.config.Network
        Its name and options.
    outputs : int or tuple of int
        Numbers that come out; the target says how many. A tuple makes several heads on one trunk, with the outputs
        side by side in that order.
    image_size : int
        Side of the square pictures, in pixels.
    seed : int, optional
        The same seed gives the same weights; torch's global generator is left as it was. Without a seed the weights
        come from torch's global generator.
    last_layer : callable, or tuple of callable or None, optional
        Width of the features → module, in place of the last fully connected layer (of each task, in their order).

    Returns
    -------
    agelib.networks.heads.AgeNetwork
        [B, 3, S, S] → [B, outputs] (of several heads, their sum), on the CPU, in training mode. Where pretrained
        weights were asked for, its ``loaded`` says what was taken from where.

    Raises
    ------
    ValueError
        If the name is unknown (the message has near ones), the image size does not fit (it names sizes that do),
        or the weights do not fit.
    FileNotFoundError
        If pretrained weights are not at hand.

    Examples
    --------
    >>> from agelib.config import Network
    >>> network = build(Network(network="resnet18"), outputs=1, image_size=64, seed=42)
    >>> sum(parameter.numel() for parameter in network.parameters())
    11177025
    >>> build(Network(network="resnet19"), outputs=1, image_size=64)
    Traceback (most recent call last):
    ...
    ValueError: no network 'resnet19'; near: resnet18, resnet152, torchvision/resnet18, torchvision/resnet152...
    """
    entry = find(network.network)
    for count in outputs if isinstance(outputs, tuple) else (outputs,):
        if count < 1:
            raise ValueError(f"a network has at least 1 output, not {count}")
    features = count_features(entry, network, image_size)
    widths = tuple(network.head) or entry.head
    with _seeded(seed):
        body = make_body(entry, network, image_size)
        head = make_head(features, widths, outputs, network.dropout, tuple(network.task_head), last_layer)
    made = AgeNetwork(body, head)
    if network.pretrained:
        made.loaded = pretrained.load(
            made, network.pretrained, entry.library, entry.of_library, entry.new_parts
        )
    return made


def require_size(network: nn.Module, name: str, side: int) -> None:
    """Make sure that a network takes pictures of another side than it was built for.

    Raises
    ------
    ValueError
        If it does not; the message names it.

    Examples
    --------
    >>> from agelib.config import Network
    >>> require_size(build(Network(network="resnet18"), 1, 64), "resnet18", 48)
    >>> require_size(build(Network(), 1, 64), "basic_cnn", 48)
    Traceback (most recent call last):
    ...
    ValueError: basic_cnn takes pictures of one size alone, not of 48 pixels too; resnet18 takes any
    """
    was_training = network.training
    weight = next(network.parameters())
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, side, side, device=weight.device))
    except (RuntimeError, ValueError, AssertionError):
        raise ValueError(
            f"{name} takes pictures of one size alone, not of {side} pixels too; resnet18 takes any"
        ) from None
    finally:
        network.train(was_training)


def find(name: str) -> Entry:
    """The registry's row for a name; for ``torchvision/NAME`` and ``timm/NAME`` it is made on the spot."""
    if name in ENTRIES:
        return ENTRIES[name]
    library, slash, of_library = name.partition("/")
    if slash and library in ("torchvision", "timm") and of_library in _available(library):
        if library == "timm" and of_library.startswith("swinv2_cr_"):
            # timm's own window at small pictures sees one patch; the features are its class outputs, as in study A.
            return Entry("timm", of_library, "agelib.networks.swin", head=ENTRIES["swinv2_cr_tiny"].head)
        return Entry(library, of_library, "agelib.networks.backbones", f"{library}_body")
    raise ValueError(f"no network {name!r}; {_near(name)}")


def names(pattern: str = "*") -> list[str]:
    """Names of networks that match a pattern with ``*`` and ``?``.

    Without a slash it looks through agelib's own names; ``torchvision/*`` and ``timm/*`` look through the libraries.

    >>> names("*resnet*")
    ['inception_resnet_v1', 'inception_resnet_v1_attention', 'resnet152', 'resnet18', 'resnet50']
    >>> names("torchvision/vgg1?_bn")
    ['torchvision/vgg11_bn', 'torchvision/vgg13_bn', 'torchvision/vgg16_bn', 'torchvision/vgg19_bn']
    """
    library, slash, _ = pattern.partition("/")
    if not slash:
        return sorted(fnmatch.filter(ENTRIES, pattern))
    libraries = [known for known in ("torchvision", "timm") if fnmatch.fnmatch(known, library)]
    found = [f"{known}/{name}" for known in libraries for name in _available(known)]
    return sorted(fnmatch.filter(found, pattern))


def module_of(name: str) -> str:
    """The agelib module whose code (and that of what it imports) makes the network: a run's key changes with it.

    >>> module_of("basic_cnn"), module_of("resnet18")
    ('agelib.networks.basic_cnn', 'agelib.networks.backbones')
    """
    return find(name).module


def make_body(entry: Entry, network, image_size: int) -> nn.Module:
    """Make the body that an entry stands for."""
    maker = getattr(importlib.import_module(entry.module), entry.maker)
    return maker(entry.of_library, network, image_size)


def count_features(entry: Entry, network, image_size: int) -> int:
    """How many features the body gives, found without arithmetic; refuses a size at which it gives none."""
    if image_size < 1:
        raise ValueError(f"image_size is a number of pixels from 1 up, not {image_size}")
    width, problem = _try(entry, network, image_size)
    if width:
        return width
    if entry.library == "agelib" or entry.module == "agelib.networks.swin":
        raise problem  # Their own messages say more: which sizes fit, or which option is at fault.
    fitting = []
    for size in sorted(USUAL_SIZES, key=lambda size: abs(size - image_size)):
        if len(fitting) < 4 and _try(entry, network, size)[0]:
            fitting.append(size)
    if not fitting:
        raise ValueError(f"{network.network} can not be used here: {problem}") from None
    raise ValueError(
        f"{network.network}: image_size {image_size} does not fit ({problem}); "
        f"near by {', '.join(map(str, sorted(fitting)))} fit"
    ) from None


def fits(entry: Entry, network, image_size: int) -> bool:
    """Whether the body that an entry stands for takes pictures of that size."""
    return _try(entry, network, image_size)[0] > 0


def _try(entry: Entry, network, image_size: int) -> tuple[int, Exception | None]:
    """Run the body on tensors that have a shape and no numbers ("meta")."""
    try:
        with torch.device("meta"), torch.no_grad(), torch.random.fork_rng(devices=[]):
            body = make_body(entry, network, image_size).eval()
            made = body(torch.empty(2, 3, image_size, image_size))
        if made.ndim != 2:
            return 0, ValueError(f"it gives {list(made.shape)} instead of features [B, F]")
        return made.shape[1], None
    except ValueError as error:
        return 0, error
    except (
        RuntimeError,
        AssertionError,
        IndexError,
        ZeroDivisionError,
        TypeError,
        NotImplementedError,
    ) as error:
        return 0, ValueError((str(error).strip() or type(error).__name__).split("\n")[0][:200])


@contextmanager
def _seeded(seed: int | None):
    """torch's CPU generator starts at `seed`, and afterwards it is as it was."""
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.default_generator.manual_seed(seed)
        yield


def _available(library: str) -> list[str]:
    from agelib.networks.backbones import available

    return available(library)


def _near(name: str) -> str:
    short = name.rpartition("/")[2]
    close = difflib.get_close_matches(short, ENTRIES, n=2)
    for library in ("torchvision", "timm"):
        close += [f"{library}/{key}" for key in difflib.get_close_matches(short, _available(library), n=2)]
    return (
        f"near: {', '.join(close)}"
        if close
        else f"there are {', '.join(names())}, torchvision/NAME and timm/NAME"
    )
