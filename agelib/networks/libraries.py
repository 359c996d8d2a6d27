"""Any network of torchvision or timm as a body: the library's own code, its last layer taken off.

Explained in chapters 06 and 07.
"""

from torch import nn

#: Networks of torchvision that must be told the image size, with the argument that does.
SIZE_ARGUMENTS = {"vit_": "image_size", "maxvit_": "input_size"}
#: Networks of torchvision that train with side outputs, which a single head has no use for.
SIDE_OUTPUTS = ("googlenet", "inception_v3")


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
        arguments |= {"aux_logits": False, "init_weights": True}
    return without_last_layer(torchvision.models.get_model(name, weights=None, **arguments))


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
