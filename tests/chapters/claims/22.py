"""What chapter 22 says about the figures of its default run, as asserts: a sentence that fails must be rewritten."""


def check(ns: dict) -> None:
    """Check the chapter's sentences against its final names, `ns`."""
    mae_at = ns["mae_at"]
    assert mae_at[50] < 0.7 * mae_at[100], "no longer so: for the half of the narrowest intervals the error is smaller"
    areas = ns["aurc"]
    spread = areas["spread of the mean posterior"]
    assert spread < areas["at random"] - 0.1, "no longer so: the spread is below abstaining at random"
    closer = areas["at random"] - spread < spread - areas["the error itself"]
    assert closer, "no longer so: and far above the error itself"
    assert ns["expected"].mean() > ns["error"].mean(), "no longer so: the expected loss is larger than the real one"
    one, other = ns["areas"].values()
    assert abs(one["value"] - other["value"]) < 0.03, "no longer so: the two areas hardly differ"
    assert one["low"] < other["value"] < one["high"], "no longer so: one lies inside the other's interval"
    assert other["low"] < one["value"] < other["high"], "no longer so: and the other inside the one's"
    predicted = ns["of_bands"]["answered"]
    assert predicted.max() - predicted.min() > 10, "no longer so: the bars do not shrink together"
    shift, growth = ns["shift"], ns["growth"]
    strange = "elsewhere, other frame"
    assert shift.loc[strange, "high"] < 100 * ns["level"], "no longer so: the strange frame breaks the promise"
    assert growth.loc[strange, "error"] > growth.loc[strange, "spread"], "no longer so: the error grows more"
    minors = ns["minors"]
    assert (minors["age"] < 10).mean() > 0.5, "no longer so: most minors of the collection are small children"
    near = ns["people_gate"].loc["within 3 years"]
    assert near["high"] - near["low"] > 20, "no longer so: the interval of those within 3 years is wide"
