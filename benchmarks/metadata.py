"""From 500,000 rows of IMDB-WIKI-like metadata to a filtered table: time and peak memory.

Writes a synthetic ``imdb.mat`` into a temporary folder, then measures, each in a process of its own and in turns:

* ``agelib``: :func:`agelib.data.sources.read`, then the filter on the table;
* ``loop``: the loop that one writes first: a row at a time, a ``date`` object each, a dict each.

Both must end with the same rows. ``python benchmarks/metadata.py --rows 500000 --repeat 3``
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _report
import numpy as np
import pandas as pd
from _imdb_wiki import write_metadata


def read_with_agelib(path: Path):
    from agelib.data import sources

    faces = sources.read("imdb-wiki", path).faces
    return faces[
        faces["age"].between(0, 100)
        & (faces["face_score"] > 1)
        & faces["second_face_score"].isna()
        & faces["gender"].notna()
    ]


def read_with_a_loop(path: Path):
    from datetime import date

    from scipy.io import loadmat

    table = loadmat(path)["imdb"][0, 0]
    rows = []
    for i in range(table["dob"].shape[1]):
        try:
            born = date.fromordinal(int(table["dob"][0][i]) - 366)
        except ValueError:
            continue
        year = int(table["photo_taken"][0][i])
        age = year - born.year - ((born.month, born.day) > (7, 1))
        score, second = table["face_score"][0][i], table["second_face_score"][0][i]
        gender = table["gender"][0][i]
        if not 0 <= age <= 100 or not score > 1 or not np.isnan(second) or np.isnan(gender):
            continue
        x1, y1, x2, y2 = table["face_location"][0][i][0]
        rows.append(
            {
                "path": table["full_path"][0][i][0],
                "age": float(age),
                "identity": str(table["celeb_id"][0][i]),
                "gender": "male" if gender == 1 else "female",
                "face_box": f"{x1 - 1:.1f} {y1 - 1:.1f} {x2 - 1:.1f} {y2 - 1:.1f}",
                "face_score": score,
                "second_face_score": second,
            }
        )
    return pd.DataFrame(rows)


WAYS = {"agelib": read_with_agelib, "loop": read_with_a_loop}


def measure(way: str, path: Path) -> dict:
    """Run one way here and say what it took; imports are paid before the clock starts."""
    import pandas  # noqa: F401
    import pandera.pandas  # noqa: F401
    import scipy.io

    import agelib.data.sources.imdb_wiki  # noqa: F401

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    table = WAYS[way](path)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    if way == "loop":
        scipy.io.loadmat(path)
    loading = time.perf_counter() - start
    return {
        "seconds": seconds,
        "loadmat_seconds": loading,
        "peak_mib": peak / 1024,
        "before_mib": before / 1024,
        "rows": len(table),
        "age_sum": float(table["age"].sum()),
        "last": str(table["path"].iloc[-1]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    parser.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(chosen.measure[0], Path(chosen.measure[1]))))
        return
    about = _report.provenance(data=f"made-up metadata of {chosen.rows:,} rows", repeats=chosen.repeat)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "imdb.mat"
        start = time.perf_counter()
        write_metadata(path, chosen.rows)
        size = path.stat().st_size / 2**20
        print(f"wrote {chosen.rows:,} rows, {size:.1f} MiB, in {time.perf_counter() - start:.1f} s", flush=True)
        found = {way: [] for way in WAYS}
        for _ in range(chosen.repeat):
            for way in WAYS:
                command = [sys.executable, __file__, "--measure", way, str(path)]
                answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                found[way].append(json.loads(answer.splitlines()[-1]))
    same = {(run["rows"], run["age_sum"], run["last"]) for runs in found.values() for run in runs}
    if len(same) != 1:
        raise SystemExit(f"the ways do not end with the same rows: {same}")
    best = {way: min(run["seconds"] for run in runs) for way, runs in found.items()}
    best["scipy.io.loadmat alone, which the loop needs"] = min(run["loadmat_seconds"] for run in found["loop"])
    table = pd.DataFrame({"way": list(best), "seconds": list(best.values())})
    table["ratio"] = table["seconds"] / best["agelib"]
    table["peak_mib"] = [max(run["peak_mib"] for run in found[way]) if way in found else None for way in best]
    table = table.round({"seconds": 2, "ratio": 1, "peak_mib": 0})
    print(table.to_string(index=False))
    said = (
        f"From published metadata to a filtered table: {next(iter(same))[0]:,} of {chosen.rows:,} rows are kept, the "
        "same by both. *Loop* is a row at a time; seconds are the least of the repeats, *ratio* how many times as "
        "long as agelib."
    )
    print(_report.write("metadata", "Metadata", said, table, about, folder=chosen.reports))


if __name__ == "__main__":
    main()
