"""A table of networks, made from the registry: what each costs, and what there is for it. Explained in chapter 07."""

import pandas as pd
import torch
from torch import nn

from agelib.networks.assembly import USUAL_SIZES, count_features, fits
from agelib.networks.heads import make_head
from agelib.networks.registry import Entry, find, names
from agelib.runtime.progress import PATIENCE, track


def describe(
    names_: list[str] | str | None = None, image_size: int = 64, outputs: int = 1, progress: bool = False
) -> pd.DataFrame:
    """A table of networks: what they cost and what there is for them.

    Parameters
    ----------
    names_ : list of str, optional
        Which; agelib's own by default.
    image_size : int
        Side of the pictures, in pixels, that parameters and multiply-adds are counted for.
    outputs : int
        Numbers that come out.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    pandas.DataFrame
        Index ``network``; columns ``library``, ``parameters``, ``multiply_adds`` (of one picture, forward; half of
        what torch's flop counter counts), ``smallest_size`` (the smallest of the usual image sizes that it takes),
        ``image_size`` (its authors'; both in pixels, 0: any), ``pretrained`` (the name of the weights that there
        are, or empty).

    Raises
    ------
    ValueError
        If a name is unknown or the image size does not fit one of the networks.

    Examples
    --------
    >>> describe(["basic_cnn", "resnet18"], image_size=32)[["library", "parameters"]]
                   library  parameters
    network
    basic_cnn       agelib      520705
    resnet18   torchvision    11177025
    """
    from agelib.config import Network

    rows = []
    wanted = [names_] if isinstance(names_, str) else (names_ or names())
    for name in track(wanted, "build networks", unit="networks", shown=progress, after=PATIENCE):
        entry, network = find(name), Network(network=name)
        parameters, multiply_adds = _cost(entry, network, image_size, outputs)
        native_size, weights = _published(entry)
        smallest = entry.smallest or next((size for size in USUAL_SIZES if fits(entry, network, size)), 0)
        weights = "; or ".join(filter(None, (weights, entry.files)))
        rows.append((name, entry.library, parameters, multiply_adds, smallest, native_size, weights))
    columns = ["network", "library", "parameters", "multiply_adds", "smallest_size", "image_size", "pretrained"]
    return pd.DataFrame(rows, columns=columns).set_index("network")


def _cost(entry: Entry, network, image_size: int, outputs: int) -> tuple[int, int]:
    """Parameters, and multiply-adds of one picture, found on tensors that have a shape and no numbers ("meta")."""
    from torch.utils.flop_counter import FlopCounterMode

    # The counter follows operations, not modules: without its tree of modules it is several times as fast.
    try:
        with torch.device("meta"), torch.no_grad(), torch.random.fork_rng(devices=[]):
            body = entry.make(network, image_size).eval()
            with FlopCounterMode(display=False) as counter:
                features = body(torch.empty(1, 3, image_size, image_size))
            head = make_head(features.shape[1], entry.head, outputs).eval()
            with FlopCounterMode(display=False) as head_counter:
                head(features)
    except Exception:
        count_features(entry, network, image_size)  # says what does not fit, and what would
        raise
    total = counter.get_total_flops() + head_counter.get_total_flops()
    return _parameters(body) + _parameters(head), total // 2


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _published(entry: Entry) -> tuple[int, str]:
    """The image size of a network's authors, in pixels, and the name of the weights that there are by name."""
    if entry.library == "timm":
        import timm

        settings = timm.get_pretrained_cfg(entry.of_library)
        tag = (settings.tag or "default") if settings.has_weights else ""
        return int(settings.input_size[-1]), tag
    if entry.library == "torchvision":
        import torchvision

        weights = torchvision.models.get_model_weights(entry.of_library).DEFAULT
        return int(weights.transforms().crop_size[0]), str(weights).replace("_Weights.", " ")
    return entry.image_size, ""
