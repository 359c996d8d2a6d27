"""What a trained network looks at: maps over a picture, averages over groups, and a check that they mean anything.

:mod:`~agelib.explain.outputs` the number that is explained · :mod:`~agelib.explain.layers` which layers there are, and
what comes out of one · :mod:`~agelib.explain.feature_maps`, :mod:`~agelib.explain.grad_cam` (Grad-CAM),
:mod:`~agelib.explain.occlusion` and :mod:`~agelib.explain.attention` the four kinds of maps ·
:mod:`~agelib.explain.group_average` by age group or any column · :mod:`~agelib.explain.sanity_checks` whether a map
depends on what was learnt · :mod:`~agelib.explain.cues` no map: what each cue of age is worth. Explained in chapter 19.

The network, its target and normalised images come from a model: :class:`agelib.deploy.Model`, ``normalise``.

All of them leave the network as they found it: its mode, its gradients, its weights, without a hook.
"""

from agelib.explain.attention import attention_blocks, attention_maps, attention_weights
from agelib.explain.cues import cue_effects
from agelib.explain.feature_maps import feature_maps, strongest
from agelib.explain.grad_cam import grad_cam
from agelib.explain.group_average import Averages, average
from agelib.explain.layers import find_layer, list_layers
from agelib.explain.occlusion import cover, occlusion_maps
from agelib.explain.outputs import age, mean_age
from agelib.explain.sanity_checks import SanityCheck, cascade, check_sanity, rank_correlation, structural_similarity

__all__ = [
    "Averages",
    "SanityCheck",
    "age",
    "attention_blocks",
    "attention_maps",
    "attention_weights",
    "average",
    "cascade",
    "check_sanity",
    "cover",
    "cue_effects",
    "feature_maps",
    "find_layer",
    "grad_cam",
    "list_layers",
    "mean_age",
    "occlusion_maps",
    "rank_correlation",
    "strongest",
    "structural_similarity",
]
