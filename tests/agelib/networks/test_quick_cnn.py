"""The quick network: its size by hand, its sizes of pictures, and that folding loses nothing."""

import pytest
import torch

from agelib import networks
from agelib.config import Network
from agelib.networks.quick_cnn import QuickCNN


def test_parameters_are_those_counted_by_hand():
    body = QuickCNN(32, blocks=3, base_features=8, hidden_neurons=10)
    stem = 12 * 8 * 9 + 2 * 8
    second = 8 * 16 * 9 + 2 * 16
    third = 16 * 32 * 9 + 2 * 32
    hidden = 32 * 4 * 4 * 10 + 10
    assert sum(each.numel() for each in body.parameters()) == stem + second + third + hidden


@pytest.mark.parametrize("side", [32, 40, 48, 64, 80])
def test_pictures_of_other_sizes_go_through(side):
    network = networks.build(Network(network="quick_cnn", base_features=4), 3, 64, seed=1)
    assert network(torch.rand(2, 3, side, side)).shape == (2, 3)


def test_nothing_of_the_picture_is_lost_in_folding():
    folded = QuickCNN(32, blocks=2).blocks[0][0](torch.arange(3 * 4 * 4.0).view(1, 3, 4, 4))
    assert folded.shape == (1, 12, 2, 2)
    assert sorted(folded.flatten().tolist()) == list(range(48))
    # The four pixels of the first place, of the first channel.
    assert folded[0, :4, 0, 0].tolist() == [0, 1, 4, 5]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"blocks": 6}, "2 to 5 blocks"), ({"base_features": 0}, "at least 1"), ({"blocks": 5}, "image_size from 32")],
)
def test_what_cannot_be_is_said(options, said):
    with pytest.raises(ValueError, match=said):
        QuickCNN(16, **options)
