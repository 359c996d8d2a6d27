"""The published pages, as a browser without a network sees them, and as people with other eyes and hands use them."""

import json
import re
import shutil
import threading
import urllib.error
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import FOLDER, packed_size

from agebook.build import serve_site
from agebook.build.chapters import REPOSITORY, read_contents
from agebook.build.npm import fetch_scripts
from agebook.build.pdf import join, write_pdf
from agelib.runtime.workspace import write_json

pytestmark = pytest.mark.book

PAGES = [*read_contents(REPOSITORY), "search"]

#: What a page may weigh with all that it loads, in bytes on the disk.
LANDING, PAGE = 500_000, 2_000_000

#: The rules that are judged: WCAG 2.0 to 2.2, levels A and AA.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

#: What is asked of every page: pictures that failed, pictures without words, widgets still undrawn, headings.
LOOK = """(() => {
  const pictures = [...document.images];
  return {
    title: document.querySelector('h1')?.innerText ?? '',
    broken: pictures.filter(i => i.complete && !i.naturalWidth).map(i => i.src.slice(0, 200)),
    silent: pictures.filter(i => !i.alt.trim() && !i.closest('.navbar-brand')).map(i => i.src.slice(0, 200)),
    levels: [...document.querySelectorAll('main :is(h1, h2, h3, h4, h5, h6)')].map(h => +h.tagName[1]),
    formulas: document.querySelectorAll('.math').length,
    drawnFormulas: document.querySelectorAll('.math .katex').length,
    faultyFormulas: document.querySelectorAll('.katex-error').length,
    widgets: document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]').length,
    drawnWidgets: document.querySelectorAll('.jupyter-widgets').length,
  };
})()"""

#: How much wider a page is than its window.
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def axe():
    """The script that judges a page."""
    (folder,) = fetch_scripts(REPOSITORY, listing="tests/scripts.yaml")
    return (folder / "axe.min.js").read_text(encoding="utf-8")


def violations(browser, rules=None, without=()) -> list[str]:
    """What axe finds wrong with the page: rule, place, and why."""
    options = {
        "runOnly": rules or {"type": "tag", "values": RULES},
        "resultTypes": ["violations"],
        "rules": {rule: {"enabled": False} for rule in without},
    }
    found = browser.value(
        f"axe.run(document, {json.dumps(options)}).then(result => result.violations.flatMap(rule =>"
        " rule.nodes.map(node => `${rule.id}: ${node.target} ${node.html.slice(0, 120)} ${node.failureSummary}`)))"
    )
    assert found is not None, "axe did not run"
    return found


def test_the_first_page_says_who_is_drawn_on_it():
    from agebook.build.artwork import AGES, PERSON, PICTURES
    from agelib.drawn.people import make_person

    text = " ".join((REPOSITORY / "book" / "index.md").read_text(encoding="utf-8").split())
    assert f"this person at {', '.join(map(str, AGES[:-1]))} and {AGES[-1]}; from the third" in text
    person = make_person(PERSON, PICTURES)
    dyed = [person.dyes and person.dye_from <= age <= person.dye_until for age in AGES]
    assert dyed == [False, False, True, True, True, True, False, False], "from the third face to the sixth"


def test_the_site_begins_at_its_index(html, browser):
    browser.resize()
    browser.open(html / "index.html", until="document.querySelector('h1')")
    assert browser.value("document.querySelector('h1').innerText") == "Estimating age from faces"
    assert browser.errors == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_without_a_network(html, browser, page):
    widgets = "document.querySelectorAll('script[type$=\"widget-view+json\"]').length"
    browser.resize()
    browser.open(html / f"{page}.html", until=f"!{widgets} || document.querySelector('.jupyter-widgets')")
    painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    browser.wait(painted)
    browser.picture(FOLDER / "screenshots" / f"{Path(page).name}.png")
    # A page that loads pictures as one scrolls has to have been scrolled.
    browser.value("document.querySelectorAll('img').forEach(i => { i.loading = 'eager' })")
    browser.wait("[...document.images].every(i => i.complete)")
    seen, errors, outside = browser.value(LOOK), browser.errors, browser.outside
    assert seen["title"]
    assert seen["broken"] == []
    assert seen["silent"] == [], "every picture needs an alt text: cell metadata mystnb.image.alt"
    assert seen["levels"][0] == 1
    steps = zip(seen["levels"], seen["levels"][1:], strict=False)
    assert all(below <= above + 1 for above, below in steps), "a heading skips a level"
    assert seen["faultyFormulas"] == 0
    assert seen["drawnFormulas"] == seen["formulas"]
    assert seen["drawnWidgets"] >= seen["widgets"]
    assert errors == []
    assert outside == []
    loaded = {unquote(urlsplit(address).path) for address in browser.requests if address.startswith("file:")}
    files = [Path(path) for path in loaded if Path(path).is_file()]
    weight = sum(file.stat().st_size for file in files)
    write_json(
        FOLDER / "weights" / f"{Path(page).name}.json",
        {
            "page": page,
            "bytes": weight,
            "packed": sum(map(packed_size, files)),
            "first_paint_ms": browser.value(painted),
        },
    )
    assert weight <= (LANDING if page == PAGES[0] else PAGE), sorted(
        ((file.stat().st_size, file.name) for file in files), reverse=True
    )[:8]


@pytest.mark.parametrize("page", PAGES)
def test_everybody_can_use_a_page(html, browser, axe, page):
    """By the rules of WCAG, in light and dark, on a desk and on a telephone."""
    browser.resize()
    browser.open(html / f"{page}.html")
    browser.value(axe)
    assert violations(browser) == []
    browser.value("document.documentElement.dataset.theme = document.documentElement.dataset.mode = 'dark'")
    browser.wait("document.getAnimations().every(each => each.playState !== 'running')")
    assert violations(browser, ["color-contrast"]) == [], "in the dark"
    browser.resize(400, 800, mobile=True)
    browser.open(html / f"{page}.html")
    browser.value(axe)
    assert violations(browser, without=["color-contrast"]) == [], "on a telephone"
    assert browser.value(WIDE) <= 0, "something is wider than the page"


def test_the_search_finds_a_word_without_a_server(html, browser):
    browser.resize()
    browser.open((html / "search.html").as_uri() + "?q=imbalance")
    assert browser.wait("document.querySelectorAll('#search-results li').length > 2")
    found = browser.value("[...document.querySelectorAll('#search-results li a')].map(a => a.href)")
    assert any("13_imbalance.html" in address for address in found)
    assert browser.errors == []


def test_a_wrong_address_is_answered_with_a_page_that_leads_on(html, browser, axe, tmp_path):
    shutil.copy(html / "404.html", tmp_path / "404.html")
    shutil.copy(html / "404.html", tmp_path / "index.html")
    (tmp_path / "ages").symlink_to(html)  # where the site of the tests says that it is published
    browser.resize()
    with serve_site.open_server(tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        with pytest.raises(urllib.error.HTTPError, match="404") as answered:
            urllib.request.urlopen(f"{address}/ages/notebooks/moved.html")
        assert b"No such page" in answered.value.read()
        browser.open(f"{address}/ages/404.html")
        assert browser.value("document.querySelector('article h1').innerText") == "No such page"
        assert browser.errors == []
        browser.value(axe)
        assert violations(browser) == []
        browser.value("[...document.querySelectorAll('nav a')].find(a => a.innerText === 'Introduction').click()")
        assert browser.wait("document.querySelector('article h1')?.innerText.startsWith('Introduction')")
        server.shutdown()


def test_nothing_moves_for_readers_who_asked_for_that(html, browser):
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    browser.open(html / f"{PAGES[0]}.html")
    moving = "[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0)"
    assert browser.value(f"{moving}.length") == 0
    browser.ask("Emulation.setEmulatedMedia", features=[])
    assert browser.value(f"{moving}.length") > 0


class Page(HTMLParser):
    """The places and links of a page."""

    def __init__(self, text):
        super().__init__()
        self.places, self.links = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.places |= {values[name] for name in ("id", "name") if values.get(name)}
        for name in ("href", "src"):
            if values.get(name):
                self.links.append(values[name])


def test_no_link_inside_the_site_leads_nowhere(html):
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in html.rglob("*.html")}
    nowhere, looked = [], 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            looked += 1
            rooted = parts.path.startswith("/")  # the page for wrong addresses names them from the site's root
            base = Path(str(html.resolve()) + parts.path.removeprefix("/ages")) if rooted else path.parent / parts.path
            there = Path(unquote(str(base if parts.path else path))).resolve()
            place = unquote(parts.fragment)
            if not there.exists() or (place and there in pages and place not in pages[there].places):
                nowhere.append(f"{path.name}: {link}")
    assert looked > 1000
    assert nowhere == []


def test_every_chapter_says_how_it_was_run(html):
    for page in PAGES:
        if page.startswith("notebooks/"):
            text = (html / f"{page}.html").read_text(encoding="utf-8")
            assert "This page was run" in text
            assert "profile smoke" in text


def test_pages_show_no_path_of_this_machine(html):
    for path in html.rglob("*.html"):
        assert str(REPOSITORY) not in path.read_text(encoding="utf-8"), path


def test_search_engines_get_a_map_and_links_a_card(html):
    addresses = re.findall("<loc>(.*?)</loc>", (html / "sitemap.xml").read_text(encoding="utf-8"))
    listed = {f"https://example.org/ages/{page}.html" for page in PAGES if page not in ("search", "genindex")}
    assert listed | {"https://example.org/ages/index.html"} == set(addresses)
    assert len(addresses) == len(set(addresses))
    for address in addresses:
        assert (html / address.removeprefix("https://example.org/ages/")).is_file(), address
    page = (html / f"{PAGES[0]}.html").read_text(encoding="utf-8")
    card = re.search('<meta property="og:image" content="https://example.org/ages/([^"]+)"', page)
    assert (html / card[1]).is_file()


def test_the_whole_book_prints(html, browser, tmp_path):
    before = sorted(path.name for path in html.iterdir())
    file = write_pdf(html, read_contents(REPOSITORY), tmp_path / "book.pdf")
    data = file.read_bytes()
    assert data.startswith(b"%PDF-")
    pages = max(map(int, re.findall(rb"/Type /Pages\s*/Count (\d+)", data)), default=0)
    assert pages > 100
    assert sorted(path.name for path in html.iterdir()) == before


def test_in_print_links_lead_to_places_of_the_same_file(html):
    book = Page(join(html.resolve(), read_contents(REPOSITORY)))
    inner = [link for link in book.links if link.startswith("#")]
    assert len(inner) > 200
    assert [link for link in inner if link[1:] not in book.places] == []
    files = [link for link in book.links if link.startswith("file:")]
    assert len(files) > 50
    assert [link for link in files if not Path(unquote(urlsplit(link).path)).is_file()] == []
