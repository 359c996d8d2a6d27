"""The last hand on a built site: pages that load what they use, whose controls and pictures say what they are.

What the theme and the notebooks leave undone is done here, on the finished HTML, so that it holds for every page.
"""

import re
from pathlib import Path
from xml.sax.saxutils import escape

from agebook.build.minify import drop_leftovers, drop_unused_styles, pack_pictures

#: The index of the whole book and what reads it: of use on the page "Search" alone.
SEARCH_SCRIPT = re.compile(
    r"<script[^>]*(?:searchtools|language_data|searchindex)\.js[^>]*>\s*</script>\s*", re.IGNORECASE
)

#: The options of the search, after which it is told to fetch no excerpts where a browser lets no page fetch.
SEARCH_OPTIONS = re.compile(r"<script[^>]*documentation_options\.js[^>]*>\s*</script>")
NO_EXCERPTS = '<script>if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;</script>'

#: The theme's script that would draw the icons anew: the font shows them already.
ICON_SCRIPT = re.compile(r"<script[^>]*fontawesome\.js[^>]*>\s*</script>\s*|<link[^>]*fontawesome\.js[^>]*>\s*")

#: Names for screen readers. Where they are not what stands on a control, what stands there is the better name; where
#: nothing stands on it, it gets one.
NAMES = (
    (re.compile(r'(<button class="[^"]*search-button-field[^"]*"[^>]*?) aria-label="[^"]*"'), r"\1"),
    (re.compile(r'<summary aria-label="[^"]*">'), "<summary>"),
    (
        re.compile(r'<summary>(?=<span class="toctree-toggle")'),
        '<summary aria-label="Show or hide the chapters of this part">',
    ),
    # A role that the standard has withdrawn.
    (re.compile(r'(<div class="citation"[^>]*?) role="doc-biblioentry"'), r'\1 role="listitem"'),
)

#: Pages that are for those who are on the site already.
UNLISTED = ("404.html", "search.html", "genindex.html")

#: Where pictures are no pictures of the page: inside scripts, such as the state of a widget.
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)

#: A picture, and an address inside the site that is a picture's.
IMAGE = re.compile(r"<img\b[^>]*>")
PICTURE = re.compile(r'((?:src|href)="(?:[^":]*/)?_images/)([\w.-]+)\.png"')


def finish(html: Path, packed: Path, address: str = "") -> None:
    """Go over all pages of a built site, in place.

    Parameters
    ----------
    html : pathlib.Path
        Folder of the site.
    packed : pathlib.Path
        Folder that keeps packed pictures for the next build.
    address : str
        Where the site will be published, with a slash at the end; without it, it has no map for search engines.

    Raises
    ------
    ValueError
        If a picture has no alternative text, with the page and the remedy.
    """
    drop_leftovers(html / "_static")
    pages = {path: corrected(path.read_text(encoding="utf-8"), path.stem == "search") for path in html.rglob("*.html")}
    silent = [f"{path.relative_to(html)}: {image[:160]}" for path, page in pages.items() for image in wordless(page)]
    if silent:
        raise ValueError(
            "pictures without an alternative text (the cell's metadata mystnb.image.alt, or the text in ![…]):\n"
            + "\n".join(silent)
        )
    drop_unused_styles(html / "_static", pages.values())
    smaller = pack_pictures(html / "_images", packed)
    for path, page in pages.items():
        path.write_text(PICTURE.sub(lambda found: _renamed(found, smaller), page), encoding="utf-8")
    if address:
        names = sorted(path.relative_to(html).as_posix() for path in pages)
        (html / "sitemap.xml").write_text(site_map(address, names), encoding="utf-8")


def site_map(address: str, pages: list[str]) -> str:
    """The map of a site for search engines (sitemaps.org, 0.9), without the pages that nobody looks for.

    >>> print(site_map("https://example.org/", ["404.html", "index.html", "book/results.html"]))
    <?xml version="1.0" encoding="UTF-8"?>
    <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
    <url><loc>https://example.org/index.html</loc></url>
    <url><loc>https://example.org/book/results.html</loc></url>
    </urlset>
    """
    found = [f"<url><loc>{escape(address + page)}</loc></url>" for page in pages if page not in UNLISTED]
    begin = ['<?xml version="1.0" encoding="UTF-8"?>', '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">']
    return "\n".join([*begin, *found, "</urlset>"])


def corrected(page: str, searches: bool = False) -> str:
    """A page without scripts that it has no use for, and with controls that are called what they are.

    >>> corrected('<summary aria-label="Toggle hidden content"><p>Show a solution</p></summary>')
    '<summary><p>Show a solution</p></summary>'
    """
    page = ICON_SCRIPT.sub("", page)
    if searches:
        page = SEARCH_OPTIONS.sub(lambda found: found[0] + NO_EXCERPTS, page)
    else:
        page = SEARCH_SCRIPT.sub("", page)
    for pattern, better in NAMES:
        page = pattern.sub(better, page)
    return page


def wordless(page: str) -> list[str]:
    """The pictures of a page that have no alternative text, or their file's name in its place.

    The theme's logo may be silent: its name stands beside it.

    >>> wordless('<img alt="A curve that falls" src="a.png"><img src="b.png"><img alt="_images/c.png" src="c.png">')
    ['<img src="b.png">', '<img alt="_images/c.png" src="c.png">']
    """
    found = []
    for image in IMAGE.findall(SCRIPT.sub("", page)):
        words = re.search(r'\balt="([^"]*)"', image)
        if "logo__image" in image:
            continue
        if not words or not words[1].strip() or re.search(r"\.(png|jpe?g|svg|webp)$", words[1].strip()):
            found.append(image)
    return found


def _renamed(found: re.Match, smaller: set[str]) -> str:
    return f'{found[1]}{found[2]}.webp"' if found[2] in smaller else found[0]
