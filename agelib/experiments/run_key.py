"""What a run is found by: everything that decides its weights, as a table and as one key. Explained in "For operators".

The experiment, the content of its images and labels, the code that can change the weights, the versions of the
libraries and the kind of device. Metrics, plots, the readers of data sets, cleaning, drawing and whatever shows how far
a training is have no say: what a metric makes of a run's predictions is computed when it is asked for.
"""

import json
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import pandas as pd

from agelib.config import Data, Experiment
from agelib.experiments.weights import Streams
from agelib.networks import registry as networks
from agelib.runtime import fingerprint, workspace
from agelib.runtime.devices import choose_device
from agelib.targets import registry as targets

#: Libraries whose version may change a result.
LIBRARIES = ("torch", "torchvision", "timm", "fastai", "numpy", "pillow")

#: Where the code that can change weights begins; what it imports is in the key too.
START = "agelib.experiments.weights"

#: Lists of choices. A key has what was chosen, so that another network, target or option may join them.
CHOICES = ("agelib.config", "agelib.networks.registry", "agelib.targets.registry")

#: Columns of the faces table that a training or its predictions read, beside the path.
LABELS = ("split", "age", "gender", "ethnicity", "expression", "apparent_std")

#: Make it another number when a run's tables of predictions become others: no training of before is found then.
TABLES = 1


def code_keys(experiment: Experiment) -> dict[str, str]:
    """Modules whose code can change the weights of an experiment, the one network and target among them → their keys.

    >>> modules = code_keys(Experiment.of(network="resnet18", target="corn"))
    >>> "agelib.networks.backbones" in modules, "agelib.networks.swin" in modules, "agelib.targets.ordinal" in modules
    (True, False, True)
    """
    network, target = networks.module_of(experiment.network.network), targets.module_of(experiment.training)
    return fingerprint.module_keys(START, network, *target, without=CHOICES)


def key_parts(streams: Streams) -> dict[str, dict]:
    """Everything that decides the weights of a training: part of the key → name → value, as JSON takes it."""
    experiment = streams.experiment
    # Of the data the images and labels count, and of a weights file its content: not where they lie.
    pretrained = experiment.network.pretrained
    if pretrained and Path(pretrained).is_file():
        pretrained = workspace.file_key(pretrained)
    options = experiment.replace(pretrained=pretrained).values()
    parts = {
        "experiment": {name: value for name, value in options.items() if name not in asdict(Data())}
        | {"allow_leaks": experiment.data.allow_leaks},
        "chosen": {
            "network": networks.find(experiment.network.network).choice(),
            "target": targets.class_of(experiment.training).__name__,
        },
        "data": {
            "images": streams.images.key,
            "labels": workspace.content_key(streams.faces[list(LABELS)].to_csv(index=False)),
        },
        "code": code_keys(experiment),
        "versions": {name: metadata.version(name) for name in LIBRARIES},
        "device": {"kind": choose_device().type},
        "format": {"tables": TABLES},
    }
    return json.loads(json.dumps(parts, sort_keys=True))  # as it is read back


def folder_of(parts: dict) -> Path:
    """The folder of the run that is made of these parts: the network's name, and their key."""
    name = parts["experiment"]["network"].replace("/", "-")
    return workspace.home() / "runs" / f"{name}-{workspace.content_key(parts)}"


def as_table(parts: dict) -> pd.DataFrame:
    """The parts of a key as a table: index (``part``, ``name``), column ``value``.

    >>> as_table({"versions": {"torch": "2.14.1"}})
                     value
    part     name
    versions torch  2.14.1
    """
    values = {(part, name): value for part, named in parts.items() for name, value in named.items()}
    index = pd.MultiIndex.from_tuples(values, names=["part", "name"])
    return pd.DataFrame({"value": pd.Series([*values.values()], index, dtype=object)})
