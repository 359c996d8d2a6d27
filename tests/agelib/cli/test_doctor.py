"""The doctor: what is broken is said with what helps, nothing ends it, and a report names nobody."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agebook.__main__ import main as agebook
from agelib.__main__ import main
from agelib.cli import doctor
from agelib.cli.doctor import BROKEN, NOTE, OK, Finding

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def quick(monkeypatch):
    """The doctor without the probes that start other programs."""
    kept = {name: probe for name, probe in doctor.PROBES.items() if name not in ("torch", "gpu")}
    monkeypatch.setattr(doctor, "PROBES", kept)


def test_it_says_what_there_is_and_that_all_works(quick, capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    lines = {line.split()[1]: line for line in out.splitlines() if line.startswith(("ok", "note"))}
    assert set(lines) == {*doctor.PROBES, "browser", "grading"}
    assert f"{sys.version_info.major}.{sys.version_info.minor}." in lines["python"]
    assert "torch 2." in lines["packages"] and "GB free" in lines["memory"] and "the book's model" in lines["weights"]
    assert out.endswith("everything that agelib needs works\n")


def test_what_is_broken_is_named_with_what_helps_and_in_the_exit_code(quick, capsys, monkeypatch):
    monkeypatch.setenv("AGELIB_THREADS", "many")
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "AGELIB_THREADS=many" in out and ": AGELIB_THREADS is no whole number above 0\n" in out
    assert "helps: unset AGELIB_THREADS\n" in out and out.endswith("broken: variables\n")


@pytest.mark.parametrize("report", [[], ["--report"]])
def test_a_workspace_that_cannot_be_made_is_found_by_the_doctor(quick, tmp_path, monkeypatch, capsys, report):
    (tmp_path / "home").write_text("a file")
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "home"))
    assert main(["doctor", *report]) == 1
    out = capsys.readouterr().out
    assert "cannot be made (File exists); let AGELIB_HOME name another folder" in out
    assert (str(tmp_path) in out) == (not report)


def test_other_commands_say_so_in_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "home").write_text("a file")
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "home"))
    assert main(["disk"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"agelib disk: the workspace {tmp_path / 'home'} cannot be made (File exists); "
        "let AGELIB_HOME name another folder"
    )


def fails(error):
    def probe():
        raise error

    return probe


@pytest.mark.parametrize("error", [OSError("no device"), ValueError(), SystemExit(3), RecursionError("deep\ndown")])
def test_a_probe_that_fails_is_unknown_and_the_others_are_told(error, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "PROBES", {"first": fails(error), "second": lambda: Finding("well")})
    assert main(["doctor"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith(f"unknown first       unknown ({type(error).__name__}: ")
    assert second == "ok      second      well"


def test_every_probe_survives_a_machine_that_answers_nothing(monkeypatch):
    """No file can be read, no program started and nothing is installed: still a line from each."""

    def refused(*_, **__):
        raise PermissionError("refused")

    for name in ("read_text", "is_file", "glob"):
        monkeypatch.setattr(Path, name, refused)
    monkeypatch.setattr(subprocess, "run", refused)
    monkeypatch.setattr(doctor.metadata, "requires", refused)
    monkeypatch.setattr(doctor.metadata, "metadata", refused)
    found = doctor.examine(doctor.PROBES)
    assert set(found) == set(doctor.PROBES)
    assert found["torch"].said == "unknown (PermissionError: refused)"


def test_a_torch_that_cannot_be_imported_is_broken(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise OSError('libgomp.so.1: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = doctor.PROBES["torch"]()
    assert found.state == BROKEN and "libgomp.so.1" in found.said and found.helps.startswith("pip install ")
    (tmp_path / "torch.py").write_text("import os; os.kill(os.getpid(), 4)")  # as an unknown instruction does
    assert doctor.PROBES["torch"]().state == BROKEN


def distributions(monkeypatch, versions, requires, wanted=">=3.11"):
    def version(name):
        if name not in versions:
            raise doctor.metadata.PackageNotFoundError(name)
        return versions[name]

    about = SimpleNamespace(get=lambda name: wanted, get_all=lambda name: ["train", "all"])
    monkeypatch.setattr(doctor.metadata, "version", version)
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: requires)
    monkeypatch.setattr(doctor.metadata, "metadata", lambda _: about)


NEEDS = [
    "torch>=2.14",
    "numpy>=2",
    'optuna>=5; extra == "train"',
    'agelib[train]; extra == "all"',
    'dask; extra == "all"',
]


@pytest.mark.parametrize(
    ("versions", "packages", "extras"),
    [
        ({"torch": "2.14.1+cu130", "numpy": "2.4", "optuna": "5.0", "dask": "1"}, (OK, ""), (OK, "")),
        (
            {"torch": "2.13", "numpy": "2.4", "optuna": "5"},
            (BROKEN, "torch>=2.14 (it is 2.13)"),
            (NOTE, "all lacks dask"),
        ),
        ({"numpy": "2.4", "dask": "1"}, (BROKEN, "torch"), (NOTE, "train lacks optuna; all lacks optuna")),
        ({"torch": "3", "numpy": "2", "optuna": "4", "dask": "1"}, (OK, ""), (NOTE, "train lacks optuna>=5 (it is 4)")),
    ],
)
def test_what_is_missing_or_too_old_is_named(monkeypatch, versions, packages, extras):
    distributions(monkeypatch, versions, NEEDS)
    for name, (state, said) in {"packages": packages, "extras": extras}.items():
        found = doctor.PROBES[name]()
        assert found.state == state and said in found.said, found
    if extras[0] == NOTE:
        assert "pip install 'agelib[" in doctor.PROBES["extras"]().helps


def test_a_python_that_is_too_old_or_too_new_is_broken(monkeypatch):
    distributions(monkeypatch, {}, [], wanted=">=3.99,<4")
    found = doctor.PROBES["python"]()
    assert found.state == BROKEN and found.helps == "python3.99 -m venv .venv"


@pytest.mark.parametrize(("seen", "state"), [("true", OK), ("false", NOTE)])
def test_a_card_that_torch_does_not_see_is_told_from_one_that_it_uses(monkeypatch, seen, state):
    def answer(words, **_):
        said = "NVIDIA L4, 570.1, 23034 MiB" if words[0] == "/bin/nvidia-smi" else f'["2.14.1+cpu", 2, {seen}]'
        return SimpleNamespace(returncode=0, stdout=said, stderr="")

    monkeypatch.setattr(doctor.shutil, "which", lambda _: "/bin/nvidia-smi")
    monkeypatch.setattr(doctor.subprocess, "run", answer)
    found = doctor.PROBES["gpu"]()
    assert found.state == state and found.said.startswith("NVIDIA L4, 570.1, 23034 MiB")


NAMES = st.text(st.characters(categories=["Lu", "Ll", "Nd"], max_codepoint=0x24F), min_size=1, max_size=8)


@settings(max_examples=150)
@given(
    user=NAMES,
    root=st.sampled_from(["/home/{}", "/Users/{} Smith", "C:\\Users\\{}", "/srv/people/{}/home"]),
    file=st.sampled_from(["{}/a b/x.png", "cannot open '{}/my faces/x': denied", "ran by {} on", "[Errno 2] {}:3"]),
)
def test_a_report_has_no_home_and_no_user_in_it(user, root, file):
    home = root.format(user)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", home)
        for name in ("USER", "LOGNAME", "USERNAME"):
            patch.setenv(name, user)
        patch.setattr(doctor.platform, "node", lambda: f"{user}-laptop.example.org")
        said = doctor.redacted(f"{user}, {file.format(home)} at {user}-laptop.example.org; {user.upper()}-laptop")
    assert home not in said
    words = {word for word in "".join(c if c.isalnum() else " " for c in said).split()}
    assert user not in words, said


@pytest.mark.parametrize(
    "text", ["torch 2.14.1+cu130 works", "3/4 and/or 10.5 MB/s", "32-bit, x86_64; load 1.5", "no 'quoted' word"]
)
def test_a_report_keeps_what_is_no_path(text):
    assert doctor.redacted(text) == text


@pytest.mark.parametrize("program", ["agelib", "agebook"])
def test_a_whole_report_as_it_is_typed(program, tmp_path):
    home = tmp_path / "grace hopper"
    home.mkdir()
    names = {"HOME": str(home), "USER": "ghopper", "LOGNAME": "ghopper", "AGELIB_HOME": str(home / "ages")}
    words = [sys.executable, "-m", program, "doctor", "--report"]
    variables = os.environ | names | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=variables)
    assert done.returncode == 0 and done.stderr == ""
    for private in ("ghopper", "grace", "hopper", str(tmp_path), str(Path.home()), str(REPOSITORY), sys.prefix):
        assert private not in done.stdout
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [*doctor.PROBES, "browser", "grading"]
    assert "AGELIB_HOME set" in done.stdout and done.stdout.isascii()


def test_a_report_names_no_place_behind_a_link_and_no_card(tmp_path, monkeypatch):
    (tmp_path / "Ada Lovelace share").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "Ada Lovelace share")
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "link"))
    said = doctor.redacted(f"{(tmp_path / 'link').resolve()}/ages; CUDA_VISIBLE_DEVICES=GPU-8932f937-d72c-4106")
    assert "Lovelace" not in said and said.endswith("CUDA_VISIBLE_DEVICES=GPU-[...]")


def test_a_probe_of_another_package_that_cannot_be_loaded_ends_nothing(quick, capsys, monkeypatch):
    broken = metadata.EntryPoint("moon", "no_such_package:moon", doctor.GROUP)
    monkeypatch.setattr(doctor.metadata, "entry_points", lambda group: [broken] if group == doctor.GROUP else [])
    assert main(["doctor"]) == 0
    assert (
        "unknown moon        unknown (ModuleNotFoundError: No module named 'no_such_package')"
        in capsys.readouterr().out
    )


def test_the_workshop_adds_what_only_it_needs(quick, capsys, monkeypatch):
    from agebook.build import pdf
    from agebook.course import sandbox

    monkeypatch.setattr(pdf, "BROWSERS", ("no-such-browser",))
    monkeypatch.setattr(sandbox, "can_isolate", lambda: False)
    assert main(["doctor"]) == agebook(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "note    browser     the PDF is printed by Chromium, and there is none here" in out
    assert "note    grading     " in out and "NOT here: the network" in out
