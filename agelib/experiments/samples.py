"""Pictures as a run's network is shown them: of one of its parts, or drawn for the purpose. Explained in chapter 19."""

import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from agelib.data.table import PARTS
from agelib.experiments.data_module import open_streams
from agelib.pixels.batches import Batches
from agelib.pixels.decode import decode_picture


@dataclass(frozen=True, eq=False)
class Sample:
    """Some pictures of a part.

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
    """Take pictures of a run's part, as its network is shown them.

    Parameters
    ----------
    run : agelib.experiments.result.Run
    part : str
        train, valid or test.
    pictures : int
        How many; 0, or more than there are, takes all.
    seed : int
        Of the choice, which is without replacement; the order is the table's.

    Returns
    -------
    Sample

    Raises
    ------
    ValueError
        If there is no such part.
    """
    if part not in PARTS:
        raise ValueError(f"a run has the parts {', '.join(PARTS)}, not {part!r}")
    streams = open_streams(run.experiment, run.prepared, progress=False)
    rows = streams.rows[part]
    if 0 < pictures < len(rows):
        rows = np.sort(np.random.default_rng(seed).choice(rows, pictures, replace=False))
    batches = Batches(
        streams.images, rows, streams.labels, batch_size=len(rows), mean=streams.mean, std=streams.std
    )
    (batch,) = (x for x, _ in batches)
    return Sample(
        batch, np.asarray(streams.images.images[rows]), streams.faces.iloc[rows].reset_index(drop=True)
    )


def normalise(run, images) -> torch.Tensor:
    """Bring pictures of any size to what a run's network is shown: its zoom, its size, its colours, its normalising.

    Parameters
    ----------
    run : agelib.experiments.result.Run
    images : array
        uint8 [N, H, H, 3], such as :func:`agelib.drawn.draw_faces` draws.

    Returns
    -------
    torch.Tensor
        float32 [N, 3, S, S].

    Raises
    ------
    ValueError
        If the pictures are not uint8 [N, H, W, 3].
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(f"pictures are uint8 [N, H, W, 3], not {images.dtype} {list(images.shape)}")
    show = run.experiment.pictures
    small = np.stack([_decode(image, show) for image in images])  # [N, C, S, S]
    mean = np.asarray(run.environment["pixel_mean"], np.float32)
    std = np.asarray(run.environment["pixel_std"], np.float32)
    batches = Batches(small, np.arange(len(small)), np.zeros(len(small)), len(small), mean=mean, std=std)
    return batches.one_batch()[0]


def _decode(image: np.ndarray, show) -> np.ndarray:
    """The same resizing as of a file: PNG loses nothing."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=1)
    return decode_picture(file.getvalue(), show.image_size, show.grey, show.zoom)
