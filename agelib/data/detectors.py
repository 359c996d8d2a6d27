"""Face detectors: a grey picture in, boxes of faces out; the first of study A's two cleaning passes.

``cascade`` is OpenCV's frontal-face cascade, which comes with OpenCV and needs nothing else. ``insightface`` is the
one that study A used; it is optional, because its weights must be fetched by hand and may not be used commercially.
Explained in chapter 02.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.pixels.content_keys import content_keys
from agelib.pixels.decode import decoders, read_picture
from agelib.runtime.cpu import cores
from agelib.runtime.fingerprint import code_fingerprint
from agelib.runtime.progress import Line
from agelib.runtime.workspace import append_records, content_key, home, lock, mark_used, read_records, write_table

#: Side that a picture is brought to before the cascade looks at it, in pixels.
CASCADE_SIZE = 128

#: Pictures that are looked at before what was found is written down.
PICTURES_AT_A_TIME = 1024

#: Folder in which InsightFace looks for its weights, below ~/.insightface/models.
INSIGHTFACE_MODEL = "buffalo_l"

#: Name → function that makes the detector: uint8 [3, S, S] → boxes [faces, 4] as x1 y1 x2 y2 in shares of the side.
DETECTORS: dict[str, Callable[[], Callable[[np.ndarray], np.ndarray]]] = {}


def detect(
    faces: pd.DataFrame, root, detector: str = "cascade", jobs: int | None = None, progress: bool = True
) -> pd.DataFrame:
    """Look for faces in every picture of a faces table.

    Parameters
    ----------
    faces, root : pandas.DataFrame, path
        The faces table; ``path`` is read. The folder that ``path`` is relative to.
    detector : str
        cascade, insightface, none (every readable picture counts as a face), or a name added to :data:`DETECTORS`.
    jobs, progress : int, bool
        Threads, by default one for each core; whether to show how far it is.

    Returns
    -------
    pandas.DataFrame
        Index as `faces`; ``readable`` (bool), ``found`` (bool), ``faces_found`` (int), ``box`` (text: the largest
        face as x1 y1 x2 y2 in shares of the picture's sides; missing if none was found).

    Raises
    ------
    ValueError
        If there is no such detector.
    RuntimeError
        If its package or its weights are missing; the message says how to get them.

    Notes
    -----
    What was found is remembered by the pictures' content, so that a second call reads nothing. Only what the
    detectors of this module found is: of others it cannot be known whether their code has changed. A call that was
    interrupted goes on after the last :data:`PICTURES_AT_A_TIME` pictures. Memory holds about 0.5 KB a picture.
    """
    if detector not in DETECTORS and detector != "none":
        raise ValueError(f"detector is one of {', '.join([*DETECTORS, 'none'])}, not {detector!r}")
    paths = [str(path) for path in faces["path"]]
    if detector != "none" and DETECTORS[detector].__module__ != __name__:
        return _detect_all(paths, Path(root), detector, None, jobs, progress).set_axis(faces.index)
    _, contents = content_keys(paths, root, progress)
    key = content_key(detector, contents, code_fingerprint("agelib.data.detectors"), decoders())
    file = home() / "detections" / f"{detector}-{key}.csv"
    with lock(file):
        if not file.is_file():
            partial = file.with_name(f".{file.name}.partial")
            write_table(file, _detect_all(paths, Path(root), detector, partial, jobs, progress))
            partial.unlink(missing_ok=True)
    mark_used(file)
    return pd.read_csv(file, dtype={"box": "object"}).set_axis(faces.index)


def _detect_all(
    paths: list[str], root: Path, detector: str, file: Path | None, jobs: int | None, progress: bool
) -> pd.DataFrame:
    """What is found in each picture; `file` keeps what was found before an interruption."""
    own = threading.local()  # a cascade must not be used by two threads at a time
    make = DETECTORS.get(detector, lambda: None)
    make()  # what is missing is said once, here, and not by every thread

    def look(path: str) -> tuple:
        try:
            picture = read_picture(root / path, 2 * CASCADE_SIZE if detector == "insightface" else CASCADE_SIZE)
        except ValueError:
            return False, False, 0, None
        if detector == "none":
            return True, True, 1, None
        if not hasattr(own, "detector"):
            own.detector = make()
        boxes = own.detector(picture)
        if not len(boxes):
            return True, False, 0, None
        sizes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        return True, True, len(boxes), " ".join(f"{value:.4f}" for value in boxes[np.argmax(sizes)])

    found = {} if file is None else dict(read_records(file))
    line = Line("look for faces", len(paths), shown=progress)
    tables = []
    with ThreadPoolExecutor(jobs or cores()) as threads:
        for first in range(0, len(paths), PICTURES_AT_A_TIME):
            some = paths[first : first + PICTURES_AT_A_TIME]
            if first not in found:
                found[first] = list(threads.map(look, some))
                if file is not None:
                    append_records(file, [[first, found[first]]])
            rows = found.pop(first)
            tables.append(pd.DataFrame(rows, columns=["readable", "found", "faces_found", "box"]))
            line.advance(len(some))
    line.close()
    return pd.concat(tables, ignore_index=True)


def make_cascade() -> Callable[[np.ndarray], np.ndarray]:
    """OpenCV's frontal-face cascade (Viola and Jones), from the file that comes with OpenCV.

    >>> make_cascade()(np.zeros((3, 128, 128), np.uint8)).shape
    (0, 4)
    """
    import cv2

    cv2.setNumThreads(1)  # the pictures themselves are shared out among threads
    file = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(file))
    if cascade.empty():
        raise RuntimeError(f"OpenCV has no face cascade at {file}; install opencv-python-headless below version 5")

    def look(picture: np.ndarray) -> np.ndarray:
        grey = cv2.cvtColor(np.ascontiguousarray(picture.transpose(1, 2, 0)), cv2.COLOR_RGB2GRAY)
        # A face that fills the picture has no margin for the cascade's window: lend it one.
        margin = len(grey) // 8
        grey = cv2.copyMakeBorder(grey, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
        found = cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=4, minSize=(32, 32))
        boxes = np.asarray(found, np.float64).reshape(-1, 4) - [margin, margin, 0, 0]
        boxes[:, 2:] += boxes[:, :2]
        return boxes / len(picture[0])

    return look


def make_insightface() -> Callable[[np.ndarray], np.ndarray]:
    """InsightFace's detector on the CPU, if the package and its weights are there. Nothing is downloaded.

    Raises
    ------
    RuntimeError
        If the package or the weights are missing.
    """
    try:
        from insightface.app import FaceAnalysis
    except ImportError:
        raise RuntimeError(
            "the detector insightface needs a package that is not installed: run pip install 'agelib[insightface]' "
            "in the repository, or choose detector='cascade'"
        ) from None
    folder = Path.home() / ".insightface" / "models" / INSIGHTFACE_MODEL
    if not list(folder.glob("det_*.onnx")):
        raise RuntimeError(
            f"the detector insightface has no weights: there is no det_*.onnx in {folder}. Fetch the model pack "
            f"{INSIGHTFACE_MODEL} from the InsightFace project, read its licence (research only) and unpack it there, "
            "or choose detector='cascade'"
        )
    analysis = FaceAnalysis(INSIGHTFACE_MODEL, allowed_modules=["detection"], providers=["CPUExecutionProvider"])
    analysis.prepare(ctx_id=-1, det_size=(2 * CASCADE_SIZE, 2 * CASCADE_SIZE))

    def look(picture: np.ndarray) -> np.ndarray:
        blue_first = np.ascontiguousarray(picture[::-1].transpose(1, 2, 0))
        boxes = [face.bbox for face in analysis.get(blue_first)]
        return np.asarray(boxes, np.float64).reshape(-1, 4) / len(blue_first)

    return look


DETECTORS["cascade"] = make_cascade
DETECTORS["insightface"] = make_insightface
