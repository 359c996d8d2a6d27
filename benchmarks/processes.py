"""One training in one process and in several: pictures per second, and how far the numbers lie apart.

On a CPU one process has all threads, and several share them: on two cores 1 process × 2 threads against 2 processes ×
1 thread. On GPUs one process has one, and several have one each. The ways take turns, and what counts is the ratio
within a turn: a machine's speed drifts over minutes. A picture's time is that of the epochs after the first, with
validation and checkpoint; what it costs to start the processes stands beside it.

How far the numbers lie apart is the relative difference of the first epoch's training loss, the largest of any loss,
and the largest difference of a prediction in years, once with Adam and once with small steps of SGD. Processes add up
in another order, as another number of threads does: SGD leaves such a difference small at first, Adam's first steps
make it large, for they go by a gradient's sign, and a deep network makes it larger from epoch to epoch. As a yardstick
stands beside it what one process differs by from itself with one thread.

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

from agelib.runtime.cpu import cores

#: Network → image size.
NETWORKS = {"basic_cnn": 64, "resnet18": 32}

#: What leaves a difference in the last digits small.
SMALL_STEPS = {"optimiser": "sgd", "learning_rate": 1e-5}


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

    from agelib.runtime.devices import choose_device, device_name

    device = choose_device()
    processes = chosen.processes or (2 if device.type == "cpu" else torch.cuda.device_count())
    if processes < 2:
        options.error(f"nothing to compare with {processes} process on {device_name(device)}")
    about = _report.provenance(
        device=device,
        data=f"{chosen.pictures:,} drawn faces",
        epochs=chosen.epochs,
        turns=chosen.turns,
        image_sizes=[f"{NETWORKS[network]} ({network})" for network in chosen.networks],
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AGELIB_HOME"] = folder
        found = {network: compare(network, chosen, processes) for network in chosen.networks}
    said = (
        "One training in several processes (`agelib train --processes N`), which share each batch, against the same in "
        f"one process with {about.cores} threads. *Ratio*: how many times as many pictures per second; *start*: the "
        "seconds more that a training takes beside its epochs. Then the differences: that of the first epoch's "
        "training loss and the largest of any loss (relative), and the largest of a predicted age (years). One process "
        "with one thread, the yardstick, differs by nothing but another order of sums; small steps of SGD let less "
        "grow out of it than Adam's first steps."
    )
    table = as_table(found)
    print(table.to_string(index=False))
    timed = table.dropna(subset="ratio")
    figure = _report.ratios(timed, "processes × threads", "network", "pictures per second, ÷ one process")
    alt = "Speed of several processes as a ratio to that of one, a line for each network; 1 is as fast."
    print(_report.write("processes", "Several processes", said, table, about, figure, alt, chosen.reports))


def as_table(found: dict) -> pd.DataFrame:
    """A row for each network, optimiser and way; speed is measured with Adam."""
    rows = []
    for network, each in found.items():
        for optimiser in ("Adam", "SGD"):
            for way, differs in each[optimiser].items():
                row = {"network": network, "optimiser": optimiser, "processes × threads": way}
                timed = optimiser == "Adam" and way == each["way"]
                row |= {name: round(value, 2) if timed else None for name, value in each["speed"].items()}
                rows.append(row | {name: float(f"{value:.1e}") for name, value in differs.items()})
    return pd.DataFrame(rows)


def compare(network: str, chosen, processes: int) -> dict:
    """Train in both ways, turn by turn."""
    from agelib.config import Experiment

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
    rest = {number: float(np.median([rest for _, rest, _ in turns])) for number, turns in ways.items()}
    (_, _, one), (_, _, several) = ways[1][0], ways[processes][0]
    way = f"{processes} × {several.environment['threads']}"
    small = experiment.replace(**SMALL_STEPS)
    calm = train(small, 1)[2]
    return {
        "way": way,
        "speed": {
            "ratio": float(np.median(ratios)),
            "low": float(min(ratios)),
            "high": float(max(ratios)),
            "start, s": rest[processes] - rest[1],
        },
        "Adam": {way: differences(one, several), "1 × 1": differences(one, train(experiment, 1, threads=1)[2])},
        "SGD": {
            way: differences(calm, train(small, processes)[2]),
            "1 × 1": differences(calm, train(small, 1, threads=1)[2]),
        },
    }


def train(experiment, processes: int, threads: int = 0) -> tuple:
    """Pictures per second, the seconds that are not epochs, and the run; by default with all threads."""
    from agelib.experiments import run
    from agelib.runtime import workspace

    shutil.rmtree(workspace.home() / "runs", ignore_errors=True)
    run.open_streams(experiment, run.prepare(experiment.data))  # drawn and decoded once, and not timed
    os.environ["AGELIB_THREADS"] = str(threads or cores())
    started = time.perf_counter()
    done = run.run(experiment, progress=False, processes=processes)
    whole = time.perf_counter() - started
    seconds = done.history["seconds"]
    rate = done.environment["pictures"]["train"] * (len(seconds) - 1) / seconds.iloc[1:].sum()
    return rate, whole - seconds.sum(), done


def differences(one, other) -> dict:
    """Relative of the first epoch's training loss and, the largest, of all losses; the largest of a prediction."""
    columns = ["train_loss", "valid_loss"]
    losses = (other.history[columns] / one.history[columns] - 1).abs()
    ages = (other.predictions["predicted"] - one.predictions["predicted"]).abs()
    return {
        "first loss": float(losses["train_loss"].iloc[0]),
        "loss": float(losses.to_numpy().max()),
        "age": float(ages.max()),
    }


if __name__ == "__main__":
    main()
