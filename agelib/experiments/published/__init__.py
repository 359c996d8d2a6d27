"""What others published and what we chose: which experiments, how to run them, and what they found.

:mod:`~agelib.experiments.published.record` what a published experiment is, and a sequence of them ·
:mod:`~agelib.experiments.published.registry` all of them by name ·
:mod:`~agelib.experiments.published.runner` running them · :mod:`~agelib.experiments.published.kept_runs` what is kept
of the runs on real images · :mod:`~agelib.experiments.published.protocol` how they were made and judged ·
:mod:`~agelib.experiments.published.comparison` published numbers beside ours ·
:mod:`~agelib.experiments.published.speedruns` runs against the clock.

What a laptop trains on drawn faces in a minute says nothing about people. The results that do are made once, on real
images and one split for all, and kept in ``data/reference/runs``: small files, from which every number is computed
anew. Shown on the page "Results".
"""

from agelib.experiments.published.comparison import (
    by_one_rule,
    by_validation_loss,
    compare,
    gains,
    results,
    side_by_side,
)
from agelib.experiments.published.kept_runs import Kept, keep, kept, measure, together, trials, write_split
from agelib.experiments.published.protocol import in_whole_years, judge, protocol_of, protocols
from agelib.experiments.published.record import FOLDER, SPLIT, Published, Sequence
from agelib.experiments.published.registry import FAMILIES, NAMES, SEQUENCES, compared, describe, read
from agelib.experiments.published.runner import run
from agelib.experiments.published.saliency import Maps, read_maps, write_maps
from agelib.experiments.published.speedruns import clock, races

__all__ = [
    "FAMILIES",
    "FOLDER",
    "NAMES",
    "SEQUENCES",
    "SPLIT",
    "Kept",
    "Maps",
    "Published",
    "Sequence",
    "by_one_rule",
    "by_validation_loss",
    "clock",
    "compare",
    "compared",
    "describe",
    "gains",
    "in_whole_years",
    "judge",
    "keep",
    "kept",
    "measure",
    "protocol_of",
    "protocols",
    "races",
    "read",
    "read_maps",
    "results",
    "run",
    "side_by_side",
    "together",
    "trials",
    "write_maps",
    "write_split",
]
