"""What chapter 02 says of its figures, checked on the numbers of its run in the default profile."""


def check(ns: dict) -> None:
    """Raise AssertionError at the first sentence that the run does not support.

    Parameters
    ----------
    ns : dict
        Name → value at the end of the notebook.
    """
    _check_the_copies(ns)
    assert ns["unlike"] == 0, "the student's cleaning and agelib's no longer remove the same rows for the same reasons"
    _check_the_steps(ns)
    _check_who_is_lost(ns)
    _check_the_numbers(ns)


def _check_the_copies(ns: dict) -> None:
    own, three = ns["image_hash"], ns["three"]
    bits = {name: int((own(image) != own(three["one"])).sum()) for name, image in three.items()}
    assert bits["brighter"] <= 6, "a brighter image no longer keeps nearly every bit of its hash"
    assert bits["somebody else"] > 10, "another face no longer differs in many bits"
    assert ns["typical"] < 31, "faces no longer look more alike to the hash than unrelated images"
    assert ns["copies"]["gap"].max() > 0, "no exact copies state different ages"
    near = ns["near"]
    assert near["confirmed"].iloc[0] < near["confirmed"].iloc[-2], "a strict threshold no longer misses copies"
    strangers = near["candidates"].iloc[-1] - near["confirmed"].iloc[-1]
    assert strangers > 1000, "a loose threshold no longer names strangers by the thousand"
    assert ns["same_bytes"], "the student's exact copies and agelib's are no longer the same"
    mine, theirs = ns["my_copies"], ns["theirs"].to_numpy()
    assert (mine & theirs).sum() >= 0.95 * max(mine.sum(), theirs.sum()), "the two hashes find other copies"
    assert ns["fast"] < ns["slow"], "agelib is no longer faster than a loop over pairs"
    stored = ns["copy_table"].loc[["UTKFace-21k, exact", "UTKFace-21k, near"]]
    assert (stored["contradicting"] > stored["groups"] / 2).all(), "half of UTKFace's groups no longer contradict"
    assert stored["largest gap (years)"].max() == 48, "the largest gap in UTKFace is no longer 48 years"


def _check_the_steps(ns: dict) -> None:
    scores, seen = ns["scores"], ns["seen"]
    assert seen["found"].get("no face", 0) < 0.05 * seen.loc["no face"].sum(), "scenes pass as faces"
    assert seen.loc["a face", "not found"] > 0, "the detector misses no face"
    assert scores.loc[("exact duplicate", "any of these"), "recall"] == 1, "not every exact copy is caught"
    assert "wrong year" in ns["through"], "no wrong year got through"
    whole = scores.loc[("no face detected", "any of these")]
    found = (ns["precision"], ns["recall"])
    assert max(abs(found[0] - whole["precision"]), abs(found[1] - whole["recall"])) < 1e-9, "graded otherwise by hand"


def _check_who_is_lost(ns: dict) -> None:
    groups, by_step = ns["groups"], ns["by_step"]
    assert groups["share"].idxmax().startswith("80"), "the oldest no longer lose most"
    assert groups["share"].max() > 0.5, "most of the oldest are no longer gone"
    rare = by_step["age group"]["rare age"]
    assert (rare > 0).sum() == 1 and rare.idxmax().startswith("80"), "rare ages take from others than the oldest"
    for step in ("no face detected", "face score"):
        shares = by_step["ethnicity"][step]
        assert shares.max() > 1.5 * shares.min(), f"the step '{step}' takes from all ethnicities alike"


def _check_the_numbers(ns: dict) -> None:
    mae, mse = ns["lazy"]["MAE (years)"], ns["lazy"]["MSE (years²)"]
    assert ns["impossible"] < 0.03 and ns["fall"] > 0.15, "absurd ages no longer make a large part of the squared error"
    assert 1 - mae.iloc[1] / mae.iloc[0] < ns["fall"] / 2, "the mean absolute error notices absurd ages as much"
    assert mse.iloc[2] < mse.iloc[1] and mae.iloc[2] < mae.iloc[1], "a cleaned set is no longer easier"
    wrong = ns["errors"]["wrong (%)"]
    assert 0 < wrong["after"] < wrong["before"] / 2, "cleaning no longer takes most of the wrong labels"
