"""An experiment is described once, by names that every way of writing it shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelib.config import Experiment, options


def test_every_option_has_one_name_and_a_meaning():
    records = [o.record for o in options().values()]
    assert set(records) == {"data", "pictures", "network", "training"}
    assert len(options()) == len(Experiment().values())
    assert all(o.meaning for o in options().values())


def test_an_experiment_comes_back_from_its_values():
    experiment = Experiment.of(network="resnet18", augmentation="flip+affine", head=[512, 128], epochs=3.0)
    assert experiment.pictures.augmentation == ("flip", "affine")
    assert experiment.network.head == (512, 128)
    assert Experiment.of(**experiment.values()) == experiment
    assert experiment.changes() == {
        "augmentation": ("flip", "affine"), "network": "resnet18", "head": (512, 128), "epochs": 3,
    }  # fmt: skip


@given(st.sampled_from(["0", "false", "no", "off", "False", "NO", False, 0]))
def test_false_is_false_however_it_is_written(word):
    # Study C's -ws 0 turned True, because argparse's type=bool takes every text that is not empty for true.
    assert Experiment.of(allow_leaks=word).data.allow_leaks is False


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lr": 1}, "no option 'lr'"),
        ({"optimizer": "adam"}, "did you mean 'optimiser'"),
        ({"optimiser": "adm"}, "optimiser is one of adam, .* not 'adm'; did you mean 'adam'"),
        ({"epochs": "many"}, "epochs takes a whole number, not 'many' .most epochs to train"),
        ({"epochs": 2.5}, "epochs takes a whole number, not 2.5"),
        ({"allow_leaks": "perhaps"}, "allow_leaks takes yes or no"),
        ({"epochs": "inf"}, "epochs takes a whole number, not 'inf'"),
        ({"epochs": 0}, "epochs is a number from 1 up, not 0"),
        ({"min_age": "nan"}, "min_age takes a number, not 'nan'"),
        ({"learning_rate": -1}, "learning_rate is a number from 0 up, not -1 .learning rate"),
        ({"learning_rate": "inf"}, "learning_rate is a number from 0 up, not 'inf'"),
        ({"momentum": 1.5}, "momentum is a number from 0 to 1, not 1.5"),
        ({"seed": -1}, "seed is a number from 0 up, not -1"),
        ({"task_weights": "x"}, r"task_weights takes a number for each of age, or nothing, not \['x'\]"),
        ({"tasks": "age,gender", "task_weights": "1"}, r"a number for each of age, gender, or nothing, not \[1\]"),
    ],
)
def test_a_wrong_option_is_named_with_the_remedy(values, message):
    with pytest.raises(ValueError, match=message):
        Experiment.of(**values)


def test_every_option_makes_another_experiment():
    other = {bool: lambda v: not v, int: lambda v: v + 1, float: lambda v: v / 2 + 0.25, tuple: lambda v: ("flip",)}
    kinds = {Experiment()}
    for name, option in options().items():
        if option.choices:
            value = next((c for c in option.choices if c != option.default), None)
        else:
            value = other.get(option.kind, lambda v: v + "x")(option.default)
        value = (2.0,) if name == "task_weights" else value
        if value is not None:
            kinds.add(Experiment.of(**{name: value}))
    assert len(kinds) >= len(options())


ODD = [
    "",
    " ",
    "x",
    "None",
    None,
    "nan",
    "inf",
    "-inf",
    -1,
    "-1",
    1e400,
    10**400,
    [],
    [None],
    {},
    True,
    "1e999",
    "1,,2",
    b"x",
]


@given(st.sampled_from(sorted(options())), st.sampled_from(ODD) | st.text(max_size=5) | st.floats() | st.integers())
def test_whatever_is_given_the_option_takes_it_or_a_message_names_it(name, value):
    try:
        taken = Experiment.of(**{name: value}).values()[name]
    except ValueError as error:
        assert str(error).startswith(f"{name} ")
    else:
        assert type(taken) is options()[name].kind and taken == taken
