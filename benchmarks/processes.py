"""One training in one process and in several: pictures per second, and how far the numbers lie apart.

On a CPU one process has all threads, and several share them: on two cores 1 process × 2 threads against 2 processes ×
1 thread. On GPUs one process has one, and several have one each. The ways take turns, and what counts is the ratio
within a turn: a machine's speed drifts over minutes. A picture's time is that of the epochs after the first, with
validation and checkpoint; what it costs to start the processes stands beside it.

How far the numbers lie apart is the largest relative difference of a loss, and the largest difference of a prediction
in years. Beside it, as a yardstick, stands what one process differs by from itself with one thread: the order of sums
alone, which Adam's first steps and a network that has seen little make large.

Run it with ``python benchmarks/processes.py [--pictures 1500] [--turns 3] [--processes 2]``. It writes
``benchmarks/reports/processes.json``; trainings are made in a temporary workspace.
"""

import argparse
import os
import shutil
import tempfile
import time

import _report
import numpy as np
import pandas as pd

from agelib.processors import cores

#: Network → image size.
NETWORKS = {"basic_cnn": 64, "resnet18": 32}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--pictures", type=int, default=1500, help="to draw (default 1500)")
    options.add_argument("--epochs", type=int, default=3, help="the first is not timed (default 3)")
    options.add_argument("--turns", type=int, default=3, help="times that each way is measured (default 3)")
    options.add_argument("--processes", type=int, default=0, help="default 2, or one for each GPU")
    options.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    options.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    chosen = options.parse_args()
    if chosen.epochs < 2:
        options.error("the first epoch is not timed; give --epochs 2 or more")

    import torch

    from agelib.devices import choose_device, device_name

    device = choose_device()
    processes = chosen.processes or (2 if device.type == "cpu" else torch.cuda.device_count())
    if processes < 2:
        options.error(f"nothing to compare with {processes} process on {device_name(device)}")
    about = _report.provenance(
        device=f"{device.type} ({device_name(device)})",
        data=f"{chosen.pictures:,} drawn faces",
        epochs=chosen.epochs,
        turns=chosen.turns,
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AGELIB_HOME"] = folder
        found = {network: compare(network, chosen, processes) for network in chosen.networks}
    said = (
        "One training in several processes (`agelib train --processes N`), which share each batch, against the same in "
        "one process with as many threads: how many times as many pictures per second, and the largest differences of "
        "a loss (relative) and of a predicted age (years). The last two columns are the differences that one process "
        "with one thread makes."
    )
    print(
        _report.write("processes", "Several processes", said, as_table(found), about, folder=chosen.reports)
    )
    print(as_table(found).to_string(index=False))


def as_table(found: dict) -> pd.DataFrame:
    """One row a network."""
    return pd.DataFrame(
        [
            {
                "network": network,
                "image_size": each["image_size"],
                "processes": each["processes"],
                "threads of one": each["threads_of_one"],
                "threads of each": each["threads_of_each"],
                "ratio": round(each["ratio"]["median"], 2),
                "low": round(each["ratio"]["low"], 2),
                "high": round(each["ratio"]["high"], 2),
                "loss": float(f"{each['loss_difference']:.1e}"),
                "age": float(f"{each['age_difference_years']:.1e}"),
                "loss, 1 thread": float(f"{each['of_threads']['loss_difference']:.1e}"),
                "age, 1 thread": float(f"{each['of_threads']['age_difference_years']:.1e}"),
            }
            for network, each in found.items()
        ]
    )


def compare(network: str, chosen, processes: int) -> dict:
    """Train in both ways, turn by turn."""
    from agelib.experiment import Experiment

    experiment = Experiment.of(
        source="drawn-utkface",
        detector="none",
        pictures=chosen.pictures,
        network=network,
        image_size=NETWORKS[network],
        epochs=chosen.epochs,
        mixed_precision="off",
    )
    ways = {1: [], processes: []}
    for turn in range(chosen.turns):
        for number in sorted(ways, reverse=turn % 2 == 1):
            ways[number].append(train(experiment, number))
    rates = {number: [rate for rate, _, _ in turns] for number, turns in ways.items()}
    ratios = np.divide(rates[processes], rates[1])
    (_, _, one), (_, _, several) = ways[1][0], ways[processes][0]
    return {
        "image_size": NETWORKS[network],
        "processes": processes,
        "threads_of_one": one.environment["threads"],
        "threads_of_each": several.environment["threads"],
        "pictures_per_second": {str(number): float(np.median(each)) for number, each in rates.items()},
        "ratio": {"median": float(np.median(ratios)), "low": float(min(ratios)), "high": float(max(ratios))},
        "seconds_beside_epochs": {
            str(number): float(np.median([rest for _, rest, _ in turns])) for number, turns in ways.items()
        },
        **differences(one, several),
        "of_threads": differences(one, train(experiment, 1, threads=1)[2]),
    }


def train(experiment, processes: int, threads: int = 0) -> tuple:
    """Pictures per second, the seconds that are not epochs, and the run; by default with all threads."""
    from agelib import runs, store

    shutil.rmtree(store.home() / "runs", ignore_errors=True)
    runs.open_streams(experiment, runs.prepare(experiment.data))  # drawn and decoded once, and not timed
    os.environ["AGELIB_THREADS"] = str(threads or cores())
    started = time.perf_counter()
    done = runs.run(experiment, progress=False, processes=processes)
    whole = time.perf_counter() - started
    seconds = done.history["seconds"]
    rate = done.environment["pictures"]["train"] * (len(seconds) - 1) / seconds.iloc[1:].sum()
    return rate, whole - seconds.sum(), done


def differences(one, other) -> dict:
    """The largest relative difference of a loss, and the largest of a prediction."""
    columns = ["train_loss", "valid_loss"]
    losses = (other.history[columns] / one.history[columns] - 1).abs()
    ages = (other.predictions["predicted"] - one.predictions["predicted"]).abs()
    return {
        "loss_difference": float(losses.to_numpy().max()),
        "age_difference_years": float(ages.max()),
    }


if __name__ == "__main__":
    main()
