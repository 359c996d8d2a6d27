"""The app: a page on one's own machine that says of each face in a picture what ``agelib predict`` says.

:mod:`~agebook.app.server` starts the page's server (Voilà on ``notebooks/app.ipynb``) · :mod:`~agebook.app.page` is the
widget in it · :mod:`~agebook.app.inference` goes from a picture's bytes to a table · :mod:`~agebook.app.render` from
the table to what is read. Pictures stay in memory: none is written anywhere or sent elsewhere. Explained in
"Building the book" and in chapter 25.
"""

__all__ = ["page"]


def page(run: str = "", model: str = "", detector: str = "cascade", level: float = 0.9):
    """The widget that ``agebook app`` shows. What was typed to that command counts; elsewhere the arguments do.

    Parameters
    ----------
    run : str
        Folder of a finished run, or the name that ``agelib train`` printed.
    model : str
        Folder of an exported model. Without either, the model that comes with the book.
    detector : str
        As for :func:`agelib.deploy.shipped.choose`.
    level : float
        Share of pictures whose interval holds the true age.
    """
    from agebook.app.page import Page
    from agebook.app.server import Options

    options = Options.read(Options(run, model, detector, level=level))
    return Page(options.choose(), options.detector, options.level)
