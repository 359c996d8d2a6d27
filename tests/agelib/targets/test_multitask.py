"""Several tasks at once: each as it would be by itself, and what is not known does not count."""

import numpy as np
import pandas as pd
import pytest
import torch

from agelib import targets
from agelib.config import Experiment, Training
from agelib.targets.multitask import Several

FACES = pd.DataFrame(
    {
        "path": list("abcdef"),
        "age": [20.0, 25.0, 31.0, 44.0, 60.0, 22.0],
        "apparent_std": [2.0, 3.0, 4.0, 2.0, 1.0, 3.0],
        "gender": ["male", "female", None, "male", "female", "female"],
        "ethnicity": ["white", "asian", "asian", np.nan, "black", "white"],
        "expression": np.nan,
    }
)
TASKS = ("age", "gender", "ethnicity")


def build(faces=FACES, **options) -> Several:
    training = Training(**{"tasks": TASKS, **options})
    return targets.build(training, targets.labels(training, faces))


def alone(task, **options):
    return build(tasks=(task,), **options) if task != "age" else build(tasks=("age",), **options)


def outputs_for(target, number=6):
    generator = torch.Generator().manual_seed(3)
    return torch.randn(number, sum(target.outputs), generator=generator)


def labels_of(target, faces=FACES):
    return torch.tensor(target.labels(faces))


def test_outputs_and_labels_stand_side_by_side():
    target = build(target="expectation")
    assert target.outputs == (41, 2, 3)
    labels = target.labels(FACES)
    assert labels.dtype == np.float32
    assert labels.tolist() == [[20, 1, 2], [25, 0, 0], [31, -1, 0], [44, 1, -1], [60, 0, 1], [22, 0, 2]]


@pytest.mark.parametrize("name", targets.names())
def test_the_loss_is_the_weighted_sum_of_each_tasks_own(name):
    target = build(target=name, task_weights=(0.5, 2.0, 1.0))
    outputs, labels = outputs_for(target), labels_of(target)
    own = {
        task: alone(task, target=name).loss(part, label).item()
        for task, part, label in zip(TASKS, outputs.split(target.outputs, dim=1), labels.split(1, dim=1), strict=True)
    }
    assert {k: v.item() for k, v in target.task_losses(outputs, labels).items()} == pytest.approx(own, rel=1e-5)
    expected = 0.5 * own["age"] + 2 * own["gender"] + own["ethnicity"]
    assert target.loss(outputs, labels).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", targets.names())
def test_a_missing_age_does_not_count(name):
    faces = FACES.assign(age=FACES["age"].where(FACES.index != 1))
    target = build(target=name)
    outputs = outputs_for(target).requires_grad_()
    labels = labels_of(target, faces)
    assert torch.isnan(labels[1, 0])
    loss = target.task_losses(outputs, labels)["age"]
    rows = [0, 2, 3, 4, 5]
    assert loss.item() == pytest.approx(target.task_losses(outputs[rows], labels[rows])["age"].item(), rel=1e-5)
    target.loss(outputs, labels).backward()
    assert torch.isfinite(outputs.grad).all()
    assert (outputs.grad[1, : target.outputs[0]] == 0).all()
    scores, known = target.scores(outputs, labels), target.scores(outputs[rows], labels[rows])
    assert scores == pytest.approx(known)


def test_a_batch_without_a_tasks_labels_leaves_the_other_tasks_their_gradient():
    target = build()
    outputs = outputs_for(target)[:2].requires_grad_()
    labels = torch.tensor([[20.0, -1.0, -1.0], [30.0, -1.0, -1.0]])
    loss = target.loss(outputs, labels, torch.tensor([1.0, 2.0]))
    loss.backward()
    assert torch.isfinite(loss)
    assert (outputs.grad[:, 0] != 0).all()
    assert (outputs.grad[:, 1:] == 0).all()


@pytest.mark.parametrize("name", ["regression", "corn", "normal"])
def test_a_batch_without_any_age_still_teaches_the_classes(name):
    target = build(target=name)
    outputs = outputs_for(target)[:2].requires_grad_()
    loss = target.loss(outputs, torch.tensor([[torch.nan, 1.0, 2.0], [torch.nan, 0.0, 0.0]]))
    loss.backward()
    assert loss.item() > 0
    assert torch.isfinite(outputs.grad).all()
    assert (outputs.grad[:, : target.outputs[0]] == 0).all()
    assert (outputs.grad[:, target.outputs[0] :] != 0).all()


def test_weights_of_pictures_weigh_every_task():
    target = build(target="corn")
    outputs, labels = outputs_for(target), labels_of(target)
    twice = [0, 0, 1, 4, 4, 4]
    weighted = target.loss(outputs, labels, torch.tensor([2.0, 1, 0, 0, 3, 0]))
    assert weighted.item() == pytest.approx(target.loss(outputs[twice], labels[twice]).item(), rel=1e-5)


def test_age_posterior_predictions_and_scores_are_those_of_the_tasks():
    target = build(target="expectation", tasks=("gender", "age"))
    outputs, labels = outputs_for(target), labels_of(target)
    gender, age = target.targets
    assert torch.equal(target.decode(outputs), age.decode(outputs[:, 2:]))
    assert torch.equal(target.posterior(outputs), age.posterior(outputs[:, 2:]))
    assert target.ages.tolist() == age.ages.tolist()
    table = target.predictions(outputs)
    assert {"predicted", "predicted_age_group", "predicted_gender", "gender=male"} <= set(table)
    assert table["predicted_gender"].tolist() == gender.predictions(outputs[:, :2])["predicted_gender"].tolist()
    scores = target.scores(outputs, labels)
    assert scores["mae"] == age.scores(outputs[:, 2:], labels[:, 1:])["mae"]
    assert scores["f1"] == gender.scores(outputs[:, :2], labels[:, :1])["f1"]  # of the first task


def test_age_may_be_left_out():
    target = build(tasks=("gender",))
    outputs = outputs_for(target)
    assert (target.outputs, target.gives_age, target.ages, target.posterior(outputs)) == ((2,), False, None, None)
    assert list(target.scores(outputs, labels_of(target))) == ["f1"]
    assert "predicted" not in target.predictions(outputs)
    with pytest.raises(ValueError, match="give no age; add the task age"):
        target.decode(outputs)


def test_the_raters_spread_has_its_column_beside_the_age():
    target = build(target="distribution", sigma=0.0)
    assert target.labels(FACES)[1].tolist() == [25.0, 3.0, 0.0, 0.0]
    faces = FACES.assign(apparent_std=[np.nan, 3.0, 4.0, 2.0, 1.0, 3.0])
    outputs = outputs_for(target)
    losses = target.task_losses(outputs, labels_of(target, faces))
    assert losses["age"].item() == pytest.approx(
        target.task_losses(outputs[1:], labels_of(target)[1:])["age"].item(), rel=1e-5
    )


def test_a_word_that_the_training_part_lacks_is_masked():
    target = build(FACES[:4])
    assert target.targets[2].classes == ("asian", "white")
    assert target.labels(FACES)[4].tolist() == [60.0, 0.0, -1.0]


def test_corals_layer_is_in_its_own_head_and_the_network_fits():
    from agelib import networks

    target = build(target="coral")
    assert [layer is None for layer in target.last_layer] == [False, True, True]
    options = Experiment.of(network="basic_cnn", blocks=1, base_features=2, hidden_neurons=4, task_head="3")
    network = networks.build(options.network, target.outputs, 8, seed=0, last_layer=target.last_layer)
    outputs = network(torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    assert outputs.shape == (6, sum(target.outputs))
    assert (outputs[:, : target.outputs[0]].diff(dim=1) <= 0).all()
    target.loss(outputs, labels_of(target)).backward()
    assert all(torch.isfinite(value.grad).all() for value in network.parameters())


def test_the_modules_are_those_of_the_tasks():
    assert targets.module_of(Training(tasks=TASKS, target="normal")) == (
        "agelib.targets.multitask",
        "agelib.targets.gaussian",
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: build(tasks=("age", "sex")), "no task 'sex'; there are age, gender"),
        (lambda: build(tasks=("age", "age")), "different ones"),
        (lambda: build(tasks=()), "different ones"),
        (lambda: build(task_weights=(1.0,)), "1 numbers for the 3 tasks"),
        (lambda: build(task_weights=(1.0, -1.0, 1.0)), "not negative"),
        (lambda: build(tasks=("age", "expression")), "expression: at least two different words"),
        (lambda: build(FACES.assign(age=np.nan)), "no training picture has an age"),
        (lambda: build(FACES.drop(columns="ethnicity")), "no column 'ethnicity'"),
        (lambda: build().loss(torch.zeros(2, 5), torch.zeros(2, 3)), r"outputs \[B, 1 \+ 2 \+ 3\], not \[2, 5\]"),
        (lambda: build().loss(torch.zeros(2, 6), torch.zeros(2, 2)), r"labels \[B, 3\], not \[2, 2\]"),
        (lambda: build().loss(torch.zeros(2, 6), torch.zeros(2, 3), torch.ones(3)), "weights have the shape"),
    ],
)
def test_what_does_not_fit_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
