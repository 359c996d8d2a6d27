"""A published experiment as data: a few changed options, what was published for it, and what is our choice.

It says what it changes of an earlier one, so that it can be read what a number is due to. Explained in chapter 18.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from agelib.config import Experiment, options
from agelib.runtime.suggest import hint

#: The folder of the reference results, and the split of UTKFace-21k that all runs share that are kept in it.
FOLDER = Path(__file__).resolve().parents[3] / "data" / "reference"
SPLIT = FOLDER / "utkface_21k_split.csv.gz"

#: What an experiment is made of.
KINDS = ("run", "hierarchy", "hierarchy with the leak", "several tasks", "several sources")


@dataclass(frozen=True)
class Published:
    """A published experiment, and what we chose where the work is silent.

    Attributes
    ----------
    name : str
        Such as V05, or speedrun.
    title : str
        What it is, or what changes, in words.
    changes : dict
        Option → value, relative to `after`.
    published : dict
        Measure → the number that the work states, on its own data and split: ``macro F1 of age_group`` (percent, of
        the age groups that `bins` names, and of the most probable one), ``MAE`` and ``bias by gender`` (years). Of
        several parts one dict a part.
    after : Published, optional
        What it changes; one without a name holds settings that many share. In a sequence's list also a name, or
        nothing for the one before: see :func:`linked`.
    study : str
        Key of the work that it follows in the bibliography; empty: none.
    protocol : str
        How the published number was got, as far as the work says.
    ours : str
        What is our choice, or differs from the work.
    chosen_by : str
        What chose its setting here: the validation set, test errors, or nobody knows any more.
    note : str
        What is odd about it as published: two numbers for one thing, a leak.
    kind : str
        One of :data:`KINDS`.
    by : str
        Of a hierarchy: what is predicted first.
    parts : dict of str to dict
        Several trainings in one: part → its further changes. Empty: one training.
    pretrained : str
        Which weights the work started from, in words; empty: random ones, or it does not say.
    grid : dict
        Option → values: its setting is the one of this grid with the least validation MSE. Empty: it is given.
    grid_size : dict
        What makes the grid's trainings smaller than the run that follows.
    seeds : tuple of int
    """

    name: str
    title: str
    changes: dict
    published: dict = field(default_factory=dict)
    after: "Published | str | None" = field(default=None, repr=False)
    study: str = ""
    protocol: str = ""
    ours: str = ""
    chosen_by: str = ""
    note: str = ""
    kind: str = "run"
    by: str = ""
    parts: dict = field(default_factory=dict)
    pretrained: str = ""
    grid: dict = field(default_factory=dict)
    grid_size: dict = field(default_factory=dict)
    seeds: tuple = (42,)

    def __post_init__(self):
        """One that contradicts itself is refused when it is read, not after hours of training."""
        if self.kind not in KINDS:
            raise ValueError(f"{self.name} is {self.kind!r}; kinds: {', '.join(KINDS)}")
        for changes in (self.changes, *self.parts.values()):
            if wrong := sorted(set(changes) - set(options())):
                raise ValueError(f"{self.name} changes {wrong[0]!r}, which is no option")

    @property
    def options(self) -> dict:
        """All options that the work, or we, set for it: its changes, and those of everything that it builds on."""
        return (self.after.options if self.after else {}) | self.changes

    def published_of(self, part: str = "") -> dict:
        """The published numbers of one part."""
        return self.published.get(part, {}) if self.parts else self.published

    def experiment(
        self, root="", seed: int | None = None, part: str = "", weights: str = "", **overrides
    ) -> Experiment:
        """The experiment to run.

        Parameters
        ----------
        root : path
            The data set's folder or published archive; empty for drawn faces.
        seed : int, optional
            The first of `seeds` by default.
        part : str
            One of `parts`, if there are several. Of a hierarchy the network of age is meant.
        weights : str
            A file of weights if it starts from pretrained ones; empty: random weights.
        **overrides
            Options that it gets whatever the work says, to make it smaller or its data another's. One that takes
            several data sets joins drawn ones if only one is named.

        Raises
        ------
        ValueError
            If an option is unknown or its value does not fit.

        Examples
        --------
        >>> from agelib.experiments import published
        >>> published.read("multitask").experiment(seed=43).training.tasks
        ('age', 'gender', 'ethnicity')
        >>> twenty = published.read("utkface-twenty")
        >>> twenty.step("V20").experiment(part="gender", image_size=64).network.base_features
        32
        """
        seed = self.seeds[0] if seed is None else seed
        wanted = {"root": str(root), "seed": seed} | self.options | self.parts.get(part, {}) | overrides
        if self.kind == "several sources":
            wanted |= drawn_together(str(wanted.get("source", "")))
        if self.pretrained:
            wanted["pretrained"] = weights
        return Experiment.of(**wanted)


def linked(settings: Mapping, *steps: Published, study: str = "") -> tuple[Published, ...]:
    """Experiments that build on each other: each on the one that its `after` names, or else on the one before.

    The first one builds on `settings`; `study` is that of all.

    >>> first, second = linked({"epochs": 9}, Published("A", "", {"bins": "3"}), Published("B", "", {"bins": "4"}))
    >>> second.options, second.after.name
    ({'epochs': 9, 'bins': '4'}, 'A')
    """
    found: dict = {}
    last = Published("", "", dict(settings))
    for step in steps:
        if step.name in found or (step.after and step.after not in found):
            raise ValueError(f"{step.name} is there twice, or builds on no earlier experiment")
        last = found[step.name] = replace(
            step, after=found[step.after] if step.after else last, study=step.study or study
        )
    return tuple(found.values())


@dataclass(frozen=True)
class Sequence:
    """Experiments that are compared with each other: variants of a study, or ours that differ in one thing.

    Attributes
    ----------
    name : str
        Such as utkface-twenty.
    title : str
        What it is.
    steps : tuple of Published
    said : str
        What the page "Results" says of it.
    beside : str
        Name of an experiment of another sequence that these are compared with, too; empty: none.
    measures : tuple of str
        What a step is judged by: beginnings of measures' names; empty: every measure.
    sizes : dict of str to dict
        Named sizes: smoke, cpu (drawn faces), reduced (real faces on a CPU), full. Each is options that override the
        study's.
    smaller : dict of str to dict
        Size → step → further options of that step alone.
    stand_ins : dict of str to dict
        Size → options of a training whose weights stand in for pretrained ones that are not at hand.
    """

    name: str
    title: str
    steps: tuple
    said: str = ""
    beside: str = ""
    measures: tuple = ()
    sizes: dict = field(default_factory=lambda: {"full": {}})
    smaller: dict = field(default_factory=dict)
    stand_ins: dict = field(default_factory=dict)

    def step(self, name: str) -> Published:
        """The step of a name; ValueError with a near one if there is none."""
        found = {step.name: step for step in self.steps}
        if name not in found:
            raise ValueError(f"{self.name} has no step {name!r}; {hint(name.upper(), found, 'they are')}")
        return found[name]

    def size(self, name: str = "", step: str = "") -> dict:
        """The options of a size, or of one of its steps; the usual size by default. ValueError if there is none."""
        name = name or self.usual_size
        if name not in self.sizes:
            raise ValueError(f"{self.name} has no size {name!r}; sizes: {', '.join(self.sizes)}")
        return self.sizes[name] | self.smaller.get(name, {}).get(step, {})

    @property
    def usual_size(self) -> str:
        """The size that is meant if none is named."""
        return "cpu" if "cpu" in self.sizes else "full"

    @property
    def first_measure(self) -> str:
        """The measure that is looked at first."""
        first = self.measures[0] if self.measures else "MAE"
        return "macro F1 of age_group" if first == "macro F1" else first


def drawn_together(source: str) -> dict:
    """What one drawn data set becomes where several are needed; nothing otherwise.

    >>> drawn_together("drawn-utkface"), drawn_together("utkface")
    ({'source': 'drawn-utkface+drawn-appa-real', 'root': ''}, {})
    """
    if not source.startswith("drawn") or "+" in source:
        return {}
    other = "drawn-appa-real" if source != "drawn-appa-real" else "drawn-utkface"
    return {"source": f"{source}+{other}", "root": ""}
