"""The page "Results": what kept runs on real pictures found, beside what was published, with the protocols."""

from pathlib import Path

import pandas as pd

from agelib.experiments import search
from agelib.experiments.published import FAMILIES, FOLDER, Kept, compared, kept, read, results
from agelib.experiments.published.recipes import FIELD

_OPENING = """# Results on real pictures

The chapters train on drawn faces, in a minute, and their numbers say nothing about people. On this page are results
on real pictures. Each was trained from random weights, and every number is computed from the predictions that are kept
in `data/reference/runs`, while this page is built.

Compare across rows with care: another data set, split or size is another question. All rows of *ours* share one split
of UTKFace-21k (21,342 of the 23,708 pictures), in which exact and near duplicates lie on one side and pictures with
contradicting ages in none. UTKFace names no person, so whether the same person is on two sides cannot be known.
"""

_EMPTY = "\nNo run is kept yet. `agelib published NAME --root UTKFace.tar.gz` makes one.\n"

_HOW_COUNTED = """*Ours* is the mean over seeds. *All seeds as one* is an ensemble: the mean of their ages, and of their
probabilities of each class; its interval is a bootstrap over the test pictures. *Published* is what the named work
states, on its own data and split.
"""

_AGAIN = """
## Make them again

Every run is one command, with the data set of its owners: `agelib published NAME --root UTKFace.tar.gz`. With
`--write` it replaces what is kept. The same seed on the same machine gives the same numbers.
"""

#: Recipes for age, gender and ethnicity at once, with one target and so with losses that can be compared.
_ALL_TASKS = ("best", "speedrun")

_UNITS = {"MAE": " years", "MSE": " years²"}

#: Measures that have a column where experiments are compared, and its heading.
_COMPARED = {
    "MAE": "MAE, years",
    "MSE": "MSE, years²",
    "macro F1 of age_group": "F1 of age groups, %",
    "macro F1 of gender": "F1 of gender, %",
    "macro F1 of ethnicity": "F1 of ethnicity, %",
}


def results_page(folder: Path = FOLDER) -> str:
    """The page as Markdown, from the runs that are kept in a folder."""
    table = results(folder)
    if table.empty:
        return _OPENING + _EMPTY
    alone, others = table[table["family"] == ""], table[table["family"] != ""]
    sections = [_section(rows) for _, rows in alone.groupby("step", sort=False)]
    sections += [_comparison(family, table, folder) for family in others["family"].unique()]
    return "\n".join([_OPENING, _HOW_COUNTED, *sections, _reached(table, _best(folder)), _AGAIN])


def _best(folder: Path) -> str:
    """Which of our networks of all tasks has the least validation loss, as a mean over its seeds; empty: none."""
    losses = {name: [run.history["valid_loss"].min() for run in kept(name, folder)] for name in _ALL_TASKS}
    return min(
        (name for name in losses if losses[name]), key=lambda name: sum(losses[name]) / len(losses[name]), default=""
    )


def _comparison(family: str, table: pd.DataFrame, folder: Path) -> str:
    """Experiments that differ in one thing, one row each."""
    about = FAMILIES[family]
    members = compared(family)
    rows = table[table["step"].isin(members)].sort_values(
        "step", key=lambda names: names.map(members.index), kind="stable"
    )
    wanted = [name for name in _COMPARED if name in set(rows["measure"])]
    lines = []
    for name, mine in rows.groupby("step", sort=False):
        found, known = mine.set_index("measure"), mine.set_index("measure")["published"].dropna()
        line = {"what": f"{found['what'].iloc[0]}<br>`{name}`"}
        if read(name).grid:
            line["chosen"] = _setting(kept(name, folder)[0])
        line |= {_COMPARED[each]: _with_spread(found.loc[each]) if each in found.index else "–" for each in wanted}
        if rows["published"].notna().any():
            numbers = (f"{each.removeprefix('macro ').replace('_', ' ')} {known[each]:.2f}" for each in known.index)
            line["published"] = "<br>".join(numbers) or "–"
        lines.append(line)
    columns = list(lines[0])
    written = ["| " + " | ".join(columns) + " |", "|" + "|".join([":--"] * len(columns)) + "|"]
    written += ["| " + " | ".join(line[column] for column in columns) + " |" for line in lines]
    return "\n".join([f"## {about.title}\n\n{about.said}\n", *written, *_protocol(rows), ""])


def _reached(table: pd.DataFrame, name: str) -> str:
    """What our best is beside what others state, and what it does not reach, said outright."""
    best = table[table["step"] == name].set_index("measure")
    if best.empty:
        return ""
    ours, seeds = best.loc["MAE", "together"], best["seeds"].iloc[0]
    who = f"{seeds} seeds as one" if seeds > 1 else "one seed"
    lines = [
        "## What is reached, and what is not\n",
        "| work | network | first weights | MAE on UTKFace, years |\n|:--|:--|:--|--:|",
        f"| this book | `{name}`, {who} | random | **{ours:.2f}** |",
    ]
    lines += [f"| {{cite:t}}`{work}` | {network} | {start} | {mae:.2f} |" for work, network, start, mae in FIELD]
    ahead = [start for *_, start, mae in FIELD if mae < ours]
    lines.append(
        "\nOf ours it is the recipe with the least validation loss. Nobody's split is anybody else's, so a tenth of a "
        f"year decides nothing here. {len(ahead)} of these "
        f"{len(FIELD)} are ahead of ours, {ahead.count('random') or 'none'} of them from random weights: who starts "
        "from weights that have seen many pictures has a smaller error, and this repository ships no such weights.\n"
    )
    short = {
        measure.removeprefix("macro F1 of ").replace("_", " "): (row["published"], row["together"])
        for measure, row in best.iterrows()
        if row["published"] > row["together"]
    }
    lines += [
        f"- Macro F1 of {task}: study C states {published:.2f} %, ours ({who}) is {mine:.2f} %: **not reached**."
        for task, (published, mine) in short.items()
    ]
    tried = [family for family in ("parts", "speedrun", "sprint") if (table["family"] == family).any()]
    if tried:
        where = " and ".join(f"*{FAMILIES[family].title}*" for family in tried)
        lines.append(
            f"\nWhat parts of such a recipe are worth stands above, under {where}. What larger pictures and longer"
        )
        lines.append("trainings give together, no run that is kept here shows.")
    return "\n".join([*lines, ""])


def _with_spread(row: pd.Series) -> str:
    """The mean over seeds, and their range; of one seed its interval over test pictures."""
    if row["seeds"] > 1:
        return f"**{row['ours']:.2f}** ({row['least']:.2f}–{row['most']:.2f}, {row['seeds']} seeds)"
    return f"**{row['ours']:.2f}** [{row['low']:.2f}–{row['high']:.2f}]"


def _setting(run: Kept) -> str:
    """What an experiment's grid chose, as a kept run says."""
    options = run.experiment.values()
    return search.label({name: options[name] for name in read(run.name).grid})


def _protocol(rows: pd.DataFrame) -> list[str]:
    """What the experiments of a comparison share, and where the published numbers are from."""
    first = rows.iloc[-1]
    said = [
        f"\nEach was trained on {first['trained']:,} pictures of {first['image_size']} × {first['image_size']} pixels "
        f"for {first['epochs']} epochs and tested on {first['tested']:,}; from "
        f"{rows['minutes'].min():.0f} minutes a run on {first['device']}. In round brackets: least to most of the "
        "seeds; in square ones, of a single seed: a 95 % interval over test pictures."
    ]
    stated = rows[rows["published"].notna()].drop_duplicates(["study", "protocol"])
    said += [f"Published by {{cite:t}}`{row.study}`: {row.protocol}." for row in stated.itertuples()]
    return [*said, f"What differs: {first['differs']}"]


def _section(rows: pd.DataFrame) -> str:
    """One experiment: what it is, under which protocol, and a table of its measures."""
    first = rows.iloc[0]
    lines = [
        f"## {first['what']}\n",
        f"`{first['step']}`: trained on {first['trained']:,} pictures of {first['image_size']} × {first['image_size']} "
        f"pixels, tested on {first['tested']:,}; {first['epochs']} epochs, from {first['minutes']:.0f} minutes a "
        f"seed on {first['device']}.\n",
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
            f"{joint if row.seeds > 1 and pd.notna(row.together) else '–'} | {known} |"
        )
    if rows["published"].notna().any():
        lines.append(f"\nPublished by {{cite:t}}`{first['study']}`: {first['protocol']}.")
    if first["differs"]:
        lines.append(f"What differs: {first['differs']}")
    return "\n".join([*lines, ""])
