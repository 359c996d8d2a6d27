"""Mixup (Zhang et al. 2018): train on blends of two pictures, with the same blend of their losses. Chapter 13."""

import torch

from agelib.training import data_parallel
from agelib.training.callbacks import Callback


class Mixup(Callback):
    """Blend every training batch with itself in another order.

    The share of the first picture comes from a Beta(alpha, alpha) distribution, anew for each batch. The losses are
    blended instead of the labels, which is the same for cross-entropy and works for every target.

    Parameters
    ----------
    alpha : float
        Above 0; 0.2 blends little, 1 anything.
    """

    run_valid = False

    def __init__(self, alpha: float):
        if not alpha > 0:
            raise ValueError(f"mixup={alpha}: alpha is above 0; 0 means no mixup")
        self.alpha = alpha

    def before_train(self):
        self.plain_loss = self.learn.loss_func
        self.learn.loss_func = self._blended

    def after_train(self):
        self.learn.loss_func = self.plain_loss

    def before_batch(self):
        self.share = float(torch.distributions.Beta(self.alpha, self.alpha).sample())
        self.other = torch.randperm(len(self.y)).to(self.x.device)
        mine = data_parallel.mine(len(self.y))
        everybody = data_parallel.whole(self.x, len(self.y))
        self.learn.xb = (torch.lerp(everybody[self.other[mine]], self.x, self.share),)

    def _blended(self, outputs, labels):
        first, second = self.plain_loss(outputs, labels), self.plain_loss(outputs, labels[self.other])
        return self.share * first + (1 - self.share) * second
