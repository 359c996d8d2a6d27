"""What a training uses of fastai, imported in one place, and its quietest callbacks. Explained in chapter 06."""

import contextlib
import re
import warnings

import torch

from agelib.training import data_parallel

with warnings.catch_warnings():
    # fastai uses torch.jit.script as it is imported, which torch calls deprecated; a page need not say so.
    warnings.simplefilter("ignore", FutureWarning)
    from fastai.callback.core import Callback, CancelFitException, TrainEvalCallback
    from fastai.callback.schedule import ParamScheduler, SchedCos, combined_cos
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

__all__ = [
    "Bf16",
    "Callback",
    "CancelFitException",
    "ChannelsLast",
    "DataLoaders",
    "Learner",
    "OptimWrapper",
    "ParamScheduler",
    "Reseed",
    "SchedCos",
    "Together",
    "TrainEvalCallback",
    "combined_cos",
    "own_words",
]

#: What fastai writes before the message of an error that a callback raises.
_FOREWORD = re.compile(r"\A(?:Exception occured in `\w+` when calling event `\w+`:\n\t)+")


@contextlib.contextmanager
def own_words():
    """While the block runs, a callback's error says what the callback said, and nothing that fastai puts before it."""
    try:
        yield
    except Exception as error:
        error.args = tuple(_FOREWORD.sub("", each) if isinstance(each, str) else each for each in error.args)
        raise


class ChannelsLast(Callback):
    """Lay each batch out with the channels of a pixel side by side: convolutions on a CPU are up to twice as fast."""

    def before_batch(self):
        self.learn.xb = tuple(x.contiguous(memory_format=torch.channels_last) for x in self.xb)


class Bf16(Callback):
    """Train with products in bf16, whose range is float32's, so that no loss needs scaling.

    Weights and losses stay in float32, and so does whatever judges the network. fastai's own callback is for
    NVIDIA's GPUs alone.
    """

    order = 10

    def __init__(self, device_type: str):
        self.device_type, self.autocast = device_type, None

    def before_batch(self):
        self.autocast = torch.autocast(self.device_type, torch.bfloat16, enabled=self.training)
        self.autocast.__enter__()

    def after_pred(self):
        self.autocast.__exit__(None, None, None)
        self.learn.pred = self.pred.float()


class Reseed(Callback):
    """Make every epoch's random numbers a function of (seed, epoch), so that a resumed run draws the same ones."""

    order = -50

    def __init__(self, seed: int, first_epoch: int = 0):
        self.seed, self.first_epoch = seed, first_epoch

    def before_epoch(self):
        epoch = self.first_epoch + self.epoch
        torch.manual_seed(self.seed * 100_003 + epoch)
        self.dls.train.set_epoch(epoch)


class Together(Callback):
    """Let the processes train one network."""

    order = 15  # after half precision has given the outputs back in float32

    def before_fit(self):
        """Begin with the main process's weights."""
        for tensor in self.learn.model.state_dict().values():
            sent = tensor.contiguous()
            torch.distributed.broadcast(sent, 0)
            tensor.copy_(sent)

    def before_batch(self):
        self.open = contextlib.ExitStack()
        if self.training:
            self.open.enter_context(data_parallel.whole_batch(len(self.y)))

    def after_pred(self):
        self.open.close()
        self.learn.pred = data_parallel.whole(self.pred, len(self.y))

    def after_backward(self):
        data_parallel.add_gradients(self.learn.model, len(self.y))
