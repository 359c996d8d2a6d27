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

_HOW_COUNTED = """*Ours* is the mean over seeds. *All seeds as one* is an ensemble: the mean of their ages, and of their
probabilities of each class; its interval is a bootstrap over the test pictures. *Published* is what the named work
states, on its own data and split.
"""

_AGAIN = """
## Make them again

Every run is one command, with the data set of its owners: `agelib reference NAME --root UTKFace.tar.gz`. With
`--write` it replaces what is kept. The same seed on the same machine gives the same numbers.
"""

_UNITS = {"MAE": " years"}


def results_page(folder: Path = references.experiments.FOLDER) -> str:
    """The page as Markdown, from the reference runs that are kept in a folder."""
    table = references.results(folder)
    if table.empty:
        return _OPENING + _EMPTY
    sections = [_section(rows) for _, rows in table.groupby("name", sort=False)]
    return "\n".join([_OPENING, _HOW_COUNTED, *sections, _AGAIN])


def _section(rows: pd.DataFrame) -> str:
    """One reference: what it is, under which protocol, and a table of its measures."""
    first = rows.iloc[0]
    lines = [
        f"## {first['title']}\n",
        f"`{first['name']}`: trained on {first['trained']:,} pictures of {first['image_size']} × {first['image_size']} "
        f"pixels, tested on {first['tested']:,}; {first['epochs']} epochs, {first['minutes']:.0f} minutes a seed on "
        f"{first['device']}.\n",
        "| measure | ours | seeds, least to most | all seeds as one | published |",
        "|:--|--:|:--|:--|--:|",
    ]
    for row in rows.itertuples():
        unit = _UNITS.get(row.measure, " %")
        spread = f"{row.seeds}: {row.least:.2f} to {row.most:.2f}" if row.seeds > 1 else "1"
        joint = f"{row.together:.2f} ({row.together_low:.2f} to {row.together_high:.2f})"
        known = f"{row.published:.2f}{unit}" if pd.notna(row.published) else "–"
        lines.append(
            f"| {row.measure.replace('_', ' ')} | **{row.ours:.2f}**{unit} | {spread} | "
            f"{joint if pd.notna(row.together) else '–'} | {known} |"
        )
    if rows["published"].notna().any():
        lines.append(f"\nPublished by {{cite:t}}`{first['study']}`: {first['protocol']}.")
    if first["differs"]:
        lines.append(f"What differs: {first['differs']}")
    return "\n".join([*lines, ""])
