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
    assert ns["gap_autograd"] < ns["gap_measured"] < 1e-9, "both differences are rounding, the measured one more"
    assert ns["backprop_gap"] < 1e-12, "backpropagation by hand agrees to the last digits"
    assert ns["optimiser_gap"].max() < 1e-12, "each optimiser by hand equals PyTorch's"


def _check_descent(ns: dict) -> None:
    steps = {name: ns["descend"](ns["X_train"], ns["y_train"], share * ns["limit"], 60)[2][:, 0]
             for name, share in ns["shares"].items()}  # fmt: skip
    ends = [steps[name][-1] for name in ("right", "small", "too small")]
    assert ends == sorted(ends), "below the limit a larger rate learns faster"
    assert ends[-1] < 1, "below the limit every rate learns"
    assert min(steps["too large"]) < 0.9 and steps["too large"][-1] > 100, "above it the loss falls, then explodes"
    assert ns["curvatures"][-1] > 1000 * _median(ns["curvatures"]), "the valley is thousands of times longer than wide"
    assert abs(ns["noise_slope"] + 0.5) < 0.1, "the noise falls as one over the root of the batch size"
    ends = list(ns["per_epoch"].iloc[-1])
    assert ends == sorted(ends, reverse=True), "the smaller the batch, the lower the loss after ten epochs"
    moves = ns["per_epoch"].diff()
    assert moves.iloc[1:, :2].max().max() < 0, "the loss of large batches falls in every epoch"
    assert (moves.iloc[:, 2] > 0.02).sum() >= 3, "that of small ones is thrown back every few epochs"
    assert ns["in_order"][-1] > 1.2 * ns["shuffled"][-1], "sorted by age, SGD learns much less"


def _check_starts_and_optimisers(ns: dict) -> None:
    assert ns["apart"] < 1e-12, "from equal weights every hidden neuron gets the same gradient"
    sizes = ns["by_layer"].iloc[-1]
    assert 0.2 < sizes["He: √(2/n)"] < 5, "He's scale keeps the size"
    assert sizes["twice He"] > 1e6, "larger weights let it explode"
    assert sizes["nn.Linear: √(1/3n)"] < sizes["Glorot: √(1/n)"] < 1e-3, "smaller weights let it vanish"
    for share in (1.8, 1.95):
        path = ns["walk"](ns["momentum_step"], 0, 300, lr=share * ns["limit"])
        loss = ns["np"].mean((path[-1] @ ns["X_train"].T - ns["y_train"]) ** 2)
        assert (loss < 1) == (share < 1.9), "with beta = 0.9 momentum bears 1.9 times the limit of plain descent"
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
    middle, end = ns["tried"].iloc[1], ns["tried"].iloc[2]
    assert ns["tried"]["two layers"].idxmin() == middle.name, "the network's best rate is the middle one"
    assert 0 < middle["linear"] - end["linear"] < 0.01, "the linear model's is the last, and hardly better"
    gain = ns["difference"].loc["MAE"]
    assert gain["high"] < 0, "the whole interval of the difference lies below zero"
    assert gain["high"] - gain["low"] > 1, "the interval of the difference is more than a year wide"
    cost = ns["shifted"].iloc[2] - ns["shifted"].iloc[0]
    assert cost.min() > 3, "a shift of two pixels costs each model more than three years"
    ages = ns["age"][ns["is_part"]["valid"]]
    blind = abs(ages - ns["mean_age"]).mean()
    assert ns["shifted"].iloc[2].min() > blind, "then both are worse than always saying the mean age"
    assert cost["two layers"] > 0.8 * cost["linear"], "the hidden layer is no cure"
    old, weights = (_neighbours(ns["panels"][name], ns) for name in ("old minus young", "linear weights"))
    assert old > 0.7 > 0.5 > weights, "the difference of old and young is smooth, the weights are not"
    shown = ns["faces"].iloc[ns["some"][-1]]
    assert shown["second_face_score"] > 1, "the last image shown holds two faces"
    hungry = ns["starved_history"]
    assert hungry["train_loss"].iloc[-1] < 0.05, "a hundred images are memorised"
    assert hungry["valid_loss"].min() > best["valid_loss"], "and the validation loss stays above"
    assert abs(hungry["valid_loss"].min() - 1) < 0.1, "at its best it is that of the mean age"


def _median(values) -> float:
    return sorted(values)[len(values) // 2]


def _neighbours(panel, ns: dict) -> float:
    """Correlation of pixels that stand side by side."""
    square = panel.reshape(ns["image_size"], ns["image_size"])
    return float(ns["np"].corrcoef(square[:, 1:].ravel(), square[:, :-1].ravel())[0, 1])
