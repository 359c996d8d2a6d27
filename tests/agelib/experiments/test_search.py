"""Many experiments: every combination once, resumed where it stopped, chosen by validation alone."""

from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest
from miniature import SMALL

from agelib.config import Experiment
from agelib.experiments import run, search

BASE = Experiment.of(**(SMALL | {"epochs": 1}))
GRID = {"optimiser": ["sgd", "adam"], "learning_rate": [1e-3, 1e-4]}


@pytest.fixture(scope="module")
def study():
    return search.grid(BASE, GRID, progress=False)


def test_a_grid_runs_every_combination_once(study):
    pairs = list(zip(study.trials["optimiser"], study.trials["learning_rate"], strict=True))
    assert pairs == [("sgd", 1e-3), ("sgd", 1e-4), ("adam", 1e-3), ("adam", 1e-4)]
    assert (study.trials["state"] == "complete").all()


def test_a_trials_error_is_its_runs_validation_error(study):
    for row in study.trials.to_dict("records"):
        chosen = {name: row[name] for name in GRID}
        history = run.run(BASE.replace(**chosen), progress=False).history
        assert row["valid_mse"] == history["valid_mse"].min()


def test_the_best_is_the_smallest_validation_error(study):
    best = study.trials.loc[study.trials["valid_mse"].idxmin()]
    assert study.best().training.optimiser == best["optimiser"]
    assert study.best().training.learning_rate == best["learning_rate"]


def test_a_study_that_is_run_again_runs_nothing(study, monkeypatch):
    monkeypatch.setattr(search, "evaluate", lambda *a: pytest.fail("ran again"))
    again = search.grid(BASE, GRID, progress=False)
    assert again.trials.equals(study.trials)


def test_a_study_that_was_stopped_runs_only_the_rest(monkeypatch):
    base, real, ran = BASE.replace(seed=5), search.evaluate, []

    def stops_at_the_third(values):
        if len(ran) == 2:
            raise KeyboardInterrupt
        ran.append((values["optimiser"], values["learning_rate"]))
        return real(values)

    monkeypatch.setattr(search, "evaluate", stops_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        search.grid(base, GRID, progress=False)
    assert len(ran) == 2
    monkeypatch.setattr(search, "evaluate", lambda values: ran.append("rest") or real(values))
    whole = search.grid(base, GRID, progress=False)
    assert ran[2:] == ["rest", "rest"]
    assert (whole.trials["state"] == "complete").all(), whole.trials["error"].tolist()


def test_a_failed_trial_is_recorded_and_the_others_go_on():
    values = {"network": ["basic_cnn", "resnet18"], "batch_size": [32]}
    base = BASE.replace(blocks=5)  # five halvings leave nothing of 16 pixels; resnet18 does not mind
    trials = search.grid(base, values, progress=False).trials.set_index("network")
    assert trials.loc["basic_cnn", "state"] == "failed"
    assert "ValueError" in trials.loc["basic_cnn", "error"]
    assert trials.loc["resnet18", "state"] == "complete"


def test_an_executor_may_be_brought_along(study):
    with ThreadPoolExecutor(2) as executor:
        other = search.grid(BASE.replace(seed=43), GRID, workers=2, executor=executor, progress=False)
    assert len(other.trials) == 4
    assert (other.trials["state"] == "complete").all(), other.trials["error"].tolist()


def test_processes_side_by_side_give_the_same_numbers(study, tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    run.run(BASE, progress=False)
    import torch

    threads = torch.get_num_threads()
    other = search.grid(BASE, GRID, workers=2, progress=False)
    torch.set_num_threads(threads)
    assert other.trials["valid_mse"].tolist() == pytest.approx(study.trials["valid_mse"].tolist(), rel=1e-3)


def test_curves_are_the_histories_of_all_trials(study):
    curves = study.curves()
    assert set(curves["label"]) == {"sgd, 0.001", "sgd, 0.0001", "adam, 0.001", "adam, 0.0001"}
    assert len(curves) == 4 * BASE.training.epochs


def test_importance_is_optunas_share_of_variance(study):
    shares = study.importance()
    assert set(shares.index) == set(GRID)
    assert shares.sum() == pytest.approx(1.0)


def test_optuna_itself_can_open_the_study(study):
    opened = optuna.load_study(study_name="study", storage=f"sqlite:///{study.file}")
    assert opened.best_value == study.trials["valid_mse"].min()


def test_a_search_counts_what_it_has_run():
    space = {"learning_rate": ("log", 1e-4, 1e-2), "batch_size": [16, 32]}
    first = search.search(BASE, space, trials=2, progress=False)
    more = search.search(BASE, space, trials=3, progress=False)
    assert len(first.trials) == 2
    assert len(more.trials) == 3
    assert more.trials["learning_rate"].between(1e-4, 1e-2).all()


@pytest.mark.parametrize(
    ("values", "message"), [({"lr": [1]}, "no option 'lr'"), ({"optimiser": ["adm"]}, "did you mean 'adam'")]
)
def test_a_wrong_grid_is_refused_before_anything_runs(values, message):
    with pytest.raises(ValueError, match=message):
        search.grid(BASE, values, progress=False)
