"""Heads: what turns a network's features into the numbers that a target asks for. Explained in chapter 10.

A head is a chain of fully connected layers. With no hidden widths it is the one layer that a classifier ends with;
with widths it is the nested head of study B, or the three-layer GELU MLP of study A. Several tasks share one trunk
and the head's hidden layers, and have a head each behind them (study C's multitask network; chapter 15).
"""

from collections.abc import Callable

import torch
from torch import nn


class AgeNetwork(nn.Module):
    """A body that gives features and a head that gives the outputs.

    Parameters
    ----------
    body : torch.nn.Module
        Pictures [B, 3, S, S] → features [B, F].
    head : torch.nn.Module
        Features [B, F] → outputs [B, outputs].

    Examples
    --------
    >>> import torch
    >>> network = AgeNetwork(nn.Flatten(), nested_head(12, (), 1))
    >>> network(torch.zeros(5, 3, 2, 2)).shape
    torch.Size([5, 1])
    """

    def __init__(self, body: nn.Module, head: nn.Module):
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, x):
        features = self.body(x)  # [B, 3, S, S] -> [B, F]
        return self.head(features)  # [B, F] -> [B, outputs]

    @property
    def last_layers(self) -> list[nn.Module]:
        """What gives the outputs of each task, in order; of one target, one."""
        heads = self.head.tasks if isinstance(self.head, SeveralHeads) else [self.head]
        return [head[-1] for head in heads]


class SeveralHeads(nn.Module):
    """Hidden layers that all tasks share, then a head for each task; their outputs side by side.

    `shared` makes features [B, H] of the body's [B, F], and each of `tasks` [B, outputs of the task] of these.

    Examples
    --------
    >>> import torch
    >>> heads = SeveralHeads(nn.Identity(), [nn.Linear(8, 7), nn.Linear(8, 2)])
    >>> heads(torch.zeros(4, 8)).shape
    torch.Size([4, 9])
    """

    def __init__(self, shared: nn.Module, tasks: list):
        super().__init__()
        self.shared = shared
        self.tasks = nn.ModuleList(tasks)

    def forward(self, features):
        shared = self.shared(features)  # [B, F] -> [B, H]
        return torch.cat([task(shared) for task in self.tasks], dim=1)  # [B, sum of the tasks' outputs]


def make_head(
    features: int,
    widths: tuple,
    outputs: int | tuple,
    dropout: float = 0.0,
    task_widths: tuple = (),
    last_layer: Callable | tuple | None = None,
) -> nn.Module:
    """The head for one target, or for several on one trunk.

    Parameters
    ----------
    features : int
        Width of what comes in.
    widths : tuple of int
        Widths of the hidden layers that all tasks share.
    outputs : int or tuple of int
        Numbers that come out; a tuple makes one head a task, their outputs side by side in that order.
    dropout : float
        Share of units dropped after each hidden layer (without any: straight before the last), in training only.
    task_widths : tuple of int
        Widths of the hidden layers that each task has for itself, behind the shared ones.
    last_layer : callable, or tuple of callable or None, optional
        Width → module [B, width] → [B, outputs], in place of the last fully connected layer (CORAL shares its
        weights between outputs); for several tasks, one for each.

    Raises
    ------
    ValueError
        If a width or number of outputs is no positive whole number, the dropout is outside [0, 1), or there are not
        as many last layers as tasks.

    Examples
    --------
    >>> import torch
    >>> make_head(512, (128,), (7, 2, 5), task_widths=(32,))(torch.zeros(3, 512)).shape
    torch.Size([3, 14])
    """
    if not isinstance(outputs, tuple):
        return nested_head(features, (*widths, *task_widths), outputs, dropout, last_layer)
    last = last_layer if isinstance(last_layer, tuple) else (last_layer,) * len(outputs)
    if not outputs or len(last) != len(outputs):
        raise ValueError(f"{len(outputs)} tasks have as many last layers and at least 1, not {len(last)}")
    shared, width = hidden_layers(features, widths, dropout)
    # What the shared layers have already dropped is not dropped again before each task's only layer.
    rest = dropout if task_widths or not widths else 0.0
    tasks = [nested_head(width, task_widths, count, rest, layer) for count, layer in zip(outputs, last, strict=True)]
    return SeveralHeads(nn.Sequential(*shared), tasks)


def nested_head(
    features: int, widths: tuple, outputs: int, dropout: float = 0.0, last_layer: Callable | None = None
) -> nn.Sequential:
    """Fully connected layers of the given widths, each followed by GELU and dropout, then the output layer.

    The output layer's bias starts at 0, so that a standardised regression starts near the mean age of the training
    part. With no widths there is still the dropout, straight before the output layer (study C's best: 0.6).

    Parameters and errors are those of :func:`make_head`; the module makes [B, outputs] of [B, features].

    Examples
    --------
    >>> nested_head(512, (128,), 1, dropout=0.1)
    Sequential(
      (0): Linear(in_features=512, out_features=128, bias=True)
      (1): GELU(approximate='none')
      (2): Dropout(p=0.1, inplace=False)
      (3): Linear(in_features=128, out_features=1, bias=True)
    )
    """
    if outputs < 1:
        raise ValueError(f"a network has at least 1 output, not {outputs}")
    layers, width = hidden_layers(features, widths, dropout)
    if not widths and dropout:
        layers.append(nn.Dropout(dropout))
    if last_layer is not None:
        return nn.Sequential(*layers, last_layer(width))
    last = nn.Linear(width, outputs)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


def hidden_layers(features: int, widths: tuple, dropout: float) -> tuple[list, int]:
    """The hidden layers of a head as a list, and the width of what they give."""
    for width in widths:
        if not isinstance(width, int) or width < 1:
            raise ValueError(f"head: a width is a whole number from 1 up, not {width!r}; widths were {tuple(widths)}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is a share from 0 up to but not including 1, not {dropout!r}")
    layers = []
    for width in widths:
        layers += [nn.Linear(features, width), nn.GELU()]
        if dropout:
            layers.append(nn.Dropout(dropout))
        features = width
    return layers, features
