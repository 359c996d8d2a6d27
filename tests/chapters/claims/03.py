"""What chapter 03 says of its default run."""


def check(ns):
    blind = ns["promises"]
    by_image, by_hand, theirs = (blind.loc[name] for name in ns["three"])
    assert by_image["seen (%)"] > 80, "the figure no longer supports that a split by image shows seen identities"
    for row in (by_hand, theirs):
        assert row["seen (%)"] == 0, "a split by identity shows a seen identity"
        assert row["identity only"] == row["median age"], "identity alone helps on unseen identities"
    bite = by_image["identity only"] / by_image["median age"]
    assert bite < 0.75, "the name alone no longer takes a large bite out of the error"
    assert abs(theirs["test (%)"] - 10) < abs(by_hand["test (%)"] - 10), "agelib no longer comes closer to the sizes"
    assert len(ns["crossing"]) > 0, "no copies are left on two sides to be shown"
    assert ns["pairs"].groupby("group")["age"].nunique().max() > 1, "no pair of the figure disagrees about its age"
    exact = ns["audit"].table.query("kind == 'exact duplicate' and part == 'test' and other == 'train'")
    assert exact["groups"].item() > 0, "the audit shows no exact copies beside the near ones"

    promised, true, honest, new = ns["promised"], ns["true"], ns["honest"], ns["new_error"].mean()
    assert true > 4 / 3 * promised, "the error on new people is no longer more than a third larger than promised"
    assert ns["low"] > 0.3, "zero is no longer outside the interval of what the leak hides"
    assert ns["paired_low"] > 0.5, "zero is no longer far outside the paired interval"
    assert ns["honest_low"] < 0 < ns["honest_high"] < ns["low"], (
        "by identity the test may now hide as much as the leak, or zero is excluded"
    )
    assert 0.5 < honest - new < 1.5, "the test by identity is no longer about a year too strict"
    assert ns["paired"].mean() > true - promised, "the paired price of the leak is no longer the higher one"
    assert ns["new_high"] < ns["paired_low"], "on new people, too, the networks of the two splits differ by years"
    known, others = ns["constant"][: ns["number"]].mean(), ns["constant"][ns["number"] :].mean()
    assert known > others, "the new people are no longer easier than the known ones"
    assert ns["both_sides"] == 0, "a person is in two folds"
    assert ns["means"].max() - ns["means"].min() > 1, "the folds no longer scatter by a year or more"
    assert ns["means"].max() - honest > 1 < honest - ns["means"].min(), "folds are no longer off both ways by a year"
    assert ns["luck"] > 0.3, "choosing the best of 20 no longer looks like an improvement"
    assert ns["both"] > ns["alone"] + 10, "the second split of study C no longer lifts the accuracy"
    of_parts = 100 * ns["trained_on"] + (1 - ns["trained_on"]) * ns["alone"]
    assert abs(ns["both"] - of_parts) < 3, "the seen images and the others no longer add up to the share after both"
    agree = (ns["same"] == ns["other"]).mean()
    assert agree < 0.76, "a split by another seed is no longer about as far from the first as one by chance"
    assert abs(ns["closeness"] - 1) < 0.15, "the thumbnails' audit no longer overlooks the leak"
    assert ns["difference_on_people"] > 0, "FG-NET's interval no longer excludes zero"

    wild = ns["blind"]
    assert (wild["identity only"] < wild["ResNet-34"]).all(), (
        "names no longer beat the network on both published splits"
    )
    percent = ns["wild_leaks"].query("leak == 'identity'")["percent"]
    assert percent["CACD"] == 100, "CACD's test set has an unseen identity"
