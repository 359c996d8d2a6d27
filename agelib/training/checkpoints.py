"""Weights and optimiser states on disk, as safetensors and JSON: no pickle, so that a file cannot run code.

A checkpoint is a folder that is replaced whole after every epoch. Explained in chapter 06.
"""

from pathlib import Path

import pandas as pd

from agelib.runtime import workspace


def save_weights(path, network) -> None:
    """Write a network's weights and buffers as safetensors, whole."""
    from safetensors.torch import save_file

    tensors = {name: to_store(tensor) for name, tensor in network.state_dict().items()}
    with workspace.write_whole(path) as temporary:
        save_file(tensors, temporary)


def to_store(tensor):
    """A copy on the CPU, in the order in memory that safetensors wants, whatever order is fastest to train with."""
    import torch

    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def load_weights(path, network) -> None:
    """Read weights that :func:`save_weights` wrote into the same network; ValueError names a torn file."""
    network.load_state_dict(_read_tensors(path))


def _read_tensors(path) -> dict:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: not readable as safetensors ({error}); delete its folder and run again") from None


def save_checkpoint(folder, network, best_weights: dict, optimiser, history: pd.DataFrame, average=None) -> None:
    """Write all that a training needs to go on after its last whole epoch.

    The folder is replaced whole: a reader sees the old checkpoint or the new one, never a mixture. `best_weights` are
    those of the best epoch so far, `history` has one row an epoch and ``attrs["precision"]``, the arithmetic that the
    training keeps to its end, `average` is the network of averaged weights.
    """
    from safetensors.torch import save_file

    tensors, plain = _split_state(optimiser.state_dict())
    with workspace.write_whole(folder) as temporary:
        temporary.mkdir()
        save_weights(temporary / "network.safetensors", network)
        save_file(best_weights, temporary / "best.safetensors")
        save_file(tensors, temporary / "optimiser.safetensors")
        workspace.write_json(temporary / "optimiser.json", plain)
        workspace.write_table(temporary / "history.csv", history)
        workspace.write_json(temporary / "precision.json", history.attrs["precision"])
        if average is not None:
            save_weights(temporary / "average.safetensors", average)
        workspace.seal(temporary)


def load_history(folder) -> tuple[pd.DataFrame, dict]:
    """Read a checkpoint's history and best weights; ValueError if any of its files is missing or torn."""
    folder = Path(folder)
    if fault := workspace.find_fault(folder):
        raise ValueError(f"{folder}: the checkpoint is not whole: {fault}")
    history = pd.read_csv(folder / "history.csv")
    file = folder / "precision.json"
    history.attrs["precision"] = workspace.read_json(file) if file.is_file() else ""
    return history, _read_tensors(folder / "best.safetensors")


def load_state(folder, network, optimiser, average=None) -> None:
    """Put a checkpoint's states into `network`, `optimiser` and, where there is one, the average of the weights."""
    folder = Path(folder)
    load_weights(folder / "network.safetensors", network)
    tensors = _read_tensors(folder / "optimiser.safetensors")
    plain = workspace.read_json(folder / "optimiser.json")
    optimiser.load_state_dict(_join_state(tensors, plain))
    _match_layout(optimiser)
    if average is not None:
        load_weights(folder / "average.safetensors", average)


def _split_state(state: dict) -> tuple[dict, dict]:
    """Part an optimiser's state into tensors (by "parameter.name") and what JSON can hold."""
    import torch

    flat = {f"{place}.{name}": value for place, values in state["state"].items() for name, value in values.items()}
    tensors = {key: to_store(value) for key, value in flat.items() if isinstance(value, torch.Tensor)}
    numbers = {key: value for key, value in flat.items() if key not in tensors}
    return tensors, {"numbers": numbers, "groups": state["param_groups"]}


def _match_layout(optimiser) -> None:
    """Lay out each state in memory as its parameter lies, as it was when it was made: the fused steps rely on it."""
    import torch

    for parameter, values in optimiser.state.items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                values[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _join_state(tensors: dict, plain: dict) -> dict:
    state: dict = {}
    for key, value in (tensors | plain["numbers"]).items():
        parameter, name = key.split(".", 1)
        state.setdefault(int(parameter), {})[name] = value
    groups = [
        {name: tuple(value) if name == "betas" else value for name, value in group.items()} for group in plain["groups"]
    ]
    return {"state": state, "param_groups": groups}
