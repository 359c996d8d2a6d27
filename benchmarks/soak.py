"""A store that lives long: many short runs in one process, then listing and pruning them.

Each run is a network of one block, trained for one epoch on 24 drawn faces of 16 pixels, with a seed of its own. Every
so many runs the memory of the process is noted (a leak shows as a slope), and what the workspace takes; at the end all
runs are listed, and pruned to half.

python benchmarks/soak.py              # 1,000 runs: two minutes on a free core
python benchmarks/soak.py --runs 100

What is reported goes to ``benchmarks/reports``: ``soak.json`` and ``soak.png``.
"""

import argparse
import gc
import os
import tempfile
import time

import _report
import numpy as np
import pandas as pd

TINY = {
    "source": "drawn-utkface",
    "pictures": 24,
    "detector": "none",
    "min_pictures_per_age": 1,
    "image_size": 16,
    "network": "basic_cnn",
    "blocks": 1,
    "base_features": 4,
    "hidden_neurons": 8,
    "epochs": 1,
}


def train(runs: int, every: int) -> pd.DataFrame:
    """Train so many; a row every so many runs."""
    import psutil

    from agelib.config import Experiment
    from agelib.experiments.result import finished
    from agelib.experiments.run import run
    from agelib.runtime import prune as housekeeping

    process, rows = psutil.Process(), []
    started = time.process_time()
    for number in range(1, runs + 1):
        run(Experiment.of(**TINY, seed=number), progress=False)
        if number % every == 0 or number == runs:
            gc.collect()
            trained = time.process_time() - started
            before = time.process_time()
            listed = len(finished())
            rows.append(
                {
                    "runs": number,
                    "processor_seconds": trained,
                    "memory": process.memory_info().rss,
                    "open_files": process.num_fds() if hasattr(process, "num_fds") else process.num_handles(),
                    "listing_seconds": time.process_time() - before,
                    "disk": int(housekeeping.disk()["bytes"].sum()),
                }
            )
            if listed != number:
                raise SystemExit(f"{number} runs were trained and {listed} are listed")
            told = rows[-1]
            print(
                f"{number:6,} runs  memory {told['memory'] / 1e6:6.1f} MB  listed in {told['listing_seconds']:.2f} s "
                f"of a processor  disk {told['disk'] / 1e6:7.1f} MB  files open {told['open_files']}",
                flush=True,
            )
    return pd.DataFrame(rows)


def prune() -> dict:
    """Prune the runs to half of what they take."""
    from agelib.experiments.result import finished
    from agelib.runtime import prune as housekeeping

    whole = sum(thing.bytes for thing in housekeeping.things(["runs"]))
    before = time.process_time()
    removed = housekeeping.prune(["runs"], keep_bytes=whole // 2, is_rehearsal=False)
    seconds = time.process_time() - before
    left = sum(thing.bytes for thing in housekeeping.things(["runs"]))
    if left > whole // 2 or len(finished()) + len(removed) < 1:
        raise SystemExit(f"{left:,} bytes are left of {whole:,}")
    return {
        "pruned_runs": len(removed),
        "prune_processor_seconds": seconds,
        "runs_bytes": whole,
        "runs_bytes_left": left,
    }


def summarise(table: pd.DataFrame) -> dict:
    """Slopes over the second half of the runs: by then everything is imported, and allocators have settled."""
    late = table[table["runs"] >= table["runs"].iloc[-1] / 2]
    slope = {
        name: float(np.polyfit(late["runs"], late[name], 1)[0]) if len(late) > 1 else float("nan")
        for name in ("memory", "disk", "open_files")
    }
    last = table.iloc[-1]
    return {
        "runs": int(last["runs"]),
        "processor_seconds_a_run": float(last["processor_seconds"] / last["runs"]),
        "listing_processor_seconds": float(last["listing_seconds"]),
        "bytes_of_memory_a_run": slope["memory"],
        "bytes_of_disk_a_run": slope["disk"],
        "open_files_a_run": slope["open_files"],
        "memory_at_the_end": int(last["memory"]),
    }


def as_table(found: dict) -> pd.DataFrame:
    """What was found, in the units in which it is read."""
    told = {
        "runs": f"{found['runs']:,}",
        "a run, of a processor": f"{found['processor_seconds_a_run']:.3f} s",
        "listing all runs, of a processor": f"{found['listing_processor_seconds']:.2f} s",
        "memory of the process at the end": f"{found['memory_at_the_end'] / 1e6:.0f} MB",
        "memory that a run adds": f"{found['bytes_of_memory_a_run'] / 1e3:.1f} KB",
        "open files that a run adds": f"{round(found['open_files_a_run'], 3) + 0:.3f}",
        "disk that a run adds": f"{found['bytes_of_disk_a_run'] / 1e3:.1f} KB",
        "disk of all runs": f"{found['runs_bytes'] / 1e6:.1f} MB",
        "pruned runs": f"{found['pruned_runs']:,}",
        "disk that is left": f"{found['runs_bytes_left'] / 1e6:.1f} MB",
        "pruning, of a processor": f"{found['prune_processor_seconds']:.2f} s",
    }
    return pd.DataFrame({"measure": [*told], "value": told.values()})


def plot(table: pd.DataFrame):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(style="whitegrid", palette="colorblind")
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    shown = table.assign(memory=table["memory"] / 1e6, disk=table["disk"] / 1e6)
    units = {"memory": "memory, MB", "disk": "disk, MB", "listing_seconds": "listing, processor seconds"}
    for (name, label), axis in zip(units.items(), axes, strict=True):
        sns.lineplot(data=shown, x="runs", y=name, marker="o", ax=axis)
        axis.set(xlabel="runs", ylabel=label, ylim=(0, 1.05 * shown[name].max()))
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--every", type=int, help="runs between two notes (default: a twentieth)")
    parser.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    chosen = parser.parse_args()
    about = _report.provenance(pictures="drawn faces")
    with tempfile.TemporaryDirectory(prefix="soak-") as home:
        os.environ["AGELIB_HOME"] = home
        table = train(chosen.runs, chosen.every or max(1, chosen.runs // 20))
        found = summarise(table) | prune()
    said = (
        "Many short runs in one process and one store: what each costs, what grows (slopes over the second half), how "
        "long listing all of them takes, and what `agelib prune` does when half of their disk is wanted back."
    )
    alt = "Memory, disk and the seconds of listing over the number of runs."
    measures = as_table(found)
    print(measures.to_string(index=False))
    print(_report.write("soak", "A store that lives long", said, measures, about, plot(table), alt, chosen.reports))


if __name__ == "__main__":
    main()
