"""What a cue of age is worth to a network: change it alone, on drawn faces, and ask again. Explained in chapter 06.

A map says where a network looks. An intervention says what it does with what it finds there: the same people in the
same light, with the hair alone of 20 years and then of 80. Photographs cannot be changed so; drawn faces can.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from agelib.drawn import CUES, draw, make_person, take_picture
from agelib.drawn.people import Person
from agelib.metrics import Resampling


def cue_effects(
    model,
    people: Sequence[int | Person],
    age: float = 60.0,
    low: float = 20.0,
    high: float = 80.0,
    cues: Sequence[str | tuple[str, ...]] = CUES,
    seed: int = 42,
    size: int = 128,
    plain: bool = False,
    resamples: int = 2000,
) -> pd.DataFrame:
    """Measure by how many years the predicted age moves when one cue alone is made older.

    Parameters
    ----------
    model : agelib.deploy.Model or callable
        What predicts: a model, or a function of images uint8 [N, H, W, 3] that gives ages [N] in years.
    people : sequence of int or Person
        Whom to draw; people that the network was not trained on. Numbers belong to `seed`.
    age : float
        The age, in years, at which everybody is drawn but for the cue.
    low, high : float
        The ages, in years, that the cue is drawn for; the effect is the prediction at `high` minus that at `low`.
    cues : sequence of str or tuple of str
        Which cues of :data:`agelib.drawn.CUES`; those of a tuple change together.
    seed : int
        Seed of the people and of the pictures; the same for all cues.
    size : int
        Side of the drawn images, in pixels; a model resizes them to its own.
    plain : bool
        Frontal, evenly lit, bare-headed.
    resamples : int
        How often people are drawn again for the interval; 0 leaves it missing.

    Returns
    -------
    pandas.DataFrame
        One row a cue, in the order asked for: ``years`` (the mean over the people), and ``low`` and ``high``, its
        95 % interval over people.

    Raises
    ------
    ValueError
        If there is nobody to draw, no such cue, or the predictions are not one age an image.

    Examples
    --------
    >>> def by_brightness(images):  # a "network" that takes whatever is bright for old
    ...     return images.mean(axis=(1, 2, 3))
    >>> table = cue_effects(by_brightness, range(3), cues=["ears", ("hair", "hairline")], size=32, resamples=100)
    >>> table.index.tolist(), table.columns.tolist()
    (['ears', 'hair + hairline'], ['years', 'low', 'high'])
    """
    people = [who if isinstance(who, Person) else make_person(int(who), seed) for who in people]
    if not people:
        raise ValueError("there is nobody to draw; give one person or more")
    shots = [take_picture(person, age, (seed, k), plain) for k, person in enumerate(people)]

    def predicted(changed: dict) -> np.ndarray:
        images = np.stack([draw(person, shot, size, changed) for person, shot in zip(people, shots, strict=True)])
        return _ages(model, images)

    rows = {}
    for cue in cues:
        names = (cue,) if isinstance(cue, str) else tuple(cue)
        effect = predicted(dict.fromkeys(names, high)) - predicted(dict.fromkeys(names, low))  # [people]
        sums = np.column_stack([np.ones(len(effect)), effect])
        interval = Resampling(resamples, seed=seed).interval(sums, lambda total: total[:, 1:] / total[:, :1])
        rows[" + ".join(names)] = (float(effect.mean()), *(float(end[0]) for end in interval))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["years", "low", "high"])
    return table.rename_axis("cue")


def _ages(model, images: np.ndarray) -> np.ndarray:
    """What a model, or a function, predicts for images: float [N], in years."""
    given = model.predict(images)["predicted"] if hasattr(model, "predict") else model(images)
    ages = np.asarray(given, np.float64)
    if ages.shape != (len(images),):
        raise ValueError(f"{len(images)} images got predictions of the shape {list(ages.shape)}; give one age an image")
    return ages
