"""Many experiments: a grid or a search over any options, kept by Optuna, run side by side, resumed where it stopped.

Optuna is asked for the next setting and told its validation error; its SQLite file remembers. The trainings
themselves lie in the store of :mod:`agelib.experiments.run`, so that no setting is ever trained twice.
Explained in chapter 16; the grid is study A's.
"""

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from agelib.config import Experiment, options
from agelib.runtime import executors, workspace
from agelib.runtime.progress import Line

#: Study A's grid, which it ran for each of its three architectures.
STUDY_A_GRID = {"optimiser": ("sgd", "adam", "adamw"), "learning_rate": (1e-3, 1e-4)}


@dataclass(frozen=True)
class Study:
    """What a study found.

    Attributes
    ----------
    base : agelib.config.Experiment
        What all trials share.
    trials : pandas.DataFrame
        One row a trial: the options varied, ``state`` (complete or failed), ``valid_mse`` (years², at the epoch of
        least validation loss), ``valid_mae`` (years), ``epochs_run``, ``seconds``, ``run``, ``error``.
    file : pathlib.Path
        Optuna's SQLite file, which ``optuna-dashboard`` opens too.
    """

    base: Experiment
    trials: pd.DataFrame
    file: Path

    def best(self) -> Experiment:
        """The setting with the smallest validation MSE; the test part has no say.

        If no trial was completed it is a ValueError with the first error.
        """
        done = self.trials[self.trials["state"] == "complete"]
        if done.empty:
            first = self.trials["error"].dropna().iloc[0] if len(self.trials) else "no trial was run"
            raise ValueError(f"no trial of the study was completed: {first}")
        row = done.loc[done["valid_mse"].idxmin()]
        return self.base.replace(**{name: row[name] for name in self.varied()})

    def varied(self) -> list[str]:
        """The names of the options that the study varies."""
        return [name for name in self.trials.columns if name in options()]

    def curves(self) -> pd.DataFrame:
        """The histories of all completed trials, one row an epoch, with the varied options and a ``label``."""
        from agelib.experiments.run import run

        tables = []
        for row in self.trials[self.trials["state"] == "complete"].to_dict("records"):
            chosen = {name: row[name] for name in self.varied()}
            history = run(self.base.replace(**chosen), progress=False).history
            tables.append(history.assign(**chosen, label=label(chosen)))
        return pd.concat(tables, ignore_index=True)

    def importance(self, seed: int = 0) -> pd.Series:
        """Share of the variance of the validation MSE that each option explains (functional ANOVA, by Optuna)."""
        import optuna

        study = _open(self.file)
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
        return pd.Series(optuna.importance.get_param_importances(study, evaluator=evaluator), name="importance")


def label(chosen: Mapping) -> str:
    """A setting in a few words.

    >>> label({"optimiser": "adamw", "learning_rate": 1e-4})
    'adamw, 0.0001'
    """
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in chosen.values())


def grid(
    base: Experiment,
    values: Mapping[str, Sequence] | None = None,
    workers: int = 0,
    executor: Executor | None = None,
    progress: bool = True,
) -> Study:
    """Run every combination of `values`.

    Parameters
    ----------
    base : agelib.config.Experiment
        What all trials share.
    values : mapping of option name to values
        Study A's grid by default.
    workers : int
        Trainings at a time, in processes that share out the cores; 0: one, or all that the executor takes.
    executor : concurrent.futures.Executor, optional
        Where to run instead, for example on several machines: :func:`agelib.runtime.executors.open`.
    progress : bool

    Raises
    ------
    ValueError
        If a name is no option, or a value does not fit it. A trial that fails is recorded, and the others go on.
    """
    values = {name: list(each) for name, each in (values or STUDY_A_GRID).items()}
    wanted = combinations(values)
    for chosen in wanted:
        base.replace(**chosen)  # a wrong name or value is found before hours of training, not after

    space = {name: _categories(each) for name, each in values.items()}
    file = _file(base, "grid", values)
    study = _open(file)
    _give_up_running(study)
    known = [trial.params for trial in _trials(study, "COMPLETE")]
    settings = [{name: _plain(value) for name, value in chosen.items()} for chosen in wanted]
    left = [chosen for chosen in settings if chosen not in known]
    waiting = [trial.system_attrs.get("fixed_params") for trial in _trials(study, "WAITING")]
    for chosen in left:
        if chosen not in waiting:  # a study that was stopped left some; Optuna would skip failed settings too
            study.enqueue_trial(chosen)
    _run_all(study, base, space, len(left), len(wanted), workers, executor, progress)
    return Study(base, _table(study, settings), file)


def search(
    base: Experiment,
    space: Mapping[str, Sequence],
    trials: int,
    workers: int = 1,
    executor: Executor | None = None,
    seed: int = 42,
    progress: bool = True,
) -> Study:
    """Let Optuna's TPE sampler choose `trials` settings.

    Parameters
    ----------
    base : agelib.config.Experiment
    space : mapping of option name to values
        A list of values to choose among, or ``("log", low, high)`` or ``("uniform", low, high)`` for a number.
    trials : int
        How many in all; those already run are counted.
    workers : int
        Trainings at a time. The sampler learns from what is done: the fewer at a time, the better it chooses.
    seed : int
        Of the sampler.
    executor, progress
        As in :func:`grid`.
    """
    import optuna

    distributions = {name: _distribution(name, each) for name, each in space.items()}
    file = _file(base, "search", {name: list(each) for name, each in space.items()} | {"seed": seed})
    study = _open(file)
    done = len(_trials(study, "COMPLETE"))
    study.sampler = optuna.samplers.TPESampler(seed=seed + done)
    _give_up_running(study)
    _run_all(study, base, distributions, max(0, trials - done), trials, workers, executor, progress)
    return Study(base, _table(study), file)


def combinations(values: Mapping[str, Sequence]) -> list[dict]:
    """All combinations of a grid, the last name varying fastest.

    >>> combinations({"optimiser": ["sgd", "adam"], "learning_rate": [0.001]})
    [{'optimiser': 'sgd', 'learning_rate': 0.001}, {'optimiser': 'adam', 'learning_rate': 0.001}]
    """
    return [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]


def _distribution(name: str, values: Sequence):
    import optuna

    if len(values) == 3 and values[0] in ("log", "uniform"):
        kind, low, high = values
        if options()[name].kind is int:
            return optuna.distributions.IntDistribution(int(low), int(high), log=kind == "log")
        return optuna.distributions.FloatDistribution(float(low), float(high), log=kind == "log")
    return _categories(values)


def _categories(values: Sequence):
    import optuna

    return optuna.distributions.CategoricalDistribution([_plain(value) for value in values])


def _plain(value):
    """A value as Optuna stores it: a tuple becomes text that Experiment reads back."""
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else value


def _file(base: Experiment, kind: str, values: Mapping) -> Path:
    """The study's file: another experiment, grid or code that changes results is another study."""
    from agelib.experiments.run_key import code_keys  # with it comes torch, which a list of commands does without

    folder = workspace.home() / "studies"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{kind}-{workspace.content_key(base.values(), values, code_keys(base))}.sqlite"


def _open(file: Path):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(storage=f"sqlite:///{file}", study_name="study", load_if_exists=True)


def _trials(study, *states: str) -> list:
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name in states]


def _give_up_running(study) -> None:
    """What a killed process left as running is no result; its setting is asked for again."""
    import optuna

    for trial in _trials(study, "RUNNING"):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)


def _run_all(study, base, space, left: int, total: int, workers: int, executor, progress: bool) -> None:
    """Ask for `left` settings, run them with at most `workers` at a time, and tell what came out."""
    line = Line(f"study of {base.network.network}", total, "runs", progress)
    line.done = total - left
    asked = (study.ask(space) for _ in range(left))
    tasks = ((trial, (base.replace(**trial.params).values(),)) for trial in asked)
    with executors.lent(executor, min(workers, left)) as taken:
        for trial, future in executors.completed(taken, evaluate, tasks, workers):
            _tell(study, trial, future)
            line.advance()
    line.close()


def _tell(study, trial, future: Future) -> None:
    import optuna

    error = future.exception()
    if error is not None:
        trial.set_user_attr("error", f"{type(error).__name__}: {error}")
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return
    for name, value in future.result().items():
        trial.set_user_attr(name, value)
    study.tell(trial, future.result()["valid_mse"])


def evaluate(values: Mapping) -> dict:
    """Run one experiment, given by its options, and return what :attr:`Study.trials` says of it: what a worker does."""
    from agelib.experiments.run import run

    result = run(Experiment.of(**values), progress=False)
    best = result.history.loc[result.history["valid_loss"].idxmin()]
    return {
        "valid_mse": float(best["valid_mse"]),
        "valid_mae": float(best["valid_mae"]),
        "epochs_run": len(result.history),
        "seconds": float(result.environment["seconds"]),
        "run": result.folder.name,
    }


def _table(study, wanted: list[dict] | None = None) -> pd.DataFrame:
    """The study's trials; of a grid, one row a combination in the grid's order."""
    trials = [trial for trial in _trials(study, "COMPLETE", "FAIL") if trial.params]
    if wanted is not None:
        found = {tuple(t.params.values()): t for t in sorted(trials, key=lambda t: t.state.name == "COMPLETE")}
        trials = [found[key] for chosen in wanted if (key := tuple(chosen.values())) in found]
    rows = []
    for trial in trials:
        state = "complete" if trial.state.name == "COMPLETE" else "failed"
        notes = {name: trial.user_attrs.get(name) for name in ("valid_mae", "epochs_run", "seconds", "run", "error")}
        rows.append({**trial.params, "state": state, "valid_mse": trial.value, **notes})
    return pd.DataFrame(rows)
