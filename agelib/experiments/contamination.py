"""What pretrained weights have seen: a test picture among it is a leak. Explained in chapters 11 and 15.

A run writes down which pictures its weights were trained on, with those of the weights that it started from; another
run that starts from its weights is refused if it would be tested on one of them. A picture is known by its content, so
that neither another folder nor another name of the file hides it. Of published weights there is no such list, only the
names of data sets that their authors give.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.data import splits
from agelib.data.prepare import Prepared
from agelib.experiments.weights import Streams
from agelib.pixels import content_keys
from agelib.runtime import workspace

#: The file beside the weights: one row a picture.
SEEN = "seen.csv"

#: Weights that others published → the data sets that they were trained on, under agelib's names where it reads them. A
#: file counts as such weights if its name holds theirs. The last two estimate ages, and are here as a warning: whoever
#: judges them, or what was made of them, on UTKFace judges what they have memorised.
SEEN_SETS = {
    "imagenet": ("imagenet-1k",),
    "efficientnet_lite": ("imagenet-1k",),
    "age_gender_model": ("utkface",),
    "gear": ("utkface",),
}


def seen_by(weights) -> pd.DataFrame:
    """Pictures that a weights file was trained on: ``path`` and ``content``, a key of the bytes; empty if unknown."""
    file = Path(weights).parent / SEEN if weights else None
    if file is None or not file.is_file():
        return pd.DataFrame({"path": [], "content": []}, dtype=object)
    return pd.read_csv(file, dtype=str)


def seen_sets(weights) -> tuple[str, ...]:
    """Data sets that published weights were trained on; empty if nothing is known of them.

    Parameters
    ----------
    weights : str or path
        As in the option ``pretrained``: ``imagenet``, or a file, known by its name.

    Examples
    --------
    >>> seen_sets("imagenet"), seen_sets("weights/face-api-age_gender_model.safetensors"), seen_sets("mine.pth")
    (('imagenet-1k',), ('utkface',), ())
    """
    file = Path(weights).name.lower().replace("-", "_")
    found = [sets for name, sets in SEEN_SETS.items() if re.search(rf"(?<![a-z]){name}(?![a-z])", file)]
    return tuple(dict.fromkeys(each for sets in found for each in sets))


def require_other_set(weights, source: str) -> None:
    """Refuse by a LeakError published weights that were trained on the very data set they would be judged on.

    Parameters
    ----------
    weights : str or path
        As in the option ``pretrained``.
    source : str
        The data set's name; of several, joined by ``+``.

    Examples
    --------
    >>> require_other_set("imagenet", "utkface")
    >>> require_other_set("gear.safetensors", "utkface")
    Traceback (most recent call last):
    ...
    agelib.data.splits.LeakError: the weights gear.safetensors were trained on utkface, ...
    """
    for name in source.split("+"):
        if name in seen_sets(weights):
            raise splits.LeakError(
                f"the weights {Path(weights).name} were trained on {name}, so no image of it can test them. Start "
                "from other weights, or say allow_leaks=True if the leak is what you want to study."
            )


def was_seen(weights, prepared: Prepared, paths) -> np.ndarray:
    """Which of the pictures `paths` of a data set a weights file was trained on: bool [N]."""
    seen = set(seen_by(weights)["content"])
    return np.array([key in seen for key in content_keys.content_keys(list(paths), prepared.root)[1]], bool)


def require_unseen(streams: Streams) -> None:
    """Refuse by a LeakError to start from weights that were trained on pictures of the test or validation part.

    Study C's hierarchy (V14) started from an age model that was trained on another random split, so that its test
    pictures had been trained on; it reached 90 % instead of 72 %. ``allow_leaks`` allows it.
    """
    weights = streams.experiment.network.pretrained
    if streams.experiment.data.allow_leaks:
        return
    require_other_set(weights, streams.experiment.data.source)
    if seen_by(weights).empty:
        return
    # Without the folder of this machine: the message may stand on a published page.
    short = "/".join(Path(weights).parts[-2:])
    for part in ("test", "valid"):
        leaked = was_seen(weights, streams.prepared, streams.paths(part))
        refuse_seen(leaked, streams.paths(part), f"the weights {short}", part, "Start from weights of the same split")


def refuse_seen(seen: np.ndarray, paths, whose: str, part: str, advice: str) -> None:
    """Raise a LeakError if any of the pictures `paths` of a part was seen."""
    if seen.any():
        raise splits.LeakError(
            f"{whose} were trained on {seen.sum():,} of the {len(paths):,} pictures of the {part} part "
            f"({100 * seen.mean():.1f} %), for example {list(paths)[seen.argmax()]!r}. {advice}, or say "
            "allow_leaks=True if the leak is what you want to study."
        )


def write_seen(folder, streams: Streams) -> None:
    """Write which pictures the weights in a run's folder have been trained on, at any remove."""
    paths = streams.paths("train")
    mine = pd.DataFrame({"path": paths, "content": content_keys.content_keys(paths, streams.prepared.root)[1]})
    before = seen_by(streams.experiment.network.pretrained)
    seen = pd.concat([before, mine]).drop_duplicates("content")
    workspace.write_table(Path(folder) / SEEN, seen)
