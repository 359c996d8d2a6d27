"""The build: what it runs again and what it finds done, and what it says when something is wrong."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from small_book import PARAMETERS, change, write_notebook

from agebook.__main__ import main
from agebook.build import book, cache_key, npm, pages
from agebook.build.chapters import check_contents, list_chapters, read_chapter
from agebook.build.plan import Build, Plan
from agebook.build.profiles import read_profile, resolve
from agebook.build.tasks import ChapterLine, Task, run_tasks, tasks_of
from agebook.notebooks import ChapterError, PeakMemory, job_environment
from agelib.__main__ import main as train
from agelib.runtime import fingerprint
from agelib.runtime.cpu import cores
from agelib.runtime.executors import Here, LostWorker

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of agelib whose code may be changed; keys are computed from it."""
    copy = tmp_path / "code" / "agelib"
    for name in ("agelib", "agebook"):
        shutil.copytree(REPOSITORY / name, copy.with_name(name), ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "ROOT", copy.parent)
    return copy


def keys_of(repository, **options):
    return Plan.of(Build.of(repository=repository, **options)).keys


def changed(before, after):
    return {number for number in before if before[number] != after[number]}


def test_a_chapter_tells_its_title_parameters_and_place(tmp_path):
    path = write_notebook(tmp_path / "05_cnn.ipynb", "1 + 1", title="A network", needs=["04"], reads=["03"])
    chapter = read_chapter(path)
    assert (chapter.number, chapter.title) == ("05", "A network")
    assert chapter.parameters == {"source": "drawn", "epochs": 3}
    assert (chapter.needs, chapter.reads) == (("04",), ("03",))
    assert chapter.code[-1] == "1 + 1"


@pytest.mark.parametrize(
    ("name", "parameters", "complaint"),
    [
        ("five.ipynb", PARAMETERS, "NN_name.ipynb"),
        ("05_cnn.ipynb", "epochs = some_function()", "plain assignments"),
        ("05_cnn.ipynb", "epochs = ", "plain assignments"),
    ],
)
def test_a_chapter_at_fault_is_named_with_the_remedy(tmp_path, name, parameters, complaint):
    path = write_notebook(tmp_path / name, parameters=parameters)
    with pytest.raises(ValueError, match=complaint):
        read_chapter(path)


def test_a_chapter_has_exactly_one_parameters_cell(tmp_path):
    path = write_notebook(tmp_path / "05_cnn.ipynb")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("seed = 1", metadata={"tags": ["parameters"]}))
    nbformat.write(notebook, tmp_path / "06_cnn.ipynb")
    with pytest.raises(ValueError, match="2 cells are tagged 'parameters'"):
        read_chapter(tmp_path / "06_cnn.ipynb")


def test_contents_and_chapters_must_agree(repository):
    check_contents(repository)
    (repository / "notebooks" / "03_all.ipynb").rename(repository / "notebooks" / "04_all.ipynb")
    with pytest.raises(ValueError, match="names notebooks/03_all"):
        check_contents(repository)
    change(repository / "_toc.yml", "- file: notebooks/03_all\n", "")
    with pytest.raises(ValueError, match=r"04_all is not in _toc\.yml"):
        check_contents(repository)


def test_two_chapters_cannot_share_a_number(repository):
    write_notebook(repository / "notebooks" / "01_again.ipynb")
    with pytest.raises(ValueError, match="has the number 01 already"):
        list_chapters(repository)


def test_a_profile_reaches_only_the_chapters_that_declare_a_parameter(repository):
    profile = {
        "all": {"epochs": 1},
        "chapters": {1: {"epochs": 2}},
        "sources": {"utkface": {"all": {"seed": 7}, "chapters": {"03": {"epochs": 9}}}},
    }
    chapters = list_chapters(repository)
    assert resolve(chapters, profile, "cpu", "drawn", "") == {"01": {"epochs": 2}, "02": {}, "03": {"epochs": 1}}
    real = resolve(chapters, profile, "cpu", "utkface", "/data/utk")
    assert real["01"] == {"source": "utkface", "epochs": 2}
    assert real["02"] == {"seed": 7}
    assert real["03"] == {"epochs": 9}


@pytest.mark.parametrize(
    ("profile", "complaint"),
    [
        ({"all": {"epoch": 1}}, "no chapter has a parameter 'epoch'; did you mean 'epochs'"),
        ({"chapters": {"02": {"epochs": 1}}}, "chapter 02 has no parameter 'epochs'; there is: seed"),
        ({"chapters": {"09": {}}}, "there is no chapter 09"),
        ({"sources": {"utkface": {"all": {"size": 1}}}}, "no chapter has a parameter 'size'"),
    ],
)
def test_a_parameter_that_nobody_declares_is_an_error(repository, profile, complaint):
    with pytest.raises(ValueError, match=complaint):
        resolve(list_chapters(repository), profile, "cpu", "drawn", "")


def test_an_unknown_profile_or_section_is_an_error(repository):
    with pytest.raises(ValueError, match=r"no profile 'fast'.*there is: cpu, smoke"):
        read_profile(repository, "fast")
    (repository / "notebooks" / "profiles" / "cpu.yaml").write_text("chapter: {}\n")
    with pytest.raises(ValueError, match="no section 'chapter' is known"):
        read_profile(repository, "cpu")


def test_a_text_runs_its_own_chapter_again(repository):
    before = keys_of(repository)
    change(repository / "notebooks" / "01_ages.ipynb", "Ages.", "Ages and years.")
    assert changed(before, keys_of(repository)) == {"01"}


def test_a_parameter_runs_the_chapters_again_that_declare_it(repository):
    before = keys_of(repository)
    profile = repository / "notebooks" / "profiles" / "cpu.yaml"
    profile.write_text("all: {epochs: 1}\n")
    assert changed(before, keys_of(repository)) == {"01", "03"}
    profile.write_text("all: {epochs: 3}\n")
    assert keys_of(repository) == before, "the value that the chapters have anyway changes nothing"


def test_a_chapter_that_reads_anothers_results_runs_with_it(repository):
    write_notebook(repository / "notebooks" / "03_all.ipynb", "import agelib", reads=["01"])
    before = keys_of(repository)
    change(repository / "notebooks" / "01_ages.ipynb", "Ages.", "Ages and years.")
    assert changed(before, keys_of(repository)) == {"01"}, "prose is not a result"
    change(repository / "notebooks" / "01_ages.ipynb", '"epochs"', '"epochs + 1"')
    assert changed(before, keys_of(repository)) == {"01", "03"}


def test_code_runs_the_chapters_again_that_import_it(repository, package):
    before = keys_of(repository)
    change(package / "data" / "table.py", 'GENDERS = ("female", "male")', 'GENDERS = ("male", "female")')
    assert "01" in changed(before, keys_of(repository))
    assert "03" not in changed(before, keys_of(repository))
    change(package / "config.py", "epochs: int = _option(5,", "epochs: int = _option(6,")
    assert "03" in changed(before, keys_of(repository))


def test_a_docstring_runs_only_the_chapters_that_show_it(repository, package):
    before = keys_of(repository)
    change(package / "runtime" / "workspace.py", "Return the workspace folder", "Return the folder of the workspace")
    assert changed(before, keys_of(repository)) == set()
    change(repository / "notebooks" / "02_keys.ipynb", "# show.source(workspace.home)", "show.source(workspace.home)")
    before = keys_of(repository)
    change(package / "runtime" / "workspace.py", "Return the folder of the workspace", "Return the workspace")
    assert changed(before, keys_of(repository)) == {"02"}


def test_names_handed_on_by_the_package_count_as_the_modules_behind_them():
    tree = cache_key._tree(
        ["import agelib\nfrom agelib import metrics as m", "%matplotlib inline\nagelib.run(1)\nm.mae"]
    )
    assert cache_key.imported_modules(tree) == {"agelib.experiments.run", "agelib.metrics", "agelib.metrics.regression"}


def test_a_reference_result_that_a_chapter_names_is_part_of_its_key(repository):
    write_notebook(repository / "notebooks" / "01_ages.ipynb", 'open("data/reference/ladder.csv")')
    before = keys_of(repository)
    reference = repository / "data" / "reference"
    reference.mkdir(parents=True)
    (reference / "other.csv").write_text("1")
    assert not changed(before, keys_of(repository))
    (reference / "ladder.csv").write_text("1")
    assert changed(before, keys_of(repository)) == {"01"}


@pytest.mark.parametrize(
    "code",
    [
        "from agelib.experiments import published\n\npublished.kept('best')",
        "from agelib.experiments.published import kept\n\nkept('best')",
        "import agelib.experiments.published as kept_results\n\nkept_results.side_by_side('tasks')",
    ],
)
@pytest.mark.parametrize("file", ["runs/best-42/files.json", "grids/study-a.csv"])
def test_kept_results_are_part_of_the_key_of_a_chapter_that_reads_them(repository, code, file):
    write_notebook(repository / "notebooks" / "01_ages.ipynb", code)
    before = keys_of(repository)
    kept = repository / "data" / "reference" / file
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    assert changed(before, keys_of(repository)) == {"01"}


def test_every_chapter_of_the_book_that_reads_kept_results_is_found():
    for chapter in list_chapters(REPOSITORY):
        reads = any(
            re.search(r"\bpublished\.(kept|side_by_side|results|trials|races)\(", code) for code in chapter.code
        )
        modules = cache_key.imported_modules(cache_key._tree(chapter.code))
        runs = [name for name, _ in cache_key._references(chapter, sorted(modules)) if name.startswith("runs/")]
        assert runs or not reads, chapter.name


def test_what_a_chapter_uses_of_the_workshop_is_part_of_its_key(repository, package):
    write_notebook(
        repository / "notebooks" / "01_ages.ipynb",
        "import agebook.course.answers\n\nagebook.course.answers.record('ex', 1)",
    )
    write_notebook(
        repository / "notebooks" / "03_all.ipynb",
        "from agebook.build.chapter_experiment import experiment_of\n\nexperiment_of('01')",
    )
    before = keys_of(repository)
    workshop = package.with_name("agebook")
    change(workshop / "course" / "answers.py", "VARIABLE = ", "VARIABLE = 'X' + ")
    assert changed(before, keys_of(repository)) == {"01"}
    before = keys_of(repository)
    change(workshop / "build" / "chapter_experiment.py", 'profile: str = "cpu"', 'profile: str = "gpu"')
    assert changed(before, keys_of(repository)) == {"03"}
    before = keys_of(repository)
    change(workshop / "course" / "grade.py", "from pathlib", "import abc\nfrom pathlib")
    assert changed(before, keys_of(repository)) == set(), "whom a chapter does not use does not count"


def test_the_data_set_on_disk_is_part_of_a_key(repository, tmp_path):
    archive = tmp_path / "UTKFace.tar.gz"
    archive.write_bytes(b"1")
    parameters = PARAMETERS + '\nroot: str = ""  # folder'
    write_notebook(repository / "notebooks" / "01_ages.ipynb", parameters=parameters)
    before = keys_of(repository, source="utkface", root=str(archive))
    archive.write_bytes(b"22")
    assert "01" in changed(before, keys_of(repository, source="utkface", root=str(archive)))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"source": "morph"}, "no data source 'morph'"),
        ({"source": "utkface"}, "source utkface needs ROOT"),
        ({"source": "utkface", "root": "/nowhere/at/all"}, "nothing at ROOT=/nowhere/at/all"),
        ({"root": "/tmp"}, "is drawn and has no root"),
        ({"profile": "fast"}, "no profile 'fast'"),
        ({"chapters": "01,77"}, "there is no chapter 77"),
        ({"jobs": "many"}, "JOBS takes a number"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(repository, capsys, options, complaint):
    assert book(repository=repository, **options) == 2
    assert complaint in capsys.readouterr().err


def test_the_command_line_asks_for_the_same_book(capsys):
    assert main(["build", "--source", "morph"]) == 2
    assert "no data source 'morph'" in capsys.readouterr().err
    assert main(["bench", "speed"]) == 2
    assert "no benchmark 'speed'" in capsys.readouterr().err
    assert train(["train", "--optimiser", "adamm"]) == 2
    assert "did you mean" in capsys.readouterr().err


def test_pages_of_real_pictures_go_to_a_place_of_their_own(tmp_path):
    (tmp_path / "utk").mkdir()
    real = Build.of(source="utkface", root=tmp_path / "utk")
    assert real.html != Build.of().html
    assert real.html.parts[-3:] == ("_build", "utkface", "html")


def test_chapters_that_others_wait_for_are_the_most_urgent():
    plan = Plan.of(Build.of(profile="smoke"))
    urgency = {chapter.number: plan.urgency(chapter) for chapter in plan.selected}
    # 04, then 06, then the first network that others build on, then these, then what compares them.
    assert [urgency[number] for number in ("04", "06", "08", "09", "17", "01")] == [5, 4, 3, 2, 1, 1]


def test_a_chapter_waits_for_its_own_pictures_alone(tmp_path):
    plan = Plan.of(Build.of(profile="smoke", folder=tmp_path))
    tasks = {task.name: task for task in tasks_of(plan, Here(), Here())}
    waits = {
        name.removeprefix("chapter:"): [other for other in task.before if other.startswith("data:")]
        for name, task in tasks.items()
    }
    assert all(len(each) <= 1 for each in waits.values())
    assert waits["06"] == waits["08"] != waits["24"]
    data = {name for name in tasks if name.startswith("data:")}
    assert {each for some in waits.values() for each in some} == data == {f"data:{key}" for key in plan.data}
    assert all(tasks[name].urgency > tasks["chapter:06"].urgency for name in waits["06"])
    assert tasks["chapter:17"].before[-4:] == ("chapter:06", "chapter:08", "chapter:09", "chapter:10")


def task(name, *before, urgency=0.0, work=lambda: {}, **others):
    return Task(name, lambda: Here().submit(work), before, urgency, **others)


def fail():
    raise ChapterError("cell 4 failed")


def test_of_those_that_could_begin_the_most_urgent_does(capsys):
    tasks = [task("first", urgency=9), task("a", "first", urgency=1), task("b", "first", urgency=3)]
    tasks += [task("c", "first", urgency=2), task("late", "b", urgency=8)]
    assert run_tasks(tasks, 1, ChapterLine(0)) == []
    assert capsys.readouterr().out.split() == [
        word for name in ("first", "b", "late", "c", "a") for word in (".", name)
    ]


@pytest.mark.parametrize("places", [1, 2, 3])
def test_no_more_run_at_a_time_than_there_are_places_and_no_place_stays_empty(places):
    at_work, most = set(), []

    class Line(ChapterLine):
        def begin(self, name):
            at_work.add(name)
            most.append(len(at_work))

        def end(self, name, record):
            at_work.remove(name)

    assert run_tasks([task(str(number)) for number in range(7)], places, Line(0)) == []
    assert max(most) == places
    assert len(most) == 7


def test_what_fails_stops_only_those_that_need_it(capsys):
    began = []
    tasks = [
        task("a", work=fail),
        task("b", "a", work=lambda: began.append("b")),
        task("c", "b", work=lambda: began.append("c")),
        task("d", work=lambda: began.append("d")),
        task("e", "d", work=lambda: began.append("e")),
        task("done", "a", is_done=True, work=lambda: began.append("done")),
    ]
    assert run_tasks(tasks, 1, ChapterLine(0)) == ["a", "b", "c"]
    assert began == ["d", "e"]
    said = capsys.readouterr()
    assert "!! cell 4 failed" in said.err
    assert "!! b skipped: it needs a" in said.out
    assert "!! c skipped: it needs b" in said.out
    assert "-- done" in said.out


def test_a_worker_that_was_lost_is_a_failure_with_a_name(capsys):
    def lose():
        raise LostWorker("its process was killed")

    assert run_tasks([task("data:one", work=lose), task("two")], 1, ChapterLine(0)) == ["data:one"]
    said = capsys.readouterr()
    assert "data:one: LostWorker: its process was killed" in said.err
    assert ".  two" in said.out


def test_a_build_that_is_stopped_begins_nothing_more(capsys):
    def stopped():
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt):
        run_tasks([Task("a", lambda: pool.submit(stopped), urgency=1), task("b")], 1, ChapterLine(0))
    assert capsys.readouterr().out.split() == [".", "a"]


def test_one_line_tells_how_many_chapters_are_executed(capsys):
    record = {"seconds": 41, "peak_bytes": 1.2e9, "device": "CPU", "threads": 1, "profile": "cpu"}
    tasks = [
        task("chapter:01", work=lambda: record, urgency=2),
        task("chapter:02", work=fail, urgency=1),
        task("chapter:03", "chapter:02"),
        task("chapter:04", is_done=True),
        task("data:one"),
    ]
    assert run_tasks(tasks, 1, ChapterLine(3)) == ["chapter:02", "chapter:03"]
    said = capsys.readouterr()
    assert "chapter 01: 41 s, 1.2 GB at the peak, on CPU, 1 thread, profile cpu" in said.out
    assert "execute chapters: 2 of 2 chapters, 02 the last" in said.err


@pytest.mark.parametrize(
    ("limit", "warned"), [("", ["14", "15"]), ("3", ["14"]), ("5.6", []), ("0.5", ["05", "14", "15"])]
)
def test_a_chapter_that_takes_more_memory_than_the_limit_is_warned_of(limit, warned, monkeypatch, capsys):
    monkeypatch.setenv("AGELIB_MEMORY", limit)
    peaks = {"05": 0.6e9, "14": 5.6e9, "15": 2.1e9}
    told = {"seconds": 41, "device": "CPU", "threads": 1, "profile": "cpu", "source": "drawn", "started": 0}
    records = {number: told | {"peak_bytes": peak} for number, peak in peaks.items()}
    tasks = [task(f"chapter:{number}", work=lambda number=number: records[number]) for number in records]
    assert run_tasks(tasks, 1, ChapterLine(3)) == []
    lines = [line for line in capsys.readouterr().out.splitlines() if "warning" in line]
    assert [re.search(r"chapter (\d+)", line)[1] for line in lines] == warned
    assert all("at the peak is above the limit" in line and "AGELIB_MEMORY" in line for line in lines)
    page = pages.status_page(Plan.of(Build.of(profile="smoke")), records)
    bold = [row for row in page.splitlines() if re.match(r"\| \d\d .*\| \*\*", row)]
    assert [row[2:4] for row in bold] == warned


def test_a_chapter_knows_how_much_memory_it_and_its_workers_may_hold(monkeypatch, tmp_path):
    monkeypatch.delenv("AGELIB_MEMORY", raising=False)
    assert job_environment(1, tmp_path)["AGELIB_MEMORY"] == "2"
    monkeypatch.setenv("AGELIB_MEMORY", "3.5")
    assert job_environment(1, tmp_path)["AGELIB_MEMORY"] == "3.5"


#: Holds 200 MB of its own and has read a file of 300 MB through a map; with "forked", so does a child that shares it.
HOLDS = """
import mmap, os, sys, time
own = b"1" * 200_000_000
with open(sys.argv[1], "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
sum(mapped[place] for place in range(0, len(mapped), 4096))
if sys.argv[2] == "forked" and not os.fork():
    time.sleep(60)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the system tells less")
@pytest.mark.parametrize("way", ["alone", "forked"])
def test_the_peak_counts_shared_memory_once_and_mapped_files_not_at_all(way, tmp_path):
    (tmp_path / "map").write_bytes(b"2" * 300_000_000)
    with PeakMemory() as memory:
        command = [sys.executable, "-c", HOLDS, str(tmp_path / "map"), way]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
            process.stdout.readline()
            time.sleep(3)
            os.killpg(process.pid, signal.SIGKILL)
    assert 200e6 < memory.peak < 260e6


def test_jobs_share_the_cores():
    assert Build.of(jobs=1).threads == cores()
    assert Build.of().threads == 1
    assert Build.of(profile="gpu").workers == 1


@pytest.mark.book
def test_a_book_is_built_once_and_then_only_what_changed(repository, capfd):
    assert book(profile="smoke", repository=repository) == 0
    html = repository / "_build" / "html"
    page = (html / "notebooks" / "01_ages.html").read_text()
    assert "Drawn faces, not people" in page
    assert "profile smoke" in page
    widget = (html / "notebooks" / "02_keys.html").read_text()
    assert "IntSlider" in widget and "widget-view" not in widget, "a page shows words where no kernel answers"
    assert "torch" in (html / "book" / "status.html").read_text()
    assert str(repository) not in page

    capfd.readouterr()
    assert book(profile="smoke", repository=repository) == 0
    assert ".  " not in capfd.readouterr().out, "nothing is executed the second time"

    change(repository / "notebooks" / "01_ages.ipynb", "Ages.", "Ages and years.")
    assert book(profile="smoke", repository=repository) == 0
    said = capfd.readouterr().out
    assert ".  chapter:01" in said
    assert "-- chapter:02" in said
    assert "-- chapter:03" in said
    assert "Ages and years." in (html / "notebooks" / "01_ages.html").read_text()

    before = {path: path.stat().st_mtime_ns for path in html.rglob("*.html")}
    change(repository / "notebooks" / "01_ages.ipynb", '"epochs"', '"epochs / 0"')
    change(repository / "notebooks" / "03_all.ipynb", "agelib.Experiment", "print(1); agelib.Experiment")
    assert book(profile="smoke", repository=repository) == 1
    captured = capfd.readouterr()
    said = captured.out + captured.err
    assert "chapter 01 (01_ages.ipynb) failed in cell 4" in said
    assert "ZeroDivisionError: division by zero" in said
    assert "chapter 03: " in said, "the other chapters go on"
    failed = nbformat.read(repository / "_build" / "failed" / "01_ages.ipynb", as_version=4)
    assert any(output["output_type"] == "error" for cell in failed.cells for output in cell.get("outputs", ()))
    assert {path: path.stat().st_mtime_ns for path in html.rglob("*.html")} == before, "the site stays as it was"


@pytest.mark.book
def test_a_chapter_left_out_says_so(repository, capfd):
    assert book(profile="smoke", chapters="3", repository=repository) == 0
    html = repository / "_build" / "html" / "notebooks"
    assert "This page was not run" in (html / "01_ages.html").read_text()
    assert "This page was run" in (html / "03_all.html").read_text()
    capfd.readouterr()
    assert book(profile="smoke", chapters="none", repository=repository) == 0
    assert "chapter:" not in capfd.readouterr().out
    assert "This page was run" in (html / "03_all.html").read_text(), "its result is still valid"


def test_scripts_are_unpacked_only_from_below_their_folder(tmp_path):
    inside, outside = tmp_path / "in.txt", tmp_path / "scripts"
    inside.write_text("script")
    packed = tmp_path / "p.tgz"
    with tarfile.open(packed, "w:gz") as tar:
        for name in ("package/es5/a.js", "package/es5/../../../evil.js", "package/other.js"):
            tar.add(inside, arcname=name)
    npm.unpack(packed.read_bytes(), "package/es5", ["*"], outside)
    assert [path.name for path in tmp_path.rglob("*.js")] == ["a.js"]


def test_requirements_are_pinned_and_say_what_for():
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    assert all("==" in line for line in lines if line and not line.startswith("#"))
    assert sum(line.startswith("#") for line in lines) >= 5


def test_settings_of_the_services_around_the_repository_are_readable():
    test = yaml.safe_load((REPOSITORY / ".github/workflows/test.yml").read_text())
    publish = yaml.safe_load((REPOSITORY / ".github/workflows/publish.yml").read_text())
    assert test["jobs"]["test"]["steps"][-1]["run"] == "bash .ci/run"
    assert publish["permissions"] == {"contents": "read"}
    assert publish["jobs"]["deploy"]["permissions"] == {"pages": "write", "id-token": "write"}
    container = json.loads((REPOSITORY / ".devcontainer/devcontainer.json").read_text())
    assert container["postCreateCommand"] == "make install"
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert citation["authors"] == [{"name": "the authors of this book"}]
    assert (REPOSITORY / ".ci" / "run").read_text().rstrip().endswith("make test")


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this system")
def test_make_hands_its_options_to_the_same_command():
    command = ["make", "-n", "-o", "install", "book", "PROFILE=smoke", "SOURCE=utkface", "ROOT=a b", "CHAPTERS=05,06"]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert '-m agebook build --profile "smoke" --source "utkface" --root "a b" --chapters "05,06"' in said


def test_planning_a_build_imports_nothing_heavy(repository):
    code = (
        "import sys; from agebook.build.plan import Build, Plan; "
        f"Plan.of(Build.of(repository={str(repository)!r})); print(*sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert not {"torch", "pandas", "papermill", "jupyter_book", "matplotlib"} & set(said.stdout.split())


def test_lab_times_are_two_runs_and_seven_minutes_a_point():
    def graded(points):
        about = {"nbgrader": {"grade": True, "points": points}}
        return {"cell_type": "code", "source": "", "metadata": about}

    plain = {"cell_type": "code", "source": "", "metadata": {}}
    chapters = [
        SimpleNamespace(number="01", name="01_a", title="A", cells=(plain, graded(1), graded(2), graded(3))),
        SimpleNamespace(number="02", name="02_b", title="B", cells=(plain,)),
        SimpleNamespace(number="03", name="03_c", title="C", cells=(graded(2.5),)),
    ]
    table = pages.lab_times(chapters, {"01": {"seconds": 100.0}})
    # 2 · 100 s and 42 minutes are 45.3 minutes: the next quarter is 60. 17.5 minutes: 30.
    assert "| 01 {doc}`A </notebooks/01_a>` | 3 | 6 | 1 min 40 s | 60 min |" in table
    assert "| 03 {doc}`C </notebooks/03_c>` | 1 | 2.5 | not run | 30 min |" in table
    assert "02_b" not in table
