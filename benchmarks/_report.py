"""What every benchmark leaves behind: a table with where it comes from, and a figure of it.

``NAME.json`` holds what was measured on, and the rows; ``NAME.png`` is the figure, where there is one. The page
"Benchmarks" of the book is made from these files.
"""

from pathlib import Path

from agelib.runtime.provenance import Provenance, load, record
from agelib.runtime.workspace import read_json, write_json, write_whole

#: Where reports are kept.
FOLDER = Path(__file__).resolve().parent / "reports"

#: Libraries whose version a rate may depend on.
LIBRARIES = ("torch", "torchvision", "timm", "fastai", "numpy", "pillow", "onnxruntime")


def provenance(**about) -> Provenance:
    """The machine, its load, the versions, and what else is said of a measurement."""
    return record(*LIBRARIES, **({"load": load()} | about))


def write(
    name: str, title: str, said: str, table, about: Provenance, figure=None, alt: str = "", folder=FOLDER
) -> Path:
    """Write a report whole.

    Parameters
    ----------
    name : str
        The benchmark's name, and its report's.
    title, said : str
        Heading and words of the report's section on the page.
    table : pandas.DataFrame
        One row a measurement, rounded as it is to be read.
    about : agelib.runtime.provenance.Provenance
        What :func:`provenance` returned, before the first measurement.
    figure : matplotlib.figure.Figure, optional
    alt : str
        What the figure shows, for those who do not see it.
    folder : path

    Returns
    -------
    pathlib.Path
        The JSON file.

    Raises
    ------
    ValueError
        If a figure has no words.
    """
    if figure is not None and not alt:
        raise ValueError(f"report {name}: say in `alt` what its figure shows")
    file = Path(folder) / f"{name}.json"
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    known = {"title": title, "said": said, "alt": alt, "about": about.as_dict()}
    write_json(file, known | {"columns": [*table], "rows": rows})
    if figure is not None:
        with write_whole(file.with_suffix(".png")) as temporary:
            figure.savefig(temporary, dpi=120, bbox_inches="tight", metadata={"Software": None})
    return file


def ratios(table, panel: str, row: str, label: str):
    """Ratios on a logarithmic axis, where 1 is as fast, with their ranges where there are any.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``panel``, ``row``, ``ratio``, and perhaps ``low`` and ``high``.
    panel, row : str
        Columns: a panel of the figure for each value of the first, a line of each panel for each of the second.
    label : str
        Of the ratios' axis.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    from agelib import plots

    plots.set_theme()
    panels, rows = table[panel].unique(), list(table[row].unique())
    figure = Figure(figsize=(max(3.5 * len(panels), 5), 1.2 + 0.3 * len(rows)), layout="constrained")
    drawn = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for axes, name in zip(drawn, panels, strict=True):
        mine = table[table[panel] == name]
        ranges = [mine["ratio"] - mine["low"], mine["high"] - mine["ratio"]] if "low" in mine else None
        axes.errorbar(mine["ratio"], mine[row].map(rows.index), xerr=ranges, fmt="o", capsize=2)
        axes.axvline(1, color="0.5", linewidth=1)
        axes.set(title=name, xscale="log", xlabel=label)
    least, most = drawn[0].get_xlim()
    least, most = min(least, 0.45), max(most, 2.2)
    ticks = [tick for tick in (0.25, 0.5, 1, 2, 4, 8) if least <= tick <= most]
    drawn[0].set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    drawn[0].set_xticks([], minor=True)
    drawn[0].set(xlim=(least, most), ylim=(len(rows) - 0.5, -0.5))
    drawn[0].set_yticks(range(len(rows)), rows)
    return figure


def read(name: str, folder=FOLDER) -> dict:
    """A report that was written; without rows if there is none."""
    file = Path(folder) / f"{name}.json"
    return read_json(file) if file.is_file() else {"about": {}, "columns": [], "rows": []}


def differences(about: Provenance, other: dict) -> list[str]:
    """In what two measurements, the other as it was kept, were not made alike: rows of both would be no one report.

    >>> made = Provenance(versions={"torch": "2.14"}, load=0.1)
    >>> differences(made, {"versions": {"torch": "2.15"}, "load": 1.0})
    ['torch']
    """
    mine, other = (each.as_dict() | each.versions for each in (about, Provenance.of(other)))
    return sorted(key for key in {*mine, *other} - {"load", "versions"} if mine.get(key) != other.get(key))
