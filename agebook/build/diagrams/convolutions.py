"""Diagrams of the convolutional network: the sliding kernel, the receptive field, and batch norm's averages."""

from agebook.build.diagrams.sheet import Sheet

#: A bright bar on a dark ground, and a kernel that answers to its left edge.
IMAGE = [
    [0, 0, 3, 3, 0, 0],
    [0, 0, 3, 3, 0, 0],
    [0, 1, 3, 3, 1, 0],
    [0, 2, 3, 3, 2, 0],
    [0, 1, 3, 3, 1, 0],
    [0, 0, 3, 3, 0, 0],
]
KERNEL = [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]


def convolve(image: list[list[int]], kernel: list[list[int]], stride: int = 1, padding: int = 0) -> list[list[int]]:
    """A convolution as networks compute it: the kernel is laid over the image as it is, and not turned round.

    >>> convolve([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, 1]])
    [[6, 8], [12, 14]]
    """
    side, size = len(image), len(kernel)
    padded = [[0] * (side + 2 * padding) for _ in range(side + 2 * padding)]
    for row, line in enumerate(image):
        padded[row + padding][padding : padding + side] = line
    places = range(0, len(padded) - size + 1, stride)
    return [
        [sum(kernel[i][j] * padded[row + i][column + j] for i in range(size) for j in range(size)) for column in places]
        for row in places
    ]


def convolution() -> Sheet:
    """One weighted sum, and what stride and padding do to the size of the output."""
    sheet = Sheet(
        "convolution",
        "A convolution",
        "A kernel of 3 by 3 weights lies over a part of a 6 by 6 image; the sum of the nine products is one value of the"
        " 4 by 4 output. Below: with padding 1 the output is as large as the image, with stride 2 half as large.",
        720,
        560,
    )
    side, (row, column) = 34, (2, 1)
    output = convolve(IMAGE, KERNEL)
    patch = [line[column : column + 3] for line in IMAGE[row : row + 3]]
    top = 52
    sheet.text(24 + 3 * side, 32, "image, 6 × 6", "bold")
    sheet.box(24 + column * side, top + row * side, 3 * side, 3 * side, kind="blue strong", round=0)
    sheet.grid(24, top, 6, 6, side, values=IMAGE)
    sheet.text(286, top + 3 * side + 6, "∗", "large bold")
    sheet.text(304 + 1.5 * side, 32, "kernel, 3 × 3", "bold")
    sheet.grid(304, top + 1.5 * side, 3, 3, side, "orange", KERNEL)
    sheet.text(304 + 1.5 * side, top + 4.5 * side + 22, "nine weights,", "small muted")
    sheet.text(304 + 1.5 * side, top + 4.5 * side + 40, "learned", "small muted")
    sheet.text(432, top + 3 * side + 6, "=", "large bold")
    sheet.text(462 + 2 * side, 32, "output, 4 × 4", "bold")
    sheet.box(462 + column * side, top + (row + 1) * side, side, side, kind="green strong", round=0)
    sheet.grid(462, top + side, 4, 4, side, values=output)
    sheet.text(462 + 2 * side, top + 5 * side + 22, "one sum for each position", "small muted")
    terms = [[_term(KERNEL[i][j], patch[i][j]) for j in range(3)] for i in range(3)]
    rows = [" + ".join(line) for line in terms]
    sheet.box(24, 272, 672, 40, kind="empty")
    sheet.text(360, 297, " + ".join(rows) + f" = {_signed(output[row][column])}", "number")
    _window_sizes(sheet, 372)
    return sheet


def _term(weight: int, value: int) -> str:
    return f"({_signed(weight)})·{value}" if weight < 0 else f"{weight}·{value}"


def _signed(value: int) -> str:
    return str(value).replace("-", "−")


def _window_sizes(sheet: Sheet, top: int) -> None:
    """Three small panels: what padding and stride make of a 6 × 6 image under a 3 × 3 kernel."""
    cases = [("no padding, stride 1", 0, 1), ("padding 1, stride 1", 1, 1), ("padding 1, stride 2", 1, 2)]
    cell = 15
    for number, (words, padding, stride) in enumerate(cases):
        left = 24 + number * 236
        out = (6 + 2 * padding - 3) // stride + 1
        sheet.text(left + 100, top, words, "bold")
        x, y = left + cell, top + 18 + cell
        if padding:
            sheet.grid(x - cell, y - cell, 8, 8, cell, "empty dash")
        sheet.grid(x, y, 6, 6, cell, "")
        corner = (x - padding * cell, y - padding * cell)
        sheet.box(corner[0] + stride * cell, corner[1], 3 * cell, 3 * cell, kind="orange empty dash", round=0)
        sheet.box(*corner, 3 * cell, 3 * cell, kind="orange strong", round=0)
        sheet.arrow((left + 126, y + 3 * cell), (left + 146, y + 3 * cell))
        sheet.grid(left + 154, y + 3 * cell - out * 5, out, out, 10, "green")
        sheet.text(left + 100, top + 160, f"output {out} × {out}", "small muted")
