"""Notes that outlive a program that is killed: records added to the end of a file, a line of JSON each.

What takes long writes down here what is finished, so that the next call goes on from there.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path


def add(file, records: list) -> None:
    """Add records in one piece; a half line that is there already stays alone on its line."""
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join("\n" + json.dumps(record) for record in records) + "\n"
    with open(file, "ab", buffering=0) as opened:
        opened.write(text.encode())


def read(file) -> Iterator:
    """The records, one at a time; none if there is no such file, and half lines are passed over.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "notes.jsonl"
    >>> add(file, [[0, 256], [256, 512]])
    >>> _ = file.open("a").write('[512, 7')
    >>> add(file, [[768, 1024]])
    >>> list(read(file))
    [[0, 256], [256, 512], [768, 1024]]
    """
    with contextlib.suppress(FileNotFoundError), open(file, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line != "\n":
                with contextlib.suppress(ValueError):
                    yield json.loads(line)
