"""The quick residual network: its size by hand, its sizes of pictures, and that it begins as a plain network."""

import pytest
import torch

from agelib import networks
from agelib.experiment import Network
from agelib.networks.quick_resnet import QuickResNet, Residual


def test_parameters_are_those_counted_by_hand():
    body = QuickResNet(32, blocks=3, base_features=8, hidden_neurons=10)
    stem = 12 * 8 * 9 + 2 * 8
    second = 8 * 16 * 9 + 2 * 16 + 2 * (16 * 16 * 9 + 2 * 16)
    third = 16 * 32 * 9 + 2 * 32 + 2 * (32 * 32 * 9 + 2 * 32)
    hidden = 32 * 4 * 4 * 10 + 10
    assert sum(each.numel() for each in body.parameters()) == stem + second + third + hidden


@pytest.mark.parametrize("side", [32, 40, 48, 64, 80])
def test_pictures_of_other_sizes_go_through(side):
    network = networks.build(Network(network="quick_resnet", base_features=4), 3, 64, seed=1)
    assert network(torch.rand(2, 3, side, side)).shape == (2, 3)


def test_nothing_of_the_picture_is_lost_in_folding():
    folded = QuickResNet(32, blocks=2).blocks[0][0](torch.arange(3 * 4 * 4.0).view(1, 3, 4, 4))
    assert folded.shape == (1, 12, 2, 2)
    assert sorted(folded.flatten().tolist()) == list(range(48))
    # The four pixels of the first place, of the first channel.
    assert folded[0, :4, 0, 0].tolist() == [0, 1, 4, 5]


def test_a_residual_block_learns_although_it_begins_as_nothing():
    block = Residual(4)
    block(torch.rand(8, 4, 6, 6)).square().sum().backward()
    assert block.norm.weight.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"blocks": 6}, "2 to 5 blocks"),
        ({"base_features": 0}, "at least 1"),
        ({"blocks": 5}, "image_size from 32"),
    ],
)
def test_what_cannot_be_is_said(options, said):
    with pytest.raises(ValueError, match=said):
        QuickResNet(16, **options)
