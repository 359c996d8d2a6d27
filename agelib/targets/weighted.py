"""Pictures that count more than others: a target whose labels carry a weight. Explained in chapter 13."""


class Weighed:
    """A target that is told each picture's weight in one more column of labels, the last.

    In everything but the loss it is the target that it wraps.

    Parameters
    ----------
    target : agelib.targets.Target

    Examples
    --------
    >>> import torch
    >>> from agelib.targets.regression import Regression
    >>> outputs, labels = torch.tensor([[1.0], [0.0]]), torch.tensor([[0.0, 3.0], [0.0, 1.0]])
    >>> Weighed(Regression("mse")).loss(outputs, labels)
    tensor(0.7500)
    """

    def __init__(self, target):
        self.target = target

    def loss(self, outputs, labels):
        """The wrapped target's loss of labels [B, L + 1], the last of which are weights."""
        return self.target.loss(outputs, labels[:, :-1], weights=labels[:, -1])

    def scores(self, outputs, labels) -> dict:
        """The wrapped target's scores; they weigh every picture alike."""
        return self.target.scores(outputs, labels[:, :-1])

    def __getattr__(self, name):
        if name == "target":  # not there yet: while it is copied
            raise AttributeError(name)
        return getattr(self.target, name)
