"""Ladders: published experiments that build on each other, as data, to be climbed again. Explained in chapter 16.

A ladder is read (:func:`read`), looked at (:func:`describe`) and climbed (:func:`climb`), which gives a table of the
published numbers and ours.
"""

from agelib.ladders.reading import describe, names, read
from agelib.ladders.running import climb, compare, gains
from agelib.ladders.steps import Ladder, Step

__all__ = ["Ladder", "Step", "climb", "compare", "describe", "gains", "names", "read"]
