"""What chapter 08 says of the book's run."""


def check(ns):
    assert ns["gap"] < 1e-5, "the network by hand finds agelib's numbers"
    assert ns["first_last"]["plain"] > 1, "the plain network's gradient is longer at the input than at the end"
    final, (shallow, deep) = ns["final"], ns["depths"]
    assert final["plain", deep] > 2 * final["plain", shallow], "the deeper plain network has the larger loss"
    assert final["plain", deep] > 0.7, "it has learnt next to nothing"
    assert final["residual", deep] < final["plain", shallow], "the deeper residual network has not"
    share = ns["without"].loc["all"]
    assert 61 < share["32 pixels"] < 63, "62 % of the weights get no gradient at 32 pixels"
    assert share["64 pixels"] < 0.5, "and nearly all of them do at 64"
