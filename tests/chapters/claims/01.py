"""What chapter 01 says of its figures, checked on the numbers of its run in the default profile."""

import numpy as np

from agelib.drawn.people import make_person


def check(ns: dict) -> None:
    """Raise AssertionError at the first sentence that the run does not support.

    Parameters
    ----------
    ns : dict
        Name → value at the end of the notebook.
    """
    assert ns["young"] > 2 * ns["adult"], "a child's image no longer changes several times as fast as an adult's"
    haircuts = [make_person(person, ns["seed"]).style_from for person in range(12)]
    assert sum(6 < age <= 10 for age in haircuts) > 6, "the peak at 8 years is no longer the haircut of most"
    assert ns["completed_years"](723671, 2009) == 28, "the derived age of the example is no longer 28"
    assert ns["completed_years"](723671, 1980) == -1, "the example of a wrong date is no longer −1"
    assert ns["largest"] == 0, "the student's ages and agelib's no longer agree"
    assert 0.24 < ns["wrong"] < 0.26, "the guess of 1 July no longer puts one label in four off by a year"
    assert 0.45 < ns["off"] < 0.6, "the labels are no longer off by half a year from the exact age"
    assert (ns["recorded"] == ns["true_age"]).all(), "one of the eight faces of the beginning has a wrong label"
    _check_the_raters(ns)
    assert abs(ns["best"] - ns["possible"]["age"].median()) <= 1, "the best constant guess is no longer the median"
    assert ns["outside"] > 20, "hardly a row lies outside the histogram's range any more"
    _check_what_a_histogram_hides(ns)
    _check_the_score(ns)
    apart = ns["apart"].to_list()
    assert apart[0] < ns["most"] < apart[1], "the drawn sets are further apart than samples of one are by chance"
    assert 0.12 < apart[1] < 0.21, "UTKFace is no longer one image in six away"
    lazy = ns["lazy"]["MAE (years)"]
    assert 9 < lazy["MORPH-2"] < 9.5, "the lazy guess on MORPH-2 is no longer off by 9 years"
    assert ns["lazy_here"] > 14, "an MAE of 9 is no longer far below the collection's lazy guess"
    _check_the_exercises(ns)


def _check_the_raters(ns: dict) -> None:
    gaps, drawn = ns["people"]["gap"], ns["on_drawn"]["mean"]
    assert gaps.iloc[:2].min() > 0, "people under 30 are no longer taken for older"
    assert gaps.iloc[2:].max() < 0, "people over 30 are no longer taken for younger"
    assert gaps.idxmin() == len(gaps) - 1, "the oldest are no longer taken for younger by most"
    assert round(ns["rated_off"], 1) == 4.2, "the raters' error is no longer 4.2 years"
    assert drawn.abs().mean() < gaps.abs().mean(), "the drawn raters are no longer closer to the real age than people's"


def _check_what_a_histogram_hides(ns: dict) -> None:
    assert ns["per_age"].argmax() == 26, "the spike of UTKFace is no longer at 26"
    assert ns["fives"] > 1.5 > 1 > ns["rest"], "multiples of five are no longer heaped"
    by_gender = ns["by_gender"]
    real, here = by_gender.loc["UTKFace-21k"], by_gender.loc["this collection"]
    assert (real["female"], real["male"]) == (26, 34), "the medians of UTKFace are no longer 26 and 34"
    assert real["knowing the gender"] < real["lazy error"], "knowing the gender no longer lowers UTKFace's error"
    assert abs(here["female"] - here["male"]) <= 2, "the drawn genders no longer have the same ages"
    faults = ns["truth"].set_index("path")["fault"].reindex(ns["person"]["path"])
    copy = faults.index[faults.str.contains("contradicting")]
    ages = ns["person"].set_index("path")["age"]
    original = ns["truth"].set_index("path").loc[copy, "duplicate_of"]
    assert ages[copy].tolist() == [94] and ages[original].tolist() == [54], "54 and 94 are no longer one image"
    assert faults[ages.index[ages == 70]].tolist() == ["wrong year"], "the label 70 is no longer wrong"
    assert min(ns["margins"]) > 1000, "a group of UTKFace has fewer than a thousand images"
    assert ns["smallest"].iloc[0] < 10, "the smallest intersection is no longer a handful"


def _check_the_score(ns: dict) -> None:
    scored = ns["scored"]
    for level in (1, 2, 3, 3.5):
        lost = (scored["face_score"] <= level).groupby(scored["ethnicity"]).mean()
        assert lost.idxmax() == "black", f"at a threshold of {level} another group loses most"
        assert lost.max() > lost["white"] + 0.03, f"at a threshold of {level} the groups no longer differ"
    beards = ns["lost_by"]("beard")
    low, high = (beards["lost (%)"] + sign * beards["± (points)"] for sign in (-1, 1))
    assert low["full"] > high["none"], "full beards no longer clearly lose more than shaven faces"
    assert low["moustache"] < high["none"], "there are enough moustaches to say that they lose more"


def _check_the_exercises(ns: dict) -> None:
    scored, possible, distance = ns["scored"], ns["possible"], ns["distance"]
    lost = {at: (scored["face_score"] <= at).groupby(scored["ethnicity"]).mean() for at in (1, 2, 3, 3.5, 4)}
    gap = {at: share.max() - share.min() for at, share in lost.items()}
    assert 2.5 < gap[2] / gap[1] < 3.5, "the gap is no longer about three times as large at twice the threshold"
    assert gap[3] > gap[3.5] > gap[4], "the gap no longer shrinks from 3 on"
    known, rng = possible["gender"].notna(), np.random.default_rng(0)
    mixed = [rng.permutation(possible["age"]) for _ in range(300)]
    by_chance = [distance(ages[: (~known).sum()], ages[(~known).sum() :]) for ages in mixed]
    found = [distance(possible["age"][known], possible["age"][~known]), *np.quantile(by_chance, [0.05, 0.95])]
    assert np.allclose(found, [0.09, 0.06, 0.15], atol=0.012), "the solution on missing genders tells other numbers"
    decade, wanted = possible["age"] // 10 * 10, (ns["utk"]["age"] // 10 * 10).value_counts(normalize=True)
    weights = decade.map(wanted / decade.value_counts(normalize=True)).fillna(0)
    sample = possible["age"].sample(5000, replace=True, weights=weights, random_state=0)
    assert abs(ns["lazy_error"](sample) - ns["lazy_error"](ns["utk"]["age"])) < 0.5, "weighting gives another error"
