"""The command line: ``agelib data``, ``train``, ``study``, ``predict``, ``export``, ``networks``, ``doctor``, …

Every option of an experiment is one of its own, generated from the dataclass: ``learning_rate`` is ``--learning-rate``.
The same works as ``python -m agelib``. Explained in "For operators".
"""

import sys

from agelib.cli import data, doctor, experiments, models, published, workspace
from agelib.cli.command_line import run_command


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: see :func:`agelib.cli.command_line.run_command`.

    Examples
    --------
    >>> main(["networks", "--pattern", "resnet*", "--names"])
    resnet18
    0
    """
    groups = (data, experiments, published, models, workspace, doctor)
    return run_command("agelib", "Estimating age from faces: data, trainings, models.", groups, arguments)


if __name__ == "__main__":
    sys.exit(main())
