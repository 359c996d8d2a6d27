"""Ages of new pictures from a trained network: pictures in, one row a face out. Explained in chapters 24 and 25.

Nothing is kept: pictures are decoded in memory, a batch at a time, and never written anywhere.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.deploy.face_crop import LEAST_FOUND, UTKFACE, Frame, cut_out, finder, open_upright
from agelib.deploy.model import Model, of_run
from agelib.pixels.decode import name_of, read_picture
from agelib.pixels.image_files import list_images
from agelib.runtime.cpu import cores
from agelib.runtime.devices import choose_device

#: What is told of a face, in this order, whatever the model was trained for → its column in a table of predictions.
ANSWERS = {"path": "path", "age": "predicted", "age_low": "age_low", "age_high": "age_high"}
ANSWERS |= {name: f"predicted_{name}" for name in ("age_group", "gender", "ethnicity")}


#: Files at a time.
BATCH = 128


@dataclass(frozen=True)
class Crop:
    """One face of a picture, ready for the network, or why there is none: image uint8 [C, S, S], box in pixels."""

    name: str
    image: np.ndarray | None = None
    face: int = 1
    box: str | None = None
    problem: str | None = None


def find_pictures(pictures: Iterable) -> tuple[list, list]:
    """What to judge, and what was passed over in folders.

    Returns
    -------
    pictures : list
        Files as they are given, and of a folder every image below it, by name; what is in memory stays as it is. What
        should be an image and cannot be read, or a folder without one, is a :class:`Crop` that says so.
    passed_over : list of (str, str)
        Path and reason of each hidden entry and each file of another kind.
    """
    found, passed_over = [], []
    for picture in pictures:
        if not isinstance(picture, str | os.PathLike) or not os.path.isdir(picture):
            found.append(picture)
            continue
        inside = list_images(picture, any_name=True)
        found += [Path(picture, name) for name in inside.files]
        lost = inside.lost or ([] if inside.files else [("", "no image in this folder")])
        found += [Crop(name := name_of(Path(picture, path)), problem=f"{name}: {wrong}") for path, wrong in lost]
        passed_over += [(name_of(Path(picture, path)), why) for path, why in inside.others]
    return found, passed_over


def predict(source, pictures: Iterable, device=None, **how) -> pd.DataFrame:
    """What a trained network says of pictures.

    Parameters
    ----------
    source : agelib.experiments.result.Run or agelib.deploy.Model
    pictures : iterable of path, bytes or binary file
        Files, or folders of them; or in memory the bytes of a file, or a binary file, which may have a ``name``.
    device : torch.device, optional
    **how
        ``detector``, ``level`` and ``onnx``: see :func:`predict_in_batches`.

    Returns
    -------
    pandas.DataFrame
        One row a face, or a picture in which there is none, in the order given: ``path`` (of a picture in memory its
        name), ``face`` (1, 2, … from left to right) and ``box`` (x1 y1 x2 y2 in pixels of the upright picture) where
        faces were looked for, the columns that the target predicts (see :meth:`agelib.targets.Target.predictions`),
        ``age_low`` and ``age_high`` in years, and ``problem``: why there is no answer, else missing. One broken
        picture never stops the rest.

    Raises
    ------
    FileNotFoundError
        If there is nothing at a path.
    """
    return pd.concat(list(predict_in_batches(source, pictures, device, **how)), ignore_index=True)


def predict_in_batches(
    source, pictures: Iterable, device=None, detector: str = "none", level: float = 0.9, onnx: bool = False
) -> Iterator[pd.DataFrame]:
    """As :func:`predict`, a table for each :data:`BATCH` files; while the network looks at one, threads read the next.

    Parameters
    ----------
    source, pictures, device
        As for :func:`predict`.
    detector : str
        none: the pictures are cropped as those that the network was trained on. Or who looks for faces in whole
        pictures: a name of :data:`agelib.data.detectors.DETECTORS`.
    level : float
        Share of pictures whose interval shall hold the true age: 0.5, 0.8, 0.9 or 0.95.
    onnx : bool
        Ask the model's ONNX graph in place of torch.
    """
    model = source if isinstance(source, Model) else of_run(source)
    device = choose_device() if device is None else device
    files, _ = find_pictures(pictures)
    if not files:
        raise ValueError("no picture is given; name files or folders")
    read = _reader(model, detector)
    with ThreadPoolExecutor(min(8, cores())) as threads:
        waiting = None
        for start in range(0, len(files) + BATCH, BATCH):
            following = threads.map(read, files[start : start + BATCH])  # it begins at once
            if waiting is not None:
                crops = [crop for one in waiting for crop in one]
                yield _judge(model, crops, level, device, onnx)
            waiting = following


def _judge(model: Model, crops: list[Crop], level: float, device, onnx: bool) -> pd.DataFrame:
    table = pd.DataFrame({"path": [crop.name for crop in crops], "face": [crop.face for crop in crops]})
    table["box"] = pd.Series([crop.box for crop in crops], dtype="object")
    readable = [place for place, crop in enumerate(crops) if crop.problem is None]
    if readable:
        images = np.stack([crops[place].image for place in readable])  # [faces, C, S, S]
        table = table.join(model.predict(images, level, device, onnx).set_axis(readable))
    return table.assign(problem=[crop.problem for crop in crops])


def _reader(model: Model, detector: str) -> Callable[[object], list[Crop]]:
    """A function for any thread that reads a picture: a crop for each face, or one that says what is wrong."""
    show = model.experiment.pictures
    shown = (show.image_size, show.grey, show.zoom)
    if detector != "none":
        frame, look = frame_for(model, detector), finder(detector)

    def read(source) -> list[Crop]:
        if isinstance(source, Crop):
            return [source]
        name = name_of(source)
        try:
            if detector == "none":
                return [Crop(name, read_picture(source, *shown))]
            picture, crops = open_upright(source), []
            for number, box in enumerate(look(picture), start=1):
                corners = " ".join(f"{value:.0f}" for value in box)
                crops.append(Crop(name, cut_out(picture, box, frame, *shown), number, corners))
            return crops or [Crop(name, problem=f"{name}: no face found (an aligned crop? --no-detect)")]
        except ValueError as error:
            return [Crop(name, problem=str(error))]

    return read


def frame_for(model: Model, detector: str) -> Frame:
    """What to cut out around a face; a ValueError if the model knows no boxes of this detector to rely on."""
    frame = model.frame or UTKFACE
    if detector != frame.detector:
        raise ValueError(
            f"the model knows where the detector {frame.detector} finds faces, not {detector}; "
            "choose that one, or export the model again with the other"
        )
    if frame.found < LEAST_FOUND:
        raise ValueError(
            f"the detector {detector} finds a face in {100 * frame.found:.0f} % of the pictures that this network was "
            "trained on, so it cannot cut out such pictures; take yours as they are: --no-detect"
        )
    return frame


def answers(table: pd.DataFrame) -> pd.DataFrame:
    """What is told of each face: the columns :data:`ANSWERS` of a table of predictions; missing where it has none.

    Examples
    --------
    >>> table = pd.DataFrame({"path": ["a.jpg"], "predicted": [31.0], "age_low": [25.0], "age_high": [40.0]})
    >>> print(answers(table).to_csv(index=False), end="")
    path,age,age_low,age_high,age_group,gender,ethnicity
    a.jpg,31.0,25.0,40.0,,,
    """
    return pd.DataFrame({name: table.get(column, np.nan) for name, column in ANSWERS.items()}, index=table.index)
