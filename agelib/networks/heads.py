"""Heads: what turns a network's features into the numbers that a target asks for. Explained in chapter 08.

A head is a chain of fully connected layers. With no hidden widths it is the one layer that a classifier ends with;
with widths it is the nested head of study B, or the three-layer GELU MLP of study A.
"""

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


def nested_head(features: int, widths: tuple, outputs: int, dropout: float = 0.0) -> nn.Sequential:
    """Fully connected layers of the given widths, each followed by GELU and dropout, then the output layer.

    The output layer's bias starts at 0, so that a standardised regression starts near the mean age of the training
    part. With no widths there is still the dropout, straight before the output layer (study C's best: 0.6).

    Parameters
    ----------
    features : int
        Width of what comes in.
    widths : tuple of int
        Widths of the hidden layers; may be empty.
    outputs : int
        Numbers that come out.
    dropout : float
        Share of units dropped after each hidden layer, in training only.

    Returns
    -------
    torch.nn.Sequential
        [B, features] → [B, outputs].

    Raises
    ------
    ValueError
        If a width is no positive whole number or the dropout is outside [0, 1).

    Examples
    --------
    >>> nested_head(512, (128, 32), 1, dropout=0.1)
    Sequential(
      (0): Linear(in_features=512, out_features=128, bias=True)
      (1): GELU(approximate='none')
      (2): Dropout(p=0.1, inplace=False)
      (3): Linear(in_features=128, out_features=32, bias=True)
      (4): GELU(approximate='none')
      (5): Dropout(p=0.1, inplace=False)
      (6): Linear(in_features=32, out_features=1, bias=True)
    )
    """
    for width in widths:
        if not isinstance(width, int) or width < 1:
            raise ValueError(
                f"head: a width is a whole number from 1 up, not {width!r}; widths were {tuple(widths)}"
            )
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is a share from 0 up to but not including 1, not {dropout!r}")
    layers = []
    if not widths and dropout:
        layers.append(nn.Dropout(dropout))
    for width in widths:
        layers += [nn.Linear(features, width), nn.GELU()]
        if dropout:
            layers.append(nn.Dropout(dropout))
        features = width
    last = nn.Linear(features, outputs)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)
