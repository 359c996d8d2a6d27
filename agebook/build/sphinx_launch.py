"""A Sphinx extension (named in ``_config.yml``): buttons that open a chapter on Colab, Kaggle or Binder.

The theme's own know no Kaggle, and open the notebook that a page was made of; ours open the chapter's copy with the
set-up cell, see :mod:`agebook.build.launch`.
"""

from agebook.build.launch import links

#: What stands on a button.
ICONS = {"Binder": "_static/images/logo_binder.svg", "Colab": "_static/images/logo_colab.png", "Kaggle": "fas fa-k"}


def setup(app) -> dict:
    """Register with Sphinx."""
    app.add_config_value("agebook_repository", {}, "html")
    # After the theme, which begins the list of buttons (500 is the usual priority).
    app.connect("html-page-context", add_buttons, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_buttons(app, pagename, templatename, context, doctree) -> None:
    """Give a chapter's page its buttons, if the build knows where the repository is."""
    where, folder, name = app.config.agebook_repository, *pagename.rpartition("/")[::2]
    if not where or "header_buttons" not in context:
        return
    _replace_brands(context["header_buttons"])
    if folder != "notebooks":
        return
    buttons = [
        {"type": "link", "text": text, "tooltip": f"Open this chapter on {text}", "icon": ICONS[text], "url": url}
        for text, url in links(where["url"], where["branch"], name).items()
    ]
    group = {"type": "group", "tooltip": "Run this chapter elsewhere", "icon": "fas fa-rocket"}
    context["header_buttons"].insert(0, group | {"buttons": buttons, "label": "launch-buttons"})


def _replace_brands(buttons: list[dict]) -> None:
    """Icons of companies come from a font that the finished site leaves out; without one a button is empty."""
    for button in buttons:
        if str(button.get("icon")).startswith("fab "):
            button["icon"] = "fas fa-code-branch"
        _replace_brands(button.get("buttons", []))
