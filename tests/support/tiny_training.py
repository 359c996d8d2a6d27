"""A training of a second on pictures whose grey level is the age."""

import numpy as np
import torch

from agelib import networks, targets, training
from agelib.config import Network, Training
from agelib.pixels.batches import Batches

CPU = torch.device("cpu")


def squares(number=96, size=16, seed=0):
    """Pictures whose grey level is the age, with noise: easy, and no faces."""
    generator = np.random.default_rng(seed)
    ages = generator.uniform(0, 100, number)
    pictures = ages[:, None, None, None] * 2 + generator.normal(0, 20, (number, 3, size, size))
    return pictures.clip(0, 255).astype(np.uint8), ages


def parts(settings, augment=None):
    pictures, ages = squares()
    target = targets.build(settings, ages[:64, None])
    common = {"mean": [0.4] * 3, "std": [0.3] * 3, "batch_size": settings.batch_size, "seed": settings.seed}
    train = Batches(pictures, np.arange(64), ages, shuffle=True, augment=augment, **common)
    valid = Batches(pictures, np.arange(64, 96), ages, **common)
    return target, train, valid


def little_network(seed=42, dropout=0.3):
    options = Network(blocks=2, base_features=4, hidden_neurons=8, dropout=dropout)
    return networks.build(options, 1, 16, seed=seed)


def fit(folder, progress=False, augment=None, mixup=0.0, dropout=0.3, **changes):
    settings = Training(**({"epochs": 4, "batch_size": 16, "learning_rate": 1e-2} | changes))
    target, train, valid = parts(settings, augment)
    network = little_network(dropout=dropout)
    history = training.fit(network, target, train, valid, settings, folder, CPU, progress=progress, mixup=mixup)
    return history, network
