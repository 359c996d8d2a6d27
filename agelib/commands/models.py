"""Commands about trained networks on their way out: ``export``, ``predict``. Explained in "How to run"."""

import sys
from pathlib import Path

#: The model that comes with the book, for those who name none: below the repository.
SHIPPED = Path("data") / "reference" / "model"

_RUN = "folder of a finished run, or the name that `agelib train` printed"


def add(commands) -> None:
    """Add the commands to the parser's."""
    export = commands.add_parser(
        "export", help="write a finished run, or a model again: safetensors, ONNX, and what its outputs mean"
    )
    export.add_argument(
        "folder", type=Path, help="a folder that does not exist yet, or holds an older export"
    )
    source = export.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", help=_RUN)
    source.add_argument(
        "--model",
        type=Path,
        help=f"folder of a model, to write it again with its ONNX graph, such as {SHIPPED}",
    )
    export.add_argument("--half", action="store_true", help="weights in 16 bits: half the bytes")
    export.add_argument("--no-onnx", action="store_true", help="no ONNX graph")
    export.add_argument(
        "--detector", default="cascade", help="who will find faces: cascade (default), insightface"
    )
    export.set_defaults(command=_export)

    predict = commands.add_parser(
        "predict", help="age, interval, gender and ethnicity of every face in new pictures"
    )
    predict.add_argument("pictures", nargs="+", type=Path, help="files, or folders of them")
    source = predict.add_mutually_exclusive_group()
    source.add_argument("--run", help=_RUN)
    source.add_argument("--model", type=Path, help=f"folder of an exported model (default: {SHIPPED})")
    predict.add_argument("--format", choices=("table", "csv"), default="table")
    predict.add_argument(
        "--no-detect", action="store_true", help="the pictures are crops as the network was trained on"
    )
    predict.add_argument(
        "--detector", default="cascade", help="who finds faces: cascade (default), insightface"
    )
    predict.add_argument(
        "--margin",
        type=float,
        help="what to leave around a face, in shares of its box (default: the model's)",
    )
    predict.add_argument(
        "--level", type=float, default=0.9, help="how sure the interval is: 0.5, 0.8, 0.9 (default) or 0.95"
    )
    predict.add_argument("--onnx", action="store_true", help="let onnxruntime do it in place of torch")
    predict.set_defaults(command=_predict)


def _export(chosen) -> None:
    from agelib import shipping

    if chosen.model:
        model = shipping.load(chosen.model)
    else:
        run = _load_run(chosen.run)
        model = shipping.of_run(run, _measured_frame(run, chosen.detector))
    folder = shipping.export(model, chosen.folder, half=chosen.half, graph=not chosen.no_onnx)
    for file in sorted(folder.iterdir()):
        print(f"{file.stat().st_size:12,}  {file}")
    _warn_of_drawn(model)


def _predict(chosen) -> int:
    import numpy as np

    from agelib.prediction import predict_in_batches

    model = _model(chosen)
    _warn_of_drawn(model)
    calibration = model.calibrations.get(chosen.level)
    if calibration is not None and not np.isfinite(calibration.margins["margin"]).all():
        print(
            f"no intervals: the run's validation part is too small for {100 * chosen.level:g} %",
            file=sys.stderr,
        )
    detector = "none" if chosen.no_detect else chosen.detector
    batches = predict_in_batches(
        model, chosen.pictures, detector=detector, level=chosen.level, onnx=chosen.onnx
    )
    write = _write_csv if chosen.format == "csv" else _write_table
    answered = write(batches, chosen.level)
    return 0 if answered else 1


def _model(chosen):
    """The model that was named, with the frame that finding faces needs."""
    from dataclasses import replace

    from agelib import shipping
    from agelib.shipping.framing import UTKFACE

    if chosen.run:
        run = _load_run(chosen.run)
        frame = None if chosen.no_detect else _measured_frame(run, chosen.detector, pictures=64)
        model = shipping.of_run(run, frame)
    else:
        model = shipping.load(chosen.model or _shipped())
    if chosen.no_detect:
        return model
    if model.frame is None:
        print(
            "the model does not say where faces lie in its crops; it is taken to be as in UTKFace's",
            file=sys.stderr,
        )
    frame = model.frame or UTKFACE
    return replace(model, frame=frame if chosen.margin is None else replace(frame, margin=chosen.margin))


def _load_run(name: str):
    from agelib import runs, store

    place = Path(name)
    return runs.load(place if place.is_dir() else store.home() / "runs" / name)


def _shipped() -> Path:
    from agelib.publishing.chapters import REPOSITORY

    if not (REPOSITORY / SHIPPED).is_dir():
        raise FileNotFoundError(
            f"there is no {SHIPPED}; name a finished run (--run, as `agelib train` prints it) or a model (--model)"
        )
    return REPOSITORY / SHIPPED


def _measured_frame(run, detector: str, **how):
    """Where the faces lie in the run's own pictures; None, with a word, where these are not at hand."""
    from agelib import shipping

    try:
        return shipping.frame_of_run(run, detector, **how)
    except OSError as error:
        print(f"the run's pictures are not at hand ({error})", file=sys.stderr)
        return None


def _warn_of_drawn(model) -> None:
    if model.drawn:
        print("the network was trained on drawn faces: it knows nothing about people", file=sys.stderr)


def _write_csv(batches, _level) -> int:
    """Rows as they come; the columns are fixed, so what is wrong with a file goes to stderr."""
    from agelib.prediction import answers

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

    from agelib.prediction import answers

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
