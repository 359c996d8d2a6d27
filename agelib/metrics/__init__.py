"""How good predictions are: errors, classes and biases with intervals, all from the predictions table.

The predictions table has one row a picture: ``path``, ``age`` and ``predicted`` in years, pairs of classes such as
``age_group`` and ``predicted_age_group``, and columns of groups (``gender``, ``ethnicity``, ``identity`` …). Every
number here is a function of that table, so it can be computed for every network, target and data set, and compared
only where the split is the same. Explained in chapters 05, 12 and 15.
"""

from agelib.metrics.ages import baselines, compare, cs, mae, mse, r2, rmse, summarise
from agelib.metrics.bootstrap import Resampling
from agelib.metrics.classes import (
    accuracy,
    class_names,
    class_scores,
    classify,
    compare_classes,
    confusion,
    macro_f1,
    macro_precision,
    macro_recall,
)
from agelib.metrics.fairness import bias, bias_of, bias_table
from agelib.metrics.groups import age_groups, error_by

__all__ = [
    "Resampling",
    "accuracy",
    "age_groups",
    "baselines",
    "bias",
    "bias_of",
    "bias_table",
    "class_names",
    "class_scores",
    "classify",
    "compare",
    "compare_classes",
    "confusion",
    "cs",
    "error_by",
    "macro_f1",
    "macro_precision",
    "macro_recall",
    "mae",
    "mse",
    "r2",
    "rmse",
    "summarise",
]
