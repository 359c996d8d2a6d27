"""From a planned picture to bytes on disk, and the way there over several processes.

Kept apart from the plan, so that a worker process starts quickly: it needs neither pandas nor SciPy. Every picture's
bytes depend on its own row alone, so any number of processes writes the same files.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from agelib.drawn.panda_portrait import draw_panda
from agelib.drawn.pandas import make_panda, take_panda_picture
from agelib.drawn.people import make_person
from agelib.drawn.pictures import take_picture
from agelib.drawn.portrait import draw
from agelib.drawn.scenes import draw_scene, draw_two
from agelib.runtime.cpu import cores
from agelib.runtime.progress import Line

#: Pictures that a process writes at a time, and below which starting another process costs more than it saves.
CHUNK, PICTURES_PER_PROCESS = 25, 100


@dataclass(frozen=True)
class Job:
    """One file to write: what is shown, and what is wrong with the file."""

    path: str
    seed: int
    index: int  # seeds the picture
    person: int
    gender: str
    ethnicity: str
    age: float
    fault: str = ""
    second: int = -1  # the second person, if there are two
    surroundings: float = 0.0  # also write a wider picture: this many times the face picture's side
    panda: bool = False  # an animal, not a person


#: What a near duplicate's copy went through, by the index of the duplicate.
COPIES = ("re-encoded", "resized", "brightened")


def picture_of(job: Job) -> tuple:
    """The person (or the panda) and the picture that a job shows."""
    if job.panda:
        animal = make_panda(job.person, job.seed)
        return animal, take_panda_picture(animal, job.age, (job.seed, job.index))
    person = make_person(job.person, job.seed, job.gender, job.ethnicity)
    return person, take_picture(person, job.age, (job.seed, job.index))


def render(job: Job, size: int) -> np.ndarray:
    """Draw the pixels of a job: RGB, uint8 [size, size, 3]."""
    if job.fault.startswith("no face"):
        return draw_scene((job.seed, job.index), size)
    shown = picture_of(job)
    if job.panda:
        return draw_panda(*shown, size)
    if job.fault == "two faces":
        other = make_person(job.second, job.seed)
        age = float(np.random.default_rng([job.seed, job.index, 6]).uniform(18, 70))
        return draw_two(shown, (other, take_picture(other, age, (job.seed, job.index, 7))), size)
    return draw(*shown, size)


def encode(image: np.ndarray, job: Job, copy: int = -1) -> bytes:
    """Turn pixels into the bytes of the job's file, its fault included."""
    quality = picture_of(job)[1].quality
    if job.fault.startswith("near duplicate"):
        kind = COPIES[copy % len(COPIES)]
        if kind == "resized":
            image = cv2.resize(image, None, fx=0.85, fy=0.85, interpolation=cv2.INTER_AREA)
        if kind == "brightened":
            image = np.clip(image.astype(np.int16) + 10, 0, 255).astype(np.uint8)
        quality = 70
    if job.fault == "text file":
        return b"This file is named like a picture, but it is text.\n"
    if job.fault == "CMYK":
        from PIL import Image  # a worker process starts quicker without it

        buffer = io.BytesIO()
        Image.fromarray(image).convert("CMYK").save(buffer, "JPEG", quality=quality)
        return buffer.getvalue()
    if job.fault == "16-bit PNG":
        return cv2.imencode(".png", image[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
    image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if job.fault == "grey" else image[..., ::-1]
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    return data[: int(0.4 * len(data))] if job.fault == "truncated" else data


def write_jobs(root: str, jobs: list[Job], originals: list, size: int) -> int:
    """Write the files of some jobs below `root`; `originals[k]` is the job that `jobs[k]` repeats, or None."""
    for job, original in zip(jobs, originals, strict=True):
        target = Path(root, job.path)
        shown = job
        if original is not None:
            shown = original if job.fault.startswith("exact") else replace(original, fault=job.fault)
        source = original if original is not None else job
        if job.surroundings:
            _write_with_surroundings(target, source, shown, job, size)
        else:
            target.write_bytes(encode(render(source, size), shown, job.index))
    return len(jobs)


def _write_with_surroundings(target: Path, source: Job, shown: Job, job: Job, size: int) -> None:
    """Write the wider picture, and the face cut out of it beside it, as APPA-REAL does."""
    wide = round(size * job.surroundings)
    person, picture = picture_of(source)
    image = draw(person, replace(picture, zoom=picture.zoom / job.surroundings), wide)
    start = (wide - size) // 2
    target.write_bytes(encode(image, shown, job.index))
    face = image[start : start + size, start : start + size]
    target.with_name(target.name + "_face.jpg").write_bytes(encode(face, shown, job.index))


def write_all(root: Path, jobs: list[Job], originals: list, size: int, processes: int | None, progress: bool) -> None:
    """Write all jobs' files, on several processes where that pays, with a line of progress."""
    for folder in sorted({Path(root, job.path).parent for job in jobs}):
        folder.mkdir(parents=True, exist_ok=True)
    parts = [slice(start, start + CHUNK) for start in range(0, len(jobs), CHUNK)]
    tasks = [(str(root), jobs[part], originals[part], size) for part in parts]
    line = Line("draw faces", len(jobs), shown=progress)
    for written in _write_side_by_side(tasks, processes or max(1, len(jobs) // PICTURES_PER_PROCESS)):
        line.advance(written)
    line.close()


def _write_side_by_side(tasks: list[tuple], processes: int):
    from joblib import Parallel, delayed

    processes = min(processes, cores())
    if processes <= 1:
        yield from (write_jobs(*task) for task in tasks)
        return
    # joblib's processes start afresh, so nothing is forked under torch's threads, and do not import the caller's
    # script, so a script without a __main__ guard works too.
    yield from Parallel(n_jobs=processes, return_as="generator_unordered")(
        delayed(_write_with_one_thread)(*task) for task in tasks
    )


def _write_with_one_thread(*task) -> int:
    cv2.setNumThreads(1)
    return write_jobs(*task)
