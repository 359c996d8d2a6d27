"""Where generated things live on disk, and how they get there whole.

Everything that agelib makes (drawn faces, decoded pictures, splits, runs) lies in one folder, the *workspace*:
``data/generated`` in the repository, ``.cache/agelib`` in the user's folder where agelib was installed without it, or
the folder that the environment variable ``AGELIB_HOME`` names.
A file is written under a temporary name and then renamed, so that a reader never sees half a file;
what is expensive is named by a key of its content, so that it is made once.

Explained in "For operators".
"""

import contextlib
import hashlib
import json
import os
import uuid
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import filelock

#: The folder that holds agelib: the repository, in a checkout.
CHECKOUT = Path(__file__).resolve().parents[2]

#: The file that names every other file of a finished folder, with its key.
SEAL = "files.json"


def home() -> Path:
    """Return the workspace folder, and make it if it is missing; an OSError says what to do where that cannot be.

    >>> home().is_dir()
    True
    """
    folder = place()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"the workspace {folder} cannot be made ({reason}); let AGELIB_HOME name another folder"
        ) from None
    return folder.resolve()


def place() -> Path:
    """Where the workspace is, or would be made."""
    if named := os.environ.get("AGELIB_HOME"):
        return Path(os.path.expanduser(named))
    is_checkout = (CHECKOUT / "pyproject.toml").is_file()
    return CHECKOUT / "data" / "generated" if is_checkout else Path(os.path.expanduser("~/.cache/agelib"))


def shipped(name: str) -> Path:
    """A folder that comes with agelib: ``data/reference/NAME`` of a checkout, ``share/agelib/NAME`` where installed."""
    checkout = CHECKOUT / "data" / "reference" / name
    if checkout.is_dir():
        return checkout
    files = [file for file in metadata.files("agelib") or () if file.match(f"share/agelib/{name}/*")]
    return Path(files[0].locate()).resolve().parent if files else checkout


@contextlib.contextmanager
def write_whole(path):
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without an error.

    Works for a file and for a folder. If the block fails, the temporary one is removed and an existing
    `path` stays as it was.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "ages.txt"
    >>> with write_whole(target) as temporary:
    ...     _ = temporary.write_text("28")
    >>> target.read_text()
    '28'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers such as numpy.save and pandas look at it.
    temporary = path.parent / f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}"
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir():
            _remove(path)
        os.replace(temporary, path)
    except BaseException:
        _remove(temporary)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_json(path, value) -> None:
    """Write `value` as readable JSON, whole. Floats keep every digit."""
    with write_whole(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True, default=str) + "\n", encoding="utf-8")


def read_json(path):
    """Read a JSON file.

    Raises
    ------
    ValueError
        If the file is not JSON, with its name and what to do.
    """
    text = Path(path).read_text(encoding="utf-8")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not readable as JSON ({error}); delete the file and run again") from None


def write_table(path, table) -> None:
    """Write a pandas table as CSV, whole; floats are written so that they read back bit for bit."""
    with write_whole(path) as temporary:
        table.to_csv(temporary, index=False)


def content_key(*parts) -> str:
    """A 16-digit key of the given values (text, numbers, bytes, lists, dicts).

    >>> content_key("faces", 1) == content_key("faces", 1)
    True
    >>> content_key("faces", 1) == content_key("faces", 2)
    False
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True, default=str).encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def file_key(path) -> str:
    """A 16-digit key of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def seal(folder) -> None:
    """Note the key of every file of a folder in its ``files.json``, so that :func:`find_fault` can check them.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "history.csv").write_text("epoch")
    >>> seal(folder)
    >>> find_fault(folder)
    ''
    >>> _ = (folder / "history.csv").write_text("ep")
    >>> find_fault(folder).endswith("history.csv is not what was written")
    True
    """
    folder = Path(folder)
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".") and p.name != SEAL)
    write_json(folder / SEAL, {p.name: file_key(p) for p in files})


def find_fault(folder) -> str:
    """What is wrong with a sealed folder: a file that is missing or torn, in words; empty if it is whole."""
    folder = Path(folder)
    try:
        files = read_json(folder / SEAL)
    except FileNotFoundError:
        return f"{folder / SEAL} is missing"
    except ValueError as error:
        return str(error)
    for name, key in files.items():
        if not (folder / name).is_file():
            return f"{folder / name} is missing"
        if file_key(folder / name) != key:
            return f"{folder / name} is not what was written"
    return ""


def set_aside(folder: Path, reason: str) -> Path:
    """Rename a folder that is not whole, so that nothing is lost and nothing torn is read, and say so."""
    folder = Path(folder)
    number = 1
    while (aside := folder.with_name(f"{folder.name}.torn-{number}")).exists():
        number += 1
    folder.rename(aside)
    warnings.warn(f"{reason}. It was set aside as {aside}; beginning anew.", stacklevel=3)
    return aside


def lock(path) -> filelock.FileLock:
    """A lock beside `path` that other processes respect: one makes a thing, the others wait and then find it."""
    path = Path(path)
    file = path.parent / f".{path.name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file.open("ab").close()  # where nothing can be written, filelock would wait as if another held it
    except OSError as error:
        raise OSError(f"{path.parent} cannot be written ({error.strerror}); name another folder") from None
    return filelock.FileLock(file)


def mark_used(path) -> None:
    """Note that a thing of the workspace is used just now; elsewhere nothing is noted.

    The time is that of the lock file beside it. The thing stays untouched, as the times in a data set's folder say
    whether the data set has changed.
    """
    path = Path(path).resolve()
    if home() in path.parents:
        with contextlib.suppress(OSError):  # A workspace that may only be read is as good.
            lock_file(path).touch()


def last_used(path) -> float:
    """When a thing was last used, or else made, in seconds since 1970.

    >>> last_used(home()) >= home().stat().st_mtime
    True
    """
    path = Path(path)
    times = [path.lstat().st_mtime]
    with contextlib.suppress(OSError):
        times.append(lock_file(path).stat().st_mtime)
    return max(times)


def lock_file(path) -> Path:
    """The file of a thing's :func:`agelib.runtime.workspace.lock`."""
    return Path(lock(path).lock_file)


def append_records(file, records: list) -> None:
    """Add records in one piece; a half line that is there already stays alone on its line."""
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join("\n" + json.dumps(record) for record in records) + "\n"
    with open(file, "ab", buffering=0) as opened:
        opened.write(text.encode())


def read_records(file) -> Iterator:
    """The records, one at a time; none if there is no such file, and half lines are passed over.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "notes.jsonl"
    >>> append_records(file, [[0, 256], [256, 512]])
    >>> _ = file.open("a").write('[512, 7')
    >>> append_records(file, [[768, 1024]])
    >>> list(read_records(file))
    [[0, 256], [256, 512], [768, 1024]]
    """
    with contextlib.suppress(FileNotFoundError), open(file, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line != "\n":
                with contextlib.suppress(ValueError, RecursionError):
                    yield json.loads(line)
