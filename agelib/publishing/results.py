"""The page "Results": what reference runs on real pictures found, beside what was published, with the protocols."""

from pathlib import Path

import pandas as pd

from agelib import references

_OPENING = """# Results on real pictures

The chapters train on drawn faces, in a minute, and their numbers say nothing about people. On this page are results
on real pictures. Each was trained from random weights, and every number is computed from the predictions that are kept
in `data/reference/runs`, while this page is built.

Compare across rows with care: another data set, split or size is another question. All rows of *ours* share one split
of UTKFace-21k (21,342 of the 23,708 pictures), in which exact and near duplicates lie on one side and pictures with
contradicting ages in none. UTKFace names no person, so whether the same person is on two sides cannot be known.
"""

_EMPTY = "\nNo reference run is kept yet. `agelib reference NAME --root UTKFace.tar.gz` makes one.\n"

_AGAIN = """
## Make them again

Every row is one command, with the data set of its owners: `agelib reference NAME --root UTKFace.tar.gz`. With
`--write` it replaces what is kept. The same seed on the same machine gives the same numbers.
"""

_HOW_COUNTED = """*Ours* is the mean over seeds. *All seeds as one* is an ensemble: the mean of their ages, and of
classes what most of them say. Its interval is a bootstrap over the test pictures.
"""

_UNITS = {"MAE": " years"}


def results_page(folder: Path = references.experiments.FOLDER) -> str:
    """The page as Markdown, from the reference runs that are kept in a folder."""
    table = references.results(folder)
    if table.empty:
        return _OPENING + _EMPTY
    parts = [
        _OPENING,
        "\n## Ours and theirs\n",
        _comparison(table),
        "\n## Under which protocol\n",
        _protocols(table),
    ]
    return "\n".join([*parts, _AGAIN])


def _comparison(table: pd.DataFrame) -> str:
    lines = [
        "| run | measure | ours | seeds, least to most | all seeds as one, 95 % interval | published | by |",
        "|:--|:--|--:|:--|:--|--:|:--|",
    ]
    for row in table.itertuples():
        unit = _UNITS.get(row.measure, " %")
        spread = f"{row.seeds}: {row.least:.2f} to {row.most:.2f}" if row.seeds > 1 else "1"
        known = pd.notna(row.published)
        joint = f"{row.together:.2f} ({row.together_low:.2f} to {row.together_high:.2f})"
        joint = joint if pd.notna(row.together) else "–"
        lines.append(
            f"| {row.name} | {row.measure} | **{row.ours:.2f}**{unit} | {spread} | {joint} | "
            f"{f'{row.published:.2f}{unit}' if known else '–'} | {f'{{cite:t}}`{row.study}`' if known else '–'} |"
        )
    return "\n".join([*lines, "", _HOW_COUNTED])


def _protocols(table: pd.DataFrame) -> str:
    lines = [
        "| run | what it is | pictures trained and tested on | size | epochs | minutes, device | "
        "protocol of the published number | what differs |",
        "|:--|:--|:--|:--|--:|:--|:--|:--|",
    ]
    for row in table.drop_duplicates("name").itertuples():
        lines.append(
            f"| {row.name} | {row.title} | {row.trained:,} and {row.tested:,} | {row.image_size} px | {row.epochs} | "
            f"{row.minutes:.0f}, {row.device} | {row.protocol or '–'} | {row.differs or '–'} |"
        )
    return "\n".join([*lines, ""])
