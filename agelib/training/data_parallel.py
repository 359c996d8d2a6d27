"""One training in several processes, with the numbers of one: each takes its share of every batch.

Process r of n takes the pictures r, r + n, r + 2 n … of the batch that one process would have had, changed by the same
random numbers. Where a picture's result depends on the rest of its batch, the processes talk to each other:

* batch norm takes mean and variance of the whole batch;
* dropout draws the mask of the whole batch, and each process uses its rows;
* the outputs of all pictures come together before the loss, so that a loss that weighs or counts its pictures is the
  loss of the whole batch, in every process;
* gradients are added up before the optimiser's step.

So the processes hold the same weights, and differ from one process only by the order of sums.

fastai's own ``DistributedTrainer`` stays within each process: it pads the data to equal shares, takes means over
processes in place of pictures, leaves out what is set free after the first epoch, and its synchronised batch norm is
for GPUs alone. Explained in "For operators".
"""

import contextlib

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from agelib.pixels.batches import part
from agelib.runtime.launch import is_joined, share


def shared(batches):
    """The batches, of which this process gets its share; the same batches where it is alone."""
    return batches.new(share=share()) if is_joined() else batches


def mine(count: int) -> slice:
    """Which pictures of a batch of `count` are this process's.

    >>> mine(8)
    slice(0, None, 1)
    """
    return part(count, share())


def is_split(count: int) -> bool:
    """Whether a batch of `count` is shared: one with fewer pictures than processes is whole in each of them."""
    return 1 < share()[1] <= count


def whole(rows: torch.Tensor, count: int) -> torch.Tensor:
    """The rows of all processes, [count, …], in the batch's order; gradients flow into this process's own.

    >>> whole(torch.ones(2, 3), 2).shape
    torch.Size([2, 3])
    """
    if not is_split(count):
        return rows
    everybody = rows.new_zeros(count, *rows.shape[1:])
    everybody[mine(count)] = rows.detach()
    torch.distributed.all_reduce(everybody)
    everybody[mine(count)] = rows
    return everybody


def whole_batch(count: int):
    """A context in which batch norm and dropout of a share give what they would give it in its batch of `count`."""
    return _WholeBatch(count) if is_split(count) else contextlib.nullcontext()


def add_gradients(network, count: int) -> None:
    """Give the network, in each process, the gradients of the whole batch of `count`."""
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    joined = torch.cat([gradient.flatten() for gradient in gradients])
    torch.distributed.all_reduce(joined)
    if not is_split(count):  # each process had all pictures
        joined /= share()[1]
    for gradient, added in zip(gradients, joined.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(added.view_as(gradient))


class _WholeBatch(TorchFunctionMode):
    """Batch norm and what is drawn at random for each picture, as in a batch of `count` pictures."""

    def __init__(self, count: int):
        super().__init__()
        self.count = count

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        keywords = keywords or {}
        if function is functional.batch_norm and keywords["training"]:
            return _batch_norm(*arguments, **keywords)
        if function is functional.dropout and keywords["training"] and keywords["p"]:
            x, share_dropped = arguments[0], keywords["p"]
            return x * self._draw(x, lambda ones: functional.dropout(ones.fill_(1), share_dropped))
        if function is torch.Tensor.bernoulli_:  # stochastic depth
            x, *others = arguments
            return x.copy_(self._draw(x, lambda drawn: drawn.bernoulli_(*others, **keywords)))
        return function(*arguments, **keywords)

    def _draw(self, tensor, fill) -> torch.Tensor:
        """This process's rows of what `fill` draws for the whole batch; a picture may have several rows."""
        rows = mine(self.count)
        each = len(tensor) // len(range(self.count)[rows])
        is_last = tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
        drawn = fill(
            torch.empty(
                (self.count * each, *tensor.shape[1:]),
                dtype=tensor.dtype,
                device=tensor.device,
                memory_format=torch.channels_last if is_last else torch.contiguous_format,
            )
        )
        return drawn.unflatten(0, (self.count, each))[rows].flatten(0, 1)


def _batch_norm(x, running_mean, running_var, weight=None, bias=None, training=True, momentum=0.1, eps=1e-5):
    """``torch.nn.functional.batch_norm`` of a share of a batch, by mean and variance of the whole batch."""
    mean, variance, count = _statistics(x)
    if running_mean is not None:
        running_mean.lerp_(mean, momentum)
        running_var.lerp_(variance * count / (count - 1), momentum)
    weight = torch.ones_like(mean) if weight is None else weight
    bias = torch.zeros_like(mean) if bias is None else bias
    return _Normalise.apply(x, weight, bias, mean, variance, count, eps)


@torch.no_grad()
def _statistics(x) -> tuple:
    """Mean and variance [C] of the whole batch, and how many numbers each is of."""
    number, processes = share()
    channels = x.shape[1]
    kind = {"dtype": torch.promote_types(x.dtype, torch.float32), "device": x.device}
    nothing = torch.zeros(channels, **kind)
    # [processes, 3, C]: each process's mean, variance and count.
    found = torch.zeros(processes, 3, channels, **kind)
    found[number, :2] = torch.stack(torch.batch_norm_update_stats(x, nothing, nothing.clone(), 0.0))
    found[number, 2] = x.numel() // channels
    torch.distributed.all_reduce(found)
    means, variances, counts = found.unbind(1)
    count = counts.sum(0)
    mean = (counts * means).sum(0) / count
    return mean, (counts * (variances + (means - mean) ** 2)).sum(0) / count, count


class _Normalise(torch.autograd.Function):
    """Batch norm by given mean and variance, whose gradient knows that these depend on every process's pictures."""

    @staticmethod
    def forward(context, x, weight, bias, mean, variance, count, eps):
        context.save_for_backward(x, weight, mean, variance, count)
        context.eps = eps
        return functional.batch_norm(x, mean, variance, weight, bias, eps=eps)

    @staticmethod
    def backward(context, gradient):
        x, weight, mean, variance, count = context.saved_tensors
        of_x, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, mean, variance, None, None, False, context.eps, [True, True, True]
        )
        sums = torch.stack([of_weight, of_bias])  # Σ gradient · normalised x, Σ gradient
        torch.distributed.all_reduce(sums)
        inverse = (variance + context.eps).rsqrt()
        scale = weight * inverse / count
        slope = -scale * inverse * sums[0]
        shape = (1, -1) + (1,) * (x.ndim - 2)
        shift = (-scale * sums[1] - slope * mean).view(shape)
        of_x = (of_x + torch.addcmul(shift, x.to(slope.dtype), slope.view(shape))).to(x.dtype)
        return of_x, of_weight, of_bias, None, None, None, None
