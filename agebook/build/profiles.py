"""Which value each parameter of a chapter takes: the chapter's own, the profile's, the data source's.

A profile is ``notebooks/profiles/NAME.yaml``. Later entries win over earlier ones::

    all: {epochs: 1}                      # every chapter that declares the parameter
    chapters: {"05": {pictures: 200}}     # one chapter
    sources:                              # the same two, for one data source
      utkface: {all: {pictures: 4000}, chapters: {}}
"""

from pathlib import Path

import yaml

from agebook.build.chapters import Chapter
from agelib.runtime.suggest import hint


def read_profile(repository, name: str) -> dict:
    """Read a profile; an empty file changes nothing.

    Raises
    ------
    ValueError
        If there is no such profile, or it has a section that no profile has.
    """
    folder = Path(repository, "notebooks", "profiles")
    file = folder / f"{name}.yaml"
    if not file.is_file():
        there = ", ".join(sorted(path.stem for path in folder.glob("*.yaml"))) or "none"
        raise ValueError(f"no profile {name!r} in {folder}; there is: {there}")
    profile = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    _check_sections(profile, ("all", "chapters", "sources"), str(file))
    for source, part in (profile.get("sources") or {}).items():
        _check_sections(part or {}, ("all", "chapters"), f"{file}, source {source}")
    return profile


def _check_sections(part: dict, known: tuple, where: str) -> None:
    unknown = sorted(set(part) - set(known))
    if unknown:
        raise ValueError(f"{where}: no section {unknown[0]!r} is known; the sections are: {', '.join(known)}")


def resolve(chapters: list[Chapter], profile: dict, name: str, source: str, root: str) -> dict[str, dict]:
    """The parameters to run each chapter with, by its number: only those that it declares and that change.

    Parameters
    ----------
    chapters : list of Chapter
        All chapters of the book.
    profile : dict
        What :func:`read_profile` returned.
    name : str
        The profile's name, for a chapter that declares ``profile`` and for errors.
    source, root : str
        The data source and where it lies, for chapters that declare them.

    Raises
    ------
    ValueError
        If the profile names a parameter that no chapter declares, or a chapter that does not declare it.
    """
    layers = [profile, (profile.get("sources") or {}).get(source) or {}]
    for part in [profile, *(profile.get("sources") or {}).values()]:
        _check_names(chapters, part or {}, name)
    resolved = {}
    for chapter in chapters:
        values = {"source": source, "root": root, "profile": name}
        if source == "drawn" and str(chapter.parameters.get("source")).startswith("drawn"):
            del values["source"]  # which drawn faces suit its subject is for the chapter to say
        for layer in layers:
            values |= layer.get("all") or {}
            values |= _of_chapter(layer, chapter.number)
        resolved[chapter.number] = {
            parameter: value
            for parameter, value in values.items()
            if parameter in chapter.parameters and value != chapter.parameters[parameter]
        }
    return resolved


def _of_chapter(part: dict, number: str) -> dict:
    # YAML reads 05 without quotes as the number 5.
    return {str(key).zfill(2): values for key, values in (part.get("chapters") or {}).items()}.get(number) or {}


def _check_names(chapters: list[Chapter], part: dict, name: str) -> None:
    declared = {parameter for chapter in chapters for parameter in chapter.parameters}
    for parameter in part.get("all") or {}:
        if chapters and parameter not in declared:
            meant = hint(parameter, sorted(declared), "there is:")
            raise ValueError(f"profile {name}: no chapter has a parameter {parameter!r}; {meant}")
    known = {chapter.number: chapter for chapter in chapters}
    for key, values in (part.get("chapters") or {}).items():
        number = str(key).zfill(2)
        if number not in known:
            raise ValueError(f"profile {name}: there is no chapter {number}; there is: {', '.join(known)}")
        for parameter in values or {}:
            if parameter not in known[number].parameters:
                meant = hint(parameter, sorted(known[number].parameters), "there is:")
                raise ValueError(f"profile {name}: chapter {number} has no parameter {parameter!r}; {meant}")
