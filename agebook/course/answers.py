"""What an exercise hands in: a value by name, written down while a notebook is executed for a grade or a key.

A hidden test says ``answers.record("ex-03-share", share)``, and stands alone: a chapter imports ``answers`` in each,
under a private name, for which no student has another use. Nothing is compared there: a student's notebook runs in one
process with the tests, and whoever can look into that process could find the right answer in it. So it only writes
down what was handed in; the key was written in the same way from the instructor's notebook, and they meet elsewhere.
In a published chapter, and wherever nobody asked for it, recording does nothing.
"""

import builtins
import json
import math
import os
import re
import sys
from numbers import Integral, Real
from pathlib import Path

#: The environment variable that names the file to write to.
VARIABLE = "AGELIB_ANSWERS"

#: What is added to that file's name for the list of tests that came to their end.
ENDED = ".ended"

#: The only key of what stands for a value that cannot be handed in; it says why.
UNFIT = "no answer"


def record(name: str, value, tolerance: float = 1e-6) -> None:
    """Hand in a value, if the notebook is executed for it.

    Parameters
    ----------
    name : str
        Of the exercise.
    value : number, text, bool, None, list, dict, array, Series or DataFrame
        Anything else is noted as the name of its kind, and is the right answer nowhere.
    tolerance : float
        How far a number may be from the key's, in shares of it, or below 1 in absolute terms. The key's counts.
    """
    file = os.environ.get(VARIABLE)
    if not file:
        return
    from agelib.runtime import workspace

    known = read(file)
    try:
        value = plain(value)
    except (TypeError, ValueError, RecursionError) as error:
        value = {UNFIT: str(error)}
    workspace.write_json(file, known | {name: {"value": value, "tolerance": float(tolerance)}})


def run_test(name: str, source: str) -> None:
    """Run an exercise's test on what a student's notebook has computed.

    It has names of its own: what it binds reaches nobody, and a student who called something ``len``, ``max`` or
    ``answers`` has not changed what the test means by it.
    """
    from IPython import get_ipython

    names = {each: value for each, value in get_ipython().user_ns.items() if not hasattr(builtins, each)}
    if re.search(r"(?<![\w.])answers\.record\(", source):  # of a test that took it from another one
        names["answers"] = sys.modules[__name__]
    exec(compile(source, f"<{name}>", "exec"), names)
    if file := os.environ.get(VARIABLE):
        with open(file + ENDED, "a", encoding="utf-8") as notes:
            notes.write(name + "\n")


def read(file) -> dict:
    """What was handed in: name → value and tolerance; nothing if there is no such file."""
    file = Path(file)
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def plain(value):
    """A value as JSON takes it: tables as columns, numbers that are not finite as their names.

    >>> import pandas
    >>> plain(pandas.Series({"a": 1.5, "b": float("nan")}))
    {'a': 1.5, 'b': 'nan'}
    >>> plain(pandas.RangeIndex(3)), plain((True, None))
    ([0, 1, 2], [True, None])
    """
    pandas = sys.modules.get("pandas")  # nobody who has a table is without it; to import it takes half a second
    if pandas and isinstance(value, pandas.DataFrame):
        return {str(name): plain(value[name]) for name in value.columns}
    if pandas and isinstance(value, pandas.Series):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if hasattr(value, "tolist"):  # arrays, numpy's numbers, tensors
        value = value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(plain(each) for each in value)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else str(float(value))
    raise TypeError(f"an answer is a number, text, list, dict, array or table, not a {type(value).__name__}")


def agree(mine, theirs, tolerance: float = 1e-6) -> bool:
    """Whether two answers say the same: equal words and shapes, numbers within the tolerance.

    >>> agree({"share": 0.1 + 0.2, "who": "ada"}, {"share": 0.3, "who": "ada"})
    True
    >>> agree([1, 2], [1, 2, 3]), agree(100.0, 100.1), agree(100.0, 100.1, tolerance=0.01), agree(True, 1)
    (False, False, True, False)
    """
    if isinstance(mine, bool) or isinstance(theirs, bool):
        return mine is theirs
    if isinstance(mine, int | float) and isinstance(theirs, int | float):
        return abs(mine - theirs) <= tolerance * max(1.0, abs(theirs))
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(agree(mine[name], theirs[name], tolerance) for name in theirs)
    if isinstance(mine, list) and isinstance(theirs, list):
        return len(mine) == len(theirs) and all(
            agree(one, other, tolerance) for one, other in zip(mine, theirs, strict=True)
        )
    return type(mine) is type(theirs) and mine == theirs
