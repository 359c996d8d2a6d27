"""What chapter 03 says of its default run."""


def check(ns):
    blind = ns["promises"]
    by_image, by_hand, theirs = (blind.loc[name] for name in ns["three"])
    assert by_image["seen in test (%)"] > 80, (
        "the figure no longer supports that a split by image shows seen identities"
    )
    for row in (by_hand, theirs):
        assert row["seen in test (%)"] == 0, "a split by identity shows a seen identity"
        assert row["identity only"] == row["median age"], "identity alone helps on unseen identities"
    bite = by_image["identity only"] / by_image["median age"]
    assert bite < 0.75, "the name alone no longer takes a large bite out of the error"
    assert len(ns["crossing"]) > 0, "no copies are left on two sides to be shown"

    promised, true, honest, new = ns["promised"], ns["true"], ns["honest"], ns["new_error"].mean()
    assert true > 1.25 * promised, "the error on new people is no longer a third larger than the promised one"
    assert ns["low"] > 0.3, "zero is no longer outside the interval of what the leak hides"
    assert ns["paired_low"] > 0.5, "zero is no longer far outside the paired interval"
    assert ns["honest_low"] < 0 < ns["honest_high"], "the cross-validation's promise no longer holds for new people"
    assert abs(new - true) < 0.5 * (true - promised), "the networks of both splits are no longer about equally good"
    assert ns["both_sides"] == 0, "a person is in two folds"
    assert ns["means"].max() - ns["means"].min() > 1, "the folds no longer scatter by a year or more"
    assert abs(ns["means"] - honest).max() > 1, "no single fold is a year off"
    assert ns["luck"] > 0.3, "choosing the best of 20 no longer looks like an improvement"
    assert ns["both"] > ns["alone"] + 10, "the second split of study C no longer lifts the accuracy"
    assert abs(ns["closeness"] - 1) < 0.15, "the thumbnails' audit no longer overlooks the leak"
    assert ns["difference_on_people"] > 0, "FG-NET's interval no longer excludes zero"

    wild = ns["blind"]
    assert (wild["identity only"] < wild["ResNet-34"]).all(), (
        "names no longer beat the network on both published splits"
    )
    percent = ns["wild_leaks"].query("leak == 'identity'")["percent"]
    assert percent["CACD"] == 100, "CACD's test set has an unseen identity"
