"""Training pictures per second: agelib's whole loop, against what a reader would write instead.

All train the same network on the same pictures. agelib is measured beside each of the others, one straight after
the other, and the two take turns in going first; what is reported is the median of the pairs' ratios, and their spread.
A machine's speed drifts by several percent over minutes: a ratio of two rates that were taken minutes apart would
measure that.

* agelib: the whole of ``training.fit``, with everything that the others do without: setting up, history, TensorBoard,
  a validation part of 16 pictures, and a checkpoint after every epoch.
* memory: a plain loop over a float tensor that is already decoded, resized and normalised, with agelib's own
  optimiser and order in memory: the fastest that the network allows.
* folder: torchvision's ImageFolder, a DataLoader and a plain loop, as study A did.
* fastai: fastai's ImageDataLoaders and Learner, with the same validation part.

These four are in float32. Last, ``bf16`` is agelib again, in that arithmetic.

Run it with ``python benchmarks/training.py [--pictures 3000] [--image-size 64] [--network basic_cnn]``.
"""

import argparse
import contextlib
import io
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

#: Pictures of the validation part, of the ways that have one.
VALID = 16


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--pictures", type=int, default=3000)
    options.add_argument("--image-size", type=int, default=64)
    options.add_argument("--batch-size", type=int, default=64)
    options.add_argument("--network", default="basic_cnn")
    options.add_argument("--rounds", type=int, default=3, help="pairs of each kind (default 3)")
    options.add_argument("--epochs", type=int, default=2, help="epochs in each timing (default 2)")
    chosen = options.parse_args()

    import torch

    from agelib import sources

    collection = sources.read("drawn-utkface", pictures=chosen.pictures)
    faces, root = readable(collection)
    print(
        f"drawn faces, {len(faces):,} pictures, {chosen.network} at {chosen.image_size} px, batch {chosen.batch_size}, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "agelib": agelib_way(faces, root, chosen, Path(folder)),
            "memory": memory_way(faces, root, chosen),
            "folder": folder_way(faces, root, chosen, Path(folder)),
            "fastai": fastai_way(faces, root, chosen),
            "bf16": agelib_way(faces, root, chosen, Path(folder), "bf16"),
        }
        for way in ways.values():  # caches, worker start-up code and lazy imports are not what is measured
            way(1)
        pairs = pd.DataFrame(
            [
                {"other": name} | pair(ways, name, turn % 2 == 1, len(faces), chosen.epochs)
                for turn in range(chosen.rounds)
                for name in ways
                if name != "agelib"
            ]
        )
    print(pairs.groupby("other", sort=False).median().round(1).to_string())
    for name, mine in pairs.groupby("other", sort=False):
        ratio = mine["agelib"] / mine["theirs"]
        print(f"agelib / {name}: {ratio.median():.2f} (from {ratio.min():.2f} to {ratio.max():.2f})")


def readable(collection):
    """Only pictures that every way can read, or the others would stop."""
    from agelib import pixels

    whole = pixels.decode(collection.faces, collection.root, 16, progress=False).readable
    faces = collection.faces[whole & collection.faces["age"].notna()]
    return faces.reset_index(drop=True), collection.root


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
    from agelib.experiment import Network

    return networks.build(Network(network=chosen.network), 1, chosen.image_size, seed=42)


def settings(chosen, epochs: int, precision: str = "off"):
    from agelib.experiment import Training

    return Training(epochs=epochs, batch_size=chosen.batch_size, mixed_precision=precision)


def agelib_way(faces, root, chosen, folder, precision: str = "off"):
    """The real loop, with its history, checkpoint, TensorBoard and a small validation part."""
    from agelib import pixels, targets, training
    from agelib.batches import Batches

    images = pixels.decode(faces, root, chosen.image_size, progress=False)
    mean, std = pixels.statistics(images.images)
    ages = faces["age"].to_numpy()
    target = targets.build(settings(chosen, 1), ages[:, None])
    device = training.choose_device()

    def train(epochs):
        rows = np.arange(len(faces))
        common = {"batch_size": chosen.batch_size, "mean": mean, "std": std, "device": device}
        with tempfile.TemporaryDirectory(dir=folder) as run:
            training.fit(
                make_network(chosen),
                target,
                Batches(images, rows, ages, shuffle=True, **common),
                Batches(images, rows[:VALID], ages, **common),
                settings(chosen, epochs, precision),
                run,
                device,
                progress=False,
            )

    return train


def memory_way(faces, root, chosen):
    """A plain loop over one float tensor."""
    import torch

    from agelib import pixels, training

    images = pixels.decode(faces, root, chosen.image_size, progress=False)
    mean, std = pixels.statistics(images.images)
    device = training.choose_device()
    x = torch.from_numpy(np.array(images.images)).float().div_(255)
    x = ((x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)).to(device)
    x = x.contiguous(memory_format=torch.channels_last)
    y = standardised(faces).to(device)

    def train(epochs):
        network, _, loss = plain(chosen, device)
        network.to(memory_format=torch.channels_last)
        optimiser = training.make_optimiser(network.parameters(), settings(chosen, epochs))
        for _ in range(epochs):
            for rows in torch.randperm(len(x), device=device).split(chosen.batch_size):
                step(network, optimiser, loss, x[rows], y[rows])

    return train


def folder_way(faces, root, chosen, folder):
    """ImageFolder (a folder an age), Resize, ToTensor, Normalize, DataLoader with a worker for each core."""
    import torch
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    from agelib import training

    device = training.choose_device()
    by_age = folder / "by_age"
    for row, (path, age) in enumerate(zip(faces["path"], faces["age"], strict=True)):
        place = by_age / f"{int(age):03}"
        place.mkdir(parents=True, exist_ok=True)
        os.symlink((Path(root) / path).resolve(), place / f"{row}.jpg")
    change = transforms.Compose(
        [
            transforms.Resize((chosen.image_size, chosen.image_size)),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * 3, [0.25] * 3),
        ]
    )
    pictures = ImageFolder(by_age, change)
    ages = torch.tensor([float(name) for name in pictures.classes])
    mean, std = float(faces["age"].mean()), float(faces["age"].std())
    loader = DataLoader(pictures, chosen.batch_size, shuffle=True, num_workers=os.cpu_count() or 1)

    def train(epochs):
        network, optimiser, loss = plain(chosen, device)
        for _ in range(epochs):
            for x, classes in loader:
                y = (ages[classes, None] - mean) / std
                step(network, optimiser, loss, x.to(device), y.to(device))

    return train


def fastai_way(faces, root, chosen):
    """fastai's own loaders and Learner on the same table."""
    from fastai.data.block import RegressionBlock
    from fastai.learner import Learner
    from fastai.vision.augment import Resize
    from fastai.vision.data import ImageDataLoaders, Normalize
    from torch.nn.functional import mse_loss

    table = pd.DataFrame({"path": faces["path"], "age": standardised(faces).squeeze(1).numpy()})
    # All pictures are trained on, as by the other ways; the first of them are looked at once more.
    table = pd.concat([table.assign(valid=False), table.head(VALID).assign(valid=True)], ignore_index=True)
    loaders = ImageDataLoaders.from_df(
        table,
        path=root,
        valid_col="valid",
        y_block=RegressionBlock(),
        item_tfms=Resize(chosen.image_size, method="squish"),
        batch_tfms=Normalize.from_stats([0.5] * 3, [0.25] * 3),
        bs=chosen.batch_size,
        num_workers=os.cpu_count() or 1,
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


def plain(chosen, device):
    import torch

    network = make_network(chosen).to(device)
    return network, torch.optim.AdamW(network.parameters(), lr=1e-3), torch.nn.MSELoss()


def step(network, optimiser, loss, x, y) -> None:
    optimiser.zero_grad()
    loss(network(x), y).backward()
    optimiser.step()


if __name__ == "__main__":
    main()
