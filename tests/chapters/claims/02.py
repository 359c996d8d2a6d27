"""What chapter 02 says of its figures, checked on the numbers of its run in the default profile."""

import numpy as np


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
    assert 26 < ns["typical"] < 31, "faces no longer look somewhat more alike to the hash than random bits"
    widest = ns["copies"].sort_values(["gap", "key"]).tail(4)
    assert widest["gap"].min() > 0, "one of the shown exact copies states no other age"
    assert (widest.groupby("key").size() == 2).all(), "the shown exact copies are no pairs"
    near = ns["near"]
    assert near["confirmed"].iloc[0] < near["confirmed"].iloc[-2], "a strict threshold no longer misses copies"
    assert near.loc[5, "confirmed"] == near.loc[10, "confirmed"], "5 bits no longer find as many copies as 10"
    strangers = near["candidates"].iloc[-1] - near["confirmed"].iloc[-1]
    assert strangers > 1000, "a loose threshold no longer names strangers by the thousand"
    assert ns["same_bytes"], "the student's exact copies and agelib's are no longer the same"
    mine, theirs = ns["my_copies"], ns["theirs"].to_numpy()
    assert (mine & theirs).sum() >= 0.95 * max(mine.sum(), theirs.sum()), "the two hashes find other copies"
    assert ns["fast"] < ns["slow"], "agelib is no longer faster than a loop over pairs"
    assert ns["days"] > 1, "a loop over the pairs of half a million images no longer takes days"
    assert ns["differing"] <= 10, "the mirror image of `one` is no longer found"
    assert ns["close"] < 0.4, "the hash finds most mirror images"
    stored = ns["copy_table"].loc[["UTKFace-21k, exact", "UTKFace-21k, near"]]
    assert (stored["contradicting"] > stored["groups"] / 2).all(), "half of UTKFace's groups no longer contradict"
    assert stored["largest gap (years)"].max() == 48, "the largest gap in UTKFace is no longer 48 years"


def _check_the_steps(ns: dict) -> None:
    scores, seen = ns["scores"], ns["seen"]
    assert seen["found"].get("no face", 0) < 0.05 * seen.loc["no face"].sum(), "scenes pass as faces"
    missed = seen.loc["a face", "not found"] / seen.loc["a face"].sum()
    assert 0.035 < missed < 0.045, "the detector no longer misses four faces in a hundred"
    fault = ns["fault"][ns["noise"].index]
    assert fault.str.startswith("no face").tolist() == [True] * 7 + [False], "not seven scenes and one face"
    assert (ns["truth"]["beard"].to_numpy()[ns["noise"].index] == "full")[-1], "the missed face has no beard"
    assert scores.loc[("exact duplicate", "any of these"), "recall"] == 1, "not every exact copy is caught"
    precision = ns["whole"].droplevel("fault")["precision"]
    assert precision["face score"] < 0.05, "the precision of the face score is no longer near 0"
    assert precision[["exact duplicate", "near duplicate"]].max() < 0.9, "hardly a right label went with its copy"
    assert "wrong year" in ns["through"], "no wrong year got through"
    two = scores.loc[("second face", "two faces")]
    assert two["caught"] < 0.15 * two["planted"], "two faces no longer get through almost all"
    assert (ns["second"].notna() == ns["fault"].eq("two faces")).all(), "a second face is seen elsewhere"
    assert ns["second"].min() >= 0, "a limit of 0 no longer catches all second faces"
    score, scene = ns["score"], ~ns["has_face"]
    assert (score[ns["fault"] == "missed face"] == -np.inf).any(), "no sound face has the score −∞"
    assert score[scene].max() > 2, "no scene has a high score"
    whole = scores.loc[("no face detected", "any of these")]
    found = (ns["precision"], ns["recall"])
    assert max(abs(found[0] - whole["precision"]), abs(found[1] - whole["recall"])) < 1e-9, "graded otherwise by hand"


def _check_who_is_lost(ns: dict) -> None:
    groups, by_step = ns["groups"], ns["by_step"]
    assert groups["share"].idxmax().startswith("80"), "the oldest no longer lose most"
    assert groups["share"].max() > 0.5, "most of the oldest are no longer gone"
    rare = by_step["age group"]["rare age"]
    assert (rare > 0).sum() == 1 and rare.idxmax().startswith("80"), "rare ages take from others than the oldest"
    oldest = by_step["age group"].loc[by_step["age group"].index.str.startswith("80")].iloc[0]
    assert oldest["rare age"] > 0.5 * oldest.sum(), "less than half of the oldest's loss is the rule for rare ages"
    keys, gone = ns["truth"]["age group"].to_numpy()[ns["sound"]], ns["reason"][ns["sound"]] == "no face detected"
    count = gone.groupby(keys).agg(["sum", "size"])
    low, high = ns["share_interval"](count["sum"], count["size"])
    at = dict(zip(count.index.str[:2], zip(low, high, strict=True), strict=True))
    assert at["80"][0] > at["20"][1], "the detector's pass no longer takes far more of the oldest"
    for step in ("no face detected", "face score"):
        shares = by_step["ethnicity"][step]
        assert shares.max() > 1.5 * shares.min(), f"the step '{step}' takes from all ethnicities alike"


def _check_the_numbers(ns: dict) -> None:
    mae, mse = ns["lazy"]["MAE (years)"], ns["lazy"]["MSE (years²)"]
    assert ns["impossible"] < 0.03 and ns["fall"] > 0.15, "absurd ages no longer make a large part of the squared error"
    assert 1 - mae.iloc[1] / mae.iloc[0] < ns["fall"] / 2, "the mean absolute error notices absurd ages as much"
    assert mse.iloc[3] < mse.iloc[1] and mae.iloc[3] < mae.iloc[1], "a cleaned set is no longer easier"
    assert mae.iloc[2] - mae.iloc[3] > (mae.iloc[1] - mae.iloc[3]) / 2, "rare ages make less than half of the fall"
    back = ns["truth"].loc[ns["missed"], "fault"]
    harmful = back[~back.isin(ns["harmless"]) & ~back.str.contains("duplicate")]
    assert (back == "").mean() > 0.5, "most of what comes back without the first pass has a fault"
    assert (harmful == "no face, high score").mean() > 0.9, "other harmful faults come back without the first pass"
    stricter = (ns["score"] <= 2) & ns["reason"].isin(["", "face score"])
    sound, group = ns["sound"], ns["truth"]["ethnicity"].to_numpy()
    assert stricter.sum() > 3 * (ns["reason"] == "face score").sum(), "2 no longer removes several times as many"
    assert sound[stricter].mean() > 0.5, "most images with a score of at most 2 are no longer sound"
    taken = stricter.groupby(group).mean()
    assert taken["black"] > 3 * taken["white"], "a score of 2 no longer takes one group several times as often"
    wrong = ns["errors"]["wrong (%)"]
    assert 0 < wrong["after"] < wrong["before"] / 2, "cleaning no longer takes most of the wrong labels"
