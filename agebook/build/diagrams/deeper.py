"""Diagrams of deeper networks: two small kernels for a large one, GoogLeNet's branches, and the residual block."""

from agebook.build.diagrams.sheet import Sheet


def vgg_and_inception() -> Sheet:
    """VGG's two 3 × 3 for a 5 × 5, and the four branches of a GoogLeNet block."""
    sheet = Sheet(
        "vgg_and_inception",
        "VGG's small kernels and GoogLeNet's branches",
        "Left: two 3 by 3 convolutions see the same 5 by 5 positions as one 5 by 5 convolution, with 18 instead of 25"
        " weights for each pair of channels and one nonlinearity more. Right: a GoogLeNet block sends its input through"
        " four branches, 1 by 1; 1 by 1 and 3 by 3; 1 by 1 and 5 by 5; pooling and 1 by 1, and joins their channels.",
        720,
        420,
    )
    sheet.text(150, 28, "VGG: small kernels, stacked", "bold large")
    cell = 17
    for left, title, seen in ((24, "one 5 × 5", (1,)), (170, "two 3 × 3", (3, 1))):
        sheet.text(left + 62, 62, title, "bold")
        sheet.grid(left + 20, 76, 5, 5, cell, "blue strong")
        top, before = 76 + 5 * cell, 5
        for count in seen:
            y = 283 if count == 1 else 206
            middle = left + 20 + 2.5 * cell
            for side in (-1, 1):
                ends = (middle + side * before * cell / 2, top), (middle + side * count * cell / 2, y)
                sheet.line(*ends, kind="blue dash")
            sheet.grid(
                middle - count * cell / 2, y, count, count, cell, "orange strong" if count == 1 else "blue strong"
            )
            top, before = y + count * cell, count
    sheet.lines(86, 326, ["5·5 = 25 weights", "1 nonlinearity"], "small")
    sheet.lines(232, 326, ["2·3·3 = 18 weights", "2 nonlinearities"], "small")
    words = ["for each pair of input and output channels;", "the receptive field is 5 × 5 both times"]
    sheet.lines(158, 376, words, "small muted")
    sheet.line((322, 20), (322, 400), kind="dash")
    sheet.text(522, 28, "GoogLeNet: four branches", "bold large")
    sheet.box(464, 48, 116, 34, "input")
    branches = {382: ("", "1 × 1"), 476: ("1 × 1", "3 × 3"), 570: ("1 × 1", "5 × 5"), 664: ("3 × 3 pool", "1 × 1")}
    for x, (first, second) in branches.items():
        sheet.line((522, 82), (522, 102), (x, 102))
        if first:
            sheet.arrow((x, 102), (x, 128))
            sheet.box(x - 43, 130, 86, 40, first, "green" if first == "1 × 1" else "purple")
        sheet.arrow((x, 170 if first else 102), (x, 206))
        sheet.box(x - 43, 208, 86, 40, second, "blue")
        sheet.line((x, 248), (x, 272), (522, 272))
    sheet.arrow((522, 272), (522, 294))
    sheet.box(432, 296, 180, 36, "concatenate channels", "orange")
    words = ["1 × 1 convolutions (green) reduce the channels", "before the larger kernels: fewer multiplications"]
    sheet.lines(522, 362, words, "small")
    return sheet


def residual_block() -> Sheet:
    """A plain block and the two residual ones."""
    sheet = Sheet(
        "residual_block",
        "A plain block and two residual blocks",
        "The plain block computes H(x) by two convolutions. The residual block adds its input to what they compute:"
        " F(x) + x, before the last ReLU. Where size and channels change, the shortcut is a 1 by 1 convolution of"
        " stride 2 with batch norm.",
        720,
        492,
    )
    layers = ["3 × 3 conv", "batch norm", "ReLU", "3 × 3 conv", "batch norm"]
    kinds = {"3 × 3 conv": "blue", "batch norm": "orange", "ReLU": "green"}
    for x, title in ((100, "plain"), (300, "identity shortcut"), (540, "projection shortcut")):
        sheet.text(x, 28, title, "bold large")
    for x, first in ((100, "3 × 3 conv"), (300, "3 × 3 conv"), (510, "3 × 3 conv, stride 2")):
        sheet.text(x, 58, "x", "bold")
        sheet.arrow((x, 64), (x, 90))
        for place, layer in enumerate(layers):
            sheet.box(x - 76, 92 + place * 52, 152, 34, layer if place else first, kinds[layer])
            if place:
                sheet.arrow((x, 74 + place * 52), (x, 90 + place * 52))
        sheet.box(x - 76, 402, 152, 34, "ReLU", "green")
        sheet.arrow((x, 436), (x, 458))
        sheet.text(x, 478, "y", "bold")
    sheet.arrow((100, 334), (100, 400))
    sheet.text(108, 372, "H(x)", "start small")
    for x, total in ((300, "F(x) + x"), (510, "F(x) + P(x)")):
        sheet.arrow((x, 334), (x, 350))
        sheet.circle(x, 364, 13, "+", "purple")
        sheet.arrow((x, 377), (x, 400))
        sheet.text(x + 8, 394, total, "start small")
        sheet.text(x - 20, 354, "F(x)", "small end")
    sheet.arrow((300, 76), (400, 76), (400, 364), (315, 364), kind="red")
    sheet.text(408, 222, "x", "start small")
    sheet.line((510, 76), (650, 76), (650, 172), kind="red")
    sheet.box(604, 172, 92, 62, "1 × 1 conv\nstride 2", "blue")
    sheet.line((650, 234), (650, 250), kind="red")
    sheet.box(604, 250, 92, 34, "batch norm", "orange")
    sheet.arrow((650, 284), (650, 364), (525, 364), kind="red")
    sheet.text(658, 330, "P(x)", "start small")
    return sheet
