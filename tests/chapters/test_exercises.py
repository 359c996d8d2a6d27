"""Graded exercises: each stands alone, whatever became of the others and whatever a student called something."""

import ast
import builtins
import json
import os
import subprocess
import symtable
import sys
from dataclasses import asdict
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from smoke_plan import smoke_plan

from agebook.build.chapters import REPOSITORY, list_chapters
from agebook.course import answers
from agebook.course.student_copy import is_answer, is_by_hand, is_test, name_of
from agebook.notebooks import job_environment

CHAPTERS = list_chapters(REPOSITORY)
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=[chapter.name for chapter in CHAPTERS])


def names_in(source: str) -> tuple[set, set]:
    """Names that a cell binds, and those that it reads, in functions too.

    >>> bound, read = names_in("import os\\nfirst = [second for n in third]\\ndef f(x):\\n    return x + fourth")
    >>> sorted(bound), sorted(read)
    (['f', 'first', 'os'], ['fourth', 'second', 'third'])
    """
    tree = _AsGenerators().visit(ast.parse(TransformerManager().transform_cell(source)))
    top = symtable.symtable(ast.unparse(ast.fix_missing_locations(tree)), "cell", "exec")
    symbols = top.get_symbols()
    bound = {each.get_name() for each in symbols if each.is_assigned() or each.is_imported()}
    read = {each.get_name() for each in symbols if each.is_referenced()}
    waiting = top.get_children()
    while waiting:
        inner = waiting.pop()
        read |= {each.get_name() for each in inner.get_symbols() if each.is_global() and each.is_referenced()}
        waiting += inner.get_children()
    return bound, read


class _AsGenerators(ast.NodeTransformer):
    """From Python 3.12 on the names of a list's comprehension count to the cell; those of a generator never do."""

    def visit_ListComp(self, node):
        return self.generic_visit(ast.GeneratorExp(node.elt, node.generators))

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node):
        pair = ast.Tuple([node.key, node.value], ast.Load())
        return self.generic_visit(ast.GeneratorExp(pair, node.generators))


@each_chapter
def test_an_exercise_leans_on_the_chapter_and_on_no_other_exercise(chapter):
    own = {*dir(builtins), "display"}  # what the chapter's own cells have bound so far
    solved, bound = set(), set()
    for cell in nbformat.read(chapter.path, as_version=4).cells:
        if cell.cell_type != "code" or is_by_hand(cell):
            continue
        bound, read = names_in(cell.source)
        if is_answer(cell):
            solved = bound
            assert read <= own | bound, f"{name_of(cell)} needs {read - own - bound} of another exercise"
        elif is_test(cell):
            name = name_of(cell)
            assert all(each.startswith("_") for each in bound), f"{name} binds {bound}; give it a private name: _name"
            assert read <= own | bound | solved, f"{name} needs {read - own - bound - solved}"
            # Where the chapter has a value under the answer's name, who answers nothing hands in that one.
            taken = {each for each in read & solved & own if not hasattr(builtins, each)}
            assert not taken, f"{name}: the chapter itself has {taken}; give the answer a name of its own"
            assert "_answers.record(" in cell.source, f"{name} hands in nothing"
        else:
            own |= bound
    assert solved


@pytest.mark.chapters
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@each_chapter
def test_an_exercise_is_graded_though_all_others_are_left_blank(chapter, tmp_path):
    order = tmp_path / "job.json"
    order.write_text(json.dumps(asdict(smoke_plan().job(chapter)), default=str), encoding="utf-8")
    script = Path(__file__).parents[1] / "support" / "exercises_alone.py"
    home = {"AGELIB_HOME": str(REPOSITORY / "_build" / "tests" / "home"), "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, str(script), str(order), str(tmp_path)],
        env=job_environment(1, str(tmp_path)) | home,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-3000:]
    tests = [cell for cell in nbformat.read(chapter.path, as_version=4).cells if is_test(cell)]
    assert tests
    for cell in tests:
        (handed_in,) = answers.read(tmp_path / f"{name_of(cell)}.json").values()
        assert not (isinstance(handed_in["value"], dict) and answers.UNFIT in handed_in["value"]), name_of(cell)
