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
        "A kernel of 3 by 3 weights lies over a part of a 6 by 6 image; the sum of the nine products is one value of"
        " the 4 by 4 output. Below: with padding 1 the output is as large as the image, with stride 2 half as large.",
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
    terms = [[term(KERNEL[i][j], patch[i][j]) for j in range(3)] for i in range(3)]
    rows = [" + ".join(line) for line in terms]
    sheet.box(24, 272, 672, 40, kind="empty")
    sheet.text(360, 297, " + ".join(rows) + f" = {_signed(output[row][column])}", "number")
    _window_sizes(sheet, 372)
    return sheet


def term(weight: int, value: int) -> str:
    """One product as it is written in a sum.

    >>> term(-1, 3), term(2, 3)
    ('(−1)·3', '2·3')
    """
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


#: Layers as (name, kernel size, stride): three convolutions alone, and with pooling between them.
PLAIN = [("conv", 3, 1)] * 3
POOLED = [("conv", 3, 1), ("pool", 2, 2), ("conv", 3, 1), ("pool", 2, 2), ("conv", 3, 1)]


def receptive_fields(layers: list[tuple[str, int, int]]) -> list[int]:
    """How many positions of the input, along one side, reach one output of each layer.

    A layer with a kernel of k widens the field by (k − 1) steps of the layers before it; a stride lengthens the steps
    of those behind it.

    >>> receptive_fields(PLAIN), receptive_fields(POOLED)
    ([3, 5, 7], [3, 4, 8, 10, 18])
    """
    field, step, fields = 1, 1, []
    for _, kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
        fields.append(field)
    return fields


def receptive_field() -> Sheet:
    """What one value of the last layer has seen, in a view from the side."""
    sheet = Sheet(
        "receptive_field",
        "The receptive field grows with depth",
        "A view from the side. One value of the third 3 by 3 convolution depends on 3, 5, then 7 positions of the"
        " layers below it along each side. With pooling between the convolutions it depends on 18 positions of the"
        " input.",
        720,
        344,
    )
    _field(sheet, 24, "three convolutions", PLAIN, 11, 18, 66)
    _field(sheet, 342, "with pooling between them", POOLED, 20, 13, 40)
    grows = "A layer with a kernel of size k adds (k − 1) · the product of all strides before it."
    sheet.text(360, 334, grows, "small muted")
    return sheet


def _field(sheet: Sheet, left: float, title: str, layers: list, wide: int, side: float, step: float) -> None:
    """One stack of layers, the input at the bottom; what reaches the middle of the top is tinted."""
    fields = receptive_fields(layers)
    widths, sides = [wide], [side]
    for _, _, stride in layers:
        widths.append(widths[-1] // stride)
        sides.append(sides[-1] * stride)
    # From the top down: which cells of a layer reach the one that is looked at.
    reached = [(widths[-1] // 2, widths[-1] // 2)]
    for _, kernel, stride in layers[::-1]:
        first, last = reached[0]
        before = (kernel - 1) // 2
        reached.insert(0, (first * stride - before, last * stride - before + kernel - 1))
    right = left + wide * side + 10
    sheet.text(left + wide * side / 2, 28, title, "bold large")
    sheet.text(right, 52, "of the input", "start small muted")
    names = ["input", *(name for name, _, _ in layers)]
    rows = [268 - number * step for number in range(len(names))]
    for number, (name, y) in enumerate(zip(names, rows, strict=True)):
        cell, (first, last) = sides[number], reached[number]
        count = widths[number]
        high = 20
        if number:
            below, (low, top) = sides[number - 1], reached[number - 1]
            sheet.line((left + first * cell, y + high), (left + low * below, rows[number - 1]), kind="blue dash")
            far = (left + (last + 1) * cell, y + high)
            sheet.line(far, (left + (top + 1) * below, rows[number - 1]), kind="blue dash")
        sheet.box(left, y, count * cell, high, kind="empty", round=0)
        colour = "orange strong" if number == len(names) - 1 else "blue strong"
        sheet.box(left + first * cell, y, (last - first + 1) * cell, high, kind=colour, round=0)
        inner = "".join(f"M{left + k * cell:g} {y:g}v{high}" for k in range(1, count))
        sheet.path(inner, "thin")
        seen = f"{name}: {fields[number - 1]} × {fields[number - 1]}" if number else name
        sheet.text(right, y + 15, seen, "start small number")


def batch_norm() -> Sheet:
    """Over which axes of [B, C, H, W] batch norm and layer norm take their averages."""
    sheet = Sheet(
        "batch_norm",
        "What batch norm and layer norm average over",
        "A batch as a table: a row for each image, a column for each channel, in every cell a small map of positions."
        " Batch norm averages over one channel of all images at all positions; layer norm, as in Swin, over all"
        " channels of one image at one position.",
        720,
        404,
    )
    images, channels, side, part = 4, 5, 42, 14
    for left, name in ((66, "batch norm"), (416, "layer norm")):
        sheet.text(left + 123, 30, name, "bold large")
        sheet.text(left + 123, 54, "channels C", "small muted")
        frames, inner = "", ""
        for row in range(images):
            for column in range(channels):
                x, y = left + column * 51, 66 + row * 51
                if name == "batch norm" and column == 1:
                    sheet.box(x, y, side, side, kind="orange strong bare", round=0)
                if name == "layer norm" and row == 1:
                    sheet.box(x + part, y + part, part, part, kind="blue strong bare", round=0)
                frames += f"M{x} {y}h{side}v{side}h-{side}z"
                inner += f"M{x + part} {y}v{side}m{part} 0v-{side}M{x} {y + part}h{side}m0 {part}h-{side}"
        sheet.path(frames)
        sheet.path(inner, "thin")
        for row in range(images):
            sheet.text(left - 10, 66 + row * 51 + 26, f"{row + 1}", "end small muted")
    sheet.text(24, 171, "B", "small muted")
    sheet.text(374, 171, "B", "small muted")
    sheet.lines(189, 292, ["one mean μ, one variance σ² for each channel:", "over B, H and W"], "small")
    sheet.lines(539, 292, ["one mean, one variance for each position", "of each image: over C"], "small")
    sheet.box(24, 330, 672, 58)
    sheet.text(360, 355, "x̂ = (x − μ) / √(σ² + ε)        y = γ · x̂ + β", "bold")
    sheet.text(360, 377, "γ and β are learned, one of each for a channel, in both", "small muted")
    return sheet
