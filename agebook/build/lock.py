"""Make requirements.lock of requirements.txt, by uv; resolve it for every system and Python; list it as CycloneDX.

::

    python3 -m agebook.build.lock               # bring it in line with requirements.txt; --upgrade: all newest
    python3 -m agebook.build.lock --check       # a table: each system and Python, resolved and not installed
    python3 -m agebook.build.lock --sbom FILE   # what is in it, for those who check software supply chains

Standard library alone: it also runs where nothing is installed. Its tools come from the registry into _build/tools.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from agebook.build.install import REPOSITORY, python_of

LOCK = REPOSITORY / "requirements.lock"

PYTHONS = ("3.11", "3.12", "3.13", "3.14")

#: System → how uv calls it.
SYSTEMS = {
    "Linux x86-64": "x86_64-unknown-linux-gnu",
    "Linux arm64": "aarch64-unknown-linux-gnu",
    "macOS 14 arm64": "aarch64-apple-darwin",
    "Windows x86-64": "x86_64-pc-windows-msvc",
}

#: Required by what we use, but only for a part of it that we do not use, and why it is left out.
LEFT_OUT = {"spacy": "fastai's text models; with what it needs in turn 200 MB"}

#: Tools, and the versions that these commands were tried with.
TOOLS = {"uv": "uv==0.13.9", "cyclonedx-py": "cyclonedx-bom==7.5.0"}

HEAD = """\
# Everything that `make` installs, with the hashes of its files, for Linux (x86-64, arm64), macOS 14 and newer (arm64)
# and Windows, and Python 3.11 to 3.14. Written by `make lock` from requirements.txt: change that, not this.
# In the requirements format with markers, because every pip and uv installs it (pip reads pylock.toml only since 26.1).
# Complete, so it is installed with --no-deps. Left out: {left_out}.
"""


def main(arguments=None) -> int:
    """Write, check or list the lock; returns 1 where a system cannot be resolved, or a tool failed."""
    parser = argparse.ArgumentParser(prog="python -m agebook.build.lock", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="resolve it for every system and Python")
    parser.add_argument("--sbom", metavar="FILE", type=Path, help="list it as CycloneDX JSON")
    parser.add_argument("--upgrade", action="store_true", help="newest versions of what requirements.txt does not pin")
    options = parser.parse_args(arguments)
    try:
        if options.sbom:
            write_sbom(options.sbom)
        elif options.check:
            return check()
        else:
            write_lock(options.upgrade)
    except subprocess.CalledProcessError as error:
        print(f"lock: {Path(error.cmd[0]).name} failed, see above; nothing was changed", file=sys.stderr)
        return 1
    return 0


def tool(name: str) -> str:
    """The path of a command: from PATH, else installed once into an environment of its own below _build."""
    if found := shutil.which(name):
        return found
    folder = REPOSITORY / "_build" / "tools" / name
    python = python_of(folder)
    command = python.with_name(name + python.suffix)
    if not command.exists():
        venv.create(folder, with_pip=True, clear=True)
        asked = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", TOOLS[name]]
        subprocess.run([str(python), *asked], check=True)
    return str(command)


def write_lock(upgrade: bool = False) -> None:
    """Resolve requirements.txt for all systems at once, as close to the lock that stands there as can be."""
    folder = REPOSITORY / "_build" / "lock"
    folder.mkdir(parents=True, exist_ok=True)
    left_out, made = folder / "left-out.txt", folder / "requirements.lock"
    left_out.write_text("".join(f"{name} ; python_version < '0'\n" for name in LEFT_OUT), encoding="utf-8")
    if LOCK.is_file():
        shutil.copy(LOCK, made)
    command = [tool("uv"), "pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", PYTHONS[0]]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-header", "--annotation-style", "line"]
    command += ["--overrides", str(left_out), "--output-file", str(made), "requirements.txt"]
    subprocess.run(command + ["--upgrade"] * upgrade, cwd=REPOSITORY, check=True)
    reasons = "; ".join(f"{name} ({why})" for name, why in LEFT_OUT.items())
    LOCK.write_text(HEAD.format(left_out=reasons) + "\n" + made.read_text(encoding="utf-8"), encoding="utf-8")
    print(f"lock: {LOCK.name} lists {len(pins(LOCK.read_text(encoding='utf-8')))} packages")


def pins(text: str) -> dict[str, set[str]]:
    """The versions that a lock lists of each package: more than one where they differ between Pythons.

    >>> found = pins("a==1 ; python_version < '3.12' \\\\\\n    --hash=sha256:0\\na==2 ; python_version >= '3.12' \\\\")
    >>> sorted(found["a"])
    ['1', '2']
    """
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def check() -> int:
    """Print how many packages each system and Python gets, with nothing but wheels whose hashes are listed."""
    uv, failed = tool("uv"), []
    print(f"{'':16}" + "".join(f"{python:>8}" for python in PYTHONS))
    for system, name in SYSTEMS.items():
        cells = []
        for python in PYTHONS:
            command = [uv, "pip", "install", "--no-config", "--dry-run", "--require-hashes", "--no-deps"]
            command += ["--only-binary", ":all:", "--python-platform", name, "--python-version", python]
            command += ["--target", str(REPOSITORY / "_build" / "lock" / "none"), "--requirement", str(LOCK)]
            done = subprocess.run(
                command, capture_output=True, text=True, env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"}
            )
            count = re.search(r"Would install (\d+)", done.stderr)
            cells.append(count[1] if count else "none")
            if not count:
                failed.append(f"{system}, Python {python}: {' '.join(done.stderr.split())}")
        print(f"{system:16}" + "".join(f"{cell:>8}" for cell in cells), flush=True)
    print(*failed, sep="\n", end="\n" if failed else "", file=sys.stderr)
    return int(bool(failed))


def write_sbom(file: Path) -> None:
    """List the lock's packages, with versions and hashes, as a software bill of materials (CycloneDX, JSON)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    command = [tool("cyclonedx-py"), "requirements", str(LOCK), "--output-format", "JSON", "--output-file", str(file)]
    command += ["--pyproject", str(REPOSITORY / "pyproject.toml"), "--output-reproducible"]
    subprocess.run(command, check=True)
    print(f"sbom: {file}")


if __name__ == "__main__":
    sys.exit(main())
