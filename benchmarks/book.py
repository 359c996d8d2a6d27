"""The whole book on this machine: built from nothing, built again, and what no number of cores could shorten.

Each build runs as a user would run it, in a workspace and a folder of its own, which are empty at first. *Warm* is the
same command once more, with nothing changed. The critical path is the longest chain of chapters that wait for each
other, with the data before them and the pages after them: with more cores a build would take that long, if each
chapter took as long as here.

Run it with ``python benchmarks/book.py [--profile cpu] [--before REPOSITORY]``; with ``--before`` a checkout of an
older version is built as well, on the same machine straight before, so that the two can be compared. Later builds keep
its row in the report for as long as they are made under the same conditions.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _report
import pandas as pd

from agelib.runtime.cpu import cores
from agelib.runtime.provenance import Provenance

HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="cpu", help="smoke, cpu (default) or gpu")
    parser.add_argument("--before", default="", help="a checkout of an older version, to be built as well")
    parser.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    chosen = parser.parse_args()
    about = _report.provenance(profile=chosen.profile, jobs=cores(), pictures="drawn faces")
    older = Path(chosen.before).resolve() if chosen.before else None
    versions = ({f"before ({commit(older)})": older} if older else {}) | {"now": HERE}
    found = {version: measure(repository, chosen.profile) for version, repository in versions.items()}
    table = pd.DataFrame([row(version, *measured) for version, measured in found.items()])
    if not chosen.before:
        table = pd.concat([earlier(about, chosen.reports), table], ignore_index=True)[list(table)]
    chapters = found["now"][1]
    slowest = chapters.nlargest(5, "seconds")
    said = (
        "The whole book with all its chapters, on drawn faces: *cold* in an empty workspace, *warm* the same command "
        "again; *chapters* is the sum of their times, *critical path* the longest chain that has to wait for each "
        "other, both in the cold build; all in seconds. The slowest chapters: "
        + ", ".join(f"{name} ({seconds:.0f} s)" for name, seconds in slowest["seconds"].items())
        + "."
    )
    alt = "Bars from the start to the end of each chapter in the cold build, and before and after them data and pages."
    print(table.to_string(index=False))
    print(_report.write("book", "The whole book", said, table, about, plot(chapters), alt, chosen.reports))


def earlier(about: Provenance, folder) -> pd.DataFrame:
    """The row of an older version in the report that is there, if it was measured under the same conditions."""
    there = _report.read("book", folder)
    same = not _report.differences(about, there["about"])
    return pd.DataFrame([row for row in there["rows"] if same and row["version"] != "now"])


def commit(repository: Path) -> str:
    """Short name of the commit that a checkout is at."""
    command = ["git", "-C", str(repository), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def measure(repository: Path, profile: str) -> tuple[float, pd.DataFrame, float, float]:
    """Seconds of the cold build, its chapters, the seconds of the critical path, and those of the warm build."""
    with tempfile.TemporaryDirectory(prefix="book-") as folder:
        begun = time.time()
        cold = build(repository, profile, Path(folder))
        chapters = records(Path(folder, "build"), begun)
        chain = critical_path(needs(repository), chapters["seconds"])
        outside = chapters["start"].min() + cold - (chapters["start"] + chapters["seconds"]).max()
        return cold, chapters, chain + outside, build(repository, profile, Path(folder))


def build(repository: Path, profile: str, folder: Path) -> float:
    """Build the book of a checkout; returns the seconds that it took."""
    command = "import sys; from agebook.build import book; sys.exit(book(sys.argv[1], folder=sys.argv[2]))"
    settings = os.environ | {"AGELIB_HOME": str(folder / "home"), "PYTHONPATH": str(repository)}
    started = time.perf_counter()
    arguments = [sys.executable, "-c", command, profile, str(folder / "build")]
    done = subprocess.run(arguments, cwd=repository, env=settings, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"the book in {repository} was not built (exit {done.returncode}): see above")
    return time.perf_counter() - started


def records(folder: Path, begun: float) -> pd.DataFrame:
    """When each chapter started, in seconds after the build, and how long it took; index: number."""
    files = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("executed/*/*.json")]
    table = pd.DataFrame(files).set_index("number")[["started", "seconds"]].sort_index()
    return table.assign(start=table["started"] - begun)


def needs(repository: Path) -> dict[str, set[str]]:
    """Chapter → those that run before it."""
    found = {}
    for file in sorted((repository / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        about = json.loads(file.read_text(encoding="utf-8"))["metadata"].get("agelib", {})
        found[file.name[:2]] = {*about.get("needs", ()), *about.get("reads", ())} - {file.name[:2]}
    return found


def critical_path(before: dict[str, set[str]], seconds: pd.Series) -> float:
    """Seconds of the longest chain of chapters that wait for each other.

    >>> critical_path({"01": set(), "02": {"01"}, "03": set()}, pd.Series({"01": 2.0, "02": 3.0, "03": 4.0}))
    5.0
    """

    def ends(number: str) -> float:
        return seconds[number] + max((ends(other) for other in before[number]), default=0.0)

    return float(max(ends(number) for number in seconds.index))


def row(version: str, cold: float, chapters: pd.DataFrame, path: float, warm: float) -> dict:
    return {
        "version": version,
        "cold": round(cold, 1),
        "chapters": round(chapters["seconds"].sum(), 1),
        "critical_path": round(path, 1),
        "over_a_minute": int((chapters["seconds"] > 60).sum()),
        "warm": round(warm, 1),
        "warm_to_cold": round(warm / cold, 3),
    }


def plot(chapters: pd.DataFrame):
    """When each chapter ran in the cold build."""
    from matplotlib.figure import Figure

    from agelib import plots

    plots.set_theme()
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    axis.barh(chapters.index, chapters["seconds"], left=chapters["start"], height=0.7)
    axis.invert_yaxis()
    axis.set(xlabel="seconds since the start of the build", ylabel="chapter", xlim=(0, None))
    axis.grid(axis="y", visible=False)
    return figure


if __name__ == "__main__":
    main()
