"""A course made of chapters: another assignment for every student, from one source notebook.

:mod:`~agelib.teaching.roster` who is in the class · :mod:`~agelib.teaching.variants` every student's own parameters ·
:mod:`~agelib.teaching.copies` the student copy, without solutions · :mod:`~agelib.teaching.assigning` all copies and
keys of a class · :mod:`~agelib.teaching.answers` what an exercise hands in · :mod:`~agelib.teaching.collecting` what
comes back · :mod:`~agelib.teaching.restoring` what of it counts · :mod:`~agelib.teaching.sandbox` executing it ·
:mod:`~agelib.teaching.grading` points · :mod:`~agelib.teaching.by_hand` answers that a person judges ·
:mod:`~agelib.teaching.gradebook` nbgrader's gradebook, and feedback · :mod:`~agelib.teaching.checking` a student's own
look before handing in · :mod:`~agelib.teaching.links` a chapter on a JupyterHub.

Explained on the page "For instructors".
"""

from agelib.teaching.assigning import Assignment, assign
from agelib.teaching.copies import student_copy
from agelib.teaching.roster import read_roster
from agelib.teaching.variants import draw, read_variants

__all__ = ["Assignment", "assign", "draw", "read_roster", "read_variants", "student_copy"]
