"""Words for every terminal: where a code page has no – or ², it gets what looks like it, and never an error.

Explained in "For operators".
"""

import codecs
import sys
import unicodedata

#: The name of the error handler, for whoever opens a text file whose encoding is not its own choice.
LOOK_ALIKE = "look-alike"

_PLAIN = str.maketrans(
    dict.fromkeys("‐‑‒–—―−─━", "-")
    | dict.fromkeys("“”„«»", '"')
    | dict.fromkeys("‘’‚′", "'")
    | dict.fromkeys("│┃", "|")
    | {"→": "->", "←": "<-", "×": "x", "·": "*", "•": "*", "±": "+-", "≈": "~", "≤": "<=", "≥": ">=", "°": " deg"}
    | {"½": "1/2", "∞": "inf", "√": "sqrt", "µ": "u", "ß": "ss", "∂": "d", "∗": "*", "⌈": "ceil(", "⌉": ")", "█": "#"}
    | {letter: unicodedata.name(letter).split()[-1].lower() for letter in "αβγδεζηθικλμνξοπρςστυφχψω"}
    | {letter: unicodedata.name(letter).split()[-1].capitalize() for letter in "ΓΔΘΛΞΠΣΦΨΩ"}
)


def plain(text: str) -> str:
    """`text` in ASCII, as like as it gets; ? for what is like nothing there.

    >>> plain("15–30 years², Å → “a” 顔")
    '15-30 years2, A -> "a" ?'
    """
    near = unicodedata.normalize("NFKD", text.translate(_PLAIN)).translate(_PLAIN)
    return "".join(c if c.isascii() else "" if unicodedata.combining(c) else "?" for c in near)


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


codecs.register_error(LOOK_ALIKE, _replace)


def speak_any() -> None:
    """From now on nothing that is printed is an error, in whichever encoding the terminal, pipe or file expects it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a notebook's has none, and speaks UTF-8
            stream.reconfigure(errors=LOOK_ALIKE)
