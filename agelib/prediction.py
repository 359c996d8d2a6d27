"""Ages of new pictures from a finished run: files in, one row a picture out. Explained in chapter 20.

Nothing is kept: pictures are decoded in memory, a batch at a time, and never written anywhere.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from agelib import training
from agelib.decoding import read_picture
from agelib.runs import Run

#: Endings of the files that are taken from a folder.
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")

BATCH = 128


def find_pictures(paths: Iterable) -> list[Path]:
    """Files as they are given, and of a folder every picture below it, by name.

    Raises
    ------
    FileNotFoundError
        If there is nothing at a path, or no picture in a folder.
    """
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in PICTURES)
            if not inside:
                raise FileNotFoundError(f"{path} holds no picture ({', '.join(PICTURES)})")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise FileNotFoundError(f"there is no file or folder {path}")
    return found


def predict(run: Run, pictures: Iterable, device=None) -> pd.DataFrame:
    """What a finished run's network says of pictures that are cropped as its own were.

    Parameters
    ----------
    run : agelib.runs.Run
    pictures : iterable of path
        Files, or folders of them.
    device : torch.device, optional

    Returns
    -------
    pandas.DataFrame
        One row a picture, in the order given: ``path``, the columns that the target predicts (see
        :meth:`agelib.targets.Target.predictions`), and ``problem``: why a picture could not be read, else missing.
        One broken file never stops the rest.

    Raises
    ------
    FileNotFoundError
        If there is nothing at a path.
    """
    import torch

    device = training.choose_device() if device is None else device
    target = run.target()
    network = run.network().to(device)
    mean, std = (
        np.asarray(run.environment[f"pixel_{name}"], np.float32)[:, None, None] for name in ("mean", "std")
    )
    tables = []
    for files in _chunks(find_pictures(pictures)):
        images, problems = _decode(run, files)
        readable = [place for place, problem in enumerate(problems) if problem is None]
        table = pd.DataFrame({"path": list(map(str, files))})
        if readable:
            x = torch.from_numpy((images[readable] / np.float32(255) - mean) / std)  # [B, 3, S, S]
            given = training.outputs(network, [(x, None)], device, run.experiment.pictures.flip_test)
            table = table.join(target.predictions(given).set_axis(readable))
        tables.append(table.assign(problem=problems))
    return pd.concat(tables, ignore_index=True)


def _chunks(files: list[Path]) -> Iterator[list[Path]]:
    for start in range(0, len(files), BATCH):
        yield files[start : start + BATCH]


def _decode(run: Run, files: list[Path]) -> tuple[np.ndarray, list[str | None]]:
    """Pictures as the run's network was shown its own: uint8 [B, 3, S, S], and what was wrong with each, or None."""
    show = run.experiment.pictures

    def read(file):
        try:
            return read_picture(file, show.image_size, show.grey, show.zoom), None
        except ValueError as error:
            return np.zeros((1, show.image_size, show.image_size), np.uint8), str(error)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        read_all = list(threads.map(read, files))
    shape = (3, show.image_size, show.image_size)
    images = np.stack([np.broadcast_to(image, shape) for image, _ in read_all])
    return images, [problem for _, problem in read_all]
