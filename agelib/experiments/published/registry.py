"""The ladders by name, and as tables. Explained in chapter 16."""

import importlib

import pandas as pd

from agelib.experiments.published.ladder import Ladder
from agelib.runtime.suggest import hint

#: Name → the module that holds it.
MODULES = {
    "utkface-twenty": "agelib.experiments.published.utkface_twenty",
    "appa-real-m": "agelib.experiments.published.appa_real_m",
}


def names() -> list[str]:
    """Names of the ladders.

    >>> names()
    ['utkface-twenty', 'appa-real-m']
    """
    return list(MODULES)


def read(name: str) -> Ladder:
    """A ladder by its name.

    Raises
    ------
    ValueError
        If there is none; the message has a near one.

    Examples
    --------
    >>> [step.name for step in read("appa-real-m").steps]
    ['M1', 'M2', 'M3', 'M4', 'M5']
    """
    if name not in MODULES:
        raise ValueError(f"no ladder {name!r}; {hint(name, MODULES, 'there are')}")
    return importlib.import_module(MODULES[name]).LADDER


def describe(name: str) -> pd.DataFrame:
    """A ladder as a table, as it was published.

    Returns
    -------
    pandas.DataFrame
        Index ``step``; ``after`` (the step that it changes), ``what``, ``changes`` (options, in words), ``kind``,
        ``published`` (the first number, of the first part), ``note`` and ``ours``.

    Examples
    --------
    >>> describe("utkface-twenty").loc["V05", "changes"]
    'augmentation=affine+crop+blur+light'
    """
    ladder, rows = read(name), []
    for step in ladder.steps:
        before = ladder.before(step)
        numbers = step.published_of(next(iter(step.parts), ""))
        rows.append(
            {
                "step": step.name,
                "after": before.name if before else "",
                "what": step.what,
                "changes": ", ".join(f"{option}={_say(value)}" for option, value in step.changes.items()),
                "kind": step.kind,
                "published": next(iter(numbers.values()), float("nan")),
                "note": step.note,
                "ours": step.ours,
            }
        )
    return pd.DataFrame(rows).set_index("step")


def _say(value) -> str:
    return "+".join(map(str, value)) if isinstance(value, tuple) else str(value)
