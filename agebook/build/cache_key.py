"""What a chapter's result depends on, as one key: it is executed again only when the key changes.

The key covers the notebook's cells, the parameters it is run with, the code of every module of agelib and agebook that
it imports (comments and docstrings do not count), the versions of the packages that these import, the identity of a
data set on disk, and the reference results that it reads. A module whose source the chapter shows with ``show.source``
counts with its full text.
"""

import ast
import functools
import importlib.metadata
import sys
from pathlib import Path

from agebook.build.chapters import Chapter
from agelib.runtime import fingerprint
from agelib.runtime.workspace import content_key, file_key

#: Packages whose code counts as a chapter's own.
OURS = frozenset({"agelib", "agebook"})

#: The room whose functions read the kept runs.
PUBLISHED = "agelib.experiments.published"

#: Import name → the name it is installed under, where the two differ.
DISTRIBUTIONS = {
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "IPython": "ipython",
}


def chapter_key(chapter: Chapter, parameters: dict, chapters: list[Chapter], resolved: dict) -> str:
    """The key of one chapter's execution.

    Parameters
    ----------
    chapter : Chapter
        The chapter.
    parameters : dict
        What it is run with.
    chapters : list of Chapter
        All chapters: those that it reads from count with their code and their parameters.
    resolved : dict
        The parameters of every chapter, by number.
    """
    read = [other for other in chapters if other.number in chapter.reads]
    return content_key(
        [(cell["cell_type"], cell["source"], cell["metadata"]) for cell in chapter.cells],
        _work(chapter, parameters),
        [_work(other, resolved[other.number]) for other in read],
    )


def _work(chapter: Chapter, parameters: dict) -> list:
    """What decides a chapter's numbers: everything but its prose."""
    tree = _tree(chapter.code)
    modules = sorted(imported_modules(tree))
    return [
        fingerprint.code_text(tree),
        parameters,
        identify(parameters.get("root", "")),
        fingerprint.code_fingerprint(*modules),
        [(name, fingerprint.source_file(name).read_text(encoding="utf-8")) for name in sorted(shown_modules(tree))],
        versions(chapter, modules),
        _references(chapter, modules),
    ]


def _references(chapter: Chapter, modules: list[str]) -> list:
    """The reference results that a chapter reads: files that it names, and all kept runs if it could ask for them."""
    folder = Path(chapter.path).parents[1] / "data" / "reference"
    text = "\n".join(chapter.code)
    files = [file for file in sorted(folder.glob("*")) if file.is_file() and file.stem in text]
    if any(name == PUBLISHED or name.startswith(f"{PUBLISHED}.") for name in modules):
        files += [*sorted(folder.glob("runs/*/files.json")), *sorted(folder.glob("grids/*"))]
    return [(file.relative_to(folder).as_posix(), file_key(file)) for file in files]


def _tree(code: list[str]) -> ast.Module:
    """The code cells as one syntax tree; lines that only IPython knows are left out."""
    body = []
    for source in code:
        lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()]
        try:
            body += ast.parse("\n".join(lines)).body
        except SyntaxError:
            # The chapter will fail with its own message when it runs.
            body.append(ast.Expr(ast.Constant(source)))
    return ast.Module(body=body, type_ignores=[])


def _named_modules(tree: ast.Module) -> dict[str, str]:
    """Names in the chapter → the module of ours that each comes from."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                package = alias.name.split(".")[0]
                if package in OURS:
                    names[alias.asname or package] = alias.name if alias.asname else package
                    names.setdefault(alias.name, alias.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
            for alias in node.names:
                names[alias.asname or alias.name] = _home_of(node.module, alias.name)
    return names


def _home_of(module: str, name: str) -> str:
    """The module that ``module.name`` means: a module, or the one that the package hands the name on from."""
    if fingerprint.is_module(f"{module}.{name}"):
        return f"{module}.{name}"
    return _handed_on(module).get(name, module)


def _handed_on(module: str) -> dict[str, str]:
    """Names that a module imports from elsewhere in our packages, such as ``run`` in agelib/__init__.py."""
    path = fingerprint.source_file(module)
    return _imports_from(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _imports_from(path: Path, _modified: int) -> dict[str, str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS
        for alias in node.names
    }


def imported_modules(tree: ast.Module) -> set[str]:
    """The modules of ours that the code uses by name, ``agelib.run`` among them; not what those import."""
    names = _named_modules(tree)
    found = set(names.values())
    within = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in within:
            root, *attributes = _chain(node)
            module = names.get(root)
            # agelib.targets.regression and agelib.run name other modules; metrics.mae does not.
            for attribute in attributes if module else ():
                module = _home_of(module, attribute)
            found.add(module)
    # The packages themselves hand names on from everywhere; what is used of them is in the list by now.
    return found - OURS - {None}


def _chain(node: ast.AST) -> list[str]:
    """The names of ``a.b.c``, one by one; the first is empty where it is no name but, say, a call."""
    if isinstance(node, ast.Attribute):
        return [*_chain(node.value), node.attr]
    return [getattr(node, "id", "")]


def shown_modules(tree: ast.Module) -> set[str]:
    """The modules of ours whose source the code shows with ``show.source(...)`` or ``source(...)``."""
    names = _named_modules(tree)
    found = set()
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if getattr(called, "attr", getattr(called, "id", "")) != "source":
            continue
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            roots = [part.id for part in ast.walk(argument) if isinstance(part, ast.Name)]
            parts = [part for part in ast.walk(argument) if isinstance(part, ast.Attribute)]
            found |= {names[root] for root in roots if root in names}
            found |= {_home_of(names[p.value.id], p.attr) for p in parts if getattr(p.value, "id", "") in names}
    return found


def versions(chapter: Chapter, modules: list[str]) -> dict[str, str]:
    """Versions of the packages that a chapter and its modules of ours import.

    Not Python's: a page that was made with one serves a reader with another.
    """
    imported = [_packages(_tree(chapter.code))]
    imported += [_packages_of(name) for name in fingerprint.imported_modules(*modules)]
    found = {}
    for package in sorted(set().union(*imported)):
        version = _version(DISTRIBUTIONS.get(package, package))
        if version:
            found[package] = version
    return found


def _packages_of(module: str) -> frozenset[str]:
    path = fingerprint.source_file(module)
    return _packages_in(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _packages_in(path: Path, _modified: int) -> frozenset[str]:
    return frozenset(_packages(ast.parse(path.read_text(encoding="utf-8"))))


def _packages(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - OURS


@functools.lru_cache(maxsize=256)
def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def identify(root: str) -> list:
    """What tells one data set on disk from another without reading it: place, size and time of change."""
    if not root:
        return []
    path = Path(root)
    if not path.exists():
        return [str(path)]
    state = path.stat()
    return [str(path.resolve()), state.st_size if path.is_file() else 0, int(state.st_mtime)]
