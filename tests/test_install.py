"""What `make install` does on a clean clone: with made-up packages, without a network, in environments of its own."""

import ast
import base64
import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from agebook.build import install, lock

REPOSITORY = Path(__file__).resolve().parents[1]
LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
THIS = "{}.{}".format(*sys.version_info)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are for systems with make")


def wheel(folder: Path, name: str, version: str) -> str:
    """Write a package of one module that says its version; return the SHA-256 of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(path, "w") as packed:
        for file, text in files.items():
            packed.writestr(file, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{file},sha256={digest},{len(text)}\n"
        packed.writestr(f"{about}/RECORD", f"{record}{about}/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


#: Builds an editable agelib as setuptools would, for a clone without setuptools.
BACKEND = """
import zipfile
def build_editable(folder, settings=None, metadata=None):
    name = "agelib-0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as packed:
        about = "agelib-0.dist-info"
        packed.writestr("agelib.pth", __file__.rpartition("/")[0])
        packed.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\\nName: agelib\\nVersion: 0\\n")
        packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        packed.writestr(f"{about}/RECORD", "")
    return name
def get_requires_for_build_editable(settings=None):
    return []
"""


@pytest.fixture
def index(tmp_path, monkeypatch):
    """An index with the CPU builds of torch and torchvision, on an address of this machine."""
    folder = tmp_path / "cpu"
    for name, version in (("torch", "2.0+cpu"), ("torchvision", "0.5+cpu")):
        wheel(folder / name, name, version)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def clone(tmp_path, index, monkeypatch):
    """A repository with the real installer and Makefile, and four made-up packages for it to install."""
    folder, wheels = tmp_path / "a clone", tmp_path / "wheels"
    for name in ("Makefile", "agebook/__init__.py", "agebook/build/__init__.py", "agebook/build/install.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    (folder / "agebook" / "build" / "npm.py").write_text("print('the pages are complete')\n")
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "agelib"\nversion = "0"\n'
    )
    (folder / "book").mkdir()
    (folder / "book" / "scripts.yaml").write_text("[]\n")
    entries = [("faces", "1.0"), ("nvidia_cards", "13.0"), ("torch", "2.0"), ("torchvision", "0.5")]
    listed = [f"{n.replace('_', '-')}=={v} \\\n    --hash=sha256:{wheel(wheels, n, v)}\n" for n, v in entries]
    (folder / "requirements.lock").write_text("# A lock\n" + "".join(listed))
    for variable in [name for name in os.environ if name.startswith(("PIP_", "UV_")) or name == "PYTHONPATH"]:
        monkeypatch.delenv(variable)
    empty = f"{index}/empty"
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": empty, "PIP_FIND_LINKS": wheels.as_uri()}
    settings |= {
        "UV_DEFAULT_INDEX": empty,
        "UV_NO_CONFIG": "1",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_FIND_LINKS": str(wheels),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return folder


def path_with(tmp_path, monkeypatch, **commands) -> None:
    """Leave nothing on the PATH but what a recipe of make needs, and the given commands (as scripts of sh)."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    for name in ("sh", "bash", "sort", "paste", "git", "env"):
        if (found := shutil.which(name)) and not (folder / name).exists():
            (folder / name).symlink_to(found)
    for name, script in commands.items():
        (folder / name.replace("_", ".")).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name.replace("_", ".")).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


MAKE = shutil.which("make")
needs_make = pytest.mark.skipif(MAKE is None, reason="no make on this system")


def make(clone, *options):
    # An outer make hands its variables on.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "PYTHON"}
    done = subprocess.run([MAKE, "install", *options], cwd=clone, capture_output=True, text=True, env=ours)
    return done.returncode, done.stdout, done.stderr


def installed(clone) -> dict[str, str]:
    """Of the clone's environment: name → version, pip aside."""
    code = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    said = subprocess.run([clone / ".venv/bin/python", "-I", "-c", code], capture_output=True, text=True, check=True)
    return {name: version for name, version in json.loads(said.stdout).items() if name not in ("pip", "setuptools")}


DEFAULT = {"agelib": "0", "faces": "1.0", "nvidia_cards": "13.0", "torch": "2.0", "torchvision": "0.5"}
CPU = {"agelib": "0", "faces": "1.0", "torch": "2.0+cpu", "torchvision": "0.5+cpu"}


@needs_make
def test_pip_installs_the_lock_and_a_second_make_does_nothing(clone, tmp_path, monkeypatch):
    path_with(tmp_path, monkeypatch, python3=f'exec "{sys.executable}" "$@"')
    code, said, trouble = make(clone, "TORCH=default")
    assert (code, trouble) == (0, "") and "by pip" in said and "the pages are complete" in said
    assert installed(clone) == DEFAULT
    assert make(clone) == (0, "", "")

    # A lock that changed is installed; a file that is not the one it lists is not.
    listed = clone / "requirements.lock"
    listed.write_text(re.sub(r"sha256:....", "sha256:0000", listed.read_text()))
    shutil.rmtree(clone / ".venv" / "lib" / f"python{THIS}" / "site-packages" / "faces-1.0.dist-info")
    code, _, trouble = make(clone)
    assert code != 0 and "DO NOT MATCH THE HASHES" in trouble
    assert "install: not everything of requirements.lock could be installed: see above." in trouble


@needs_make
@pytest.mark.parametrize("told", ["", "1"])
def test_bytecode_is_made_at_once_only_where_python_may_not_write_it(told, clone, tmp_path, monkeypatch):
    path_with(tmp_path, monkeypatch, python3=f'exec "{sys.executable}" "$@"')
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", told)
    assert make(clone, "TORCH=default")[0] == 0
    made = list((clone / ".venv" / "lib" / f"python{THIS}" / "site-packages" / "__pycache__").glob("faces.*.pyc"))
    assert bool(made) == bool(told)


@needs_make
def test_what_was_cut_short_is_gone_on_with_even_if_the_lock_is_as_before(clone, tmp_path, monkeypatch):
    path_with(tmp_path, monkeypatch, python3=f'exec "{sys.executable}" "$@"')
    assert make(clone, "TORCH=default")[0] == 0
    listed = clone / "requirements.lock"
    whole = listed.read_text()
    listed.write_text(whole + "no-such-package==1.0 --hash=sha256:" + 64 * "0" + "\n")
    assert make(clone)[0] != 0
    listed.write_text(whole)
    code, said, _ = make(clone)
    assert code == 0 and "requirements.lock by pip" in said
    assert make(clone) == (0, "", "")


@needs_make
def test_a_clone_that_was_moved_is_installed_anew(clone, tmp_path, monkeypatch):
    path_with(tmp_path, monkeypatch, python3=f'exec "{sys.executable}" "$@"')
    assert make(clone, "TORCH=default")[0] == 0
    moved = clone.rename(tmp_path / "another plàce")
    code, said, _ = make(moved)
    assert code == 0 and "requirements.lock by pip" in said
    (finder,) = (moved / ".venv" / "lib" / f"python{THIS}" / "site-packages").glob("agelib*.pth")
    assert str(moved) in finder.read_text()


@needs_make
def test_settings_of_pip_and_what_only_pages_need_stop_nothing(clone, tmp_path, monkeypatch):
    path_with(tmp_path, monkeypatch, python3=f'exec "{sys.executable}" "$@"')
    (tmp_path / "constraints.txt").write_text("faces==0.1\n")
    for name, value in {"CONSTRAINT": tmp_path / "constraints.txt", "TARGET": tmp_path / "else", "USER": "1"}.items():
        monkeypatch.setenv(f"PIP_{name}", str(value))
    (clone / "agebook" / "build" / "npm.py").write_text("raise SystemExit('no such server')\n")
    code, _, trouble = make(clone, "TORCH=default")
    assert (code, installed(clone)) == (0, DEFAULT)
    assert "the scripts of the pages could not be fetched; a build tries again" in trouble
    assert make(clone) == (0, "", "")


@needs_make
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one build")
@pytest.mark.parametrize("by", ["pip", "uv"])
def test_the_cpu_build_comes_from_its_own_index_and_nothing_for_cards_with_it(by, clone, index, tmp_path, monkeypatch):
    commands = {"python3": f'exec "{sys.executable}" "$@"'}
    if by == "uv":
        if not (uv := shutil.which("uv")):
            pytest.skip("no uv here")
        # The seed would be pip from the registry, which is not asked here.
        leave_out = 'for word in "$@"; do shift; [ "$word" = --seed ] || set -- "$@" "$word"; done'
        commands["uv"] = f'{leave_out}; exec "{uv}" "$@"'
    path_with(tmp_path, monkeypatch, **commands)
    code, said, trouble = make(clone, "TORCH=cpu", f"TORCH_INDEX={index}")
    assert code == 0 and f"by {by}" in said, trouble
    assert installed(clone) == CPU
    assert make(clone) == make(clone, "TORCH=cpu", "TORCH_INDEX=http://127.0.0.1:9") == (0, "", "")

    # The other build, asked for by name: made anew, so that nothing of the first is left.
    code, said, trouble = make(clone, "TORCH=default")
    assert code == 0 and "made anew: it has another build of PyTorch than the default one" in said, trouble
    assert installed(clone) == DEFAULT


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one build")
@pytest.mark.parametrize(
    ("asked", "driver", "build", "said"),
    [
        ("auto", False, "cpu", "no NVIDIA driver here, so PyTorch's CPU build is installed; TORCH=default"),
        ("auto", True, "default", ""),
        ("cpu", True, "cpu", ""),
        ("default", False, "default", ""),
        ("cuda", False, "default", ""),
    ],
)
def test_the_build_of_pytorch_suits_the_computer(asked, driver, build, said, index, monkeypatch, capsys):
    monkeypatch.setattr(install, "_has_nvidia", lambda: driver)
    assert install.choose_torch(asked, index) == build
    told = capsys.readouterr().out
    assert said in told and told.count("\n") == bool(said)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one build")
@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "{index}/nowhere", "no address"])
def test_an_index_that_does_not_answer_is_named_and_the_default_build_taken(address, index, capsys):
    address = address.format(index=index)
    assert install.choose_torch("cpu", address) == "default"
    assert capsys.readouterr().out.startswith(f"install: {address} does not answer, so PyTorch's default build")


@needs_make
@pytest.mark.parametrize(
    ("commands", "options", "found"),
    [
        ({}, [], "python: none of them runs"),
        ({"python3": 'case "$1" in --version) echo Python 3.10.13;; *) exit 1;; esac'}, [], "Python 3.10.13"),
        (
            {"old": 'case "$1" in --version) echo Python 2.7.18;; *) exit 1;; esac'},
            ["PYTHON=old"],
            "old: Python 2.7.18",
        ),
        ({}, ["PYTHON=/no/such/python"], "/no/such/python: none of them runs"),
    ],
)
def test_a_python_that_will_not_do_ends_in_one_line(commands, options, found, clone, tmp_path, monkeypatch):
    path_with(tmp_path, monkeypatch, **commands)
    code, said, trouble = make(clone, *options)
    lines = [line for line in trouble.splitlines() if not line.startswith("make: ***")]
    assert code != 0 and said == "" and len(lines) == 1
    assert lines[0].startswith("make: this needs Python 3.11, 3.12, 3.13 or 3.14; ") and found in lines[0]
    assert not (clone / ".venv").exists()


@needs_make
def test_the_first_python_that_will_do_is_taken(clone, tmp_path, monkeypatch):
    (clone / "agebook" / "build" / "install.py").write_text("import sys; print(sys.argv[0] and sys.flags.dev_mode)\n")
    path_with(
        tmp_path,
        monkeypatch,
        python3="exit 1",
        **{"python3_14": "exit 127", "python3_13": f'exec "{sys.executable}" -X dev "$@"', "python": "exit 0"},
    )
    assert make(clone) == (0, "True\n", "")


@pytest.mark.parametrize("version", [(2, 7), (3, 10), (3, 15), (4, 0)])
def test_another_python_is_told_what_is_needed(version):
    with pytest.raises(install.Problem, match=rf"this is Python {version[0]}\.{version[1]}; needed is 3\.11 to 3\.14"):
        install.check_python((*version, 1))


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_every_supported_python_passes_but_not_on_an_intel_mac(minor):
    install.check_python((3, minor, 0), "Linux", "x86_64")
    install.check_python((3, minor, 0), "Darwin", "arm64")
    with pytest.raises(install.Problem, match="Intel"):
        install.check_python((3, minor, 0), "Darwin", "x86_64")


@pytest.mark.parametrize(
    ("broken", "exactly", "why"),
    [
        ("echo broken >&2; exit 1", [], "its Python does not run"),
        ("echo 3 10", [], "its Python is 3.10"),
        ("echo 3 15", [], "its Python is 3.15"),
        ("echo 3 {}".format(14 if THIS == "3.11" else 11), ["--exactly"], "its Python is 3.1"),
        ("echo 3 {}".format(14 if THIS == "3.11" else 11), [], None),
    ],
)
def test_an_environment_that_is_broken_or_of_another_python_is_made_anew(
    broken, exactly, why, clone, monkeypatch, capsys
):
    venv, steps = clone / ".venv", []
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").touch()
    (venv / "bin" / "python").write_text(f"#!/bin/sh\n{broken}\n")
    (venv / "bin" / "python").chmod(0o755)
    monkeypatch.setattr(install, "REPOSITORY", clone)
    monkeypatch.setattr(install, "_make", lambda venv: [venv.mkdir(), steps.append("made")])
    monkeypatch.setattr(install, "fill", lambda python, torch, index: steps.append(torch))
    assert install.main(["--torch", "default", *exactly]) == 0
    said = capsys.readouterr().out
    if why:
        assert said.startswith(f"install: .venv is made anew: {why}") and steps == ["made", "default"]
    else:
        assert said == "" and steps == ["default"]


@needs_make
def test_a_folder_that_is_no_environment_is_left_alone(clone, tmp_path, monkeypatch):
    path_with(tmp_path, monkeypatch, python3=f'exec "{sys.executable}" "$@"')
    (clone / ".venv").mkdir()
    (clone / ".venv" / "thesis.txt").write_text("years of work")
    code, _, trouble = make(clone, "TORCH=default")
    assert code != 0 and ".venv is no environment of Python; move it away, and run this again\n" in trouble
    assert (clone / ".venv" / "thesis.txt").read_text() == "years of work"


def test_a_python_that_cannot_make_environments_names_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(install.shutil, "which", lambda name: None)
    with pytest.raises(install.Problem, match=rf"apt install python{re.escape(THIS)}-venv; or install uv"):
        install._make(tmp_path / ".venv")


def test_the_installer_and_the_locker_import_the_standard_library_alone():
    for module in (install, lock):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
        names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) <= {"agebook"}


def test_makefile_package_and_installer_name_the_same_pythons():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["requires-python"] == ">=3.11,<3.15"
    assert (install.FIRST, install.TOO_NEW) == ((3, 11), (3, 15))
    assert "(3, 11) <= sys.version_info < (3, 15)" in (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert list(lock.PYTHONS) == ["3.11", "3.12", "3.13", "3.14"]
    listed = [c.rpartition(" ")[2] for c in project["project"]["classifiers"] if ":: Python :: 3." in c]
    assert listed == list(lock.PYTHONS)
    assert project["tool"]["ruff"]["target-version"] == "py311"


# The lock


def entries() -> dict[str, list[str]]:
    """Of the lock: name → the text of each of its entries."""
    found: dict[str, list[str]] = {}
    for entry in re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]:
        found.setdefault(re.match(r"[\w.-]+", entry)[0], []).append(entry)
    return found


def test_the_lock_holds_every_pin_of_the_list_on_every_system():
    text = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))
    assert len(pins) > 40
    first = {name: [entry.partition(" \\")[0] for entry in each] for name, each in entries().items()}
    assert {name: first.get(name) for name in pins} == {name: [f"{name}=={version}"] for name, version in pins.items()}


def test_every_entry_of_the_lock_has_hashes_and_none_an_address():
    for name, each in entries().items():
        for entry in each:
            assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), name
    assert "://" not in LOCK and "--index" not in LOCK and "--find-links" not in LOCK


def test_what_a_locked_package_asks_for_is_in_the_lock():
    """By what is installed here; a package at another version than the lock's is passed over."""
    requirements = pytest.importorskip("packaging.requirements")
    utils = pytest.importorskip("packaging.utils")
    listed, missing, looked_at = lock.pins(LOCK), [], 0
    for found in metadata.distributions():
        name = utils.canonicalize_name(found.name)
        if found.version not in listed.get(name, ()):
            continue
        looked_at += 1
        for text in found.requires or []:
            asked = requirements.Requirement(text)
            wanted = utils.canonicalize_name(asked.name)
            if wanted in lock.LEFT_OUT or (asked.marker and not asked.marker.evaluate({"extra": ""})):
                continue
            if not any(asked.specifier.contains(version, prereleases=True) for version in listed.get(wanted, ())):
                missing.append(f"{name} needs {text}")
    assert looked_at > 100 and not missing


def test_what_is_left_out_of_the_lock_is_said_in_its_head():
    assert not set(lock.LEFT_OUT) & set(entries())
    assert all(name in LOCK.partition("\n\n")[0] for name in lock.LEFT_OUT)


def test_nothing_but_pytorch_needs_what_the_cpu_build_does_without():
    for name, each in entries().items():
        if install.FOR_CARDS.fullmatch(name):
            whose = [other for text in re.findall(r"# via (.*)", "".join(each)) for other in text.split(", ")]
            assert whose and all(other in install.TORCH or install.FOR_CARDS.fullmatch(other) for other in whose), name


def test_a_lock_without_some_packages_keeps_every_other_entry_as_it_was():
    part = install.without(LOCK, lambda name: name in install.TORCH or install.FOR_CARDS.fullmatch(name))
    gone = set(entries()) - set(lock.pins(part))
    assert set(install.TORCH) < gone and all(n in install.TORCH or install.FOR_CARDS.fullmatch(n) for n in gone)
    assert all(entry in part for name, each in entries().items() if name not in gone for entry in each)
    assert install.version_in(LOCK, "torch") == re.search(r"^torch==(.*) \\$", LOCK, re.MULTILINE)[1]


def test_the_table_of_systems_is_told_and_one_that_cannot_be_resolved_fails(tmp_path, monkeypatch, capsys):
    uv = tmp_path / "uv"
    uv.write_text(
        textwrap.dedent("""\
        #!/bin/sh
        case "$*" in
          *windows*3.14*) echo "torch==2.0 has no wheels with a matching tag" >&2; exit 1;;
          *darwin*) echo "Would install 245 packages for macOS $MACOSX_DEPLOYMENT_TARGET" >&2;;
          *) echo "Would install 264 packages" >&2;;
        esac
        """)
    )
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert lock.main(["--check"]) == 1
    said = capsys.readouterr()
    table = [line.split() for line in said.out.splitlines()]
    assert table[0] == list(lock.PYTHONS)
    assert [row[-4:] for row in table[1:]] == [["264"] * 4] * 2 + [["245"] * 4, ["264"] * 3 + ["none"]]
    assert said.err == "Windows x86-64, Python 3.14: torch==2.0 has no wheels with a matching tag\n"


# The services around the repository


def workflows() -> dict[str, dict]:
    return {path.stem: yaml.safe_load(path.read_text()) for path in (REPOSITORY / ".github/workflows").glob("*.yml")}


def steps():
    return [step for flow in workflows().values() for job in flow["jobs"].values() for step in job["steps"]]


def test_actions_are_pinned_by_commit_and_say_which_release_that_is():
    used = [step["uses"] for step in steps() if "uses" in step]
    assert len(used) > 5 and all(re.fullmatch(r"[\w-]+(/[\w-]+){1,2}@[0-9a-f]{40}", each) for each in used)
    for path in (REPOSITORY / ".github/workflows").glob("*.yml"):
        lines = [line for line in path.read_text().splitlines() if "uses:" in line]
        assert all(re.search(r"@[0-9a-f]{40} # v\d+(\.\d+)*$", line) for line in lines)


def test_each_supported_python_and_each_system_is_tried_in_public():
    matrix = workflows()["test"]["jobs"]["smoke"]["strategy"]["matrix"]["include"]
    tried = {(each["os"].partition("-")[0], each["python"]) for each in matrix}
    assert tried == {("ubuntu", python) for python in lock.PYTHONS} | {
        (system, python) for system in ("macos", "windows") for python in lock.PYTHONS[-2:]
    }


def test_every_service_takes_a_supported_python_and_the_lock():
    binder = yaml.safe_load((REPOSITORY / ".binder/environment.yml").read_text())
    container = json.loads((REPOSITORY / ".devcontainer/devcontainer.json").read_text())
    assert [p for p in lock.PYTHONS if f"python={p}" in binder["dependencies"]]
    assert [p for p in lock.PYTHONS if f"python:{p}-" in container["image"]]
    assert "agebook.build.install --here" in (REPOSITORY / ".binder/postBuild").read_text()
