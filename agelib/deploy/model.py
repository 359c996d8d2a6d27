"""`Model`: all that it takes to judge a picture, from a finished run or from a folder that was exported from one.

The folder holds ``model.json`` (which network, what its outputs mean, how pixels are normalised, how wide the
intervals are, where in a crop the face lies, and where all this comes from), ``model.safetensors`` (the weights),
``model.onnx`` (network and normalisation as one graph, for programs without agelib) and ``README.md`` (the model card).
Nothing is a pickle, and neither the data set nor the run is needed. Explained in chapter 25.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from agelib import networks, training
from agelib.config import Experiment
from agelib.deploy import schema
from agelib.deploy.face_crop import MEASURED, Frame, measure_frame
from agelib.metrics import Calibration, add_intervals
from agelib.pixels.batches import Batches
from agelib.pixels.decode import resize_images
from agelib.runtime import workspace
from agelib.runtime.devices import choose_device
from agelib.targets.base import Target
from agelib.training import checkpoints

#: Files of an exported model.
DESCRIPTION, WEIGHTS, GRAPH, CARD = "model.json", "model.safetensors", "model.onnx", "README.md"

#: Version of the description; it goes up when an older agelib could not read a newer one.
FORMAT = 1

#: Pictures that go through the network at a time.
BATCH = 128


@dataclass(frozen=True, eq=False)
class Model:
    """A network, and all that its answers depend on.

    Attributes
    ----------
    experiment : agelib.config.Experiment
        Its records `network` and `pictures` count.
    target : agelib.targets.Target
        What the outputs mean, with what it learnt from the training part.
    mean, std : numpy.ndarray
        float32 [3], of the training part's pixels, in 0..1.
    calibrations : dict
        Level → :class:`agelib.metrics.conformal.Calibration` on the validation part; empty without an age.
    weights, graph : pathlib.Path
        The safetensors file, and the ONNX file, if there is one.
    origin : dict or agelib.experiments.result.Run
        Where it comes from: what a description says of it, or the run itself; see :attr:`about`.
    frame : Frame, optional
        What to cut out around a face; None if it was not measured.
    """

    experiment: Experiment
    target: Target
    mean: np.ndarray
    std: np.ndarray
    calibrations: dict[float, Calibration]
    weights: Path
    origin: object
    frame: Frame | None = None
    graph: Path | None = None

    @cached_property
    def about(self) -> dict:
        """Where it comes from: data, split, seed, device, versions, test errors, which take a second to measure."""
        return self.origin if isinstance(self.origin, dict) else schema.describe_run(self.origin)

    @property
    def drawn(self) -> bool:
        """Whether it was trained on drawn faces, and so knows nothing about people."""
        return bool(self.about["environment"].get("drawn"))

    @cached_property
    def network(self):
        """The network with its weights, on the CPU, ready to predict."""
        made = networks.build(
            self.experiment.replace(pretrained="").network,
            self.target.outputs,
            self.experiment.pictures.image_size,
            seed=0,
            last_layer=self.target.last_layer,
        )
        checkpoints.load_weights(self.weights, made)
        return made.eval()

    @cached_property
    def session(self):
        """The ONNX graph, ready to predict on the CPU."""
        if self.graph is None:
            again = "`agelib export FOLDER --model MODEL` writes it again with one, then name that folder"
            raise ValueError(f"this model has no ONNX graph; {again}")
        return open_graph(self.graph)

    def resize(self, images) -> np.ndarray:
        """Images as the network is shown them, before the normalisation.

        Parameters
        ----------
        images : array
            uint8: [N, H, W, 3] of any size, which get the zoom, size and colours that a file gets; or [N, 3, S, S] or
            [N, 1, S, S] of the model's image size, which stay as they are. All else is a ValueError.

        Returns
        -------
        array
            uint8 [N, 3, S, S], or [N, 1, S, S] of a network that is shown grey.
        """
        show = self.experiment.pictures
        size, shape = show.image_size, list(images.shape)
        if shape[1:] in ([3, size, size], [1, size, size]):
            return images
        if len(shape) != 4 or shape[-1] != 3 or images.dtype != np.uint8:
            raise ValueError(
                f"the model takes images uint8 [N, 3, {size}, {size}] or [N, 1, {size}, {size}], or [N, H, W, 3] of "
                f"any size, not {images.dtype} {shape}"
            )
        return resize_images(images, size, show.grey, show.zoom)

    def normalise(self, images) -> torch.Tensor:
        """What goes into the network for images, as :meth:`resize` takes them: float32 [N, 3, S, S], on the CPU."""
        return self._batches(images, len(images)).one_batch()[0]

    def outputs(
        self, images, device=None, onnx: bool = False, rows=None, batch_size: int = BATCH, flip: bool | None = None
    ) -> torch.Tensor:
        """What the network gives for images, before the target says what it means.

        Parameters
        ----------
        images : array or agelib.pixels.cache.Pixels
            As for :meth:`resize`.
        device : torch.device, optional
        onnx : bool
            Ask the ONNX graph, on the CPU, in place of the network.
        rows : array of int, optional
            Which images, [N]; by default all.
        batch_size : int
        flip : bool, optional
            Take the mean over each image and its mirror image; by default, and by a graph, as the experiment says.

        Returns
        -------
        torch.Tensor
            float32 [N, outputs], on the CPU.
        """
        device = choose_device() if device is None else device
        if onnx:
            images = self.resize(images)
            images = np.broadcast_to(images, (len(images), 3, *images.shape[2:]))
            starts = range(0, len(images), batch_size)
            parts = (np.ascontiguousarray(images[start : start + batch_size]) for start in starts)
            return torch.from_numpy(np.concatenate([self.session.run(None, {"pictures": part})[0] for part in parts]))
        flip = self.experiment.pictures.flip_test if flip is None else flip
        return training.outputs(self.network, self._batches(images, batch_size, rows, device), device, flip)

    def _batches(self, images, batch_size: int, rows=None, device="cpu") -> Batches:
        images = self.resize(getattr(images, "images", images))
        rows = np.arange(len(images)) if rows is None else rows
        nothing = np.zeros(len(images))  # in place of labels
        return Batches(images, rows, nothing, batch_size, self.mean, self.std, device)

    def check_level(self, level: float) -> None:
        """Refuse a share of pictures for which the model has no intervals, though it has some."""
        if self.target.gives_age and self.calibrations and level not in self.calibrations:
            known = ", ".join(f"{each:g}" for each in self.calibrations)
            raise ValueError(f"the model has intervals of {known}, not of {level:g}")

    def predict(self, images: np.ndarray, level: float = 0.9, device=None, onnx: bool = False) -> pd.DataFrame:
        """What the model says of pictures, one row each.

        Parameters
        ----------
        images, device, onnx
            As for :meth:`outputs`.
        level : float
            Share of pictures whose interval shall hold the true age: one of :data:`agelib.deploy.schema.LEVELS`.

        Returns
        -------
        pandas.DataFrame
            The columns of :meth:`agelib.targets.Target.predictions`; where there is an age also ``age_low`` and
            ``age_high``, in years, missing where the validation part was too small for any bound.
        """
        self.check_level(level)
        given = self.outputs(images, device, onnx)
        table = self.target.predictions(given)
        if not self.target.gives_age:
            return table
        if not self.calibrations:
            return table.assign(age_low=np.nan, age_high=np.nan)
        posterior = None
        if self.calibrations[level].kind != "absolute":
            posterior = pd.DataFrame(self.target.posterior(given).numpy(), columns=self.target.ages)
        table = add_intervals(self.calibrations[level], table, posterior)
        bounded = np.isfinite(table["age_high"])
        # The answer is never outside: a mean may be, of a posterior with two peaks. A wider interval holds no less.
        low, high = table[["age_low", "predicted"]].min(axis=1), table[["age_high", "predicted"]].max(axis=1)
        return table.assign(age_low=low.clip(lower=0).where(bounded), age_high=high.where(bounded))


def of_run(run, frame: Frame | None = None) -> Model:
    """The model of a finished :class:`~agelib.experiments.result.Run`; the frame is for whole pictures alone.

    :func:`frame_of_run` measures one.
    """
    return Model(
        experiment=run.experiment,
        target=run.target(),
        mean=np.asarray(run.environment["pixel_mean"], np.float32),
        std=np.asarray(run.environment["pixel_std"], np.float32),
        calibrations=schema.calibrate_run(run),
        weights=run.weights,
        origin=run,
        frame=frame,
    )


def frame_of_run(run, detector: str = "cascade", pictures: int = MEASURED) -> Frame:
    """Measure where the faces lie in a run's training pictures; an OSError if these are not there.

    A detector that finds hardly any there (of pandas, say) is no hindrance to exporting; whole pictures are refused.
    """
    prepared, paths = run.prepared, run.train_predictions["path"]
    chosen = np.random.default_rng(0).choice(len(paths), min(pictures, len(paths)), replace=False)
    files = [prepared.root / path for path in paths.iloc[np.sort(chosen)]]
    frame = measure_frame(files, detector)
    if not frame.pictures:
        raise FileNotFoundError(f"the training pictures of the run {run.folder.name} are not in {prepared.root}")
    return frame


def describe(model: Model, **more) -> dict:
    """What ``model.json`` holds."""
    network, show = asdict(model.experiment.network) | {"pretrained": ""}, asdict(model.experiment.pictures)
    show = {name: show[name] for name in ("image_size", "zoom", "grey", "flip_test")}
    return {
        "format": FORMAT,
        "network": network,
        "pictures": show,
        "pixel_mean": [float(value) for value in model.mean],
        "pixel_std": [float(value) for value in model.std],
        "target": schema.describe_target(model.target),
        "outputs": schema.describe_outputs(model.target),
        "intervals": schema.describe_intervals(model.calibrations),
        "frame": None if model.frame is None else asdict(model.frame),
        "about": model.about,
    } | more


def load(folder) -> Model:
    """Read a model that :func:`agelib.deploy.export` wrote. Nothing else is needed, and no code of it is run.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder holds no model; if a file is torn, or was written by a newer agelib.
    """
    folder = Path(folder)
    if not (folder / DESCRIPTION).is_file():
        raise FileNotFoundError(f"{folder} holds no model ({DESCRIPTION}); `agelib export` writes one")
    if fault := workspace.find_fault(folder):
        raise ValueError(f"{folder}: {fault}; export it again")
    description = workspace.read_json(folder / DESCRIPTION)
    if description.get("format") != FORMAT:
        raise ValueError(
            f"{folder / DESCRIPTION} has the format {description.get('format')!r}, this agelib reads {FORMAT}; "
            "update agelib, or export the model again"
        )
    graph = folder / GRAPH
    return Model(
        experiment=Experiment.of(**description["network"], **description["pictures"]),
        target=schema.read_target(description["target"]),
        mean=np.asarray(description["pixel_mean"], np.float32),
        std=np.asarray(description["pixel_std"], np.float32),
        calibrations=schema.read_intervals(description["intervals"]),
        weights=folder / WEIGHTS,
        origin=description["about"],
        frame=Frame(**description["frame"]) if description["frame"] else None,
        graph=graph if graph.is_file() else None,
    )


def open_graph(file):
    """An ONNX file, ready to run on the CPU, with as many threads as torch has; needs onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        raise RuntimeError("onnxruntime is not installed: run pip install 'agelib[export]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors alone
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
