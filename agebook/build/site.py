"""The pages put together in one folder, and Jupyter Book run on it.

``book/`` and the executed chapters go to ``_build/source`` under the paths that they have in the repository, so that
``_toc.yml``, links between pages and launch buttons all mean the same files. A file is written only if it changed:
Jupyter Book then reads only the pages that did.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from agebook.build import demo
from agebook.build.artwork import site_pictures
from agebook.build.benchmarks import REPORTS, benchmarks_page, figures
from agebook.build.launch import write_copies
from agebook.build.npm import fetch_scripts
from agebook.build.pages import (
    LAB_TIMES,
    fold_exercises,
    insert_below_title,
    lab_times,
    measured_note,
    status_page,
    unexecuted_note,
)
from agebook.build.plan import Build, Plan
from agebook.build.postprocess import finish
from agebook.build.results import results_page
from agelib.experiments import published
from agelib.runtime.progress import PATIENCE, Line, steady
from agelib.runtime.subprocesses import run_python
from agelib.runtime.workspace import content_key, file_key, read_json, write_whole

#: Modules beside this one that decide what the site looks like.
MAKERS = (
    "artwork",
    "benchmarks",
    "hosted",
    "launch",
    "minify",
    "npm",
    "pages",
    "postprocess",
    "results",
    "site",
    "sphinx_diagrams",
    "sphinx_katex",
    "sphinx_launch",
    "sphinx_offline",
)

#: Addresses by which git knows a repository on GitHub: by https, by ssh, and by ssh over the port of https.
GITHUB = re.compile(
    r"(?:https?://(?:[^@/]*@)?|git@|ssh://git@)(?:ssh\.)?github\.com(?::\d+/|[:/])([\w.-]+)/([\w.-]+?)(?:\.git)?/?"
)

#: Where GitHub publishes the pages of a repository.
PAGES = re.compile(r"https://([\w-]+)\.github\.io/([\w.-]+)/?$")


def site_key(plan: Plan) -> str:
    """The key of everything that the site is made of."""
    repository = plan.build.repository
    files = ["_config.yml", "_toc.yml", "requirements.txt"]
    files += [path.relative_to(repository).as_posix() for path in _book_files(repository)]
    makers = [Path(__file__).with_name(f"{name}.py") for name in MAKERS]
    makers += sorted(Path(published.__file__).parent.glob("*.py"))
    return content_key(
        [(name, file_key(repository / name)) for name in files],
        [file_key(path) for path in makers],
        [file_key(path) for path in sorted((repository / "data" / "reference" / "runs").glob("*/files.json"))],
        [file_key(path) for path in sorted((repository / REPORTS).glob("*.*"))],
        [(c.number, plan.keys[c.number], _is_shown(plan, c)) for c in plan.chapters],
        repository_address(repository, plan.build.origin, plan.build.address),
        site_address(plan.build),
        demo.key(repository),
    )


def _is_shown(plan: Plan, chapter) -> bool:
    return chapter in plan.selected or plan.is_done(chapter)


def _book_files(repository: Path) -> list[Path]:
    return sorted(path for path in (repository / "book").rglob("*") if path.is_file() and path.name[0] != ".")


def is_published(plan: Plan) -> bool:
    """Whether the site that stands in the html folder is the one that this plan makes."""
    noted = plan.build.html.with_name("html.key")
    whole = noted.is_file() and (plan.build.html / "index.html").is_file()
    done = all(plan.is_done(chapter) for chapter in plan.selected)
    return whole and done and noted.read_text(encoding="utf-8") == site_key(plan)


def assemble(plan: Plan) -> None:
    """Write everything that Jupyter Book reads into the assembly folder, and remove what no longer belongs there."""
    repository, target = plan.build.repository, plan.build.assembly
    wanted = {}
    for path in _book_files(repository):
        wanted[path.relative_to(repository).as_posix()] = path.read_bytes()
    records = {}
    for chapter in plan.chapters:
        notebook, record = _page_of(plan, chapter)
        if record:
            records[chapter.number] = record
        wanted[f"notebooks/{chapter.name}.ipynb"] = _as_json(notebook)
    plans = "book/course-plans.md"
    if plans in wanted:
        table = lab_times(plan.chapters, records)
        wanted[plans] = wanted[plans].decode().replace(LAB_TIMES, table).encode()
    wanted["book/status.md"] = status_page(plan, records).encode()
    wanted["book/results.md"] = results_page(repository / "data" / "reference").encode()
    wanted["book/benchmarks.md"] = benchmarks_page(repository).encode()
    wanted |= {f"book/{name}": content for name, content in figures(repository).items()}
    wanted["_toc.yml"] = (repository / "_toc.yml").read_bytes()
    wanted["genindex.md"] = b"# Index\n"  # Sphinx writes the page; this gives it a place in the contents
    for name, content in site_pictures().items():
        wanted[f"book/_static/drawn/{name}"] = content
    wanted["_config.yml"] = yaml.safe_dump(
        site_settings(repository, site_address(plan.build), plan.build.origin), allow_unicode=True, sort_keys=False
    ).encode()
    for folder in fetch_scripts(repository):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                wanted[f"book/_scripts/{path.relative_to(folder.parent).as_posix()}"] = path.read_bytes()
    demo.complete(wanted, repository)
    for name, content in wanted.items():
        path = target / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in sorted(target.rglob("*")):
        if path.is_file() and path.relative_to(target).as_posix() not in wanted:
            path.unlink()


def _as_json(notebook: dict) -> bytes:
    return (json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _page_of(plan: Plan, chapter) -> tuple[dict, dict | None]:
    """A chapter's notebook as it is published, and its measurements if it was executed."""
    if not plan.is_done(chapter):
        notebook = json.loads(chapter.path.read_text(encoding="utf-8"))
        return _polish(notebook, unexecuted_note(chapter)), None
    job = plan.job(chapter)
    record = read_json(job.record)
    notebook = json.loads(Path(job.result).read_text(encoding="utf-8"))
    return _polish(notebook, measured_note(chapter, record)), record


def _polish(notebook: dict, note: str) -> dict:
    """Add the note, and leave out what papermill recorded: paths of this machine, and times that differ each run."""
    notebook["cells"] = insert_below_title(fold_exercises(notebook["cells"]), note)
    for cell in notebook["cells"]:
        cell.pop("id", None)
        cell["metadata"].pop("papermill", None)
        cell["metadata"].pop("execution", None)
    metadata = notebook["metadata"]
    metadata.pop("papermill", None)
    # The theme offers a download only to pages that name a kernel.
    metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook["nbformat_minor"] = 4
    return notebook


def site_settings(repository, published: str = "", origin: str = "") -> dict:
    """``_config.yml`` with what depends on where repository and site lie.

    Parameters
    ----------
    repository : path
        Where an address of it on GitHub is known, chapters get buttons that open them on Colab, Kaggle and Binder.
    published : str
        Address of the published site; empty: it has none, and pages make no claim about it.
    origin : str
        Address of the repository; empty: see :func:`repository_address`.
    """
    settings = yaml.safe_load(Path(repository, "_config.yml").read_text(encoding="utf-8"))
    settings.setdefault("html", {})
    settings.pop("repository", None)
    address = repository_address(repository, origin, published)
    if address:
        url, branch = address
        settings["repository"] = {"url": url, "branch": branch, "path_to_book": ""}
        settings["sphinx"]["config"]["agebook_repository"] = {"url": url, "branch": branch}
        settings["html"] |= {"use_repository_button": True, "use_issues_button": True}
    if published:
        settings["html"]["baseurl"] = published
        settings["sphinx"]["config"] |= {"ogp_site_url": published, "ogp_image": f"{published}_static/drawn/card.png"}
    # What a server sends where there is no page may be asked for from any folder: its addresses begin at the root.
    settings["sphinx"]["config"]["notfound_urls_prefix"] = urlsplit(published).path or "/"
    return settings


def site_address(build: Build) -> str:
    """Where the site is published, with a slash at the end: as it was asked for, or the GitHub pages of the repository.

    Empty if neither is known.
    """
    if build.address:
        return build.address.rstrip("/") + "/"
    found = repository_address(build.repository, build.origin, build.address)
    if not found:
        return ""
    owner, name = urlsplit(found[0]).path.strip("/").split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def repository_address(repository, origin: str = "", published: str = "") -> tuple[str, str] | None:
    """The repository's page on GitHub, and the branch with the code; None if no such page is known.

    The page is `origin`, or else ``repository: url:`` of ``_config.yml``, or else what git knows as origin, or else the
    one whose GitHub pages lie at the address `published`.
    """
    file = Path(repository, "_config.yml")
    settings = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
    named = settings.get("repository") or {}
    url = parse_address(origin or named.get("url") or _git(repository, "remote", "get-url", "origin"))
    if not url and (pages := PAGES.match(published)):
        url = f"https://github.com/{pages[1]}/{pages[2]}"
    branch = named.get("branch") or _git(repository, "rev-parse", "--abbrev-ref", "HEAD")
    return (url, branch if branch and branch != "HEAD" else "main") if url else None


def parse_address(remote: str) -> str:
    """The page of a repository on GitHub; empty for any other address. A password in the address is left out.

    >>> parse_address("git@github.com:someone/ages.git")
    'https://github.com/someone/ages'
    >>> parse_address("/srv/git/ages.git")
    ''
    """
    found = GITHUB.fullmatch(remote)
    return f"https://github.com/{found[1]}/{found[2]}" if found else ""


def _git(repository, *arguments) -> str:
    try:
        done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


#: How Sphinx says how far it is, a line a page; the words may be printed bold.
_FAR = re.compile(r"(reading sources|writing output)\.\.\. (?:\x1b\[[\d;]*m)*\[ *(\d+)%\]")


def _run_sphinx(command: list[str]) -> tuple[int, str]:
    """Run Jupyter Book with a line of progress; returns its code, and what it said beside how far it is."""
    line = Line("read and write the pages", 100, "percent", after=PATIENCE)

    def told(said: str) -> None:
        if found := _FAR.search(said):
            far = (int(found[2]) + 100 * (found[1] == "writing output")) // 2
            line.advance(max(0, far - line.done))

    code, output = run_python(command, told=told)
    line.close()
    return code, "\n".join(each for each in output.splitlines() if not _FAR.search(each))


def publish(plan: Plan) -> None:
    """Run Jupyter Book on the assembled pages; put the site in place only if it is whole.

    Every warning is an error, save where chapters were left out: links into them lead nowhere then.

    Raises
    ------
    ValueError
        If Jupyter Book, or a look at the finished pages, found fault with them.
    """
    work = plan.build.assembly.with_name("jupyter-book")
    strict = ["-W", "-n", "--keep-going"] if all(_is_shown(plan, c) for c in plan.chapters) else []
    command = ["-c", "from jupyter_book.cli.main import main; main()", "build"]
    command += [str(plan.build.assembly), "--path-output", str(work), *strict]
    code, output = _run_sphinx(command)
    if code:
        # What Sphinx read with a warning it would not read, and not warn of, again.
        shutil.rmtree(work, ignore_errors=True)
        faults = [line for line in output.splitlines() if "WARNING" in line or "ERROR" in line]
        raise ValueError("Jupyter Book found fault with the pages:\n" + ("\n".join(faults) or output)[-6000:])
    noted = plan.build.html.with_name("html.key")
    noted.unlink(missing_ok=True)
    with write_whole(plan.build.html) as temporary:
        shutil.copytree(work / "_build" / "html", temporary)
        # Sphinx leaves these as they were where no page has changed.
        for static in (plan.build.assembly / "book" / name for name in ("_static", "_scripts")):
            if static.is_dir():
                shutil.copytree(static, temporary / "_static", dirs_exist_ok=True)
        # What the download button fetches is the chapter to work on, not the page that was made of it.
        where = repository_address(plan.build.repository, plan.build.origin, plan.build.address) or ()
        write_copies(plan.build.repository, temporary / "_sources" / "notebooks", *where)
        with steady("finish the pages"):
            finish(temporary, work / "packed", site_address(plan.build))
    noted.write_text(site_key(plan), encoding="utf-8")
