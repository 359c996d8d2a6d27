"""Figures: tables in, a matplotlib Figure out. One function a figure; :func:`set_theme` once at the top of a page.

A figure is returned closed: it is shown once, where a cell ends with it, and never by surprise.
"""

from agelib.plots.age_gates import gate_at, gate_rates, gate_roc
from agelib.plots.faces import (
    age_histogram,
    age_histogram_by_part,
    boxes,
    clean_and_noise,
    cleaning_counts,
    group_counts,
    pictures,
    score_by_group,
)
from agelib.plots.fairness import chance_histogram, differences
from agelib.plots.heat_maps import average_maps, channel_maps, heat_maps, sanity_check
from agelib.plots.predictions import comparison_bars, error_by_age, predicted_vs_true
from agelib.plots.search import importance_bars, size_and_speed, study_curves
from agelib.plots.subgroups import (
    class_scores,
    confusion_matrix,
    confusion_squares,
    group_bars,
    variants,
    weights_by_age,
)
from agelib.plots.theme import set_theme
from agelib.plots.training import learning_curves, learning_rate, race
from agelib.plots.uncertainty import (
    calibration,
    coverage_by_group,
    intervals_by_age,
    posteriors,
    refusing,
    risk_coverage,
    spread_and_error,
)

__all__ = [
    "age_histogram", "age_histogram_by_part", "average_maps", "boxes", "calibration",
    "chance_histogram", "channel_maps", "class_scores", "clean_and_noise", "cleaning_counts", "comparison_bars",
    "confusion_matrix", "confusion_squares", "coverage_by_group", "differences", "error_by_age", "gate_at",
    "gate_rates", "gate_roc", "group_bars", "group_counts", "heat_maps", "importance_bars", "intervals_by_age",
    "learning_curves", "learning_rate", "pictures", "posteriors", "predicted_vs_true", "race", "refusing",
    "risk_coverage", "sanity_check", "score_by_group", "set_theme", "size_and_speed", "spread_and_error",
    "study_curves", "variants", "weights_by_age",
]  # fmt: skip
