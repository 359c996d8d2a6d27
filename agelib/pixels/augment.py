"""Random changes of training pictures, a whole batch at a time, on the device where the batch lies.

A face that is mirrored, turned a little or lit otherwise has the same age, so a network that sees such changes learns
more from the same pictures. The changes and their strengths are those of the UTKFace study (Benyamin 2023): shift and
scale by 0.05 and rotation by 15°, random crop, Gaussian blur, brightness and contrast, each with probability 0.5.
The mirror image, and the strengths of crop, blur and light, are our choice. Explained in chapter 04.
"""

import difflib
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

#: Name → what it does, in the order in which it is done.
NAMES = {
    "flip": "mirror left and right",
    "affine": "shift by up to 0.05 of the side, scale by up to 0.05, rotate by up to 15°",
    "crop": "cut out a square of 0.8 to 1 of the side, and enlarge it again",
    "blur": "Gaussian blur, sigma 0.1 to 1.5 pixels for a picture of 64 pixels",
    "light": "brightness and contrast by up to 0.2",
}

SHIFT, SCALE, DEGREES = 0.05, 0.05, 15.0
SMALLEST_CROP = 0.8
SIGMA, SIGMA_SIZE = (0.1, 1.5), 64
BRIGHTNESS, CONTRAST = 0.2, 0.2

#: The random numbers that a picture takes, uniform in 0..1: one for each decision, then one for each amount.
DRAWS = (*NAMES, "angle", "scale", "right", "down", "side", "crop_right", "crop_down", "sigma", "bright", "contrast")


@dataclass(frozen=True)
class Augment:
    """Random changes of a batch of pictures; made by :func:`build`.

    Attributes
    ----------
    names, probability : tuple of str, float
        What is changed, of :data:`NAMES`, and how often each of them happens to a picture.
    """

    names: tuple
    probability: float = 0.5

    def __call__(
        self, x: torch.Tensor, generator: torch.Generator, count: int | None = None, places=slice(None)
    ) -> torch.Tensor:
        """Return changed pictures.

        Parameters
        ----------
        x : torch.Tensor
            float [B, C, S, S] in 0..1, on any device; it is left as it is.
        generator : torch.Generator
            Where the random numbers come from: as many for each picture whatever `names` is. With a generator on the
            CPU, a batch is changed by the same amounts on every device.
        count, places : int, slice or tensor of int
            Of how many pictures `x` is a share (random numbers are drawn for all), and which it holds; by default all.

        Returns
        -------
        torch.Tensor
            Like `x`; values stay in 0..1.

        Raises
        ------
        ValueError
            If `x` is not of that kind.
        """
        if x.ndim != 4 or not x.is_floating_point():
            raise ValueError(f"pictures to augment are float [B, C, S, S] in 0..1, not {x.dtype} {list(x.shape)}")
        drawn = len(x) if count is None else count
        numbers = torch.rand(len(DRAWS), drawn, generator=generator, device=generator.device)[:, places]
        draw = dict(zip(DRAWS, numbers, strict=True))
        happens = {name: (draw[name] < self.probability) & (name in self.names) for name in NAMES}

        x = _change(x, happens["flip"], flip)
        # Turning and cropping are both maps of coordinates: joined to one, the picture is interpolated only once.
        turns = turn(
            _between(-DEGREES, DEGREES, draw["angle"]),
            _between(1 - SCALE, 1 + SCALE, draw["scale"]),
            _between(-SHIFT, SHIFT, draw["right"]),
            _between(-SHIFT, SHIFT, draw["down"]),
        )
        crops = crop(_between(SMALLEST_CROP, 1.0, draw["side"]), draw["crop_right"], draw["crop_down"])
        still = torch.eye(3, device=generator.device)
        turns = torch.where(happens["affine"][:, None, None], turns, still)
        crops = torch.where(happens["crop"][:, None, None], crops, still)
        x = _change(x, happens["affine"] | happens["crop"], warp, turns @ crops)
        x = _change(x, happens["blur"], blur, _between(*SIGMA, draw["sigma"]) * x.shape[-1] / SIGMA_SIZE)
        return _change(
            x,
            happens["light"],
            light,
            _between(-BRIGHTNESS, BRIGHTNESS, draw["bright"]),
            _between(1 - CONTRAST, 1 + CONTRAST, draw["contrast"]),
        )


def build(names, probability: float = 0.5) -> Augment:
    """Make the changes of the given names.

    Parameters
    ----------
    names : tuple of str
        Of :data:`NAMES`; they are done in that order, whatever order they are given in. Empty changes nothing.
    probability : float
        How often each happens to a picture, 0 to 1; decided for each picture by itself.

    Raises
    ------
    ValueError
        If a name is unknown, or the probability is not in 0..1.

    Examples
    --------
    >>> augment = build(("flip", "light"))
    >>> x = torch.rand(8, 3, 64, 64)
    >>> augment(x, torch.Generator().manual_seed(42)).shape
    torch.Size([8, 3, 64, 64])
    >>> build(("flipp",))
    Traceback (most recent call last):
    ...
    ValueError: there is no augmentation 'flipp'; did you mean 'flip'? There are: flip, affine, crop, blur, light
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        if name not in NAMES:
            near = difflib.get_close_matches(str(name), NAMES, n=1)
            hint = f"did you mean {near[0]!r}? There are" if near else "there are"
            raise ValueError(f"there is no augmentation {name!r}; {hint}: {', '.join(NAMES)}")
    if not 0 <= probability <= 1:
        raise ValueError(f"the probability of an augmentation is from 0 to 1, not {probability}")
    return Augment(tuple(name for name in NAMES if name in names), float(probability))


def flip(x: torch.Tensor) -> torch.Tensor:
    """Mirror left and right."""
    return x.flip(-1)


def turn(degrees, scale, right, down) -> torch.Tensor:
    """Maps of coordinates that rotate counterclockwise, enlarge and shift: [B, 3, 3].

    A map takes a place in the result to the place in the picture that is shown there; places run from −1 to 1, x to
    the right and y down. `right` and `down` are shares of the side.
    """
    angle = degrees * (math.pi / 180)
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    x, y = -2 * right, -2 * down
    rows = [cosine, -sine, cosine * x - sine * y, sine, cosine, sine * x + cosine * y]
    return _matrices(rows)


def crop(side, right, down) -> torch.Tensor:
    """Maps of coordinates that enlarge a square of `side` (share of the picture's side): [B, 3, 3].

    `right` and `down`, from 0 to 1, say where it lies between the two edges.
    """
    room = 1 - side
    none = torch.zeros_like(side)
    return _matrices([side, none, room * (2 * right - 1), none, side, room * (2 * down - 1)])


def _matrices(rows: list) -> torch.Tensor:
    top = torch.stack(rows, dim=-1).view(-1, 2, 3)
    return torch.cat([top, torch.tensor([0.0, 0.0, 1.0], device=top.device).expand(len(top), 1, 3)], dim=1)


def warp(x: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Sample pictures [B, C, S, S] through maps of coordinates [B, 3, 3]; beyond the edge the picture is mirrored."""
    places = F.affine_grid(maps[:, :2].to(x.dtype), x.shape, align_corners=False)  # [B, S, S, 2]
    x = F.grid_sample(x, places, mode="bilinear", padding_mode="reflection", align_corners=False)
    return x.clamp_(0, 1)  # The weights of a bilinear mean may add up to a hair more than 1.


def blur(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Blur each picture of [B, C, S, S] by a Gaussian of its own sigma [B], in pixels; edges are mirrored.

    The kernels end at three times the largest sigma that :class:`Augment` draws for this size. All channels of all
    pictures go through one convolution as groups of their own.
    """
    batch, channels, size = x.shape[:3]
    reach = min(math.ceil(3 * SIGMA[1] * size / SIGMA_SIZE), size - 1)
    steps = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    kernels = torch.exp(-(steps**2) / (2 * sigma.to(x.dtype)[:, None] ** 2))  # [B, 2 reach + 1]
    kernels = (kernels / kernels.sum(1, keepdim=True)).repeat_interleave(channels, 0)[:, None]
    x = F.pad(x.reshape(1, batch * channels, size, size), (reach,) * 4, mode="reflect")
    x = F.conv2d(x, kernels[:, :, None, :], groups=batch * channels)
    x = F.conv2d(x, kernels[:, :, :, None], groups=batch * channels)
    return x.view(batch, channels, size, size).clamp_(0, 1)


def light(x: torch.Tensor, brightness: torch.Tensor, contrast: torch.Tensor) -> torch.Tensor:
    """Stretch each picture about its own mean by `contrast` [B], then add `brightness` [B]; cut at 0 and 1."""
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    contrast, brightness = contrast.to(x.dtype).view(-1, 1, 1, 1), brightness.to(x.dtype).view(-1, 1, 1, 1)
    return (x * contrast + (mean * (1 - contrast) + brightness)).clamp_(0, 1)


def _between(low: float, high: float, share: torch.Tensor) -> torch.Tensor:
    return low + (high - low) * share


def _change(x: torch.Tensor, chosen: torch.Tensor, change, *amounts: torch.Tensor) -> torch.Tensor:
    """Replace the chosen pictures by their changed selves; the others are not computed at all."""
    if not chosen.any():
        return x
    if chosen.all():
        return change(x, *(amount.to(x.device) for amount in amounts))
    places = chosen.nonzero()[:, 0]
    amounts = [amount[places].to(x.device) for amount in amounts]
    places = places.to(x.device)
    return x.index_copy(0, places, change(x[places], *amounts))
