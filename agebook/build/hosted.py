"""A chapter on a machine of Colab, Kaggle or Binder: what it lacks is installed, and the profile that suits it taken.

The set-up cell of a downloaded chapter (see :mod:`agebook.build.launch`) calls :func:`set_up`. What such a machine
brings stays as it is: torch, numpy and the like are loaded when a notebook is opened, and another version would need
a restart.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from importlib import invalidate_caches, metadata, util
from pathlib import Path

#: Names of the platform → the environment variable that says that one is there.
PLATFORMS = {"Colab": "COLAB_RELEASE_TAG", "Kaggle": "KAGGLE_KERNEL_RUN_TYPE", "Binder": "BINDER_LAUNCH_HOST"}

#: Distributions that come under several names, and the module that any of them brings.
MODULES = {"opencv-python-headless": "cv2", "onnxruntime": "onnxruntime"}

#: Of what a chapter imports.
EXTRA = "chapters"

#: A machine with less memory, in bytes, runs the profile smoke: chapters of the profile cpu take up to 2 GB.
SMALL = 4e9

#: What parameters were given here, by name: only such a value may be replaced by another profile's.
_given: dict = {}


def set_up(number: str, names: dict, profile: str = "auto") -> None:
    """Prepare a machine for a chapter, and say what was done.

    Parameters
    ----------
    number : str
        Of the chapter, such as ``"05"``.
    names : dict
        The notebook's names, with its parameters among them. Those that are still as the chapter, or an earlier call,
        set them take the profile's values.
    profile : str
        smoke, cpu or gpu; auto: the one that suits the machine.

    Raises
    ------
    RuntimeError
        If something cannot be installed, with pip's reason.
    ValueError
        If there is no such profile.
    """
    from agebook.build.chapters import REPOSITORY

    install(REPOSITORY)
    chosen = suited() if profile == "auto" else profile
    taken = changes(REPOSITORY, number, names, chosen, _given)
    names |= taken
    _given.update(taken)
    values = ", ".join(f"{name} = {value!r}" for name, value in taken.items())
    print(f"Profile {chosen}: {values or 'every parameter stays as it is'}.")


def install(repository: Path) -> None:
    """Install agelib from its repository, and of what the chapters import whatever is missing, and nothing else."""
    lacking, odd = missing(requirements(repository))
    for each in odd:
        print(f"Note: {each}. It stays, and most of the book works with it.")
    if lacking:
        print(f"Installing {', '.join(lacking)} …", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder, "kept.txt")
            kept.write_text("\n".join(installed()) + "\n", encoding="utf-8")
            _pip("--constraint", str(kept), *lacking)
    try:
        metadata.version("agelib")
    except metadata.PackageNotFoundError:
        _pip("--no-deps", "--editable", str(repository))


def requirements(repository: Path, extra: str = EXTRA) -> list[str]:
    """What agelib asks for in its project file, one of its extras included."""
    project = tomllib.loads(Path(repository, "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found, open_ = list(project["dependencies"]), [extra]
    while open_:
        for each in project["optional-dependencies"][open_.pop()]:
            if each.startswith("agelib["):
                open_ += each[len("agelib[") : each.index("]")].split(",")
            else:
                found.append(each)
    return found


def missing(wanted: Iterable[str]) -> tuple[list[str], list[str]]:
    """Which requirements nothing fulfils here, and, in words, which are there in a version that they do not allow.

    >>> missing(["pip>=1", "no-such-thing>=2; python_version >= '3'", "other; python_version < '3'"])
    (['no-such-thing>=2'], [])
    """
    from packaging.requirements import Requirement

    lacking, odd = [], []
    for requirement in map(Requirement, wanted):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        requirement.marker = None
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            if util.find_spec(MODULES.get(requirement.name, "no module")) is None:
                lacking.append(str(requirement))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            odd.append(f"{requirement.name} {version} is here, and agelib is tested with {requirement.specifier}")
    return lacking, odd


def installed() -> list[str]:
    """Every distribution of this environment as a constraint for pip, which refuses a list that names one twice."""
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

    found = {}
    for each in metadata.distributions():  # in the order of sys.path: what Python imports comes first
        try:
            found.setdefault(canonicalize_name(each.metadata["Name"]), str(Version(each.version)))
        except (InvalidVersion, KeyError, TypeError, AttributeError):
            continue  # what a broken installation left: pip would refuse the whole list
    return sorted(f"{name}=={version}" for name, version in found.items())


def suited() -> str:
    """The name of the profile for this machine: gpu where torch finds one, smoke where memory is small, else cpu."""
    import psutil
    import torch

    if torch.cuda.is_available():
        return "gpu"
    memory = min(psutil.virtual_memory().total, float(os.environ.get("MEM_LIMIT") or "inf"))
    return "smoke" if memory < SMALL else "cpu"


def changes(repository: Path, number: str, names: dict, profile: str, given: dict) -> dict:
    """The values that a profile gives to a chapter's parameters, of those that nobody has changed.

    Parameters
    ----------
    repository : path
    number : str
        Of the chapter.
    names : dict
        The parameters as they are now.
    profile : str
        A file of notebooks/profiles.
    given : dict
        What an earlier profile gave: a parameter with that value goes back to the chapter's where `profile` has none.
    """
    # Not at the top: these need a package that may only now have been installed.
    from agebook.build.chapters import list_chapters
    from agebook.build.profiles import read_profile, resolve

    chapters = list_chapters(repository)
    (declared,) = (each.parameters for each in chapters if each.number == number)
    source = str(names.get("source", "drawn"))
    source = "drawn" if source.startswith("drawn") else source
    values = resolve(chapters, read_profile(repository, profile), profile, source, names.get("root", ""))[number]
    free = [
        name
        for name in declared
        if name in names and (names[name] == declared[name] or (name in given and names[name] == given[name]))
    ]
    wanted = declared | values
    return {name: wanted[name] for name in free if wanted[name] != names[name]}


def _pip(*options: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr or done.stdout).strip()[-2000:]
        raise RuntimeError(
            f"pip install {' '.join(options)} failed:\n{why}\n"
            "On Kaggle, switch the internet on (Settings, Turn on internet), and run this cell again."
        )
    invalidate_caches()
