"""A network from its parts: the body that the registry names, and a head with the target's outputs. Chapter 08."""

from collections.abc import Callable
from contextlib import contextmanager

import torch
from torch import nn

from agelib.networks import pretrained
from agelib.networks.heads import AgeNetwork, make_head
from agelib.networks.registry import Entry, find

#: Image sizes that are tried, in pixels, to name some that fit.
USUAL_SIZES = (16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 240, 256, 288, 299, 320, 384, 448, 512)


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
        body = entry.make(network, image_size)
        head = make_head(features, widths, outputs, network.dropout, tuple(network.task_head), last_layer)
    made = AgeNetwork(body, head)
    if network.pretrained:
        made.loaded = pretrained.load(made, network.pretrained, entry.library, entry.of_library, entry.new_parts)
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


def count_features(entry: Entry, network, image_size: int) -> int:
    """How many features the body gives, found without arithmetic; refuses a size at which it gives none."""
    if image_size < 1:
        raise ValueError(f"image_size is a number of pixels from 1 up, not {image_size}")
    width, problem = _try(entry, network, image_size)
    if width:
        return width
    if entry.module != "agelib.networks.backbones":
        raise problem  # agelib's own messages say more: which sizes fit, or which option is at fault.
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
            body = entry.make(network, image_size).eval()
            made = body(torch.empty(2, 3, image_size, image_size))
        if made.ndim != 2:
            return 0, ValueError(f"it gives {list(made.shape)} instead of features [B, F]")
        return made.shape[1], None
    except ValueError as error:
        return 0, error
    except (RuntimeError, AssertionError, IndexError, ZeroDivisionError, TypeError, NotImplementedError) as error:
        return 0, ValueError((str(error).strip() or type(error).__name__).split("\n")[0][:200])


@contextmanager
def _seeded(seed: int | None):
    """torch's CPU generator starts at `seed`, and afterwards it is as it was."""
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.default_generator.manual_seed(seed)
        yield
