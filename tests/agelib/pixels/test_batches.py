"""Batches: what they hold, in which order, and that fastai takes them for a loader."""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.functional import normalize

from agelib.pixels.augment import NAMES, build
from agelib.pixels.batches import Batches

MEAN, STD = [0.6, 0.5, 0.4], [0.3, 0.25, 0.2]
IMAGES = np.random.default_rng(42).integers(0, 256, (50, 3, 8, 8), np.uint8)
LABELS = np.arange(50.0)  # The label says which picture it is.
LIGHT = build(("light",), probability=1)


def make(rows=None, batch_size=8, images=IMAGES, labels=LABELS, **settings):
    return Batches(images, np.arange(len(images)) if rows is None else rows, labels, batch_size, MEAN, STD, **settings)


def labels_of(batches):
    return torch.cat([y for _, y in batches])[:, 0].int().tolist()


def assert_equal(some, others):
    assert len(some) == len(others)
    for (x, y), (other_x, other_y) in zip(some, others, strict=True):
        torch.testing.assert_close(x, other_x, rtol=0, atol=0)
        torch.testing.assert_close(y, other_y, rtol=0, atol=0)


def test_pictures_are_normalised_and_in_the_order_of_the_rows():
    rows = [7, 3, 40, 3]
    x, y = next(iter(make(rows)))
    assert y.tolist() == [[7], [3], [40], [3]]
    assert x.dtype == y.dtype == torch.float32
    expected = normalize(torch.from_numpy(IMAGES[rows]) / 255, MEAN, STD)
    torch.testing.assert_close(x, expected, rtol=1e-5, atol=1e-5)


def test_one_channel_is_delivered_as_three():
    for augment in (None, build(("light",), probability=1)):
        x, _ = next(iter(Batches(IMAGES[:, :1], np.arange(50), LABELS, 8, [0.5] * 3, [0.2] * 3, augment=augment)))
        assert x.shape == (8, 3, 8, 8)
        assert torch.equal(x[:, 0], x[:, 2])
    x, _ = make(images=IMAGES[:, :1]).one_batch()
    expected = normalize(torch.from_numpy(IMAGES[:8, :1]).repeat(1, 3, 1, 1) / 255, MEAN, STD)
    torch.testing.assert_close(x, expected, rtol=1e-5, atol=1e-5)


def test_a_channel_that_never_varies_is_not_divided_by_zero():
    x, _ = Batches(np.zeros((4, 3, 8, 8), np.uint8), np.arange(4), np.zeros(4), 4, [0] * 3, [0] * 3).one_batch()
    assert not x.any()


def test_an_epoch_holds_each_row_once_in_an_order_of_its_own():
    batches = make(rows=np.arange(10, 50), shuffle=True)
    epochs = [labels_of(batches) for _ in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(10, 50))
    assert epochs[0] != epochs[1] != epochs[2]
    assert labels_of(make(shuffle=True, seed=1)) != labels_of(make(shuffle=True, seed=2))


def test_pictures_and_labels_stay_together_when_shuffled():
    for x, y in make(shuffle=True):
        rows = y[:, 0].int().numpy()
        torch.testing.assert_close(x, normalize(torch.from_numpy(IMAGES[rows]) / 255, MEAN, STD), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("prefetch", [0, 3])
def test_a_resumed_training_sees_the_same_batches(prefetch):
    augment = build(tuple(NAMES))
    straight = make(shuffle=True, augment=augment)
    epochs = [list(straight) for _ in range(3)]
    resumed = make(shuffle=True, augment=augment, prefetch=prefetch)
    resumed.one_batch()
    resumed.set_epoch(2)
    assert_equal(list(resumed), epochs[2])
    resumed.set_epoch(0)
    assert_equal(list(resumed), epochs[0])


def test_augmentation_differs_from_epoch_to_epoch_and_batch_to_batch():
    augment = build(("light",), probability=1)
    batches = make(images=np.full((50, 3, 8, 8), 128, np.uint8), augment=augment)
    changed = torch.cat([x[:, 0, 0, 0] for _ in range(2) for x, _ in batches])
    assert len(changed.unique()) == 100


def test_a_thread_that_prepares_ahead_is_stopped_when_the_loop_is_left():
    import threading

    before = threading.active_count()
    batches = iter(make(prefetch=2))
    next(batches)
    assert threading.active_count() == before + 1
    batches.close()
    assert threading.active_count() == before


def test_the_last_batch_is_kept_or_dropped():
    assert [len(y) for _, y in make()] == [8] * 6 + [2]
    assert len(make()) == 7
    assert [len(y) for _, y in make(drop_last=True)] == [8] * 6
    assert len(make(drop_last=True)) == 6
    assert len(make(rows=np.arange(16))) == len(make(rows=np.arange(16), drop_last=True)) == 2


def test_a_weighted_sampler_draws_in_proportion():
    weights = np.zeros(50)
    weights[10:12] = 1, 3
    weighted = make(rows=np.arange(5, 50), sampler_weights=weights)
    drawn = np.array([row for _ in range(40) for row in labels_of(weighted)])
    assert len(drawn) == 40 * 45
    assert set(drawn) == {10, 11}
    assert abs((drawn == 11).mean() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / len(drawn))
    weighted.set_epoch(0)
    assert labels_of(weighted) == drawn[:45].tolist()


def test_an_epoch_with_copies_is_every_row_once_and_as_many_copies_as_expected():
    copies = np.zeros(50)
    copies[[10, 11, 12]] = 0.3, 2.0, 2.5
    copies[0] = 7.0  # not of this part
    batches = make(rows=np.arange(5, 50), shuffle=True, copies=copies, augment=LIGHT)
    assert batches.shown == 45 + 5
    assert len(batches) == 7
    assert labels_of(batches) == batches.order(0).tolist()
    counts = np.array([np.bincount(batches.order(epoch), minlength=50) for epoch in range(300)])
    assert (counts.sum(axis=1) == 50).all()
    others = np.setdiff1d(np.arange(5, 50), [10, 11, 12])
    assert (counts[:, others] == 1).all()
    assert (counts[:, :5] == 0).all()
    # 4.8 copies are expected and 5 are made, each row's share in proportion.
    expected = 1 + copies[[10, 11, 12]] * 5 / 4.8
    assert counts[:, [10, 11, 12]].mean(axis=0) == pytest.approx(expected, abs=0.1)
    assert (np.abs(counts[:, [10, 11, 12]] - expected) < 1).all()


def test_only_copies_are_changed():
    copies = np.where(LABELS < 5, 3.0, 0.0)
    batches = make(
        images=np.full((50, 3, 8, 8), 128, np.uint8), shuffle=True, copies=copies, augment=LIGHT, batch_size=13
    )
    as_it_is = make(images=np.full((50, 3, 8, 8), 128, np.uint8)).one_batch()[0][0]
    unchanged = {row: 0 for row in range(50)}
    changed = {row: 0 for row in range(5)}
    for x, y in batches:
        for picture, row in zip(x, y[:, 0].int().tolist(), strict=True):
            if torch.allclose(picture, as_it_is, atol=1e-5):
                unchanged[row] += 1
            else:
                changed[row] += 1
    assert set(unchanged.values()) == {1}
    assert set(changed.values()) == {3}


@pytest.mark.parametrize("prefetch", [0, 3])
def test_copies_are_the_same_when_resumed_and_others_in_the_next_epoch(prefetch):
    settings = dict(shuffle=True, copies=np.full(50, 0.5), augment=LIGHT, prefetch=prefetch)
    straight = make(**settings)
    epochs = [list(straight) for _ in range(2)]
    resumed = make(**settings)
    resumed.set_epoch(1)
    assert_equal(list(resumed), epochs[1])
    counts = [np.bincount(straight.order(epoch), minlength=50).tolist() for epoch in (0, 1)]
    assert counts[0] != counts[1]


def test_no_copies_at_all_are_the_rows_unchanged():
    nothing = make(copies=np.zeros(50), augment=LIGHT)
    assert nothing.order(0).tolist() == list(range(50))
    for (x, y), (expected, labels) in zip(nothing, make(), strict=True):
        torch.testing.assert_close(x, expected, rtol=1e-5, atol=1e-5)
        assert torch.equal(y, labels)


def test_a_last_batch_of_one_picture_can_be_left_out():
    assert [len(y) for _, y in make(rows=np.arange(17), drop_last="single")] == [8, 8]
    assert [len(y) for _, y in make(rows=np.arange(18), drop_last="single")] == [8, 8, 2]
    copies = np.where(LABELS == 0, 1.0, 0.0)
    with_copy = make(rows=np.arange(16), drop_last="single", copies=copies, augment=LIGHT)
    assert [len(y) for _, y in with_copy] == [8, 8]


@pytest.mark.parametrize("augment", [None, build(())])
def test_pictures_grow_from_epoch_to_epoch_as_pillow_would_reduce_them(augment):
    batches = make(sizes=[4, 6, 8], augment=augment)
    for side in (4, 6, 8, 8):
        x, _ = next(iter(batches))
        pictures = [Image.fromarray(image.transpose(1, 2, 0)) for image in IMAGES[:8]]
        reduced = [np.asarray(each.resize((side, side), Image.Resampling.BILINEAR)) for each in pictures]
        expected = torch.from_numpy(np.stack(reduced)).permute(0, 3, 1, 2) / 255
        torch.testing.assert_close(x, normalize(expected, MEAN, STD), rtol=0, atol=1.1 / 255 / min(STD))
    assert batches.new(shuffle=False).sizes is None


def test_labels_have_as_many_columns_as_they_were_given():
    labels = np.stack([LABELS, -LABELS], axis=1)
    _, y = make(labels=labels).one_batch()
    assert y.tolist() == [[row, -row] for row in range(8)]


def test_rows_may_be_marks():
    assert labels_of(make(rows=LABELS >= 45)) == [45, 46, 47, 48, 49]


@pytest.mark.parametrize(
    "settings, said",
    [
        (dict(rows=[]), "this part has no rows"),
        (dict(rows=[3, 50]), "no row 50; the table has rows 0 to 49"),
        (dict(rows=[3, -1]), "no row -1"),
        (dict(rows=np.ones(9, bool)), "9 marks for 50 pictures"),
        (dict(labels=LABELS[:9]), "9 labels for 50 pictures"),
        (dict(batch_size=0), "batch_size .* not 0"),
        (dict(batch_size=64, drop_last=True), "50 rows do not fill one batch of 64"),
        (dict(sampler_weights=np.ones(9)), "9 sampler weights for 50 pictures"),
        (dict(sampler_weights=np.zeros(50)), "not all zero"),
        (dict(sampler_weights=np.full(50, np.nan)), "finite"),
        (dict(copies=np.ones(9), augment=LIGHT), "9 numbers of copies for 50 pictures"),
        (dict(copies=np.full(50, -1.0), augment=LIGHT), "finite and not negative"),
        (dict(copies=np.ones(50)), "give augment"),
        (dict(sizes=[4, 9]), "from 1 to the pictures' 8"),
        (dict(copies=np.ones(50), augment=LIGHT, sampler_weights=np.ones(50)), "not by both"),
    ],
)
def test_what_makes_no_batches_is_said(settings, said):
    with pytest.raises(ValueError, match=said):
        make(**settings)


def test_fastai_trains_searches_a_rate_and_predicts_with_batches():
    import fastai.callback.all  # noqa: F401 - adds lr_find and fit_one_cycle to the Learner
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner

    torch.manual_seed(0)
    age = IMAGES.mean((1, 2, 3))
    age = (age - age.mean()) / age.std()
    train = make(rows=np.arange(40), labels=age, shuffle=True, drop_last=True)
    valid = make(rows=np.arange(40, 50), labels=age, batch_size=4)
    loaders = DataLoaders(train, valid)
    assert str(loaders.device) == "cpu"
    assert len(loaders.train_ds) == 40
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 1))
    learner = Learner(loaders, network, loss_func=torch.nn.MSELoss())
    with learner.no_bar(), learner.no_logging():
        learner.lr_find(num_it=7, show_plot=False)
        learner.fit_one_cycle(12, 1e-2)
        losses = [row[0] for row in learner.recorder.values]
        assert losses[-1] < 0.5 * losses[0]
        predicted, labels = learner.get_preds(ds_idx=1)
        assert labels[:, 0].tolist() == age[40:].astype(np.float32).tolist()
        torch.testing.assert_close(predicted, network.eval()(torch.cat([x for x, _ in valid])).detach())
        _, labels = learner.get_preds(ds_idx=0)
        assert labels[:, 0].tolist() == age[:40].astype(np.float32).tolist()


def test_a_copy_for_predicting_has_nothing_random():
    for balance in ({"sampler_weights": LABELS}, {"copies": LABELS}):
        random = make(shuffle=True, drop_last=True, augment=build(("flip",)), **balance)
        assert_equal(list(random.new(shuffle=False, drop_last=False)), list(make()))
        assert random.new(batch_size=4).augment is random.augment


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gets_the_same_batches():
    settings = dict(shuffle=True, augment=build(("flip", "light")))
    for (x, y), (expected, labels) in zip(make(device="cuda", **settings), make(**settings), strict=True):
        assert x.is_cuda
        torch.testing.assert_close(x.cpu(), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(y.cpu(), labels)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how a map is read")
@pytest.mark.parametrize(
    ("free", "shuffle", "is_read_ahead"), [(10**6, True, True), (100, True, False), (100, False, True)]
)
def test_a_map_larger_than_free_memory_is_not_read_ahead_when_shuffled(
    tmp_path, monkeypatch, free, shuffle, is_read_ahead
):
    import psutil

    class Memory(NamedTuple):
        available: int

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(free))
    np.save(tmp_path / "images.npy", IMAGES)
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    batches = make(images=images, shuffle=shuffle)
    assert sorted(labels_of(batches)) == list(range(50))
    mapping = Path("/proc/self/smaps").read_text().partition(str(tmp_path / "images.npy"))[2]
    flags = mapping.partition("VmFlags:")[2].partition("\n")[0].split()
    assert ("rr" not in flags) == is_read_ahead
