"""The experiment that a chapter's parameters describe, so that another chapter finds what it has trained.

Chapters 06 to 10 each train one network; chapter 17 compares them. Were their settings typed a second time there,
the two would drift apart, and the comparison would be of other networks than the chapters show.
"""

from agebook.build.chapters import REPOSITORY, list_chapters
from agebook.build.profiles import read_profile, resolve
from agelib.config import Experiment, options


def experiment_of(
    number: str, profile: str = "cpu", source: str = "drawn", root: str = "", repository=None, **changes
) -> Experiment:
    """The experiment of a chapter, as a profile and a data source set its parameters.

    Parameters
    ----------
    number : str
        The chapter's, such as ``"06"``.
    profile : str
        smoke, cpu or gpu: a file of notebooks/profiles.
    source, root : str
        The data source, and its folder or published archive.
    repository : path, optional
        Where the book lies; for tests.
    **changes
        Options of the experiment that shall differ from the chapter's.

    Returns
    -------
    agelib.config.Experiment
        Every parameter that is an option by name is taken; a chapter's ``seed`` is the data's seed as well.

    Raises
    ------
    ValueError
        If there is no such chapter or profile, or a parameter does not fit its option.

    Examples
    --------
    >>> experiment_of("08", pictures=240).network.network
    'resnet18'
    """
    chapters = list_chapters(repository or REPOSITORY)
    found = [chapter for chapter in chapters if chapter.number == str(number).zfill(2)]
    if not found:
        raise ValueError(f"there is no chapter {number}; there is: {', '.join(c.number for c in chapters)}")
    (chapter,) = found
    settings = read_profile(repository or REPOSITORY, profile)
    values = chapter.parameters | resolve(chapters, settings, profile, source, root)[chapter.number]
    if "seed" in values:
        values = {"data_seed": values["seed"]} | values
    values = values | {"source": source, "root": root} | changes
    return Experiment.of(**{name: value for name, value in values.items() if name in options()})
