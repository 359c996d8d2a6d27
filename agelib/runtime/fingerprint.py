"""A key of the code that can change a result: comments, docstrings and layout do not count.

A run is stored under a key of its experiment *and* of this fingerprint, so that editing a loss retrains what used
it, while editing a docstring retrains nothing. Explained in the page "How to run".
"""

import ast
import functools
import platform
import threading
from importlib import metadata
from pathlib import Path

from agelib.runtime.workspace import content_key

#: The folder that holds agelib and agebook.
ROOT = Path(__file__).resolve().parents[2]

#: What shows how far something is, or where memory and cores come from, changes no result, whatever it says and
#: imports.
WITHOUT_EFFECT = (
    "agelib.runtime.malloc",
    "agelib.runtime.cpu",
    "agelib.runtime.progress",
    "agelib.runtime.interrupts",
)

#: Two threads that parse at the same moment break each other's count of the depth in Python 3.11 (a SystemError).
_ONE_AT_A_TIME = threading.Lock()


def code_fingerprint(*modules: str, by_name: bool = False) -> str:
    """Key of the given agelib modules and of every agelib module that they import, directly or not.

    Parameters
    ----------
    *modules : str
        Dotted names such as ``"agelib.training"``.
    by_name : bool
        Whether a module counts that another holds as text, to import it when it is wanted: every network and target
        of a registry.

    Returns
    -------
    str
        16 hexadecimal digits. The same code gives the same digits on every machine.

    Raises
    ------
    ValueError
        If a name is no module of agelib.

    Examples
    --------
    >>> code_fingerprint("agelib.metrics") == code_fingerprint("agelib.metrics")
    True
    """
    counted = sorted(imported_modules(*modules, by_name=by_name))
    return content_key([(name, _skeleton(source_file(name))) for name in counted])


def imported_modules(*modules: str, by_name: bool = False) -> set[str]:
    """The given modules and all agelib modules that they import at any depth (imports inside functions too)."""
    found, waiting = set(), list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += [other for other in _imports(source_file(name), name, by_name) if other not in found]
    return found


def source_file(module: str) -> Path:
    """The file that holds a module of agelib; ValueError if there is none."""
    base = ROOT.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    raise ValueError(f"'{module}' is no module of agelib: looked for {base}.py")


def is_module(name: str) -> bool:
    """Whether a dotted name is a module of agelib."""
    if not all(part.isidentifier() for part in name.split(".")):
        return False
    try:
        source_file(name)
    except ValueError:
        return False
    return True


def _imports(path: Path, module: str, by_name: bool) -> set[str]:
    imported, words, _ = _read(path, path.stat().st_mtime_ns)
    # agelib/__init__.py only hands names on; following it would make every module depend on every other.
    return (imported | words if by_name else imported) - {module, *WITHOUT_EFFECT}


def _skeleton(path: Path) -> str:
    return _read(path, path.stat().st_mtime_ns)[2]


@functools.lru_cache(maxsize=1024)
def _read(path: Path, _modified: int) -> tuple[frozenset[str], frozenset[str], str]:
    """Of one file: modules of agelib that it imports, those that it holds as text, and its code without docstrings."""
    tree = _parse(path)
    imported, words = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # "from agelib.targets import regression" names a module; "from agelib.runtime.workspace import lock" a function.
            imported |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
        elif _is_documented(node):
            node.body = node.body[1:] or [ast.Pass()]
    modules = (frozenset(filter(_is_ours, names)) for names in (imported, words))
    return *modules, ast.dump(tree, include_attributes=False)


def _parse(path: Path) -> ast.Module:
    with _ONE_AT_A_TIME:
        return ast.parse(path.read_text(encoding="utf-8"))


def _is_documented(node: ast.AST) -> bool:
    may_be = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return may_be and ast.get_docstring(node, clean=False) is not None


def _is_ours(name: str) -> bool:
    return name.startswith(("agelib.", "agebook.")) and is_module(name)


def library_versions(*libraries: str) -> dict[str, str]:
    """Versions of agelib, Python and the libraries that a kept result was computed with.

    >>> list(library_versions("numpy"))
    ['agelib', 'python', 'numpy']
    """
    import agelib

    versions = {library: metadata.version(library) for library in libraries}
    return {"agelib": agelib.__version__, "python": platform.python_version(), **versions}
