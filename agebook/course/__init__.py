"""A course made of chapters: another assignment for every student, from one source notebook.

:mod:`~agebook.course.roster` who is in the class · :mod:`~agebook.course.variants` every student's own parameters ·
:mod:`~agebook.course.student_copy` the student copy, without solutions · :mod:`~agebook.course.assign` all copies and
keys of a class · :mod:`~agebook.course.answers` what an exercise hands in · :mod:`~agebook.course.collect` what
comes back · :mod:`~agebook.course.hand_ins` the files of a folder or an archive · :mod:`~agebook.course.notebook_files`
notebooks of any editor · :mod:`~agebook.course.restore` what of it counts · :mod:`~agebook.course.sandbox` executing
it · :mod:`~agebook.course.grade` points · :mod:`~agebook.course.manual_grading` answers that a person judges ·
:mod:`~agebook.course.gradebook` nbgrader's gradebook, and feedback · :mod:`~agebook.course.self_check` a student's own
look before handing in · :mod:`~agebook.course.hub_link` a chapter on a JupyterHub.

Explained on the page "For instructors".
"""
