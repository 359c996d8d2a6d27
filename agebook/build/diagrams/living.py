"""Diagrams that come to life on a page, each drawn in the state in which it stands still.

A script in ``book/_static/diagrams`` finds what it moves by the ``data-`` attributes that are written here. Without
JavaScript, in JupyterLab and in print, the drawing is complete as it is.
"""

from math import log2

from agebook.build.diagrams.convolutions import IMAGE, KERNEL, convolve, term
from agebook.build.diagrams.scaling import PUBLISHED, scaled
from agebook.build.diagrams.sheet import Sheet

#: The position at which the convolution stands still, counted row by row.
STEP = 9

#: The small network: input, target, and weights. One hidden unit is below zero, so that its ReLU is seen to stop.
NETWORK = {"x": 1.5, "y": 2.0, "w1": 2.0, "b1": -1.0, "w2": -1.0, "b2": 1.0, "v1": 1.5, "v2": -2.0, "c": 1.0}

#: Side of the patch grid, of a window, and by how much windows are shifted; the patch that is chosen at first.
SIDE, WINDOW, SHIFT, PATCH = 8, 4, 2, (1, 6)

#: Multiply-adds of B0 to B7 in thousand millions, as published (Tan & Le, 2019, table 2).
MULTIPLY_ADDS = {"B0": 0.39, "B1": 0.7, "B2": 1.0, "B3": 1.8, "B4": 4.2, "B5": 9.9, "B6": 19, "B7": 37}


def step_convolution() -> Sheet:
    """A convolution at its tenth position; the script steps through all sixteen."""
    sheet = Sheet(
        "step_convolution",
        "A convolution, step by step",
        "The kernel lies over nine pixels of a 6 by 6 image; three lines show their products with the weights, and the"
        " sum goes to one cell of the 4 by 4 output.",
        720,
        406,
        live="convolution",
    )
    side, top = 34, 48
    row, column = divmod(STEP, 4)
    output = convolve(IMAGE, KERNEL)
    shown = [[value if 4 * i + j <= STEP else "" for j, value in enumerate(line)] for i, line in enumerate(output)]
    sheet.text(24 + 3 * side, 30, "image, 6 × 6", "bold")
    place = (24 + column * side, top + row * side)
    sheet.box(*place, 3 * side, 3 * side, kind="blue strong", round=0, part="window", side=side, left=24, top=top)
    sheet.grid(24, top, 6, 6, side, values=IMAGE, key="image")
    sheet.text(286, top + 3 * side + 6, "∗", "large bold")
    sheet.text(304 + 1.5 * side, 30, "kernel, 3 × 3", "bold")
    sheet.grid(304, top + 1.5 * side, 3, 3, side, "orange", KERNEL, key="kernel")
    sheet.text(432, top + 3 * side + 6, "=", "large bold")
    sheet.text(462 + 2 * side, 30, "output, 4 × 4", "bold")
    place = (462 + column * side, top + (row + 1) * side)
    sheet.box(*place, side, side, kind="green strong", round=0, part="here", side=side, left=462, top=top + side)
    sheet.grid(462, top + side, 4, 4, side, values=shown, key="output")
    sheet.box(24, 268, 672, 122, kind="empty")
    for i in range(3):
        weights, values = KERNEL[i], IMAGE[row + i][column : column + 3]
        terms = " + ".join(term(*pair) for pair in zip(weights, values, strict=True))
        sheet.text(44, 296 + 26 * i, terms, "start number", terms=i)
        total = sum(weight * value for weight, value in zip(weights, values, strict=True))
        sheet.text(320, 296 + 26 * i, f"row {i + 1}:", "end muted")
        sheet.text(380, 296 + 26 * i, f"{total}".replace("-", "−"), "end number", sum=i)
    sheet.text(320, 374, "sum:", "end bold")
    sheet.text(380, 374, f"{output[row][column]}", "end bold number", part="total")
    return sheet


def propagate(x: float, y: float, w1: float, b1: float, w2: float, b2: float, v1: float, v2: float, c: float) -> dict:
    """Values of the small network and the derivatives of its loss, these by names that begin with d.

    >>> found = propagate(**NETWORK)
    >>> found["p"], found["L"], found["dw1"], found["dx"]
    (4.0, 4.0, 9.0, 12.0)
    """
    z1, z2 = w1 * x + b1, w2 * x + b2
    h1, h2 = max(0.0, z1), max(0.0, z2)
    p = v1 * h1 + v2 * h2 + c
    dp = 2 * (p - y)
    dh1, dh2 = dp * v1, dp * v2
    dz1, dz2 = (dh if z > 0 else 0.0 for dh, z in ((dh1, z1), (dh2, z2)))
    values = {"z1": z1, "z2": z2, "h1": h1, "h2": h2, "p": p, "L": (p - y) ** 2}
    derivatives = {"dp": dp, "dv1": dp * h1, "dv2": dp * h2, "dh1": dh1, "dh2": dh2, "dz1": dz1, "dz2": dz2}
    ends = {"dw1": dz1 * x, "dw2": dz2 * x, "db1": dz1, "db2": dz2, "dx": dz1 * w1 + dz2 * w2}
    return values | derivatives | ends


def follow_gradient() -> Sheet:
    """A network of two hidden units with all its values and derivatives; the script lets them appear one by one."""
    found = NETWORK | propagate(**NETWORK)
    sheet = Sheet(
        "follow_gradient",
        "A gradient on its way back",
        "An input goes through two hidden units with ReLU to a prediction p and its squared error L. Below each value"
        " stands the derivative of L by it: the one behind it, multiplied by the derivative of the step between them."
        " The second unit is below zero before its ReLU, so its derivative there is 0.",
        720,
        400,
        live="gradient",
    )
    boxes = {
        "x": (16, 166, 112),
        "z1": (176, 96, 126),
        "z2": (176, 236, 126),
        "h1": (336, 96, 126),
        "h2": (336, 236, 126),
    }
    boxes |= {"p": (496, 166, 112), "L": (632, 166, 76)}
    kinds = {"x": "", "p": "green", "L": "red"}
    # From where to where a value goes, from where to where the derivative comes back, and by what it is taken.
    for tail, head, begin, end, name in (
        ((128, 178), (174, 118), (175, 138), (130, 192), "x"), ((128, 214), (174, 272), (175, 252), (130, 202), "x"),
        ((302, 118), (334, 118), (335, 138), (304, 138), "z1"), ((302, 258), (334, 258), (335, 278), (304, 278), "z2"),
        ((462, 116), (494, 174), (495, 190), (464, 138), "h1"), ((462, 274), (494, 218), (495, 202), (464, 252), "h2"),
        ((608, 188), (630, 188), (631, 206), (610, 206), "p"),
    ):  # fmt: skip
        sheet.arrow(tail, head, kind="ink")
        sheet.arrow(begin, end, kind="red dash", of=name)
    for name, (x, y, wide) in boxes.items():
        sheet.box(x, y, wide, 60, kind=kinds.get(name, "blue" if name[0] == "z" else "purple"), node=name)
        _value(sheet, x + wide / 2, y + (36 if name == "L" else 25), name, found[name])
        if name != "L":
            _derivative(sheet, x + wide / 2, y + 48, name, found)
    for name, x, y in (("w1", 239, 52), ("w2", 239, 320), ("v1", 552, 112), ("v2", 552, 250)):
        _value(sheet, x, y, name, found[name])
        _derivative(sheet, x, y + 22, name, found)
    for name, x, y in (("b1", 330, 52), ("b2", 330, 320), ("c", 552, 298)):
        _value(sheet, x, y, name, found[name])
    sheet.text(670, 270, f"y = {NETWORK['y']:.2f}")
    sheet.arrow((670, 254), (670, 228), kind="ink")
    sheet.arrow((16, 22), (76, 22), kind="ink")
    sheet.text(84, 27, "forward: values", "start small muted")
    sheet.arrow((708, 22), (648, 22), kind="red dash")
    sheet.text(640, 27, "backward: derivatives", "end small muted")
    sheet.text(66, 386, "z = w · x + b", "small muted")
    sheet.text(399, 386, "h = max(0, z)", "small muted")
    sheet.text(604, 386, "p = v · h + c,  L = (p − y)²", "small muted")
    return sheet


def _name(name: str) -> str:
    return f"{name[0]}_{{{name[1:]}}}" if name[1:] else name


def _value(sheet: Sheet, x: float, y: float, name: str, value: float) -> None:
    """A name, and its value in an element of its own, for the script."""
    sheet.text(x - 4, y, f"{_name(name)} =", "end")
    sheet.text(x + 1, y, f"{value:.2f}".replace("-", "−"), "start number", value=name)


def _derivative(sheet: Sheet, x: float, y: float, name: str, found: dict) -> None:
    sheet.text(x + 8, y, f"∂L/∂{_name(name)} =", "end small", of=name)
    sheet.text(x + 12, y, f"{found['d' + name]:.2f}".replace("-", "−"), "start small number", derivative=name)


def together(patch: tuple[int, int], other: tuple[int, int], shift: int) -> bool:
    """Whether one patch attends to another: in one window after the cyclic shift, and not across its seam.

    >>> together((0, 0), (3, 3), 0), together((0, 0), (3, 3), 2), together((0, 0), (7, 7), 2)
    (True, False, False)
    """
    return all(
        (a - shift) % SIDE // WINDOW == (b - shift) % SIDE // WINDOW and (a < shift) == (b < shift)
        for a, b in zip(patch, other, strict=True)
    )


def swin_windows() -> Sheet:
    """Which patches one patch attends to, without and with a shift, and the mask of its window."""
    sheet = Sheet(
        "swin_windows",
        "Swin's windows, and which patches attend to each other",
        "Two grids of 8 by 8 patches. A chosen patch attends to the patches of its window; in the shifted windows of"
        " the next block these are others, and at the rim fewer, because a mask separates what the cyclic shift has"
        " brought together. Right: that mask, 16 by 16, with the row of the chosen patch.",
        720,
        344,
        live="windows",
    )
    cell, top = 26, 66
    patches = [(row, column) for row in range(SIDE) for column in range(SIDE)]
    for left, name, shift in ((20, "W-MSA", 0), (256, "SW-MSA", SHIFT)):
        sheet.text(left + 104, 30, name, "bold large")
        words = f"windows of {WINDOW} × {WINDOW}" if not shift else f"shifted by {shift}"
        sheet.text(left + 104, 50, words, "small muted", **({"part": "shift"} if shift else {}))
        seen = [patch for patch in patches if together(PATCH, patch, shift)]
        squares = "".join(f"M{left + column * cell} {top + row * cell}h{cell}v{cell}h-{cell}z" for row, column in seen)
        sheet.path(squares, "blue fill", grid=shift and 1, left=left, top=top, cell=cell)
        sheet.grid(left, top, SIDE, SIDE, cell)
        lines = [shift, *(range(WINDOW + shift, SIDE, WINDOW))] if shift else [WINDOW]
        path = "".join(f"M{left + at * cell} {top}v208M{left} {top + at * cell}h208" for at in lines)
        sheet.path(path, "ink thick", lines=shift and 1)
        row, column = PATCH
        place = (left + column * cell, top + row * cell, cell, cell)
        sheet.box(*place, kind="orange solid", round=0, chosen=shift and 1)
        sheet.text(left + 104, 296, f"attends to {len(seen)} patches", "bold", count=shift and 1)
    side, left = 12, 500
    sheet.text(left + 96, 30, "mask of its window", "bold large")
    sheet.text(left + 96, 50, "grey: weight 0", "small muted")
    window = window_of(PATCH, SHIFT)
    blocked = "".join(
        f"M{left + side * j} {top + side * i}h{side}v{side}h-{side}z"
        for i, a in enumerate(window)
        for j, b in enumerate(window)
        if not together(a, b, SHIFT)
    )
    sheet.path(blocked, "fill", part="mask", left=left, top=top, cell=side)
    sheet.grid(left, top, 16, 16, side)
    mark = window.index(PATCH)
    sheet.box(left, top + mark * side, 16 * side, side, kind="orange empty thick", round=0, part="row")
    sheet.text(left + 96, 296, "row: who asks; column: who is asked", "small muted")
    sheet.text(
        360, 328, "Orange: the chosen patch. Blue: the patches that it attends to, itself among them.", "small muted"
    )
    return sheet


def window_of(patch: tuple[int, int], shift: int) -> list[tuple[int, int]]:
    """The sixteen patches that share a window with one after the cyclic shift, row by row.

    >>> window_of((0, 0), 2)[:2], window_of((0, 0), 2)[-1]
    ([(6, 6), (6, 7)], (1, 1))
    """
    first = [(at - shift) % SIDE // WINDOW * WINDOW for at in patch]
    return [
        ((first[0] + i + shift) % SIDE, (first[1] + j + shift) % SIDE) for i in range(WINDOW) for j in range(WINDOW)
    ]


def slide_phi() -> Sheet:
    """What a network of one φ looks like, and how its multiply-adds grow."""
    sheet = Sheet(
        "slide_phi",
        "Compound scaling along φ",
        "Left: layers and image of a network at φ = 2. Right: the multiply-adds against φ, doubling with each step; the"
        " published networks lie above the formula's line, by about a third up to B3 and by nearly twice at B7.",
        720,
        372,
        live="scaling",
    )
    phi = 2.0
    depth, width, pixels, cost = scaled(phi)
    sheet.text(96, 30, "layers", "bold large")
    sheet.text(256, 30, "image", "bold large")
    wide = 60 * width
    bars = "".join(
        f"M{96 - wide / 2:.1f} {270 - 14 * layer}h{wide:.1f}v10h-{wide:.1f}z" for layer in range(round(5 * depth))
    )
    sheet.path(bars, "blue fill", part="layers", middle=96, bottom=270)
    side = 60 * pixels / 224
    sheet.box(256 - side / 2, 160 - side / 2, side, side, kind="orange", round=0, part="image", middle=256, centre=160)
    left, bottom, step, high = 400, 270, 46, 32
    sheet.text(left + 3 * step, 30, "multiply-adds, in multiples of B0", "bold")
    for power in range(8):
        y = bottom - power * high
        sheet.line((left, y), (left + 6 * step + 14, y), kind="thin")
        sheet.text(left - 8, y + 5, f"{2**power}", "end small number")
    for at in range(7):
        sheet.text(left + at * step, bottom + 20, f"{at}", "small number")
    sheet.text(left + 6 * step + 24, bottom + 20, "φ", "bold")
    end = scaled(6)[3]
    sheet.line((left, bottom), (left + 6 * step, bottom - high * log2(end)), kind="blue")
    for name, (at, *_) in PUBLISHED.items():
        y = bottom - high * log2(MULTIPLY_ADDS[name] / MULTIPLY_ADDS["B0"])
        sheet.circle(left + at * step, y, 4, kind="green opaque")
        sheet.text(left + at * step - 8, y - 4 if at else y - 10, name, "end small" if at else "small")
    sheet.line(
        (left + phi * step, bottom), (left + phi * step, 50), kind="orange dash", part="cursor", left=left, step=step
    )
    place = (left + phi * step, bottom - high * log2(cost), 5)
    sheet.circle(*place, kind="orange solid", part="dot", bottom=bottom, high=high)
    sheet.text(left + 3 * step, bottom + 42, "line: 1.92^{φ}; rings: as published", "small muted")
    numbers = [("φ", f"{phi:.1f}"), ("depth", f"× {depth:.2f}"), ("width", f"× {width:.2f}")]
    numbers += [("resolution", f"{pixels:.0f}"), ("multiply-adds", f"× {cost:.2f}")]
    for number, (name, value) in enumerate(numbers):
        x = 72 + number * 144
        sheet.text(x, 334, name, "small muted")
        sheet.text(x, 356, value, "bold number", value=name)
    return sheet
