"""Where a number is from: one record of the versions, the machine, the data and the time behind what was measured.

Runs, kept results, rates of networks, reports of benchmarks, model cards and logs all write and read this record. It
says nothing of faces: what only one of them has to say stands in its ``details``.
"""

import dataclasses
import os
import platform
from dataclasses import dataclass, field
from importlib import metadata

from agelib.runtime.cpu import cores
from agelib.runtime.devices import choose_device, device_name, processor_name

#: In which order the sets of a split are named.
SETS = ("train", "valid", "test")

#: Fields that say what they are without their name.
PLAIN = ("data", "device", "machine", "pictures", "precision", "split")


@dataclass(frozen=True)
class Provenance:
    """Where a number is from. What is not known is None, and no part of the JSON.

    Attributes
    ----------
    made_by : str
        The function or command that made it.
    versions : dict of str to str
        Of agelib, Python and the libraries that may change it.
    machine, processor : str
        System and architecture; the processor's name.
    cores, threads, processes, load : int, int, int, float
        Cores that there were; threads of each process, and processes, that were used; processes that wanted a core
        before the measurement.
    device, precision : str
        What computed it, such as ``cpu (AMD EPYC)``, and in which arithmetic.
    data, split, key, drawn : str, str, str, bool
        The data set, how it was split, a key of its content, and whether it is drawn.
    pictures : dict of str to int, or int
        Number of images, of each set or in all.
    seed, data_seed, seconds : int, int, float
        Of the training, and of the split; how long it took.
    details : dict
        Whatever else its maker has to say, by name; in JSON beside the fields.

    Examples
    --------
    >>> made = Provenance(pictures={"test": 300, "train": 2400}, seed=7, versions={"torch": "2.14.1"})
    >>> made.as_dict()
    {'versions': {'torch': '2.14.1'}, 'pictures': {'test': 300, 'train': 2400}, 'seed': 7}
    >>> made.facts("pictures", "seed", "device", "torch")
    ['2,400 train, 300 test pictures', 'seed 7', 'torch 2.14.1']
    """

    made_by: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    machine: str | None = None
    processor: str | None = None
    cores: int | None = None
    threads: int | None = None
    processes: int | None = None
    load: float | None = None
    device: str | None = None
    precision: str | None = None
    data: str | None = None
    drawn: bool | None = None
    key: str | None = None
    split: str | None = None
    pictures: dict[str, int] | int | None = None
    seed: int | None = None
    data_seed: int | None = None
    seconds: float | None = None
    details: dict = field(default_factory=dict)

    @classmethod
    def of(cls, values: dict) -> "Provenance":
        """The record that :meth:`as_dict` gave: what is no field is a detail.

        >>> Provenance.of({"seed": 7, "epochs": 40}).details
        {'epochs': 40}
        """
        fields = {each.name for each in dataclasses.fields(cls)} - {"details"}
        details = {name: value for name, value in values.items() if name not in fields}
        return cls(**{name: value for name, value in values.items() if name in fields}, details=details)

    def as_dict(self) -> dict:
        """What is known, as JSON takes it."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return {n: v for n, v in values.items() if v not in (None, {}) and n != "details"} | self.details

    def facts(self, *names: str) -> list[str]:
        """What is known of these fields, libraries and details, in words; by default all that is known."""
        values = self.as_dict()
        values |= values.pop("versions", {})
        return [_say(name, values[name]) for name in names or values if values.get(name) not in (None, "")]

    def __str__(self) -> str:
        return ", ".join(self.facts())


def _say(name: str, value) -> str:
    if name == "pictures" and isinstance(value, dict):
        order = sorted(value, key=lambda each: SETS.index(each) if each in SETS else len(SETS))
        return ", ".join(f"{value[each]:,} {each}" for each in order) + " pictures"
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:,}" if name != "pictures" else f"{value:,} pictures"
    return str(value) if name in PLAIN else f"{name.replace('_', ' ')} {value}"


def record(*libraries: str, device=None, **known) -> Provenance:
    """The record of this process and machine, now.

    Parameters
    ----------
    *libraries : str
        Those whose versions may change the number.
    device : str or torch.device, optional
        What computes it (empty: :func:`~agelib.runtime.devices.choose_device` chooses); adds torch's threads. Without
        it neither is said.
    **known
        Any other field of :class:`Provenance`, and details.

    Examples
    --------
    >>> made = record("numpy", data="drawn", repeats=5)
    >>> sorted(made.versions), made.data, made.details
    (['agelib', 'numpy', 'python'], 'drawn', {'repeats': 5})
    """
    made = {"versions": versions(*libraries), "machine": f"{platform.system()} {platform.machine()}"}
    made |= {"processor": processor_name(), "cores": cores()}
    if device is not None:
        import torch

        device = choose_device(device)
        made |= {"device": f"{device.type} ({device_name(device)})", "threads": torch.get_num_threads()}
    return Provenance.of(made | known)


def versions(*libraries: str) -> dict[str, str]:
    """Versions of agelib, Python and those of the libraries that are installed.

    >>> list(versions("numpy", "no-such-library"))
    ['agelib', 'python', 'numpy']
    """
    found = {"agelib": version(), "python": platform.python_version()}
    for library in libraries:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def version() -> str:
    """agelib's own version; ``not installed`` where only its folder is there."""
    try:
        return metadata.version("agelib")
    except metadata.PackageNotFoundError:
        return "not installed"


def load() -> float | None:
    """How many processes wanted a core in the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
