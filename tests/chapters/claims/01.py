"""What chapter 01 says of its figures, checked on the numbers of its run in the default profile."""


def check(ns: dict) -> None:
    """Raise AssertionError at the first sentence that the run does not support.

    Parameters
    ----------
    ns : dict
        Name → value at the end of the notebook.
    """
    assert ns["young"] > 2 * ns["adult"], "a child's image no longer changes several times as fast as an adult's"
    assert ns["completed_years"](723671, 2009) == 28, "the derived age of the example is no longer 28"
    assert ns["completed_years"](723671, 1980) == -1, "the example of a wrong date is no longer −1"
    assert ns["largest"] == 0, "the student's ages and agelib's no longer agree"
    assert 0.24 < ns["wrong"] < 0.26, "the guess of 1 July no longer puts one label in four off by a year"
    _check_the_raters(ns)
    assert abs(ns["best"] - ns["possible"]["age"].median()) <= 1, "the best constant guess is no longer the median"
    assert ns["outside"] > 20, "hardly a row lies outside the histogram's range any more"
    _check_what_a_histogram_hides(ns)
    _check_the_score(ns)
    apart = ns["apart"].to_list()
    assert max(apart[:2]) < 0.06, "the drawn sets are further apart than two halves of one"
    assert 0.12 < apart[2] < 0.21, "UTKFace is no longer one image in six away"
    lazy = ns["lazy"]["MAE (years)"]
    assert 9 < lazy["MORPH-2"] < 9.5, "the lazy guess on MORPH-2 is no longer off by 9 years"
    assert ns["lazy_here"] > 14, "an MAE of 9 is no longer far below the collection's lazy guess"


def _check_the_raters(ns: dict) -> None:
    gaps, drawn = ns["people"]["gap"], ns["on_drawn"]["mean"]
    assert gaps.iloc[0] > 2, "people under 20 are no longer taken for older"
    assert gaps.iloc[-1] < -8, "the old are no longer taken for much younger"
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
    wrong = faults.eq("wrong year") | faults.str.contains("contradicting")
    assert wrong.any(), "the person with the widest range of ages has no wrong label any more"
    assert min(ns["margins"]) > 1000, "a group of UTKFace has fewer than a thousand images"
    assert ns["smallest"].iloc[0] < 10, "the smallest intersection is no longer a handful"


def _check_the_score(ns: dict) -> None:
    scored = ns["scored"]
    for level in (1, 2, 3, 3.5):
        lost = (scored["face_score"] <= level).groupby(scored["ethnicity"]).mean()
        assert lost.idxmax() == "black", f"at a threshold of {level} another group loses most"
        assert lost.max() > lost["white"] + 0.03, f"at a threshold of {level} the groups no longer differ"
    lost = scored.groupby("beard")["lost"].mean()
    assert lost[["moustache", "goatee", "full"]].min() > lost["none"], "beards no longer lower the recorded score"
