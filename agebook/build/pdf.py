"""The whole book as one PDF: the articles of the finished pages, one after the other, printed by a browser."""

import os
import platform
import posixpath
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from agelib.runtime.workspace import write_whole

#: Names under which Chromium, or what is built on it, is installed.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")

#: Where it lies on systems on which programs are not found by their names.
PLACES = {
    "Darwin": (
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "Windows": tuple(
        rf"%{folder}%\{program}"
        for program in (r"Google\Chrome\Application\chrome.exe", r"Microsoft\Edge\Application\msedge.exe")
        for folder in ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData")
    ),
}

#: What makes sense on a screen alone: anchors that appear under the mouse, buttons, scripts and their substitutes.
SCREEN = ("a.headerlink", "button", "script", ".hero-buttons", ".prev-next-area", "noscript")

#: Seconds that printing may take.
PATIENCE = 600


def find_browser() -> str:
    """The Chromium of this machine.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    places = map(os.path.expandvars, PLACES.get(platform.system(), ()))
    found = next(filter(None, map(shutil.which, (*BROWSERS, *places))), None)
    if not found:
        raise RuntimeError("the PDF is printed by Chromium, and there is none here: install the package chromium")
    return found


def write_pdf(html: Path, pages: list[str], file: Path) -> Path:
    """Print the book.

    Parameters
    ----------
    html : pathlib.Path
        Folder of the finished site.
    pages : list of str
        Its pages in the book's order, without endings.
    file : pathlib.Path
        Where the PDF goes; it is written whole.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ValueError
        If there is no site.
    RuntimeError
        If there is no browser to print with, or it fails.
    """
    browser = find_browser()
    if not (html / f"{pages[0]}.html").is_file():
        raise ValueError(f"no pages in {html}; build the book first: make book")
    # A child of Chromium may write into its profile while that is removed.
    passing = tempfile.TemporaryDirectory(prefix="book-", ignore_cleanup_errors=True)
    with write_whole(file) as temporary, passing as folder:
        one = Path(folder, "book.html")
        one.write_text(join(html.resolve(), pages), encoding="utf-8")
        command = [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile"),
            *("--no-pdf-header-footer", "--generate-pdf-document-outline"),
            *(f"--print-to-pdf={temporary.resolve()}", one.as_uri()),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode or not temporary.is_file():
            raise RuntimeError(f"{browser} could not print the book: {done.stderr.strip()[-500:]}")
    return file


def join(html: Path, pages: list[str]) -> str:
    """One page of many: their articles in order, their links leading to each other.

    Parameters
    ----------
    html : pathlib.Path
        Folder of the site.
    pages : list of str
        As for :func:`write_pdf`; one that has no article is left out.
    """
    from bs4 import BeautifulSoup

    soups = {page: BeautifulSoup((html / f"{page}.html").read_text(encoding="utf-8"), "html.parser") for page in pages}
    articles = {page: article for page, soup in soups.items() if (article := soup.select_one("article"))}
    names = {page: page.replace("/", "-") for page in articles}
    for page, article in articles.items():
        _open_up(article)
        _lead(article, html, page, names)
        article["id"] = names[page]
    sheets = "\n".join(
        f'<link rel="stylesheet" href="{_address(html, pages[0], link["href"])}">'
        for link in soups[pages[0]].select('head link[rel="stylesheet"]')
    )
    printed = "\n".join(f'<div class="printed">{article}</div>' for article in articles.values())
    return (
        '<!DOCTYPE html>\n<html lang="en" data-theme="light"><head><meta charset="utf-8">\n'
        f"<title>Estimating age from faces</title>\n{sheets}</head>\n<body>\n{printed}\n</body></html>\n"
    )


def _inside(page: str, link: str) -> str:
    """Where in the site a page's link leads, as a path from the site's folder."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(urlsplit(link).path)))


def _address(html: Path, page: str, link: str) -> str:
    return (html / _inside(page, link)).as_uri()


def _open_up(article) -> None:
    """Take out what is for a screen, and lay open what is folded."""
    for pattern in SCREEN:
        for element in article.select(pattern):
            element.decompose()
    for element in article.select("details"):
        element["open"] = ""
    for element in article.select("img[loading]"):
        del element["loading"]
    for element in article.select(".dropdown, .toggle"):
        element["class"] = [name for name in element["class"] if name not in ("dropdown", "toggle", "toggle-hidden")]


def _lead(article, html: Path, page: str, names: dict[str, str]) -> None:
    """Give a page's places, pictures and links addresses that hold for the whole book, wherever it lies."""
    for element in article.select("[id]"):
        element["id"] = f"{names[page]}--{element['id']}"
    for attribute in ("aria-labelledby", "aria-describedby", "for"):
        for element in article.select(f"[{attribute}]"):
            element[attribute] = f"{names[page]}--{element[attribute]}"
    for attribute, tag in (("src", ""), ("href", "link")):
        for element in article.select(f"{tag}[{attribute}]"):
            if not urlsplit(element[attribute]).scheme:
                element[attribute] = _address(html, page, element[attribute])
    for element in article.select("a[href]"):
        parts = urlsplit(element["href"])
        if parts.scheme or parts.netloc:
            continue
        other = _inside(page, element["href"]).removesuffix(".html") if parts.path else page
        if other in names:
            element["href"] = f"#{names[other]}--{parts.fragment}" if parts.fragment else f"#{names[other]}"
        else:
            del element["href"]
