"""Reference results on real pictures: which runs, how to make them again, and what they found.

What a laptop trains on drawn faces in a minute says nothing about people. The results that do are made once, on real
pictures and one split for all, and kept in ``data/reference/runs``: small files, from which every number is computed
anew. Shown on the page "Results".
"""

from agelib.references.experiments import Reference
from agelib.references.keeping import Kept, keep, kept, measure, run_reference, write_split
from agelib.references.maps import Maps, read_maps, write_maps
from agelib.references.recipes import NAMES, read
from agelib.references.results import compare, results, together
from agelib.references.speedrun import clock, races, speedrun
from agelib.references.tuning import trials

__all__ = [
    "NAMES",
    "Kept",
    "Maps",
    "Reference",
    "clock",
    "compare",
    "keep",
    "kept",
    "measure",
    "races",
    "read",
    "read_maps",
    "results",
    "run_reference",
    "speedrun",
    "together",
    "trials",
    "write_maps",
    "write_split",
]
