"""Drawn faces: nobody's picture, every truth known.

:mod:`~agelib.drawn.people` fixed traits · :mod:`~agelib.drawn.ageing` what the years do, cue by cue ·
:mod:`~agelib.drawn.portrait` one picture, of :mod:`~agelib.drawn.features`, :mod:`~agelib.drawn.creases`,
:mod:`~agelib.drawn.hair` and :mod:`~agelib.drawn.headwear` on a :mod:`~agelib.drawn.canvas`, taken as
:mod:`~agelib.drawn.pictures` says · :mod:`~agelib.drawn.scenes` pictures without a face ·
:mod:`~agelib.drawn.planning` who, which age, which fault · :mod:`~agelib.drawn.layouts` the published layouts ·
:mod:`~agelib.drawn.writing` files, over several processes · :mod:`~agelib.drawn.collections` all of it together ·
:mod:`~agelib.drawn.pandas` and :mod:`~agelib.drawn.panda_portrait` animals instead of people. Explained in chapter 01.
"""

from agelib.drawn.ageing import CUES, grow
from agelib.drawn.collections import draw_ageing, draw_collection, draw_faces, draw_pandas, read_truth
from agelib.drawn.panda_portrait import draw_panda
from agelib.drawn.pandas import grow_panda, make_panda, take_panda_picture
from agelib.drawn.people import make_person
from agelib.drawn.pictures import take_picture
from agelib.drawn.planning import Faults
from agelib.drawn.portrait import draw
from agelib.drawn.scenes import draw_scene

__all__ = [
    "CUES", "Faults", "draw", "draw_ageing", "draw_collection", "draw_faces", "draw_panda", "draw_pandas", "draw_scene",
    "grow", "grow_panda", "make_panda", "make_person", "read_truth", "take_panda_picture", "take_picture",
]  # fmt: skip
