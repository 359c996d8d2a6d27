"""A Sphinx extension (named in ``_config.yml``): pages ask no other server for anything.

Jupyter Book adds the scripts of thebe, which runs cells on a remote machine, to every page, whether a page has a button
for it or not. They are taken out again here.
"""


def setup(app) -> dict:
    """Register with Sphinx."""
    # After every extension that adds scripts (500 is the usual priority).
    app.connect("html-page-context", remove_remote_cells, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def remove_remote_cells(app, pagename, templatename, context, doctree) -> None:
    """Leave thebe's scripts and styles out of a page."""
    for kind in ("script_files", "css_files"):
        if kind in context:
            context[kind] = [file for file in context[kind] if "thebe" not in _description(file)]


def _description(file) -> str:
    """What a script says of itself: its name, and its text if it stands in the page."""
    return f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', {}).get('body', '')}".lower()
