"""Duplicates: copies are found, different pictures of one person are not, and contradicting labels are named."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import pearsonr

from agelib import drawn
from agelib.data import duplicates, sources
from agelib.data.table import table
from agelib.pixels import cache

#: What may happen to a picture that is saved again: name → function of a Pillow picture to a file's bytes.
COPIES = {
    "re-encoded": lambda picture: save(picture, quality=60),
    "smaller": lambda picture: save(picture.resize((100, 100), Image.Resampling.LANCZOS)),
    "larger": lambda picture: save(picture.resize((200, 200), Image.Resampling.BICUBIC)),
    "brightened": lambda picture: save(picture.point(lambda value: min(255, value + 12))),
    "grey": lambda picture: save(picture.convert("L")),
    "another format": lambda picture: save(picture, kind="PNG"),
}


def save(picture: Image.Image, kind: str = "JPEG", quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, quality=quality)
    return buffer.getvalue()


def find(root, files: list[str], ages=30, **options) -> pd.DataFrame:
    ages = np.broadcast_to(ages, len(files))
    return duplicates.find(table(path=files, age=ages), root, progress=False, **options)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Six pictures each of eight people, and the same again as bytes."""
    root = tmp_path_factory.mktemp("people")
    images = drawn.draw_faces(np.repeat(np.arange(8), 6), np.tile([30, 30, 31, 40, 55, 70], 8), size=128)
    names = [f"{number}.jpg" for number in range(len(images))]
    for name, image in zip(names, images, strict=True):
        (root / name).write_bytes(save(Image.fromarray(image)))
    return root, names


def test_every_file_copied_byte_for_byte_is_found(people):
    root, names = people
    copies = [f"copy-{name}" for name in names[::3]]
    for copy, name in zip(copies, names[::3], strict=True):
        (root / copy).write_bytes((root / name).read_bytes())
    found = find(root, names + copies)
    groups = found["exact_group"].to_numpy()
    assert groups[len(names) :].tolist() == groups[: len(names) : 3].tolist() == list(range(len(copies)))
    assert (np.delete(groups[: len(names)], np.s_[::3]) == -1).all()
    assert found["content_key"].nunique() == len(names)


def test_different_pictures_of_one_person_are_no_duplicates(people):
    root, names = people
    found = find(root, names)
    assert (found[["exact_group", "near_group"]] == -1).all(axis=None)
    assert not found["contradicts"].any()


@pytest.mark.parametrize("change", COPIES)
def test_a_picture_saved_again_is_found(people, change):
    root, names = people
    copies = [f"{change}-{name}" for name in names[:12]]
    for copy, name in zip(copies, names, strict=False):
        (root / copy).write_bytes(COPIES[change](Image.open(root / name)))
    found = find(root, names + copies)
    assert (found["exact_group"] == -1).all()
    groups = found["near_group"].to_numpy()
    assert groups[len(names) :].tolist() == groups[:12].tolist() == list(range(12))
    assert (groups[12 : len(names)] == -1).all()


def test_a_near_group_holds_the_exact_copies_too(people):
    root, names = people
    (root / "same.jpg").write_bytes((root / names[0]).read_bytes())
    (root / "again.jpg").write_bytes(COPIES["smaller"](Image.open(root / names[0])))
    found = find(root, [names[0], names[1], "again.jpg", "same.jpg"])
    assert found["near_group"].tolist() == [0, -1, 0, 0]
    assert found["exact_group"].tolist() == [0, -1, -1, 0]


def test_pairs_are_those_whose_pixels_correlate(people):
    root, names = people
    (root / "again.jpg").write_bytes(COPIES["re-encoded"](Image.open(root / names[5])))
    images = cache.decode(table(path=[*names, "again.jpg"]), root, 32, grey=True, progress=False).images
    images = np.asarray(images)[:, 0]
    pairs = duplicates.near_pairs(images, duplicates.perceptual_hashes(images))
    assert pairs.tolist() == [[5, len(names)]]
    assert pearsonr(images[5].ravel(), images[-1].ravel()).statistic > 0.99


def test_no_pair_is_missed_however_pictures_are_sorted_and_cut_into_blocks(monkeypatch):
    """Against a comparison of all with all, in numpy's own words."""
    generator = np.random.default_rng(3)
    coarse = generator.integers(0, 256, (150, 6, 6)).repeat(6, axis=1).repeat(6, axis=2)[:, :32, :32]
    # Copies from hardly to much changed, so that pairs lie on both sides of the threshold; and plain greys.
    noise = generator.normal(0, 1, (450, 32, 32)) * generator.uniform(0, 45, (450, 1, 1))
    images = np.concatenate([coarse, np.tile(coarse, (3, 1, 1)) + noise]).clip(0, 255).astype(np.uint8)
    images = np.concatenate([images, np.full((5, 32, 32), 90, np.uint8)])[generator.permutation(605)]
    hashes = duplicates.perceptual_hashes(images)
    bits = np.bitwise_count(hashes[:, None] ^ hashes[None])
    with np.errstate(invalid="ignore"):
        correlations = np.corrcoef(images.reshape(len(images), -1))
    alike = (bits <= duplicates.MAX_BITS) & (correlations >= duplicates.MIN_CORRELATION)
    expected = np.argwhere(np.triu(alike, 1))
    assert len(expected) > 200
    # Pictures that are alike to the hash are told apart by their pixels.
    assert ((bits <= duplicates.MAX_BITS) & (correlations < duplicates.MIN_CORRELATION)).any()
    for block, others in [(64, 8192), (7, 50)]:
        monkeypatch.setattr(duplicates, "BLOCK", block)
        monkeypatch.setattr(duplicates, "OTHERS", others)
        monkeypatch.setattr(duplicates, "PICTURES_AT_A_TIME", block)
        np.testing.assert_array_equal(duplicates.near_pairs(images, hashes), expected)
        np.testing.assert_array_equal(duplicates.perceptual_hashes(images), hashes)


def test_files_that_are_no_pictures_are_grouped_by_content_alone(tmp_path):
    picture = save(Image.fromarray(drawn.draw_faces([1], 30, size=64)[0]))
    files = {
        "face.jpg": picture,
        "torn.jpg": picture[: len(picture) // 3],
        "text.jpg": b"Dear reader",
        "text again.jpg": b"Dear reader",
        "nothing.jpg": b"",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.jpg").mkdir()
    found = find(tmp_path, [*files, "folder.jpg", "missing.jpg"])
    assert found["readable"].tolist() == [True] + 6 * [False]
    assert found["exact_group"].tolist() == [-1, -1, 0, 0, -1, -1, -1]
    assert (found["near_group"] == -1).all()
    assert found["content_key"].isna().tolist() == 5 * [False] + 2 * [True]


def test_pictures_of_one_grey_are_not_alike(tmp_path):
    for grey in (0, 100, 101, 255):
        Image.new("L", (64, 64), grey).save(tmp_path / f"{grey}.png")
    found = find(tmp_path, ["0.png", "100.png", "101.png", "255.png"])
    assert (found["near_group"] == -1).all()


@pytest.mark.parametrize(
    ("ages", "tolerance", "contradicts"),
    [([30, 30, 5], 0, False), ([30, 31, 5], 0, True), ([30, 31, 5], 1, False), ([30, np.nan, 5], 0, False)],
)
def test_ages_that_differ_in_a_group_contradict_each_other(tmp_path, ages, tolerance, contradicts):
    for name, content in [("a", b"one"), ("b", b"one"), ("c", b"other")]:
        (tmp_path / name).write_bytes(content)
    found = find(tmp_path, ["a", "b", "c"], ages, tolerance=tolerance, near=False)
    assert found["contradicts"].tolist() == [contradicts, contradicts, False]


def test_the_index_of_the_table_is_kept(people):
    root, names = people
    faces = table(path=names[:3], age=30).set_axis([7, 3, 5])
    assert duplicates.find(faces, root, progress=False).index.tolist() == [7, 3, 5]


def test_without_near_duplicates_no_picture_is_decoded(people, monkeypatch):
    root, names = people
    monkeypatch.setattr(cache, "decode", lambda *a, **k: pytest.fail("decoded"))
    found = find(root, [*names, "missing.jpg"], near=False)
    assert found["readable"].tolist() == len(names) * [True] + [False]
    assert (found["near_group"] == -1).all()


def test_a_table_without_rows_and_a_missing_folder_are_said(tmp_path):
    with pytest.raises(ValueError, match="no rows"):
        duplicates.find(table(path=["a"], age=1)[:0], tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere \(first picture: a\)"):
        find(tmp_path / "nowhere", ["a"])


def test_utkfaces_exact_duplicates_are_those_counted_before(real_data):
    collection = sources.read("utkface", real_data / "utkface" / "UTKFace.tar.gz")
    found = duplicates.find(collection.faces, collection.root, near=False, progress=False)
    inside = found[found["exact_group"] >= 0]
    assert inside["exact_group"].nunique() == 336
    assert len(inside) == 685
    assert inside.loc[inside["contradicts"], "exact_group"].nunique() == 185
