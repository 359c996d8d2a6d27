"""What chapter 08 says of the book's run."""


def check(ns):
    assert ns["gap"] < 1e-5, "the network by hand finds agelib's numbers"
    assert ns["first_last"]["plain"] > 1, "the plain network's gradient is longer at the input than at the end"
    final, (shallow, deep) = ns["final"], ns["depths"]
    assert final[f"plain_{deep}"] > 1.05 * final[f"plain_{shallow}"], "the deeper plain network has the larger loss"
    assert final[f"resnet_{deep}"] < 1.05 * final[f"resnet_{shallow}"], "the deeper residual network has not"
    share = ns["without"].loc["all"]
    assert 61 < share["32 pixels"] < 63, "62 % of the weights get no gradient at 32 pixels"
    assert share["64 pixels"] == 0, "and all of them do at 64"
