"""The command line: ``agelib book``, ``lab``, ``bench``, ``train``, ``study``, ``data``, ``networks``, ``draw``, …

Every command of the Makefile, on every system, and every option of an experiment, generated from the dataclass:
``learning_rate`` is ``--learning-rate``. The same works as ``python -m agelib``. Explained in "How to run".
"""

import argparse
import sys
from pathlib import Path

from agelib.experiment import Experiment, options


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 something failed on the way, 2 asked for what cannot be.

    Examples
    --------
    >>> main(["networks", "--pattern", "resnet*", "--names"])
    resnet18
    0
    """
    chosen = _parser().parse_args(arguments)
    try:
        return chosen.command(chosen) or 0
    except (ValueError, OSError, RuntimeError) as error:
        if chosen.traceback:
            raise
        print(f"agelib {chosen.name}: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agelib", description="A book on estimating age from faces, and its package on the command line."
    )
    parser.add_argument("--traceback", action="store_true", help="show where in the code an error comes from")
    commands = parser.add_subparsers(title="commands", dest="name", required=True)
    _add_book_commands(commands)
    _add_experiment_commands(commands)
    _add_data_commands(commands)
    return parser


def _add_book_commands(commands) -> None:
    book = commands.add_parser("book", help="execute the chapters that changed and build the site")
    book.add_argument(
        "--profile", default="cpu", help="smoke, cpu (default) or gpu: a file of notebooks/profiles"
    )
    book.add_argument("--source", default="drawn", help="drawn (default), utkface, imdb-wiki or appa-real")
    book.add_argument(
        "--root", default="", help="the data set's folder or published archive; none for drawn faces"
    )
    book.add_argument(
        "--chapters", default="", help="chapters to execute, such as 05,06, or none (default: all)"
    )
    book.add_argument("--jobs", default="0", help="chapters to run at a time (default: one a core)")
    book.set_defaults(command=_book)

    lab = commands.add_parser("lab", help="open JupyterLab on the notebooks")
    lab.set_defaults(command=_lab)

    bench = commands.add_parser(
        "bench", help="measure speed: run the programs in benchmarks/, one after the other"
    )
    bench.add_argument("names", nargs="*", help="which, such as training pixels (default: all)")
    bench.set_defaults(command=_bench)


def _add_experiment_commands(commands) -> None:
    train = commands.add_parser("train", help="train one network, or find it trained; print its test errors")
    _add_options(train)
    train.set_defaults(command=_train)

    study = commands.add_parser(
        "study", help="run a grid of options and say which is best on the validation part"
    )
    study.add_argument(
        "--vary",
        action="append",
        metavar="OPTION=A,B,…",
        default=[],
        help="an option and the values to try, as often as you like; study A's grid if none is given",
    )
    study.add_argument("--workers", type=int, default=1, help="trainings side by side (default 1)")
    _add_options(study)
    study.set_defaults(command=_study)

    networks = commands.add_parser("networks", help="list networks with their parameters and multiply-adds")
    networks.add_argument(
        "--pattern", default="*", help="for example 'resnet*' or 'timm/convnext*' (default *)"
    )
    networks.add_argument("--names", action="store_true", help="print the names alone")
    networks.add_argument(
        "--image-size", type=int, default=64, help="pixels, for the multiply-adds (default 64)"
    )
    networks.set_defaults(command=_networks)


def _add_data_commands(commands) -> None:
    data = commands.add_parser(
        "data", help="read, clean and split a data set; print what was kept and removed"
    )
    _add_options(data, records=("data",))
    data.set_defaults(command=_data)

    draw = commands.add_parser("draw", help="draw faces in the layout of a published data set")
    draw.add_argument("layout", choices=("imdb-wiki", "utkface", "appa-real"))
    draw.add_argument("folder", type=Path, help="a folder that does not exist yet")
    draw.add_argument("--pictures", type=int, default=3000)
    draw.add_argument("--seed", type=int, default=42)
    draw.add_argument("--size", type=int, default=128, help="side of a picture, in pixels (default 128)")
    draw.set_defaults(command=_draw)

    download = commands.add_parser("download", help="download a real data set from its owners")
    download.add_argument("dataset", nargs="?", help="which; without it, what there is")
    download.add_argument("folder", type=Path, nargs="?", help="where to (default: the workspace)")
    download.add_argument(
        "--accept-licence", action="store_true", help="say yes to the owners' terms beforehand"
    )
    download.set_defaults(command=_download)


def _add_options(
    parser: argparse.ArgumentParser, records=("data", "pictures", "network", "training")
) -> None:
    """One command-line option for each option of an experiment, under its record's heading."""
    for record in records:
        group = parser.add_argument_group(record)
        for option in options().values():
            if option.record != record:
                continue
            usual = ",".join(map(str, option.default)) if option.kind is tuple else str(option.default)
            meaning = f"{option.meaning} (default: {usual or 'none'})"
            kind = "A,B,…" if option.kind is tuple else option.kind.__name__.upper()
            group.add_argument(
                f"--{option.name.replace('_', '-')}",
                dest=f"option_{option.name}",
                metavar="|".join(option.choices) if option.choices else kind,
                help=meaning.replace("%", "%%"),
            )


def _experiment(chosen) -> Experiment:
    """Only what was typed is passed on: Experiment itself turns text into values and says what does not fit."""
    prefix = "option_"
    typed = {name[len(prefix) :]: value for name, value in vars(chosen).items() if name.startswith(prefix)}
    return Experiment.of(**{name: value for name, value in typed.items() if value is not None})


def _book(chosen) -> int:
    from agelib.publishing import book

    return book(chosen.profile, chosen.source, chosen.root, chosen.chapters, chosen.jobs)


def _lab(_chosen) -> int:
    from agelib.publishing import lab

    return lab()


def _bench(chosen) -> int:
    import subprocess

    from agelib.publishing.chapters import REPOSITORY

    there = {file.stem: file for file in sorted((REPOSITORY / "benchmarks").glob("[a-z]*.py"))}
    unknown = [name for name in chosen.names if name not in there]
    if unknown:
        raise ValueError(f"there is no benchmark {unknown[0]!r}; there is: {', '.join(there)}")
    worst = 0
    for name in chosen.names or there:
        print(f"── {name}", flush=True)
        worst = max(worst, subprocess.call([sys.executable, str(there[name])], cwd=REPOSITORY))
    return worst


def _train(chosen) -> None:
    from agelib.runs import run

    result = run(_experiment(chosen))
    environment = result.environment
    kind = "drawn faces, not people" if environment["drawn"] else environment["data"]
    counts = ", ".join(f"{part} {number:,}" for part, number in environment["pictures"].items())
    print(f"{kind}; pictures: {counts}; split {environment['split']}; seed {environment['seed']}")
    print(f"{environment['device']}, {environment['precision']}, torch {environment['torch']}\n")
    print(result.history.to_string(index=False, float_format="{:.4g}".format))
    print("\ntest part (95 % bootstrap intervals)")
    print(result.metrics.to_string(float_format="{:.3f}".format))
    print("\nwithout a network")
    print(result.baselines().to_string(float_format="{:.3f}".format))
    print(f"\n{result.folder}")


def _study(chosen) -> None:
    from agelib import studies

    values = dict(_grid_axis(text) for text in chosen.vary) or None
    study = studies.grid(_experiment(chosen), values, workers=chosen.workers)
    print(study.trials.drop(columns="run", errors="ignore").to_string(index=False))
    best = {name: value for name, value in study.best().values().items() if name in study.varied()}
    print(f"\nbest on the validation part: {studies.label(best)}")
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
        print(networks.describe(names, image_size=chosen.image_size).to_string())


def _data(chosen) -> None:
    from agelib.preparation import prepare

    prepared = prepare(_experiment(chosen).data)
    print(prepared.report.fillna("").to_string(index=False))
    counts = prepared.faces["split"].value_counts()
    print("\nsplit: " + ", ".join(f"{part} {number:,}" for part, number in counts.items()))
    leaks = prepared.leaks[prepared.leaks["groups"] > 0]
    if len(leaks):
        print("\nleaks between the parts")
        print(leaks.to_string(index=False))
    print(f"\n{prepared.file}")


def _draw(chosen) -> None:
    from agelib.drawn import draw_collection

    if chosen.folder.exists():
        raise ValueError(f"{chosen.folder} is there already; name a folder that is not")
    root = draw_collection(chosen.layout, chosen.pictures, chosen.seed, chosen.size, chosen.folder)
    print(f"drawn faces, not people: {root}")


def _download(chosen) -> None:
    from agelib.sources import download

    if chosen.dataset is None:
        for name, each in download.DATASETS.items():
            print(f"{name:12} {each.title}")
        return
    for file in download.download(chosen.dataset, chosen.folder, accept=chosen.accept_licence):
        print(file)


if __name__ == "__main__":
    sys.exit(main())
