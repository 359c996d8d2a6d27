"""Age from landmarks, and what it is worth to have seen the person before.

A model too small to need a GPU, on a set small enough to be published with its identities: kernel ridge regression on
the shape of a face. It is cross-validated twice, with folds that deal out pictures and with folds that deal out people
(study D's subject-exclusive protocol); the two differ in nothing else, so their difference is what the leak is worth.
Explained in chapter 24.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve

from agelib import metrics
from agelib.data import splits
from agelib.data.sources import fgnet
from agelib.runtime import workspace
from agelib.runtime.progress import PATIENCE, Line
from agelib.runtime.provenance import record

#: How folds are dealt → the kind of :func:`agelib.data.splits.folds`.
KINDS = {"random": "by_age", "subject_exclusive": "subject_exclusive"}

#: What the inner folds choose from: widths of the kernel, as shares of the median squared distance between faces
#: (inverted: large is narrow), and strengths of the ridge.
WIDTHS = (0.1, 0.3, 1.0, 3.0)
RIDGES = (0.003, 0.01, 0.03, 0.1, 0.3)
INNER_FOLDS = 4

#: Ages are learnt as log(age + 5): a year changes a child's face more than a grown-up's.
OFFSET = 5.0


def align(landmarks, reference=None) -> tuple[np.ndarray, np.ndarray]:
    """Lay faces over one another: move, scale and turn each so that it lies closest to a reference (Procrustes).

    Parameters
    ----------
    landmarks : array [N, K, 2]
        Points of each face, in pixels.
    reference : array [K, 2], optional
        What to align to; by default the mean shape, found by aligning to the mean and taking the mean again. Give the
        training part's for other faces.

    Returns
    -------
    aligned, reference : numpy.ndarray [N, K, 2], numpy.ndarray [K, 2]
        Centred, with the sum of squares 1.

    Raises
    ------
    ValueError
        If `landmarks` is not [N, K, 2] or holds a missing number.

    Examples
    --------
    >>> square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    >>> turned = 7 * square[:, ::-1] * (-1, 1) + 3
    >>> aligned, _ = align([square, turned])
    >>> bool(np.allclose(aligned[0], aligned[1]))
    True
    """
    shapes = np.asarray(landmarks, dtype=np.float64)
    if shapes.ndim != 3 or shapes.shape[2] != 2 or not len(shapes):
        raise ValueError(f"landmarks are [N, K, 2] with one face or more, not {list(shapes.shape)}")
    if not np.isfinite(shapes).all():
        row = int(np.flatnonzero(~np.isfinite(shapes).all(axis=(1, 2)))[0])
        raise ValueError(f"landmarks of row {row} hold a missing number; leave the row out")
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    shapes = shapes / np.sqrt((shapes**2).sum(axis=(1, 2), keepdims=True))
    if reference is None:
        reference = shapes[0]
        for _ in range(10):
            reference = _turn(shapes, reference).mean(axis=0)
            reference = reference / np.sqrt((reference**2).sum())
    return _turn(shapes, reference), reference


def _turn(shapes: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Turn each shape [N, K, 2] to lie closest to the reference [K, 2]; never mirror it."""
    u, _, vt = np.linalg.svd(np.swapaxes(shapes, 1, 2) @ reference)
    u[:, :, -1] *= np.sign(np.linalg.det(u @ vt))[:, None]
    return shapes @ (u @ vt)


def describe(aligned: np.ndarray) -> np.ndarray:
    """Features of aligned faces: the coordinates, and the logarithm of the distance of every two points.

    Returns
    -------
    numpy.ndarray
        float64 [N, 2 K + K (K − 1) / 2]; for 68 landmarks, 2,414 numbers a face.

    >>> describe(np.zeros((3, 68, 2))).shape
    (3, 2414)
    """
    first, second = np.triu_indices(aligned.shape[1], 1)
    distances = np.linalg.norm(aligned[:, first] - aligned[:, second], axis=2)
    return np.hstack([aligned.reshape(len(aligned), -1), np.log(distances + 0.01)])


def predict_all(train, ages, others, widths=WIDTHS, ridges=RIDGES) -> dict:
    """Fit kernel ridge regressions and predict, once for each width and ridge.

    Parameters
    ----------
    train : array [N, F]
        Features of the training part; their mean and spread standardise both parts.
    ages : array [N]
        In years.
    others : array [M, F]
        Features to predict from.
    widths, ridges : tuple of float
        As in :data:`WIDTHS` and :data:`RIDGES`.

    Returns
    -------
    dict
        (width, ridge) → predicted ages [M] in years, within the range of the training ages.
    """
    ages = np.asarray(ages, dtype=np.float64)
    mean, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    train, others = (train - mean) / spread, (others - mean) / spread
    near, far = _squared_distances(train, train), _squared_distances(others, train)
    scale = np.median(near) or 1.0
    target = np.log(ages + OFFSET)
    centre = target.mean()
    predicted = {}
    for width in widths:
        kernel, across = np.exp(-width / scale * near), np.exp(-width / scale * far)
        for ridge in ridges:
            factor = cho_factor(kernel + ridge * np.eye(len(kernel)))
            log_age = centre + across @ cho_solve(factor, target - centre)
            predicted[width, ridge] = np.clip(np.exp(log_age) - OFFSET, ages.min(), ages.max())
    return predicted


def _squared_distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    return np.maximum(squares, 0)


def cross_validate(
    faces: pd.DataFrame,
    landmarks,
    kind: str = "subject_exclusive",
    folds: int = 5,
    repeats: int = 1,
    seed: int = 42,
    progress: bool = False,
) -> pd.DataFrame:
    """Predict every picture's age by a model that was fitted without its fold.

    Parameters
    ----------
    faces : pandas.DataFrame
        Columns ``path``, ``age`` (years) and ``identity``.
    landmarks : array [N, K, 2]
        Of the same rows.
    kind : str
        random: pictures are dealt out within each age, whoever is shown; subject_exclusive: people are dealt out.
    folds : int
        How many, 2 or more.
    repeats : int
        How often everything is done again with other folds; it takes the luck of the deal out of the comparison.
    seed : int
        Of the first repeat; the next ones take the numbers after it.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    pandas.DataFrame
        A predictions table with a row for each picture and repeat: ``path``, ``age``, ``predicted``, ``identity``,
        ``repeat``, ``fold``, and the ``width`` and ``ridge`` that were chosen.

    Raises
    ------
    ValueError
        If `kind` is unknown, the numbers of rows differ, or the people do not fill the folds.

    Notes
    -----
    The reference shape, the standardisation and the choice of width and ridge (by the MAE over four inner folds, which
    are dealt in the same way) see the training folds alone.
    """
    if kind not in KINDS:
        raise ValueError(f"folds are dealt as one of {', '.join(KINDS)}, not {kind!r}")
    if len(faces) != len(landmarks):
        raise ValueError(f"there are {len(faces)} faces and landmarks of {len(landmarks)}; give the same rows")
    if repeats < 1:
        raise ValueError(f"repeats is a number from 1, not {repeats}")
    landmarks = np.asarray(landmarks, dtype=np.float64)
    faces = faces.reset_index(drop=True)
    tables, line = [], Line(f"cross-validate, {kind}", repeats * folds, "folds", progress, after=PATIENCE)
    for repeat in range(repeats):
        dealt = _deal(faces, folds, kind, seed + repeat)
        table = faces[["path", "age", "identity"]].assign(predicted=np.nan, repeat=repeat, fold=dealt)
        for fold in range(folds):
            train, test = np.flatnonzero(dealt != fold), np.flatnonzero(dealt == fold)
            inner = _deal(faces.iloc[train], INNER_FOLDS, kind, seed + repeat)
            aligned, reference = align(landmarks[train])
            features, ages = describe(aligned), faces["age"].to_numpy()[train]
            width, ridge = _choose(features, ages, inner)
            others = describe(align(landmarks[test], reference)[0])
            predicted = predict_all(features, ages, others, (width,), (ridge,))[width, ridge]
            table.loc[test, "predicted"] = predicted
            table.loc[test, ["width", "ridge"]] = width, ridge
            line.advance()
        tables.append(table)
    line.close()
    return pd.concat(tables, ignore_index=True)


def _deal(faces: pd.DataFrame, folds: int, kind: str, seed: int) -> np.ndarray:
    """The fold of each image."""
    return splits.folds(faces, folds, KINDS[kind], seed=seed)["fold"].to_numpy()


def _choose(features: np.ndarray, ages: np.ndarray, inner: np.ndarray) -> tuple[float, float]:
    """The width and ridge with the smallest absolute error over the inner folds."""
    error: dict = {}
    for fold in np.unique(inner):
        held = inner == fold
        for choice, predicted in predict_all(features[~held], ages[~held], features[held]).items():
            error[choice] = error.get(choice, 0.0) + float(np.abs(predicted - ages[held]).sum())
    return min(error, key=error.get)


def compare_folds(
    faces: pd.DataFrame,
    landmarks,
    folds: int = 5,
    repeats: int = 5,
    resamples: int = 2000,
    seed: int = 42,
    progress: bool = False,
) -> dict:
    """What random folds promise, what subject-exclusive folds find, and the difference: the worth of the leak.

    Parameters
    ----------
    faces, landmarks, folds, repeats, seed, progress
        As in :func:`cross_validate`.
    resamples : int
        Bootstrap resamples of the intervals. Whole people are drawn, with all their pictures and repeats.

    Returns
    -------
    dict
        ``pictures``, ``people``, ``pictures_with_the_person_in_training`` (share, percent, of random folds' test
        pictures), ``random`` and ``subject_exclusive`` (each ``value``, ``low``, ``high``: MAE in years with its 95 %
        interval), ``difference`` (the same; subject-exclusive minus random), ``always_the_median_age`` (MAE of looking
        at nothing, subject-exclusive), ``repeats`` (the two MAEs and their difference in each repeat), and the protocol
        in words.
    """
    tables = {kind: cross_validate(faces, landmarks, kind, folds, repeats, seed, progress) for kind in KINDS}
    # An image is judged once in each repeat, and `compare` wants each row by a name of its own.
    named = {k: t.assign(path=t["path"] + " " + t["repeat"].astype(str)) for k, t in tables.items()}
    drawn = {"resamples": resamples, "unit": "identity", "seed": seed}
    rows = {kind: metrics.summarise(table, **drawn).loc["MAE"].to_dict() for kind, table in named.items()}
    paired = metrics.compare(*named.values(), **drawn).loc["MAE", ["value", "low", "high"]]
    each = pd.DataFrame({kind: _mae_by_repeat(table) for kind, table in tables.items()})
    each["difference"] = each["subject_exclusive"] - each["random"]
    return rows | {
        "difference": paired.to_dict(),
        "pictures": len(faces),
        "people": int(faces["identity"].nunique()),
        "pictures_with_the_person_in_training": _share_seen(tables["random"]),
        "always_the_median_age": _mae_of_the_median(tables["subject_exclusive"]),
        "repeats": each.to_dict("list"),
        "protocol": {
            "folds": folds,
            "repeats": repeats,
            "seed": seed,
            "resamples": resamples,
            "interval": "95 %, percentile bootstrap; whole people are drawn, the same for both kinds of folds",
            "random": "pictures dealt out within each age, whoever is shown",
            "subject_exclusive": "people dealt out, ages balanced",
            "features": "Procrustes-aligned landmarks and the logarithms of all distances between two of them",
            "model": "kernel ridge regression (Gaussian) of log(age + 5)",
            "choice": f"width of {list(WIDTHS)} and ridge of {list(RIDGES)} by the MAE over {INNER_FOLDS} inner folds "
            "of the training part, dealt in the same way",
        },
    }


def _share_seen(table: pd.DataFrame) -> float:
    """Percent of pictures whose person is also in another fold of the same repeat."""
    pictures = table.groupby(["repeat", "identity"])["path"].transform("size")
    same_fold = table.groupby(["repeat", "identity", "fold"])["path"].transform("size")
    return float(100 * (pictures > same_fold).mean())


def _mae_by_repeat(table: pd.DataFrame) -> pd.Series:
    return (table["predicted"] - table["age"]).abs().groupby(table["repeat"]).mean()


def _mae_of_the_median(table: pd.DataFrame) -> float:
    errors = []
    for _, one in table.groupby("repeat"):
        for fold in one["fold"].unique():
            test = one["fold"] == fold
            errors.append((one["age"][test] - one["age"][~test].median()).abs())
    return float(pd.concat(errors).mean())


def compare_on_fgnet(root, folder=None, repeats: int = 5, seed: int = 42, progress: bool = False) -> dict:
    """Compare the two kinds of folds on FG-NET's annotations, and write what was found with where it comes from.

    Parameters
    ----------
    root : path
        FG-NET's archive of annotations, or its folder; see :mod:`agelib.data.sources.fgnet`.
    folder : path, optional
        Where to write ``fgnet_folds.json``; nothing is written if not given.
    repeats, seed, progress
        As in :func:`compare_folds`.

    Returns
    -------
    dict
        What :func:`compare_folds` returns, with ``provenance``: the data set, a key of its landmarks and ages, what
        was odd in the files, and versions.
    """
    found = fgnet.read(root)
    result = compare_folds(found.faces, found.landmarks, repeats=repeats, seed=seed, progress=progress)
    result["provenance"] = record(
        "numpy",
        "pandas",
        "scipy",
        made_by="agelib published fgnet-folds",
        data="FG-NET aging database (2002), annotations: real people, 68 landmarks a picture, no pictures used",
        key=workspace.content_key(found.landmarks.tobytes(), found.faces[["path", "age"]].to_csv(index=False)),
        skipped=len(found.skipped),
        notes=found.notes,
    ).as_dict()
    if folder is not None:
        workspace.write_json(Path(folder) / "fgnet_folds.json", result)
    return result
