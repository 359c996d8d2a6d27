"""Diagrams of EfficientNet: its block, and the three sizes of a network that grow together."""

from agebook.build.diagrams.sheet import Sheet

#: How fast depth, width and resolution grow (Tan & Le, 2019), and the resolution of B0.
DEPTH, WIDTH, RESOLUTION, FIRST = 1.2, 1.1, 1.15, 224

#: The networks B0 to B7: φ, and depth, width and resolution as published.
PUBLISHED = {
    "B0": (0.0, 1.0, 1.0, 224),
    "B1": (0.5, 1.1, 1.0, 240),
    "B2": (1.0, 1.2, 1.1, 260),
    "B3": (2.0, 1.4, 1.2, 300),
    "B4": (3.0, 1.8, 1.4, 380),
    "B5": (4.0, 2.2, 1.6, 456),
    "B6": (5.0, 2.6, 1.8, 528),
    "B7": (6.0, 3.1, 2.0, 600),
}


def scaled(phi: float) -> tuple[float, float, float, float]:
    """Depth, width, resolution and multiply-adds at a φ: the first two and the last as multiples, then pixels.

    >>> [round(value, 2) for value in scaled(1)]
    [1.2, 1.1, 257.6, 1.92]
    """
    depth, width, resolution = DEPTH**phi, WIDTH**phi, RESOLUTION**phi
    return depth, width, FIRST * resolution, depth * width**2 * resolution**2


def mbconv() -> Sheet:
    """The block of EfficientNet, with its width in channels drawn as height."""
    sheet = Sheet(
        "mbconv",
        "An MBConv block",
        "C channels are expanded to 6C by a 1 by 1 convolution, each filtered by a depthwise convolution of its own,"
        " weighted by squeeze and excitation, and projected to C' channels by a 1 by 1 convolution without activation."
        " With stride 1 and C = C' the input is added.",
        720,
        394,
    )
    sheet.box(20, 150, 30, 60, kind="", round=0)
    sheet.text(35, 230, "C", "bold")
    steps = [
        (84, 92, "blue", ["expand", "1 × 1 conv", "BN, SiLU"]),
        (210, 112, "green", ["depthwise", "3 × 3 or 5 × 5", "BN, SiLU"]),
    ]
    for x, wide, colour, words in steps:
        sheet.box(x, 84, wide, 192, kind=colour, round=0)
        sheet.lines(x + wide / 2, 167, words)
        sheet.text(x + wide / 2, 298, "6C", "bold")
    sheet.path("".join(f"M210 {84 + 16 * row}h112" for row in range(1, 12) if not 4 <= row <= 8), "green thin")
    sheet.box(356, 84, 144, 192, kind="orange", round=0)
    sheet.lines(428, 112, ["squeeze and", "excitation"], "bold")
    for row, words in enumerate(["mean over H, W", "6C → C/4, SiLU", "C/4 → 6C, sigmoid"]):
        sheet.text(428, 160 + row * 34, words, "small")
        sheet.arrow((428, 165 + row * 34), (428, 181 + row * 34))
    sheet.text(428, 262, "times each channel", "small")
    sheet.text(428, 298, "6C", "bold")
    sheet.box(534, 150, 96, 60, "project\n1 × 1, BN", "blue")
    sheet.text(582, 230, "C'", "bold")
    sheet.circle(666, 180, 14, "+", "purple")
    for x0, x1 in ((50, 82), (176, 208), (322, 354), (500, 532), (630, 650), (680, 712)):
        sheet.arrow((x0, 180), (x1, 180))
    sheet.arrow((64, 180), (64, 46), (666, 46), (666, 164), kind="red")
    sheet.text(360, 36, "shortcut, if stride is 1 and C = C'", "small")
    sheet.lines(
        360,
        336,
        [
            "The height of a step is its number of channels: narrow, wide, narrow.",
            "Weights: 6C² for expanding, 6C·k² for k × k depthwise (6C·6C·k², were it a full convolution).",
            "No activation behind the projection.",
        ],
        "small muted",
        20,
    )
    return sheet


def compound_scaling() -> Sheet:
    """What grows, and by how much: the formula beside the published networks."""
    sheet = Sheet(
        "compound_scaling",
        "Compound scaling",
        "A network may grow in depth, in width, in the resolution of its images, or in all three at once, as"
        " EfficientNet does. A table compares 1.2, 1.1 and 1.15 to the power of φ with the published networks B0 to"
        " B7.",
        720,
        440,
    )
    cases = [
        ("baseline B0", 1.0, 1.0, 1.0, ""),
        ("deeper", 1.75, 1.0, 1.0, "blue"),
        ("wider", 1.0, 1.6, 1.0, "blue"),
        ("higher resolution", 1.0, 1.0, 1.6, "blue"),
        ("all three", 1.25, 1.2, 1.25, "orange"),
    ]
    for number, (words, depth, width, resolution, colour) in enumerate(cases):
        middle = 84 + number * 138
        sheet.text(middle, 30, words, "bold")
        wide, side = 46 * width, 26 * resolution
        for layer in range(round(4 * depth)):
            sheet.box(middle - wide / 2, 131 - layer * 12, wide, 9, kind=colour, round=2)
        sheet.box(middle - side / 2, 152, side, side, kind=f"{colour} empty".strip(), round=0)
    sheet.text(16, 124, "layers", "start small muted")
    sheet.text(16, 170, "image", "start small muted")
    sheet.text(24, 216, "network", "start bold")
    lefts = [228 + 65 * number for number in range(8)]
    for x, name in zip(lefts, PUBLISHED, strict=True):
        sheet.text(x, 216, name, "bold")
    rows = [
        ("φ", [f"{phi:g}" for phi, *_ in PUBLISHED.values()], "bold"),
        ("depth 1.2^{φ}", [f"{scaled(phi)[0]:.2f}" for phi, *_ in PUBLISHED.values()], ""),
        ("published", [f"{depth:.1f}" for _, depth, _, _ in PUBLISHED.values()], "muted"),
        ("width 1.1^{φ}", [f"{scaled(phi)[1]:.2f}" for phi, *_ in PUBLISHED.values()], ""),
        ("published", [f"{width:.1f}" for _, _, width, _ in PUBLISHED.values()], "muted"),
        ("resolution 224 · 1.15^{φ}", [f"{scaled(phi)[2]:.0f}" for phi, *_ in PUBLISHED.values()], ""),
        ("published", [f"{pixels}" for *_, pixels in PUBLISHED.values()], "muted"),
    ]
    for number, (words, values, kind) in enumerate(rows):
        y = 244 + number * 24
        if number in (1, 3, 5):
            sheet.box(16, y - 17, 688, 46, kind="bare")
        sheet.text(24, y, words, f"start {kind}".strip())
        for x, value in zip(lefts, values, strict=True):
            sheet.text(x, y, value, f"number {kind}".strip())
    grows = "Multiply-adds grow with depth · width² · resolution²: for each φ by 1.2 · 1.1² · 1.15² = 1.92, about 2."
    sheet.text(360, 424, grows, "small muted")
    return sheet
