"""A book of three chapters that runs in seconds, and how its files are changed."""

import shutil
from pathlib import Path

import nbformat
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]

PARAMETERS = 'source: str = "drawn"  # data source\nepochs: int = 3  # most epochs to train'


def write_notebook(path, *cells, parameters=PARAMETERS, **about):
    """A chapter of a title, a parameters cell and the given cells; text begins with '#' or is marked 'text: '."""
    notebook = nbformat.v4.new_notebook(metadata={"agelib": about})
    notebook.cells = [nbformat.v4.new_markdown_cell(f"# Chapter {path.stem}\n\nWhat you will learn: $x^2$.")]
    notebook.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    for cell in cells:
        kind = nbformat.v4.new_markdown_cell if cell.startswith("text: ") else nbformat.v4.new_code_cell
        notebook.cells.append(kind(cell.removeprefix("text: ")))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def write_book(folder):
    """Write a small book of three chapters, with the real settings."""
    (folder / "book").mkdir(parents=True)
    for name in ("_config.yml", "requirements.txt", "book/scripts.yaml"):
        shutil.copy(REPOSITORY / name, folder / name)
    shutil.copytree(REPOSITORY / "book" / "_static", folder / "book" / "_static")
    (folder / "book" / "references.bib").write_text("")
    (folder / "book" / "index.md").write_text("# A book\n")
    notebooks = folder / "notebooks"
    write_notebook(notebooks / "01_ages.ipynb", "from agelib.data import table", "text: Ages.", "epochs")
    write_notebook(
        notebooks / "02_keys.ipynb",
        "from agelib.runtime import workspace\nimport ipywidgets",
        "ipywidgets.IntSlider(description='age')",
        "# show.source(workspace.home)",
        parameters="seed: int = 1  # seed",
        needs=["01"],
    )
    write_notebook(
        notebooks / "03_all.ipynb",
        "import agelib",
        "agelib.Experiment.of(epochs=epochs).values()",
        parameters="epochs: int = 3  # most epochs to train",
    )
    pages = ["book/status", "notebooks/01_ages", "notebooks/02_keys", "notebooks/03_all"]
    contents = {"format": "jb-book", "root": "book/index", "chapters": [{"file": page} for page in pages]}
    (folder / "_toc.yml").write_text(yaml.safe_dump(contents))
    for profile in ("smoke", "cpu"):
        (notebooks / "profiles").mkdir(exist_ok=True)
        (notebooks / "profiles" / f"{profile}.yaml").write_text("all: {}\n")
    return folder
