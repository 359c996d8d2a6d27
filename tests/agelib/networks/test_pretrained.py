"""Weights that somebody else trained: from files of every make, never silently."""

import logging

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from agelib import networks
from agelib.config import Network
from agelib.networks import vggface2
from agelib.networks.pretrained import read_tensors


def build(name, outputs=1, image_size=32, seed=0, **options):
    return networks.build(Network(network=name, **options), outputs, image_size, seed)


@pytest.fixture
def weights():
    return torchvision.models.resnet18(num_classes=1000).state_dict()


@pytest.mark.parametrize("prefix", ["", "module.", "module.backbone."])
def test_a_pth_file_is_loaded_whatever_its_wrapping_and_reported(tmp_path, weights, prefix, caplog):
    file = tmp_path / "resnet.pth"
    torch.save({"epoch": 3, "state_dict": {prefix + key: value for key, value in weights.items()}}, file)
    with caplog.at_level(logging.INFO, "agelib.networks"):
        network = build("resnet18", pretrained=str(file))
    assert torch.equal(network.body.layer4[1].conv2.weight, weights["layer4.1.conv2.weight"])
    assert set(network.loaded.unused) == {f"{prefix}fc.weight", f"{prefix}fc.bias"}
    assert len(network.loaded.renamed) == (120 if prefix else 0)
    assert "unused: " in caplog.text and str(file) in caplog.text


def test_a_safetensors_file_of_agelib_brings_its_head_when_it_fits(tmp_path):
    trained = build("basic_cnn", seed=1)
    file = tmp_path / "run.safetensors"
    save_file(trained.state_dict(), file)
    again = build("basic_cnn", seed=2, pretrained=str(file))
    assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), again.parameters(), strict=True))
    other = build("basic_cnn", seed=2, outputs=7, pretrained=str(file))
    assert torch.equal(other.body.hidden.weight, trained.body.hidden.weight)
    assert set(other.loaded.unused) == {"head.0.weight", "head.0.bias"}


def test_weights_of_another_network_or_shape_are_refused_by_name(tmp_path, weights):
    file = tmp_path / "resnet.safetensors"
    save_file(weights, file)
    with pytest.raises(ValueError, match=r"no weights for .* another network"):
        build("efficientnet_b0", pretrained=str(file))
    save_file(weights | {"conv1.weight": torch.zeros(64, 1, 7, 7)}, file)
    with pytest.raises(ValueError, match=r"conv1.weight has shape \[64, 1, 7, 7\], the network's has \[64, 3, 7, 7\]"):
        build("resnet18", pretrained=str(file))


class Sneaky:
    def __reduce__(self):
        return (print, ("code ran",))


def test_code_in_a_weights_file_does_not_run(tmp_path, capsys):
    torch.save({"state_dict": Sneaky()}, tmp_path / "bad.pth")
    with pytest.raises(ValueError, match="not readable as plain weights"):
        read_tensors(tmp_path / "bad.pth")
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("gone.pth", None, FileNotFoundError, "no weights file at"),
        ("weights.h5", b"", ValueError, "safetensors, .pth or .pt"),
        ("torn.safetensors", b"torn", ValueError, "not readable"),
        ("text.pth", b"hello", ValueError, "not readable"),
    ],
)
def test_a_file_that_is_no_weights_file_is_refused(tmp_path, name, content, error, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=words):
        build("resnet18", pretrained=str(tmp_path / name))


def test_imagenet_weights_that_can_not_be_fetched_say_where_to_put_the_file(tmp_path, monkeypatch):
    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setattr("socket.create_connection", offline)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"no network\).*resnet18-\w+.pth .*checkpoints.*pretrained=PATH"):
        build("resnet18", pretrained="imagenet")
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(FileNotFoundError, match=r"no network\).*checkpoints/resnet26\.\w+\.safetensors"):
        build("timm/resnet26", pretrained="imagenet")
    for name in ("basic_cnn", "swinv2_cr_tiny"):
        with pytest.raises(ValueError, match="leave pretrained empty"):
            build(name, pretrained="imagenet")


def test_imagenet_weights_put_where_the_message_says_are_used(tmp_path, monkeypatch, weights):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    name = torchvision.models.ResNet18_Weights.DEFAULT.url.rpartition("/")[2]
    torch.save(weights, tmp_path / "checkpoints" / name)
    network = build("resnet18", pretrained="imagenet")
    assert torch.equal(network.body.conv1.weight, weights["conv1.weight"])


# Networks trained on faces


def facenet_names():
    """The tensors of the well-known PyTorch FaceNet with 8,631 people: names and shapes as they are in its files."""
    units = {}

    def unit(name, channels_in, channels_out, *kernel):
        high, wide = kernel if len(kernel) == 2 else kernel * 2
        units[f"{name}.conv.weight"] = (channels_out, channels_in, high, wide)
        for tensor in ("weight", "bias", "running_mean", "running_var"):
            units[f"{name}.bn.{tensor}"] = (channels_out,)
        units[f"{name}.bn.num_batches_tracked"] = ()

    def joint(name, channels_in, channels_out):
        units[f"{name}.conv2d.weight"] = (channels_out, channels_in, 1, 1)
        units[f"{name}.conv2d.bias"] = (channels_out,)

    for name, channels_in, channels_out, kernel in (
        ("conv2d_1a", 3, 32, 3),
        ("conv2d_2a", 32, 32, 3),
        ("conv2d_2b", 32, 64, 3),
        ("conv2d_3b", 64, 80, 1),
        ("conv2d_4a", 80, 192, 3),
        ("conv2d_4b", 192, 256, 3),
    ):
        unit(name, channels_in, channels_out, kernel)
    for i in range(5):
        block = f"repeat_1.{i}"
        unit(f"{block}.branch0", 256, 32, 1)
        unit(f"{block}.branch1.0", 256, 32, 1)
        unit(f"{block}.branch1.1", 32, 32, 3)
        unit(f"{block}.branch2.0", 256, 32, 1)
        unit(f"{block}.branch2.1", 32, 32, 3)
        unit(f"{block}.branch2.2", 32, 32, 3)
        joint(block, 96, 256)
    unit("mixed_6a.branch0", 256, 384, 3)
    unit("mixed_6a.branch1.0", 256, 192, 1)
    unit("mixed_6a.branch1.1", 192, 192, 3)
    unit("mixed_6a.branch1.2", 192, 256, 3)
    for i in range(10):
        block = f"repeat_2.{i}"
        unit(f"{block}.branch0", 896, 128, 1)
        unit(f"{block}.branch1.0", 896, 128, 1)
        unit(f"{block}.branch1.1", 128, 128, 1, 7)
        unit(f"{block}.branch1.2", 128, 128, 7, 1)
        joint(block, 256, 896)
    unit("mixed_7a.branch0.0", 896, 256, 1)
    unit("mixed_7a.branch0.1", 256, 384, 3)
    unit("mixed_7a.branch1.0", 896, 256, 1)
    unit("mixed_7a.branch1.1", 256, 256, 3)
    unit("mixed_7a.branch2.0", 896, 256, 1)
    unit("mixed_7a.branch2.1", 256, 256, 3)
    unit("mixed_7a.branch2.2", 256, 256, 3)
    for block in [f"repeat_3.{i}" for i in range(5)] + ["block8"]:
        unit(f"{block}.branch0", 1792, 192, 1)
        unit(f"{block}.branch1.0", 1792, 192, 1)
        unit(f"{block}.branch1.1", 192, 192, 1, 3)
        unit(f"{block}.branch1.2", 192, 192, 3, 1)
        joint(block, 384, 1792)
    units["last_linear.weight"] = (512, 1792)
    for tensor in ("weight", "bias", "running_mean", "running_var"):
        units[f"last_bn.{tensor}"] = (512,)
    units["last_bn.num_batches_tracked"] = ()
    units["logits.weight"], units["logits.bias"] = (8631, 512), (8631,)
    return units


def made_up(shapes):
    generator = torch.Generator().manual_seed(3)
    return {
        name: torch.rand(shape, generator=generator) if shape else torch.tensor(1) for name, shape in shapes.items()
    }


@pytest.fixture(scope="module")
def facenet(tmp_path_factory):
    tensors = made_up(facenet_names())
    file = tmp_path_factory.mktemp("facenet") / "vggface2.pt"
    torch.save(tensors, file)
    return file, tensors


def test_the_facenet_file_has_the_published_number_of_parameters():
    shapes = {n: s for n, s in facenet_names().items() if "running" not in n and "tracked" not in n}
    count = sum(torch.Size(shape).numel() for shape in shapes.values())
    assert count == 27_910_327  # as published for the one trained on VGGFace2, with its 8,631 people


def test_a_facenet_file_loads_as_it_is(facenet):
    file, tensors = facenet
    network = build("inception_resnet_v1", pretrained=str(file))
    assert network.loaded.renamed == {}
    assert network.loaded.unused == ("logits.weight", "logits.bias")
    ours = network.body.state_dict()
    assert set(ours) == set(tensors) - {"logits.weight", "logits.bias"}
    assert all(torch.equal(ours[name], tensors[name]) for name in ours)


def test_attention_on_facenet_takes_the_trunk_and_says_what_is_new(facenet, caplog):
    file, tensors = facenet
    with caplog.at_level(logging.WARNING, "agelib.networks"):
        network = build("inception_resnet_v1_attention", pretrained=str(file))
    masks = {key for key in network.body.state_dict() if key.startswith("mask_")}
    assert set(network.loaded.fresh) == {key for key in masks if not key.endswith("num_batches_tracked")}
    assert "start from random weights" in caplog.text
    assert torch.equal(network.body.block8.conv2d.bias, tensors["block8.conv2d.bias"])


def caffe_name(name):
    """torchvision's name of a ResNet's tensor → Caffe's, written from the other end than the code does."""
    first, _, rest = name.partition(".")
    if first in ("conv1", "bn1"):
        return f"conv1_7x7_s2{'_bn' if first == 'bn1' else ''}.{rest}"
    if first == "fc":
        return f"classifier.{rest}"
    unit, kind, tensor = rest.split(".", 1)[0], rest.split(".")[1:-1], rest.rpartition(".")[2]
    parts = {
        "conv1": "1x1_reduce",
        "bn1": "1x1_reduce_bn",
        "conv2": "3x3",
        "bn2": "3x3_bn",
        "conv3": "1x1_increase",
        "bn3": "1x1_increase_bn",
        "downsample.0": "1x1_proj",
        "downsample.1": "1x1_proj_bn",
        "se.fc1": "1x1_down",
        "se.fc2": "1x1_up",
    }
    return f"conv{int(first[-1]) + 1}_{int(unit) + 1}_{parts['.'.join(kind)]}.{tensor}"


@pytest.mark.parametrize("name", ["resnet50", "senet50"])
def test_caffes_names_of_vggface2_are_put_right_and_reported(tmp_path, name, caplog):
    trained = build(name, seed=8).body.state_dict()
    file = tmp_path / "vggface2.pth"
    tensors = {caffe_name(key): value for key, value in trained.items() if "tracked" not in key}
    torch.save(tensors | {"classifier.weight": torch.zeros(8631, 2048, 1, 1)}, file)
    with caplog.at_level(logging.WARNING, "agelib.networks"):
        network = build(name, pretrained=str(file))
    ours = network.body.state_dict()
    assert all(torch.equal(ours[key], trained[key]) for key in trained if "tracked" not in key)
    assert network.loaded.renamed["conv2_1_3x3.weight"] == "body.layer1.0.conv2.weight"
    assert network.loaded.unused == ("classifier.weight",)
    assert "renamed (first: conv1_7x7_s2.weight -> body.conv1.weight)" in caplog.text
    assert "halves in its first convolution" in caplog.text


def caffes_unit(x, unit, stride):
    """A unit of Caffe's ResNet by hand, in evaluation mode: the first convolution has the stride."""

    def normal(x, norm):
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        return (x - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]

    conv = torch.nn.functional.conv2d
    y = normal(conv(x, unit.conv1.weight, stride=stride), unit.bn1).relu()
    y = normal(conv(y, unit.conv2.weight, padding=1), unit.bn2).relu()
    y = normal(conv(y, unit.conv3.weight), unit.bn3)
    return (y + normal(conv(x, unit.downsample[0].weight, stride=stride), unit.downsample[1])).relu()


def test_vggface2s_resnet_with_torchvisions_names_halves_as_it_was_trained_to(tmp_path):
    file = tmp_path / "resnet50_ft.safetensors"
    save_file(torchvision.models.resnet50(num_classes=vggface2.PEOPLE).state_dict(), file)
    network = build("resnet50", pretrained=str(file)).eval()
    assert network.loaded.renamed == {}
    assert len(network.loaded.changes) == 2
    x = torch.randn(1, 256, 9, 9)
    unit = network.body.layer2[0]
    with torch.no_grad():
        assert torch.allclose(unit(x), caffes_unit(x, unit, stride=2), atol=1e-5)
        # Caffe's first pooling: 3 × 3 by 2, no padding on the left, so that 112 becomes 56 all the same.
        assert network.body.maxpool(torch.zeros(1, 1, 112, 112)).shape[-1] == 56
    # Who starts from a training that started from it gets the same network.
    save_file(network.state_dict(), tmp_path / "run.safetensors")
    again = build("resnet50", seed=5, pretrained=str(tmp_path / "run.safetensors")).eval()
    assert again.loaded.unused == () and len(again.loaded.changes) == 2
    pictures = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(again(pictures), network(pictures))
    ordinary = build("resnet50").body.layer2[0]
    assert (ordinary.conv1.stride, ordinary.conv2.stride) == ((1, 1), (2, 2))


def test_torchvisions_old_densenet_names_are_put_right(tmp_path):
    weights = torchvision.models.densenet121().state_dict()
    old = {}
    for key, value in weights.items():
        for kind in ("norm1", "norm2", "conv1", "conv2"):
            key = key.replace(f".{kind}.", f".{kind[:-1]}.{kind[-1]}.")
        old[key] = value
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "densenet.pth")
    network = build("densenet121", pretrained=str(tmp_path / "densenet.pth"))
    assert torch.equal(
        network.body.features.denseblock4.denselayer16.conv2.weight,
        weights["features.denseblock4.denselayer16.conv2.weight"],
    )
    assert set(network.loaded.unused) == {"classifier.weight", "classifier.bias"}
