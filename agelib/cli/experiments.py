"""Commands that train and measure: ``train``, ``study``, ``throughput`` and ``networks``.

Explained in "For operators".
"""

from pathlib import Path

from agelib.cli.options import add_options, add_workers, experiment_of, open_workers, whole, wholes
from agelib.config import Experiment
from agelib.runtime.logs import LOGGER
from agelib.runtime.progress import steady

#: What takes the first seconds.
_LOADING = "load torch"

#: What is left of several trainings that were stopped.
_KEPT = "Finished runs are kept, and the last checkpoint of those begun. To go on:"


def add(commands) -> None:
    """Add the commands to the parser's."""
    train = commands.add_parser("train", help="train one network, or find it trained; print its test errors")
    train.add_argument(
        "--processes",
        type=whole(),
        default=1,
        help="train in so many processes, one for each GPU or sharing the cores (default 1)",
    )
    train.add_argument(
        "--explain-key",
        action="store_true",
        help="train nothing: list what the run is found by, and say whether it is there",
    )
    add_options(train)
    train.set_defaults(
        needs=["fastai"], command=_train, kept="The pictures made ready and the last checkpoint are kept. To go on:"
    )

    study = commands.add_parser("study", help="run a grid of options and say which is best on the validation part")
    study.add_argument(
        "--vary",
        action="append",
        metavar="OPTION=A,B,…",
        default=[],
        help="an option and the values to try, as often as you like; study A's grid if none is given",
    )
    add_workers(study, "trainings")
    add_options(study)
    study.set_defaults(command=_study, kept=_KEPT, needs=["fastai", "optuna"])

    throughput = commands.add_parser("throughput", help="pictures a second that networks predict, by batch size")
    throughput.add_argument("names", nargs="*", help="networks (default: seven of different kinds)")
    throughput.add_argument("--image-size", type=whole(), default=64, help="pixels (default 64)")
    throughput.add_argument("--batch-sizes", type=wholes(), default="1,8,32,100", help="default 1,8,32,100")
    throughput.add_argument("--repeats", type=whole(), default=5, help="default 5; the median is printed")
    throughput.set_defaults(command=_throughput)

    networks = commands.add_parser("networks", help="list networks with their parameters and multiply-adds")
    networks.add_argument("--pattern", default="*", help="for example 'resnet*' or 'timm/convnext*' (default *)")
    networks.add_argument("--names", action="store_true", help="print the names alone")
    networks.add_argument("--image-size", type=whole(), default=64, help="pixels, for the multiply-adds (default 64)")
    networks.set_defaults(command=_networks)


def _train(chosen) -> None:
    experiment = experiment_of(chosen)
    with steady(_LOADING):
        from agelib.experiments.run import explain_key, run
        from agelib.runtime import launch

    if chosen.explain_key:
        _explain(*explain_key(experiment))
        return
    result = run(experiment, processes=chosen.processes)
    if not launch.is_main():
        return
    made = result.provenance
    kind = "drawn faces, not people" if made.drawn else made.data
    counts = ", ".join(f"{part} {number:,}" for part, number in made.pictures.items())
    print(f"{kind}; pictures: {counts}; split {made.split}; seed {made.seed}")
    print(", ".join(made.facts("device", "precision", "torch")) + "\n")
    print(result.history.to_string(index=False, float_format="{:.4g}".format))
    print("\ntest part (95 % bootstrap intervals)")
    if len(result.metrics):
        print(result.metrics.to_string(float_format="{:.3f}".format))
    print(result.scores.to_string(float_format="{:.2f}".format))
    if len(result.metrics):
        print("\nwithout a network")
        print(result.baselines().to_string(float_format="{:.3f}".format))
    print(f"\n{result.folder}")


def _explain(parts, folder: Path) -> None:
    from agelib.runtime import workspace

    for part, named in parts.groupby("part", sort=False):
        print(f"{part} ({len(named)})")
        for (_, name), value in named["value"].items():
            print(f"  {name:40} {value}")
    fault = workspace.find_fault(folder)
    print(f"\n{folder}\n{f'not there yet: {fault}' if fault else 'there: it would not be trained again'}")


def _throughput(chosen) -> None:
    from agelib.deploy import throughput

    names = chosen.names or throughput.NAMES
    table = throughput.measure(names, chosen.image_size, chosen.batch_sizes, repeats=chosen.repeats, progress=True)
    print(table.to_string(index=False, float_format="{:,.1f}".format))


def _study(chosen) -> None:
    from agelib.experiments import search

    values = dict(_grid_axis(text) for text in chosen.vary) or None
    with open_workers(chosen) as executor:
        study = search.grid(experiment_of(chosen), values, chosen.workers, executor)
    for trial in study.trials.query("state != 'complete'").itertuples():
        LOGGER.error("a run failed: %s", trial)
    print(study.trials.drop(columns="run", errors="ignore").to_string(index=False))
    best = {name: value for name, value in study.best().values().items() if name in study.varied()}
    print(f"\nbest on the validation part: {search.label(best)}")
    print(study.file)


def _grid_axis(text: str) -> tuple[str, list]:
    name, equals, values = text.partition("=")
    if not equals or not values:
        raise ValueError(f"--vary takes OPTION=A,B,… such as learning-rate=1e-3,1e-4, not {text!r}")
    name = name.replace("-", "_")
    return name, [Experiment.of(**{name: value}).values()[name] for value in values.split(",")]


def _networks(chosen) -> None:
    from agelib import networks

    names = networks.names(chosen.pattern)
    if not names:
        raise ValueError(f"no network matches {chosen.pattern!r}; try 'torchvision/{chosen.pattern}'")
    if chosen.names:
        print("\n".join(names))
    else:
        print(networks.describe(names, image_size=chosen.image_size, progress=True).to_string())
