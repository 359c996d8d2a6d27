"""Reference results on real pictures: which runs, how to make them again, and what they found.

What a laptop trains on drawn faces in a minute says nothing about people. The results that do are made once, on real
pictures and one split for all, and kept in ``data/reference/runs``: small files, from which every number is computed
anew. Shown on the page "Results".
"""

from agelib.experiments.published.compare import compare, results, together
from agelib.experiments.published.grids import trials
from agelib.experiments.published.kept import Kept, keep, kept, measure, run_reference, write_split
from agelib.experiments.published.recipes import NAMES, read
from agelib.experiments.published.reference import Reference
from agelib.experiments.published.saliency import Maps, read_maps, write_maps
from agelib.experiments.published.speedrun import clock, races, speedrun

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
