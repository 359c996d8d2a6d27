"""What chapter 13 says about the figures of its default run, as asserts: a sentence that fails must be rewritten."""


def check(ns: dict) -> None:
    """Check the chapter's sentences against its final names, `ns`."""
    called, gained, steps = ns["called"].iloc[0], ns["gained"], ns["steps"]
    assert called["sampler"] > called["none"], "no longer so: with the sampler the scarce names are used more often"
    assert (gained.max() > 0).all(), "no longer so: every option wins recall for some group of people"
    assert (gained.min() < 0).all(), "no longer so: and loses it for another"
    gains, moved, gaps = ns["gains"], ns["moved"], ns["gaps"]["gap"]
    assert gains.loc["augment", "low"] > 0, "no longer so: the copies win macro F1, and the interval excludes zero"
    assert gains.loc["sampler", "low"] < 0 < gains.loc["sampler", "macro F1"], "no longer so: the sampler's includes it"
    for name in ("augment", "sampler"):
        assert gains.loc[name, "accuracy"] < 0, "no longer so: and lose accuracy"
        assert moved.loc[name].iloc[0] > 20, "no longer so: the scarcest groups win tens of points of recall"
        assert moved.loc[name].iloc[1] < -20, "no longer so: the commonest pays tens of points"
    assert gains["macro F1"].idxmax() == "augment", "no longer so: the changed copies gain most"
    wider = [gaps[name, "scarcest three"] for name in ("none", "sampler", "augment")]
    assert wider[1] > wider[0] + 5, "no longer so: the gap of the scarce is much wider with the sampler"
    assert wider[2] > wider[1], "no longer so: and wider still with the changed copies"
    common = gaps.xs("commonest", level="group")
    assert common["none"] < 10 < common["augment"], "no longer so: long epochs overfit the commonest group as well"
    assert (steps["difference"].abs() < 1).sum() >= 6, "no longer so: most regularisers move the error by under a year"
    swa = steps.loc["SWA"]
    assert swa["difference"] < -1 and swa["high"] < 0, "no longer so: SWA lowers the test error by more than a year"
    assert swa["training MAE"] < steps.loc["nothing", "training MAE"], "no longer so: and the training error, too"
    lags = steps.loc["EMA", "test MAE"] > steps.loc["nothing", "test MAE"]
    assert lags, "no longer so: an averaged network that lags behind is worse"
