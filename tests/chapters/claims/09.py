"""What chapter 09 says of the book's run."""

from agelib import networks
from agelib.experiments import published


def check(ns):
    assert ns["gap"] < 1e-5, "a separable convolution multiplied out is a usual one"
    assert ns["block_gap"] < 1e-5, "the block by hand finds torchvision's numbers, in training too"
    assert max(ns["gaps"].values()) < 1e-4, "the networks by hand find torchvision's and agelib's numbers"
    ratio = ns["promise"].loc["ratio"]
    assert 4.5 < ratio["parameters"] < 5.5, "EfficientNet-B0 has a fifth of ResNet-50's weights"
    assert 9.5 < ratio["multiply_adds"] < 11, "and needs a tenth of its multiply-adds"
    top_1 = ns["promise"]["ImageNet top-1, %"]
    assert 0 < top_1["efficientnet_b0"] - top_1["torchvision/resnet50"] < 3, "and is a little better on ImageNet"
    saved = ns["kinds"]["saved"]
    neighbours = saved["k × k"] + saved["depthwise"]
    assert 0.45 < neighbours / saved.sum() < 0.55, "half of what is saved are the k × k convolutions"
    assert 0.45 < saved["1 × 1"] / saved.sum() < 0.55, "and half the 1 × 1 convolutions"
    check_scaling(ns["phi"], ns["grown"])
    check_time(ns)
    check_trainings(ns)
    without = ns["without"]
    assert 1 < without.loc["efficientnet_b0", "32 pixels"] < 5, "a few percent of B0 get no gradient at 32 pixels"
    assert (without.loc["mbconv_mini"] < 0.1).all(), "and nothing of its small relative"
    check_people(ns["paired"], ns["kept"])
    spreads = ns["gate_spreads"]
    assert 5 < min(spreads) <= max(spreads) < 20, "no block's gates are constants"


def check_people(paired, kept):
    assert paired["low"] > 0, "on people EfficientNet-B0 is the worse of the two"
    for name in ("study-a-efficientnet", "study-a-resnet18"):
        grid = published.trials(name)
        assert grid.loc[grid["valid_mae"].idxmin(), "learning_rate"] == grid["learning_rate"].max() == 1e-3, (
            f"{name}: the best rate is the largest tried"
        )
        assert set(grid["epochs_run"]) == {6}, "six epochs a trial"
        errors = {optimiser: list(rows["valid_mae"]) for optimiser, rows in grid.groupby("optimiser")}
        assert errors["adam"] == errors["adamw"], "Adam and AdamW are alike to the last digit"
    for each in kept.values():
        assert each.experiment.training.weight_decay == 0, "no weight decay"
        assert each.experiment.training.epochs == 10 and each.experiment.pictures.fraction == 1, "ten epochs on all"
    precisions = {name: each.environment["precision"] for name, each in kept.items()}
    assert precisions == {"ResNet-18": "bf16", "EfficientNet-B0": "float32"}, "the two differ in precision, too"
    costs = networks.describe(["resnet18", "efficientnet_b0"], image_size=32)["multiply_adds"]
    assert costs["efficientnet_b0"] < costs["resnet18"] / 4, "a quarter of ResNet-18's multiply-adds"


def check_scaling(phi, grown):
    assert phi.loc["B1", "φ by width"] == 0, "B1's width was rounded to 1.0"
    for name, value in (("B2", 1), ("B3", 2)):
        assert (phi.loc[name] - value).abs().max() < 0.2, f"{name} stands at φ = {value}"
    assert list(phi["φ by depth"]["B4":].round()) == [3, 4, 5, 6], "the usual φ of B4 to B7 fits the depth"
    rest = phi.loc["B4":, ["φ by width", "φ by resolution"]]
    assert (rest.min(axis=1) > phi["φ by depth"]["B4":]).all(), "width and resolution grow further"
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
    large = relative.loc["ratio"]
    assert 9 < large["multiply_adds"] < 11, "ResNet-50 does ten times the work of EfficientNet-B0"
    assert large["seconds"] < 4, "in less than four times its time"
    intensity, speed = ns["intensity"]["a number moved"], ns["intensity"]["billions a second"]
    assert intensity.idxmin() == "depthwise", "the depthwise convolution has the fewest multiply-adds a number"
    rates, counts = (each.max() / each["depthwise"] for each in (speed, intensity))
    assert rates < counts / 5, "the rates lie much closer together than the counts"
    assert 1.2 * speed["depthwise"] < speed.drop("depthwise").min(), "the depthwise convolution has the smallest rate"
    convolutions = ns["shares"].loc[["expand", "project"]].sum()
    assert abs(convolutions["multiply-adds"] - 500 / 6) < 3, "these do five sixths of the multiply-adds"
    assert convolutions["time"] < 50, "in less than half of the time"
    free = ns["shares"].loc[["gate", "two norms", "two SiLUs"]].sum()
    assert free["multiply-adds"] < 0.5, "gate, norms and SiLUs are free by the count"
    assert 40 < free["time"] < 65, "and take about half of the time"
    depthwise = ns["shares"].loc["depthwise"]
    assert abs(depthwise["time"] - depthwise["multiply-adds"]) < 6, "depthwise has about as much of both"


def check_trainings(ns):
    assert ns["high"] < ns["always"], "EfficientNet-B0 has learnt something"
    costs = ns["small_costs"]["multiply_adds"]
    assert costs.max() < 1.3 * costs.min(), "the two small networks cost nearly the same"
    weights = ns["small_costs"]["parameters"]
    assert weights["mbconv_mini"] > 20 * weights["resnet_8"], "with more than twenty times the weights"
    assert (ns["chosen"] == 0.01).all(), "both choose 0.01"
    ahead = ns["by_rate"].loc["mbconv_mini", "0.01"] - ns["by_rate"].loc["resnet_8", "0.01"]
    assert 0.8 < ahead < 1.3, "on the validation set ResNet-8 is a year ahead at that rate"
    apart = ns["apart"]
    assert apart.loc["the chosen rates", "low"] < 0 < apart.loc["the chosen rates", "high"], "no telling them apart"
    assert apart.loc["0.003 for both", "value"] > 1, "at 0.003 mbconv_mini comes out more than a year worse"
    assert apart.loc["0.003 for both", "low"] > 0, "with an interval that excludes 0"
