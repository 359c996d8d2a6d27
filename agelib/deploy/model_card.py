"""A model card (M. Mitchell et al., *Model Cards for Model Reporting*, FAT* 2019): what a model is, for whom it works.

It is written from the model's description alone, so that it says nothing that the description does not hold. Explained
in chapter 25.
"""

from agelib.runtime.provenance import Provenance

#: What a collection's owners allow, as far as a model that was trained on it is concerned.
TERMS = {
    "utkface": "UTKFace is for non-commercial research; use these weights for nothing else.",
    "appa-real": "APPA-REAL is for non-commercial research; use these weights for nothing else.",
    "imdb-wiki": "IMDB-WIKI is for academic research; use these weights for nothing else.",
}

_INTENDED = """## What it is for

Learning and teaching how such models work, what their numbers mean and where they fail.

**Not for decisions about people**: no age check, no advertising, no hiring, no policing, no border. It guesses from the
looks of a face; it does not know an age, a gender or an ethnicity, and it cannot know how somebody sees herself.
"""


def card(description: dict) -> str:
    """Write the card of a model as Markdown, from its description (:func:`agelib.deploy.model.describe`).

    Examples
    --------
    >>> about = {"environment": {"data": "drawn", "drawn": True}, "test": {}, "groups": {}}
    >>> description = {"network": {"network": "basic_cnn"}, "pictures": {"image_size": 64}, "about": about}
    >>> print(card(description | {"intervals": {}}).splitlines()[2])
    A basic_cnn for pictures of 64 × 64 pixels, trained on **drawn faces: it knows nothing about people**.
    """
    about = description["about"]
    record = Provenance.of(about["environment"])
    whom = "**drawn faces: it knows nothing about people**" if record.drawn else f"pictures of people ({record.data})"
    side = description["pictures"]["image_size"]
    parts = [
        "# Model card\n",
        f"A {description['network']['network']} for pictures of {side} × {side} pixels, trained on {whom}.\n",
        _INTENDED,
        "## Data\n",
        _data(record, about),
        "## How wrong it is\n",
        _results(about, _decision(description.get("target", {}))),
        "## How wrong it is for whom\n",
        _groups(about.get("groups", {})),
        "## Intervals\n",
        _intervals(description["intervals"]),
        "## Use\n",
        "`agelib predict PICTURES --model FOLDER`. For any ONNX runtime: `agelib export OTHER --model FOLDER` writes "
        "`model.onnx`: RGB bytes [N, 3, S, S] in, the outputs that `model.json` names out.\n",
    ]
    return "\n".join(parts)


def _data(record: Provenance, about: dict) -> str:
    counts = ", ".join(record.facts("pictures")) or "pictures: not recorded"
    lines = [f"{record.data}; {counts}."]
    if record.data in TERMS:
        lines.append(TERMS[record.data])
    lines.append(f"Weights before the training: {about.get('pretrained') or 'random'}.")
    made = record.facts("torch", "torchvision", "timm")
    lines.append(f"Seed {'?' if record.seed is None else record.seed}; {', '.join([record.device or '?', *made])}.")
    return "\n".join(lines) + "\n"


def _decision(target: dict) -> str:
    """By which rules an age and an age group are predicted: numbers of another rule cannot be set beside these.

    >>> _decision({"kind": "Regression", "grouping": "posterior", "bins": "7b"})
    'The age is the output, not rounded; the age group is the one in which it falls.'
    """
    of_age = [each for each in (target, *target.get("targets", ())) if "bins" in each]
    if not of_age:
        return ""
    has_posterior = of_age[0]["kind"] not in ("Regression", "Sigmoid")
    estimate = of_age[0].get("estimate", "mean") if has_posterior else ""
    age = f"the {estimate} of the posterior" if has_posterior else "the output"
    whole = "in whole years" if estimate in ("median", "mode") and "first" in of_age[0] else "not rounded"
    by_age = of_age[0]["grouping"] == "age" or not has_posterior
    return (
        f"The age is {age}, {whole}; the age group is the {'one in which it falls' if by_age else 'most probable one'}."
    )


def _results(about: dict, decision: str) -> str:
    said = (
        "On its test part, with 95 % bootstrap intervals: errors in years, CS@5 and what is about classes in percent. "
        f"{decision}".strip()
    )
    rows = [f"| {name} | {value:.2f} | {low:.2f} to {high:.2f} |" for name, (value, low, high) in about["test"].items()]
    return "\n".join([said, "", "| measure | value | interval |", "|:--|--:|:--|", *rows]) + "\n"


def _groups(groups: dict) -> str:
    if not groups:
        return "Not measured: no groups are recorded, or no age is predicted.\n"
    lines = ["Mean absolute error of the age, in years, on the test part.", ""]
    lines += ["| | group | pictures | MAE | 95 % interval | mean error |", "|:--|:--|--:|--:|:--|--:|"]
    for by, rows in groups.items():
        for name, row in rows.items():
            low, high = row["low"], row["high"]
            interval = "–" if low is None or high is None else f"{low:.2f} to {high:.2f}"
            lines.append(f"| {by} | {name} | {row['count']:,} | {row['MAE']:.2f} | {interval} | {row['bias']:+.2f} |")
    return "\n".join(lines) + "\n"


def _intervals(intervals: dict) -> str:
    if not intervals:
        return "It gives none.\n"
    levels = ", ".join(f"{100 * float(level):g} %" for level in intervals["margins"])
    return (
        f"Calibrated on {intervals['pictures']:,} validation pictures, for {levels}. They hold the true age as often "
        "as they promise on average over pictures of the same kind; not for each group, and not for other pictures.\n"
    )
