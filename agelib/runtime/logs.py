"""A log of every command that takes a while: ``logs/DATE-TIME-COMMAND-PROCESS.log`` in the workspace.

It holds the command line, versions, every line of progress as it ended, warnings, and where an unexpected error came
from. The file is begun with the first such record, so that a short command leaves none. Explained in "For operators".
"""

import contextlib
import logging
import os
import platform
import time
import warnings
from pathlib import Path

from agelib.runtime import streams, workspace
from agelib.runtime.provenance import record

#: How many logs are kept: the newest.
KEPT = 100

#: Packages whose versions a log names, where they are installed.
NAMED = ("torch", "torchvision", "timm", "fastai", "numpy", "pandas", "scikit-learn", "optuna", "papermill")

LOGGER = logging.getLogger("agelib")


class LogFile(logging.FileHandler):
    """A log that begins when there is something to write.

    Parameters
    ----------
    name, typed : str
        The command's, such as train, and the command line.
    """

    def __init__(self, name: str, typed: str):
        begun = time.strftime("%Y%m%d-%H%M%S")
        file = workspace.place() / "logs" / f"{begun}-{name}-{os.getpid()}.log"
        super().__init__(file, encoding="utf-8", errors=streams.LOOK_ALIKE, delay=True)
        self.typed = typed
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))

    @property
    def file(self) -> Path:
        """Where it is, or will be."""
        return Path(self.baseFilename)

    @property
    def is_begun(self) -> bool:
        """Whether there was something to write."""
        return self.stream is not None

    def _open(self):
        self.file.parent.mkdir(parents=True, exist_ok=True)
        for old in sorted(self.file.parent.glob("*.log"))[: 1 - KEPT]:
            old.unlink(missing_ok=True)
        stream = super()._open()
        made = record(*NAMED, system=platform.platform())
        stream.write(f"{self.typed}\nin {Path.cwd()}, workspace {workspace.home()}\n{made}\n\n")
        return stream


@contextlib.contextmanager
def log_of(name: str, typed: str):
    """While the block runs, what agelib has to log, and every warning, goes to a log of its own.

    Of a warning the terminal gets the words, and the log also where in which library it comes from.

    Yields
    ------
    LogFile

    Examples
    --------
    >>> with log_of("example", "agelib example") as log:
    ...     LOGGER.info("decode: 3 of 3 pictures")
    >>> log.file.read_text().splitlines()[0]
    'agelib example'
    >>> log.file.unlink()
    """
    log = LogFile(name, typed)
    level, show, written = LOGGER.level, warnings.showwarning, warnings.formatwarning

    def show_and_log(message, category, filename, lineno, file=None, line=None):
        show(message, category, filename, lineno, file, line)
        LOGGER.warning("%s:%s: %s: %s", filename, lineno, category.__name__, message)

    LOGGER.addHandler(log)
    LOGGER.setLevel(logging.INFO)
    warnings.showwarning, warnings.formatwarning = show_and_log, lambda message, *_, **__: f"warning: {message}\n"
    try:
        yield log
    finally:
        warnings.showwarning, warnings.formatwarning = show, written
        LOGGER.setLevel(level)
        LOGGER.removeHandler(log)
        log.close()
