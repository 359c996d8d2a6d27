"""Which weights may change, and when: everything, the head alone, first the one and then the other. Chapter 11.

Study B trains a new head on a face network whose weights stay as they are (its strategy 1), then all layers
(strategy 2). A *phase* is a stretch of a training with one choice of weights, its own learning rate, batch size and
number of epochs. What is frozen is frozen whole: batch norm keeps its running statistics too.
"""

from dataclasses import dataclass

from torch import nn

from agelib.config import Training
from agelib.networks.stages import stages
from agelib.training.callbacks import Callback


@dataclass(frozen=True)
class Phase:
    """A stretch of a training.

    Attributes
    ----------
    name : str
        head, all or gradual: what the history calls it.
    epochs : int
        At most so many.
    learning_rate : float
    batch_size : int
    """

    name: str
    epochs: int
    learning_rate: float
    batch_size: int


def phases(settings: Training) -> list[Phase]:
    """The phases of a training, in order.

    >>> [phase.name for phase in phases(Training(trained="head_then_all"))]
    ['head', 'all']
    >>> phases(Training(trained="head", epochs=3))
    [Phase(name='head', epochs=3, learning_rate=0.001, batch_size=64)]
    """
    whole = (settings.epochs, settings.learning_rate, settings.batch_size)
    head = Phase("head", settings.head_epochs, settings.head_learning_rate, settings.head_batch_size)
    return {
        "all": [Phase("all", *whole)],
        "head": [Phase("head", *whole)],
        "head_then_all": [head, Phase("all", *whole)],
        "gradual": [head, Phase("gradual", *whole)],
    }[settings.trained]


class Freeze(Callback):
    """Keep the body, or its first stages, as it is.

    In the phase *gradual*, the last stage of the body is set free in the first epoch, and one more in each epoch that
    follows (Howard and Ruder 2018 do so with layers of a language model).
    """

    def __init__(self, network: nn.Module, phase: str, frozen_stages: int):
        self.network, self.phase = network, phase
        self.stages = stages(network) if frozen_stages or phase == "gradual" else []
        if frozen_stages > len(self.stages):
            raise ValueError(
                f"frozen_stages={frozen_stages}: the network's body has {len(self.stages)} stages; freeze at most these"
            )
        self.frozen_stages = frozen_stages
        self.apply(0)

    def before_epoch(self):
        self.apply(self.epoch)

    def before_train(self):
        self._rest()

    def apply(self, epoch: int) -> None:
        """Freeze what is frozen in an epoch of the phase, and set the rest free."""
        self.network.requires_grad_(True)
        self.resting = self._frozen(epoch)
        for part in self.resting:
            part.requires_grad_(False)

    def _frozen(self, epoch: int) -> list:
        if self.phase == "head":
            return [self.network.body]
        count = self.frozen_stages
        if self.phase == "gradual":
            count = max(count, len(self.stages) - 1 - epoch)
        return [part for stage in self.stages[:count] for part in stage]

    def _rest(self) -> None:
        for part in self.resting:
            if isinstance(part, nn.Module):
                part.eval()


def set_free(network: nn.Module) -> None:
    """Let every weight change again, as it was before any phase."""
    network.requires_grad_(True)
