"""The command line of the workshop: ``agebook build``, ``serve``, ``pdf``, ``lab``, ``app``, ``assign``, ``grade``, …

Every command of the Makefile, on every system. The same works as ``python -m agebook``. Explained in "For operators".
"""

import sys

from agebook.cli import app, book, course
from agelib.cli import doctor
from agelib.cli.command_line import run_command


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: see :func:`agelib.cli.command_line.run_command`."""
    return run_command(
        "agebook",
        "A book on estimating age from faces: its site, its courses, its app.",
        (book, app, course, doctor),
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
