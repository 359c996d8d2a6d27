"""Published experiments and sequences of them by name, and as tables. Explained in chapter 18."""

import pandas as pd

from agelib.experiments.published import recipes
from agelib.experiments.published.appa_real_m import FIVE
from agelib.experiments.published.record import Published, Sequence
from agelib.experiments.published.utkface_twenty import TWENTY
from agelib.runtime.suggest import hint

#: Sequences of a study's variants, each building on one before, by name.
SEQUENCES = {each.name: each for each in (TWENTY, FIVE)}

#: What differs in one thing, by name; "" holds what stands for itself.
FAMILIES = {each.name: each for each in recipes.SEQUENCES}

_ALONE = {step.name: step for family in recipes.SEQUENCES for step in family.steps}

#: The family of each experiment that is no step of a sequence.
FAMILY_OF = {step.name: family.name for family in recipes.SEQUENCES for step in family.steps}

#: Names of the experiments whose results are kept, in the order of the page "Results".
NAMES = tuple(_ALONE)


def read(name: str) -> Published | Sequence:
    """A published experiment, or a sequence of them, by its name.

    Raises
    ------
    ValueError
        If there is none; the message has a near one.

    Examples
    --------
    >>> [step.name for step in read("appa-real-m").steps], read("speedrun").after.name
    (['M1', 'M2', 'M3', 'M4', 'M5'], 'sprint')
    """
    found = SEQUENCES | _ALONE
    if name not in found:
        raise ValueError(f"nothing published is called {name!r}; {hint(name, found, 'there are')}")
    return found[name]


def compared(family: str) -> tuple[str, ...]:
    """The names of a family's experiments, first the one beside which they stand, if there is one.

    >>> compared("tasks")
    ('target-distribution', 'task-gender', 'task-ethnicity', 'multitask')

    Raises
    ------
    ValueError
        If there is no such family; the message has a near one.
    """
    if family not in FAMILIES:
        raise ValueError(f"no family of experiments {family!r}; {hint(family, FAMILIES, 'there are')}")
    beside = FAMILIES[family].beside
    return (*([beside] if beside else []), *(step.name for step in FAMILIES[family].steps))


def describe(name: str) -> pd.DataFrame:
    """A sequence as a table, as it was published.

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
    rows = [
        {
            "step": step.name,
            "after": step.after.name,
            "what": step.title,
            "changes": ", ".join(f"{option}={_say(value)}" for option, value in step.changes.items()),
            "kind": step.kind,
            "published": next(iter(step.published_of(next(iter(step.parts), "")).values()), float("nan")),
            "note": step.note,
            "ours": step.ours,
        }
        for step in read(name).steps
    ]
    return pd.DataFrame(rows).set_index("step")


def _say(value) -> str:
    return "+".join(map(str, value)) if isinstance(value, tuple) else str(value)
