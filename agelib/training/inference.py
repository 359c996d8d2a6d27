"""A trained network asked for its outputs. Nothing of fastai is needed, or loaded. Explained in chapter 06."""

import torch

from agelib.runtime import malloc
from agelib.runtime.devices import choose_device
from agelib.training import data_parallel


@malloc.kept()
@torch.no_grad()
def outputs(network, batches, device=None, flip: bool = False) -> torch.Tensor:
    """What the network gives for every picture of `batches`, in order: float32 [N, outputs], on the CPU.

    With `flip` it is the mean over each picture and its mirror image, which no camera tells apart. Several processes
    that were launched together share the pictures, and each gets all outputs.
    """
    device = choose_device() if device is None else device
    network.to(device, memory_format=torch.channels_last).eval()
    found = []
    for x, y in data_parallel.shared(batches):
        x = x.to(device, memory_format=torch.channels_last)  # [B, 3, S, S]
        given = network(x).float()  # [B, outputs]
        if flip:
            given = (given + network(x.flip(-1)).float()) / 2
        # Pictures that nobody has labelled are not shared.
        found.append((given if y is None else data_parallel.whole(given, len(y))).cpu())
    return torch.cat(found)


def predict(network, target, batches, device=None, flip: bool = False) -> torch.Tensor:
    """Ages in years for every picture of `batches`, in order: float32 [N], on the CPU."""
    return target.decode(outputs(network, batches, device, flip))
