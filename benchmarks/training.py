"""Training pictures per second: agelib's whole loop, against what a reader would write instead.

All train the same network on the same pictures, of the same size, in batches of the same number, with the same kinds of
random changes. agelib is measured beside each of the others, one straight after the other, and the two take turns in
going first; what is reported is the median of the pairs' ratios, and their spread. A machine's speed drifts by several
percent over minutes: a ratio of two rates that were taken minutes apart would measure that.

The limit is so near that the few seconds in which a training is set up would hide it: pairs with it and its kinds have
``--times`` as many pictures as the other pairs.

* agelib: the whole of ``training.fit``, with everything that the others do without: setting up, history, TensorBoard,
  a validation part of 16 pictures, and a checkpoint after every epoch.
* limit: a plain loop over a float tensor that is already decoded, resized, changed and normalised, with agelib's own
  optimiser, order in memory and kept memory: the fastest that the network allows.
* returned: the limit without ``agelib.runtime.malloc``, which keeps the blocks of memory that a step lets go.
* folder: torchvision's ImageFolder and transforms, a DataLoader with a worker for each core, and a plain loop.
* fastai: fastai's ImageDataLoaders, transforms and Learner, with the same validation part.
* lightning: PyTorch Lightning's Trainer on the loader of "folder"; left out where Lightning is not installed
  (``pip install lightning``).

* half: agelib again, in the arithmetic that it chooses by itself; the others are in float32.
* compiled: the limit once more, with torch.compile; compiled half: that in the arithmetic of half.

Run it with ``python benchmarks/training.py [--network basic_cnn] [--source utkface --root UTKFace.tar.gz]``; without
``--network`` the basic CNN, ResNet-18 and EfficientNet-B0 take turns. With ``--add --network resnet18 --ways limit``
one network is measured against one other way anew, and the rest of the report stays as it is.
"""

import argparse
import contextlib
import importlib.util
import io
import itertools
import logging
import os
import tempfile
import time
import warnings
from importlib import metadata
from pathlib import Path

import _report
import numpy as np
import pandas as pd

from agelib.runtime import malloc
from agelib.runtime.cpu import cores
from agelib.runtime.provenance import Provenance

#: Pictures of the validation part, of the ways that have one.
VALID = 16

#: Random changes: how often each happens, and the torchvision and fastai words for the same (see augmentation.NAMES).
PROBABILITY, AUGMENTATION = 0.5, ("flip", "affine", "light")

#: The report's words: of all ways, and of those that have a name of our own.
SAID = (
    "How many times as many pictures per second agelib's whole training loop takes as another way of doing the same: "
    "the network, the pictures, their size, the batch and the kinds of random changes are equal."
)
SAID_OF = {
    "limit": "*Limit* is a plain loop over a float tensor that is ready in memory and never changes.",
    "returned": "*Returned* is the limit if the memory that a step lets go is given back to the system at once.",
    "half": "*Half* is agelib in the arithmetic that it chooses by itself; the others are in float32.",
    "compiled": "*Compiled* is the limit with torch.compile.",
    "compiled half": "*Compiled half* is that in the arithmetic of *half*.",
}
SAID_LAST = "The median of pairs that were measured one straight after the other, with the least and the largest."

#: Ways that are measured on more pictures than the others.
LONG = ("limit", "returned", "compiled", "compiled half")

NETWORKS = ("basic_cnn", "resnet18", "efficientnet_b0")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--source", default="drawn-utkface")
    options.add_argument("--root", default="")
    options.add_argument("--pictures", type=int, default=1600)
    options.add_argument("--times", type=int, default=5, help="so many times the pictures beside the limit (default 5)")
    options.add_argument("--image-size", type=int, default=64)
    options.add_argument("--batch-size", type=int, default=64)
    options.add_argument("--network", action="append", help="may be given several times")
    options.add_argument("--plain", action="store_true", help="without random changes")
    options.add_argument("--rounds", type=int, default=3, help="pairs of each kind (default 3)")
    options.add_argument("--epochs", type=int, default=1, help="epochs in each timing (default 1)")
    options.add_argument("--ways", default="", help="others to measure, joined by commas (default: all)")
    options.add_argument("--add", action="store_true", help="keep what the report has of others")
    options.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    chosen = options.parse_args()

    import torch

    from agelib.data import sources

    number = chosen.pictures * chosen.times
    collection = sources.read(chosen.source, chosen.root, pictures=number + number // 10)
    faces, root = readable(collection, number)
    about = _report.provenance(
        data=chosen.source,
        image_size=chosen.image_size,
        batch_size=chosen.batch_size,
        augmentation=[] if chosen.plain else list(AUGMENTATION),
        epochs=chosen.epochs,
        threads=torch.get_num_threads(),
        device=str(device()),
        **{name: metadata.version(name) for name in ["lightning"] if importlib.util.find_spec(name)},
    )
    print(about, flush=True)
    tables = []
    for name in chosen.network or NETWORKS:
        chosen.name = name
        with tempfile.TemporaryDirectory() as folder:
            tables.append(compare(faces, root, chosen, Path(folder)))
        print(summary(tables[-1]).to_string(index=False), flush=True)
    table = summary(pd.concat(tables, ignore_index=True))
    if chosen.add:
        table = with_others(table, about, chosen.reports)
    ways = set(table["other"])
    said = " ".join([SAID, *(words for way, words in SAID_OF.items() if way in ways), SAID_LAST])
    alt = "Ratios of training speeds, agelib to each other way, one panel a network; 1 is as fast."
    figure = _report.ratios(table, "network", "other", "pictures per second, agelib ÷ other")
    print(_report.write("training", "Training", said, table, about, figure, alt, chosen.reports))


def device():
    from agelib.runtime.devices import choose_device

    return choose_device()


def compare(faces, root, chosen, folder: Path) -> pd.DataFrame:
    """One row a pair: network, the other's name, pictures, and the pictures per second of agelib and of the other."""
    few = faces.head(chosen.pictures)
    ways = {
        "limit": lambda: limit_way(faces, root, chosen),
        "returned": lambda: limit_way(faces, root, chosen, keep=contextlib.nullcontext),
        "folder": lambda: folder_way(few, root, chosen, folder),
        "fastai": lambda: fastai_way(few, root, chosen),
        "lightning": lambda: lightning_way(few, root, chosen, folder),
        "half": lambda: agelib_way(few, root, chosen, folder, "auto"),
        "compiled": lambda: limit_way(faces, root, chosen, compiled=True),
        "compiled half": lambda: limit_way(faces, root, chosen, compiled=True, precision="auto"),
    }
    if not importlib.util.find_spec("lightning"):
        ways.pop("lightning")
        print("Lightning is not installed: left out")
    wanted = chosen.ways.split(",") if chosen.ways else list(ways)
    ours = {len(some): agelib_way(some, root, chosen, folder) for some in (few, faces)}
    theirs = {name: ways[name]() for name in wanted}
    for way in (ours[len(few)], *theirs.values()):  # caches, workers' start and lazy imports are not what is measured
        way(1)
    rows = []
    for turn, name in itertools.product(range(chosen.rounds), wanted):
        pictures = len(faces if name in LONG else few)
        found = pair({"agelib": ours[pictures], name: theirs[name]}, name, turn % 2 == 1, pictures, chosen.epochs)
        rows.append({"network": chosen.name, "other": name, "pictures": pictures} | found)
    return pd.DataFrame(rows)


def summary(pairs: pd.DataFrame) -> pd.DataFrame:
    """Median, least and largest ratio of agelib's rate to the other's, for each network and other."""
    ratio = pairs.assign(ratio=pairs["agelib"] / pairs["theirs"])
    found = ratio.groupby(["network", "other"], sort=False).agg(
        agelib=("agelib", "median"),
        theirs=("theirs", "median"),
        ratio=("ratio", "median"),
        low=("ratio", "min"),
        high=("ratio", "max"),
        pairs=("ratio", "size"),
        pictures=("pictures", "first"),
    )
    return found.round({"agelib": 1, "theirs": 1, "ratio": 3, "low": 3, "high": 3}).reset_index()


def with_others(table: pd.DataFrame, about: Provenance, folder) -> pd.DataFrame:
    """Rows of the report that is there, those of the table in their place.

    A row that was measured with another version, on other pictures or on another machine is no part of one report.
    """
    there = _report.read("training", folder)
    if not there["rows"]:
        return table
    if differs := _report.differences(about, there["about"]):
        raise SystemExit(f"the report was measured with another {', '.join(differs)}; leave out --add")
    key = ["network", "other"]
    both = pd.concat([pd.DataFrame(there["rows"], columns=there["columns"]), table])
    both = both.drop_duplicates(key, keep="last")
    # In the order of the report that is there, network by network.
    order = pd.concat([pd.DataFrame(there["rows"])[key], table[key]]).drop_duplicates()
    order = order.sort_values("network", key=lambda name: pd.factorize(name)[0], kind="stable")
    return order.merge(both, on=key)[there["columns"]]


def readable(collection, number: int):
    """Only pictures that every way can read, or the others would stop."""
    from agelib.pixels import cache

    faces = collection.faces[collection.faces["age"].notna()].head(number + number // 10)
    whole = cache.decode(faces, collection.root, 16, progress=False).readable
    return faces[whole].head(number).reset_index(drop=True), collection.root


def pair(ways: dict, name: str, is_second: bool, pictures: int, epochs: int) -> dict:
    """Pictures per second of agelib and of another way, measured one straight after the other."""
    order = [name, "agelib"] if is_second else ["agelib", name]
    rates = {each: rate(ways[each], pictures, epochs) for each in order}
    return {"agelib": rates["agelib"], "theirs": rates[name]}


def rate(way, pictures: int, epochs: int) -> float:
    started = time.perf_counter()
    way(epochs)
    return pictures * epochs / (time.perf_counter() - started)


def make_network(chosen):
    from agelib import networks
    from agelib.config import Network

    return networks.build(Network(network=chosen.name), 1, chosen.image_size, seed=42)


def settings(chosen, epochs: int, precision: str = "off"):
    from agelib.config import Training

    return Training(epochs=epochs, batch_size=chosen.batch_size, mixed_precision=precision)


def changes(chosen):
    from agelib.pixels import augment

    return None if chosen.plain else augment.build(AUGMENTATION, PROBABILITY)


def agelib_way(faces, root, chosen, folder, precision: str = "off"):
    """The real loop, with its history, checkpoint, TensorBoard and a small validation part."""
    from agelib import targets, training
    from agelib.pixels import cache, statistics
    from agelib.pixels.batches import Batches

    images = cache.decode(faces, root, chosen.image_size, progress=False)
    mean, std = statistics.statistics(images.images)
    ages = faces["age"].to_numpy()
    target = targets.build(settings(chosen, 1), ages[:, None])

    def train(epochs):
        rows = np.arange(len(faces))
        common = {"batch_size": chosen.batch_size, "mean": mean, "std": std, "device": device()}
        with tempfile.TemporaryDirectory(dir=folder) as run:
            training.fit(
                make_network(chosen),
                target,
                Batches(images, rows, ages, shuffle=True, augment=changes(chosen), **common),
                Batches(images, rows[:VALID], ages, **common),
                settings(chosen, epochs, precision),
                run,
                device(),
                progress=False,
            )

    return train


def limit_way(faces, root, chosen, compiled: bool = False, keep=malloc.kept, precision: str = "off"):
    """A plain loop over one float tensor."""
    import torch

    from agelib import training
    from agelib.pixels import cache, statistics
    from agelib.training import precision as devices

    images = cache.decode(faces, root, chosen.image_size, progress=False)
    mean, std = statistics.statistics(images.images)
    x = torch.from_numpy(np.array(images.images)).float().div_(255)
    x = ((x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)).to(device())
    x = x.contiguous(memory_format=torch.channels_last)
    y = standardised(faces).to(device())
    network, _, loss = plain(chosen)
    network.to(memory_format=torch.channels_last)
    ask = torch.compile(network) if compiled else network
    shown = chosen.epochs * len(x)
    half = devices.precision(settings(chosen, 1, precision), device(), network, shown, chosen.image_size) == "bf16"

    def answer(x):
        with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            given = ask(x)
        return given.float()

    def train(epochs):
        optimiser = training.make_optimiser(network.parameters(), settings(chosen, epochs))
        with keep():
            for _ in range(epochs):
                for rows in torch.randperm(len(x), device=x.device).split(chosen.batch_size):
                    if len(rows) == chosen.batch_size or not compiled:  # another shape would be compiled anew
                        step(answer, optimiser, loss, x[rows], y[rows])
        if x.device.type == "cuda":
            torch.cuda.synchronize()

    return train


def folder_loader(faces, root, chosen, folder):
    """ImageFolder (a folder an age), Resize, random changes, ToTensor, Normalize, a DataLoader with workers."""
    import torch
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    by_age = folder / "by_age"
    for row, (path, age) in enumerate(zip(faces["path"], faces["age"], strict=True)):
        place = by_age / f"{int(age):03}"
        place.mkdir(parents=True, exist_ok=True)
        if not (place / f"{row}.jpg").exists():
            os.symlink((Path(root) / path).resolve(), place / f"{row}.jpg")
    turn = transforms.RandomAffine(15, (0.05, 0.05), (0.95, 1.05))
    random = [
        transforms.RandomHorizontalFlip(PROBABILITY),
        transforms.RandomApply([turn], PROBABILITY),
        transforms.RandomApply([transforms.ColorJitter(0.2, 0.2)], PROBABILITY),
    ]
    change = transforms.Compose(
        [
            transforms.Resize((chosen.image_size, chosen.image_size)),
            *([] if chosen.plain else random),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * 3, [0.25] * 3),
        ]
    )
    pictures = ImageFolder(by_age, change)
    ages = torch.tensor([float(name) for name in pictures.classes])
    loader = DataLoader(pictures, chosen.batch_size, shuffle=True, num_workers=cores())
    return loader, (ages[:, None] - float(faces["age"].mean())) / float(faces["age"].std())


def folder_way(faces, root, chosen, folder):
    """The loader of a folder, and a plain loop."""
    loader, ages = folder_loader(faces, root, chosen, folder)

    def train(epochs):
        network, optimiser, loss = plain(chosen)
        for _ in range(epochs):
            for x, classes in loader:
                step(network, optimiser, loss, x.to(device()), ages[classes].to(device()))

    return train


def lightning_way(faces, root, chosen, folder):
    """The loader of a folder, and Lightning's Trainer with what it needs at least."""
    import lightning
    import torch

    loader, ages = folder_loader(faces, root, chosen, folder)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = make_network(chosen)

        def training_step(self, batch, _):
            x, classes = batch
            return torch.nn.functional.mse_loss(self.network(x), ages[classes.cpu()].to(x.device))

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters(), lr=1e-3)

    def train(epochs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer = lightning.Trainer(
                max_epochs=epochs,
                accelerator="gpu" if device().type == "cuda" else "cpu",
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(Module(), loader)

    return train


def fastai_way(faces, root, chosen):
    """fastai's own loaders and Learner on the same table."""
    from fastai.data.block import RegressionBlock
    from fastai.learner import Learner
    from fastai.vision.augment import Resize, aug_transforms
    from fastai.vision.data import ImageDataLoaders, Normalize
    from torch.nn.functional import mse_loss

    table = pd.DataFrame({"path": faces["path"], "age": standardised(faces).squeeze(1).numpy()})
    # All pictures are trained on, as by the other ways; the first of them are looked at once more.
    table = pd.concat([table.assign(valid=False), table.head(VALID).assign(valid=True)], ignore_index=True)
    random = aug_transforms(
        max_rotate=15, max_zoom=1.05, max_warp=0, max_lighting=0.2, p_affine=PROBABILITY, p_lighting=PROBABILITY
    )
    loaders = ImageDataLoaders.from_df(
        table,
        path=root,
        valid_col="valid",
        y_block=RegressionBlock(),
        item_tfms=Resize(chosen.image_size, method="squish"),
        batch_tfms=[*([] if chosen.plain else random), Normalize.from_stats([0.5] * 3, [0.25] * 3)],
        bs=chosen.batch_size,
        num_workers=cores(),
    )

    def train(epochs):
        learner = Learner(loaders, make_network(chosen), loss_func=lambda out, y: mse_loss(out, y[:, None]))
        with learner.no_bar(), contextlib.redirect_stdout(io.StringIO()):
            learner.fit(epochs, 1e-3)

    return train


def standardised(faces):
    import torch

    ages = torch.from_numpy(faces["age"].to_numpy(np.float32, copy=True))[:, None]
    return (ages - ages.mean()) / ages.std()


def plain(chosen):
    import torch

    network = make_network(chosen).to(device())
    return network, torch.optim.AdamW(network.parameters(), lr=1e-3), torch.nn.MSELoss()


def step(network, optimiser, loss, x, y) -> None:
    optimiser.zero_grad()
    loss(network(x), y).backward()
    optimiser.step()


if __name__ == "__main__":
    main()
