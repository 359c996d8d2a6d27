"""Regression as a target: what is learnt in standardised units, and what is said in years."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error
from sklearn.preprocessing import StandardScaler

from agelib import targets
from agelib.experiment import Training
from agelib.targets.regression import Regression

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
    with pytest.raises(ValueError, match="no column 'real_age'"):
        Regression.labels(faces, "real_age")


def test_there_is_no_posterior():
    assert Regression().posterior(torch.zeros(2, 1)) is None
    assert Regression().outputs == 1


@pytest.mark.parametrize(
    ("labels", "words"),
    [(np.zeros((0, 1)), "N at least 1"), (np.zeros(3), "shape"), ([[1.0], [np.nan]], "label 1 is")],
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
