"""Chapters to take away: what Colab, Kaggle and Binder open, and what the download button of a page fetches.

Colab and Kaggle open notebooks of a repository on GitHub, each alone, on a machine that has never heard of agelib. The
chapters in ``notebooks`` stay free of what only such a machine needs: a copy of each gets one cell more, and
``.github/workflows/publish.yml`` puts the copies on a branch of their own. Where no address of the repository is
known, copies have no such cell and pages no buttons.
"""

import json
import re
from pathlib import Path
from urllib.parse import quote

from agebook.build.chapters import Chapter, list_chapters
from agebook.build.hosted import PLATFORMS
from agebook.build.pages import fold_exercises
from agebook.build.plain import HIDDEN, plain_cells

#: The branch that holds the copies, and the folder of the copies that Binder's machine makes itself.
BRANCH, BINDER = "launch", "launch"

#: The set-up cell. It must run where nothing of ours is installed yet.
SET_UP = """\
# @title Set-up: on Colab, Kaggle and Binder, fetch what the chapter needs; elsewhere, do nothing
machine_profile = "auto"  # @param ["auto", "smoke", "cpu", "gpu"]
import importlib.util, os, shutil, subprocess, sys

def set_up(address={address!r}, branch={branch!r}, folder="~/{name}"):
    found = importlib.util.find_spec("agelib")
    is_there = found is not None and found.origin is not None  # a mere folder of that name has no origin
    if not any(name in os.environ for name in {platforms}):
        if not is_there:
            install = f"git clone --branch {{branch}} {{address}} && pip install --editable './{name}[chapters]'"
            raise ModuleNotFoundError(f"agelib is not installed here; in a terminal: {{install}}")
        return
    folder = os.path.expanduser(folder)
    if is_there:  # with its repository?
        is_there = os.path.isfile(os.path.join(os.path.dirname(os.path.dirname(found.origin)), "pyproject.toml"))
    if not is_there and not os.path.isdir(folder):
        print(f"Fetching {{address}} …", flush=True)
        half = folder + ".half"  # a fetch that was cut short leaves this, and never half of the folder
        shutil.rmtree(half, ignore_errors=True)
        command = ["git", "clone", "--quiet", "--depth", "1", "--branch", branch, address, half]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["git gave no reason"])[-1]
            remedy = "On Kaggle, switch the internet on (Settings, Turn on internet), and run this cell again."
            raise RuntimeError(f"{{address}} could not be fetched ({{why}}). {{remedy}}")
        os.rename(half, folder)
    if not is_there:
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
    from agebook.build import hosted

    hosted.set_up("{number}", globals(), machine_profile)

set_up()"""

#: How the page of a repository on GitHub begins, and how its files do.
GITHUB, FILES = "https://github.com/", "https://raw.githubusercontent.com/"

#: A link from a chapter to a file of the repository.
FROM_FOLDER = re.compile(r"\]\(\.\./([^)\s]+)\)")


def launch_copy(chapter: Chapter, address: str = "", branch: str = "main") -> dict:
    """A chapter as it is opened away from the repository: in plain Markdown, a set-up cell behind its parameters.

    Solutions and visible tests are folded. Diagrams, which a chapter names by their place in the repository, are shown
    from GitHub; without an address there, the copy carries them.

    Parameters
    ----------
    chapter : Chapter
    address, branch : str
        Of the repository, as git takes it; without an address there is no set-up cell.
    """
    notebook = json.loads(chapter.path.read_text(encoding="utf-8"))
    cells = fold_exercises(notebook["cells"])
    for cell in cells:
        cell["source"] = text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and address.startswith(GITHUB):
            files = f"{FILES}{address.removeprefix(GITHUB).rstrip('/').removesuffix('.git')}/{branch}"
            cell["source"] = FROM_FOLDER.sub(rf"]({files}/\1)", text)
        elif "hide-cell" in cell["metadata"].get("tags", ()):
            title = cell["metadata"]["mystnb"]["code_prompt_show"].removeprefix("Show ").capitalize()
            cell["source"] = f"# @title {title}\n{text}"
            cell["metadata"] |= HIDDEN
    cells = notebook["cells"] = plain_cells(cells, chapter.path.parents[1])
    if address:
        source = SET_UP.format(
            address=address,
            branch=branch,
            name=address.rstrip("/").rpartition("/")[2].removesuffix(".git"),
            number=chapter.number,
            platforms=list(PLATFORMS.values()),
        )
        place = next(n for n, cell in enumerate(cells) if "parameters" in cell["metadata"].get("tags", ()))
        made = {"cell_type": "code", "execution_count": None, "id": "set-up", "outputs": [], "source": source}
        cells.insert(place + 1, made | {"metadata": HIDDEN | {"tags": ["set-up"]}})
    return notebook


def write_copies(repository, folder, address: str = "", branch: str = "main") -> list[Path]:
    """Write the copy of every chapter into a folder, under the chapter's own name; returns the files."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    files = []
    for chapter in list_chapters(repository):
        files.append(Path(folder, chapter.path.name))
        text = json.dumps(launch_copy(chapter, address, branch), indent=1, ensure_ascii=False) + "\n"
        files[-1].write_text(text, encoding="utf-8")
    return files


def links(url: str, branch: str, name: str) -> dict[str, str]:
    """Where the buttons of a chapter's page lead.

    Parameters
    ----------
    url, branch : str
        The repository's page on GitHub, and the branch with the code.
    name : str
        The chapter's, such as ``"06_basic_cnn"``.

    Examples
    --------
    >>> for each in links("https://github.com/someone/ages", "main", "06_basic_cnn").items(): print(*each)
    Binder https://mybinder.org/v2/gh/someone/ages/main?urlpath=lab/tree/launch/06_basic_cnn.ipynb
    Colab https://colab.research.google.com/github/someone/ages/blob/launch/notebooks/06_basic_cnn.ipynb
    Kaggle https://kaggle.com/kernels/welcome?src=https://github.com/someone/ages/blob/launch/notebooks/06_basic_cnn.ipynb
    """
    place = url.removeprefix(GITHUB)
    copy = f"{place}/blob/{BRANCH}/notebooks/{name}.ipynb"
    return {
        "Binder": f"https://mybinder.org/v2/gh/{place}/{quote(branch, safe='')}?urlpath=lab/tree/{BINDER}/{name}.ipynb",
        "Colab": f"https://colab.research.google.com/github/{copy}",
        "Kaggle": f"https://kaggle.com/kernels/welcome?src=https://github.com/{copy}",
    }
