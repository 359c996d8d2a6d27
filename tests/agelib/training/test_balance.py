"""Balance: the studies' weights, smoothing against scipy, and that unknown groups are left alone."""

import numpy as np
import pandas as pd
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from agelib.training import balance

#: Study B's training part: pictures below 20, 20 to 39, 40 to 59 and from 60 on.
STUDY_B = np.repeat([0, 1, 2, 3], [796, 2389, 732, 148])

codes_of_pictures = st.lists(st.integers(-1, 5), min_size=1, max_size=60).filter(lambda codes: max(codes) >= 0)


def test_group_weights_are_study_bs_golden_values():
    golden = [1.2767, 0.4254, 1.3883, 6.8666]
    assert balance.group_weights([796, 2389, 732, 148]) == pytest.approx(golden, abs=5e-5)
    weights = balance.loss_weights(STUDY_B, "loss_inverse")
    assert weights[[0, 800, 3500, -1]] == pytest.approx(golden, abs=5e-5)


def test_group_weights_are_scikit_learns_balanced_class_weights():
    expected = compute_class_weight("balanced", classes=np.arange(4), y=STUDY_B)
    assert balance.group_weights(np.bincount(STUDY_B)) == pytest.approx(expected, rel=1e-12)


def test_loss_weights_are_one_minus_the_groups_share():
    weights = balance.loss_weights(STUDY_B, "loss")
    n = 796 + 2389 + 732 + 148
    assert weights[0] == pytest.approx(1 - 796 / n)
    assert weights[-1] == pytest.approx(1 - 148 / n)


def test_a_weighted_sampler_draws_every_group_equally_often():
    weights = balance.sampler_weights(STUDY_B)
    expected = np.bincount(STUDY_B, weights) / weights.sum()
    assert expected == pytest.approx([0.25] * 4)
    assert np.ptp(weights * np.bincount(STUDY_B)[STUDY_B]) == pytest.approx(0, abs=1e-9)


@given(codes_of_pictures)
def test_an_epoch_of_weighted_drawing_is_as_long_as_the_part_and_unknown_pictures_come_once(codes):
    weights = balance.sampler_weights(codes)
    assert weights.sum() == pytest.approx(len(codes))
    assert (weights[np.array(codes) == -1] == 1).all()


@given(codes_of_pictures)
def test_an_unknown_group_weighs_what_the_others_weigh_on_average(codes):
    codes = np.array(codes)
    weights = balance.loss_weights(codes, "loss_inverse")
    assert weights[codes >= 0].mean() == pytest.approx(1)
    assert weights == pytest.approx(np.where(codes < 0, 1, weights))


@given(codes_of_pictures)
def test_copies_fill_each_group_to_the_largest_but_not_beyond_the_limit(codes):
    codes = np.array(codes)
    number = balance.copies(codes)
    assert (number[codes < 0] == 0).all()
    largest = np.bincount(codes[codes >= 0]).max()
    for code in set(codes[codes >= 0].tolist()):
        size = (codes == code).sum()
        filled = size + number[codes == code].sum()
        assert filled == pytest.approx(min(largest, balance.MOST * size))


def test_smoothed_densities_are_scipys_convolution():
    ages = np.random.default_rng(2).gamma(6, 6, 500)
    counts = np.bincount(np.floor(ages).astype(int)).astype(float)
    kernel = np.exp(-0.5 * (np.arange(-2, 3) / 2) ** 2)
    smooth = scipy.ndimage.convolve1d(counts, kernel, mode="constant", cval=0.0)
    expected = 1 / smooth[np.floor(ages).astype(int)]
    ours = balance.lds_weights(ages)
    assert ours == pytest.approx(expected / expected.mean(), rel=1e-12)
    assert ours.mean() == pytest.approx(1)


def test_a_rare_age_among_common_ones_weighs_less_than_one_far_from_all():
    ages = np.concatenate([np.repeat([30, 31, 33, 34], 50), [32, 80]])
    weights = balance.lds_weights(ages)
    assert weights[-2] < 1 < weights[-1]


def test_lds_takes_no_notice_of_groups():
    ages = np.array([1.0, 30, 30, 70])
    assert np.array_equal(balance.loss_weights([0, 0, 0, 0], "lds", ages), balance.lds_weights(ages))


def test_groups_are_age_groups_columns_and_their_combinations():
    faces = pd.DataFrame({"age": [1.0, 2.9, 30, 30, 70], "gender": ["male", "female", "male", None, "female"]})
    assert balance.groups(faces).tolist() == [0, 0, 1, 1, 2]
    assert balance.groups(faces, bins=(0, 60)).tolist() == [0, 0, 0, 0, 1]
    assert balance.groups(faces, "gender").tolist() == [1, 0, 1, -1, 0]
    joined = balance.groups(faces, "gender*age_group")
    assert joined[3] == -1
    assert sorted(joined[[0, 1, 2, 4]]) == [0, 1, 2, 3]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from("12")), min_size=1))
def test_two_pictures_share_a_joined_group_only_if_they_share_every_column(rows):
    faces = pd.DataFrame(rows, columns=["gender", "ethnicity", "expression"])
    codes = balance.groups(faces, "gender*ethnicity * expression")
    expected = faces.groupby(["gender", "ethnicity", "expression"]).ngroup()
    assert codes.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: balance.groups(pd.DataFrame({"age": [1.0]}), "gender"), "no column 'gender'"),
        (lambda: balance.groups(pd.DataFrame({"gender": [None]}), "gender"), "not recorded"),
        (lambda: balance.loss_weights([0, 0], "loss"), "one group"),
        (lambda: balance.loss_weights([0, 1], "focal"), "no loss weights 'focal'"),
        (lambda: balance.loss_weights([0, 1], "lds"), "give the ages"),
        (lambda: balance.sampler_weights([-1, -1]), "no training picture"),
        (lambda: balance.lds_weights([1.0, np.nan]), "one is missing"),
        (lambda: balance.group_weights([3, 0]), "needs a picture"),
    ],
)
def test_what_can_not_be_balanced_is_said(act, words):
    with pytest.raises(ValueError, match=words):
        act()
