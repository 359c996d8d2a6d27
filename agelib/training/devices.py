"""Where a training runs, and in which arithmetic. Explained in chapter 05."""

import os

import torch

from agelib.experiment import Training


def choose_device(wish: str | None = None) -> torch.device:
    """The device to train on: `wish`, else what AGELIB_DEVICE names, else a GPU where there is one.

    >>> choose_device("cpu").type
    'cpu'
    """
    wish = wish or os.environ.get("AGELIB_DEVICE")
    if wish:
        return torch.device(wish)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision(settings: Training, device: torch.device) -> str:
    """The arithmetic that a training uses: float32, bf16 or fp16.

    On a CPU it is always float32, because bf16 without the instructions for it is slower.

    >>> precision(Training(mixed_precision="bf16"), torch.device("cpu"))
    'float32'
    """
    if device.type != "cuda" or settings.mixed_precision == "off":
        return "float32"
    if settings.mixed_precision == "auto":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return settings.mixed_precision
