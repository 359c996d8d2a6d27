"""What a machine of Colab, Kaggle or Binder lacks, and which values a profile gives to a chapter there."""

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from packaging.requirements import Requirement
from small_book import write_notebook

from agebook.build import chapters, hosted

PROJECT = """
[project]
dependencies = ["numpy>=2"]
[project.optional-dependencies]
train = ["fastai>=2.8"]
export = ["onnx>=1"]
chapters = ["agelib[train,export]", "pyyaml>=6"]
book = ["agelib[chapters]", "sphinx>=7"]
"""

#: What the parameters cell of a chapter in the small book declares.
DECLARED = {"source": "drawn", "epochs": 3}


@pytest.fixture
def environment(monkeypatch):
    """What is installed, as a test says: name → version. Later entries of one name lie later on sys.path."""
    there = []

    def version(name):
        for each in there:
            if each.metadata and each.metadata["Name"] == name:
                return each.version
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(hosted.metadata, "version", version)
    monkeypatch.setattr(hosted.metadata, "distributions", lambda: iter(there))
    monkeypatch.setattr(hosted.util, "find_spec", lambda name: None)

    def install(*found):
        there.extend(SimpleNamespace(metadata=name and {"Name": name}, version=version) for name, version in found)

    return install


@pytest.fixture
def pip(monkeypatch):
    """What pip is asked for, with the constraints that it gets; it says that all went well."""
    asked = []

    def install(*options):
        kept = options[options.index("--constraint") + 1] if "--constraint" in options else None
        asked.append(
            ([each for each in options if each != kept], kept and Path(kept).read_text(encoding="utf-8").split())
        )

    monkeypatch.setattr(hosted, "_pip", install)
    return asked


@pytest.fixture
def profiles(repository):
    """A small book whose chapter 01 has three profiles."""
    folder = repository / "notebooks" / "profiles"
    (folder / "smoke.yaml").write_text("all: {epochs: 1}\n")
    (folder / "gpu.yaml").write_text('all: {epochs: 9}\nchapters: {"02": {seed: 5}}\n')
    return repository


def test_requirements_are_those_of_the_chapters_and_of_what_they_name_in_turn(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    assert sorted(hosted.requirements(tmp_path)) == ["fastai>=2.8", "numpy>=2", "onnx>=1", "pyyaml>=6"]
    assert hosted.requirements(tmp_path, "export") == ["numpy>=2", "onnx>=1"]


def test_every_chapter_imports_only_what_is_required_of_a_machine():
    """Else the set-up cell would leave something out."""
    names = {Requirement(each).name.lower() for each in hosted.requirements(chapters.REPOSITORY)}
    provided = {"opencv-python-headless": "cv2", "pillow": "PIL", "scikit-learn": "sklearn", "pyyaml": "yaml"}
    known = {provided.get(name, name) for name in names} | {"agelib", "agebook", "IPython"} | sys.stdlib_module_names
    for chapter in chapters.list_chapters(chapters.REPOSITORY):
        source = "\n".join(line for code in chapter.code for line in code.splitlines() if line.lstrip()[:1] not in "%!")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                imported = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported = {node.module.split(".")[0]}
            else:
                continue
            assert imported <= known, chapter.name


def test_only_what_is_not_there_is_missing_and_other_versions_are_named(environment):
    environment(("torch", "2.11.0+cu128"), ("pandas", "2.1.0"), ("numpy", "2.1.3"))
    wanted = [
        "torch>=2.8",
        "pandas>=2.2",
        "numpy>=2",
        "optuna>=4.4",
        "tomli; python_version < '3'",
        "dask; python_version > '3'",
    ]
    lacking, odd = hosted.missing(wanted)
    assert lacking == ["optuna>=4.4", "dask"]
    assert odd == ["pandas 2.1.0 is here, and agelib is tested with >=2.2"]


def test_opencv_under_another_name_is_not_installed_again(environment, monkeypatch):
    assert hosted.missing(["opencv-python-headless>=4"]) == (["opencv-python-headless>=4"], [])
    monkeypatch.setattr(hosted.util, "find_spec", lambda name: name == "cv2" or None)
    assert hosted.missing(["opencv-python-headless>=4", "optuna"]) == (["optuna"], [])


def test_constraints_name_each_package_once_as_python_imports_it(environment):
    environment(
        ("torch", "2.11.0+cu128"),
        ("PyYAML", "6.0.4"),
        ("pyyaml", "5.4.1"),  # the system's own, later on sys.path
        (None, "1.0"),
        ("odd", "2004d-unknown"),
        ("broken", None),
        ("typing_extensions", "4.15.0"),
    )
    assert hosted.installed() == ["pyyaml==6.0.4", "torch==2.11.0+cu128", "typing-extensions==4.15.0"]


def test_pip_takes_every_version_of_this_environment_as_a_constraint(tmp_path):
    """Versions such as 2.13.0+cpu among them, and nothing would be changed."""
    kept = tmp_path / "kept.txt"
    kept.write_text("\n".join(hosted.installed()))
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--dry-run", "--constraint", str(kept)]
    done = subprocess.run([*command, "torch", "numpy", "pandas"], capture_output=True, text=True)
    if "No module named pip" in done.stderr:
        pytest.skip("no pip in this environment")
    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout


def test_what_is_missing_is_installed_beside_what_is_there(environment, pip, tmp_path, capsys):
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    environment(("numpy", "1.26.0"), ("fastai", "2.8.8"), ("pyyaml", "6.0.4"), ("torch", "2.11.0+cu128"))
    hosted.install(tmp_path)
    kept = ["fastai==2.8.8", "numpy==1.26.0", "pyyaml==6.0.4", "torch==2.11.0+cu128"]
    assert pip == [(["--constraint", "onnx>=1"], kept), (["--no-deps", "--editable", str(tmp_path)], None)]
    assert capsys.readouterr().out.splitlines() == [
        "Note: numpy 1.26.0 is here, and agelib is tested with >=2. It stays, and most of the book works with it.",
        "Installing onnx>=1 …",
    ]


def test_a_second_run_installs_nothing(environment, pip, tmp_path, capsys):
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    environment(("numpy", "2.1.3"), ("fastai", "2.8.8"), ("pyyaml", "6.0.4"), ("onnx", "1.18"), ("agelib", "0.1.0"))
    hosted.install(tmp_path)
    assert (pip, capsys.readouterr().out) == ([], "")


def test_what_pip_cannot_install_ends_in_its_reason_and_a_remedy(monkeypatch):
    failed = SimpleNamespace(returncode=1, stdout="", stderr="ERROR: No matching distribution found for optuna")
    monkeypatch.setattr(hosted.subprocess, "run", lambda *arguments, **options: failed)
    with pytest.raises(RuntimeError, match="No matching distribution found for optuna") as raised:
        hosted._pip("optuna")
    assert str(raised.value).splitlines()[-1].startswith("On Kaggle, switch the internet on")


@pytest.mark.parametrize(
    ("has_gpu", "total", "limit", "profile"),
    [
        (True, 13e9, None, "gpu"),
        (True, 2e9, None, "gpu"),
        (False, 13e9, None, "cpu"),
        (False, 3.9e9, None, "smoke"),
        (False, 64e9, "2147483648", "smoke"),  # what Binder gives
        (False, 64e9, "", "cpu"),
    ],
)
def test_the_profile_is_gpu_where_there_is_one_and_smoke_where_memory_is_small(
    monkeypatch, has_gpu, total, limit, profile
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=total))
    monkeypatch.delenv("MEM_LIMIT", raising=False)
    if limit is not None:
        monkeypatch.setenv("MEM_LIMIT", limit)
    assert hosted.suited() == profile


@pytest.mark.parametrize(
    ("names", "profile", "given", "expected"),
    [
        (DECLARED, "smoke", {}, {"epochs": 1}),
        (DECLARED, "cpu", {}, {}),
        (DECLARED | {"epochs": 7}, "smoke", {}, {}),  # the reader's own
        ({"source": "drawn"}, "smoke", {}, {}),  # the cell of the parameters did not run
        (DECLARED | {"epochs": 1}, "gpu", {"epochs": 1}, {"epochs": 9}),  # another profile after smoke
        (DECLARED | {"epochs": 1}, "cpu", {"epochs": 1}, {"epochs": 3}),  # back to the chapter's
        (DECLARED | {"epochs": 1}, "smoke", {"epochs": 1}, {}),  # the same again
        (DECLARED | {"epochs": 2}, "gpu", {"epochs": 1}, {}),  # the reader's own after smoke
        (DECLARED | {"source": "utkface"}, "smoke", {}, {"epochs": 1}),
    ],
)
def test_a_profile_changes_what_nobody_else_has_changed(profiles, names, profile, given, expected):
    assert hosted.changes(profiles, "01", names, profile, given) == expected


def test_set_up_fills_in_the_notebooks_names_and_says_so(profiles, monkeypatch, capsys):
    monkeypatch.setattr(chapters, "REPOSITORY", profiles)
    monkeypatch.setattr(hosted, "_given", {})
    monkeypatch.setattr(hosted, "install", lambda repository: None)
    monkeypatch.setattr(hosted, "suited", lambda: "smoke")
    names = DECLARED | {"other": 1}
    hosted.set_up("01", names)
    assert names == {"source": "drawn", "epochs": 1, "other": 1}
    hosted.set_up("01", names)
    hosted.set_up("01", names, "gpu")
    assert names["epochs"] == 9
    hosted.set_up("01", names, "cpu")
    assert names["epochs"] == 3
    assert capsys.readouterr().out.splitlines() == [
        "Profile smoke: epochs = 1.",
        "Profile smoke: every parameter stays as it is.",
        "Profile gpu: epochs = 9.",
        "Profile cpu: epochs = 3.",
    ]
    with pytest.raises(ValueError, match="no profile 'fast'"):
        hosted.set_up("01", names, "fast")


def test_a_chapter_that_declares_the_profile_is_told_it(profiles):
    write_notebook(
        profiles / "notebooks" / "01_ages.ipynb",
        parameters='profile: str = "cpu"  # name of the profile\nepochs: int = 3  # epochs',
    )
    assert hosted.changes(profiles, "01", {"profile": "cpu", "epochs": 3}, "gpu", {}) == {"profile": "gpu", "epochs": 9}
