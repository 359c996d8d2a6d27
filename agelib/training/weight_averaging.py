"""Averaged weights: SWA over the last epochs, EMA over all steps. Explained in chapter 13.

Stochastic weight averaging (Izmailov et al. 2018) takes the mean of the weights at the ends of the last epochs; an
exponential moving average follows the weights step by step. Both are torch's own ``AveragedModel``. What is validated,
kept and used is the average.

An average of weights has activations that none of its parts had, so SWA measures batch norm's statistics anew on the
training set; an EMA averages them like the weights. What is frozen keeps its own in either.
"""

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

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
            # What rested in the epoch rests here, too: a frozen part's statistics are no business of the average.
            resting = {name for name, part in self.learn.model.named_modules() if not part.training}
            measure_batch_norm(self.average.module, self._pictures(), resting)
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


def measure_batch_norm(network: nn.Module, images, resting=()) -> None:
    """Measure batch norm's statistics anew, as plain means over batches: torch's ``update_bn`` for a part of a network.

    Parameters
    ----------
    network : torch.nn.Module
        It is left in the mode that it was in.
    images : iterable of torch.Tensor
        Batches [B, 3, S, S].
    resting : set of str
        Names of the modules that stay as they are and see the images as when they are used: frozen ones.

    Examples
    --------
    >>> norm = nn.BatchNorm2d(1)
    >>> measure_batch_norm(norm, [torch.full((2, 1, 4, 4), 3.0), torch.full((2, 1, 4, 4), 5.0)])
    >>> norm.running_mean
    tensor([4.])
    """
    was_training = {part: part.training for part in network.modules()}
    network.train()
    momenta = {}
    for name, part in network.named_modules():
        if name in resting:
            part.training = False
        elif isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.reset_running_stats()
            momenta[part], part.momentum = part.momentum, None  # a plain mean over all batches
    with torch.no_grad():
        for each in images if momenta else ():
            network(each)
    for part, momentum in momenta.items():
        part.momentum = momentum
    for part, training in was_training.items():
        part.training = training
