"""The diagram of transfer: which parts of a pretrained network learn, in three strategies."""

from agebook.build.diagrams.sheet import Sheet

#: The parts of a network from its images to its output.
PARTS = ("stem", "stage 1", "stage 2", "stage 3", "stage 4", "head")

#: Strategy → its phases: how many parts, counted from the head, learn in each.
STRATEGIES = {"head only": (1,), "everything at once": (6,), "gradual\nunfreezing": (1, 2, 3, 6)}


def transfer() -> Sheet:
    """Frozen and learning parts, phase by phase."""
    sheet = Sheet(
        "transfer",
        "Three strategies of transfer",
        "A pretrained network of a stem and four stages, with a new head. Head only: all pretrained parts stay frozen."
        " Everything at once: all parts learn from the first epoch. Gradual unfreezing: first the head, then one stage"
        " after the other from the head downward, at last all.",
        720,
        432,
    )
    lefts = [202 + 86 * number for number in range(6)]
    sheet.path("M202 34v-8h422v8")
    sheet.text(415, 18, "pretrained", "small muted")
    sheet.text(675, 18, "new", "small muted")
    for x, name in zip(lefts, PARTS, strict=True):
        sheet.text(x + 39, 56, name, "bold")
    y = 70
    for strategy, phases in STRATEGIES.items():
        sheet.lines(24, y + 24, strategy.split("\n"), "start bold")
        for number, learning in enumerate(phases):
            if len(phases) > 1:
                sheet.text(190, y + 24, f"phase {number + 1}", "end small muted")
            for part, x in enumerate(lefts):
                learns = part >= len(PARTS) - learning
                colour = "orange strong" if learns and part == 5 else "green strong" if learns else "dash"
                sheet.box(x, y, 78, 36, "learns" if learns else "frozen", colour)
            y += 44
        y += 16
    sheet.lines(
        360,
        y + 14,
        [
            "Frozen: no gradient, the pretrained weights stay, batch norm keeps its running averages.",
            "Learning: a small rate in the pretrained parts, smaller toward the stem; a larger one in the new head.",
        ],
        "small muted",
        20,
    )
    return sheet
