"""The one number of an image that a map explains: its age in years. Explained in chapter 19.

A prediction is a function of the network's outputs [B, outputs] → [B], here as the target decodes them. Any other one
does too, such as ``lambda outputs: outputs[:, 3]``, the score of a class: every kind of map works with every target.
"""


def age(target):
    """Make the function outputs [B, outputs] → predicted age [B] in years, as a model's target decodes it.

    If the target gives no age it is a ValueError.

    Examples
    --------
    >>> import torch
    >>> from agelib.targets.classes import Groups
    >>> answer = age(Groups("0,20,60", mean_ages=(10.0, 40.0, 70.0)))
    >>> answer(torch.zeros(1, 3))
    tensor([40.])
    """
    if not target.gives_age:
        said = "this target gives no age to explain; explain one of its outputs: lambda outputs: outputs[:, 0]"
        raise ValueError(said)
    return target.decode


def mean_age(target):
    """The mean of the posterior in years: it moves with every change of the outputs, where a median or mode jumps.

    It takes, gives and refuses what :func:`age` does; of a target without a posterior it is the same.

    Examples
    --------
    >>> import torch
    >>> from agelib.targets.distributions import Expectation
    >>> outputs = torch.tensor([[0.0, 0.0, 2.0]], requires_grad=True)
    >>> target = Expectation(20, 22, estimate="median")
    >>> age(target)(outputs), mean_age(target)(outputs)
    (tensor([22.]), tensor([21.6805], grad_fn=<MvBackward0>))
    """
    answer = age(target)
    if target.ages is None:
        return answer

    def mean(outputs):
        posterior = target.posterior(outputs)  # [B, A]
        return posterior @ posterior.new_tensor(target.ages)

    return mean
