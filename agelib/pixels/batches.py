"""Batches straight from the memory map: gathered as bytes, made floats, augmented and normalised on the device.

A stock data loader hands out pictures one by one and collates them; when they lie decoded in one array, a batch is
one gather. What a batch holds depends on the seed and the epoch's number alone, so a training that is resumed at the
start of an epoch sees what it would have seen. Memory holds one batch (and those that are prepared ahead), however
large the map is. Explained in chapter 04.
"""

import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F


class Batches:
    """Batches of pictures and labels, to iterate over again and again; also stands in for a fastai ``DataLoader``.

    Parameters
    ----------
    pixels : agelib.pixels.cache.Pixels or array of uint8 [N, C, S, S]
        All decoded pictures; C is 3 or 1.
    rows : array of int or bool
        Which pictures belong to these batches: a part of the split.
    labels : array [N, L]
        Labels of **all** pictures, in the order of the table, whichever rows are used; [N] counts as [N, 1].
    batch_size, device : int, str or torch.device
        Pictures a batch, and where the batches are delivered.
    mean, std : array of float [3]
        What to normalise by, from :func:`agelib.pixels.statistics.statistics` of the training part.
    shuffle, seed : bool, int
        Another order in each epoch, else the order of `rows`; seed and epoch decide order and changes.
    augment : agelib.pixels.augment.Augment, optional
        Random changes; for training only.
    drop_last : bool or "single"
        Leave out a last batch that is not full; "single": only if it is one picture, which has no variance, so that
        batch norm cannot train on it.
    sampler_weights : array of float [N], optional
        Draw as many rows as there are, with replacement, in proportion to these: a weighted sampler. Like `labels`,
        one for each picture of the table.
    copies : array of float [N], optional
        How many changed copies an epoch shows beside each picture of the table, on average
        (:func:`agelib.training.balance.copies`). Only the copies go through `augment` then.
    prefetch : int, optional
        How many batches a second thread prepares ahead; by default 2 for a GPU and 0 for a CPU.
    sizes : sequence of int, optional
        Side that training pictures are reduced to, in pixels, for each epoch; the last holds for all after it.
    share : (int, int)
        Which of several processes this is, and how many there are: x then holds this process's pictures of each batch
        (:func:`part`), changed as they would be in one process, and y still the labels of all.

    Raises
    ------
    ValueError
        If there are no rows, a row is not in the table, labels, weights or copies are not one for each picture, all
        weights are zero, no batch would be full, or copies are asked for without changes or beside weights.

    Examples
    --------
    >>> images = np.zeros((10, 3, 8, 8), np.uint8)
    >>> batches = Batches(images, np.arange(10), np.arange(10.0), 4, mean=[0.5] * 3, std=[0.5] * 3)
    >>> [(list(x.shape), y.ravel().tolist()) for x, y in batches]
    [([4, 3, 8, 8], [0.0, 1.0, 2.0, 3.0]), ([4, 3, 8, 8], [4.0, 5.0, 6.0, 7.0]), ([2, 3, 8, 8], [8.0, 9.0])]
    """

    #: How many of a batch's parts go into the network; fastai asks.
    n_inp = 1

    def __init__(
        self,
        pixels,
        rows,
        labels,
        batch_size: int,
        mean,
        std,
        device="cpu",
        shuffle: bool = False,
        augment=None,
        seed: int = 42,
        drop_last: bool | str = False,
        sampler_weights=None,
        copies=None,
        prefetch: int | None = None,
        sizes: Sequence[int] | None = None,
        share: tuple[int, int] = (0, 1),
    ):
        self.images = getattr(pixels, "images", pixels)
        number = len(self.images)
        self.rows = _check_rows(np.asarray(rows), number)
        labels = np.asarray(labels, np.float32)
        self.labels = torch.from_numpy(labels.reshape(len(labels), -1).copy())
        self._check_one_each("labels", len(self.labels))
        self.batch_size = self.bs = int(batch_size)
        if self.batch_size < 1:
            raise ValueError(f"batches: batch_size is a number of pictures above 0, not {batch_size}")
        self.drop_last = drop_last
        self.shuffle, self.augment, self.seed, self.prefetch = shuffle, augment, int(seed), prefetch
        self.sampler_weights, self.copies, self.share = sampler_weights, copies, share
        self.sizes = None if sizes is None else self._check_sizes(sizes)
        self._chances = None if sampler_weights is None else self._check_weights(sampler_weights)
        self._expected = None if copies is None else self._check_copies(copies)
        #: Pictures an epoch shows.
        self.shown = len(self.rows) + (0 if copies is None else round(self._expected.sum()))
        if len(self) == 0:
            raise ValueError(
                f"batches: {len(self.rows)} rows do not fill one batch of {batch_size}; take a smaller batch_size,"
                " more pictures, or drop_last=False"
            )
        self.mean, self.std = np.asarray(mean, np.float32), np.asarray(std, np.float32)
        self.epoch = 0
        if shuffle:
            expect_shuffled(self.images)
        self.to(device)

    def _check_one_each(self, what: str, count: int) -> None:
        if count != len(self.images):
            raise ValueError(
                f"batches: {count} {what} for {len(self.images)} pictures; give one for each picture of the table,"
                " not only for the rows of this part"
            )

    def _check_weights(self, weights) -> np.ndarray:
        weights = np.asarray(weights, np.float64)
        self._check_one_each("sampler weights", len(weights))
        mine = weights[self.rows]
        if not (np.isfinite(mine).all() and (mine >= 0).all() and mine.sum() > 0):
            raise ValueError("batches: sampler weights are finite, not negative, and not all zero")
        return mine / mine.sum()

    def _check_copies(self, copies) -> np.ndarray:
        copies = np.asarray(copies, np.float64)
        self._check_one_each("numbers of copies", len(copies))
        mine = copies[self.rows]
        if not (np.isfinite(mine).all() and (mine >= 0).all()):
            raise ValueError("batches: numbers of copies are finite and not negative")
        if self.augment is None:
            raise ValueError(
                "batches: copies that are not changed teach nothing new; give augment, such as "
                "augmentation=flip,affine, or balance with a sampler instead"
            )
        if self._chances is not None:
            raise ValueError("batches: balance by sampler_weights or by copies, not by both at once")
        return mine

    def _check_sizes(self, sizes) -> tuple[int, ...]:
        sizes, side = tuple(int(size) for size in sizes), self.images.shape[-1]
        if not sizes or min(sizes) < 1 or max(sizes) > side:
            raise ValueError(f"batches: sizes are numbers of pixels from 1 to the pictures' {side}, not {sizes}")
        return sizes

    def __len__(self) -> int:
        full, rest = divmod(self.shown, self.batch_size)
        is_kept = rest > 1 if self.drop_last == "single" else rest and not self.drop_last
        return full + bool(is_kept)

    def __iter__(self):
        """Yield (x float32 [B, 3, S, S], y float32 [B, L]); afterwards it is the next epoch's turn."""
        epoch, self.epoch = self.epoch, self.epoch + 1
        order = self._order(epoch)
        ahead = (2 if self.device.type == "cuda" else 0) if self.prefetch is None else self.prefetch
        if not ahead:
            yield from (self._batch(order, epoch, index) for index in range(len(self)))
            return
        with ThreadPoolExecutor(1, "batches") as thread:
            waiting = deque()
            for index in range(len(self)):
                waiting.append(thread.submit(self._batch, order, epoch, index))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def order(self, epoch: int) -> np.ndarray:
        """Rows of the table in the order of an epoch: int [:attr:`shown`]."""
        return self._order(epoch)[0]

    def _order(self, epoch: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Rows in the order of an epoch, and which of them are changed: bool of that shape, or None for all."""
        generator = np.random.default_rng([self.seed, epoch])
        if self._chances is not None:
            return generator.choice(self.rows, len(self.rows), p=self._chances), None
        if self._expected is None:
            return (generator.permutation(self.rows) if self.shuffle else self.rows), None
        rows = np.concatenate([self.rows, self._draw_copies(generator)])
        is_copy = np.arange(self.shown) >= len(self.rows)
        mixed = generator.permutation(self.shown) if self.shuffle else slice(None)
        return rows[mixed], is_copy[mixed]

    def _draw_copies(self, generator) -> np.ndarray:
        """Rows to copy in an epoch, as many in each.

        Systematic sampling: the rows lie side by side in a random order, each as long as the copies expected of it,
        and evenly spaced marks pick them. So a row that expects 2.3 copies gets 2 or 3, and 2.3 on average.
        """
        number = self.shown - len(self.rows)
        mixed = generator.permutation(len(self.rows))
        ends = np.cumsum(self._expected[mixed])
        marks = (np.arange(number) + generator.random()) * (ends[-1] / max(number, 1))
        places = np.minimum(np.searchsorted(ends, marks, side="right"), len(mixed) - 1)
        return self.rows[mixed[places]]

    def _batch(self, order: tuple, epoch: int, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        mine = slice(index * self.batch_size, (index + 1) * self.batch_size)
        rows, changed = order[0][mine], None if order[1] is None else order[1][mine]
        shown = part(len(rows), self.share)
        x = torch.from_numpy(np.asarray(self.images[rows[shown]]))  # uint8 [B, C, S, S]
        y = self.labels[torch.from_numpy(rows)]  # [B, L]
        if self.device.type == "cuda":
            x, y = x.pin_memory(), y.pin_memory()
        x, y = x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True)
        if self.augment is not None:
            entropy = np.random.SeedSequence([self.seed, epoch, index]).generate_state(1, np.uint64)[0]
            generator = torch.Generator().manual_seed(int(entropy) >> 1)
            x = self._reduce(x.float().div_(255), epoch)
            if changed is None:
                x = self._change(x, generator, len(rows), shown)
            elif changed[shown].any():
                places = torch.from_numpy(np.flatnonzero(changed[shown])).to(self.device)
                among = torch.from_numpy(np.cumsum(changed)[shown][changed[shown]] - 1)
                x = x.index_copy(0, places, self._change(x[places], generator, changed.sum(), among))
            return (x - self._mean) / self._std, y
        # (x / 255 − mean) / std, two multiplications shorter; a single channel becomes three here.
        x = self._reduce(x.expand(-1, 3, -1, -1).float(), epoch)
        return x.mul_(self._scale).sub_(self._offset), y

    def _reduce(self, x, epoch: int):
        """Pictures of the size that an epoch has."""
        side = self.sizes[min(epoch, len(self.sizes) - 1)] if self.sizes else x.shape[-1]
        if side == x.shape[-1]:
            return x
        return F.interpolate(x, size=(side, side), mode="bilinear", antialias=True, align_corners=False)

    def _change(self, x, generator, count: int, among):
        """Augment x, which are the pictures `among` the `count` that random numbers are drawn for."""
        if self.share[1] == 1:
            return self.augment(x, generator)
        return self.augment(x, generator, int(count), among)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next iteration is."""
        self.epoch = int(epoch)

    def one_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The first batch of the epoch whose turn it is; the turn does not pass."""
        return self._batch(self._order(self.epoch), self.epoch, 0)

    def to(self, device) -> "Batches":
        """Deliver to `device` from now on."""
        self.device = torch.device(device)
        # A channel that never varies would be divided by zero; one grey level is the least that can be told apart.
        std = torch.from_numpy(self.std).clamp(min=1 / 255).view(1, 3, 1, 1)
        mean = torch.from_numpy(self.mean).view(1, 3, 1, 1)
        self._mean, self._std = mean.to(self.device), std.to(self.device)
        self._scale, self._offset = (1 / (255 * std)).to(self.device), (mean / std).to(self.device)
        return self

    def new(self, **changes) -> "Batches":
        """A copy with other settings.

        fastai asks for ``new(shuffle=False, drop_last=False)`` when it predicts: a copy that does not shuffle does not
        change or draw pictures at random either, unless told to.
        """
        if changes.get("shuffle") is False:
            changes = {"augment": None, "sampler_weights": None, "copies": None, "sizes": None} | changes
        names = "rows labels batch_size mean std device shuffle augment seed drop_last sampler_weights copies prefetch"
        settings = {name: getattr(self, name) for name in [*names.split(), "sizes", "share"]}
        return type(self)(self.images, **(settings | changes))

    @property
    def dataset(self) -> np.ndarray:
        """The rows: what fastai counts."""
        return self.rows


def growing(first: int, last: int, epochs: int) -> tuple[int, ...]:
    """Sides of the pictures in each epoch: from `first` in steps of eight pixels to `last`, for the last quarter.

    >>> growing(32, 64, 8)
    (32, 40, 40, 48, 56, 56, 64, 64)
    >>> growing(0, 64, 3)
    (64, 64, 64)
    """
    steps = max(1, math.ceil(0.75 * epochs))
    sides = (first + (last - first) * epoch / steps for epoch in range(epochs))
    return tuple(last if not first else min(last, first + 8 * round((side - first) / 8)) for side in sides)


def part(count: int, share: tuple[int, int]) -> slice:
    """Which pictures of a batch of `count` are those of process r of n: r, r + n, r + 2 n …

    A batch of fewer pictures than processes is not shared: each has all of it.

    >>> [list(range(7))[part(7, (number, 3))] for number in range(3)]
    [[0, 3, 6], [1, 4], [2, 5]]
    >>> part(2, (1, 3))
    slice(0, None, 1)
    """
    number, processes = share
    return slice(number, None, processes) if processes <= count else slice(0, None, 1)


def _check_rows(rows: np.ndarray, number: int) -> np.ndarray:
    if rows.dtype == bool:
        if len(rows) != number:
            raise ValueError(f"batches: {len(rows)} marks for {number} pictures; mark each picture of the table")
        rows = np.flatnonzero(rows)
    if not len(rows):
        raise ValueError("batches: this part has no rows; look at the split, or take more pictures")
    if rows.min() < 0 or rows.max() >= number:
        worst = rows.max() if rows.max() >= number else rows.min()
        raise ValueError(f"batches: there is no row {worst}; the table has rows 0 to {number - 1}")
    return rows.astype(np.int64)


def expect_shuffled(images) -> None:
    """Prepare a memory map that is larger than free memory for being read in a shuffled order.

    The system reads ahead: with one picture of 12 KB comes a quarter of a megabyte around it. That is well while
    everything finds room, as what comes along is wanted later, and no second epoch reads the disk. A map that does not
    find room would be read twenty times over in every epoch; for such a one reading ahead is switched off.
    """
    import mmap

    import psutil

    mapped = getattr(images, "_mmap", None)
    if mapped is None or not hasattr(mmap, "MADV_RANDOM"):  # in memory already, or on Windows
        return
    if images.nbytes > psutil.virtual_memory().available:
        mapped.madvise(mmap.MADV_RANDOM)
