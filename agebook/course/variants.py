"""Every student's own parameters: drawn from ranges that the chapter declares, by a keyed hash.

The same student, assignment and secret give the same parameters on every machine and in every year, so nothing need be
stored to grade; without the secret nobody can tell them in advance, and who knows one student's knows no other's.
"""

import hmac
import math
from collections.abc import Mapping

#: A secret with fewer characters could be guessed by trying.
LEAST_SECRET = 16


def read_variants(metadata: Mapping, parameters: Mapping) -> dict[str, list]:
    """The values that each parameter of a chapter may take: its metadata ``agelib.variants``.

    Parameters
    ----------
    metadata : mapping
        Of the notebook. A parameter has a list of values, or ``{"from": a, "to": b, "step": s}``, both ends included;
        the step is 1 where it is left out.
    parameters : mapping
        What the chapter declares, with defaults.

    Raises
    ------
    ValueError
        If a parameter is not declared, or a range holds nothing or values of another kind than the default.

    Examples
    --------
    >>> ranges = {"seed": {"from": 1, "to": 3}, "network": ["resnet18", "basic_cnn"]}
    >>> read_variants({"agelib": {"variants": ranges}}, {"seed": 42, "network": "resnet18", "epochs": 5})
    {'seed': [1, 2, 3], 'network': ['resnet18', 'basic_cnn']}
    """
    found = {}
    for name, given in metadata.get("agelib", {}).get("variants", {}).items():
        if name not in parameters:
            raise ValueError(f"variants: the chapter declares no parameter {name!r}; it has {', '.join(parameters)}")
        values = list(given) if isinstance(given, list) else _steps(name, given)
        wrong = [value for value in values if not _fits(value, parameters[name])]
        if wrong or not values:
            raise ValueError(
                f"variants: {name} may be {wrong[0] if wrong else 'nothing'!r}, but the chapter's default is "
                f"{parameters[name]!r}; give values of that kind"
            )
        found[name] = values
    return found


def _steps(name: str, given) -> list:
    try:
        first, last, step = given["from"], given["to"], given.get("step", 1)
        number = math.floor((last - first) / step + 1e-9) + 1
    except (KeyError, TypeError, AttributeError, ZeroDivisionError):
        raise ValueError(f'variants: {name} needs a list of values, or {{"from": a, "to": b, "step": s}}') from None
    whole = all(isinstance(value, int) for value in (first, step))
    # Steps in decimals are added up exactly as they are written: 0.1 + 2 · 0.1 is 0.3.
    return [first + k * step if whole else round(first + k * step, 10) for k in range(number)]


def _fits(value, default) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))


def draw(variants: Mapping[str, list], secret: str, student: str, assignment: str) -> dict:
    """One student's parameters.

    Parameters
    ----------
    variants : mapping
        From :func:`read_variants`.
    secret : str
        The course's, 16 characters or more.
    student, assignment : str
        Their names.

    Examples
    --------
    >>> variants = {"seed": list(range(10_000)), "folds": [3, 5]}
    >>> draw(variants, "a secret of a course", "ada", "03_splits")
    {'seed': 8331, 'folds': 3}
    >>> draw(variants, "a secret of a course", "grace", "03_splits")["seed"]
    2485
    """
    if len(secret) < LEAST_SECRET:
        raise ValueError(f"the course's secret has {len(secret)} characters; take {LEAST_SECRET} or more")
    return {name: values[_number(secret, student, assignment, name) % len(values)] for name, values in variants.items()}


def _number(secret: str, *words: str) -> int:
    # Each word with its length before it: no two lists of words make the same message.
    message = b"".join(len(word.encode()).to_bytes(4, "big") + word.encode() for word in words)
    return int.from_bytes(hmac.digest(secret.encode(), message, "sha256"), "big")
