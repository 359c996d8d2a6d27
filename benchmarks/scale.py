"""The way of the data against the number of its rows: seconds and memory of every step, up to the size of IMDB-WIKI.

An archive in the layout of IMDB-WIKI is written: an ``imdb.mat`` of so many rows, and as many files, in a hundred
folders, with the bytes of a few hundred drawn faces. Each step then runs in a process of its own, on one core:

unpack, read, contents (keys of the files), duplicates (of the files: most are exact copies), near pairs (of as many
made-up thumbnails, none alike), detect, clean, split (with the audit), decode, statistics, batches (one shuffled
epoch), predictions (written and read with a posterior over ages) and metrics (with bootstrap intervals, of a tenth of
the rows).

python benchmarks/scale.py                       # 1,000 to 500,000 rows: an hour, and 4 GB of disk for the largest
python benchmarks/scale.py --rows 1000 10000     # a few minutes

Memory is what the process asks for itself, without the pages of files that the system keeps at hand and gives back when
it needs them; the table that a step reads is in it. The exponent is the slope of log seconds over log rows: 1 is
linear. What is reported goes to ``benchmarks/reports``: ``scale.json`` and ``scale.png``.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path

import _report
import numpy as np
import pandas as pd
from _imdb_wiki import write_metadata

#: Rows of the published IMDB-WIKI.
PUBLISHED = 523_051

#: Drawn faces that the files repeat, and their side in pixels; the side to which they are decoded.
DRAWN, SIDE, IMAGE_SIZE = 300, 64, 16

#: Sizes below this tell of a start-up, and are left out of the slopes where there are two larger ones.
LEAST_ROWS = 10_000

#: Shorter times, in seconds, and less memory, in bytes, are left out of the figure: they say nothing of growth.
LEAST_SECONDS, LEAST_MEMORY = 0.05, 1e6


def write_archive(file: Path, rows: int) -> None:
    """A tar file as IMDB-WIKI is published: metadata and folders of pictures."""
    import cv2

    from agelib import drawn

    faces = drawn.draw_faces(range(DRAWN), np.random.default_rng(1).uniform(5, 90, DRAWN), size=SIDE)
    coded = [cv2.imencode(".jpg", face[:, :, ::-1])[1].tobytes() for face in faces]
    with tempfile.TemporaryDirectory(dir=file.parent) as folder, tarfile.open(file, "w") as archive:
        metadata = Path(folder) / "imdb.mat"
        paths = write_metadata(metadata, rows)
        archive.add(metadata, "imdb/imdb.mat")
        for number, path in enumerate(paths):
            member = tarfile.TarInfo(f"imdb/{path}")
            member.size = len(coded[number % DRAWN])
            archive.addfile(member, io.BytesIO(coded[number % DRAWN]))
            archive.members.clear()


class Way:
    """The steps; each leaves on disk what the next ones need."""

    def __init__(self, folder: Path, rows: int):
        self.folder, self.rows = folder, rows
        self.root = folder / "imdb"

    def _options(self):
        from agelib.config import Data

        # Nearly every file is an exact copy of others: they are looked for, but stay. Detection is a step of its own.
        return Data(source="imdb-wiki", root=str(self.root), detector="none", duplicates="keep", min_pictures_per_age=1)

    def _table(self, name: str):
        from agelib.data import table as faces

        return faces.read(self.folder / f"{name}.csv")

    def unpack(self):
        from agelib.data.sources import archives

        unpacked = archives.unpack(self.folder / "imdb.tar", self.folder / "unpacked", progress=False)
        (unpacked / "imdb").rename(self.root)
        (self.folder / "imdb.tar").unlink()

    def read(self):
        from agelib.data import sources
        from agelib.data import table as faces

        faces.write(self.folder / "read.csv", sources.read("imdb-wiki", self.root).faces)

    def contents(self):
        from agelib.pixels import content_keys

        content_keys.content_keys(self._table("read")["path"].tolist(), self.root)

    def duplicates(self):
        from agelib.data import duplicates

        duplicates.find(self._table("read"), self.root, jobs=1, progress=False)

    def near_pairs(self):
        from agelib.data import duplicates

        file = self.folder / "thumbnails.npy"
        write_thumbnails(file, self.rows)
        started = time.perf_counter(), time.process_time()
        images = np.load(file, mmap_mode="r")
        duplicates.near_pairs(images, duplicates.perceptual_hashes(images))
        file.unlink()
        return started

    def detect(self):
        from agelib.data import detectors

        detectors.detect(self._table("read"), self.root, jobs=1, progress=False)

    def clean(self):
        from agelib.data import clean as cleaning
        from agelib.data import sources
        from agelib.data import table as faces

        collection = sources.read("imdb-wiki", self.root)
        cleaned = cleaning.clean(collection, self._options(), jobs=1, progress=False)
        faces.write(self.folder / "cleaned.csv", cleaned.faces)
        cleaned.duplicates.to_csv(self.folder / "duplicates.csv", index=False)

    def split(self):
        from agelib.data import splits
        from agelib.data import table as faces

        table, twins = self._table("cleaned"), pd.read_csv(self.folder / "duplicates.csv")
        twins = twins.assign(exact_group=-1, near_group=-1)  # The copies would join all people into one unit.
        table = splits.split(table, "subject_exclusive", twins)
        splits.require_no_leak(splits.audit(table, twins))
        faces.write(self.folder / "split.csv", table)

    def _pixels(self):
        from agelib.pixels import cache

        return cache.decode(self._table("read"), self.root, IMAGE_SIZE, jobs=1, progress=False)

    def decode(self):
        self._pixels()

    def statistics(self):
        from agelib.pixels import statistics as pixels

        images = self._pixels().images
        started = time.perf_counter(), time.process_time()
        pixels.statistics(images)
        return started

    def batches(self):
        from agelib.pixels.batches import Batches

        images = self._pixels().images
        started = time.perf_counter(), time.process_time()
        ages = np.zeros(len(images), np.float32)
        for _ in Batches(images, np.arange(len(images)), ages, 256, [0.5] * 3, [0.25] * 3, shuffle=True):
            pass
        return started

    def predictions(self):
        from agelib.runtime import workspace

        table = self._table("read")[["path", "age", "identity", "gender"]].fillna({"age": 30.0})
        generator = np.random.default_rng(0)
        table["predicted"] = table["age"] + generator.normal(0, 5, len(table))
        posterior = np.empty((len(table), 101), np.float32)
        for first in range(0, len(table), 10_000):
            some = generator.random(posterior[first : first + 10_000].shape, np.float32)
            posterior[first : first + 10_000] = some / some.sum(axis=1, keepdims=True)
        np.save(self.folder / "posterior.npy", posterior)
        workspace.write_table(self.folder / "predictions.csv", table)
        pd.read_csv(self.folder / "predictions.csv")

    def metrics(self):
        from agelib.metrics.regression import summarise

        table = pd.read_csv(self.folder / "predictions.csv")
        summarise(table.sample(frac=0.1, random_state=0), unit="identity")


STEPS = [name for name in vars(Way) if not name.startswith("_")]


def write_thumbnails(file: Path, rows: int) -> None:
    """Thumbnails like those of aligned faces, grey: one mean, the same few directions, and noise in each pixel."""
    generator = np.random.default_rng(0)
    place = np.linspace(-1, 1, 32)
    waves = [np.outer(np.cos(np.pi * i * place), np.cos(np.pi * j * place)) for i in range(6) for j in range(6)]
    images = np.lib.format.open_memmap(file, "w+", np.uint8, (rows, 32, 32))
    for first in range(0, rows, 512):
        some = images[first : first + 512]
        strength = generator.normal(0, 1 / (1 + np.arange(len(waves)) ** 0.5), (len(some), len(waves)))
        drawn = 120 + 30 * waves[0] + 25 * np.tensordot(strength, np.array(waves), 1)
        some[:] = np.clip(drawn + generator.normal(0, 6, some.shape), 0, 255)
    images.flush()


def own_memory(process) -> int:
    """Bytes that a process holds beside pages of files."""
    try:
        text = Path(f"/proc/{process.pid}/status").read_text()
        return 1024 * int(text.partition("RssAnon:")[2].split()[0])
    except (OSError, IndexError):
        return process.memory_info().rss  # not Linux: pages of files count too


def measure(step: str, folder: Path, rows: int) -> dict:
    """Run a step here; imports are paid before."""
    import psutil

    import agelib.data.clean
    import agelib.data.sources
    import agelib.data.table

    if step == "batches":
        import agelib.pixels.batches
    agelib.data.table.check(agelib.data.table.table(path=["a"], age=1))  # pandera is imported where it is used
    process, highest, is_over = psutil.Process(), [0], threading.Event()
    before = own_memory(process)

    def watch():
        while not is_over.wait(0.01):
            highest[0] = max(highest[0], own_memory(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter(), time.process_time()
    started = getattr(Way(folder, rows), step)() or started
    seconds, processor = time.perf_counter() - started[0], time.process_time() - started[1]
    is_over.set()
    watcher.join()
    return {"seconds": seconds, "processor_seconds": processor, "memory": max(0, highest[0] - before)}


def exponents(table: pd.DataFrame) -> pd.DataFrame:
    """Of each step: slope of log processor seconds over log rows, bytes a row, and both at the published size."""
    found = []
    for step, mine in table.groupby("step", sort=False):
        large = mine[mine["rows"] >= LEAST_ROWS]
        mine = large if len(large) > 1 else mine
        largest = mine.iloc[-1]
        slope = a_row = np.nan
        if len(mine) > 1:
            slope = np.polyfit(np.log(mine["rows"]), np.log(mine["processor_seconds"]), 1)[0]
            a_row = np.polyfit(mine["rows"], mine["memory"], 1)[0]
        ahead = PUBLISHED / largest["rows"]
        found.append(
            {
                "step": step,
                "exponent": slope,
                "bytes_a_row": a_row,
                "seconds_at_published": largest["processor_seconds"] * ahead ** (slope if slope > 1 else 1),
                "memory_at_published": largest["memory"] + max(0, a_row) * (PUBLISHED - largest["rows"]),
            }
        )
    return pd.DataFrame(found)


def as_table(table: pd.DataFrame, slopes: pd.DataFrame) -> pd.DataFrame:
    """One row a step: seconds at each number of rows, the most memory, and what the slopes say."""
    seconds = table.pivot_table(index="step", columns="rows", values="processor_seconds").round(1)
    seconds.columns = [f"{rows:,} rows, s" for rows in seconds.columns]
    told = slopes.set_index("step")
    return (
        seconds.loc[list(dict.fromkeys(table["step"]))]
        .assign(
            most_memory_MB=(table.groupby("step")["memory"].max() / 1e6).round(0),
            exponent=told["exponent"].round(2),
            published_s=told["seconds_at_published"].round(0),
            published_MB=(told["memory_at_published"] / 1e6).round(0),
        )
        .reset_index()
    )


def plot(table: pd.DataFrame):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(style="whitegrid", palette="colorblind")
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    kept = table.assign(megabytes=table["memory"] / 1e6)
    how = {"x": "rows", "hue": "step", "style": "step", "markers": True, "dashes": False}
    how |= {"hue_order": list(kept["step"].unique()), "style_order": list(kept["step"].unique())}
    long, large = kept["processor_seconds"] >= LEAST_SECONDS, kept["memory"] >= LEAST_MEMORY
    sns.lineplot(kept[long], y="processor_seconds", ax=left, legend=False, **how)
    sns.lineplot(kept[large], y="megabytes", ax=right, **how)
    rows = np.array([table["rows"].min(), table["rows"].max()])
    left.plot(rows, table["processor_seconds"].median() / np.median(table["rows"]) * rows, "k:", lw=1)
    left.set(xscale="log", yscale="log", xlabel="rows", ylabel="processor seconds", title="dotted: linear")
    right.set(xscale="log", yscale="log", xlabel="rows", ylabel="memory, MB", title="without pages of files")
    sns.move_legend(right, "upper left", bbox_to_anchor=(1, 1), title=None)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 10_000, 100_000, 500_000])
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS, help="later ones need earlier ones")
    parser.add_argument(
        "--detect-up-to", type=int, default=100_000, metavar="ROWS", help="larger sizes leave the detector out"
    )
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    parser.add_argument("--measure", nargs=3, metavar=("STEP", "FOLDER", "ROWS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        step, folder, rows = chosen.measure
        print(json.dumps(measure(step, Path(folder), int(rows))))
        return
    found = []
    about = _report.provenance(pictures=f"{DRAWN} drawn faces of {SIDE} pixels, repeated", cores_used=1)
    for rows in sorted(chosen.rows):
        if chosen.folder:
            chosen.folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="scale-", dir=chosen.folder))
        try:
            write_archive(folder / "imdb.tar", rows)
            environment = os.environ | {"AGELIB_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
            for step in chosen.steps:
                if step == "detect" and rows > chosen.detect_up_to:
                    continue
                command = [sys.executable, __file__, "--measure", step, str(folder), str(rows)]
                answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
                found.append(
                    {"rows": rows, "step": step.replace("_", " ")} | json.loads(answer.stdout.splitlines()[-1])
                )
                told = found[-1]
                print(
                    f"{rows:9,} rows  {told['step']:12} {told['seconds']:8.2f} s, of a processor "
                    f"{told['processor_seconds']:8.2f} s, memory {told['memory'] / 1e6:8.1f} MB",
                    flush=True,
                )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    table = pd.DataFrame(found)
    slopes = exponents(table)
    said = (
        "Every step of the way of the data against the number of rows, in the layout of IMDB-WIKI: "
        "processor seconds, and the memory that the process asked for, without the pages of files that the "
        "system keeps at hand. *Exponent* is the slope of log seconds over log rows; 1 is linear. The last two columns "
        f"are what it says of the {PUBLISHED:,} rows that IMDB-WIKI has, whose map of decoded pictures takes "
        f"{PUBLISHED * 3 * IMAGE_SIZE**2 / 1e9:.1f} GB of disk at {IMAGE_SIZE} pixels. A dash: left out "
        "(`--detect-up-to`), for it would take more than an hour. The figure leaves out times and memory that are too "
        "small to tell of growth."
    )
    alt = "Two panels over the number of rows: processor seconds of each step, and its memory."
    print(_report.write("scale", "Large data", said, as_table(table, slopes), about, plot(table), alt, chosen.reports))
    print(slopes.round(2).to_string(index=False))


if __name__ == "__main__":
    main()
