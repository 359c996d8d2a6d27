"""What a chapter shows beside figures: source code, tables, sentences with numbers, and where the numbers come from.

Everything is returned as something that a notebook, the published page and a plain terminal can each show.
"""

import ast
import html
import inspect
import math
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd

from agelib.runtime.provenance import SETS, Provenance

#: How the two ways to split are put in words.
SPLITS = {
    "subject_exclusive": "split by person: nobody is on two sides",
    "by_age": "split within each age: the same person may be on two sides",
}

#: What is said instead where the data set names nobody.
NOBODY_KNOWN = "duplicates on one side; who is shown is not recorded, so the same person may be on two sides"


class Shown:
    """Something with several faces: each reader takes the one that it can show."""

    def __init__(self, text: str, html: str = "", markdown: str = ""):
        self.text = text
        self.html = html
        self.markdown = markdown

    def _repr_mimebundle_(self, **_):
        kinds = {"text/plain": self.text, "text/html": self.html, "text/markdown": self.markdown}
        return {kind: value for kind, value in kinds.items() if value}

    def __repr__(self):
        return self.text


def say(text: str) -> Shown:
    """A sentence, in Markdown: the way a number from the run gets into the prose.

    >>> say(f"The MAE is **{6.66:.1f} years**.")
    The MAE is **6.7 years**.
    """
    return Shown(text, markdown=text)


def source(thing) -> Shown:
    """The source of a function, class, method or module, highlighted by whatever shows it.

    Parameters
    ----------
    thing : function, class, method or module
        What to show, without its docstrings: a chapter says in prose what they say. Of agelib or of a library.

    Raises
    ------
    ValueError
        If it has no Python source.

    Examples
    --------
    >>> from agelib import metrics
    >>> source(metrics.mae)
    # agelib.metrics.regression, from line ...
    def mae(age, predicted) -> float:
        return float(np.mean(np.abs(_errors(age, predicted))))
    """
    thing = inspect.unwrap(thing) if callable(thing) else thing
    thing = thing.fget if isinstance(thing, property) else thing
    try:
        lines, first = inspect.getsourcelines(thing)
    except (TypeError, OSError):
        raise ValueError(f"{thing!r} has no Python source to show; give a function, class, method or module") from None
    code = _without_docstrings(textwrap.dedent("".join(lines)).rstrip())
    module = inspect.getmodule(thing)
    title = f"# {module.__name__ if module else 'this notebook'}, from line {max(first, 1)}"
    code = f"{title}\n{code}"
    # A fence longer than any in the code, so that a docstring with a fence does not end it.
    fence = "`" * (4 if "```" in code else 3)
    return Shown(code, markdown=f"{fence}python\n{code}\n{fence}")


def _without_docstrings(code: str) -> str:
    tree, lines = ast.parse(code), code.splitlines()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0] if node.body else None
        is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        # A body that is only its docstring keeps it: without it the code would not be Python.
        if is_text and isinstance(first.value.value, str) and len(node.body) > 1:
            for number in range(first.lineno - 1, first.end_lineno):
                lines[number] = None
            if first.end_lineno < len(lines) and not (lines[first.end_lineno] or "").strip():
                lines[first.end_lineno] = None
    return "\n".join(line for line in lines if line is not None)


def table(rows: pd.DataFrame | pd.Series, caption: str = "", digits: int = 2, alt: str = "") -> Shown:
    """A table with a caption, numbers right-aligned with thousands separators.

    Parameters
    ----------
    rows : pandas.DataFrame or pandas.Series
        Its index is shown where it has a name or holds words; a plain count of rows is not.
    caption : str
        Stands above the table; say the unit there or in the column's name.
    digits : int
        Decimals of numbers that are not whole by kind.
    alt : str
        What a screen reader says of the table beyond its caption.

    Examples
    --------
    >>> table(pd.DataFrame({"pictures": [62328], "MAE": [6.345]}, index=["all"]), "Errors, in years")
    Errors, in years
         pictures  MAE
    all    62,328 6.34
    """
    rows = rows.to_frame() if isinstance(rows, pd.Series) else rows
    is_counted = isinstance(rows.index, pd.RangeIndex) and rows.index.name is None
    cells = pd.DataFrame(
        {i: [_cell(value, digits) for value in rows.iloc[:, i]] for i in range(rows.shape[1])}, index=rows.index
    )
    cells.columns = [" · ".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in rows.columns]
    is_number = [pd.api.types.is_numeric_dtype(kind) for kind in rows.dtypes]
    plain = cells.to_string(index=not is_counted)
    text = f"{caption}\n{plain}" if caption else plain
    return Shown(text, html=_html(cells, is_number, not is_counted, caption, digits, alt))


def _html(cells: pd.DataFrame, is_number: list, with_index: bool, caption: str, digits: int, alt: str) -> str:
    names = ["" if name is None else str(name) for name in cells.index.names] if with_index else []
    align = ["left"] * len(names) + ["right" if number else "left" for number in is_number]
    label = f' aria-label="{html.escape(alt)}"' if alt else ""
    parts = [f'<table class="dataframe agelib-table"{label}>']
    if caption:
        parts.append(f'<caption style="caption-side: top; text-align: left">{html.escape(caption)}</caption>')
    heads = [
        f'<th scope="col" style="text-align: {side}">{html.escape(name)}</th>'
        for name, side in zip([*names, *cells.columns], align, strict=True)
    ]
    parts.append(f"<thead><tr>{''.join(heads)}</tr></thead><tbody>")
    for key, row in zip(cells.index, cells.itertuples(index=False), strict=True):
        keys = (key if isinstance(key, tuple) else (key,)) if with_index else ()
        line = [f'<th scope="row" style="text-align: left">{html.escape(_cell(k, digits))}</th>' for k in keys]
        line += [
            f'<td style="text-align: {side}">{html.escape(value)}</td>'
            for side, value in zip(align[len(names) :], row, strict=True)
        ]
        parts.append(f"<tr>{''.join(line)}</tr>")
    return "\n".join([*parts, "</tbody></table>"])


def _cell(value, digits: int) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}".replace("-", "−")
    if isinstance(value, float | np.floating):
        if math.isnan(value):
            return "–"
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        return f"{value:,.{digits}f}".replace("-", "−")
    return "–" if value is None or value is pd.NA or value is pd.NaT else str(value)


def provenance(of) -> Shown:
    """A label that stands beside numbers: which data, how many pictures, which split, seed, device and versions.

    Errors may be compared only where the split is the same, and those on drawn faces are not results on people: so
    every number in the book has this label next to it.

    Parameters
    ----------
    of : Run, Kept, Prepared, Collection or pandas.DataFrame
        A run, or a faces table or what holds one.

    Examples
    --------
    >>> from agelib.data import table as faces
    >>> provenance(faces.table(path=["a.jpg", "b.jpg"], source="drawn-imdb-wiki"))
    Drawn faces, not people (drawn-imdb-wiki): these are no results on people. 2 images.
    """
    from agelib.data import table as faces

    run = of if hasattr(of, "environment") else None
    prepared = getattr(of, "prepared", of)
    table_ = getattr(prepared, "faces", prepared)
    if not isinstance(table_, pd.DataFrame) or "source" not in table_:
        raise ValueError(f"provenance is shown of a run or a faces table, not of a {type(of).__name__}")
    names = ", ".join(sorted(set(table_["source"].dropna().astype(str)))) or "unnamed"
    if faces.is_drawn(table_):
        whom, real = ("pandas", "animals") if "panda" in names else ("faces", "people")
        head, tail = f"Drawn {whom}, not {real} ({names})", f": these are no results on {real}."
    else:
        head, tail = f"Images of people ({names})", "."
    facts = _facts_of_run(run, table_) if run else _facts_of_faces(table_)
    text = f"{head}{tail} {' · '.join(facts)}."
    body = f"<strong>{html.escape(head)}</strong>{html.escape(tail)} {' · '.join(map(html.escape, facts))}."
    style = "border-left: 0.25rem solid #de8f05; padding: 0.2rem 0.8rem; margin: 0.5rem 0; font-size: 0.85em"
    return Shown(text, html=f'<div class="agelib-provenance" role="note" style="{style}">{body}</div>')


def _facts_of_faces(table_: pd.DataFrame) -> list[str]:
    facts = [f"{len(table_):,} images"]
    if "split" in table_ and table_["split"].notna().any():
        counts = table_["split"].value_counts()
        facts += [f"{counts[part]:,} {part}" for part in SETS if part in counts]
    return facts


def _facts_of_run(run, table_: pd.DataFrame) -> list[str]:
    record, data = Provenance.of(run.environment), run.experiment.data
    if data.split_file:
        how = f"split as {Path(data.split_file).name} says"
    elif data.split == "subject_exclusive" and table_["identity"].isna().all():
        how = NOBODY_KNOWN
    else:
        how = SPLITS.get(data.split, data.split)
    facts = [*record.facts("pictures"), how + (f", fold {data.fold} of {data.folds}" if data.folds else "")]
    leaks = getattr(run.prepared, "leaks", None) if data.allow_leaks else None
    if leaks is not None and len(leaks):
        facts.append("LEAKS between the parts were allowed")
    if noise := run.experiment.training.label_noise:
        facts.append(f"{100 * noise:g} % of the training ages swapped")
    facts += [*record.facts("seed"), f"{run.experiment.pictures.image_size} pixels"]
    libraries = ", ".join(record.facts("torch", "torchvision", "timm", "fastai"))
    return [*facts, *record.facts("device", "precision"), *([libraries] if libraries else [])]


def pictures(images, faces: pd.DataFrame, titles=None, columns: int = 6, side: float = 1.3):
    """Pictures in a grid if every one of them is drawn; a sentence that says why not otherwise.

    The owners of face data sets do not allow their pictures to be published, and nobody in them was asked.

    Parameters
    ----------
    faces : pandas.DataFrame
        Their rows of the faces table; ``source`` says whether they are drawn.
    images, titles, columns, side
        As in :func:`agelib.plots.pictures`.

    Returns
    -------
    matplotlib.figure.Figure or Shown

    Examples
    --------
    >>> pictures(np.zeros((1, 8, 8, 3)), pd.DataFrame({"source": ["utkface"]}))
    1 image of utkface is not shown: images of people are never published with this book. ...
    """
    if len(images) != len(faces):
        raise ValueError(f"{len(images)} images have {len(faces)} rows of the faces table; give each its row")
    sources = faces["source"].fillna("an unnamed source").astype(str)
    is_drawn = sources.str.startswith("drawn")
    if not is_drawn.all():
        names = ", ".join(sorted(set(sources[~is_drawn])))
        number = f"{len(faces)} images of {names} are" if len(faces) > 1 else f"1 image of {names} is"
        return say(
            f"{number} not shown: images of people are never published with this book. "
            "On your own machine, where the data set's licence allows it, `plots.pictures(images)` draws them."
        )
    from agelib import plots

    return plots.pictures(images, titles, columns, side)
