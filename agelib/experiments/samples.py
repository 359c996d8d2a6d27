"""Images of one of a run's sets, as its network is shown them. Explained in chapter 19."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from agelib.data.table import PARTS
from agelib.experiments.data_module import Streams, open_streams
from agelib.pixels.batches import Batches


@dataclass(frozen=True, eq=False)
class Sample:
    """Some images of a set.

    Attributes
    ----------
    pictures : torch.Tensor
        float32 [N, 3, S, S], normalised as in the run's training.
    images : numpy.ndarray
        uint8 [N, C, S, S], as decoded.
    faces : pandas.DataFrame
        Their rows of the faces table, index 0 to N − 1.
    """

    pictures: torch.Tensor
    images: np.ndarray
    faces: pd.DataFrame


def take_sample(run, part: str = "test", pictures: int = 200, seed: int = 42) -> Sample:
    """Take images of a run's training, validation or test set, as its network is shown them.

    Parameters
    ----------
    run : agelib.experiments.result.Run or agelib.experiments.data_module.Streams
        Streams are what a run reads; no network needs to be trained on them.
    part : str
        train, valid or test; another one is a ValueError.
    pictures : int
        How many; 0, or more than there are, takes all.
    seed : int
        Of the choice, which is without replacement; the order is the table's.
    """
    if part not in PARTS:
        raise ValueError(f"a run has the parts {', '.join(PARTS)}, not {part!r}")
    opened = run if isinstance(run, Streams) else open_streams(run.experiment, run.prepared, progress=False)
    rows = opened.rows[part]
    if 0 < pictures < len(rows):
        rows = np.sort(np.random.default_rng(seed).choice(rows, pictures, replace=False))
    batches = Batches(opened.images, rows, opened.labels, len(rows), opened.mean, opened.std)
    faces = opened.faces.iloc[rows].reset_index(drop=True)
    return Sample(batches.one_batch()[0], np.asarray(opened.images.images[rows]), faces)
