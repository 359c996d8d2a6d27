"""What to install when a library is missing that only some commands need. Explained in "For operators"."""

import re
from importlib import metadata, util

#: Distributions whose module has another name, and modules that come with another distribution.
_DISTRIBUTIONS = {
    "IPython": "ipykernel",
    "bs4": "beautifulsoup4",
    "fontTools": "fonttools",
    "jupyter_client": "ipykernel",
    "nbclient": "papermill",
    "nbconvert": "nbgrader",
    "sklearn": "scikit-learn",
    "sqlalchemy": "nbgrader",
    "traitlets": "ipywidgets",
    "yaml": "pyyaml",
}


def require(*modules: str) -> None:
    """Raise ModuleNotFoundError for the first module that is not installed, before a long work needs it.

    >>> require("json", "torch")
    """
    for module in modules:
        if util.find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)


def remedy(error: Exception) -> str:
    """One line that says what is missing and how to get it; empty if no extra of agelib brings it.

    >>> remedy(ModuleNotFoundError(name="optuna.trial"))
    "this needs optuna, which is not installed: pip install 'agelib[train]'"
    >>> remedy(ModuleNotFoundError(name="no_such_module")), remedy(ValueError("negative"))
    ('', '')
    """
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    module = error.name.partition(".")[0]
    wanted = _normal(_DISTRIBUTIONS.get(module, module))
    for requirement in metadata.requires("agelib") or ():
        name, _, condition = requirement.partition(";")
        extra = re.search(r"""extra == ["']([^"']+)""", condition)
        if extra and _normal(re.match(r"[\w.-]+", name)[0]) == wanted:
            return f"this needs {module}, which is not installed: pip install 'agelib[{extra[1]}]'"
    return ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
