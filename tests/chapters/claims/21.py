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
    at_90, fitted = ns["at_90"], ns["fitted"]
    long = at_90.loc["long training"]
    assert long["low"] < 90 < long["high"], "no longer so: the long training's 90 % hold about nine ages in ten"
    worse = fitted.loc["long", "NLL before"] - fitted.loc["short", "NLL before"]
    assert worse > 1 / 3, "no longer so: and yet its NLL is a third of a nat worse, or more"
    assert fitted.loc["long", "T"] > 1.2, "no longer so: its temperature is above 1"
    assert fitted.loc["long", "NLL after"] < fitted.loc["long", "NLL before"], "no longer so: which lowers the NLL"
    assert at_90.loc["long, temperature-scaled", "low"] > 90, "no longer so: and widens intervals beyond their promise"
    covered = ns["by_age"]["absolute"]["covered"]
    assert covered.iloc[1:].max() - covered.iloc[1:].min() > 5, "no longer so: coverage differs by many points"
    people = ns["by_group"]
    assert people.loc["all", "low"] <= 90 <= people.loc["all", "high"], "no longer so: kept for all people together"
    for group in ("40–59", "60 and over"):
        assert people.loc[group, "high"] < 90, f"no longer so: broken for people of {group}"
    assert people.loc["60 and over", "covered"] < 80, "no longer so: the oldest covered less than eight times in ten"
    assert people["width"].idxmax() == "60 and over", "no longer so: the oldest have the widest intervals"
