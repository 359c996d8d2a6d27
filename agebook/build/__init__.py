"""From notebooks to a published book: the build, for ``make book`` and for ``python -m agebook build`` alike.

====================== ==================================================================
module                 holds
====================== ==================================================================
`chapters`             what a chapter's notebook and the table of contents say
`profiles`             which value each parameter takes
`chapter_experiment`   the experiment that a chapter's parameters describe
`cache_key`            what a chapter's result depends on
`plan`                 one build, planned
`tasks`                the plan as a graph, and its tasks run
`pages`                the pages and notes that the build writes itself
`results`              the page of reference results
`benchmarks`           the page of benchmarks
`launch`               chapters to take away: for Colab, Kaggle, Binder, and to download
`hosted`               what a chapter needs on such a machine
`npm`                  the scripts that pages need (formulas), kept locally
`sphinx_diagrams`      a Sphinx extension: diagrams that stand in their page and follow its colours
`diagrams`             the diagrams themselves, drawn
`sphinx_offline`       a Sphinx extension: pages ask no other server for anything
`sphinx_launch`        a Sphinx extension: buttons that open a chapter elsewhere
`sphinx_katex`         a Sphinx extension: formulas drawn by the build
`artwork`              the images of the site itself
`demo`                 what the page "Try it" fetches: the model's graph, drawn faces
`serve_site`           the built site on an address of this machine
`site`                 the pages put together, and Jupyter Book run on them
`postprocess`          the last hand on the finished pages
`minify`               styles, icons and images made smaller
`pdf`                  the finished site printed as one file
====================== ==================================================================

Explained in "Building the book". Nothing here is needed to estimate an age.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path


def book(
    profile="cpu",
    source="drawn",
    root="",
    chapters="",
    jobs=0,
    address="",
    scheduler="",
    origin="",
    *,
    folder=None,
    repository=None,
) -> int:
    """Build the book: execute the chapters that changed, and put the site together.

    Parameters
    ----------
    profile : str
        smoke, cpu or gpu: a file of notebooks/profiles.
    source, root : str
        The data source, and its folder or published archive.
    chapters : str
        Chapters to execute, such as ``"05,06"``; empty: all.
    jobs : int
        How many chapters to run at a time; 0: one a core, or all that the scheduler's workers take.
    address : str
        Where the site will be published: for its site map, and for links that are shown elsewhere.
    scheduler : str
        Of Dask: its workers execute the chapters, see :func:`agelib.runtime.executors.open`.
    origin : str
        The repository's page on GitHub, which launch buttons and downloads lead to; empty: as ``_config.yml`` says,
        or git.
    folder, repository : path
        Where to build, and where the book lies; for tests.

    Returns
    -------
    int
        0 if the site is whole; 1 if a chapter or the site failed; 2 if what was asked for makes no sense.
    """
    # Imported here, so that planning a build, and every other command, starts without what makes a site.
    from agebook.build.plan import Build, Plan
    from agebook.build.tasks import build_site
    from agelib.runtime import executors

    try:
        build = Build.of(profile, source, root, chapters, jobs, address, folder, repository, scheduler, origin)
        plan = Plan.of(build)
    except ValueError as error:
        print(f"book: {error}", file=sys.stderr)
        return 2
    build.folder.mkdir(parents=True, exist_ok=True)
    # Threads are enough: each one only waits for the process of its chapter, here or elsewhere.
    with executors.open(build.workers, threads=True) as here, contextlib.ExitStack() as elsewhere:
        executor = here
        if scheduler:
            folders = [build.folder, build.repository]
            executor = elsewhere.enter_context(executors.open(scheduler=scheduler, folders=folders))
        is_whole = build_site(plan, here, executor)
    if is_whole:
        print(f"the book: {build.html / 'index.html'}")
    else:
        print(f"the book was not built; {build.html} is as it was before", file=sys.stderr)
    return int(not is_whole)


def lab(repository=None) -> int:
    """Open JupyterLab on the notebooks, with this environment's kernel; returns its exit code.

    But for Windows, JupyterLab takes the place of this process, so that Ctrl-C and other signals are its own.
    """
    from agebook.build.chapters import REPOSITORY
    from agebook.notebooks import can_encrypt

    folder = Path(repository or REPOSITORY)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command.append("--LabApp.default_url=/lab/tree/notebooks")
    if can_encrypt():
        command.append("--KernelManager.transport_encryption=auto")
    if os.name == "nt":
        return subprocess.call(command)
    os.execv(sys.executable, command)
