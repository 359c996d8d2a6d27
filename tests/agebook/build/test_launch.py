"""Chapters to take away: what a copy holds, where the buttons of a page lead, and what the set-up cell does alone."""

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
import yaml
from small_book import write_notebook

from agebook.__main__ import main
from agebook.build import book, site
from agebook.build.chapters import REPOSITORY, list_chapters, read_chapter
from agebook.build.hosted import PLATFORMS
from agebook.build.launch import BINDER, BRANCH, launch_copy, links, write_copies
from agebook.build.pages import fold_exercises

ADDRESS = "https://github.com/someone/ages"
CHAPTERS = {chapter.number: chapter for chapter in list_chapters(REPOSITORY)}


def git(folder, *arguments):
    names = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "-C", str(folder), *names, *arguments], check=True, capture_output=True)


def set_up_cells(notebook):
    return [cell for cell in notebook["cells"] if "set-up" in cell["metadata"].get("tags", ())]


@pytest.mark.parametrize("number", CHAPTERS)
def test_a_copy_is_its_chapter_with_a_folded_cell_behind_the_parameters(number):
    chapter = CHAPTERS[number]
    before = chapter.path.read_bytes()
    copy = launch_copy(chapter, ADDRESS, "teaching")
    nbformat.validate(nbformat.from_dict(copy))
    code = [cell for cell in copy["cells"] if cell["cell_type"] == "code"]
    assert "parameters" in code[0]["metadata"]["tags"], "it fills in the parameters, so they stand before it"
    assert [code[1]] == set_up_cells(copy)
    assert code[1]["metadata"]["jupyter"]["source_hidden"] and code[1]["metadata"]["cellView"] == "form"
    assert code[1]["source"].startswith("# @title ")
    assert f"hosted.set_up('{number}'" in code[1]["source"].replace('"', "'")
    compile(code[1]["source"], "set-up", "exec")
    text = "\n".join(cell["source"] for cell in copy["cells"])
    assert "### BEGIN SOLUTION" not in text and "{admonition} One way" not in text
    assert chapter.path.read_bytes() == before


def test_solutions_are_folded_in_a_copy(chapter):
    copy = launch_copy(chapter)
    (solution,) = (cell for cell in copy["cells"] if cell["source"].startswith("# @title A solution\n"))
    assert solution["metadata"]["jupyter"]["source_hidden"]


def test_the_visible_test_comes_with_a_copy_and_the_hidden_one_does_not():
    cells = launch_copy(CHAPTERS["03"])["cells"]
    tests = [c["source"] for c in cells if c["source"].startswith("# @title The visible test\n")]
    assert "assert most >= 0" in tests[1]
    assert not any("_answers" in text or "HIDDEN" in text for text in tests)


@pytest.mark.parametrize(
    ("hidden", "left"),
    [
        ("### BEGIN HIDDEN TESTS\nassert x == 7\n### END HIDDEN TESTS", ["assert x"]),
        ("    ### BEGIN HIDDEN TESTS\n    assert x == 7\n    ### END HIDDEN TESTS  ", ["assert x"]),
        ("### BEGIN HIDDEN TESTS\nassert x == 7", ["assert x"]),
        ("# BEGIN HIDDEN TESTS\nassert x == 7\n# END HIDDEN TESTS", []),
        ("answers.record('x', 7)", []),
    ],
)
def test_no_hidden_test_comes_out_however_its_marks_stand(hidden, left):
    test = {"cell_type": "code", "metadata": {"nbgrader": {"grade": True}}, "source": f"assert x\n{hidden}"}
    assert [cell["source"] for cell in fold_exercises([test])] == left


def test_an_answer_in_words_is_folded_in_a_copy_without_the_books_markup(essay):
    (answer,) = (cell["source"] for cell in launch_copy(essay)["cells"] if "One way" in cell["source"])
    assert answer.startswith("<details><summary>One way to answer</summary>\n\n")
    assert answer.endswith("\n\n</details>")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (f"{ADDRESS}.git", "https://raw.githubusercontent.com/someone/ages/teaching/book/diagrams/block.svg"),
        ("https://git.example.org/ages", "../book/diagrams/block.svg"),
    ],
)
def test_a_diagram_is_shown_where_the_repository_is_not(address, shown, tmp_path):
    image = "![A block.](../book/diagrams/block.svg)"
    chapter = read_chapter(write_notebook(tmp_path / "05_cnn.ipynb", "1 + 1", f"text: {image}"))
    text = "\n".join(cell["source"] for cell in launch_copy(chapter, address, "teaching")["cells"])
    assert f"![A block.]({shown})" in text


def test_without_an_address_copies_have_no_set_up_cell(tmp_path):
    files = write_copies(REPOSITORY, tmp_path)
    assert [file.stem for file in files] == [chapter.name for chapter in CHAPTERS.values()]
    copies = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    assert not any(map(set_up_cells, copies))
    write_copies(REPOSITORY, tmp_path, ADDRESS)
    assert all(len(set_up_cells(json.loads(file.read_text(encoding="utf-8")))) == 1 for file in files)


def test_the_command_writes_copies_and_says_what_they_fetch(tmp_path, capsys):
    assert main(["launch", str(tmp_path / "copies"), "--repository", ADDRESS]) == 0
    assert f"{len(CHAPTERS)} chapters, which fetch {ADDRESS} (branch " in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "copies").iterdir()} == {c.path.name for c in CHAPTERS.values()}
    assert main(["launch", str(tmp_path / "copies"), "--repository", "https://gitlab.com/someone/ages"]) == 2
    assert "page on GitHub" in capsys.readouterr().err


def test_links_lead_to_what_the_services_around_the_repository_make():
    """The branch and the folder in the links are those of the workflow and of Binder's script."""
    publish = yaml.safe_load((REPOSITORY / ".github/workflows/publish.yml").read_text(encoding="utf-8"))
    job = publish["jobs"]["launch"]
    assert job["permissions"] == {"contents": "write"}
    assert publish["permissions"] == {"contents": "read"}
    assert "permissions" not in publish["jobs"]["build"]
    (push,) = (step["run"] for step in job["steps"] if "run" in step)
    assert re.search(rf"git push --force \S+ {BRANCH}\n", push)
    builds = [step.get("run", "") for step in publish["jobs"]["build"]["steps"]]
    assert ".venv/bin/python -m agebook launch _build/launch/notebooks" in builds
    assert f"agebook launch {BINDER}\n" in (REPOSITORY / ".binder/postBuild").read_text(encoding="utf-8")
    for chapter in CHAPTERS.values():
        found = links(ADDRESS, "main", chapter.name)
        assert found.keys() == PLATFORMS.keys()
        assert found["Colab"].endswith(f"/someone/ages/blob/launch/notebooks/{chapter.path.name}")
        assert found["Kaggle"].endswith(f"{ADDRESS}/blob/launch/notebooks/{chapter.path.name}")
        assert found["Binder"].endswith(f"/gh/someone/ages/main?urlpath=lab/tree/launch/{chapter.path.name}")


def test_a_branch_with_odd_characters_is_written_as_addresses_write_them():
    assert "/gh/someone/ages/feature%2Fage%231?urlpath=" in links(ADDRESS, "feature/age#1", "01_ages")["Binder"]
    (cell,) = set_up_cells(launch_copy(CHAPTERS["01"], ADDRESS, "it's {a}/branch"))
    compile(cell["source"], "set-up", "exec")
    assert '"it\'s {a}/branch"' in cell["source"]


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://github.com/someone/ages.git", ADDRESS),
        ("https://github.com/someone/ages/", ADDRESS),
        ("git@github.com:someone/ages.git", ADDRESS),
        ("ssh://git@github.com/someone/ages.git", ADDRESS),
        ("ssh://git@ssh.github.com:443/someone/ages.git", ADDRESS),
        ("https://me:secret@github.com/someone/my.ages", "https://github.com/someone/my.ages"),
        ("https://gitlab.com/someone/ages.git", ""),
        ("git@example.org:someone/ages.git", ""),
        ("https://example.org/github.com/someone/ages", ""),
        ("file:///srv/git/ages.git", ""),
        ("", ""),
    ],
)
def test_a_remote_of_github_gives_its_page_and_any_other_none(remote, page):
    assert site.parse_address(remote) == page


def test_where_the_repository_is_comes_from_the_option_the_settings_git_or_its_pages(repository):
    assert site.repository_address(repository) is None
    git(repository, "init", "--initial-branch", "teaching")
    git(repository, "remote", "add", "origin", "/srv/git/ages.git")
    git(repository, "commit", "--allow-empty", "-m", "first")
    assert site.repository_address(repository, "", "https://example.org/ages/") is None
    pages = site.repository_address(repository, "", "https://someone.github.io/ages/")
    assert pages == ("https://github.com/someone/ages", "teaching")
    settings = site.site_settings(repository)
    assert "repository" not in settings and "agebook_repository" not in settings["sphinx"]["config"]
    git(repository, "remote", "set-url", "origin", "git@github.com:someone/ages.git")
    assert site.repository_address(repository) == (ADDRESS, "teaching")
    assert site.site_settings(repository)["sphinx"]["config"]["agebook_repository"] == {
        "url": ADDRESS,
        "branch": "teaching",
    }
    with (repository / "_config.yml").open("a", encoding="utf-8") as file:
        file.write('repository: {url: "https://github.com/else/where", branch: stable}\n')
    assert site.repository_address(repository) == ("https://github.com/else/where", "stable")
    assert site.repository_address(repository, "https://github.com/a/b") == ("https://github.com/a/b", "stable")


def test_a_repository_that_is_none_is_refused(repository, capsys):
    assert book(repository=repository, origin="https://gitlab.com/someone/ages") == 2
    assert "--repository is a page on GitHub" in capsys.readouterr().err


# The set-up cell, run as a kernel would, in a Python of its own.

#: A repository whose agebook notes what it was called with.
HOSTED = "def set_up(number, names, profile):\n    print('called', number, names['epochs'], profile)\n"


@pytest.fixture
def origin(tmp_path):
    """A repository to fetch."""
    folder = tmp_path / "ages"
    for name in ("agelib/__init__.py", "agebook/__init__.py", "agebook/build/__init__.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "agebook" / "build" / "hosted.py").write_text(HOSTED)
    git(tmp_path, "init", "--initial-branch", "main", str(folder))
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    return folder


def run_cell(tmp_path, address, platform="COLAB_RELEASE_TAG", times=1, path=""):
    """What the cell prints, and what it ends with, in an empty folder of a machine that has no agelib."""
    chapter = read_chapter(write_notebook(tmp_path / "07_small.ipynb"))
    (cell,) = set_up_cells(launch_copy(chapter, str(address), "main"))
    home = tmp_path / "home"
    (home / "empty").mkdir(parents=True, exist_ok=True)
    program = home / "cell.py"
    program.write_text("epochs = 3\n" + f"{cell['source']}\n" * times, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name not in (*PLATFORMS.values(), "PYTHONPATH")}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": path, "PYTHONUTF8": "1"}
    environment |= {platform: "1"} if platform else {}
    # -S: without what this environment has installed, agelib among it.
    return subprocess.run(
        [sys.executable, "-S", str(program)], capture_output=True, text=True, env=environment, cwd=home / "empty"
    )


@pytest.mark.parametrize("platform", PLATFORMS.values())
def test_the_cell_fetches_the_repository_once_and_hands_over(tmp_path, origin, platform):
    done = run_cell(tmp_path, origin.as_uri(), platform, times=2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == [f"Fetching {origin.as_uri()} …", "called 07 3 auto", "called 07 3 auto", ""]
    assert (tmp_path / "home" / "ages" / ".git").is_dir()
    again = run_cell(tmp_path, origin.as_uri(), platform)
    assert again.stdout == "called 07 3 auto\n", "another kernel of the same machine fetches nothing"


def test_a_fetch_that_was_cut_short_begins_anew(tmp_path, origin):
    half = tmp_path / "home" / "ages.half"
    half.mkdir(parents=True)
    (half / "rest").write_text("")
    done = run_cell(tmp_path, origin.as_uri())
    assert done.returncode == 0, done.stderr
    assert not half.exists()
    assert not (tmp_path / "home" / "ages" / "rest").exists()


def test_without_a_network_one_line_says_what_to_do_and_no_folder_is_left(tmp_path):
    done = run_cell(tmp_path, "https://nowhere.invalid/someone/ages", "KAGGLE_KERNEL_RUN_TYPE")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("RuntimeError: https://nowhere.invalid/someone/ages could not be fetched (")
    assert last.endswith("On Kaggle, switch the internet on (Settings, Turn on internet), and run this cell again.")
    assert not (tmp_path / "home" / "ages").exists()


def test_a_folder_that_is_only_called_agelib_is_not_taken_for_the_package(tmp_path, origin):
    (tmp_path / "home" / "empty" / "agelib").mkdir(parents=True)
    done = run_cell(tmp_path, origin.as_uri(), path=str(tmp_path / "home" / "empty"))
    assert "called 07" in done.stdout, done.stderr


def test_elsewhere_the_cell_does_nothing_or_says_how_to_install(tmp_path, origin):
    done = run_cell(tmp_path, origin.as_uri(), platform="")
    remedy = "in a terminal: git clone --branch main "
    assert f"ModuleNotFoundError: agelib is not installed here; {remedy}" in done.stderr
    assert f"{origin.as_uri()} && pip install --editable './ages[chapters]'" in done.stderr
    quiet = run_cell(tmp_path, origin.as_uri(), platform="", path=str(origin))
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    assert not (tmp_path / "home" / "ages").exists()


@pytest.mark.book
def test_pages_of_chapters_have_buttons_where_the_repository_is_known_and_else_none(repository):
    options = {"profile": "smoke", "chapters": "none", "repository": repository}
    html = repository / "_build" / "html"
    fetched = html / "_sources" / "notebooks" / "01_ages.ipynb"
    assert book(**options) == 0
    for path in html.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert not re.search(r"colab|kaggle|mybinder|launch-buttons", page), path
    assert not set_up_cells(json.loads(fetched.read_text(encoding="utf-8")))

    assert book(**options, origin=ADDRESS) == 0
    for name in ("01_ages", "02_keys", "03_all"):
        page = (html / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
        for address in links(ADDRESS, "main", name).values():
            assert f'href="{address}"' in page, (name, address)
        logos = re.findall(r'src="([^"]*logo_(?:binder|colab)[^"]*)"', page)
        assert len(logos) == 2 and all((html / "notebooks" / logo.split("?")[0]).is_file() for logo in logos)
        assert not re.findall('class="fab ', page), "the font of brands is not part of the site"
    assert "colab" not in (html / "book" / "index.html").read_text(encoding="utf-8"), "prose is not opened there"
    assert len(set_up_cells(json.loads(fetched.read_text(encoding="utf-8")))) == 1
