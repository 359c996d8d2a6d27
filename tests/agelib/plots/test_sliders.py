"""Living figures: what they weigh, what each state says, and what a browser without a network makes of them."""

import base64
import io
import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from cells import Cells
from PIL import Image

from agelib.plots import sliders

LABELS = ["1 year", "10 years", "90 years"]
WORDS = ["A child.", "Half-grown & <small>.", "Old; $x$ is no formula."]


def curves(slopes=(0, 1, 2)):
    """Figures of one size that differ in one line."""
    figures = []
    for slope in slopes:
        figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
        axis.plot([0, 1], [0, slope])
        axis.set(xlabel="age (years)", ylim=(0, 2))
        plt.close(figure)
        figures.append(figure)
    return figures


def greys(levels=(0, 100, 255), side=64):
    return [np.full((side, side, 3), level, np.uint8) for level in levels]


def states(shown):
    return json.loads(re.search(r'<script type="application/json">(.+?)</script>', shown.html)[1])


def decoded(address):
    head, data = address.split(",", 1)
    assert head == "data:image/webp;base64"
    return np.array(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"))


def test_every_state_has_its_label_its_words_and_its_text_alternative():
    shown = sliders.figure(greys(), "age", LABELS, WORDS, "A square.", start=1)
    each = states(shown)["each"]
    assert [state["label"] for state in each] == LABELS
    assert [state["words"] for state in each] == WORDS
    assert [state["alt"] for state in each] == [f"A square. age: {label}." for label in LABELS]
    assert repr(shown) == f"A square. age: 10 years (of 3: {', '.join(LABELS)}). {WORDS[1]}"


def test_the_control_has_a_label_an_output_and_a_place_and_is_hidden_without_a_script():
    page = Page(sliders.figure(greys(), "age", LABELS, WORDS, "A square.", start=1).html)
    control = page.only("input")
    assert (control["type"], control["min"], control["max"], control["value"]) == ("range", "0", "2", "1")
    assert control["aria-valuetext"] == "10 years"
    assert control["data-lm-suppress-shortcuts"] == "true", "JupyterLab would keep the arrow keys to itself"
    assert page.only("label")["for"] == page.only("output")["for"] == control["id"]
    assert "hidden" in page.all("p")[0]
    assert page.only("img")["alt"] == "A square. age: 10 years."


def test_a_choice_is_a_group_of_radio_buttons():
    page = Page(sliders.figure(greys(), "groups", LABELS, WORDS, "A square.", choice=True).html)
    buttons = page.all("input")
    assert {button["type"] for button in buttons} == {"radio"}
    assert len({button["name"] for button in buttons}) == 1
    assert ["checked" in button for button in buttons] == [True, False, False]
    assert "hidden" in page.only("fieldset")


class Page(Cells):
    """Tags of a living figure; tags without an end are known, and scripts are left alone."""

    def handle_starttag(self, tag, attributes):
        if tag in ("img", "input"):
            self.attributes.append((tag, dict(attributes)))
        else:
            super().handle_starttag(tag, attributes)

    def all(self, tag):
        return [attributes for name, attributes in self.attributes if name == tag]

    def only(self, tag):
        (found,) = self.all(tag)
        return found


def test_what_the_page_puts_together_is_what_was_drawn():
    figures = curves()
    found = states(shown := sliders.figure(figures, "slope", "abc", "abc", "A line.", start=0))
    assert found["differences"] and found["each"][0]["picture"] == ""
    still = decoded(Page(shown.html).only("img")["src"])
    for figure, state in zip(figures[1:], found["each"][1:], strict=True):
        over = decoded(state["picture"])
        together = np.where(over[..., 3:] == 255, over, still)[..., :3]
        assert np.array_equal(together, sliders.pixels_of(figure))
        assert 0 < (over[..., 3] > 0).mean() < 0.25, "only what differs is stored"


def test_a_figure_is_twice_as_sharp_as_the_page_shows_it():
    picture = Page(sliders.figure(curves(), "slope", "abc", "abc", "A line.").html).only("img")
    assert (picture["width"], picture["height"]) == ("600", "300")
    assert decoded(picture["src"]).shape[:2] == (600, 1200)


def test_twenty_seven_figures_fit_into_the_limit_and_what_does_not_is_refused():
    slopes = np.linspace(0, 2, 27)
    with plt.rc_context(plt.rcParamsDefault | {"backend": plt.rcParams["backend"]}):  # as no other test has set it
        shown = sliders.figure(curves(slopes), "slope", slopes, slopes, "A line.")
    assert len(shown.html.encode()) < sliders.LIMIT / 2
    noise = np.random.default_rng(0).integers(0, 255, (9, 400, 400, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"living figure 'noise': .* take fewer states or smaller frames"):
        sliders.figure(list(noise), "noise", range(9), range(9), "Noise.")


def test_figures_with_photographs_are_stored_with_a_little_loss_if_they_must_be():
    figures = []
    for seed in range(3):
        figure, axis = plt.subplots(figsize=(5, 4))
        axis.imshow(np.random.default_rng(seed).random((12, 15, 3)), interpolation="bicubic")
        plt.close(figure)
        figures.append(figure)
    found = states(shown := sliders.figure(figures, "seed", range(3), range(3), "Noise."))
    assert not found["differences"] and len(shown.html.encode()) <= sliders.LIMIT
    off = np.abs(decoded(found["each"][1]["picture"])[..., :3].astype(int) - sliders.pixels_of(figures[1]))
    assert off.mean() < 15


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"labels": LABELS[:2]}, "3 frames, 2 labels and 3 sentences"),
        ({"words": ["a", " ", "c"]}, "each state needs its words"),
        ({"alt": ""}, "each state needs its words"),
        ({"start": 3}, "there is no state 3"),
        ({"frames": [*greys()[:2], np.zeros((8, 8, 3), np.uint8)]}, "different sizes"),
        ({"frames": [np.zeros((8, 8), float)] * 3}, "uint8 .H, W, 3., not float64"),
    ],
)
def test_what_does_not_fit_together_is_named(change, complaint):
    given = {"frames": greys(), "name": "age", "labels": LABELS, "words": WORDS, "alt": "A square."} | change
    with pytest.raises(ValueError, match=complaint):
        sliders.figure(**given)


def test_one_state_needs_no_control():
    shown = sliders.figure(greys((9,)), "age", ["1 year"], ["A child."], "A square.")
    assert "<input" not in shown.html and "<script" not in shown.html and "A child." in shown.html


def test_nothing_moves_by_itself_and_nothing_is_asked_of_another_server():
    shown = sliders.figure(greys(), "age", LABELS, WORDS, "A square.").html
    assert not re.search(r"animation|transition|setInterval|setTimeout|requestAnimationFrame", shown)
    assert not re.search(r"https?:|import\b|fetch\(|XMLHttp", shown)


def test_the_same_figure_gives_the_same_page_and_two_figures_have_two_ids():
    first, again = (sliders.figure(greys(), "age", LABELS, WORDS, "A square.").html for _ in range(2))
    other = sliders.figure(greys(), "light", LABELS, WORDS, "A square.").html
    assert first == again
    assert re.search('id="(.+?)"', first)[1] != re.search('id="(.+?)"', other)[1]


#: What a reader has before them: the control, the words, and the pixel in the middle of the picture as it is painted.
SEEN = """(() => {
  const [living, ...others] = document.querySelectorAll(".agelib-living");
  const picture = living.querySelector("img");
  const control = living.querySelector("input:checked, input[type=range]");
  return {
    value: control.value, said: control.getAttribute("aria-valuetext"), shown: control.checkVisibility(),
    output: living.querySelector("output")?.textContent, words: living.querySelector("[aria-live]").textContent,
    alt: picture.alt, other: others.map(o => o.querySelector("[aria-live]").textContent),
  };
})()"""


def press(page, *keys):
    """Press keys; the browser moves a slider by the number of a key, not by its name."""
    for key in keys:
        number = {"ArrowRight": 39, "ArrowLeft": 37, "Tab": 9, "End": 35}[key]
        for kind in ("rawKeyDown", "keyUp"):
            page.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=number)


def painted(browser):
    """The picture of the first living figure as the screen has it: [H, W, 3]."""
    place = browser.value(
        "(({x, y, width, height}) => ({x, y, width, height, scale: 1}))"
        "(document.querySelector('.agelib-living img').getBoundingClientRect())"
    )
    data = browser.ask("Page.captureScreenshot", format="png", clip=place)["data"]
    return np.array(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)


def write_page(path, *figures):
    parts = "".join(figure.html for figure in figures)
    path.write_text(f"<!doctype html><html lang=en><meta charset=utf-8><title>A page</title><h1>A page</h1>{parts}")
    return path


@pytest.mark.book
def test_the_arrow_keys_change_picture_label_and_words(browser, tmp_path):
    figures = curves()
    first = sliders.figure(figures, "slope", LABELS, WORDS, "A line.", start=0)
    second = sliders.figure(greys(), "age", LABELS, WORDS, "A square.", start=2)
    browser.open(write_page(tmp_path / "page.html", first, second))
    before, still = browser.value(SEEN), painted(browser)
    assert before["shown"] and before["output"] == before["said"] == LABELS[0]

    press(browser, "Tab", "ArrowRight", "ArrowRight")
    after = browser.value(SEEN)
    assert (after["value"], after["output"], after["said"], after["words"]) == ("2", *LABELS[2:] * 2, WORDS[2])
    assert after["alt"] == "A line. slope: 90 years."
    assert after["other"] == [WORDS[2]], "the other figure stays as it is"
    shown = painted(browser)
    assert np.abs(shown - still).max() > 100

    press(browser, "ArrowLeft", "ArrowLeft")
    assert browser.value(SEEN)["words"] == WORDS[0]
    assert np.array_equal(painted(browser), still)
    assert browser.errors == []
    assert {address.partition(":")[0] for address in browser.requests} == {"file", "data"}


@pytest.mark.book
@pytest.mark.parametrize("width", [1280, 320])
def test_no_trace_is_left_of_the_picture_before(browser, tmp_path, width):
    figures = curves()
    moved, fresh = (sliders.figure(figures, "slope", LABELS, WORDS, "A line.", start=start) for start in (0, 2))
    browser.resize(width)
    browser.open(write_page(tmp_path / "moved.html", moved))
    press(browser, "Tab", "End")
    after = painted(browser)
    browser.open(write_page(tmp_path / "fresh.html", fresh))
    off = np.abs(after - painted(browser)).max(axis=2)
    assert (off > 3).mean() < 0.0005


@pytest.mark.book
def test_radio_buttons_answer_the_arrow_keys(browser, tmp_path):
    shown = sliders.figure(greys(), "light", LABELS, WORDS, "A square.", choice=True)
    browser.open(write_page(tmp_path / "page.html", shown))
    press(browser, "Tab", "ArrowRight")
    after = browser.value(SEEN)
    assert (after["value"], after["words"], after["alt"]) == ("1", WORDS[1], "A square. light: 10 years.")
    assert np.abs(painted(browser) - 100).max() < 4


@pytest.mark.book
def test_without_scripts_there_is_a_picture_with_words_and_no_control(browser, tmp_path):
    page = write_page(tmp_path / "page.html", sliders.figure(greys(), "light", LABELS, WORDS, "A square.", start=1))
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        found = browser.value(SEEN)
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert not found["shown"] and found["words"] == WORDS[1]
    assert np.abs(painted(browser) - 100).max() < 4
