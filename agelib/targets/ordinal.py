"""Ages as ranks: one question for each year, "older than this?". Explained in chapter 12.

For K whole years there are K − 1 such questions. *or_cnn* (Niu et al. 2016) answers each by itself; *coral* (Cao,
Mirjalili and Raschka 2020) lets all share their weights and differ in their biases alone, so that the answers do not
contradict each other; *corn* (Shi, Cao and Raschka 2021) asks each question only of those of whom the one before holds,
and multiplies the answers.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from agelib.targets.ages import YearPosterior, whole_years
from agelib.targets.base import check_shapes, full_precision, weighted_mean


@dataclass(frozen=True)
class ORCNN(YearPosterior):
    """A yes-or-no question for each year: the loss is the sum of their cross-entropies.

    Nothing keeps the answers in order ("older than 40" may be more probable than "older than 30"). They are sorted to
    make a posterior: that leaves their sum, and with it the mean, and the number of questions answered with yes, which
    is the authors' estimate and here the median, as they are.

    Its parameters are those of :class:`agelib.targets.ages.YearPosterior`.

    Examples
    --------
    >>> target = ORCNN(first=20, last=23, estimate="median")
    >>> outputs = torch.tensor([[4.0, -1.0, 1.0]])  # older than 20, not than 21, but than 22?
    >>> target.decode(outputs)
    tensor([22.])
    >>> target.posterior(outputs).sum()
    tensor(1.)
    """

    @property
    def outputs(self) -> int:
        return self.number - 1

    def answers(self, ages):
        """The right answers [B, K − 1] to "older than the k-th year?", 1 or 0, of ages [B] in years."""
        ranks = torch.arange(self.number - 1, device=ages.device)
        return ranks < self.index_of(ages)[:, None]

    def loss(self, outputs, labels, weights=None):
        check_shapes("an ordinal target", outputs, self.outputs, labels)
        outputs = full_precision(outputs)
        answers = self.answers(labels[:, 0]).to(outputs.dtype)
        losses = functional.binary_cross_entropy_with_logits(outputs, answers, reduction="none")
        return weighted_mean(losses.sum(dim=1), weights)

    def older(self, outputs):
        """Probability [B, K − 1] of being older than each year but the last, falling from year to year."""
        check_shapes("an ordinal target", outputs, self.outputs)
        return full_precision(outputs).sigmoid().sort(dim=1, descending=True).values

    def posterior(self, outputs):
        older = self.older(outputs)
        certain = torch.zeros(self.number, dtype=older.dtype, device=older.device)
        certain[0] = 1  # everybody is at least as old as the first year
        return -functional.pad(older, (1, 1)).diff(dim=1) + certain


class SharedWeights(nn.Module):
    """CORAL's last layer: one weight for each feature, which all questions share, and a bias for each question.

    It takes the number of `features` that come in, and where the `biases` [K − 1] start.

    Examples
    --------
    >>> layer = SharedWeights(8, [1.0, 0.0, -1.0])
    >>> outputs = layer(torch.ones(2, 8))
    >>> outputs.shape, (outputs[:, 0] - outputs[:, 2]).tolist()
    (torch.Size([2, 3]), [2.0, 2.0])
    """

    def __init__(self, features: int, biases):
        super().__init__()
        self.weight = nn.Linear(features, 1, bias=False)
        self.bias = nn.Parameter(torch.tensor(biases, dtype=torch.float32))

    def forward(self, x):
        return self.weight(x) + self.bias  # [B, F] -> [B, 1] -> [B, K − 1]


@dataclass(frozen=True)
class CORAL(ORCNN):
    """OR-CNN's loss on a last layer whose questions share their weights: see :class:`SharedWeights`.

    The layer is the network's (:meth:`last_layer`), so that its weights are saved with the network's others. Its biases
    start at the log-odds of "older than this" in the training part: in order from the first step on, and an answer of
    the right size without looking at the picture. (Its authors start all at 0 or, later, from 1 down to 0; then they
    have a long way to go at a small learning rate.)

    Notes
    -----
    Two things are not the authors' or not to be seen in the layer. Their loss can weigh each question by an importance
    of its own; here all weigh 1. And the biases are weights of the network like others, so `weight_decay` shrinks them,
    too: AdamW pulls each threshold towards 0, where the answer is a half.

    Examples
    --------
    >>> target = CORAL(first=20, last=22, biases=(1.0, -1.0))
    >>> target.last_layer(features=8)
    SharedWeights(
      (weight): Linear(in_features=8, out_features=1, bias=False)
    )
    """

    biases: tuple = field(default=(), repr=False)

    def __post_init__(self):
        super().__post_init__()
        if len(self.biases) != self.outputs:
            raise ValueError(f"coral needs one bias for each of {self.outputs} questions, not {len(self.biases)}")

    @classmethod
    def make(cls, training, train_labels: np.ndarray) -> "CORAL":
        first, last = whole_years(train_labels[:, 0])
        years = np.clip(np.round(train_labels[:, 0]), first, last)
        older = (years[:, None] > np.arange(first, last)).sum(axis=0)  # [K − 1]
        # Half a picture on either side, so that nothing is quite certain.
        biases = np.log(older + 0.5) - np.log(len(years) - older + 0.5)
        biases = tuple(float(bias) for bias in biases)
        return super().make(training, train_labels, biases=biases)

    def last_layer(self, features: int) -> SharedWeights:
        """The layer that takes the place of the last fully connected one."""
        return SharedWeights(features, self.biases)


@dataclass(frozen=True)
class CORN(ORCNN):
    """Conditional questions: "older than this year, given older than the one before?"; their product is the answer.

    A question is asked only of the pictures of which the one before holds, and the loss is the mean over all questions
    asked. All questions are one array here, with a mask for those not asked.

    Examples
    --------
    >>> target = CORN(first=20, last=22)
    >>> target.posterior(torch.zeros(1, 2))  # half are older than 20, half of those older than 21
    tensor([[0.5000, 0.2500, 0.2500]])
    """

    def loss(self, outputs, labels, weights=None):
        check_shapes("corn", outputs, self.outputs, labels)
        outputs = full_precision(outputs)
        rank = self.index_of(labels[:, 0])[:, None]  # [B, 1]
        questions = torch.arange(self.outputs, device=outputs.device)  # [K − 1]
        # softplus(−z) is −log of the answer "yes", softplus(z) of "no".
        losses = functional.softplus(torch.where(questions < rank, -outputs, outputs))  # [B, K − 1]
        asked = (questions <= rank).to(outputs.dtype)  # [B, K − 1]
        if weights is not None:
            if weights.shape != outputs.shape[:1]:
                return weighted_mean(losses[:, 0], weights)  # It says which shapes do not fit.
            asked = asked * weights[:, None]
        return (losses * asked).sum() / asked.sum()

    def older(self, outputs):
        """Probability [B, K − 1] of being older than each year but the last: a product of conditional ones."""
        check_shapes("corn", outputs, self.outputs)
        return functional.logsigmoid(full_precision(outputs)).cumsum(dim=1).exp()

    def posterior(self, outputs):
        check_shapes("corn", outputs, self.outputs)
        outputs = full_precision(outputs)
        # A year's share: every question before it answered with yes, its own with no. As sums of logarithms.
        passed = functional.pad(functional.logsigmoid(outputs).cumsum(dim=1), (1, 0))  # [B, K]
        stopped = functional.pad(functional.logsigmoid(-outputs), (0, 1))  # [B, K]
        return (passed + stopped).exp()
