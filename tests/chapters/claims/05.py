"""What the text of chapter 05 says about its figures, held against the numbers of the run."""


def check(ns: dict) -> None:
    """Fail where a sentence of the chapter no longer describes what was computed.

    Parameters
    ----------
    ns : dict
        The notebook's names after its last cell.
    """
    first = ns["descend"](ns["X_train"], ns["y_train"], 0.005, 1)[2][0, 0]
    assert abs(first - 1) < 1e-9, "with zero weights the loss is 1, the variance of standardised ages"
    _check_equalities(ns)
    _check_descent(ns)
    _check_starts_and_optimisers(ns)
    _check_test(ns)


def _check_equalities(ns: dict) -> None:
    assert ns["gap_measured"] < 1e-9, "the finite differences agree to nine decimals"
    assert ns["gap_autograd"] < 1e-13, "PyTorch agrees to fourteen decimals"
    assert ns["backprop_gap"] < 1e-12, "backpropagation by hand agrees to the last digits"
    assert ns["optimiser_gap"].max() < 1e-12, "each optimiser by hand equals PyTorch's"
    assert ns["bootstrap_gap"] < 1e-9, "the interval by hand equals agelib's"


def _check_descent(ns: dict) -> None:
    steps = {name: ns["descend"](ns["X_train"], ns["y_train"], share * ns["limit"], 60)[2][:, 0]
             for name, share in ns["shares"].items()}  # fmt: skip
    ends = [steps[name][-1] for name in ("right", "small", "too small")]
    assert ends == sorted(ends), "below the limit a larger rate learns faster"
    assert ends[-1] < 1 < steps["too large"][-1], "above the limit the loss explodes"
    assert ns["curvatures"][-1] > 1000 * _median(ns["curvatures"]), "the valley is thousands of times longer than wide"
    assert abs(ns["noise_slope"] + 0.5) < 0.1, "the noise falls as one over the root of the batch size"
    ends = list(ns["per_epoch"].iloc[-1])
    assert ends == sorted(ends, reverse=True), "the smaller the batch, the lower the loss after ten epochs"
    assert ns["in_order"][-1] > 1.2 * ns["shuffled"][-1], "sorted by age, SGD learns much less"


def _check_starts_and_optimisers(ns: dict) -> None:
    assert ns["apart"] < 1e-12, "from equal weights every hidden neuron gets the same gradient"
    sizes = ns["by_layer"].iloc[-1]
    assert 0.2 < sizes["He: √(2/n)"] < 5, "He's scale keeps the size"
    assert sizes["twice He"] > 1e6, "larger weights let it explode"
    assert sizes["nn.Linear: √(1/3n)"] < sizes["Glorot: √(1/n)"] < 1e-3, "smaller weights let it vanish"
    race = ns["race"].iloc[-1]
    assert max(race["momentum"], race["Adam"]) < race["plain"] - 0.01, "momentum and Adam end below plain descent"


def _check_test(ns: dict) -> None:
    history = ns["histories"]["two layers"]
    best = history.loc[history["valid_loss"].idxmin()]
    last = history.iloc[-1]
    assert last["train_loss"] < best["train_loss"], "the training loss goes on falling"
    assert last["valid_loss"] > best["valid_loss"], "the validation loss does not"
    mae, chosen = ns["results"]["MAE"], ns["tried"].min()
    assert mae[["linear", "two layers"]].max() < mae["always the mean age"], "both are better than the mean age"
    assert chosen["two layers"] < 0.95 * chosen["linear"], "on the validation set the hidden layer helps clearly"
    gain = ns["difference"].loc["MAE"]
    assert gain["high"] < 0, "the whole interval of the difference lies below zero"
    assert gain["high"] - gain["low"] > 1, "the interval of the difference is more than a year wide"
    cost = ns["shifted"].iloc[2] - ns["shifted"].iloc[0]
    assert cost.min() > 1, "a shift of two pixels costs each model more than a year"
    lead = ns["shifted"]["linear"] - ns["shifted"]["two layers"]
    assert lead.iloc[3] < 0.5 * lead.iloc[0], "after three pixels the network has lost most of its lead"
    old, weights = (_neighbours(ns["panels"][name], ns) for name in ("old minus young", "linear weights"))
    assert old > 0.7 > 0.5 > weights, "the difference of old and young is smooth, the weights are not"
    hungry = ns["starved_history"]
    assert hungry["train_loss"].iloc[-1] < 0.05, "a hundred images are memorised"
    assert hungry["valid_loss"].min() > best["valid_loss"], "and the validation loss stays above"


def _median(values) -> float:
    return sorted(values)[len(values) // 2]


def _neighbours(panel, ns: dict) -> float:
    """Correlation of pixels that stand side by side."""
    square = panel.reshape(ns["image_size"], ns["image_size"])
    return float(ns["np"].corrcoef(square[:, 1:].ravel(), square[:, :-1].ravel())[0, 1])
