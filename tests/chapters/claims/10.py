"""What chapter 10 says of the book's run."""


def check(ns):
    for name in ("gap_embed", "gap_heads", "gap_norm", "gap_block", "gap_shift", "gap_order"):
        assert ns[name] < 1e-5, f"{name}: the two ways agree"
    assert ns["gap_attend"].max() < 1e-5, "attention is torch's"
    assert ns["gap_position"] > 0.01, "with positions the order of the tokens matters"
    assert max(ns["gap_swin"].values()) < 1e-4, "the block is timm's, plain and shifted"
    root_d = ns["root_d"]
    assert (abs(root_d["variance of a score"] / root_d.index - 1) < 0.1).all(), "a score's variance is the width"
    assert root_d["largest weight"].iloc[-1] > 0.8, "without the root a wide query chooses one key"
    assert root_d["with the root"].max() < 0.4, "with it no width does"
    assert ns["memorised"][-1] < 0.3, "the student's ViT memorises sixteen faces"
    bias = ns["bias"]
    assert bias["convolution"].max() < 1e-5, "the convolution's output moves along"
    assert bias.loc[16, "patches"] < 1e-5, "the patches' does for whole patches"
    assert bias.loc[1, "patches"] > 0.1, "and not for one pixel"
    assert 8 < ns["swin_dead"][32] < 9, "8 % of Swin's weights are idle at 32 pixels"
    assert ns["swin_dead"][64] < 0.5, "and hardly any at 64"
    costs = ns["small_costs"]
    assert costs["multiply_adds"].max() < 1.35 * costs["multiply_adds"].min(), "the three cost nearly the same"
    assert costs["without gradient, %"].max() < 0.5, "no weight of theirs is idle"
    tested, apart = ns["tested"]["value"], ns["apart"]
    order = ["resnet_8", "swin_mini", "vit_mini"]
    assert list(tested.sort_values().index) == order, "the order is that of the inductive bias"
    assert (apart["low"] > 0).all(), "both paired differences exclude zero"
    assert len(ns["run"].train_predictions) < 2000, "fewer than two thousand faces"
    for name, each in ns["small_runs"].items():
        errors = each.history["valid_mae"]
        assert errors.iloc[:2].min() > 13, f"{name} has not learnt much after two epochs"
        has_started = errors.iloc[-1] < 12.5
        assert has_started == (name != "vit_mini"), (
            f"{name}: the convolution and the windows start, the ViT hardly does"
        )
    rates = ns["chosen"]
    assert rates["resnet_8"] == max(ns["small_rates"]), "the ResNet takes the larger rate"
    assert rates["vit_mini"] == rates["swin_mini"] == min(ns["small_rates"]), "the transformers take the smaller one"
    people, difference = ns["people"], ns["people_gap"].loc["MAE"]
    assert people["value"].idxmin() == "study-a-swinv2", "Swin has the smallest error on people"
    assert difference["high"] < 0, "the paired difference from ResNet-18 excludes zero"
    assert {each.experiment.pictures.image_size for each in ns["kept"].values()} == {32}, "all at 32 pixels"
    spent = people["million multiply-adds"]
    assert 2.4 < spent["study-a-swinv2"] / spent["study-a-resnet18"] < 2.6, "two and a half times the arithmetic"
    assert 10.5 < spent["study-a-swinv2"] / spent["study-a-efficientnet"] < 11.5, "and eleven times"
