"""What decides the weights of a run: which images, labels and target it is trained on, and its network.

This module and what it imports are the code in a run's key (:mod:`agelib.experiments.run_key`): rooms that can change
weights, which are pixels, networks, targets and training. Who reads a data set, decodes it, measures or draws has no
place here. Explained in chapter 06.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from agelib import targets, training
from agelib.config import Experiment, Network
from agelib.networks.assembly import build, require_size
from agelib.networks.pretrained import normalisation
from agelib.networks.registry import find
from agelib.pixels import statistics
from agelib.pixels.augment import build as build_augmentation
from agelib.pixels.batches import Batches, growing
from agelib.targets.weighted import Weighed
from agelib.training import balance


@dataclass(frozen=True)
class Streams:
    """Decoded pictures, their rows by part, labels, statistics and target: what an experiment trains on.

    Attributes
    ----------
    experiment, prepared, images
        As in :func:`make_streams`: the data set, and its decoded pictures (:class:`agelib.pixels.cache.Pixels`).
    rows : dict
        Part → rows of the table, int [N of the part].
    labels : numpy.ndarray
        float32 [N, L] of all pictures; a weight is the last column where losses are weighed. With ``label_noise`` some
        of the training part's are wrong, while `prepared` keeps what the data set says.
    balance : dict
        Arguments of the training part's Batches that favour scarce groups.
    mean, std : numpy.ndarray
        [3], in 0..1: of the training part, or what ImageNet weights were trained with.
    target : agelib.targets.Target
    """

    experiment: Experiment
    prepared: object
    images: object
    rows: dict
    labels: np.ndarray
    balance: dict
    mean: np.ndarray
    std: np.ndarray
    target: object

    @property
    def faces(self) -> pd.DataFrame:
        return self.prepared.faces

    def paths(self, part: str) -> list[str]:
        """The pictures of a part, by their path in the data set's folder."""
        return self.faces["path"].iloc[self.rows[part]].tolist()

    def batches(self, part: str, device, is_training: bool = False) -> Batches:
        """The stream of a part; shuffled, augmented and balanced if it is to train on."""
        settings = self.experiment.training
        names = self.experiment.pictures.augmentation if is_training else ()
        return Batches(
            self.images,
            self.rows[part],
            self.labels,
            batch_size=settings.batch_size,
            mean=self.mean,
            std=self.std,
            device=device,
            shuffle=is_training,
            augment=build_augmentation(names) if names else None,
            seed=settings.seed,
            # A last batch of one picture has no variance, and batch norm cannot train on it.
            drop_last="single" if is_training else False,
            sizes=training_sizes(self.experiment) if is_training else None,
            **(self.balance if is_training else {}),
        )


def make_streams(experiment: Experiment, prepared, images) -> Streams:
    """Work out all that a training reads from a prepared data set and its decoded pictures.

    If a part has no picture, or an option asks for what the pictures do not have, it is a ValueError.
    """
    show, settings = experiment.pictures, experiment.training
    faces = prepared.faces
    rows = {part: np.flatnonzero((faces["split"] == part) & images.readable) for part in ("train", "valid", "test")}
    if show.only:
        chosen = _group(faces, show.only)
        rows |= {part: rows[part][chosen[rows[part]]] for part in ("train", "valid")}
    rows["train"] = _share(rows["train"], show.fraction, settings.seed)
    for part, mine in rows.items():
        if not len(mine):
            raise prepared.lacks(part, f"readable picture{f' of {show.only}' if show.only else ''}")
    mean, std = _normalisation(experiment.network) or statistics.statistics(images.images, rows["train"])
    learnt = _swap_ages(faces, rows["train"], settings.label_noise, settings.seed)
    target = build_target(experiment, learnt.iloc[rows["train"]])
    labels = target.labels(learnt)
    means = _balance(experiment, learnt, rows["train"])
    if "weights" in means:
        target = Weighed(target)
        labels = np.column_stack([labels, means.pop("weights")]).astype(np.float32)
    return Streams(experiment, prepared, images, rows, labels, means, mean, std, target)


def _normalisation(network: Network) -> tuple[np.ndarray, np.ndarray] | None:
    """What published weights ask for, if the network starts from such."""
    entry = find(network.network)
    return normalisation(network.pretrained, entry.library, entry.of_library)


def training_sizes(experiment: Experiment) -> tuple[int, ...] | None:
    """Side of the training pictures in each epoch; None if they do not grow."""
    show = experiment.pictures
    if not show.first_size:
        return None
    if not 8 <= show.first_size <= show.image_size:
        raise ValueError(
            f"first_size={show.first_size} is no size to begin with: give one from 8 to image_size "
            f"({show.image_size}), or 0"
        )
    return growing(show.first_size, show.image_size, experiment.training.epochs)


def build_target(experiment: Experiment, faces: pd.DataFrame):
    """The target, built from the faces that are trained on."""
    settings = experiment.training
    return targets.build(settings, targets.labels(settings, faces))


def build_network(experiment: Experiment, target):
    """Build the network of an experiment, with the outputs that its target needs."""
    network = build(
        experiment.network,
        target.outputs,
        experiment.pictures.image_size,
        seed=experiment.training.seed,
        last_layer=target.last_layer,
    )
    if experiment.pictures.first_size:
        require_size(network, experiment.network.network, experiment.pictures.first_size)
    return network


def train(streams: Streams, network, folder, device, progress: bool = True) -> tuple[pd.DataFrame, dict]:
    """Train the network, and divide its last layers by their temperatures where the experiment says so.

    Returns the history, one row an epoch (:data:`agelib.training.HISTORY`), and task → temperature.
    """
    experiment, target = streams.experiment, streams.target
    if experiment.training.tempered:
        training.require_probabilities(target)
    valid = streams.batches("valid", device)
    history = training.fit(
        network,
        target,
        streams.batches("train", device, is_training=True),
        valid,
        experiment.training,
        folder,
        device,
        title=experiment.network.network,
        progress=progress,
        mixup=experiment.pictures.mixup,
    )
    if not experiment.training.tempered:
        return history, {}
    given = training.outputs(network, valid, device, experiment.pictures.flip_test)
    labels = torch.from_numpy(streams.labels[streams.rows["valid"]])
    return history, training.temper(network.cpu(), target, given, labels)


def _swap_ages(faces: pd.DataFrame, train: np.ndarray, share: float, seed: int) -> pd.DataFrame:
    """The faces with wrong ages for a share of the training rows: each of them gets another one's age.

    Swapped, not made up: the ages of the training part stay the same ages, so that nothing but the labels is worse.
    More noise with the same seed keeps the pictures that less noise has chosen.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"label_noise={share} is no share: give a number from 0 to 1")
    if share == 0:
        return faces
    chosen = np.random.default_rng([seed, 1]).permutation(train)[: max(2, round(share * len(train)))]
    ages = faces["age"].to_numpy(copy=True)
    ages[chosen] = ages[np.roll(chosen, 1)]
    return faces.assign(age=ages)


def _group(faces: pd.DataFrame, only: str) -> np.ndarray:
    """Which rows are of one group, such as ``gender=female``: bool [N]."""
    column, equals, value = (part.strip() for part in only.partition("="))
    if not equals or column not in ("gender", "ethnicity", "expression", "source"):
        raise ValueError(
            f"only={only!r}: give a column and a value, such as gender=female; columns: gender, ethnicity, "
            "expression, source"
        )
    there = sorted(faces[column].dropna().unique())
    if value not in there:
        raise ValueError(f"only={only!r}: no picture has this {column}; there is: {', '.join(there) or 'none'}")
    return (faces[column] == value).to_numpy()


def _balance(experiment: Experiment, faces: pd.DataFrame, train: np.ndarray) -> dict:
    """What is done for scarce groups: arguments of Batches, one value for each picture of the table, or weights.

    Numbers come from the training part alone; the other pictures weigh 1.
    """
    settings = experiment.training
    if settings.balance == "none":
        return {}
    mine = faces.iloc[train]
    codes = balance.groups(mine, settings.balance_by, settings.bins)
    if settings.balance == "sampler":
        name, values = "sampler_weights", balance.sampler_weights(codes)
    elif settings.balance == "augment":
        name, values = "copies", balance.copies(codes)
    else:
        ages = mine["age"].to_numpy(float)
        name, values = "weights", balance.loss_weights(codes, settings.balance, ages)
    whole = np.zeros(len(faces)) if name == "copies" else np.ones(len(faces))
    whole[train] = values
    return {name: whole}


def _share(rows: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction={fraction} is no share: give a number above 0 and at most 1")
    if fraction == 1:
        return rows
    count = max(2, round(fraction * len(rows)))
    return np.sort(np.random.default_rng(seed).choice(rows, min(count, len(rows)), replace=False))
