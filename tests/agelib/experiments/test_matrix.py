"""Every network with every target, and every optimiser with every schedule: a step lowers the loss.

A body is made once and gets a fresh head for each target: what the bodies compute after one target's step is where
the next target's step begins.
"""

import time

import numpy as np
import pandas as pd
import pytest
import torch

from agelib import networks, targets, training
from agelib.config import Network, Training, options
from agelib.networks.heads import make_head
from agelib.networks.registry import find
from agelib.pixels.batches import Batches

SIZE = 32
FACES = pd.DataFrame(
    {
        "path": [f"{i}.png" for i in range(4)],
        "age": [2.0, 24.0, 41.0, 70.0],
        "gender": ["female", "male", "female", None],
        "ethnicity": ["white", "black", "asian", "white"],
        "expression": ["happy", "other", "happy", "other"],
    }
)
#: Every target of the age, and all tasks together.
SETTINGS = {name: Training(target=name) for name in targets.names()} | {
    "several tasks": Training(target="expectation", tasks=("age", "gender", "ethnicity", "expression"))
}


def pictures():
    """Brighter is older, with noise."""
    generator = torch.Generator().manual_seed(0)
    ages = torch.tensor(FACES["age"].to_numpy(), dtype=torch.float32)
    return ages[:, None, None, None] / 35 - 1 + torch.randn(4, 3, SIZE, SIZE, generator=generator)


def body_of(name):
    """The body in training mode, with nothing left to chance: no unit is dropped."""
    body = networks.build(Network(network=name), 1, SIZE, seed=0).body
    for module in body.modules():
        for chance in ("p", "drop_prob", "dropout", "attention_dropout", "drop_rate"):
            if isinstance(getattr(module, chance, None), float):
                setattr(module, chance, 0.0)
    return body.train()


def lower(loss, parameters, again):
    """Take a step along the gradient, shorter if need be; whether `again` then gives a smaller loss, and what else."""
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    used = [(p, g) for p, g in zip(parameters, gradients, strict=True) if g is not None]
    weights, gradients = [p.data for p, _ in used], [g for _, g in used]
    steepness = sum(norm.item() ** 2 for norm in torch._foreach_norm(gradients))
    assert np.isfinite(steepness) and steepness > 0
    # As far as would lower a straight line by 5 %; where the loss is curved that may be too far, so halve it.
    step = 0.05 * max(abs(loss.item()), 0.1) / steepness
    torch._foreach_add_(weights, gradients, alpha=-step)
    for _ in range(8):
        features, after = again()
        if after.item() < loss.item():
            return True, features
        torch._foreach_add_(weights, gradients, alpha=step * 0.75)
        step *= 0.25
    return False, again()[0]


@pytest.mark.parametrize("name", networks.names())
def test_a_step_lowers_the_loss_of_every_target(name):
    started = time.perf_counter()
    body, x = body_of(name), pictures()
    features = body(x)
    stuck = []
    for title, settings in SETTINGS.items():
        target = targets.build(settings, targets.labels(settings, FACES))
        labels = torch.from_numpy(target.labels(FACES))
        torch.manual_seed(0)
        head = make_head(features.shape[1], find(name).head, target.outputs, last_layer=target.last_layer)

        def again(head=head, target=target, labels=labels):
            found = body(x)
            return found, target.loss(head(found), labels)

        parameters = [*body.parameters(), *head.parameters()]
        loss = target.loss(head(features), labels)
        lowered, features = lower(loss, parameters, again)
        if not lowered:
            stuck.append(title)
    print(f"{name}: {len(SETTINGS)} targets in {time.perf_counter() - started:.1f} s")
    assert not stuck


def test_no_target_is_left_out():
    assert set(options()["target"].choices) == set(targets.names())


def squares(settings):
    """Little pictures whose grey level is the age, in batches, and the target for them."""
    generator = np.random.default_rng(0)
    ages = generator.uniform(0, 100, 48)
    shown = ages[:, None, None, None] * 2 + generator.normal(0, 20, (48, 3, 16, 16))
    shown = shown.clip(0, 255).astype(np.uint8)
    common = {"mean": [0.4] * 3, "std": [0.3] * 3, "batch_size": 16}
    train = Batches(shown, np.arange(32), ages, shuffle=True, **common)
    return targets.build(settings, ages[:32, None]), train, Batches(shown, np.arange(32, 48), ages, **common)


#: Where an optimiser's usual learning rate is not that of Adam.
RATES = {"sgd": 1e-2, "adadelta": 1.0}


@pytest.mark.parametrize("schedule", options()["schedule"].choices)
@pytest.mark.parametrize("optimiser", options()["optimiser"].choices)
def test_every_optimiser_learns_with_every_schedule(optimiser, schedule, tmp_path):
    settings = Training(
        optimiser=optimiser, schedule=schedule, learning_rate=RATES.get(optimiser, 3e-3), epochs=4, batch_size=16
    )
    target, train, valid = squares(settings)
    network = networks.build(Network(blocks=2, base_features=4, hidden_neurons=8), 1, 16, seed=0)
    history = training.fit(network, target, train, valid, settings, tmp_path, torch.device("cpu"), progress=False)
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
