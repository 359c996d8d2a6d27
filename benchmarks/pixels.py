"""Decoding and batches: pictures a second, against the plain ways of doing the same.

Run it with ``python benchmarks/pixels.py [FOLDER]``; FOLDER holds pictures (JPEG or PNG), for instance UTKFace
unpacked. Without a folder it writes pictures of its own. It reports

* decoding: a loop of ``Image.open(...).convert("RGB").resize(...)`` against :func:`agelib.pixels.cache.decode` with one
  and more worker processes, and finding the map again;
* evaluation: a network's answers for all pictures, from the memory map, against opening every file again with Pillow;
* training: a step of a small network with :class:`agelib.pixels.batches.Batches`, with and without augmentation and
  with a thread that prepares ahead, against the same network on a float tensor that lies in memory already; and the
  batches alone, without a network.

Each figure is the best of a few rounds, taken in turn, because other work on the machine can only make it slower. On
a busy machine the ratio of two loops is still uncertain; the seconds of the batches alone say what a loop can lose.
"""

import argparse
import io
import os
import tempfile
import time
from pathlib import Path

import _report
import numpy as np
import pandas as pd

from agelib.runtime.cpu import cores
from agelib.runtime.provenance import Provenance

#: Greater ratios are left out of the figure: a map that is found again, and batches without a network.
PLOTTED = 10


def write_pictures(folder: Path, number: int) -> None:
    """Smooth coloured noise of 200 pixels: about as large, as JPEG, as a cropped face."""
    from PIL import Image

    generator = np.random.default_rng(42)
    for start in range(number):
        coarse = Image.fromarray(generator.integers(0, 256, (12, 12, 3), np.uint8))
        file = io.BytesIO()
        coarse.resize((200, 200), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        (folder / f"{start:05d}.jpg").write_bytes(file.getvalue())


def seconds(action) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def decode_rates(root: Path, paths: list[str], image_size: int, jobs: list[int]) -> pd.DataFrame:
    """Pictures a second of a plain Pillow loop and of decode, built and found again."""
    from PIL import Image

    from agelib.pixels import cache

    faces = pd.DataFrame({"path": paths})

    def loop():
        images = np.empty((len(paths), 3, image_size, image_size), np.uint8)
        for row, path in enumerate(paths):
            with Image.open(root / path) as picture:
                square = picture.convert("RGB").resize((image_size, image_size), Image.Resampling.BICUBIC)
            images[row] = np.asarray(square).transpose(2, 0, 1)

    def build(number):
        with tempfile.TemporaryDirectory() as home:
            os.environ["AGELIB_HOME"] = home
            taken = seconds(lambda: cache.decode(faces, root, image_size, jobs=number, progress=False))
            found = seconds(lambda: cache.decode(faces, root, image_size, jobs=number, progress=False))
        return taken, found

    build(max(jobs))  # files into the page cache, worker processes started
    rounds = [(seconds(loop), *[build(number) for number in jobs]) for _ in range(3)]
    best = [("Pillow loop", min(r[0] for r in rounds))]
    for place, number in enumerate(jobs, start=1):
        best.append((f"decode, {number} jobs", min(r[place][0] for r in rounds)))
    best.append(("found again", min(build[1] for r in rounds for build in r[1:])))
    table = pd.DataFrame(best, columns=["way", "seconds"])
    table["pictures_per_second"] = len(paths) / table["seconds"]
    return table


def evaluation_rates(root: Path, paths: list[str], image_size: int, batch_size: int, device: str) -> pd.DataFrame:
    """Pictures a second that the basic CNN judges: pictures from the memory map, or each opened again by Pillow."""
    import torch
    from PIL import Image

    from agelib import networks, training
    from agelib.config import Network
    from agelib.pixels import cache
    from agelib.pixels import statistics as pixels
    from agelib.pixels.batches import Batches

    network = networks.build(Network(), 1, image_size, seed=42)
    decoded = cache.decode(pd.DataFrame({"path": paths}), root, image_size, progress=False)
    mean, std = pixels.statistics(decoded.images)
    shift, scale = (torch.tensor(each).view(1, 3, 1, 1) for each in (mean, std))
    labels, rows = np.zeros(len(paths), np.float32), np.arange(len(paths))
    batches = Batches(decoded, rows, labels, batch_size, mean, std, device)

    def one_by_one():
        network.to(device).eval()
        for first in range(0, len(paths), batch_size):
            some = []
            for path in paths[first : first + batch_size]:
                with Image.open(root / path) as picture:
                    square = picture.convert("RGB").resize((image_size, image_size), Image.Resampling.BICUBIC)
                some.append(torch.from_numpy(np.asarray(square).transpose(2, 0, 1).copy()))
            x = (torch.stack(some).float().div_(255) - shift) / scale
            with torch.no_grad():
                network(x.to(device)).cpu()

    ways = {
        "Pillow every time": one_by_one,
        "memory map": lambda: training.outputs(network, batches, torch.device(device)),
    }
    for way in ways.values():
        way()
    best = {name: min(seconds(way) for _ in range(3)) for name, way in ways.items()}
    table = pd.DataFrame({"way": list(best), "seconds": list(best.values())})
    table["pictures_per_second"] = len(paths) / table["seconds"]
    return table


def report(table: pd.DataFrame, about: Provenance, folder) -> Path:
    """Write what was measured, each part as ratios to its first way."""
    table = table.copy()
    first = table.groupby("part", sort=False)["pictures_per_second"].transform("first")
    table["ratio"] = (table["pictures_per_second"] / first).round(2)
    table["seconds"], table["pictures_per_second"] = (table["seconds"].round(3), table["pictures_per_second"].round(0))
    said = (
        "Decoding once into a memory map, against a plain loop with Pillow; a network's answers from that map, against "
        "opening every file again; and training steps of a small network by where their batches come from. *Ratio* is "
        "to the first line of each part; those above "
        f"{PLOTTED} are not in the figure."
    )
    figure = _report.ratios(table[table["ratio"] <= PLOTTED], "part", "way", "pictures per second ÷ first line")
    alt = "Pictures per second as a ratio to the first way of each part: decoding, evaluation, training."
    return _report.write("pixels", "Pictures", said, table, about, figure, alt, folder)


def small_network(image_size: int):
    """Four blocks of convolution, ReLU, batch norm and pooling, as in the UTKFace study, narrow."""
    from torch import nn

    layers, channels = [], 3
    for width in (16, 32, 64, 128):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(width), nn.MaxPool2d(2)]
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * (image_size // 16) ** 2, 1))


def loop_rates(images, batch_size: int, batches: int, device: str) -> pd.DataFrame:
    """Pictures a second of a training loop, by where its batches come from."""
    import torch

    from agelib.pixels import augment as augmentation
    from agelib.pixels.batches import Batches
    from agelib.pixels.statistics import statistics

    images = images[: batch_size * batches]
    labels = np.zeros(len(images), np.float32)
    mean, std = statistics(images)
    settings = dict(mean=mean, std=std, device=device, shuffle=True, drop_last=True)
    rows = np.arange(len(images))
    augment = augmentation.build(tuple(augmentation.NAMES))
    everything = Batches(images, rows, labels, batch_size, **settings)
    ready = list(everything)
    ways = {
        "tensor in memory": ready,
        "Batches": everything,
        "Batches, prefetch 2": everything.new(prefetch=2),
        "Batches, augmented": everything.new(augment=augment),
        "Batches, augmented, prefetch 2": everything.new(augment=augment, prefetch=2),
    }
    network = small_network(images.shape[-1]).to(device)
    optimiser = torch.optim.AdamW(network.parameters())

    def train(stream):
        for x, y in stream:
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(network(x), y).backward()
            optimiser.step()
        if device != "cpu":
            torch.cuda.synchronize()

    def iterate(stream):
        for _ in stream:
            pass
        if device != "cpu":
            torch.cuda.synchronize()

    train(ready[:1])
    best = {}
    for _ in range(3):
        for name, stream in ways.items():
            best[name] = min(best.get(name, np.inf), seconds(lambda stream=stream: train(stream)))
        for name in ("Batches", "Batches, augmented"):
            taken = seconds(lambda name=name: iterate(ways[name]))
            best[f"{name}, alone"] = min(best.get(f"{name}, alone", np.inf), taken)
    table = pd.DataFrame({"way": list(best), "seconds": list(best.values())})
    table["pictures_per_second"] = len(images) / table["seconds"]
    return table


def main() -> None:
    import torch

    from agelib.pixels import cache
    from agelib.pixels import statistics as pixels

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="folder of pictures; by default some are made")
    parser.add_argument("--pictures", type=int, default=4000, help="how many pictures to take, or to make")
    parser.add_argument("--image-size", type=int, default=64, help="side of the decoded pictures, in pixels")
    parser.add_argument("--batch-size", type=int, default=64, help="pictures a batch")
    parser.add_argument("--batches", type=int, default=20, help="batches a round of the training loop")
    parser.add_argument("--threads", type=int, default=0, help="torch's threads; 0: torch's own choice")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)

    with tempfile.TemporaryDirectory() as temporary:
        root = Path(options.folder or temporary)
        if options.folder is None:
            write_pictures(root, options.pictures)
        paths = sorted(p.name for p in root.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
        paths = paths[: options.pictures]
        if not paths:
            parser.error(f"no .jpg or .png in {root}; name a folder of pictures, or none")
        processors = cores()
        print(f"{len(paths):,} pictures to {options.image_size} pixels, {processors} processors")
        about = _report.provenance(
            pictures=len(paths),
            data=f"folder {root.resolve().name}" if options.folder else "smooth noise of 200 px",
            image_size=options.image_size,
            threads=torch.get_num_threads(),
            device=options.device,
        )
        jobs = sorted({1, 2, processors})
        parts = {"decoding": decode_rates(root, paths, options.image_size, jobs)}
        os.environ["AGELIB_HOME"] = str(Path(temporary) / "home")
        parts["evaluation"] = evaluation_rates(root, paths, options.image_size, options.batch_size, options.device)
        decoded = cache.decode(pd.DataFrame({"path": paths}), root, options.image_size, progress=False)
        number = min(options.batches, len(paths) // options.batch_size)
        parts["training"] = loop_rates(decoded.images, options.batch_size, number, options.device)
        table = pd.concat([rates.assign(part=part) for part, rates in parts.items()], ignore_index=True)
        table = table[["part", "way", "seconds", "pictures_per_second"]]
        print(table.round(3).to_string(index=False))
        print(report(table, about, options.reports))
        pass_taken = seconds(lambda: pixels.statistics(decoded.images))
        print(f"\nstatistics: {len(paths) / pass_taken:,.0f} pictures a second")


if __name__ == "__main__":
    main()
