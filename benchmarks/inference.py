"""Pictures a second that a model answers: torch, channels last, compiled, ONNX Runtime, and ONNX Runtime in 8 bits.

Study D's protocol: batches of one size, the median of several repeats, after a warm-up. Networks have random weights,
which take as long as trained ones; one thread.

python benchmarks/inference.py                            # measures anew, and keeps it in data/reference
python benchmarks/inference.py --kept                     # makes the report of what is kept there
"""

import argparse

import _report
import pandas as pd

from agelib.experiments.published.record import FOLDER
from agelib.runtime.provenance import Provenance

#: Seconds that one way may take at one size of a batch.
SECONDS = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kept", action="store_true", help="measure nothing: make the report of what is kept")
    parser.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    chosen = parser.parse_args()
    from agelib.runtime import workspace

    if not chosen.kept:
        import torch

        from agelib.deploy import latency

        torch.set_num_threads(1)
        latency.reference(FOLDER, seconds=SECONDS, repeats=5, clock="wall")
    measured = pd.read_csv(FOLDER / "shipping_cpu.csv")
    about = Provenance.of(workspace.read_json(FOLDER / "shipping_cpu.json") | {"pictures": "noise"})
    said = (
        "Pictures a second that a network answers, from bytes to outputs, on one thread: *ratio* is that to plain "
        "torch with the same network and batch, *low* and *high* are the least and the largest rate of the repeats. "
        "Chapter 25 measures the same on your machine."
    )
    alt = "Bars of the ratios to plain torch, one panel for each network and size of batch."
    table = ratios(measured)
    print(table.to_string(index=False))
    print(_report.write("inference", "Inference", said, table, about, plot(table), alt, chosen.reports))


def ratios(measured: pd.DataFrame) -> pd.DataFrame:
    """Rates, and their ratio to plain torch with the same network and size of batch.

    >>> rows = [("r", 1, "torch", 50.0), ("r", 1, "ONNX Runtime", 75.0)]
    >>> rows = pd.DataFrame(rows, columns=["network", "batch_size", "way", "pictures_per_second"])
    >>> ratios(rows.assign(low=1.0, high=2.0))["ratio"].tolist()
    [1.0, 1.5]
    """
    table = measured[["network", "batch_size", "way", "pictures_per_second", "low", "high"]].copy()
    plain = table[table["way"] == "torch"].set_index(["network", "batch_size"])["pictures_per_second"]
    table["ratio"] = table["pictures_per_second"] / table.set_index(["network", "batch_size"]).index.map(plain)
    return table.round({"pictures_per_second": 0, "low": 0, "high": 0, "ratio": 2})


def plot(table: pd.DataFrame):
    """The ratios as bars."""
    import seaborn

    from agelib import plots

    plots.set_theme()
    grid = seaborn.catplot(
        table, x="ratio", y="way", col="network", row="batch_size", kind="bar", height=2.2, aspect=1.7
    )
    grid.set_axis_labels("rate ÷ that of plain torch", "")
    grid.set_titles("{col_name}, batches of {row_name}")
    for axes in grid.axes.flat:
        axes.axvline(1, color="0.5", linewidth=1)
    return grid.figure


if __name__ == "__main__":
    main()
