"""Study B's five models of apparent age, M1 to M5: what is trained, how deep the head is, which loss.

J. Núñez Cano and Q. Jin, practice report on apparent age estimation, Universitat de Barcelona, and the public course
kit around it. It looks at the error (MAE) and at biases: the mean difference of the MAE between groups. Explained in
chapters 11 and 18.
"""

from agelib.experiments.published.record import Published, Sequence, linked

VGGFACE = "ResNet-50 trained for face recognition on VGGFace2"

#: What all models share. The data are the face images of APPA-REAL, cut-out faces already, of which every age
#: counts; the label is the apparent age / 100, and `bins` are the age groups of the report's bias score and weights.
SETTINGS = {
    "source": "appa-real", "pictures": 0, "label": "apparent_age", "detector": "none", "min_pictures_per_age": 1,
    "split": "subject_exclusive", "image_size": 224, "network": "resnet50", "target": "sigmoid", "bins": "0,20,40,60",
    "optimiser": "adam", "schedule": "plateau", "monitor": "mae",
}  # fmt: skip

#: Strategy 1: the head alone, the kit's settings.
HEAD_ALONE = {"trained": "head", "learning_rate": 1e-5, "epochs": 50, "patience": 5, "batch_size": 32}

#: Strategy 2: the same first, and then every layer.
THEN_ALL = {
    "trained": "head_then_all", "head_learning_rate": 1e-5, "head_epochs": 50, "head_batch_size": 32,
    "learning_rate": 1e-5, "epochs": 12, "patience": 5, "batch_size": 16,
}  # fmt: skip


def _published(gender: float, expression: float, ethnicity: float, age: float, mae: float) -> dict:
    biases = {"gender": gender, "expression": expression, "ethnicity": ethnicity, "age": age}
    return {"MAE": mae} | {f"bias by {name}": value for name, value in biases.items()}


STEPS = linked(
    SETTINGS,
    Published(
        "M1",
        "the baseline head alone, MSE",
        {"head": (512, 128, 32), "loss": "mse", **HEAD_ALONE},
        pretrained=VGGFACE,
        note="No result of it is in our sources.",
        ours="The kit's head [512, 128, 32] is taken for the baseline; its dropout was made and never connected, so "
        "there is none. Its 512 is the projection of the face network.",
    ),
    Published(
        "M2",
        "the baseline head, then all layers",
        THEN_ALL,
        pretrained=VGGFACE,
        note="No result of it is in our sources.",
    ),
    Published(
        "M3",
        "head [512, 128, 64, 32], dropout 0.1",
        {"head": (512, 128, 64, 32), "dropout": 0.1},
        {"head alone": _published(0.044, 1.4, 2.8, 8.45, 10.45), "all layers": {}},
        parts={"head alone": HEAD_ALONE, "all layers": {}},
        pretrained=VGGFACE,
        note="The list of models says that all layers are trained, the table of results gives it for strategy 1, the "
        "head alone; so both are run, and the published numbers stand beside the latter.",
    ),
    Published(
        "M4",
        "MAE as the loss",
        {"loss": "mae"},
        _published(0.07, 0.578, 0.706, 7.07, 8.420),
        pretrained=VGGFACE,
        note="In the code the model that is called MAE was compiled with MSE; ours learns with the MAE.",
    ),
    Published(
        "M5",
        "head [512, 256, 128, 64, 32], dropout 0.2, augmented copies of scarce age groups",
        {
            "head": (512, 256, 128, 64, 32),
            "dropout": 0.2,
            "augmentation": ("flip", "affine", "light"),
            "balance": "augment",
        },
        _published(0.044955, 0.162736, 0.539348, 3.056905, 6.340045),
        pretrained=VGGFACE,
        note="The report augmented the validation part too, and turned faces upside down; ours does neither.",
        ours="Which changes are made, and that copies balance the age groups, is our choice.",
    ),
    study="nunezjin",
)

#: Smaller, for machines without a GPU, with learning rates that learn something in a few epochs.
_DRAWN = {
    "source": "drawn-appa-real", "image_size": 32, "network": "resnet18", "patience": 0, "learning_rate": 1e-3,
    "head_learning_rate": 1e-3,
}  # fmt: skip
SIZES = {
    "smoke": _DRAWN | {"pictures": 240, "epochs": 1, "head_epochs": 1},
    "cpu": _DRAWN | {"pictures": 600, "epochs": 3, "head_epochs": 3},
    "reduced": {
        "source": "appa-real", "image_size": 64, "network": "resnet18", "epochs": 8, "head_epochs": 8, "patience": 3,
        "learning_rate": 3e-4, "head_learning_rate": 1e-3,
    },
    "full": {},
}  # fmt: skip

#: Weights trained on the ages of other faces stand in for those of a face recognition network.
_OTHER_FACES = {"source": "drawn-utkface", "data_seed": 1042, "label": "age", "learning_rate": 1e-3}
STAND_INS = {
    "cpu": _OTHER_FACES | {"pictures": 800, "epochs": 4},
    "reduced": _OTHER_FACES
    | {"root": "", "split_file": "", "fraction": 1.0, "pictures": 4000, "epochs": 8, "batch_size": 64},
}

FIVE = Sequence(
    "appa-real-m",
    "Five models of apparent age on APPA-REAL",
    STEPS,
    measures=("MAE", "bias"),
    sizes=SIZES,
    stand_ins=STAND_INS,
)
