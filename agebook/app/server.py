"""The server of the page: Voilà on ``notebooks/app.ipynb``, for this machine alone. Explained in "Building the book".

Pages ask no other server for anything: the template is Voilà's own without the style sheet that it takes from a content
delivery network, and of Jupyter's extensions only those are served that the page needs.
"""

import json
import os
import sys
import tempfile
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from agebook.notebooks import kernel_config

#: The page.
NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "app.ipynb"

#: Where the page's process finds what was typed, and where Jupyter looks for templates.
OPTIONS, JUPYTER_PATH = "AGELIB_APP", "JUPYTER_PATH"

#: What the page needs of the extensions of Jupyter: managers of widgets, Voilà's and its base, and ours.
EXTENSIONS = ("@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager", "anywidget")

#: Addresses that this machine alone can reach.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Options:
    """What ``agebook app`` was told about the model; the page runs in another process, which reads it there."""

    run: str = ""
    model: str = ""
    detector: str = "cascade"
    margin: float | None = None
    level: float = 0.9

    @classmethod
    def read(cls, otherwise: "Options | None" = None) -> "Options":
        """The options of the server that this process belongs to; in any other process `otherwise`, or the defaults."""
        typed = os.environ.get(OPTIONS)
        return cls(**json.loads(typed)) if typed else otherwise or cls()

    def write(self) -> None:
        """Leave the options to the processes that this one starts."""
        os.environ[OPTIONS] = json.dumps(asdict(self))

    def choose(self):
        """The model that is meant: see :func:`agelib.deploy.shipped.choose`."""
        from agelib.deploy.shipped import choose  # torch takes seconds to import
        from agelib.experiments import result

        return choose(result.find(self.run) if self.run else self.model, self.detector, self.margin)


def serve(options: Options, port: int = 8866, ip: str = "127.0.0.1", browser: bool = True) -> int:
    """Serve the page until the process is interrupted.

    Parameters
    ----------
    options : Options
    port : int
        If it is taken, the next free one; the address is printed.
    ip : str
        Address to listen on. Beyond this machine pictures would travel unencrypted, and browsers allow no camera there.
    browser : bool
        Whether to open the page in a browser.

    Returns
    -------
    int
        0, once it is interrupted.

    Raises
    ------
    FileNotFoundError
        If there is no such model, or this copy of agelib has no notebooks.
    ValueError
        If the model has no such interval.
    RuntimeError
        If Voilà is missing.
    """
    try:
        from voila.app import Voila
    except ImportError:
        raise RuntimeError("Voilà is not installed: run pip install 'agelib[book]'") from None
    _check(options)
    options.write()
    own = str(Path(__file__).with_name("jupyter"))
    os.environ[JUPYTER_PATH] = os.pathsep.join(filter(None, [own, os.environ.get(JUPYTER_PATH)]))
    if ip not in LOOPBACK:
        print(f"whoever reaches {ip} can use the page; their pictures travel unencrypted", file=sys.stderr)
    Voila.launch_instance(argv=[], config=_configuration(port, ip, browser))
    return 0


def _check(options: Options) -> None:
    """Refuse at once what the page could only fail at later."""
    from agelib.deploy.predict import frame_for

    if not NOTEBOOK.is_file():
        raise FileNotFoundError(f"there is no {NOTEBOOK}; the app needs the repository, not the package alone")
    model = options.choose()
    frame_for(model, options.detector)
    model.check_level(options.level)


def _configuration(port: int, ip: str, browser: bool):
    from traitlets.config import Config

    from agebook.app.inference import LARGEST_BYTES

    return Config(
        Voila={
            "notebook_path": str(NOTEBOOK),
            "ip": ip,
            "port": port,
            "open_browser": browser,
            "tornado_settings": {
                # A picture of the largest size and a little around it.
                "websocket_max_message_size": LARGEST_BYTES + 2**20,
                # Another site whose name was made to point here is not answered.
                "allow_remote_access": ip not in LOOPBACK,
                "local_hostnames": list(LOOPBACK),
            },
        },
        VoilaConfiguration={"template": "agebook", "extension_allowlist": list(EXTENSIONS)},
        # A page that was closed, or whose machine slept, leaves no process behind.
        MappingKernelManager={"cull_idle_timeout": 300, "cull_interval": 60},
        KernelManager=_kernel(),
    )


def _kernel():
    """How pictures go to the page's process: through sockets in Voilà's temporary folder, or through encrypted ports.

    The sockets have the names that Jupyter gives them, for each page has a process of its own.
    """
    sockets = Path(tempfile.gettempdir(), "voila_" + 8 * "x", f"kernel-{uuid.uuid4()}-ipc")
    settings = kernel_config(sockets).KernelManager
    settings.pop("ip", None)
    return settings
