"""What the page "Try it" fetches: the book's own model as a graph, its description, and a few drawn faces.

The page asks the model in the reader's browser, so nothing of a picture leaves the reader's machine. What it fetches is
made once from ``data/reference/model`` and kept in the workspace, under a key of the model and of the code behind it.
What the page says about the model's errors is written from the model's own description.
"""

import importlib.metadata
import io
import json
from pathlib import Path

import numpy as np

from agelib.runtime import fingerprint
from agelib.runtime.provenance import Provenance
from agelib.runtime.workspace import content_key, file_key, home, lock, read_json, write_whole

#: The page, and where in the repository its model lies.
PAGE, MODEL = "book/try-it.md", Path("data") / "reference" / "model"

#: Where the page finds what it fetches, below the pages' static files.
FOLDER = "book/_static/try-it"

#: The first page of the book, which says in two sentences what the model is.
FIRST = "book/index.md"

#: What the page loads for its first answer, by how the paths begin.
LOADED = (f"{FOLDER}/model.onnx", "book/_scripts/onnxruntime/")

#: Marks in the text of both pages, and the text that takes their place (see :func:`complete`).
TRAINED, ERRORS, MEGABYTES, ESTIMATE = (
    "<!-- what it was trained on -->",
    "<!-- how wrong it is -->",
    "<!-- megabytes -->",
    "<!-- which age is the answer -->",
)

#: Point estimates of a posterior that the page can read, and what it says of them.
ESTIMATES = {"mean": "their mean", "median": "their median, the age up to which they sum to a half"}

#: The drawn faces that the page offers: people of the seed 42, and how old each is drawn, in years.
PEOPLE, AGES = (2, 3, 4, 7, 9, 10), (8, 17, 26, 44, 61, 75)

#: Side of a drawn face, in pixels.
SIDE = 240

#: Collections as their makers write them.
_NAMES = {"utkface": "UTKFace", "appa-real": "APPA-REAL", "imdb-wiki": "IMDB-WIKI"}


def key(repository) -> str:
    """The key of all that the page fetches; empty for a repository without the page.

    >>> key("nowhere")
    ''
    """
    if not Path(repository, PAGE).is_file():
        return ""
    return content_key(
        file_key(_sealed(repository)),
        fingerprint.code_fingerprint("agebook.build.demo"),
        [importlib.metadata.version(name) for name in ("torch", "onnx", "onnxscript", "pillow")],
    )


def complete(pages: dict[str, bytes], repository) -> None:
    """Add to an assembly what the page fetches, and write into it and the first page what the model's description says.

    Parameters
    ----------
    pages : dict
        Path → content of all that is assembled, changed in place; without the page nothing is done.
    repository : path
        Where the model lies.

    Raises
    ------
    FileNotFoundError
        If there is no model for the page.
    ValueError
        If the page cannot read the model's outputs.

    Examples
    --------
    >>> pages = {"book/index.md": b"# A book"}
    >>> complete(pages, "nowhere")
    >>> list(pages)
    ['book/index.md']
    """
    if PAGE not in pages:
        return
    kept = home() / "try-it" / key(repository)
    with lock(kept):
        if not kept.is_dir():
            with write_whole(kept) as temporary:
                temporary.mkdir()
                _make(Path(repository, MODEL), temporary)
    pages |= {f"{FOLDER}/{path.name}": path.read_bytes() for path in sorted(kept.iterdir())}
    described = read_json(_sealed(repository).with_name("model.json"))
    about = described["about"]
    loaded = {name: sum(len(pages[path]) for path in pages if path.startswith(name)) for name in LOADED}
    network, runtime = (f"{number / 1e6:.1f} MB" for number in loaded.values())
    said = {TRAINED: _trained(about, described["pictures"]["image_size"]), ERRORS: _errors(about)}
    said[MEGABYTES] = f"{network} for the network and {runtime} for what runs it"
    said[ESTIMATE] = ESTIMATES[about["experiment"].get("estimate", "mean")]
    for page in {PAGE, FIRST} & set(pages):
        text = pages[page].decode()
        for mark, words in said.items():
            text = text.replace(mark, words)
        pages[page] = text.encode()


def _sealed(repository) -> Path:
    sealed = Path(repository, MODEL, "files.json")
    if not sealed.is_file():
        raise FileNotFoundError(
            f"{PAGE} needs the model in {MODEL} ({sealed} is missing); take the folder from git again, or leave the "
            "page out of _toc.yml and of book/"
        )
    return sealed


def _make(folder: Path, target: Path) -> None:
    """Write the graph, its description and the drawn faces."""
    from agelib import deploy

    model = deploy.load(folder)
    exported = deploy.export(model, target / "exported")
    graph = _halved((exported / "model.onnx").read_bytes())
    for path in exported.iterdir():
        path.unlink()
    exported.rmdir()
    (target / "model.onnx").write_bytes(graph)
    described = describe(model) | {"faces": _draw(model, target), "bytes": len(graph)}
    (target / "model.json").write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")


def describe(model) -> dict:
    """What the page must know to read a model's outputs as :meth:`agelib.deploy.Model.predict` does.

    Parameters
    ----------
    model : agelib.deploy.Model

    Raises
    ------
    ValueError
        If the page cannot: it reads mean or median of a posterior over whole years, and classes.
    """
    from agelib.deploy import schema
    from agelib.targets.age_groups import group_of, names_of
    from agelib.targets.distributions import Distribution, Expectation
    from agelib.targets.multitask import Several

    target, show = model.target, model.experiment.pictures
    parts = dict(zip(target.tasks, target.targets, strict=True)) if isinstance(target, Several) else {"age": target}
    age, intervals = parts.get("age"), schema.describe_intervals(model.calibrations)
    is_known = isinstance(age, Distribution | Expectation) and age.estimate in ESTIMATES
    # An age group can be looked up at the answer where that is one of the posterior's ages.
    is_known = is_known and (age.grouping == "posterior" or age.estimate == "median")
    if not is_known or intervals.get("kind") != "quantile":
        raise ValueError(
            "the page Try it reads mean or median of a posterior over whole years, with intervals from its quantiles; "
            f"the model in {MODEL} gives none (train it with target=distribution)"
        )
    if show.grey or show.zoom != 1:
        raise ValueError(f"the page Try it takes whole pictures in colour; the model in {MODEL} takes others")
    side = show.image_size
    return {
        "side": side,
        "outputs": schema.describe_outputs(target),
        "age_groups": {
            "names": list(names_of(age.bins)),
            "codes": group_of(age.ages, age.bins).tolist(),
            "of_age": age.grouping == "age",
        },
        "estimate": age.estimate,
        "margins": intervals["margins"],
        # What covers a part of the picture is the training pictures' mean colour, as in agelib.explain.
        "cover": {"side": side // 4, "step": side // 8, "colour": [round(255 * float(value)) for value in model.mean]},
    }


def _halved(graph: bytes) -> bytes:
    """The graph with its weights in 16 bits where that changes none of them: half the bytes, the same answers."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_from_string(graph)
    casts = []
    for weights in model.graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.ndim < 2:
            continue
        half = values.astype(np.float16)
        if (half.astype(np.float32) == values).all():
            name = weights.name
            weights.CopyFrom(numpy_helper.from_array(half, f"{name} in 16 bits"))
            casts.append(helper.make_node("Cast", [weights.name], [name], to=onnx.TensorProto.FLOAT))
    for place, cast in enumerate(casts):
        model.graph.node.insert(place, cast)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _draw(model, folder: Path) -> list[dict]:
    """Draw the faces that the page offers, and find in each the square that shows the face as the model knows faces."""
    from PIL import Image

    from agelib.deploy.face_crop import UTKFACE, finder
    from agelib.drawn import draw_faces

    look, frame = finder(), model.frame or UTKFACE
    rows = []
    for number, pixels in enumerate(draw_faces(PEOPLE, AGES, size=SIDE), start=1):
        written = io.BytesIO()
        Image.fromarray(pixels).save(written, "JPEG", quality=90)
        (folder / f"face-{number}.jpg").write_bytes(written.getvalue())
        row = {"file": f"face-{number}.jpg", "age": AGES[number - 1]}
        boxes = look(Image.open(written))
        if len(boxes):
            row["crop"] = [round(value) for value in frame.square(boxes[0])]
        rows.append(row)
    return rows


def _trained(about: dict, side: int) -> str:
    """Two sentences: what the model takes and on what it was trained, and how far it is off on its test part."""
    record, (mae, low, high) = Provenance.of(about["environment"]), about["test"]["MAE"]
    whom = f"photographs of people from {_NAMES.get(record.data, record.data)}"
    what, pictures = "drawn faces" if record.drawn else whom, record.pictures
    return (
        f"It takes pictures of {side} × {side} pixels and was trained on {pictures['train']:,} {what}. "
        f"On {pictures['test']:,} others of the same collection "
        f"its age is off by **{mae:.1f} years** on average (95 % interval {low:.1f} to {high:.1f})"
        f"{_accuracies(about['test'])}."
    )


def _accuracies(test: dict) -> str:
    shares = [
        f"{test[f'{task}: accuracy'][0]:.0f} % of the answers about {task}"
        for task in ("gender", "ethnicity")
        if f"{task}: accuracy" in test
    ]
    return f"; {' and '.join(shares)} are what the label says" if shares else ""


def _errors(about: dict) -> str:
    """The table of errors by group, in Markdown."""
    lines = ["| in the label | pictures | off by, years (95 % interval) | mean error, years |", "|:--|--:|:--|--:|"]
    for by in ("age", "gender", "ethnicity"):
        groups = about["groups"].get(by, {})
        for name in sorted(groups, key=lambda name: (not name.startswith("under"), name)):
            row = groups[name]
            interval = "" if row["low"] is None else f" ({row['low']:.1f} to {row['high']:.1f})"
            bias = f"{row['bias']:+.1f}".replace("-", "−")
            lines.append(f"| {by} {name} | {row['count']:,} | **{row['MAE']:.1f}**{interval} | {bias} |")
    return "\n".join(lines)
