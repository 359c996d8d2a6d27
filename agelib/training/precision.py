"""The arithmetic that a training uses, and torch.compile. Explained in chapter 05."""

import os
import shutil

from agelib.config import Training
from agelib.runtime.devices import processor_table


def precision(settings: Training, device, network=None) -> str:
    """The arithmetic that a training uses: float32, bf16 or fp16.

    Left to ``auto``, it is half precision where that is faster: on a GPU always, on a CPU where its instructions
    multiply bf16, except for depthwise convolutions, which take twice as long in it (``benchmarks/training.py``
    times it). fp16 is for GPUs alone.

    Examples
    --------
    >>> import torch
    >>> precision(Training(mixed_precision="off"), torch.device("cpu"))
    'float32'
    """
    import torch

    wish = settings.mixed_precision
    if wish == "off" or (device.type == "cpu" and wish == "fp16"):
        return "float32"
    if wish != "auto":
        return wish
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if device.type == "cpu" and multiplies_bf16() and not _is_depthwise(network) else "float32"


def multiplies_bf16() -> bool:
    """Whether the processor has instructions for bf16 that PyTorch uses: AVX-512 BF16 or AMX, on Linux.

    Without them bf16 is turned into float32 and back, and slower.

    >>> import torch
    >>> multiplies_bf16() and not torch.backends.mkldnn.is_available()
    False
    """
    import torch

    flags = {flag for line in processor_table("flags") for flag in line.split()}
    return torch.backends.mkldnn.is_available() and not flags.isdisjoint({"avx512_bf16", "amx_bf16"})


def _is_depthwise(network) -> bool:
    import torch

    return network is not None and any(
        isinstance(module, torch.nn.Conv2d) and module.groups > 1 for module in network.modules()
    )


def compile_for(network, device) -> None:
    """Let torch.compile make a program of `network`, in place, when it is first called.

    Nothing chooses this by itself: on the one processor that we measured (an AMD EPYC) it won less than half precision
    does, which is chosen there (``benchmarks/training.py`` times both), and on a GPU it was not measured.

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
