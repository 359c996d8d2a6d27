"""What published weights have seen: a data set that they were trained on cannot judge them."""

import pytest

from agelib.data.splits import LeakError
from agelib.experiments.contamination import require_other_set, seen_sets


@pytest.mark.parametrize(
    ("weights", "sets"),
    [
        ("", ()),
        ("imagenet", ("imagenet-1k",)),
        ("site-packages/models/efficientnet-lite0-57934424.pth", ("imagenet-1k",)),
        ("face-api/Age_Gender_Model-shard1.safetensors", ("utkface",)),
        ("gear.pth", ("utkface",)),
        ("gearbox.pth", ()),
        ("gear/mine.pth", ()),
    ],
)
def test_a_file_is_known_by_its_name(weights, sets):
    assert seen_sets(weights) == sets


def test_a_model_of_ages_that_was_trained_on_utkface_is_refused_there_and_nowhere_else():
    require_other_set("gear.pth", "appa-real")
    require_other_set("imagenet", "utkface")
    require_other_set("gear.pth", "drawn-utkface")  # its layout, not its images
    with pytest.raises(LeakError, match=r"gear\.pth were trained on utkface.* allow_leaks=True"):
        require_other_set("weights/gear.pth", "appa-real+utkface")
