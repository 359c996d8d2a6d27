"""What chapter 13 says about the figures of its default run, as asserts: a sentence that fails must be rewritten."""


def check(ns: dict) -> None:
    """Check the chapter's sentences against its final names, `ns`."""
    called, gained, steps = ns["called"].iloc[0], ns["gained"], ns["steps"]
    assert called["sampler"] > called["none"], "no longer so: with the sampler the scarce names are used more often"
    assert (gained.max() > 0).all(), "no longer so: every option wins recall for some group of people"
    assert (gained.min() < 0).all(), "no longer so: and loses it for another"
    lags = steps.loc["EMA", "test MAE"] > steps.loc["nothing", "test MAE"]
    assert lags, "no longer so: an averaged network that lags behind is worse"
