"""How long it takes before anything happens: imports, the command line, and the first cell of each chapter.

Each is a process of its own, in turns, several times; what counts are the processor's seconds, which other programs on
the machine change little, and their ratio to ``import torch`` in the same round.

python benchmarks/startup.py                      # everything, three rounds; writes benchmarks/reports/startup.json
python benchmarks/startup.py --only chapter --repeat 5
"""

import argparse
import os
import subprocess
import sys
import tempfile

import _report
import pandas as pd

from agebook.build.chapters import REPOSITORY, list_chapters

#: What is compared with.
YARDSTICK = "import torch"

#: A training so small that nearly all of its time is what a training needs before its first batch.
TRAIN = """
import agelib
small = dict(source="drawn-utkface", pictures=160, detector="none", min_pictures_per_age=1, image_size=16, blocks=2)
small |= dict(base_features=4, hidden_neurons=8, epochs=1)
agelib.run(agelib.Experiment.of(**small, seed={seed}), progress=False)
"""

COMMAND = """
import sys
from agelib.__main__ import main
try:
    main({words!r})
except SystemExit:
    pass
"""


def programs() -> dict[str, str]:
    """What is measured, by name: a program each; ``{seed}`` becomes the number of the round."""
    found = {
        "nothing": "pass",
        YARDSTICK: "import torch",
        "import fastai's learner": "import fastai.learner",
        "import agelib": "import agelib",
        "agelib --help": COMMAND.format(words=["--help"]),
        "agelib train --help": COMMAND.format(words=["train", "--help"]),
        "import agelib.experiments.run": "import agelib.experiments.run",
        "train 160 drawn faces": TRAIN,
        "find that training done": TRAIN.replace("{seed}", "0"),
    }
    for chapter in list_chapters(REPOSITORY):
        found[f"chapter {chapter.number}"] = next(
            source for source in chapter.code if "import " in source and "### BEGIN" not in source
        )
    return found


def processor_seconds(program: str, home: str) -> float:
    """Run a program in a new Python process and return the seconds that it had a processor."""
    code = f"{program}\nimport time\nprint('seconds', time.process_time())\n"
    environment = os.environ | {"AGELIB_HOME": home, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        cwd=REPOSITORY / "notebooks",
    )
    if done.returncode:
        raise RuntimeError(f"{program}\nended with code {done.returncode}\n{done.stderr[-1000:]}")
    return float(done.stdout.split()[-1])


def measure(repeat: int, only: str = "") -> pd.DataFrame:
    """Measure all programs whose name holds `only`: median seconds, their range, and the ratio to the yardstick."""
    wanted = {name: code for name, code in programs().items() if only in name or name == YARDSTICK}
    seconds: dict[str, list[float]] = {name: [] for name in wanted}
    with tempfile.TemporaryDirectory() as home:
        if "find that training done" in wanted:
            processor_seconds(TRAIN.replace("{seed}", "0"), home)
        for number in range(1, repeat + 1):
            for name, code in wanted.items():
                seconds[name].append(processor_seconds(code.replace("{seed}", str(number)), home))
    table = pd.DataFrame(seconds)  # a row a round
    ratios = table.div(table[YARDSTICK], axis=0)
    return pd.DataFrame(
        {
            "seconds": table.median(),
            "low": table.min(),
            "high": table.max(),
            "ratio_to_torch": ratios.median(),
            "ratio_low": ratios.min(),
            "ratio_high": ratios.max(),
        }
    ).rename_axis("program")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3, help="rounds")
    parser.add_argument("--only", default="", help="a word that a program's name must hold, such as chapter")
    parser.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    chosen = parser.parse_args()
    about = _report.provenance(rounds=chosen.repeat, only=chosen.only)
    table = measure(chosen.repeat, chosen.only).reset_index().round(3)
    said = (
        "Seconds of the processor that a new process has used when the program is over (median, lowest and highest "
        f"of {chosen.repeat} rounds), and how many times those of `import torch` in the same round. "
        "A chapter is the first cell that imports."
    )
    print(table.to_string(index=False))
    print(_report.write("startup", "Before anything happens", said, table, about, folder=chosen.reports))


if __name__ == "__main__":
    main()
