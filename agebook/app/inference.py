"""From a picture's bytes to what the model says of its faces: in memory, and with limits. Explained in chapter 25."""

from dataclasses import dataclass

import pandas as pd
from PIL import Image

from agelib.deploy.face_crop import open_upright
from agelib.deploy.predict import predict
from agelib.pixels.decode import open_picture, reason

#: Bytes that a picture may have, and pixels that it may have once it is decoded.
LARGEST_BYTES, LARGEST_PIXELS = 20 * 2**20, 100_000_000


@dataclass(frozen=True)
class Judged:
    """A picture, RGB and upright, and the table of its faces, which is empty where none was found."""

    picture: Image.Image
    faces: pd.DataFrame


def judge(model, data: bytes, name: str, detector: str = "cascade", level: float = 0.9) -> Judged:
    """What a model says of the faces in a picture.

    Parameters
    ----------
    model : agelib.deploy.Model
    data : bytes
        The picture's file, as it was uploaded.
    name : str
        What to call it.
    detector, level
        As for :func:`agelib.deploy.predict.predict_in_batches`.

    Raises
    ------
    ValueError
        If that is no picture, or too large a one; the message is for whoever chose it.

    Examples
    --------
    >>> judge(None, b"Dear diary", "diary.txt")
    Traceback (most recent call last):
    ...
    ValueError: diary.txt is not a picture that can be read (not a picture).
    """
    if len(data) > LARGEST_BYTES:
        raise ValueError(f"{name} has {len(data) / 2**20:.1f} MB; at most {LARGEST_BYTES / 2**20:.0f} are taken.")
    try:
        with open_picture(data) as picture:
            pixels = picture.width * picture.height
    except Exception as error:  # A damaged file makes Pillow raise nearly anything.
        raise ValueError(f"{name} is not a picture that can be read ({reason(error)}).") from None
    if pixels > LARGEST_PIXELS:
        raise ValueError(
            f"{name} has {pixels / 1e6:,.0f} million pixels; at most {LARGEST_PIXELS / 1e6:.0f} million are taken."
        )
    try:
        whole = open_upright(data)
    except ValueError as error:
        told = str(error).removeprefix("the picture: ")
        raise ValueError(f"{name} is not a picture that can be read ({told}).") from None
    faces = predict(model, [data], detector=detector, level=level)
    return Judged(whole, faces[faces["problem"].isna()].reset_index(drop=True))
