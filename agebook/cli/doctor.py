"""The command ``doctor`` of the workshop: agelib's, with the browser and how far grading is cut off."""

import platform
import subprocess
from pathlib import Path

from agelib.cli import doctor
from agelib.cli.doctor import NOTE, Finding

#: What installs a browser, by system.
INSTALLS = {"Darwin": "brew install --cask chromium", "Windows": "winget install Google.Chrome"}

#: Where Ubuntu says that users may not make namespaces.
RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


def add(commands) -> None:
    """Add the command to the parser's."""
    doctor.add(commands, {"browser": _browser, "grading": _grading})


def _browser() -> Finding:
    from agebook.build.pdf import find_browser

    try:
        found = find_browser()
    except RuntimeError as error:
        helps = INSTALLS.get(platform.system(), "sudo apt-get install chromium")
        return Finding(str(error), NOTE, helps)
    done = subprocess.run([found, "--version"], capture_output=True, text=True, errors="replace", timeout=20)
    return Finding(done.stdout.strip() or Path(found).name)


def _grading() -> Finding:
    from agebook.course import sandbox

    if sandbox.can_isolate():
        return Finding(sandbox.enforced())
    is_restricted = RESTRICTED.is_file() and RESTRICTED.read_text().strip() == "1"
    helps = (
        f"sudo sysctl kernel.{RESTRICTED.name}=0" if is_restricted else "agebook grade, on Linux outside a container"
    )
    return Finding(sandbox.enforced(), NOTE, helps)
