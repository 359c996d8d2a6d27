"""The studies' optimisers, by name. Explained in chapter 16."""

import torch

from agelib.config import Training


def make_optimiser(parameters, settings: Training) -> torch.optim.Optimizer:
    """Make the torch optimiser that `settings` names.

    Parameters
    ----------
    parameters : iterable of torch.nn.Parameter
    settings : agelib.config.Training
        Its fields optimiser, learning_rate, weight_decay, momentum and nesterov. Weight decay is for all parameters
        alike: also for biases, batch norm's scales and shifts, and the thresholds of an ordinal target.

    Examples
    --------
    >>> weight = torch.nn.Parameter(torch.zeros(2))
    >>> make_optimiser([weight], Training(optimiser="nadam", learning_rate=1e-4)).defaults["lr"]
    0.0001
    """
    kinds = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "nadam": torch.optim.NAdam,
        "sgd": torch.optim.SGD,
        "rmsprop": torch.optim.RMSprop,
        "adadelta": torch.optim.Adadelta,
        "adamax": torch.optim.Adamax,
    }
    options = {"fused": True} if settings.optimiser in ("adam", "adamw", "sgd") else {}
    if settings.optimiser == "sgd":
        options |= {"momentum": settings.momentum, "nesterov": settings.nesterov}
    kind = kinds[settings.optimiser]
    return kind(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, **options)
