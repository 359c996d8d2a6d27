"""What pretrained weights have seen: a test picture among it is a leak. Explained in chapter 13.

A run writes down which pictures its weights were trained on, with those of the weights that it started from; another
run that starts from its weights is refused if it would be tested on one of them.
"""

from pathlib import Path

import pandas as pd

from agelib import splits, store
from agelib.streams import Streams

#: The file beside the weights: pictures by the data set's folder and their path in it.
SEEN = "seen.csv"


def seen_by(weights: str) -> list[str]:
    """Pictures that a weights file was trained on; empty if it does not say (it is not of a run of agelib)."""
    file = Path(weights).parent / SEEN if weights else None
    return pd.read_csv(file)["picture"].tolist() if file is not None and file.is_file() else []


def require_unseen(streams: Streams) -> None:
    """Refuse to start from weights that were trained on pictures of the test or validation part.

    Study C's hierarchy (V14) started from an age model that was trained on another random split, so that its test
    pictures had been trained on; it reached 90 % instead of 72 %.

    Raises
    ------
    agelib.splits.LeakError
        With how many, unless the experiment says ``allow_leaks``.
    """
    weights = streams.experiment.network.pretrained
    known = set(seen_by(weights))
    for part in ("test", "valid"):
        names = streams.names(part)
        leaked = [name for name in names if name in known]
        if leaked and not streams.experiment.data.allow_leaks:
            share = 100 * len(leaked) / len(names)
            # Without the folder of this machine: the message may stand on a published page.
            short = "/".join(Path(weights).parts[-2:])
            raise splits.LeakError(
                f"the weights {short} were trained on {len(leaked):,} of the {len(names):,} pictures of the {part} "
                f"part ({share:.1f} %), for example {leaked[0]!r}. Start from weights of the same split, or say "
                "allow_leaks=True if the leak is what you want to study."
            )


def write_seen(folder, streams: Streams) -> None:
    """Write which pictures the weights in a run's folder have been trained on, at any remove."""
    before = seen_by(streams.experiment.network.pretrained)
    pictures = list(dict.fromkeys([*before, *streams.names("train")]))
    store.write_table(Path(folder) / SEEN, pd.DataFrame({"picture": pictures}))
