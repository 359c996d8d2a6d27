"""Diagrams of learning from a gradient: three ways down one loss surface, and the chain rule on a small graph."""

import random
from collections.abc import Callable

from agebook.build.diagrams.sheet import Sheet

#: Curvatures of the loss L(u, v) = (u² + 20 v²) / 2 along its axes: a long valley, as losses have them.
CURVATURES = (1.0, 20.0)
START, STEPS = (-1.7, 0.75), 18


def descend(rate: float, momentum: float = 0.0, noise: float = 0.0, seed: int = 4) -> list[tuple[float, float]]:
    """The places that gradient descent visits in the valley, start included.

    Parameters
    ----------
    rate, momentum : float
        As in ``torch.optim.SGD``.
    noise : float
        Standard deviation of what a mini-batch adds to each part of the gradient.

    Examples
    --------
    >>> (u, v), *_ = descend(0.01)[1:]
    >>> round(u, 3), round(v, 3)
    (-1.683, 0.6)
    """
    luck = random.Random(seed)
    place, speed, places = list(START), [0.0, 0.0], [START]
    for _ in range(STEPS):
        for axis, curvature in enumerate(CURVATURES):
            speed[axis] = momentum * speed[axis] + curvature * place[axis] + luck.gauss(0, noise)
        place = [at - rate * fast for at, fast in zip(place, speed, strict=True)]
        places.append((place[0], place[1]))
    return places


def loss(place: tuple[float, float]) -> float:
    """The height of the valley.

    >>> loss((1.0, 0.5))
    3.0
    """
    return sum(curvature * at**2 for curvature, at in zip(CURVATURES, place, strict=True)) / 2


def gradient_descent() -> Sheet:
    """Contours of a loss, and three ways down."""
    sheet = Sheet(
        "gradient_descent",
        "Three ways down one loss surface",
        "Contours of a loss in two weights, a long valley. With the gradient of all images the steps zigzag across the"
        " valley; with mini-batches they scatter as well; with momentum they swing and run along the valley faster.",
        720,
        322,
    )
    ways = [
        ("all images", ["the exact gradient,", "one step an epoch"], {"rate": 0.09}),
        ("mini-batches (SGD)", ["a noisy gradient,", "many cheap steps an epoch"], {"rate": 0.09, "noise": 1.0}),
        ("momentum", ["v ← βv + g,  w ← w − ηv:", "past gradients add up"], {"rate": 0.06, "momentum": 0.6}),
    ]
    for number, (name, words, options) in enumerate(ways):
        left = 16 + number * 236
        sheet.text(left + 108, 28, name, "bold large")
        sheet.box(left, 42, 216, 170, kind="empty")
        where = _panel(left + 108, 127)
        for level in (1.8, 0.9, 0.35, 0.08):
            _contour(sheet, where, level)
        places = descend(**options)
        sheet.line(*map(where, places), kind="red")
        for place in places:
            sheet.circle(*where(place), 2.4, kind="red bare solid")
        sheet.circle(*where(places[0]), 5, kind="ink opaque")
        sheet.lines(left + 108, 236, words, "small")
        sheet.text(left + 108, 276, f"after {STEPS} steps: L = {loss(places[-1]):.4f}", "small muted number")
    settings = "η = 0.09; with momentum, on the exact gradient, η = 0.06 and β = 0.6"
    sheet.text(360, 308, f"From L = {loss(START):.2f} at the ring. {settings}.", "small muted")
    return sheet


def _panel(x: float, y: float) -> Callable[[tuple[float, float]], tuple[float, float]]:
    """From weights to places in a panel around a point."""
    return lambda place: (x + 54 * place[0], y - 94 * place[1])


def _contour(sheet: Sheet, where: Callable, level: float) -> None:
    """The line on which the loss has one height, an ellipse."""
    across, down = (2 * level / curvature for curvature in CURVATURES)
    (left, y), (right, top) = where((-(across**0.5), 0)), where((across**0.5, down**0.5))
    wide, high = (right - left) / 2, y - top
    half = f"a{wide:.1f} {high:.1f} 0 1 1"
    sheet.path(f"M{left:.1f} {y:g}{half} {2 * wide:.1f} 0{half} {-2 * wide:.1f} 0", "thin")


def chain_rule() -> Sheet:
    """Values forward, derivatives backward, through (w·x + b − y)²."""
    x, w, b, y = 2, 3, 1, 5
    z = w * x
    p = z + b
    e = p - y
    d = 2 * e  # ∂L/∂e, and through both sums also ∂L/∂p, ∂L/∂z and ∂L/∂b
    sheet = Sheet(
        "chain_rule",
        "The chain rule on a small graph",
        f"Forward, the values x = {x}, w = {w}, b = {b}, y = {y} give z = {z}, the prediction p = {p}, the error e ="
        f" {e} and the loss {e * e}. Backward, each node multiplies the derivative that reaches it by its own: ∂L/∂e ="
        f" {d}, ∂L/∂b = {d}, ∂L/∂w = {d * x}.",
        720,
        380,
    )
    nodes = {"×": 190, "+": 325, "−": 460, "( )²": 595}
    for words, at in nodes.items():
        sheet.circle(at, 130, 24, words, "purple")
    for (name, value), at in {("w", w): 70, ("x", x): 190}.items():
        sheet.box(24, at - 19, 74, 38, f"{name} = {value}", "blue" if name == "w" else "")
    for (name, value), at in {("b", b): 325, ("y", y): 460}.items():
        sheet.box(at - 37, 232, 74, 38, f"{name} = {value}", "blue" if name == "b" else "")
    _both_ways(sheet, (98, 74), (172, 113), "", f"∂L/∂w = {d}·x = {d * x}", (160, 62))
    _both_ways(sheet, (98, 186), (172, 147), "", f"∂L/∂x = {d}·w = {d * w}", (164, 208))
    _both_ways(sheet, (214, 130), (301, 130), f"z = {z}", f"∂L/∂z = {d}", (258, 162))
    _both_ways(sheet, (349, 130), (436, 130), f"p = {p}", f"∂L/∂p = {d}", (393, 162))
    _both_ways(sheet, (484, 130), (571, 130), f"e = {e}", f"∂L/∂e = {d}", (528, 162))
    _both_ways(sheet, (325, 232), (325, 154), "", f"∂L/∂b = {d}", (379, 205))
    sheet.arrow((460, 232), (460, 156), kind="ink")
    sheet.arrow((619, 130), (640, 130), kind="ink")
    sheet.box(642, 111, 60, 38, f"L = {e * e}", "green")
    sheet.arrow((24, 28), (64, 28), kind="ink")
    sheet.text(72, 33, "forward: values", "start small")
    sheet.arrow((224, 28), (184, 28), kind="red dash")
    sheet.text(232, 33, "backward: derivatives of the loss", "start small")
    sheet.box(24, 296, 672, 68)
    sheet.text(360, 322, "∂L/∂w  =  ∂L/∂e · ∂e/∂p · ∂p/∂z · ∂z/∂w", "bold")
    sheet.text(360, 348, f"=  2e · 1 · 1 · x  =  {d} · 1 · 1 · {x}  =  {d * x}", "number")
    return sheet


def _both_ways(sheet: Sheet, tail: tuple, head: tuple, value: str, derivative: str, at: tuple) -> None:
    """An arrow forward, and beside it one backward; the value above, the derivative at a place of its own."""
    (x0, y0), (x1, y1) = tail, head
    far = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    aside = (-(y1 - y0) / far * 10, (x1 - x0) / far * 10)
    sheet.arrow(tail, head, kind="ink")
    back = (x1 - (x1 - x0) * 0.06 + aside[0], y1 - (y1 - y0) * 0.06 + aside[1])
    forth = (x0 + (x1 - x0) * 0.06 + aside[0], y0 + (y1 - y0) * 0.06 + aside[1])
    sheet.arrow(back, forth, kind="red dash")
    if value:
        sheet.text((x0 + x1) / 2, (y0 + y1) / 2 - 10, value)
    sheet.text(*at, derivative, "small")
