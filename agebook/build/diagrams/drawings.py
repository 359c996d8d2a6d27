"""The list of all diagrams: each a function that draws one sheet."""

from agebook.build.diagrams import convolutions

#: What is drawn, in the order in which the book shows it.
DRAWINGS = (convolutions.convolution,)


def draw_all() -> dict[str, str]:
    """Draw every diagram: name → SVG.

    >>> "convolution" in draw_all()
    True
    """
    sheets = [draw() for draw in DRAWINGS]
    return {sheet.name: sheet.svg() for sheet in sheets}
