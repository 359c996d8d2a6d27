"""Random images that differ in what is large in them, so that few of a network's units are shut for all of them."""

import torch


def varied_images(number: int, size: int, seed: int = 0) -> torch.Tensor:
    """Soft blots under a little noise: float32 [number, 3, size, size]."""
    generator = torch.Generator().manual_seed(seed)
    blots = torch.randn(number, 3, 4, 4, generator=generator)
    noise = torch.randn(number, 3, size, size, generator=generator)
    return torch.nn.functional.interpolate(blots, size=(size, size), mode="bilinear") + 0.3 * noise
