"""Drawn faces: nobody's picture, every truth known.

:mod:`~agelib.drawn.people` fixed traits and ageing · :mod:`~agelib.drawn.portrait` one picture, of
:mod:`~agelib.drawn.features`, :mod:`~agelib.drawn.creases` and :mod:`~agelib.drawn.hair` on a
:mod:`~agelib.drawn.canvas`, taken as :mod:`~agelib.drawn.pictures` says ·
:mod:`~agelib.drawn.scenes` pictures without a face · :mod:`~agelib.drawn.planning` who, which age, which fault ·
:mod:`~agelib.drawn.layouts` the published layouts · :mod:`~agelib.drawn.writing` files, over several processes ·
:mod:`~agelib.drawn.collections` all of it together · :mod:`~agelib.drawn.pandas` and
:mod:`~agelib.drawn.panda_portrait` animals instead of people. Explained in chapter 01.
"""

_PLACES = {
    "archive": "collections",
    "draw": "portrait",
    "draw_ageing": "collections",
    "draw_collection": "collections",
    "draw_faces": "collections",
    "draw_panda": "panda_portrait",
    "draw_pandas": "panda_portrait",
    "draw_scene": "scenes",
    "fault_table": "planning",
    "Faults": "planning",
    "grow": "people",
    "grow_panda": "pandas",
    "make_panda": "pandas",
    "make_person": "people",
    "read_truth": "collections",
    "take_panda_picture": "pandas",
    "take_picture": "pictures",
}
__all__ = [*_PLACES]


def __getattr__(name):
    """Import a function's module when it is asked for: a process that only draws needs no pandas."""
    if name in _PLACES:
        import importlib

        return getattr(importlib.import_module(f"agelib.drawn.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'agelib.drawn' has no attribute '{name}'")
