"""What tests share: a workspace of their own, and the real data sets where a machine has them."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A test's time says more about what else the machine does than about the code.
settings.register_profile("book", deadline=None)
settings.load_profile("book")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def workspace(tmp_path_factory):
    """Send everything that agelib makes to a temporary folder, so that no test sees what another run left."""
    folder = tmp_path_factory.mktemp("workspace")
    before = os.environ.get("AGELIB_HOME")
    os.environ["AGELIB_HOME"] = str(folder)
    yield folder
    if before is None:
        del os.environ["AGELIB_HOME"]
    else:
        os.environ["AGELIB_HOME"] = before


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets: what AGELIB_REAL_DATA names, or `shared/data` beside the repository."""
    named = os.environ.get("AGELIB_REAL_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set AGELIB_REAL_DATA to test against the published files")
    return folder


@pytest.fixture(scope="session")
def browser():
    """A real browser; see :mod:`browser`."""
    from browser import CHROMIUM, Browser

    if CHROMIUM is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    opened = Browser()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def html() -> Path:
    """The whole book in the smoke profile; built by whichever test process comes first."""
    from browser import FOLDER

    from agebook.build import book
    from agelib.runtime.workspace import lock

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGELIB_HOME", str(FOLDER / "home"))
        with lock(FOLDER / "book"):
            assert book("smoke", jobs=2, address="https://example.org/ages/", folder=FOLDER) == 0
    return FOLDER / "html"


@pytest.fixture
def chapter(tmp_path):
    """A chapter of three lines whose exercise asks for the sum of two parameters."""
    from tiny_course import write_chapter

    return write_chapter(tmp_path)


@pytest.fixture
def essay(chapter):
    """The tiny chapter with a question that a person judges."""
    from tiny_course import with_essay

    return with_essay(chapter)


@pytest.fixture
def repository(tmp_path):
    """A small book of three chapters, with the real settings."""
    from small_book import write_book

    return write_book(tmp_path / "repository")


@pytest.fixture
def server(monkeypatch):
    """A real HTTP server on loopback that misbehaves on request."""
    from difficult_server import serve

    monkeypatch.setenv("no_proxy", "*")
    with serve() as server:
        yield server
