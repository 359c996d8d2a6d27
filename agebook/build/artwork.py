"""The pictures of the site itself, drawn while it is built: one person growing old, and the card that links show."""

import io

#: Ages of the person on the landing page.
AGES = (3, 9, 16, 24, 38, 52, 67, 82)

#: Who is drawn: the seeds of person and pictures.
PERSON, PICTURES = 11, 3

#: Width and height of the card, as those who show links to pages ask for.
CARD = (1200, 630)


def site_pictures() -> dict[str, bytes]:
    """Name → bytes of the pictures that belong below ``book/_static/drawn``.

    >>> sorted(site_pictures())
    ['ageing.jpg', 'card.png']
    """
    from agelib import drawn

    faces = drawn.draw_ageing(PERSON, AGES, size=192, seed=PICTURES)  # uint8 [8, 192, 192, 3]
    return {"ageing.jpg": _strip(faces), "card.png": _card(faces)}


def _strip(faces) -> bytes:
    """All faces side by side."""
    import numpy as np

    return _file(np.concatenate(list(faces), axis=1), "JPEG", quality=85, optimize=True)


def _card(faces) -> bytes:
    """Title, faces, and the scale of years."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = CARD
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor="#0b3954")
    canvas = FigureCanvasAgg(figure)
    figure.text(0.06, 0.80, "Estimating age from faces", color="white", fontsize=46, weight="bold", va="center")
    figure.text(
        0.06,
        0.665,
        "A book that runs: data, networks, experiments, and what they are worth",
        color="#cfe3ee",
        fontsize=21,
    )
    side = 0.88 / len(AGES)
    for number, (age, face) in enumerate(zip(AGES, faces, strict=True)):
        axis = figure.add_axes((0.06 + number * side, 0.28, side * 0.94, side * 0.94 * width / height))
        axis.imshow(face)
        axis.set_axis_off()
        figure.text(0.06 + (number + 0.47) * side, 0.21, str(age), color="white", fontsize=22, ha="center")
    figure.text(0.06, 0.08, "Drawn faces: nobody's picture is used.", color="#cfe3ee", fontsize=17)
    canvas.draw()
    return _file(canvas.buffer_rgba(), "PNG", optimize=True)


def _file(pixels, kind: str, **options) -> bytes:
    import numpy as np
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).convert("RGB").save(file, kind, **options)
    return file.getvalue()
