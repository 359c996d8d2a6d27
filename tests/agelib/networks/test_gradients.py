"""Weights that never get a gradient: counted by hand, and counted by the function."""

import pytest
import torch
from torch import nn
from varied_images import varied_images

from agelib import networks
from agelib.config import Network


def build(name, image_size):
    return networks.build(Network(network=name), 1, image_size, seed=0)


def test_a_kernel_on_one_position_learns_in_its_middle_alone():
    layers = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.Flatten(), nn.Linear(5, 1))
    table = networks.weights_without_gradient(layers, torch.randn(4, 3, 1, 1))
    assert table.loc["all"].tolist() == [3 * 5 * 9 + 5 + 6, 3 * 5 * 8, 3 * 5 * 8 / 146]


def test_62_percent_of_resnet18_get_no_gradient_from_images_of_32_pixels_and_hardly_any_from_64():
    # At 32 pixels the last stage's map is 1 x 1. Its first convolution has stride 2 and comes from 2 x 2: of each 3 x 3
    # kernel 4 weights meet an image; of the other three convolutions, the middle one.
    dead = 5 * 256 * 512 + 3 * 8 * 512 * 512
    table = networks.weights_without_gradient(build("resnet18", 32), varied_images(96, 32), steps=1)
    assert table.loc["stage 5", "without_gradient"] == table.loc["all", "without_gradient"] == dead
    assert table.loc["all", "share"] == pytest.approx(0.6215, abs=5e-5)
    # What is left at 64 pixels are single units that these few images leave shut.
    table = networks.weights_without_gradient(build("resnet18", 64), varied_images(32, 64), steps=1)
    assert table.loc["all", "share"] < 0.001


def test_kernels_that_are_wider_than_their_map_are_found():
    # EfficientNet-B0 ends on 2 x 2 of 64 pixels: of a depthwise 5 x 5 kernel the outer 16 weights meet zeros alone.
    # Three blocks of 1,152 channels have such kernels; those of 672 channels come from a map of 4 x 4.
    table = networks.weights_without_gradient(build("efficientnet_b0", 64), varied_images(16, 64))
    assert table.loc["all", "without_gradient"] == 3 * 1152 * 16
    assert table.loc["all", "share"] < 0.015


def test_a_branch_that_starts_at_zero_counts_from_the_second_step():
    class Branch(nn.Module):
        def __init__(self):
            super().__init__()
            self.inside, self.factor = nn.Linear(4, 4), nn.Parameter(torch.zeros(4))

        def forward(self, x):
            x = x.mean(dim=(2, 3)).repeat(1, 2)[:, :4]
            return x + self.factor * self.inside(x)

    torch.manual_seed(0)
    x = torch.randn(4, 3, 2, 2)
    first, second = (networks.weights_without_gradient(Branch(), x, steps=steps).loc["all"] for steps in (1, 2))
    assert first["without_gradient"] == 20 and second["without_gradient"] == 0


def test_neither_network_nor_generator_is_changed():
    network = build("efficientnet_b0", 32).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    networks.weights_without_gradient(network, varied_images(4, 32))
    assert torch.equal(torch.rand(3), expected)
    assert not network.training and all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(("number", "steps"), [(1, 1), (2, 0)])
def test_too_little_is_refused(number, steps):
    with pytest.raises(ValueError, match="at least 2 images and 1 step"):
        networks.weights_without_gradient(nn.Flatten(), torch.zeros(number, 3, 8, 8), steps)
