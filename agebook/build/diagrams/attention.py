"""Diagrams of attention: queries, keys and values, and the block of the Swin transformer."""

from math import exp

from agebook.build.diagrams.sheet import Sheet

#: Four tokens' queries and keys, of four numbers each.
QUERIES = [[2, 0, 1, 0], [0, 2, 0, 1], [1, 1, 0, 0], [0, 0, 2, 2]]
KEYS = [[2, 0, 0, 1], [0, 2, 1, 0], [1, 1, 1, 1], [0, 0, 1, 2]]


def attend(queries: list[list[float]], keys: list[list[float]]) -> list[list[float]]:
    """Attention weights: softmax over the keys of q · k / √d, a row for each query.

    >>> [[round(weight, 2) for weight in row] for row in attend([[2, 0]], [[1, 0], [0, 1]])]
    [[0.8, 0.2]]
    """
    rows = []
    for query in queries:
        scores = [sum(q * k for q, k in zip(query, key, strict=True)) / len(query) ** 0.5 for key in keys]
        powers = [exp(score - max(scores)) for score in scores]
        rows.append([power / sum(powers) for power in powers])
    return rows


def attention() -> Sheet:
    """Scaled dot-product attention of four tokens, and its heads."""
    sheet = Sheet(
        "attention",
        "Multi-head attention",
        "Tokens X are multiplied by three learned matrices to queries, keys and values. The products of queries and"
        " keys, divided by the root of d, go through a softmax row by row; the attention weights average the values."
        " Several heads do so side by side; their results are joined and multiplied by a last matrix.",
        720,
        440,
    )
    sheet.text(60, 176, "tokens X", "bold")
    sheet.grid(28, 188, 4, 4, 16, "")
    sheet.text(60, 272, "[N, C]", "small muted")
    for shift in (12, 6):
        sheet.box(128 + shift, 34 - shift, 452, 322, kind="opaque", round=8)
    sheet.box(128, 34, 452, 322, kind="opaque", round=8)
    sheet.text(142, 58, "one head", "start bold")
    for number, (name, colour) in enumerate((("Q", "blue"), ("K", "green"), ("V", "orange"))):
        y = 86 + number * 92
        sheet.arrow((92, 220), (112, 220), (112, y + 32), (144, y + 32))
        sheet.box(146, y + 16, 50, 32, f"W_{{{name}}}", colour)
        sheet.arrow((196, y + 32), (218, y + 32))
        sheet.grid(220, y, 4, 4, 16, f"{colour} strong" if colour else "")
        sheet.text(292, y + 37, name, "start bold")
    weights = attend(QUERIES, KEYS)
    sheet.arrow((308, 118), (354, 118))
    sheet.line((308, 210), (330, 210), (330, 118))
    sheet.text(438, 58, "softmax(Q K^{T} / √d)", "bold")
    for row, line in enumerate(weights):
        for column, weight in enumerate(line):
            kind = "purple strong bare" if weight >= 0.4 else "purple bare" if weight >= 0.2 else ""
            if kind:
                sheet.box(358 + column * 40, 72 + row * 28, 40, 28, kind=kind, round=0)
            sheet.text(378 + column * 40, 91 + row * 28, f"{weight:.2f}", "small number")
    sheet.box(358, 72, 160, 112, kind="purple empty", round=0)
    sheet.text(438, 202, "attention weights [N, N]", "small muted")
    sheet.text(438, 219, "each row adds up to 1", "small muted")
    sheet.circle(438, 302, 14, "×", "")
    sheet.arrow((438, 226), (438, 286))
    sheet.arrow((308, 302), (422, 302))
    sheet.arrow((452, 302), (488, 302))
    sheet.grid(490, 270, 4, 4, 16, "orange")
    sheet.arrow((554, 302), (606, 302))
    sheet.lines(656, 150, ["h heads of", "d = C / h", "numbers each"], "small muted")
    sheet.lines(650, 292, ["join heads,", "× W_{O}"], "small")
    sheet.box(606, 270, 92, 52, kind="blue")
    sheet.arrow((652, 322), (652, 352))
    sheet.text(652, 370, "[N, C]", "small muted")
    first = ", ".join(f"{weight:.2f}" for weight in weights[0])
    sheet.lines(
        360,
        394,
        [
            f"First row: the first token takes {first} of the four values; computed from",
            "four queries and keys of d = 4. Without √d large products would leave one weight near 1.",
        ],
        "small muted",
    )
    return sheet


def swin_block() -> Sheet:
    """Windows, their shift, patch merging, and the order of a block."""
    sheet = Sheet(
        "swin_block",
        "A Swin block and its windows",
        "Attention runs inside windows of 4 by 4 patches. In the next block the windows are shifted by 2; at the rim"
        " parts from opposite sides share a window, and a mask keeps them apart. Patch merging joins 2 by 2 patches to"
        " one. A block is attention and an MLP, each with a shortcut; Swin V2 puts layer norm behind them instead of"
        " before.",
        720,
        560,
    )
    cell, top = 18, 62
    sheet.text(96, 28, "W-MSA", "bold large")
    sheet.text(96, 48, "windows of 4 × 4", "small muted")
    for number, colour in enumerate(("blue", "orange", "green", "purple")):
        sheet.box(24 + number % 2 * 72, top + number // 2 * 72, 72, 72, kind=f"{colour} bare", round=0)
    sheet.grid(24, top, 8, 8, cell)
    sheet.path(f"M96 {top}v144M24 {top + 72}h144", "ink thick")
    sheet.text(280, 28, "SW-MSA", "bold large")
    sheet.text(280, 48, "windows shifted by 2", "small muted")
    spans = [(0, 2), (2, 4), (6, 2)]
    # A window's colour: what the shift brings together has one.
    colours = {"E": "blue", "D": "orange", "F": "orange", "B": "green", "H": "green"}
    for number, name in enumerate("ABCDEFGHI"):
        (y, high), (x, wide) = spans[number // 3], spans[number % 3]
        colour = colours.get(name, "purple")
        box = (208 + x * cell, top + y * cell, wide * cell, high * cell)
        sheet.box(*box, kind=f"{colour} bare", round=0)
        sheet.text(box[0] + box[2] / 2, box[1] + box[3] / 2 + 5, name, "bold")
    sheet.grid(208, top, 8, 8, cell)
    sheet.path(f"M244 {top}v144M316 {top}v144M208 {top + 36}h144M208 {top + 108}h144", "ink thick")
    sheet.arrow((360, top + 72), (404, top + 72))
    sheet.text(382, top + 62, "roll", "small muted")
    sheet.text(482, 28, "cyclic shift", "bold large")
    sheet.text(482, 48, "dashed: the mask", "small muted")
    rolled = [[("E", 0, 0, 4, 4)], [("F", 4, 0, 2, 4), ("D", 6, 0, 2, 4)], [("H", 0, 4, 4, 2), ("B", 0, 6, 4, 2)]]
    rolled.append([("I", 4, 4, 2, 2), ("G", 6, 4, 2, 2), ("C", 4, 6, 2, 2), ("A", 6, 6, 2, 2)])
    for name, x, y, wide, high in [part for window in rolled for part in window]:
        box = (410 + x * cell, top + y * cell, wide * cell, high * cell)
        sheet.box(*box, kind=f"{colours.get(name, 'purple')} bare", round=0)
        sheet.text(box[0] + box[2] / 2, box[1] + box[3] / 2 + 5, name, "bold")
    sheet.grid(410, top, 8, 8, cell)
    sheet.path(f"M482 {top}v144M410 {top + 72}h144", "ink thick")
    sheet.path(f"M518 {top}v144M410 {top + 108}h144", "red thick dash")
    sheet.text(640, 28, "patch merging", "bold large")
    sheet.text(640, 48, "half the side", "small muted")
    sheet.grid(606, top, 4, 4, 17, "")
    sheet.box(606, top, 34, 34, kind="orange strong", round=0)
    sheet.arrow((640, top + 72), (640, top + 94))
    sheet.grid(623, top + 96, 2, 2, 17, "")
    sheet.box(623, top + 96, 17, 17, kind="orange strong", round=0)
    sheet.lines(640, top + 152, ["4C → 2C,", "linear"], "small muted", 16)
    _order(sheet, 40, 262, "Swin (V1): layer norm before", ("layer norm", "attention", "+", "layer norm", "MLP", "+"))
    _order(sheet, 40, 398, "Swin V2: layer norm after", ("attention", "layer norm", "+", "MLP", "layer norm", "+"))
    words = [
        "Attention is W-MSA in one block and SW-MSA in the next.",
        "The MLP takes each patch from C to 4C numbers and back.",
    ]
    sheet.lines(360, 528, words, "small muted")
    return sheet


def _order(sheet: Sheet, left: float, top: float, title: str, steps: tuple) -> None:
    """One block from left to right, its shortcuts above."""
    kinds = {"layer norm": "orange", "attention": "blue", "MLP": "green"}
    sheet.text(left - 16, top, title, "start bold")
    y, x, begin = top + 74, left, left - 4
    for step in steps:
        if step == "+":
            sheet.arrow((x, y), (x + 20, y))
            sheet.circle(x + 34, y, 12, "+", "purple")
            sheet.arrow((begin, y), (begin, y - 44), (x + 34, y - 44), (x + 34, y - 14), kind="red")
            x += 46
            begin = x + 10
        else:
            sheet.arrow((x - (16 if x == left else 0), y), (x + 24, y))
            sheet.box(x + 26, y - 20, 102, 40, step, kinds[step])
            x += 128
    sheet.arrow((x, y), (x + 22, y))
