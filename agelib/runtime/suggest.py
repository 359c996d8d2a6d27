"""What a message says of a name that there is not: a near one, or which there are."""

import difflib
from collections.abc import Iterable


def hint(name, known: Iterable[str], otherwise: str = "there is") -> str:
    """The near one of the known names, or all of them.

    >>> hint("resnet19", ["resnet18", "basic_cnn"])
    "did you mean 'resnet18'?"
    >>> hint("x", ["resnet18", "basic_cnn"], otherwise="it has:")
    'it has: resnet18, basic_cnn'
    """
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"{otherwise} {', '.join(known)}"
