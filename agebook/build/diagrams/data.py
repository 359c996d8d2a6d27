"""Diagrams of the data: its way from files to a judged prediction, the leak between sets, and the making of a batch."""

from agebook.build.diagrams.sheet import Sheet

#: The colours of the three sets, as in the book's figures.
SETS = {"training set": "blue", "validation set": "orange", "test set": "green"}

#: Whose image lies in which set, a letter a person: drawn image by image, and person by person.
BY_IMAGE = {"training set": "AABCDDEE", "validation set": "ABDE", "test set": "BCDE"}
BY_IDENTITY = {"training set": "AAABBBCC", "validation set": "DDDD", "test set": "EEEE"}


def way_of_the_data() -> Sheet:
    """From files to three sets, and what each of them is for."""
    sheet = Sheet(
        "way_of_the_data",
        "The way of the data",
        "Files and labels become a table, the table is cleaned and split by identity. The training set gives batches to"
        " the network, whose loss sends a gradient back; the validation set chooses; the test set judges once.",
        720,
        424,
    )
    stages = [
        ("image files\nand labels", "as published"),
        ("one table", "a row for each image"),
        ("cleaned table", "what was lost is counted"),
        ("split by identity", "no person in two sets"),
    ]
    for number, (words, below) in enumerate(stages):
        x = 24 + number * 180
        sheet.box(x, 30, 132, 60, words)
        sheet.text(x + 66, 110, below, "small muted")
        if number:
            sheet.arrow((x - 48, 60), (x - 2, 60))
    sheet.arrow((630, 120), (630, 146), (10, 146), (10, 206), (30, 206))
    for at, (name, colour) in zip((206, 286, 356), SETS.items(), strict=True):
        sheet.box(32, at - 24, 124, 48, name, colour)
    for at in (286, 356):
        sheet.line((10, 206), (10, at))
        sheet.arrow((10, at), (30, at))
    sheet.arrow((156, 206), (206, 206))
    sheet.box(208, 176, 120, 60, "batches\n[B, 3, H, W]", "blue")
    sheet.arrow((328, 206), (388, 206))
    sheet.box(390, 176, 96, 60, "network", "purple")
    sheet.arrow((486, 196), (596, 196))
    sheet.text(540, 187, "predictions", "small muted")
    sheet.box(598, 176, 98, 60, "loss")
    sheet.arrow((598, 218), (488, 218), kind="red")
    sheet.text(542, 236, "gradient", "small muted")
    for at, words in ((286, "choose: epoch, learning rate, network"), (356, "judge once, at the end: MAE")):
        colour = "orange" if at == 286 else "green"
        sheet.arrow((156, at), (388, at), kind=colour)
        sheet.box(390, at - 24, 306, 48, words, colour)
    sheet.text(272, 278, "as often as you like", "small muted")
    sheet.text(272, 348, "nothing is chosen by it", "small muted")
    sheet.text(
        360, 408, "The network predicts for all three sets, and learns from the training set alone.", "small muted"
    )
    return sheet


def split_and_leak() -> Sheet:
    """The same sixteen images split in two ways, one below the other: narrow enough for a telephone."""
    sheet = Sheet(
        "split_and_leak",
        "Two ways to split, one of them leaks",
        "Sixteen images of five persons, A to E. Split image by image, every image of the validation and test sets"
        " shows a person whom the training set holds too. Split by identity, none does.",
        350,
        492,
    )
    for top, title, sets in ((0, "split image by image", BY_IMAGE), (236, "split by identity", BY_IDENTITY)):
        known = set(sets["training set"])
        others = sets["validation set"] + sets["test set"]
        leaked = sum(person in known for person in others)
        sheet.text(175, top + 26, title, "bold large")
        x = 11
        for name, wide in (("training set", 152), ("validation set", 80), ("test set", 80)):
            sheet.box(x, top + 56, wide, 118, kind=SETS[name], round=6)
            sheet.text(x + wide / 2, top + 48, name.removesuffix(" set"), "small")
            columns = wide // 38
            for number, person in enumerate(sets[name]):
                right = (number % columns - (columns - 1) / 2) * 36
                at = (x + wide / 2 + right, top + 86 + number // columns * 52)
                leaks = name != "training set" and person in known
                _person(sheet, *at, person, "red thick" if leaks else "")
            x += wide + 8
        sheet.text(175, top + 196, f"{leaked} of {len(others)} validation and test images", "bold")
        sheet.text(175, top + 215, "show a person of the training set")
    sheet.line((11, 232), (339, 232), kind="dash")
    sheet.circle(40, 474, 10, kind="red thick opaque")
    sheet.text(60, 479, "this person is in the training set, too", "start small")
    return sheet


def _person(sheet: Sheet, x: float, y: float, letter: str, kind: str) -> None:
    """One image of a person: a head above shoulders, with the person's letter."""
    shoulders = f"M{x - 16:g} {y + 26:g}C{x - 16:g} {y + 12:g} {x + 16:g} {y + 12:g} {x + 16:g} {y + 26:g}"
    sheet.path(shoulders, kind)
    sheet.circle(x, y, 14, letter, f"opaque {kind}".strip())


def dataset_to_batch() -> Sheet:
    """Eight samples, an order, and the four that become a batch."""
    sheet = Sheet(
        "dataset_to_batch",
        "From a data set to a batch",
        "A Dataset gives the sample of an index: an image of shape 3, H, W and an age. A DataLoader shuffles the"
        " indices, takes four at a time, and stacks their images to one tensor of shape B, C, H, W and their ages to"
        " one of shape B.",
        720,
        384,
    )
    ages, order = (31, 8, 62, 45, 27, 19, 74, 53), (5, 2, 7, 0, 3, 6, 1, 4)
    batch = order[:4]
    sheet.text(115, 28, "Dataset", "bold large")
    sheet.text(115, 50, "dataset[i] → image, age", "small muted")
    for index, age in enumerate(ages):
        y = 64 + index * 34
        sheet.box(24, y, 182, 30, kind="blue" if index in batch else "empty", round=3)
        sheet.text(48, y + 20, str(index), "number muted")
        sheet.box(76, y + 3, 24, 24, kind="strong", round=2)
        sheet.circle(88, y + 13, 6, kind="opaque bare")
        sheet.path(f"M79 {y + 26}C80 {y + 18} 96 {y + 18} 97 {y + 26}")
        sheet.text(156, y + 20, f"{age} years", "number")
    sheet.text(115, 358, "image: [3, H, W]", "small muted")
    sheet.text(336, 28, "DataLoader", "bold large")
    sheet.text(336, 50, "shuffle=True, batch_size=4", "small muted")
    for number, index in enumerate(order):
        y = 64 + number * 34
        sheet.box(310, y, 52, 30, str(index), "blue" if number < 4 else "empty", round=3)
    sheet.arrow((206, 199), (300, 199))
    sheet.text(253, 190, "order", "small muted")
    sheet.path("M374 66h8v128h-8")
    sheet.path("M374 202h8v128h-8", "dash")
    sheet.text(394, 272, "the next", "start small muted")
    sheet.arrow((384, 130), (444, 130))
    sheet.text(414, 120, "stack", "small muted")
    sheet.text(580, 28, "batch", "bold large")
    for number, index in enumerate(batch):
        x, y = 548 - number * 22, 82 + number * 30
        for channel in (2, 1, 0):
            sheet.box(x + channel * 5, y - channel * 5, 62, 62, kind="blue opaque", round=0)
        sheet.box(x, y, 62, 62, kind="blue", round=0)
        sheet.text(x + 14, y + 18, str(index), "number")
    sheet.grid(660, 84, 4, 1, 34, "orange", [[ages[index]] for index in batch])
    sheet.text(548, 262, "X: [B, C, H, W]", "bold")
    sheet.text(677, 262, "y: [B]", "bold")
    meanings = [
        "B = 4 images, in shuffled order",
        "C = 3 channels: red, green, blue",
        "H, W: height and width in pixels",
    ]
    sheet.lines(472, 300, meanings, "start small muted", 20)
    return sheet
