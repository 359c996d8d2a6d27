"""What chapter 14 says about the figures of its default run, as asserts: a sentence that fails must be rewritten."""


def check(ns: dict) -> None:
    """Check the chapter's sentences against its final names, `ns`."""
    same, worth, gain = ns["same"], ns["worth"], ns["gain"]
    assert round(same["macro F1"].max()) == 84, "no longer so: a macro F1 of 84 % from the same predictions"
    assert round(same["macro F1"].min()) == 56, "no longer so: and one of 56 %"
    sevens = same[same.index.str.startswith("7")]
    assert sevens["macro F1"].max() - sevens["macro F1"].min() > 1, "no longer so: the two sets of seven differ"
    assert sevens["by chance"].round().nunique() == 1, "no longer so: chance earns the same in both sets of seven"
    assert worth["test"].iloc[-1] > worth["test"].iloc[0], "no longer so: choosing borders on the test set helps there"
    lost = worth["validation"] - worth["test"]
    kept = lost["study C, final seven (7b)"]
    assert lost["seven found there"] > 0 > kept, "no longer so: the seven found lose points, study C's seven gain some"
    wrong = ns["by_distance"]["wrong, %"]
    assert wrong.iloc[0] > 45, "no longer so: every second image near a border has the wrong group"
    assert wrong.iloc[-1] < 45, "no longer so: about every third of those far from one"
    macro_f1 = gain.loc["macro F1"]
    assert 1.5 < macro_f1["value"] < 2.5, "no longer so: read from years, people gain two points of macro F1"
    assert macro_f1["low"] < 0 < macro_f1["high"], "no longer so: the interval includes zero"
    mae = gain.loc["MAE"]
    assert -0.35 < mae["value"] < -0.15, "no longer so: and a quarter of a year of MAE"
    assert mae["high"] < 0, "no longer so: that interval excludes zero"
