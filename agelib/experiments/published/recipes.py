"""The experiments whose results are kept: one name each, with the work that it follows and what that published.

All train on UTKFace-21k from random weights, on one split. Where an option is not the work's own, `ours` says so, and
`chosen_by` what chose it: all runs share one test set, so a setting that was chosen by test errors is flattered by it.
"""

from agelib.experiments.published.record import SPLIT, Published, Sequence
from agelib.experiments.search import STUDY_A_GRID

#: The data of all. Pictures are aligned and cropped already, and no age is too rare to be tested.
ON_UTKFACE = Published(
    "",
    "UTKFace-21k",
    {
        "source": "utkface", "pictures": 0, "detector": "none", "min_pictures_per_age": 1, "duplicates": "drop",
        "split_file": str(SPLIT),
    },
)  # fmt: skip

#: A convolutional network that two processor cores can train on all pictures.
SMALL = Published(
    "",
    "a small network",
    {
        "network": "basic_cnn", "blocks": 4, "base_features": 32, "hidden_neurons": 128, "image_size": 64, "grey": True,
        "augmentation": ("flip", "affine", "light"), "epochs": 20, "batch_size": 64, "optimiser": "adamw",
        "learning_rate": 2e-3, "weight_decay": 0.05, "schedule": "one_cycle", "averaging": "ema", "ema_decay": 0.998,
        "monitor": "loss",
    },
    after=ON_UTKFACE,
)  # fmt: skip

#: The same for pictures of 32 px, which take a few minutes: what many experiments that differ in one thing share.
TINY = Published(
    "",
    "a small network at 32 px",
    {"image_size": 32, "epochs": 10, "target": "distribution", "flip_test": True},
    after=SMALL,
)

OURS = "Everything is our choice."

#: What chose a setting. Of the older ones it is not known any more, and nobody should take it for the validation set.
NOT_KEPT = "not kept"
ONE_CHANGE = "one given change; of the rest: not kept"
BY_TEST = "test errors of the sprint, on the same test set"
BY_GRID = "validation MSE, a grid of six"
BY_STUDY = "the study; fewer epochs and pixels by hand"

THREE_TASKS = ("age", "gender", "ethnicity")
THREE_SEEDS = (42, 43, 44)

STUDY_C = {
    "study": "benyamin2023age",
    "protocol": "UTKFace, 80/20 within each age, the most probable age group; of duplicates, of persons, of seeds and "
    "of intervals we know nothing",
}

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


def _ours(prefix: str, after: Published, titled: dict, **more) -> tuple[Published, ...]:
    """Experiments of which everything is our choice: end of the name → title, changes and, if not the usual, seeds."""
    made = []
    for end, (title, changes, *seeds) in titled.items():
        chosen = {"ours": OURS, "seeds": THREE_SEEDS, "chosen_by": ONE_CHANGE} | more
        if seeds:
            chosen["seeds"] = seeds[0]
        made.append(Published(f"{prefix}-{end}".rstrip("-"), title, changes, after=after, **chosen))
    return tuple(made)


#: What each trick of the speedrun is replaced by, to see what it gives.
TRICKS = {
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

#: Our fastest way to a network of some use: what chapter 17 takes apart.
SPRINT = Published(
    "sprint",
    "the sprint",
    {
        "network": "quick_cnn", "hidden_neurons": 256, "dropout": 0.2, "image_size": 48, "grey": False,
        "tasks": THREE_TASKS, "target": "distribution", "estimate": "median", "grouping": "age", "flip_test": True,
        "epochs": 12,
    },
    after=SMALL,
    ours=OURS,
    chosen_by=NOT_KEPT,
    seeds=THREE_SEEDS,
)  # fmt: skip

#: The same for longer, which needs more to keep the network from learning pictures by heart.
SPEEDRUN = Published(
    "speedrun",
    "The speedrun, against the clock",
    {"epochs": 32, "dropout": 0.3, "augmentation": ("flip", "affine", "crop", "light")},
    STUDY_C_NETWORKS,
    after=SPRINT,
    ours="Everything; the study's number took about 1000 hours of GPUs and more than 400 networks.",
    chosen_by=NOT_KEPT,
    seeds=THREE_SEEDS,
    **STUDY_C,
)

#: The same once more, with half as many channels again, mixed pictures and a temperature.
BEST = Published(
    "best",
    "One network for age, gender and ethnicity, at 48 pixels",
    {"base_features": 48, "mixup": 0.2, "epochs": 40, "tempered": True},
    STUDY_C_NETWORKS,
    after=SPEEDRUN,
    ours="Everything: the study trains one network (V20) for each of the three tasks, for age groups and on grey "
    "pictures of 224 px.",
    chosen_by=NOT_KEPT,
    seeds=THREE_SEEDS,
    **STUDY_C,
)

STUDY_C_AGE = Published(
    "study-c-age",
    "Study C's final network (V20), age groups",
    {
        "network": "basic_cnn", "blocks": 4, "base_features": 64, "hidden_neurons": 132, "dropout": 0.6,
        "image_size": 48, "grey": True, "augmentation": ("affine", "crop", "blur", "light"), "target": "groups",
        "bins": "7b", "balance": "sampler", "optimiser": "nadam", "learning_rate": 1e-4, "weight_decay": 0.1,
        "epochs": 30, "patience": 10, "batch_size": 64,
    },
    {"macro F1 of age_group": 73.27},
    after=ON_UTKFACE,
    ours="48 px in place of 224, 30 epochs at most in place of 100.",
    chosen_by=BY_STUDY,
    seeds=THREE_SEEDS,
    **STUDY_C,
)  # fmt: skip

ALONE = Sequence("", "What stands for itself", (BEST, SPEEDRUN, STUDY_C_AGE))

#: ResNet-18, EfficientNet-B0 and Swin V2, one output each, from random weights, without augmentation.
STUDY_A = Sequence(
    "study-a",
    "Study A's three architectures",
    tuple(
        Published(
            f"study-a-{network.partition('_')[0]}",
            title,
            {"network": network, "image_size": 32, "epochs": 10, "batch_size": 64, "loss": "mse"},
            {"MSE": mse},
            after=ON_UTKFACE,
            study="studya2024",
            protocol="32,769 pictures of IMDB-WIKI, 80/10/10 within each age, the same people on both sides",
            ours="UTKFace-21k, 32 px in place of 224, 10 epochs, batches of 64.",
            chosen_by=BY_GRID,
            grid=STUDY_A_GRID,
            grid_size={"epochs": 6, "fraction": 0.25},
        )
        for network, title, mse in (
            ("resnet18", "ResNet-18", 147.06),
            ("efficientnet_b0", "EfficientNet-B0", 133.35),
            ("swinv2_cr_tiny", "Swin Transformer V2", 173.02),
        )
    ),
    said="Optimiser and learning rate of each were chosen on the validation part, with the study's grid of six, on a "
    "quarter of the training part. The study's pictures are of IMDB-WIKI, larger, and trained on for longer: neither "
    "its errors nor its order of the three have to be ours.",
)

#: Every target of chapter 12 with the same network and the same data.
TARGETS = Sequence(
    "targets",
    "Targets side by side",
    _ours(
        "target",
        TINY,
        {
            target.replace("_", "-"): (title, {"target": target, "loss": "mae"})
            for target, title in {
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
            }.items()
        },
    ),
    said="One network, one split, one set of options: only target and loss differ.",
)

_STUDY_C_TASK = STUDY_C | {
    "ours": "Network, size, optimiser, epochs and split; the study's age is one of seven groups.",
    "chosen_by": NOT_KEPT,
    "seeds": THREE_SEEDS,
    "after": TINY,
}

MULTITASK = Published(
    "multitask",
    "age, gender and ethnicity",
    {"tasks": THREE_TASKS},
    {"macro F1 of gender": 93.01, "macro F1 of ethnicity": 74.95},
    note="The study's 70.71 % for age (V19) is of its first seven groups (0–2, 3–9, 10–16, 17–25, 26–45, 46–60, 61 and "
    "over), which are not ours: it has no place beside our number.",
    **_STUDY_C_TASK,
)

#: Gender alone, ethnicity alone, and both together with the age; the age alone is target-distribution.
TASKS = Sequence(
    "tasks",
    "One network for three tasks, or three networks",
    (
        *(
            Published(
                f"task-{task}",
                f"{task} alone",
                {"tasks": (task,)},
                {f"macro F1 of {task}": STUDY_C_NETWORKS[f"macro F1 of {task}"]},
                **_STUDY_C_TASK,
            )
            for task in ("gender", "ethnicity")
        ),
        MULTITASK,
    ),
    said="All have the same body. Study C found that one network for all three tasks costs something.",
    beside="target-distribution",
)

#: Age groups with each way of balancing them; without any it is target-groups.
BALANCE = Sequence(
    "balance",
    "What balancing the age groups buys",
    _ours(
        "balance",
        TINY,
        {
            way.replace("_", "-"): (title, {"target": "groups", "balance": way})
            for way, title in {
                "sampler": "scarce groups drawn more often",
                "loss": "losses weighted by 1 − n/N",
                "loss_inverse": "losses weighted by N/(K·n)",
                "augment": "augmented copies of scarce groups",
            }.items()
        },
    ),
    said="One network that learns seven age groups; what is done for the scarce ones differs.",
    beside="target-groups",
)

PARTS = Sequence(
    "parts",
    "What each part of a recipe gives",
    _ours(
        "part",
        MULTITASK,
        {
            "colour": ("colour in place of grey", {"grey": False}),
            "plain": ("without augmentation", {"augmentation": ()}),
            "last": ("the last weights, no average over steps", {"averaging": "none"}),
            "once": ("without the mirrored picture in the test", {"flip_test": False}),
            "dropout": ("with dropout 0.2", {"dropout": 0.2}),
            "wide": ("twice as many channels", {"base_features": 64}),
        },
    ),
    said="A small network for all three tasks, with one part changed.",
    beside="multitask",
)

#: The speedrun with each change that the sprint's test errors were better with; and the long one.
LONGER = Sequence(
    "speedrun",
    "The speedrun with changes that the sprint's test errors were better with, and for longer",
    (
        *_ours(
            "speedrun",
            SPEEDRUN,
            {
                "size": ("the speedrun at 64 pixels a side, not 48", {"image_size": 64}),
                "network": ("the speedrun with the basic CNN", {"network": "basic_cnn"}),
                "average": ("the speedrun's last weights, no average over steps", {"averaging": "none"}),
            },
            seeds=(42,),
            chosen_by=BY_TEST,
        ),
        *_ours(
            "speedrun",
            SPEEDRUN,
            {"long": ("the long speedrun: wider, mixed pictures, 40 epochs, a temperature", BEST.changes)},
            chosen_by=NOT_KEPT,
        ),
    ),
    said="A short training judges otherwise than a long one; and this is what nearly twice the minutes buy. Which "
    "changes are tried here was chosen by the sprint's errors on the test set that judges them, too: what they seem to "
    "give is flattered.",
    beside="speedrun",
)

#: A short form of the speedrun: whole, without one of its tricks, without any, and with others.
SPRINTS = Sequence(
    "sprint",
    "What each trick of the speedrun gives",
    (
        SPRINT,
        *_ours(
            "sprint",
            SPRINT,
            {
                **TRICKS,
                "plain": (
                    "none of the tricks: the plain recipe",
                    {option: value for _, changes in TRICKS.values() for option, value in changes.items()},
                    THREE_SEEDS,
                ),
                "small": ("small pictures first: from 32 pixels to 48", {"first_size": 32}),
                # The average of the weights goes over as many pictures as that of the sprint, not over as many steps.
                "batch": (
                    "batches of 256, twice the learning rate",
                    {"batch_size": 256, "learning_rate": 4e-3, "ema_decay": SMALL.changes["ema_decay"] ** 4},
                ),
            },
            seeds=(42,),
        ),
    ),
    said="A sprint: the speedrun with fewer epochs; without one of its tricks, without any of them, and with two that "
    "it does not have. Chapter 17 explains them.",
)

#: In the order of the page "Results".
SEQUENCES = (ALONE, STUDY_A, TARGETS, TASKS, BALANCE, PARTS, LONGER, SPRINTS)
