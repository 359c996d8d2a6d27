"""What the shipped network looks at in pictures of people: maps averaged over age groups, which show nobody.

The pictures cannot be handed on, and a map of one picture shows its outline. The mean of many does not.
Shown in chapter 19.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from agelib import deploy, explain, networks
from agelib.data.prepare import prepare
from agelib.experiments import samples
from agelib.experiments.data_module import open_streams
from agelib.experiments.published.record import FOLDER
from agelib.experiments.published.registry import read
from agelib.explain.group_average import Averages
from agelib.runtime import workspace
from agelib.runtime.provenance import record
from agelib.targets.age_groups import group_of, names_of

#: Pictures that a group must have: the mean of fewer could show one of them.
LEAST = 30

#: The shipped network.
MODEL = FOLDER / "model"

#: Places of a map along a side.
SIDE = 8

#: Digits after the point of what is kept.
DIGITS = 4


@dataclass(frozen=True)
class Maps:
    """Maps of the shipped network on the reference split's test part.

    Attributes
    ----------
    averages : dict of str to agelib.explain.Averages
        ``occlusion`` (years that the posterior's mean moves when the place is covered) and ``Grad-CAM`` (relative,
        older or younger), each by age group.
    sanity : pandas.DataFrame
        Kind of map, what was randomised, and the mean rank correlation with the trained network's map.
    about : dict
        Data, split, number of pictures, seed, device, versions.
    """

    averages: dict
    sanity: pd.DataFrame
    about: dict


def write_maps(
    root,
    folder=FOLDER,
    model=MODEL,
    number: int = 800,
    seed: int = 42,
    least: int = LEAST,
    layer: str = "stage 3",
    **changes,
) -> Maps:
    """Make the maps of the shipped network anew, and keep them in ``maps.json``.

    Parameters
    ----------
    root : path
        UTKFace, as a folder or the published archive.
    folder : path
        Where to write ``maps.json``.
    model : path
        The shipped network's folder.
    number : int
        How many pictures of the test part; 0 takes all.
    seed : int
        Of the choice, and of the network that has learnt nothing.
    least : int
        Pictures that a group must have, to be averaged; and how many are taken for the check with random weights.
    layer : str
        Whose maps Grad-CAM weighs: see :func:`agelib.explain.grad_cam`.
    **changes
        Options of the data that differ from the reference's.

    Returns
    -------
    Maps
    """
    shipped = deploy.load(model)
    shown = shipped.experiment.pictures
    experiment = read("best").experiment(root, image_size=shown.image_size, zoom=shown.zoom, grey=shown.grey, **changes)
    taken = samples.take_sample(open_streams(experiment, prepare(experiment.data), False), "test", number, seed)
    years, bins = explain.mean_age(shipped.target), experiment.training.bins
    names = names_of(bins)
    groups = [names[code] if code >= 0 else None for code in group_of(taken.faces["age"], bins)]
    patch = shown.image_size // SIDE

    def covered(network, x):
        return explain.occlusion_maps(network, x, years, 2 * patch, patch)[:, patch // 2 :: patch, patch // 2 :: patch]

    def gradients(network, x):
        return explain.grad_cam(network, x, years, layer, sign="both", resized=False)

    kinds = {"occlusion": covered, "Grad-CAM": gradients}
    averages = {
        kind: explain.average(maps_of(shipped.network, taken.pictures), groups, names, least=least)
        for kind, maps_of in kinds.items()
    }
    untrained = networks.build(
        shipped.experiment.replace(pretrained="").network,
        shipped.target.outputs,
        shown.image_size,
        seed=seed + 1,
        last_layer=shipped.target.last_layer,
    ).eval()
    few = taken.pictures[:least]
    checks = {
        kind: explain.check_sanity(
            shipped.network, untrained, lambda network, make=maps_of: make(network, few)
        ).summary()
        for kind, maps_of in kinds.items()
    }
    about = record(
        "torch",
        "timm",
        device="cpu",
        data=f"{experiment.data.source}, test part"
        + (f" of {Path(experiment.data.split_file).name}" if experiment.data.split_file else ""),
        pictures=len(taken.faces),
        seed=seed,
        model="data/reference/model",
    ).as_dict()
    kept = {
        "averages": {kind: _plain(found) for kind, found in averages.items()},
        "sanity": pd.concat(checks, names=["map"])["rank_correlation"].round(DIGITS).reset_index().to_dict("records"),
        "about": about,
    }
    workspace.write_json(_file(folder), kept)
    return read_maps(folder)


def read_maps(folder=FOLDER) -> Maps | None:
    """The maps that are kept; None if there are none.

    Examples
    --------
    >>> read_maps("no such folder") is None
    True
    """
    if not _file(folder).is_file():
        return None
    kept = workspace.read_json(_file(folder))
    averages = {
        kind: Averages(
            tuple(each["names"]),
            np.asarray(each["counts"], np.int64),
            np.asarray(each["maps"], np.float32),
            np.asarray(each["errors"], np.float32),
        )
        for kind, each in kept["averages"].items()
    }
    return Maps(averages, pd.DataFrame(kept["sanity"]), kept["about"])


def _file(folder) -> Path:
    return Path(folder) / "maps.json"


def _plain(found: Averages) -> dict:
    maps, errors = (np.round(each.astype(np.float64), DIGITS).tolist() for each in (found.maps, found.errors))
    return {"names": list(found.names), "counts": found.counts.tolist(), "maps": maps, "errors": errors}
