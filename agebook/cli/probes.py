"""What ``doctor`` says of the workshop: its browser, and how far grading is cut off. Named in pyproject.toml."""

import platform
import subprocess
from pathlib import Path

from agelib.cli.doctor import NOTE, Finding

#: What installs a browser, by system.
INSTALLS = {"Darwin": "brew install --cask chromium", "Windows": "winget install Google.Chrome"}

#: Where Ubuntu says that users may not make namespaces.
RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


def browser() -> Finding:
    """Which browser prints the PDF."""
    from agebook.build.pdf import find_browser

    try:
        found = find_browser()
    except RuntimeError as error:
        helps = INSTALLS.get(platform.system(), "sudo apt-get install chromium")
        return Finding(str(error), NOTE, helps)
    if platform.system() == "Windows":  # asked for its version there, it opens a window
        return Finding(Path(found).name)
    done = subprocess.run([found, "--version"], capture_output=True, text=True, errors="replace", timeout=20)
    return Finding(done.stdout.strip() or Path(found).name)


def grading() -> Finding:
    """What is kept from a student's code while it is executed."""
    from agebook.course import sandbox

    if sandbox.can_isolate():
        return Finding(sandbox.enforced())
    is_restricted = RESTRICTED.is_file() and RESTRICTED.read_text().strip() == "1"
    helps = (
        f"sudo sysctl kernel.{RESTRICTED.name}=0" if is_restricted else "agebook grade, on Linux outside a container"
    )
    return Finding(sandbox.enforced(), NOTE, helps)
