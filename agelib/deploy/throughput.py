"""How many pictures a second a network judges, at several batch sizes: study D's second question.

Study D contradicts itself (8,002 pictures five times, in batches of 100 or of 400), so the batch size is swept here.
Pictures lie on the device beforehand; what is timed is the network alone, forwards, as :mod:`agelib.training` predicts:
evaluation mode, no gradients, channels last. Explained in chapter 24.
"""

import functools
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from agelib.runtime.devices import choose_device
from agelib.runtime.progress import Line
from agelib.runtime.provenance import Provenance, load, record

#: Study D's kinds of networks that its excerpts name, and others of the book beside them.
NAMES = (
    "basic_cnn", "mnasnet", "efficientnet_b0", "googlenet", "resnet18", "resnet50", "densenet121", "vgg11_bn",
    "vgg16_bn", "swinv2_cr_tiny",
)  # fmt: skip

#: Study D's number of pictures in one round, and its 50 and 100 pictures of a batch among other sizes.
STUDY_PICTURES, BATCH_SIZES = 40_010, (1, 8, 32, 100)

_PRECISIONS = {"float32": None, "bf16": "bfloat16", "fp16": "float16"}


def measure(
    names: Sequence[str] = NAMES,
    image_size: int = 64,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    pictures: int = STUDY_PICTURES,
    repeats: int = 5,
    warmup: int = 3,
    device=None,
    seconds: float = 10.0,
    precision: str = "float32",
    progress: bool = False,
    clock: str = "wall",
) -> pd.DataFrame:
    """Time networks, forwards, at several batch sizes.

    Parameters
    ----------
    names : sequence of str
        Networks, of :func:`agelib.networks.names`; with random weights, which take as long as trained ones.
    image_size : int
        Side of the pictures, in pixels; study D's is 224.
    batch_sizes : sequence of int
        Pictures of a batch, each a row of the table.
    pictures, repeats : int
        How many pictures one repeat judges, in whole batches, and how often; fewer where `seconds` do not allow it.
    warmup : int
        Batches before the first timing, 1 or more: memory is taken, kernels are chosen, clocks rise.
    device : str or torch.device, optional
        Where; as :func:`agelib.runtime.devices.choose_device` chooses if not given.
    seconds : float
        About how long a network may take, after its making; each batch size is timed with one batch at least.
    precision : str
        float32; or bf16 or fp16: automatic mixed precision.
    progress : bool
    clock : str
        wall; or processor: seconds in which torch's threads had a core, divided among them. On a CPU that others use
        too, with one thread, it comes near what an idle machine's wall clock would say; on a GPU it says nothing.

    Returns
    -------
    pandas.DataFrame
        A row for each network and batch size: ``network``, ``batch_size``, ``pictures_per_second`` (the median of the
        repeats), ``low`` and ``high`` (the slowest and the fastest repeat), ``milliseconds`` (a batch, median),
        ``parameters``, ``repeats`` and ``batches`` (of one repeat) as they were timed, and on a CPU ``busy``: the share
        of the time that torch's threads had a core; well below 1, something else ran, and the rate is too low.

    Raises
    ------
    ValueError
        If a number is too small or a name is unknown.

    Notes
    -----
    On a GPU work is queued, so the clock is read only when the queue is empty, before and after a repeat. This is
    neither the rate of reading files, nor of training, which takes about three times as long.

    Examples
    --------
    >>> table = measure(["basic_cnn"], 32, batch_sizes=(2,), pictures=4, repeats=3, device="cpu", seconds=1)
    >>> table[["network", "batch_size", "parameters"]].values.tolist()
    [['basic_cnn', 2, 520705]]
    """
    import torch

    from agelib import networks
    from agelib.config import Network

    if isinstance(names, str):
        names = (names,)
    least = min(min(batch_sizes, default=0), pictures, repeats, warmup)
    if least < 1 or seconds <= 0:
        raise ValueError(
            f"batch sizes, pictures, repeats and warmup are numbers from 1 and seconds is above 0, not {batch_sizes}, "
            f"{pictures}, {repeats}, {warmup} and {seconds}"
        )
    if precision not in _PRECISIONS:
        raise ValueError(f"precision is one of {', '.join(_PRECISIONS)}, not {precision!r}")
    device = choose_device(device)
    if clock not in ("wall", "processor") or (clock == "processor" and device.type != "cpu"):
        raise ValueError(f"clock is wall, or on a CPU processor, not {clock!r} on {device.type}")
    kind, generator = _PRECISIONS[precision], torch.Generator().manual_seed(42)
    x = torch.randn(max(batch_sizes), 3, image_size, image_size, generator=generator)
    x = x.to(device, memory_format=torch.channels_last)
    rows, line = [], Line("time networks", len(names) * len(batch_sizes), "batch sizes", progress)
    for name in names:
        network = networks.build(Network(network=name), 1, image_size, seed=42).eval()
        parameters = sum(each.numel() for each in network.parameters())
        network.to(device, memory_format=torch.channels_last)
        share = seconds / len(batch_sizes)
        for size in batch_sizes:
            batch = x[:size].contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, getattr(torch, kind or "bfloat16"), enabled=kind is not None):
                ask = functools.partial(network, batch)
                found = time_batches(ask, size, pictures, repeats, warmup, share, clock, device)
            rows.append({"network": name, "batch_size": size, **found, "parameters": parameters})
            line.advance(1, f"{name} with {size}: {found['pictures_per_second']:,.1f} pictures a second")
        del network
    line.close()
    columns = "network batch_size pictures_per_second low high milliseconds parameters repeats batches busy"
    return pd.DataFrame(rows, columns=columns.split())


def time_batches(
    ask, size: int, pictures: int, repeats: int, warmup: int, seconds: float, clock: str = "wall", device=None
) -> dict:
    """Time one way to judge one batch, again and again, as :func:`measure` does.

    Parameters
    ----------
    ask : callable
        Judges the batch; without arguments.
    size : int
        Pictures in that batch.
    pictures, repeats, warmup, seconds, clock, device
        As for :func:`measure`; the seconds are for this batch size alone, and a GPU is waited for.

    Returns
    -------
    dict
        ``pictures_per_second``, ``low``, ``high``, ``milliseconds``, ``repeats``, ``batches`` and ``busy``, as in a row
        of :func:`measure`.

    Examples
    --------
    >>> found = time_batches(lambda: time.sleep(0.01), 5, pictures=10, repeats=2, warmup=1, seconds=1)
    >>> found["batches"], bool(0 < found["pictures_per_second"] <= 500)
    (2, True)
    """
    import torch

    device = torch.device("cpu") if device is None else device
    threads = torch.get_num_threads()

    def run(batches: int) -> tuple[float, float]:
        """Seconds on the wall clock, and the processor's seconds of each thread."""
        wait(device)
        started, worked = time.perf_counter(), time.process_time()
        for _ in range(batches):
            ask()
        wait(device)
        return time.perf_counter() - started, (time.process_time() - worked) / threads

    hand = ("wall", "processor").index(clock)
    with torch.inference_mode():
        first = run(1)[hand]
        # Where one batch takes a good part of the time there is, the first has warmed up enough.
        one = first if first * warmup > 0.3 * seconds or warmup == 1 else run(warmup - 1)[hand] / (warmup - 1)
        possible = int(0.7 * seconds / max(one, 1e-9))
        repeats = max(1, min(repeats, possible))
        batches = max(1, min(-(-pictures // size), possible // repeats))
        rounds = [run(batches) for _ in range(repeats)]
    rates = pd.Series([size * batches / max(each[hand], 1e-9) for each in rounds])
    worked, passed = (sum(each[place] for each in rounds) for place in (1, 0))
    return {
        "pictures_per_second": rates.median(),
        "low": rates.min(),
        "high": rates.max(),
        "milliseconds": 1000 * size / rates.median(),
        "repeats": repeats,
        "batches": batches,
        "busy": min(worked / passed, 1.0) if device.type == "cpu" else float("nan"),
    }


def wait(device) -> None:
    """Wait until a GPU's queue is empty: a call returns before its work is done."""
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)


def provenance(device=None, **about) -> Provenance:
    """What a rate depends on beside the network: the machine, its threads, and versions.

    >>> provenance("cpu").device.startswith("cpu (")
    True
    """
    return record("torch", "torchvision", device=device or "", **about)


def reference(folder, names: Sequence[str] = NAMES, device=None, **options) -> pd.DataFrame:
    """Measure, and write ``throughput_cpu.csv`` (or ``_cuda.csv``) with a ``.json`` that says where it is from.

    The reference results lie in ``data/reference``; all else is as in :func:`measure`.
    """
    from agelib.runtime import workspace

    device = choose_device(device)
    # Whatever else ran meanwhile made the rates smaller.
    busy, started = load(), time.perf_counter()
    table = measure(names, device=device, **options)
    about = {"seconds": round(time.perf_counter() - started, 1), "load": busy, "options": options}
    file = Path(folder) / f"throughput_{device.type}.csv"
    workspace.write_table(file, table)
    about = provenance(device, made_by="agelib.deploy.throughput.reference", **about)
    workspace.write_json(file.with_suffix(".json"), about.as_dict())
    return table
