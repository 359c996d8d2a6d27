"""A site made light: styles and icons that no page uses are taken out, and pictures are packed tighter.

The theme brings styles, icons and scripts for every page that anybody might write. Here it is known which pages there
are, so that a reader on a slow line waits for what is shown and for nothing else. Measured on the pages of chapters 4
to 7, as a server packs them: 174 to 449 KB each, and 468 to 903 KB without; styles are 63 KB of the difference, icons
153 KB, images 77 to 259 KB.
"""

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

#: Words of pages and scripts that may be the name of a class or an element.
WORD = re.compile(r"[A-Za-z_][\w-]*")

#: The icon font of the theme, below the static folder; the other ones show no icon of ours.
ICONS = Path("vendor", "fontawesome", "webfonts", "fa-solid-900")

#: A picture of more bytes may be packed with loss: with this quality, if it stays this true (peak signal-to-noise
#: ratio, in decibels; 40 are an error of 2.6 of 256 levels, as a root mean square).
LARGE, QUALITY, FIDELITY = 150_000, 90, 40.0


def drop_leftovers(static: Path) -> None:
    """Throw away what no page asks for: maps for developers, templates, scripts whose work is done."""
    done = (static / "scripts" / "fontawesome.js", static / "katex" / "katex.min.js")
    for path in (*static.rglob("*.map"), *static.glob("*.html"), *done):
        path.unlink(missing_ok=True)


def drop_unused_styles(static: Path, pages: Iterable[str]) -> None:
    """Leave in the style sheets and in the icon font what the pages can meet.

    Parameters
    ----------
    static : pathlib.Path
        The site's folder of styles and scripts. Packages in folders of their own bring their own styles.
    pages : iterable of str
        The HTML of every page.
    """
    scripts = [path.read_text(encoding="utf-8") for path in (*static.glob("*.js"), *static.glob("scripts/*.js"))]
    words = set(WORD.findall("\n".join([*pages, *scripts])))
    styles = [*static.glob("*.css"), *static.glob("styles/*.css")]
    for path in styles:
        path.write_text(without_unused(path.read_text(encoding="utf-8"), words), encoding="utf-8")
    _keep_icons(static, styles)


def without_unused(style: str, words: set[str]) -> str:
    """A style sheet without the rules that no page can meet.

    A rule stays if for one of its selectors every class and every id is among the words.

    >>> without_unused(".a .b, .c {color: red} @media print {.d {margin: 0} .a {margin: 1px}}", {"a", "c"})
    '.c {color: red}@media print{.a {margin: 1px}}'
    """
    import tinycss2

    rules = tinycss2.parse_stylesheet(style, skip_comments=True, skip_whitespace=True)
    return "".join(_kept(rules, words))


def _kept(rules: Iterable, words: set[str]) -> Iterator[str]:
    import tinycss2

    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [each for each in _split(rule.prelude) if _names(each) <= words]
            if selectors:
                yield f"{','.join(map(tinycss2.serialize, selectors)).strip()} {{{tinycss2.serialize(rule.content)}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports", "layer") and rule.content:
            inside = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            kept = "".join(_kept(inside, words))
            if kept:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude).rstrip()}{{{kept}}}"
        elif rule.type != "error":
            yield rule.serialize()


def _split(prelude: list) -> list[list]:
    """The selectors of a rule, which commas separate."""
    selectors: list[list] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def _names(selector: list) -> set[str]:
    """Classes and ids that a selector asks for; those within :not() and the like are left open."""
    names, before = set(), None
    for token in selector:
        if token.type == "hash" or (token.type == "ident" and before == "."):
            names.add(token.value)
        before = token.value if token.type == "literal" else None
    return names


def _keep_icons(static: Path, styles: list[Path]) -> None:
    """Leave in the icon font what the style sheets still name, and throw the other icon fonts away."""
    from fontTools import subset

    text = "".join(path.read_text(encoding="utf-8") for path in styles)
    # Icons lie in Unicode's private area; a style sheet that was written anew holds the characters themselves.
    codes = {ord(icon) for icon in re.findall("[\ue000-\uf8ff]", text)}
    fonts = static / ICONS.parent
    source = (static / ICONS).with_suffix(".ttf")
    if not source.is_file():
        return
    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=True)
    font = subset.load_font(str(source), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    for path in fonts.iterdir():
        path.unlink()
    subset.save_font(font, str((static / ICONS).with_suffix(".woff")), options)
    address = r'url\(([^)]*fa-solid-900)\.woff2\) format\("woff2"\),\s*url\([^)]*\) format\("truetype"\)'
    other = r"@font-face\s*\{[^}]*fa-(?:brands|regular|v4compatibility)[^}]*\}"
    for path in styles:
        sheet = re.sub(other, "", path.read_text(encoding="utf-8"))
        path.write_text(re.sub(address, r'url(\1.woff) format("woff")', sheet), encoding="utf-8")


def pack_pictures(folder: Path, packed: Path) -> set[str]:
    """Write the PNG files of a folder as WebP where that is smaller; return the names without endings.

    Every browser of the last years reads WebP, and in plots it takes half of the bytes, without loss. What is large
    even so is a grid of portraits; it is packed with a small loss (see :func:`pack`).
    """

    packed.mkdir(parents=True, exist_ok=True)
    wanted = {path.stem for path in folder.glob("*.png")}
    for path in packed.glob("*.webp"):
        if path.stem not in wanted:
            path.unlink()
    smaller = set()
    for path in sorted(folder.glob("*.png")):
        kept = packed / f"{path.stem}.webp"
        if not kept.is_file():
            kept.write_bytes(pack(path.read_bytes()))
        if kept.stat().st_size < path.stat().st_size:
            (folder / kept.name).write_bytes(kept.read_bytes())
            path.unlink()
            smaller.add(path.stem)
    return smaller


def pack(png: bytes) -> bytes:
    """A PNG file as WebP: without loss, or where that takes more than :data:`LARGE` bytes, with :data:`FIDELITY`.

    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (40, 30), "teal").save(file, "PNG")
    >>> Image.open(io.BytesIO(pack(file.getvalue()))).getpixel((3, 3))
    (0, 128, 128)
    """
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(png)) as picture:
        opaque = picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255)
        picture = picture.convert("RGB") if opaque else picture.copy()
    exact, loose = io.BytesIO(), io.BytesIO()
    picture.save(exact, "WEBP", lossless=True)
    if exact.tell() <= LARGE or picture.mode != "RGB":
        return exact.getvalue()
    picture.save(loose, "WEBP", quality=QUALITY)
    difference = np.asarray(picture, float) - np.asarray(Image.open(loose), float)
    fidelity = 10 * np.log10(255**2 / max(np.square(difference).mean(), 1e-9))
    return (loose if fidelity >= FIDELITY else exact).getvalue()
