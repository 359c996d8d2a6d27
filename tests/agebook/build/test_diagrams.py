"""Diagrams: what their files hold, that their numbers are right, and how they stand and live on a page."""

import base64
import inspect
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest
from browser import CHROMIUM

from agebook.build.chapters import REPOSITORY, read_chapter
from agebook.build.diagrams import attention, convolutions, data, learning, living, scaling
from agebook.build.diagrams.drawings import draw_all
from agebook.build.diagrams.sheet import PALETTE, STYLE
from agebook.build.launch import launch_copy
from agebook.build.npm import fetch_scripts
from agebook.build.pdf import join, write_pdf

FOLDER = REPOSITORY / "book" / "diagrams"
DRAWN = draw_all()
LIVE = {
    "step_convolution": "convolution",
    "follow_gradient": "gradient",
    "swin_windows": "windows",
    "slide_phi": "scaling",
}
SVG = "{http://www.w3.org/2000/svg}"

#: Inks and grounds of the drawings on their own: light, dark.
INK, MUTED, GROUND, LINE = (re.findall(rf"--{name}:(#\w+)", STYLE) for name in ("ink", "muted", "ground", "line"))


# -- the files


def test_the_files_are_what_is_drawn():
    """`python -m agebook.build.diagrams` writes them."""
    assert sorted(path.stem for path in FOLDER.glob("*.svg")) == sorted(DRAWN)
    for name, text in DRAWN.items():
        assert (FOLDER / f"{name}.svg").read_text(encoding="utf-8") == text, name


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_says_what_it_shows_and_asks_for_nothing(name):
    text = DRAWN[name]
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    title, description = root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text
    assert 5 < len(title) < 70
    assert description.endswith(".") and len(description) > 60 and "  " not in description
    assert len(text.encode()) < 15_000
    assert int(root.get("width")) <= 720
    assert root.get("data-live", "") == LIVE.get(name, "")
    outside = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|href|<script|<image|\bid=", outside)


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_has_no_colour_and_no_class_of_its_own(name):
    """So that every mark follows the page into the dark."""
    root = ElementTree.fromstring(DRAWN[name])
    known = set(re.findall(r"\.([a-z]+)", STYLE)) | {"number"}
    for mark in root.iter():
        if mark is not root:
            assert not {"fill", "stroke", "style", "color"} & set(mark.attrib)
        assert set(mark.get("class", "").split()) <= known
        assert mark.tag.removeprefix(SVG) != "text" or not set(mark.get("class", "").split()) & set(PALETTE)


def test_the_colours_are_those_of_the_figures():
    from agelib.plots import theme

    assert set(PALETTE.values()) <= set(theme.COLOURS)
    assert {part: PALETTE[colour] for part, colour in (("train", "blue"), ("valid", "orange"), ("test", "green"))} == (
        theme.PART_COLOURS
    )


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """By WCAG 2.2.

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def tinted(ground: str, colour: str, opacity: float) -> str:
    mixed = [
        round(opacity * int(colour[at : at + 2], 16) + (1 - opacity) * int(ground[at : at + 2], 16)) for at in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in mixed)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_can_be_read_on_every_tint(theme):
    wide = [f"#{''.join(2 * digit for digit in ground[1:])}" if len(ground) == 4 else ground for ground in GROUND]
    ground = wide[theme]
    for colour in [*PALETTE.values(), LINE[theme]]:
        assert contrast(INK[theme], tinted(ground, colour, 0.45)) >= 4.5, colour
        assert contrast(MUTED[theme], tinted(ground, colour, 0.16)) >= 4.5, colour
    assert contrast(MUTED[theme], ground) >= 4.5


# -- the numbers


def test_the_convolution_is_torchs():
    import torch

    image, kernel = (
        torch.tensor(each, dtype=torch.float)[None, None] for each in (convolutions.IMAGE, convolutions.KERNEL)
    )
    for stride, padding in ((1, 0), (1, 1), (2, 1)):
        made = torch.nn.functional.conv2d(image, kernel, stride=stride, padding=padding)[0, 0]
        assert made.tolist() == convolutions.convolve(convolutions.IMAGE, convolutions.KERNEL, stride, padding)


@pytest.mark.parametrize("layers", [convolutions.PLAIN, convolutions.POOLED])
def test_the_receptive_field_is_where_a_gradient_arrives(layers):
    import torch

    signal = torch.zeros(1, 1, 64, requires_grad=True)
    out, widths = signal, []
    for name, kernel, stride in layers:
        weight = torch.ones(1, 1, kernel)
        out = torch.nn.functional.conv1d(out, weight, stride=stride, padding=(kernel - 1) // 2 if name == "conv" else 0)
        (gradient,) = torch.autograd.grad(out[0, 0, out.shape[-1] // 2], signal, retain_graph=True)
        widths.append(int((gradient != 0).sum()))
    assert widths == convolutions.receptive_fields(layers)


def test_the_ways_down_are_those_of_torchs_optimiser():
    import torch

    for options in ({"rate": 0.09}, {"rate": 0.06, "momentum": 0.6}):
        place = torch.tensor(learning.START, dtype=torch.float64, requires_grad=True)
        optimiser = torch.optim.SGD([place], lr=options["rate"], momentum=options.get("momentum", 0))
        for wanted in learning.descend(**options)[1:]:
            optimiser.zero_grad()
            (place.square() * torch.tensor(learning.CURVATURES)).sum().div(2).backward()
            optimiser.step()
            assert place.tolist() == pytest.approx(wanted)


def test_the_chain_rule_is_autograds():
    import torch

    x, w, b = (torch.tensor(value, requires_grad=True) for value in (2.0, 3.0, 1.0))
    loss = (w * x + b - 5) ** 2
    loss.backward()
    words = DRAWN["chain_rule"]
    assert f"L = {loss.item():g}" in words
    for name, each in {"w": w, "x": x, "b": b}.items():
        assert re.search(rf"∂L/∂{name} = (?:\S+ = )?{each.grad.item():g}<", words), name


def autograd(**values):
    """The small network in torch: its values and derivatives under the names of the drawing."""
    import torch

    leaves = {
        name: torch.tensor(float(value), dtype=torch.float64, requires_grad=True) for name, value in values.items()
    }
    found = dict(leaves)
    for unit in ("1", "2"):
        found[f"z{unit}"] = found[f"w{unit}"] * found["x"] + found[f"b{unit}"]
        found[f"h{unit}"] = found[f"z{unit}"].relu()
    found["p"] = found["v1"] * found["h1"] + found["v2"] * found["h2"] + found["c"]
    loss = found["L"] = (found["p"] - found["y"]) ** 2
    for each in found.values():
        each.retain_grad()
    loss.backward()
    return {name: each.item() for name, each in found.items()} | {
        f"d{name}": each.grad.item() for name, each in found.items()
    }


def test_the_small_network_shows_a_relu_that_stops_a_gradient():
    found = living.propagate(**living.NETWORK)
    assert found["z1"] > 0 > found["z2"] and found["dh2"] != 0 == found["dz2"]
    assert living.propagate(**living.NETWORK | {"w1": 0.5})["dx"] == 0


def test_the_gradient_of_the_small_network_is_autograds():
    found = autograd(**living.NETWORK)
    for name, value in living.propagate(**living.NETWORK).items():
        assert value == pytest.approx(found[name]), name


def test_both_splits_deal_the_same_images_and_one_of_them_keeps_persons_whole():
    by_image, by_identity = ("".join(sets.values()) for sets in (data.BY_IMAGE, data.BY_IDENTITY))
    assert sorted(by_image) == sorted(by_identity)
    for sets, leak in ((data.BY_IMAGE, True), (data.BY_IDENTITY, False)):
        assert {person in sets["training set"] for person in sets["validation set"] + sets["test set"]} == {leak}
        assert len(sets["training set"]) == 8 and len(sets["validation set"]) == len(sets["test set"]) == 4
    assert not set(data.BY_IDENTITY["validation set"]) & set(data.BY_IDENTITY["test set"])


def test_attention_weights_are_torchs():
    import torch

    queries, keys = (torch.tensor(each, dtype=torch.float64)[None] for each in (attention.QUERIES, attention.KEYS))
    values = torch.eye(4, dtype=torch.float64)[None]
    weights = torch.nn.functional.scaled_dot_product_attention(queries, keys, values)[0]
    for row, wanted in zip(weights.tolist(), attention.attend(attention.QUERIES, attention.KEYS), strict=True):
        assert row == pytest.approx(wanted)


@pytest.mark.parametrize("network", scaling.PUBLISHED)
def test_the_published_networks_are_those_of_timm(network):
    import timm

    _, depth, width, pixels = scaling.PUBLISHED[network]
    name = f"tf_efficientnet_{network.lower()}"
    assert timm.get_pretrained_cfg(name).input_size == (3, pixels, pixels)
    source = inspect.getsource(timm.model_entrypoint(name))
    found = re.search(r"channel_multiplier=([\d.]+), depth_multiplier=([\d.]+)", source)
    assert (float(found[1]), float(found[2])) == (width, depth)


def swin_mask(shift):
    """Windows → 16 × 16: where Swin V2 of timm lets a patch attend to another."""
    from timm.models.swin_transformer_v2 import SwinTransformerV2Block

    block = SwinTransformerV2Block(8, (8, 8), num_heads=1, window_size=4, shift_size=shift)
    return (block.attn_mask == 0).tolist()


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_who_attends_to_whom_is_swins_mask(shift):
    for number, mask in enumerate(swin_mask(shift)):
        corner = (number // 2 * 4 + shift, number % 2 * 4 + shift)
        window = living.window_of((corner[0] % 8, corner[1] % 8), shift)
        assert mask == [[living.together(one, other, shift) for other in window] for one in window]


# -- on a page

CONFIGURATION = """
project = "Diagrams"
extensions = ["myst_nb", "agebook.build.sphinx_diagrams"]
html_theme = {theme!r}
html_static_path = [{static!r}]
html_css_files = ["book.css"]
html_context = {{"default_mode": "auto"}}
nb_execution_mode = "off"
numfig = True
exclude_patterns = ["book/diagrams"]
"""


def write_pages(folder, theme, **pages):
    """Sources of a site with all diagrams, and the named notebooks of one Markdown cell each."""
    shutil.copytree(FOLDER, folder / "book" / "diagrams")
    static = str(REPOSITORY / "book" / "_static")
    (folder / "conf.py").write_text(CONFIGURATION.format(theme=theme, static=static), encoding="utf-8")
    contents = "\n".join(f"notebooks/{name}" for name in pages)
    (folder / "index.md").write_text(f"# Diagrams\n\n```{{toctree}}\n{contents}\n```\n", encoding="utf-8")
    (folder / "notebooks").mkdir()
    for name, text in pages.items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
        nbformat.write(notebook, folder / "notebooks" / f"{name}.ipynb")


def build_pages(source, target, *options):
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", *options, str(source), str(target)]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)


def shown(name, below="*{title}.*"):
    title = re.search("<title>(.*?)</title>", DRAWN[name])[1]
    return f"![What {name} shows.](../book/diagrams/{name}.svg)\n\n{below.format(title=title)}\n"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Built pages: one with all diagrams, and one with none."""
    folder = tmp_path_factory.mktemp("pages")
    text = "\n".join(f"## {name}\n\n(fig-{name})=\n{shown(name)}\nSee {{numref}}`fig-{name}`.\n" for name in DRAWN)
    write_pages(folder / "source", "sphinx_book_theme", all=f"# All diagrams\n\n{text}", none="# None")
    done = build_pages(folder / "source", folder / "html", "-W", "-n", "--keep-going")
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def page(pages):
    return pages / "notebooks" / "all.html"


@pytest.mark.book
def test_a_diagram_stands_in_its_page_as_a_numbered_figure(page):
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    figures = soup.select("figure.diagram-figure")
    assert len(figures) == len(DRAWN)
    for number, (name, figure) in enumerate(zip(DRAWN, figures, strict=True), start=1):
        assert figure.select_one("svg")["aria-label"] == f"What {name} shows."
        assert not figure.select("title, desc, img")
        assert figure.select_one(".caption-number").text.strip() == f"Fig. {number}"
        assert soup.select_one(f'a[href="#fig-{name.replace("_", "-")}"]').text == f"Fig. {number}"
    assert not list((page.parents[1] / "_images").glob("*.svg"))


@pytest.mark.book
def test_scripts_come_only_to_pages_with_living_diagrams(pages):
    scripts = {
        name: re.findall(r"diagrams/(\w+)\.js", (pages / f"notebooks/{name}.html").read_text())
        for name in ("all", "none")
    }
    assert scripts == {"all": ["live", "convolution", "gradient", "scaling", "windows"], "none": []}


@pytest.mark.book
def test_what_the_build_refuses_and_what_it_leaves_alone(tmp_path):
    plain = shown("attention", "Text.")
    pages = {
        "one": f"# One\n\n{plain}\n{plain}",
        "two": "# Two\n\n![](../book/diagrams/mbconv.svg)",
        "three": "# Three\n\n![A dot](dot.svg)\n\n*Not a caption.*",
    }
    write_pages(tmp_path / "source", "basic", **pages)
    (tmp_path / "source" / "notebooks" / "dot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    done = build_pages(tmp_path / "source", tmp_path / "html", "-W", "--keep-going")
    assert done.returncode == 1
    assert "the diagram attention.svg stands twice on this page" in done.stderr
    assert "the diagram mbconv.svg has no text in its brackets" in done.stderr
    assert "dot.svg" not in done.stderr
    text = (tmp_path / "html" / "notebooks" / "three.html").read_text(encoding="utf-8")
    assert '<img alt="A dot"' in text and "<em>Not a caption.</em>" in text


#: For every diagram: words that leave it, words that touch others, and the smallest size of words.
LOOK = """[...document.querySelectorAll('svg.diagram')].map(svg => {
  const inside = svg.getBoundingClientRect(), scale = inside.width / svg.viewBox.baseVal.width;
  const words = [...svg.querySelectorAll('text')].filter(each => each.textContent.trim()).map(each => ({
    text: each.textContent, box: each.getBoundingClientRect(),
    size: parseFloat(getComputedStyle(each).fontSize) * scale,
  }));
  const leaves = ({ box }) => box.left < inside.left || box.right > inside.right
    || box.bottom > inside.bottom || box.top < inside.top;
  const before = (a, b) => a.right <= b.left + 1 || a.bottom <= b.top + 4;
  const apart = (a, b) => before(a, b) || before(b, a);
  return {
    out: words.filter(leaves).map(({ text }) => text),
    touching: words.flatMap((one, i) => words.slice(i + 1).filter(other => !apart(one.box, other.box))
      .map(other => `${one.text} | ${other.text}`)),
    smallest: Math.min(...words.map(({ size }) => size)),
  };
})"""

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.book
@pytest.mark.parametrize(("width", "mobile", "least"), [(1440, False, 12), (390, True, 11)])
def test_words_are_legible_whole_and_apart(browser, page, width, mobile, least):
    browser.resize(width, 1000, mobile=mobile)
    browser.open(page)
    for name, seen in zip(DRAWN, browser.value(LOOK), strict=True):
        assert seen["out"] == [], name
        assert seen["touching"] == [], name
        assert seen["smallest"] >= least, name
    assert browser.value(WIDE) <= 0
    assert browser.errors == []
    assert browser.outside == []


@pytest.mark.book
def test_everybody_can_use_the_diagrams(browser, page):
    (folder,) = fetch_scripts(REPOSITORY, listing="tests/scripts.yaml")
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    options = json.dumps({"runOnly": {"type": "tag", "values": rules}})
    for theme in ("light", "dark"):
        browser.resize(1280, 1600)
        browser.open(page)
        browser.value(f"document.documentElement.dataset.theme = document.documentElement.dataset.mode = '{theme}'")
        browser.value((folder / "axe.min.js").read_text(encoding="utf-8"))
        found = browser.value(
            f"axe.run('figure', {options}).then(result =>"
            " result.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html}`)))"
        )
        assert found == []
    small = browser.value(
        "[...document.querySelectorAll('.diagram-line :is(button, input, select)')].map(e => e.getBoundingClientRect())"
        ".filter(box => box.width < 44 || box.height < 44).length"
    )
    assert small == 0


#: The page's ink and what it becomes in the dark, as the first word of a diagram shows it.
INKED = "getComputedStyle(document.querySelector('svg.diagram text:not([class])')).fill"


@pytest.mark.book
def test_a_diagram_follows_the_page_into_the_dark(browser, page):
    browser.open(page)
    for theme in ("light", "dark"):
        browser.value(f"document.documentElement.dataset.theme = document.documentElement.dataset.mode = '{theme}'")
        browser.wait("document.getAnimations().every(each => each.playState !== 'running')")
        assert browser.value(INKED) == browser.value(
            "getComputedStyle(document.querySelector('article section > p')).color"
        )
        assert browser.value("getComputedStyle(document.querySelector('svg.diagram > .ground')).fill") == "none"


@pytest.mark.book
def test_the_diagrams_print(pages, browser, tmp_path):
    joined = join(pages.resolve(), ["notebooks/none", "notebooks/all"])
    assert joined.count("<svg") == len(DRAWN)
    assert "<script" not in joined and "diagram-controls" not in joined
    file = write_pdf(pages, ["notebooks/none", "notebooks/all"], tmp_path / "diagrams.pdf")
    assert file.read_bytes().startswith(b"%PDF-")


# -- alive


def within(name):
    """A living diagram's figure, as JavaScript finds it."""
    return f"document.querySelector('svg[data-live=\"{LIVE[name]}\"]').closest('figure')"


def press(browser, name, words):
    assert browser.value(
        f"[...{within(name)}.querySelectorAll('button')]"
        f".find(each => (each.ariaLabel ?? each.textContent) === '{words}').click() ?? true"
    )


def texts(browser, name, key):
    """What stands in the marks with a data- attribute: its value → the words."""
    found = browser.value(
        f"Object.fromEntries([...{within(name)}.querySelectorAll('svg [data-{key}]')]"
        f".filter(e => e.tagName === 'text').map(e => [e.dataset.{key}, e.textContent]))"
    )
    return {place: words.replace("−", "-").removeprefix("× ") for place, words in found.items()}


def enter(browser, name, selector, place, value):
    browser.value(
        f"(() => {{ const e = {within(name)}.querySelectorAll('{selector}')[{place}]; e.value = '{value}';"
        " e.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )


@pytest.fixture
def opened(browser, page):
    browser.resize()
    browser.open(page, until="document.querySelectorAll('.diagram-controls').length === 4")
    yield browser
    assert browser.errors == []
    assert browser.outside == []


@pytest.mark.book
def test_stepping_through_a_convolution(opened):
    import torch

    name = "step_convolution"
    opened.value(f"{within(name)}.querySelector('.diagram-frame').focus()")
    opened.key("Home")
    assert [words for words in texts(opened, name, "output").values() if words] == ["9"]
    opened.key("ArrowRight")
    press(opened, name, "Next")
    assert list(texts(opened, name, "output").values())[:4] == ["9", "8", "-8", ""]
    press(opened, name, "Back")
    kernel = [0.5, -2, 1, 0, 3, -1, 1, 1, -4]
    for place, weight in enumerate(kernel):
        enter(opened, name, "input[type=number]", place, weight)
    opened.key("End")
    image = torch.tensor(convolutions.IMAGE, dtype=torch.float)[None, None]
    wanted = torch.nn.functional.conv2d(image, torch.tensor(kernel).view(1, 1, 3, 3)).flatten().tolist()
    assert [float(words) for words in texts(opened, name, "output").values()] == wanted
    rows = texts(opened, name, "sum")
    assert sum(float(words) for words in rows.values()) == wanted[-1]
    for number, line in texts(opened, name, "terms").items():
        terms = [term.replace("(", "").replace(")", "").split("·") for term in line.split(" + ")]
        assert sum(float(weight) * float(value) for weight, value in terms) == float(rows[number])
    assert f"the sum is {wanted[-1]:g}".replace("-", "−") in opened.value(
        f"{within(name)}.querySelector('[role=status]').textContent"
    )


@pytest.mark.book
@pytest.mark.parametrize(("x", "w1"), [(1.5, 2.0), (-1.2, 0.7), (2.3, -1.4)])
def test_following_a_gradient_back(opened, x, w1):
    name = "follow_gradient"
    for place, value in enumerate((x, w1)):
        enter(opened, name, "input[type=range]", place, value)
    assert texts(opened, name, "value")["L"] == "?" and not any(texts(opened, name, "derivative").values())
    opened.value(f"{within(name)}.querySelector('.diagram-frame').focus()")
    for _ in range(4):
        opened.key("ArrowRight")
    assert texts(opened, name, "value")["L"] != "?" and not any(texts(opened, name, "derivative").values())
    opened.key("End")
    found = autograd(**living.NETWORK | {"x": x, "w1": w1})
    for place, words in texts(opened, name, "value").items():
        assert float(words) == pytest.approx(found[place], abs=0.00501), place
    derivatives = texts(opened, name, "derivative")
    assert len(derivatives) == 10
    for place, words in derivatives.items():
        assert float(words) == pytest.approx(found[f"d{place}"], abs=0.00501), place


@pytest.mark.book
@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_moving_swins_windows(opened, shift):
    name = "swin_windows"
    enter(opened, name, "input[type=range]", 0, shift)
    opened.value(f"{within(name)}.querySelector('.diagram-frame').focus()")
    for _ in range(8):
        opened.key("ArrowUp")
        opened.key("ArrowLeft")
    mask = swin_mask(shift) if shift else [[[True] * 16] * 16] * 4
    window, inner = ((8 - shift) % 8 // 4 * 3, (8 - shift) % 4 * 5)
    assert texts(opened, name, "count") == {
        "0": "attends to 16 patches",
        "1": f"attends to {sum(mask[window][inner])} patches",
    }
    side = 12
    blocked = opened.value(f"{within(name)}.querySelector('[data-part=mask]').getAttribute('d')")
    cells = {((int(y) - 66) // side, (int(x) - 500) // side) for x, y in re.findall(r"M(\d+) (\d+)h", blocked)}
    assert cells == {(i, j) for i in range(16) for j in range(16) if not mask[window][i][j]}
    press(opened, name, "Patch below")
    said = opened.value(f"{within(name)}.querySelector('[role=status]').textContent")
    assert said.startswith("Patch in row 2, column 1: it attends to 16 patches in W-MSA")


@pytest.mark.book
def test_a_click_chooses_a_patch(opened):
    name = "swin_windows"
    opened.value(f"{within(name)}.scrollIntoView()")
    left, top, scale = opened.value(
        f"(() => {{ const svg = {within(name)}.querySelector('svg'), box = svg.getBoundingClientRect();"
        " return [box.left, box.top, box.width / svg.viewBox.baseVal.width]; })()"
    )
    at = {"x": left + (256 + 26 * 3.5) * scale, "y": top + (66 + 26 * 4.5) * scale}
    for kind in ("mousePressed", "mouseReleased"):
        opened.ask("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)
    said = opened.value(f"{within(name)}.querySelector('[role=status]').textContent")
    assert said.startswith("Patch in row 5, column 4: it attends to 16 patches in W-MSA and to 16 in SW-MSA")


@pytest.mark.book
def test_sliding_phi(opened):
    name = "slide_phi"
    for network, (phi, *_) in scaling.PUBLISHED.items():
        press(opened, name, f"Go to {network}, φ = {phi:g}")
        depth, width, pixels, cost = scaling.scaled(phi)
        wanted = {"φ": phi, "depth": depth, "width": width, "resolution": pixels, "multiply-adds": cost}
        for key, words in texts(opened, name, "value").items():
            assert float(words) == pytest.approx(wanted[key], abs=0.501 if key == "resolution" else 0.00501)
    opened.value(f"{within(name)}.querySelector('.diagram-frame').focus()")
    opened.key("ArrowLeft")
    assert texts(opened, name, "value")["φ"] == "5.9"
    assert opened.value(f"{within(name)}.querySelector('input').value") == "5.9"


@pytest.mark.book
def test_nothing_plays_for_readers_who_asked_for_that(browser, page):
    plays = "[...document.querySelectorAll('.diagram-line button')].filter(b => b.textContent === 'Play').length"
    browser.open(page)
    assert browser.value(plays) == 2
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    browser.open(page)
    assert browser.value(plays) == 0
    browser.ask("Emulation.setEmulatedMedia", features=[])


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.book
@pytest.mark.parametrize("name", ["split_and_leak", "attention"])
def test_alone_a_drawing_lies_on_a_card_of_its_own(browser, name, tmp_path):
    """As JupyterLab shows it: whatever is behind it, its ground is opaque."""
    browser.resize(720, 400)
    browser.open(FOLDER / f"{name}.svg")
    for scheme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 27, 34)")):
        browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        assert browser.value("getComputedStyle(document.querySelector('.ground')).fill") == ground
    browser.ask("Emulation.setEmulatedMedia", features=[])


# -- away from the repository


def test_a_copy_for_no_known_address_carries_its_diagrams(chapter):
    repository = chapter.path.parents[1]
    (repository / "book" / "diagrams").mkdir(parents=True)
    (repository / "book" / "diagrams" / "mbconv.svg").write_text(DRAWN["mbconv"], encoding="utf-8")
    notebook = nbformat.read(chapter.path, as_version=4)
    notebook.cells.append(nbformat.v4.new_markdown_cell("![A block.](../book/diagrams/mbconv.svg)"))
    nbformat.write(notebook, chapter.path)
    (cell,) = (cell for cell in launch_copy(read_chapter(chapter.path))["cells"] if "A block." in cell["source"])
    (found,) = re.findall(r"!\[A block\.\]\(data:image/svg\+xml;base64,(\S+)\)", cell["source"])
    assert base64.b64decode(found).decode() == DRAWN["mbconv"]
