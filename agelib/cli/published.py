"""The command ``published``: what others published and what we chose, run again. Explained on the page "Results"."""

import contextlib
import json
import tempfile
from pathlib import Path

from agelib.cli.options import add_options, add_workers, open_workers, typed_options, whole, wholes
from agelib.runtime import workspace
from agelib.runtime.logs import LOGGER
from agelib.runtime.progress import steady

#: Results that are no training of ours: name → what it is, and what --root names.
OTHERS = {
    "split": ("the split that all kept runs share", "UTKFace"),
    "maps": ("what the shipped network looks at, averaged over age groups", "UTKFace"),
    "fgnet-folds": ("age from landmarks: random against subject-exclusive folds", "FG-NET's annotations"),
    "leaks-in-the-wild": (
        "the audit of public split lists",
        "LISTS[,UTKFACE[,CACD]]: their folder, and what is listed",
    ),
    "chalearn-gap": ("how far the apparent age is from the real one", "ChaLearn's ages"),
    "label-noise": ("how far two labels of one image lie apart, and how ages heap", "UTKFace"),
}


def add(commands) -> None:
    """Add the command to the parser's."""
    published = commands.add_parser(
        "published", help="run what was published, or our choice, again, beside the published numbers"
    )
    published.add_argument("which", nargs="?", help="such as best or utkface-twenty; without it, what there is")
    published.add_argument("--seeds", type=wholes(0), default=(), help="such as 42,43 (default: the experiment's own)")
    published.add_argument(
        "--steps", default="", help="of a sequence: which, such as V01,V05 (default: all; those done are found)"
    )
    published.add_argument(
        "--size",
        default="",
        help="of a sequence: smoke or cpu (default): drawn faces; reduced: real pictures, small; full: the study's "
        "settings",
    )
    published.add_argument("--weights", default="", help="file for the steps that start from pretrained weights")
    published.add_argument(
        "--clock", action="store_true", help="from the archive to a judged network, against the clock"
    )
    published.add_argument(
        "--repeats", type=whole(), default=5, help="of fgnet-folds: cross-validations of each kind (default 5)"
    )
    published.add_argument(
        "--write", action="store_true", help="keep what is found in data/reference, in place of what is there"
    )
    published.add_argument("--out", type=Path, help="write the table to this CSV file too")
    add_workers(published, "trainings")
    add_options(published)
    published.set_defaults(
        command=_published,
        needs=["fastai", "optuna"],
        kept="Finished runs are kept unless they are on the clock, and the last checkpoint of those begun. To go on:",
    )


def _published(chosen) -> int | None:
    with steady("load torch"):
        # With torch, which the rest of the command line can do without.
        from agelib.experiments import published

    if chosen.which is None:
        return _list(published)
    options = typed_options(chosen)
    if chosen.which in OTHERS:
        _need_root(chosen.which, options, OTHERS[chosen.which][1])
        with _place(chosen.write, published.FOLDER) as folder:
            return _make(chosen, [_full(root) for root in options["root"].split(",")], folder)
    found = published.read(chosen.which)
    alone = isinstance(found, published.Published)
    if alone:
        _need_root(found.name, options, "the folder or the published archive of UTKFace")
    elif chosen.write:
        raise ValueError(f"{found.name}: only single experiments are kept; --out FILE writes the table")
    if options.get("root"):
        roots = options["root"].split(",") if "+" in options.get("source", "") else [options["root"]]
        options["root"] = ",".join(str(_full(each)) for each in roots)
    before = {run.seed: run.measures["value"] for run in published.kept(found.name)} if alone else {}
    how = {"seeds": list(chosen.seeds), "weights": chosen.weights}
    how |= {"clock": chosen.clock, "workers": chosen.workers}
    with _place(chosen.write, published.FOLDER) as folder:
        how["folder"] = folder if alone else None
        with open_workers(chosen, [published.FOLDER]) as executor:
            how["executor"] = executor if chosen.scheduler or not chosen.clock else None
            table = published.run(found.name, options, chosen.size, _listed(chosen.steps), **how)
        for run in published.kept(found.name, folder) if chosen.clock else ():
            if run.seed in set(table["seed"]):
                print(published.clock(run).round(2).to_string(index=False))
                said = ", ".join(f"{mark} after {run.clock[mark]:.0f} s" for mark in ("read", "decoded", "judged"))
                print(f"{run.folder.name}: {said}\n")
    if chosen.out:
        workspace.write_table(chosen.out, table)
    return _show(table, before)


def _show(table, before: dict) -> int:
    """Print published numbers and ours, and beside them those that were kept before; 1 if something failed."""
    if table["drawn"].eq(True).any():
        print("drawn faces, not people; the published numbers are of people")
    if before:
        table["kept"] = [before.get(row.seed, {}).get(row.measure) for row in table.itertuples()]
    columns = (
        "step", "part", "seed", "what", "measure", "published", "ours", "low", "high", "kept", "tested", "epochs",
        "seconds",
    )  # fmt: skip
    shown = table[[name for name in columns if name in table and table[name].astype(str).ne("").any()]]
    print(shown.fillna("").to_string(index=False, float_format="{:.2f}".format, max_colwidth=60))
    failed = table[table["state"] != "complete"].drop_duplicates(["step", "part", "seed"])
    for row in failed.itertuples():
        LOGGER.error("%s: %s", row.step, row.error)
        print(f"{row.step}: {row.error}")
    return int(len(failed) > 0)


def _list(published) -> None:
    for name, sequence in published.SEQUENCES.items():
        print(f"{name:20} {sequence.title}: {sequence.steps[0].name} to {sequence.steps[-1].name}")
    for name in published.NAMES:
        seeds = ", ".join(str(run.seed) for run in published.kept(name))
        print(f"{name:20} {published.read(name).title}; kept seeds: {seeds or 'none'}")
    for name, (title, root) in OTHERS.items():
        print(f"{name:20} {title}; --root {root}")


def _make(chosen, roots: list[Path], folder: Path) -> None:
    """Make a result that is no training, and say what it is."""
    # With torch.
    from agelib.experiments.published import age_gap, kept_runs, label_noise, landmarks, saliency, split_audit

    match chosen.which:
        case "split":
            table = kept_runs.write_split(roots[0], folder / kept_runs.SPLIT.name)
            counts = table["split"].value_counts().items()
            print(", ".join(f"{part} {number:,}" for part, number in counts))
            return
        case "maps":
            maps = saliency.write_maps(roots[0], folder, model=saliency.MODEL)
            print(f"{', '.join(maps.averages)} of {maps.about['pictures']:,} pictures: maps.json")
            return
        case "fgnet-folds":
            found = landmarks.compare_on_fgnet(roots[0], folder, repeats=chosen.repeats, progress=True)
        case "leaks-in-the-wild":
            found = split_audit.audit_public_lists(*roots, folder=folder)
        case "chalearn-gap":
            found = age_gap.describe_chalearn(roots[0], folder)
        case "label-noise":
            found = label_noise.describe_utkface(roots[0], folder)
    print(json.dumps(found, indent=1, ensure_ascii=False))


def _need_root(name: str, options: dict, what: str) -> None:
    if not options.get("root"):
        raise ValueError(f"published {name} needs --root: {what}")


@contextlib.contextmanager
def _place(is_kept: bool, reference: Path):
    """Where results go: to the reference results, or nowhere."""
    if is_kept:
        yield reference
        return
    with tempfile.TemporaryDirectory() as elsewhere:
        yield Path(elsewhere)


def _full(path: str) -> Path:
    return Path(path.strip()).expanduser().resolve()


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
