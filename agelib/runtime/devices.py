"""Where a network runs, and what that is called. Explained in chapter 06."""

import os
import platform
from pathlib import Path


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
    names = processor_table("model name")
    return names[0] if names else platform.processor() or platform.machine()


def processor_table(entry: str) -> list[str]:
    """What Linux's table of processors says of `entry`, once for each of them."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8", errors="replace").splitlines() if table.is_file() else []
    return [line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == entry]
