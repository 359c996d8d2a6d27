"""What chapter 10 says of the book's run."""

from agelib import networks
from agelib.config import Network
from agelib.networks.swin_mini import Block, PatchMerging


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
    heard = [int(ns["seen"](5, 6, blocks).sum()) for blocks in (1, 2, 3)]
    assert heard == [4**2, 8**2, 12**2], "what a patch hears grows by a window's side with every block"
    bias = ns["bias"]
    assert bias["convolution"].max() < 1e-5, "the convolution's output moves along"
    strided = bias["with a stride of 2"]
    assert strided[1] > 0.1, "with a stride of 2 it does not for one pixel"
    assert strided[[8, 16]].max() < 1e-5, "and does for even steps"
    assert bias.loc[16, "patches"] < 1e-5, "the patches' does for whole patches"
    assert bias.loc[1, "patches"] > 0.1, "and not for one pixel"
    assert 8 < ns["swin_dead"][32] < 9, "8 % of Swin's weights are idle at 32 pixels"
    assert ns["swin_dead"][64] < 0.5, "and hardly any at 64"
    lost, asking = ns["lost"], 2 * 2 * 768 * 769
    assert 0.98 * lost["all"] < asking < lost["stage 4"], "nearly all are queries and keys of the last stage"
    costs = ns["small_costs"]
    assert costs["multiply_adds"].max() < 1.35 * costs["multiply_adds"].min(), "the three cost nearly the same"
    assert costs["without gradient, %"].max() < 0.5, "no weight of theirs is idle"
    check_designs()
    errors = ns["tested"]["value"]
    assert list(errors.sort_values().index) == ["resnet_8", "swin_mini", "vit_mini"], "the order in the book's run"
    assert len(ns["run"].train_predictions) < 2000, "fewer than two thousand faces"
    epochs = {name: list(each.history["valid_mae"]) for name, each in ns["small_runs"].items()}
    others = [epochs["vit_mini"], epochs["swin_mini"]]
    assert epochs["resnet_8"][1] > max(each[1] for each in others), "after two epochs resnet_8 is the worst"
    assert epochs["resnet_8"][2] < min(each[2] for each in others), "in the third it falls below both"
    rates = ns["chosen"]
    assert rates["resnet_8"] == max(ns["small_rates"]), "the ResNet takes the larger rate"
    assert rates["vit_mini"] == rates["swin_mini"] == min(ns["small_rates"]), "the transformers take the smaller one"
    people, difference = ns["people"], ns["people_gap"].loc["MAE"]
    assert people["value"].idxmin() == "study-a-swinv2", "Swin has the smallest error on people"
    assert -0.1 < difference["high"] < 0, "the paired difference from ResNet-18 excludes zero, if only just"
    precisions = {name: each.environment["precision"] for name, each in ns["kept"].items()}
    assert precisions.pop("study-a-efficientnet") == "float32", "EfficientNet-B0 in float32"
    assert set(precisions.values()) == {"bf16"}, "the others in bf16"
    assert {each.experiment.pictures.image_size for each in ns["kept"].values()} == {32}, "all at 32 pixels"
    spent = people["million multiply-adds"]
    assert 2.4 < spent["study-a-swinv2"] / spent["study-a-resnet18"] < 2.6, "two and a half times the arithmetic"
    assert ns["mae_moved"] == sorted(ns["mae_moved"]), "the error of this batch rises with every pixel"
    assert 10.5 < spent["study-a-swinv2"] / spent["study-a-efficientnet"] < 11.5, "and eleven times"


def check_designs():
    """The table of what differs between the small networks."""
    for name, sides, asked, widths in (
        ("vit_mini", [4] * 6, [4] * 6, [96] * 6),
        ("swin_mini", [8, 8, 4, 4, 2, 2], [4, 4, 4, 4, 2, 2], [48, 48, 96, 96, 192, 192]),
    ):
        layers = list(networks.build(Network(name), 1, 32, seed=0).body.layers)
        blocks = [layer for layer in layers if isinstance(layer, Block)]
        assert [block.attention.side for block in blocks] == sides, f"{name}: sides of the maps"
        assert [block.attention.window for block in blocks] == asked, f"{name}: windows"
        assert [block.norm1.normalized_shape[0] for block in blocks] == widths, f"{name}: widths"
        merges = sum(isinstance(layer, PatchMerging) for layer in layers)
        assert merges == (2 if name == "swin_mini" else 0), f"{name}: merging"
