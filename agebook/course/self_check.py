"""A student's look at the own notebook before handing it in: does it run, and are the visible tests satisfied?

It is put together and executed as for a grade. Whether an answer is the right one is not decided here; nothing in a
student's copy could tell.
"""

from dataclasses import dataclass
from pathlib import Path

from agebook.course import sandbox, trial
from agebook.course.notebook_files import read_submission
from agebook.course.restore import restore
from agebook.course.student_copy import handed_out, is_answer, is_by_hand, is_test, name_of


@dataclass(frozen=True)
class Checked:
    """One exercise.

    Attributes
    ----------
    name : str
    ready : bool
        Whether it can be handed in as it is.
    said : str
        What is the matter with it, or what can be expected.
    """

    name: str
    ready: bool
    said: str


def check(
    file,
    limits: sandbox.Limits = sandbox.Limits(),  # noqa: B008, it is frozen
    told=lambda done, total: None,
) -> tuple[list[Checked], list[str]]:
    """Execute a student's notebook in a fresh kernel and an empty folder, and look at each exercise.

    Parameters
    ----------
    file : path
        The notebook, saved. It is not changed.
    limits : Limits
        As for a grade.
    told : callable
        Called with the number of cells done, and of all.

    Returns
    -------
    list of Checked
        One for each exercise, in order.
    list of str
        What else should be known: cells that were changed, what stopped it.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it is not readable, or no notebook that was handed out.
    """
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such file; name your notebook, such as 03_splits.ipynb")
    submitted = read_submission(file)
    try:
        restored = restore(submitted, original := handed_out(submitted))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    done, given, stopped = trial.execute(restored.notebook, {}, limits, told=told)
    said = trial.judge(done, given)
    found = [_say(cell, restored, done, said) for cell in original.cells if is_test(cell) or is_by_hand(cell)]
    return found, [*restored.remarks, *([stopped] if stopped else [])]


def _say(cell, restored, done, said: dict) -> Checked:
    """What to say of one exercise; `cell` is the graded one."""
    name = name_of(cell).removesuffix("-test")
    if is_by_hand(cell):
        ready = name_of(cell) in restored.by_hand
        return Checked(name, ready, "answered; a person will read it" if ready else "not answered yet")
    stops = [trial.error_of(each) for each in done.cells if is_answer(each) and name_of(each) == name]
    stops = next(filter(None, stops), "")
    if not said[name_of(cell)]:
        rest = f"; but your cell stops with {stops}" if stops and name not in restored.blank else ""
        return Checked(name, True, f"it runs, and the visible test is satisfied{rest}")
    if name in restored.blank:
        return Checked(name, False, "not answered yet")
    return Checked(name, False, f"your cell stops with {stops}" if stops else f"the test says: {said[name_of(cell)]}")
