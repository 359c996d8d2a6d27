"""What reference runs found: kept as small files, and computed anew from the kept predictions whenever it is shown.

A kept run is a folder of ``data/reference/runs``: its experiment, history, environment, the prediction of every test
picture, and a table of files that shows whether one was changed. No picture is among them.
"""

import gzip
from dataclasses import asdict
from pathlib import Path

import pandas as pd

import agelib
from agelib import metrics, store
from agelib.references.experiments import FOLDER, NAMES, SPLIT, folder_of, read

#: Digits after the point of what is kept: a ten-thousandth of a year, of a percent, of a probability.
DIGITS = 4

_TEXT = ("path", "identity", "gender", "ethnicity", "expression", "source")


def write_split(root, file=SPLIT) -> pd.DataFrame:
    """Split a data set once for all reference runs, and write who is where: names and parts, nothing else.

    Parameters
    ----------
    root : path
        UTKFace, as a folder or the published archive.
    file : path
        ``….csv.gz`` to write; a ``….json`` beside it says where it is from.

    Returns
    -------
    pandas.DataFrame
        ``path`` and ``split``. Ages are spread alike, exact and near duplicates are on one side, and pictures whose
        duplicates state another age are in no part.
    """
    from agelib.preparation import prepare

    data = read(NAMES[0]).experiment(root, split_file="").data
    prepared = prepare(data)
    table = prepared.faces[["path", "split"]].sort_values("path")
    _write_gzip(file, table)
    about = {
        "made_by": "agelib.references.write_split",
        "data": data.source,
        "options": {name: value for name, value in asdict(data).items() if name != "root"},
        "pictures": table["split"].value_counts().to_dict(),
        "removed": prepared.report[["step", "removed"]].set_index("step")["removed"].to_dict(),
        "key": store.content_key(table.to_csv(index=False)),
        "agelib": agelib.__version__,
    }
    store.write_json(Path(file).with_name(Path(file).name.partition(".")[0] + ".json"), about)
    return table


def _write_gzip(file, table: pd.DataFrame) -> None:
    """Write a table as compressed CSV, whole; no time or name inside, so that the same table is the same bytes."""
    packed = gzip.compress(table.to_csv(index=False).encode(), mtime=0)
    with store.write_whole(file) as temporary:
        temporary.write_bytes(packed)


def run_reference(name: str, root, seeds=None, folder=FOLDER, progress: bool = True, **changes) -> list[Path]:
    """Make a reference run again, once for each seed, and keep what it found.

    Parameters
    ----------
    name : str
        One of :data:`NAMES`.
    root : path
        UTKFace, as a folder or the published archive.
    seeds : iterable of int, optional
        Those of the reference by default.
    folder : path
        Where ``runs`` lies.
    progress : bool
        Whether to show how far it is.
    **changes
        Options that differ from the reference's; what is kept says so.

    Returns
    -------
    list of pathlib.Path
        The folders that were written.
    """
    from agelib.runs import run

    reference = read(name)
    return [
        keep(run(reference.experiment(root, seed, **changes), progress), name, folder)
        for seed in (reference.seeds if seeds is None else seeds)
    ]


def keep(run, name: str, folder=FOLDER) -> Path:
    """Write what a run found into its place among the reference results, whole.

    Parameters
    ----------
    run : agelib.runs.Run
    name : str
        The reference's name.
    folder : path
        Where ``runs`` lies.

    Returns
    -------
    pathlib.Path
        The run's folder there.
    """
    place = folder_of(name, run.experiment.training.seed, folder)
    described = run.experiment.values() | {"root": ""}
    if described["split_file"]:
        described["split_file"] = Path(described["split_file"]).name
    predictions = run.predictions.round(DIGITS)
    with store.write_whole(place) as temporary:
        temporary.mkdir()
        store.write_json(temporary / "experiment.json", described)
        store.write_json(temporary / "environment.json", run.environment)
        store.write_table(temporary / "history.csv", run.history)
        _write_gzip(temporary / "test_predictions.csv.gz", predictions)
        store.write_table(temporary / "metrics.csv", _measured(predictions).reset_index())
        store.seal(temporary)
    return place


def kept(folder=FOLDER) -> list[Path]:
    """Folders of the reference runs that there are, in the order of the references and seeds.

    Raises
    ------
    ValueError
        If a file of one is missing or was changed.
    """
    found = []
    for name in NAMES:
        for place in sorted((Path(folder) / "runs").glob(f"{name}-*")):
            if place.name.removeprefix(f"{name}-").isdigit():
                if fault := store.find_fault(place):
                    raise ValueError(
                        f"reference run {place.name}: {fault}; make it again or restore the file"
                    )
                found.append(place)
    return found


def recompute(place) -> pd.DataFrame:
    """Every measure of a kept run, from its predictions.

    Returns
    -------
    pandas.DataFrame
        Index ``measure`` (MAE, CS@5, … and ``macro F1 of age_group`` …); ``value``, ``low`` and ``high``: a 95 %
        bootstrap interval over test pictures.
    """
    kinds = dict.fromkeys(_TEXT, "object")
    return _measured(pd.read_csv(Path(place) / "test_predictions.csv.gz", dtype=kinds))


def _measured(predictions: pd.DataFrame) -> pd.DataFrame:
    tables = [metrics.summarise(predictions)] if "predicted" in predictions else []
    for task in ("age_group", "gender", "ethnicity"):
        if f"predicted_{task}" in predictions and task in predictions:
            tables.append(metrics.classify(predictions, task).rename(index=f"{{}} of {task}".format))
    return pd.concat([table[["value", "low", "high"]] for table in tables]).rename_axis("measure")


def results(folder=FOLDER) -> pd.DataFrame:
    """One row for each reference and measure that counts: what was published, and what our seeds found.

    Returns
    -------
    pandas.DataFrame
        ``name``, ``title``, ``measure``, ``published``, ``ours`` (mean over seeds), ``least`` and ``most`` (of the
        seeds), ``low`` and ``high`` (95 % bootstrap interval of the first seed), ``seeds``, ``trained`` and ``tested``
        (pictures), ``image_size``, ``epochs``, ``minutes`` (mean), ``device``, ``study``, ``protocol`` and ``differs``.
    """
    rows = []
    places = kept(folder)
    for name in NAMES:
        reference = read(name)
        mine = [place for place in places if place.name.rpartition("-")[0] == name]
        if not mine:
            continue
        tables = [recompute(place) for place in mine]
        about = [store.read_json(place / "environment.json") for place in mine]
        shown = store.read_json(mine[0] / "experiment.json")
        for measure in _that_count(tables[0]):
            values = [table.loc[measure, "value"] for table in tables]
            rows.append(
                {
                    "name": name,
                    "title": reference.title,
                    "measure": measure,
                    "published": reference.published.get(measure, float("nan")),
                    "ours": sum(values) / len(values),
                    "least": min(values),
                    "most": max(values),
                    "low": tables[0].loc[measure, "low"],
                    "high": tables[0].loc[measure, "high"],
                    "seeds": len(mine),
                    "trained": about[0]["pictures"]["train"],
                    "tested": about[0]["pictures"]["test"],
                    "image_size": shown["image_size"],
                    "epochs": max(each["epochs"] for each in about),
                    "minutes": sum(each["seconds"] for each in about) / len(about) / 60,
                    "device": about[0]["device"],
                    "study": reference.study,
                    "protocol": reference.protocol,
                    "differs": reference.ours,
                }
            )
    return pd.DataFrame(rows)


def _that_count(measured: pd.DataFrame) -> list[str]:
    wanted = ("MAE", "CS@5", "macro F1 of age_group", "macro F1 of gender", "macro F1 of ethnicity")
    return [name for name in wanted if name in measured.index]
