"""From 500,000 rows of IMDB-WIKI-like metadata to a filtered table: time and peak memory.

Writes a synthetic ``imdb.mat`` into a temporary folder, then measures, each in a process of its own and in turns:

* ``agelib``: :func:`agelib.sources.read`, then the filter on the table;
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

import numpy as np
from _imdb_wiki import write_metadata


def read_with_agelib(path: Path):
    from agelib import sources

    faces = sources.read("imdb-wiki", path).faces
    return faces[
        faces["age"].between(0, 100)
        & (faces["face_score"] > 1)
        & faces["second_face_score"].isna()
        & faces["gender"].notna()
    ]


def read_with_a_loop(path: Path):
    from datetime import date

    import pandas as pd
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

    import agelib.sources.imdb_wiki  # noqa: F401

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
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(chosen.measure[0], Path(chosen.measure[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "imdb.mat"
        start = time.perf_counter()
        write_metadata(path, chosen.rows)
        size = path.stat().st_size / 2**20
        print(
            f"wrote {chosen.rows:,} rows, {size:.1f} MiB, in {time.perf_counter() - start:.1f} s", flush=True
        )
        found = {way: [] for way in WAYS}
        for _ in range(chosen.repeat):
            for way in WAYS:
                command = [sys.executable, __file__, "--measure", way, str(path)]
                answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                found[way].append(json.loads(answer.splitlines()[-1]))
    same = {(run["rows"], run["age_sum"], run["last"]) for runs in found.values() for run in runs}
    if len(same) != 1:
        raise SystemExit(f"the ways do not end with the same rows: {same}")
    for way, runs in found.items():
        seconds = sorted(run["seconds"] for run in runs)
        peak = max(run["peak_mib"] for run in runs)
        print(
            f"{way:8} {seconds[0]:6.2f} to {seconds[-1]:.2f} s   peak {peak:6.0f} MiB   {runs[0]['rows']:,} rows kept"
        )
    loading = min(run["loadmat_seconds"] for run in found["loop"])
    best = {way: min(run["seconds"] for run in runs) for way, runs in found.items()}
    print(f"scipy.io.loadmat alone, which the loop needs: {loading:.2f} s")
    print(f"agelib is {best['loop'] / best['agelib']:.1f} times as fast as the loop")


if __name__ == "__main__":
    main()
