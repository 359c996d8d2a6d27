"""What chapter 07 says of the book's run."""


def check(ns):
    assert ns["gap"] < 1e-4, "the VGG blocks by hand find agelib's numbers"
    assert ns["total"] == ns["described"].loc["vgg16_bn", "multiply_adds"], "and the formula its multiply-adds"
    cost = ns["by_hand"]
    assert cost(3, 64, 64, 64) == cost(3, 128, 128, 32) == cost(3, 512, 512, 8), "a block's second costs what it did"
    assert 2 * cost(3, 64, 128, 32) == cost(3, 128, 128, 32), "its first half of that"
    assert 4 * cost(3, 512, 512, 4) == cost(3, 512, 512, 8), "and in the last block each a quarter"
    assert ns["ends"].sum() == 138_357_544, "VGG-16's published number of weights"
    assert 0.85 < ns["share"] < 0.9, "nearly nine tenths of VGG-16's weights are fully connected"
    assert 9 < ns["direct"] / ns["squeezed"] < 10, "a squeezed 5 × 5 convolution is nearly ten times cheaper"
    branches = ns["branches"]
    assert (branches["by hand"] - branches["torch"]).abs().max() < 1e-9, "torch counts what the formula says"
    assert 2.5 < ns["plain_cost"] / branches.loc["all", "torch"] < 3.5, "a block costs about a third of a convolution"
    cost = ns["table"].loc["vgg16"] / ns["table"].loc["vgg16_bn"]
    assert 8.5 < cost["parameters"] < 9.5 and 1.05 < cost["multiply_adds"] < 1.15, "nine times the weights, same work"

    work = ns["costs"]["million multiply-adds"]
    assert work.max() / work.min() < 1.06, "the three budgets agree within a few percent"
    tried, paired = ns["tried"], ns["paired"]
    assert (tried.loc["two 3 × 3"] < tried.loc["one 5 × 5"]).all(), "two 3 × 3 are ahead at every learning rate"
    assert paired.loc["one 5 × 5", "low"] > 0, "and on the test set, with an interval that does not contain 0"
    assert 0 < paired.loc["Inception", "value"] < paired.loc["one 5 × 5", "value"], "Inception comes between the two"
    gain = tried.iloc[:, 0] - tried.min(axis=1)
    assert gain.between(0.8, 1.5).all(), "from the smallest rate to its best each network gains about a year"
    assert tried.loc["Inception"].idxmin() == tried.columns[-1], "Inception's best is the largest that was tried"
    ahead = tried.loc["one 5 × 5"] < tried.loc["Inception"]
    assert ahead.iloc[0] and not ahead.iloc[-1], "which of two networks is ahead depends on the rate"

    deep, rates = ns["by_depth"], ns["everything"].set_index(["learning rate", "layers"])
    assert deep["training loss"].loc[:10].is_monotonic_decreasing, "the training loss falls up to 10 layers"
    assert deep["validation MAE"].idxmin() == 10, "and the validation error is lowest there"
    assert (deep["learning rate"] == max(ns["everything"]["learning rate"])).all(), "each depth chose the larger rate"
    for rate, rows in rates.groupby(level="learning rate"):
        rows = rows.droplevel("learning rate")
        assert (rows.loc[[18, 34]] > rows.loc[10]).all(axis=None), f"both are higher at 18 and 34 layers, at {rate:g}"

    plain = ns["deeper"]
    assert plain.loc["V02", "ours"] > plain.loc[["V03", "V04"], "ours"].max() + 10, "on people the CNN is far ahead"
    assert plain.loc["V02", "published"] > plain.loc[["V03", "V04"], "published"].max(), "in the study too"
    assert (ns["people"]["value"] < 5).all() and len(ns["people"]) == 3, "trained long, a plain one errs under 5 years"
