"""Every target under one contract, and regression: learnt in standardised units, said in years."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import f1_score, mean_absolute_error, mean_squared_error
from sklearn.preprocessing import StandardScaler

from agelib import targets
from agelib.config import Training
from agelib.targets import registry
from agelib.targets.age_groups import group_of, names_of
from agelib.targets.regression import Regression, Sigmoid

AGES = np.array([[3.0], [21.0], [35.0], [35.0], [80.0]])


@pytest.mark.parametrize(("loss", "reference"), [("mse", mean_squared_error), ("mae", mean_absolute_error)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("standardise", [False, True])
def test_the_loss_is_scikit_learns(loss, reference, weighted, standardise):
    target = targets.build(Training(loss=loss, standardise=standardise), AGES)
    scaler = StandardScaler(with_mean=standardise, with_std=standardise).fit(AGES)
    outputs = np.random.default_rng(0).normal(size=(5, 1))
    weights = np.array([1.0, 2.0, 0.5, 0.0, 3.0]) if weighted else None
    ours = target.loss(
        torch.tensor(outputs), torch.tensor(AGES), torch.tensor(weights) if weights is not None else None
    )
    assert ours.item() == pytest.approx(reference(scaler.transform(AGES), outputs, sample_weight=weights))


def test_huber_is_quadratic_near_and_linear_far():
    target = Regression("huber", mean=0.0, std=1.0)
    losses = [target.loss(torch.tensor([[e]]), torch.zeros(1, 1)).item() for e in (0.5, 1.0, 3.0)]
    assert losses == pytest.approx([0.125, 0.5, 2.5])


@given(st.lists(st.floats(0, 116), min_size=2, max_size=20))
def test_decoding_undoes_standardising(ages):
    ages = np.array(ages)[:, None]
    target = targets.build(Training(), ages)
    outputs = torch.tensor((ages - target.mean) / target.std)
    assert target.decode(outputs).numpy() == pytest.approx(ages[:, 0], abs=1e-3)
    assert target.loss(outputs, torch.tensor(ages)).item() == pytest.approx(0, abs=1e-9)


def test_an_output_of_zero_is_the_mean_age_of_the_training_part():
    assert targets.build(Training(), AGES).decode(torch.zeros(2, 1)).tolist() == pytest.approx([34.8, 34.8])
    assert targets.build(Training(standardise=False), AGES).decode(torch.zeros(1, 1)).tolist() == [0.0]


def test_half_precision_does_not_coarsen_the_ages():
    target = Regression("mse", mean=34.8, std=25.0)
    decoded = target.decode(torch.tensor([[0.5]], dtype=torch.bfloat16))
    assert decoded.dtype == torch.float32
    assert decoded.item() == pytest.approx(47.3)


def test_equal_training_ages_do_not_divide_by_zero():
    assert targets.build(Training(), np.full((3, 1), 40.0)).std == 1.0


def test_the_gradient_points_towards_the_label():
    outputs = torch.zeros(2, 1, requires_grad=True)
    Regression("mse", 30.0, 10.0).loss(outputs, torch.tensor([[50.0], [20.0]])).backward()
    assert outputs.grad[:, 0].tolist() == pytest.approx([-2.0, 1.0])  # (output - label) * 2 / B


def test_labels_are_the_asked_column_in_years():
    faces = pd.DataFrame({"path": ["a", "b"], "age": [3.0, 40.0], "apparent_age": [5.5, np.nan]})
    labels = targets.Target.labels(faces)
    assert labels.dtype == np.float32
    assert labels.tolist() == [[3.0], [40.0]]
    with pytest.raises(ValueError, match=r"1 of 2 pictures have no apparent_age \(first: b\)"):
        Regression.labels(faces, "apparent_age")
    assert Regression.labels(faces, "apparent_age", allow_missing=True)[0] == 5.5
    with pytest.raises(ValueError, match="no column 'real_age'; choose label of age"):
        targets.labels(Training(), faces, "real_age")


@pytest.mark.parametrize("target", [Regression(), Sigmoid()])
def test_a_regression_has_one_output_and_no_posterior(target):
    assert target.posterior(torch.zeros(2, 1)) is None
    assert (target.outputs, target.ages) == (1, None)


@pytest.mark.parametrize(("loss", "reference"), [("mse", mean_squared_error), ("mae", mean_absolute_error)])
def test_a_sigmoid_learns_hundredths_of_a_century(loss, reference):
    target = targets.build(Training(target="sigmoid", loss=loss), AGES)
    outputs = np.random.default_rng(0).normal(size=(5, 1)) * 3
    ours = target.loss(torch.tensor(outputs), torch.tensor(AGES)).item()
    assert ours == pytest.approx(reference(AGES / 100, expit(outputs)))
    assert target.decode(torch.tensor(outputs)).numpy() == pytest.approx(100 * expit(outputs[:, 0]))


def test_a_sigmoids_huber_is_quadratic_up_to_a_year():
    target = Sigmoid("huber")
    errors = np.array([0.5, 1.0, 3.0])  # years
    outputs = torch.tensor(np.log((50 + errors) / (50 - errors)))
    losses = [target.loss(out.reshape(1, 1), torch.tensor([[50.0]])).item() for out in outputs]
    assert losses == pytest.approx([0.125e-4, 0.5e-4, 2.5e-4])


#: Every target, and what else may change its loss.
TRAININGS = [
    *(Training(target=name) for name in targets.names()),
    Training(target="regression", loss="huber", standardise=False),
    Training(target="sigmoid", loss="mae"),
    Training(target="groups", label_smoothing=0.1, estimate="median"),
    Training(target="expectation", label_smoothing=0.1, estimate="mode"),
    Training(target="corn", estimate="median"),
]


def idents(training):
    return "-".join(str(value) for value in (training.target, training.loss, training.estimate))


def batch(training, number=6, seed=0, scale=2.0):
    """A target, and outputs and labels for it, from ages between 3 and 80."""
    generator = np.random.default_rng(seed)
    target = targets.build(training, AGES)
    outputs = torch.tensor(generator.normal(size=(number, target.outputs)) * scale, dtype=torch.float32)
    labels = torch.tensor(generator.uniform(3, 80, (number, 1)), dtype=torch.float32)
    return target, outputs, labels


@pytest.fixture(params=TRAININGS, ids=idents)
def training(request):
    return request.param


def test_every_option_of_an_experiment_is_a_target():
    from agelib.config import options

    assert targets.names() == sorted(options()["target"].choices)


@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.1, 3.0, 100.0]))
@pytest.mark.parametrize("training", TRAININGS, ids=idents)
def test_a_posterior_sums_to_one_and_ages_stay_within_it(training, seed, scale):
    target, outputs, _ = batch(training, seed=seed, scale=scale)
    posterior, ages = target.posterior(outputs), target.decode(outputs)
    assert ages.shape == (6,)
    assert torch.isfinite(ages).all()
    if posterior is None:
        return
    assert posterior.shape == (6, len(target.ages))
    assert (posterior >= 0).all()
    assert posterior.sum(dim=1).numpy() == pytest.approx(1, abs=1e-5)
    assert (np.diff(target.ages) > 0).all()
    if training.target != "normal":  # its estimate is the mean that the network gives
        assert target.ages[0] - 1e-4 <= ages.min()
        assert ages.max() <= target.ages[-1] + 1e-4
    groups = target.group_posterior(outputs)
    assert groups.sum(dim=1).numpy() == pytest.approx(1, abs=1e-5)


def test_weights_of_one_are_no_weights_and_only_their_ratio_counts(training):
    target, outputs, labels = batch(training)
    plain = target.loss(outputs, labels).item()
    assert target.loss(outputs, labels, torch.ones(6)).item() == pytest.approx(plain, rel=1e-5)
    assert target.loss(outputs, labels, torch.full((6,), 7.0)).item() == pytest.approx(plain, rel=1e-5)


def test_a_weight_of_two_is_the_picture_twice_and_of_none_not_at_all(training):
    target, outputs, labels = batch(training)
    weighted = target.loss(outputs, labels, torch.tensor([2.0, 1, 0, 1, 0, 1]))
    rows = [0, 0, 1, 3, 5]
    assert weighted.item() == pytest.approx(target.loss(outputs[rows], labels[rows]).item(), rel=1e-5)


def test_the_same_batch_twice_has_the_same_loss(training):
    target, outputs, labels = batch(training)
    twice = target.loss(torch.cat([outputs, outputs]), torch.cat([labels, labels]))
    assert twice.item() == pytest.approx(target.loss(outputs, labels).item(), rel=1e-5)


def test_a_loss_is_a_scalar_whose_gradient_is_its_slope(training):
    target, outputs, labels = batch(training, number=2)
    outputs = outputs.double().requires_grad_()
    assert target.loss(outputs, labels.double()).shape == ()
    assert torch.autograd.gradcheck(lambda out: target.loss(out, labels.double()), outputs)


@pytest.mark.parametrize("size", [1e2, 1e4])
def test_huge_outputs_leave_loss_gradient_and_age_finite(training, size):
    target, outputs, labels = batch(training)
    outputs = (outputs.sign() * size).requires_grad_()
    target.loss(outputs, labels).backward()
    assert torch.isfinite(outputs.grad).all()
    assert torch.isfinite(target.decode(outputs)).all()


def test_under_autocast_sums_are_done_in_full_precision(training):
    target, outputs, labels = batch(training)
    half = outputs.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        loss, ages = target.loss(half, labels), target.decode(half)
        table, scores = target.predictions(half), target.scores(half, labels)
    assert (loss.dtype, ages.dtype) == (torch.float32, torch.float32)
    assert loss.item() == pytest.approx(target.loss(half.float(), labels).item(), rel=1e-5)
    assert ages.numpy() == pytest.approx(target.decode(half.float()).numpy(), rel=1e-5)
    pd.testing.assert_frame_equal(table, target.predictions(half.float()), check_exact=False)
    assert scores == pytest.approx(target.scores(half.float(), labels), rel=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_says_the_same(training):
    target, outputs, labels = batch(training)
    there = target.loss(outputs.cuda(), labels.cuda()).item()
    assert there == pytest.approx(target.loss(outputs, labels).item(), rel=1e-4)
    assert target.decode(outputs.cuda()).cpu().numpy() == pytest.approx(target.decode(outputs).numpy(), rel=1e-4)
    assert target.scores(outputs.cuda(), labels.cuda()) == pytest.approx(target.scores(outputs, labels), rel=1e-4)


def test_predictions_are_the_decoded_ages_and_their_groups(training):
    target, outputs, _ = batch(training)
    table = target.predictions(outputs)
    assert table["predicted"].to_numpy() == pytest.approx(target.decode(outputs).numpy())
    assert table["predicted"].dtype == np.float64
    names = np.array(names_of("7b"))
    if target.posterior(outputs) is None:
        assert table["predicted_age_group"].tolist() == names[group_of(table["predicted"], "7b")].tolist()
    else:
        posterior = target.posterior(outputs).numpy()
        codes = group_of(target.ages, "7b")
        sums = np.stack([posterior[:, codes == code].sum(axis=1) for code in range(7)], axis=1)
        assert table[[f"age_group={name}" for name in names]].to_numpy() == pytest.approx(sums, abs=1e-6)
        assert table["predicted_age_group"].tolist() == names[sums.argmax(axis=1)].tolist()


def test_scores_are_scikit_learns_of_the_predictions(training):
    target, outputs, labels = batch(training, number=30)
    table, ages = target.predictions(outputs), labels[:, 0].numpy()
    groups = np.array(names_of("7b"))[group_of(ages, "7b")]
    assert target.scores(outputs, labels) == pytest.approx(
        {
            "mse": mean_squared_error(ages, table["predicted"]),
            "mae": mean_absolute_error(ages, table["predicted"]),
            "f1": 100 * f1_score(groups, table["predicted_age_group"], average="macro"),
        },
        rel=1e-4,
    )


def test_a_linear_network_learns_the_toy_ages(training):
    """Ages that a straight line could say, from two numbers: far better than without a look at them."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(200, 2, generator=generator)
    ages = 20 + 40 * x[:, :1]
    target = targets.build(training, ages.numpy())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = target.last_layer(2) if target.last_layer else torch.nn.Linear(2, target.outputs)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
    for _ in range(300):
        optimiser.zero_grad()
        loss = target.loss(network(x), ages)
        if not _:
            first = loss.item()
        loss.backward()
        optimiser.step()
    assert loss.item() < first
    scores = target.scores(network(x), ages)
    always = (ages - ages.median()).abs().mean().item()
    assert scores["mae"] < 0.6 * always
    assert scores["f1"] > 50


@pytest.mark.parametrize("name", targets.names())
def test_a_target_is_found_by_the_module_that_holds_it(name):
    from agelib.runtime.fingerprint import imported_modules

    (module,) = targets.module_of(Training(target=name))
    used = {found for found in imported_modules(module) if found.startswith("agelib.targets.")}
    assert type(targets.build(Training(target=name), AGES)).__module__ == module
    others = {each.__module__ for each in registry.CLASSES.values()} - {module}
    assert not used & others


@pytest.mark.parametrize(
    ("labels", "words"), [(np.zeros((0, 1)), "N at least 1"), (np.zeros(3), "shape"), ([[1.0], [np.nan]], "label 1 is")]
)
def test_bad_training_labels_are_refused(labels, words):
    with pytest.raises(ValueError, match=words):
        targets.build(Training(), labels)


def test_wrong_names_and_shapes_are_refused():
    with pytest.raises(ValueError, match="did you mean 'regression'"):
        targets.build(Training(target="regresion"), AGES)
    with pytest.raises(ValueError, match="mse, mae, huber"):
        Regression("mape")
    with pytest.raises(ValueError, match=r"not \[2, 1\] and \[2\]"):
        Regression().loss(torch.zeros(2, 1), torch.zeros(2))
    with pytest.raises(ValueError, match="weights have the shape"):
        Regression().loss(torch.zeros(2, 1), torch.zeros(2, 1), torch.ones(3))
