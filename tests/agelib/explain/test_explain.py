"""What the network looks at: maps known in closed form, against plain computations, and networks left as found."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr
from torch import nn

from agelib import explain, networks
from agelib.config import Network
from agelib.explain.attention import WindowAttention, _places
from agelib.explain.layers import as_maps, undisturbed
from agelib.explain.occlusion import _patches
from agelib.networks.swin_mini import WindowTransformer
from agelib.targets.classes import Classes, Groups
from agelib.targets.distributions import Expectation
from agelib.targets.multitask import Several


def first_output(outputs):
    return outputs[:, 0]


def seeded(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


class Pooled(nn.Module):
    """Channels 0 and 1 of the picture, the mean of each, and a weighted sum: Grad-CAM's map is then the sum itself."""

    def __init__(self, weights):
        super().__init__()
        self.body = nn.Conv2d(3, 2, 1, bias=False)
        self.body.weight.data = torch.eye(3)[:2].view(2, 3, 1, 1)
        self.weights = nn.Parameter(torch.tensor(weights))

    def forward(self, x):
        return (self.body(x).mean(dim=(2, 3)) * self.weights).sum(dim=1, keepdim=True)


class Small(nn.Module):
    """Two convolutions with a ReLU that works in place, then a hidden layer: nothing is linear."""

    def __init__(self, size=12):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5)
        self.second = nn.Conv2d(5, 4, 3, padding=1, stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(4 * (size // 2) ** 2, 2)

    def forward(self, x):
        maps = self.relu(self.second(self.relu(self.norm(self.first(x)))))
        return self.last(self.drop(torch.tanh(maps).flatten(1)))


class Linear(nn.Module):
    """A weighted sum of all pixels."""

    def __init__(self, weights):
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, x):
        return (x * self.weights).sum(dim=(1, 2, 3))[:, None]


@pytest.fixture(scope="module")
def swin():
    torch.manual_seed(0)
    network = networks.build(Network("swinv2_cr_tiny"), 1, 64, seed=0)
    for block in explain.attention_blocks(network)["layer"]:
        # Trained networks have let go of the residual branches' zero start.
        nn.init.ones_(network.get_submodule(block).norm1.weight)
    return network.eval()


# --- Grad-CAM ---


def test_grad_cam_of_a_pooled_sum_is_the_sum_itself():
    network, x = Pooled([3.0, -1.0]), seeded(2, 3, 4, 4)
    expected = (3 * x[:, 0] - x[:, 1]) / 16  # the gradient of a mean over 16 places is 1/16 everywhere
    found = explain.grad_cam(network, x, first_output, "body", sign="both", scaled=False)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # Summed over the places it is the answer: every year of it is at some place.
    np.testing.assert_allclose(found.sum(axis=(1, 2)), network(x)[:, 0].detach(), atol=1e-6)
    up = explain.grad_cam(network, x, first_output, "body", scaled=False)
    down = explain.grad_cam(network, x, first_output, "body", sign="negative", scaled=False)
    np.testing.assert_allclose(up, expected.clamp(min=0), atol=1e-6)
    np.testing.assert_allclose(up - down, expected, atol=1e-6)


def test_grad_cam_is_selvarajus_formula():
    """Against the paper's formula, written with autograd over a network that is cut in two by hand."""
    torch.manual_seed(1)
    network, x = Small().eval(), seeded(3, 3, 12, 12)
    maps = network.second(torch.relu(network.norm(network.first(x)))).detach().requires_grad_()
    outputs = network.last(torch.tanh(torch.relu(maps)).flatten(1))
    expected = []
    for i in range(3):
        (gradient,) = torch.autograd.grad(outputs[i, 1], maps, retain_graph=True)
        weights = gradient[i].mean(dim=(1, 2))
        expected.append(torch.relu(sum(w * a for w, a in zip(weights, maps[i].detach(), strict=True))))
    expected = torch.stack(expected).numpy()
    found = explain.grad_cam(
        network, x, lambda outputs: outputs[:, 1], "second", scaled=False, resized=False, batch_size=2
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
    scaled = explain.grad_cam(network, x, lambda outputs: outputs[:, 1], "second", resized=False)
    np.testing.assert_allclose(scaled, expected / expected.max(axis=(1, 2), keepdims=True), rtol=1e-5)


def test_grad_cam_explains_the_decoded_age_of_a_posterior():
    network = networks.build(Network("basic_cnn", base_features=4), 81, 32, seed=0)
    target, x = Expectation(0, 80), seeded(2, 3, 32, 32)
    found = explain.grad_cam(network, x, explain.age(target), "stage 3", sign="both", scaled=False)
    ages = torch.arange(81.0)
    by_hand = explain.grad_cam(
        network, x, lambda outputs: outputs.softmax(1) @ ages, "stage 3", sign="both", scaled=False
    )
    np.testing.assert_allclose(found, by_hand, rtol=1e-4, atol=1e-6)


def test_an_answer_that_jumps_has_no_gradient_and_says_so():
    network = networks.build(Network("basic_cnn", base_features=4), 81, 32, seed=0)
    answer = explain.age(Expectation(0, 80, estimate="mode"))
    with pytest.raises(ValueError, match="no gradient"):
        explain.grad_cam(network, seeded(1, 3, 32, 32), answer, "stage 3")
    assert explain.occlusion_maps(network, seeded(1, 3, 32, 32), answer, patch=16).shape == (1, 32, 32)


def test_an_empty_map_stays_empty():
    network = Pooled([0.0, 0.0])
    assert not explain.grad_cam(network, seeded(1, 3, 4, 4), first_output, "body").any()


# --- answers ---


def test_the_age_of_several_tasks_is_the_age_tasks_own():
    outputs = torch.tensor([[10.0, 0.2, 1.5, 3.0]])
    groups, classes = Groups("20,60", mean_ages=(10.0, 70.0)), Classes("gender", ("female", "male"))
    target = Several(("age", "gender"), (groups, classes))
    assert explain.age(target)(outputs).item() == pytest.approx(groups.decode(outputs[:, :2]).item())
    with pytest.raises(ValueError, match="gives no age"):
        explain.age(classes)


# --- occlusion ---


@pytest.mark.parametrize(("patch", "stride"), [(1, 1), (3, 1), (4, 4), (5, 2), (4, 0)])
def test_occlusion_of_a_weighted_sum_is_known_exactly(patch, stride):
    size, fill = 8, 0.5
    weights, x = seeded(3, size, size, seed=1) - 0.5, seeded(2, 3, size, size)
    found = explain.occlusion_maps(Linear(weights), x, first_output, patch, stride, fill, batch_size=7)
    # Covering a patch adds Σ w (fill − x) over it; a pixel's value is the mean over the patches that cover it.
    change = (weights * (fill - x)).sum(dim=1).numpy()
    starts = sorted({*range(0, size - patch + 1, stride or patch // 2), size - patch})
    total, count = np.zeros_like(change), np.zeros((size, size))
    for top in starts:
        for left in starts:
            where = np.s_[top : top + patch, left : left + patch]
            total[(slice(None), *where)] += change[(slice(None), *where)].sum(axis=(1, 2))[:, None, None]
            count[where] += 1
    np.testing.assert_allclose(found, total / count, atol=2e-5)


@given(size=st.integers(4, 20), patch=st.integers(1, 20), stride=st.integers(1, 20))
def test_every_pixel_is_covered(size, patch, stride):
    patch = min(patch, size)
    masks = _patches(size, patch, min(stride, patch))
    assert (masks.sum(axis=(1, 2)) == patch**2).all()
    assert masks.any(axis=0).all()


def test_regions_may_be_each_pictures_own():
    network, x = Linear(torch.ones(3, 4, 4)), torch.ones(2, 3, 4, 4)
    masks = np.zeros((2, 1, 4, 4), bool)
    masks[0, 0, :1], masks[1, 0, :3] = True, True
    assert explain.cover(network, x, first_output, masks).tolist() == [[-12.0], [-36.0]]
    assert explain.cover(network, x, first_output, masks[0], batch_size=1).tolist() == [[-12.0], [-12.0]]


@pytest.mark.parametrize(
    ("patch", "stride", "says"), [(9, 1, "patch is"), (0, 1, "patch is"), (2, 3, "stride is 1 to 2")]
)
def test_a_patch_that_does_not_fit_is_refused(patch, stride, says):
    with pytest.raises(ValueError, match=says):
        explain.occlusion_maps(Linear(torch.ones(3, 8, 8)), torch.ones(1, 3, 8, 8), first_output, patch, stride)


# --- attention ---


@pytest.mark.parametrize("block", [1, 2, 3, 4, 5])
def test_attention_sums_to_one_and_reproduces_the_block(swin, block):
    x, seen = seeded(2, 3, 64, 64), {}
    name = explain.attention_blocks(swin).loc[block, "layer"]
    module = swin.get_submodule(name).attn
    hook = module.register_forward_hook(lambda _m, inputs, output: seen.update(x=inputs[0], y=output))
    attention = explain.attention_weights(swin, x, block)
    hook.remove()
    np.testing.assert_allclose(attention.weights.sum(axis=-1), 1, atol=1e-5)
    # The shares mix the values to what timm's own attention gave.
    windows, number, width = seen["x"].shape
    value = module.qkv(seen["x"])[..., 2 * width :].view(windows, number, module.num_heads, -1).transpose(1, 2)
    weights = torch.from_numpy(attention.weights).flatten(0, 1)
    with torch.no_grad():
        mixed = module.proj((weights @ value).transpose(1, 2).reshape(windows, number, width))
    torch.testing.assert_close(mixed, seen["y"], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("block", [1, 2])
def test_windows_are_put_back_in_place(swin, block):
    """Against attention between single places, without windows being cut, rolled or masked."""
    x, seen = seeded(1, 3, 64, 64), []
    row = explain.attention_blocks(swin).loc[block]
    module = swin.get_submodule(row["layer"])
    hook = module.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    attention = explain.attention_weights(swin, x, block)
    hook.remove()
    side, window, shift = row["places"], row["window"], row["shift"]
    assert (side, window, shift) == (16, 4, 2 if block == 2 else 0)
    tokens = seen[0].reshape(side * side, -1)
    part = module.attn
    with torch.no_grad():
        q, k, _ = part.qkv(tokens).view(side * side, 3, part.num_heads, -1).unbind(1)
        cosines = torch.einsum("ihd,jhd->hij", nn.functional.normalize(q, dim=-1), nn.functional.normalize(k, dim=-1))
        cosines = cosines * part.logit_scale.exp().view(-1, 1, 1)
        y, x_ = np.divmod(np.arange(side * side), side)
        apart = np.stack([y[:, None] - y, x_[:, None] - x_], axis=-1).astype(np.float32)
        far = np.sign(apart) * np.log1p(np.abs(apart))
        cosines = cosines + part.meta_mlp(torch.from_numpy(far).float()).permute(2, 0, 1)
        along = (np.arange(side) + (window - shift) % window) // window
        number = along[y] * 100 + along[x_]
        cosines[:, torch.from_numpy(number[:, None] != number)] = -torch.inf
        expected = cosines.softmax(dim=-1).mean(dim=0).numpy()
    np.testing.assert_allclose(attention.matrix()[0], expected, atol=1e-5)
    np.testing.assert_allclose(attention.received()[0].ravel(), expected.sum(axis=0), atol=1e-4)
    asked = explain.attention_maps(swin, x, block, query=(5, 6))[0, ::4, ::4]  # a patch is 4 × 4 pixels
    np.testing.assert_allclose(asked.ravel(), expected[5 * side + 6] / expected[5 * side + 6].max(), atol=1e-4)


def test_each_patch_gives_away_one_so_it_receives_one_on_average(swin):
    maps = explain.attention_weights(swin, seeded(3, 3, 64, 64), block=2, batch_size=2).received()
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), 1, atol=1e-5)


@given(count=st.integers(1, 5), window=st.integers(1, 6), shift=st.integers(0, 5))
def test_every_patch_lies_in_one_window(count, window, shift):
    places = _places(count * window, window, shift % window)
    assert sorted(places.ravel()) == list(range((count * window) ** 2))


@pytest.mark.parametrize("block", [1, 2])
def test_the_matrix_of_a_small_swins_block_is_what_it_mixes_its_tokens_by(block):
    torch.manual_seed(0)
    network = WindowTransformer(64, head_width=48).eval()  # one head in the first stage: no mean over heads
    attention, seen = network.layers[block].attention, {}
    hook = attention.register_forward_hook(lambda _m, inputs, output: seen.update(x=inputs[0], y=output))
    found = explain.attention_weights(network, seeded(2, 3, 64, 64), block)
    hook.remove()
    assert found.places.shape == (16, 16) and found.side == 16
    value = attention.query_key_value(seen["x"]).flatten(1, 2)[..., 2 * 48 :]  # [B, 256, 48], row by row
    with torch.no_grad():
        mixed = attention.output(torch.from_numpy(found.matrix()) @ value)
    torch.testing.assert_close(mixed.unflatten(1, (16, 16)), seen["y"], atol=1e-5, rtol=1e-4)


def test_a_matrix_has_no_attention_across_windows():
    weights = np.full((1, 4, 2, 4, 4), 0.25, np.float32)
    matrix = WindowAttention(weights, _places(4, 2, 1), 4).matrix()[0]
    assert (matrix > 0).sum(axis=1).tolist() == [4] * 16
    assert matrix[5, [5, 6, 9, 10]].tolist() == [0.25] * 4  # the shifted window in the middle


def test_a_network_without_such_blocks_is_refused():
    network = networks.build(Network("basic_cnn", base_features=4), 1, 32, seed=0)
    with pytest.raises(ValueError, match="no blocks whose attention can be shown, as swinv2_cr_tiny"):
        explain.attention_maps(network, seeded(1, 3, 32, 32))


# --- layers and feature maps ---


@pytest.mark.parametrize(
    ("name", "size", "places"),
    [
        ("basic_cnn", 64, [64, 32, 16, 8, 4]),
        ("resnet18", 64, [32, 16, 8, 4, 2]),
        ("efficientnet_b0", 64, [32, 16, 8, 4, 2]),
        ("densenet121", 64, [32, 16, 8, 4, 2]),
        ("inception_resnet_v1", 96, [45, 20, 9, 4, 1]),
        ("swinv2_cr_tiny", 64, [16, 8, 4, 2]),
        ("torchvision/swin_t", 64, [16, 8, 4, 2]),
        ("timm/vit_tiny_patch16_224", 224, [14, 14, 14, 14, 14]),
    ],
)
def test_every_network_gives_maps(name, size, places):
    network = networks.build(Network(name, base_features=8), 1, size, seed=0)
    table = explain.list_layers(network, size)
    assert table["places"].tolist() == places
    last = table.iloc[1]
    maps = explain.feature_maps(network, seeded(2, 3, size, size), "stage 2", batch_size=1)
    assert maps.shape == (2, last["channels"], last["places"], last["places"])
    cam = explain.grad_cam(network, seeded(2, 3, size, size), first_output)
    assert cam.shape == (2, size, size)
    assert 0 <= cam.min() <= cam.max() <= 1 + 1e-6


def test_feature_maps_of_the_first_convolution_are_that_convolution():
    network = networks.build(Network("basic_cnn", base_features=4), 1, 32, seed=0)
    x = seeded(2, 3, 32, 32)
    convolution = network.body.blocks[0][0]
    expected = nn.functional.conv2d(x, convolution.weight, convolution.bias, padding=1).detach()
    np.testing.assert_allclose(explain.feature_maps(network, x, "body.blocks.0.0"), expected, atol=1e-6)


def test_tokens_lose_the_class_token_and_keep_their_places():
    tokens = torch.arange(17.0).view(1, 17, 1)
    assert as_maps(tokens)[0, 0].flatten().tolist() == list(range(1, 17))
    assert as_maps(torch.zeros(2, 128)) is None


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("body.nothing", "no layer"),
        ("stage 9", "no 'stage 9'"),
        ("body.hidden", "gives no maps"),
        ("", "no layer gives maps of 4"),
    ],
)
def test_a_layer_that_is_not_there_is_named(layer, says):
    size = 32 if layer else 2
    network = networks.build(Network("basic_cnn", blocks=1, base_features=4), 1, size, seed=0)
    with pytest.raises(ValueError, match=says):
        explain.grad_cam(network, seeded(1, 3, size, size), first_output, layer)


# --- left as found ---


def test_the_network_is_left_as_it_was_found(swin):
    network = Small()
    network.train()
    network.norm.eval()  # a mixture of modes
    network.last.weight.grad = torch.ones_like(network.last.weight)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = seeded(2, 3, 12, 12)
    explain.grad_cam(network, x, first_output, "second")
    explain.feature_maps(network, x, "first")
    explain.occlusion_maps(network, x, first_output, 6)
    with pytest.raises(RuntimeError):
        explain.grad_cam(network, seeded(2, 3, 14, 14), first_output, "second")  # stops halfway
    assert network.training and not network.norm.training and network.drop.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert (network.last.weight.grad == 1).all()
    assert network.first.weight.grad is None and x.grad is None
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in [*network.modules(), *swin.modules()]]
    explain.attention_maps(swin, seeded(1, 3, 64, 64), 1)
    assert sum(hooks) == 0
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in swin.modules())


def test_modes_come_back_after_an_error():
    network = Small().train()
    with pytest.raises(KeyError), undisturbed(network):
        raise KeyError("inside")
    assert network.training


# --- averages ---


def test_averages_are_means_and_standard_errors():
    maps = np.random.default_rng(0).normal(size=(9, 3, 3))
    groups = ["old", "young", "old", None, "young", "old", "old", "young", "one"]
    found = explain.average(maps, groups, names=("young", "old", "nobody", "one"))
    assert found.names == ("young", "old", "one") and found.counts.tolist() == [3, 4, 1]
    old = maps[[0, 2, 5, 6]]
    np.testing.assert_allclose(found.maps[1], old.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.errors[1], old.std(axis=0, ddof=1) / 2, atol=1e-6)
    assert np.isnan(found.errors[2]).all()
    assert explain.average(maps, groups, least=2).names == ("old", "young")


def test_groups_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one for each map"):
        explain.average(np.zeros((2, 3, 3)), ["a"])
    with pytest.raises(ValueError, match="no map has a known group"):
        explain.average(np.zeros((1, 3, 3)), [None])


# --- sanity ---


@pytest.mark.parametrize("name", ["basic_cnn", "timm/vit_tiny_patch16_224"])
def test_the_cascade_ends_at_the_untrained_network(name):
    size = 224 if "vit" in name else 32
    trained, untrained = (networks.build(Network(name, base_features=4), 1, size, seed=s) for s in (0, 1))
    before = {key: value.clone() for key, value in trained.state_dict().items()}
    steps = list(explain.cascade(trained, untrained))
    assert steps[0][0] == "nothing" and steps[1][0] == "head" and steps[-1][0] == "stage 1 on"
    assert all(torch.equal(v, before[k]) for k, v in steps[0][1].state_dict().items())
    changed = [{k for k, v in network.state_dict().items() if not torch.equal(v, before[k])} for _, network in steps]
    assert all(a <= b for a, b in itertools.pairwise(changed))
    assert changed[1] and all(key.startswith("head.") for key in changed[1])
    assert all(torch.equal(v, untrained.state_dict()[k]) for k, v in steps[-1][1].state_dict().items())
    assert all(torch.equal(value, before[key]) for key, value in trained.state_dict().items())


def test_randomising_changes_grad_cam_but_not_a_map_of_edges():
    options = Network("basic_cnn", base_features=8)
    trained, untrained = (networks.build(options, 1, 32, seed=s) for s in (0, 1))
    x = seeded(6, 3, 32, 32)

    def cam(network):
        return explain.grad_cam(network, x, first_output, "stage 3", sign="both", resized=False)

    summary = explain.check_sanity(trained, untrained, cam).summary()
    assert summary.loc["nothing", "rank_correlation"] == pytest.approx(1)
    assert summary.loc["nothing", "similarity"] == pytest.approx(1)
    assert summary.loc[["head", "stage 1 on"], "rank_correlation"].abs().max() < 0.7
    edges = explain.check_sanity(trained, untrained, lambda _: x.diff(dim=3).abs().sum(dim=1).numpy()).summary()
    assert (edges.drop(index="another picture")["rank_correlation"] > 0.999).all()
    assert edges.loc["another picture", "rank_correlation"] < 0.5


def test_networks_of_two_makes_are_refused():
    first = networks.build(Network("basic_cnn", base_features=4), 1, 32, seed=0)
    second = networks.build(Network("basic_cnn", base_features=8), 1, 32, seed=0)
    with pytest.raises(ValueError, match="not of one make"):
        list(explain.cascade(first, second))


@given(
    arrays(np.float64, (2, 4, 5), elements=st.integers(0, 6).map(float)),
    arrays(np.float64, (2, 4, 5), elements=st.integers(0, 6).map(float)),
)
def test_rank_correlation_is_scipys(first, second):
    found = explain.rank_correlation(first, second)
    for a, b, value in zip(first, second, found, strict=True):
        if np.ptp(a) and np.ptp(b):
            assert value == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic, abs=1e-9)
        else:
            assert np.isnan(value)


def test_ssim_is_wangs_formula_window_by_window():
    rng = np.random.default_rng(3)
    x, y = rng.random((2, 14, 14))
    x, y = ((m - m.min()) / np.ptp(m) for m in (x, y))
    bell = np.exp(-0.5 * ((np.mgrid[-5:6, -5:6] / 1.5) ** 2).sum(axis=0))
    bell /= bell.sum()
    values = []
    for top in range(4):
        for left in range(4):
            a, b = x[top : top + 11, left : left + 11], y[top : top + 11, left : left + 11]
            ma, mb = (bell * a).sum(), (bell * b).sum()
            va, vb, both = (
                (bell * (a - ma) ** 2).sum(),
                (bell * (b - mb) ** 2).sum(),
                (bell * (a - ma) * (b - mb)).sum(),
            )
            values.append((2 * ma * mb + 1e-4) * (2 * both + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4)))
    assert explain.structural_similarity(x[None], y[None])[0] == pytest.approx(np.mean(values), abs=1e-9)


@given(arrays(np.float64, (1, 6, 6), elements=st.floats(-5, 5)))
def test_a_map_is_like_itself_whatever_its_scale(maps):
    assert explain.structural_similarity(maps, maps)[0] == pytest.approx(1)
    assert -1 <= explain.structural_similarity(maps, -maps)[0] <= 1 + 1e-9
