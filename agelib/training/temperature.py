"""How sure a trained network is: one temperature for each task, chosen by the validation part. Explained in chapter 21.

A training that mixes or smooths labels leaves probabilities flatter than what happens, a long one leaves them sharper.
Either way the outputs are divided by the temperature of the least log score (Guo et al. 2017). The division goes into
the weights of the last layer, so that whoever uses the network later need not know of it.
"""

import math

import torch

from agelib.targets.base import known

#: Temperatures that are tried: from nearly all on one class to nearly flat.
TEMPERATURES = (0.02, 50.0)

#: A probability below this counts as this where its logarithm is taken: half precision may have rounded it to 0.
LEAST_PROBABILITY = 1e-12


def require_probabilities(target) -> None:
    """Make sure that a softmax makes a target's outputs probabilities, before hours are spent on a training.

    >>> from agelib.targets.regression import Regression
    >>> require_probabilities(Regression())
    Traceback (most recent call last):
    ...
    ValueError: tempered: the outputs of the task age are no probabilities; choose the target distribution,
    expectation, dldl_v2, mean_variance or groups
    """
    number = sum(target.outputs) if isinstance(target.outputs, tuple) else target.outputs
    nothing = torch.zeros(0, number), torch.zeros(0, target.columns)
    for task, mine, *_ in target.by_task(*nothing):
        if not mine.is_softmax:
            raise ValueError(
                f"tempered: the outputs of the task {task} are no probabilities; choose the target distribution, "
                "expectation, dldl_v2, mean_variance or groups"
            )


@torch.no_grad()
def temper(network, target, outputs, labels) -> dict[str, float]:
    """Divide what a network gives for each task by the temperature of the least log score.

    Parameters
    ----------
    network : agelib.networks.heads.AgeNetwork
        Its last layers are changed in place.
    target : agelib.targets.Target
    outputs : torch.Tensor
        float32 [N, outputs]: what the network gives for pictures that it was not trained on.
    labels : torch.Tensor
        [N, L]: the target's labels of these pictures; one that is missing does not count.

    Returns
    -------
    dict
        Task → temperature: above 1 where the network was too sure.

    Raises
    ------
    ValueError
        As :func:`require_probabilities`; or if a task has no label at all.

    Examples
    --------
    Three of four are right, where the network says nine of ten:

    >>> from agelib.networks.heads import AgeNetwork, nested_head
    >>> from agelib.targets.distributions import Expectation
    >>> network = AgeNetwork(torch.nn.Flatten(), nested_head(1, (), 2))
    >>> outputs = torch.tensor([[0.1, 0.9]] * 4).log()
    >>> found = temper(network, Expectation(20, 21), outputs, torch.tensor([[21.0], [21.0], [21.0], [20.0]]))
    >>> round(found["age"], 4)
    2.0
    """
    require_probabilities(target)
    found = {}
    tasks = target.by_task(outputs, labels[:, : target.columns])
    for layer, (task, mine, given, told) in zip(network.last_layers, tasks, strict=True):
        counts = known(told)  # [N]
        found[task] = _fit(given[counts], mine.codes(told[counts]))
        for parameter in layer.parameters():
            parameter /= found[task]
    return found


def _fit(outputs, codes) -> float:
    """The temperature of the least log score for outputs [K, classes] and right classes [K].

    The score is convex in 1/T, and its slope is the mean logarithm that the scaled softmax expects minus that of the
    right classes; where it is 0 is found by halving. :func:`agelib.metrics.fit_temperature` finds the same for the
    posterior of a finished run; this one decides weights, so it belongs to the training.
    """
    if not len(outputs):
        raise ValueError("no pictures to find a temperature on; the validation part is empty")
    logs = outputs.double().log_softmax(dim=1).clamp(min=math.log(LEAST_PROBABILITY))  # [K, classes]
    of_truth = logs.gather(1, codes[:, None]).mean()
    below, above = (-math.log(temperature) for temperature in reversed(TEMPERATURES))
    for _ in range(50):
        middle = (below + above) / 2
        expected = ((logs * math.exp(middle)).softmax(dim=1) * logs).sum(dim=1).mean()
        if expected < of_truth:
            below = middle
        else:
            above = middle
    return math.exp(-(below + above) / 2)
