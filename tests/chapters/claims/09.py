"""What chapter 09 says of the book's run."""


def check(ns):
    assert ns["gap"] < 1e-5, "a separable convolution multiplied out is a usual one"
    assert ns["block_gap"] < 1e-5, "the block by hand finds torchvision's numbers, in training too"
    assert max(ns["gaps"].values()) < 1e-4, "the networks by hand find torchvision's and agelib's numbers"
    ratio = ns["promise"].loc["ratio"]
    assert 4.5 < ratio["parameters"] < 5.5, "EfficientNet-B0 has a fifth of ResNet-50's weights"
    assert 9.5 < ratio["multiply_adds"] < 11, "and needs a tenth of its multiply-adds"
    check_scaling(ns["phi"], ns["grown"])
    check_time(ns)
    check_trainings(ns)
    without = ns["without"]
    assert 1 < without.loc["efficientnet_b0", "32 pixels"] < 5, "a few percent of B0 get no gradient at 32 pixels"
    assert (without.loc["mbconv_mini"] < 0.1).all(), "and nothing of its small relative"
    paired, grid = ns["paired"], ns["grid"]
    assert paired["low"] > 0, "on people EfficientNet-B0 is the worse of the two"
    assert grid.loc[grid["valid_mae"].idxmin(), "learning_rate"] == "0.001", "the best rate is the largest tried"


def check_scaling(phi, grown):
    assert phi.loc["B1", "φ by width"] == 0, "B1's width was rounded to 1.0"
    for name, value in (("B2", 1), ("B3", 2)):
        assert (phi.loc[name] - value).abs().max() < 0.2, f"{name} stands at φ = {value}"
    spread = phi.max(axis=1) - phi.min(axis=1)
    assert (spread["B4":] > 0.5).all(), "from B4 on, the three columns part"
    assert abs(phi.loc["B7", "φ by depth"] - 6.2) < 0.05, "depth says 6.2 for B7"
    assert abs(phi.loc["B7", "φ by width"] - 7.3) < 0.05, "width says 7.3 for B7"
    excess = grown["counted"] / grown["by the coefficients"]
    assert (excess.iloc[1:] > 1).all(), "the networks cost more than their coefficients say"
    assert excess.idxmax() == "B1", "and B1 by the most"
    assert abs(grown.loc["B1", "counted"] - 1.8) < 0.05, "B1 costs 1.8 times as much as B0"


def check_time(ns):
    relative = ns["relative"]
    assert abs(relative.loc["mbconv_mini", "multiply_adds"] - 1) < 0.1, "mbconv_mini costs what ResNet-20 costs"
    assert relative.loc["mbconv_mini", "seconds"] > 1.3, "and needs far longer"
    assert relative.loc["efficientnet_b0", "multiply_adds"] < 1, "EfficientNet-B0 has fewer multiply-adds"
    assert relative.loc["efficientnet_b0", "seconds"] > relative.loc["mbconv_mini", "seconds"], "and takes longer still"
    large = relative.loc["torchvision/resnet50"] / relative.loc["efficientnet_b0"]
    assert 9 < large["multiply_adds"] < 11, "ResNet-50 does ten times the work of EfficientNet-B0"
    assert large["seconds"] < 4, "in less than four times its time"
    speed = ns["intensity"]["billions a second"]
    assert 1.2 * speed["depthwise"] < speed.drop("depthwise").min(), "the depthwise convolution has the smallest rate"
    convolutions = ns["shares"].loc[["expand", "project"]].sum()
    assert abs(convolutions["multiply-adds"] - 500 / 6) < 3, "these do five sixths of the multiply-adds"
    assert convolutions["time"] < 50, "in less than half of the time"


def check_trainings(ns):
    assert ns["high"] < ns["always"], "EfficientNet-B0 has learnt something"
    costs = ns["small_costs"]["multiply_adds"]
    assert costs.max() < 1.3 * costs.min(), "the two small networks cost nearly the same"
    assert (ns["chosen"] == 0.01).all(), "both choose 0.01"
    apart = ns["apart"]
    assert apart.loc["the chosen rates", "low"] < 0 < apart.loc["the chosen rates", "high"], "no telling them apart"
    assert apart.loc["0.003 for both", "value"] > 1, "at 0.003 mbconv_mini comes out more than a year worse"
    assert apart.loc["0.003 for both", "low"] > 0, "with an interval that excludes 0"
