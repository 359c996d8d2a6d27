"""A ladder as data: steps, each a few changed options, with what was published for it. Explained in chapter 16.

A step says what it changes of an earlier one, so that it can be read what a number is due to, and what the published
work does not say is marked as our choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agelib.config import Experiment, options
from agelib.runtime.suggest import hint

#: What a step is made of.
KINDS = ("run", "hierarchy", "hierarchy with the leak", "several tasks", "several sources")


@dataclass(frozen=True)
class Step:
    """One rung.

    Attributes
    ----------
    name : str
        Such as V05.
    what : str
        What changes, in words.
    changes : dict
        Option → value, relative to the step `after`.
    published : dict
        Measure → number, as :func:`agelib.experiments.published.climb.climb` names measures: ``macro F1 of age_group`` (percent), ``MAE``
        and ``bias by gender`` (years). A step with several experiments has one dict a part.
    after : str
        The step that it changes; empty: the one before.
    kind : str
        One of :data:`KINDS`.
    by : str
        Of a hierarchy: what is predicted first.
    parts : dict of str to dict
        Several experiments in one step: part → its further changes. Empty: one experiment.
    pretrained : str
        Which weights the study started from, in words; empty: random ones, or it does not say.
    note : str
        What is odd about the published step: two numbers for one thing, a leak.
    ours : str
        What the published work does not say, and what we chose.
    """

    name: str
    what: str
    changes: dict
    published: dict = field(default_factory=dict)
    after: str = ""
    kind: str = "run"
    by: str = ""
    parts: dict = field(default_factory=dict)
    pretrained: str = ""
    note: str = ""
    ours: str = ""

    def published_of(self, part: str = "") -> dict:
        """The published numbers of one part."""
        return self.published.get(part, {}) if self.parts else self.published


@dataclass(frozen=True)
class Ladder:
    """Steps in order, each from an earlier one.

    Attributes
    ----------
    name : str
        As the command line knows it, such as utkface-twenty.
    title, study : str
        What it is, and whose.
    settings : dict
        Options of the study that all steps share.
    steps : tuple of Step
    measures : tuple of str
        What a step is judged by: beginnings of measures' names.
    sizes : dict of str to dict
        Named sizes: smoke, cpu (drawn faces), reduced (real faces on a CPU), full. Each is options that override the
        study's, and may have more entries: ``steps`` (step → further options), ``several`` (source and root of a step
        with several sources) and ``stand_in`` (options of a training whose weights stand in for pretrained ones that
        are not at hand).
    """

    name: str
    title: str
    study: str
    settings: dict
    steps: tuple
    measures: tuple
    sizes: dict

    def __post_init__(self):
        """A ladder that contradicts itself is refused when it is read, not after hours of training."""
        known = options()
        for place, step in enumerate(self.steps):
            before = {other.name for other in self.steps[:place]}
            if step.name in before or (step.after and step.after not in before):
                raise ValueError(f"{self.name}: step {step.name} is there twice, or builds on no earlier step")
            if step.kind not in KINDS:
                raise ValueError(f"{self.name}: step {step.name} is {step.kind!r}; kinds: {', '.join(KINDS)}")
            for changes in (step.changes, *step.parts.values()):
                if wrong := sorted(set(changes) - set(known)):
                    raise ValueError(f"{self.name}: step {step.name} changes {wrong[0]!r}, which is no option")

    def step(self, name: str) -> Step:
        """The step of a name.

        Raises
        ------
        ValueError
            If there is none; the message has a near one.
        """
        found = {step.name: step for step in self.steps}
        if name not in found:
            raise ValueError(f"{self.name} has no step {name!r}; {hint(name.upper(), found, 'they are')}")
        return found[name]

    def before(self, step: Step) -> Step | None:
        """The step that `step` changes; None for the first."""
        if step.after:
            return self.step(step.after)
        place = self.steps.index(step)
        return self.steps[place - 1] if place else None

    def options_of(self, step: Step) -> dict:
        """All options that the study sets for a step: its settings, and the changes of every step below."""
        below = self.before(step)
        return (self.options_of(below) if below else dict(self.settings)) | step.changes

    def size(self, name: str) -> dict:
        """The options of a named size; ValueError if there is none."""
        if name not in self.sizes:
            raise ValueError(f"{self.name} has no size {name!r}; sizes: {', '.join(self.sizes)}")
        return dict(self.sizes[name])

    def experiments(self, several: Mapping | None = None, weights: str = "", **overrides) -> dict:
        """Every experiment of the ladder, by step and part.

        Parameters
        ----------
        several : mapping, optional
            ``source`` and ``root`` of the steps that take several data sets; empty for drawn faces: the drawn
            sets joined.
        weights : str
            A file of weights for the steps that start from pretrained ones; empty: random weights.
        **overrides
            Options that all steps get whatever the study says, to make the ladder smaller or its data another's.

        Returns
        -------
        dict of (str, str) to agelib.config.Experiment
            (step, part) → experiment; the part is empty where there is one alone. Of a hierarchy it is the network of
            age.

        Raises
        ------
        ValueError
            If an option is unknown or its value does not fit.

        Examples
        --------
        >>> from agelib import ladders
        >>> twenty = ladders.read("utkface-twenty").experiments(image_size=64)
        >>> twenty["V13", ""].training.optimiser, twenty["V20", "gender"].network.base_features
        ('nadam', 32)
        """
        found = {}
        for step in self.steps:
            for part, changes in (step.parts or {"": {}}).items():
                wanted = self.options_of(step) | changes | overrides
                if step.kind == "several sources":
                    wanted |= several_sources(several, wanted)
                if step.pretrained:
                    wanted["pretrained"] = weights
                found[step.name, part] = Experiment.of(**wanted)
        return found


def several_sources(several: Mapping | None, wanted: Mapping) -> dict:
    """Source and root of a step that takes several data sets.

    >>> several_sources(None, {"source": "drawn-utkface"})
    {'source': 'drawn-utkface+drawn-appa-real', 'root': ''}
    >>> several_sources({"source": "utkface+appa-real", "root": "/u,/a"}, {})
    {'source': 'utkface+appa-real', 'root': '/u,/a'}
    """
    if several:
        return {"source": several["source"], "root": several.get("root", "")}
    source = str(wanted.get("source", ""))
    if source.startswith("drawn") and "+" not in source:
        other = "drawn-appa-real" if source != "drawn-appa-real" else "drawn-utkface"
        return {"source": f"{source}+{other}", "root": ""}
    return {}
