"""A chapter's parameters, as its cells declare and replace them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agelib import parameters
from agelib.config import options

FIRST = """epochs: int = 5  # most epochs
share: float = 0.5  # a share, with a # in it
name: str = "a # b"  # what it is called
wide: bool = False  # whether it is wide
sizes: list = [1, 2]  # sides
more: dict = {}  # more
colour: str = "red"  # of the frame, one of red, green
detector: str = "none"  # who finds faces"""

#: Kind → values that fit it, and those that do not.
VALUES = {
    "epochs": ([0, -3, 10**9], [True, 3.0, "3", None, float("nan"), [3]]),
    "share": ([0, 1, 0.25, -2.0], [True, "0.5", None, float("nan"), float("inf")]),
    "name": (["", "x", "7"], [7, None, True, ["x"]]),
    "wide": ([True, False], [1, 0, "yes", None]),
    "sizes": ([[], ["a"]], ["1,2", 1, None, {}]),
    "more": ([{}, {"a": 1}], [[], "", None]),
    "colour": (["red", "green"], ["blue", "", "RED", 3, None]),
    "detector": (list(options()["detector"].choices), ["cascades", "", None]),
}


def test_a_line_is_read_as_it_stands():
    read = parameters.read(FIRST)
    assert read["share"] == parameters.Parameter("share", "float", 0.5, "a share, with a # in it")
    assert read["name"].value == "a # b" and read["name"].meaning == "what it is called"
    assert parameters.read("x = 1") == {"x": parameters.Parameter("x", "", 1, "")}
    for wrong in ("a.b: int = 1", "a: int = 1 + x", "a: int =", "a: int"):
        with pytest.raises((SyntaxError, ValueError, AttributeError)):
            parameters.read(wrong)


def injected(**values):
    from papermill.translators import PythonTranslator

    return PythonTranslator.codify(values)  # the very words of papermill


@pytest.mark.parametrize("name", VALUES)
def test_what_fits_and_what_does_not(name):
    fitting, wrong = VALUES[name]
    for value in fitting:
        assert parameters.faults_of(["import os", FIRST, injected(**{name: value})]) == []
    for value in wrong:
        (said,) = parameters.faults_of([FIRST, injected(**{name: value})])
        assert said.startswith(f"{name} ") and f"not {value!r}" in said


def test_everything_that_is_wrong_is_said_at_once():
    said = parameters.faults_of([FIRST, injected(epoch=3, epochs="three", colour="blue", unlike=1)])
    assert said[0] == "there is no parameter 'epoch'; did you mean 'epochs'?"
    assert said[1].startswith("there is no parameter 'unlike'; there is epochs, share, ")
    assert said[2] == "epochs takes a whole number, such as 5, not 'three': most epochs"
    assert said[3] == "colour is one of red, green, not 'blue'"


def test_nothing_is_in_the_way_of_a_first_cell_that_was_changed_by_hand():
    """What was executed last counts: a first cell run again, or without what was put in its place."""
    wrong = injected(epochs="three")
    for cells in (
        [],
        ["%matplotlib inline", "x = 1", "def f(): pass", "1 +"],
        [wrong],
        [FIRST, wrong, FIRST],
        [FIRST, wrong, injected(epochs=3)],
        ["pictures = 30", "epochs: int = 3\nnew_one: str = 'x'"],
        ["epochs: int = 3 * 4  # most epochs"],
    ):
        assert parameters.faults_of(cells) == []
    assert parameters.faults_of(["epochs: int = 'three'"]) == ["epochs takes a whole number, not 'three'"]


def test_outside_of_a_notebook_nothing_is_checked():
    parameters.check_parameters()


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*VALUES, "other"]), st.one_of(st.none(), st.integers(), st.text(), st.floats()))
)
def test_whatever_is_given_every_fault_names_its_parameter(values):
    said = parameters.faults_of([FIRST, injected(**values)])
    assert all(any(repr(name) in line or line.startswith(name) for name in values) for line in said)
    assert ("other" in values) == any("'other'" in line for line in said)
