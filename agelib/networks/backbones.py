"""Any network of torchvision or timm as a body: the library's own code, its last layer taken off.

Explained in chapters 08 and 09.
"""

from collections import OrderedDict

from torch import nn

#: Networks of torchvision that must be told the image size, with the argument that does.
SIZE_ARGUMENTS = {"vit_": "image_size", "maxvit_": "input_size"}
#: Networks of torchvision that train with side outputs, which a single head has no use for.
SIDE_OUTPUTS = ("googlenet", "inception_v3")
#: The VGGs by the letters of their paper's table (Simonyan, Zisserman 2014).
VGG_LETTERS = {"vgg11": "A", "vgg13": "B", "vgg16": "D", "vgg19": "E"}


def available(library: str) -> list[str]:
    """Names of the picture classifiers that the library has."""
    if library == "torchvision":
        import torchvision

        return torchvision.models.list_models(module=torchvision.models, exclude="quantized_*")
    import timm

    return timm.list_models()


def torchvision_body(name: str, network, image_size: int) -> nn.Module:
    """Make a torchvision network without its last layer: pictures [B, 3, S, S] → features [B, F]."""
    import torchvision

    arguments = {}
    for start, argument in SIZE_ARGUMENTS.items():
        if name.startswith(start):
            arguments[argument] = image_size if argument == "image_size" else (image_size, image_size)
    if name in SIDE_OUTPUTS:
        # torchvision's weights for these two were trained on pictures brought to another mean and spread.
        arguments |= {"aux_logits": False, "init_weights": True, "transform_input": True}
    return without_last_layer(torchvision.models.get_model(name, weights=None, **arguments))


def torchvision_convolutions(name: str, network, image_size: int) -> nn.Module:
    """Make the convolutions of a VGG of torchvision: pictures [B, 3, S, S] → features [B, 512 * 7 * 7].

    Study D puts one fully connected layer in place of VGG's three: with these features and a head without hidden
    layers, that is the network.

    Examples
    --------
    >>> import torch
    >>> from agelib.config import Network
    >>> with torch.device("meta"):
    ...     torchvision_convolutions("vgg11_bn", Network(), 64)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 25088])
    """
    from torchvision.models import vgg

    letter = VGG_LETTERS[name.removesuffix("_bn")]
    features = vgg.make_layers(vgg.cfgs[letter], batch_norm=name.endswith("_bn"))
    for module in features:  # as torchvision does
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)
    return nn.Sequential(OrderedDict(features=features, avgpool=nn.AdaptiveAvgPool2d((7, 7)), flatten=nn.Flatten()))


def timm_body(name: str, network, image_size: int) -> nn.Module:
    """Make a timm network without its last layer: pictures [B, 3, S, S] → features [B, F]."""
    import timm

    settings = timm.get_pretrained_cfg(name)
    sized = {"img_size": image_size} if settings is not None and settings.fixed_input_size else {}
    return timm.create_model(name, pretrained=False, num_classes=0, **sized)


def without_last_layer(network: nn.Module) -> nn.Module:
    """Replace the last fully connected layer (or, if there is none, the last convolution) by the identity.

    Examples
    --------
    >>> import torch
    >>> layers = without_last_layer(nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 1000)))
    >>> layers(torch.zeros(2, 3, 2, 2)).shape
    torch.Size([2, 8])
    """
    modules = dict(network.named_modules())
    for kind in (nn.Linear, nn.Conv2d):
        last = [name for name, module in modules.items() if isinstance(module, kind)]
        if last:
            parent, _, child = last[-1].rpartition(".")
            setattr(modules[parent], child, nn.Identity())
            return network
    raise ValueError(f"{type(network).__name__} has no last layer to replace; use another network")
