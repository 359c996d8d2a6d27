"""Where a network runs, what that is called, and in which arithmetic it trains. Explained in chapter 05."""

import os
import platform
from pathlib import Path

from agelib.experiment import Training


def choose_device(wish: str | None = None):
    """The device to train on: `wish`, else what AGELIB_DEVICE names, else a GPU where there is one.

    >>> choose_device("cpu").type
    'cpu'
    """
    import torch

    wish = wish or os.environ.get("AGELIB_DEVICE")
    if wish:
        return torch.device(wish)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision(settings: Training, device) -> str:
    """The arithmetic that a training uses: float32, bf16 or fp16.

    On a CPU it is always float32, because bf16 without the instructions for it is slower.

    >>> import torch
    >>> precision(Training(mixed_precision="bf16"), torch.device("cpu"))
    'float32'
    """
    if device.type != "cuda" or settings.mixed_precision == "off":
        return "float32"
    if settings.mixed_precision == "auto":
        import torch

        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return settings.mixed_precision


def device_name(device=None) -> str:
    """The name of a device: the graphics card's or the processor's; by default of what a network would train on.

    >>> device_name("cpu") == processor_name()
    True
    """
    import torch

    device = choose_device(device) if device is None else torch.device(device)
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name()


def processor_name() -> str:
    """The processor's name: from Linux's own table where there is one, for `platform` leaves it empty there."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8", errors="replace").splitlines() if table.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
