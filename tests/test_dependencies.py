"""What is installed: agelib's own needs, its extras, and the pinned list for readers say the same."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

from agelib.__main__ import main
from agelib.pixels.decode import read_picture
from agelib.runtime import extras, workspace

REPOSITORY = Path(__file__).resolve().parents[1]
SETTINGS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
EXTRAS = PROJECT["optional-dependencies"]

#: Extras that are not in the pinned list, and why.
NOT_PINNED = {"insightface": "its weights are fetched by hand and may not be used commercially"}

#: Modules whose distribution has another name.
DISTRIBUTIONS = {"PIL": "pillow", "cv2": "opencv-python-headless"}

#: Modules that come with what another requirement needs, and with which.
BROUGHT_BY = {
    "IPython": "ipykernel",
    "urllib3": "requests",
    "huggingface_hub": "timm",
    "matplotlib_inline": "ipykernel",
}

#: What agelib alone does without: the site, courses, notebooks, clusters.
HEAVY = {"sphinx", "jupyter-book", "nbgrader", "voila", "dask", "distributed", "jupyterlab", "papermill", "fastai"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def named(requirements) -> set[str]:
    """Distributions that are asked for, extras of agelib replaced by what is in them."""
    found = set()
    for requirement in requirements:
        name, inner = re.match(r"([\w.-]+)(?:\[([\w,]+)\])?", requirement).groups()
        if name == "agelib":
            for extra in inner.split(","):
                found |= named(EXTRAS[extra])
        else:
            found.add(normal(name))
    return found


@cache
def pins() -> dict[str, str]:
    text = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    return {normal(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)}


@cache
def third_party(package: str, top_only: bool) -> set[str]:
    """Distributions that a package imports; `top_only`: as its modules are imported."""
    found = set()
    for path in (REPOSITORY / package).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body if top_only else ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            found |= {name.partition(".")[0] for name in names}
    others = found - set(sys.stdlib_module_names) - {"agelib", "agebook"}
    return {BROUGHT_BY.get(name, DISTRIBUTIONS.get(name, normal(name))) for name in others}


def test_the_pinned_list_holds_every_requirement_and_no_other():
    asked = named(PROJECT["dependencies"]) | named(SETTINGS["build-system"]["requires"])
    for extra, requirements in EXTRAS.items():
        asked |= named(requirements) if extra not in NOT_PINNED else set()
    assert set(pins()) == asked


@pytest.mark.parametrize("requirement", [*PROJECT["dependencies"], *(r for e in EXTRAS.values() for r in e)])
def test_a_pin_is_within_what_is_asked_for(requirement):
    Requirement = pytest.importorskip("packaging.requirements").Requirement
    asked = Requirement(requirement)
    if normal(asked.name) in pins():
        assert asked.specifier.contains(pins()[normal(asked.name)])


def test_agelib_alone_needs_nothing_of_the_book():
    alone = named(PROJECT["dependencies"])
    assert not alone & HEAVY
    assert third_party("agelib", top_only=True) - {"fastai"} <= alone, "what is imported with a module is needed"
    assert alone <= third_party("agelib", top_only=False), "what is needed is imported"


def test_whatever_agelib_imports_somewhere_is_in_an_extra():
    known = named(PROJECT["dependencies"]).union(*(named(each) for each in EXTRAS.values()))
    assert third_party("agelib", top_only=False) <= known


def test_the_training_extra_is_needed_where_fastai_is_imported_and_nowhere_else():
    importing = {
        path.relative_to(REPOSITORY / "agelib").as_posix()
        for path in (REPOSITORY / "agelib").rglob("*.py")
        if re.search(r"^\s*(from|import) fastai", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert importing == {"training/callbacks.py", "training/trainer.py"}


def test_a_missing_extra_ends_in_one_line_that_names_it(monkeypatch, capsys):
    monkeypatch.setattr(extras.util, "find_spec", lambda name: None)
    assert main(["train", "--epochs", "1"]) == 2
    said = capsys.readouterr().err
    assert said == "agelib train: this needs fastai, which is not installed: pip install 'agelib[train]'\n"


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("onnxruntime", "export"),
        ("distributed", "cluster"),
        ("papermill", "book"),
        ("bs4", "book"),
        ("nbgrader", "course"),
    ],
)
def test_every_kind_of_module_names_its_extra(module, extra):
    assert extras.remedy(ModuleNotFoundError(name=f"{module}.part")).endswith(f"pip install 'agelib[{extra}]'")


def test_a_picture_that_needs_an_extra_names_it(monkeypatch):
    """A worker process says so too, without a look at what is installed."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ValueError, match=r"not installed: pip install 'agelib\[heic\]'$"):
        read_picture(b"\0\0\0\x14ftypheic\0\0\0\0mif1", 16)
    assert named(EXTRAS["heic"]) == {"pillow-heif"} <= named(EXTRAS["dev"])


def test_a_module_of_no_extra_is_an_error_as_any_other():
    assert extras.remedy(ModuleNotFoundError(name="no_such_module")) == ""


def test_the_shipped_model_travels_with_the_package():
    options = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    (pattern,) = options["data-files"]["share/agelib/model"]
    names = {path.name for path in REPOSITORY.glob(pattern)}
    assert {"model.json", "model.safetensors", "files.json"} <= names


def test_an_installed_package_finds_the_model_beside_it(tmp_path, monkeypatch):
    folder = tmp_path / "share" / "agelib" / "model"
    folder.mkdir(parents=True)
    (folder / "model.json").touch()
    file = metadata.PackagePath("share/agelib/model/model.json")
    file.dist = type("Installed", (), {"locate_file": lambda self, path: tmp_path / path})()
    monkeypatch.setattr(workspace.metadata, "files", lambda name: [file])
    monkeypatch.setattr(workspace, "CHECKOUT", tmp_path / "site-packages")
    assert workspace.shipped("model") == folder


def test_an_installed_package_works_in_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("AGELIB_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(workspace, "CHECKOUT", tmp_path / "site-packages")
    assert workspace.home() == tmp_path.resolve() / ".cache" / "agelib"
