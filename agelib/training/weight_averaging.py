"""Averaged weights: SWA over the last epochs, EMA over all steps. Explained in chapter 13.

Stochastic weight averaging (Izmailov et al. 2018) takes the mean of the weights at the ends of the last epochs; an
exponential moving average follows the weights step by step. Both are torch's own ``AveragedModel``. What is validated,
kept and used is the average.
"""

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from agelib.training import data_parallel
from agelib.training.callbacks import Callback

#: SWA begins after this share of the epochs.
SWA_START = 0.75


class Averaging(Callback):
    """Keep an average of the network's weights, and validate with it.

    Parameters
    ----------
    network : torch.nn.Module
    kind : str
        swa or ema.
    decay : float
        Of ema: what share of the average a step leaves as it was.
    """

    order = -20  # before fastai sets the model to evaluation, so that it is the average that is set

    def __init__(self, network, kind: str, decay: float):
        self.kind = kind
        average = get_ema_multi_avg_fn(decay) if kind == "ema" else None
        self.average = AveragedModel(network, multi_avg_fn=average, use_buffers=kind == "ema")

    @property
    def started(self) -> bool:
        """Whether anything has been averaged yet."""
        return bool(self.average.n_averaged)

    def after_batch(self):
        if self.training and self.kind == "ema":
            self.average.update_parameters(self.learn.model)

    def after_train(self):
        if self.kind == "swa" and self.epoch >= int(SWA_START * self.n_epoch):
            self.average.update_parameters(self.learn.model)

    def before_validate(self):
        if not self.started:
            return
        if self.kind == "swa":
            # The average's activations are not those that any of its parts had: count batch norm's statistics anew.
            with torch.no_grad():
                update_bn(self._pictures(), self.average.module)
        self.plain = self.learn.model
        self.learn.model = self.average.module

    def after_validate(self):
        if self.started:
            self.learn.model = self.plain

    def weights(self):
        """The network that was validated last."""
        return self.average.module if self.started else self.learn.model

    def _pictures(self):
        for x, y in self.dls.train:
            with data_parallel.whole_batch(len(y)):
                yield x.contiguous(memory_format=torch.channels_last)
