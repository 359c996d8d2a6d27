"""The command of the app: ``app``. Explained in "Building the book"."""

from agelib.cli.models import add_manner, add_source


def add(commands) -> None:
    """Add the command to the parser's."""
    app = commands.add_parser(
        "app", help="a page on this machine: a picture in, what `agelib predict` says of each face out"
    )
    add_source(app)
    add_manner(app)
    app.add_argument("--port", type=int, default=8866, help="where the page is served (default: 8866)")
    app.add_argument("--ip", default="127.0.0.1", help="for whom: 127.0.0.1 (default) is this machine and nobody else")
    app.add_argument("--no-browser", action="store_true", help="open no browser")
    app.set_defaults(command=_app, ends_by_itself=True)


def _app(chosen) -> int:
    from agebook.app.server import Options, serve

    options = Options(chosen.run or "", str(chosen.model or ""), chosen.detector, chosen.margin, chosen.level)
    return serve(options, chosen.port, chosen.ip, browser=not chosen.no_browser)
