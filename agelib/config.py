"""`Experiment`: everything that decides a result, as one frozen record.

It describes and does nothing: each field is read in the room that uses it. Papermill parameters, command-line
options, study grids and published experiments are all ways to write Experiments, through :meth:`Experiment.of` and
:meth:`Experiment.replace`, which take every field by its own name. Explained in chapter 06.
"""

import dataclasses
import difflib
import math
from dataclasses import dataclass, field

#: How yes and no are written on a command line and in YAML.
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


#: How a message asks for a value of a kind.
_WISHES = {bool: "yes or no", int: "a whole number", float: "a number", tuple: "a list", str: "text"}

#: Numbers from 0 or from 1 up.
_UP, _FROM_ONE = (0, math.inf), (1, math.inf)


def _option(default, meaning: str, choices: tuple = (), within: tuple = ()):
    """A field with its meaning and, where it has such, its few choices or its smallest and largest value."""
    return field(default=default, metadata={"meaning": meaning, "choices": choices, "within": within})


@dataclass(frozen=True)
class Data:
    """Which pictures, cleaned and split how."""

    source: str = _option(
        "drawn",
        "data set: drawn, drawn-utkface, drawn-appa-real, drawn-panda, imdb-wiki, utkface, appa-real, panda; "
        "several joined by +",
    )
    root: str = _option(
        "", "the data set's folder or published archive; empty for drawn faces; of several, in order, joined by commas"
    )
    pictures: int = _option(3000, "how many pictures to draw, or to take of a real set; 0 takes all")
    data_seed: int = _option(42, "seed of the drawing, of the choice of pictures and of the split", within=_UP)
    label: str = _option("age", "which age to learn", ("age", "real_age", "apparent_age"))
    detector: str = _option("cascade", "face detector of the first cleaning pass", ("cascade", "insightface", "none"))
    min_age: float = _option(0.0, "smallest age kept, in years")
    max_age: float = _option(130.0, "largest age kept, in years")
    min_face_score: float = _option(0.0, "keep a recorded face score above this; a missing score is kept")
    max_second_face_score: float = _option(8.0, "keep a second face's score below this; no second face is kept")
    min_pictures_per_age: int = _option(10, "drop an age with fewer pictures than this", within=_UP)
    duplicates: str = _option(
        "drop", "keep one of each group of duplicates, none of a contradicting group; or keep all", ("drop", "keep")
    )
    age_tolerance: float = _option(
        0.0, "duplicates whose ages differ by more than this many years contradict each other", within=_UP
    )
    split: str = _option(
        "subject_exclusive",
        "how to split: no person on two sides, or 80/10/10 within each age whoever is shown",
        ("subject_exclusive", "by_age"),
    )
    split_file: str = _option(
        "", "CSV of path and split to take the parts from, in place of splitting anew; other pictures are left out"
    )
    folds: int = _option(0, "number of folds of a cross-validation; 0: one split into train, valid and test")
    fold: int = _option(0, "which fold is the test part, from 0", within=_UP)
    allow_leaks: bool = _option(False, "train even if the audit finds a leak between the parts")


@dataclass(frozen=True)
class Pictures:
    """What the network is shown."""

    image_size: int = _option(64, "side of the square pictures, in pixels")
    first_size: int = _option(
        0, "side in the first epoch, growing to image_size until three quarters are over; 0: image_size from the start"
    )
    zoom: float = _option(1.0, "show the middle so much larger: 1 is the whole picture, 2 its middle half")
    grey: bool = _option(False, "show grey pictures (three equal channels)")
    augmentation: tuple = _option((), "random changes of training pictures, of: flip, affine, crop, blur, light")
    mixup: float = _option(0.0, "mix pairs of training pictures: alpha of the Beta distribution; 0: never", within=_UP)
    flip_test: bool = _option(False, "predict from a picture and its mirror image, and take the mean")
    fraction: float = _option(1.0, "share of the training part that is used")
    only: str = _option("", "train and validate on one group alone, such as gender=female; the test part stays whole")


@dataclass(frozen=True)
class Network:
    """Which network, from which weights."""

    network: str = _option("basic_cnn", "a name of the registry, or torchvision/NAME, or timm/NAME")
    blocks: int = _option(4, "basic_cnn, quick_cnn: number of convolution blocks, 1 to 5")
    base_features: int = _option(32, "basic_cnn, quick_cnn: channels of the first block; each block doubles them")
    hidden_neurons: int = _option(128, "basic_cnn, quick_cnn: width of the hidden layer")
    head: tuple = _option((), "widths of the hidden layers of the GELU head behind the features")
    task_head: tuple = _option((), "widths of the hidden layers that each of several tasks has for itself")
    dropout: float = _option(0.0, "share of units dropped in the head")
    pretrained: str = _option("", "empty: random weights; imagenet; or a local .safetensors or .pth file")


@dataclass(frozen=True)
class Training:
    """How the network is trained."""

    tasks: tuple = _option(("age",), "what is predicted, one or several of: age, gender, ethnicity, expression")
    task_weights: tuple = _option((), "weight of each task's loss, in their order; empty: 1 each")
    target: str = _option(
        "regression",
        "how an age is put to the network",
        (
            "regression", "sigmoid", "groups", "expectation", "distribution", "dldl_v2", "mean_variance", "or_cnn",
            "coral", "corn", "normal",
        ),
    )  # fmt: skip
    loss: str = _option("mse", "loss of a regression or sigmoid regression", ("mse", "mae", "huber"))
    standardise: bool = _option(True, "regression: learn (age − mean) / std of the training part, not years")
    bins: str = _option("7b", "age groups: 3, 4, 7a, 7b, 8, two-year, or first ages such as 0,3,7,15,31,41,66")
    sigma: float = _option(
        2.0, "label distribution: standard deviation, in years; 0: the raters' own spread", within=_UP
    )
    label_smoothing: float = _option(0.0, "classes: share of a label that is spread over all of them", within=(0, 1))
    label_noise: float = _option(0.0, "share of the training pictures that swap ages: what wrong labels cost")
    estimate: str = _option("mean", "which age of the posterior is the answer", ("mean", "median", "mode"))
    grouping: str = _option(
        "posterior",
        "the age group that is predicted: the most probable one, or the one that the predicted age falls in",
        ("posterior", "age"),
    )
    balance: str = _option(
        "none",
        "what is done for scarce groups: draw them more often, weigh their loss (1 − n/N, or N/(K·n)), "
        "weigh by the smoothed density of ages, or add augmented copies",
        ("none", "sampler", "loss", "loss_inverse", "lds", "augment"),
    )
    balance_by: str = _option(
        "age_group", "groups to balance: age_group, gender, ethnicity, expression, or several joined by *"
    )
    trained: str = _option(
        "all",
        "what is trained: everything, the head, first the head and then everything, or one more stage an epoch",
        ("all", "head", "head_then_all", "gradual"),
    )
    frozen_stages: int = _option(0, "so many first stages of the body keep their weights", within=_UP)
    head_epochs: int = _option(5, "head_then_all, gradual: most epochs of the head alone", within=_UP)
    head_learning_rate: float = _option(1e-3, "head_then_all, gradual: learning rate of the head alone", within=_UP)
    head_batch_size: int = _option(64, "head_then_all, gradual: pictures a batch for the head alone", within=_FROM_ONE)
    optimiser: str = _option("adamw", "optimiser", ("adam", "adamw", "nadam", "sgd", "rmsprop", "adadelta", "adamax"))
    learning_rate: float = _option(1e-3, "learning rate", within=_UP)
    weight_decay: float = _option(0.0, "weight decay (decoupled for adamw, L2 for the others)", within=_UP)
    momentum: float = _option(0.9, "momentum of sgd", within=(0, 1))
    nesterov: bool = _option(False, "Nesterov's momentum for sgd")
    schedule: str = _option("none", "learning-rate schedule", ("none", "plateau", "one_cycle", "cosine"))
    epochs: int = _option(5, "most epochs to train", within=_FROM_ONE)
    patience: int = _option(0, "stop after this many epochs without a better validation loss; 0: never", within=_UP)
    monitor: str = _option("loss", "validation value that stops early and picks the best epoch", ("loss", "mae", "f1"))
    averaging: str = _option(
        "none", "average weights over the last quarter of the epochs, or over all steps", ("none", "swa", "ema")
    )
    ema_decay: float = _option(0.99, "ema: what share of the average a step leaves as it was", within=(0, 1))
    batch_size: int = _option(64, "pictures a batch")
    mixed_precision: str = _option("auto", "half precision where it helps", ("auto", "off", "bf16", "fp16"))
    tempered: bool = _option(
        False, "divide the trained network's outputs by the temperature that the validation part chooses, task by task"
    )
    compiled: bool = _option(False, "train with torch.compile: a minute at first; the page Benchmarks says what it won")
    seed: int = _option(42, "seed of weights, batches and augmentation", within=_UP)


@dataclass(frozen=True)
class Experiment:
    """One training, described.

    Examples
    --------
    >>> experiment = Experiment.of(network="resnet18", optimiser="sgd")
    >>> experiment.training.optimiser, experiment.pictures.image_size
    ('sgd', 64)
    >>> experiment.replace(learning_rate=1e-4).training.learning_rate
    0.0001
    >>> Experiment.of(lerning_rate=1e-4)
    Traceback (most recent call last):
    ...
    ValueError: an experiment has no option 'lerning_rate'; did you mean 'learning_rate'?
    """

    data: Data = field(default_factory=Data)
    pictures: Pictures = field(default_factory=Pictures)
    network: Network = field(default_factory=Network)
    training: Training = field(default_factory=Training)

    @classmethod
    def of(cls, **values) -> "Experiment":
        """Make an experiment from options by name; what is not named keeps its default.

        A name that is no option, or a value of the wrong kind or not among the choices, is a ValueError.
        """
        return cls().replace(**values)

    def replace(self, **values) -> "Experiment":
        """Return a copy with the named options changed."""
        known = options()
        for name, value in values.items():
            if name not in known:
                meant = _meant(name, known) or f"it has: {', '.join(known)}"
                raise ValueError(f"an experiment has no option {name!r}; {meant}")
            values[name] = _fit(name, value, known[name])
        records = {}
        for record in dataclasses.fields(self):
            part = getattr(self, record.name)
            mine = {f.name: values[f.name] for f in dataclasses.fields(part) if f.name in values}
            records[record.name] = dataclasses.replace(part, **mine)
        tasks, weights = records["training"].tasks, records["training"].task_weights
        if weights and (len(weights) != len(tasks) or not all(isinstance(weight, (int, float)) for weight in weights)):
            wish = f"a number for each of {', '.join(tasks)}, or nothing"
            raise ValueError(f"task_weights takes {wish}, not {list(weights)}")
        return Experiment(**records)

    def values(self) -> dict:
        """All options by name, flat, in order: what :meth:`of` takes back."""
        records = (self.data, self.pictures, self.network, self.training)
        return {f.name: getattr(part, f.name) for part in records for f in dataclasses.fields(part)}

    def changes(self) -> dict:
        """The options that differ from the defaults."""
        usual = Experiment().values()
        return {name: value for name, value in self.values().items() if value != usual[name]}


@dataclass(frozen=True)
class Option:
    """One field of an experiment as a command line or a chapter shows it."""

    name: str
    record: str
    kind: type
    default: object
    meaning: str
    choices: tuple
    within: tuple


def options() -> dict[str, Option]:
    """Every option of an experiment by name: the one list from which command lines and tables are generated.

    >>> options()["epochs"].meaning
    'most epochs to train'
    """
    records = {"data": Data, "pictures": Pictures, "network": Network, "training": Training}
    return {
        f.name: Option(f.name, record, type(f.default), f.default, **f.metadata)
        for record, kind in records.items()
        for f in dataclasses.fields(kind)
    }


def _fit(name: str, value, option: Option):
    """Bring a value to the option's kind: text from a command line, lists from YAML, whole floats from JSON."""
    try:
        fitted = _convert(value, option.kind)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} takes {_WISHES[option.kind]}, not {value!r} ({option.meaning})") from None
    if option.within and not (option.within[0] <= fitted <= option.within[-1] and math.isfinite(fitted)):
        limit = f" to {option.within[-1]:g}" if math.isfinite(option.within[-1]) else " up"
        raise ValueError(f"{name} is a number from {option.within[0]:g}{limit}, not {value!r} ({option.meaning})")
    if option.choices and fitted not in option.choices:
        meant = _meant(fitted, option.choices)
        said = f"{name} is one of {', '.join(option.choices)}, not {value!r}"
        raise ValueError(f"{said}; {meant}" if meant else said)
    return fitted


def _meant(word, known) -> str:
    """The known word that is near, as a question; empty if none is."""
    near = difflib.get_close_matches(str(word), known, n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def _convert(value, kind: type):
    if kind is bool:
        word = str(value).strip().lower()
        if word not in _YES + _NO:
            raise ValueError
        return word in _YES
    if kind is tuple:
        parts = value.replace("+", ",").split(",") if isinstance(value, str) else list(value)
        return tuple(_number_or_text(part) for part in parts if part != "")
    if kind is int:
        if isinstance(value, bool) or float(value) != int(float(value)):
            raise ValueError
        return int(float(value))
    if kind is float:
        if math.isnan(float(value)):
            raise ValueError
        return float(value)
    if value is None:
        raise ValueError
    return str(value)


def _number_or_text(part):
    if not isinstance(part, str):
        return part
    for kind in (int, float):
        try:
            return kind(part)
        except ValueError:
            continue
    return part.strip()
