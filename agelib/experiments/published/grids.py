"""Reference experiments that are one setting of a grid: which one is decided on the validation part, and kept."""

from concurrent.futures import Executor
from pathlib import Path

import pandas as pd

from agelib.experiments.published.recipes import read
from agelib.experiments.published.reference import FOLDER, Reference
from agelib.runtime import workspace

#: What is kept of each trial, beside the options that the grid varies.
COLUMNS = ["state", "valid_mse", "valid_mae", "epochs_run", "seconds", "error"]


def tune(
    reference: Reference, root, folder=FOLDER, progress: bool = True, workers: int = 0, executor: Executor | None = None
) -> dict:
    """The setting of a reference's grid with the least validation MSE; the grid is run if it is not kept.

    Parameters
    ----------
    reference : Reference
        One without a grid has nothing to choose.
    root : path
        UTKFace, as a folder or the published archive.
    folder : path
        Where ``grids`` lies.
    progress : bool
    workers, executor
        As in :func:`agelib.experiments.search.grid`.

    Returns
    -------
    dict
        Option → value.

    Raises
    ------
    ValueError
        If no trial was completed.
    """
    if not reference.grid:
        return {}
    from agelib.experiments import search

    kept = trials(reference.name, folder)
    if kept is None:
        base = reference.experiment(root, **reference.grid_size)
        study = search.grid(base, reference.grid, workers, executor, progress)
        study.best()  # if no trial was completed, it says what went wrong
        kept = study.trials[[*reference.grid, *COLUMNS]]
        workspace.write_table(_file(reference.name, folder), kept)
    done = kept[kept["state"] == "complete"]
    return done.loc[done["valid_mse"].idxmin(), list(reference.grid)].to_dict()


def trials(name: str, folder=FOLDER) -> pd.DataFrame | None:
    """The trials of a reference's grid, one row each; None if it has none, or none is kept.

    Returns
    -------
    pandas.DataFrame or None
        The options varied, ``state``, ``valid_mse`` (years²), ``valid_mae`` (years), ``epochs_run``, ``seconds``,
        ``error``.

    Raises
    ------
    ValueError
        If there is no such reference.

    Examples
    --------
    >>> trials("best") is None
    True
    """
    file = _file(read(name).name, folder)
    return pd.read_csv(file) if file.is_file() else None


def _file(name: str, folder) -> Path:
    return Path(folder) / "grids" / f"{name}.csv"
