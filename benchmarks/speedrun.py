"""Minutes from UTKFace's archive to a judged network: the speedrun beside the plain recipe, three seeds each.

With ``--root UTKFace.tar.gz`` all of them are run again, one after the other, and kept in ``data/reference/runs``;
without it the report is made from the runs that are kept. What each trick gives, alone, stands on the page "Results".

Run it with ``python benchmarks/speedrun.py [--root UTKFace.tar.gz]``.
"""

import argparse
import dataclasses

import _report
import pandas as pd

from agelib.runtime import provenance

#: Recipe → what the report calls it.
RECIPES = {"speedrun-long": "long speedrun", "speedrun": "speedrun", "sprint": "sprint", "sprint-plain": "plain recipe"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default="", help="the published archive of UTKFace")
    parser.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    chosen = parser.parse_args()
    # Of now it says nothing of runs that were made before.
    busy = provenance.load() if chosen.root else None
    from agelib import plots
    from agelib.experiments import published

    if chosen.root:
        for name in RECIPES:
            published.run(name, {"root": chosen.root}, folder=published.FOLDER, clock=True)
    runs = [run for name in RECIPES for run in published.kept(name) if run.clock]
    if not runs:
        parser.error("no speedrun is kept: name the archive with --root UTKFace.tar.gz")
    table = pd.DataFrame([row(run) for run in runs])
    curves = pd.concat([published.clock(run).assign(recipe=RECIPES[run.name], seed=run.seed) for run in runs])
    made = provenance.Provenance.of(runs[0].environment)
    about = dataclasses.replace(
        made, load=busy, pictures=sum(made.pictures.values()), split=runs[0].experiment.data.split_file, details={}
    )
    said = (
        "From the published archive to the judged test part, in an empty workspace: unpacking, decoding, training, "
        "validation after each epoch, test. The network is trained from random weights on the leak-free split; macro "
        "F1 is that of seven age groups, those of the predicted age in whole years for all; on the validation part it "
        "is by each recipe's own rule. *Decoded*, *minutes*: after how many minutes the pictures were decoded and "
        "all was done. *To plain*: after how many a run had, on the validation part, the best value that each run of "
        "the plain recipe reaches there."
    )
    plots.set_theme()
    alt = "Macro F1 on the validation part over minutes, a line a training; the speedrun's rise first."
    reached = least(curves)
    table["to plain"] = [when(published.clock(run), reached) for run in runs]
    print(table.to_string(index=False))
    print(_report.write("speedrun", "Speedrun", said, table, about, plots.race(curves), alt, chosen.reports))


def row(run) -> dict:
    """One run: minutes, and what it found on the test part."""
    from agelib.experiments import published

    found = published.judge(run.predictions, run.experiment.training.bins, run.measures)["value"]
    return {
        "recipe": RECIPES[run.name],
        "seed": run.seed,
        "decoded": round(run.clock["decoded"] / 60, 2),
        "minutes": round(run.clock["judged"] / 60, 1),
        "f1": round(found["macro F1 of age_group in whole years"], 2),
        "mae": round(found["MAE"], 2),
        "gender": round(found["macro F1 of gender"], 2) if "macro F1 of gender" in found else None,
        "ethnicity": round(found["macro F1 of ethnicity"], 2) if "macro F1 of ethnicity" in found else None,
    }


def least(curves: pd.DataFrame) -> float:
    """What every training of the plain recipe reaches on the validation part."""
    plain = curves[curves["recipe"] == RECIPES["sprint-plain"]]
    return plain.groupby("seed")["valid_f1"].max().min()


def when(curve: pd.DataFrame, f1: float) -> float | None:
    """Minutes until a training reaches a macro F1 on the validation part; None: never."""
    there = curve["seconds"][curve["valid_f1"] >= f1]
    return round(there.iloc[0] / 60, 1) if len(there) else None


if __name__ == "__main__":
    main()
