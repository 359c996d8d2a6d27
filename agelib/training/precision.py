"""The arithmetic that a training uses, and torch.compile. Explained in chapter 06."""

import contextlib
import copy
import math
import os
import shutil
import time

from agelib.config import Training
from agelib.runtime import workspace
from agelib.runtime.devices import device_name
from agelib.runtime.logs import LOGGER

#: Multiply-adds of a whole training from which on half precision is tried: some ten seconds on two cores. A shorter one
#: uses float32: counted, not timed, so that the same training uses the same arithmetic every time.
LONG = 3e11

#: Seconds that trying it may take, but for a step that was begun.
SECONDS = 2.0

#: Half precision is chosen if it is so many times as fast; what is less may be chance.
GAIN = 1.1

#: Steps that are timed, in each arithmetic, after one that is not.
STEPS = 5


def precision(settings: Training, device, network, pictures: int, size: int) -> str:
    """The arithmetic that a training uses: float32, bf16 or fp16.

    Left to ``auto``, a training of at least :data:`LONG` multiply-adds uses half precision where that is faster. It is
    measured (:func:`half_takes`), on this very network, and remembered in the workspace's ``precision.jsonl`` for this
    processor or graphics card, version of torch, network, image size and batch size: whoever asks again gets the same
    answer, and two processes that ask at once measure once. fp16 is for GPUs alone.

    Parameters
    ----------
    settings, device, network : agelib.config.Training, torch.device, torch.nn.Module
    pictures, size : int
        How many pictures the training is shown in all, and their side in pixels.

    Examples
    --------
    >>> import torch
    >>> precision(Training(mixed_precision="off"), torch.device("cpu"), torch.nn.Flatten(), 1000, 64)
    'float32'
    """
    wish = settings.mixed_precision
    if wish == "off" or (device.type == "cpu" and wish == "fp16"):
        return "float32"
    if wish != "auto":
        return wish
    half = half_of(device)
    if not half or 3 * pictures * _multiply_adds(network, device, size) < LONG:  # forward, and twice as much backward
        return "float32"
    return _recall(network, device, half, settings.batch_size, size)


def half_of(device) -> str:
    """The half precision that there is for a device; empty if none is tried.

    >>> import torch
    >>> half_of(torch.device("cpu")), half_of(torch.device("meta"))
    ('bf16', '')
    """
    import torch

    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if device.type == "cpu" else ""


def _recall(network, device, half: str, batch_size: int, size: int) -> str:
    """What was chosen on this machine before; else measure, choose and remember."""
    import torch

    what = {"device": device_name(device), "torch": torch.__version__, "network": workspace.content_key(repr(network))}
    what |= {"image_size": size, "batch_size": batch_size, "half": half}
    file = workspace.home() / "precision.jsonl"
    with workspace.lock(file):
        for made in workspace.read_records(file):
            known = isinstance(made, dict) and made.get("chosen") in ("float32", half)
            if known and {name: made.get(name) for name in what} == what:
                break
        else:
            share = half_takes(network, device, half, batch_size, size)
            made = what | {"chosen": half if share * GAIN < 1 else "float32", "share": round(share, 3)}
            workspace.append_records(file, [made])
    LOGGER.info(
        "arithmetic: %s; a step in %s took %s times float32's, measured on this machine (%s)",
        *(made["chosen"], half, made.get("share"), file),
    )
    return made["chosen"]


def half_takes(network, device, half: str, batch_size: int, size: int, seconds: float = SECONDS) -> float:
    """Time a training's step in half precision, as a share of what it takes in float32.

    Forward and backward, on a copy of the network and numbers that stand for pictures: weights and random numbers stay
    as they were. A processor's own time counts, not the clock's, so that other programs matter little. There it begins
    with two pictures, which may be answer enough, and goes on to as many of a batch as the time allows. A step in half
    precision that takes half as long again as float32's is not waited for.

    Returns
    -------
    float
        Infinite: half precision cannot be used, or was not waited for; 0: float32 needs more memory than there is; not
        a number: both fail.

    Examples
    --------
    >>> import torch
    >>> 0 < half_takes(torch.nn.Conv2d(3, 8, 3), torch.device("cpu"), "bf16", 4, 16) < 1000
    True
    """
    import torch

    clock = time.process_time if device.type == "cpu" else time.perf_counter
    ends, due = time.perf_counter() + seconds, [math.inf]

    def in_time(*_):
        if clock() > due[0]:
            raise RuntimeError("too slow")

    network = copy.deepcopy(network).to(device, memory_format=torch.channels_last).train()
    for module in network.modules():
        module.register_forward_pre_hook(in_time)
    for weight in filter(lambda weight: weight.requires_grad, network.parameters()):
        weight.register_post_accumulate_grad_hook(in_time)
    number, most = (min(2, batch_size), 2) if device.type == "cpu" else (batch_size, 1 + STEPS)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        while number:
            x = torch.linspace(-1, 1, number * 3 * size * size, device=device).view(number, 3, size, size)
            x, pairs = x.contiguous(memory_format=torch.channels_last), []
            while not pairs or (len(pairs) < most and time.perf_counter() < ends):
                begun, due[0] = time.perf_counter(), math.inf
                single = _step(network, x, "float32", clock)
                due[0] = clock() + max(1.5 * single, seconds / 4)
                pairs.append((single, _step(network, x, half, clock)))
            single, other = map(min, zip(*(pairs[1:] or pairs), strict=True))
            share = other / single if single < math.inf else 0.0 * other
            room = (ends - time.perf_counter()) / (time.perf_counter() - begun) / 3  # for three pairs such as the last
            done, most = number, 1 + STEPS
            number = min(batch_size, int(number * room)) if share < 1.5 else 0
            number *= number > done
    return share


def _step(network, x, arithmetic: str, clock) -> float:
    """Seconds of one step; infinite if it fails, for want of memory, of an operation, or of a kind of number."""
    import torch

    begun = clock()
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(arithmetic)
    try:
        with torch.autocast(x.device.type, half, enabled=half is not None):
            outputs = network(x)
        outputs.float().square().mean().backward()
        if x.device.type == "cuda":
            torch.cuda.synchronize(x.device)
    except (RuntimeError, TypeError, ValueError):
        return math.inf
    finally:
        network.zero_grad()
    return clock() - begun


def _multiply_adds(network, device, size: int) -> int:
    """Multiply-adds of one picture, forward: on tensors without numbers ("meta"), if the network can do that."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    for place in ("meta", device):
        with (
            contextlib.suppress(RuntimeError, NotImplementedError),
            torch.device(place),
            torch.no_grad(),
            FlopCounterMode(display=False) as counter,
        ):
            copy.deepcopy(network).to(place).eval()(torch.empty(1, 3, size, size))
            break
    return counter.get_total_flops() // 2


def compile_for(network, device) -> None:
    """Let torch.compile make a program of `network`, in place, when it is first called.

    Nothing chooses this by itself: on the one processor that we measured (an AMD EPYC) it won less than half precision
    does (``benchmarks/training.py`` times both), and on a GPU it was not measured.

    Raises
    ------
    ValueError
        If the network would run on the processor, and no C++ compiler is there.

    Examples
    --------
    >>> import torch
    >>> network = torch.nn.Linear(3, 1)
    >>> compile_for(network, torch.device("meta"))
    >>> sorted(network.state_dict())
    ['bias', 'weight']
    """
    compilers = (os.environ.get("CXX", ""), "g++", "clang++", "cl")
    if device.type == "cpu" and not any(map(shutil.which, compilers)):
        raise ValueError(
            "compiled: torch.compile needs a C++ compiler, and there is none; install g++, or leave it out"
        )
    network.compile()
