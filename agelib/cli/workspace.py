"""Commands about the workspace: ``disk``, ``prune``. Explained in "For operators"."""

import argparse
import re

from agelib.runtime.progress import steady

#: Bytes, as disks are sold: a gigabyte is a billion.
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def add(commands) -> None:
    """Add the commands to the parser's."""
    disk = commands.add_parser("disk", help="say what the workspace holds, and when it was last used")
    disk.set_defaults(command=_disk)

    prune = commands.add_parser("prune", help="say what of the workspace was not used for long; remove it if told to")
    prune.add_argument(
        "--kind", action="append", metavar="KIND", help="such as runs or pixels, as often as you like (default: all)"
    )
    prune.add_argument("--keep-days", type=float, help="keep what was used in the last so many days")
    prune.add_argument("--keep-size", type=size, metavar="10GB", help="remove only until so much is left")
    does = prune.add_mutually_exclusive_group()
    does.add_argument("--dry-run", action="store_true", help="only say what would go (the default)")
    does.add_argument("--yes", action="store_true", help="remove it")
    prune.set_defaults(command=_prune, kept="What was removed is gone, the rest is whole. To go on:")


def size(text: str) -> int:
    """Bytes of a size such as ``10GB`` or ``500 MB``.

    >>> size("1.5GB")
    1500000000
    """
    try:
        number, unit = re.fullmatch(r"\s*([\d.]+)\s*([KMGT]?B?)\s*", text.upper()).groups()
        return round(float(number) * UNITS[unit if unit in UNITS else unit + "B"])
    except (AttributeError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give one such as 500MB or 10GB") from None


def in_words(number: int) -> str:
    """A number of bytes for people.

    >>> in_words(384_000_000), in_words(12), in_words(20_000_000_000)
    ('384.0 MB', '0.0 MB', '20.0 GB')
    """
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.1f} MB"


def _disk(_chosen) -> None:
    from agelib.runtime import prune as housekeeping
    from agelib.runtime import workspace

    with steady("look through the workspace"):
        table = housekeeping.disk()
    print(workspace.home())
    if table.empty:
        print("nothing yet")
        return
    shown = table.assign(
        what=table["kind"].map(housekeeping.KINDS),
        size=table["bytes"].map(in_words),
        leftovers=table["leftovers"].map(lambda number: in_words(number) if number else ""),
        oldest=table["oldest"].dt.strftime("%Y-%m-%d"),
        newest=table["newest"].dt.strftime("%Y-%m-%d"),
    )
    print(shown[["kind", "what", "number", "files", "size", "leftovers", "oldest", "newest"]].to_string(index=False))
    print(f"\n{in_words(table['bytes'].sum())} in all; oldest and newest say when something was last used")


def _prune(chosen) -> None:
    from agelib.runtime import prune as housekeeping

    with steady("look through the workspace, and remove"):
        table = housekeeping.prune(chosen.kind, chosen.keep_days, chosen.keep_size, is_rehearsal=not chosen.yes)
    if len(table):
        shown = table.assign(bytes=table["bytes"].map(in_words), days=table["days"].round(1))
        print(shown.to_string(index=False))
    gone = table[table["outcome"].str.endswith("removed")]
    print(f"{len(gone):,} {'removed' if chosen.yes else 'would be removed'}, {in_words(gone['bytes'].sum())}")
    if chosen.keep_days is None and chosen.keep_size is None:
        print("only what killed programs left: say --keep-days 30, --keep-size 10GB or both for more")
    elif len(gone) and not chosen.yes:
        print("nothing was removed: say --yes to do it")
