"""How good predictions are: errors, classes and biases with intervals, all from the predictions table.

The predictions table has one row a picture: ``path``, ``age`` and ``predicted`` in years, pairs of classes such as
``age_group`` and ``predicted_age_group``, and columns of groups (``gender``, ``ethnicity``, ``identity`` …). Every
number here is a function of that table, so it can be computed for every network, target and data set, and compared
only where the split is the same. Explained in chapters 06, 13, 14, 17 and 20 to 22.
"""

from agelib.metrics.age_gates import gate_auc, gate_curve, gate_table
from agelib.metrics.bootstrap import Resampling
from agelib.metrics.calibration import (
    calibration_curve,
    expected_calibration_error,
    mean_predictions,
    other_table,
    reliability,
    risk_area,
    risk_coverage,
)
from agelib.metrics.classification import (
    accuracy,
    class_names,
    class_scores,
    classify,
    compare_classes,
    confusion,
    macro_f1,
)
from agelib.metrics.conformal import Calibration, add_intervals, calibrate_intervals, coverage, finite_sample_quantile
from agelib.metrics.fairness import bias, bias_of, bias_table, compare_bias, compare_groups, worst_groups
from agelib.metrics.permutation import holm
from agelib.metrics.posteriors import (
    fit_temperature,
    log_score,
    mean_posterior,
    pit,
    posterior_quantiles,
    probability_from,
    scale_temperature,
    spread,
)
from agelib.metrics.proportions import share_interval
from agelib.metrics.regression import baselines, compare, mae, mse, r2, rmse, summarise, whole_years
from agelib.metrics.subgroups import age_groups, compare_by, error_by, intersections, macro_f1_by

__all__ = [
    "Calibration",
    "Resampling",
    "accuracy",
    "add_intervals",
    "age_groups",
    "baselines",
    "bias",
    "bias_of",
    "bias_table",
    "calibrate_intervals",
    "calibration_curve",
    "class_names",
    "class_scores",
    "classify",
    "compare",
    "compare_bias",
    "compare_by",
    "compare_classes",
    "compare_groups",
    "confusion",
    "coverage",
    "error_by",
    "expected_calibration_error",
    "finite_sample_quantile",
    "fit_temperature",
    "gate_auc",
    "gate_curve",
    "gate_table",
    "holm",
    "intersections",
    "log_score",
    "macro_f1",
    "macro_f1_by",
    "mae",
    "mean_posterior",
    "mean_predictions",
    "mse",
    "other_table",
    "pit",
    "posterior_quantiles",
    "probability_from",
    "r2",
    "reliability",
    "risk_area",
    "risk_coverage",
    "rmse",
    "scale_temperature",
    "share_interval",
    "spread",
    "summarise",
    "whole_years",
    "worst_groups",
]
