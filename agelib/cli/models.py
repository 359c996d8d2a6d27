"""Commands about trained networks on their way out: ``export``, ``predict``. Explained in "For operators"."""

import sys
from pathlib import Path

from agelib.cli.options import named
from agelib.runtime.progress import PATIENCE, Line, steady

#: Where the model lies that comes with the book, below the repository: what the help says.
SHIPPED = Path("data") / "reference" / "model"

#: What takes the first seconds.
_LOADING = "load torch"

_RUN = "folder of a finished run, or the name that `agelib train` printed"


def add(commands) -> None:
    """Add the commands to the parser's."""
    export = commands.add_parser(
        "export", help="write a finished run, or a model again: safetensors, ONNX, and what its outputs mean"
    )
    export.add_argument("folder", type=Path, help="a folder that does not exist yet, or holds an older export")
    source = export.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", help=_RUN)
    source.add_argument(
        "--model", type=Path, help=f"folder of a model, to write it again with its ONNX graph, such as {SHIPPED}"
    )
    export.add_argument("--half", action="store_true", help="weights in 16 bits: half the bytes")
    export.add_argument("--no-onnx", action="store_true", help="no ONNX graph")
    export.add_argument("--detector", default="cascade", help="who will find faces: cascade (default), insightface")
    export.set_defaults(command=_export)

    predict = commands.add_parser("predict", help="age, interval, gender and ethnicity of every face in new pictures")
    predict.add_argument("pictures", nargs="+", type=named, help="files, or folders of them")
    add_source(predict)
    predict.add_argument("--format", choices=("table", "csv"), default="table")
    predict.add_argument(
        "--no-detect", action="store_true", help="the pictures are crops as the network was trained on"
    )
    add_manner(predict)
    predict.add_argument("--onnx", action="store_true", help="let onnxruntime do it in place of torch")
    predict.set_defaults(command=_predict)


def add_source(command) -> None:
    """Add the options that say which model: a run or an exported folder."""
    source = command.add_mutually_exclusive_group()
    source.add_argument("--run", help=_RUN)
    source.add_argument(
        "--model", type=Path, help="folder of an exported model (default: the one that comes with agelib)"
    )


def add_manner(command) -> None:
    """Add the options that say how faces are found, framed and judged."""
    command.add_argument("--detector", default="cascade", help="who finds faces: cascade (default), insightface")
    command.add_argument(
        "--margin", type=float, help="what to leave around a face, in shares of its box (default: the model's)"
    )
    command.add_argument(
        "--level", type=float, default=0.9, help="how sure the interval is: 0.5, 0.8, 0.9 (default) or 0.95"
    )


def _export(chosen) -> None:
    with steady(_LOADING):
        from agelib import deploy
        from agelib.deploy.shipped import measured_frame
        from agelib.experiments import result

    if chosen.model:
        model = deploy.load(chosen.model)
    else:
        run = result.find(chosen.run)
        with steady("find where the faces lie in the run's pictures"):
            frame = measured_frame(run, chosen.detector)
        model = deploy.of_run(run, frame)
    with steady("write the model" if chosen.no_onnx else "write the model and its ONNX graph"):
        folder = deploy.export(model, chosen.folder, half=chosen.half, graph=not chosen.no_onnx)
    for file in sorted(folder.iterdir()):
        print(f"{file.stat().st_size:12,}  {file}")
    _warn_of_drawn(model)


def _predict(chosen) -> int:
    import numpy as np

    with steady(_LOADING):
        from agelib.deploy.predict import find_pictures, predict_in_batches
        from agelib.deploy.shipped import choose
        from agelib.experiments import result
        from agelib.pixels.image_files import count_reasons

    detector = "none" if chosen.no_detect else chosen.detector
    source = result.find(chosen.run) if chosen.run else chosen.model or ""
    model = choose(source, detector, chosen.margin)
    _warn_of_drawn(model)
    calibration = model.calibrations.get(chosen.level)
    if calibration is not None and not np.isfinite(calibration.margins["margin"]).all():
        print(f"no intervals: the run's validation part is too small for {100 * chosen.level:g} %", file=sys.stderr)
    files, passed_over = find_pictures(chosen.pictures)
    if passed_over:
        told = "; ".join(f"{why}: {number:,} ({path})" for why, number, path in count_reasons(passed_over))
        print(f"passed over in folders, with an example each: {told}", file=sys.stderr)
    batches = predict_in_batches(model, files, detector=detector, level=chosen.level, onnx=chosen.onnx)
    write = _write_csv if chosen.format == "csv" else _write_table
    shown = chosen.format == "table" or not sys.stdout.isatty()
    answered = write(_tracked(batches, len(files), shown), chosen.level)
    return 0 if answered else 1


def _tracked(batches, files: int, shown: bool):
    """The batches, with a line of progress unless the answers themselves show on the terminal how far it is."""
    from agelib.deploy.predict import BATCH

    line = Line("predict", files, "files", shown, after=PATIENCE)
    for table in batches:
        line.advance(min(BATCH, line.total - line.done))
        yield table
    line.close()


def _warn_of_drawn(model) -> None:
    if model.drawn:
        print("the network was trained on drawn faces: it knows nothing about people", file=sys.stderr)


def _write_csv(batches, _level) -> int:
    """Rows as they come; the columns are fixed, so what is wrong with a file goes to stderr."""
    from agelib.deploy.predict import answers

    answered, header = 0, True
    for table in batches:
        answers(table).to_csv(sys.stdout, index=False, header=header, float_format="%.2f")
        sys.stdout.flush()
        for problem in table["problem"].dropna():
            print(problem, file=sys.stderr)
        answered, header = answered + int(table["problem"].isna().sum()), False
    return answered


def _write_table(batches, level: float) -> int:
    import pandas as pd

    from agelib.deploy.predict import answers

    table = pd.concat(list(batches), ignore_index=True)
    told = answers(table)
    between = f"{100 * level:g} % interval"
    shown = pd.DataFrame({"path": told["path"]})
    if table["face"].max() > 1:
        shown["face"] = table["face"]
    shown["age"] = told["age"].map("{:.1f}".format, na_action="ignore")
    shown[between] = told["age_low"].map("{:.0f}–".format, na_action="ignore") + told["age_high"].map(
        "{:.0f}".format, na_action="ignore"
    )
    shown = shown.join(told[["age_group", "gender", "ethnicity"]])
    shown["problem"] = [
        problem.removeprefix(f"{path}: ") if isinstance(problem, str) else None
        for path, problem in zip(table["path"], table["problem"], strict=True)
    ]
    shown = shown.dropna(axis="columns", how="all").astype("object").fillna("").astype(str)
    for name in shown:
        shown[name] = shown[name].str.ljust(shown[name].str.len().max())
    print(shown.to_string(index=False, justify="left"))
    return int(table["problem"].isna().sum())
