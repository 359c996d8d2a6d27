"""The reference experiments: one name each, with the study that it follows and what that study published.

All train on UTKFace-21k from random weights, on one split. Where an option is not the study's own, `ours` says so.
"""

from agelib.experiments.published.reference import Family, Reference
from agelib.experiments.search import STUDY_A_GRID
from agelib.runtime.suggest import hint

#: A convolutional network that two processor cores can train on all pictures.
SMALL = {
    "network": "basic_cnn",
    "blocks": 4,
    "base_features": 32,
    "hidden_neurons": 128,
    "image_size": 64,
    "grey": True,
    "augmentation": ("flip", "affine", "light"),
    "epochs": 20,
    "batch_size": 64,
    "optimiser": "adamw",
    "learning_rate": 2e-3,
    "weight_decay": 0.05,
    "schedule": "one_cycle",
    "averaging": "ema",
    "ema_decay": 0.998,
    "monitor": "loss",
}

#: The same for pictures of 32 px, which take a few minutes: what many experiments that differ in one thing share.
TINY = SMALL | {"image_size": 32, "epochs": 10, "target": "distribution", "flip_test": True}


STUDY_C = "UTKFace, 80/20 within each age; of duplicates, of seeds and of intervals we know nothing"

#: What study C states for its final networks, one for each task.
STUDY_C_NETWORKS = {"macro F1 of age_group": 73.27, "macro F1 of gender": 93.41, "macro F1 of ethnicity": 80.25}

#: What others state for the MAE on UTKFace, in years: work, network, first weights, MAE. Each on a split of its own.
FIELD = (
    ("paplham2024call", "ResNet-50", "random", 5.33),
    ("paplham2024call", "ResNet-50", "ImageNet", 4.77),
    ("paplham2024call", "ResNet-50", "ages of IMDB-WIKI", 4.37),
    ("kuprashevich2023mivolo", "VOLO-D1 (MiVOLO)", "pretrained", 4.23),
    ("paplham2024call", "a small head on face features", "FaRL", 3.87),
)


#: What is compared with each other.
FAMILIES = {
    "study-a": Family(
        "Study A's three architectures",
        "Optimiser and learning rate of each were chosen on the validation part, with the study's grid of six, on a "
        "quarter of the training part. The study's pictures are of IMDB-WIKI: its errors and ours cannot be compared, "
        "but the order of the three can.",
        "",
    ),
    "targets": Family(
        "Targets side by side", "One network, one split, one set of options: only target and loss differ.", ""
    ),
    "tasks": Family(
        "One network for three tasks, or three networks",
        "All have the same body. Study C found that one network for all three tasks costs something.",
        "target-distribution",
    ),
    "balance": Family(
        "What balancing the age groups buys",
        "One network that learns seven age groups; what is done for the scarce ones differs.",
        "target-groups",
    ),
    "parts": Family(
        "What each part of a recipe gives", "A small network for all three tasks, with one part changed.", "multitask"
    ),
    "speedrun": Family(
        "The speedrun with changes that the sprint is better with, and for longer",
        "A short training judges otherwise than a long one; and this is what nearly twice the minutes buy.",
        "speedrun",
    ),
    "sprint": Family(
        "What each trick of the speedrun gives",
        "A sprint: the speedrun with fewer epochs; without one of its tricks, without any of them, and with two that "
        "it does not have. Chapter 15 explains them.",
        "",
    ),
}

#: Our fastest way to a network of some use: what chapter 15 takes apart.
SPRINT = SMALL | {
    "network": "quick_cnn",
    "hidden_neurons": 256,
    "dropout": 0.2,
    "image_size": 48,
    "grey": False,
    "tasks": ("age", "gender", "ethnicity"),
    "target": "distribution",
    "estimate": "median",
    "grouping": "age",
    "flip_test": True,
    "epochs": 12,
}

#: The same for longer, which needs more to keep the network from learning pictures by heart.
SPEEDRUN = SPRINT | {"epochs": 32, "dropout": 0.3, "augmentation": ("flip", "affine", "crop", "light")}

#: The same once more, with half as many channels again, mixed pictures and a temperature.
BEST = SPEEDRUN | {"base_features": 48, "mixup": 0.2, "epochs": 40, "tempered": True}


def _study_a() -> list[Reference]:
    """ResNet-18, EfficientNet-B0 and Swin V2, one output each, from random weights, without augmentation."""
    published = {
        "resnet18": ("ResNet-18", {"MSE": 147.06}),
        "efficientnet_b0": ("EfficientNet-B0", {"MSE": 133.35}),
        "swinv2_cr_tiny": ("Swin Transformer V2", {"MSE": 173.02}),
    }
    return [
        Reference(
            f"study-a-{network.partition('_')[0]}",
            title,
            {"network": network, "image_size": 32, "epochs": 10, "batch_size": 64, "loss": "mse"},
            study="studya2024",
            published=numbers,
            protocol="32,769 pictures of IMDB-WIKI, 80/10/10 within each age, the same people on both sides",
            ours="UTKFace-21k, 32 px in place of 224, 10 epochs, batches of 64.",
            family="study-a",
            grid=STUDY_A_GRID,
            grid_size={"epochs": 6, "fraction": 0.25},
            seeds=(42,),
        )
        for network, (title, numbers) in published.items()
    ]


def _targets() -> list[Reference]:
    """Every target of chapter 11 with the same network and the same data."""
    titles = {
        "regression": "a number, absolute error",
        "sigmoid": "a number from 0 to 1",
        "groups": "seven age groups",
        "expectation": "an expected value over ages",
        "distribution": "a label distribution",
        "dldl_v2": "a label distribution and its expected value",
        "mean_variance": "mean-variance loss",
        "or_cnn": "ordinal regression (OR-CNN)",
        "coral": "ordinal regression (CORAL)",
        "corn": "ordinal regression (CORN)",
        "normal": "a normal distribution",
    }
    return [
        Reference(
            f"target-{target.replace('_', '-')}",
            title,
            TINY | {"target": target, "loss": "mae"},
            ours="Everything is our choice.",
            family="targets",
        )
        for target, title in titles.items()
    ]


def _tasks() -> list[Reference]:
    """Gender alone, ethnicity alone, and both together with the age; the age alone is target-distribution."""
    three = ("age", "gender", "ethnicity")
    study = {"study": "benyamin2023age", "protocol": STUDY_C, "family": "tasks"}
    ours = "Network, size, optimiser, epochs and split; the study's age is one of seven groups."
    return [
        Reference(
            "task-gender",
            "gender alone",
            TINY | {"tasks": ("gender",)},
            published={"macro F1 of gender": 93.41},
            ours=ours,
            **study,
        ),
        Reference(
            "task-ethnicity",
            "ethnicity alone",
            TINY | {"tasks": ("ethnicity",)},
            published={"macro F1 of ethnicity": 80.25},
            ours=ours,
            **study,
        ),
        Reference(
            "multitask",
            "age, gender and ethnicity",
            TINY | {"tasks": three},
            published={"macro F1 of age_group": 70.71, "macro F1 of gender": 93.01, "macro F1 of ethnicity": 74.95},
            ours=ours,
            **study,
        ),
    ]


def _balances() -> list[Reference]:
    """Age groups with each way of balancing them; without any it is target-groups."""
    titles = {
        "sampler": "scarce groups drawn more often",
        "loss": "losses weighted by 1 − n/N",
        "loss_inverse": "losses weighted by N/(K·n)",
        "augment": "augmented copies of scarce groups",
    }
    return [
        Reference(
            f"balance-{balance.replace('_', '-')}",
            title,
            TINY | {"target": "groups", "balance": balance},
            ours="Everything is our choice.",
            family="balance",
        )
        for balance, title in titles.items()
    ]


def _parts() -> list[Reference]:
    """The network of all tasks with one part of the recipe changed."""
    changes = {
        "colour": ("colour in place of grey", {"grey": False}),
        "plain": ("without augmentation", {"augmentation": ()}),
        "last": ("the last weights, no average over steps", {"averaging": "none"}),
        "once": ("without the mirrored picture in the test", {"flip_test": False}),
        "dropout": ("with dropout 0.2", {"dropout": 0.2}),
        "wide": ("twice as many channels", {"base_features": 64}),
    }
    return [
        Reference(
            f"part-{name}",
            title,
            TINY | {"tasks": ("age", "gender", "ethnicity")} | options,
            ours="Everything is our choice.",
            family="parts",
        )
        for name, (title, options) in changes.items()
    ]


def _sprints() -> list[Reference]:
    """A short form of the speedrun: whole, without one of its tricks, without any, and with others."""
    changes = {
        "size": ("64 pixels a side, not 48", {"image_size": 64}),
        "network": ("the basic CNN", {"network": "basic_cnn"}),
        "schedule": ("the same learning rate throughout", {"schedule": "none"}),
        "average": ("the last weights, no average over steps", {"averaging": "none"}),
        "target": ("a number, absolute error", {"target": "regression", "loss": "mae"}),
        "tasks": ("the age alone", {"tasks": ("age",)}),
        "changes": ("without augmentation", {"augmentation": ()}),
        "mirror": ("without the mirrored picture in the test", {"flip_test": False}),
        "group": ("the most probable age group, and the mean age", {"grouping": "posterior", "estimate": "mean"}),
        "precision": ("single precision throughout", {"mixed_precision": "off"}),
    }
    plain = {key: value for _, options in changes.values() for key, value in options.items()}
    changes["plain"] = ("none of the tricks: the plain recipe", plain)
    changes["small"] = ("small pictures first: from 32 pixels to 48", {"first_size": 32})
    # The average of the weights goes over as many pictures as that of the sprint, not over as many steps.
    large = {"batch_size": 256, "learning_rate": 4e-3, "ema_decay": SMALL["ema_decay"] ** 4}
    changes["batch"] = ("batches of 256, twice the learning rate", large)
    changes = {"": ("the sprint", {})} | changes
    return [
        Reference(
            f"sprint-{name}".rstrip("-"),
            title,
            SPRINT | options,
            ours="Everything is our choice.",
            family="sprint",
            seeds=(42, 43, 44) if name in ("", "plain") else (42,),
        )
        for name, (title, options) in changes.items()
    ]


def _longer() -> list[Reference]:
    """The speedrun with each change that the sprint was better with; and the long one."""
    changes = {
        "size": ("the speedrun at 64 pixels a side, not 48", {"image_size": 64}),
        "network": ("the speedrun with the basic CNN", {"network": "basic_cnn"}),
        "average": ("the speedrun's last weights, no average over steps", {"averaging": "none"}),
        "long": ("the long speedrun: wider, mixed pictures, 40 epochs, a temperature", BEST),
    }
    return [
        Reference(
            f"speedrun-{name}",
            title,
            SPEEDRUN | options,
            ours="Everything is our choice.",
            family="speedrun",
            seeds=(42, 43, 44) if name == "long" else (42,),
        )
        for name, (title, options) in changes.items()
    ]


_REFERENCES = (
    Reference(
        "best",
        "One network for age, gender and ethnicity, at 48 pixels",
        BEST,
        study="benyamin2023age",
        published=STUDY_C_NETWORKS,
        protocol=STUDY_C,
        ours="Everything: the study trains one network (V20) for each of the three tasks, for age groups and on grey "
        "pictures of 224 px.",
    ),
    Reference(
        "speedrun",
        "The speedrun, against the clock",
        SPEEDRUN,
        study="benyamin2023age",
        published=STUDY_C_NETWORKS,
        protocol=STUDY_C,
        ours="Everything; the study's number took about 1000 hours of GPUs and more than 400 networks.",
    ),
    Reference(
        "study-c-age",
        "Study C's final network (V20), age groups",
        {
            "network": "basic_cnn",
            "blocks": 4,
            "base_features": 64,
            "hidden_neurons": 132,
            "dropout": 0.6,
            "image_size": 48,
            "grey": True,
            "augmentation": ("affine", "crop", "blur", "light"),
            "target": "groups",
            "bins": "7b",
            "balance": "sampler",
            "optimiser": "nadam",
            "learning_rate": 1e-4,
            "weight_decay": 0.1,
            "epochs": 30,
            "patience": 10,
            "batch_size": 64,
        },
        study="benyamin2023age",
        published={"macro F1 of age_group": 73.27},
        protocol=STUDY_C,
        ours="48 px in place of 224, 30 epochs at most in place of 100.",
    ),
    *_study_a(),
    *_targets(),
    *_tasks(),
    *_balances(),
    *_parts(),
    *_longer(),
    *_sprints(),
)

#: Names of the reference experiments, in the order of the page.
NAMES = tuple(each.name for each in _REFERENCES)


def read(name: str) -> Reference:
    """A reference experiment by its name.

    Raises
    ------
    ValueError
        If there is none; the message has a near one.

    Examples
    --------
    >>> read("multitask").experiment(seed=43).training.tasks
    ('age', 'gender', 'ethnicity')
    """
    found = {each.name: each for each in _REFERENCES}
    if name not in found:
        raise ValueError(f"no reference experiment {name!r}; {hint(name, NAMES, 'there are')}")
    return found[name]


def compared(family: str) -> tuple[str, ...]:
    """The names of a family's experiments, first the one beside which they stand, if there is one.

    >>> compared("tasks")
    ('target-distribution', 'task-gender', 'task-ethnicity', 'multitask')

    Raises
    ------
    ValueError
        If there is no such family; the message has a near one.
    """
    if family not in FAMILIES:
        raise ValueError(f"no family of references {family!r}; {hint(family, FAMILIES, 'there are')}")
    beside = FAMILIES[family].beside
    return (*([beside] if beside else []), *(each.name for each in _REFERENCES if each.family == family))
