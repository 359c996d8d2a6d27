"""One build, planned: which chapters, with which parameters, under which keys, and what is done already."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import psutil

from agebook.build.cache_key import chapter_key
from agebook.build.chapters import REPOSITORY, Chapter, check_contents, list_chapters
from agebook.build.profiles import read_profile, resolve
from agebook.notebooks import Job, memory_limit
from agelib.runtime.cpu import cores
from agelib.runtime.workspace import content_key

#: What ``make book SOURCE=…`` takes.
SOURCES = ("drawn", "drawn-utkface", "drawn-appa-real", "imdb-wiki", "utkface", "appa-real")

#: Chapters handed to a scheduler at a time; those for which it has no worker wait there.
MOST = 64


@dataclass(frozen=True)
class Build:
    """What to build, as it was asked for.

    Attributes
    ----------
    profile : str
        A file of notebooks/profiles: smoke, cpu or gpu.
    source, root : str
        The data source, and its folder or archive; drawn sources have none.
    chapters : tuple of str
        Numbers of the chapters to execute; empty: all; ``"none"``: none, to look at prose.
    jobs : int
        How many chapters to run at a time; 0: one a core, or as many as memory has room for (one in all for the
        profile gpu).
    address : str
        Where the site will be published, beginning with https:// or http://; empty: not known.
    folder : pathlib.Path
        Where everything that is built goes.
    repository : pathlib.Path
        Where the book lies.
    scheduler : str
        Of Dask, whose workers execute the chapters; empty: this machine does.
    origin : str
        The repository's page on GitHub; empty: as ``_config.yml`` says, or git.
    """

    profile: str = "cpu"
    source: str = "drawn"
    root: str = ""
    chapters: tuple = ()
    jobs: int = 0
    address: str = ""
    folder: Path = REPOSITORY / "_build"
    repository: Path = REPOSITORY
    scheduler: str = ""
    origin: str = ""

    @classmethod
    def of(
        cls,
        profile="cpu",
        source="drawn",
        root="",
        chapters="",
        jobs=0,
        address="",
        folder=None,
        repository=None,
        scheduler="",
        origin="",
    ) -> "Build":
        """Check what was asked for, as text from a command line or as values, and make it a record.

        Raises
        ------
        ValueError
            If the source is unknown, its data is not there, the number of jobs or AGELIB_MEMORY is no number, or the
            address is none.
        """
        memory_limit()
        if source not in SOURCES:
            raise ValueError(f"no data source {source!r}; there is: {', '.join(SOURCES)}")
        if source.startswith("drawn") and root:
            raise ValueError(f"source {source} is drawn and has no root, yet root is {root!r}; name the source of it")
        if not source.startswith("drawn"):
            if not root:
                raise ValueError(f"source {source} needs ROOT=…: its folder or its published archive")
            if not Path(root).expanduser().exists():
                raise ValueError(f"nothing at ROOT={root}; give the folder or the published archive of {source}")
            # Chapters run in folders of their own, where a relative path would lead elsewhere.
            root = str(Path(root).expanduser().resolve())
        if isinstance(chapters, str):
            chapters = chapters.replace(" ", ",").split(",")
        numbers = tuple(str(number).strip().zfill(2) for number in chapters if str(number).strip())
        try:
            jobs = int(jobs or 0)
        except ValueError:
            raise ValueError(f"JOBS takes a number, not {jobs!r}") from None
        if address and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", address):
            raise ValueError(f"ADDRESS is where the site will be, such as https://example.org/ages/, not {address!r}")
        if origin and not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+?/?", origin):
            raise ValueError(
                f"--repository is a page on GitHub, such as https://github.com/someone/ages, not {origin!r}"
            )
        repository = Path(repository or REPOSITORY).resolve()
        folder = Path(folder).resolve() if folder else repository / "_build"
        return cls(profile or "cpu", source, root, numbers, jobs, address, folder, repository, scheduler, origin)

    @functools.cached_property
    def workers(self) -> int:
        """How many chapters run at a time."""
        if self.scheduler:
            return self.jobs or MOST
        # Two trainings on one graphics card slow each other down and may not fit its memory.
        if self.jobs or self.profile == "gpu":
            return self.jobs or 1
        return max(1, min(cores(), int(psutil.virtual_memory().available // memory_limit())))

    @property
    def threads(self) -> int:
        """How many threads each chapter may use; 0: as many as the worker has that executes it."""
        return 0 if self.scheduler else max(1, cores() // self.workers)

    @property
    def html(self) -> Path:
        """The folder of the finished site: real pictures' numbers never land among those of drawn ones."""
        return (self.folder if self.source == "drawn" else self.folder / self.source) / "html"

    @property
    def assembly(self) -> Path:
        """The folder where the pages are put together before Jupyter Book reads them."""
        return (self.folder if self.source == "drawn" else self.folder / self.source) / "source"


@dataclass(frozen=True)
class Plan:
    """A build with its chapters read, their parameters resolved and their keys known."""

    build: Build
    chapters: tuple
    parameters: dict
    keys: dict

    @classmethod
    def of(cls, build: Build) -> "Plan":
        """Read the book and plan its build.

        Raises
        ------
        ValueError
            If a chapter, a profile or the table of contents has a fault, or a chapter was asked for that is not there.
        """
        check_contents(build.repository)
        chapters = list_chapters(build.repository)
        known = [chapter.number for chapter in chapters]
        for number in build.chapters:
            if number not in (*known, "none"):
                raise ValueError(f"there is no chapter {number}; there is: {', '.join(known)}")
        profile = read_profile(build.repository, build.profile)
        parameters = resolve(chapters, profile, build.profile, build.source, build.root)
        keys = {c.number: _named_key(build, c, chapters, parameters) for c in chapters}
        return cls(build, tuple(chapters), parameters, keys)

    @property
    def selected(self) -> list[Chapter]:
        """The chapters that this build is to execute."""
        return [c for c in self.chapters if not self.build.chapters or c.number in self.build.chapters]

    def job(self, chapter: Chapter) -> Job:
        """How to run a chapter, and where its result lies under its key."""
        place = self.build.folder / "executed" / chapter.name / self.keys[chapter.number]
        return Job(
            number=chapter.number,
            notebook=str(chapter.path),
            result=str(place.with_suffix(".ipynb")),
            record=str(place.with_suffix(".json")),
            failed=str(self.build.folder / "failed" / f"{chapter.name}.ipynb"),
            parameters=self.parameters[chapter.number],
            profile=self.build.profile,
            source=self.build.source,
            threads=self.build.threads,
        )

    def is_done(self, chapter: Chapter) -> bool:
        """Whether the chapter's result is there, under the key of what it is today."""
        job = self.job(chapter)
        return Path(job.result).is_file() and Path(job.record).is_file()

    def before(self, chapter: Chapter) -> list[str]:
        """Numbers of the chapters in this build that are to run before a chapter."""
        wanted = set(chapter.needs) | set(chapter.reads)
        return [other.number for other in self.selected if other.number in wanted and other != chapter]

    def urgency(self, chapter: Chapter) -> int:
        """How many chapters of the longest chain that waits for this one, itself among them."""
        waiting = [other for other in self.selected if chapter.number in self.before(other)]
        return 1 + max(map(self.urgency, waiting), default=0)

    def data_of(self, chapter: Chapter) -> dict[str, dict]:
        """The data set that a chapter is about to read, if it does: key → the options that describe it."""
        from agelib.config import options

        if "source" not in chapter.parameters or self.is_done(chapter):
            return {}
        values = chapter.parameters | self.parameters[chapter.number]
        names = [name for name, option in options().items() if option.record == "data"]
        data = {name: values[name] for name in names if name in values}
        return {content_key(data): data}

    @functools.cached_property
    def data(self) -> dict[str, dict]:
        """The data sets that chapters are about to read, each once: key → the options that describe it."""
        return {key: values for chapter in self.selected for key, values in self.data_of(chapter).items()}


def _named_key(build: Build, chapter: Chapter, chapters: list, parameters: dict) -> str:
    # The profile's name and the source stand in the page, so they count even where they change no parameter.
    key = chapter_key(chapter, parameters[chapter.number], chapters, parameters)
    return content_key(key, build.profile, build.source, build.root)
