"""What a chapter's prose says of the book's own run is true of that run.

``claims/NN.py`` holds a chapter's sentences as assertions. They are asked of the default profile on drawn faces, as
`make claims` does before the book is published; other tests leave them out, for the trainings take a while.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import nbformat
import pytest

from agebook.build.chapters import REPOSITORY, list_chapters
from agebook.build.plan import Build, Plan
from agebook.notebooks import job_environment

CHAPTERS = {chapter.number: chapter for chapter in list_chapters(REPOSITORY)}
CLAIMS = sorted(Path(__file__).with_name("claims").glob("[0-9][0-9].py"))


def ask(job: str, claims: Path, folder: Path) -> subprocess.CompletedProcess:
    script = Path(__file__).parents[1] / "support" / "chapter_claims.py"
    environment = job_environment(1, str(folder)) | {"MPLBACKEND": "agg"}
    environment.pop("AGELIB_HOME", None)  # the repository's own workspace, which has what `make book` trained
    return subprocess.run(
        [sys.executable, str(script), str(job), str(claims)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("claims", CLAIMS, ids=[claims.stem for claims in CLAIMS])
def test_claims_belong_to_a_chapter_and_can_fail(claims):
    assert claims.stem in CHAPTERS
    names = {}
    exec(compile(claims.read_text(encoding="utf-8"), claims, "exec"), names)
    with pytest.raises((KeyError, AssertionError)):
        names["check"]({})


@pytest.mark.claims
@pytest.mark.parametrize("claims", CLAIMS, ids=[claims.stem for claims in CLAIMS])
def test_the_sentences_of_a_chapter_hold_in_the_books_run(claims, tmp_path):
    order = tmp_path / "job.json"
    plan = Plan.of(Build.of(folder=REPOSITORY / "_build"))
    order.write_text(json.dumps(asdict(plan.job(CHAPTERS[claims.stem])), default=str), encoding="utf-8")
    done = ask(order, claims, tmp_path)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-3000:]


def test_a_sentence_that_does_not_hold_is_found(chapter, tmp_path):
    notebook = nbformat.read(chapter.path, as_version=4)
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(notebook, chapter.path)
    order, claims = tmp_path / "job.json", tmp_path / "claims.py"
    order.write_text(json.dumps({"notebook": str(chapter.path), "parameters": {"a": 3}}), encoding="utf-8")
    claims.write_text("def check(ns):\n    assert ns['a'] == 2, 'a is 2, says the chapter'\n", encoding="utf-8")
    done = ask(order, claims, tmp_path)
    assert done.returncode == 1
    assert "a is 2, says the chapter" in done.stderr
    claims.write_text("def check(ns):\n    assert ns['a'] == 3\n", encoding="utf-8")
    assert ask(order, claims, tmp_path).returncode == 0
