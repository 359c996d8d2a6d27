"""A chapter finds the runs of another only if both describe the very same experiments."""

import ast

import pytest

from agebook.build.chapter_experiment import experiment_of
from agebook.build.chapters import list_chapters
from agebook.build.plan import REPOSITORY
from agebook.build.profiles import read_profile, resolve
from agelib.config import Experiment

TRAINING_CHAPTERS = ("05", "06", "07", "08")


def experiment_in(chapter, parameters: dict, name: str = "experiment") -> Experiment:
    """What the chapter's own cell builds when it is run with these parameters."""
    for code in chapter.code:
        for node in ast.parse(code).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
                names = {"Experiment": Experiment, "experiment_of": experiment_of, **chapter.parameters, **parameters}
                return eval(ast.unparse(node.value), names)
    raise AssertionError(f"{chapter.path} builds no experiment")


@pytest.mark.parametrize("number", TRAINING_CHAPTERS)
@pytest.mark.parametrize("profile", ["smoke", "cpu", "gpu"])
@pytest.mark.parametrize("source", ["drawn", "utkface"])
def test_the_experiment_of_a_chapter_is_the_one_that_its_cell_builds(number, profile, source):
    root = "" if source == "drawn" else "faces.tar.gz"
    chapters = {chapter.number: chapter for chapter in list_chapters(REPOSITORY)}
    settings = read_profile(REPOSITORY, profile)
    parameters = resolve(list(chapters.values()), settings, profile, source, root)[number]
    built = experiment_in(chapters[number], parameters)
    assert experiment_of(number, profile, source, root) == built


def test_the_compared_chapters_train_different_networks_on_the_same_data():
    experiments = [experiment_of(number) for number in TRAINING_CHAPTERS]
    assert len({experiment.network.network for experiment in experiments}) == len(experiments)
    assert len({experiment.data for experiment in experiments}) == 1


@pytest.mark.parametrize("profile", ["smoke", "cpu", "gpu"])
@pytest.mark.parametrize("source", ["drawn", "utkface", "appa-real"])
def test_chapter_22_decides_with_the_networks_that_chapter_21_trains(profile, source):
    root = "" if source == "drawn" else "faces.tar.gz"
    chapters = {chapter.number: chapter for chapter in list_chapters(REPOSITORY)}
    given = resolve(list(chapters.values()), read_profile(REPOSITORY, profile), profile, source, root)
    trained, decided = (experiment_in(chapters[number], given[number], "base") for number in ("21", "22"))
    assert decided == trained
    members = {(chapters[number].parameters | given[number])["members"] for number in ("21", "22")}
    assert len(members) == 1, "an ensemble of other size would be trained anew"


def test_changes_are_made_to_the_chapters_experiment():
    assert experiment_of("08", pictures=77).data.pictures == 77


def test_a_chapter_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="there is no chapter 99"):
        experiment_of("99")
