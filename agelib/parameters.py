"""A chapter's parameters: what its first cell declares, and whether what was put in their place fits.

papermill runs a chapter with other values by a cell behind the first one, which assigns whatever it was given: a
misspelt name, or text for a number, would be found out pages later, by a library. Explained in "Running a chapter".
"""

import ast
import math
import re
from dataclasses import dataclass

from agelib.config import options
from agelib.runtime import suggest

#: How papermill's cell begins.
INJECTED = "# Parameters\n"

#: Kind → whether a value is of it, and how a message asks for one, with papermill's own way where -p is none.
_KINDS = {
    "int": (lambda value: type(value) is int, "a whole number"),
    "float": (lambda value: type(value) in (int, float) and math.isfinite(value), "a number"),
    "str": (lambda value: type(value) is str, "text (papermill -r {} …)"),
    "bool": (lambda value: type(value) is bool, "True or False"),
    "list": (lambda value: isinstance(value, list), "a list (papermill -y '{}: [a, b]')"),
    "dict": (lambda value: isinstance(value, dict), "a record (papermill -y '{}: {{a: 1}}')"),
}


@dataclass(frozen=True)
class Parameter:
    """One line ``name: kind = value  # meaning``; kind and meaning are empty where they are left out.

    A meaning that ends in ``one of a, b, c`` names the choices; an option of an experiment has those of its own.
    """

    name: str
    kind: str
    value: object
    meaning: str

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that it may have; empty: any of its kind."""
        found = re.search(r"\bone of:? ([\w-]+(?:, [\w-]+)+)$", self.meaning)
        if found:
            return tuple(found[1].split(", "))
        return options()[self.name].choices if self.kind == "str" and self.name in options() else ()

    def fault(self, value) -> str:
        """What is wrong with a value in place of the declared one; empty if nothing is.

        >>> Parameter("epochs", "int", 5, "most epochs").fault("many")
        "epochs takes a whole number, such as 5, not 'many': most epochs"
        >>> Parameter("detector", "str", "none", "").fault("cascades")
        "detector is one of cascade, insightface, none, not 'cascades'"
        """
        fits, wish = _KINDS.get(self.kind, (lambda value: True, ""))
        if not fits(value):
            example = f", such as {self.value!r}" if fits(self.value) else ""
            said = f"{self.name} takes {wish.format(self.name)}{example}, not {value!r}"
            return f"{said}: {self.meaning}" if self.meaning else said
        if self.choices and value not in self.choices:
            return f"{self.name} is one of {', '.join(self.choices)}, not {value!r}"
        return ""


def read(source: str) -> dict[str, Parameter]:
    """The parameters that a cell assigns, by name, in order.

    Raises
    ------
    SyntaxError, ValueError, AttributeError
        If it is no Python, or holds an assignment of something else than a plain value to a plain name.

    Examples
    --------
    >>> read("epochs: int = 5  # most epochs")
    {'epochs': Parameter(name='epochs', kind='int', value=5, meaning='most epochs')}
    """
    found, lines = {}, source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            kind = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""
            behind = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
            found[target.id] = Parameter(target.id, kind, _value(node.value), behind.strip(" #"))
    return found


def _value(node: ast.expr):
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "float":  # papermill's way to write inf and nan
        return float(ast.literal_eval(node.args[0]))
    return ast.literal_eval(node)


def check_parameters() -> None:
    """Refuse parameters that a chapter does not have, or whose values it cannot use: called in its second code cell.

    What was executed so far in the notebook says both what is declared and what papermill, or a student's copy, put in
    its place. Outside of a notebook, or with a first cell that somebody has written anew, nothing is checked.

    Raises
    ------
    ValueError
        With every parameter that is wrong, and what it takes.
    """
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        faults = faults_of(shell.history_manager.input_hist_parsed)
        if faults:
            raise ValueError("\n".join(faults))


def faults_of(cells) -> list[str]:
    """What is wrong with the parameters, by the sources of the cells that were executed, in order.

    >>> faults_of(["epochs: int = 5  # most epochs", "# Parameters\\nepoch = 9"])
    ["there is no parameter 'epoch'; did you mean 'epochs'?"]
    """
    known, given = {}, {}
    for source in cells:
        try:
            found = read(source)
        except (SyntaxError, ValueError, AttributeError):
            continue
        if source.startswith(INJECTED):
            given = known and known | found
        elif found and all(parameter.kind for parameter in found.values()):
            known = given = found
    faults = [f"there is no parameter {name!r}; {suggest.hint(name, known)}" for name in given if name not in known]
    return faults + [said for name in known if (said := known[name].fault(given[name].value))]
