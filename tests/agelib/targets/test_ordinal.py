"""Ordinal targets against coral-pytorch's published numbers and loops over ranks."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from agelib import targets
from agelib.config import Network, Training
from agelib.targets.ordinal import CORAL, CORN, ORCNN, SharedWeights

#: coral-pytorch (Raschka Research Group, MIT), coral_pytorch/tests/test_losses.py and the docstring of coral_loss.
LOGITS = torch.tensor([[2.1, 1.8, -2.1, -1.8], [1.9, -1.0, -1.5, -1.3], [1.9, 1.8, 1.7, 1.6]])


@pytest.mark.parametrize("make", [ORCNN, lambda first, last: CORAL(first, last, biases=(0.0,) * (last - first))])
def test_the_loss_is_coral_pytorchs(make):
    target = make(0, 4)
    ages = torch.tensor([[2.0], [1.0], [4.0]])  # levels 1100, 1000, 1111
    assert target.loss(LOGITS, ages).item() == pytest.approx(0.6920, abs=5e-5)
    each = [target.loss(LOGITS, ages, torch.eye(3)[row]).item() for row in range(3)]
    assert each == pytest.approx([0.5370, 0.8951, 0.6441], abs=5e-5)


def test_corn_is_coral_pytorchs():
    # The docstring of corn_loss in coral-pytorch 1.4.0.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(123)
        x, ages = torch.rand(8, 99), torch.tensor([[0.0], [1], [2], [2], [2], [3], [4], [4]])
        outputs = torch.nn.Linear(99, 4)(x)
    assert CORN(0, 4).loss(outputs, ages).item() == pytest.approx(0.7127, abs=5e-5)
    # Its test of the loss; version 1.0 divided by 5 classes where 1.4.0, as the paper, divides by 6 questions asked.
    loss = CORN(0, 4).loss(LOGITS, torch.tensor([[0.0], [1.0], [2.0]]))
    assert loss.item() == pytest.approx(0.9657 * 5 / 6, abs=5e-5)


def test_answers_become_ages_as_in_coral_pytorch():
    # coral_pytorch/tests/test_dataset__corn_label_from_logits.py and test_dataset__proba_to_label.py
    corn = torch.tensor([[14.152, -6.1942, 0.47710, 0.96850], [65.667, 0.303, 11.500, -4.524]])
    assert CORN(0, 4, estimate="median").decode(corn).tolist() == [1, 3]
    shares = torch.tensor(
        [[0.934, 0.861, 0.323, 0.492, 0.295], [0.496, 0.485, 0.267, 0.124, 0.058], [0.985, 0.967, 0.920, 0.819, 0.506]]
    )
    assert ORCNN(0, 5, estimate="median").decode(shares.logit()).tolist() == [2, 0, 5]


def corn_by_a_loop(outputs, ranks, weights):
    """The paper's definition, question by question (Shi, Cao and Raschka 2021, equation 7)."""
    total = asked = 0.0
    for question in range(outputs.shape[1]):
        mine = [i for i, rank in enumerate(ranks) if rank >= question]
        for i in mine:
            answer = torch.tensor(float(ranks[i] > question), dtype=outputs.dtype)
            total += weights[i] * functional.binary_cross_entropy(outputs[i, question].sigmoid(), answer).item()
            asked += weights[i]
    return total / asked


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(2, 7))
def test_corn_is_the_loop_over_ranks(seed, pictures, number):
    generator = np.random.default_rng(seed)
    outputs = torch.tensor(generator.normal(size=(pictures, number - 1)) * 3)
    ranks, weights = generator.integers(0, number, pictures), generator.uniform(0.1, 3, pictures)
    target, ages = CORN(20, 20 + number - 1), torch.tensor(20.0 + ranks)[:, None]
    assert target.loss(outputs, ages).item() == pytest.approx(corn_by_a_loop(outputs, ranks, np.ones(pictures)))
    weighted = target.loss(outputs, ages, torch.tensor(weights))
    assert weighted.item() == pytest.approx(corn_by_a_loop(outputs, ranks, weights))


@given(st.integers(0, 2**32 - 1), st.integers(2, 9))
def test_corns_posterior_is_the_product_of_its_conditional_answers(seed, number):
    outputs = torch.tensor(np.random.default_rng(seed).normal(size=(1, number - 1)) * 3)
    yes = outputs[0].sigmoid().tolist()
    expected = [np.prod(yes[:k]) * (1 - yes[k] if k < number - 1 else 1) for k in range(number)]
    target = CORN(0, number - 1)
    assert target.posterior(outputs)[0].tolist() == pytest.approx(expected)
    assert target.older(outputs)[0].tolist() == pytest.approx(np.cumprod(yes).tolist())


@given(st.integers(0, 2**32 - 1), st.integers(2, 9))
def test_sorting_leaves_the_expected_age_and_the_number_of_yeses(seed, number):
    outputs = torch.tensor(np.random.default_rng(seed).normal(size=(4, number - 1)) * 2)
    mean = ORCNN(30, 30 + number - 1).decode(outputs)
    assert mean.tolist() == pytest.approx((30 + outputs.sigmoid().sum(dim=1)).tolist())
    median = ORCNN(30, 30 + number - 1, estimate="median").decode(outputs)
    assert median.tolist() == (30 + (outputs > 0).sum(dim=1)).tolist()


AGES = np.array([[20.0], [20.0], [21.0], [24.0], [24.4]])


def test_coral_starts_at_the_training_parts_own_distribution():
    target = targets.build(Training(target="coral"), AGES)
    layer = target.last_layer(6)
    assert (target.outputs, target.ages.tolist()) == (5, [20, 21, 22, 23, 24, 25])
    # Older than 20: 3 of 5, than 21 to 23: 2 of 5, than 24 (24.4 counts as 24): none; half a picture on either side.
    expected = np.log([3.5 / 2.5, 2.5 / 3.5, 2.5 / 3.5, 2.5 / 3.5, 0.5 / 5.5])
    assert layer(torch.zeros(1, 6))[0].tolist() == pytest.approx(expected)


@given(st.integers(0, 2**16))
def test_corals_answers_never_contradict_each_other(seed):
    layer = targets.build(Training(target="coral"), AGES).last_layer(6)
    x = torch.randn(20, 6, generator=torch.Generator().manual_seed(seed)) * 10
    assert (layer(x).diff(dim=1) <= 0).all()


def test_corals_questions_share_their_weights_and_have_biases_of_their_own():
    layer = SharedWeights(7, np.zeros(100))
    assert {name: list(value.shape) for name, value in layer.state_dict().items()} == {
        "weight.weight": [1, 7],
        "bias": [100],
    }
    layer(torch.ones(3, 7))[:, 0].sum().backward()
    assert layer.bias.grad.tolist() == [3.0, *[0.0] * 99]
    assert layer.weight.weight.grad.tolist() == [[3.0] * 7]


def test_corals_layer_is_the_networks_and_saved_with_it():
    from agelib import networks

    target = targets.build(Training(target="coral"), AGES)
    made = [
        networks.build(
            Network(network="basic_cnn", blocks=1, base_features=2, hidden_neurons=4),
            target.outputs,
            8,
            seed=1,
            last_layer=target.last_layer,
        )
        for _ in range(2)
    ]
    last = [name for name, value in made[0].state_dict().items() if list(value.shape) == [5]]
    assert len(last) == 1
    assert "bias" in last[0]
    x = torch.rand(2, 3, 8, 8)
    assert made[0](x).shape == (2, 5)
    assert all(torch.equal(a, b) for a, b in zip(made[0].parameters(), made[1].parameters(), strict=True))


def test_only_coral_asks_for_a_last_layer():
    asking = {name for name in targets.names() if targets.build(Training(target=name), AGES).last_layer}
    assert asking == {"coral"}


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"corn takes outputs \[B, 4\].*not \[2, 5\] and \[2, 1\]"):
        CORN(0, 4).loss(torch.zeros(2, 5), torch.zeros(2, 1))
    with pytest.raises(ValueError, match="weights have the shape"):
        CORN(0, 4).loss(torch.zeros(2, 4), torch.zeros(2, 1), torch.ones(3))
    with pytest.raises(ValueError, match="one bias for each of 4 questions, not 3"):
        CORAL(0, 4, biases=(0.0,) * 3)
