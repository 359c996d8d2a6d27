"""Fetching the real data sets whose owners let anybody download them.

A transfer goes on where it broke off, is checked against a sum, and appears under its name only when it is whole.
The owners' terms are shown first and must be accepted. The data sets and their terms are described in ``data/cards``.
"""

import errno
import hashlib
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import requests
import urllib3

from agelib.runtime import workspace
from agelib.runtime.progress import Line

CHUNK = 2**18

#: Answers that may be better a moment later.
PASSING = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Dataset:
    """What is needed to fetch a data set: its page, the owners' terms, and the address of each part's file."""

    title: str
    page: str
    terms: str
    archives: dict = field(default_factory=dict)
    usual_parts: tuple = ()
    instructions: str = ""


DATASETS = {
    "imdb-wiki": Dataset(
        title="IMDB-WIKI (Rothe, Timofte, Van Gool, ETH Zurich)",
        page="https://data.vision.ee.ethz.ch/cvl/rrothe/imdb-wiki/",
        terms="For academic research only. The pictures were collected from the Internet and belong to their owners; "
        "one who finds a picture of theirs may have it removed. Do not pass the pictures on.",
        archives={
            "wiki": "https://data.vision.ee.ethz.ch/cvl/rrothe/imdb-wiki/static/wiki_crop.tar",
            "imdb": "https://data.vision.ee.ethz.ch/cvl/rrothe/imdb-wiki/static/imdb_crop.tar",
        },
        usual_parts=("wiki",),
    ),
    "appa-real": Dataset(
        title="APPA-REAL (Agustsson et al., ChaLearn Looking at People)",
        page="https://chalearnlap.cvc.uab.cat/dataset/26/description/",
        terms="For research. We found no written licence: read the owners' page, ask them before any other use, cite "
        "their paper, and do not pass the pictures on.",
        archives={
            "pictures": "https://data.chalearnlap.cvc.uab.cat/AppaRealAge/appa-real-release.zip",
            "categories": "http://sergioescalera.com/wp-content/uploads/2018/06/allcategories_trainvalidtest_split.zip",
        },
        usual_parts=("pictures", "categories"),
    ),
    "utkface": Dataset(
        title="UTKFace (Zhang, Song, Qi)",
        page="https://susanqq.github.io/UTKFace/",
        terms="For non-commercial research only. The pictures belong to their owners. Do not pass them on.",
        instructions="The owners of UTKFace give the files through their page, not under a fixed address. Open {page}, "
        "read the terms, take the aligned and cropped faces (UTKFace.tar.gz), and hand its path over as root: it need "
        "not be unpacked. If the page's link is dead, ask the owners.",
    ),
}


def download(name: str, folder=None, accept: bool = False, parts: tuple | None = None, **options) -> list[Path]:
    """Fetch a real data set from its owners.

    Parameters
    ----------
    name : str
        A name in :data:`DATASETS`.
    folder : path, optional
        Where the files go; the workspace's ``downloads`` by default.
    accept : bool
        Whether you accept the owners' terms. Otherwise they are shown and asked about on the terminal.
    parts : tuple of str, optional
        Which of the data set's files; the usual ones by default.
    **options
        ``progress``, ``attempts``, ``pause`` and ``timeout`` of :func:`fetch`.

    Returns
    -------
    list of pathlib.Path
        The files, each to be given as a source's root; none (and printed instructions) where the owners hand the
        files out in another way.

    Raises
    ------
    ValueError
        If the name or a part is unknown, or the terms are not accepted; as in :func:`fetch`.
    ConnectionError, FileNotFoundError, OSError
        As in :func:`fetch`.
    """
    if name not in DATASETS:
        raise ValueError(f"no data set {name!r} to download; there are: {', '.join(DATASETS)}")
    dataset = DATASETS[name]
    if dataset.instructions:
        print(dataset.instructions.format(page=dataset.page))
        print(f"Terms: {dataset.terms}")
        return []
    parts = dataset.usual_parts if parts is None else tuple(parts)
    unknown = [part for part in parts if part not in dataset.archives]
    if unknown:
        raise ValueError(f"{name} has no part {unknown[0]!r}; it has: {', '.join(dataset.archives)}")
    _accept_terms(dataset, accept)
    folder = Path(folder) if folder else workspace.home() / "downloads"
    addresses = [dataset.archives[part] for part in parts]
    return [fetch(address, folder / address.rpartition("/")[2], **options) for address in addresses]


def _accept_terms(dataset: Dataset, accept: bool) -> None:
    print(f"{dataset.title}\n{dataset.page}\nTerms: {dataset.terms}")
    if accept:
        return
    if sys.stdin is not None and sys.stdin.isatty():
        accept = input("Do you accept these terms? [yes/no] ").strip().lower() in ("y", "yes")
    if not accept:
        raise ValueError(f"{dataset.title}: the terms are not accepted, nothing was fetched; accept=True accepts them")


def fetch(
    address: str, path, sha256: str = "", progress: bool = True, attempts: int = 5, pause: float = 1.0, timeout=30.0
) -> Path:
    """Fetch one file over HTTP, resuming what an earlier call has begun.

    The bytes gather in ``NAME.part``; ``NAME.part.json`` remembers which version of the file they are from, so that a
    file that was changed meanwhile is fetched anew. The sum of a file without a known one is written to
    ``NAME.sha256`` and checked from then on.

    Parameters
    ----------
    address, path : str, path
        An ``http`` or ``https`` address, and where the file goes.
    sha256, progress : str, bool
        Its SHA-256 in hexadecimal, if known; whether to show how far it is.
    attempts, pause : int, float
        How many attempts in a row may fail without getting further than any before, and how many seconds to wait after
        a first failure; each further one doubles them, up to a minute.
    timeout : float
        Seconds without a byte after which a connection counts as broken.

    Returns
    -------
    pathlib.Path
        The whole and checked file.

    Raises
    ------
    ValueError
        If the sum differs, the address is of another kind, or the server answers with a page instead of a file.
    FileNotFoundError
        If the server has no such file.
    ConnectionError
        If it cannot be reached or breaks off again and again; what was fetched is kept for the next call.
    OSError
        If the disk is full.
    """
    if not address.startswith(("http://", "https://")):
        raise ValueError(f"{address}: only http and https addresses can be fetched")
    path = Path(path)
    part, sums = path.with_name(path.name + ".part"), path.with_name(path.name + ".sha256")
    with workspace.lock(path):
        remembered = sums.read_text(encoding="utf-8").split() if sums.is_file() else []
        expected = sha256 or (remembered[0] if remembered else "")
        if path.is_file():
            _check_sum(path, path, expected, f"delete {path} to fetch it again")
        else:
            _gather(address, part, progress, attempts, pause, timeout)
            source = "the data set's known sum" if sha256 else f"{sums}, the sum of an earlier download"
            _finish(part, path, expected, f"the file differs from {source}; fetch again, or ask the owners")
        if not expected:
            with workspace.write_whole(sums) as temporary:
                temporary.write_text(f"{file_sum(path)}  {path.name}\n", encoding="utf-8")
    return path


def _gather(address: str, part: Path, progress: bool, attempts: int, pause: float, timeout: float) -> None:
    """Call :func:`_transfer` until the part is complete; failures count only while nothing new arrives.

    The retries of urllib3 end with an answer's head, and a transfer breaks off in its body: one loop for both is less.
    """
    failures, furthest = 0, _size(part)
    while True:
        try:
            return _transfer(address, part, progress, timeout)
        except _Broken as error:
            reached = _size(part)
            failures = 1 if reached > furthest else failures + 1
            furthest = max(furthest, reached)
            if failures >= attempts:
                raise ConnectionError(
                    f"{address}: {error} ({failures} attempts in a row got no further); {reached / 2**20:.1f} MiB are "
                    "kept: run the same again to go on"
                ) from None
            time.sleep(min(pause * 2 ** (failures - 1), 60.0))


class _Broken(Exception):
    """A failure that another attempt may mend."""


def _transfer(address: str, part: Path, progress: bool, timeout: float) -> None:
    """One request; return when the part has every byte, raise :class:`_Broken` when the connection breaks."""
    version = _read_version(part, address)
    start = _size(part) if version else 0
    if start and start == version["total"]:  # a call was stopped between the last byte and the renaming
        return
    headers = {"Accept-Encoding": "identity", "User-Agent": "agelib"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": version["validator"]}
    try:
        answer = requests.get(address, headers=headers, stream=True, timeout=timeout)
    except requests.RequestException as error:
        cause = error.args[0] if error.args else error
        raise _Broken(f"no answer ({getattr(cause, 'reason', cause)})") from None
    with answer:
        _check_status(answer, address, part)
        start, total = _place(answer, part, start, version)
        found = {"address": address, "validator": _validator(answer.headers), "total": total}
        workspace.write_json(_memory(part), found)
        free = shutil.disk_usage(part.parent).free
        if total is not None and total - start > free:
            raise OSError(
                errno.ENOSPC,
                f"{address} needs {(total - start) / 2**20:.0f} MiB more, {part.parent} has {free / 2**20:.0f} MiB "
                "free; make room or choose another folder",
            )
        _append(answer.raw, address, part, start, total, progress)
    if total is not None and _size(part) != total:
        reached = _size(part)
        if reached > total:
            part.unlink()
        raise _Broken(f"broke off after {reached} of {total} bytes")


def _check_status(answer: requests.Response, address: str, part: Path) -> None:
    """Raise what an answer means that brings no bytes."""
    said = f"{answer.status_code} {answer.reason}"
    if answer.status_code == 416:  # what is there is not the beginning of what the server has now
        part.unlink(missing_ok=True)
        raise _Broken("the server has no such range; starting over")
    if answer.status_code in PASSING:
        raise _Broken(f"the server answers {said}")
    remedy = "see the data set's own page"
    if answer.status_code in (404, 410):
        raise FileNotFoundError(f"{address}: the server has no such file ({answer.status_code}); {remedy}")
    if not answer.ok:
        raise ValueError(f"{address}: the server refuses ({said}); {remedy}")
    if answer.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise ValueError(f"{address} answers with a web page, not with a file; {remedy}")


def _place(answer: requests.Response, part: Path, start: int, version: dict) -> tuple[int, int | None]:
    """Where the answer's bytes belong, and how many the file has in all."""
    length = answer.headers.get("Content-Length")
    if answer.status_code != 206:  # the whole file: the server ignores ranges, or the file has changed
        return 0, int(length) if length else None
    unit, _, rest = answer.headers.get("Content-Range", "").partition(" ")
    span, _, total = rest.partition("/")
    total = int(total) if total.isdigit() else version["total"]
    same = _validator(answer.headers) in ("", version["validator"]) and total == version["total"]
    if unit != "bytes" or span.partition("-")[0] != str(start) or not same:
        part.unlink(missing_ok=True)
        raise _Broken(f"the server sent another range or version than asked for ({unit} {rest}); starting over")
    return start, total


def _append(body, address: str, part: Path, start: int, total: int | None, progress: bool) -> None:
    line = Line(f"fetch {part.stem}", total or 0, "bytes", progress)
    line.done = start
    with open(part, "r+b" if start else "wb") as out:
        out.seek(start)
        while True:
            try:
                data = body.read1(CHUNK)  # what has arrived: a slow line is to lose nothing
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise _Broken(f"broke off after {out.tell()} bytes ({type(error).__name__})") from None
            if not data:
                line.close()
                return
            try:
                out.write(data)
                out.flush()
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                raise OSError(
                    errno.ENOSPC,
                    f"the disk is full while fetching {address}; make room and run again: {part} is kept to go on",
                ) from None
            line.advance(len(data), "" if total else f"{out.tell():,} bytes")


def _memory(part: Path) -> Path:
    """The file that remembers which version of the file the part is from."""
    return part.with_name(part.name + ".json")


def _validator(headers) -> str:
    """What tells this version of the file from another: a strong ETag, or the time of its last change, or nothing."""
    etag = headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")


def _read_version(part: Path, address: str) -> dict:
    """Which version the part is from; empty where that is unknown, so that it cannot be continued."""
    try:
        version = workspace.read_json(_memory(part))
    except (FileNotFoundError, ValueError):
        return {}
    return version if version.get("address") == address and version.get("validator") else {}


def _finish(part: Path, path: Path, expected: str, remedy: str) -> None:
    try:
        _check_sum(part, path, expected, remedy)
    except ValueError:
        part.unlink(missing_ok=True)
        raise
    finally:
        _memory(part).unlink(missing_ok=True)
    part.replace(path)


def _check_sum(file: Path, path: Path, expected: str, remedy: str) -> None:
    if expected and (found := file_sum(file)) != expected.lower():
        raise ValueError(f"{path}: SHA-256 is {found}, expected {expected.lower()}; {remedy}")


def file_sum(path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
