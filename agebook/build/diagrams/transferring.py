"""The diagram of transfer: which parts of a pretrained network learn, in four strategies."""

from agebook.build.diagrams.sheet import Sheet

#: The parts of a network from its images to its output.
PARTS = ("stage\n1", "stage\n2", "stage\n3", "stage\n4", "stage\n5", "\nhead")

#: Strategy → its phases: how many parts, counted from the head, learn in each.
STRATEGIES = {
    "head only": (1,),
    "head, then all": (1, 6),
    "gradual unfreezing": (1, 2, 3, 4, 5, 6),
    "all at once": (6,),
}

#: Left edge of the first part, width of a part, and from one part to the next.
LEFT, WIDTH, STEP = 26, 54, 57


def transfer() -> Sheet:
    """Frozen and learning parts, phase by phase, narrow enough for a telephone."""
    sheet = Sheet(
        "transfer",
        "Four strategies of transfer",
        "A pretrained network of five stages, with a new head. Head only: all pretrained stages stay frozen. Head, then"
        " all: in a second phase everything learns. Gradual unfreezing: first the head, then in each phase one stage"
        " more, from the head downward, at last all. All at once: everything learns from the first phase.",
        372,
        556,
    )
    lefts = [LEFT + STEP * number for number in range(len(PARTS))]
    middle = WIDTH / 2
    sheet.path(f"M{lefts[0]} 28v-8h{lefts[4] + WIDTH - LEFT}v8")
    sheet.text(lefts[2] + middle, 14, "pretrained", "small muted")
    sheet.text(lefts[5] + middle, 14, "new", "small muted")
    for x, name in zip(lefts, PARTS, strict=True):
        sheet.lines(x + middle, 44, name.split("\n"), "bold", 16)
    y = 74
    for strategy, phases in STRATEGIES.items():
        sheet.text(LEFT, y + 12, strategy, "start bold")
        y += 20
        for number, learning in enumerate(phases, 1):
            sheet.text(LEFT - 8, y + 19, str(number), "end small muted")
            for part, x in enumerate(lefts):
                learns = part >= len(PARTS) - learning
                colour = "orange strong" if learns and part == 5 else "green strong" if learns else "dash"
                sheet.box(x, y, WIDTH, 28, "learns" if learns else "frozen", colour)
            y += 32
        y += 12
    sheet.lines(
        LEFT,
        y + 6,
        ["The numbers on the left count the phases.", "Frozen: no gradient, batch norm in evaluation mode."],
        "start small muted",
        18,
    )
    return sheet
