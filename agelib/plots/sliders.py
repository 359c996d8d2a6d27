"""Living figures: a slider over prepared pictures that works on a page without a kernel, a network or a library.

What the slider shows is drawn once, by the chapter. The pictures lie in the page itself, so a figure must be small:
the first picture is stored whole, of every other one only what differs from it. The control is a control of HTML
(``input`` and ``output``), so keyboard, screen reader and touch work as everywhere; nothing moves by itself. Without
JavaScript the figure is the first picture with its words, and no control is shown.

One mechanism serves JupyterLab and the page alike. Widgets with a kernel are in :mod:`agelib.plots.explorers`.
"""

import base64
import hashlib
import html
import io
import json

import numpy as np

from agelib.plots.show import Shown

#: A living figure is at most so large, in bytes: seven of them fit into a page with room for all the rest.
LIMIT = 300_000

#: Pixels for each pixel of the page, so that lines are sharp on screens of high density.
DENSITY = 2

#: What the page runs: show the picture, the label and the words that belong to the control's place.
SCRIPT = """
(() => {
  const living = document.getElementById("%s");
  const states = JSON.parse(living.querySelector('script[type="application/json"]').textContent);
  const [picture, words] = [living.querySelector("img"), living.querySelector("[aria-live]")];
  const [control, output] = [living.querySelector("[hidden]"), living.querySelector("output")];
  const still = picture.src;
  if (states.differences) {
    Object.assign(picture.style, { backgroundImage: `url("${still}")`, backgroundOrigin: "content-box",
      backgroundSize: "100%% 100%%", backgroundRepeat: "no-repeat", printColorAdjust: "exact" });
  }
  living.addEventListener("input", ({ target }) => {
    const state = states.each[Number(target.value)];
    picture.src = state.picture || still;
    picture.alt = state.alt;
    words.textContent = state.words;
    if (output) {
      output.textContent = state.label;
      target.setAttribute("aria-valuetext", state.label);
    }
  });
  control.hidden = false;
})();
"""


#: What every control says: JupyterLab has a use of its own for the arrow keys, and leaves them alone where it is asked
#: to; a browser that remembers places of sliders would show another place than the picture's.
CONTROL = 'data-lm-suppress-shortcuts="true" autocomplete="off"'


def figure(frames, name: str, labels, words, alt: str, start: int = 0, choice: bool = False) -> Shown:
    """A picture for each state, and a slider (or a few radio buttons) that goes from one to the next.

    With one state, as where a chapter was given one setting only, it is a picture with its words and no control.

    Parameters
    ----------
    frames : list
        One a state, all of one size: matplotlib figures, or pictures uint8 [H, W, 3], which the page
        shows at half their size in pixels. Pictures of people are not for pages; give drawn ones.
    name : str
        What the control changes; its label.
    labels : list of str
        One a state, a few characters with the unit: ``"10 years"``.
    words : list of str
        One a state: a sentence that says what is to be seen in it. It stands below the picture.
    alt : str
        What all the pictures show. A picture's text alternative is this and its label.
    start : int
        The state that is shown first.
    choice : bool
        Radio buttons instead of a slider: for a few states without an order.

    Raises
    ------
    ValueError
        If numbers or sizes do not agree, a text is empty, or the figure is larger than :data:`LIMIT`.

    Examples
    --------
    >>> grey = [np.full((8, 8, 3), level, np.uint8) for level in (0, 255)]
    >>> shown = figure(grey, "light", ["off", "on"], ["All is black.", "All is white."], "A square.")
    >>> shown
    A square. light: off (of 2: off, on). All is black.
    >>> shown.html.count("<input"), "https:" in shown.html
    (1, False)
    """
    frames, labels, words = list(frames), [str(label) for label in labels], [str(text) for text in words]
    if not frames or len({len(frames), len(labels), len(words)}) != 1:
        found = f"{len(frames)} frames, {len(labels)} labels and {len(words)} sentences"
        raise ValueError(f"living figure {name!r}: {found}; give as many of each, one at least")
    if not all(text.strip() for text in (name, alt, *labels, *words)):
        raise ValueError(f"living figure {name!r}: a name, alt, label or sentence is empty; each state needs its words")
    if not 0 <= start < len(frames):
        raise ValueError(f"living figure {name!r}: there is no state {start} to start with; there are {len(frames)}")
    pixels = [pixels_of(frame) for frame in frames]
    sizes = {each.shape for each in pixels}
    if len(sizes) != 1:
        raise ValueError(f"living figure {name!r}: frames have different sizes ({sorted(sizes)}); draw all of one size")
    alts = [f"{alt} {name}: {label}." for label in labels]
    for differences in (False,) if isinstance(frames[0], np.ndarray) else (True, False):
        pictures = _differences(pixels, start) if differences else [encode(each, quality=80) for each in pixels]
        made = _page(pictures, name, labels, words, alts, start, choice, differences, pixels[0].shape)
        if len(made.encode()) <= LIMIT:
            text = f"{alts[start][:-1]} (of {len(labels)}: {', '.join(labels)}). {words[start]}"
            return Shown(text, html=made)
    size = f"{len(made.encode()):,} bytes, and {LIMIT:,} are the most that a page should carry"
    raise ValueError(f"living figure {name!r}: {size}; take fewer states or smaller frames")


def pixels_of(frame) -> np.ndarray:
    """A frame as uint8 [H, W, 3]; a matplotlib figure at its own size, not cut to its contents.

    >>> pixels_of(np.zeros((4, 6, 3), np.uint8)).shape
    (4, 6, 3)
    """
    if isinstance(frame, np.ndarray):
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(f"a frame is uint8 [H, W, 3], not {frame.dtype} {list(frame.shape)}")
        return frame
    import matplotlib.pyplot as plt
    from PIL import Image

    buffer = io.BytesIO()
    with plt.rc_context({"savefig.bbox": "standard"}):
        frame.savefig(buffer, format="png", dpi=100 * DENSITY, pil_kwargs={"compress_level": 1})
    return np.array(Image.open(buffer).convert("RGB"))


def _differences(pixels: list, start: int) -> list[str]:
    """The start whole, and of each other picture what differs from it on a transparent ground; without any loss."""
    pictures = []
    for each in pixels:
        differs = _widen((each != pixels[start]).any(axis=2))
        # Colours below what is transparent are never seen; black ones compress best.
        shown = np.dstack([np.where(differs[..., None], each, 0), np.where(differs, 255, 0)]).astype(np.uint8)
        pictures.append(encode(shown))
    return [*pictures[:start], encode(pixels[start]), *pictures[start + 1 :]]


def _widen(mask: np.ndarray, reach: int = 8) -> np.ndarray:
    """A mask with a rim of `reach` pixels around it.

    A browser that shows a picture smaller mixes neighbouring pixels: at the mask's edge the two pictures must be equal.
    """
    import cv2

    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)).astype(bool)


def encode(pixels: np.ndarray, quality: int = 0) -> str:
    """Pixels [H, W, 3 or 4] as the address of a WebP picture in the page; lossless without a quality.

    >>> encode(np.zeros((4, 6, 3), np.uint8))[:22]
    'data:image/webp;base64'
    """
    from PIL import Image

    buffer = io.BytesIO()
    options = {"quality": quality} if quality else {"lossless": True, "quality": 50}
    # More effort than this takes many times as long and saves a few percent.
    Image.fromarray(pixels).save(buffer, "WEBP", method=2, **options)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _page(pictures, name, labels, words, alts, start, choice, differences, shape) -> str:
    """The HTML of a living figure; its id is a key of its content, so the same figure gives the same page."""
    each = [
        {"picture": "" if number == start else picture, "label": label, "words": text, "alt": alt}
        for number, (picture, label, text, alt) in enumerate(zip(pictures, labels, words, alts, strict=True))
    ]
    data = json.dumps({"differences": differences, "each": each}, ensure_ascii=False).replace("</", "<\\/")
    key = "living-" + hashlib.sha256((pictures[start] + data).encode()).hexdigest()[:10]
    control = (_radio_buttons if choice else _slider)(key, name, labels, start) if len(labels) > 1 else ""
    script = f'<script type="application/json">{data}</script>\n<script>{SCRIPT % key}</script>' if control else ""
    height, width = (side // DENSITY for side in shape[:2])
    return f"""<div class="agelib-living" id="{key}" role="group" aria-label="{html.escape(name)}">
{control}
<img src="{pictures[start]}" alt="{html.escape(alts[start])}" width="{width}" height="{height}" \
style="max-width: 100%; height: auto">
<p aria-live="polite">{html.escape(words[start])}</p>
{script}
</div>"""


def _slider(key: str, name: str, labels: list, start: int) -> str:
    first = html.escape(labels[start])
    return (
        f'<p hidden><label for="{key}-control">{html.escape(name)}</label> '
        f'<input id="{key}-control" type="range" min="0" max="{len(labels) - 1}" step="1" value="{start}" '
        f'{CONTROL} aria-valuetext="{first}" style="width: min(100%, 20rem); vertical-align: middle"> '
        f'<output for="{key}-control">{first}</output></p>'
    )


def _radio_buttons(key: str, name: str, labels: list, start: int) -> str:
    buttons = " ".join(
        f'<label style="white-space: nowrap; margin-right: 1em"><input type="radio" name="{key}" value="{number}" '
        f"{CONTROL}{' checked' * (number == start)}> {html.escape(label)}</label>"
        for number, label in enumerate(labels)
    )
    legend = f'<legend style="float: none; font-size: inherit; margin: 0">{html.escape(name)}</legend>'
    return f"<fieldset hidden>{legend}{buttons}</fieldset>"
