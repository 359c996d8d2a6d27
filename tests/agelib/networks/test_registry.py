"""Every network that has a name: its published size, its cost, its stages, and the heads on it."""

import itertools

import pytest
import torch
import torchvision
from torch import nn

from agelib import networks
from agelib.config import Network
from agelib.networks.assembly import USUAL_SIZES, fits
from agelib.networks.heads import make_head
from agelib.networks.inception_resnet_v1 import InceptionResnetV1
from agelib.networks.inception_resnet_v1_attention import InceptionResnetV1Attention, map_sides
from agelib.networks.registry import find
from agelib.networks.residual_attention import AttentionModule, Mask, ResidualAttention

#: Names here → torchvision's, whose documentation publishes num_params and giga multiply-adds of each.
TORCHVISIONS = {
    "resnet18": "resnet18",
    "resnet50": "resnet50",
    "resnet152": "resnet152",
    "vgg16": "vgg16",
    "googlenet": "googlenet",
    "mnasnet": "mnasnet1_0",
    "densenet121": "densenet121",
    "densenet201": "densenet201",
    "efficientnet_b0": "efficientnet_b0",
    "efficientnet_v2_s": "efficientnet_v2_s",
    "efficientnet_v2_m": "efficientnet_v2_m",
    "efficientnet_v2_l": "efficientnet_v2_l",
}
OTHERS = (
    "torchvision/vit_b_16",
    "torchvision/swin_t",
    "torchvision/alexnet",
    "torchvision/maxvit_t",
    "timm/swin_tiny_patch4_window7_224",
    "timm/vit_tiny_patch16_224",
    "timm/convnext_tiny",
    "timm/mixer_s32_224",
    "timm/regnety_004",
    "timm/pit_ti_224",
    "timm/hrnet_w18_small",
)


def build(name, outputs=1, image_size=32, seed=0, last_layer=None, **options):
    return networks.build(Network(network=name, **options), outputs, image_size, seed, last_layer)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(name, image_size=224):
    with torch.device("meta"):
        return find(name).make(Network(network=name), image_size)


# Sizes and costs that others published


@pytest.mark.parametrize(("name", "theirs"), TORCHVISIONS.items())
def test_with_1000_outputs_it_has_the_parameters_and_the_cost_that_torchvision_publishes(name, theirs):
    meta = torchvision.models.get_model_weights(theirs).DEFAULT.meta
    size = networks.describe(name).loc[name, "image_size"]
    row = networks.describe(name, image_size=int(size), outputs=1000).loc[name]
    # GoogLeNet's published number leaves out, as ours does, the two side outputs that only training uses.
    assert row["parameters"] == meta["num_params"]
    assert row["multiply_adds"] / 1e9 == pytest.approx(meta["_ops"], abs=6e-4)


@pytest.mark.parametrize(
    ("name", "image_size", "parameters"),
    [
        # torchvision's 132,868,840 and 138,365,992, less their three fully connected layers, plus study D's one.
        ("vgg11_bn", 224, 132_868_840 - 123_642_856 + 25_089),
        ("vgg16_bn", 224, 138_365_992 - 123_642_856 + 25_089),
        # 27,910,327 are published for FaceNet trained on VGGFace2, with a last layer for its 8,631 people.
        ("inception_resnet_v1", 160, 27_910_327 - 512 * 8631 - 8631 + 513),
        # timm publishes 28.09 million with 1,000 classes.
        ("senet50", 224, 28_088_024 - 2048 * 999 - 999),
    ],
)
def test_its_parameters_are_the_published_ones(name, image_size, parameters):
    assert networks.describe(name, image_size).loc[name, "parameters"] == parameters


def test_residual_attention_has_the_papers_size_and_cost():
    body = on_meta("residual_attention")
    statistics = sum(b.numel() for name, b in body.named_buffers() if not name.endswith("tracked"))
    classes = 2048 * 1000 + 1000
    # The paper on its network for ImageNet: 31.9 million (with the means and variances of batch norm, which Caffe
    # stores as weights) and 6.2 billion multiply-adds.
    assert round((count(body) + statistics + classes) / 1e6, 1) == 31.9
    row = networks.describe("residual_attention", 224, outputs=1000).loc["residual_attention"]
    assert row["parameters"] == count(body) + classes
    assert row["multiply_adds"] / 1e9 == pytest.approx(6.2, rel=0.02)


def test_the_table_of_all_networks_is_whole():
    table = networks.describe()
    assert table.index.tolist() == networks.names()
    assert (table[["parameters", "multiply_adds"]] > 0).all(axis=None)
    assert table.loc["inception_resnet_v1", "pretrained"].startswith("VGGFace2 or CASIA-WebFace")
    assert table.loc["resnet50", "pretrained"] == "ResNet50 IMAGENET1K_V2; or VGGFace2, from a file"


@pytest.mark.parametrize("name", networks.names())
def test_the_smallest_size_of_the_table_is_the_smallest_usual_one_that_fits(name):
    smallest = find(name).smallest
    assert fits(find(name), Network(network=name), smallest)
    smaller = USUAL_SIZES[: USUAL_SIZES.index(smallest)]
    assert not any(fits(find(name), Network(network=name), size) for size in smaller)


# Stages


@pytest.mark.parametrize("name", (*networks.names(), *OTHERS))
def test_every_parameter_of_the_body_is_in_exactly_one_stage(name):
    body = on_meta(name)
    stages = networks.stages(body)
    assert 3 <= len(stages) <= 8
    found = [id(p) for stage in stages for part in stage for p in part.parameters()]
    assert sorted(found) == sorted(id(p) for p in body.parameters())
    assert all(any(count(part) for part in stage) for stage in stages)


@pytest.mark.parametrize(
    "name", [name for name in (*networks.names(), *OTHERS) if "hrnet" not in name and "maxvit" not in name]
)
def test_stages_are_in_the_order_in_which_a_picture_passes_them(name):
    body = on_meta(name).eval()
    stage_of = {}
    for number, stage in enumerate(networks.stages(body)):
        for part in stage:
            stage_of |= {module: number for module in part.modules()}
    passed = []

    def note(module, _):
        if count(module) and not any(module.children()) and module in stage_of:
            passed.append(stage_of[module])

    for module in body.modules():
        module.register_forward_pre_hook(note)
    with torch.no_grad(), torch.device("meta"):
        body(torch.zeros(1, 3, 224, 224))
    assert passed == sorted(passed)
    assert set(passed) == set(range(len(networks.stages(body))))


def test_resnets_stages_are_the_papers():
    network = build("resnet18")
    body = network.body
    holds = [{id(p) for part in stage for p in part.parameters()} for stage in networks.stages(network)]
    for stage, layer in zip(holds[1:], (body.layer1, body.layer2, body.layer3, body.layer4), strict=True):
        assert stage == {id(p) for p in layer.parameters()}


def test_frozen_stages_stay_as_they_are():
    network = build("timm/vit_tiny_patch16_224", image_size=32)
    stem = networks.stages(network)[0]
    for part in stem:
        part.requires_grad_(False)
    assert not network.body.pos_embed.requires_grad
    before = network.body.pos_embed.clone()
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    network(torch.randn(2, 3, 32, 32)).sum().backward()
    optimiser.step()
    assert torch.equal(network.body.pos_embed, before)


# What is written here


@pytest.mark.parametrize("image_size", [16, 64, 75, 299])
def test_written_networks_take_pictures_of_many_sizes(image_size):
    with torch.device("meta"):
        x = torch.zeros(2, 3, image_size, image_size)
        assert ResidualAttention(image_size)(x).shape == (2, 2048)
        assert InceptionResnetV1(image_size).eval()(x).shape == (2, 512)
        body = InceptionResnetV1Attention(image_size).eval()
        sides = []
        for part in (body.repeat_1, body.repeat_2):
            part.register_forward_hook(lambda _module, _in, out: sides.append(out.shape[-1]))
        assert body(x).shape == (2, 512)
    assert tuple(sides) == map_sides(image_size)


def test_a_mask_stresses_and_never_wipes_out():
    torch.manual_seed(0)
    module = AttentionModule(16, shrinkings=2).eval()
    x = torch.randn(2, 16, 12, 12)
    with torch.no_grad():
        before = module.before(x)
        trunk, mask = module.trunk(before), module.mask(before)
        assert torch.allclose(module(x), module.after((1 + mask) * trunk), atol=1e-6)
        assert ((mask > 0) & (mask < 1)).all()


def test_a_mask_sees_far_where_its_trunk_sees_near():
    torch.manual_seed(0)
    # At the bottom, three halvings down, a 3 × 3 convolution spans 24 places of the map.
    mask = Mask(8, shrinkings=3).eval()
    x = torch.randn(1, 8, 56, 56, requires_grad=True)
    mask(x)[0, :, 28, 28].sum().backward()
    seen = x.grad.abs().sum(dim=(0, 1)).nonzero()
    assert (seen.amax(dim=0) - seen.amin(dim=0)).min() >= 24


@pytest.mark.parametrize("name", ["residual_attention", "inception_resnet_v1", "inception_resnet_v1_attention"])
def test_every_parameter_of_a_written_network_learns(name):
    network = build(name, image_size=64)
    x = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    (network(x) ** 2).mean().backward()
    still = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not still


@pytest.mark.parametrize(
    ("name", "words"),
    [("residual_attention", "16 pixels and more fit"), ("inception_resnet_v1", "16 pixels and more fit")],
)
def test_a_picture_that_is_too_small_is_refused(name, words):
    with pytest.raises(ValueError, match=words):
        build(name, image_size=8)


def test_study_ds_vgg_ends_with_one_fully_connected_layer_on_7_by_7_maps():
    network = build("vgg11_bn", outputs=30, image_size=64)
    assert [m for m in network.modules() if isinstance(m, nn.Linear)] == [network.head[-1]]
    assert (network.head[-1].in_features, network.head[-1].out_features) == (512 * 7 * 7, 30)
    theirs = torchvision.models.vgg11_bn(num_classes=10).eval()
    theirs.classifier = nn.Identity()
    theirs.load_state_dict(network.body.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(network.body.eval()(x), theirs(x))


# Heads


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize(("head", "task_head"), [((), ()), ((16,), ()), ((), (8,)), ((512, 128, 32), (8, 4))])
def test_several_heads_share_a_trunk(head, task_head, dropout):
    network = build("basic_cnn", outputs=(7, 2, 5), head=head, task_head=task_head, dropout=dropout, blocks=2)
    network.eval()
    x = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        out = network(x)
        shared = network.head.shared(network.body(x))
        parts = [task(shared) for task in network.head.tasks]
    assert out.shape == (3, 14)
    assert torch.equal(out, torch.cat(parts, dim=1))
    # Every way from the features to an output has as many layers as asked, and dropout as often as one head has.
    for task, outputs in zip(network.head.tasks, (7, 2, 5), strict=True):
        way = [*network.head.shared, *task]
        widths = [128, *head, *task_head, outputs]
        linears = [(m.in_features, m.out_features) for m in way if isinstance(m, nn.Linear)]
        assert linears == list(itertools.pairwise(widths))
        drops = sum(isinstance(m, nn.Dropout) for m in way)
        assert drops == (max(len(widths) - 2, 1) if dropout else 0)


@pytest.mark.parametrize("outputs", [1, (1, 2)])
def test_dropout_of_a_nested_head_acts_in_training_alone_and_lets_gradients_pass(outputs):
    network = build("basic_cnn", outputs=outputs, head=(512, 128, 32), dropout=0.2, blocks=2).eval()
    x = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(network(x), network(x))
    network.head.train()
    torch.manual_seed(0)
    first, second = network(x), network(x)
    assert not torch.equal(first, second)
    first.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_a_target_may_bring_its_own_last_layer():
    network = build("basic_cnn", outputs=6, head=(16,), last_layer=lambda width: nn.Bilinear(width, width, 6))
    assert isinstance(network.head[-1], nn.Bilinear) and network.head[-1].in1_features == 16
    two = build("basic_cnn", outputs=(6, 2), last_layer=(lambda width: nn.Linear(width, 6, bias=False), None))
    assert two.head.tasks[0][-1].bias is None
    assert two.head.tasks[1][-1].bias.tolist() == [0.0, 0.0]


def test_heads_that_can_not_be_are_refused():
    for outputs, last_layer, words in (
        (0, None, "at least 1 output"),
        ((3, 0), None, "at least 1 output"),
        ((), None, "at least 1"),
        ((3, 2), (None,), "as many last layers"),
    ):
        with pytest.raises(ValueError, match=words):
            make_head(8, (), outputs, last_layer=last_layer)
