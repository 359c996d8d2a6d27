"""Faces in whole pictures, cut out as the pictures that a network was trained on were cut out.

A network has learnt from crops in which the face always lies at the same place. In UTKFace's crops the cascade's box
fills 95 % of the side and lies high; in the drawn ones it fills 57 % and lies low. So how much is left around a face is
no constant: it is measured where a detector finds the faces in training pictures, and travels with the model. Explained
in chapter 25.
"""

import math
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from agelib.data import detectors
from agelib.pixels.decode import bytes_of, load_picture, name_of, reason
from agelib.runtime.cpu import cores

#: The longer side that a picture is brought to before a detector looks at it, in pixels. The cascade finds faces from
#: 32 pixels on: a twelfth of the side. Smaller pictures are looked at as they are.
DETECTION_SIZE = 384

#: A JPEG is decoded at half its size or less while it keeps this many pixels on its shorter side.
LARGEST = 2048

#: Training pictures in which faces are looked for to measure a frame.
MEASURED = 200

#: A detector that finds fewer faces than this in the training pictures says nothing about where they lie.
LEAST_FOUND = 0.5


@dataclass(frozen=True)
class Frame:
    """What is cut out around a face.

    Attributes
    ----------
    margin : float
        What is added on each side of the detector's box, in shares of the box's side; below 0 less than the box.
    across, down : float
        Where the box's middle lies in what is cut out, in shares of its side, from the left and from the top.
    detector : str
        Whose box it is.
    pictures, found : int and float
        Training pictures that it was measured in (0: not measured), and the share in which a face was found.

    Examples
    --------
    >>> Frame(margin=0.5).square((40, 40, 60, 60))
    (30.0, 30.0, 40.0)
    """

    margin: float
    across: float = 0.5
    down: float = 0.5
    detector: str = "cascade"
    pictures: int = 0
    found: float = 1.0

    def __post_init__(self):
        if not -0.5 < self.margin < math.inf:
            raise ValueError(f"margin is a finite share of the face box above -0.5, not {self.margin}")

    def square(self, box) -> tuple[float, float, float]:
        """Left, top and side, in pixels, of what is cut out around a box (x1, y1, x2, y2)."""
        x1, y1, x2, y2 = box
        side = math.sqrt((x2 - x1) * (y2 - y1)) * (1 + 2 * self.margin)
        return (x1 + x2) / 2 - self.across * side, (y1 + y2) / 2 - self.down * side, side


#: Where the cascade finds the faces in 300 of UTKFace's aligned crops: for a model that does not say.
UTKFACE = Frame(margin=0.02, across=0.5, down=0.42)


def measure_frame(files: Iterable, detector: str = "cascade") -> Frame:
    """Where a detector finds the faces in training pictures: the medians of width and place of its largest box.

    Parameters
    ----------
    files : iterable of path
        Pictures as the network was trained on them; unreadable ones are passed over.
    detector : str
        A name of :data:`agelib.data.detectors.DETECTORS`. Where it finds no face, the frame is :data:`UTKFACE`'s.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from agelib.drawn import draw_faces
    >>> folder = Path(tempfile.mkdtemp())
    >>> for number, face in enumerate(draw_faces(range(6), 30, plain=True)):
    ...     Image.fromarray(face).save(folder / f"{number}.png")
    >>> frame = measure_frame(folder.iterdir())
    >>> frame.pictures, 0.2 < frame.margin < 0.6
    (6, True)
    """
    look = finder(detector)

    def place(file) -> tuple | None:
        try:
            picture = open_upright(file)
        except ValueError:
            return None
        boxes = look(picture)
        if not len(boxes):
            return (np.nan,) * 3
        x1, y1, x2, y2 = boxes[np.argmax((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))]
        width, height = picture.size
        side = math.sqrt((x2 - x1) / width * (y2 - y1) / height)
        return side, (x1 + x2) / 2 / width, (y1 + y2) / 2 / height

    with ThreadPoolExecutor(cores()) as threads:
        places = np.array([each for each in threads.map(place, files) if each], dtype=float).reshape(-1, 3)
    known = np.isfinite(places[:, 0])
    if not known.any():
        return replace(UTKFACE, detector=detector, pictures=len(places), found=0.0)
    side, across, down = np.median(places[known], axis=0)
    measured = (round(float(value), 3) for value in ((1 / side - 1) / 2, across, down))
    return Frame(*measured, detector, len(places), round(float(known.mean()), 3))


def open_upright(source) -> Image.Image:
    """Read a whole picture (path, bytes or binary file): RGB, 8 bits, upright, at its own size.

    A very large JPEG comes at half its size or less.

    Raises
    ------
    ValueError
        If the file is no readable picture, with its name and the reason.
    """
    try:
        whole, turn = load_picture(bytes_of(source), "RGB", LARGEST)
        return whole if turn is None else whole.transpose(turn)
    except Exception as error:  # A damaged file makes Pillow raise nearly anything.
        raise ValueError(f"{name_of(source)}: {reason(error)}") from None


def finder(detector: str = "cascade") -> Callable[[Image.Image], np.ndarray]:
    """Make a function that finds the faces of a picture, for any number of threads.

    Returns
    -------
    callable
        Picture → boxes float [faces, 4]: x1 y1 x2 y2 in its pixels, from left to right.

    Raises
    ------
    ValueError, RuntimeError
        If there is no such detector; if its package or its weights are missing.
    """
    if detector not in detectors.DETECTORS:
        raise ValueError(f"detector is one of {', '.join(detectors.DETECTORS)}, not {detector!r}")
    own = threading.local()  # a cascade must not be used by two threads at a time
    detectors.DETECTORS[detector]()  # what is missing is said once, here, and not by every thread

    def look(picture: Image.Image) -> np.ndarray:
        if not hasattr(own, "look"):
            own.look = detectors.DETECTORS[detector]()
        longer = max(picture.size)
        size = min(DETECTION_SIZE, max(longer, detectors.CASCADE_SIZE))
        width, height = (max(1, round(side * size / longer)) for side in picture.size)
        small = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
        # A detector looks at squares. The picture is not stretched: its edge is repeated beside or below it.
        square = np.pad(small, ((0, size - height), (0, size - width), (0, 0)), mode="edge")
        boxes = np.asarray(own.look(square.transpose(2, 0, 1)), float).reshape(-1, 4) * longer
        return _without_parts(boxes, picture.size)

    return look


def _without_parts(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Leave out boxes whose middle is outside the picture or in a larger box: an eye or a mouth taken for a face."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[np.ndarray] = []
    for box in boxes[np.argsort(-areas, kind="stable")]:
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        inside = any(one[0] <= x <= one[2] and one[1] <= y <= one[3] for one in kept)
        if not inside and 0 <= x <= size[0] and 0 <= y <= size[1]:
            kept.append(box)
    return np.array(sorted(kept, key=lambda box: box[0] + box[2])).reshape(-1, 4)


def cut_out(picture: Image.Image, box, frame: Frame, image_size: int, grey: bool = False, zoom: float = 1.0):
    """Cut a face out of a whole picture, as a network wants it.

    Where the frame reaches beyond the picture, the picture's edge is repeated (as Rothe et al. did for IMDB-WIKI).

    Parameters
    ----------
    picture : PIL.Image.Image
        RGB, upright.
    box : sequence of float
        x1, y1, x2, y2 of the face, in pixels; its middle lies in the picture.
    frame : Frame
    image_size, grey, zoom
        As for :func:`agelib.pixels.decode.read_picture`: the zoom takes the middle of what the frame cuts out.

    Returns
    -------
    numpy.ndarray
        uint8 [3, image_size, image_size], or [1, image_size, image_size] when `grey`.

    Examples
    --------
    >>> picture = Image.new("RGB", (100, 80), "white")
    >>> cut_out(picture, (70, 20, 100, 50), Frame(margin=0.3), 16).shape
    (3, 16, 16)
    """
    left, top, side = frame.square(box)
    left, top, side = left + side * (1 - 1 / zoom) / 2, top + side * (1 - 1 / zoom) / 2, side / zoom
    x1, y1, x2, y2 = math.floor(left), math.floor(top), math.ceil(left + side), math.ceil(top + side)
    pixels = np.asarray(picture)
    rows = np.arange(y1, y2).clip(0, picture.height - 1)
    columns = np.arange(x1, x2).clip(0, picture.width - 1)
    patch = Image.fromarray(pixels[rows][:, columns])
    if grey:
        patch = patch.convert("L")
    area = (left - x1, top - y1, left - x1 + side, top - y1 + side)
    pixels = np.asarray(patch.resize((image_size, image_size), Image.Resampling.BICUBIC, box=area))
    return pixels[None] if grey else pixels.transpose(2, 0, 1)
