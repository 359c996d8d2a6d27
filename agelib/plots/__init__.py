"""Figures: tables in, a matplotlib Figure out. One function a figure; :func:`set_theme` once at the top of a page.

A figure is returned closed: it is shown once, where a cell ends with it, and never by surprise.
"""

from agelib.plots.faces import (
    age_histogram,
    age_histogram_by_part,
    augmentations,
    boxes,
    clean_and_noise,
    cleaning_counts,
    group_counts,
    pictures,
    score_by_group,
)
from agelib.plots.groups import (
    class_scores,
    confusion_matrix,
    confusion_squares,
    group_bars,
    ladder,
    weights_by_age,
)
from agelib.plots.predictions import comparison_bars, error_by_age, error_by_group, predicted_vs_true
from agelib.plots.studies import importance_bars, size_and_speed, study_curves
from agelib.plots.theme import set_theme
from agelib.plots.training import learning_curves, learning_rate

__all__ = [
    "age_histogram",
    "age_histogram_by_part",
    "augmentations",
    "boxes",
    "class_scores",
    "clean_and_noise",
    "cleaning_counts",
    "comparison_bars",
    "confusion_matrix",
    "confusion_squares",
    "error_by_age",
    "error_by_group",
    "group_bars",
    "group_counts",
    "importance_bars",
    "ladder",
    "learning_curves",
    "learning_rate",
    "pictures",
    "predicted_vs_true",
    "score_by_group",
    "set_theme",
    "size_and_speed",
    "study_curves",
    "weights_by_age",
]
