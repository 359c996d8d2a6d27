"""The chapters as notebooks: what each declares, that git holds no outputs, and that each runs."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import papermill
import pytest
import yaml
from smoke_plan import smoke_plan

from agebook.build.chapters import REPOSITORY, check_contents, list_chapters
from agebook.build.plan import Build, Plan
from agebook.build.profiles import read_profile, resolve
from agebook.notebooks import execute
from agelib import drawn, parameters

CHAPTERS = list_chapters(REPOSITORY)
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=[chapter.name for chapter in CHAPTERS])


@pytest.fixture(scope="module")
def kept_workspace():
    """The workspace of executed chapters: shared by all test processes, and kept, as `make book` keeps its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGELIB_HOME", str(REPOSITORY / "_build" / "tests" / "home"))
        yield


def test_contents_name_every_chapter():
    check_contents(REPOSITORY)


@each_chapter
def test_every_parameter_has_a_kind_a_value_and_a_meaning(chapter):
    described = papermill.inspect_notebook(str(chapter.path))
    assert set(described) == set(chapter.parameters)
    for name, parameter in described.items():
        assert parameter["inferred_type_name"] not in ("", "None"), name
        assert len(parameter["help"]) > 3, f"{name}: write '{name}: kind = value  # meaning'"


def parameters_of(chapter):
    (cell,) = [cell for cell in chapter.cells if "parameters" in cell["metadata"].get("tags", [])]
    return parameters.read(cell["source"])


@each_chapter
def test_every_chapter_checks_its_parameters_before_it_uses_them(chapter):
    assert "check_parameters()" in chapter.code[1].splitlines()
    for name, parameter in parameters_of(chapter).items():
        assert parameter.fault(parameter.value) == "", "the chapter's own value"
        assert "takes" in parameter.fault(None), name
        assert parameter.kind != "str" or parameter.fault("") == "" or parameter.choices


@pytest.mark.parametrize("name", [path.stem for path in Path(REPOSITORY, "notebooks/profiles").glob("*.yaml")])
def test_what_a_profile_gives_fits_the_chapters(name):
    profile = read_profile(REPOSITORY, name)
    for source in ["drawn", *(profile.get("sources") or {})]:
        given = resolve(CHAPTERS, profile, name, source, "")
        for chapter in CHAPTERS:
            known = parameters_of(chapter)
            assert [known[each].fault(value) for each, value in given[chapter.number].items() if each in known] == (
                [""] * len(given[chapter.number])
            )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("-p picture 300", "there is no parameter 'picture'; did you mean 'pictures'?"),
        ("-p pictures None", "pictures takes a whole number, such as 3000, not None: how many pictures to draw"),
        ("-p max_age hundred", "max_age takes a number, such as 100.0, not 'hundred': counted as too old"),
    ],
)
def test_papermill_stops_at_a_parameter_that_does_not_fit(typed, said, tmp_path):
    command = [
        sys.executable,
        "-m",
        "papermill",
        f"{REPOSITORY}/notebooks/01_exploration.ipynb",
        f"{tmp_path}/out.ipynb",
    ]
    result = subprocess.run([*command, *typed.split()], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 1
    assert f"ValueError: {said}" in result.stderr


@each_chapter
def test_git_holds_no_outputs(chapter):
    notebook = json.loads(chapter.path.read_text(encoding="utf-8"))
    assert "widgets" not in notebook["metadata"]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert not cell["outputs"], "run nbstripout: `make install` sets it up as a filter of git"
            assert cell["execution_count"] is None


@each_chapter
def test_no_line_is_said_twice_in_a_row(chapter):
    for cell in json.loads(chapter.path.read_text(encoding="utf-8"))["cells"]:
        lines = "".join(cell["source"]).splitlines()
        assert not [one for one, next_one in itertools.pairwise(lines) if one == next_one and one.strip()]


@each_chapter
def test_a_chapter_says_what_it_is(chapter):
    about = json.loads(chapter.path.read_text(encoding="utf-8"))["metadata"].get("agelib", {})
    assert about.get("title"), "metadata.agelib.title"
    assert about.get("licence") == "CC-BY-4.0"
    assert set(about.get("needs", ())) | set(about.get("reads", ())) <= {f"{number:02}" for number in range(1, 27)}


@pytest.mark.parametrize("name", [path.stem for path in Path(REPOSITORY, "notebooks/profiles").glob("*.yaml")])
def test_a_profile_names_only_parameters_that_chapters_declare(name):
    profile = read_profile(REPOSITORY, name)
    for source in ["drawn", *(profile.get("sources") or {})]:
        resolve(CHAPTERS, profile, name, source, "")


def test_on_drawn_faces_the_default_profile_leaves_chapters_as_they_are():
    profile = yaml.safe_load(Path(REPOSITORY, "notebooks/profiles/cpu.yaml").read_text(encoding="utf-8"))
    assert not profile.get("all")
    assert not profile.get("chapters")


@pytest.mark.chapters
@each_chapter
def test_a_chapter_runs(chapter, kept_workspace):
    record = execute(smoke_plan().job(chapter))
    assert record["seconds"] > 0
    assert record["peak_bytes"] > 0


@pytest.mark.chapters
@pytest.mark.parametrize(("number", "layout"), [("20", "imdb-wiki"), ("22", "appa-real")])
def test_a_chapter_runs_on_a_data_set_in_its_published_layout(number, layout, kept_workspace):
    root = drawn.draw_collection(layout, 800, seed=5, size=64, progress=False)
    build = Build.of("smoke", layout, root, number, jobs=2, folder=REPOSITORY / "_build" / "tests")
    plan = Plan.of(build)
    record = execute(plan.job(plan.selected[0]))
    assert record["source"] == layout
    assert record["parameters"]["root"] == str(root)
