"""The one number of a picture that a map explains: its age in years, or the score of a class. Explained in chapter 19.

An answer is a function of the network's outputs [B, outputs] → [B]. Whatever a target asks of a network, its answer is
a number a picture, so every kind of map works with every target.
"""

from agelib.targets.age_groups import names_of
from agelib.targets.ages import AgeTarget


def age(target):
    """The predicted age in years, as the target decodes it.

    Parameters
    ----------
    target : agelib.targets.Target
        Of a run: ``run.target()``.

    Returns
    -------
    callable
        Outputs [B, outputs] → years [B].

    Raises
    ------
    ValueError
        If the target gives no age.

    Examples
    --------
    >>> import torch
    >>> from agelib.targets.classes import Groups
    >>> answer = age(Groups("0,20,60", mean_ages=(10.0, 40.0, 70.0)))
    >>> answer(torch.zeros(1, 3))
    tensor([40.])
    """
    if not target.gives_age:
        raise ValueError("this target gives no age to explain; explain the score of one of its classes")
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


def score(target, task: str, name: str):
    """How strongly the network speaks for one class, before probabilities are made of it.

    Of classes it is the network's own output, as in Grad-CAM's paper; of age groups that are read from a posterior over
    years it is the logarithm of the group's probability.

    Parameters
    ----------
    target : agelib.targets.Target
        Of one task or of several.
    task : str
        age_group, gender, ethnicity or expression.
    name : str
        The class, such as ``female`` or ``31–40``.

    Returns
    -------
    callable
        Outputs [B, outputs] → [B].

    Raises
    ------
    ValueError
        If the target has no such task or class; the message says which there are.

    Examples
    --------
    >>> import torch
    >>> from agelib.targets.classes import Classes
    >>> score(Classes("gender", ("female", "male")), "gender", "male")(torch.tensor([[0.5, 2.0]]))
    tensor([2.])
    """
    tasks = getattr(target, "tasks", None)
    if tasks is not None:
        wanted = "age" if task == "age_group" else task
        if wanted not in tasks:
            raise ValueError(f"this network has no task {wanted!r}; it has: {', '.join(tasks)}")
        place = tasks.index(wanted)
        inner = score(target.targets[place], task, name)
        return lambda outputs: inner(target.split(outputs)[place])
    if isinstance(target, AgeTarget) and task == "age_group":
        place = _place(name, names_of(target.bins), task)
        if len(names_of(target.bins)) == target.outputs and not hasattr(target, "first"):
            return lambda outputs: outputs[:, place]
        return lambda outputs: _group_log_probability(target, outputs, place)
    classes = getattr(target, "classes", None)
    if classes is None or target.task != task:
        raise ValueError(f"this target has no classes of {task!r}; explain its age")
    place = _place(name, classes, task)
    return lambda outputs: outputs[:, place]


def _group_log_probability(target, outputs, place: int):
    probabilities = target.group_posterior(outputs)
    if probabilities is None:
        raise ValueError("this target states no probability of an age group; explain its age")
    return probabilities[:, place].clamp(min=1e-12).log()


def _place(name: str, names, task: str) -> int:
    if name not in names:
        raise ValueError(f"{task} has no class {name!r}; it has: {', '.join(names)}")
    return list(names).index(name)
