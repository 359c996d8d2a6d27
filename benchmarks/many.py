"""A study of many small trainings on 1, 2 and 4 workers, one of which is killed: how fast, and is each done once?

Twice: with local processes, and with the workers of a Dask scheduler on this machine. All trainings are those of one
grid on drawn faces, so that each is another run. After a third of them one worker is killed with SIGKILL. A witness
notes every run that is sealed, in whichever process: a run that stands there twice was trained twice.

Times are wall-clock times, without the start of the workers, but with the start of the one that takes the killed one's
place: with one worker nothing goes on meanwhile. The load of the machine at the beginning stands beside them, for on a
machine that has something else to do they say little. More workers than cores gain nothing.

Run it with ``python benchmarks/many.py [--runs 60] [--workers 1,2,4] [--reports FOLDER]``.
"""

import argparse
import contextlib
import importlib
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _report import FOLDER, provenance, write

from agebook.build.chapters import REPOSITORY
from agelib.config import Experiment
from agelib.experiments import search
from agelib.runtime import executors, workspace
from agelib.runtime.cpu import cores

sys.path.insert(0, str(REPOSITORY / "tests"))

from miniature import MINIATURE, WITNESS

KINDS = ("local processes", "Dask")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--runs", type=int, default=60, help="trainings of the study (default 60)")
    options.add_argument("--epochs", type=int, default=5, help="of each training (default 5)")
    options.add_argument("--workers", default="1,2,4", help="numbers of workers (default 1,2,4)")
    options.add_argument("--reports", type=Path, default=FOLDER, help="where the report goes")
    chosen = options.parse_args()
    counts = [int(number) for number in chosen.workers.split(",")]
    about = provenance(faces="drawn", **(MINIATURE | {"epochs": chosen.epochs}))
    rows = [measure(kind, workers, chosen) for kind in KINDS for workers in counts]
    table = pd.DataFrame(rows)
    first = table.groupby("kind")["seconds"].transform("first")
    table.insert(3, "speed_up", (first / table["seconds"]).round(2))
    print(table.to_string(index=False))
    file = write(
        "many",
        "Many machines: a study on several workers",
        f"One study of {chosen.runs} small trainings, each time in an empty workspace. One worker is killed after a "
        f"third of them. `speed up` is over {counts[0]} worker of the same kind; `done` counts finished runs, `twice` "
        "those that were trained to their end more than once.",
        table,
        about,
        draw(table),
        "Seconds of the study by number of workers, for local processes and for the workers of a Dask scheduler",
        chosen.reports,
    )
    print(file)
    if not (table["done"].eq(chosen.runs).all() and table["twice"].eq(0).all()):
        sys.exit("not every run was done once")


def measure(kind: str, workers: int, chosen) -> dict:
    """One study in a workspace of its own, with one worker killed."""
    base = Experiment.of(**(MINIATURE | {"epochs": chosen.epochs}))
    values = {"learning_rate": [float(rate) for rate in np.geomspace(1e-4, 1e-2, chosen.runs)]}
    with tempfile.TemporaryDirectory() as folder, surroundings(Path(folder), workers) as log:
        from agelib.data.prepare import prepare

        prepare(base.data, progress=False)
        with (local if kind == KINDS[0] else dask)(workers) as (executor, kill):
            for done in [executor.submit(warm) for _ in range(2 * workers)]:
                done.result()
            load, started = os.getloadavg()[0], time.perf_counter()
            killer = threading.Thread(target=kill_once, args=(log, chosen.runs // 3, kill))
            killer.start()
            study = search.grid(base, values, workers, executor, progress=False)
            seconds = time.perf_counter() - started
            killer.join()
        sealed = log.read_text().split()
        done = len(list((workspace.home() / "runs").glob(f"*/{workspace.SEAL}")))
    return {
        "kind": kind,
        "workers": workers,
        "seconds": round(seconds, 1),
        "killed": 1,
        "done": done,
        "twice": len(sealed) - len(set(sealed)),
        "failed": int((study.trials["state"] != "complete").sum()),
        "load_before": round(load, 1),
    }


@contextlib.contextmanager
def surroundings(folder: Path, workers: int):
    """A workspace of its own, each worker's share of the cores, and the witness; yields its log."""
    (folder / "sitecustomize.py").write_text(WITNESS)
    log = folder / "sealed.txt"
    log.touch()
    share = str(max(1, cores() // workers))
    checkout = Path(__file__).resolve().parents[1]
    mine = {
        "PYTHONPATH": os.pathsep.join([str(folder), str(checkout)]),
        "WITNESS": str(log),
        "AGELIB_HOME": str(folder / "home"),
        "AGELIB_THREADS": share,
    }
    before = {name: os.environ.get(name) for name in mine}
    os.environ.update(mine)
    try:
        yield log
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def local(workers: int):
    """Local processes, and what kills one of them."""
    import psutil

    def kill():
        family = psutil.Process().children()
        next(each for each in family if "spawn_main" in " ".join(each.cmdline())).send_signal(signal.SIGKILL)

    with executors.Processes(workers) as executor:
        yield executor, kill


@contextlib.contextmanager
def dask(workers: int):
    """A Dask scheduler on the loopback with workers that are started again, and what kills one of them."""
    from distributed import LocalCluster

    options = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": ":0", "host": "127.0.0.1"}
    with (
        LocalCluster(workers, processes=True, **options) as cluster,
        executors.open(scheduler=cluster.scheduler_address) as executor,
    ):
        yield executor, lambda: os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)


def kill_once(log: Path, runs: int, kill) -> None:
    """Wait until some runs are done, and kill a worker."""
    while len(log.read_text().split()) < runs:
        time.sleep(0.01)
    kill()


def warm() -> None:
    """What a worker does before the clock starts: load what a training needs, while the others do the same."""
    for name in ("agelib.experiments.run", "fastai.learner"):
        importlib.import_module(name)
    time.sleep(1)


def draw(table: pd.DataFrame):
    """Seconds by number of workers, one line a kind."""
    import seaborn as sns

    from agelib.plots import theme

    theme.set_theme()
    figure, axis = theme.axes(width=6.5)
    sns.lineplot(table, x="workers", y="seconds", hue="kind", style="kind", markers=True, dashes=False, ax=axis)
    runs = int(table["done"].max())
    axis.set(xlabel="workers, one of them killed", ylabel=f"seconds for {runs} trainings", ylim=(0, None))
    axis.set(title=f"{cores()} cores; drawn faces", xticks=sorted(table["workers"].unique()))
    axis.legend(title="")
    return theme.done(figure)


if __name__ == "__main__":
    main()
