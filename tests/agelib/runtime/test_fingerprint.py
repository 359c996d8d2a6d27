"""What code may change a result, and what may not."""

import ast
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from agelib.runtime import fingerprint


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A little agelib: `runs` imports `loss`; `plots` stands apart."""
    folder = tmp_path / "agelib"
    folder.mkdir()
    files = {
        "__init__.py": "from agelib.plots import draw\n",
        "loss.py": '"""Losses."""\n\ndef mse(a, b):\n    """Mean squared error."""\n    return ((a - b) ** 2).mean()\n',
        "runs.py": "def run(a, b):\n    from agelib.loss import mse\n    return mse(a, b)\n",
        "plots.py": "def draw():\n    return 1\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(fingerprint, "ROOT", folder.parent)
    return folder


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("loss.py", "Mean squared error.", "The mean of squared errors, in years².", False),
        ("loss.py", '"""Losses."""', '"""What a network learns from."""', False),
        ("loss.py", "def mse(a, b):", "# Years.\n\n\ndef mse(a,   b):", False),
        ("loss.py", "** 2", "** 4", True),
        ("runs.py", "return mse(a, b)", "return mse(b, a)", True),
        ("plots.py", "return 1", "return 2", False),
    ],
)
def test_only_code_that_is_imported_and_runs_changes_the_key(package, file, old, new, changes):
    before = fingerprint.code_fingerprint("agelib.runs")
    edit(package / file, old, new)
    assert (fingerprint.code_fingerprint("agelib.runs") != before) == changes


def test_imports_inside_functions_count(package):
    assert fingerprint.imported_modules("agelib.runs") == {"agelib.runs", "agelib.loss"}


def test_what_is_left_out_does_not_count_nor_what_it_alone_imports(package):
    (package / "registry.py").write_text("from agelib import loss, plots\n")
    (package / "fit.py").write_text("from agelib import loss, registry\n")
    whole = {"agelib.fit", "agelib.loss", "agelib.registry", "agelib.plots"}
    assert fingerprint.imported_modules("agelib.fit") == whole
    assert fingerprint.imported_modules("agelib.fit", without=("agelib.registry",)) == {"agelib.fit", "agelib.loss"}


def test_the_cellar_counts_only_where_it_is_named(package):
    (package / "runtime").mkdir()
    (package / "runtime" / "progress.py").write_text("from agelib.plots import draw\n")
    (package / "fit.py").write_text("from agelib.runtime.progress import draw\nfrom agelib.runtime import progress\n")
    assert fingerprint.imported_modules("agelib.fit") == {"agelib.fit"}
    before = fingerprint.code_fingerprint("agelib.runtime.progress")
    edit(package / "plots.py", "return 1", "return 2")
    assert fingerprint.code_fingerprint("agelib.runtime.progress") != before


def test_a_package_counts_where_a_name_of_its_own_is_taken_from_it(package):
    (package / "targets").mkdir()
    (package / "targets" / "__init__.py").write_text("from agelib.plots import draw\n")
    (package / "targets" / "coral.py").write_text("")
    (package / "fit.py").write_text("from agelib.targets import coral\n")
    assert fingerprint.imported_modules("agelib.fit") == {"agelib.fit", "agelib.targets.coral"}
    (package / "fit.py").write_text("from agelib.targets import coral, draw  # twice\n")
    assert {"agelib.targets", "agelib.plots"} < fingerprint.imported_modules("agelib.fit")


def test_a_module_that_does_not_exist_is_named(package):
    with pytest.raises(ValueError, match=r"'agelib\.los' is no module of agelib"):
        fingerprint.code_fingerprint("agelib.los")


def test_the_text_of_code_is_the_same_on_every_python():
    """As Python 3.11 wrote it; 3.12 has a new field, 3.13 leaves out what is empty."""
    code = "class Age(int):\n    def years(self):\n        return f'{self:d}'\n"
    assert fingerprint.code_text(ast.parse(code)) == (
        "Module(body=[ClassDef(name='Age', bases=[Name(id='int', ctx=Load())], keywords=[], body=[FunctionDef("
        "name='years', args=arguments(posonlyargs=[], args=[arg(arg='self')], kwonlyargs=[], kw_defaults=[], "
        "defaults=[]), body=[Return(value=JoinedStr(values=[FormattedValue(value=Name(id='self', ctx=Load()), "
        "conversion=-1, format_spec=JoinedStr(values=[Constant(value='d')]))]))], decorator_list=[])], "
        "decorator_list=[])], type_ignores=[])"
    )


def test_a_type_parameter_counts_where_there_is_one():
    if sys.version_info >= (3, 12):
        assert "TypeVar" in fingerprint.code_text(ast.parse("def first[T](of: list[T]) -> T: ..."))


def test_threads_may_ask_at_the_same_time(monkeypatch):
    """In Python 3.11 two threads that parse at once may end with a SystemError."""
    inside = []

    def watched(*arguments):
        inside.append(None)
        time.sleep(0.001)  # lets the other threads come in, if they can
        assert len(inside) == 1, "two threads parse at once"
        tree = ast.parse(*arguments)
        inside.pop()
        return tree

    monkeypatch.setattr(fingerprint, "ast", SimpleNamespace(parse=watched))
    files = [
        fingerprint.source_file(f"agelib.{name}") for name in ("config", "data.table", "metrics", "runtime.progress")
    ]
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(fingerprint._parse, files))
