"""Random changes of pictures, against torchvision's and scipy's own."""

import numpy as np
import pytest
import scipy.ndimage
import torch
import torchvision.transforms.v2.functional as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from agelib.pixels import augment as augmentation
from agelib.pixels.augment import build

ALL = tuple(augmentation.NAMES)
X = torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(42))


def generator(seed=42):
    return torch.Generator().manual_seed(seed)


def smooth(size=64):
    """A smooth picture, so that two interpolations of it are near each other: [1, 3, size, size]."""
    places = torch.linspace(0, 6, size)
    waves = [torch.sin(places[:, None] * (i + 1) / 2) * torch.cos(places[None] * (i + 2) / 3) for i in range(3)]
    return 0.5 + 0.4 * torch.stack(waves)[None]


def inner(x, edge):
    return x[..., edge:-edge, edge:-edge]


@pytest.mark.parametrize("names", [ALL, *((name,) for name in ALL)])
def test_the_same_seed_gives_the_same_pictures(names):
    augment = build(names)
    assert torch.equal(augment(X, generator()), augment(X, generator()))
    assert not torch.equal(augment(X, generator()), augment(X, generator(1)))


@pytest.mark.parametrize("names", [ALL, *((name,) for name in ALL)])
def test_nothing_changes_with_probability_0_and_everything_with_1(names):
    before = X.clone()
    assert torch.equal(build(names, probability=0)(X, generator()), X)
    changed = build(names, probability=1)(X, generator())
    different = (changed != X).flatten(1).any(1).float().mean()
    assert different == 1 if names != ("blur",) else different > 0.8  # a tenth of a pixel's blur may change nothing
    assert torch.equal(before, X)


def test_no_names_change_nothing():
    assert torch.equal(build(())(X, generator()), X)


@settings(max_examples=25, deadline=None)
@given(
    names=st.sets(st.sampled_from(ALL)),
    seed=st.integers(0, 2**31),
    size=st.sampled_from([8, 17, 64]),
    channels=st.sampled_from([1, 3]),
)
def test_values_shape_and_kind_stay(names, seed, size, channels):
    x = torch.rand(6, channels, size, size, generator=generator(seed)).round()  # only 0 and 1: the worst case
    changed = build(tuple(names), probability=0.8)(x, generator(seed))
    assert changed.shape == x.shape
    assert changed.dtype == x.dtype
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_flip_is_torchs():
    assert torch.equal(build(("flip",), probability=1)(X, generator()), torch.flip(X, dims=(3,)))


def test_each_picture_is_decided_by_itself():
    x = torch.arange(4.0).div(4).expand(4000, 1, 1, 4)
    flipped = build(("flip",), probability=0.3)(x, generator())[:, 0, 0, 0] > 0
    assert abs(flipped.float().mean() - 0.3) < 4 * (0.3 * 0.7 / 4000) ** 0.5
    assert flipped[:-1].ne(flipped[1:]).any()


def test_one_change_does_not_depend_on_which_others_are_asked_for():
    dark = X * 0.0
    light = build(("light",))(dark, generator())
    assert torch.equal(build(("flip", "affine", "light"))(dark, generator()), light)
    numbers = generator()
    build(())(X, numbers)
    others = generator()
    build(ALL)(X, others)
    assert torch.equal(torch.rand(3, generator=numbers), torch.rand(3, generator=others))


@pytest.mark.parametrize("degrees", [-15.0, 7.5, 15.0])
def test_rotation_is_torchvisions_and_scipys(degrees):
    x, one, none = smooth(), torch.ones(1), torch.zeros(1)
    turned = augmentation.warp(x, augmentation.turn(torch.tensor([degrees]), one, none, none))
    vision = reference.rotate(x, degrees, interpolation=reference.InterpolationMode.BILINEAR)
    torch.testing.assert_close(inner(turned, 14), inner(vision, 14), rtol=0, atol=1e-4)
    science = scipy.ndimage.rotate(x[0].numpy(), degrees, axes=(1, 2), reshape=False, order=1)
    np.testing.assert_allclose(inner(turned[0], 14), science[:, 14:-14, 14:-14], atol=1e-4)


def test_affine_is_torchvisions():
    x = smooth()
    turned = augmentation.warp(
        x, augmentation.turn(*(torch.tensor([value]) for value in (-10.0, 1.04, 2 / 64, -3 / 64)))
    )
    vision = reference.affine(
        x, angle=10.0, translate=[2, -3], scale=1.04, shear=[0.0], interpolation=reference.InterpolationMode.BILINEAR
    )
    torch.testing.assert_close(inner(turned, 14), inner(vision, 14), rtol=0, atol=1e-3)


def test_beyond_the_edge_the_picture_is_mirrored():
    x = torch.arange(8.0).div(8).expand(1, 1, 8, 8)
    one, none = torch.ones(1), torch.zeros(1)
    shifted = augmentation.warp(x, augmentation.turn(none, one, torch.tensor([0.25]), none))
    torch.testing.assert_close(shifted[0, 0, 0], torch.tensor([1.0, 0, 0, 1, 2, 3, 4, 5]) / 8, rtol=0, atol=1e-5)


def test_crop_is_cut_and_resize():
    x = smooth()
    side, right, down = 48 / 64, 0.25, 1.0  # a square of 48 pixels, 4 from the left, 16 from the top
    cropped = augmentation.warp(x, augmentation.crop(*(torch.tensor([value]) for value in (side, right, down))))
    vision = reference.resized_crop(x, top=16, left=4, height=48, width=48, size=[64, 64], antialias=False)
    torch.testing.assert_close(inner(cropped, 2), inner(vision, 2), rtol=0, atol=1e-5)


def test_blur_is_a_gaussian_with_a_sigma_for_each_picture():
    sigma = torch.tensor([0.1, 0.8, 1.5])
    blurred = augmentation.blur(X[:3], sigma)
    reach = 3  # three times 1.5 pixels of 64 are 2.25 of 32
    for picture, its_sigma, result in zip(X, sigma.tolist(), blurred, strict=False):
        vision = reference.gaussian_blur(picture, kernel_size=2 * reach + 1, sigma=its_sigma)
        torch.testing.assert_close(result, vision, rtol=0, atol=1e-5)


def test_blur_grows_with_the_size_of_the_picture():
    spreads = []
    for size in (65, 257):
        dots = torch.zeros(40, 1, size, size)
        dots[:, :, size // 2, size // 2] = 1
        across = build(("blur",), probability=1)(dots, generator())[:, 0].sum(1)
        places = torch.arange(float(size)) - size // 2
        spreads.append((across * places**2).sum(1).sqrt())
    wide = spreads[0] > 0.7
    assert wide.sum() > 10
    torch.testing.assert_close(
        spreads[1][wide] / spreads[0][wide], torch.full((int(wide.sum()),), 257 / 65), rtol=0.03, atol=0
    )


def test_light_stretches_about_the_mean_and_shifts():
    x = torch.tensor([0.2, 0.4, 0.6, 0.8]).expand(2, 3, 1, 4)
    lit = augmentation.light(x, torch.tensor([0.1, -0.3]), torch.tensor([0.5, 1.0]))
    torch.testing.assert_close(lit[0, 0, 0], torch.tensor([0.45, 0.55, 0.65, 0.75]))
    torch.testing.assert_close(lit[1, 0, 0], torch.tensor([0.0, 0.1, 0.3, 0.5]))


def test_amounts_stay_within_what_the_study_used():
    dot = torch.zeros(500, 1, 101, 101)
    dot[:, :, 50, 50] = 1
    places = torch.arange(101.0)
    moved = build(("affine",), probability=1)(dot, generator())[:, 0]
    moved = moved / moved.sum((1, 2), keepdim=True)
    for axis in (1, 2):
        centre = (moved.sum(axis) * places).sum(1)
        assert centre.min() >= 50 - 0.05 * 101 - 1
        assert centre.max() <= 50 + 0.05 * 101 + 1
        assert centre.std() > 1.5
    grey = torch.full((500, 1, 4, 4), 0.5)
    lit = build(("light",), probability=1)(grey, generator())[:, 0, 0, 0]
    assert 0.3 <= lit.min() < 0.32
    assert 0.68 < lit.max() <= 0.7


def test_an_unknown_name_is_said_with_the_nearest_and_the_list():
    with pytest.raises(ValueError, match=r"no augmentation 'afine'; did you mean 'affine'\? There are: flip, affine"):
        build(("flip", "afine"))
    with pytest.raises(ValueError, match="no augmentation 'xyz'; there are: flip, affine, crop, blur, light"):
        build("xyz")
    with pytest.raises(ValueError, match="from 0 to 1, not 2"):
        build(("flip",), probability=2)


def test_bytes_are_refused():
    with pytest.raises(ValueError, match=r"float \[B, C, S, S\] in 0..1, not torch.uint8 \[2, 3, 8, 8\]"):
        build(("flip",))(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), generator())
