"""The house: rooms on floors, and what may import what, read from the code of both packages."""

import ast
import itertools
import re
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import agelib

REPOSITORY = Path(__file__).resolve().parents[1]

#: Modules that import another by a name in a string, and why an import statement cannot stand there.
BY_STRING: dict[str, str] = {}

#: How a docstring of a module does not begin.
EMPTY_WORDS = ("this ", "module ", "a module", "contains ", "helper", "utilities", "various ", "functions for ")


@cache
def modules() -> dict[str, Path]:
    """Every module of both packages by its dotted name."""
    found = {}
    for package in ("agelib", "agebook"):
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            parts = path.relative_to(REPOSITORY).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


@cache
def imports(module: str) -> frozenset[str]:
    """Dotted names that a module imports, at its top and inside functions."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}, line {node.lineno}: a relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules() else node.module for name in names}
    return frozenset(found)


def edges() -> list[tuple[str, str]]:
    """(importing, imported) for all modules of ours."""
    return sorted(
        (module, name) for module in modules() for name in imports(module) if name in modules() and name != module
    )


@cache
def floors() -> dict[str, int]:
    """Room → floor, by the table in agelib's docstring."""
    rows = re.findall(r"^(\d)\s+:mod:`([\w.]+)`", agelib.__doc__, re.MULTILINE)
    assert len(rows) == len({room for _, room in rows}), "a room stands twice in the table"
    return {room: int(floor) for floor, room in rows}


def room(module: str) -> str:
    """The room that a module is in.

    What only hands names on at the door counts as the highest room that it hands a name of on.
    """
    if module == "agelib":
        return "agelib.experiments"
    package, _, rest = module.partition(".")
    if rest in ("", "__main__"):
        return f"{package}.cli"
    return f"{package}.{rest.partition('.')[0]}"


def floor(module: str) -> int:
    return floors()[room(module)]


def test_the_table_names_every_room_and_no_other():
    folders = {
        f"{package}.{path.stem}"
        for package in ("agelib", "agebook")
        for path in (REPOSITORY / package).iterdir()
        if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").is_file())
    }
    assert set(floors()) == folders
    assert len(folders) <= 20 and max(floors().values()) <= 8


def test_the_table_says_what_is_in_a_room_and_where_it_is_taught():
    border = next(line for line in agelib.__doc__.splitlines() if line.startswith("===="))
    columns = [match.span() for match in re.finditer("=+", border)]
    assert len(columns) == 4
    for line in agelib.__doc__.splitlines():
        if re.match(r"\d\s+:mod:", line):
            *_, holds, taught = (line[first:last].strip() for first, last in columns)
            assert holds and taught, line
            for number in re.findall(r"\d\d", taught):
                assert list((REPOSITORY / "notebooks").glob(f"{number}_*.ipynb")), line


def test_nothing_imports_upward():
    assert not [(one, other) for one, other in edges() if floor(one) < floor(other)]


def test_there_is_no_circle_between_rooms():
    below = {name: set() for name in floors()}
    for one, other in edges():
        if room(one) != room(other):
            below[room(one)].add(room(other))
    try:
        list(TopologicalSorter(below).static_order())
    except CycleError as error:
        circle = error.args[1]
        steps = [(a, b) for a, b in edges() if (room(b), room(a)) in itertools.pairwise(circle)]
        pytest.fail(f"{' → '.join(circle)}: {steps}")


def test_agelib_does_not_know_the_workshop():
    assert not [(one, other) for one, other in edges() if one.startswith("agelib") and other.startswith("agebook")]


def test_the_cellar_imports_nothing_but_itself():
    assert not [(one, other) for one, other in edges() if room(one) == "agelib.runtime" != room(other)]


def test_the_options_import_nothing_of_ours():
    assert not [other for one, other in edges() if one == "agelib.config"]


def test_no_private_name_crosses_a_module():
    crossing = []
    for module in modules():
        ours = {}
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in modules():
                        ours[alias.asname or alias.name.partition(".")[0]] = alias.name
            elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("agelib", "agebook"):
                for alias in node.names:
                    if is_private(alias.name):
                        crossing.append(f"{module}, line {node.lineno}: {node.module}.{alias.name}")
                    if f"{node.module}.{alias.name}" in modules():
                        ours[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Attribute) and is_private(node.attr):
                first = ast.unparse(node.value)
                if first.partition(".")[0] in ours:
                    crossing.append(f"{module}, line {node.lineno}: {first}.{node.attr}")
    assert not crossing


def is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def by_string() -> set[str]:
    """Modules that import by a name in a string."""
    return {
        module
        for module in modules()
        for node in ast.walk(tree(module))
        if (isinstance(node, ast.Attribute) and node.attr == "import_module")
        or (isinstance(node, ast.Name) and node.id in ("import_module", "__import__"))
        or (isinstance(node, ast.ImportFrom) and any(alias.name == "import_module" for alias in node.names))
    }


def test_an_import_statement_stands_where_it_can():
    assert by_string() == set(BY_STRING)


def test_every_module_says_what_it_is():
    wrong = []
    for module in modules():
        said = ast.get_docstring(tree(module)) or ""
        first = said.partition("\n")[0]
        begins = re.match(r"[A-Z0-9`'\"→]|agelib|agebook", first)
        if not begins or len(first) < 20 or said.lower().startswith(EMPTY_WORDS):
            wrong.append(f"{module}: {first!r}")
    assert not wrong


def test_a_module_is_named_by_the_field_and_not_by_its_being_useful():
    empty = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "tools"}
    assert not [module for module in modules() if module.rpartition(".")[2] in empty]


def test_docstrings_name_modules_that_there_are():
    wrong = []
    for module, path in modules().items():
        for name in re.findall(r":mod:`~?([\w.]+)`", path.read_text(encoding="utf-8")):
            if name not in modules():
                wrong.append(f"{module}: {name}")
    assert not wrong


def test_importing_agelib_loads_nothing_heavy():
    """By what it loads, not by the clock: `import agelib` takes a few hundredths of a second."""
    code = "import sys, agelib; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    bare = subprocess.run(
        [sys.executable, "-c", code.replace(", agelib", "")], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(loaded) - set(bare) - set(sys.stdlib_module_names) == {"agelib"}
