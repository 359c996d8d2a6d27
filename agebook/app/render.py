"""What the page says, as HTML: of a picture's faces, and of the model. Explained in chapter 25.

Every word that comes from outside (a file's name, a class) is escaped.
"""

import base64
import io
from html import escape

import pandas as pd

from agelib.deploy.model_card import TERMS
from agelib.deploy.predict import answers
from agelib.runtime.provenance import Provenance

#: The longer side of the copy that is shown, in pixels.
SHOWN = 1024

#: The tasks of a model that are classes, and what their probabilities are headed with.
_CLASSES = {
    "age_group": "Age group",
    "gender": "Gender, as the model reads the face",
    "ethnicity": "Ethnicity, as the model reads the face",
}


def tell(judged, name: str, level: float) -> str:
    """A picture with a box around each face, and what the model says of each.

    Parameters
    ----------
    judged : agebook.app.inference.Judged
    name : str
        The picture's.
    level : float
        Share of pictures whose interval holds the true age.
    """
    number = len(judged.faces)
    if not number:
        return (
            f"<h2>No face found in {escape(name)}</h2>{_picture(judged)}<p>The detector looks for upright faces from "
            "the front that fill at least a twelfth of the picture. Come nearer, or take another picture.</p>"
        )
    heading = f"{number} face{'' if number == 1 else 's'} in {escape(name)}"
    told = answers(judged.faces)
    faces = [_face(judged.faces.loc[row], told.loc[row], level) for row in judged.faces.index]
    return f'<h2>{heading}</h2>{_picture(judged)}<div class="faces">{"".join(faces)}</div>'


def _picture(judged) -> str:
    """The picture, smaller, inside the page itself, and the boxes over it."""
    picture = judged.picture
    width, height = picture.size
    copy = picture.copy()
    copy.thumbnail((SHOWN, SHOWN))
    file = io.BytesIO()
    copy.save(file, "JPEG", quality=90)
    inline = base64.b64encode(file.getvalue()).decode()
    number = len(judged.faces)
    alt = f"Your picture with {number} box{'' if number == 1 else 'es'} around what was taken for a face"
    boxes = [_box(row["face"], row["box"], max(width, height)) for _, row in judged.faces.iterrows()]
    return (
        f'<svg role="img" aria-label="{alt}" viewBox="0 0 {width} {height}">'
        f'<image href="data:image/jpeg;base64,{inline}" width="{width}" height="{height}"/>{"".join(boxes)}</svg>'
    )


def _box(face: int, box, side: int) -> str:
    if not isinstance(box, str):
        return ""
    x1, y1, x2, y2 = map(float, box.split())
    line, text = side / 250, side / 28
    where = f'x="{x1:g}" y="{y1:g}" width="{x2 - x1:g}" height="{y2 - y1:g}" fill="none"'
    return (
        f'<rect {where} stroke="#000" stroke-width="{2 * line:g}"/>'
        f'<rect class="box" {where} stroke="#ffd400" stroke-width="{line:g}"/>'
        f'<rect x="{x1:g}" y="{y1:g}" width="{1.2 * text:g}" height="{1.2 * text:g}" fill="#ffd400"/>'
        f'<text x="{x1 + 0.6 * text:g}" y="{y1 + 0.95 * text:g}" font-size="{text:g}" text-anchor="middle" '
        f'fill="#000">{face}</text>'
    )


def _face(row: pd.Series, told: pd.Series, level: float) -> str:
    lines = []
    if pd.notna(told["age"]):
        interval = (
            f"{100 * level:g} % interval {told['age_low']:.0f} to {told['age_high']:.0f}"
            if pd.notna(told["age_low"])
            else "no interval: too few validation pictures"
        )
        lines.append(f'<p class="age"><b>{told["age"]:.1f}</b> years <span>({interval})</span></p>')
    for task, heading in _CLASSES.items():
        if pd.notna(told[task]):
            lines.append(_shares(row, task, told[task], heading))
    face = f"Face {row['face']}"
    return f'<section class="face" aria-label="{face}"><h3>{face}</h3>{"".join(lines)}</section>'


def _shares(row: pd.Series, task: str, chosen: str, heading: str) -> str:
    """A table of the probability of each class, where there is one; else the class alone."""
    shares = {name.partition("=")[2]: row[name] for name in row.index if name.startswith(f"{task}=")}
    if not shares:
        return f'<p data-task="{task}">{heading}: <b>{escape(chosen)}</b></p>'
    rows = "".join(
        f'<tr{" class=chosen" if name == chosen else ""}><th scope="row">{escape(name)}</th>'
        f'<td>{100 * share:.0f} %</td><td class="bar"><i style="width:{100 * share:.1f}%"></i></td></tr>'
        for name, share in shares.items()
    )
    caption = f"<caption>{heading}: <b>{escape(chosen)}</b></caption>"
    return f'<table class="shares" data-task="{task}">{caption}<tbody>{rows}</tbody></table>'


def tell_of_model(model) -> str:
    """What the model was trained on and how wrong it is for whom, from its description alone."""
    about = model.about
    record, test = Provenance.of(about["environment"]), about.get("test", {})
    data, counts = escape(record.data), record.pictures or {}
    whom = "drawn faces, so it knows nothing about people" if model.drawn else f"pictures of people, {data}"
    number = f" ({counts['train']:,} of them)" if counts.get("train") else ""
    lines = [f"<p>The model was trained on <b>{whom}</b>{number}. {escape(TERMS.get(record.data, ''))}</p>"]
    if "MAE" in test:
        value, low, high = test["MAE"]
        lines.append(
            f"<p>On pictures of the same kind that it had not seen it is off by <b>{value:.1f} years</b> on average "
            f"({low:.1f} to {high:.1f}). Your picture is of another kind; expect more.</p>"
        )
    lines += [_right(test, task) for task in ("gender", "ethnicity")]
    if about.get("groups"):
        lines.append(_groups(about["groups"]))
    return "".join(lines)


def _right(test: dict, task: str) -> str:
    if f"{task}: accuracy" not in test:
        return ""
    value = test[f"{task}: accuracy"][0]
    return f"<p>It gave the recorded {task} in {value:.0f} % of those pictures.</p>"


def _groups(groups: dict) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(by)}: {escape(name)}</th><td>{row["count"]:,}</td><td>{row["MAE"]:.1f}</td>'
        f"<td>{row['bias']:+.1f}</td></tr>"
        for by, each in groups.items()
        for name, row in each.items()
    )
    head = "".join(f'<th scope="col">{word}</th>' for word in ("test pictures of", "number", "MAE", "mean error"))
    caption = "How wrong it is for whom, in years; a mean error above 0 says too old"
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
