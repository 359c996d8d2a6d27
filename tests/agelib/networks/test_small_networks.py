"""Networks for images of 64 pixels: sizes that others published, blocks of other libraries, and matched costs."""

import pytest
import torch
from torch import nn
from torchvision.models import efficientnet, resnet, swin_transformer
from varied_images import varied_images

from agelib import explain, networks
from agelib.config import Network
from agelib.deploy import onnx_export
from agelib.networks import cifar_resnet, mbconv_mini, swin_mini
from agelib.networks.cifar_resnet import CifarResNet

#: The four that are compared at the same cost, and the plain twin of the first.
MATCHED = ("resnet_20", "mbconv_mini", "swin_mini", "vit_mini")
NEW = ("plain_20", *MATCHED)


def build(name, outputs=1, image_size=64, seed=0):
    return networks.build(Network(network=name), outputs, image_size, seed)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


# Plain and residual networks


@pytest.mark.parametrize("kind", ["plain", "resnet"])
@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85)])
def test_with_cifars_ten_classes_it_has_as_many_parameters_as_the_paper_says(kind, depth, millions):
    row = networks.describe(f"{kind}_{depth}", image_size=32, outputs=10).iloc[0]
    assert round(row["parameters"] / 1e6, 2) == millions


@pytest.mark.parametrize(
    ("depth", "millions", "multiply_adds"),
    [(20, 0.27, 40.81), (32, 0.47, 69.12), (44, 0.66, 97.44), (56, 0.86, 125.75)],
)
def test_with_projections_it_has_the_size_and_cost_that_a_collection_of_models_for_cifar_publishes(
    depth, millions, multiply_adds
):
    """The table of github.com/chenyaofo/pytorch-cifar-models, whose networks have option B."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network = nn.Sequential(CifarResNet(depth, shortcut="project"), nn.Linear(64, 10))
        network(torch.zeros(1, 3, 32, 32))
    assert round(count(network) / 1e6, 2) == millions
    assert round(counter.get_total_flops() / 2e6, 2) == multiply_adds


def test_images_of_64_pixels_cost_what_cifars_do():
    small, large = (networks.describe("resnet_20", size)["multiply_adds"].item() for size in (32, 64))
    assert small == large
    assert build("resnet_20").body.stem(torch.zeros(1, 3, 64, 64)).shape == (1, 16, 32, 32)
    assert build("resnet_20", image_size=32).body.stem(torch.zeros(1, 3, 32, 32)).shape == (1, 16, 32, 32)


@pytest.mark.parametrize(("channels", "stride"), [((16, 16), 1), ((16, 32), 2)])
def test_a_block_with_a_projection_is_torchvisions(channels, stride):
    torch.manual_seed(0)
    before, after = channels
    same = before == after
    projection = None if same else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
    theirs = resnet.BasicBlock(before, after, stride, projection)
    ours = cifar_resnet.Block(before, after, stride, shortcut="project")
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    x = torch.randn(4, before, 8, 8)
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)


def test_a_plain_network_is_the_residual_one_without_what_goes_past_its_blocks():
    plain, residual = build("plain_20"), build("resnet_20")
    assert count(plain) == count(residual)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), residual.parameters(), strict=True))
    block, with_shortcut = plain.body.stages[1][0], residual.body.stages[1][0]
    x = torch.randn(2, 16, 8, 8)
    y = block.second(torch.relu(block.first(x)))
    assert torch.equal(block(x), torch.relu(y))
    # Option A: every second pixel, and nothing in the new channels.
    y[:, :16] += x[:, :, ::2, ::2]
    assert torch.equal(with_shortcut(x), torch.relu(y))


def test_the_weights_are_drawn_as_he_et_al_say():
    network = CifarResNet(56, shortcut="none")
    for convolution in (network.stem[0], network.stages[1][3].first[0], network.stages[2][0].first[0]):
        fan_in = convolution.weight[0].numel()
        assert convolution.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.1)


def test_any_depth_has_a_name_and_an_impossible_one_is_refused():
    assert [len(build(f"plain_{depth}").body.stages[2]) for depth in (8, 14, 32)] == [1, 2, 5]
    assert networks.module_of("resnet_110") == "agelib.networks.cifar_resnet"
    with pytest.raises(ValueError, match=r"depth is 6n \+ 2 .* not 21"):
        build("resnet_21")
    with pytest.raises(ValueError, match="shortcut is one of none, pad, project, not 'B'"):
        CifarResNet(20, shortcut="B")


# Inverted residuals


@pytest.mark.parametrize(
    ("before", "after", "expansion", "size", "stride"), [(16, 16, 1, 3, 1), (16, 24, 6, 3, 2), (24, 24, 6, 5, 1)]
)
def test_an_inverted_residual_is_torchvisions(before, after, expansion, size, stride):
    torch.manual_seed(0)
    settings = efficientnet.MBConvConfig(expansion, size, stride, before, after, 1)
    theirs = efficientnet.MBConv(settings, stochastic_depth_prob=0.0, norm_layer=nn.BatchNorm2d)
    ours = mbconv_mini.MBConv(before, after, expansion, size, stride)
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    x = torch.randn(4, before, 8, 8)
    assert torch.allclose(ours(x), theirs(x), atol=1e-5)


# Attention in windows


@pytest.mark.parametrize(("window", "shift"), [(4, 0), (4, 2), (8, 0)])
def test_a_block_is_torchvisions_swin_block(window, shift):
    torch.manual_seed(0)
    theirs = swin_transformer.SwinTransformerBlock(
        48, 3, [window] * 2, [shift] * 2, mlp_ratio=swin_mini.MLP_RATIO, stochastic_depth_prob=0.0
    ).eval()
    ours = swin_mini.Block(48, 3, window, side=8, shift=shift)
    assert torch.equal(ours.attention.positions.flatten(), theirs.attn.relative_position_index)
    nn.init.zeros_(theirs.attn.qkv.bias)  # ours has none
    nn.init.normal_(theirs.attn.relative_position_bias_table)
    for mine, other in (
        (ours.norm1, theirs.norm1),
        (ours.norm2, theirs.norm2),
        (ours.attention.output, theirs.attn.proj),
        (ours.mlp[0], theirs.mlp[0]),
        (ours.mlp[2], theirs.mlp[3]),
    ):
        mine.load_state_dict(other.state_dict())
    ours.attention.query_key_value.load_state_dict({"weight": theirs.attn.qkv.weight})
    ours.attention.position_bias.data = theirs.attn.relative_position_bias_table.data
    x = torch.randn(2, 8, 8, 48)
    with torch.no_grad():
        assert torch.allclose(ours(x), theirs(x), atol=1e-5)


def test_merging_patches_is_torchvisions():
    torch.manual_seed(0)
    theirs, ours = swin_transformer.PatchMerging(6), swin_mini.PatchMerging(6)
    # They put the four tokens column by column behind each other, we row by row.
    order = torch.arange(24).view(4, 6)[[0, 2, 1, 3]].flatten()
    ours.reduce.weight.data = theirs.reduction.weight.data[:, order]
    x = torch.randn(2, 8, 8, 6)
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (5, 6), (7, 7)])
@pytest.mark.parametrize("shift", [0, 2])
def test_a_token_sees_its_window_and_nothing_else(row, column, shift):
    torch.manual_seed(0)
    attention = swin_mini.WindowAttention(8, heads=2, window=4, side=8, shift=shift)
    x = torch.randn(1, 8, 8, 8, requires_grad=True)
    attention(x)[0, row, column].sum().backward()
    seen = x.grad.abs().sum(dim=(0, 3)) > 0
    # With a shift of 2 the windows begin at rows 2 and 6; what is left over at the edges keeps to itself.
    start = lambda place: (place - shift) // 4 * 4 + shift  # noqa: E731
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[max(start(row), 0) : start(row) + 4, max(start(column), 0) : start(column) + 4] = True
    assert torch.equal(seen, expected)


def test_with_one_window_a_token_sees_everything():
    body = build("vit_mini").body
    attention = body.layers[1].attention
    assert (attention.window, attention.side, attention.shift) == (8, 8, 0)
    x = torch.randn(1, 8, 8, 96, requires_grad=True)
    attention(x)[0, 0, 0].sum().backward()
    assert (x.grad.abs().sum(dim=(0, 3)) > 0).all()


def test_every_second_block_of_a_stage_of_several_windows_is_shifted():
    attentions = [m for m in build("swin_mini").modules() if isinstance(m, swin_mini.WindowAttention)]
    found = [(attention.side, attention.window, attention.shift, attention.heads) for attention in attentions]
    assert found == [(16, 4, 0, 3), (16, 4, 2, 3), (8, 4, 0, 6), (8, 4, 2, 6), (4, 4, 0, 12), (4, 4, 0, 12)]


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("swin_mini", 50, "near by 48 and 64 fit"),
        ("vit_mini", 4, "near by 8 and 16 fit"),
        ("swin_mini", 272, "224 and 256"),
    ],
)
def test_a_size_that_cannot_be_cut_is_refused_with_sizes_that_can(name, size, words):
    with pytest.raises(ValueError, match=words):
        build(name, image_size=size)


# All of them


def test_they_cost_the_same():
    table = networks.describe(list(MATCHED), image_size=64)
    shares = table["multiply_adds"] / table.loc["resnet_20", "multiply_adds"]
    assert shares.between(0.9, 1.1).all(), shares


@pytest.mark.parametrize("name", [*NEW, "plain_56", "resnet_56"])
def test_of_64_pixels_no_weight_is_without_a_gradient(name):
    table = networks.weights_without_gradient(build(name), varied_images(8, 64))
    assert table.loc["all"].tolist() == [count(build(name)), 0, 0]


@pytest.mark.parametrize("name", NEW)
def test_maps_grad_cam_and_stages_are_there(name):
    network = build(name)
    layers = explain.list_layers(network, 64)
    assert len(layers) == len(networks.stages(network))
    assert layers["places"].iloc[-1] in (4, 8)
    maps = explain.grad_cam(network, varied_images(2, 64), lambda outputs: outputs[:, 0], sign="both")
    assert maps.shape == (2, 64, 64) and abs(maps).max() == 1


@pytest.mark.parametrize("name", ["resnet_20", "mbconv_mini", "swin_mini"])
def test_onnx_gives_torchs_outputs_for_any_number_of_images(name, tmp_path):
    graph = onnx_export.Graph(build(name, image_size=32), [0.5] * 3, [0.25] * 3, flip=False).eval()
    torch.onnx.export(
        graph,
        (torch.zeros(2, 3, 32, 32, dtype=torch.uint8),),
        tmp_path / "model.onnx",
        input_names=["pictures"],
        dynamic_shapes={"pictures": {0: torch.export.Dim("batch")}},
        external_data=False,
        verbose=False,
    )
    assert onnx_export.compare(graph, tmp_path / "model.onnx", 32) < 1e-4
