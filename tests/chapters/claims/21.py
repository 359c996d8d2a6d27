"""What chapter 21 says about the figures of its default run, as asserts: a sentence that fails must be rewritten."""


def check(ns: dict) -> None:
    """Check the chapter's sentences against its final names, `ns`."""
    parts, kinds_of, judged = ns["parts"], ns["kinds_of"], ns["judged"]
    assert parts["MAE"].iloc[-1] > parts["MAE"].iloc[0], "no longer so: the widest fifth errs more than the narrowest"
    assert (kinds_of["epistemic"] < kinds_of["aleatoric"]).all(), "no longer so: the epistemic part is the small one"
    nll = judged["NLL, nats"]
    assert nll.iloc[-1] <= nll.iloc[:-1].mean(), "no longer so: the mean of the networks has the lower NLL"
    history = ns["history"]
    turned = history["valid_loss"].idxmin() < history["valid_mae"].idxmin()
    assert turned, "no longer so: the loss turns before the MAE"
    at_90 = ns["at_90"]["observed"]
    assert at_90["long training"] < 85, "no longer so: the long training's 90 % hold far fewer than nine in ten"
    lifted = at_90["long, temperature-scaled"] > at_90["long training"]
    assert lifted, "no longer so: one number lifts it back towards the line"
    covered = ns["by_age"]["absolute"]["covered"]
    assert covered.iloc[1:].max() - covered.iloc[1:].min() > 5, "no longer so: coverage differs by many points"
    people = ns["by_group"]
    assert people.loc["all", "low"] <= 90 <= people.loc["all", "high"], "no longer so: kept for all people together"
    for group in ("40–59", "60 and over"):
        assert people.loc[group, "high"] < 90, f"no longer so: broken for people of {group}"
    assert people.loc["60 and over", "covered"] < 80, "no longer so: the oldest covered less than eight times in ten"
    assert people["width"].idxmax() == "60 and over", "no longer so: the oldest have the widest intervals"
