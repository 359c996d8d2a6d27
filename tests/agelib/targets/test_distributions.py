"""Distributions over whole years and the normal distribution, against scipy, scikit-learn and torch's own losses."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import softmax
from sklearn.metrics import log_loss

from agelib import targets
from agelib.config import Training
from agelib.targets.ages import point_estimate
from agelib.targets.distributions import LEAST_SIGMA, Distribution, DLDLv2, Expectation, MeanVariance
from agelib.targets.gaussian import MOST_LOG_VARIANCE, Normal

AGES = np.array([[18.0], [21.0], [25.4], [25.6], [30.0]])
GRID = np.arange(18, 31)
OUTPUTS = np.random.default_rng(0).normal(size=(5, 13)) * 2
WEIGHTS = np.array([1.0, 2.0, 0.5, 0.0, 3.0])


def losses(target):
    """The loss of each picture by itself."""
    return [target.loss(torch.tensor(OUTPUTS[i : i + 1]), torch.tensor(AGES[i : i + 1])).item() for i in range(5)]


def gaussians(sigma=2.0):
    """Gaussian labels from scipy's density."""
    density = stats.norm.pdf(GRID, loc=AGES, scale=sigma)
    return density / density.sum(axis=1, keepdims=True)


def test_the_grid_is_the_whole_years_of_the_training_part():
    for name in ("expectation", "distribution", "dldl_v2", "mean_variance", "normal"):
        target = targets.build(Training(target=name), np.array([[18.5], [30.2]]))
        assert target.ages.tolist() == list(range(18, 32))
        assert target.outputs == (2 if name == "normal" else 14)


def test_expectation_is_scikit_learns_cross_entropy_on_the_nearest_year():
    target = targets.build(Training(target="expectation"), AGES)
    codes, probabilities = [0, 3, 7, 8, 12], softmax(OUTPUTS, axis=1)
    for weights in (None, WEIGHTS):
        ours = target.loss(
            torch.tensor(OUTPUTS), torch.tensor(AGES), None if weights is None else torch.tensor(weights)
        )
        expected = log_loss(codes, probabilities, sample_weight=weights, labels=range(13))
        assert ours.item() == pytest.approx(expected)
    assert target.decode(torch.tensor(OUTPUTS)).numpy() == pytest.approx(probabilities @ GRID)


def test_an_age_outside_the_grid_counts_as_its_end():
    target = Expectation(18, 30)
    outputs = torch.tensor(OUTPUTS[:2])
    outside, ends = torch.tensor([[3.0], [90.0]]), torch.tensor([[18.0], [30.0]])
    assert target.loss(outputs, outside) == target.loss(outputs, ends)


@pytest.mark.parametrize("sigma", [0.7, 2.0, 5.0])
def test_the_soft_label_is_scipys_gaussian_and_the_loss_its_cross_entropy(sigma):
    target = targets.build(Training(target="distribution", sigma=sigma), AGES)
    soft = gaussians(sigma)
    assert target.soft_labels(torch.tensor(AGES)).numpy() == pytest.approx(soft)
    # Cross-entropy is entropy plus divergence.
    probabilities = softmax(OUTPUTS, axis=1)
    assert losses(target) == pytest.approx(stats.entropy(soft, axis=1) + stats.entropy(soft, probabilities, axis=1))
    whole = target.loss(torch.tensor(OUTPUTS), torch.tensor(AGES)).item()
    assert whole == pytest.approx(torch.nn.CrossEntropyLoss()(torch.tensor(OUTPUTS), torch.tensor(soft)).item())


def test_dldl_v2_is_scipys_divergence_plus_the_error_of_the_mean():
    target = targets.build(Training(target="dldl_v2"), AGES)
    assert (target.sigma, type(target)) == (2.0, DLDLv2)
    probabilities = softmax(OUTPUTS, axis=1)
    divergence = stats.entropy(gaussians(), probabilities, axis=1)
    assert losses(target) == pytest.approx(divergence + np.abs(probabilities @ GRID - AGES[:, 0]))
    torchs = torch.nn.KLDivLoss(reduction="batchmean")(torch.tensor(OUTPUTS).log_softmax(1), torch.tensor(gaussians()))
    assert torchs.item() == pytest.approx(divergence.mean())


def test_mean_variance_adds_half_the_squared_error_and_the_variance():
    target = targets.build(Training(target="mean_variance"), AGES)
    assert isinstance(target, MeanVariance)
    rows = [stats.rv_discrete(values=(GRID, row)) for row in softmax(OUTPUTS, axis=1)]
    mean, variance = np.array([row.mean() for row in rows]), np.array([row.var() for row in rows])
    entropy = -np.log(softmax(OUTPUTS, axis=1)[np.arange(5), [0, 3, 7, 8, 12]])
    expected = entropy + 0.2 * (mean - AGES[:, 0]) ** 2 / 2 + 0.05 * variance
    assert losses(target) == pytest.approx(expected)


FACES = pd.DataFrame({"path": list("abc"), "age": [20.0, 25, 30], "apparent_std": [0.0, 3.5, np.nan]})


@pytest.mark.parametrize("name", ["distribution", "dldl_v2"])
def test_with_sigma_0_the_labels_are_as_wide_as_the_raters_disagree(name):
    training = Training(target=name, sigma=0.0)
    labels = targets.labels(training, FACES[:2])
    assert labels.tolist() == [[20.0, 0.0], [25.0, 3.5]]
    target = targets.build(training, labels)
    assert target.labels(FACES[:2]).tolist() == labels.tolist()
    soft = target.soft_labels(torch.tensor(labels)).numpy()
    for row, age, sigma in zip(soft, [20, 25], [LEAST_SIGMA, 3.5], strict=True):
        density = stats.norm.pdf(target.ages, age, sigma)
        assert row == pytest.approx(density / density.sum(), abs=1e-6)
    assert torch.isfinite(target.loss(torch.zeros(2, 6), torch.tensor(labels)))
    with pytest.raises(ValueError, match=r"1 of 3 pictures have no apparent_std \(first: c\); give sigma in years"):
        targets.labels(training, FACES)
    with pytest.raises(ValueError, match="no column 'apparent_std'; give sigma in years"):
        targets.labels(training, FACES.drop(columns="apparent_std"))
    with pytest.raises(ValueError, match=r"have the shape \[N, 2\]"):
        targets.build(training, labels[:, :1])


def test_a_fixed_sigma_needs_no_raters():
    assert targets.labels(Training(target="distribution"), FACES).tolist() == [[20.0], [25.0], [30.0]]


@given(st.floats(-4, 4), st.floats(-3, 3), st.floats(0, 100))
def test_the_normal_loss_is_minus_scipys_log_density(mean, log_variance, age):
    target = Normal(0, 100, mean=40.0, std=20.0)
    outputs = torch.tensor([[mean, log_variance]], dtype=torch.float64)
    bounded = MOST_LOG_VARIANCE * np.tanh(log_variance / MOST_LOG_VARIANCE)
    density = stats.norm(mean, np.exp(bounded / 2))
    ours = target.loss(outputs, torch.tensor([[age]], dtype=torch.float64))
    assert ours.item() == pytest.approx(-density.logpdf((age - 40) / 20), rel=1e-6, abs=1e-9)
    assert target.spread(outputs).item() == pytest.approx(20 * density.std())


def test_the_normal_loss_is_torchs_gaussian_loss():
    target = targets.build(Training(target="normal"), AGES)
    outputs = torch.tensor(OUTPUTS[:, :2])
    standardised = torch.tensor((AGES[:, 0] - AGES.mean()) / AGES.std())
    variance = (MOST_LOG_VARIANCE * torch.tanh(outputs[:, 1] / MOST_LOG_VARIANCE)).exp()
    torchs = torch.nn.GaussianNLLLoss(full=True)(outputs[:, 0], standardised, variance)
    assert target.loss(outputs, torch.tensor(AGES)).item() == pytest.approx(torchs.item())


@given(st.floats(-5, 5), st.floats(-8, 4))
def test_the_normal_posterior_is_differences_of_scipys_distribution_function(mean, log_variance):
    target = Normal(10, 70, mean=40.0, std=10.0)
    outputs = torch.tensor([[mean, log_variance]], dtype=torch.float64)
    density = stats.norm(40 + 10 * mean, target.spread(outputs).item())
    edges = np.array([-np.inf, *np.arange(10.5, 70), np.inf])
    expected = np.where(edges[:-1] > density.mean(), -np.diff(density.sf(edges)), np.diff(density.cdf(edges)))
    assert target.posterior(outputs)[0].numpy() == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert target.decode(outputs).item() == pytest.approx(density.median())


def test_both_tails_of_the_normal_posterior_are_right_in_float32():
    target = Normal(10, 70, mean=40.0, std=4.0)
    ends = target.posterior(torch.zeros(1, 2))[0, [0, 1, -2, -1]].tolist()
    tail, next_to_it = stats.norm.sf(29.5 / 4), stats.norm.sf(28.5 / 4) - stats.norm.sf(29.5 / 4)
    assert ends == pytest.approx([tail, next_to_it, next_to_it, tail], rel=1e-4, abs=0)


def test_a_diverging_variance_still_has_a_gradient_back():
    outputs = torch.tensor([[3.0, -12.0]], requires_grad=True)
    Normal(0, 100, 40.0, 10.0).loss(outputs, torch.tensor([[40.0]])).backward()
    assert outputs.grad[0, 1] < -1  # the error is far greater than the variance says
    assert torch.isfinite(outputs.grad).all()


@given(st.integers(0, 2**32 - 1), st.integers(2, 80), st.floats(0.1, 10))
def test_the_mean_is_best_for_squared_and_the_median_for_absolute_errors(seed, number, sharpness):
    generator = np.random.default_rng(seed)
    ages = np.sort(generator.choice(116, number, replace=False)).astype(np.float64)
    posterior = softmax(sharpness * generator.normal(size=(1, number)), axis=1)
    mean, median = (
        point_estimate(torch.tensor(posterior), torch.tensor(ages), name).item() for name in ("mean", "median")
    )
    assert mean == pytest.approx(np.average(ages, weights=posterior[0]))
    everywhere = np.concatenate([ages, np.linspace(0, 116, 59), [mean]])
    squares, absolutes = ((posterior * np.abs(ages - everywhere[:, None]) ** power).sum(axis=1) for power in (2, 1))
    assert squares[-1] <= squares.min() + 1e-9
    assert (posterior[0] * np.abs(ages - median)).sum() <= absolutes.min() + 1e-4  # half ± 1e-6 of a century


def test_on_a_skewed_posterior_each_estimate_wins_by_its_own_measure():
    posterior = stats.lognorm(0.9).pdf(np.arange(1, 60) / 10)[None]
    posterior /= posterior.sum()
    ages = np.arange(20.0, 79.0)
    drawn = np.random.default_rng(0).choice(ages, 20_000, p=posterior[0])
    answers = {
        name: point_estimate(torch.tensor(posterior), torch.tensor(ages), name).item()
        for name in ("mean", "median", "mode")
    }
    assert answers["mode"] < answers["median"] < answers["mean"]
    mae = {name: np.abs(drawn - answer).mean() for name, answer in answers.items()}
    mse = {name: ((drawn - answer) ** 2).mean() for name, answer in answers.items()}
    hits = {name: (drawn == answer).mean() for name, answer in answers.items()}
    assert (min(mae, key=mae.get), min(mse, key=mse.get)) == ("median", "mean")
    assert max(hits, key=hits.get) == "mode"


def test_the_training_chooses_the_estimate():
    outputs = torch.tensor([[3.0, 1.0, 2.5]])
    found = {}
    for estimate in ("mean", "median", "mode"):
        target = targets.build(Training(target="expectation", estimate=estimate), np.array([[20.0], [22.0]]))
        found[estimate] = target.decode(outputs).item()
    assert found["mode"] == 20
    assert found["median"] == 20
    assert found["mean"] == pytest.approx(softmax([3.0, 1.0, 2.5]) @ [20, 21, 22])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Expectation(30, 30), "goes up"),
        (lambda: Expectation(estimate="best"), "mean, median, mode"),
        (lambda: Expectation(bins="9"), "no age groups '9'"),
        (lambda: Distribution(sigma=0.0), "sigma is a number of years above 0"),
        (lambda: targets.build(Training(target="distribution", sigma=-1.0), AGES), "sigma is a number"),
        (lambda: Normal(std=0.0), "std is a number"),
        (lambda: Expectation(0, 4).loss(torch.zeros(2, 4), torch.zeros(2, 1)), r"outputs \[B, 5\].*not \[2, 4\]"),
        (lambda: Normal().decode(torch.zeros(2, 1)), r"not \[2, 1\]"),
    ],
)
def test_wrong_options_and_shapes_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
