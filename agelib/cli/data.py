"""Commands about data: ``data``, ``draw``, ``download``. Explained in "For operators"."""

from pathlib import Path

from agelib.cli.options import add_options, experiment_of
from agelib.runtime.progress import steady


def add(commands) -> None:
    """Add the commands to the parser's."""
    data = commands.add_parser("data", help="read, clean and split a data set; print what was kept and removed")
    add_options(data, records=("data",))
    data.set_defaults(command=_data, kept="Each step that was finished is kept. To go on:")

    draw = commands.add_parser("draw", help="draw faces in the layout of a published data set")
    draw.add_argument("layout", choices=("imdb-wiki", "utkface", "appa-real", "panda"))
    draw.add_argument("folder", type=Path, help="a folder that does not exist yet")
    draw.add_argument("--pictures", type=int, default=3000)
    draw.add_argument("--seed", type=int, default=42)
    draw.add_argument("--size", type=int, default=128, help="side of a picture, in pixels (default 128)")
    draw.set_defaults(command=_draw, kept="Nothing was left in the folder. To draw again:")

    download = commands.add_parser("download", help="download a real data set from its owners")
    download.add_argument("dataset", nargs="?", help="which; without it, what there is")
    download.add_argument("folder", type=Path, nargs="?", help="where to (default: the workspace)")
    download.add_argument("--accept-licence", action="store_true", help="say yes to the owners' terms beforehand")
    download.set_defaults(command=_download, kept="The bytes that arrived are kept. To go on:")


def _data(chosen) -> None:
    with steady("load pandas and OpenCV"):
        from agelib.data.prepare import prepare
        from agelib.pixels.image_files import count_reasons

    prepared = prepare(experiment_of(chosen).data)
    print(prepared.report.fillna("").to_string(index=False))
    unreadable = prepared.removed[prepared.removed["step"] == "unreadable file"]
    for title, pairs in (("skipped by the reader", prepared.skipped), ("unreadable", unreadable)):
        if len(pairs):
            print(f"\n{title}")
        for why, number, path in count_reasons(pairs[["path", "reason"]].itertuples(index=False)):
            print(f"{number:7,}  {why}" + (f", such as {path}" if isinstance(path, str) else ""))
    if prepared.notes:
        print("\nmended or odd, as the reader found it")
    for what, number in prepared.notes.items():
        print(f"{number:7,}  {what}")
    counts = prepared.faces["split"].value_counts()
    print("\nsplit: " + ", ".join(f"{part} {number:,}" for part, number in counts.items()))
    leaks = prepared.leaks[prepared.leaks["groups"] > 0]
    if len(leaks):
        print("\nleaks between the parts")
        print(leaks.to_string(index=False))
    print(f"\n{prepared.file}")


def _draw(chosen) -> None:
    from agelib.drawn import draw_collection

    if chosen.folder.exists():
        raise ValueError(f"{chosen.folder} is there already; name a folder that is not")
    root = draw_collection(chosen.layout, chosen.pictures, chosen.seed, chosen.size, chosen.folder)
    print(f"drawn faces, not people: {root}")


def _download(chosen) -> None:
    from agelib.data.sources import download

    if chosen.dataset is None:
        for name, each in download.DATASETS.items():
            print(f"{name:12} {each.title}")
        return
    for file in download.download(chosen.dataset, chosen.folder, accept=chosen.accept_licence):
        print(file)
