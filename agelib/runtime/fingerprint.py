"""A key of the code that can change a result: comments, docstrings and layout do not count.

A run is stored under a key of its experiment *and* of this fingerprint, so that editing a loss retrains what used
it, while editing a docstring retrains nothing. Explained in "For operators".
"""

import ast
import functools
import sys
import threading
from pathlib import Path

from agelib.runtime.workspace import content_key

#: The folder that holds agelib and agebook.
ROOT = Path(__file__).resolve().parents[2]

#: Two threads that parse at the same moment break each other's count of the depth in Python 3.11 (a SystemError).
_ONE_AT_A_TIME = threading.Lock()


def code_fingerprint(*modules: str, without: tuple[str, ...] = ()) -> str:
    """Key of the given modules and of every module of agelib that they import: of all their :func:`module_keys`.

    >>> code_fingerprint("agelib.metrics") == code_fingerprint("agelib.metrics")
    True
    """
    return content_key(sorted(module_keys(*modules, without=without).items()))


def module_keys(*modules: str, without: tuple[str, ...] = ()) -> dict[str, str]:
    """A key of the code of each of the given modules, and of each that they import, directly or not.

    Parameters
    ----------
    *modules, without : str, tuple of str
        Dotted names such as ``"agelib.training"``, and those that do not count, nor what they alone import.

    Returns
    -------
    dict of str to str
        Module → 16 hexadecimal digits, by name. The same code gives the same digits on every machine.

    Raises
    ------
    ValueError
        If a name is no module of agelib.
    """
    counted = sorted(imported_modules(*modules, without=without))
    return {name: content_key(_read(source_file(name))[1]) for name in counted}


def imported_modules(*modules: str, without: tuple[str, ...] = ()) -> set[str]:
    """The given modules and all of agelib that they import at any depth (imports inside functions too).

    The room :mod:`agelib.runtime` is not followed: it knows no face and no age, and nothing in it can change a result.
    """
    found, waiting = set(), list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            imported = _read(source_file(name))[0]
            waiting += [other for other in imported if not other.startswith("agelib.runtime") and other not in without]
    return found


def source_file(module: str) -> Path:
    """The file that holds a module of agelib; ValueError if there is none."""
    if file := _file_of(module):
        return file
    raise ValueError(f"'{module}' is no module of agelib: looked for {ROOT.joinpath(*module.split('.'))}.py")


def _file_of(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    return next((file for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file()), None)


def is_module(name: str) -> bool:
    """Whether a dotted name is a module of agelib."""
    return all(part.isidentifier() for part in name.split(".")) and _file_of(name) is not None


def code_text(tree: ast.AST) -> str:
    """Write a syntax tree as text, the same on every supported Python: as :func:`ast.dump` of Python 3.11 does.

    Empty lists of type parameters, new in 3.12, are taken out of `tree`; other empty lists, which 3.13 keeps quiet
    about, are written.

    >>> code_text(ast.parse("def age(): pass").body[0].args)
    'arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])'
    """
    for node in ast.walk(tree):
        if getattr(node, "type_params", None) == []:
            del node.type_params
    return ast.dump(tree, **({"show_empty": True} if sys.version_info >= (3, 13) else {}))


def _read(path: Path) -> tuple[frozenset[str], str]:
    """Of one file: modules of agelib that it imports, and its code without docstrings."""
    return _read_as_of(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _read_as_of(path: Path, _modified: int) -> tuple[frozenset[str], str]:
    tree = _parse(path)
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # "from agelib.targets import regression" names a module, "from agelib.targets import build" what one holds.
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                imported.add(whole if _is_ours(whole) else node.module)
        elif _is_documented(node):
            node.body = node.body[1:] or [ast.Pass()]
    return frozenset(filter(_is_ours, imported)), code_text(tree)


def _parse(path: Path) -> ast.Module:
    with _ONE_AT_A_TIME:
        return ast.parse(path.read_text(encoding="utf-8"))


def _is_documented(node: ast.AST) -> bool:
    may_be = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return may_be and ast.get_docstring(node, clean=False) is not None


def _is_ours(name: str) -> bool:
    return name.startswith(("agelib.", "agebook.")) and is_module(name)
