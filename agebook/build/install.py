"""What ``make`` does first: an environment of a Python that fits, and in it exactly what requirements.lock lists.

It runs before anything is installed, so it imports the standard library alone. Without make, and on Windows::

    python3 -m agebook.build.install            # .venv; with --here: the Python that runs this

uv does the work where it is on the PATH, pip otherwise. Each file is compared with its hash in the lock. On Linux
PyTorch's default build brings 4 GB for NVIDIA cards; where there is no such card, PyTorch's CPU build of the same
version is installed instead, from PyTorch's own index (its files are other files, so only their version is checked).
"""

import argparse
import hashlib
import http.client
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

#: The first Python that will do, and the first that will not; as in pyproject.toml and the Makefile.
FIRST, TOO_NEW = (3, 11), (3, 15)

#: Where PyTorch publishes its builds without CUDA.
CPU_INDEX = "https://download.pytorch.org/whl/cpu"

#: What comes from that index, and what PyTorch's default build needs beside it for NVIDIA cards.
TORCH = ("torch", "torchvision")
FOR_CARDS = re.compile(r"(nvidia|cuda)-.*|triton")

#: Settings of pip and uv that would change what is installed, or where; where packages come from is the reader's.
ODD = {f"PIP_{name}" for name in ["CONSTRAINT", "NO_BINARY", "ONLY_BINARY", "PREFIX", "REQUIREMENT", "ROOT", "TARGET"]}
ODD |= {f"UV_{name}" for name in ["CONSTRAINT", "EXCLUDE_NEWER", "OVERRIDE", "REQUIRE_HASHES", "TORCH_BACKEND"]}
ODD |= {"PYTHONHOME", "PYTHONPATH"}

#: Seconds that the index has to answer.
PATIENCE = 5

#: The note in a finished environment.
NOTE = ".installed"

#: What an environment is made from: if one of these changes, it is brought up to date.
MADE_FROM = ("requirements.lock", "pyproject.toml", "book/scripts.yaml")


class Problem(Exception):
    """Something that the reader can mend; its text says how."""


def main(arguments=None) -> int:
    """Install, unless all is as it should be; returns 0, or 1 after one line that says what to do."""
    parser = argparse.ArgumentParser(prog="python -m agebook.build.install", description=__doc__.split("\n")[0])
    parser.add_argument("--here", action="store_true", help="into the Python that runs this, not into .venv")
    parser.add_argument("--exactly", action="store_true", help="remake a .venv of another Python than this one")
    parser.add_argument("--torch", choices=["auto", "cpu", "default", "cuda"], default="auto", help="PyTorch's build")
    parser.add_argument("--torch-index", default=CPU_INDEX, metavar="URL", help="where PyTorch's CPU build lies")
    options = parser.parse_args(arguments)
    try:
        check_python()
        if options.here:
            fill(Path(sys.executable), choose_torch(options.torch, options.torch_index), options.torch_index)
        else:
            install(REPOSITORY / ".venv", options)
    except (Problem, OSError) as problem:
        print(f"install: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("install: stopped; what was fetched is kept: run the same again", file=sys.stderr)
        return 130
    return 0


def check_python(version=sys.version_info, system=None, machine=None) -> None:
    """Raise :class:`Problem` where this Python, or this computer, cannot run what is to be installed."""
    if not FIRST <= tuple(version[:2]) < TOO_NEW:
        newest = f"{TOO_NEW[0]}.{TOO_NEW[1] - 1}"
        another = "py -3.13 -m agebook.build.install" if os.name == "nt" else "make PYTHON=python3.13"
        raise Problem(f"this is Python {version[0]}.{version[1]}; needed is 3.11 to {newest}: {another}")
    if (system or platform.system(), machine or platform.machine()) == ("Darwin", "x86_64"):
        raise Problem(
            "PyTorch is no longer made for Macs with Intel processors; use another computer, or Colab. On Apple "
            "silicon this Python is one for Intel: take one for arm64, make PYTHON=/opt/homebrew/bin/python3.13"
        )


def install(venv: Path, options) -> None:
    """Make the environment, or bring it up to date; nothing is done where it is as it should be."""
    done, made_from = _noted(venv), _made_from()
    python, found = python_of(venv), _version_of(venv)
    fits = found is not None and FIRST <= found < TOO_NEW and (found == sys.version_info[:2] or not options.exactly)
    kept = done.get("torch") if options.torch in ("auto", done.get("torch")) else None
    if fits and kept and done.get("made_from") == made_from:
        return
    torch = kept or choose_torch(options.torch, options.torch_index)
    if fits and done == {"made_from": made_from, "torch": torch}:
        return
    _remove_unfit(venv, found, fits, done, torch)
    if not python.exists():
        _make(venv)
    _note(venv, "", torch)  # until all is there: what is cut short is known by it, and which build it began with
    fill(python, torch, options.torch_index)
    _note(venv, made_from, torch)


def _note(venv: Path, made_from: str, torch: str) -> None:
    (venv / NOTE).write_text(json.dumps({"made_from": made_from, "torch": torch}), encoding="utf-8")


def _noted(venv: Path) -> dict:
    """What an environment was made from, and with which build of PyTorch; empty if it is not whole."""
    try:
        return json.loads((venv / NOTE).read_text(encoding="utf-8") or '{"torch": "default"}')  # empty: an older one
    except (OSError, ValueError):
        return {}


def _made_from() -> str:
    parts = [(REPOSITORY / name).read_bytes() for name in MADE_FROM]
    parts.append(os.fsencode(REPOSITORY))  # agelib's place, and that of git's filter: another one is noted anew
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def python_of(venv: Path) -> Path:
    """The interpreter of an environment, on this system."""
    return venv / ("Scripts/python.exe" if platform.system() == "Windows" else "bin/python")


def _version_of(venv: Path) -> tuple | None:
    """Major and minor version of an environment's Python; None if it, or the pip that is needed, does not run."""
    ask = f"import sys{'' if shutil.which('uv') else ', pip'}; print(*sys.version_info[:2])"
    try:
        said = subprocess.run([python_of(venv), "-I", "-c", ask], capture_output=True, text=True)
        return tuple(int(number) for number in said.stdout.split()) if said.returncode == 0 else None
    except OSError:
        return None


def _remove_unfit(venv: Path, found, fits: bool, done: dict, torch: str) -> None:
    if not venv.exists() and not venv.is_symlink():
        return
    if not (venv / "pyvenv.cfg").is_file() and not venv.is_symlink() and (not venv.is_dir() or any(venv.iterdir())):
        raise Problem(f"{venv} is no environment of Python; move it away, and run this again")
    if not fits:
        why = "its Python does not run" if found is None else "its Python is {}.{}".format(*found)
    elif done.get("torch", torch) != torch:
        why = f"it has another build of PyTorch than the {torch} one"
    else:
        return
    print(f"install: {venv.name} is made anew: {why}", flush=True)
    if venv.is_symlink():
        venv.unlink()
    else:
        shutil.rmtree(venv)


def _make(venv: Path) -> None:
    """Make an empty environment with pip in it, of the Python that runs this."""
    base = Path(sys.executable)
    if sys.prefix != sys.base_prefix:  # this runs in an environment, which may be the very one that was removed
        name = "python{}.{}".format(*sys.version_info)
        beside = [Path(sys.base_prefix, "bin", name), Path(sys.base_prefix, "python.exe")]
        base = next((each for each in beside if each.is_file()), base)
    if uv := shutil.which("uv"):
        command = [uv, "venv", "--quiet", "--seed", "--python", str(base), str(venv)]
    elif importlib.util.find_spec("ensurepip"):
        command = [str(base), "-m", "venv", str(venv)]
    else:
        package = "python{}.{}-venv".format(*sys.version_info)
        raise Problem(f"{base} cannot make environments; on Debian and Ubuntu: apt install {package}; or install uv")
    _run(command, f"{venv} could not be made")


def choose_torch(asked: str, index: str) -> str:
    """Which build of PyTorch to install, said in a line where the reader might wonder: ``"cpu"`` or ``"default"``.

    Only on Linux do they differ: elsewhere the default build has no CUDA.
    """
    if asked in ("default", "cuda") or platform.system() != "Linux" or (asked == "auto" and _has_nvidia()):
        return "default"
    if not answers(index):
        print(f"install: {index} does not answer, so PyTorch's default build is installed, with CUDA (4 GB more)")
        return "default"
    if asked == "auto":
        print("install: no NVIDIA driver here, so PyTorch's CPU build is installed; TORCH=default takes the other")
    return "cpu"


def _has_nvidia() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def answers(index: str) -> bool:
    """Whether a package index has a page on torch."""
    try:
        with urllib.request.urlopen(f"{index.rstrip('/')}/torch/", timeout=PATIENCE):
            return True
    except (OSError, ValueError, http.client.HTTPException):  # no such server, no such page, no address
        return False


def fill(python: Path, torch: str, index: str) -> None:
    """Install the lock, the CPU build of PyTorch if it is wanted, both packages of ours, and the pages' scripts."""
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    with_uv = shutil.which("uv")
    each = [with_uv, "pip", "install", "--python", str(python)] if with_uv else [str(python), "-m", "pip", "install"]
    each += ["--quiet", "--no-deps", *_bytecode(bool(with_uv)), *([] if with_uv else ["--disable-pip-version-check"])]
    by = "uv" if with_uv else "pip"
    print(f"install: requirements.lock by {by} for {python}; the first time takes some minutes", flush=True)
    left_out = (lambda name: name in TORCH or FOR_CARDS.fullmatch(name)) if torch == "cpu" else (lambda name: False)
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "requirements.lock")
        listed.write_text(without(lock, left_out), encoding="utf-8")
        checked = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(listed)]
        _run([*each, *checked], "not everything of requirements.lock could be installed")
    if torch == "cpu":
        exact = [f"{name}=={version_in(lock, name)}+cpu" for name in TORCH]
        only = ["--index" if with_uv else "--index-url", index, "--only-binary", ":all:"]  # uv: before all others
        trouble = f"PyTorch's CPU build could not be installed from {index} (TORCH=default takes the other)"
        _run([*each, *only, *exact], trouble)
    _run([*each, "--no-build-isolation", "--editable", str(REPOSITORY)], "agelib itself could not be installed")
    _try([str(python), "-m", "agebook.build.npm"], "the scripts of the pages could not be fetched; a build tries again")
    if (REPOSITORY / ".git").exists() and shutil.which("git"):
        keep = ["-m", "nbstripout", "--install", "--attributes", ".gitattributes"]
        _try([str(python), *keep], "the filter that keeps outputs out of git could not be set")


def _bytecode(with_uv: bool) -> list[str]:
    """Bytecode comes with what is first imported, and only of that; where Python may not write it, all of it now.

    Else every process would translate torch and pandas anew, which takes ten seconds.
    """
    if sys.dont_write_bytecode:
        return ["--compile-bytecode"] if with_uv else ["--compile"]
    return [] if with_uv else ["--no-compile"]


def without(lock: str, is_left_out) -> str:
    """A lock less the packages that a function of their names picks.

    >>> print(without("a==1 \\\\\\n    --hash=x\\n    # via b\\nb==2 \\\\\\n    --hash=y", lambda name: name == "a"))
    b==2 \\
        --hash=y
    """
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return "".join(entry for entry in entries if not is_left_out(re.match(r"[\w.-]*", entry)[0]))


def version_in(lock: str, name: str) -> str:
    """The version that a lock lists of a package.

    >>> version_in("numpy==2.4.6 \\\\\\ntorch==2.14.1 \\\\", "torch")
    '2.14.1'
    """
    return re.search(rf"^{re.escape(name)}==([^\s;]+)", lock, re.MULTILINE)[1]


def _try(command: list[str], trouble: str) -> None:
    """Run what nothing else waits for: trouble is said, and the rest goes on."""
    try:
        _run(command, trouble)
    except Problem:
        print(f"install: {trouble}, see above", file=sys.stderr)


def _run(command: list[str], trouble: str) -> None:
    settings = {name: value for name, value in os.environ.items() if name not in ODD}
    settings |= {"PIP_USER": "0", "PIP_REQUIRE_HASHES": "0"}  # pip's own file may say otherwise
    if subprocess.run(command, cwd=REPOSITORY, env=settings).returncode:
        raise Problem(f"{trouble}: see above. What was fetched is kept: run the same again")


if __name__ == "__main__":
    sys.exit(main())
