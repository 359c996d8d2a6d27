"""Swin Transformer V2 (timm's "CR" version) at any image size that fits. Explained in chapter 10.

Liu et al., *Swin Transformer V2: Scaling Up Capacity and Resolution*, CVPR 2022. Study A uses the tiny one at
224 pixels from random weights and puts a three-layer MLP behind its 1,000 class outputs.

The picture is cut into patches of 4 × 4 pixels; four stages work on maps of S/4, S/8, S/16 and S/32 patches a side.
Attention looks inside square windows. timm makes a window 1/8 of the first map: 7 × 7 at 224 pixels, but 1 × 1 at
32 pixels, where a patch could only look at itself. So a window here has the same 1/8, and never fewer than 4 × 4.
"""

from torch import nn

PATCH = 4
STAGES = 4
LEAST_WINDOW, MOST_WINDOW = 4, 16


def stage_maps(image_size: int) -> list[int]:
    """Sides of the four stages' maps, in patches; an odd side is padded before it is halved.

    >>> stage_maps(224), stage_maps(48)
    ([56, 28, 14, 7], [12, 6, 3, 2])
    """
    maps = [image_size // PATCH]
    while len(maps) < STAGES:
        maps.append((maps[-1] + 1) // 2)
    return maps


def window_size(image_size: int) -> int:
    """Side of the attention windows, in patches: an eighth of the first map, 4 at least, without padding.

    A map is either smaller than the window (then it is one window) or a whole number of windows; a window that
    sticks out would mix empty patches into the attention.

    Raises
    ------
    ValueError
        If no window fits; it names image sizes near by that do.

    Examples
    --------
    >>> [window_size(size) for size in (32, 48, 64, 96, 128, 224, 256, 384)]
    [4, 6, 4, 6, 4, 7, 8, 12]
    >>> window_size(100)
    Traceback (most recent call last):
    ...
    ValueError: swinv2_cr: image_size 100 does not fit: ...; near by 88, 96, 104, 112 fit
    """
    found = _window(image_size)
    if found:
        return found
    sizes = range(LEAST_WINDOW * PATCH, 1025)
    near = sorted(sorted((s for s in sizes if _window(s)), key=lambda s: abs(s - image_size))[:4])
    raise ValueError(
        f"swinv2_cr: image_size {image_size} does not fit: a multiple of {PATCH} whose maps divide into windows of "
        f"{LEAST_WINDOW} to {MOST_WINDOW} patches is needed; near by {', '.join(map(str, near))} fit"
    )


def _window(image_size: int) -> int:
    """The window, or 0 if there is none."""
    if image_size % PATCH or image_size < LEAST_WINDOW * PATCH:
        return 0
    maps = stage_maps(image_size)
    for window in range(max(LEAST_WINDOW, maps[0] // 8), MOST_WINDOW + 1):
        if all(side <= window or side % window == 0 for side in maps):
            return window
    return 0


def body(name: str, network, image_size: int) -> nn.Module:
    """Make the network with its 1,000 class outputs as features; see :func:`agelib.networks.build`."""
    import timm

    return timm.create_model(name, img_size=image_size, window_size=window_size(image_size), num_classes=1000)
