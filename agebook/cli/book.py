"""Commands of the book itself: ``build``, ``pdf``, ``serve``, ``launch``, ``lab``, ``bench``.

Explained in "Building the book".
"""

import os
import sys

from agelib.cli.options import add_workers
from agelib.runtime.logs import LOGGER
from agelib.runtime.progress import Line, steady


def add(commands) -> None:
    """Add the commands to the parser's."""
    book = commands.add_parser("build", help="execute the chapters that changed and build the site")
    book.add_argument("--profile", default="cpu", help="smoke, cpu (default) or gpu: a file of notebooks/profiles")
    book.add_argument("--source", default="drawn", help="drawn (default), utkface, imdb-wiki or appa-real")
    book.add_argument("--root", default="", help="the data set's folder or published archive; none for drawn faces")
    book.add_argument("--chapters", default="", help="chapters to execute, such as 05,06, or none (default: all)")
    add_workers(book, "chapters", "one a core, fewer where memory is short")
    book.add_argument("--address", default="", help="where the site will be published, such as https://example.org/")
    book.add_argument("--repository", default="", help="its page on GitHub, for launch buttons (default: git's origin)")
    book.set_defaults(
        command=_book, kept="Executed chapters and finished trainings are kept; the site is as it was. To go on:"
    )

    pdf = commands.add_parser("pdf", help="print the built site as one PDF (needs Chromium)")
    pdf.add_argument("--source", default="drawn", help="of which pages: drawn (default), utkface, imdb-wiki, appa-real")
    pdf.add_argument("--root", default="", help="the data set's folder or archive, as for build")
    pdf.add_argument("--to", default="", help="the file (default: beside the pages, estimating-age-from-faces.pdf)")
    pdf.set_defaults(command=_pdf)

    serve = commands.add_parser("serve", help="show the built site in a browser, pages that fetch files included")
    serve.add_argument("--folder", default="", help="the site (default: _build/html)")
    serve.add_argument("--port", type=int, default=8000, help="of this machine (default: 8000; 0: any)")
    serve.set_defaults(command=_serve, ends_by_itself=True)

    launch = commands.add_parser("launch", help="write the chapters as Colab, Kaggle and Binder open them")
    launch.add_argument("folder", help="where to")
    launch.add_argument("--repository", default="", help="its page on GitHub (default: git's origin)")
    launch.set_defaults(command=_launch)

    lab = commands.add_parser("lab", help="open JupyterLab on the notebooks")
    lab.set_defaults(command=_lab, needs=["jupyterlab"], ends_by_itself=True)

    bench = commands.add_parser("bench", help="measure speed: run the programs in benchmarks/, one after the other")
    bench.add_argument("names", nargs="*", help="which, such as training pixels (default: all)")
    bench.set_defaults(command=_bench, kept="Reports of finished benchmarks are kept; to run all again:")


def _book(chosen) -> int:
    from agebook.build import book

    return book(
        chosen.profile,
        chosen.source,
        chosen.root,
        chosen.chapters,
        chosen.workers,
        chosen.address,
        chosen.scheduler,
        chosen.repository,
    )


def _launch(chosen) -> int:
    from agebook.build.chapters import REPOSITORY
    from agebook.build.launch import write_copies
    from agebook.build.plan import Build
    from agebook.build.site import repository_address

    where = repository_address(REPOSITORY, Build.of(origin=chosen.repository).origin)
    files = write_copies(REPOSITORY, chosen.folder, *(where or ()))
    fetched = "fetch {} (branch {})".format(*where) if where else "have no set-up cell: no page on GitHub is known"
    print(f"{chosen.folder}: {len(files)} chapters, which {fetched}")
    return 0


def _pdf(chosen) -> int:
    from pathlib import Path

    from agebook.build.chapters import REPOSITORY, read_contents
    from agebook.build.pdf import write_pdf
    from agebook.build.plan import Build

    build = Build.of(source=chosen.source, root=chosen.root)
    file = Path(chosen.to or build.html.parent / "estimating-age-from-faces.pdf")
    with steady(f"print {build.html}"):
        write_pdf(build.html, read_contents(REPOSITORY), file)
    print(f"the book: {file}")
    return 0


def _serve(chosen) -> int:
    from agebook.build.chapters import REPOSITORY
    from agebook.build.serve_site import serve

    return serve(chosen.folder or REPOSITORY / "_build" / "html", chosen.port)


def _lab(_chosen) -> int:
    from agebook.build import lab

    return lab()


def _bench(chosen) -> int:
    import subprocess

    from agebook.build.chapters import REPOSITORY

    there = {file.stem: file for file in sorted((REPOSITORY / "benchmarks").glob("[a-z]*.py"))}
    unknown = [name for name in chosen.names if name not in there]
    if unknown:
        raise ValueError(f"there is no benchmark {unknown[0]!r}; there is: {', '.join(there)}")
    # The programs print what a code page may not have.
    spoken = os.environ | {"PYTHONIOENCODING": f"{sys.stdout.encoding}:replace"}
    worst, wanted = 0, chosen.names or list(there)
    # Each prints its own table as it goes, so this line is written between them, and not rewritten below them.
    line = Line("benchmarks", len(wanted), "programs", shown=False)
    for name in wanted:
        print(f"── {name} ({line.timed()})", flush=True)
        worst = max(worst, subprocess.call([sys.executable, str(there[name])], cwd=REPOSITORY, env=spoken))
        line.advance()
        LOGGER.info("%s, %s", name, line.timed())
    return worst
