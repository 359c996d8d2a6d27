"""Starting from weights that somebody else trained: by name, or from a local file. Explained in chapter 11.

Weights are data, never code: a ``.safetensors`` file, or a ``.pth`` file read with ``weights_only``. What a file's
names had to become, and what stayed unused, is reported, never silent.
"""

import logging
import os
import re
import socket
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from agelib.networks import packaged, vggface2

log = logging.getLogger("agelib.networks")

#: What training programs wrap a network in; taken off a file's names when the rest then fits.
PREFIXES = ("module.", "model.", "backbone.", "encoder.", "features_extractor.", "network.", "_orig_mod.", "body.")
#: Under which name training programs keep the weights beside other things.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "state_dict_ema", "params")


@dataclass(frozen=True)
class Loaded:
    """What became of the tensors of a weights file.

    Attributes
    ----------
    origin : str
        The file.
    loaded : tuple of str
        Tensors of the network that were taken from it.
    renamed : dict of str to str
        Name in the file → name in the network, where they differ.
    unused : tuple of str
        Tensors of the file that the network has no place for (the old last layer, as a rule).
    fresh : tuple of str
        Tensors of the body that the file need not have and has not (an attention put on a trained trunk).
    changes : tuple of str
        What was changed in the network so that it computes what these weights were trained for.
    """

    origin: str
    loaded: tuple
    renamed: dict
    unused: tuple
    fresh: tuple = ()
    changes: tuple = ()

    @property
    def text(self) -> str:
        """One sentence for a log."""
        parts = [f"{len(self.loaded)} tensors from {self.origin}"]
        if self.renamed:
            old, new = next(iter(self.renamed.items()))
            parts.append(f"{len(self.renamed)} renamed (first: {old} -> {new})")
        if self.unused:
            parts.append(f"{len(self.unused)} unused: {', '.join(self.unused[:4])}{' …' * (len(self.unused) > 4)}")
        if self.fresh:
            parts.append(f"{len(self.fresh)} start from random weights (first: {self.fresh[0]})")
        return "; ".join(parts + list(self.changes))


def load(network: nn.Module, pretrained: str, library: str, name: str, new_parts: tuple = ()) -> Loaded:
    """Put pretrained weights into a network, in place.

    Parameters
    ----------
    network : agelib.networks.heads.AgeNetwork
        Its body takes the weights; its head too when the file is one that agelib wrote and the shapes agree.
    pretrained : str
        ``imagenet``, or the path of a local ``.safetensors``, ``.pth`` or ``.pt`` file.
    library, name : str
        Where ImageNet weights are looked up: ``torchvision`` or ``timm``, and the network's name there.
    new_parts : tuple of str
        How the names of those parts of the body begin that a file may lack; they keep their random weights.

    Raises
    ------
    FileNotFoundError
        If the file is missing, or ImageNet weights are not on this machine and can not be fetched.
    ValueError
        If there are no such weights, or the file's tensors do not fit the network.
    """
    if pretrained == "imagenet":
        if library not in ("torchvision", "timm"):
            raise ValueError(f"{name}: there are no ImageNet weights for it; leave pretrained empty")
        if library == "torchvision":
            tensors, origin = _from_torchvision(name)
        else:
            tensors, origin = packaged.read(name) if name in packaged.PACKAGES else _from_timm(name)
    else:
        tensors, origin = read_tensors(pretrained), pretrained
    report = _fit(network, tensors, str(origin), new_parts)
    silent = not (report.renamed or report.unused or report.fresh or report.changes)
    (log.info if silent else log.warning)("pretrained: %s", report.text)
    return report


def normalisation(pretrained: str, library: str, name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """What the images were normalised by when published weights were trained: it belongs to them as the tensors do.

    Parameters
    ----------
    pretrained, library, name : str
        As in :func:`load`.

    Returns
    -------
    mean, std : numpy.ndarray
        float32 [3], in 0..1. None where nothing is published: random weights, and files.

    Examples
    --------
    >>> print(*normalisation("imagenet", "timm", "tf_efficientnet_lite0"))
    [0.5 0.5 0.5] [0.5 0.5 0.5]
    >>> print(*normalisation("imagenet", "torchvision", "resnet18"))
    [0.485 0.456 0.406] [0.229 0.224 0.225]
    >>> normalisation("", "torchvision", "resnet18")
    """
    if pretrained != "imagenet" or library not in ("torchvision", "timm"):
        return None
    if library == "torchvision":
        import torchvision

        settings = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    else:
        import timm

        settings = timm.get_pretrained_cfg(name)
        if settings is None:
            return None
    return np.array(settings.mean, np.float32), np.array(settings.std, np.float32)


def read_tensors(path) -> dict[str, torch.Tensor]:
    """Read the tensors of a ``.safetensors``, ``.pth`` or ``.pt`` file, without running anything in it."""
    path = Path(path).expanduser()
    if path.suffix not in (".safetensors", ".pth", ".pt", ".bin"):
        raise ValueError(f"pretrained is empty, 'imagenet', or a .safetensors, .pth or .pt file, not {str(path)!r}")
    if not path.is_file():
        raise FileNotFoundError(f"no weights file at {path}; give the option pretrained the path of one that exists")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise ValueError(
            f"{path}: not readable as plain weights ({reason}); save it again as .safetensors, or with "
            "torch.save(network.state_dict(), …)"
        ) from None
    for wrapper in WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            found = found[wrapper]
    tensors = {key: value for key, value in found.items() if torch.is_tensor(value)} if isinstance(found, dict) else {}
    if not tensors:
        raise ValueError(f"{path}: holds no named tensors; save network.state_dict()")
    return tensors


def _fit(network: nn.Module, tensors: dict, origin: str, new_parts: tuple = ()) -> Loaded:
    wanted = network.state_dict()
    place = _best_names(tensors, wanted)
    # A head belongs to its target: it is taken only when every tensor of it agrees.
    head = [key for key in wanted if key.startswith("head.")]
    arrived = {new: tensors[old] for old, new in place.items()}
    if any(key not in arrived or arrived[key].shape != wanted[key].shape for key in head):
        place = {old: new for old, new in place.items() if not new.startswith("head.")}
    body = [key for key in wanted if key.startswith("body.")]
    given = set(place.values())
    missing = [key for key in body if key not in given and not key.endswith("num_batches_tracked")]
    new = tuple(f"body.{part}" for part in new_parts)
    fresh = tuple(key.removeprefix("body.") for key in missing if key.startswith(new))
    missing = [key for key in missing if not key.startswith(new)]
    if missing:
        raise ValueError(
            f"{origin}: no weights for {len(missing)} of the network's {len(body)} tensors "
            f"(first: {missing[0].removeprefix('body.')}; the file has for example {next(iter(tensors))}); "
            "is it a file of another network?"
        )
    for old, new in place.items():
        if tensors[old].shape != wanted[new].shape:
            raise ValueError(
                f"{origin}: {old} has shape {list(tensors[old].shape)}, the network's has {list(wanted[new].shape)}; "
                "choose the network, image size or widths that the weights were trained with"
            )
    network.load_state_dict({new: tensors[old] for old, new in place.items()}, strict=False)
    renamed = {old: new for old, new in place.items() if old not in (new, new.removeprefix("body."))}
    unused = tuple(key for key in tensors if key not in place and not key.endswith(vggface2.MARK))
    changes = vggface2.halve_as_caffe(network.body) if vggface2.is_caffes(tensors) else ()
    return Loaded(origin, tuple(place.values()), renamed, unused, fresh, changes)


def _best_names(tensors: dict, wanted: dict) -> dict[str, str]:
    """Name in the file → name in the network, under the prefixes and the spelling that place most tensors."""
    best = {}
    for strip in _strippings(tensors):
        for spell in SPELLINGS:
            names = {}
            for old in tensors:
                short = spell(old.removeprefix(strip))
                for new in (short, "body." + short):
                    if new in wanted:
                        names[old] = new
                        break
            if len(names) > len(best):
                best = names
    return best


def as_written(name: str) -> str:
    """The name as it is."""
    return name


def modern_densenet_name(name: str) -> str:
    """The name of a tensor in torchvision's old DenseNet files → its name today.

    >>> modern_densenet_name("features.denseblock1.denselayer2.norm.1.weight")
    'features.denseblock1.denselayer2.norm1.weight'
    """
    return re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", name)


#: How the names of a file may have to be respelt.
SPELLINGS = (as_written, modern_densenet_name, vggface2.modern_name)


def _strippings(tensors: dict) -> list[str]:
    """Prefixes that the file's names may carry, alone or nested: '', 'module.', 'module.backbone.' …"""
    found = [""]
    for first in found:
        for prefix in PREFIXES:
            if any(key.startswith(first + prefix) for key in tensors):
                found.append(first + prefix)
    return found


def _from_torchvision(name: str) -> tuple[dict, str]:
    import torchvision

    weights = torchvision.models.get_model_weights(name).DEFAULT
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    if not file.is_file():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(weights.url, str(file), progress=False)
        except OSError as error:
            raise _not_here(name, file.name, str(file), error) from None
    return read_tensors(file), str(file)


def _from_timm(name: str) -> tuple[dict, str]:
    import timm

    settings = timm.get_pretrained_cfg(name)
    if settings is None or not (settings.hf_hub_id or settings.url or settings.file):
        near = timm.list_models(f"{name.split('_')[0]}*", pretrained=True)[:5]
        hint = f"; with weights: {', '.join(near)}" if near else ""
        raise ValueError(f"timm has no pretrained weights for {name}; leave pretrained empty{hint}")
    origin = settings.hf_hub_id or settings.url
    place = Path(torch.hub.get_dir()) / "checkpoints" / f"{name}.{settings.tag or 'default'}.safetensors"
    if place.is_file():
        return read_tensors(place), str(place)
    try:
        if settings.hf_hub_id:
            return _from_hub(settings.hf_hub_id), origin
        return torch.hub.load_state_dict_from_url(settings.url, map_location="cpu", weights_only=True), origin
    except (OSError, RuntimeError) as error:
        raise _not_here(name, f"the model.safetensors of {origin}", str(place), error) from None


def _from_hub(repository: str) -> dict:
    import huggingface_hub
    from timm.models import load_state_dict_from_hf

    cached = huggingface_hub.try_to_load_from_cache(repository, "model.safetensors")
    proxied = any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"))
    if not isinstance(cached, str) and not proxied:
        # The hub's client tries a host that does not answer for most of a minute; ask once whether there is one.
        host = urllib.parse.urlsplit(huggingface_hub.constants.ENDPOINT)
        socket.create_connection((host.hostname, host.port or 443), timeout=10).close()
    return load_state_dict_from_hf(repository, weights_only=True)


def _not_here(name: str, file: str, place: str, error: Exception) -> FileNotFoundError:
    reason = (str(error).strip() or type(error).__name__).split("\n")[0][:160]
    return FileNotFoundError(
        f"no ImageNet weights for {name} on this machine, and they can not be fetched ({reason}). Fetch {file} where "
        f"there is a network, place it as {place}, or give its path: pretrained=PATH; pretrained='' starts from "
        "random weights"
    )
