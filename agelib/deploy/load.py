"""Which model is meant: a finished run, a folder, or the one that comes with the book. Explained in "How to run"."""

import sys
from dataclasses import replace
from pathlib import Path

from agelib.deploy.face_crop import UTKFACE
from agelib.deploy.model import Model, frame_of_run, load, of_run
from agelib.experiments import result
from agelib.runtime import workspace

#: The model that comes with the book, for those who name none.
SHIPPED = Path(__file__).resolve().parents[2] / "data" / "reference" / "model"


def choose(run: str = "", model="", detector: str = "cascade", margin: float | None = None) -> Model:
    """The model that is named, ready to find faces in whole pictures, unless the detector is none.

    Parameters
    ----------
    run : str
        Folder of a finished run, or the name that ``agelib train`` printed.
    model : path
        Folder of an exported model. Without either, the model that comes with the book.
    detector : str
        Who finds faces; none: the pictures are crops as the network was trained on.
    margin : float, optional
        What to leave around a face, in shares of its box, in place of what the model knows.

    Raises
    ------
    FileNotFoundError
        If there is no such model, or none comes with this copy of agelib.

    Examples
    --------
    >>> choose(model="no-such-folder")
    Traceback (most recent call last):
    ...
    FileNotFoundError: no-such-folder holds no model (model.json); `agelib export` writes one
    """
    if run:
        found = load_run(run)
        chosen = of_run(found, None if detector == "none" else measured_frame(found, detector, pictures=64))
    else:
        chosen = load(model or _shipped())
    if detector == "none":
        return chosen
    if chosen.frame is None:
        print(
            "the model does not say where faces lie in its crops; it is taken to be as in UTKFace's",
            file=sys.stderr,
        )
    frame = chosen.frame or UTKFACE
    return replace(chosen, frame=frame if margin is None else replace(frame, margin=margin))


def load_run(name: str):
    """A finished run by its folder or its name."""
    place = Path(name)
    return result.load(place if place.is_dir() else workspace.home() / "runs" / name)


def measured_frame(run, detector: str, **how):
    """Where the faces lie in the run's own pictures; None, with a word, where these are not at hand."""
    try:
        return frame_of_run(run, detector, **how)
    except OSError as error:
        print(f"the run's pictures are not at hand ({error})", file=sys.stderr)
        return None


def _shipped() -> Path:
    if not SHIPPED.is_dir():
        raise FileNotFoundError(
            f"there is no {SHIPPED}; name a finished run (--run, as `agelib train` prints it) or a model (--model)"
        )
    return SHIPPED
