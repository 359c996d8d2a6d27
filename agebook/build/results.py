"""The page "Results": what kept runs on real images found, beside what was published, with the protocol of each row."""

from pathlib import Path

import pandas as pd

from agelib.experiments import search
from agelib.experiments.published import (
    FAMILIES,
    FOLDER,
    Kept,
    by_one_rule,
    by_validation_loss,
    compared,
    kept,
    protocols,
    read,
    results,
)
from agelib.experiments.published.protocol import AGE_F1, AGE_F1_BY_PROBABILITY, AGE_F1_IN_WHOLE_YEARS
from agelib.experiments.published.recipes import FIELD, STUDY_C_NETWORKS

_OPENING = """# Results on real images

The chapters train on drawn faces, in a minute, and their numbers say nothing about people. On this page are results
on real images. Every number is computed, while this page is built, from the predictions that are kept in
`data/reference/runs`; below each table stands how each of its rows was made and judged.

Compare across rows with care: another data set, split or size is another question. All rows of *ours* share one split
of UTKFace-21k (21,342 of the 23,708 images), in which exact and near duplicates that were found lie on one side and
images with contradicting ages in none. UTKFace names nobody, so that a person may be on two sides.
"""

_EMPTY = "\nNo run is kept yet. `agelib published NAME --root UTKFace.tar.gz` makes one.\n"

_HOW_COUNTED = """*Ours* is the mean over single networks, one a seed. *All seeds as one* is an ensemble: the mean of
their ages, and of their probabilities of each class; its interval is a bootstrap over the test images. *Published* is
what the named work states, on its own data and split. In a table all age groups are predicted by one rule, and CS@5 is
of ages in whole years: a prediction in whole years has half a year of grace there, and so all have it.
"""

_AGAIN = """
## Make them again

Every run is one command, with the data set of its owners: `agelib published NAME --root UTKFace.tar.gz`. With
`--write` it replaces what is kept. The same seed on the same machine gives the same numbers.
"""

#: The network that this book ships.
_SHIPPED = "best"

_UNITS = {"MAE": " years", "MSE": " years²"}

#: Measures that have a column where experiments are compared, and its heading.
_COMPARED = {
    "MAE": "MAE, years",
    "MSE": "MSE, years²",
    AGE_F1: "F1 of age groups, %",
    "macro F1 of gender": "F1 of gender, %",
    "macro F1 of ethnicity": "F1 of ethnicity, %",
}


def results_page(folder: Path = FOLDER) -> str:
    """The page as Markdown, from the runs that are kept in a folder."""
    table = results(folder)
    if table.empty:
        return _OPENING + _EMPTY
    alone, others = table[table["family"] == ""], table[table["family"] != ""]
    sections = [_section(rows, folder) for _, rows in alone.groupby("step", sort=False)]
    sections += [_comparison(family, table, folder) for family in others["family"].unique()]
    reached = _reached(table, by_validation_loss(folder))
    return "\n".join([_OPENING, _HOW_COUNTED, _shared_test_set(table, folder), *sections, reached, _AGAIN])


def _shared_test_set(table: pd.DataFrame, folder: Path) -> str:
    """That all runs were judged on one test set, which was looked at when later ones were chosen."""
    return (
        f"**One test set for all.** {len(kept(folder=folder))} kept runs were judged on the same "
        f"{table['tested'].max():,} test images, and many a setting was tried because another's test errors looked "
        "good: *chosen by* says what is known of it, and *not kept* that nothing is. So a small lead of one row over "
        "another is no evidence, even where an interval excludes zero, and the best of many rows is flattered.\n"
    )


def _comparison(family: str, table: pd.DataFrame, folder: Path) -> str:
    """Experiments that differ in one thing, one row each, and the protocol of each row."""
    about = FAMILIES[family]
    members = compared(family)
    found = table[table["step"].isin(members)].sort_values(
        "step", key=lambda names: names.map(members.index), kind="stable"
    )
    rows, rule = by_one_rule(found)
    wanted = [name for name in _COMPARED if name in set(rows["measure"])]
    lines = []
    for name, mine in rows.groupby("step", sort=False):
        ours = mine.set_index("measure")
        line = {"what": f"{ours['what'].iloc[0]}<br>`{name}`"}
        if read(name).grid:
            line["chosen"] = _setting(kept(name, folder)[0])
        line |= {_COMPARED[each]: _with_spread(ours.loc[each]) if each in ours.index else "–" for each in wanted}
        if found["published"].notna().any():
            line["published"] = _published(found[found["step"] == name])
        lines.append(line)
    judged = f"Age groups, in every row: {rule}.\n" if rule else ""
    brackets = (
        "In round brackets: least to most of the seeds; in square ones, of a single seed: a 95 % interval over test "
        "images.\n"
    )
    said = [f"## {about.title}\n", f"{about.said}{_order(found)} {judged}", *_table(lines), f"\n{brackets}"]
    return "\n".join([*said, *_protocol(found, folder), ""])


def _published(rows: pd.DataFrame) -> str:
    """What a work states for one experiment; of age groups by another rule than ours, ours by that rule beside it."""
    said = []
    for row in rows.dropna(subset="published").itertuples():
        name = row.measure.removeprefix("macro ").replace("_", " ")
        beside = f" (ours so: {row.ours:.2f})" if row.measure == AGE_F1_BY_PROBABILITY else ""
        said.append(f"{name} {row.published:.2f}{beside}")
    return "<br>".join(said) or "–"


def _order(rows: pd.DataFrame) -> str:
    """Whether ours have the published order, where a work states the same measure of each; else nothing."""
    stated = rows.dropna(subset="published")
    measures = stated["measure"].unique()
    if len(stated) < 2 or len(measures) > 1 or len(stated) < len(rows["step"].unique()):
        return ""
    theirs, ours = (stated.sort_values(column)["what"].tolist() for column in ("published", "ours"))
    same = "ours have the same order" if ours == theirs else f"that of ours is {', '.join(ours)}"
    reverse = ", the reverse" if ours == theirs[::-1] else ""
    return f" By {measures[0]}, the least first, the published order is {', '.join(theirs)}; {same}{reverse}."


def _table(lines: list[dict]) -> list[str]:
    """Rows of words as Markdown."""
    columns = list(lines[0])
    written = ["| " + " | ".join(columns) + " |", "|" + "|".join([":--"] * len(columns)) + "|"]
    return written + ["| " + " | ".join(line[column] for column in columns) + " |" for line in lines]


def _protocol(rows: pd.DataFrame, folder: Path) -> list[str]:
    """How each row was made and judged, and where the published numbers are from."""
    names = list(rows["step"].unique())
    made = protocols(names, folder)
    by_own_rule = rows[rows["measure"] == AGE_F1].set_index("step")["ours"]
    if rows.loc[rows["measure"] == AGE_F1, ["rule", "rounding"]].drop_duplicates().shape[0] > 1:
        place = made.columns.get_loc("age group") + 1
        own = [f"{by_own_rule[name]:.2f}" if name in by_own_rule else "–" for name in names]
        made.insert(place, "F1 by that rule, %", own)
    said = ["How each was made and judged:\n", *_table([{"": f"`{name}`", **made.loc[name]} for name in names]), ""]
    stated = rows[rows["published"].notna()].drop_duplicates(["study", "protocol"])
    said += [f"Published by {{cite:t}}`{row.study}`: {row.protocol}." for row in stated.itertuples()]
    differs = rows.drop_duplicates("step").groupby("differs", sort=False)["step"].agg(list)
    for text, steps in differs.items():
        whose = "" if len(differs) == 1 else f" (`{'`, `'.join(steps)}`)"
        said.append(f"What differs{whose}: {text}")
    return said + [read(name).note for name in names if read(name).note]


def _section(rows: pd.DataFrame, folder: Path) -> str:
    """One experiment: what it is, a table of its measures, and under which protocol they stand."""
    first = rows.iloc[0]
    lines = [f"## {first['what']}\n"]
    measured = []
    for row in rows[rows["measure"] != AGE_F1_IN_WHOLE_YEARS].itertuples():
        unit = _UNITS.get(row.measure, " %")
        joint = f"{row.together:.2f} ({row.together_low:.2f} to {row.together_high:.2f})"
        measured.append(
            {
                "measure": row.measure.replace("_", " "),
                "ours": f"**{row.ours:.2f}**{unit}",
                "seeds, least to most": f"{row.seeds}: {row.least:.2f} to {row.most:.2f}" if row.seeds > 1 else "1",
                "all seeds as one": joint if row.seeds > 1 and pd.notna(row.together) else "–",
                "published": f"{row.published:.2f}{unit}" if pd.notna(row.published) else "–",
            }
        )
    return "\n".join([*lines, *_table(measured), "", *_protocol(rows, folder), ""])


def _reached(table: pd.DataFrame, ranking: pd.DataFrame) -> str:
    """What our best is beside what others state, single networks all, and what it does not reach, said outright."""
    chosen = ranking.index[0]
    names = [name for name in dict.fromkeys([chosen, _SHIPPED]) if name in set(table["step"])]
    by_name = {name: table[table["step"] == name].set_index("measure") for name in names}
    if "MAE" not in by_name[chosen].index:
        return ""
    ours = by_name[chosen].loc["MAE", "ours"]
    lines = [
        "## What is reached, and what is not\n",
        "| work | network | first weights | MAE on UTKFace, years |\n|:--|:--|:--|--:|",
    ]
    for name, found in by_name.items():
        lines.append(f"| this book | `{name}`, {_who(found)} | {found['weights'].iloc[0]} | {_mae(found)} |")
    lines += [f"| {{cite:t}}`{work}` | {network} | {start} | {mae:.2f} |" for work, network, start, mae in FIELD]
    ahead = [start for *_, start, mae in FIELD if mae < ours]
    tried = by_name[chosen]["chosen_by"].iloc[0]
    lines.append(
        f"\nEvery row is of single networks. {_ranked(ranking)} What chose that it was tried: {tried}. Nobody's split "
        f"is anybody else's, so a tenth of a year decides nothing here. {len(ahead)} of these {len(FIELD)} are ahead "
        f"of `{chosen}`, {ahead.count('random') or 'none'} of them from random weights: who starts from weights that "
        "have seen many images has a smaller error, and this repository ships no such weights."
    )
    joint = [
        f"`{name}` {found.loc['MAE', 'together']:.2f}"
        for name, found in by_name.items()
        if found.loc["MAE", "seeds"] > 1
    ]
    if joint:
        lines.append(
            f"Several seeds as one are an ensemble, which is another thing ({', '.join(joint)} years), and stand in no "
            "row."
        )
    return "\n".join([*lines, "", *_not_reached(by_name[chosen], chosen), *_where(table), ""])


def _who(found: pd.DataFrame) -> str:
    seeds = found.loc["MAE", "seeds"]
    return f"mean of {seeds} seeds" if seeds > 1 else "one seed"


def _mae(found: pd.DataFrame) -> str:
    row = found.loc["MAE"]
    spread = f" ({row['least']:.2f} to {row['most']:.2f})" if row["seeds"] > 1 else ""
    return f"**{row['ours']:.2f}**{spread}"


def _ranked(ranking: pd.DataFrame) -> str:
    """Which of our recipes has the least validation loss, and by how much."""
    if len(ranking) == 1:
        return f"No other recipe's validation loss can be compared with that of `{ranking.index[0]}`."
    said = [
        f"`{name}` ({row.valid_loss:.4f}, {row.seeds} seed{'s' * (row.seeds > 1)})"
        for name, row in zip(ranking.index[:3], ranking.itertuples(), strict=False)
    ]
    after = f"; then {' and '.join(said[1:])}" if said[1:] else ""
    return (
        f"Of the {len(ranking)} recipes of ours whose validation losses can be compared, the least, as a mean over its "
        f"seeds, has {said[0]}{after}."
    )


def _not_reached(found: pd.DataFrame, name: str) -> list[str]:
    """Study C's numbers that our network, judged by the study's rule, lies below."""
    lines = []
    for measure, stated in STUDY_C_NETWORKS.items():
        ours = AGE_F1_BY_PROBABILITY if measure == AGE_F1 and AGE_F1_BY_PROBABILITY in found.index else measure
        if ours in found.index and found.loc[ours, "ours"] < stated:
            task = measure.removeprefix("macro F1 of ").replace("_", " ")
            how = ", the most probable one" if measure == AGE_F1 else ""
            lines.append(
                f"- Macro F1 of {task}{how}: study C states {stated:.2f} %, ours (`{name}`, {_who(found)}) is "
                f"{found.loc[ours, 'ours']:.2f} %: **not reached**."
            )
    return lines


def _where(table: pd.DataFrame) -> list[str]:
    """Where it stands what parts of a recipe are worth."""
    tried = [family for family in ("parts", "speedrun", "sprint") if (table["family"] == family).any()]
    if not tried:
        return []
    where = " and ".join(f"*{FAMILIES[family].title}*" for family in tried)
    return [
        f"\nWhat parts of such a recipe are worth stands above, under {where}. What larger images and longer trainings "
        "give together, no run that is kept here shows."
    ]


def _with_spread(row: pd.Series) -> str:
    """The mean over seeds, and their range; of one seed its interval over test images."""
    if row["seeds"] > 1:
        return f"**{row['ours']:.2f}** ({row['least']:.2f}–{row['most']:.2f}, {row['seeds']} seeds)"
    return f"**{row['ours']:.2f}** [{row['low']:.2f}–{row['high']:.2f}]"


def _setting(run: Kept) -> str:
    """What an experiment's grid chose, as a kept run says."""
    options = run.experiment.values()
    return search.label({name: options[name] for name in read(run.name).grid})
