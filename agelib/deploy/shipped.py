"""Which model is meant: a finished run, a folder, or the one that comes with the book. Explained in chapter 25."""

import sys
from dataclasses import replace
from pathlib import Path

from agelib.deploy.face_crop import UTKFACE
from agelib.deploy.model import Model, frame_of_run, load, of_run
from agelib.runtime import workspace

#: The model that comes with the book, for those who name none.
SHIPPED = workspace.shipped("model")


def choose(source="", detector: str = "cascade", margin: float | None = None) -> Model:
    """The model that is meant, ready to find faces in whole pictures, unless the detector is none.

    Parameters
    ----------
    source : agelib.experiments.result.Run or path
        A finished run, or the folder of an exported model; empty: the model that comes with the book. A
        FileNotFoundError says that there is none.
    detector : str
        Who finds faces; none: the pictures are crops as the network was trained on.
    margin : float, optional
        What to leave around a face, in shares of its box, in place of what the model knows.

    Examples
    --------
    >>> choose("no-such-folder")
    Traceback (most recent call last):
    ...
    FileNotFoundError: no-such-folder holds no model (model.json); `agelib export` writes one
    """
    if isinstance(source, str | Path):
        if not source and not SHIPPED.is_dir():
            raise FileNotFoundError(
                f"there is no {SHIPPED}; name a finished run (--run, as `agelib train` prints it) or a model (--model)"
            )
        chosen = load(source or SHIPPED)
    else:
        chosen = of_run(source, None if detector == "none" else measured_frame(source, detector, pictures=64))
    if detector == "none":
        return chosen
    if chosen.frame is None:
        print("the model does not say where faces lie in its crops; it is taken to be as in UTKFace's", file=sys.stderr)
    frame = chosen.frame or UTKFACE
    return replace(chosen, frame=frame if margin is None else replace(frame, margin=margin))


def measured_frame(run, detector: str, **how):
    """Where the faces lie in the run's own pictures; None, with a word, where these are not at hand."""
    try:
        return frame_of_run(run, detector, **how)
    except OSError as error:
        print(f"the run's pictures are not at hand ({error})", file=sys.stderr)
        return None
