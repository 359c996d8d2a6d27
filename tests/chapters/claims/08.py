"""What chapter 08 says of the book's run."""


def check(ns):
    changes = ns["changes"]
    assert changes[True, 1] > 1, "a fresh residual block changes its input by more than the input's own length"
    assert changes[True, 0] == 0, "with a scale of 0 by nothing"
    assert changes[False, 0] == 1, "and a plain block forgets it"
    assert ns["gap"] < 1e-5, "the network by hand finds agelib's numbers"

    lengths, ratio = ns["lengths"], ns["first_last"]
    assert ratio["plain"] > 1000, "the plain network's gradient grows more than a thousandfold on its way back"
    assert 1.13 < ns["growth"]["plain"] < 1.2, "by about a sixth a layer"
    assert ratio["resnet"] < 10, "the residual network's grows less than tenfold"
    assert max(lengths["resnet"]) < 15 * min(lengths["resnet"]), "which the figure shows, too"

    final, (shallow, deep), curves = ns["final"], ns["depths"], ns["curves"]
    assert final["plain", deep] > 2 * final["plain", shallow], "the deeper plain network has the larger loss"
    assert final["plain", deep] > 0.7, "it has learnt next to nothing"
    assert final["residual", deep] < final["plain", shallow], "the deeper residual network has not"
    assert max(curves, key=lambda key: curves[key][0]) == ("residual", deep), "which began with the largest loss"

    share = ns["without"].loc["all"]
    assert 61 < share["32 pixels"] < 63, "62 % of the weights get no gradient at 32 pixels"
    assert share["64 pixels"] < 0.5, "and nearly all of them do at 64"
    counted = (5 * 256 * 512 + 3 * 8 * 512 * 512) / (9 * 256 * 512 + 3 * 9 * 512 * 512 + 256 * 512)
    assert abs(ns["without"].loc["stage 5", "32 pixels"] - 100 * counted) < 0.5, "5 of 9, and 8 of 9 three times"

    first = ns["run"].history.iloc[0]
    assert first["valid_loss"] > 5 * first["train_loss"], "after the first epoch the validation loss is far above"
    told = ns["beside"].loc["low"]
    assert len(told) == 3 and (told > 0).all(), "ResNet-18 errs more than the CNN, whichever way the interval is drawn"
    epochs = [ns[name].experiment.training.epochs for name in ("cnn", "run")]
    weights = [sum(p.numel() for p in ns[name].network().parameters()) for name in ("cnn", "run")]
    assert epochs[0] == 2 * epochs[1] and weights[1] > 8 * weights[0], "with half the epochs and many times the weights"
