"""Age groups from a confusion matrix: against trying every cut, and scikit-learn."""

import itertools

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from agelib.targets import binning
from agelib.targets.age_groups import NAMED, group_of, names_of


def matrix(counts, width=2):
    ages = width * np.arange(len(counts))
    return pd.DataFrame(np.asarray(counts), index=ages, columns=ages)


def f1_of(predictions, edges):
    """Macro F1 of scikit-learn, in percent."""
    both = (group_of(predictions[column], edges) for column in ("age", "predicted"))
    return 100 * sklearn.metrics.f1_score(*both, average="macro", zero_division=0)


@pytest.fixture
def predictions():
    generator = np.random.default_rng(5)
    age = generator.gamma(4, 9, 3000).clip(0, 99)
    return pd.DataFrame({"age": age, "predicted": age + generator.normal(0, 0.5 + age / 8)})


small_matrices = st.integers(2, 7).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 9), min_size=n, max_size=n), min_size=n, max_size=n)
)


@given(small_matrices, st.sampled_from([0, 0.1, 0.2]), st.sampled_from([0, 4]))
@settings(max_examples=60)
def test_the_cut_is_the_best_of_all_cuts(counts, min_share, min_width):
    counts = np.array(counts)
    n, total = len(counts), counts.sum()
    expected = {}
    for number in range(1, n + 1):
        for inner in itertools.combinations(range(1, n), number - 1):
            cuts = (0, *inner, n)
            blocks = [slice(i, j) for i, j in itertools.pairwise(cuts)]
            if any(counts[b].sum() < max(min_share * total, 1) for b in blocks):
                continue
            if any(2 * (b.stop - b.start) < min_width for b in blocks[:-1]):
                continue
            f1 = [2 * counts[b, b].sum() / (counts[b].sum() + counts[:, b].sum()) for b in blocks]
            expected[number] = max(expected.get(number, 0), 100 * np.mean(f1))
    if not expected:
        with pytest.raises(ValueError, match=r"cannot be cut|not all of them 0"):
            binning.find(matrix(counts), range(1, n + 1), min_width, min_share)
        return
    found = binning.find(matrix(counts), range(1, n + 1), min_width, min_share)
    assert found["macro_f1"].to_dict() == pytest.approx(expected)


def test_the_score_is_scikit_learns_macro_f1_of_the_groups_found(predictions):
    table = binning.find(binning.age_confusion(predictions))
    assert list(table.index) == list(range(2, 11))
    for number, row in table.iterrows():
        assert len(row["edges"]) == number
        assert row["macro_f1"] == pytest.approx(f1_of(predictions, row["edges"]), rel=1e-12)
        again = binning.score(predictions, row["edges"])
        for column in ("macro_f1", "chance", "above_chance", "smallest"):
            assert again[column] == pytest.approx(row[column])


def test_what_is_found_beats_the_studys_groups_and_the_same_number_of_equal_groups(predictions):
    table = binning.find(binning.age_confusion(predictions, width=1))
    equal = tuple(int(edge) for edge in np.percentile(predictions["age"], np.arange(7) * 100 / 7))
    for edges in (NAMED["7b"], NAMED["7a"], (0, *equal[1:])):
        assert table.loc[7, "macro_f1"] > binning.score(predictions, edges)["macro_f1"]


def test_chance_is_the_mean_macro_f1_of_shuffled_predictions(predictions):
    few = predictions.iloc[:300]
    generator = np.random.default_rng(1)
    shuffled = [f1_of(few.assign(predicted=generator.permutation(few["predicted"])), NAMED["4"]) for _ in range(300)]
    spread = np.std(shuffled) / np.sqrt(len(shuffled))
    assert binning.score(few, "4")["chance"] == pytest.approx(np.mean(shuffled), abs=4 * spread)


def test_squares_are_drawn_where_confusion_ends():
    generator = np.random.default_rng(2)
    edges = [0, 4, 14, 20, 50]
    size = 30
    counts = np.zeros((size, size), int)
    for first, last in itertools.pairwise([*(edge // 2 for edge in edges), size]):
        counts[first:last, first:last] = generator.integers(5, 30, (last - first, last - first))
    counts += generator.integers(0, 2, counts.shape)
    table = binning.find(matrix(counts))
    assert table.loc[5, "edges"] == tuple(edges)
    assert binning.choose(table) == tuple(edges)


def test_one_big_group_beside_slivers_does_not_win():
    # Half of all pictures are 20 to 39 and confused among themselves; the ends are told apart well.
    counts = np.zeros((30, 30), int)
    counts[10:20, 10:20] = 40
    counts[:10, :10] = np.eye(10) * 5 + 30
    counts[20:, 20:] = 30
    assert binning.find(matrix(counts)).loc[3, "edges"] == (0, 20, 40)


def test_limits_are_kept(predictions):
    table = binning.find(binning.age_confusion(predictions), min_width=6, min_share=0.05)
    assert (table["smallest"] >= 5).all()
    for edges in table["edges"]:
        assert min(np.diff(edges)) >= 6


def test_bins_named_by_a_network_count_like_years(predictions):
    ages = predictions.clip(0)
    groups = pd.DataFrame(
        {
            name: np.array(names_of("two-year"))[group_of(ages[column], "two-year")]
            for name, column in (("age_group", "age"), ("predicted_age_group", "predicted"))
        }
    )
    pd.testing.assert_frame_equal(binning.age_confusion(groups), binning.age_confusion(ages))
    assert binning.score(groups, (0, 4, 20)) == binning.score(ages, (0, 4, 20))
    with pytest.raises(ValueError, match="begins at 13 cuts"):
        binning.score(groups, "4")


def test_predictions_beyond_the_ends_are_in_the_outer_bins():
    table = pd.DataFrame({"age": [0.0, 9.0, 5.0], "predicted": [-3.0, 120.0, 5.5]})
    confusion = binning.age_confusion(table)
    assert confusion.loc[0, 0] == confusion.loc[8, 8] == confusion.loc[4, 4] == 1
    assert confusion.to_numpy().sum() == 3


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: binning.find(matrix(np.zeros((3, 3)))), "not all of them 0"),
        (lambda: binning.find(pd.DataFrame([[1, 2]])), "same bins"),
        (lambda: binning.find(pd.DataFrame([[1]], ["a"], ["a"])), "first ages"),
        (lambda: binning.find(matrix(np.eye(3)), groups=(4,)), "3 bins cannot be cut"),
        (lambda: binning.find(matrix(np.eye(3)), groups=(0, 1)), "above 0"),
        (lambda: binning.age_confusion(pd.DataFrame({"age": [1.0]})), "needs age and predicted"),
        (lambda: binning.age_confusion(pd.DataFrame({"age": [np.nan], "predicted": [1.0]})), "missing"),
        (lambda: binning.age_confusion(pd.DataFrame({"age": [-2.0], "predicted": [1.0]})), "from 0 up"),
        (lambda: binning.age_confusion(pd.DataFrame({"age": [1.0], "predicted": [1.0]}), 0), "one year"),
        (
            lambda: binning.age_confusion(pd.DataFrame({"age_group": ["old"], "predicted_age_group": ["old"]})),
            "no age group with a first age",
        ),
    ],
)
def test_what_can_not_be_cut_is_said(act, words):
    with pytest.raises(ValueError, match=words):
        act()
