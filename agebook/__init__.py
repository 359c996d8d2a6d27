"""agebook: the workshop around the book. Nothing in it is needed to estimate an age.

:mod:`agebook.build` makes the site of the notebooks · :mod:`agebook.course` hands chapters out as assignments and
grades them · :mod:`agebook.notebooks` executes a notebook for both · :mod:`agebook.app` is a page on one's own machine
that judges pictures · :mod:`agebook.cli` has the commands. It imports agelib; agelib never imports it.
"""
