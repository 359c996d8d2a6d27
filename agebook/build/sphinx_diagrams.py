"""A Sphinx extension (named in ``_config.yml``): a diagram stands in its page, and takes the colours of the page.

In a chapter a diagram is an image of Markdown, which JupyterLab shows too; the build puts the SVG itself in its place,
so that it follows the page from light to dark. A paragraph in italics below it is its caption::

    ![A kernel lies over a part of an image …](../book/diagrams/convolution.svg)

    *A convolution: one weighted sum for each position.*

The text in brackets is what readers hear who do not see the diagram. A diagram that names a script comes to life with
it: see ``book/_static/diagrams/live.js``.
"""

import re
from pathlib import Path
from xml.sax.saxutils import quoteattr

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

#: Where diagrams lie, below the folder of all pages.
FOLDER = Path("book", "diagrams")

#: The script that every living diagram needs; its own comes after it.
LIVE = re.compile(r'\bdata-live="([a-z_]+)"')

log = logging.getLogger(__name__)


def setup(app) -> dict:
    """Register with Sphinx."""
    app.add_transform(InlineDiagrams)
    app.add_css_file("diagrams/diagrams.css")
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class InlineDiagrams(SphinxTransform):
    """Make a figure of each paragraph that is a diagram and nothing else."""

    #: Before figures get their numbers (210), and labels before them become theirs (260).
    default_priority = 205

    def apply(self, **options) -> None:
        """Go over the page."""
        shown = set()
        for paragraph in list(self.document.findall(nodes.paragraph)):
            image = paragraph[0] if len(paragraph) == 1 else None
            file = self._diagram(image) if isinstance(image, nodes.image) else None
            if not file:
                continue
            if file in shown:
                log.warning("the diagram %s stands twice on this page", file.name, location=paragraph)
            if not image.get("alt"):
                log.warning("the diagram %s has no text in its brackets", file.name, location=paragraph)
            shown.add(file)
            self.env.note_dependency(str(file))
            raw = nodes.raw("", framed(file.read_text(encoding="utf-8"), image.get("alt", "")), format="html")
            figure = nodes.figure("", raw, classes=["diagram-figure"])
            figure.source, figure.line = paragraph.source, paragraph.line
            caption = paragraph.next_node(descend=False, siblings=True)
            if isinstance(caption, nodes.paragraph) and [type(each) for each in caption] == [nodes.emphasis]:
                figure += nodes.caption("", "", *caption[0].children)
                caption.parent.remove(caption)
            paragraph.replace_self(figure)

    def _diagram(self, image: nodes.image) -> Path | None:
        """The file of an image that is a diagram."""
        page = Path(self.env.doc2path(self.env.docname))
        file = Path(self.env.srcdir, page.parent, image["uri"]).resolve()
        ours = file.parent == Path(self.env.srcdir, FOLDER).resolve() and file.suffix == ".svg"
        return file if ours and file.is_file() else None


def framed(svg: str, words: str) -> str:
    """A diagram as it stands in a page: in a frame that can be moved where the page is narrower.

    Parameters
    ----------
    svg : str
        The file's text, as :class:`agebook.build.diagrams.sheet.Sheet` writes it.
    words : str
        What it shows, for those who do not see it; its own title would appear beside the mouse.

    Examples
    --------
    >>> svg = '<svg class="diagram" width="90" role="img"><title>A cat</title><desc>It sits.</desc></svg>'
    >>> print(framed(svg, "A cat that sits"))
    <div class="diagram-frame" style="--width:90px" tabindex="0" role="group" aria-label="Diagram: A cat">
    <svg class="diagram" width="90" role="img" aria-label="A cat that sits"></svg>
    </div>
    """
    title = re.search("<title>(.*?)</title>", svg)[1]
    width = re.search(r'\bwidth="(\d+)"', svg)[1]
    svg = re.sub("<title>.*?</title><desc>.*?</desc>", "", svg, flags=re.DOTALL)
    svg = svg.replace('role="img"', f'role="img" aria-label={quoteattr(words)}', 1).strip()
    frame = f'class="diagram-frame" style="--width:{width}px" tabindex="0" role="group" aria-label="Diagram: {title}"'
    return f"<div {frame}>\n{svg}\n</div>"


def add_scripts(app, pagename, templatename, context, doctree) -> None:
    """Give a page the scripts of the diagrams that live on it."""
    names = sorted(set(LIVE.findall(context.get("body", ""))))
    for name in ["live", *names] if names else []:
        app.add_js_file(f"diagrams/{name}.js", loading_method="defer")
